/* SPDX-License-Identifier: Apache-2.0 */
/* augment_sheet.c - training tiles side by side on one picture */
#include "augment/augment_sheet.h"
#include "shared/cli.h"
#include "unet_train.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { THIN = 2, GAP = 10, PAPER = 255, BESIDE_MOST = 12 };

static unet_code short_of_memory(unet_error *err)
{
    return set_error(err, UNET_ENOMEM, "not enough memory for the sheet");
}

static int sample_width(const struct sheet *s)
{
    return (2 + s->heat) * s->side + (1 + s->heat) * THIN;
}

/* The number of columns that makes the sheet most nearly half as wide again as high. */
static int choose_columns(const struct sheet *s)
{
    double least = INFINITY;
    int best = 1;

    for (int n = 1; n <= s->count && n <= BESIDE_MOST; n++) {
        int rows = (s->count + n - 1) / n;
        double shape = (double)(n * (sample_width(s) + GAP)) / (rows * (s->side + GAP));
        double off = fabs(log(shape / 1.5)) + (s->count % n ? 0.1 : 0);

        if (off < least) {
            least = off;
            best = n;
        }
    }
    return best;
}

/* The colours that a model of so many classes has. */
static unet_code find_colors(struct sheet *s, int labels, unet_error *err)
{
    unet_spec spec = unet_spec_default();
    unet_model *model = NULL;
    unet_code code;

    if (!(s->colors = calloc(UNET_MAX_CLASSES, sizeof(*s->colors))))
        return short_of_memory(err);
    spec.width = spec.depth = 1;
    spec.classes = labels;
    if ((code = unet_model_create(&spec, 0, &model, err)))
        return code;
    for (int k = 0; k < labels; k++)
        unet_model_class(model, k, s->colors[k]);
    unet_model_free(model);
    return UNET_OK;
}

unet_code sheet_create(struct sheet *s, int count, int side, int heat, int labels, unet_error *err)
{
    size_t bytes;

    *s = (struct sheet){.side = side, .heat = heat, .count = count};
    s->columns = choose_columns(s);
    s->image = (unet_image){.height = (count + s->columns - 1) / s->columns * (side + GAP) + GAP,
                            .width = s->columns * (sample_width(s) + GAP) + GAP,
                            .channels = 3,
                            .sample = UNET_U8};
    bytes = (size_t)s->image.height * (size_t)s->image.width * 3;
    s->image.data = malloc(bytes);
    if (heat)
        s->weights = calloc((size_t)count * (size_t)side * (size_t)side, sizeof(*s->weights));
    if (!s->image.data || (heat && !s->weights))
        return short_of_memory(err);
    memset(s->image.data, PAPER, bytes);
    return find_colors(s, labels, err);
}

void sheet_release(struct sheet *s)
{
    unet_image_release(&s->image);
    free(s->weights);
    free(s->colors);
    *s = (struct sheet){0};
}

/* A pixel of a panel of sample k. */
static uint8_t *pixel_of(const struct sheet *s, int k, int panel, int y, int x)
{
    size_t top = (size_t)(k / s->columns * (s->side + GAP) + GAP);
    size_t left =
        (size_t)(k % s->columns * (sample_width(s) + GAP) + GAP + panel * (s->side + THIN));

    return (uint8_t *)s->image.data +
           ((top + (size_t)y) * (size_t)s->image.width + left + (size_t)x) * 3;
}

static int compare(const void *a, const void *b)
{
    float x = *(const float *)a, y = *(const float *)b;

    return (x > y) - (x < y);
}

/* The 0.5 and 99.5 percentiles of a tile, which is sorted for it; all of it where these are one. */
static void find_range(unet_image *tile, float range[2])
{
    size_t n = (size_t)tile->height * (size_t)tile->width * (size_t)tile->channels;
    float *values = tile->data;

    qsort(values, n, sizeof(*values), compare);
    range[0] = values[n / 200];
    range[1] = values[n - 1 - n / 200];
    if (!(range[1] > range[0])) {
        range[0] = values[0];
        range[1] = values[n - 1];
    }
}

