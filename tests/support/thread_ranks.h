/* SPDX-License-Identifier: Apache-2.0 */
/*
 * thread_ranks.h - ranks that are threads of one process
 *
 * Each pair of ranks has a list of messages on their way; what a rank sends is copied at once.  A
 * message of another length than the receiver expects ends the test.
 */
#ifndef THREAD_RANKS_H
#define THREAD_RANKS_H

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "unet_ranks.h"

struct message {
    struct message *next;
    int from, to, channel;
    size_t count;
    unsigned char bytes[];
};

struct meeting {
    pthread_mutex_t lock;
    pthread_cond_t changed;
    struct message *first;
    long counter;
};

struct meeting_rank {
    struct meeting *meeting;
    unet_ranks ranks;
};

/* What wait() has yet to receive. */
struct meeting_wait {
    int channel;
    unet_piece take[64];
};

static inline unet_code meeting_start(void *context, int channel, const unet_piece *give,
                                      const unet_piece *take, void **pending, unet_error *err)
{
    struct meeting_rank *r = context;
    struct meeting *m = r->meeting;
    struct meeting_wait *w = calloc(1, sizeof *w);
    (void)err;
    w->channel = channel;
    if (take)
        memcpy(w->take, take, (size_t)r->ranks.count * sizeof *take);
    pthread_mutex_lock(&m->lock);
    for (int to = 0; give && to < r->ranks.count; to++) {
        if (to == r->ranks.rank || !give[to].count)
            continue;
        struct message *sent = malloc(sizeof *sent + give[to].count), **end = &m->first;
        *sent = (struct message){NULL, r->ranks.rank, to, channel, give[to].count};
        memcpy(sent->bytes, give[to].bytes, give[to].count);
        while (*end)
            end = &(*end)->next;
        *end = sent;
    }
    pthread_cond_broadcast(&m->changed);
    pthread_mutex_unlock(&m->lock);
    *pending = w;
    return UNET_OK;
}

static inline struct message **meeting_find(struct meeting *m, int from, int to, int channel)
{
    struct message **at = &m->first;
    while (*at && ((*at)->from != from || (*at)->to != to || (*at)->channel != channel))
        at = &(*at)->next;
    return at;
}

static inline unet_code meeting_wait(void *context, void *pending, unet_error *err)
{
    struct meeting_rank *r = context;
    struct meeting *m = r->meeting;
    struct meeting_wait *w = pending;
    (void)err;
    pthread_mutex_lock(&m->lock);
    for (int from = 0; from < r->ranks.count; from++) {
        const unet_piece *take = &w->take[from];
        struct message **at, *found;
        if (from == r->ranks.rank || !take->count)
            continue;
        while (!*(at = meeting_find(m, from, r->ranks.rank, w->channel)))
            pthread_cond_wait(&m->changed, &m->lock);
        found = *at;
        if (found->count != take->count) {
            fprintf(stderr, "rank %d expects %zu bytes of rank %d on channel %d, %zu came\n",
                    r->ranks.rank, take->count, from, w->channel, found->count);
            abort();
        }
        memcpy(take->bytes, found->bytes, found->count);
        *at = found->next;
        free(found);
    }
    pthread_mutex_unlock(&m->lock);
    free(w);
    return UNET_OK;
}

static inline unet_code meeting_next(void *context, long *number, unet_error *err)
{
    struct meeting *m = ((struct meeting_rank *)context)->meeting;
    (void)err;
    pthread_mutex_lock(&m->lock);
    *number = m->counter++;
    pthread_mutex_unlock(&m->lock);
    return UNET_OK;
}

struct meeting_thread {
    struct meeting_rank rank;
    void (*work)(const unet_ranks *ranks, void *context);
    void *context;
};

static inline void *meeting_run(void *argument)
{
    struct meeting_thread *t = argument;
    t->work(&t->rank.ranks, t->context);
    return NULL;
}

/* Runs work() as `count` ranks (at most 64) to their end; no message may be left over. */
static inline int meet(int count, void (*work)(const unet_ranks *ranks, void *context),
                       void *context)
{
    struct meeting m = {PTHREAD_MUTEX_INITIALIZER, PTHREAD_COND_INITIALIZER, NULL, 0};
    struct meeting_thread t[64];
    pthread_t threads[64];
    for (int i = 0; i < count; i++) {
        t[i] = (struct meeting_thread){{&m, {.size = sizeof(unet_ranks)}}, work, context};
        t[i].rank.ranks.context = &t[i].rank;
        t[i].rank.ranks.rank = i;
        t[i].rank.ranks.count = count;
        t[i].rank.ranks.start = meeting_start;
        t[i].rank.ranks.wait = meeting_wait;
        t[i].rank.ranks.next = meeting_next;
        if (pthread_create(&threads[i], NULL, meeting_run, &t[i]))
            abort();
    }
    for (int i = 0; i < count; i++)
        pthread_join(threads[i], NULL);
    return m.first == NULL;
}

#endif
