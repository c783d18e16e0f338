/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The epochs: steps, then validation on whole images, then the best and the newest model on disk,
 * then a checkpoint.
 *
 * The checkpoint is the last that an epoch writes: whoever is killed before it repeats the end of
 * the epoch, with the same results and the same files.  A stop that is asked for leaves an epoch
 * open; its sums and counters are in the state, so the next run closes it as this one would have.
 */
#include "base/clock.h"
#include "train/loop.h"

#include <limits.h>
#include <math.h>
#include <stdlib.h>

double un_loop_seconds(const struct un_loop *l)
{
    return l->seconds_before + un_clock_seconds() - l->started;
}

/* By which all processes decide. */
static double seconds_decided(const struct un_loop *l)
{
    return un_loop_shared(l) ? l->agreed : un_loop_seconds(l);
}

/* The time left by whichever limit comes first, -1 when there is none. */
static double estimate_left(const struct un_loop *l, double seconds)
{
    const unet_train_options *o = &l->trainer->options;
    const unet_progress *now = &l->now;
    const long done = now->step - l->first_step;
    double left = -1;
    if (now->steps > 0 && done > 0)
        left = (seconds - l->seconds_before) / (double)done * (double)(now->steps - now->step);
    if (o->seconds > 0 && (left < 0 || o->seconds - seconds < left))
        left = o->seconds - seconds;
    return left > 0 || left == -1 ? left : 0;
}

/* With steps (or epochs) as the limit it depends on the step alone, so the same run gives the same
 * bits. */
static float scheduled_rate(const struct un_loop *l)
{
    const unet_train_options *o = &l->trainer->options;
    const struct un_schedule_at at = {.step = l->trainer->step,
                                      .steps = l->now.steps,
                                      .share_of_time =
                                          o->seconds > 0 ? seconds_decided(l) / o->seconds : 0,
                                      .epochs = l->state.epoch,
                                      .drops = l->state.plateau.drops};
    return un_schedule_rate(o, &at);
}

void un_loop_report(struct un_loop *l, unet_train_event event)
{
    unet_progress *now = &l->now;
    const unet_train_options *o = &l->trainer->options;
    const double seconds = un_loop_seconds(l), run = seconds - l->seconds_before;
    const double tiles = (double)(l->trainer->step - l->first_step) * o->batch * o->accumulate;
    now->event = event;
    now->step = l->trainer->step;
    now->next_rate = scheduled_rate(l);
    now->seconds = seconds;
    now->seconds_left = estimate_left(l, seconds);
    now->images_per_second = run > 0 ? tiles / run : 0;
    now->waited = run > 0 ? un_feed_waited(l->trainer->feed) / run : 0;
    now->best_epoch = l->state.best_epoch;
    now->best_score = l->state.best;
    /* one tile proves little */
    now->one_class = l->validator || l->state.one_class > 2 ? l->state.one_class : 0;
    if (l->job->progress && l->job->progress(l->job->context, now))
        l->stop = true;
}

static bool steps_done(const struct un_loop *l)
{
    const unet_train_options *o = &l->trainer->options;
    return o->steps > 0 && l->trainer->step >= o->steps;
}

static bool time_over(const struct un_loop *l)
{
    const unet_train_options *o = &l->trainer->options;
    return o->seconds > 0 && seconds_decided(l) >= o->seconds;
}

/* Between two epochs: whether training ends here. */
static unet_train_end find_end(const struct un_loop *l)
{
    const unet_train_options *o = &l->trainer->options;
    if (steps_done(l) || (o->epochs > 0 && l->state.epoch >= o->epochs))
        return UNET_END_LIMIT;
    if (o->patience > 0 && l->state.stale >= o->patience)
        return UNET_END_PATIENCE;
    return time_over(l) ? UNET_END_TIME : UNET_RUNNING;
}

static unet_code make_step(struct un_loop *l, unet_error *err)
{
    unet_trainer *t = l->trainer;
    struct un_progress_state *s = &l->state;
    unet_progress *now = &l->now;
    double loss;
    t->rate = scheduled_rate(l);
    unet_code code = un_trainer_step(t, &loss, err);
    if (code) { /* the weights are those before the step: let them not be lost */
        un_loop_save_model(l, l->job->last_path, NULL);
        return code;
    }
    s->in_epoch++;
    s->loss_sum += loss * t->weight;
    s->loss_weight += t->weight;
    s->one_answer = t->one_class;
    now->epoch = s->epoch + 1;
    now->loss = s->loss_weight > 0 ? s->loss_sum / s->loss_weight : 0;
    now->step_loss = s->step_loss = loss;
    now->rate = s->rate = t->rate;
    now->gradient_norm = s->gradient_norm = t->gradient_norm;
    now->improved = 0;
    un_loop_report(l, UNET_EVENT_STEP);
    return UNET_OK;
}

