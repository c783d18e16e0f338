/* SPDX-License-Identifier: Apache-2.0 */
/*
 * live_predict.c - what the network says of what is on the screen, and where it is unsure
 *
 * A new snapshot makes all tiles old; those of the view are made anew, from its middle outwards
 * (live_view.c), and beyond the middle of the view training has as much time as they have.
 * When nothing is left to do there, the middle of another image is looked at from time to time, for
 * "next image".
 */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "shared/cli.h"
#include "shared/progress.h"
#include "shared/machine.h"
#include "studio/labels/label_tiles.h"
#include "studio/live/live.h"

static const double glance_seconds = 2; /* between looks at other images while training goes on */

/* ---- turns: with the lock held ------------------------------------------------------------- */

static void want(struct live *live)
{
    live->wanted++;
}

static void have_had(struct live *live)
{
    live->wanted--;
    pthread_cond_broadcast(&live->work);
}

/* ---- the thread --------------------------------------------------------------------------- */

struct job {
    int image; /* -1: none */
    struct studio_rect core;
    int glance;   /* for "next image", not for the screen */
    int can_wait; /* not in the middle of the screen: takes turns with training */
};

/* The next block of what is on the screen; lock held. */
static struct job find_in_view(struct live *live)
{
    struct job job = {.image = -1};
    struct live_spot spot;

    if (live->view_image < 0 || studio_image(live->studio, live->view_image)->missing ||
        !live_view_next(&live->tiles, live->view_image,
                        studio_image(live->studio, live->view_image), live->view, live->generation,
                        &spot))
        return job;
    return (struct job){.image = live->view_image, .core = spot.core, .can_wait = spot.is_far};
}

/* The middle of the image that was looked at longest ago; lock held. */
static struct job find_glance(const struct live *live)
{
    struct job job = {.image = -1, .glance = 1};
    long oldest = live->generation;

    for (int i = 0; i < studio_images(live->studio); i++)
        if (live->images[i].asked < oldest && !studio_image(live->studio, i)->missing) {
            oldest = live->images[i].asked;
            job.image = i;
        }
    if (job.image >= 0) {
        const struct studio_image *image = studio_image(live->studio, job.image);
        job.core =
            live_block_at(image, image->width / 2 / STUDIO_TILE, image->height / 2 / STUDIO_TILE);
    }
    return job;
}

static void announce(struct live *live, const struct job *job, long generation)
{
    const struct studio_rect r = job->core;
    studio_event(live->studio, "prediction",
                 json_pack("{sis[iiii]sI}", "image", job->image, "rect", r.x, r.y, r.width,
                           r.height, "generation", (json_int_t)generation));
}

/* Without the lock; wanted was counted. */
static void do_job(struct live *live, const struct job *job)
{
    unet_error err;
    double certainty = 0;

    pthread_mutex_lock(&live->looking);
    unet_code code = live_predict_block(live, job->image, job->core, &certainty, &err);
    pthread_mutex_unlock(&live->looking);
    pthread_mutex_lock(&live->lock);
    const long generation = live->generation;
    if (code) {
        live->images[job->image].asked = generation; /* not again and again */
        live_set_state(live, live->state, err.text);
        if (!job->glance)
            live->view_image = -1;
    } else {
        live->images[job->image].asked = generation;
        live->images[job->image].certainty = certainty;
    }
    pthread_mutex_unlock(&live->lock);
    if (!code)
        announce(live, job, generation);
}

/* Waits until something changes, but not for longer than `seconds`; lock held. */
static void wait_for_work(struct live *live, double seconds)
{
    struct timespec until;

    system_clock(&until); /* as `work` was made */
    const double at = (double)until.tv_nsec * 1e-9 + seconds;
    until.tv_sec += (time_t)at;
    until.tv_nsec = (long)((at - floor(at)) * 1e9);
    pthread_cond_timedwait(&live->work, &live->lock, &until);
}

/* Looks with the newest snapshot from now on; lock held, let go of meanwhile. */
static void renew(struct live *live)
{
    unet_error err;

    want(live);
    pthread_mutex_unlock(&live->lock);
    pthread_mutex_lock(&live->looking);
    unet_code code = live_take_fresh(live, &err);
    pthread_mutex_unlock(&live->looking);
    pthread_mutex_lock(&live->lock);
    have_had(live);
    if (code)
        live_set_state(live, live->state, err.text);
}

void *live_predict_thread(void *context)
{
    struct live *live = context;
    double glanced = 0, rests = 0; /* until when training goes before what can wait */

    live_be_nice(1);
    pthread_mutex_lock(&live->lock);
    while (!live->leave) {
        struct job job = {.image = -1};
        const int train = !strcmp(live->state, "training");
        if (live->fresh)
            renew(live);
        if (live->generation && !live->exporting) {
            job = find_in_view(live);
            if (job.can_wait && train && seconds_now() < rests) {
                wait_for_work(live, rests - seconds_now());
                continue;
            }
            if (job.image < 0 && (!train || seconds_now() - glanced >= glance_seconds))
                job = find_glance(live);
        }
        if (job.image < 0) {
            wait_for_work(live, 1);
            continue;
        }
        const double begun = seconds_now();
        glanced = job.glance ? begun : glanced;
        want(live);
        pthread_mutex_unlock(&live->lock);
        do_job(live, &job);
        rests = 2 * seconds_now() - begun; /* as long as it took */
        pthread_mutex_lock(&live->lock);
        have_had(live);
    }
    pthread_mutex_unlock(&live->lock);
    return NULL;
}

/* ---- for the server ----------------------------------------------------------------------- */

