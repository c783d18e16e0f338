/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The gradients are cut into buckets from the last to the first, which is the order in which the
 * backward pass makes them.  Of a bucket each rank owns a share.  First every rank sends the blocks
 * of its samples (most often there is one, base/tree.h) of each share to its owner, who adds up
 * those of all ranks in the tree; then every owner sends its sums to all others.  With one block a
 * rank sends and receives twice the bytes of the gradients, less those of its own share: no
 * exchange needs fewer.
 *
 * A thread does so with each bucket as soon as its gradients are there.  Where the engine's memory
 * is not the host's, nothing overlaps: all is brought to the host at the end, and back.
 */
#include "train/reduce.h"

#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/tree.h"

enum { BUCKET = 1 << 20 }; /* floats */

struct un_reducer {
    struct un_network *network;
    const unet_ranks *ranks;
    size_t first, end;     /* of the gradients */
    int blocks;            /* most of a rank */
    struct un_tree *trees; /* [ranks]: the blocks of each */
    float **values;        /* [blocks]: of this rank; the first becomes the sum */
    float *staging;        /* where the engine's memory is not the host's: [blocks][end] */
    float *received;       /* [blocks of all ranks][largest share] */
    unet_piece *pieces;    /* [2][ranks] */
    void **pending;        /* [blocks] */
    size_t room;           /* of a share */
    bool threaded;
    pthread_t thread;
    pthread_mutex_t lock;
    pthread_cond_t wanted, done;
    size_t from, reduced; /* what is there, and what is summed: from here to the end */
    bool leave;
    unet_code failed;
    unet_error why;
    struct un_reducer_cost cost;
};

/* A bucket, and the share of it that a rank owns. */
struct bucket {
    size_t first, end;
};

static struct bucket share_of(const struct un_reducer *r, struct bucket b, int rank)
{
    const size_t count = b.end - b.first, ranks = (size_t)r->ranks->count, i = (size_t)rank;
    return (struct bucket){b.first + count * i / ranks, b.first + count * (i + 1) / ranks};
}

static size_t floats_of(struct bucket b)
{
    return b.end - b.first;
}

/* Where block j of a rank is received; of this rank: where it lies. */
static float *block_at(const struct un_reducer *r, struct bucket mine, int rank, int j)
{
    int before = 0;
    if (rank == r->ranks->rank)
        return r->values[j] + mine.first;
    for (int i = 0; i < rank; i++)
        before += r->trees[i].count;
    return r->received + (size_t)(before + j) * r->room;
}

/* The blocks of all ranks, of this rank's share of a bucket. */
static unet_code gather_blocks(struct un_reducer *r, struct bucket b, unet_error *err)
{
    const unet_ranks *ranks = r->ranks;
    const struct bucket mine = share_of(r, b, ranks->rank);
    unet_piece *give = r->pieces, *take = give + ranks->count;
    unet_code code = UNET_OK;
    int started = 0;
    for (; started < r->blocks && !code; started += !code) {
        const int j = started;
        for (int i = 0; i < ranks->count; i++) {
            const struct bucket share = share_of(r, b, i);
            const bool gives = i != ranks->rank && j < r->trees[ranks->rank].count;
            const bool takes = i != ranks->rank && j < r->trees[i].count;
            give[i] = (unet_piece){gives ? r->values[j] + share.first : NULL,
                                   gives ? floats_of(share) * sizeof(float) : 0};
            take[i] = (unet_piece){takes ? block_at(r, mine, i, j) : NULL,
                                   takes ? floats_of(mine) * sizeof(float) : 0};
            r->cost.bytes += (double)give[i].count;
        }
        code = ranks->start(ranks->context, UN_CHANNEL_SUMS, give, take, &r->pending[j], err);
    }
    for (int j = 0; j < started; j++) {
        const unet_code next = ranks->wait(ranks->context, r->pending[j], code ? NULL : err);
        code = code ? code : next;
    }
    return code;
}

static void add(float *to, const float *from, size_t count)
{
    for (size_t i = 0; i < count; i++)
        to[i] += from[i];
}

