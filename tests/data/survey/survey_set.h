/* SPDX-License-Identifier: Apache-2.0 */
/*
 * survey_set.h - small sets of images and masks to spoil, and what a survey
 * must say of them
 *
 * set_make() draws cells with nuclei in RGB; set_load() takes a real folder.  A
 * test changes pictures in memory, and set_expect() writes them, surveys them,
 * and compares every finding.
 */
#ifndef SURVEY_SET_H
#define SURVEY_SET_H

#include <math.h>

#include "base/rng.h"
#include "data/survey/survey.h"
#include "support/folder.h"

#define SET_MOST 24

struct set {
    int count;
    char name[SET_MOST][32];
    unet_image image[SET_MOST], mask[SET_MOST]; /* data NULL: no such file */
    char mask_name[SET_MOST][40];               /* "": as name */
};

static inline void set_release(struct set *set)
{
    for (int i = 0; i < set->count; i++) {
        free(set->image[i].data);
        free(set->mask[i].data);
    }
}

/* One picture: cells of radius 9..16 with a nucleus, uneven light, noise. */
static inline void set_draw(struct set *set, int i, int height, int width)
{
    uint64_t key = un_rng_key(7, 0x736574, (uint64_t)i, 0);
    unet_image *image = &set->image[i], *mask = &set->mask[i];
    *image = (unet_image){height, width, 3, UNET_U8, 0, malloc(3 * (size_t)height * (size_t)width)};
    *mask = (unet_image){height, width, 1, UNET_U8, 0, calloc((size_t)height * (size_t)width, 1)};
    uint8_t *dst = image->data, *label = mask->data;
    int cells = 12 + (int)un_rng_below(key, 0, 6);
    for (int k = 0; k < cells; k++) {
        uint64_t at = 1 + 4 * (uint64_t)k;
        float cy = un_rng_uniform(key, at) * (float)height;
        float cx = un_rng_uniform(key, at + 1) * (float)width;
        float r = 9 + 7 * un_rng_uniform(key, at + 2);
        for (int y = 0; y < height; y++)
            for (int x = 0; x < width; x++) {
                float away = hypotf((float)y - cy, (float)x - cx);
                uint8_t *p = label + y * width + x;
                if (away < 0.45f * r)
                    *p = 2;
                else if (away < r && *p != 2)
                    *p = 1;
            }
    }
    static const float color[3][3] = {{200, 170, 120}, {150, 110, 70}, {90, 55, 30}};
    for (int p = 0; p < height * width; p++)
        for (int c = 0; c < 3; c++) {
            float light = 1 + 0.1f * (float)(p % width) / (float)width;
            float v = color[label[p]][c] * light;
            v += 8 * un_rng_normal(key + 1, (uint64_t)(3 * p + c));
            dst[3 * p + c] = (uint8_t)(v < 0 ? 0 : v > 250 ? 250 : v);
        }
}

static inline struct set set_make(void)
{
    struct set set = {.count = 8};
    for (int i = 0; i < set.count; i++) {
        snprintf(set.name[i], sizeof set.name[i], "c%02d.png", i);
        set_draw(&set, i, 180, 220);
    }
    return set;
}

/* The first images of a folder of test data, masks as grey values; count 0: it
 * is not here. */
static inline struct set set_load(const char *images, const char *masks, int most)
{
    struct set set = {0};
    struct un_pairs pairs;
    char i[512], m[512];
    snprintf(i, sizeof i, "%s/seg/%s", TEST_SHARED, images);
    snprintf(m, sizeof m, "%s/seg/%s", TEST_SHARED, masks);
    if (un_pairs_find(i, m, NULL, &pairs, NULL))
        return set;
    for (int k = 0; k < pairs.count && k < most; k++) {
        struct un_mask mask;
        if (un_image_read(pairs.pairs[k].image, &set.image[k], NULL) ||
            un_mask_read_for(pairs.pairs[k].mask, NULL, NULL, &mask, NULL))
            abort();
        size_t count = (size_t)mask.height * (size_t)mask.width;
        uint8_t *values = malloc(count);
        for (size_t p = 0; p < count; p++)
            values[p] = (uint8_t)mask.codes[p];
        set.mask[k] = (unet_image){mask.height, mask.width, 1, UNET_U8, 0, values};
        snprintf(set.name[k], sizeof set.name[k], "r%02d.png", k);
        set.count++;
        un_mask_release(&mask);
    }
    un_pairs_release(&pairs);
    return set;
}

