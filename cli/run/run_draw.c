/* SPDX-License-Identifier: Apache-2.0 */
/*
 * run_draw.c - pictures of a validation image
 *
 * The image is made smaller by the mean of the pixels that fall into one, masks by the pixel in the
 * middle, so a mask's values stay classes.  Overlays are drawn on the small image.
 */
#include "run/run_images.h"
#include "shared/cli.h"
#include "unet_image.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define OPACITY 0.4f /* of what was predicted */
#define DIM 0.5f     /* brightness of the image below errors */

const uint8_t error_colors[ERROR_KINDS][3] = {
    [ERROR_EXTRA] = {86, 180, 233},
    [ERROR_MISSED] = {230, 97, 0},
    [ERROR_MIXED] = {240, 228, 66},
    [ERROR_IGNORED] = {120, 120, 120},
};

/* Everything small: floats [height][width][channels], masks [height][width]. */
struct small {
    unet_image image;
    uint8_t *truth, *predicted, *nothing;
};

static double sample_at(const unet_image *image, size_t at)
{
    switch (image->sample) {
    case UNET_U8:
        return ((const uint8_t *)image->data)[at];
    case UNET_U16:
        return ((const uint16_t *)image->data)[at];
    default:
        return (double)((const float *)image->data)[at];
    }
}

/* The mean of the finite samples of channel c in rows and columns [y0, y1) x [x0, x1). */
static float mean_of(const unet_image *image, int y0, int y1, int x0, int x1, int c)
{
    double sum = 0;
    int count = 0;

    for (int y = y0; y < y1; y++) {
        for (int x = x0; x < x1; x++) {
            size_t pixel = (size_t)y * (size_t)image->width + (size_t)x;
            double v = sample_at(image, pixel * (size_t)image->channels + (size_t)c);

            if (isfinite(v)) {
                sum += v;
                count++;
            }
        }
    }
    return count ? (float)(sum / count) : 0;
}

static int edge(int i, int from, int to)
{
    return (int)((long long)i * from / to);
}

static void shrink(const unet_validated *validated, struct small *small)
{
    const unet_image *from = validated->image;
    unet_image *to = &small->image;
    float *out = to->data;

    for (int y = 0; y < to->height; y++) {
        int y0 = edge(y, from->height, to->height), y1 = edge(y + 1, from->height, to->height);

        for (int x = 0; x < to->width; x++) {
            int x0 = edge(x, from->width, to->width), x1 = edge(x + 1, from->width, to->width);
            size_t i = (size_t)y * (size_t)to->width + (size_t)x;
            size_t middle = (size_t)((y0 + y1) / 2) * (size_t)from->width + (size_t)((x0 + x1) / 2);

            for (int c = 0; c < to->channels; c++)
                *out++ = mean_of(from, y0, y1, x0, x1, c);
            small->truth[i] = validated->truth[middle];
            small->predicted[i] = validated->predicted[middle];
        }
    }
}

static int make_small(const unet_validated *validated, struct small *small)
{
    const unet_image *from = validated->image;
    int longer = from->height > from->width ? from->height : from->width;
    double scale = longer > PICTURE_SIDE ? (double)PICTURE_SIDE / longer : 1;
    size_t pixels;

    small->image = (unet_image){.height = (int)fmax(1, round(from->height * scale)),
                                .width = (int)fmax(1, round(from->width * scale)),
                                .channels = from->channels < 3 ? 1 : 3,
                                .sample = UNET_F32};
    pixels = (size_t)small->image.height * (size_t)small->image.width;
    small->image.data = malloc(pixels * (size_t)small->image.channels * sizeof(float));
    small->truth = calloc(pixels, 3);
    if (!small->image.data || !small->truth)
        return 0;
    small->predicted = small->truth + pixels;
    small->nothing = small->truth + 2 * pixels;
    shrink(validated, small);
    return 1;
}

/* What is wrong with a pixel; ERROR_KINDS: nothing. */
static enum run_error error_of(uint8_t truth, uint8_t predicted)
{
    if (truth == UNET_IGNORE)
        return ERROR_IGNORED;
    if (truth == predicted)
        return ERROR_KINDS;
    return truth == 0 ? ERROR_EXTRA : predicted == 0 ? ERROR_MISSED : ERROR_MIXED;
}

