/* SPDX-License-Identifier: Apache-2.0 */
/* live.c - training beside drawing: begin, end, and what the server asks for */
#include "studio/live/live.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "shared/cli.h"
#include "shared/json_out.h"
#include "shared/paths.h"
#include "shared/progress.h"
#include "shared/machine.h"
#include "studio/labels/label_tiles.h"

void live_be_nice(int by)
{
    system_be_nice(by);
}

double live_seconds(const struct live *live)
{
    return live->before + seconds_now() - live->began;
}

void live_set_state(struct live *live, const char *state, const char *message)
{
    live->state = state;
    snprintf(live->message, sizeof(live->message), "%s", message);
}

json_t *live_state(struct live *live)
{
    pthread_mutex_lock(&live->lock);
    const double left = live->ready_at - seconds_now();
    json_t *state =
        json_pack("{sssIsfsfsososb}", "state", live->state, "step", (json_int_t)live->step, "loss",
                  live->loss, "seconds", live_seconds(live), "ready_in",
                  live->ready_at > 0 ? json_real(left > 0 ? left : 0) : json_null(), "message",
                  json_path(live->message), "on", live->on);
    pthread_mutex_unlock(&live->lock);
    return state;
}

void live_tell(struct live *live)
{
    studio_event(live->studio, "training", live_state(live));
}

/* ---- begin and end ------------------------------------------------------------------------ */

static unet_code no_memory(unet_error *err)
{
    return set_error(err, UNET_ENOMEM, "not enough memory for the training");
}

static unet_code make_paths(struct live *live, unet_error *err)
{
    char *folder = path_join(studio_folder(live->studio), "run");
    unet_code code = UNET_OK;

    if (folder) {
        live->model_path = path_join(folder, "best.safetensors"); /* what unet predict looks for */
        live->checkpoint_path = path_join(folder, "checkpoint");
        live->scores_path = path_join(folder, "studio.json");
    }
    if (!folder || !live->model_path || !live->checkpoint_path || !live->scores_path)
        code = no_memory(err);
    else if (!path_make_folder(folder))
        code = set_error(err, UNET_EIO, "%.300s: %s", folder, strerror(errno));
    free(folder);
    return code;
}

/* Where the last run ended, or else the model that was given.  It predicts from the start, if it
 * is of this project's classes. */
static unet_code find_beginning(struct live *live, unet_error *err)
{
    const int again = path_exists(live->model_path);
    const char *path = again ? live->model_path : live->options.model;
    unet_code code = path ? unet_model_load(path, &live->begin, err) : UNET_OK;

    if (code || !live->begin || !live_model_fits(live, live->begin))
        return code;
    return unet_model_load(path, &live->fresh, err);
}

static unet_code start_threads(struct live *live, unet_error *err)
{
    live->running[0] = !pthread_create(&live->trainer, NULL, live_train_thread, live);
    live->running[1] = !pthread_create(&live->predictor, NULL, live_predict_thread, live);
    if (live->running[0] && live->running[1])
        return UNET_OK;
    return set_error(err, UNET_ENOMEM, "the training's threads could not be started");
}

unet_code live_start(struct studio *studio, const struct live_options *options, struct live **live,
                     unet_error *err)
{
    struct live *l = calloc(1, sizeof(*l));
    unet_code code;

    if (!l)
        return no_memory(err);
    pthread_mutex_init(&l->lock, NULL);
    pthread_mutex_init(&l->looking, NULL);
    system_cond_init(&l->work); /* whoever sets the clock back */
    l->studio = studio;
    l->options = *options;
    l->on = !options->paused;
    l->state = "waiting";
    l->view_image = -1;
    l->began = seconds_now();
    l->images = calloc((size_t)studio_images(studio) + 1, sizeof(*l->images));
    code = l->images ? make_paths(l, err) : no_memory(err);
    if (!code)
        code = find_beginning(l, err);
    if (!code) {
        live_scores_load(l);
        code = start_threads(l, err);
    }
    if (code)
        live_stop(l);
    else
        *live = l;
    return code;
}

static void join(struct live *live)
{
    pthread_mutex_lock(&live->lock);
    live->leave = 1;
    pthread_cond_broadcast(&live->work);
    pthread_mutex_unlock(&live->lock);
    if (live->running[0])
        pthread_join(live->trainer, NULL);
    if (live->running[1])
        pthread_join(live->predictor, NULL);
}

void live_stop(struct live *live)
{
    if (!live)
        return;
    live_export_stop(live);
    join(live);
    unet_session_free(live->session);
    unet_model_free(live->model);
    unet_model_free(live->fresh);
    unet_model_free(live->begin);
    live_tiles_release(&live->tiles);
    pthread_mutex_destroy(&live->lock);
    pthread_mutex_destroy(&live->looking);
    pthread_cond_destroy(&live->work);
    free(live->changes);
    free(live->images);
    free(live->model_path);
    free(live->checkpoint_path);
    free(live->scores_path);
    free(live);
}

/* ---- what the person does ----------------------------------------------------------------- */

void live_train(struct live *live, int on)
{
    pthread_mutex_lock(&live->lock);
    live->on = on != 0;
    live->classes_changed |= on && !strcmp(live->state, "failed"); /* tries again */
    pthread_cond_broadcast(&live->work);
    pthread_mutex_unlock(&live->lock);
}

/* Room for one change more; without memory the last of the same image grows. */
static int make_room(struct live *live)
{
    const int room = live->change_room ? 2 * live->change_room : 64;
    struct live_change *changes;

    if (live->change_count < live->change_room)
        return 1;
    if (!(changes = realloc(live->changes, (size_t)room * sizeof(*changes))))
        return 0;
    live->changes = changes;
    live->change_room = room;
    return 1;
}

void live_changed(struct live *live, int image, struct studio_rect rect)
{
    if (rect.width < 1 || rect.height < 1)
        return;
    pthread_mutex_lock(&live->lock);
    struct live_change *last = live->change_count ? &live->changes[live->change_count - 1] : NULL;
    const int64_t most = (int64_t)LEARNER_CELL * LEARNER_CELL;
    struct studio_rect both = last ? rect_around(last->rect, rect) : rect;
    if (last && last->image == image && (int64_t)both.width * both.height <= most)
        last->rect = both; /* they are in the same cells, or nearly */
    else if (make_room(live))
        live->changes[live->change_count++] = (struct live_change){image, rect};
    pthread_cond_broadcast(&live->work);
    pthread_mutex_unlock(&live->lock);
}

void live_classes(struct live *live)
{
    pthread_mutex_lock(&live->lock);
    live->classes_changed = 1;
    pthread_cond_broadcast(&live->work);
    pthread_mutex_unlock(&live->lock);
}

void live_looks_at(struct live *live, int image, struct studio_rect rect)
{
    pthread_mutex_lock(&live->lock);
    live->view_image = image;
    live->view = rect;
    pthread_cond_broadcast(&live->work);
    pthread_mutex_unlock(&live->lock);
}
