/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The memory plan: how much a training of the paper's network takes, what shares a place, and that
 * a plan for a large input serves a smaller one.  That arrays do not overwrite each other is what
 * tests/net/test_network.c finds out: all gradients of many networks against PyTorch's.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/rng.h"
#include "net/run.h"

static struct un_engine *make_engine(void)
{
    struct un_engine *engine;
    unet_error err;
    if (un_engine_cpu_create(NULL, 2, &engine, &err))
        fail_msg("%s", err.text);
    return engine;
}

static struct un_graph make_graph(const unet_spec *spec, int n, int side)
{
    struct un_graph graph;
    unet_error err;
    un_graph_build(&graph, spec);
    if (un_graph_size(&graph, n, side, side, &err))
        fail_msg("%s", err.text);
    return graph;
}

/* Weights 118.4 MiB, moments of Adam twice that; feature maps, all gradients and workspaces in one
 * arena, of which 560 MiB are the values alone. */
static void test_paper(void **state)
{
    (void)state;
    struct un_engine *engine = make_engine();
    const unet_spec spec = un_spec_default();
    struct un_graph graph = make_graph(&spec, 1, 572);
    struct un_plan plan;
    assert_int_equal(un_plan_make(&plan, &graph, engine, UN_TRAIN, NULL), UNET_OK);
    size_t moments = 2 * graph.trainable * sizeof(float);
    double mib = (double)(un_network_bytes(&graph, &plan) + moments) / (1 << 20);
    if (mib > 1020)
        fail_msg("a training of the paper's network takes %.1f MiB, wanted at most 1020", mib);
    if (plan.arena_bytes < plan.gradients + graph.trainable * sizeof(float))
        fail_msg("%zu bytes of gradients from byte %zu on in an arena of %zu",
                 graph.trainable * sizeof(float), plan.gradients, plan.arena_bytes);
    engine->ops->free(engine);
}

/* The gradient of what an up-convolution or a pooling made takes the place of the value, for no
 * activation's derivative asks for its sign; all others have a place of their own. */
static void test_in_place(void **state)
{
    (void)state;
    struct un_engine *engine = make_engine();
    unet_spec spec = {
        .in_channels = 1, .classes = 2, .width = 8, .depth = 3, .padding = UNET_PADDING_SAME};
    for (int bilinear = 0; bilinear < 2; bilinear++) {
        spec.up = bilinear ? UNET_UP_BILINEAR : UNET_UP_TRANSPOSE;
        struct un_graph graph = make_graph(&spec, 1, 32);
        struct un_plan plan;
        assert_int_equal(un_plan_make(&plan, &graph, engine, UN_TRAIN, NULL), UNET_OK);
        for (int i = 0; i < graph.node_count; i++) {
            bool plain = !strncmp(graph.nodes[i].name, "pool_", 5) ||
                         !strncmp(graph.nodes[i].name, bilinear ? "upsample_" : "upconv_", 7);
            if (plain != (plan.gradient[i + 1] == plan.value[i + 1]))
                fail_msg("%s: value at %zu, gradient at %zu", graph.nodes[i].name,
                         plan.value[i + 1], plan.gradient[i + 1]);
        }
    }
    engine->ops->free(engine);
}

/* The gradients of one step on n inputs in a network that was planned for `graph`. */
static float *gradients_of(struct un_engine *engine, const struct un_graph *graph, float *values,
                           int n, int side)
{
    struct un_network net;
    unet_error err;
    if (un_network_create(&net, engine, graph, UN_TRAIN, values, &err) ||
        un_network_size(&net, n, side, side, &err))
        fail_msg("%s", err.text);
    struct un_tensor in = un_network_input(&net), out = un_network_output(&net);
    size_t pixels = (size_t)out.shape.n * out.shape.h * out.shape.w, bytes;
    size_t count = (size_t)in.shape.n * in.shape.h * in.shape.w * in.shape.c;
    float *input = malloc(count * sizeof *input), *weights = malloc(pixels * sizeof *weights);
    uint8_t *labels = malloc(pixels);
    double result[2];
    for (size_t i = 0; i < count; i++)
        input[i] = un_rng_normal(7, i);
    for (size_t i = 0; i < pixels; i++) {
        weights[i] = 1;
        labels[i] = i / 5 % 2;
    }
    engine->ops->upload(engine, in, input);
    un_network_forward(&net, 3);
    const unet_loss loss = {.pixel = 1, .pos_weight = 1, .smooth = 1};
    engine->ops->loss(engine, out, labels, weights, &loss, result,
                      un_network_output_gradient(&net));
    un_network_backward(&net, 3);
    bytes = net.graph.trainable * sizeof(float);
    float *gradients = malloc(bytes);
    memcpy(gradients, net.gradients, bytes);
    un_network_release(&net);
    free(input);
    free(weights);
    free(labels);
    return gradients;
}

