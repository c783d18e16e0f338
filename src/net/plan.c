/* SPDX-License-Identifier: Apache-2.0 */
/*
 * First all arrays are listed with their bytes and intervals, then they are placed one by one, each
 * at the lowest offset where it meets no array that exists at the same time: once the largest first
 * (Pisarchyk & Lee 2020, "Efficient memory management for deep neural net inference"), once the
 * most lasting first, and what needs less memory is taken.
 *
 * What training needs of a value after the forward pass: whoever read it reads it again in its
 * backward pass (a convolution for the gradient of its weights, a pooling to find the largest, a
 * norm for its statistics, all of them for the sign that tells the activation's derivative).  So a
 * value lives until the backward pass of its first reader, and its gradient from the backward pass
 * of its last reader until that of its maker.
 *
 * The gradients of the parameters are one array in the order of nodes, the optimiser's.  The
 * backward pass fills it from its end to its beginning, while the feature maps die away.  So each
 * node's part is an array of its own here, that exists from this node's backward pass on; only its
 * place is given.
 */
#include "net/plan.h"

#include <string.h>

/* by node: value, gradient, norm, packed weights and workspaces of two passes, gradients of
 * parameters */
enum { MAX_PLACED = 8 * UN_MAX_NODES + 8 };

struct placed {
    size_t bytes;
    int from, to;   /* first and last moment at which it exists */
    size_t at;      /* where it lies */
    size_t *offset; /* where that is wanted; not of those whose places are given */
};

struct placing {
    struct placed list[MAX_PLACED];
    int given, count; /* those whose places are given come first */
};

static void want(struct placing *p, size_t bytes, int from, int to, size_t *offset)
{
    p->list[p->count++] = (struct placed){bytes, from, to, 0, offset};
}

/* Bytes first .. end - 1 of the arena, and what else lies on their cache lines. */
static void give(struct placing *p, size_t first, size_t end, int from, int to)
{
    first &= ~(size_t)(UN_ALIGN - 1);
    end = un_round_up(end, UN_ALIGN);
    p->list[p->count++] = (struct placed){end - first, from, to, first, NULL};
    p->given = p->count;
}

static int duration(const struct placed *a)
{
    return a->to - a->from;
}

static bool is_larger(const struct placed *a, const struct placed *b)
{
    return a->bytes != b->bytes ? a->bytes > b->bytes : duration(a) > duration(b);
}

static bool lasts_longer(const struct placed *a, const struct placed *b)
{
    return duration(a) != duration(b) ? duration(a) > duration(b) : a->bytes > b->bytes;
}

static void sort(struct placing *p, bool (*before)(const struct placed *, const struct placed *))
{
    for (int i = p->given + 1; i < p->count; i++) {
        struct placed x = p->list[i];
        int j = i;
        for (; j > p->given && before(&x, &p->list[j - 1]); j--)
            p->list[j] = p->list[j - 1];
        p->list[j] = x;
    }
}

/* The lowest offset at which array number k meets none of those placed before it. */
static size_t lowest_offset(const struct placing *p, int k)
{
    size_t offset = 0;
    bool moved = true;
    while (moved) {
        moved = false;
        for (int i = 0; i < k; i++) {
            const struct placed *a = &p->list[i], *b = &p->list[k];
            bool same_time = a->from <= b->to && b->from <= a->to;
            bool same_place = a->at < offset + b->bytes && offset < a->at + a->bytes;
            if (same_time && same_place) {
                offset = a->at + a->bytes;
                moved = true;
            }
        }
    }
    return offset;
}

/* Finds places in this order; returns the bytes of all. */
static size_t place(struct placing *p, bool (*before)(const struct placed *, const struct placed *))
{
    size_t total = 0;
    sort(p, before);
    for (int i = 0; i < p->count; i++) {
        struct placed *a = &p->list[i];
        if (i >= p->given)
            a->at = lowest_offset(p, i);
        if (a->at + a->bytes > total)
            total = a->at + a->bytes;
    }
    return total;
}

