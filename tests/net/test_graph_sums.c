/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Graphs that no spec asks for: residual sums, and several outputs.  Their gradients are held
 * against differences of the outputs, and every engine against the reference.
 */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/rng.h"
#include "net/run.h"
#include "support/chosen.h"

static const struct un_activation smooth = {UN_ACT_LEAKY, 0.999f}, none = {UN_ACT_NONE, 0};

static struct un_where at(enum un_role role, int level, int index)
{
    return (struct un_where){role, level, index, index, 0};
}

/* A 3x3 convolution to `channels`; normed: with a norm behind. */
static int conv(struct un_graph *g, struct un_where where, int src, int src2, int channels,
                struct un_activation act)
{
    const int from[2] = {src, src2};
    const bool normed = g->spec.norm != UNET_NORM_NONE;
    int value = un_graph_conv(g, where, UN_CONV3X3, from, channels, !normed, normed ? none : act);
    where.number += 10;
    return normed ? un_graph_norm(g, where, act) : value;
}

static int add(struct un_graph *g, struct un_where where, int a, int b)
{
    return un_graph_add(g, where, (const int[2]){a, b}, smooth);
}

static int head(struct un_graph *g, int level, int src, int classes)
{
    return un_graph_conv(g, at(UN_ROLE_HEAD, level, 0), UN_CONV1X1, (const int[2]){src, -1},
                         classes, true, none);
}

/*
 * depth 1.  Residual: the encoder's second convolution is added to its first.  The way up ends in a
 * sum (instead of a concatenation) or in a convolution of both; a second output looks at the
 * bottleneck, and a third at what comes up from there.
 */
enum way { RESIDUAL = 1, SUMS = 2 };

static void build(struct un_graph *g, const unet_spec *spec, int ways)
{
    un_graph_begin(g, spec);
    int a = conv(g, at(UN_ROLE_ENC, 0, 0), 0, -1, 20, smooth);
    int b = conv(g, at(UN_ROLE_ENC, 0, 1), a, -1, 20, ways & RESIDUAL ? none : smooth);
    int skip = ways & RESIDUAL ? add(g, at(UN_ROLE_ENC, 0, 2), b, a) : b;
    int pool = un_graph_plain(g, at(UN_ROLE_ENC, 0, 0), UN_NODE_MAXPOOL, skip);
    int low = conv(g, at(UN_ROLE_ENC, 1, 0), pool, -1, 17, smooth);
    int side = head(g, 1, low, 3);
    int up = un_graph_conv(g, at(UN_ROLE_UP, 0, 0), UN_UPCONV2X2, (const int[2]){low, -1}, 20, true,
                           none);
    int middle = head(g, 2, up, 1);
    int join = ways & SUMS ? add(g, at(UN_ROLE_DEC, 0, 0), up, skip)
                           : conv(g, at(UN_ROLE_DEC, 0, 0), up, skip, 20, smooth);
    if (!(ways & SUMS))
        g->nodes[join - 1 - (spec->norm != UNET_NORM_NONE)].skip = 1;
    int last = conv(g, at(UN_ROLE_DEC, 0, 1), join, -1, 20, smooth);
    un_graph_output(g, head(g, 0, last, 2));
    un_graph_output(g, side);
    un_graph_output(g, middle);
    un_graph_end(g);
}

static size_t volume(struct un_shape s)
{
    return (size_t)s.n * s.h * s.w * s.c;
}

/* A network with numbers, and what its outputs are multiplied with. */
struct bench {
    struct un_graph graph;
    float *values, *input, *factors[3];
};

static void bench_make(struct bench *b, const unet_spec *spec, int ways, int h, int w)
{
    unet_error err;
    build(&b->graph, spec, ways);
    if (un_graph_size(&b->graph, 2, h, w, &err))
        fail_msg("%s", err.text);
    b->values = malloc(b->graph.values * sizeof *b->values);
    for (int i = 0; i < b->graph.param_count; i++) {
        const struct un_param *p = &b->graph.params[i];
        double size = p->fan_in > 0 ? sqrt(1.0 / p->fan_in) : p->trainable ? 0.1 : 0;
        for (size_t j = p->offset; j < p->offset + p->count; j++)
            b->values[j] = p->initial + (float)size * un_rng_normal(1, j);
    }
    size_t count = volume(b->graph.input);
    b->input = malloc(count * sizeof *b->input);
    for (size_t i = 0; i < count; i++)
        b->input[i] = un_rng_normal(2, i);
    for (int k = 0; k < 3; k++) {
        count = volume(un_graph_value(&b->graph, b->graph.outputs[k]));
        b->factors[k] = malloc(count * sizeof **b->factors);
        for (size_t i = 0; i < count; i++)
            b->factors[k][i] = un_rng_normal(3 + (uint64_t)k, i);
    }
}

