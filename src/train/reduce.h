/* SPDX-License-Identifier: Apache-2.0 */
/*
 * reduce.h - the gradients of all ranks become one sum, while the backward pass still makes others
 *
 * The sum of a value is that of the tree over the samples of the batch (base/tree.h), so its bits
 * do not depend on how many ranks there are.
 *
 * Order of calls for each pass: un_reducer_begin(); un_reducer_ready() as the backward pass goes,
 * un_reducer_finish().
 */
#ifndef UN_REDUCE_H
#define UN_REDUCE_H

#include "net/run.h"

struct un_reducer;

/* Gradients first .. graph.trainable - 1 of the network, which is shared and outlives it.
 * UNET_ENOMEM. */
unet_code un_reducer_create(struct un_network *network, size_t first, struct un_reducer **reducer,
                            unet_error *err);
void un_reducer_free(struct un_reducer *reducer);

void un_reducer_begin(struct un_reducer *reducer);

/* From this value on all gradients are there. */
void un_reducer_ready(struct un_reducer *reducer, size_t from);

/* All are there.  Then the network's gradients are the sums; UNET_EIO: the others are gone. */
unet_code un_reducer_finish(struct un_reducer *reducer, unet_error *err);

/* What it cost so far: bytes that this rank sent, seconds of exchange and of sums, and those for
 * which the backward pass was over and waited. */
struct un_reducer_cost {
    double bytes, seconds, waited;
};
struct un_reducer_cost un_reducer_cost(const struct un_reducer *reducer);

#endif
