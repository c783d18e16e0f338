/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The walk over the list of nodes, forwards and backwards.
 *
 * A gradient is complete when the backward pass of the first node that reads the value has added
 * its part; that node also multiplies with the derivative of the activation that made the value
 * (struct un_gradient).  So when a node's own backward pass starts, the gradient of what it made is
 * the gradient before its activation, and only a dropout remains to be undone.
 */
#include "net/run.h"

#include <stdlib.h>
#include <string.h>

static void *at(const struct un_network *network, size_t offset)
{
    return offset == UN_NOWHERE ? NULL : network->arena + offset;
}

static float *param(const struct un_network *network, int index)
{
    return index < 0 ? NULL : network->values + network->graph.params[index].offset;
}

static struct un_tensor tensor(const struct un_network *network, int v, size_t offset)
{
    struct un_tensor t = un_plan_value(&network->plan, &network->graph, v).tensor;
    t.data = at(network, offset);
    return t;
}

static struct un_tensor value(const struct un_network *network, int v)
{
    return tensor(network, v, network->plan.value[v]);
}

static struct un_tensor gradient(const struct un_network *network, int v)
{
    return tensor(network, v, network->plan.gradient[v]);
}

/* The workspace of what runs at this time: see plan.h. */
static void use_workspace(struct un_network *network, int time)
{
    network->engine->workspace = at(network, network->plan.workspace[time]);
}

struct un_tensor un_network_input(const struct un_network *network)
{
    return value(network, 0);
}

struct un_tensor un_network_result(const struct un_network *network, int i)
{
    return value(network, network->graph.outputs[i]);
}

struct un_tensor un_network_result_gradient(const struct un_network *network, int i)
{
    return gradient(network, network->graph.outputs[i]);
}

struct un_tensor un_network_output(const struct un_network *network)
{
    return un_network_result(network, 0);
}

struct un_tensor un_network_output_gradient(const struct un_network *network)
{
    return un_network_result_gradient(network, 0);
}

/* A node's norm with all pointers set: its own statistics, or in prediction over the batch those
 * that training has left. */
static struct un_norm bind_norm(const struct un_network *network, int i)
{
    const struct un_node *node = &network->graph.nodes[i];
    struct un_norm norm = {.groups = node->groups,
                           .epsilon = un_spec_epsilon(&network->graph.spec),
                           .gamma = param(network, node->weight),
                           .beta = param(network, node->bias)};
    if (network->plan.mode == UN_PREDICT && !node->groups) {
        norm.mean = param(network, node->running_mean);
        norm.variance = param(network, node->running_var);
    } else {
        norm.mean = at(network, network->plan.norm[i]);
        norm.variance = norm.mean + (size_t)node->channels * (node->groups ? node->shape.n : 1);
    }
    return norm;
}

/* A node's convolution with all pointers set. */
static struct un_conv bind_conv(const struct un_network *network, int i)
{
    const struct un_node *node = &network->graph.nodes[i];
    struct un_conv c = un_plan_conv(&network->plan, &network->graph, i);
    const int written = un_plan_written(&network->plan, &network->graph, i);
    for (int s = 0; s < 2 && node->src[s] >= 0; s++)
        c.src[s].tensor.data = value(network, node->src[s]).data;
    if (c.parts.pooled.shape.c) {
        c.parts.window.data = value(network, written).data;
        c.parts.pooled.data = value(network, written + 1).data;
    } else {
        c.dst.data = value(network, written).data;
    }
    c.weight = param(network, node->weight);
    c.bias = param(network, node->bias);
    const int folded = network->plan.mode == UN_PREDICT ? un_plan_folded(&network->graph, i) : -1;
    if (folded >= 0) {
        c.scale = at(network, network->plan.norm[folded]);
        c.shift = c.scale + node->channels;
    }
    c.measures &= !network->again; /* the statistics are there */
    if (c.measures)
        c.norm = bind_norm(network, i + 1);
    for (int pass = 0; pass < 2; pass++)
        c.packed[pass] = at(network, network->plan.packed[i][pass]);
    if (network->again)
        c.packed[UN_PASS_FORWARD] = at(network, network->plan.packed[i][UN_PASS_BACKWARD_WEIGHTS]);
    return c;
}

