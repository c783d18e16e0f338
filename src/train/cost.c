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

static unet_code fill_cost(struct un_graph *graph, int batch, unet_cost *cost, unet_error *err)
{
    struct un_engine *engine;
    struct un_plan *plan;
    struct un_shape out = un_graph_value(graph, graph->outputs[0]);
    size_t in_pixels = (size_t)graph->input.h * graph->input.w;
    size_t out_pixels = (size_t)out.h * out.w;
    unet_code code = un_engine_choose(0, &engine, err);
    if (code)
        return code;
    if (!(plan = malloc(sizeof *plan))) {
        engine->ops->free(engine);
        return un_fail_memory(err, sizeof *plan, "the plan of a network");
    }
    *cost = (unet_cost){.in_height = graph->input.h,
                        .in_width = graph->input.w,
                        .out_height = out.h,
                        .out_width = out.w,
                        .parameters = graph->trainable};
    for (int i = 0; i < graph->node_count; i++)
        cost->macs += un_graph_macs(graph, &graph->nodes[i]);
    code = un_plan_make(plan, graph, engine, UN_PREDICT, err);
    if (!code)
        cost->predict_bytes = un_network_bytes(graph, plan) +
                              (size_t)batch * un_session_extra_bytes(&graph->spec, 1, in_pixels);
    for (int again = 0; again < 2 && !code; again++) {
        graph->recompute = again;
        code = un_plan_make(plan, graph, engine, UN_TRAIN, err);
        *(again ? &cost->recompute_bytes : &cost->train_bytes) =
            un_network_bytes(graph, plan) +
            un_trainer_extra_bytes(graph, batch, in_pixels, out_pixels);
    }
    graph->recompute = false;
    free(plan);
    engine->ops->free(engine);
    return code;
}

unet_code un_spec_cost(const unet_spec *spec, int height, int width, int batch, unet_cost *cost,
                       unet_layer *layers, int *layer_count, unet_error *err)
{
    unet_code code = un_spec_check(spec, err);
    struct un_graph *graph = code ? NULL : malloc(sizeof *graph);
    if (code)
        return code;
    if (!graph)
        return un_fail_memory(err, sizeof *graph, "a network");
    un_graph_build(graph, spec);
    if (height >= 1 && height <= 1 << 20 && width >= 1 && width <= 1 << 20) {
        height = un_fit_input(graph, height);
        width = un_fit_input(graph, width);
    }
    if ((code = un_graph_size(graph, batch, height, width, err)))
        goto done;
    if (layers && *layer_count < graph->node_count) {
        code = un_fail(err, UNET_EINVAL, "room for %d layers, the network has %d", *layer_count,
                       graph->node_count);
        goto done;
    }
    if ((code = fill_cost(graph, batch, cost, err)))
        goto done;
    for (int i = 0; layers && i < graph->node_count; i++)
        fill_layer(graph, i, &layers[i]);
    if (layer_count)
        *layer_count = graph->node_count;
done:
    free(graph);
    return code;
}
