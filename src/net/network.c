/* SPDX-License-Identifier: Apache-2.0 */
/* network.c - a network's memory: how it comes to be, changes its size, and goes */
#include <string.h>

#include "net/bind.h"

struct un_tensor un_network_input(const struct un_network *network)
{
    return un_bind_value(network, 0);
}

struct un_tensor un_network_result(const struct un_network *network, int i)
{
    return un_bind_value(network, network->graph.outputs[i]);
}

struct un_tensor un_network_result_gradient(const struct un_network *network, int i)
{
    return un_bind_gradient(network, network->graph.outputs[i]);
}

struct un_tensor un_network_output(const struct un_network *network)
{
    return un_network_result(network, 0);
}

struct un_tensor un_network_output_gradient(const struct un_network *network)
{
    return un_network_result_gradient(network, 0);
}

/* A slope that was learnt is that of a leaky ReLU now, in what makes the value before. */
static void fetch_slopes(struct un_network *network)
{
    struct un_engine *e = network->engine;
    for (int i = 1; i < network->graph.node_count; i++) {
        struct un_node *node = &network->graph.nodes[i];
        if (node->kind != UN_NODE_PRELU)
            continue;
        node->act.kind = UN_ACT_LEAKY;
        e->ops->get(e, &node->act.slope, un_bind_param(network, node->weight), sizeof(float));
    }
}

/* Prediction: the weights do not change any more, so they are laid out once. */
void un_network_repack(struct un_network *network)
{
    struct un_engine *e = network->engine;
    fetch_slopes(network);
    for (int i = 0; i < network->graph.node_count; i++) {
        if (network->graph.nodes[i].kind != UN_NODE_CONV)
            continue;
        struct un_conv c = un_bind_conv(network, i);
        int folded = un_plan_folded(&network->graph, i);
        if (folded >= 0) {
            const struct un_norm norm = un_bind_norm(network, folded);
            float *scale = un_bind_at(network, network->plan.norm[folded]);
            const int channels = network->graph.nodes[folded].channels;
            e->ops->norm_fold(e, channels, &norm, c.bias, scale, scale + channels);
        }
        e->ops->conv_pack(e, &c, UN_PASS_FORWARD);
    }
}

size_t un_network_bytes(const struct un_graph *graph, const struct un_plan *plan)
{
    return plan->arena_bytes + graph->values * sizeof(float);
}

static void *allocate(struct un_engine *e, size_t bytes, const char *what, unet_error *err)
{
    void *memory = e->ops->alloc(e, bytes);
    if (!memory)
        un_fail_engine_memory(e, bytes, what, err);
    return memory;
}

/* Memory that is not there is refused here: a host may promise it, and end the process when it is
 * used. */
static unet_code check_room(struct un_engine *e, size_t bytes, unet_error *err)
{
    const size_t has = e->ops->memory(e);
    char needed[24], there[24];
    if (!has || bytes <= has)
        return UNET_OK;
    return un_fail_hint(
        err, UNET_ENOMEM, UNET_HINT_MEMORY,
        "not enough memory: the network needs %s with tiles and batches of this size, "
        "there are %s",
        un_bytes_text((double)bytes, needed), un_bytes_text((double)has, there));
}

unet_code un_network_create(struct un_network *network, struct un_engine *engine,
                            const struct un_graph *graph, enum un_mode mode, float *host_values,
                            unet_error *err)
{
    const size_t bytes = graph->values * sizeof(float);
    memset(network, 0, sizeof *network); /* in its place: it is large for a stack */
    network->graph = *graph;
    network->engine = engine;
    network->owns_values = !engine->ops->host_memory;
    if (!un_plan_make(&network->plan, graph, engine, mode, err) &&
        !check_room(engine, un_network_bytes(graph, &network->plan), err))
        network->values =
            network->owns_values ? allocate(engine, bytes, "the weights", err) : host_values;
    network->first = network->plan;
    if (network->values && network->owns_values)
        engine->ops->put(engine, network->values, host_values, bytes);
    if (network->values)
        network->arena = allocate(engine, network->plan.arena_bytes, "the feature maps", err);
    if (!network->arena) {
        un_network_release(network);
        return UNET_ENOMEM;
    }
    if (mode == UN_TRAIN)
        network->gradients = un_bind_at(network, network->plan.gradients);
    if (mode == UN_PREDICT)
        un_network_repack(network);
    return UNET_OK;
}

void un_network_release(struct un_network *network)
{
    struct un_engine *e = network->engine;
    if (!e)
        return;
    un_network_unshare(network);
    if (network->owns_values)
        e->ops->release(e, network->values);
    e->ops->release(e, network->arena);
    e->workspace = NULL;
    memset(network, 0, sizeof *network);
}

unet_code un_network_size(struct un_network *network, int n, int height, int width, unet_error *err)
{
    const struct un_shape old = network->graph.input;
    const size_t bytes = network->first.arena_bytes;
    unet_code code = un_graph_size(&network->graph, n, height, width, err);
    if (code || network->plan.mode != UN_PREDICT ||
        (old.n == n && old.h == height && old.w == width))
        return code;
    /* smaller maps lie closer together, so that less memory is ever touched; but nothing says that
     * what place.c finds for them is never more than what it found for the largest */
    if (un_plan_make(&network->plan, &network->graph, network->engine, UN_PREDICT, NULL) ||
        network->plan.arena_bytes > bytes)
        network->plan = network->first;
    network->plan.arena_bytes = bytes;
    return UNET_OK;
}
