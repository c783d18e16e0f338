/* SPDX-License-Identifier: Apache-2.0 */
/*
 * live_predict.c - what the network says of what is on the screen, and where it is unsure
 *
 * Blocks of 2 x 2 tiles are predicted with as many neighbours as their pixels depend on, so they
 * fit each other and an image of any size costs what is looked at of it.  A new snapshot makes all
 * tiles old; those of the view are made anew, from its middle outwards.  When nothing is left to do
 * there, the middle of another image is looked at from time to time, for "next image".
 */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "shared/cli.h"
#include "shared/progress.h"
#include "studio/live/live.h"

enum { BLOCK = 2 * STUDIO_TILE, VIEW_BLOCKS = 100, GRID = 1 << UNET_MAX_DEPTH };

static const double glance_seconds = 2; /* between looks at other images while training goes on */

/* How far a pixel of the answer can look, rounded up: on level l four convolutions and a doubling
 * each see 2^l pixels further, those of the bottleneck 2 * 2^depth. */
static int reach_of(const unet_spec *spec)
{
    return 8 << spec->depth;
}

int live_model_fits(const struct live *live, const unet_model *model)
{
    const unet_spec *spec = unet_model_spec(model);
    return spec->classes == studio_classes(live->studio, NULL, 0) &&
           spec->in_channels == learner_channels(live->studio);
}

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

/* ---- a block ------------------------------------------------------------------------------- */

/* A block with what it depends on. */
struct look {
    int image;
    struct studio_rect core, all;
    unsigned char *samples;
    uint8_t *mask;
    float *probabilities; /* [classes][all.height][all.width] */
    int classes;
    double certainty; /* mean over the core */
};

static void look_release(struct look *look)
{
    free(look->samples);
    free(look->mask);
    free(look->probabilities);
}

static int clip(int value, int most)
{
    return value < 0 ? 0 : value > most ? most : value;
}

static struct studio_rect clipped(const struct studio_image *image, int x, int y, int right,
                                  int bottom)
{
    struct studio_rect r = {clip(x, image->width), clip(y, image->height), 0, 0};
    r.width = clip(right, image->width) - r.x;
    r.height = clip(bottom, image->height) - r.y;
    return r;
}

static unet_code read_samples(struct live *live, struct look *look, unet_view *view,
                              unet_error *err)
{
    const struct studio_image *image = studio_image(live->studio, look->image);
    const ptrdiff_t sample = image->sample == UNET_U8 ? 1 : image->sample == UNET_U16 ? 2 : 4;
    const size_t pixels = (size_t)look->all.height * look->all.width;

    look->samples = malloc(pixels * (size_t)sample * image->channels);
    look->mask = malloc(pixels);
    look->probabilities = malloc(pixels * (size_t)look->classes * sizeof(float));
    if (!look->samples || !look->mask || !look->probabilities)
        return set_error(err, UNET_ENOMEM, "not enough memory for a prediction");
    *view = (unet_view){.data = look->samples,
                        .height = look->all.height,
                        .width = look->all.width,
                        .channels = image->channels,
                        .row = sample * image->channels * look->all.width,
                        .column = sample * image->channels,
                        .channel = sample,
                        .sample = image->sample,
                        .prepared = image->prepared};
    return studio_pixels(live->studio, look->image, look->all, look->samples, err);
}

/* How sure the network is of a pixel: 1 where no other class comes into question, 0 where all are
 * alike.  One logit is the probability of class 1. */
static double sure(const struct look *look, size_t at, int label)
{
    const size_t pixels = (size_t)look->all.height * look->all.width;
    if (look->classes == 1)
        return fabs(2 * (double)look->probabilities[at] - 1);
    const double p = (double)look->probabilities[(size_t)label * pixels + at];
    return (p * look->classes - 1) / (look->classes - 1);
}

