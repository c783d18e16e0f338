/* SPDX-License-Identifier: Apache-2.0 */
/*
 * batch.c - sums over the images of a batch
 *
 * The gradient of a parameter is the sum of what each image gives by itself, added up in a tree
 * (base/tree.h), so that it does not matter which images are here and which elsewhere.  Slot 0 of
 * the tree is the place of the gradient; slots that are left at the end, where the images here are
 * no one block, are in partials.  A convolution adds up a block by itself.  For the few parameters
 * of a norm, and for a slope, it is done here, in slots that are planned for the time that the node
 * is at work.
 *
 * A norm over the batch needs sums over all images in the middle of a pass.  The ranks gather those
 * of each image, in double, and each rank adds them up in the same tree.  So it has the gradients
 * of the norm's parameters, too, which nobody adds up again.
 */
#include <stdlib.h>
#include <string.h>

#include "base/tree.h"
#include "base/clock.h"
#include "net/run.h"

/* Images i .. i + count - 1 of a tensor. */
static struct un_tensor images_of(struct un_engine *e, struct un_tensor t, int i, int count)
{
    if (!t.shape.c)
        return t;
    t.shape.n = count;
    if (t.data)
        t.data += e->ops->image_bytes(e, t.layout, t.shape) / sizeof(float) * (size_t)i;
    return t;
}

/* ---- slots ---- */

/* Where slot j of a node has its weights' gradients (which 0) or its biases'; NULL: it has none. */
static float *slot(const struct un_network *n, int node, int which, int j)
{
    const int params[] = {n->graph.nodes[node].weight, n->graph.nodes[node].bias};
    const struct un_plan *plan = &n->plan;
    if (params[which] < 0)
        return NULL;
    const size_t offset = n->graph.params[params[which]].offset;
    if (j == 0)
        return n->gradients + offset;
    if (j < plan->blocks)
        return n->partials + (size_t)(j - 1) * n->graph.trainable + offset;
    const size_t before = which && params[0] >= 0 ? n->graph.params[params[0]].count : 0;
    return (float *)(n->arena + plan->leaves[node]) + before +
           (size_t)(j - plan->blocks) * un_plan_parameters(&n->graph, node);
}

/* The newest slot has image i: adds up what is complete with it. */
static void fold(struct un_network *n, int node, struct un_tree *tree, int i)
{
    struct un_engine *e = n->engine;
    const int params[] = {n->graph.nodes[node].weight, n->graph.nodes[node].bias};
    un_tree_push(tree, (struct un_block){n->graph.first + i, 0});
    while (un_tree_fold(tree))
        for (int which = 0; which < 2; which++)
            if (params[which] >= 0)
                e->ops->blend(e, n->graph.params[params[which]].count,
                              slot(n, node, which, tree->count - 1), 1,
                              slot(n, node, which, tree->count), 1);
}

void un_batch_conv_weights(struct un_network *n, int i, const struct un_conv *c,
                           struct un_tensor ddst)
{
    struct un_engine *e = n->engine;
    const int before = n->graph.first, end = before + n->graph.input.n;
    int rooms;
    const struct un_tree tree = un_tree_of(before, end, un_graph_total(&n->graph), &rooms);
    for (int j = 0; j < tree.count; j++) {
        const int first = tree.block[j].first;
        const int count = (j + 1 < tree.count ? tree.block[j + 1].first : end) - first;
        struct un_conv part = *c;
        for (int s = 0; s < 2; s++)
            part.src[s].tensor = images_of(e, c->src[s].tensor, first - before, count);
        part.dst = images_of(e, c->dst, first - before, count);
        e->ops->conv_backward_weights(e, &part, images_of(e, ddst, first - before, count),
                                      slot(n, i, 0, j), slot(n, i, 1, j));
    }
}

/* ---- norms ---- */

static bool is_shared(const struct un_network *n)
{
    return n->plan.mode == UN_TRAIN && un_ranks_count(n->ranks) > 1;
}

/* Where the gradients of a batch norm's gamma and beta are kept. */
static float *kept(const struct un_network *n, int node)
{
    size_t before = 0;
    for (int i = 0; i < node; i++)
        if (n->graph.nodes[i].kind == UN_NODE_NORM)
            before += 2 * (size_t)n->graph.nodes[i].channels;
    return n->norms + before;
}

static double count_of(const struct un_network *n, struct un_shape s)
{
    return (double)un_graph_total(&n->graph) * s.h * s.w;
}

void un_batch_norm_statistics(struct un_network *n, struct un_tensor x, const struct un_norm *norm)
{
    const struct un_engine_ops *ops = n->engine->ops;
    const struct un_tensor none = {.data = NULL};
    if (norm->groups || !is_shared(n)) {
        ops->norm_statistics(n->engine, x, norm);
        return;
    }
    ops->norm_moments(n->engine, x, norm, none, n->moments);
    un_network_sum(n, 2 * x.shape.c);
    ops->norm_measure(n->engine, x.shape.c, n->moments, count_of(n, x.shape), norm);
}

