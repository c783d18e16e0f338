/* SPDX-License-Identifier: Apache-2.0 */
/*
 * run_folder.h - what a person finds in a run's folder besides models: history.jsonl, report.html,
 * images/, and events.out.tfevents.* for TensorBoard.  docs/run-folder.md says each.
 *
 * In order: run_begin(), then run_progress() and run_validated() from the functions of a
 * unet_train_job, run_end() after unet_train() in any case.  Nothing is printed before run_end().
 */
#ifndef RUN_FOLDER_H
#define RUN_FOLDER_H

#include "run/run_history.h"
#include "run/run_images.h"
#include "run/tensorboard.h"
#include "unet_survey.h"

/* One line of the recipe. */
struct run_row {
    const char *name, *value;
};

/* All borrowed until run_end(). */
struct run_facts {
    const char *folder; /* exists */
    const char *title;  /* NULL: the folder's name */
    const unet_model *model;
    const unet_dataset *dataset, *validation; /* validation NULL: none */
    const unet_survey *survey;                /* of both together; may be NULL */
    const struct run_row *recipe;             /* [recipe_rows] */
    int recipe_rows;
    int threads;     /* for predictions; 0: one per core */
    int tile;        /* the same; 0: as a session chooses */
    int resumed;     /* 1: it goes on from a checkpoint */
    int tensorboard; /* 1: event files */
};

struct run_folder {
    struct run_facts facts;
    struct run_history history;
    struct run_images images;
    struct board board;
    char *report_path;
    int begun;              /* an event came */
    unet_progress progress; /* the newest, its pointers NULL */
    int one_class;          /* of the newest epoch */
    int one_answer;         /* 1: one class everywhere in the training images that are shown */
    unet_train_end end;
    int interrupted;
    const char *failure;  /* why the training failed; NULL: it did not */
    double written_at;    /* of seconds_now(), when the report was last written; < 0: not yet */
    double write_seconds; /* what that took */
    double trained_at, trained_seconds;    /* the same of predicting training images */
    unet_error record_error, report_error; /* the first that went wrong; code 0: none */
};

/* EXIT_DONE, or a failure that was told; then nothing is held, and run_end() is not called. */
int run_begin(struct run_folder *run, const struct run_facts *facts);

/*
 * For every event.  Non-zero: the record cannot be written, and the training should stop; run_end()
 * tells.  A report or picture that cannot be written does not stop it, but is told, too.
 */
int run_progress(struct run_folder *run, const unet_progress *progress);
int run_validated(struct run_folder *run, const unet_validated *image); /* always 0 */

/*
 * Writes the last report and releases everything.
 *
 *   interrupted  1: a signal asked for the end
 *   failed       what unet_train() failed with; NULL: it did not
 *
 * EXIT_DONE, or EXIT_FAILED after telling what could not be written.
 */
int run_end(struct run_folder *run, int interrupted, const unet_error *failed);

#endif
