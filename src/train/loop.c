/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The epochs: steps, then validation on whole images, then the best and the newest model on disk.
 */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "predict/session.h"
#include "train/trainer.h"

struct loop {
    const unet_train_job *job;
    unet_trainer *trainer;
    unet_session *session; /* for validation */
    unet_scores *scores;
    uint8_t *mask; /* as large as the largest validation image */
    unet_progress now;
    double started;
    double loss_sum, loss_weight; /* over the epoch so far */
    double class_dice[UNET_MAX_CLASSES];
    double score; /* of the present weights: the mean of the above, or the loss turned round */
    double best;
    bool best_saved;
};

static double seconds_now(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

static unet_code prepare_validation(struct loop *l, int threads, unet_error *err)
{
    const unet_dataset *set = l->job->validation;
    const struct un_coding *mine = &l->job->dataset->coding, *other = &set->coding;
    const unet_session_options options = {.threads = threads};
    size_t largest = 0;
    unet_code code = un_trainer_check(l->job->model, set, err);
    if (code)
        return code;
    uint32_t value;
    if (un_coding_differ(mine, other, &value))
        return un_fail(err, UNET_EINVAL,
                       "mask value %u is class %d in the training set, %d in the validation set "
                       "(%d: no label; -1: not known)",
                       value, un_coding_class(mine, value), un_coding_class(other, value),
                       UNET_IGNORE);
    for (int i = 0; i < set->count; i++) {
        const unet_image *image = &set->pairs[i].image;
        size_t pixels = (size_t)image->height * image->width;
        if (pixels > largest)
            largest = pixels;
    }
    if (!(l->mask = malloc(largest)))
        return un_fail_memory(err, largest, "validation");
    return un_session_create(l->job->model, &options, &l->session, err);
}

static unet_code validate(struct loop *l, unet_error *err)
{
    const unet_dataset *set = l->job->validation;
    int labels = unet_model_labels(l->job->model), present = 0, foreground = 0;
    unet_progress *now = &l->now;
    double dice = 0, iou = 0, all = 0;
    unet_scores_free(l->scores);
    if (!(l->scores = unet_scores_create(labels)))
        return un_fail_memory(err, (size_t)labels * labels * 8, "the scores");
    un_session_refresh(l->session);
    for (int i = 0; i < set->count; i++) {
        const struct un_sample_pair *pair = &set->pairs[i];
        const unet_answers answers = {.mask = l->mask};
        unet_code code = un_session_predict(l->session, &pair->image, pair->name, &answers, err);
        if (code)
            return code;
        unet_scores_add(l->scores, l->mask, pair->mask,
                        (size_t)pair->image.height * pair->image.width);
    }
    for (int k = 0; k < labels; k++) {
        double d = l->class_dice[k] = unet_scores_dice(l->scores, k);
        if (isnan(d))
            continue;
        all += d;
        present++;
        if (k == 0)
            continue;
        dice += d;
        iou += unet_scores_iou(l->scores, k);
        foreground++;
    }
    now->class_dice = l->class_dice;
    now->labels = labels;
    now->val_dice = foreground ? dice / foreground : NAN;
    now->val_iou = foreground ? iou / foreground : NAN;
    /* the first class counts, too: it may be the one that matters (membranes drawn in black) */
    l->score = present ? all / present : 0;
    now->val_accuracy = unet_scores_accuracy(l->scores);
    return UNET_OK;
}

static unet_code save_models(struct loop *l, bool compare, unet_error *err)
{
    const unet_train_job *job = l->job;
    unet_progress *now = &l->now;
    const unet_trainer *t = l->trainer;
    char *settings = un_train_options_json(&t->options, t->in_side, t->step);
    unet_code code = settings ? un_model_set_settings(job->model, settings, err)
                              : un_fail_memory(err, 1024, "the settings");
    free(settings);
    if (!code && job->last_path)
        code = un_model_write(job->model, job->last_path, err);
    now->improved = !l->best_saved || (compare && l->score > l->best);
    if (!code && now->improved) {
        if (job->best_path)
            code = un_model_write(job->model, job->best_path, err);
        l->best = l->score;
        l->best_saved = true;
    }
    return code;
}

/* The time left by whichever limit comes first, -1 when there is none. */
static double estimate_left(const struct loop *l)
{
    const unet_train_options *o = &l->trainer->options;
    const unet_progress *now = &l->now;
    double left = -1, per_step = now->seconds / (double)now->step;
    if (now->steps > 0)
        left = per_step * (double)(now->steps - now->step);
    if (o->seconds > 0 && (left < 0 || o->seconds - now->seconds < left))
        left = o->seconds - now->seconds;
    return left > 0 || left == -1 ? left : 0;
}

static bool report(struct loop *l)
{
    unet_progress *now = &l->now;
    now->seconds = seconds_now() - l->started;
    now->seconds_left = estimate_left(l);
    now->loss = l->loss_weight > 0 ? l->loss_sum / l->loss_weight : 0;
    now->images_per_second =
        (double)now->step * l->trainer->options.batch / (now->seconds > 0 ? now->seconds : 1e-9);
    return l->job->progress && l->job->progress(l->job->context, now);
}

static bool limit_reached(const struct loop *l)
{
    const unet_train_options *o = &l->trainer->options;
    if (l->now.steps > 0 && l->trainer->step >= l->now.steps)
        return true;
    return o->seconds > 0 && seconds_now() - l->started >= o->seconds;
}

/*
 * The learning rate of the next step: p is the share of the training that is over.  With steps (or
 * epochs) as the limit it depends on the step alone, so the same run gives the same bits.
 */
static float scheduled_rate(const struct loop *l)
{
    const unet_train_options *o = &l->trainer->options;
    double p = l->now.steps > 0 ? (double)l->trainer->step / (double)l->now.steps
                                : (seconds_now() - l->started) / o->seconds;
    if (o->schedule == UNET_SCHEDULE_CONSTANT)
        return o->learning_rate;
    return o->learning_rate * (float)pow(p < 1 ? 1 - p : 0, 0.9);
}

/* *stop: the caller asked for an end; *done: a limit is reached. */
static unet_code run_epoch(struct loop *l, bool *stop, bool *done, unet_error *err)
{
    unet_progress *now = &l->now;
    unet_code code;
    l->loss_sum = 0;
    l->loss_weight = 0;
    now->epoch++;
    now->event = UNET_EVENT_STEP;
    for (int i = 0; i < l->trainer->steps_per_epoch && !*stop && !*done; i++) {
        double loss;
        l->trainer->rate = scheduled_rate(l);
        if ((code = un_trainer_step(l->trainer, &loss, err)))
            return code;
        l->loss_sum += loss * l->trainer->weight;
        l->loss_weight += l->trainer->weight;
        now->step = l->trainer->step;
        *stop = report(l);
        *done = limit_reached(l);
    }
    now->val_dice = now->val_iou = now->val_accuracy = NAN;
    now->class_dice = NULL;
    l->score = -now->loss;
    bool validated = l->session && !*stop;
    if (validated && (code = validate(l, err)))
        return code;
    if ((code = save_models(l, validated || !l->session, err)))
        return code;
    now->event = UNET_EVENT_EPOCH;
    if (report(l))
        *stop = true;
    return UNET_OK;
}

unet_code un_train(const unet_train_job *job, const unet_train_options *options, unet_error *err)
{
    struct loop l = {.job = job, .started = seconds_now()};
    bool stop = false, done = false;
    unet_code code = un_trainer_create(job->model, job->dataset, options, &l.trainer, err);
    if (code)
        return code;
    if (job->validation && job->validation->count &&
        (code = prepare_validation(&l, options->threads, err)))
        goto cleanup;
    l.now.epochs = options->epochs;
    l.now.steps = options->steps;
    if (options->epochs > 0) {
        long steps = (long)options->epochs * l.trainer->steps_per_epoch;
        if (l.now.steps == 0 || steps < l.now.steps)
            l.now.steps = steps;
    }
    if (l.now.steps == 0 && options->seconds == 0) {
        code = un_fail(err, UNET_EINVAL, "training without an end: set epochs, steps or seconds");
        goto cleanup;
    }
    while (!stop && !done)
        if ((code = run_epoch(&l, &stop, &done, err)))
            break;
cleanup:
    un_session_free(l.session);
    unet_scores_free(l.scores);
    free(l.mask);
    un_trainer_free(l.trainer);
    return code;
}
