/* SPDX-License-Identifier: Apache-2.0 */
/*
 * live_train.c - the thread that trains while somebody paints
 *
 * Between two steps it takes in what was painted, lets predictions go first, hands out a snapshot
 * when it is time for one, and saves.  What is painted is the server's and safe there; what is lost
 * when the process dies is at most a minute of learning.
 */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "shared/cli.h"
#include "shared/progress.h"
#include "studio/live/live.h"

enum { FIRST_LOOK = 25, MOST_STEPS = 6000 };

static const double save_seconds = 45, tell_seconds = 1;

/* What the thread knows. */
struct course {
    struct live *live;
    struct learner *learner; /* NULL: nothing was painted yet */
    double changed_at, looked_at, saved_at, told_at;
    long changed_step, looked_step, saved_step; /* of the last change, snapshot and files */
    char said[STUDIO_WORDS];                    /* why files could not be written; "": they could */
};

/* Seconds from one snapshot to the next: soon after a stroke, more rarely when all was said. */
static double look_every(const struct course *c)
{
    const double since = seconds_now() - c->changed_at;
    return since < 30 ? 4 : since < 120 ? 8 : 20;
}

/* ---- snapshots and files ------------------------------------------------------------------ */

static unet_code hand_out(struct course *c, unet_error *err)
{
    unet_model *model, *before;
    unet_code code = learner_copy(c->learner, &model, err);

    if (code)
        return code;
    pthread_mutex_lock(&c->live->lock);
    before = c->live->fresh;
    c->live->fresh = model;
    pthread_cond_broadcast(&c->live->work);
    pthread_mutex_unlock(&c->live->lock);
    unet_model_free(before);
    c->looked_at = seconds_now();
    c->looked_step = learner_steps(c->learner);
    return UNET_OK;
}

/* The model last, so that a checkpoint is never older than the model beside it by a whole save.
 * Where the disk takes no more, learning goes on, and this is tried again. */
static void save(struct course *c)
{
    struct live *live = c->live;
    unet_model *model = NULL;
    unet_error err = {0};
    unet_code code = learner_copy(c->learner, &model, &err);

    if (!code)
        code = learner_save(c->learner, live->checkpoint_path, &err);
    if (!code)
        code = unet_model_save(model, live->model_path, &err);
    if (!code)
        code = live_scores_save(live, &err);
    unet_model_free(model);
    c->saved_at = seconds_now();
    c->saved_step = code ? c->saved_step : learner_steps(c->learner);
    studio_trouble(live->studio, code ? err.text : "", c->said);
}

static int save_is_due(const struct course *c)
{
    return (!c->saved_step && !*c->said) || seconds_now() - c->saved_at >= save_seconds;
}

/* ---- changes ------------------------------------------------------------------------------ */

static void shown(void *context, int image, struct studio_rect rect, uint8_t *classes)
{
    live_shown(context, image, rect, classes);
}

static unet_code begin(struct course *c, const unet_model *from, unet_error *err)
{
    struct learner *made;
    unet_code code = learner_create(c->live->studio, &c->live->options, from, NULL, &made, err);

    if (code)
        return code;
    learner_free(c->learner);
    c->learner = made;
    c->changed_at = c->saved_at = seconds_now();
    c->looked_step = c->saved_step = c->changed_step = 0;
    return UNET_OK;
}

/* The first learner, where another run ended if there was one. */
static unet_code begin_first(struct course *c, unet_error *err)
{
    struct live *live = c->live;
    unet_code code = begin(c, live->begin, err);

    if (code)
        return code;
    unet_model_free(live->begin);
    live->begin = NULL;
    /* without it (another network, other options) only the optimiser's memory is lost */
    if (!learner_load(c->learner, live->checkpoint_path, NULL))
        c->looked_step = c->saved_step = c->changed_step = learner_steps(c->learner);
    return UNET_OK;
}

/* Another number of classes is another network, which takes over what it can. */
static unet_code take_classes(struct course *c, unet_error *err)
{
    unet_model *model = NULL;
    unet_code code = learner_copy(c->learner, &model, err);

    if (!code)
        code = begin(c, model, err);
    unet_model_free(model);
    return code;
}

/* Of as many classes: the same network, in the file that is there, too. */
static unet_code rename_classes(struct course *c, unet_error *err)
{
    const unet_code code = learner_name_classes(c->learner, err);

    if (!code && c->saved_step)
        save(c);
    return code;
}

static int leaves(struct live *live)
{
    pthread_mutex_lock(&live->lock);
    const int leave = live->leave;
    pthread_mutex_unlock(&live->lock);
    return leave;
}

/* All of them: what cannot be taken in now would be forgotten. */
static unet_code take_changes(struct course *c, const struct live_change *changes, int count,
                              unet_error *err)
{
    struct live *live = c->live;
    unet_code code = UNET_OK;

    for (int i = 0; i < count && !leaves(live); i++) {
        struct learner_tally tally = {{0}, {0}, {0}};
        const unet_code one = learner_change(c->learner, changes[i].image, changes[i].rect, shown,
                                             live, &tally, i + 1 < count, err);
        if (!one)
            live_scores_take(live, changes[i].image, &tally);
        code = one ? one : code;
    }
    c->changed_at = seconds_now();
    c->changed_step = learner_steps(c->learner);
    return code;
}

