/* SPDX-License-Identifier: Apache-2.0 */
/*
 * train_files.h - the folder of a run: where its files are, and settings.json
 *
 * -o RUN is a folder with best.safetensors, last.safetensors, checkpoint, settings.json and what
 * run_folder.h adds.  -o MODEL.safetensors puts the best model there and the rest into MODEL.run.
 */
#ifndef TRAIN_FILES_H
#define TRAIN_FILES_H

#include <jansson.h>

#include "train/train_settings.h"

/* All from malloc; NULL where there was no memory. */
struct train_files {
    char *folder, *best, *last, *checkpoint, *settings, *history;
    int lock; /* of train_lock(); 0: none is held */
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
 * settings.json: {"format": 1, "version": "0.1.0", "options": {...}, "recipe": {...}}, where paths
 * are absolute.  recipe may be NULL.  EXIT_DONE or EXIT_FAILED (told).
 */
int train_files_save(const struct train_files *files, const struct train_settings *settings,
                     const char *const (*recipe)[2], int recipe_rows);

/*
 * Fills settings with what the run in folder was told.  *kept owns strings that settings point to,
 * and is given back by json_decref().  EXIT_DONE or EXIT_FAILED (told).
 */
int train_files_load(const char *folder, struct train_settings *settings, json_t **kept);

#endif
