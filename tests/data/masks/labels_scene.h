/* SPDX-License-Identifier: Apache-2.0 */
/* labels_scene.h - drawn masks, and how they are read */
#ifndef LABELS_SCENE_H
#define LABELS_SCENE_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdlib.h>
#include <string.h>

#include "data/masks/census.h"

#define COUNT(array) (sizeof(array) / sizeof *(array))

enum { SIDE = 64, PIXELS = SIDE * SIDE };

/* ---- drawing ----------------------------------------------------------------------------- */

/* A mask of one code. */
static inline struct un_mask blank(enum un_code_type type, int bits, uint32_t code)
{
    struct un_mask mask = {.height = SIDE, .width = SIDE, .type = type, .bits = bits};
    mask.name = strdup("m.png");
    mask.codes = malloc(PIXELS * sizeof *mask.codes);
    for (int i = 0; i < PIXELS; i++)
        mask.codes[i] = code;
    return mask;
}

static inline void draw(struct un_mask *mask, int top, int left, int height, int width,
                        uint32_t code)
{
    for (int y = top; y < top + height; y++)
        for (int x = left; x < left + width; x++)
            mask->codes[y * SIDE + x] = code;
}

/* Columns of equal width, one for each value. */
static inline struct un_mask columns(enum un_code_type type, int bits, const uint32_t *values,
                                     int count)
{
    struct un_mask mask = blank(type, bits, values[0]);
    for (int k = 0; k < count; k++)
        for (int part = 0; part < 2; part++) /* twice each: classes have several pieces */
            draw(&mask, 0, (part * count + k) * SIDE / (2 * count), SIDE,
                 (part * count + k + 1) * SIDE / (2 * count) -
                     (part * count + k) * SIDE / (2 * count),
                 values[k]);
    return mask;
}

/* Index k of a mask's palette. */
static inline void set_color(struct un_mask *mask, int k, uint32_t rgb)
{
    mask->palette_size = 256;
    for (int c = 0; c < 3; c++)
        mask->palette[k][c] = (uint8_t)(rgb >> (16 - 8 * c));
}

/* The mean of each pixel and its neighbours: soft edges. */
static inline void soften(struct un_mask *mask)
{
    uint32_t *soft = malloc(PIXELS * sizeof *soft);
    for (int y = 0; y < SIDE; y++)
        for (int x = 0; x < SIDE; x++) {
            uint32_t sum[3] = {0}, n = 0;
            for (int v = y > 0 ? y - 1 : 0; v <= y + 1 && v < SIDE; v++)
                for (int u = x > 0 ? x - 1 : 0; u <= x + 1 && u < SIDE; u++, n++)
                    for (int c = 0; c < 3; c++)
                        sum[c] += mask->codes[v * SIDE + u] >> 8 * c & 255;
            soft[y * SIDE + x] = sum[0] / n | (sum[1] / n) << 8 | (sum[2] / n) << 16;
        }
    free(mask->codes);
    mask->codes = soft;
}

/* A disc, whose soft edge has many values. */
static inline struct un_mask disc(enum un_code_type type, uint32_t outside, uint32_t inside)
{
    struct un_mask mask = blank(type, 8, outside);
    for (int i = 0; i < PIXELS; i++)
        if ((i / SIDE - 32) * (i / SIDE - 32) + (i % SIDE - 32) * (i % SIDE - 32) < 400)
            mask.codes[i] = inside;
    return mask;
}

/* ---- finding ----------------------------------------------------------------------------- */

/* The reading of some masks, in words; of a refusal its text. */
static inline struct un_coding read_masks(struct un_mask *masks, int count, const char *labels,
                                          int ignore, char text[512])
{
    struct un_census census = {0};
    struct un_wish wish;
    struct un_coding coding = {0};
    unet_error err = {0};
    if (!un_wish_parse(labels, &wish, &err)) {
        wish.ignore = ignore >= 0 ? ignore : wish.ignore;
        for (int i = 0; i < count; i++)
            assert_int_equal(un_census_take(&census, &masks[i], &err), UNET_OK);
        un_coding_find(&census, &wish, NULL, &coding, &err);
    }
    un_census_release(&census);
    if (err.code)
        snprintf(text, 512, "%s", err.text);
    else
        un_coding_text(&coding, text, 512);
    return coding;
}

static inline void expect_reading(struct un_mask *masks, int count, const char *labels,
                                  const char *wanted)
{
    char text[512];
    read_masks(masks, count, labels, -1, text);
    if (!strstr(text, wanted))
        fail_msg("'%s', wanted '%s'", text, wanted);
}

/* As expect_reading(), of one mask, which is released. */
static inline void expect(struct un_mask mask, const char *labels, const char *wanted)
{
    expect_reading(&mask, 1, labels, wanted);
    un_mask_release(&mask);
}

/* The classes of a mask, which must be those; or the refusal. */
static inline void expect_classes(struct un_mask mask, const char *labels, const uint8_t *classes,
                                  const char *refusal)
{
    char text[512];
    static uint8_t found[PIXELS];
    struct un_coding coding = read_masks(&mask, 1, labels, -1, text);
    unet_error err = {0};
    if (!coding.labels)
        fail_msg("%s", text);
    unet_code code = un_mask_to_classes(&mask, &coding, found, &err);
    if (refusal && (!code || !strstr(err.text, refusal)))
        fail_msg("'%s', wanted '%s'", err.text, refusal);
    if (!refusal && code)
        fail_msg("%s", err.text);
    for (int i = 0; i < PIXELS && classes; i++)
        if (found[i] != classes[i])
            fail_msg("row %d, column %d: class %d, wanted %d", i / SIDE, i % SIDE, found[i],
                     classes[i]);
    un_mask_release(&mask);
}

struct row {
    int bits;
    int count;
    uint32_t values[12];
    const char *labels;
    int ignore;
    const char *text;
};

static inline void check_rows(enum un_code_type type, const struct row *rows, size_t count)
{
    for (size_t r = 0; r < count; r++) {
        struct un_mask mask = columns(type, rows[r].bits, rows[r].values, rows[r].count);
        char text[512];
        read_masks(&mask, 1, rows[r].labels, rows[r].ignore, text);
        if (strcmp(text, rows[r].text))
            fail_msg("row %zu: '%s', wanted '%s'", r, text, rows[r].text);
        un_mask_release(&mask);
    }
}

#endif