/* Takes in what is new; the lock is held, and let go of meanwhile. */
static unet_code take_news(struct course *c, unet_error *err)
{
    struct live *live = c->live;
    struct live_change *changes = live->changes;
    const int count = live->change_count, renamed = live->classes_changed;
    int64_t sums[UNET_MAX_CLASSES];
    unet_code code = UNET_OK;

    live->changes = NULL;
    live->change_count = live->change_room = live->classes_changed = 0;
    live->saving = renamed; /* who wants the files waits */
    pthread_mutex_unlock(&live->lock);
    if (!c->learner) {
        if (learner_painted(live->studio, sums) > 1)
            code = begin_first(c, err); /* it takes in all that is painted */
    } else if (learner_classes(c->learner) != studio_classes(live->studio, NULL, 0)) {
        code = take_classes(c, err); /* so does this */
    } else {
        if (renamed)
            code = rename_classes(c, err);
        if (!code && count)
            code = take_changes(c, changes, count, err);
    }
    free(changes);
    pthread_mutex_lock(&live->lock);
    live->saving = 0;
    pthread_cond_broadcast(&live->work);
    return code;
}

/* ---- the thread --------------------------------------------------------------------------- */

/* What to do next, as a state; message: why nothing is done.  Lock held. */
static const char *choose_state(const struct course *c, const char **message)
{
    const struct live *live = c->live;

    *message = "";
    if (!live->on)
        return "paused";
    *message = "paint at least two classes, a few strokes of each";
    if (!c->learner || !learner_can_learn(c->learner))
        return "waiting";
    *message = "what is painted has been learnt; paint where the prediction is wrong";
    if (learner_steps(c->learner) - c->changed_step >= MOST_STEPS)
        return "waiting";
    *message = "all images are being segmented";
    if (live->exporting)
        return "waiting";
    *message = "";
    return "training";
}

static void note_step(struct course *c, double loss)
{
    struct live *live = c->live;
    const double now = seconds_now(), due = c->looked_at + look_every(c);

    pthread_mutex_lock(&live->lock);
    live->step = learner_steps(c->learner);
    live->loss = live->loss > 0 ? 0.95 * live->loss + 0.05 * loss : loss;
    live->ready_at = due > now ? due : now + 1;
    live_scores_loss(&live->scores, live->step, loss);
    pthread_mutex_unlock(&live->lock);
    if (now - c->told_at >= tell_seconds) {
        c->told_at = now;
        live_tell(live);
    }
}

static unet_code make_step(struct course *c, unet_error *err)
{
    double loss;
    unet_code code = learner_step(c->learner, &loss, err);

    if (code)
        return code;
    note_step(c, loss);
    const long steps = learner_steps(c->learner);
    const int first = !c->looked_step && steps >= FIRST_LOOK;
    if (first || (steps > c->looked_step && steps >= FIRST_LOOK &&
                  seconds_now() - c->looked_at >= look_every(c)))
        code = hand_out(c, err);
    if (!code && save_is_due(c) && steps >= FIRST_LOOK)
        save(c);
    return code;
}

/* The last steps of a stretch are shown and saved, too. */
static unet_code end_stretch(struct course *c, unet_error *err)
{
    unet_code code = UNET_OK;

    if (c->learner && learner_steps(c->learner) > c->looked_step)
        code = hand_out(c, err);
    if (!code && c->learner && learner_steps(c->learner) > c->saved_step)
        save(c);
    return code;
}

/* One turn of the thread; lock held, let go of meanwhile. */
static unet_code turn(struct course *c, unet_error *err)
{
    struct live *live = c->live;
    const char *message;
    unet_code code = UNET_OK;

    if (live->change_count || live->classes_changed)
        if ((code = take_news(c, err)))
            return code;
    const char *state = choose_state(c, &message);
    const int train = !strcmp(state, "training");
    if (strcmp(state, live->state) || (!train && strcmp(message, live->message))) {
        live_set_state(live, state, message);
        live->ready_at = 0;
        live->saving = !train;
        pthread_mutex_unlock(&live->lock);
        if (!train)
            code = end_stretch(c, err);
        live_tell(live);
        pthread_mutex_lock(&live->lock);
        live->saving = 0;
        pthread_cond_broadcast(&live->work);
        return code;
    }
    if (!train || live->wanted) {
        /* not for what came while the lock was let go of */
        if (!live->leave && !live->change_count && !live->classes_changed)
            pthread_cond_wait(&live->work, &live->lock);
        return UNET_OK;
    }
    pthread_mutex_unlock(&live->lock);
    code = make_step(c, err);
    pthread_mutex_lock(&live->lock);
    return code;
}

/* What failed is said; the next change tries again, and so does a person who wants training on. */
static void fail_until_news(struct course *c, const unet_error *err)
{
    struct live *live = c->live;

    live_set_state(live, "failed", err->text);
    pthread_mutex_unlock(&live->lock);
    live_tell(live);
    pthread_mutex_lock(&live->lock);
    while (!live->leave && !live->change_count && !live->classes_changed)
        pthread_cond_wait(&live->work, &live->lock);
}

void *live_train_thread(void *context)
{
    struct course c = {.live = context};
    struct live *live = context;
    unet_error err;

    live_be_nice(3);
    pthread_mutex_lock(&live->lock);
    live->classes_changed = 1; /* what there is already is news */
    while (!live->leave)
        if (turn(&c, &err))
            fail_until_news(&c, &err);
    pthread_mutex_unlock(&live->lock);
    if (c.learner && learner_steps(c.learner) > c.saved_step)
        save(&c);
    learner_free(c.learner);
    return NULL;
}
