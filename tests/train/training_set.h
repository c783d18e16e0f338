/* SPDX-License-Identifier: Apache-2.0 */
/* training_set.h - a data set, a model and two networks small enough to train in a test */
#ifndef TRAINING_SET_H
#define TRAINING_SET_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/rng.h"
#include "data/set/dataset.h"
#include "model/model.h"
#include "unet.h"

/* Images of blobs on noise; a pixel is class 1 where the blob is.  Image value 200 or 60, +- 40. */
static inline unet_dataset *make_dataset(int count, int height, int width, int channels)
{
    unet_dataset *set = calloc(1, sizeof *set);
    set->count = count;
    set->channels = channels;
    set->coding = un_coding_identity(2);
    set->pairs = calloc((size_t)count, sizeof *set->pairs);
    for (int i = 0; i < count; i++) {
        size_t pixels = (size_t)height * width;
        uint8_t *data = malloc(pixels * channels), *mask = malloc(pixels);
        for (size_t p = 0; p < pixels; p++) {
            double y = (double)(p / width) - height * 0.4, x = (double)(p % width) - width * 0.6;
            mask[p] = y * y + x * x < (double)(20 + 5 * i) * (20 + 5 * i);
            for (int c = 0; c < channels; c++)
                data[p * channels + c] =
                    (uint8_t)((mask[p] ? 180 : 60) + un_rng_below(77, p * 8 + c, 70));
        }
        set->pairs[i] = (struct un_sample_pair){
            .image = {height, width, channels, UNET_U8, 0, data}, .mask = mask};
        set->pairs[i].name = strdup("generated");
    }
    return set;
}

static inline void free_dataset(unet_dataset *set)
{
    for (int i = 0; i < set->count; i++) {
        free(set->pairs[i].image.data);
        free(set->pairs[i].mask);
        free(set->pairs[i].name);
    }
    free(set->pairs);
    free(set);
}

static inline unet_model *make_model(const unet_spec *spec, uint64_t seed)
{
    unet_model *model;
    unet_error err;
    if (unet_model_create(spec, seed, &model, &err))
        fail_msg("%s", err.text);
    return model;
}

/* The model's newest weights, also while a trainer has them on a device. */
static inline const float *weights_of(const unet_model *model)
{
    unet_error err;
    if (un_model_fetch(model, &err))
        fail_msg("%s", err.text);
    return model->values;
}

static const unet_spec small_valid = {.in_channels = 1, .classes = 2, .width = 4, .depth = 2};
static const unet_spec small_same = {.in_channels = 1,
                                     .classes = 2,
                                     .width = 4,
                                     .depth = 2,
                                     .padding = UNET_PADDING_SAME,
                                     .norm = UNET_NORM_BATCH,
                                     .dropout = 0.3f};

#endif
