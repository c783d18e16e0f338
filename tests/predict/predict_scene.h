/* SPDX-License-Identifier: Apache-2.0 */
/* predict_scene.h - models and images that are predicted */
#ifndef PREDICT_SCENE_H
#define PREDICT_SCENE_H

#include <limits.h>
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/rng.h"
#include "data/draw/draw.h"
#include "predict/session.h"
#include "support/slow.h"
#include "unet_fields.h"

struct variant {
    const char *name;
    unet_spec spec;
};

static const struct variant variants[] = {
    {"valid", {.in_channels = 1, .classes = 2, .width = 6, .depth = 3}},
    {"valid bilinear",
     {.in_channels = 2,
      .classes = 3,
      .width = 5,
      .depth = 2,
      .norm = UNET_NORM_BATCH,
      .up = UNET_UP_BILINEAR}},
    {"valid one class",
     {.in_channels = 3, .classes = 1, .width = 4, .depth = 2, .norm = UNET_NORM_BATCH}},
    {"same",
     {.in_channels = 1,
      .classes = 2,
      .width = 6,
      .depth = 3,
      .padding = UNET_PADDING_SAME,
      .norm = UNET_NORM_BATCH}},
    {"same bilinear",
     {.in_channels = 1,
      .classes = 4,
      .width = 5,
      .depth = 2,
      .padding = UNET_PADDING_SAME,
      .up = UNET_UP_BILINEAR,
      .act = UNET_ACT_LEAKY_RELU,
      .leaky_slope = 0.1f}},
    {"same, wide up",
     {.in_channels = 1,
      .classes = 2,
      .width = 5,
      .depth = 3,
      .padding = UNET_PADDING_SAME,
      .norm = UNET_NORM_BATCH,
      .up = UNET_UP_BILINEAR,
      .norm_order = UNET_ACT_FIRST,
      .bias = UNET_BIAS_ALWAYS,
      .up_conv = UNET_UP_CONV3X3,
      .up_norm = 1,
      .up_act = 1,
      .concat = UNET_CONCAT_SKIP_UP}},
    {"same, rims",
     {.in_channels = 1,
      .classes = 3,
      .width = 5,
      .depth = 2,
      .padding = UNET_PADDING_SAME,
      .rims = 2}},
    {"MONAI's",
     {.size = sizeof(unet_spec),
      .in_channels = 1,
      .classes = 3,
      .width = 5,
      .depth = 2,
      .padding = UNET_PADDING_SAME,
      .norm = UNET_NORM_BATCH,
      .act = UNET_ACT_PRELU,
      .bias = UNET_BIAS_ALWAYS,
      .concat = UNET_CONCAT_SKIP_UP,
      .down = UNET_DOWN_CONV,
      .family = UNET_FAMILY_MONAI,
      .units = 2}},
    {"valid nearest",
     {.in_channels = 2,
      .classes = 3,
      .width = 4,
      .depth = 2,
      .up = UNET_UP_NEAREST,
      .up_conv = UNET_UP_CONV3X3,
      .convs = 1,
      .channels = {.enc = {{3, 0}, {7, 0}, {9, 0}}, .up = {5, 6}}}},
};
enum { VARIANTS = sizeof variants / sizeof *variants };

static inline unet_model *make_model(const unet_spec *spec)
{
    unet_model *model;
    unet_error err;
    if (unet_model_create(spec, 5, &model, &err))
        fail_msg("%s", err.text);
    /* biases and statistics that do something */
    for (size_t i = 0; i < model->graph.values; i++)
        model->values[i] += 0.05f * (un_rng_uniform(3, i) - 0.4f);
    return model;
}

static inline unet_image make_image(int height, int width, int channels)
{
    unet_image image = {height, width, channels, UNET_F32, 1, NULL};
    size_t count = (size_t)height * width * channels;
    float *data = malloc(count * sizeof *data);
    for (size_t i = 0; i < count; i++)
        data[i] = un_rng_normal(9, i);
    image.data = data;
    return image;
}

static inline float *logits_of(const unet_model *model, const unet_image *image,
                               unet_session_options options)
{
    unet_session *session;
    unet_error err;
    size_t count = (size_t)model->graph.spec.classes * image->height * image->width;
    float *logits = malloc(count * sizeof *logits);
    for (size_t i = 0; i < count; i++)
        logits[i] = NAN; /* a pixel that no tile answers for stays like this */
    if (unet_session_create(model, &options, &session, &err) ||
        unet_predict_logits(session, image, logits, &err))
        fail_msg("%s", err.text);
    unet_session_free(session);
    return logits;
}

/* tolerance: of the largest logit; 0: every bit */
static inline void compare_logits(const char *name, unet_session_options o, const float *got,
                                  const float *want, size_t count, double tolerance)
{
    double largest = 0;
    for (size_t i = 0; i < count; i++)
        if (fabs((double)want[i]) > largest) /* fmax() of such a float crashes gcc 12 for Arm */
            largest = fabs((double)want[i]);
    for (size_t i = 0; i < count; i++) {
        bool same = tolerance > 0 ? fabs((double)got[i] - (double)want[i]) <= tolerance * largest
                                  : !memcmp(&got[i], &want[i], sizeof *got);
        if (!same)
            fail_msg("%s, tile %d, %d threads%s: logit %zu is %.9g, wanted %.9g, largest %.9g",
                     name, o.tile, o.threads, o.exact ? ", exact" : "", i, (double)got[i],
                     (double)want[i], largest);
    }
}

/* The whole image through the reference engine at once. */
static inline void reference(const unet_model *model, const unet_image *image, float *out)
{
    struct un_geometry g = model->graph.geometry;
    struct un_graph graph = model->graph;
    struct un_engine *engine = NULL;
    struct un_network net;
    unet_error err;
    const unet_spec *spec = &model->graph.spec;
    int h = image->height, w = image->width, border = g.valid ? g.border : 0;
    if (g.valid) {
        un_fit_output(&graph, image->height, &h);
        un_fit_output(&graph, image->width, &w);
    } else if (g.even) { /* mirrored up to the next sides that fit */
        h = un_fit_input(&graph, h);
        w = un_fit_input(&graph, w);
    }
    struct un_reading reading = un_reading_of(un_view_of(image), spec->in_channels, NULL);
    float *input = malloc((size_t)h * w * spec->in_channels * sizeof *input);
    un_tile_read(&reading, -border, -border, h, w, input);
    if (un_graph_size(&graph, 1, h, w, &err) || un_engine_reference_create(&engine, &err) ||
        un_network_create(&net, engine, &graph, UN_PREDICT, model->values, &err))
        fail_msg("%s", err.text);
    engine->ops->upload(engine, un_network_input(&net), input);
    un_network_forward(&net, 0);
    struct un_tensor logits = un_network_output(&net);
    for (int k = 0; k < spec->classes; k++)
        for (int y = 0; y < image->height; y++)
            for (int x = 0; x < image->width; x++)
                *out++ = logits.data[((size_t)y * logits.shape.w + x) * spec->classes + k];
    un_network_release(&net);
    engine->ops->free(engine);
    free(input);
}

#endif
