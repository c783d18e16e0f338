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
#include "recipe/recipe_choice.h"
#include "shared/launcher.h"
#include "shared/network_options.h"
#include "train/train_settings.h"

/* Everything a run holds; starts zeroed. */
struct train_run {
    const struct command *command;
    struct train_settings *settings;
    const unet_ranks *ranks; /* NULL: alone */
    int fold;                /* from 0; -1: no folds */
    const char *goes_on;     /* what is told to --resume; NULL: its folder */
    int resumed;
    unet_dataset *dataset, *validation;
    unet_survey *survey;
    unet_model *model;
    struct recipe recipe;
    struct seen seen; /* between epochs */
    struct train_files files;
    /* what came of it */
    double best_score; /* the Dice of all classes, or minus the loss */
    int best_epoch, one_class;
    unet_train_end end;
};

/* train_prepare.c: all but the training itself; EXIT_DONE, or told. */
int train_run_prepare(struct train_run *run);
void train_run_release(struct train_run *run);

/* Trains, with the run folder kept, and tells what came of it. */
int train_run_go(struct train_run *run);

/* A line on files without a partner, or none. */
void train_run_left_out(const struct train_run *run, FILE *out);

/* A line on how images were held out, where not one by one. */
void train_run_held_out(const struct train_run *run, FILE *out);

/* train_classes.c: warns of classes that only held-out images have, or none of them.  EXIT_FAILED
 * (told): what there is to learn is in held-out images alone. */
int train_classes_check(const struct train_run *run);

/* train_dry.c: the recipe, the memory and the time of an epoch, measured on two steps, on stdout.
 */
int train_run_dry(struct train_run *run);

/* train_rate.c: of a resumed run's first event, says how the learning rate changes; 1: it would
 * rise far and nobody said so, which was told. */
int train_rate_is_refused(const struct train_run *run, const unet_progress *progress);

/* train_split.c: notes in the run's folder which images are trained on and which are held out, or,
 * where it goes on, checks that they are the same.  An exit status. */
int train_split_keep(const struct train_run *run);

/* train_folds.c: --folds: a run for each part of the images, and their summary. */
int train_folds(const struct command *command, struct train_settings *settings,
                const unet_ranks *ranks, int resumed);

/* ---- train_init.c:  ---- */

/*
 * Replaces *model by one for the channels and classes that settings give, or else that the data
 * need, where its own do not do (never the channels of a frozen encoder: UNET_EINVAL); says on
 * stderr, tensor by tensor, what is taken and what is new.
 */
unet_code train_init_adapt(const struct network_settings *settings, uint64_t seed, int quiet,
                           int frozen, const unet_dataset *dataset, unet_model **model,
                           unet_error *err);

/* ---- train_recipe.c: a recipe in words, a row for each part ---- */

enum { RECIPE_ROWS = 16, RECIPE_TEXT = 320 };
struct recipe_words {
    int count;
    const char *name[RECIPE_ROWS];
    char text[RECIPE_ROWS][RECIPE_TEXT];
};

/*
 * tile: the side of the network's input; labels: of the model.  What is off is not named, but for a
 * few things that people look for.
 */
void recipe_describe(const unet_spec *spec, const unet_train_options *options, int tile, int labels,
                     struct recipe_words *words);

#endif
