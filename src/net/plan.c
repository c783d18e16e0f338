/* SPDX-License-Identifier: Apache-2.0 */
/*
 * First all arrays are listed with their bytes and intervals, then they are placed, largest first,
 * each at the lowest offset where it meets no array that exists at the same time (greedy by size;
 * Pisarchyk & Lee 2020, "Efficient memory management for deep neural net inference").
 *
 * What training needs of a value after the forward pass: whoever read it reads it again in its
 * backward pass (a convolution for the gradient of its weights, a pooling to find the largest, a
 * norm for its statistics, all of them for the sign that tells the activation's derivative).  So a
 * value lives until the backward pass of its first reader, and its gradient from the backward pass
 * of its last reader until that of its maker.
 */
#include "net/plan.h"

#include <string.h>

enum { MAX_PLACED = 3 * UN_MAX_NODES + 8 };

/* A convolution in tiles looks at up to 3 pixels beyond its frame where the source has them.  They
 * change nothing but rounding; with them, a window gives the same bits as the whole value. */
enum { BEYOND = 3 };

struct placed {
    size_t bytes;
    int from, to;   /* first and last moment at which it exists */
    size_t *offset; /* where the answer goes */
};

struct placing {
    struct placed list[MAX_PLACED];
    int count;
};

static void want(struct placing *p, size_t bytes, int from, int to, size_t *offset)
{
    p->list[p->count++] = (struct placed){bytes, from, to, offset};
}

static void sort_by_size(struct placing *p)
{
    for (int i = 1; i < p->count; i++) {
        struct placed x = p->list[i];
        int j = i;
        for (; j > 0 && p->list[j - 1].bytes < x.bytes; j--)
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
            bool same_place = *a->offset < offset + b->bytes && offset < *a->offset + a->bytes;
            if (same_time && same_place) {
                offset = *a->offset + a->bytes;
                moved = true;
            }
        }
    }
    return offset;
}

static size_t place(struct placing *p)
{
    size_t total = 0;
    sort_by_size(p);
    for (int i = 0; i < p->count; i++) {
        *p->list[i].offset = lowest_offset(p, i);
        size_t end = *p->list[i].offset + p->list[i].bytes;
        if (end > total)
            total = end;
    }
    return total;
}

int un_plan_folded(const struct un_graph *graph, int node)
{
    bool norm = node + 1 < graph->node_count && graph->nodes[node + 1].kind == UN_NODE_NORM;
    return norm && graph->nodes[node].kind == UN_NODE_CONV ? node + 1 : -1;
}

int un_plan_written(const struct un_plan *plan, const struct un_graph *graph, int i)
{
    return 1 + (plan->mode == UN_PREDICT && un_plan_folded(graph, i) >= 0 ? i + 1 : i);
}

/* How many of `side` pixels are read through a frame that begins at pixel *first, which becomes the
 * first of them. */
static int cut(int side, int *first, int frame)
{
    int end = *first + frame + BEYOND;
    end = end < side ? end : side;
    *first = *first > 0 ? *first : 0;
    return end - *first;
}

struct un_source un_plan_value(const struct un_plan *plan, const struct un_graph *graph, int v)
{
    struct un_source all = {.tensor = {.shape = un_graph_value(graph, v), .layout = UN_FEATURES}};
    if (v == 0 || v == graph->node_count)
        all.tensor.layout = UN_PIXELS;
    if (plan->window[v] < 0)
        return all;
    const struct un_node *reader = &graph->nodes[plan->window[v]];
    const int s = reader->src[1] == v;
    all.top = reader->top[s];
    all.left = reader->left[s];
    all.tensor.shape.h = cut(all.tensor.shape.h, &all.top, reader->shape.h + 2);
    all.tensor.shape.w = cut(all.tensor.shape.w, &all.left, reader->shape.w + 2);
    return all;
}

struct un_conv un_plan_conv(const struct un_plan *plan, const struct un_graph *graph, int i)
{
    const struct un_node *node = &graph->nodes[i];
    const int v = un_plan_written(plan, graph, i);
    struct un_conv c = {
        .kind = node->conv,
        .src = {un_graph_source(graph, node, 0), un_graph_source(graph, node, 1)},
        .dst = {.shape = node->shape,
                .layout = i == graph->node_count - 1 ? UN_PIXELS : UN_FEATURES},
        .act = graph->nodes[v - 1].act,
    };
    for (int s = 0; s < 2 && node->src[s] >= 0; s++) {
        struct un_source there = un_plan_value(plan, graph, node->src[s]);
        c.src[s].tensor.shape = there.tensor.shape;
        c.src[s].top -= there.top;
        c.src[s].left -= there.left;
    }
    if (plan->window[v] >= 0) {
        struct un_source window = un_plan_value(plan, graph, v);
        c.parts = (struct un_parts){un_plan_value(plan, graph, v + 1).tensor, window.tensor,
                                    window.top, window.left};
    }
    return c;
}

/* The first and last node that reads value v (the result of the network is read after the end), and
 * how many there are. */
static int readers(const struct un_graph *graph, int v, int *first, int *last)
{
    int count = 0;
    *first = *last = graph->node_count;
    for (int i = graph->node_count - 1; i >= 0; i--)
        for (int s = 0; s < 2; s++)
            if (graph->nodes[i].src[s] == v) {
                *first = i;
                count++;
                if (*last == graph->node_count)
                    *last = i;
            }
    return count;
}

