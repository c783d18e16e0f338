/* SPDX-License-Identifier: Apache-2.0 */
/*
 * made_up.h - the events of a training that never was
 *
 * All numbers are functions of step, epoch and pixel, so a run that goes on gives the same as one
 * that was never stopped.  An answer is the truth, shifted by waves and with squares of other
 * classes, both less from epoch to epoch.
 */
#ifndef MADE_UP_H
#define MADE_UP_H

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "run/run_folder.h"
#include "unet_scores.h"
#include "unet_train.h"

struct made_up {
    struct run_folder *run;
    const struct run_facts *facts;
    int epochs, steps_per_epoch;
    int one_class;   /* 1: class 0 everywhere */
    double slowness; /* of the made-up clock, which must not matter */
    int stop_step;   /* events end after this step, as if the process were killed; 0: never */
    int begin_step;  /* steps that a checkpoint has */
    int failed;      /* run_progress() said no */
    unet_train_end end;
};

static inline double made_up_noise(uint64_t n)
{
    n = (n ^ n >> 31) * 0x9e3779b97f4a7c15ull;
    n = (n ^ n >> 29) * 0xbf58476d1ce4e5b9ull;
    return (double)((n ^ n >> 32) & 0xffff) / 65536;
}

static inline unet_progress made_up_progress(const struct made_up *made, unet_train_event event,
                                             long step)
{
    int epoch = (int)((step + made->steps_per_epoch - 1) / made->steps_per_epoch);
    double share = (double)step / (made->epochs * made->steps_per_epoch);
    double loss = 0.08 + 1.1 * exp(-6 * share);

    return (unet_progress){
        .event = event,
        .epoch = event == UNET_EVENT_BEGIN ? (int)(step / made->steps_per_epoch) : epoch,
        .epochs = made->epochs,
        .step = step,
        .steps = (long)made->epochs * made->steps_per_epoch,
        .loss = loss,
        .step_loss = loss * (0.6 + 0.8 * made_up_noise((uint64_t)step)),
        .rate = 1e-3 * pow(1 - share, 0.9),
        .gradient_norm = 3 * exp(-3 * share) * (0.3 + 2 * made_up_noise((uint64_t)step + 7777)),
        .seconds = made->slowness * (double)step,
        .seconds_left = made->slowness * (double)(made->epochs * made->steps_per_epoch - step),
        .images_per_second = 3 / made->slowness,
        .waited = 0.013,
        .val_loss = (double)NAN,
        .val_dice = (double)NAN,
        .val_iou = (double)NAN,
        .val_accuracy = (double)NAN,
        .score = -loss,
        .labels = unet_model_labels(made->facts->model),
    };
}

static inline void made_up_answer(const struct made_up *made, int epoch, int index,
                                  const unet_image *image, const uint8_t *truth, uint8_t *predicted)
{
    int labels = unet_model_labels(made->facts->model), H = image->height, W = image->width;
    double bad = 0.05 + 0.6 * exp(-4.0 * epoch / made->epochs);

    bad *= 0.3 + 1.4 * made_up_noise((uint64_t)index + 99);
    for (int y = 0; y < H; y++) {
        for (int x = 0; x < W; x++) {
            int from_y = y + (int)lrint(9 * bad * sin(x / 23.0 + index));
            int from_x = x + (int)lrint(9 * bad * sin(y / 17.0 - index));
            uint64_t square = (uint64_t)((y / 24 * 1000 + x / 24) * 1000 + index);

            from_y = from_y < 0 ? 0 : from_y >= H ? H - 1 : from_y;
            from_x = from_x < 0 ? 0 : from_x >= W ? W - 1 : from_x;
            predicted[y * W + x] = truth[from_y * W + from_x];
            if (predicted[y * W + x] == UNET_IGNORE)
                predicted[y * W + x] = 0;
            if (made_up_noise(square) < 0.3 * bad)
                predicted[y * W + x] = (uint8_t)(labels * made_up_noise(square + 31));
            if (made->one_class)
                predicted[y * W + x] = 0;
        }
    }
}

/* Validates: every image of the set, and all of them together into the progress. */
static inline void made_up_validate(struct made_up *made, unet_progress *progress,
                                    struct unet_scores *all, double *class_dice)
{
    const unet_dataset *set = made->facts->validation;
    int count = unet_dataset_count(set), occur = 0;
    double sum = 0, iou = 0;

    for (int i = 0; i < count; i++) {
        const uint8_t *truth;
        const char *name;
        const unet_image *image = unet_dataset_image(set, i, &truth, &name);
        size_t pixels = (size_t)image->height * (size_t)image->width;
        uint8_t *predicted = malloc(pixels);
        struct unet_scores *scores = unet_scores_create(progress->labels);

        made_up_answer(made, progress->epoch, i, image, truth, predicted);
        unet_scores_add(scores, predicted, truth, pixels);
        unet_scores_add(all, predicted, truth, pixels);
        run_validated(made->run, &(unet_validated){.epoch = progress->epoch,
                                                   .index = i,
                                                   .count = count,
                                                   .name = name,
                                                   .image = image,
                                                   .truth = truth,
                                                   .predicted = predicted,
                                                   .scores = scores});
        unet_scores_free(scores);
        free(predicted);
    }
    for (int k = 0; k < progress->labels; k++) {
        class_dice[k] = unet_scores_dice(all, k);
        if (k && isfinite(class_dice[k])) {
            sum += class_dice[k];
            iou += unet_scores_iou(all, k);
            occur++;
        }
    }
    progress->val_dice = occur ? sum / occur : (double)NAN;
    progress->val_iou = occur ? iou / occur : (double)NAN;
    progress->val_accuracy = unet_scores_accuracy(all);
    progress->val_loss = 1.3 * progress->loss + 0.02 * made_up_noise((uint64_t)progress->epoch);
    progress->class_dice = class_dice;
    progress->scores = all;
    progress->score = progress->val_dice;
    progress->one_class = made->one_class ? progress->epoch : 0;
}

/* Which epochs are better than those before is made up as well. */
static inline void made_up_epoch(struct made_up *made, long step)
{
    unet_progress progress = made_up_progress(made, UNET_EVENT_EPOCH, step);
    struct unet_scores *all = unet_scores_create(progress.labels);
    double class_dice[UNET_MAX_CLASSES];

    if (made->facts->validation)
        made_up_validate(made, &progress, all, class_dice);
    progress.improved = progress.epoch % 4 != 3;
    progress.best_epoch = progress.epoch - !progress.improved;
    made->failed |= run_progress(made->run, &progress);
    unet_scores_free(all);
}

/* The whole training, from begin_step to stop_step or the end, without run_begin() and run_end().
 */
static inline void made_up_train(struct made_up *made)
{
    long last = (long)made->epochs * made->steps_per_epoch;
    unet_progress progress = made_up_progress(made, UNET_EVENT_BEGIN, made->begin_step);

    made->failed |= run_progress(made->run, &progress);
    for (long step = made->begin_step + 1; step <= last && !made->failed; step++) {
        progress = made_up_progress(made, UNET_EVENT_STEP, step);
        made->failed |= run_progress(made->run, &progress);
        if (step % made->steps_per_epoch == 0)
            made_up_epoch(made, step);
        if (made->stop_step && step == made->stop_step)
            return;
    }
    progress = made_up_progress(made, UNET_EVENT_END, last);
    progress.end = made->end;
    made->failed |= run_progress(made->run, &progress);
}

#endif