/* Copies the part of a look that is tile (x, y); with the lock held. */
static void keep_tile(struct live *live, struct look *look, int x, int y)
{
    struct live_tile *tile = live_tiles_take(&live->tiles, look->image, x, y);
    const int left = x * STUDIO_TILE, top = y * STUDIO_TILE;
    const int right = look->core.x + look->core.width, bottom = look->core.y + look->core.height;

    if (!tile)
        return;
    tile->generation = live->generation;
    for (int i = top; i < bottom && i < top + STUDIO_TILE; i++)
        for (int j = left; j < right && j < left + STUDIO_TILE; j++) {
            const size_t from =
                (size_t)(i - look->all.y) * look->all.width + (size_t)(j - look->all.x);
            const size_t to = (size_t)(i - top) * STUDIO_TILE + (size_t)(j - left);
            const double s = sure(look, from, look->mask[from]);
            tile->classes[to] = look->mask[from];
            tile->certainty[to] = (uint8_t)(255 * (s < 0 ? 0 : s > 1 ? 1 : s) + 0.5);
            look->certainty += s;
        }
}

/* Predicts a block and keeps its tiles; `looking` is held, and there is a session. */
static unet_code predict_block(struct live *live, int image, struct studio_rect core, double *mean,
                               unet_error *err)
{
    const struct studio_image *what = studio_image(live->studio, image);
    const int reach = live->reach;
    struct look look = {.image = image,
                        .core = core,
                        .all = clipped(what, core.x - reach, core.y - reach,
                                       core.x + core.width + reach, core.y + core.height + reach),
                        .classes = unet_model_spec(live->model)->classes};
    unet_view view;
    unet_code code = read_samples(live, &look, &view, err);

    if (!code) {
        const unet_answers answers = {
            .size = sizeof(answers), .mask = look.mask, .probabilities = look.probabilities};
        code = unet_predict_view(live->session, &view, &answers, err);
    }
    if (!code) {
        pthread_mutex_lock(&live->lock);
        for (int y = core.y / STUDIO_TILE; y * STUDIO_TILE < core.y + core.height; y++)
            for (int x = core.x / STUDIO_TILE; x * STUDIO_TILE < core.x + core.width; x++)
                keep_tile(live, &look, x, y);
        live->images[image].predicted = live->generation;
        pthread_mutex_unlock(&live->lock);
        if (mean)
            *mean = look.certainty / ((double)core.height * core.width);
    }
    look_release(&look);
    return code;
}

/* The block of 2 x 2 tiles that has a tile. */
static struct studio_rect block_of(const struct studio_image *image, int x, int y)
{
    const int left = x / 2 * BLOCK, top = y / 2 * BLOCK;
    return clipped(image, left, top, left + BLOCK, top + BLOCK);
}

/* ---- the session follows the newest snapshot ---------------------------------------------- */

static unet_code open_session(struct live *live, unet_model *model, unet_error *err)
{
    const int reach = reach_of(unet_model_spec(model));
    const unet_session_options options = {.size = sizeof(options),
                                          .threads = live->options.threads,
                                          .tile = BLOCK + 2 * reach,
                                          .any_samples = 1};
    unet_session *session;
    unet_code code = unet_session_create(model, &options, &session, err);

    if (code)
        return code;
    unet_session_free(live->session);
    unet_model_free(live->model);
    live->session = session;
    live->model = model;
    live->reach = (reach + GRID - 1) / GRID * GRID;
    return UNET_OK;
}

/* `looking` is held. */
static unet_code take_fresh(struct live *live, unet_error *err)
{
    pthread_mutex_lock(&live->lock);
    unet_model *model = live->fresh;
    live->fresh = NULL;
    pthread_mutex_unlock(&live->lock);
    if (!model)
        return UNET_OK;
    unet_code code = open_session(live, model, err);
    if (code) {
        unet_model_free(model);
        return code;
    }
    pthread_mutex_lock(&live->lock);
    live->generation++;
    pthread_mutex_unlock(&live->lock);
    return UNET_OK;
}

/* ---- the thread --------------------------------------------------------------------------- */

struct job {
    int image; /* -1: none */
    struct studio_rect core;
    int glance; /* for "next image", not for the screen */
};

/* The block of the view that is nearest to its middle of those that are old; lock held. */
static struct job find_in_view(struct live *live)
{
    struct job job = {.image = -1};
    double nearest = INFINITY;

