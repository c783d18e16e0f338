/* SPDX-License-Identifier: Apache-2.0 */
/* validate.h - how good a model is on images that it is not trained on, each predicted whole */
#ifndef UN_VALIDATE_H
#define UN_VALIDATE_H

#include "predict/session.h"
#include "scores/confusion.h"
#include "train/trainer.h"

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

#endif