static void test_smaller_fits(void **state)
{
    (void)state;
    struct un_engine *engine = make_engine();
    const unet_spec specs[] = {
        {.in_channels = 1, .classes = 2, .width = 8, .depth = 2, .dropout = 0.3f},
        {.in_channels = 2,
         .classes = 2,
         .width = 20,
         .depth = 3,
         .padding = UNET_PADDING_SAME,
         .norm = UNET_NORM_BATCH,
         .up = UNET_UP_BILINEAR},
    };
    const int large[] = {100, 96}, small[] = {52, 48};
    for (int k = 0; k < 2; k++) {
        struct un_graph planned = make_graph(&specs[k], 2, large[k]);
        struct un_graph exact = make_graph(&specs[k], 1, small[k]);
        float *values = malloc(planned.values * sizeof *values);
        for (size_t i = 0; i < planned.values; i++)
            values[i] = 0.1f * un_rng_normal(5, i) + (i >= planned.trainable);
        float *want = gradients_of(engine, &exact, values, 1, small[k]);
        float *got = gradients_of(engine, &planned, values, 1, small[k]);
        for (size_t i = 0; i < planned.trainable; i++)
            if (memcmp(&want[i], &got[i], sizeof *got))
                fail_msg("network %d: gradient %zu is %.9g, in a larger plan %.9g", k, i,
                         (double)want[i], (double)got[i]);
        free(values);
        free(want);
        free(got);
    }
    engine->ops->free(engine);
}

/* The logits of net for an input of this side. */
static float *logits_of(struct un_network *net, int side, size_t *count)
{
    const struct un_engine_ops *ops = net->engine->ops;
    unet_error err;
    if (un_network_size(net, 1, side, side, &err))
        fail_msg("%s", err.text);
    struct un_tensor in = un_network_input(net), out = un_network_output(net);
    size_t pixels = (size_t)in.shape.h * in.shape.w * in.shape.c;
    *count = (size_t)out.shape.h * out.shape.w * out.shape.c;
    float *input = malloc(pixels * sizeof *input), *logits = malloc(*count * sizeof *logits);
    for (size_t i = 0; i < pixels; i++)
        input[i] = un_rng_normal(7, i);
    ops->upload(net->engine, in, input);
    un_network_forward(net, 0);
    ops->download(net->engine, logits, out);
    free(input);
    return logits;
}

/* Tiles of several sizes, one after the other, against networks made for each size alone.  tight:
 * as if no plan but the first fitted into the memory there is. */
static void check_sizes(struct un_engine *engine, const unet_spec *spec, float *values, bool tight)
{
    static const int sides[] = {140, 60, 100, 140, 60};
    struct un_graph graph = make_graph(spec, 1, sides[0]);
    struct un_network net, fresh;
    unet_error err;
    size_t count;
    if (un_network_create(&net, engine, &graph, UN_PREDICT, values, &err))
        fail_msg("%s", err.text);
    for (int k = 0; k < 5; k++) {
        if (k == 2 && tight) /* the plan of the size before is in use */
            net.first.arena_bytes = 0;
        float *got = logits_of(&net, sides[k], &count);
        graph = make_graph(spec, 1, sides[k]);
        if (un_network_create(&fresh, engine, &graph, UN_PREDICT, values, &err))
            fail_msg("%s", err.text);
        float *want = logits_of(&fresh, sides[k], &count);
        for (size_t i = 0; i < count; i++)
            if (memcmp(&want[i], &got[i], sizeof *got))
                fail_msg("size %d, number %d%s: logit %zu is %.9g, wanted %.9g", sides[k], k,
                         tight ? ", first plan" : "", i, (double)got[i], (double)want[i]);
        free(got);
        free(want);
        un_network_release(&fresh);
    }
    un_network_release(&net);
}

static void test_sizes_in_turn(void **state)
{
    (void)state;
    const unet_spec spec = {
        .in_channels = 1, .classes = 2, .width = 8, .depth = 2, .norm = UNET_NORM_BATCH};
    struct un_engine *engine = make_engine();
    struct un_graph graph = make_graph(&spec, 1, 60);
    float *values = malloc(graph.values * sizeof *values);
    for (size_t i = 0; i < graph.values; i++)
        values[i] = 0.1f * un_rng_normal(5, i) + (i >= graph.trainable);
    check_sizes(engine, &spec, values, false);
    check_sizes(engine, &spec, values, true);
    free(values);
    engine->ops->free(engine);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_paper),
        cmocka_unit_test(test_in_place),
        cmocka_unit_test(test_smaller_fits),
        cmocka_unit_test(test_sizes_in_turn),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
