/* SPDX-License-Identifier: Apache-2.0 */
/*
 * train_run.h - one training: from settings to a model and what it scored
 *
 * In order: data and survey, network (new or of a file), recipe, run folder, unet_train().
 */
#ifndef TRAIN_RUN_H
#define TRAIN_RUN_H

#include <stdio.h>

#include "recipe/presets.h"
#include "train/train_files.h"
#include "train/train_settings.h"

/* Everything a run holds; starts zeroed. */
struct train_run {
    const struct command *command;
    struct train_settings *settings;
    int fold;                 /* from 0; -1: no folds */
    const char *folds_folder; /* which is told to --resume; NULL: no folds */
    int resumed;
    unet_dataset *dataset, *validation;
    unet_survey *survey;
    unet_model *model;
    struct recipe recipe;
    struct train_files files;
    /* what came of it */
    double best_score; /* the Dice of all classes, or minus the loss */
    int best_epoch, one_class;
    unet_train_end end;
};

/* All but the training itself; EXIT_DONE, or told. */
int train_run_prepare(struct train_run *run);

/* Trains, with the run folder kept, and tells what came of it. */
int train_run_go(struct train_run *run);

void train_run_release(struct train_run *run);

/* A line on files without a partner, or none. */
void train_run_left_out(const struct train_run *run, FILE *out);

/* train_dry.c: the recipe, the memory and the time of an epoch, measured on two steps, on stdout.
 */
int train_run_dry(struct train_run *run);

/* train_rate.c: of a resumed run's first event, says how the learning rate changes; 1: it would
 * rise far and nobody said so, which was told. */
int train_rate_is_refused(const struct train_run *run, const unet_progress *progress);

/* train_folds.c: --folds: a run for each part of the images, and their summary. */
int train_folds(const struct command *command, struct train_settings *settings, int resumed);

#endif
