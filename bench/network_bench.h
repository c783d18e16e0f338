/* SPDX-License-Identifier: Apache-2.0 */
/*
 * network_bench.h - a whole network that is run and timed, for bench_network and bench_recompute
 *
 * Who includes it defines `program`, its name for messages.  What fails ends the program.
 */
#ifndef NETWORK_BENCH_H
#define NETWORK_BENCH_H

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "engine/choose.h"
#include "model/model.h"
#include "net/run.h"

extern const char *const program;

enum { MOST_REPEATS = 101 };

struct network {
    const char *name;
    unet_spec spec;
    int side, batch;
};

struct options {
    const char *network, *model, *input, *labels, *isa;
    int side, batch, threads, repeats;
    bool train, predict, serve;
    bool recompute; /* maps are made twice */
    float rate;
};

/* A network with all that its passes read and write. */
struct bench {
    unet_model *model;
    struct un_engine *e;
    struct un_network network;
    struct un_shape in, out;
    float *image, *logits; /* on the host: [H][W][C] */
    /* training, in engine memory */
    uint8_t *labels;
    float *weights, *moment, *square;
    double *result;
    uint64_t *bad;
    long step;
};

static inline void fail(const char *what)
{
    fprintf(stderr, "%s: %s\n", program, what);
    exit(1);
}

static inline void check(unet_code code, const unet_error *err)
{
    if (code)
        fail(err->text);
}

static inline void *need(void *memory)
{
    if (!memory)
        fail("not enough memory");
    return memory;
}

static inline void read_raw(const char *path, void *to, size_t bytes)
{
    FILE *file = fopen(path, "rb");
    if (!file || fread(to, 1, bytes, file) != bytes || fgetc(file) != EOF) {
        fprintf(stderr, "%s: %s: wanted a file of %zu bytes\n", program, path, bytes);
        exit(1);
    }
    fclose(file);
}

static inline double milliseconds(clockid_t clock)
{
    struct timespec t;
    clock_gettime(clock, &t);
    return 1e3 * (double)t.tv_sec + 1e-6 * (double)t.tv_nsec;
}

static inline double now(void)
{
    return milliseconds(CLOCK_MONOTONIC);
}

/* The image: from a file of planes [C][H][W], or random. */
static inline void fill_image(struct bench *b, const char *path)
{
    size_t pixels = (size_t)b->in.n * (size_t)b->in.h * (size_t)b->in.w, c = (size_t)b->in.c;
    float *planes = need(malloc(pixels * c * sizeof *planes));
    unsigned state = 1;
    for (size_t i = 0; i < pixels * c; i++) {
        state = state * 1664525u + 1013904223u;
        planes[i] = (float)(state >> 8) * 0x1p-24f;
    }
    if (path)
        read_raw(path, planes, pixels * c * sizeof *planes);
    for (size_t i = 0; i < pixels; i++)
        for (size_t k = 0; k < c; k++)
            b->image[i * c + k] = planes[k * pixels + i];
    free(planes);
}

static inline void setup_training(struct bench *b, const char *labels_path)
{
    const struct un_engine_ops *ops = b->e->ops;
    size_t pixels = (size_t)b->out.n * (size_t)b->out.h * (size_t)b->out.w;
    size_t trainable = b->network.graph.trainable * sizeof(float);
    uint8_t *labels = need(malloc(pixels));
    float *weights = need(malloc(pixels * sizeof *weights));
    for (size_t i = 0; i < pixels; i++) {
        labels[i] = (uint8_t)(i / 7 % (size_t)b->out.c);
        weights[i] = 1;
    }
    if (labels_path)
        read_raw(labels_path, labels, pixels);
    b->labels = need(ops->alloc(b->e, pixels));
    b->weights = need(ops->alloc(b->e, pixels * sizeof(float)));
    b->moment = need(ops->alloc(b->e, trainable));
    b->square = need(ops->alloc(b->e, trainable));
    b->result = need(ops->alloc(b->e, 2 * sizeof(double)));
    b->bad = need(ops->alloc(b->e, sizeof(uint64_t)));
    ops->put(b->e, b->labels, labels, pixels);
    ops->put(b->e, b->weights, weights, pixels * sizeof(float));
    free(labels);
    free(weights);
}

static inline struct un_engine *make_engine(const struct options *o)
{
    struct un_engine *e;
    unet_error err;
    if (o->isa)
        check(un_engine_cpu_create(o->isa, o->threads, &e, &err), &err);
    else
        check(un_engine_choose(o->threads, &e, &err), &err);
    return e;
}