/* Finds the convolutions whose result a pooling and one 3x3 convolution read, and no more. */
static void find_windows(struct un_plan *plan, const struct un_graph *graph,
                         struct un_engine *engine)
{
    for (int i = 0; i < graph->node_count; i++) {
        const int v = un_plan_written(plan, graph, i);
        int pooling, reader;
        if (graph->nodes[i].kind != UN_NODE_CONV || readers(graph, v, &pooling, &reader) != 2)
            continue;
        struct un_conv c = un_plan_conv(plan, graph, i);
        if (pooling == v && graph->nodes[pooling].kind == UN_NODE_MAXPOOL &&
            graph->nodes[reader].conv == UN_CONV3X3 && engine->ops->conv_parts(engine, &c))
            plan->window[v] = reader;
    }
}

static size_t value_bytes(const struct un_plan *plan, const struct un_graph *graph,
                          struct un_engine *engine, int v)
{
    struct un_tensor t = un_plan_value(plan, graph, v).tensor;
    return engine->ops->tensor_bytes(engine, t.layout, t.shape);
}

static void want_values(struct placing *p, struct un_plan *plan, const struct un_graph *graph,
                        struct un_engine *engine)
{
    int n = graph->node_count;
    for (int v = 0; v <= n; v++) {
        int maker = v - 1, first, last;
        readers(graph, v, &first, &last);
        if (plan->mode == UN_PREDICT) {
            if (maker >= 0 && un_plan_folded(graph, maker) >= 0)
                continue; /* the convolution writes the norm's value */
            if (maker >= 1 && plan->window[v - 1] >= 0)
                maker--; /* nor does this pooling run by itself */
            if (maker >= 1 && un_plan_folded(graph, maker - 1) == maker)
                maker--;
            want(p, value_bytes(plan, graph, engine, v), maker, last, &plan->value[v]);
            continue;
        }
        int until = v == n ? n : 2 * n - 1 - first; /* the loss reads the result at time n */
        want(p, value_bytes(plan, graph, engine, v), maker, until, &plan->value[v]);
        /* the gradient of a convolution's output is made in the place of its norm's: see run.c */
        bool normed = maker >= 0 && un_plan_folded(graph, maker) >= 0;
        if (v > 0 && !normed) {
            bool norm = graph->nodes[maker].kind == UN_NODE_NORM;
            want(p, value_bytes(plan, graph, engine, v), last == n ? n : 2 * n - 1 - last,
                 2 * n - 1 - (norm ? maker - 1 : maker), &plan->gradient[v]);
        }
    }
}

static void need_workspace(struct un_plan *plan, size_t bytes)
{
    if (bytes > plan->workspace_bytes)
        plan->workspace_bytes = bytes;
}

/* Returns the bytes of the largest packed weights. */
static size_t want_node(struct placing *p, struct un_plan *plan, const struct un_graph *graph,
                        struct un_engine *engine, int i)
{
    const struct un_engine_ops *ops = engine->ops;
    const struct un_node *node = &graph->nodes[i];
    int passes = plan->mode == UN_TRAIN ? 3 : 1, ever = 2 * graph->node_count;
    size_t largest = 0;
    if (node->kind == UN_NODE_NORM) {
        size_t bytes = un_round_up((size_t)node->channels * 2 * sizeof(float), UN_ALIGN);
        want(p, bytes, -1, ever, &plan->norm[i]);
        if (plan->mode == UN_TRAIN)
            need_workspace(plan, ops->norm_workspace(engine, node->shape));
    }
    if (node->kind != UN_NODE_CONV)
        return 0;
    struct un_conv c = un_plan_conv(plan, graph, i);
    for (int pass = 0; pass < passes; pass++) {
        size_t bytes = un_round_up(ops->conv_pack_bytes(engine, &c, (enum un_pass)pass), UN_ALIGN);
        need_workspace(plan, ops->conv_workspace(engine, &c, (enum un_pass)pass));
        if (bytes > largest)
            largest = bytes;
    }
    if (plan->mode == UN_PREDICT)
        want(p, largest, -1, ever, &plan->packed[i]);
    return largest;
}

void un_plan_make(struct un_plan *plan, const struct un_graph *graph, struct un_engine *engine,
                  enum un_mode mode)
{
    struct placing p = {.count = 0};
    size_t largest = 0, shared;
    memset(plan, 0xff, sizeof *plan); /* UN_NOWHERE, and -1 */
    plan->mode = mode;
    plan->workspace_bytes = 0;
    if (mode == UN_PREDICT)
        find_windows(plan, graph, engine);
    want_values(&p, plan, graph, engine);
    for (int i = 0; i < graph->node_count; i++) {
        size_t bytes = want_node(&p, plan, graph, engine, i);
        if (bytes > largest)
            largest = bytes;
    }
    if (mode == UN_TRAIN) {
        want(&p, largest, -1, 2 * graph->node_count, &shared);
        need_workspace(
            plan, engine->ops->loss_workspace(engine, un_graph_value(graph, graph->node_count)));
    }
    plan->arena_bytes = place(&p);
    for (int i = 0; mode == UN_TRAIN && i < graph->node_count; i++) {
        plan->packed[i] = shared;
        if (un_plan_folded(graph, i) >= 0)
            plan->gradient[i + 1] = plan->gradient[i + 2];
    }
}