void un_batch_norm_backward(struct un_network *n, int i, struct un_tensor x,
                            const struct un_norm *norm, struct un_tensor dy,
                            struct un_activation act, struct un_tensor dx)
{
    struct un_engine *e = n->engine;
    const struct un_engine_ops *ops = e->ops;
    struct un_tree tree = {.total = un_graph_total(&n->graph)};
    if (!norm->groups && !is_shared(n)) {
        ops->norm_backward(e, x, norm, dy, act, slot(n, i, 0, 0), slot(n, i, 1, 0), dx);
        return;
    }
    if (!norm->groups) {
        float *dgamma = kept(n, i);
        ops->norm_moments(e, x, norm, dy, n->moments);
        un_network_sum(n, 2 * x.shape.c);
        ops->norm_backward_of(e, x, norm, dy, act, n->moments, count_of(n, x.shape), dgamma,
                              dgamma + x.shape.c, dx);
        return;
    }
    for (int image = 0; image < x.shape.n; image++) {
        const struct un_tensor d = images_of(e, dy, image, 1);
        struct un_norm one = *norm;
        one.mean += (size_t)image * (size_t)x.shape.c;
        one.variance += (size_t)image * (size_t)x.shape.c;
        ops->norm_backward(e, images_of(e, x, image, 1), &one, d, act, slot(n, i, 0, tree.count),
                           slot(n, i, 1, tree.count), images_of(e, dx, image, 1));
        fold(n, i, &tree, image);
    }
}

/* ---- slopes ---- */

void un_batch_prelu_backward(struct un_network *n, int i, struct un_tensor x, struct un_tensor dy,
                             struct un_tensor dx)
{
    struct un_engine *e = n->engine;
    const struct un_param *p = &n->graph.params[n->graph.nodes[i].weight];
    struct un_tree tree = {.total = un_graph_total(&n->graph)};
    for (int image = 0; image < x.shape.n; image++) {
        e->ops->prelu_backward(e, images_of(e, x, image, 1), n->values + p->offset,
                               images_of(e, dy, image, 1), slot(n, i, 0, tree.count),
                               images_of(e, dx, image, 1));
        fold(n, i, &tree, image);
    }
}

/* ---- ranks ---- */

/* Images of the rank that has most. */
static int most_images(const struct un_network *n)
{
    const int ranks = un_ranks_count(n->ranks), total = un_graph_total(&n->graph);
    return (total + ranks - 1) / ranks;
}

void un_network_sum(struct un_network *n, int width)
{
    const int ranks = un_ranks_count(n->ranks), total = un_graph_total(&n->graph);
    const size_t row = (size_t)width * sizeof(double), most = (size_t)most_images(n);
    struct un_engine *e = n->engine;
    double *mine = n->host_moments, *all = mine + most * (size_t)width;
    e->ops->get(e, mine, n->moments, (size_t)n->graph.input.n * row);
    if (!n->failed)
        n->failed = e->ops->finish(e, &n->why);
    const double since = un_clock_seconds();
    if (!n->failed)
        n->failed = un_ranks_gather(n->ranks, UN_CHANNEL_TALK, mine, most * row, all, &n->why);
    n->waited += un_clock_seconds() - since;
    if (n->failed)
        return;
    for (int r = 1; r < ranks; r++) { /* those of one rank behind those of the one before */
        const int first = un_tree_first(total, ranks, r);
        const int count = un_tree_first(total, ranks, r + 1) - first;
        memmove(all + (size_t)first * (size_t)width, all + (size_t)r * most * (size_t)width,
                (size_t)count * row);
    }
    un_tree_sum(all, total, (size_t)width);
    e->ops->put(e, n->moments, all, row);
}

unet_code un_network_share(struct un_network *n, const unet_ranks *ranks, int width,
                           unet_error *err)
{
    struct un_engine *e = n->engine;
    const size_t partials = (size_t)(n->plan.blocks - 1) * n->graph.trainable * sizeof(float);
    size_t norms = 0;
    n->ranks = ranks;
    n->width = width;
    for (int i = 0; i < n->graph.node_count; i++) {
        const struct un_node *node = &n->graph.nodes[i];
        if (node->kind != UN_NODE_NORM)
            continue;
        norms += 2 * (size_t)node->channels * sizeof(float);
        n->width = 2 * node->channels > n->width ? 2 * node->channels : n->width;
    }
    const size_t images = (size_t)most_images(n), row = (size_t)n->width * sizeof(double);
    const size_t host = images * row * (1 + (size_t)un_ranks_count(ranks));
    n->partials = partials ? e->ops->alloc(e, partials) : NULL;
    n->norms = norms ? e->ops->alloc(e, norms) : NULL;
    n->moments = e->ops->alloc(e, images * row);
    n->host_moments = e->ops->host_alloc(e, host);
    if ((partials && !n->partials) || (norms && !n->norms) || !n->moments || !n->host_moments)
        return un_fail_memory(err, partials + norms + images * row + host, "the other ranks' sums");
    memset(n->host_moments, 0,
           host); /* the last rows of a rank that has fewer images are sent, too */
    return UNET_OK;
}

void un_network_unshare(struct un_network *n)
{
    struct un_engine *e = n->engine;
    e->ops->release(e, n->partials);
    e->ops->release(e, n->norms);
    e->ops->release(e, n->moments);
    e->ops->host_release(e, n->host_moments);
}

void un_network_reduced(struct un_network *n)
{
    struct un_engine *e = n->engine;
    for (int i = n->first_trained; i < n->graph.node_count; i++) {
        const struct un_node *node = &n->graph.nodes[i];
        const size_t bytes = (size_t)node->channels * sizeof(float);
        if (node->kind != UN_NODE_NORM || node->groups)
            continue;
        e->ops->copy(e, slot(n, i, 0, 0), kept(n, i), bytes);
        e->ops->copy(e, slot(n, i, 1, 0), kept(n, i) + node->channels, bytes);
    }
}