    if (live->view_image < 0 || studio_image(live->studio, live->view_image)->missing)
        return job;
    const struct studio_image *image = studio_image(live->studio, live->view_image);
    const struct studio_rect view =
        clipped(image, live->view.x, live->view.y, live->view.x + live->view.width,
                live->view.y + live->view.height);
    const int x0 = view.x / BLOCK, x1 = (view.x + view.width + BLOCK - 1) / BLOCK;
    const int y0 = view.y / BLOCK, y1 = (view.y + view.height + BLOCK - 1) / BLOCK;
    if (view.width < 1 || view.height < 1 || (int64_t)(x1 - x0) * (y1 - y0) > VIEW_BLOCKS)
        return job; /* a view from so far away would take minutes */
    for (int y = y0; y < y1; y++)
        for (int x = x0; x < x1; x++) {
            const struct live_tile *tile =
                live_tiles_find(&live->tiles, live->view_image, 2 * x, 2 * y);
            const double dx = (x + 0.5) * BLOCK - view.x - view.width / 2.0;
            const double dy = (y + 0.5) * BLOCK - view.y - view.height / 2.0;
            if ((tile && tile->generation == live->generation) || dx * dx + dy * dy >= nearest)
                continue;
            nearest = dx * dx + dy * dy;
            job.image = live->view_image;
            job.core = block_of(image, 2 * x, 2 * y);
        }
    return job;
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
        job.core = block_of(image, image->width / 2 / STUDIO_TILE, image->height / 2 / STUDIO_TILE);
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
    unet_code code = predict_block(live, job->image, job->core, &certainty, &err);
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

    clock_gettime(CLOCK_REALTIME, &until);
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
    unet_code code = take_fresh(live, &err);
    pthread_mutex_unlock(&live->looking);
    pthread_mutex_lock(&live->lock);
    have_had(live);
    if (code)
        live_set_state(live, live->state, err.text);
}

void *live_predict_thread(void *context)
{
    struct live *live = context;
    double glanced = 0;

    live_be_nice(1);
    pthread_mutex_lock(&live->lock);
    while (!live->leave) {
        struct job job = {.image = -1};
        const int train = !strcmp(live->state, "training");
        if (live->fresh)
            renew(live);
        if (live->generation && !live->exporting) {
            job = find_in_view(live);
            if (job.image < 0 && (!train || seconds_now() - glanced >= glance_seconds))
                job = find_glance(live);
        }
        if (job.image < 0) {
            wait_for_work(live, 1);
            continue;
        }
        glanced = job.glance ? seconds_now() : glanced;
        want(live);
        pthread_mutex_unlock(&live->lock);
        do_job(live, &job);
        pthread_mutex_lock(&live->lock);
        have_had(live);
    }
    pthread_mutex_unlock(&live->lock);
    return NULL;
}

/* ---- for the server ----------------------------------------------------------------------- */

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
    const int64_t right = (x + 1) * side, bottom = (y + 1) * side;
    const struct studio_rect rect = clipped(what, (int)(x * side), (int)(y * side),
                                            right < what->width ? (int)right : what->width,
                                            bottom < what->height ? (int)bottom : what->height);
    pthread_mutex_lock(&live->lock);
    generation =
        live_tiles_read(&live->tiles, image, rect, 1 << level, classes, certainty, STUDIO_TILE);
    pthread_mutex_unlock(&live->lock);
    return generation;
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
                code = predict_block(live, image, block_of(what, x, y), NULL, err);
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
    code = take_fresh(live, err);
    if (!code && !live->session)
        code = set_error(err, UNET_ESTOPPED,
                         "there is no prediction yet: paint at least two "
                         "classes, and wait for the first");
    for (int y = rect.y; !code && y < rect.y + rect.height;) {
        int next = (y / BLOCK + 1) * BLOCK, end = 0;
        next = next < rect.y + rect.height ? next : rect.y + rect.height;
        for (int x = rect.x; !code && x < rect.x + rect.width; x = end) {
            end = (x / BLOCK + 1) * BLOCK;
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
