/* SPDX-License-Identifier: Apache-2.0 */
/* train_settings.h - what a person can say to unet train, and to whatever trains as it does */
#ifndef TRAIN_SETTINGS_H
#define TRAIN_SETTINGS_H

#include <jansson.h>

#include "recipe/augment_options.h"
#include "recipe/presets.h"
#include "shared/cli.h"
#include "shared/network_options.h"

enum loss_word { LOSS_CE, LOSS_BCE, LOSS_DICE, LOSS_CE_DICE, LOSS_FOCAL, LOSS_TVERSKY };
enum val_by_word { VAL_BY_SEQUENCES, VAL_BY_IMAGES };
enum balance_word { BALANCE_NONE, BALANCE_ROOT, BALANCE_FULL };

/* What has a field in unet_train_options is said; other numbers below zero: not given. */
struct loss_settings {
    struct said said;
    int loss, balance;
    struct float_list class_weights, tversky;
};

struct train_settings {
    const char *images, *masks, *output, *resume, *init;
    int freeze;
    const char *val_images, *val_masks;
    double val_share;
    int val_by, folds, fold; /* fold: from 1, 0: the last; -1: all of them */
    const char *labels, *channels, *fill;
    const char *pair[2];
    const char *ignore;
    int only_pairs, as_stored;
    int preset, dry_run, tensorboard, overwrite;
    double memory;
    struct said length; /* and the size of steps */
    double time, checkpoint_every;
    struct network_settings network;
    struct loss_settings loss;
    struct said optimizer;
    struct augment_settings augment;
    struct common_settings common;
    int rate_told; /* no option: --lr or --schedule stood beside --resume */
};

/* Nothing given. */
extern const struct train_settings train_settings_none;
extern const struct option_row train_options[];

/* Combinations that cannot be meant; EXIT_DONE: fine. */
int train_settings_check(const struct command *command, const struct train_settings *settings);

/* Puts what was given in place of what a preset has. */
void train_settings_apply(const struct train_settings *settings, unet_train_options *options);

/* ---- train_length.c: --epochs, --steps and --time beside --resume ---- */

struct train_length {
    const char *limit[2];
    double time;
    char dropped[120]; /* "--steps 200, --time 600s", what no longer counts; "" */
};

/* Before and after the command line is parsed over what a run was told: limits of before that are
 * reached give way to a length that is said anew. */
void train_length_begin(struct train_settings *settings, struct train_length *kept);
void train_length_end(struct train_settings *settings, struct train_length *kept);

/* ---- train_files.c: the folder of a run: where its files are, and settings.json ---- */

/*
 * -o RUN is a folder with best.safetensors, last.safetensors, checkpoint, settings.json and what
 * run_folder.h adds.  -o MODEL.safetensors puts the best model there and the rest into MODEL.run.
 */

/* All from malloc; NULL where there was no memory. */
struct train_files {
    char *folder, *best, *last, *checkpoint, *settings, *history;
    int lock; /* of folder_lock(); 0: none is held */
};

/* 0: no memory. */
int train_files_name(const char *output, struct train_files *files);
void train_files_release(struct train_files *files); /* and gives the lock back */

/* Locks the folder if it is there.  EXIT_FAILED (told): another training has it. */
int train_files_lock(struct train_files *files);

/* Whether a run can begin here.  EXIT_FAILED (told): there is a run and overwrite is 0, or a file.
 */
int train_files_check(const struct train_files *files, int overwrite);

/* Makes the folder and locks it, and removes the checkpoint of a run that is overwritten; overwrite
 * as of train_files_check().  EXIT_FAILED: told. */
int train_files_begin(struct train_files *files, int overwrite);

/*
 * settings.json: {"format": 1, "version": "0.1.0", "held_out_by": "sequences", "options": {...},
 * "recipe": {...}}, where paths are absolute.  recipe may be NULL.  EXIT_DONE or EXIT_FAILED
 * (told).
 */
int train_files_save(const struct train_files *files, const struct train_settings *settings,
                     const char *const (*recipe)[2], int recipe_rows);

/*
 * Whether the run in the folder was told the same, but for what changes no number.  EXIT_DONE, also
 * where there are no settings yet, with *there 0; EXIT_FAILED: told.
 */
int train_files_same(const struct train_files *files, const struct train_settings *settings,
                     int *there);

/*
 * Fills settings with what the run in folder was told.  *kept owns strings that settings point to,
 * and is given back by json_decref().  EXIT_DONE or EXIT_FAILED (told).
 */
int train_files_load(const char *folder, struct train_settings *settings, json_t **kept);

/* Of what was kept: says where the run goes on on another device than it was on.  NULL: nothing was
 * kept. */
void train_files_say_device(const json_t *kept, int quiet);

#endif
