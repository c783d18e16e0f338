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

static int either(int set, int usual)
{
    return set ? set : usual;
}

int un_spec_enc(const unet_spec *spec, int level, int i)
{
    return either(spec->channels.enc[level][i], spec->width << level);
}

int un_spec_dec(const unet_spec *spec, int level, int i)
{
    return either(spec->channels.dec[level][i], un_spec_enc(spec, level, i));
}

int un_spec_convs(const unet_spec *spec)
{
    return either(spec->convs, 2);
}

/* The channels of the value that comes from below to level's up-convolution. */
static int below(const unet_spec *spec, int level)
{
    int last = un_spec_convs(spec) - 1;
    return level == spec->depth - 1 ? un_spec_enc(spec, spec->depth, last)
                                    : un_spec_dec(spec, level + 1, last);
}

int un_spec_up(const unet_spec *spec, int level)
{
    if (spec->up != UNET_UP_TRANSPOSE && spec->up_conv == UNET_UP_NO_CONV)
        return below(spec, level);
    return either(spec->channels.up[level], un_spec_enc(spec, level, un_spec_convs(spec) - 1));
}

float un_spec_epsilon(const unet_spec *spec)
{
    return spec->norm_epsilon > 0 ? spec->norm_epsilon : 1e-5f;
}

bool un_spec_local(const unet_spec *spec)
{
    return spec->norm != UNET_NORM_INSTANCE && spec->norm != UNET_NORM_GROUP &&
           !spec->align_corners;
}

/* One number of channels: in range, and fit for group norm when a norm follows. */
static unet_code check_channels(const unet_spec *spec, const char *what, int level, int set,
                                int used, bool normed, unet_error *err)
{
    enum { MOST = 65536 };
    if (set < 0 || used > MOST)
        return un_fail(err, UNET_EINVAL, "channels.%s of level %d is %d, wanted 0 to %d", what,
                       level, set < 0 ? set : used, MOST);
    if (normed && spec->norm == UNET_NORM_GROUP && used % spec->groups)
        return un_fail(err, UNET_EINVAL,
                       "groups is %d, which does not divide the %d channels of "
                       "level %d",
                       spec->groups, used, level);
    return UNET_OK;
}

static unet_code check_all_channels(const unet_spec *spec, unet_error *err)
{
    const unet_channels *set = &spec->channels;
    unet_code code = UNET_OK;
    for (int d = 0; d <= spec->depth && !code; d++)
        for (int i = 0; i < un_spec_convs(spec) && !code; i++) {
            code =
                check_channels(spec, "enc", d, set->enc[d][i], un_spec_enc(spec, d, i), true, err);
            if (!code && d < spec->depth)
                code = check_channels(spec, "dec", d, set->dec[d][i], un_spec_dec(spec, d, i), true,
                                      err);
        }
    for (int d = 0; d < spec->depth && !code; d++)
        code = check_channels(spec, "up", d, set->up[d], un_spec_up(spec, d), spec->up_norm, err);
    return code;
}

/* Fields that are each in range, but say different things. */
static unet_code check_together(const unet_spec *spec, unet_error *err)
{
    const bool doubled = spec->up != UNET_UP_TRANSPOSE;
    if (spec->align_corners && (spec->up != UNET_UP_BILINEAR || spec->padding != UNET_PADDING_SAME))
        return un_fail(err, UNET_EINVAL,
                       "align_corners is 1, wanted only with bilinear doubling and same padding");
    if (!doubled && spec->up_conv != UNET_UP_CONV1X1)
        return un_fail(err, UNET_EINVAL, "up_conv is %d, wanted 0 with a transposed convolution",
                       (int)spec->up_conv);
    if (doubled && spec->up_conv == UNET_UP_NO_CONV && (spec->up_norm || spec->up_act))
        return un_fail(err, UNET_EINVAL,
                       "up_norm or up_act is 1, but no convolution follows the doubling");
    if (spec->up_norm && spec->norm == UNET_NORM_NONE)
        return un_fail(err, UNET_EINVAL, "up_norm is 1, but norm is none");
    if (spec->norm == UNET_NORM_GROUP && spec->groups < 1)
        return un_fail(err, UNET_EINVAL, "groups is %d, wanted at least 1 with group norm",
                       spec->groups);
    return UNET_OK;
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
        {"norm", (int)spec->norm, 0, UNET_NORM_GROUP},
        {"up", (int)spec->up, 0, UNET_UP_NEAREST},
        {"act", (int)spec->act, 0, UNET_ACT_LEAKY_RELU},
        {"convs", spec->convs, 0, 2},
        {"single_act", spec->single_act, 0, 1},
        {"groups", spec->groups, 0, 65536},
        {"norm_order", (int)spec->norm_order, 0, UNET_ACT_FIRST},
        {"bias", (int)spec->bias, 0, UNET_BIAS_NEVER},
        {"concat", (int)spec->concat, 0, UNET_CONCAT_SKIP_UP},
        {"align_corners", spec->align_corners, 0, 1},
        {"up_conv", (int)spec->up_conv, 0, UNET_UP_NO_CONV},
        {"up_norm", spec->up_norm, 0, 1},
        {"up_act", spec->up_act, 0, 1},
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
    if (!(spec->norm_epsilon >= 0 && spec->norm_epsilon <= 1))
        return out_of_range(err, "norm_epsilon", (double)spec->norm_epsilon, 0, 1);
    unet_code code = check_together(spec, err);
    return code ? code : check_all_channels(spec, err);
}

/* The output side for an input side, 0 when the input does not fit. */
static int walk(const unet_spec *spec, int side)
{
    bool valid = spec->padding == UNET_PADDING_VALID;
    int block = valid ? 2 * un_spec_convs(spec) : 0;
    int trim = 0;
    if (valid && spec->up == UNET_UP_BILINEAR)
        trim += 2;
    if (valid && spec->up != UNET_UP_TRANSPOSE && spec->up_conv == UNET_UP_CONV3X3)
        trim += 2;
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
    const int convs = un_spec_convs(spec);
    int left = 0;
    for (int d = 0; d < spec->depth; d++) {
        left -= convs; /* 3x3 convolutions */
        if (spec->up != UNET_UP_TRANSPOSE && spec->up_conv == UNET_UP_CONV3X3)
            left -= 1;
        if (spec->up == UNET_UP_BILINEAR)
            left -= 1;             /* the other neighbour that is interpolated with */
        left = -((-left + 1) / 2); /* floor(left / 2) */
    }
    left -= convs;
    for (int d = 0; d < spec->depth; d++)
        left = 2 * left - convs;
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