static size_t place_best(const struct placing *p)
{
    struct placing large = *p, lasting = *p;
    size_t bytes = place(&large, is_larger), other = place(&lasting, lasts_longer);
    const struct placing *best = other < bytes ? &lasting : &large;
    for (int i = best->given; i < best->count; i++)
        *best->list[i].offset = best->list[i].at;
    return other < bytes ? other : bytes;
}

int un_plan_folded(const struct un_graph *graph, int node)
{
    bool norm = node + 1 < graph->node_count && graph->nodes[node + 1].kind == UN_NODE_NORM;
    return norm && graph->nodes[node].kind == UN_NODE_CONV ? node + 1 : -1;
}

struct un_conv un_plan_conv(const struct un_graph *graph, int i, enum un_mode mode)
{
    const struct un_node *node = &graph->nodes[i];
    int folded = mode == UN_PREDICT ? un_plan_folded(graph, i) : -1;
    return (struct un_conv){
        .kind = node->conv,
        .src = {un_graph_source(graph, node, 0), un_graph_source(graph, node, 1)},
        .dst = {.shape = node->shape,
                .layout = i == graph->node_count - 1 ? UN_PIXELS : UN_FEATURES},
        .act = folded >= 0 ? graph->nodes[folded].act : node->act,
    };
}

/* The first and last node that reads value v; the result of the network is read after the end. */
static void readers(const struct un_graph *graph, int v, int *first, int *last)
{
    *first = *last = graph->node_count;
    for (int i = graph->node_count - 1; i >= 0; i--)
        for (int s = 0; s < 2; s++)
            if (graph->nodes[i].src[s] == v) {
                *first = i;
                if (*last == graph->node_count)
                    *last = i;
            }
}

static size_t value_bytes(const struct un_graph *graph, struct un_engine *engine, int v)
{
    bool pixels = v == 0 || v == graph->node_count;
    return engine->ops->tensor_bytes(engine, pixels ? UN_PIXELS : UN_FEATURES,
                                     un_graph_value(graph, v));
}

static bool is_normed(const struct un_graph *graph, int maker)
{
    return maker >= 0 && un_plan_folded(graph, maker) >= 0;
}

/*
 * Whether the gradient of value v is made in the place of the value: its one reader is a
 * convolution, whose backward pass is done with the value when it has the gradients of its weights,
 * and no activation asks for the value's sign after that.
 */
static bool is_replaced(const struct un_graph *graph, int v)
{
    int first, last;
    readers(graph, v, &first, &last);
    return v > 0 && first == last && last < graph->node_count &&
           graph->nodes[last].kind == UN_NODE_CONV && graph->nodes[v - 1].act.kind == UN_ACT_NONE;
}

static void want_predicted(struct placing *p, struct un_plan *plan, const struct un_graph *graph,
                           struct un_engine *engine, int v)
{
    int maker = v - 1, first, last;
    readers(graph, v, &first, &last);
    if (is_normed(graph, maker))
        return; /* the convolution writes the norm's value */
    if (maker >= 1 && un_plan_folded(graph, maker - 1) == maker)
        maker--;
    want(p, value_bytes(graph, engine, v), maker, last, &plan->value[v]);
}

static void want_trained(struct placing *p, struct un_plan *plan, const struct un_graph *graph,
                         struct un_engine *engine, int v)
{
    int n = graph->node_count, maker = v - 1, first, last;
    size_t bytes = value_bytes(graph, engine, v);
    readers(graph, v, &first, &last);
    /* the loss reads the result, and writes its gradient, at time n */
    int until = v == n ? n : 2 * n - 1 - first, begin = v == n ? n : 2 * n - 1 - last;
    bool norm = v > 0 && graph->nodes[maker].kind == UN_NODE_NORM;
    int end = 2 * n - 1 - (norm ? maker - 1 : maker);
    bool replaced = is_replaced(graph, v);
    want(p, bytes, maker, replaced ? end : until, &plan->value[v]);
    /* the gradient of a convolution's output is made in the place of its norm's: see run.c */
    if (v > 0 && !replaced && !is_normed(graph, maker))
        want(p, bytes, begin, end, &plan->gradient[v]);
}

