/* SPDX-License-Identifier: Apache-2.0 */
/* What a network costs, from the plans that a session and a trainer would make. */
#include <stdio.h>
#include <stdlib.h>

#include "predict/session.h"
#include "train/trainer.h"

static const char *op_name(const struct un_node *node)
{
    static const char *const convs[] = {"conv3x3", "conv1x1", "upconv2x2", "conv3x3s2",
                                        "upconv3x3"};
    static const char *const others[] = {"conv", "norm",     "maxpool", "upsample",
                                         "add",  "meanpool", "prelu"};
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

static unet_code fill_cost(const struct un_graph *graph, int batch, unet_cost *cost,
                           unet_error *err)
{
    struct un_engine *engine;
    struct un_plan plan;
    struct un_shape out = un_graph_value(graph, graph->outputs[0]);
    size_t in_pixels = (size_t)graph->input.h * graph->input.w;
    size_t out_pixels = (size_t)out.h * out.w;
    unet_code code = un_engine_choose(0, &engine, err);
    if (code)
        return code;
    *cost = (unet_cost){.in_height = graph->input.h,
                        .in_width = graph->input.w,
                        .out_height = out.h,
                        .out_width = out.w,
                        .parameters = graph->trainable};
    for (int i = 0; i < graph->node_count; i++)
        cost->macs += un_graph_macs(graph, &graph->nodes[i]);
    un_plan_make(&plan, graph, engine, UN_PREDICT);
    cost->predict_bytes = un_network_bytes(graph, &plan) +
                          (size_t)batch * un_session_extra_bytes(&graph->spec, 1, in_pixels);
    un_plan_make(&plan, graph, engine, UN_TRAIN);
    cost->train_bytes = un_network_bytes(graph, &plan) +
                        un_trainer_extra_bytes(graph, batch, in_pixels, out_pixels);
    engine->ops->free(engine);
    return UNET_OK;
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
