/* SPDX-License-Identifier: Apache-2.0 */
/*
 * together.c - several processes that train as one
 *
 * Each makes the passes of its own tiles of a batch.  What belongs to the whole batch (the loss, a
 * norm's statistics, the gradients) is added up over the tiles in a tree, so it has the same bits
 * for any number of processes; then each does the same step with it, and all have the same weights.
 */
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/tree.h"
#include "train/trainer.h"

unet_code un_together_deal(unet_trainer *t, struct un_graph *graph, unet_error *err)
{
    const int ranks = un_ranks_count(t->ranks), rank = un_ranks_rank(t->ranks);
    const int batch = t->options.batch;
    if (batch < ranks)
        return un_fail(err, UNET_EINVAL,
                       "batch is %d, wanted at least %d: a tile for each of %d processes", batch,
                       ranks, ranks);
    t->first = un_tree_first(batch, ranks, rank);
    t->local = un_tree_first(batch, ranks, rank + 1) - t->first;
    graph->first = t->first;
    graph->total = batch;
    return UNET_OK;
}

static void hear_ready(void *trainer, int node)
{
    const unet_trainer *t = trainer;
    const struct un_graph *g = &t->network.graph;
    const int weight = g->nodes[node].weight;
    if (weight >= 0)
        un_reducer_ready(t->reducer, g->params[weight].offset);
}

unet_code un_together_begin(unet_trainer *t, unet_error *err)
{
    struct un_network *n = &t->network;
    if (un_ranks_count(t->ranks) == 1)
        return UNET_OK;
    unet_code code = un_network_share(n, t->ranks, un_loss_rows(n->graph.spec.classes), err);
    if (code || (code = un_reducer_create(n, t->frozen, &t->reducer, err)))
        return code;
    n->ready = hear_ready;
    n->ready_context = t;
    return UNET_OK;
}

unet_code un_together_loss(unet_trainer *t, const uint8_t *labels, const float *weights,
                           unet_error *err)
{
    struct un_network *n = &t->network;
    struct un_engine *e = t->engine;
    const struct un_tensor logits = un_network_output(n), d = un_network_output_gradient(n);
    e->ops->loss_sums(e, logits, labels, weights, &t->options.loss, n->moments, d);
    un_network_sum(n, un_loss_rows(logits.shape.c));
    if (n->failed)
        return un_fail_again(err, &n->why);
    e->ops->loss_of(e, logits, labels, weights, &t->options.loss, n->moments, t->result, d);
    return UNET_OK;
}

static void join(struct un_classes *all, const struct un_classes *some)
{
    all->low = some->low < all->low ? some->low : all->low;
    all->high = some->high > all->high ? some->high : all->high;
}

unet_code un_together_classes(const unet_trainer *t, struct un_classes *truth,
                              struct un_classes *said, unet_error *err)
{
    const struct un_classes mine[2] = {*truth, *said};
    struct un_classes(*all)[2];
    const int ranks = un_ranks_count(t->ranks);
    if (ranks == 1)
        return UNET_OK;
    if (!(all = malloc((size_t)ranks * sizeof *all)))
        return un_fail_memory(err, (size_t)ranks * sizeof *all, "messages");
    unet_code code = un_ranks_gather(t->ranks, UN_CHANNEL_TALK, mine, sizeof mine, all, err);
    for (int r = 0; r < ranks && !code; r++) {
        join(truth, &all[r][0]);
        join(said, &all[r][1]);
    }
    free(all);
    return code;
}

struct unet_rank_time un_together_time(const unet_trainer *t)
{
    unet_rank_time time = {.steps = t->stepping, .waited = t->network.waited};
    if (t->reducer) {
        const struct un_reducer_cost cost = un_reducer_cost(t->reducer);
        time.waited += cost.waited;
        time.exchanged = cost.seconds;
        time.sent = cost.bytes;
    }
    if (gethostname(time.host, sizeof time.host - 1))
        strcpy(time.host, "?");
    return time;
}
