/* SPDX-License-Identifier: Apache-2.0 */
/* run_keep.h - between run_history.c, which writes the record, and run_read.c, which reads it */
#ifndef RUN_KEEP_H
#define RUN_KEEP_H

#include "run/run_history.h"

/* Adds a step to the curve. */
void keep_step(struct run_history *history, const struct run_point *point);

/*
 * Adds an epoch.  0: no memory, or another number of classes than before.
 *
 *   class_dice  [labels]; NULL: no validation set
 *   confusion   [labels][labels]; looked at only with class_dice
 */
int keep_epoch(struct run_history *history, const struct run_epoch *epoch, const double *class_dice,
               const uint64_t *confusion, int labels);

/* Drops the lines of history->path that are beyond step and epoch or not whole, and keeps the
 * others.  0: errno. */
int history_keep(struct run_history *history, long step, int epoch);

#endif
