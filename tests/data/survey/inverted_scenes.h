/* SPDX-License-Identifier: Apache-2.0 */
/*
 * inverted_scenes.h - small sets of drawn pictures, and real folders, in which one mask is inverted
 *
 * A scene draws picture i of a set: first its classes, then grey values from a mean and a noise of
 * each class.  Sets that a person cannot tell either are among them: there nothing may be said.
 */
#ifndef INVERTED_SCENES_H
#define INVERTED_SCENES_H

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/rng.h"
#include "data/survey/survey.h"

enum { SCENE_PAIRS = 12, SCENE_HEIGHT = 120, SCENE_WIDTH = 150 };

struct scene_look {
    float mean, noise;
};

/* Discs of a class at chance places. */
static inline void scene_discs(uint8_t *mask, uint64_t key, int count, float least, float most,
                               uint8_t label)
{
    for (int k = 0; k < count; k++) {
        uint64_t at = 3 * (uint64_t)k;
        float cy = un_rng_uniform(key, at) * SCENE_HEIGHT;
        float cx = un_rng_uniform(key, at + 1) * SCENE_WIDTH;
        float r = least + (most - least) * un_rng_uniform(key, at + 2);
        for (int i = 0; i < SCENE_HEIGHT * SCENE_WIDTH; i++)
            if (hypotf((float)(i / SCENE_WIDTH) - cy, (float)(i % SCENE_WIDTH) - cx) < r)
                mask[i] = label;
    }
}

/* Cells (1) that fill the picture, and the walls between them (0). */
static inline void scene_walls(uint8_t *mask, uint64_t key, int cells)
{
    for (int i = 0; i < SCENE_HEIGHT * SCENE_WIDTH; i++) {
        float near = 1e9f, next = 1e9f;
        for (int k = 0; k < cells; k++) {
            float cy = un_rng_uniform(key, 2 * (uint64_t)k) * SCENE_HEIGHT;
            float cx = un_rng_uniform(key, 2 * (uint64_t)k + 1) * SCENE_WIDTH;
            float away = hypotf((float)(i / SCENE_WIDTH) - cy, (float)(i % SCENE_WIDTH) - cx);
            next = away < near ? near : away < next ? away : next;
            near = away < near ? away : near;
        }
        mask[i] = next - near > 4;
    }
}

/* Two phases of half the area each, as a marble has them. */
static inline void scene_phases(uint8_t *mask, uint64_t key)
{
    for (int i = 0; i < SCENE_HEIGHT * SCENE_WIDTH; i++) {
        double sum = 0;
        for (uint64_t k = 0; k < 8; k++) {
            double angle = 6.2831853 * (double)un_rng_uniform(key, 3 * k);
            double wave = 0.15 + 0.1 * (double)un_rng_uniform(key, 3 * k + 1);
            sum += sin(wave * (cos(angle) * (i / SCENE_WIDTH) + sin(angle) * (i % SCENE_WIDTH)) +
                       6.2831853 * (double)un_rng_uniform(key, 3 * k + 2));
        }
        mask[i] = sum > 0;
    }
}

static inline void scene_paint(uint8_t *grey, const uint8_t *mask, uint64_t key,
                               const struct scene_look *looks)
{
    for (int i = 0; i < SCENE_HEIGHT * SCENE_WIDTH; i++) {
        const struct scene_look *look = &looks[mask[i]];
        float light = 1 + 0.15f * (float)(i % SCENE_WIDTH) / SCENE_WIDTH;
        float v = light * look->mean + look->noise * un_rng_normal(key, (uint64_t)i);
        grey[i] = (uint8_t)(v < 0 ? 0 : v > 255 ? 255 : v);
    }
}

/* ---- the sets ---- */

static const struct scene_look bright_on_dark[] = {{30, 6}, {120, 25}};
static const struct scene_look dark_on_bright[] = {{190, 15}, {110, 12}};

static inline void scene_fluorescence(uint64_t key, uint8_t *grey, uint8_t *mask)
{
    scene_discs(mask, key + 1, 2 + (int)un_rng_below(key, 0, 40), 5, 10, 1);
    scene_paint(grey, mask, key + 2, bright_on_dark);
}

static inline void scene_stained(uint64_t key, uint8_t *grey, uint8_t *mask)
{
    scene_discs(mask, key + 1, 10 + (int)un_rng_below(key, 0, 30), 5, 12, 1);
    scene_paint(grey, mask, key + 2, dark_on_bright);
}

static inline void scene_both_kinds(uint64_t key, uint8_t *grey, uint8_t *mask)
{
    (un_rng_below(key, 9, 2) ? scene_fluorescence : scene_stained)(key, grey, mask);
}

