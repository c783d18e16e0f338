/* SPDX-License-Identifier: Apache-2.0 */
/*
 * First all arrays are listed with their bytes and intervals, then they are placed (plan.h).
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

#include <stdlib.h>
#include <string.h>

#include "base/tree.h"

/* A convolution in tiles looks at up to 3 pixels beyond its frame where the source has them.  They
 * change nothing but rounding; with them, a window gives the same bits as the whole value. */
enum { BEYOND = 3 };

static bool is_followed_by(const struct un_graph *graph, int node, enum un_node_kind kind)
{
    return node >= 0 && node + 1 < graph->node_count && graph->nodes[node + 1].kind == kind &&
           graph->nodes[node + 1].src[0] == node + 1;
}

/* Whether the node behind a node is a norm or PReLU of what it makes, which nobody else reads. */
static bool is_followed(const struct un_graph *graph, int node)
{
    return is_followed_by(graph, node, UN_NODE_NORM) || is_followed_by(graph, node, UN_NODE_PRELU);
}

/* Whether a node is a convolution with a norm behind it. */
static bool is_normed(const struct un_graph *graph, int node)
{
    return is_followed_by(graph, node, UN_NODE_NORM) && graph->nodes[node].kind == UN_NODE_CONV;
}

int un_plan_folded(const struct un_graph *graph, int node)
{
    bool folded = is_normed(graph, node) && graph->nodes[node].act.kind == UN_ACT_NONE &&
                  graph->nodes[node + 1].groups == 0;
    return folded ? node + 1 : -1;
}

bool un_plan_absorbs(const struct un_graph *graph, int node)
{
    return is_followed_by(graph, node, UN_NODE_PRELU);
}

int un_plan_written(const struct un_plan *plan, const struct un_graph *graph, int i)
{
    if (plan->mode != UN_PREDICT)
        return 1 + i;
    if (un_plan_folded(graph, i) >= 0)
        i++;
    return 1 + i + un_plan_absorbs(graph, i);
}

/* The node that makes value v in prediction, or (v then is none) would make it. */
static int runner(const struct un_graph *graph, int v)
{
    int i = v - 1;
    if (i > 0 && un_plan_absorbs(graph, i - 1))
        i--;
    return i > 0 && un_plan_folded(graph, i - 1) == i ? i - 1 : i;
}

bool un_plan_measures(const struct un_plan *plan, const struct un_graph *graph, int i)
{
    if (!is_normed(graph, i) || graph->nodes[i].dropout > 0)
        return false;
    /* in training several images have their tiles in common, and sums over tiles would depend on
     * which images are here */
    return plan->mode == UN_TRAIN ? un_graph_total(graph) == 1 : graph->nodes[i + 1].groups > 0;
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

struct un_operand un_plan_value(const struct un_plan *plan, const struct un_graph *graph, int v)
{
    struct un_operand all = {
        .tensor = {.shape = un_graph_value(graph, v), .layout = un_graph_layout(graph, v)}};
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
        .dst = {.shape = node->shape, .layout = un_graph_layout(graph, i + 1)},
        .act = graph->nodes[v - 1].act,
        .measures = un_plan_measures(plan, graph, i),
    };
    if (c.measures)
        c.norm.groups = graph->nodes[i + 1].groups;
    for (int s = 0; s < 2 && node->src[s] >= 0; s++) {
        struct un_operand there = un_plan_value(plan, graph, node->src[s]);
        c.src[s].tensor.shape = there.tensor.shape;
        c.src[s].top -= there.top;
        c.src[s].left -= there.left;
    }
    if (plan->window[v] >= 0) {
        struct un_operand window = un_plan_value(plan, graph, v);
        c.parts = (struct un_parts){un_plan_value(plan, graph, v + 1).tensor, window.tensor,
                                    window.top, window.left};
    }
    return c;
}

/* The first and last node that reads value v (outputs are read after the end), and how many there
 * are. */
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
            graph->nodes[reader].kind == UN_NODE_CONV && graph->nodes[reader].conv == UN_CONV3X3 &&
            engine->ops->conv_parts(engine, &c))
            plan->window[v] = reader;
    }
}