static void bench_free(struct bench *b)
{
    free(b->values);
    free(b->input);
    for (int k = 0; k < 3; k++)
        free(b->factors[k]);
}

/* Runs it on values; returns the sum over all outputs of output * factor, and the outputs and the
 * gradients of that sum where they are wanted. */
static double run(const struct bench *b, struct un_engine *e, enum un_mode mode, float *values,
                  float **outputs, float **gradients)
{
    struct un_network net;
    unet_error err;
    double sum = 0;
    if (un_network_create(&net, e, &b->graph, mode, values, &err))
        fail_msg("%s", err.text);
    e->ops->upload(e, un_network_input(&net), b->input);
    un_network_forward(&net, 0);
    for (int k = 0; k < 3; k++) {
        struct un_tensor t = un_network_result(&net, k);
        size_t count = volume(t.shape);
        float *got = malloc(count * sizeof *got);
        e->ops->download(e, got, t);
        for (size_t i = 0; i < count; i++)
            sum += (double)got[i] * b->factors[k][i];
        if (outputs)
            outputs[k] = got;
        else
            free(got);
        if (gradients)
            e->ops->upload(e, un_network_result_gradient(&net, k), b->factors[k]);
    }
    if (gradients) {
        const size_t bytes = b->graph.trainable * sizeof(float);
        un_network_backward(&net, 0);
        *gradients = malloc(bytes);
        e->ops->get(e, *gradients, net.gradients, bytes);
    }
    un_network_release(&net);
    return sum;
}

static void compare(const char *what, const char *name, const float *got, const float *want,
                    size_t count, double tolerance)
{
    double scale = 1e-3;
    for (size_t i = 0; i < count; i++)
        scale = fmax(scale, fabs((double)want[i]));
    for (size_t i = 0; i < count; i++)
        if (!(fabs((double)got[i] - (double)want[i]) <= tolerance * scale))
            fail_msg("%s: %s: value %zu of %zu is %.9g, wanted %.9g", what, name, i, count,
                     (double)got[i], (double)want[i]);
}

/*
 * A weight of each parameter is moved by `step` to both sides.  The sum is nearly linear in
 * each of them (activations are nearly straight), so the difference errs by the rounding of the
 * outputs: some EPS * sqrt(outputs) / step, far below a hundredth.
 */
static void check_differences(struct bench *b, struct un_engine *e, const char *what,
                              const float *gradients)
{
    const float step = 1.0f / 512;
    for (int i = 0; i < b->graph.param_count; i++) {
        const struct un_param *p = &b->graph.params[i];
        double most = 1;
        for (size_t j = 0; p->trainable && j < p->count; j++)
            most = fmax(most, fabs((double)gradients[p->offset + j]));
        if (!p->trainable)
            continue;
        float *w = b->values + p->offset + (i % 3 ? p->count - 1 : p->count / 2), old = *w;
        double side[2];
        for (int s = 0; s < 2; s++) {
            *w = s ? old - step : old + step;
            side[s] = run(b, e, UN_TRAIN, b->values, NULL, NULL);
        }
        *w = old;
        double want = (side[0] - side[1]) / (2 * (double)step);
        double got = (double)gradients[w - b->values];
        if (!(fabs(got - want) <= 0.02 * most))
            fail_msg("%s: %s: gradient %.9g, by differences %.9g (the largest is %g)", what,
                     p->name, got, want, most);
    }
}

/* The first is the reference. */
static int list_engines(struct un_engine *engines[8], char names[8][24])
{
    static const char *const isas[] = {"baseline", "neon", "avx2", "avx512"};
    int count = 1;
    unet_error err;
    if (un_engine_reference_create(&engines[0], &err))
        fail_msg("%s", err.text);
    if (chosen_engine()) {
        if (un_engine_choose(2, &engines[count], &err))
            fail_msg("%s", err.text);
        snprintf(names[count++], sizeof names[0], "%.20s", chosen_engine());
        return count;
    }
    for (int i = 0; i < 4; i++)
        if (!un_engine_cpu_create(isas[i], 2, &engines[count], &err))
            snprintf(names[count++], sizeof names[0], "%s", isas[i]);
    return count;
}

