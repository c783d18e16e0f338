/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The walk over the list of nodes, forwards and backwards.
 *
 * A gradient is complete when the backward pass of the first node that reads the value has added
 * its part; that node also multiplies with the derivative of the activation that made the value
 * (struct un_gradient).  So when a node's own backward pass starts, the gradient of what it made is
 * the gradient before its activation, and only a dropout remains to be undone.
 */

#include "net/bind.h"

/* What runs next does so at this time, with its workspace: see plan.h. */
static void use_workspace(struct un_network *network, int time)
{
    network->now = time;
    network->engine->workspace = un_bind_at(network, network->plan.workspace[time]);
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
    const struct un_norm norm = un_bind_norm(network, i);
    const bool again = network->now == network->plan.again[i]; /* the statistics are there */
    const bool train = network->plan.mode == UN_TRAIN && !again;
    struct un_tensor x = un_bind_value(network, node->src[0]);
    double count = (double)un_graph_total(&network->graph) * x.shape.h * x.shape.w;
    if ((train || norm.groups) && !again &&
        !un_plan_measures(&network->plan, &network->graph, i - 1))
        un_batch_norm_statistics(network, x, &norm);
    const int written = un_plan_written(&network->plan, &network->graph, i);
    e->ops->norm_forward(e, x, &norm, network->graph.nodes[written - 1].act,
                         un_bind_value(network, written));
    if (train && !norm.groups)
        e->ops->norm_running(e, node->channels, count, UN_NORM_MOMENTUM, norm.mean, norm.variance,
                             un_bind_param(network, node->running_mean),
                             un_bind_param(network, node->running_var));
}

static void add_forward(struct un_network *network, int i)
{
    const struct un_node *node = &network->graph.nodes[i];
    struct un_operand src[2];
    for (int s = 0; s < 2; s++) {
        src[s] = un_graph_source(&network->graph, node, s);
        if (node->src[s] >= 0)
            src[s].tensor = un_bind_value(network, node->src[s]);
    }
    network->engine->ops->add_forward(network->engine, src, node->act,
                                      un_bind_value(network, i + 1));
}

static void prelu_forward(struct un_network *network, int i)
{
    struct un_engine *e = network->engine;
    const struct un_node *node = &network->graph.nodes[i];
    if (network->plan.mode == UN_TRAIN) /* in prediction what is before it does it */
        e->ops->prelu_forward(e, un_bind_value(network, node->src[0]),
                              un_bind_param(network, node->weight), un_bind_value(network, i + 1));
}

static void node_forward(struct un_network *network, int i)
{
    struct un_engine *e = network->engine;
    const struct un_node *node = &network->graph.nodes[i];
    bool training = network->plan.mode == UN_TRAIN;
    struct un_conv c;
    switch (node->kind) {
    case UN_NODE_CONV:
        c = un_bind_conv(network, i);
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
        e->ops->maxpool_forward(e, un_bind_value(network, node->src[0]),
                                un_bind_value(network, i + 1));
        break;
    case UN_NODE_UPSAMPLE:
        e->ops->upsample_forward(e, un_bind_value(network, node->src[0]),
                                 un_bind_value(network, i + 1), node->doubling, node->trim);
        break;
    case UN_NODE_ADD:
        add_forward(network, i);
        break;
    case UN_NODE_MAXPOOL3:
        e->ops->maxpool3_forward(e, un_bind_value(network, node->src[0]),
                                 un_bind_value(network, i + 1));
        break;
    case UN_NODE_MEANPOOL:
        e->ops->meanpool_forward(e, un_bind_value(network, node->src[0]),
                                 un_bind_value(network, i + 1));
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
        drop_out(network, i, un_bind_value(network, i + 1), key);
}

void un_network_forward(struct un_network *network, uint64_t key)
{
    for (int i = 0; i < network->graph.node_count; i++)
        run_forward(network, i, i, key);
    use_workspace(network, network->graph.node_count);
}

/* Makes the values of a stretch again whose last node is i. */
static void make_again(struct un_network *network, int i, uint64_t key)
{
    const struct un_plan *plan = &network->plan;
    for (int j = plan->stretch[i]; j >= 0 && j <= i; j++)
        if (plan->again[j] >= 0)
            run_forward(network, j, plan->again[j], key);
}

/*
 * How node i writes the gradient of value v.  Nodes run backwards: the first to write is the last
 * that read the value, and the last to write the first that read it.
 */
static struct un_gradient gradient_from(const struct un_network *network, int i, int v)
{
    struct un_gradient g = {.d = un_bind_gradient(network, v), .y = un_bind_value(network, v)};
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
    struct un_conv c = un_bind_conv(network, i);
    struct un_tensor ddst = un_bind_gradient(network, i + 1);
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
    const struct un_tensor dy = un_bind_gradient(network, i + 1);
    const struct un_norm norm = un_bind_norm(network, i);
    const int v = node->src[0];
    struct un_gradient dsrc = {.d = dy};
    if (!un_graph_learns(&network->graph, i + 1))
        return;
    if (v > 0)
        dsrc = gradient_from(network, i, v);
    un_batch_norm_backward(network, i, un_bind_value(network, v), &norm, dy, dsrc.act, dsrc.d);
}

static void node_backward(struct un_network *network, int i)
{
    struct un_engine *e = network->engine;
    const struct un_node *node = &network->graph.nodes[i];
    struct un_tensor ddst = un_bind_gradient(network, i + 1),
                     src = un_bind_value(network, node->src[0]);
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
        un_batch_prelu_backward(network, i, src, ddst, un_bind_gradient(network, node->src[0]));
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
            drop_out(network, i, un_bind_gradient(network, i + 1), key);
        use_workspace(network, network->plan.back[i]);
        node_backward(network, i);
        if (network->ready)
            network->ready(network->ready_context, i);
    }
}