static void want_workspace(struct placing *p, struct un_plan *plan, size_t bytes, int time)
{
    want(p, un_round_up(bytes, UN_ALIGN), time, time, &plan->workspace[time]);
}

static void want_norm(struct placing *p, struct un_plan *plan, const struct un_graph *graph,
                      struct un_engine *engine, int i)
{
    const struct un_node *node = &graph->nodes[i];
    const int n = graph->node_count;
    size_t bytes = un_round_up((size_t)node->channels * 2 * sizeof(float), UN_ALIGN);
    want(p, bytes, -1, 2 * n, &plan->norm[i]);
    if (plan->mode == UN_TRAIN) {
        bytes = engine->ops->norm_workspace(engine, node->shape);
        want_workspace(p, plan, bytes, i);
        want_workspace(p, plan, bytes, 2 * n - 1 - i);
    }
}

static size_t larger(size_t a, size_t b)
{
    return a > b ? a : b;
}

static void want_conv(struct placing *p, struct un_plan *plan, const struct un_graph *graph,
                      struct un_engine *engine, int i)
{
    const struct un_engine_ops *ops = engine->ops;
    const struct un_node *node = &graph->nodes[i];
    const struct un_conv c = un_plan_conv(graph, i, plan->mode);
    const bool train = plan->mode == UN_TRAIN;
    const int n = graph->node_count, back = 2 * n - 1 - i;
    size_t pack[2], work[3];
    for (int pass = 0; pass < (train ? 3 : 1); pass++) {
        work[pass] = ops->conv_workspace(engine, &c, (enum un_pass)pass);
        if (pass < 2)
            pack[pass] =
                un_round_up(ops->conv_pack_bytes(engine, &c, (enum un_pass)pass), UN_ALIGN);
    }
    want(p, pack[0], train ? i : -1, train ? i : 2 * n, &plan->packed[i][UN_PASS_FORWARD]);
    want_workspace(p, plan, work[0], i);
    if (train) {
        size_t loss = i == n - 1 ? ops->loss_workspace(engine, node->shape) : 0;
        want(p, pack[1], back, back, &plan->packed[i][UN_PASS_BACKWARD_DATA]);
        want_workspace(p, plan, larger(loss, larger(work[1], work[2])), back);
    }
}

/* The gradients of the parameters, node by node. */
static void give_gradients(struct placing *p, const struct un_graph *graph)
{
    const int n = graph->node_count;
    for (int i = 0; i < n; i++) {
        const int params[] = {graph->nodes[i].weight, graph->nodes[i].bias};
        for (int k = 0; k < 2; k++) {
            const struct un_param *a = params[k] < 0 ? NULL : &graph->params[params[k]];
            if (a)
                give(p, a->offset * sizeof(float), (a->offset + a->count) * sizeof(float),
                     2 * n - 1 - i, 2 * n);
        }
    }
}

void un_plan_make(struct un_plan *plan, const struct un_graph *graph, struct un_engine *engine,
                  enum un_mode mode)
{
    struct placing p = {.count = 0};
    const int n = graph->node_count;
    memset(plan, 0xff, sizeof *plan); /* UN_NOWHERE */
    plan->mode = mode;
    if (mode == UN_TRAIN) {
        plan->gradients = 0;
        give_gradients(&p, graph);
    }
    for (int v = 0; v <= n; v++)
        if (mode == UN_TRAIN)
            want_trained(&p, plan, graph, engine, v);
        else
            want_predicted(&p, plan, graph, engine, v);
    for (int i = 0; i < n; i++)
        if (graph->nodes[i].kind == UN_NODE_NORM)
            want_norm(&p, plan, graph, engine, i);
        else if (graph->nodes[i].kind == UN_NODE_CONV)
            want_conv(&p, plan, graph, engine, i);
    plan->arena_bytes = place_best(&p);
    for (int v = n; mode == UN_TRAIN && v > 0; v--)
        if (is_replaced(graph, v))
            plan->gradient[v] = plan->value[v];
        else if (is_normed(graph, v - 1))
            plan->gradient[v] = plan->gradient[v + 1];
}
