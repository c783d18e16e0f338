/* SPDX-License-Identifier: Apache-2.0 */
/* loop.h - what the parts of unet_train() share: the loop itself, its files, what it reports */
#ifndef UN_LOOP_H
#define UN_LOOP_H

#include "train/checkpoint.h"
#include "train/validate.h"

struct un_loop {
    const unet_train_job *job;
    unet_trainer *trainer;
    struct un_validator *validator; /* NULL: no validation set */
    struct un_fingerprint held_out;
    struct un_progress_state state;
    unet_progress now;
    double started, saved; /* when this run began, and wrote its last checkpoint */
    double seconds_before; /* of the runs that this one continues */
    long first_step;       /* steps that were done when this run began */
    bool stop;             /* a function of the job asked for an end */
};

double un_loop_clock(void);

/* Seconds of work up to now. */
double un_loop_seconds(const struct un_loop *loop);

/* Calls job->progress, which may set loop->stop. */
void un_loop_report(struct un_loop *loop, unet_train_event event);

/* ---- loop_files.c ------------------------------------------------------------------------ */

/* The model, with its settings, to a file (NULL: to none); the averaged weights where there are
 * such, which stay shown. */
unet_code un_loop_save_model(struct un_loop *loop, const char *path, unet_error *err);

/* The state to the checkpoint, and reports that; nothing where the job has no path. */
unet_code un_loop_save_checkpoint(struct un_loop *loop, unet_error *err);

/* Everything that there is, in the middle of an epoch; what fails first is returned, and the rest
 * is tried all the same. */
unet_code un_loop_save_all(struct un_loop *loop, unet_error *err);

/* The trainer and the state as the checkpoint has them. */
unet_code un_loop_resume(struct un_loop *loop, unet_error *err);

#endif