static void take_validation(struct un_loop *l, const struct un_validation *found)
{
    unet_progress *now = &l->now;
    now->val_loss = found->loss;
    now->val_dice = found->dice;
    now->val_iou = found->iou;
    now->val_accuracy = found->accuracy;
    now->class_dice = found->class_dice;
    now->scores = found->scores;
    now->score = found->score;
}

/* What the state is when this epoch is over. */
static struct un_progress_state next_state(const struct un_loop *l, bool one_class)
{
    const unet_progress *now = &l->now;
    struct un_progress_state s = l->state;
    /* the mean loss of a few tiles says little beside that of a whole epoch */
    const bool comparable = l->validator || s.in_epoch >= l->trainer->steps_per_epoch;
    const bool better = !s.best_epoch || (comparable && now->score > s.best);
    s.epoch++;
    s.in_epoch = 0;
    s.loss_sum = s.loss_weight = 0;
    s.stale = better ? 0 : s.stale + 1;
    if (better) {
        s.best = now->score;
        s.best_epoch = s.epoch;
    }
    s.one_class = one_class ? s.one_class + 1 : 0;
    un_plateau_epoch(&s.plateau, l->trainer->options.every, better);
    s.val_loss = now->val_loss;
    s.val_dice = now->val_dice;
    s.val_iou = now->val_iou;
    s.val_accuracy = now->val_accuracy;
    s.score = now->score;
    return s;
}

static unet_code close_epoch(struct un_loop *l, unet_error *err)
{
    const unet_train_job *job = l->job;
    struct un_validation found;
    bool one_class = l->state.one_answer;
    unet_code code, next;
    l->now.epoch = l->state.epoch + 1;
    l->now.loss = l->state.loss_weight > 0 ? l->state.loss_sum / l->state.loss_weight : 0;
    l->now.score = -l->now.loss;
    un_trainer_show_average(l->trainer, true);
    if (l->validator) {
        if ((code = un_validator_run(l->validator, l->now.epoch, &found, &l->stop, err)))
            return code;
        if (l->stop)
            return UNET_OK;
        take_validation(l, &found);
        one_class = found.one_class;
    }
    if ((code = un_loop_compare_times(l, err)))
        return code;
    const struct un_progress_state after = next_state(l, one_class);
    l->now.improved = after.best_epoch == after.epoch;
    code = un_loop_save_model(l, job->last_path, err);
    next = un_loop_save_model(l, l->now.improved ? job->best_path : NULL, code ? NULL : err);
    if (code || next) { /* who goes on from here ends the epoch again, and writes what is missing */
        un_loop_save_checkpoint(l, NULL);
        return code ? code : next;
    }
    l->state = after;
    un_loop_report(l, UNET_EVENT_EPOCH);
    return un_loop_save_checkpoint(l, err);
}

static bool epoch_complete(const struct un_loop *l)
{
    return l->state.in_epoch >= l->trainer->steps_per_epoch ||
           (l->state.in_epoch > 0 && (steps_done(l) || time_over(l)));
}

bool un_loop_due(const struct un_loop *l)
{
    const double every = l->job->checkpoint_seconds > 0 ? l->job->checkpoint_seconds : 60;
    return l->job->checkpoint_path && un_clock_seconds() - l->saved >= every;
}

static bool checkpoint_due(const struct un_loop *l)
{
    return un_loop_shared(l) ? l->due : un_loop_due(l);
}

static unet_code save_midway(struct un_loop *l, unet_error *err)
{
    unet_code code = un_loop_save_checkpoint(l, err);
    if (code)
        un_loop_save_model(l, l->job->last_path, NULL);
    return code;
}

/* A stop that one process was asked for after the step is one of all. */
static unet_code step_together(struct un_loop *l, unet_error *err)
{
    unet_code code = make_step(l, err);
    return code || !un_loop_shared(l) ? code : un_loop_agree(l, err);
}

