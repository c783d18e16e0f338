/* SPDX-License-Identifier: Apache-2.0 */
/*
 * When each node runs in a step of training, and which values are made twice.
 *
 * A network that recomputes (graph->recompute; Chen, Xu, Zhang, Guestrin 2016, "Training deep nets
 * with sublinear memory cost") is cut into stretches: what a level does on the way down, with the
 * pooling before it, and on the way up, with what leads to it.  A value that no other stretch reads
 * goes after the forward pass, and is made again when the backward pass comes to its stretch, from
 * what lies before it.  The last level up stays as it is: the backward pass begins there.
 */
#include "net/plan.h"

/* Whether node i is the first of a stretch. */
static bool begins(const struct un_graph *graph, int i)
{
    if (i == 0)
        return true;
    const struct un_node *node = &graph->nodes[i], *before = &graph->nodes[i - 1];
    const bool down = node->where.role == UN_ROLE_ENC, head = node->where.role == UN_ROLE_HEAD;
    if (node->kind == UN_NODE_MAXPOOL)
        return true;
    if (before->kind == UN_NODE_MAXPOOL)
        return false;
    return down != (before->where.role == UN_ROLE_ENC) ||
           head != (before->where.role == UN_ROLE_HEAD) || node->where.level != before->where.level;
}

/* Whether the value of node i, one of first .. end - 1, is read there and nowhere else. */
static bool is_within(const struct un_graph *graph, int i, int end)
{
    bool within = false;
    if (un_graph_is_output(graph, i + 1))
        return false;
    for (int j = i + 1; j < graph->node_count; j++)
        for (int s = 0; s < 2; s++)
            if (graph->nodes[j].src[s] == i + 1) {
                if (j >= end)
                    return false;
                within = true;
            }
    return within;
}

/* The end of the nodes that are run again: of the last stretch but the heads' and the last up. */
static int last_end(const struct un_graph *graph)
{
    int end = graph->node_count;
    while (end > 0 && graph->nodes[end - 1].where.role == UN_ROLE_HEAD)
        end--;
    while (end > 0 && !begins(graph, end - 1))
        end--;
    return end - 1;
}

void un_plan_moments(struct un_plan *plan, const struct un_graph *graph)
{
    const int n = graph->node_count, last = graph->recompute ? last_end(graph) : 0;
    int clock = n;
    for (int end = n, first; end > 0; end = first) { /* stretches, from the last on */
        for (first = end - 1; !begins(graph, first);)
            first--;
        for (int i = first; i < end && end <= last; i++)
            if (is_within(graph, i, end)) {
                plan->again[i] = clock++;
                plan->stretch[end - 1] = first;
            }
        for (int i = end - 1; i >= first; i--)
            plan->back[i] = clock++;
    }
    plan->end = clock;
}