static void put_grey(const unet_image *tile, size_t at, const float range[2], uint8_t *rgb)
{
    float scale = range[1] > range[0] ? 255 / (range[1] - range[0]) : 0;

    for (size_t c = 0; c < 3; c++) {
        size_t from = at * (size_t)tile->channels + (tile->channels < 3 ? 0 : c);
        float v = (((const float *)tile->data)[from] - range[0]) * scale;

        rgb[c] = (uint8_t)(v > 255 ? 255 : v > 0 ? v : 0);
    }
}

/* Whether a pixel beside or below another is of another class: lines are one pixel wide. */
static int on_outline(const uint8_t *labels, int side, int y, int x)
{
    const uint8_t *here = labels + (size_t)y * (size_t)side + x;

    return (x && here[-1] != *here) || (y && here[-side] != *here) ||
           (x + 1 < side && here[1] != *here) || (y + 1 < side && here[side] != *here);
}

/* Classes but the first have outlines in their colour; where there is no label it is striped. */
static void put_overlay(const struct sheet *s, const uint8_t *labels, int y, int x, uint8_t *rgb)
{
    uint8_t label = labels[(size_t)y * (size_t)s->side + (size_t)x];

    if (label == UNET_IGNORE) {
        for (int c = 0; c < 3 && (x + y) / 4 % 2; c++)
            rgb[c] = (uint8_t)(rgb[c] / 3);
    } else if (label && on_outline(labels, s->side, y, x)) {
        memcpy(rgb, s->colors[label], 3);
    }
}

unet_code sheet_draw(struct sheet *s, const unet_dataset *dataset, int i,
                     const unet_train_options *options, int k, unet_error *err)
{
    size_t pixels = (size_t)s->side * (size_t)s->side;
    float range[2], *weights = s->heat ? s->weights + (size_t)k * pixels : NULL;
    unet_train_options same = *options;
    unet_image tile = {0}, plain = {0};
    uint8_t *labels = malloc(pixels);
    unet_code code;

    if (!labels)
        return short_of_memory(err);
    same.augment = (unet_augment){.at_foreground = options->augment.at_foreground,
                                  .at_background = options->augment.at_background,
                                  .at_ignored = options->augment.at_ignored};
    code = unet_augment_draw(dataset, i, &same, k, s->side, &plain, NULL, NULL, err);
    if (!code)
        code = unet_augment_draw(dataset, i, options, k, s->side, &tile, labels, weights, err);
    if (!code) {
        find_range(&plain, range);
        for (size_t p = 0; p < pixels; p++) {
            int y = (int)(p / (size_t)s->side), x = (int)(p % (size_t)s->side);

            put_grey(&tile, p, range, pixel_of(s, k, 0, y, x));
            put_grey(&tile, p, range, pixel_of(s, k, 1, y, x));
            put_overlay(s, labels, y, x, pixel_of(s, k, 1, y, x));
            if (weights && weights[p] > s->most)
                s->most = weights[p];
        }
    }
    unet_image_release(&tile);
    unet_image_release(&plain);
    free(labels);
    return code;
}

/* Black, red, yellow, white; share: of the square root, so that small weights are seen, too. */
static void put_heat(float share, uint8_t *rgb)
{
    for (int c = 0; c < 3; c++) {
        float v = 3 * share - (float)c;

        rgb[c] = (uint8_t)(255 * (v > 1 ? 1 : v > 0 ? v : 0));
    }
}

void sheet_finish(struct sheet *s)
{
    size_t pixels = (size_t)s->side * (size_t)s->side;

    for (size_t n = 0; s->heat && n < (size_t)s->count * pixels; n++)
        put_heat(s->most > 0 ? sqrtf(s->weights[n] / s->most) : 0,
                 pixel_of(s, (int)(n / pixels), 2, (int)(n % pixels / (size_t)s->side),
                          (int)(n % pixels % (size_t)s->side)));
}
