/* SPDX-License-Identifier: Apache-2.0 */
/*
 * unet_ranks.h - several processes, the ranks, that work on one thing
 *
 * The library knows no network and no MPI: who has them fills a unet_ranks, a handful of functions.
 * The plugin libunet_mpi.so does so by MPI (unet_mpi.h); a test does so by threads.  unet.h
 * says how errors and memory are treated.
 */
#ifndef UNET_RANKS_H
#define UNET_RANKS_H

#include "unet.h"

#ifdef __cplusplus
extern "C" {
#endif

/* Bytes that go to a rank, or come from it. */
typedef struct unet_piece {
    void *bytes;
    size_t count; /* 0: nothing goes there, or comes from there */
} unet_piece;

/*
 * How this process talks to the others.  Its functions may be called from any thread; they return
 * UNET_EIO when the others cannot be reached.
 *
 * Messages go by channels, numbers 0..63 that a program gives out as it likes (the library's own
 * are 32 and above): on one channel what a rank sends to another arrives in the order in which it
 * was sent, and the receiver must know how many bytes come.  Channels do not wait for each other.
 */
typedef struct unet_ranks {
    size_t size;
    void *context;
    int rank, count; /* of rank 0 .. count - 1 */
    /*
     * Begins to send give[r] to rank r and to receive take[r] from it, for each r (what is for
     * oneself is not looked at); either array [count] may be NULL.  The arrays are read at once,
     * the bytes until wait(), which is called once for each pending.
     */
    unet_code (*start)(void *context, int channel, const unet_piece *give, const unet_piece *take,
                       void **pending, unet_error *err);
    unet_code (*wait)(void *context, void *pending, unet_error *err);
    /* 0, 1, 2, ...: each number goes to one rank, whoever asks first */
    unet_code (*next)(void *context, long *number, unet_error *err);
} unet_ranks;

/*
 * What most need.  The ranks call these alike, in the same order on one channel.  ranks NULL, or of
 * one rank: nothing goes anywhere, and mine is all.
 */

/* all [count][bytes] becomes what each rank calls mine, on every rank. */
UNET_API unet_code unet_ranks_gather(const unet_ranks *ranks, int channel, const void *mine,
                                     size_t bytes, void *all, unet_error *err);

/* bytes become those of rank `from` everywhere. */
UNET_API unet_code unet_ranks_broadcast(const unet_ranks *ranks, int channel, int from, void *bytes,
                                        size_t count, unet_error *err);

/* Returns when all have called it. */
UNET_API unet_code unet_ranks_barrier(const unet_ranks *ranks, int channel, unet_error *err);

/* One way; the other rank calls the other of the two. */
UNET_API unet_code unet_ranks_send(const unet_ranks *ranks, int channel, int to, const void *bytes,
                                   size_t count, unet_error *err);
UNET_API unet_code unet_ranks_receive(const unet_ranks *ranks, int channel, int from, void *bytes,
                                      size_t count, unet_error *err);

#ifdef __cplusplus
}
#endif

#endif