/* Until a limit is reached or an end asked for. */
static unet_code run_steps(struct un_loop *l, unet_error *err)
{
    unet_code code = UNET_OK;
    while (!code && !(code = un_loop_agree(l, err)) && !l->stop) {
        const bool between = l->state.in_epoch == 0 && l->trainer->step > 0;
        if (between && (l->now.end = find_end(l)))
            return UNET_OK;
        if (!epoch_complete(l) && ((code = step_together(l, err)) || l->stop))
            break;
        if (epoch_complete(l))
            code = close_epoch(l, err);
        else if (checkpoint_due(l))
            code = save_midway(l, err);
    }
    l->now.end = UNET_END_ASKED;
    /* of a resumed run that has not begun the checkpoint has everything */
    if (!code && !(l->job->resume && l->trainer->step == l->first_step))
        code = un_loop_save_all(l, err);
    return code;
}

/* How many steps there will be at most, 0: not known. */
static long count_steps(const struct un_loop *l)
{
    const unet_train_options *o = &l->trainer->options;
    const int64_t epochs = (int64_t)o->epochs * l->trainer->steps_per_epoch;
    return o->steps > 0 && (epochs == 0 || o->steps < epochs) ? o->steps
           : epochs < LONG_MAX                                ? (long)epochs
                                                              : LONG_MAX;
}

/* The only class of a set's masks, -1: it has several. */
static int only_class(const unet_dataset *dataset)
{
    uint64_t pixels[UNET_MAX_CLASSES];
    int only = 0, kinds = 0;
    un_dataset_class_pixels(dataset, pixels);
    for (int k = 0; k < UNET_MAX_CLASSES; k++)
        if (pixels[k]) {
            only = k;
            kinds++;
        }
    return kinds > 1 ? -1 : only;
}

/* A network that saw one class answers with it everywhere. */
static unet_code check_classes(const unet_train_job *job, unet_error *err)
{
    const int here = only_class(job->dataset);
    if (here < 0 || !job->validation || !job->validation->count ||
        only_class(job->validation) == here)
        return UNET_OK;
    return un_fail(err, UNET_EINVAL,
                   "the images to train on have class %d alone; all others are in held-out images",
                   here);
}

static unet_code prepare(struct un_loop *l, const unet_train_options *options, unet_error *err)
{
    const unet_train_job *job = l->job;
    const bool held_out = job->validation && job->validation->count;
    unet_code code;
    if (options->epochs == 0 && options->steps == 0 && options->seconds == 0 &&
        options->patience == 0)
        return un_fail(err, UNET_EINVAL,
                       "training without an end: set epochs, steps, seconds or patience");
    if ((code = check_classes(job, err)) ||
        (code = un_trainer_create(job->model, job->dataset, options, job->ranks, &l->trainer, err)))
        return code;
    if (held_out && (code = un_validator_create(job, options->threads, &l->validator, err)))
        return code;
    l->held_out = un_fingerprint_of(held_out ? job->validation : NULL, l->trainer->engine->pool);
    l->trainer->watch = !held_out;
    l->state.val_loss = l->state.val_dice = l->state.val_iou = l->state.val_accuracy = NAN;
    l->now = (unet_progress){.epochs = options->epochs,
                             .val_loss = NAN,
                             .val_dice = NAN,
                             .val_iou = NAN,
                             .val_accuracy = NAN,
                             .labels = un_model_labels(job->model)};
    l->now.steps = count_steps(l);
    l->saved = un_clock_seconds();
    if ((code = un_loop_compare(l, err)))
        return code;
    return job->resume ? un_loop_resume(l, err) : UNET_OK;
}

/* Files are rank 0's, and so is what a person sees of images. */
static unet_train_job job_of_rank(const unet_train_job *job)
{
    unet_train_job own = *job;
    if (un_ranks_rank(job->ranks) == 0)
        return own;
    own.best_path = own.last_path = own.checkpoint_path = NULL;
    own.validated = NULL;
    return own;
}

unet_code un_train(const unet_train_job *given, const unet_train_options *options, unet_error *err)
{
    const unet_train_job own = job_of_rank(given), *job = &own;
    struct un_loop l = {.job = job, .started = un_clock_seconds()};
    unet_code code = un_ranks_check(job->ranks, err);
    code = code ? code : prepare(&l, options, err);
    if (!code) {
        l.now.epoch = l.state.epoch;
        un_loop_report(&l, UNET_EVENT_BEGIN);
        code = run_steps(&l, err);
        un_trainer_show_average(l.trainer, true);
        const unet_code fetched = un_trainer_fetch(l.trainer, code ? NULL : err);
        code = code ? code : fetched;
    }
    if (!code)
        un_loop_report(&l, UNET_EVENT_END);
    if (!code && l.now.end == UNET_END_ASKED)
        code = un_check_cancel(job->cancel, err);
    un_validator_free(l.validator);
    un_trainer_free(l.trainer);
    free(l.times);
    return code;
}