/* A slope that was learnt is that of a leaky ReLU now, in what makes the value before. */
static void fetch_slopes(struct un_network *network)
{
    struct un_engine *e = network->engine;
    for (int i = 1; i < network->graph.node_count; i++) {
        struct un_node *node = &network->graph.nodes[i];
        node->act.kind = node->kind == UN_NODE_PRELU ? UN_ACT_LEAKY : node->act.kind;
        if (node->kind == UN_NODE_PRELU && un_plan_absorbs(&network->graph, i - 1))
            e->ops->get(e, &node->act.slope, param(network, node->weight), sizeof(float));
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
        struct un_conv c = bind_conv(network, i);
        int folded = un_plan_folded(&network->graph, i);
        if (folded >= 0) {
            const struct un_norm norm = bind_norm(network, folded);
            float *scale = at(network, network->plan.norm[folded]);
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
    if (un_plan_make(&network->plan, graph, engine, mode, err) ||
        check_room(engine, un_network_bytes(graph, &network->plan), err))
        return UNET_ENOMEM;
    network->engine = engine;
    network->first = network->plan;
    network->values = host_values;
    if (!engine->ops->host_memory) {
        network->values = allocate(engine, bytes, "the weights", err);
        network->owns_values = network->values != NULL;
        if (network->owns_values)
            engine->ops->put(engine, network->values, host_values, bytes);
    }
    if (!engine->ops->host_memory == network->owns_values)
        network->arena = allocate(engine, network->plan.arena_bytes, "the feature maps", err);
    if (!network->arena) {
        un_network_release(network);
        return UNET_ENOMEM;
    }
    if (mode == UN_TRAIN)
        network->gradients = at(network, network->plan.gradients);
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

/* Of a value or its gradient: a mask is one of the whole batch's. */
static void drop_out(struct un_network *network, int node, struct un_tensor x, uint64_t key)
{
    const uint64_t image = (uint64_t)x.shape.h * (uint64_t)x.shape.w * (uint64_t)x.shape.c;
    network->engine->ops->dropout(network->engine, x, network->graph.nodes[node].dropout,
                                  key + (uint64_t)node, image * (uint64_t)network->graph.first);
}

static void norm_forward(struct un_network *network, int i)
{
    struct un_engine *e = network->engine;
    const struct un_node *node = &network->graph.nodes[i];
    const struct un_norm norm = bind_norm(network, i);
    const bool train = network->plan.mode == UN_TRAIN && !network->again;
    struct un_tensor x = value(network, node->src[0]);
    double count = (double)un_graph_total(&network->graph) * x.shape.h * x.shape.w;
    if ((train || norm.groups) && !network->again &&
        !un_plan_measures(&network->plan, &network->graph, i - 1))
        un_batch_norm_statistics(network, x, &norm);
    const int written = un_plan_written(&network->plan, &network->graph, i);
    e->ops->norm_forward(e, x, &norm, network->graph.nodes[written - 1].act,
                         value(network, written));
    if (train && !norm.groups)
        e->ops->norm_running(e, node->channels, count, UN_NORM_MOMENTUM, norm.mean, norm.variance,
                             param(network, node->running_mean), param(network, node->running_var));
}

static void add_forward(struct un_network *network, int i)
{
    const struct un_node *node = &network->graph.nodes[i];
    struct un_operand src[2];
    for (int s = 0; s < 2; s++) {
        src[s] = un_graph_source(&network->graph, node, s);
        if (node->src[s] >= 0)
            src[s].tensor = value(network, node->src[s]);
    }
    network->engine->ops->add_forward(network->engine, src, node->act, value(network, i + 1));
}

static void prelu_forward(struct un_network *network, int i)
{
    struct un_engine *e = network->engine;
    const struct un_node *node = &network->graph.nodes[i];
    if (network->plan.mode == UN_TRAIN || !un_plan_absorbs(&network->graph, i - 1))
        e->ops->prelu_forward(e, value(network, node->src[0]), param(network, node->weight),
                              (int)network->graph.params[node->weight].count,
                              value(network, i + 1));
}

static void node_forward(struct un_network *network, int i)
{
    struct un_engine *e = network->engine;
    const struct un_node *node = &network->graph.nodes[i];
    bool training = network->plan.mode == UN_TRAIN;
    struct un_conv c;
    switch (node->kind) {
    case UN_NODE_CONV:
        c = bind_conv(network, i);
        if (training)
            e->ops->conv_pack(e, &c, UN_PASS_FORWARD);
        e->ops->conv_forward(e, &c);
        break;
    case UN_NODE_NORM:
        if (training || un_plan_folded(&network->graph, i - 1) != i)
            norm_forward(network, i);
        break;
    case UN_NODE_MAXPOOL:
        if (network->plan.window[node->src[0]] >= 0)
            break; /* the convolution did it */
        e->ops->maxpool_forward(e, value(network, node->src[0]), value(network, i + 1));
        break;
    case UN_NODE_UPSAMPLE:
        e->ops->upsample_forward(e, value(network, node->src[0]), value(network, i + 1),
                                 node->doubling, node->trim);
        break;
    case UN_NODE_ADD:
        add_forward(network, i);
        break;
    case UN_NODE_MAXPOOL3:
        e->ops->maxpool3_forward(e, value(network, node->src[0]), value(network, i + 1));
        break;
    case UN_NODE_MEANPOOL:
        e->ops->meanpool_forward(e, value(network, node->src[0]), value(network, i + 1));
        break;
    case UN_NODE_PRELU:
        prelu_forward(network, i);
        break;
    }
}

static void run_forward(struct un_network *network, int i, int time, uint64_t key)
{
    use_workspace(network, time);
    node_forward(network, i);
    if (network->plan.mode == UN_TRAIN && network->graph.nodes[i].dropout > 0)
        drop_out(network, i, value(network, i + 1), key);
}

void un_network_forward(struct un_network *network, uint64_t key)
{
    if (network->graph.recompute)
        memcpy(network->plan.value, network->first.value, sizeof network->plan.value);
    for (int i = 0; i < network->graph.node_count; i++)
        run_forward(network, i, i, key);
    use_workspace(network, network->graph.node_count);
}

/* Makes the values again whose moments lie before that of node i's backward pass. */
static void make_again(struct un_network *network, int i, uint64_t key)
{
    struct un_plan *plan = &network->plan;
    const int n = network->graph.node_count, since = i + 1 < n ? plan->back[i + 1] : n - 1;
    network->again = true;
    for (int j = 0; j <= i && since + 1 < plan->back[i]; j++) {
        if (plan->again[j] <= since || plan->again[j] >= plan->back[i])
            continue;
        plan->value[j + 1] = plan->remade[j + 1];
        run_forward(network, j, plan->again[j], key);
    }
    network->again = false;
}

/*
 * How node i writes the gradient of value v.  Nodes run backwards: the first to write is the last
 * that read the value, and the last to write the first that read it.
 */
static struct un_gradient gradient_from(const struct un_network *network, int i, int v)
{
    struct un_gradient g = {.d = gradient(network, v), .y = value(network, v)};
    bool read_later = false, read_before = false;
    for (int j = 0; j < network->graph.node_count; j++)
        for (int s = 0; s < 2; s++)
            if (network->graph.nodes[j].src[s] == v) {
                read_later |= j > i;
                read_before |= j < i;
            }
    g.accumulate = read_later;
    if (!read_before)
        g.act = network->graph.nodes[v - 1].act;
    return g;
}

static void conv_backward(struct un_network *network, int i)
{
    struct un_engine *e = network->engine;
    const struct un_node *node = &network->graph.nodes[i];
    struct un_conv c = bind_conv(network, i);
    struct un_tensor ddst = gradient(network, i + 1);
    un_batch_conv_weights(network, i, &c, ddst);
    if (!un_graph_learns(&network->graph, node->src[0]))
        return; /* nobody asks for the gradient of the image */
    /* from here on a source's value may be overwritten by its gradient: see plan.c */
    e->ops->conv_pack(e, &c, UN_PASS_BACKWARD_DATA);
    struct un_gradient dsrc[2] = {0};
    for (int s = 0; s < 2 && node->src[s] >= 0; s++)
        dsrc[s] = gradient_from(network, i, node->src[s]);
    e->ops->conv_backward_data(e, &c, ddst, dsrc);
}

/*
 * The gradient of its source lies in the same place (plan.c); or it reads a skip connection, whose
 * gradient it is the first to write and a pooling's backward pass will finish, or the image, whose
 * nobody wants.
 */
static void norm_backward(struct un_network *network, int i)
{
    const struct un_node *node = &network->graph.nodes[i];
    const struct un_tensor dy = gradient(network, i + 1);
    const struct un_norm norm = bind_norm(network, i);
    const int v = node->src[0];
    struct un_gradient dsrc = {.d = dy};
    if (!un_graph_learns(&network->graph, i + 1))
        return;
    if (v > 0)
        dsrc = gradient_from(network, i, v);
    un_batch_norm_backward(network, i, value(network, v), &norm, dy, dsrc.act, dsrc.d);
}

static void node_backward(struct un_network *network, int i)
{
    struct un_engine *e = network->engine;
    const struct un_node *node = &network->graph.nodes[i];
    struct un_tensor ddst = gradient(network, i + 1), src = value(network, node->src[0]);
    struct un_gradient dsrc;
    switch (node->kind) {
    case UN_NODE_CONV:
        conv_backward(network, i);
        break;
    case UN_NODE_NORM:
        norm_backward(network, i);
        break;
    case UN_NODE_MAXPOOL:
        dsrc = gradient_from(network, i, node->src[0]);
        e->ops->maxpool_backward(e, src, ddst, &dsrc);
        break;
    case UN_NODE_UPSAMPLE:
        dsrc = gradient_from(network, i, node->src[0]);
        e->ops->upsample_backward(e, ddst, node->doubling, node->trim, &dsrc);
        break;
    case UN_NODE_ADD:
        for (int s = 0; s < 2 && node->src[s] >= 0; s++) {
            dsrc = gradient_from(network, i, node->src[s]);
            e->ops->add_backward(e, ddst, node->top[s], node->left[s], &dsrc);
        }
        break;
    case UN_NODE_MAXPOOL3:
        dsrc = gradient_from(network, i, node->src[0]);
        e->ops->maxpool3_backward(e, src, ddst, &dsrc);
        break;
    case UN_NODE_MEANPOOL:
        dsrc = gradient_from(network, i, node->src[0]);
        e->ops->meanpool_backward(e, ddst, &dsrc);
        break;
    case UN_NODE_PRELU: /* the gradient of its source lies in the same place: plan.c */
        un_batch_prelu_backward(network, i, src, ddst, gradient(network, node->src[0]));
        break;
    }
}

void un_network_backward(struct un_network *network, uint64_t key)
{
    const int n = network->graph.node_count;
    for (int i = n - 1; i >= network->first_trained; i--) {
        float rate = network->graph.nodes[i].dropout;
        make_again(network, i, key);
        if (rate > 0)
            drop_out(network, i, gradient(network, i + 1), key);
        use_workspace(network, network->plan.back[i]);
        node_backward(network, i);
        if (network->ready)
            network->ready(network->ready_context, i);
    }
}
