/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The sides of a U-Net: which inputs fit, what comes out, how far a pixel sees.
 *
 * Unpadded, depth 4, transposed up-convolution: each block of two 3x3 convolutions takes 4 pixels,
 * each pooling wants an even side.  572 -> 568 |284 -> 280 |140 -> 136 |68 -> 64 |32 -> 28 |56 ->
 * 52 |104 -> 100 |200 -> 196 |392 -> 388.  Going through the sides one by one (walk()) says all
 * there is to know, so there is no second formula that could disagree with the graph.
 */
#include "net/graph.h"

#include <math.h>

unet_spec un_spec_default(void)
{
    return (unet_spec){
        .in_channels = 1, .classes = 2, .width = 64, .depth = 4, .leaky_slope = 0.1f};
}

static unet_code out_of_range(unet_error *err, const char *what, double found, double low,
                              double high)
{
    return un_fail(err, UNET_EINVAL, "%s is %g, wanted %g to %g", what, found, low, high);
}

unet_code un_spec_check(const unet_spec *spec, unet_error *err)
{
    const struct {
        const char *name;
        int value, low, high;
    } ints[] = {
        {"in_channels", spec->in_channels, 1, 64},
        {"classes", spec->classes, 1, UNET_MAX_CLASSES},
        {"width", spec->width, 1, 1024},
        {"depth", spec->depth, 1, UN_MAX_DEPTH},
        {"padding", (int)spec->padding, 0, UNET_PADDING_SAME},
        {"norm", (int)spec->norm, 0, UNET_NORM_BATCH},
        {"up", (int)spec->up, 0, UNET_UP_BILINEAR},
        {"act", (int)spec->act, 0, UNET_ACT_LEAKY_RELU},
    };
    for (size_t i = 0; i < sizeof ints / sizeof *ints; i++)
        if (ints[i].value < ints[i].low || ints[i].value > ints[i].high)
            return out_of_range(err, ints[i].name, ints[i].value, ints[i].low, ints[i].high);
    if (spec->act == UNET_ACT_LEAKY_RELU && !(spec->leaky_slope > 0 && spec->leaky_slope < 1))
        return un_fail(err, UNET_EINVAL, "leaky_slope is %g, wanted between 0 and 1",
                       (double)spec->leaky_slope);
    if (!(spec->dropout >= 0 && spec->dropout < 1))
        return un_fail(err, UNET_EINVAL, "dropout is %g, wanted at least 0 and less than 1",
                       (double)spec->dropout);
    return UNET_OK;
}

/* The output side for an input side, 0 when the input does not fit. */
static int walk(const unet_spec *spec, int side)
{
    bool valid = spec->padding == UNET_PADDING_VALID;
    int block = valid ? 4 : 0;
    int trim = valid && spec->up == UNET_UP_BILINEAR ? 2 : 0;
    int s = side;
    for (int d = 0; d < spec->depth; d++) {
        s -= block;
        if (s < 2 || (valid && s % 2))
            return 0;
        s /= 2;
    }
    s -= block;
    if (s < 1)
        return 0;
    for (int d = 0; d < spec->depth; d++) {
        s = 2 * s - trim - block;
        if (s < 1)
            return 0;
    }
    return valid ? s : side;
}

int un_fit_input(const unet_spec *spec, int side)
{
    while (!walk(spec, side))
        side++;
    return side;
}

int un_fit_output(const unet_spec *spec, int side, int *input)
{
    struct un_geometry g = un_geometry(spec);
    *input = un_fit_input(spec, side + (g.valid ? 2 * g.border : 0));
    return walk(spec, *input);
}

/*
 * How far left of output position 0 the input matters: follow the leftmost position that is read
 * down the decoder and back up the encoder.  A skip connection reaches less far than the way
 * through the level below, so it need not be followed.
 */
static int reach(const unet_spec *spec)
{
    int left = 0;
    for (int d = 0; d < spec->depth; d++) {
        left -= 2; /* two 3x3 convolutions */
        if (spec->up == UNET_UP_BILINEAR)
            left -= 1;             /* the other neighbour that is interpolated with */
        left = -((-left + 1) / 2); /* floor(left / 2) */
    }
    left -= 2;
    for (int d = 0; d < spec->depth; d++)
        left = 2 * left - 2;
    return -left;
}

struct un_geometry un_geometry(const unet_spec *spec)
{
    struct un_geometry g = {.grid = 1 << spec->depth, .valid = spec->padding == UNET_PADDING_VALID};
    if (g.valid) {
        int smallest = un_fit_input(spec, 1);
        g.border = (smallest - walk(spec, smallest)) / 2;
    } else {
        g.border = (reach(spec) + g.grid - 1) / g.grid * g.grid;
    }
    return g;
}
