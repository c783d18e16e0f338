/* SPDX-License-Identifier: Apache-2.0 */
/*
 * picture_glimpse.c - what a large image looks like from far away, from a few samples of it
 *
 * A pixel of the glimpse stands for a square of 2^level; its value is the mean of a few samples in
 * the square's middle.  First every 16th pixel of a side is read and fills its neighbourhood, then
 * every 8th, and so on, until all are there or time is up: of an uncompressed image that is a
 * moment, and of one in compressed tiles as many tiles are decoded as there is time for.
 */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "shared/cli.h"
#include "shared/progress.h"
#include "studio/pictures/pictures_inside.h"

enum { SIDE = 160, FIRST = 16, ACROSS = 16, DOWN = 1 };
#define SECONDS 0.6
#define MOST_SECONDS 3.0 /* for the coarsest, without which there is nothing to see */

void glimpse_release(struct glimpse *glimpse)
{
    free(glimpse->values);
    *glimpse = (struct glimpse){0};
}

/* Means of the channels in the middle of the square of pixel (x, y). */
static unet_code take(const struct glimpse *glimpse, const struct studio_image *what, int x, int y,
                      unet_source *source, void *samples, float *values, unet_error *err)
{
    const int step = 1 << glimpse->level, left = x * step, top = y * step;
    const int right = left + step < what->width ? left + step : what->width;
    const int bottom = top + step < what->height ? top + step : what->height;
    const int width = right - left < ACROSS ? right - left : ACROSS;
    const int height = bottom - top < DOWN ? bottom - top : DOWN;
    const struct plane part = {samples, 0, 0, height, width, what->channels, what->sample};
    unet_code code =
        unet_source_read_part(source, 0, top + (bottom - top - height) / 2,
                              left + (right - left - width) / 2, height, width, samples, err);

    for (int c = 0; c < what->channels && !code; c++) {
        double sum = 0;
        int count = 0;

        for (int i = 0; i < width * height; i++) {
            const double value = plane_value(&part, (size_t)i * (size_t)what->channels + (size_t)c);

            if (isfinite(value)) {
                sum += value;
                count++;
            }
        }
        values[c] = count ? (float)(sum / count) : 0;
    }
    return code;
}

/* Pixel (x, y) for its neighbourhood. */
static void spread(struct glimpse *glimpse, int x, int y, int stride, const float *values)
{
    const size_t channels = (size_t)glimpse->channels;

    for (int v = y; v < y + stride && v < glimpse->height; v++)
        for (int u = x; u < x + stride && u < glimpse->width; u++)
            memcpy(glimpse->values + ((size_t)v * (size_t)glimpse->width + (size_t)u) * channels,
                   values, channels * sizeof(*values));
}

/* 0: time was up. */
static int go_through(struct glimpse *glimpse, const struct studio_image *what, int stride,
                      unet_source *source, void *samples, float *values, double until,
                      unet_code *code, unet_error *err)
{
    for (int y = 0; y < glimpse->height; y += stride)
        for (int x = 0; x < glimpse->width; x += stride) {
            if (stride < FIRST && x % (2 * stride) == 0 && y % (2 * stride) == 0)
                continue; /* was read before */
            *code = take(glimpse, what, x, y, source, samples, values, err);
            if (*code)
                return 0;
            spread(glimpse, x, y, stride, values);
            if (seconds_now() > until)
                return 0;
        }
    return 1;
}

unet_code glimpse_make(struct glimpse *glimpse, const struct studio_image *what,
                       unet_source *source, unet_error *err)
{
    struct glimpse made = {.channels = what->channels};
    const double begun = seconds_now();
    void *samples = malloc((size_t)ACROSS * DOWN * studio_pixel_bytes(what));
    float *values = malloc((size_t)what->channels * sizeof(*values));
    unet_code code = UNET_OK;

    while (picture_side(what->height, made.level) > SIDE ||
           picture_side(what->width, made.level) > SIDE)
        made.level++;
    made.height = picture_side(what->height, made.level);
    made.width = picture_side(what->width, made.level);
    made.values = malloc((size_t)made.height * (size_t)made.width * (size_t)made.channels *
                         sizeof(*made.values));
    if (!samples || !values || !made.values)
        code = set_error(err, UNET_ENOMEM, "not enough memory");
    for (int stride = FIRST, more = !code; stride && more; stride /= 2) {
        more = go_through(&made, what, stride, source, samples, values,
                          begun + (stride == FIRST ? MOST_SECONDS : SECONDS), &code, err);
        if (!more && stride == FIRST && !code)
            code = set_error(err, UNET_ESTOPPED, "%s: is being read", what->name);
    }
    free(samples);
    free(values);
    if (code)
        glimpse_release(&made);
    else
        *glimpse = made;
    return code;
}

double glimpse_value(const struct glimpse *glimpse, int level, int x, int y, int channel)
{
    const double scale = ldexp(1, level - glimpse->level);
    const double most[2] = {glimpse->width - 1, glimpse->height - 1};
    double at[2] = {(x + 0.5) * scale - 0.5, (y + 0.5) * scale - 0.5}, value = 0;
    int first[2];

    for (int k = 0; k < 2; k++) {
        at[k] = at[k] < 0 ? 0 : at[k] > most[k] ? most[k] : at[k];
        first[k] = (int)at[k];
        at[k] -= first[k];
    }
    for (int v = 0; v < 2; v++)
        for (int u = 0; u < 2; u++) {
            const double share = (u ? at[0] : 1 - at[0]) * (v ? at[1] : 1 - at[1]);
            const size_t pixel = (size_t)(first[1] + (v && at[1] > 0)) * (size_t)glimpse->width +
                                 (size_t)(first[0] + (u && at[0] > 0));

            value += share *
                     (double)glimpse->values[pixel * (size_t)glimpse->channels + (size_t)channel];
        }
    return value;
}
