/* SPDX-License-Identifier: Apache-2.0 */
/* sample_models.h - models that know what they were trained on, and images for them */
#ifndef SAMPLE_MODELS_H
#define SAMPLE_MODELS_H

#include "model/model.h"

static inline unet_model *make_model(struct un_scaling scaling)
{
    const unet_spec spec = {
        .in_channels = 1, .classes = 2, .width = 2, .depth = 1, .padding = UNET_PADDING_SAME};
    unet_model *model;
    unet_error err;
    if (unet_model_create(&spec, 1, &model, &err))
        fail_msg("%s", err.text);
    model->trained = scaling.trained_on != 0;
    model->scaling = scaling;
    return model;
}

/* Blobs of `bright` on a ground of `dark`, in waves of `deep` that differ from image to image. */
static inline void draw_blobs(float *pixels, int seed, float dark, float bright, float deep)
{
    enum { BIG = 64 };
    for (int y = 0; y < BIG; y++)
        for (int x = 0; x < BIG; x++) {
            const int dy = y % 32 - 10 - seed % 5, dx = x % 32 - 10 - seed % 7;
            const float wave = (float)((7 * x + 13 * y + 3 * seed) % 61 - 30) / 30;
            pixels[y * BIG + x] = (dy * dy + dx * dx < 36 ? bright : dark) + deep * wave;
        }
}

static inline unet_image float_image(float *pixels)
{
    return (unet_image){64, 64, 1, UNET_F32, 0, pixels};
}

#endif