/* Takes the model. */
static inline struct bench setup(unet_model *model, int side, const struct options *o)
{
    struct bench b = {.model = model};
    struct un_graph graph = model->graph;
    unet_error err;
    check(un_graph_size(&graph, o->batch, side, side, &err), &err);
    graph.recompute = o->train && o->recompute;
    b.e = make_engine(o);
    check(un_network_create(&b.network, b.e, &graph, o->train ? UN_TRAIN : UN_PREDICT,
                            model->values, &err),
          &err);
    b.in = un_network_input(&b.network).shape;
    b.out = un_network_output(&b.network).shape;
    b.image =
        need(malloc((size_t)b.in.n * (size_t)b.in.h * (size_t)(b.in.w * b.in.c) * sizeof(float)));
    b.logits = need(
        malloc((size_t)b.out.n * (size_t)b.out.h * (size_t)(b.out.w * b.out.c) * sizeof(float)));
    fill_image(&b, o->input);
    if (o->train)
        setup_training(&b, o->labels);
    return b;
}

static inline void teardown(struct bench *b)
{
    void *all[] = {b->labels, b->weights, b->moment, b->square, b->result, b->bad};
    for (size_t i = 0; i < sizeof all / sizeof *all; i++)
        b->e->ops->release(b->e, all[i]);
    un_network_release(&b->network);
    b->e->ops->free(b->e);
    unet_model_free(b->model);
    free(b->image);
    free(b->logits);
}

static inline void predict(struct bench *b)
{
    const struct un_engine_ops *ops = b->e->ops;
    unet_error err;
    ops->upload(b->e, un_network_input(&b->network), b->image);
    un_network_forward(&b->network, 0);
    ops->download(b->e, b->logits, un_network_output(&b->network));
    check(ops->finish(b->e, &err), &err);
}

static const unet_loss cross_entropy = {.pixel = 1, .pos_weight = 1, .smooth = 1};

/* Returns the loss before the update. */
static inline double train(struct bench *b, float rate)
{
    const struct un_engine_ops *ops = b->e->ops;
    struct un_network *n = &b->network;
    double result[2];
    uint64_t bad;
    unet_error err;
    ops->upload(b->e, un_network_input(n), b->image);
    un_network_forward(n, 0);
    ops->loss(b->e, un_network_output(n), b->labels, b->weights, &cross_entropy, b->result,
              un_network_output_gradient(n));
    un_network_backward(n, 0);
    ops->count_nonfinite(b->e, n->gradients, n->graph.trainable, b->bad);
    ops->get(b->e, result, b->result, sizeof result);
    ops->get(b->e, &bad, b->bad, sizeof bad);
    if (bad)
        fail("a gradient is not finite");
    ops->adam_step(b->e, n->graph.trainable, n->values, n->gradients, b->moment, b->square, rate,
                   0.9f, 0.999f, 1e-8f, 0, false, ++b->step);
    check(ops->finish(b->e, &err), &err);
    return result[0] / result[1];
}

/* Returns milliseconds. */
static inline double run(struct bench *b, const struct options *o, double *loss)
{
    double start = now();
    if (o->train)
        *loss = train(b, o->rate);
    else
        predict(b);
    return now() - start;
}

static inline int by_size(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

static inline bool parse(struct options *o, int argc, char **argv)
{
    for (int i = 1; i < argc; i++) {
        const char *name = argv[i], *value = i + 1 < argc ? argv[i + 1] : NULL;
        bool *flag = !strcmp(name, "--train")     ? &o->train
                     : !strcmp(name, "--predict") ? &o->predict
                     : !strcmp(name, "--serve")   ? &o->serve
                                                  : NULL;
        const char **text = !strcmp(name, "--network")  ? &o->network
                            : !strcmp(name, "--model")  ? &o->model
                            : !strcmp(name, "--input")  ? &o->input
                            : !strcmp(name, "--labels") ? &o->labels
                            : !strcmp(name, "--isa")    ? &o->isa
                                                        : NULL;
        int *number = !strcmp(name, "--side")      ? &o->side
                      : !strcmp(name, "--batch")   ? &o->batch
                      : !strcmp(name, "--threads") ? &o->threads
                      : !strcmp(name, "--repeats") ? &o->repeats
                                                   : NULL;
        if (flag)
            *flag = true;
        else if (!value || (!text && !number))
            return false;
        else if (text)
            *text = argv[++i];
        else
            *number = atoi(argv[++i]);
    }
    return o->repeats >= 1 && o->repeats <= MOST_REPEATS && o->threads >= 0 && o->batch >= 0;
}

#endif
