/* SPDX-License-Identifier: Apache-2.0 */
#include <stdlib.h>

#include "base/clock.h"
#include "train/loop.h"

unet_code un_loop_save_model(struct un_loop *l, const char *path, unet_error *err)
{
    unet_trainer *t = l->trainer;
    char *settings =
        un_train_options_json(&t->options, un_model_labels(t->model), t->in_side, t->step);
    unet_code code = settings ? un_model_set_settings(t->model, settings, err)
                              : un_fail_memory(err, 4096, "the settings");
    free(settings);
    if (code || !path)
        return code;
    un_trainer_show_average(t, true);
    return un_model_write(t->model, path, err);
}

unet_code un_loop_save_checkpoint(struct un_loop *l, unet_error *err)
{
    const char *path = l->job->checkpoint_path;
    if (!path)
        return UNET_OK;
    l->state.seconds = un_loop_seconds(l);
    un_trainer_show_average(l->trainer, false);
    unet_code code = un_checkpoint_write(l->trainer, &l->state, &l->held_out, path, err);
    if (code)
        return code;
    l->saved = un_clock_seconds();
    un_loop_report(l, UNET_EVENT_CHECKPOINT);
    return UNET_OK;
}

unet_code un_loop_save_all(struct un_loop *l, unet_error *err)
{
    const unet_train_job *job = l->job;
    unet_code code = un_loop_save_model(l, job->last_path, err), next;
    /* the first of all is the best so far; an epoch that ends may replace it */
    const char *best = l->state.best_epoch ? NULL : job->best_path;
    if ((next = un_loop_save_model(l, best, code ? NULL : err)))
        code = code ? code : next;
    if ((next = un_loop_save_checkpoint(l, code ? NULL : err)))
        code = code ? code : next;
    return code;
}

unet_code un_loop_resume(struct un_loop *l, unet_error *err)
{
    const bool first = un_ranks_rank(l->job->ranks) == 0;
    unet_code code = UNET_OK;
    if (first && !l->job->checkpoint_path)
        return un_fail(err, UNET_EINVAL, "resume is set, but no checkpoint_path to go on from");
    if (first)
        code =
            un_checkpoint_read(l->trainer, &l->state, &l->held_out, l->job->checkpoint_path, err);
    if (!code && un_loop_shared(l))
        code = un_checkpoint_hand_out(l->trainer, &l->state, err);
    if (code)
        return code;
    l->seconds_before = l->state.seconds;
    l->first_step = l->now.step = l->trainer->step;
    l->now.step_loss = l->state.step_loss;
    l->now.rate = l->state.rate;
    l->now.gradient_norm = l->state.gradient_norm;
    l->now.val_loss = l->state.val_loss;
    l->now.val_dice = l->state.val_dice;
    l->now.val_iou = l->state.val_iou;
    l->now.val_accuracy = l->state.val_accuracy;
    l->now.score = l->state.score;
    return UNET_OK;
}