static size_t value_bytes(const struct un_plan *plan, const struct un_graph *graph,
                          struct un_engine *engine, int v)
{
    struct un_tensor t = un_plan_value(plan, graph, v).tensor;
    return engine->ops->tensor_bytes(engine, t.layout, t.shape);
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

/* The value in whose place prediction makes value v, a norm's, which is made from it; -1: none. */
static int overwritten(const struct un_plan *plan, const struct un_graph *graph, int v)
{
    int first, last;
    if (v < 2 || v > graph->node_count)
        return -1;
    const int norm = runner(graph, v);
    return is_followed_by(graph, norm - 1, UN_NODE_NORM) && un_plan_folded(graph, norm - 1) < 0 &&
                   un_plan_written(plan, graph, norm) == v &&
                   readers(graph, norm, &first, &last) == 1
               ? norm
               : -1;
}

static void want_predicted(struct un_placing *p, struct un_plan *plan, const struct un_graph *graph,
                           struct un_engine *engine, int v)
{
    int maker = v ? runner(graph, v) : -1, first, last;
    if (v && un_plan_written(plan, graph, maker) != v)
        return; /* the convolution writes the norm's value, or that of the activation behind */
    if (overwritten(plan, graph, v) >= 0)
        return;
    const int norms = v < graph->node_count ? un_plan_written(plan, graph, v) : v;
    readers(graph, overwritten(plan, graph, norms) == v ? norms : v, &first, &last);
    if (v > 1 && plan->window[v - 1] >= 0)
        maker = runner(graph, v - 1); /* nor does this pooling run by itself */
    un_place_want(p, value_bytes(plan, graph, engine, v), maker, last, &plan->value[v]);
}

static void want_trained(struct un_placing *p, struct un_plan *plan, const struct un_graph *graph,
                         struct un_engine *engine, int v)
{
    int n = graph->node_count, maker = v - 1, first, last;
    size_t bytes = value_bytes(plan, graph, engine, v);
    readers(graph, v, &first, &last);
    /* the losses read the outputs, and write their gradients, at time n */
    const bool out = un_graph_is_output(graph, v);
    int until = out ? n : plan->back[first], begin = out ? n : plan->back[last];
    int start = maker; /* what made the value that those in its place began with */
    if (v > 0 && graph->nodes[start].kind == UN_NODE_PRELU)
        start--;
    if (v > 0 && start >= 0 && graph->nodes[start].kind == UN_NODE_NORM)
        start--;
    const int end = start < 0 ? plan->end : plan->back[start];
    bool replaced = is_replaced(graph, v), again = v > 0 && plan->again[maker] >= 0;
    un_place_want(p, bytes, maker, again ? last : replaced ? end : until, &plan->value[v]);
    if (again)
        un_place_want(p, bytes, plan->again[maker], replaced ? end : until, &plan->remade[v]);
    /* the gradient of what a norm reads is made in the place of the norm's: see run.c */
    if (un_graph_learns(graph, v) && !replaced && !is_followed(graph, maker))
        un_place_want(p, bytes, begin, end, &plan->gradient[v]);
}

static void want_workspace(struct un_placing *p, struct un_plan *plan, size_t bytes, int time)
{
    un_place_want(p, un_round_up(bytes, UN_ALIGN), time, time, &plan->workspace[time]);
}

static size_t norm_bytes(const struct un_node *node)
{
    size_t images = node->groups ? (size_t)node->shape.n : 1;
    return un_round_up(images * (size_t)node->channels * 2 * sizeof(float), UN_ALIGN);
}

static void want_norm(struct un_placing *p, struct un_plan *plan, const struct un_graph *graph,
                      struct un_engine *engine, int i)
{
    const struct un_node *node = &graph->nodes[i];
    const bool train = plan->mode == UN_TRAIN;
    if (!train && un_plan_folded(graph, i - 1) == i)
        return;
    size_t bytes = engine->ops->norm_workspace(engine, node->shape, node->groups);
    want_workspace(p, plan, bytes, i);
    if (train)
        want_workspace(p, plan, bytes, plan->back[i]);
    if (train && plan->again[i] >= 0)
        want_workspace(p, plan, bytes, plan->again[i]);
    if (train || node->groups) /* else prediction has its statistics from training */
        un_place_want(p, norm_bytes(node), train ? -1 : i - 1, train ? plan->end : i,
                      &plan->norm[i]);
}

static size_t larger(size_t a, size_t b)
{
    return a > b ? a : b;
}

/* The workspace of the losses, one after the other. */
static size_t loss_workspace(const struct un_graph *graph, struct un_engine *engine)
{
    size_t bytes = 0;
    for (int i = 0; i < graph->output_count; i++) {
        const struct un_shape shape = un_graph_value(graph, graph->outputs[i]);
        bytes = larger(bytes, engine->ops->loss_workspace(engine, shape));
    }
    return bytes;
}

static void want_conv(struct un_placing *p, struct un_plan *plan, const struct un_graph *graph,
                      struct un_engine *engine, int i)
{
    const struct un_engine_ops *ops = engine->ops;
    const struct un_conv c = un_plan_conv(plan, graph, i);
    const bool train = plan->mode == UN_TRAIN;
    const int n = graph->node_count, back = plan->back[i], again = plan->again[i];
    size_t pack[2], work[3];
    for (int pass = 0; pass < (train ? 3 : 1); pass++) {
        work[pass] = ops->conv_workspace(engine, &c, (enum un_pass)pass);
        if (pass < 2)
            pack[pass] =
                un_round_up(ops->conv_pack_bytes(engine, &c, (enum un_pass)pass), UN_ALIGN);
    }
    want_workspace(p, plan, work[0], i);
    if (train) {
        un_place_want(p, pack[0], i, i, &plan->packed[i][UN_PASS_FORWARD]);
        size_t loss = i == n - 1 ? loss_workspace(graph, engine) : 0;
        un_place_want(p, pack[1], back, back, &plan->packed[i][UN_PASS_BACKWARD_DATA]);
        want_workspace(p, plan, larger(loss, larger(work[1], work[2])), back);
    }
    if (train && again >= 0) {
        un_place_want(p, pack[0], again, again, &plan->packed[i][UN_PASS_BACKWARD_WEIGHTS]);
        want_workspace(p, plan, work[0], again);
    }
}

size_t un_plan_parameters(const struct un_graph *graph, int i)
{
    const int params[] = {graph->nodes[i].weight, graph->nodes[i].bias};
    size_t count = 0;
    for (int k = 0; k < 2; k++)
        count += params[k] < 0 ? 0 : graph->params[params[k]].count;
    return count;
}

static void want_slope(struct un_placing *p, struct un_plan *plan, const struct un_graph *graph,
                       struct un_engine *engine, int i)
{
    if (plan->mode == UN_TRAIN)
        want_workspace(p, plan, engine->ops->prelu_workspace(engine, graph->nodes[i].shape),
                       plan->back[i]);
}

/* What of sums over images outgrows the gradients themselves, a norm's or a slope's; a
 * convolution's engine has room for its own. */
static void want_leaves(struct un_placing *p, struct un_plan *plan, const struct un_graph *graph,
                        int i)
{
    const struct un_node *node = &graph->nodes[i];
    if (node->kind != UN_NODE_PRELU && (node->kind != UN_NODE_NORM || !node->groups))
        return;
    const int back = plan->back[i];
    const size_t floats = un_plan_parameters(graph, i) * (size_t)(plan->rooms - plan->blocks);
    un_place_want(p, un_round_up(floats * sizeof(float), UN_ALIGN), back, back, &plan->leaves[i]);
}

/* The gradients of the parameters, node by node. */
static void give_gradients(struct un_placing *p, const struct un_plan *plan,
                           const struct un_graph *graph)
{
    for (int i = 0; i < graph->node_count; i++) {
        const int params[] = {graph->nodes[i].weight, graph->nodes[i].bias};
        for (int k = 0; k < 2; k++) {
            const struct un_param *a = params[k] < 0 ? NULL : &graph->params[params[k]];
            if (a)
                un_place_give(p, a->offset * sizeof(float), (a->offset + a->count) * sizeof(float),
                              plan->back[i], plan->end);
        }
    }
}

/* Prediction: what is kept from run to run lies first, in the same place for every input size. */
static void give_kept(struct un_placing *p, struct un_plan *plan, const struct un_graph *graph,
                      struct un_engine *engine)
{
    size_t at = 0;
    for (int i = 0; i < graph->node_count; i++) {
        const struct un_node *node = &graph->nodes[i];
        const struct un_conv c = un_plan_conv(plan, graph, i);
        if (node->kind == UN_NODE_CONV) {
            plan->packed[i][UN_PASS_FORWARD] = at;
            at += engine->ops->conv_pack_bytes(engine, &c, UN_PASS_FORWARD);
        } else if (i > 0 && un_plan_folded(graph, i - 1) == i) {
            plan->norm[i] = at;
            at += norm_bytes(node);
        }
        at = un_round_up(at, UN_ALIGN);
    }
    un_place_give(p, 0, at, -1, 2 * graph->node_count);
}

static void make_plan(struct un_plan *plan, struct un_placing *p, const struct un_graph *graph,
                      struct un_engine *engine, enum un_mode mode)
{
    const int n = graph->node_count;
    memset(plan, 0xff, sizeof *plan); /* UN_NOWHERE, and -1 */
    plan->mode = mode;
    if (mode == UN_PREDICT)
        find_windows(plan, graph, engine);
    if (mode == UN_TRAIN) {
        const int first = graph->first;
        plan->blocks =
            un_tree_of(first, first + graph->input.n, un_graph_total(graph), &plan->rooms).count;
        plan->gradients = 0;
        un_plan_moments(plan, graph);
        give_gradients(p, plan, graph);
        for (int i = 0; i < n && plan->rooms > plan->blocks; i++)
            want_leaves(p, plan, graph, i);
    } else {
        give_kept(p, plan, graph, engine);
    }
    for (int v = 0; v <= n; v++)
        if (mode == UN_TRAIN)
            want_trained(p, plan, graph, engine, v);
        else
            want_predicted(p, plan, graph, engine, v);
    for (int i = 0; i < n; i++)
        if (graph->nodes[i].kind == UN_NODE_NORM)
            want_norm(p, plan, graph, engine, i);
        else if (graph->nodes[i].kind == UN_NODE_CONV)
            want_conv(p, plan, graph, engine, i);
        else if (graph->nodes[i].kind == UN_NODE_PRELU)
            want_slope(p, plan, graph, engine, i);
    if (mode == UN_TRAIN && graph->nodes[n - 1].kind != UN_NODE_CONV)
        want_workspace(p, plan, loss_workspace(graph, engine), n);
    plan->arena_bytes = un_place_all(p);
    for (int v = 1; mode == UN_PREDICT && v <= n; v++)
        if (overwritten(plan, graph, v) >= 0)
            plan->value[v] = plan->value[overwritten(plan, graph, v)];
    for (int v = n; mode == UN_TRAIN && v > 0; v--)
        if (is_replaced(graph, v))
            plan->gradient[v] = plan->again[v - 1] >= 0 ? plan->remade[v] : plan->value[v];
        else if (is_followed(graph, v - 1))
            plan->gradient[v] = plan->gradient[v + 1];
}

unet_code un_plan_make(struct un_plan *plan, const struct un_graph *graph, struct un_engine *engine,
                       enum un_mode mode, unet_error *err)
{
    struct un_placing *p = malloc(sizeof *p); /* too large for the stack of a program's thread */
    if (!p)
        return un_fail_memory(err, sizeof *p, "the plan of a network");
    p->given = p->count = 0;
    make_plan(plan, p, graph, engine, mode);
    free(p);
    return UNET_OK;
}
