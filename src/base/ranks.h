/* SPDX-License-Identifier: Apache-2.0 */
/* ranks.h - what ranks say to each other, made of unet_ranks' few functions; see unet_ranks.h */
#ifndef UN_RANKS_H
#define UN_RANKS_H

#include <stdbool.h>

#include "base/error.h"
#include "unet_ranks.h"

/* The library's own channels; each is used by one thread of a rank. */
enum {
    UN_CHANNEL_TALK = 32, /* what belongs to a step or an epoch */
    UN_CHANNEL_SUMS,      /* gradients */
    UN_CHANNEL_ANSWERS,   /* of rows of an image, to rank 0 */
    UN_CHANNEL_BLEND,     /* scores that neighbouring rows of tiles share */
};

static inline int un_ranks_count(const unet_ranks *ranks)
{
    return ranks ? ranks->count : 1;
}

static inline int un_ranks_rank(const unet_ranks *ranks)
{
    return ranks ? ranks->rank : 0;
}

/* UNET_EINVAL: a function is missing, or there is no such rank.  NULL is one rank. */
unet_code un_ranks_check(const unet_ranks *ranks, unet_error *err);

/* start() and wait(). */
unet_code un_ranks_exchange(const unet_ranks *ranks, int channel, const unet_piece *give,
                            const unet_piece *take, unet_error *err);

unet_code un_ranks_gather(const unet_ranks *ranks, int channel, const void *mine, size_t bytes,
                          void *all, unet_error *err);
unet_code un_ranks_broadcast(const unet_ranks *ranks, int channel, int from, void *bytes,
                             size_t count, unet_error *err);
unet_code un_ranks_barrier(const unet_ranks *ranks, int channel, unet_error *err);
unet_code un_ranks_send(const unet_ranks *ranks, int channel, int to, const void *bytes,
                        size_t count, unet_error *err);
unet_code un_ranks_receive(const unet_ranks *ranks, int channel, int from, void *bytes,
                           size_t count, unet_error *err);

#endif