static void paint_errors(const struct small *small, unet_image *picture)
{
    size_t pixels = (size_t)picture->height * (size_t)picture->width;
    uint8_t *rgb = picture->data;

    for (size_t i = 0; i < pixels; i++) {
        enum run_error error = error_of(small->truth[i], small->predicted[i]);

        for (size_t c = 0; c < 3; c++) {
            float dim = DIM * rgb[3 * i + c];

            if (error == ERROR_IGNORED)
                dim = 0.5f * (dim + error_colors[error][c]);
            rgb[3 * i + c] = error < ERROR_IGNORED ? error_colors[error][c] : (uint8_t)dim;
        }
    }
}

/* A mask over a picture that is stretched already. */
static unet_code draw_mask(const unet_image *picture, const uint8_t *mask,
                           const uint8_t (*colors)[3], int labels, float opacity, unet_image *drawn,
                           unet_error *err)
{
    static const float range[2] = {0, 255};

    *drawn = *picture;
    drawn->data = malloc(3 * (size_t)picture->height * (size_t)picture->width);
    if (!drawn->data)
        return set_error(err, UNET_ENOMEM, "not enough memory to draw a mask");
    return unet_overlay_rows(picture, mask, NULL, NULL, colors, labels, opacity, range, drawn->data,
                             err);
}

/* The class above 0 that more than half of the true pixels have; 0: none. */
static int largest_part(const struct small *small)
{
    size_t pixels = (size_t)small->image.height * (size_t)small->image.width;
    size_t count[256] = {0}, all = 0;

    for (size_t i = 0; i < pixels; i++) {
        count[small->truth[i]]++;
        all += small->truth[i] != UNET_IGNORE;
    }
    for (int k = 1; k < UNET_IGNORE; k++)
        if (2 * count[k] > all)
            return k;
    return 0;
}

/* What is predicted as areas, but the largest class as its outline: its colour would hide the rest.
 */
static unet_code draw_predicted(const struct small *small, const unet_image *picture,
                                const uint8_t (*colors)[3], int labels, unet_image *drawn,
                                unet_error *err)
{
    size_t pixels = (size_t)small->image.height * (size_t)small->image.width;
    unet_image outlines = {0};
    int largest = largest_part(small);
    unet_code code = draw_mask(picture, small->predicted, colors, labels, OPACITY, drawn, err);

    if (code || !largest)
        return code;
    if (!(code = draw_mask(picture, small->predicted, colors, labels, 0, &outlines, err)))
        for (size_t i = 0; i < pixels; i++)
            if (small->predicted[i] == largest)
                memcpy((uint8_t *)drawn->data + 3 * i, (uint8_t *)outlines.data + 3 * i, 3);
    unet_image_release(&outlines);
    return code;
}

unet_code draw_views(const unet_validated *validated, const uint8_t (*colors)[3], int labels,
                     unet_image view[VIEWS], unet_error *err)
{
    struct small small = {0};
    unet_code code = UNET_OK;

    memset(view, 0, VIEWS * sizeof(*view));
    if (!make_small(validated, &small))
        code = set_error(err, UNET_ENOMEM, "%.200s: not enough memory to draw it", validated->name);
    /* stretching looks for percentiles, so it is done once */
    if (!code)
        code =
            unet_overlay(&small.image, small.nothing, colors, labels, 0, &view[VIEW_ERRORS], err);
    if (!code)
        code =
            draw_mask(&view[VIEW_ERRORS], small.truth, colors, labels, 0, &view[VIEW_TRUTH], err);
    if (!code)
        code =
            draw_predicted(&small, &view[VIEW_ERRORS], colors, labels, &view[VIEW_PREDICTED], err);
    if (!code)
        paint_errors(&small, &view[VIEW_ERRORS]);
    for (int i = 0; code && i < VIEWS; i++) {
        unet_image_release(&view[i]);
        view[i] = (unet_image){0};
    }
    unet_image_release(&small.image);
    free(small.truth);
    return code;
}
