/* SPDX-License-Identifier: Apache-2.0 */
/* network_answer.h - what a model answers to an image at once, beside what is wanted */
#ifndef TEST_NETWORK_ANSWER_H
#define TEST_NETWORK_ANSWER_H

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "model/model.h"
#include "net/run.h"

/* [C][H][W] to [H][W][C], or back. */
static inline float *turned(const float *from, struct un_shape s, bool to_pixels)
{
    float *to = malloc((size_t)s.h * s.w * s.c * sizeof *to);
    for (int y = 0; y < s.h; y++)
        for (int x = 0; x < s.w; x++)
            for (int c = 0; c < s.c; c++) {
                size_t pixel = ((size_t)y * s.w + x) * s.c + c;
                size_t plane = ((size_t)c * s.h + y) * s.w + x;
                to[to_pixels ? pixel : plane] = from[to_pixels ? plane : pixel];
            }
    return to;
}

/* The whole input [H][W][C] through the network at once: logits [H][W][K]. */
static inline float *run_whole(const char *name, const unet_model *model, const float *input,
                               struct un_shape in, struct un_shape *out)
{
    static struct un_graph graph;
    struct un_engine *engine;
    struct un_network network;
    unet_error err;
    graph = model->graph;
    if (in.c != graph.spec.in_channels || un_graph_size(&graph, 1, in.h, in.w, &err))
        fail_msg("%s: does not take its input", name);
    if (un_engine_choose(2, &engine, &err) ||
        un_network_create(&network, engine, &graph, UN_PREDICT, model->values, &err))
        fail_msg("%s: %s", name, err.text);
    engine->ops->upload(engine, un_network_input(&network), input);
    un_network_forward(&network, 0);
    *out = un_network_output(&network).shape;
    float *logits = malloc((size_t)out->h * out->w * out->c * sizeof *logits);
    engine->ops->download(engine, logits, un_network_output(&network));
    un_network_release(&network);
    engine->ops->free(engine);
    return logits;
}

/* The largest difference of logits, as a share of the largest logit. */
static inline double difference(const float *got, const float *want, size_t count)
{
    double most = 0, largest = 0;
    for (size_t i = 0; i < count; i++) {
        double d = fabs((double)got[i] - (double)want[i]), size = fabs((double)want[i]);
        if (!(d <= most))
            most = d;
        if (size > largest)
            largest = size;
    }
    return most / largest;
}

/* To mean 0 and variance 1, as some networks were trained. */
static inline void standardize(float *x, size_t count)
{
    double sum = 0, squares = 0;
    for (size_t i = 0; i < count; i++)
        sum += (double)x[i];
    const double mean = sum / (double)count;
    for (size_t i = 0; i < count; i++)
        squares += ((double)x[i] - mean) * ((double)x[i] - mean);
    for (size_t i = 0; i < count; i++)
        x[i] = (float)(((double)x[i] - mean) / (sqrt(squares / (double)count) + 1e-6));
}

#endif
