/* SPDX-License-Identifier: Apache-2.0 */
/* loop.h - what the parts of unet_train() share: the loop itself, its files, what it reports */
#ifndef UN_LOOP_H
#define UN_LOOP_H

#include "predict/session.h"
#include "scores/confusion.h"
#include "train/checkpoint.h"
#include "train/trainer.h"

/* ---- validate.c ---- */

/* How good a model is on images that it is not trained on, each predicted whole. */

struct un_validator;

/* What it found; pointers are valid until the next run. */
struct un_validation {
    double loss;              /* mean cross-entropy of labelled pixels, NAN: there are none */
    double dice, iou;         /* means over the classes but the first that occur, NAN: none does */
    double accuracy;          /* NAN: no labelled pixel */
    double score;             /* mean Dice of all classes that occur, 0: none does */
    const double *class_dice; /* [labels] */
    const unet_scores *scores;
    int labels;
    bool one_class; /* all pixels got one class, though the masks have more */
};

/* UNET_EINVAL: the set does not fit the model, or its masks are coded otherwise than training's.
 * job must outlive the validator. */
unet_code un_validator_create(const unet_train_job *job, int threads,
                              struct un_validator **validator, unet_error *err);
void un_validator_free(struct un_validator *validator);

/*
 * Predicts every image with the model's present weights and calls job->validated for each.  *stop:
 * that or job->cancel asked for an end; *result is then not set.
 */
unet_code un_validator_run(struct un_validator *validator, int epoch, struct un_validation *result,
                           bool *stop, unet_error *err);

/* The sum of the cross-entropy over the labelled pixels of logits [classes][height][width], and how
 * many they are; the same bits for any number of threads.  rows: [height], scratch. */
double un_validation_loss(const float *logits, const uint8_t *truth, int classes, int height,
                          int width, struct un_pool *pool, double *rows, uint64_t *count);

/* ---- loop ---- */

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
    /* several processes: what rank 0 says of the time, so that all do the same */
    double agreed;
    bool due;              /* a checkpoint */
    unet_rank_time *times; /* of all ranks, at the end of the last epoch */
};

/* Whether several processes train as one. */
static inline bool un_loop_shared(const struct un_loop *loop)
{
    return un_ranks_count(loop->job->ranks) > 1;
}

/* Seconds of work up to now. */
double un_loop_seconds(const struct un_loop *loop);

/* Whether a checkpoint is due by this process's clock. */
bool un_loop_due(const struct un_loop *loop);

/* Calls job->progress, which may set loop->stop. */
void un_loop_report(struct un_loop *loop, unet_train_event event);

/* ---- loop_ranks.c: what several processes agree on ----------------------------------------- */

/* Before the first step: that all are of one version and train the same thing on the same data.
 * UNET_EINVAL says who does not, and what. */
unet_code un_loop_compare(struct un_loop *loop, unet_error *err);

/* At the end of an epoch: what it took each of them, to loop->now. */
unet_code un_loop_compare_times(struct un_loop *loop, unet_error *err);

/* Between two steps: whether one of them was asked to end (loop->stop of all), and the time. */
unet_code un_loop_agree(struct un_loop *loop, unet_error *err);

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