#define BASE .in_channels = 2, .classes = 2, .width = 20, .depth = 1
#define SAME .padding = UNET_PADDING_SAME

static const struct {
    const char *what;
    unet_spec spec;
    int ways, h, w;
} kinds[] = {
    {"padded, sums", {BASE, SAME}, RESIDUAL | SUMS, 11, 13},
    {"padded, a sum above", {BASE, SAME}, SUMS, 9, 12},
    {"padded, residual", {BASE, SAME}, RESIDUAL, 12, 9},
    {"unpadded, sums", {BASE}, RESIDUAL | SUMS, 24, 20},
    {"unpadded, a sum above", {BASE}, SUMS, 22, 18},
    {"unpadded, residual", {BASE}, RESIDUAL, 22, 24},
    {"batch norm", {BASE, SAME, .norm = UNET_NORM_BATCH}, RESIDUAL | SUMS, 10, 12},
    {"instance norm", {BASE, .norm = UNET_NORM_INSTANCE}, RESIDUAL, 20, 24},
};

static void test_other_graphs(void **state)
{
    struct un_engine *engines[8];
    char names[8][24];
    const int count = list_engines(engines, names);
    struct un_engine *direct;
    unet_error err;
    (void)state;
    if (un_engine_cpu_create(NULL, 1, &direct, &err))
        fail_msg("%s", err.text);
    direct->exact = true; /* its sums are rounded least */
    for (size_t k = 0; k < sizeof kinds / sizeof *kinds; k++) {
        struct bench b;
        float *want[2][3], *gradients;
        bench_make(&b, &kinds[k].spec, kinds[k].ways, kinds[k].h, kinds[k].w);
        /* training first: it leaves running statistics for prediction */
        run(&b, engines[0], UN_TRAIN, b.values, want[1], &gradients);
        float *before = malloc(b.graph.values * sizeof *before);
        memcpy(before, b.values, b.graph.values * sizeof *before);
        run(&b, engines[0], UN_PREDICT, b.values, want[0], NULL);
        check_differences(&b, direct, kinds[k].what, gradients);
        for (int i = 1; i < count; i++) {
            float *got[2][3], *d;
            memcpy(b.values, before, b.graph.values * sizeof *before);
            run(&b, engines[i], UN_PREDICT, b.values, got[0], NULL);
            run(&b, engines[i], UN_TRAIN, b.values, got[1], &d);
            for (int o = 0; o < 6; o++) {
                char name[60];
                size_t values = volume(un_graph_value(&b.graph, b.graph.outputs[o % 3]));
                snprintf(name, sizeof name, "%s, %s: output %d", names[i],
                         o < 3 ? "prediction" : "training", o % 3);
                compare(kinds[k].what, name, got[o / 3][o % 3], want[o / 3][o % 3], values, 1e-4);
                free(got[o / 3][o % 3]);
            }
            compare(kinds[k].what, names[i], d, gradients, b.graph.trainable, 1e-4);
            free(d);
        }
        for (int o = 0; o < 6; o++)
            free(want[o / 3][o % 3]);
        free(before);
        free(gradients);
        bench_free(&b);
    }
    for (int i = 0; i < count; i++)
        engines[i]->ops->free(engines[i]);
    direct->ops->free(direct);
}

/* Without norms, prediction and training are the same sums; what prediction leaves out of a map
 * that a sum reads as well would show. */
static void test_modes_agree(void **state)
{
    struct un_engine *engine;
    unet_error err;
    (void)state;
    if (un_engine_cpu_create(NULL, 2, &engine, &err))
        fail_msg("%s", err.text);
    for (size_t k = 0; k < 6; k++) {
        struct bench b;
        float *trained[3], *predicted[3], *gradients;
        bench_make(&b, &kinds[k].spec, kinds[k].ways, kinds[k].h, kinds[k].w);
        run(&b, engine, UN_TRAIN, b.values, trained, &gradients);
        run(&b, engine, UN_PREDICT, b.values, predicted, NULL);
        for (int o = 0; o < 3; o++) {
            size_t values = volume(un_graph_value(&b.graph, b.graph.outputs[o]));
            compare(kinds[k].what, "prediction", predicted[o], trained[o], values, 1e-5);
            free(trained[o]);
            free(predicted[o]);
        }
        free(gradients);
        bench_free(&b);
    }
    engine->ops->free(engine);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_other_graphs),
        cmocka_unit_test(test_modes_agree),
    };
    return cmocka_run_group_tests_name("sums", tests, NULL, NULL);
}
