/* SPDX-License-Identifier: Apache-2.0 */
/*
 * shared_work.h - numbered pieces of work, each done by whichever rank, or thread, is free
 *
 * A rank takes the next number, does it, and sends rank 0 what was said and what came of it.  Rank
 * 0 says it in the order of the numbers, as one process would have, whoever did them.  Without
 * ranks, threads of this process do the same.
 */
#ifndef SHARED_WORK_H
#define SHARED_WORK_H

#include <stdio.h>

#include "unet_ranks.h"

struct shared_work {
    const unet_ranks *ranks; /* NULL: threads */
    int threads;             /* how many, with the caller's, at least 1 */
    void *const *each;       /* [threads] the context of one() for each of them */
    long count;              /* pieces 0 .. count - 1 */
    /* Does piece i; what it prints by say() is kept for rank 0.  It writes what else rank 0 has to
     * know to `more`.  An exit status. */
    int (*one)(void *context, long i, FILE *more);
    /* On rank 0 for each piece in order, what was written to `more`, and its exit status.  An exit
     * status: another one than EXIT_DONE is that of all. */
    int (*came)(void *context, long i, int status, const char *more, size_t size);
    /* on rank 0 before a piece is said; may be NULL */
    void (*will_say)(void *context);
    void *context;
    long
        *shares; /* [ranks->count] on rank 0: receives how many pieces each rank did; may be NULL */
};

/*
 * Returns on rank 0 when all ranks have ended; *interrupted: a signal came, and not all was done.
 * EXIT_FAILED (told): the ranks cannot talk, or there is no memory, or came() said so.
 */
int shared_work_do(const struct shared_work *work, int *was_interrupted);

#endif