/* ---- ways to spoil ---- */

static inline void set_shift(unet_image *mask, int right, int down)
{
    const uint8_t *old = mask->data;
    uint8_t *made = calloc((size_t)mask->height * (size_t)mask->width, 1);
    for (int y = 0; y < mask->height; y++)
        for (int x = 0; x < mask->width; x++) {
            int v = y - down, u = x - right;
            if (v >= 0 && v < mask->height && u >= 0 && u < mask->width)
                made[y * mask->width + x] = old[v * mask->width + u];
        }
    free(mask->data);
    mask->data = made;
}

static inline void set_map(unet_image *mask, int from, int to, int back)
{
    uint8_t *p = mask->data;
    for (int i = 0; i < mask->height * mask->width; i++)
        p[i] = (uint8_t)(p[i] == from ? to : p[i] == to ? back : p[i]);
}

static inline void set_turn(unet_image *mask)
{
    const uint8_t *old = mask->data;
    uint8_t *made = malloc((size_t)mask->height * (size_t)mask->width);
    for (int y = 0; y < mask->height; y++)
        for (int x = 0; x < mask->width; x++)
            made[x * mask->height + y] = old[y * mask->width + x];
    free(mask->data);
    int height = mask->height;
    mask->data = made;
    mask->height = mask->width;
    mask->width = height;
}

static inline void set_flip(unet_image *mask)
{
    uint8_t *p = mask->data;
    int W = mask->width;
    for (int y = 0; y < mask->height / 2; y++)
        for (int x = 0; x < W; x++) {
            uint8_t *other = p + (mask->height - 1 - y) * W + x, value = p[y * W + x];
            p[y * W + x] = *other;
            *other = value;
        }
}

static inline void set_halve(unet_image *mask)
{
    const uint8_t *old = mask->data;
    int H = mask->height / 2, W = mask->width / 2;
    uint8_t *made = malloc((size_t)H * (size_t)W);
    for (int i = 0; i < H * W; i++)
        made[i] = old[i / W * 2 * mask->width + i % W * 2];
    free(mask->data);
    *mask = (unet_image){H, W, 1, UNET_U8, 0, made};
}

/* Edges become means of 3 x 3 pixels. */
static inline void set_smooth(unet_image *mask)
{
    const uint8_t *old = mask->data;
    int W = mask->width;
    uint8_t *made = malloc((size_t)mask->height * (size_t)W);
    memcpy(made, old, (size_t)mask->height * (size_t)W);
    for (int y = 1; y < mask->height - 1; y++)
        for (int x = 1; x < W - 1; x++) {
            int sum = 0;
            for (int k = 0; k < 9; k++)
                sum += old[(y + k / 3 - 1) * W + x + k % 3 - 1];
            made[y * W + x] = (uint8_t)(sum / 9);
        }
    free(mask->data);
    mask->data = made;
}

static inline void set_copy(const unet_image *from, unet_image *to)
{
    size_t n = un_image_bytes(from);
    free(to->data);
    *to = *from;
    to->data = malloc(n);
    memcpy(to->data, from->data, n);
}

/* The first channel alone. */
static inline void set_grey(unet_image *image)
{
    uint8_t *p = image->data;
    for (int i = 0; i < image->height * image->width; i++)
        p[i] = p[i * image->channels];
    image->channels = 1;
}

