/* SPDX-License-Identifier: Apache-2.0 */
/* stream_scene.h - models and images that are predicted by rows */
#ifndef STREAM_SCENE_H
#define STREAM_SCENE_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/rng.h"
#include "image/image.h"
#include "predict/session.h"
#include "support/folder.h"
#include "unet.h"

#define COUNT(array) (sizeof(array) / sizeof *(array))
#define IN_FOLDER(test) cmocka_unit_test_setup_teardown(test, folder_create, folder_destroy)

static inline unet_model *made_model(unet_padding padding, unet_norm norm, int depth, int channels,
                                     int classes)
{
    unet_spec spec = unet_spec_default();
    unet_model *model;
    unet_error err;
    spec.in_channels = channels;
    spec.classes = classes;
    spec.width = 4;
    spec.depth = depth;
    spec.padding = padding;
    spec.norm = norm;
    if (unet_model_create(&spec, 5, &model, &err))
        fail_msg("%s", err.text);
    return model;
}

static inline unet_image made_image(int height, int width, int channels)
{
    unet_image image = {.height = height, .width = width, .channels = channels};
    size_t n = (size_t)height * (size_t)width * (size_t)channels;
    uint8_t *data = image.data = malloc(n);
    for (size_t i = 0; i < n; i++)
        data[i] = (uint8_t)(un_rng_bits(9, i) >> 24);
    return image;
}

/* All that was handed over, put together. */
struct gathered {
    int height, width, classes, next, bands;
    uint8_t *mask;
    float *logits, *probabilities;
    const unet_image *image;
    int stop_at; /* band that fails; -1: none */
};

static inline unet_code gather(void *context, const unet_band *band, unet_error *err)
{
    struct gathered *g = context;
    size_t width = (size_t)g->width, plane = (size_t)g->height * width;
    size_t n = (size_t)band->rows * width;
    assert_int_equal(band->top, g->next);
    assert_int_equal(band->width, g->width);
    if (g->bands++ == g->stop_at) {
        snprintf(err->text, sizeof err->text, "the disk is full");
        return err->code = UNET_EIO;
    }
    g->next += band->rows;
    assert_true(g->next <= g->height);
    if (band->mask)
        memcpy(g->mask + (size_t)band->top * width, band->mask, n);
    for (int k = 0; k < g->classes; k++) {
        size_t to = (size_t)k * plane + (size_t)band->top * width, from = (size_t)k * n;
        if (band->logits)
            memcpy(g->logits + to, band->logits + from, n * sizeof(float));
        if (band->probabilities)
            memcpy(g->probabilities + to, band->probabilities + from, n * sizeof(float));
    }
    size_t row = width * (size_t)g->image->channels;
    assert_int_equal(band->image->height, band->rows);
    assert_memory_equal(band->image->data, (uint8_t *)g->image->data + (size_t)band->top * row,
                        (size_t)band->rows * row);
    return UNET_OK;
}

static inline struct gathered make_room(const unet_image *image, int classes)
{
    size_t pixels = (size_t)image->height * (size_t)image->width;
    return (struct gathered){.height = image->height,
                             .width = image->width,
                             .classes = classes,
                             .mask = calloc(pixels, 1),
                             .logits = calloc(pixels * (size_t)classes, sizeof(float)),
                             .probabilities = calloc(pixels * (size_t)classes, sizeof(float)),
                             .image = image,
                             .stop_at = -1};
}

static inline void release(struct gathered *g)
{
    free(g->mask);
    free(g->logits);
    free(g->probabilities);
}

static inline unet_code stream(const unet_model *model, const unet_session_options *options,
                               const char *path, struct gathered *g, unet_error *err)
{
    unet_session *session;
    unet_source *source;
    const unet_stream wanted = {
        .mask = 1, .logits = 1, .probabilities = 1, .image = 1, .band = gather, .context = g};
    if (unet_session_create(model, options, &session, err))
        fail_msg("%s", err->text);
    if (unet_source_open(path, &source, err))
        fail_msg("%s", err->text);
    unet_code code = unet_predict_stream(session, source, 0, &wanted, err);
    unet_source_close(source);
    unet_session_free(session);
    return code;
}

#endif
