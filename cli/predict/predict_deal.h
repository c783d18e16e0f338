/* SPDX-License-Identifier: Apache-2.0 */
/*
 * predict_deal.h - images that are dealt: to ranks (predict_ranks.c), to lanes (predict_lanes.c)
 *
 * What an image leaves in files of its own is written by whoever has it; what goes into one file of
 * all images, and what is said and counted, comes to the first in the order of the list.
 */
#ifndef PREDICT_DEAL_H
#define PREDICT_DEAL_H

#include <stdio.h>

#include "predict/predict_run.h"

struct predict_dealt {
    struct predict_run *run; /* of a lane: its own, else that of all */
    size_t failed;
    struct { /* of all images that came, which predict_deal_one() does not touch */
        struct predict_tally tally;
        size_t skipped, again;
        char why[64];
        const char *first, *alpha;
    } sums;
    size_t came; /* images */
};

/* Makes run->scratch where there are joined files; removes it.  An exit status. */
int predict_deal_begin(struct predict_run *run);
void predict_deal_end(struct predict_run *run);

/* one() and came() of struct shared_work; context: a struct predict_dealt. */
int predict_deal_one(void *context, long i, FILE *more);
int predict_deal_came(void *context, long i, int status, const char *more, size_t size);

/* What came of all, to the run; stopped: not all are done.  An exit status. */
int predict_deal_sum(const struct predict_dealt *dealt, int stopped, size_t *failed);

#endif