static inline void set_deepen(unet_image *image, int factor)
{
    size_t n = un_image_bytes(image);
    uint16_t *made = malloc(2 * n);
    for (size_t i = 0; i < n; i++)
        made[i] = (uint16_t)(((uint8_t *)image->data)[i] * factor);
    free(image->data);
    image->data = made;
    image->sample = UNET_U16;
}

static inline void set_float(unet_image *image)
{
    size_t n = un_image_bytes(image);
    float *made = malloc(n * sizeof *made);
    for (size_t i = 0; i < n; i++)
        made[i] = ((uint8_t *)image->data)[i];
    free(image->data);
    image->data = made;
    image->sample = UNET_F32;
}

/* Cuts to the upper left part. */
static inline void set_crop(unet_image *image, int height, int width)
{
    size_t pixel = (size_t)image->channels * un_sample_bytes(image->sample);
    char *p = image->data;
    for (int y = 0; y < height; y++)
        memmove(p + (size_t)y * (size_t)width * pixel, p + (size_t)y * (size_t)image->width * pixel,
                (size_t)width * pixel);
    image->height = height;
    image->width = width;
}

/* ---- what must be said ---- */

static inline const char *set_file(const char *path)
{
    const char *slash = path ? strrchr(path, '/') : NULL;
    return slash ? slash + 1 : path ? path : "-";
}

static inline void set_write(const struct set *set)
{
    mkdir(in_folder("i"), 0777);
    mkdir(in_folder("m"), 0777);
    for (int i = 0; i < set->count; i++) {
        char path[64];
        const char *mask = *set->mask_name[i] ? set->mask_name[i] : set->name[i];
        snprintf(path, sizeof path, "i/%s", set->name[i]);
        if (set->image[i].data && un_image_write(in_folder(path), &set->image[i], NULL))
            abort();
        snprintf(path, sizeof path, "m/%s", mask);
        if (set->mask[i].data && un_image_write(in_folder(path), &set->mask[i], NULL))
            abort();
    }
}

/* Whether one file, or the set, has a finding of this kind. */
static inline bool survey_has(const unet_survey *survey, unet_finding_kind kind, const char *file)
{
    for (int i = 0; i < unet_survey_findings(survey); i++) {
        const unet_finding *f = unet_survey_finding(survey, i);
        if (f->kind == kind && !strcmp(set_file(f->file), file))
            return true;
    }
    return false;
}

/* Every finding as "kind file", one a line, must be `wanted`, in any order;
 * notes of the set are passed over unless they are in it. */
static inline void survey_expect(const unet_survey *survey, const char *wanted)
{
    char left[2048], line[256];
    snprintf(left, sizeof left, "%s", wanted);
    for (int i = 0; i < unet_survey_findings(survey); i++) {
        const unet_finding *f = unet_survey_finding(survey, i);
        snprintf(line, sizeof line, "%s %s\n", unet_finding_name(f->kind), set_file(f->file));
        char *at = strstr(left, line);
        if (at)
            memmove(at, at + strlen(line), strlen(at + strlen(line)) + 1);
        else if (f->severity != UNET_NOTE || f->pair >= 0)
            fail_msg("found: %s (numbers %g %g %g %g, '%s'), wanted: %s", line, f->number[0],
                     f->number[1], f->number[2], f->number[3], f->text, wanted);
    }
    if (*left)
        fail_msg("not found: %s", left);
}

static inline unet_survey *survey_of(const char *images, const char *masks, int ignore)
{
    unet_survey *survey;
    unet_error err;
    const unet_dataset_options options = {.ignore = ignore};
    if (unet_survey_open(images, masks, &options, NULL, NULL, &survey, &err))
        fail_msg("%s", err.text);
    return survey;
}

/* Releases the set. */
static inline void set_expect(struct set *set, const char *wanted)
{
    set_write(set);
    set_release(set);
    unet_survey *survey = survey_of(in_folder("i"), in_folder("m"), -1);
    survey_expect(survey, wanted);
    unet_survey_free(survey);
}

#endif
