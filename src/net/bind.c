/* SPDX-License-Identifier: Apache-2.0 */
#include "net/bind.h"

void *un_bind_at(const struct un_network *network, size_t offset)
{
    return offset == UN_NOWHERE ? NULL : network->arena + offset;
}

float *un_bind_param(const struct un_network *network, int index)
{
    return index < 0 ? NULL : network->values + network->graph.params[index].offset;
}

static struct un_tensor tensor(const struct un_network *network, int v, size_t offset)
{
    struct un_tensor t = un_plan_value(&network->plan, &network->graph, v).tensor;
    t.data = un_bind_at(network, offset);
    return t;
}

struct un_tensor un_bind_value(const struct un_network *network, int v)
{
    const struct un_plan *plan = &network->plan;
    const bool again = v > 0 && plan->again[v - 1] >= 0 && network->now >= plan->again[v - 1];
    return tensor(network, v, again ? plan->remade[v] : plan->value[v]);
}

struct un_tensor un_bind_gradient(const struct un_network *network, int v)
{
    return tensor(network, v, network->plan.gradient[v]);
}

struct un_norm un_bind_norm(const struct un_network *network, int i)
{
    const struct un_node *node = &network->graph.nodes[i];
    struct un_norm norm = {.groups = node->groups,
                           .epsilon = un_spec_epsilon(&network->graph.spec),
                           .gamma = un_bind_param(network, node->weight),
                           .beta = un_bind_param(network, node->bias)};
    if (network->plan.mode == UN_PREDICT && !node->groups) {
        norm.mean = un_bind_param(network, node->running_mean);
        norm.variance = un_bind_param(network, node->running_var);
    } else {
        norm.mean = un_bind_at(network, network->plan.norm[i]);
        norm.variance = norm.mean + (size_t)node->channels * (node->groups ? node->shape.n : 1);
    }
    return norm;
}

struct un_conv un_bind_conv(const struct un_network *network, int i)
{
    const struct un_node *node = &network->graph.nodes[i];
    struct un_conv c = un_plan_conv(&network->plan, &network->graph, i);
    const int written = un_plan_written(&network->plan, &network->graph, i);
    for (int s = 0; s < 2 && node->src[s] >= 0; s++)
        c.src[s].tensor.data = un_bind_value(network, node->src[s]).data;
    if (c.parts.pooled.shape.c) {
        c.parts.window.data = un_bind_value(network, written).data;
        c.parts.pooled.data = un_bind_value(network, written + 1).data;
    } else {
        c.dst.data = un_bind_value(network, written).data;
    }
    c.weight = un_bind_param(network, node->weight);
    c.bias = un_bind_param(network, node->bias);
    const int folded = network->plan.mode == UN_PREDICT ? un_plan_folded(&network->graph, i) : -1;
    if (folded >= 0) {
        c.scale = un_bind_at(network, network->plan.norm[folded]);
        c.shift = c.scale + node->channels;
    }
    const bool again = network->now == network->plan.again[i];
    c.measures &= !again; /* the statistics are there */
    if (c.measures)
        c.norm = un_bind_norm(network, i + 1);
    for (int pass = 0; pass < 2; pass++)
        c.packed[pass] = un_bind_at(network, network->plan.packed[i][pass]);
    if (again)
        c.packed[UN_PASS_FORWARD] =
            un_bind_at(network, network->plan.packed[i][UN_PASS_BACKWARD_WEIGHTS]);
    return c;
}