/* Adds them up, to where the sum belongs. */
static void add_blocks(struct un_reducer *r, struct bucket mine)
{
    struct un_tree tree = {.total = un_graph_total(&r->network->graph)};
    float *slots[UN_TREE_DEPTH];
    for (int i = 0; i < r->ranks->count; i++)
        for (int j = 0; j < r->trees[i].count; j++) {
            slots[tree.count] = block_at(r, mine, i, j);
            un_tree_push(&tree, r->trees[i].block[j]);
            while (un_tree_fold(&tree))
                add(slots[tree.count - 1], slots[tree.count], floats_of(mine));
        }
    if (slots[0] != r->values[0] + mine.first)
        memcpy(r->values[0] + mine.first, slots[0], floats_of(mine) * sizeof(float));
}

/* The sums of all shares. */
static unet_code gather_sums(struct un_reducer *r, struct bucket b, unet_error *err)
{
    const unet_ranks *ranks = r->ranks;
    const struct bucket mine = share_of(r, b, ranks->rank);
    unet_piece *give = r->pieces, *take = give + ranks->count;
    for (int i = 0; i < ranks->count; i++) {
        const struct bucket share = share_of(r, b, i);
        const bool other = i != ranks->rank;
        give[i] =
            (unet_piece){r->values[0] + mine.first, other ? floats_of(mine) * sizeof(float) : 0};
        take[i] =
            (unet_piece){r->values[0] + share.first, other ? floats_of(share) * sizeof(float) : 0};
        r->cost.bytes += (double)give[i].count;
    }
    return un_ranks_exchange(ranks, UN_CHANNEL_SUMS, give, take, err);
}

static unet_code reduce(struct un_reducer *r, struct bucket b, unet_error *err)
{
    const double since = un_clock_seconds();
    unet_code code = gather_blocks(r, b, err);
    if (!code) {
        add_blocks(r, share_of(r, b, r->ranks->rank));
        code = gather_sums(r, b, err);
    }
    r->cost.seconds += un_clock_seconds() - since;
    return code;
}

/* With the lock: the next bucket, if its gradients are there. */
static bool next_bucket(const struct un_reducer *r, struct bucket *b)
{
    if (r->reduced <= r->first)
        return false;
    const size_t left = r->reduced - r->first;
    *b = (struct bucket){r->reduced - (left < BUCKET ? left : BUCKET), r->reduced};
    return r->from <= b->first;
}

/* With the lock, which it lets go of meanwhile. */
static void do_bucket(struct un_reducer *r, struct bucket b)
{
    unet_error why;
    unet_code code = r->failed;
    pthread_mutex_unlock(&r->lock);
    if (!code && (code = reduce(r, b, &why)))
        r->why = why;
    pthread_mutex_lock(&r->lock);
    r->failed = code;
    r->reduced = b.first;
    pthread_cond_signal(&r->done);
}

static void *work(void *context)
{
    struct un_reducer *r = context;
    struct bucket b;
    pthread_mutex_lock(&r->lock);
    while (!r->leave)
        if (next_bucket(r, &b))
            do_bucket(r, b);
        else
            pthread_cond_wait(&r->wanted, &r->lock);
    pthread_mutex_unlock(&r->lock);
    return NULL;
}

/* Signals are the caller's.  Without a thread, finish() does the work. */
static void start_thread(struct un_reducer *r)
{
    sigset_t all, before;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    r->threaded = !pthread_create(&r->thread, NULL, work, r);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
}

/* The blocks of each rank, and how many there are of all. */
static int find_blocks(struct un_reducer *r)
{
    const int ranks = r->ranks->count, total = un_graph_total(&r->network->graph);
    int all = 0, rooms;
    for (int i = 0; i < ranks; i++) {
        r->trees[i] = un_tree_of(un_tree_first(total, ranks, i), un_tree_first(total, ranks, i + 1),
                                 total, &rooms);
        all += r->trees[i].count;
        r->blocks = r->trees[i].count > r->blocks ? r->trees[i].count : r->blocks;
    }
    return all;
}

