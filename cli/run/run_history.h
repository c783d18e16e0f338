/* SPDX-License-Identifier: Apache-2.0 */
/*
 * run_history.h - history.jsonl, the record of a run, and what of it is kept in memory for charts
 *
 * One JSON object a line.  What depends on the machine's speed comes last, so the same run gives
 * the same text before it:
 *
 *   {"kind":"step","step":1,"epoch":1,"loss":0.7,"rate":0.001,"gradient_norm":2.5,"seconds":0.4}
 *   {"kind":"epoch","epoch":1,"step":32,"loss":...,"val_loss":...,"val_dice":...,"val_iou":...,
 *    "accuracy":...,"class_dice":[...],"confusion":[[...],...],"score":...,"improved":true,
 *    "one_class":0,"rate":...,"seconds":...,"tiles_per_second":...,"waited":...}
 *
 * Numbers have nine significant digits; what is not finite is null, and so is what needs a
 * validation set where there is none.  confusion[truth][predicted] counts pixels.
 *
 * A line is handed to the kernel whole, in one write(), before the function returns: a process that
 * is killed loses nothing, and leaves at most a torn last line when the machine goes down.
 */
#ifndef RUN_HISTORY_H
#define RUN_HISTORY_H

#include <stddef.h>

#include "unet.h"

enum { RUN_CURVE = 400 }; /* points of a curve over steps, at most */

/* Means over `per` steps each; when it is full, neighbours are merged and per doubles. */
struct run_curve {
    int count;
    long per;
    struct run_point {
        double step, loss, rate, gradient_norm; /* step: the last of them */
        long steps;                             /* that are in these means */
    } point[RUN_CURVE];
};

struct run_epoch {
    int epoch, improved, one_class;
    long step;
    double loss, val_loss, val_dice, val_iou, accuracy, score, rate, seconds;
    double *class_dice; /* [labels]; NULL: no validation set */
};

struct run_history {
    int fd; /* -1: not open */
    char *path;
    int labels; /* of what is kept; 0: not known yet */
    struct run_curve curve;
    struct run_epoch *epochs; /* [epoch_count] */
    int epoch_count, epoch_room;
    int best_epoch, latest_epoch; /* with a validation set; 0: none yet */
    uint64_t *best, *latest;      /* their confusion matrices [labels][labels] by truth; NULL */
    double tiles_per_second, waited;
};

/*
 * Opens the record for a run that has done so many steps and epochs: lines beyond these and lines
 * that are not whole are dropped, by a temporary file and a rename; the others are read.  Start
 * from a struct of zeros.  0: errno says what failed; history_release() in any case.
 */
int history_open(struct run_history *history, const char *path, long step, int epoch);

/* Write a line, and keep it for the charts.  0: errno. */
int history_step(struct run_history *history, const unet_progress *progress);
int history_epoch(struct run_history *history, const unet_progress *progress);

/* Makes what was written survive the end of the machine, too.  0: errno. */
int history_sync(struct run_history *history);
void history_release(struct run_history *history);

/* ---- between run_history.c, which writes the record, and run_read.c, which reads it ---- */

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