/* Of classes that are not there any more nothing is predicted. */
static void drop_gone(struct live *live, uint8_t *classes, size_t count)
{
    const int there = studio_classes(live->studio, NULL, 0);

    for (size_t i = 0; classes && i < count; i++)
        if (classes[i] >= there)
            classes[i] = UNET_IGNORE;
}

long live_prediction(struct live *live, int image, int level, int x, int y, uint8_t *classes,
                     uint8_t *certainty)
{
    const struct studio_image *what = studio_image(live->studio, image);
    const int64_t side = (int64_t)STUDIO_TILE << level;
    const size_t all = (size_t)STUDIO_TILE * STUDIO_TILE;
    long generation = 0;

    if (classes)
        memset(classes, UNET_IGNORE, all);
    if (certainty)
        memset(certainty, 0, all);
    if (x < 0 || y < 0 || level < 0 || level > 24 || x * side >= what->width ||
        y * side >= what->height)
        return 0;
    const int64_t width = what->width - x * side, height = what->height - y * side;
    const struct studio_rect rect = {(int)(x * side), (int)(y * side),
                                     (int)(width < side ? width : side),
                                     (int)(height < side ? height : side)};
    pthread_mutex_lock(&live->lock);
    generation =
        live_tiles_read(&live->tiles, image, rect, 1 << level, classes, certainty, STUDIO_TILE);
    pthread_mutex_unlock(&live->lock);
    drop_gone(live, classes, all);
    return generation;
}

void live_shown(struct live *live, int image, struct studio_rect rect, uint8_t *classes)
{
    pthread_mutex_lock(&live->lock);
    live_tiles_read(&live->tiles, image, rect, 1, classes, NULL, rect.width);
    pthread_mutex_unlock(&live->lock);
    drop_gone(live, classes, (size_t)rect.height * (size_t)rect.width);
}

/* The blocks of a rectangle that have no prediction at all. */
static unet_code predict_missing(struct live *live, int image, struct studio_rect rect,
                                 unet_error *err)
{
    const struct studio_image *what = studio_image(live->studio, image);
    unet_code code = UNET_OK;

    for (int y = rect.y / STUDIO_TILE; !code && y * STUDIO_TILE < rect.y + rect.height; y++)
        for (int x = rect.x / STUDIO_TILE; !code && x * STUDIO_TILE < rect.x + rect.width; x++) {
            pthread_mutex_lock(&live->lock);
            const int there = live_tiles_find(&live->tiles, image, x, y) != NULL;
            pthread_mutex_unlock(&live->lock);
            if (!there)
                code = live_predict_block(live, image, live_block_at(what, x, y), NULL, err);
        }
    return code;
}

/* In bands of blocks, so that tiles are copied before others take their places. */
unet_code live_predict_now(struct live *live, int image, struct studio_rect rect, uint8_t *classes,
                           uint8_t *certainty, unet_error *err)
{
    unet_code code = UNET_OK;

    pthread_mutex_lock(&live->lock);
    want(live);
    pthread_mutex_unlock(&live->lock);
    pthread_mutex_lock(&live->looking);
    code = live_take_fresh(live, err);
    if (!code && !live->session)
        code = set_error(err, UNET_ESTOPPED,
                         "there is no prediction yet: paint at least two "
                         "classes, and wait for the first");
    for (int y = rect.y; !code && y < rect.y + rect.height;) {
        int next = (y / LIVE_BLOCK + 1) * LIVE_BLOCK, end = 0;
        next = next < rect.y + rect.height ? next : rect.y + rect.height;
        for (int x = rect.x; !code && x < rect.x + rect.width; x = end) {
            end = (x / LIVE_BLOCK + 1) * LIVE_BLOCK;
            end = end < rect.x + rect.width ? end : rect.x + rect.width;
            const struct studio_rect part = {x, y, end - x, next - y};
            const size_t at = (size_t)(y - rect.y) * rect.width + (size_t)(x - rect.x);
            if ((code = predict_missing(live, image, part, err)))
                break;
            pthread_mutex_lock(&live->lock);
            live_tiles_read(&live->tiles, image, part, 1, classes ? classes + at : NULL,
                            certainty ? certainty + at : NULL, rect.width);
            pthread_mutex_unlock(&live->lock);
        }
        y = next;
    }
    pthread_mutex_unlock(&live->looking);
    pthread_mutex_lock(&live->lock);
    have_had(live);
    pthread_mutex_unlock(&live->lock);
    if (!code)
        drop_gone(live, classes, (size_t)rect.height * (size_t)rect.width);
    return code;
}

long live_predicted(struct live *live, int image)
{
    pthread_mutex_lock(&live->lock);
    const long generation = live->images[image].predicted;
    pthread_mutex_unlock(&live->lock);
    return generation;
}

int live_next(struct live *live, int after, const char **why)
{
    static const char *const fresh = "nothing is painted here yet";
    static const char *const unsure = "the network is least sure here";
    const int count = studio_images(live->studio);
    int best = -1, unseen = -1;

    pthread_mutex_lock(&live->lock);
    for (int n = 1; n <= count; n++) {
        const int i = (after < 0 ? n - 1 : after + n) % count;
        const struct live_image *of = &live->images[i];
        if (i == after || studio_image(live->studio, i)->missing)
            continue;
        if (of->asked && (best < 0 || of->certainty < live->images[best].certainty))
            best = i;
        if (unseen < 0 && !of->asked && !studio_painted(live->studio, i, NULL))
            unseen = i;
    }
    pthread_mutex_unlock(&live->lock);
    *why = best >= 0 ? unsure : fresh;
    return best >= 0 ? best : unseen;
}
