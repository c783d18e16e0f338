/* SPDX-License-Identifier: Apache-2.0 */
/* What a network costs, from the plans that a session and a trainer would make. */
#include <stdio.h>
#include <stdlib.h>

#include "predict/session.h"
#include "train/trainer.h"

_Static_assert((int)UNET_MAX_LAYERS >= (int)UN_MAX_NODES, "a row for each node");

static const char *op_name(const struct un_node *node)
{
    static const char *const convs[] = {
        [UN_CONV3X3] = "conv3x3",        [UN_CONV1X1] = "conv1x1",
        [UN_UPCONV2X2] = "upconv2x2",    [UN_CONV3X3_HALF] = "conv3x3s2",
        [UN_CONV7X7_HALF] = "conv7x7s2", [UN_CONV1X1_HALF] = "conv1x1s2",
        [UN_UPCONV3X3] = "upconv3x3"};
    static const char *const others[] = {
        [UN_NODE_NORM] = "norm",         [UN_NODE_MAXPOOL] = "maxpool",
        [UN_NODE_UPSAMPLE] = "upsample", [UN_NODE_ADD] = "add",
        [UN_NODE_MEANPOOL] = "meanpool", [UN_NODE_MAXPOOL3] = "maxpool3x3",
        [UN_NODE_PRELU] = "prelu"};
    return node->kind == UN_NODE_CONV ? convs[node->conv] : others[node->kind];
}

static uint64_t param_count(const struct un_graph *graph, int index)
{
    return index < 0 ? 0 : graph->params[index].count;
}

static void fill_layer(const struct un_graph *graph, int i, unet_layer *layer)
{
    const struct un_node *node = &graph->nodes[i];
    *layer = (unet_layer){.op = op_name(node),
                          .height = node->shape.h,
                          .width = node->shape.w,
                          .channels = node->channels,
                          .macs = un_graph_macs(graph, node)};
    snprintf(layer->name, sizeof layer->name, "%s", node->name);
    if (node->weight >= 0)
        layer->parameters = param_count(graph, node->weight) + param_count(graph, node->bias);
}

/* What a network is planned with. */
struct draft {
    struct un_graph graph;
    struct un_plan plan;
    struct un_engine *engine;
};

static void release(struct draft *d)
{
    if (d && d->engine)
        d->engine->ops->free(d->engine);
    free(d);
}

/* The network of a spec with a batch of inputs of at least these sides, and the engine; *draft is
 * to be released. */
static unet_code prepare(const unet_spec *spec, int height, int width, int batch,
                         struct draft **draft, unet_error *err)
{
    unet_code code = un_spec_check(spec, err);
    if (code)
        return code;
    struct draft *d = *draft = calloc(1, sizeof *d);
    if (!d)
        return un_fail_memory(err, sizeof *d, "a network");
    un_graph_build(&d->graph, spec);
    if (height >= 1 && height <= 1 << 20 && width >= 1 && width <= 1 << 20) {
        height = un_fit_input(&d->graph, height);
        width = un_fit_input(&d->graph, width);
    }
    code = un_graph_size(&d->graph, batch, height, width, err);
    return code ? code : un_engine_choose(0, &d->engine, err);
}

static size_t pixels_of(struct un_shape s)
{
    return (size_t)s.h * (size_t)s.w;
}

/* What a session, or a trainer, of this network takes. */
static unet_code count_bytes(struct draft *d, enum un_mode mode, const unet_train_options *options,
                             size_t *bytes, unet_error *err)
{
    const struct un_graph *g = &d->graph;
    const size_t in = pixels_of(g->input), out = pixels_of(un_graph_value(g, g->outputs[0]));
    const int batch = g->input.n;
    unet_code code = un_plan_make(&d->plan, g, d->engine, mode, err);
    if (!code)
        *bytes = un_network_bytes(g, &d->plan) +
                 (mode == UN_TRAIN ? un_trainer_extra_bytes(g, options, batch, in, out)
                                   : (size_t)batch * un_session_extra_bytes(&g->spec, 1, in));
    return code;
}

static unet_code fill_cost(struct draft *d, unet_cost *cost, unet_error *err)
{
    const struct un_graph *g = &d->graph;
    const struct un_shape out = un_graph_value(g, g->outputs[0]);
    unet_cost made = {.in_height = g->input.h,
                      .in_width = g->input.w,
                      .out_height = out.h,
                      .out_width = out.w,
                      .parameters = g->trainable};
    for (int i = 0; i < g->node_count; i++)
        made.macs += un_graph_macs(g, &g->nodes[i]);
    const unet_train_options adam = {.optimizer = UNET_OPTIMIZER_ADAM};
    unet_code code = count_bytes(d, UN_PREDICT, NULL, &made.predict_bytes, err);
    if (!code && !(code = count_bytes(d, UN_TRAIN, &adam, &made.train_bytes, err)))
        *cost = made;
    return code;
}

unet_code un_spec_cost(const unet_spec *spec, int height, int width, int batch, unet_cost *cost,
                       unet_layer *layers, int *layer_count, unet_error *err)
{
    struct draft *d = NULL;
    unet_code code = prepare(spec, height, width, batch, &d, err);
    if (!code && layers && *layer_count < d->graph.node_count)
        code = un_fail(err, UNET_EINVAL, "room for %d layers, the network has %d", *layer_count,
                       d->graph.node_count);
    if (!code && !(code = fill_cost(d, cost, err))) {
        for (int i = 0; layers && i < d->graph.node_count; i++)
            fill_layer(&d->graph, i, &layers[i]);
        if (layer_count)
            *layer_count = d->graph.node_count;
    }
    release(d);
    return code;
}

unet_code un_train_bytes(const unet_spec *spec, const unet_train_options *options, int side,
                         size_t *bytes, unet_error *err)
{
    struct draft *d = NULL;
    unet_code code = prepare(spec, side, side, options->batch, &d, err);
    if (!code) {
        d->graph.recompute = options->recompute;
        code = count_bytes(d, UN_TRAIN, options, bytes, err);
    }
    release(d);
    return code;
}
