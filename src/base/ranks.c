/* SPDX-License-Identifier: Apache-2.0 */
/*
 * ranks.c - gathering by doubling (Bruck et al. 1997), broadcasting by a binomial tree
 *
 * Gathering: in round k a rank has the blocks of 2^k ranks, itself first and those behind it next
 * (modulo their count); it sends as many as are still wanted to the rank 2^k before it and gets as
 * many from the rank 2^k behind.  So there are log2(count) rounds, for any count; at the end the
 * blocks are turned to where they belong.
 */
#include "base/ranks.h"

#include <stdlib.h>
#include <string.h>

unet_code un_ranks_check(const unet_ranks *r, unet_error *err)
{
    if (!r)
        return UNET_OK;
    if (!r->start || !r->wait || !r->next)
        return un_fail(err, UNET_EINVAL, "ranks: %s is NULL",
                       !r->start  ? "start"
                       : !r->wait ? "wait"
                                  : "next");
    if (r->count < 1 || r->rank < 0 || r->rank >= r->count)
        return un_fail(err, UNET_EINVAL, "ranks: rank %d of %d, wanted 0 .. count - 1", r->rank,
                       r->count);
    return UNET_OK;
}

unet_code un_ranks_exchange(const unet_ranks *r, int channel, const unet_piece *give,
                            const unet_piece *take, unet_error *err)
{
    void *pending;
    unet_code code = r->start(r->context, channel, give, take, &pending, err);
    return code ? code : r->wait(r->context, pending, err);
}

/* One piece there and one from there; either count may be 0. */
static unet_code swap(const unet_ranks *r, int channel, int to, const void *given, size_t give,
                      int from, void *taken, size_t take, unet_error *err)
{
    unet_piece *pieces = calloc(2 * (size_t)r->count, sizeof *pieces);
    if (!pieces)
        return un_fail_memory(err, 2 * (size_t)r->count * sizeof *pieces, "messages");
    pieces[to] = (unet_piece){(void *)given, give};
    pieces[r->count + from] = (unet_piece){taken, take};
    unet_code code = un_ranks_exchange(r, channel, pieces, pieces + r->count, err);
    free(pieces);
    return code;
}

unet_code un_ranks_gather(const unet_ranks *r, int channel, const void *mine, size_t bytes,
                          void *all, unet_error *err)
{
    const int count = un_ranks_count(r);
    unet_code code = UNET_OK;
    if (count == 1) {
        memmove(all, mine, bytes);
        return UNET_OK;
    }
    char *turned = malloc((size_t)count * bytes + 1);
    if (!turned)
        return un_fail_memory(err, (size_t)count * bytes, "messages");
    memcpy(turned, mine, bytes);
    for (int have = 1; have < count && !code; have *= 2) {
        const size_t more = (size_t)(have < count - have ? have : count - have) * bytes;
        code = swap(r, channel, (r->rank + count - have) % count, turned, more,
                    (r->rank + have) % count, turned + (size_t)have * bytes, more, err);
    }
    for (int i = 0; i < count && !code; i++)
        memcpy((char *)all + (size_t)((r->rank + i) % count) * bytes, turned + (size_t)i * bytes,
               bytes);
    free(turned);
    return code;
}

unet_code un_ranks_broadcast(const unet_ranks *r, int channel, int from, void *bytes, size_t count,
                             unet_error *err)
{
    const int ranks = un_ranks_count(r);
    if (ranks == 1)
        return UNET_OK;
    const int place = (r->rank + ranks - from) % ranks; /* behind the one who has them */
    unet_code code = UNET_OK;
    int bit = 1;
    while (bit < ranks && !(place & bit))
        bit *= 2;
    if (place)
        code = un_ranks_receive(r, channel, (r->rank + ranks - bit) % ranks, bytes, count, err);
    for (bit /= 2; bit > 0 && !code; bit /= 2)
        if (place + bit < ranks)
            code = un_ranks_send(r, channel, (r->rank + bit) % ranks, bytes, count, err);
    return code;
}

unet_code un_ranks_barrier(const unet_ranks *r, int channel, unet_error *err)
{
    char none = 0;
    if (un_ranks_count(r) == 1)
        return UNET_OK;
    char *all = malloc((size_t)r->count);
    if (!all)
        return un_fail_memory(err, (size_t)r->count, "messages");
    unet_code code = un_ranks_gather(r, channel, &none, 1, all, err);
    free(all);
    return code;
}

unet_code un_ranks_send(const unet_ranks *r, int channel, int to, const void *bytes, size_t count,
                        unet_error *err)
{
    return swap(r, channel, to, bytes, count, to, NULL, 0, err);
}

unet_code un_ranks_receive(const unet_ranks *r, int channel, int from, void *bytes, size_t count,
                           unet_error *err)
{
    return swap(r, channel, from, NULL, 0, from, bytes, count, err);
}