static inline void scene_membranes(uint64_t key, uint8_t *grey, uint8_t *mask)
{
    static const struct scene_look looks[] = {{90, 18}, {150, 22}};
    scene_walls(mask, key + 1, 20 + (int)un_rng_below(key, 0, 20));
    scene_paint(grey, mask, key + 2, looks);
}

static inline void scene_spots(uint64_t key, uint8_t *grey, uint8_t *mask)
{
    static const struct scene_look looks[] = {{60, 20}, {140, 20}};
    scene_discs(mask, key + 1, 2 + (int)un_rng_below(key, 0, 6), 2, 4, 1);
    scene_paint(grey, mask, key + 2, looks);
}

/* As bright as what is around it, and rougher. */
static inline void scene_rough(uint64_t key, uint8_t *grey, uint8_t *mask)
{
    static const struct scene_look looks[] = {{120, 8}, {122, 26}};
    scene_discs(mask, key + 1, 3 + (int)un_rng_below(key, 0, 8), 12, 22, 1);
    scene_paint(grey, mask, key + 2, looks);
}

/* Half of each picture, brighter: its negative looks the same. */
static inline void scene_half(uint64_t key, uint8_t *grey, uint8_t *mask)
{
    static const struct scene_look looks[] = {{80, 12}, {130, 12}};
    for (int i = 0; i < SCENE_HEIGHT * SCENE_WIDTH; i++)
        mask[i] = i / SCENE_WIDTH > SCENE_HEIGHT / 2 + 6 * sin(0.1 * (i % SCENE_WIDTH) + key % 7);
    scene_paint(grey, mask, key + 2, looks);
}

static inline void scene_nuclei(uint64_t key, uint8_t *grey, uint8_t *mask)
{
    static const struct scene_look looks[] = {{200, 10}, {140, 12}, {70, 10}};
    int cells = 6 + (int)un_rng_below(key, 0, 6);
    scene_discs(mask, key + 1, cells, 12, 18, 1);
    scene_discs(mask, key + 1, cells, 5, 8, 2); /* at the same places */
    scene_paint(grey, mask, key + 2, looks);
}

/* One phase is brighter in a picture and darker in the next. */
static inline void scene_marble(uint64_t key, uint8_t *grey, uint8_t *mask)
{
    static const struct scene_look looks[] = {{100, 12}, {140, 12}, {100, 12}};
    scene_phases(mask, key + 1);
    scene_paint(grey, mask, key + 2, looks + un_rng_below(key, 0, 2));
}

/* Cells that are sparse or fill the picture, bright or dark, in each picture anew. */
static inline void scene_anything(uint64_t key, uint8_t *grey, uint8_t *mask)
{
    struct scene_look looks[2] = {
        {60 + 120 * un_rng_uniform(key, 1), 5 + 20 * un_rng_uniform(key, 2)},
        {60 + 120 * un_rng_uniform(key, 3), 5 + 20 * un_rng_uniform(key, 4)}};
    scene_discs(mask, key + 1, 4 + (int)un_rng_below(key, 0, 100), 4, 16, 1);
    for (int i = 0; un_rng_below(key, 5, 2) && i < SCENE_HEIGHT * SCENE_WIDTH; i++)
        mask[i] = !mask[i];
    scene_paint(grey, mask, key + 2, looks);
}

static const struct scene {
    const char *name;
    void (*draw)(uint64_t key, uint8_t *grey, uint8_t *mask);
    int labels;
    int least; /* percent of its inverted masks that must be found; 0: a person could not tell */
} scenes[] = {
    {"bright cells", scene_fluorescence, 2, 90},
    {"dark cells", scene_stained, 2, 90},
    {"bright and dark cells", scene_both_kinds, 2, 50},
    {"membranes", scene_membranes, 2, 90},
    {"spots", scene_spots, 2, 90},
    {"rough among smooth", scene_rough, 2, 90},
    {"halves", scene_half, 2, 0},
    {"cells with nuclei", scene_nuclei, 3, 90},
    {"marble", scene_marble, 2, 0},
    {"anything", scene_anything, 2, 0},
};

static inline void scene_draw(const struct scene *scene, uint64_t key, struct un_sample_pair *pair)
{
    size_t n = (size_t)SCENE_HEIGHT * SCENE_WIDTH;
    pair->image = (unet_image){SCENE_HEIGHT, SCENE_WIDTH, 1, UNET_U8, 0, malloc(n)};
    pair->mask = calloc(n, 1);
    scene->draw(key, pair->image.data, pair->mask);
}

#endif