static bool allocate(struct un_reducer *r)
{
    struct un_network *n = r->network;
    struct un_engine *e = n->engine;
    const size_t ranks = (size_t)r->ranks->count, all = n->graph.trainable;
    const size_t count = r->end - r->first, largest = count < BUCKET ? count : BUCKET;
    r->trees = calloc(ranks, sizeof *r->trees);
    if (!r->trees)
        return false;
    const size_t blocks = (size_t)find_blocks(r), mine = (size_t)n->plan.blocks;
    r->room = largest / ranks + 1;
    r->received = malloc(blocks * r->room * sizeof(float));
    r->values = calloc(mine, sizeof *r->values);
    r->pieces = calloc(2 * ranks, sizeof *r->pieces);
    r->pending = calloc((size_t)r->blocks, sizeof *r->pending);
    if (!e->ops->host_memory)
        r->staging = e->ops->host_alloc(e, mine * all * sizeof(float));
    for (size_t j = 0; r->values && j < mine; j++)
        r->values[j] = r->staging ? r->staging + j * all
                       : j        ? n->partials + (j - 1) * all
                                  : n->gradients;
    return r->received && r->values && r->pieces && r->pending &&
           (r->staging || e->ops->host_memory);
}

unet_code un_reducer_create(struct un_network *network, size_t first, struct un_reducer **reducer,
                            unet_error *err)
{
    struct un_reducer *r = calloc(1, sizeof *r);
    if (!r)
        return un_fail_memory(err, sizeof *r, "the sums of gradients");
    r->network = network;
    r->ranks = network->ranks;
    r->first = first;
    r->end = network->graph.trainable;
    r->from = r->end;
    r->reduced = first;
    pthread_mutex_init(&r->lock, NULL);
    pthread_cond_init(&r->wanted, NULL);
    pthread_cond_init(&r->done, NULL);
    if (!allocate(r)) {
        un_reducer_free(r);
        return un_fail_memory(err, network->graph.trainable * sizeof(float),
                              "the sums of gradients");
    }
    if (!r->staging)
        start_thread(r);
    *reducer = r;
    return UNET_OK;
}

void un_reducer_free(struct un_reducer *r)
{
    if (!r)
        return;
    pthread_mutex_lock(&r->lock);
    r->leave = true;
    pthread_cond_signal(&r->wanted);
    pthread_mutex_unlock(&r->lock);
    if (r->threaded)
        pthread_join(r->thread, NULL);
    pthread_mutex_destroy(&r->lock);
    pthread_cond_destroy(&r->wanted);
    pthread_cond_destroy(&r->done);
    r->network->engine->ops->host_release(r->network->engine, r->staging);
    free(r->trees);
    free(r->values);
    free(r->received);
    free(r->pieces);
    free(r->pending);
    free(r);
}

void un_reducer_begin(struct un_reducer *r)
{
    pthread_mutex_lock(&r->lock);
    r->from = r->reduced = r->end;
    pthread_mutex_unlock(&r->lock);
}

void un_reducer_ready(struct un_reducer *r, size_t from)
{
    if (!r->threaded)
        return;
    pthread_mutex_lock(&r->lock);
    r->from = from;
    pthread_cond_signal(&r->wanted);
    pthread_mutex_unlock(&r->lock);
}

/* Between the engine's memory and the host's, where they are two. */
static void bring(struct un_reducer *r)
{
    struct un_network *n = r->network;
    struct un_engine *e = n->engine;
    const size_t bytes = (r->end - r->first) * sizeof(float);
    for (int j = 0; j < n->plan.blocks && r->staging; j++) {
        const float *from = j ? n->partials + (size_t)(j - 1) * n->graph.trainable : n->gradients;
        e->ops->get(e, r->values[j] + r->first, from + r->first, bytes);
    }
}

unet_code un_reducer_finish(struct un_reducer *r, unet_error *err)
{
    struct un_network *n = r->network;
    const double since = un_clock_seconds();
    struct bucket b;
    bring(r);
    pthread_mutex_lock(&r->lock);
    r->from = r->first;
    pthread_cond_signal(&r->wanted);
    while (r->threaded && r->reduced > r->first)
        pthread_cond_wait(&r->done, &r->lock);
    while (next_bucket(r, &b))
        do_bucket(r, b);
    const unet_code code = r->failed;
    pthread_mutex_unlock(&r->lock);
    if (code)
        return un_fail_again(err, &r->why);
    if (r->staging)
        n->engine->ops->put(n->engine, n->gradients + r->first, r->values[0] + r->first,
                            (r->end - r->first) * sizeof(float));
    un_network_reduced(n);
    r->cost.waited += un_clock_seconds() - since;
    return UNET_OK;
}

struct un_reducer_cost un_reducer_cost(const struct un_reducer *r)
{
    return r->cost;
}
