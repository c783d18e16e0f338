/* SPDX-License-Identifier: Apache-2.0 */
/* train_report.h - what a person sees while a network trains; shared by train and demo */
#ifndef TRAIN_REPORT_H
#define TRAIN_REPORT_H

#include "shared/progress.h"
#include "unet.h"

/* One epoch, kept for the curves. */
struct train_epoch {
    double seconds, loss, val_dice, val_iou;
};

struct train_report {
    struct progress_line line;
    int quiet, json;
    double best_score, seconds; /* the Dice of all classes, or minus the loss */
    int best_epoch, last_epoch;
    long steps, steps_before;   /* of the whole run; when it began or went on */
    struct train_epoch *epochs; /* epoch_count of them; NULL: not kept, see train_report_keep() */
    int epoch_count, epoch_room;
    char ranks[256]; /* who waited for whom, where several train as one; else "" */
};

void train_report_init(struct train_report *report, int quiet, int json);

/* Keeps the numbers of the first `room` epochs in memory that the caller gives. */
void train_report_keep(struct train_report *report, struct train_epoch *epochs, int room);

/* The progress function for unet_train(); context is a struct train_report. */
int train_report_step(void *context, const unet_progress *progress);

/* The lines at the end; validated: scores are of held-out images. */
void train_report_summary(const struct train_report *report, int validated, const char *best,
                          const char *last);

#endif
