/* SPDX-License-Identifier: Apache-2.0 */
/*
 * live_look.c - the network looks at a block of 2 x 2 tiles, with as many neighbours as its pixels
 * depend on, so blocks fit each other and an image of any size costs what is looked at of it
 */
#include <math.h>
#include <stdlib.h>

#include "shared/cli.h"
#include "studio/labels/label_tiles.h"
#include "studio/live/live.h"

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

static unet_code read_samples(struct live *live, struct look *look, unet_view *view,
                              unet_error *err)
{
    const struct studio_image *image = studio_image(live->studio, look->image);
    const size_t pixels = (size_t)look->all.height * look->all.width;

    look->samples = malloc(pixels * studio_pixel_bytes(image));
    look->mask = malloc(pixels);
    look->probabilities = malloc(pixels * (size_t)look->classes * sizeof(float));
    if (!look->samples || !look->mask || !look->probabilities)
        return set_error(err, UNET_ENOMEM, "not enough memory for a prediction");
    *view = learner_view(image, look->all, look->samples);
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
unet_code live_predict_block(struct live *live, int image, struct studio_rect core, double *mean,
                             unet_error *err)
{
    const struct studio_image *what = studio_image(live->studio, image);
    const struct studio_rect whole = {0, 0, what->width, what->height};
    const int reach = live->reach;
    struct look look = {
        .image = image,
        .core = core,
        .all = rect_common((struct studio_rect){core.x - reach, core.y - reach,
                                                core.width + 2 * reach, core.height + 2 * reach},
                           whole),
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
struct studio_rect live_block_at(const struct studio_image *image, int x, int y)
{
    const struct studio_rect whole = {0, 0, image->width, image->height};
    const struct studio_rect block = {x / 2 * LIVE_BLOCK, y / 2 * LIVE_BLOCK, LIVE_BLOCK,
                                      LIVE_BLOCK};
    return rect_common(block, whole);
}

/* ---- the session follows the newest snapshot ---------------------------------------------- */

static unet_code open_session(struct live *live, unet_model *model, unet_error *err)
{
    const int reach = reach_of(unet_model_spec(model));
    const int depth = unet_model_spec(model)->depth, grid = 1 << (depth > 6 ? depth : 6);
    const unet_session_options options = {.size = sizeof(options),
                                          .threads = live->options.threads,
                                          .tile = LIVE_BLOCK + 2 * reach,
                                          .any_samples = 1};
    unet_session *session;
    unet_code code = unet_session_create(model, &options, &session, err);

    if (code)
        return code;
    unet_session_free(live->session);
    unet_model_free(live->model);
    live->session = session;
    live->model = model;
    live->reach = (reach + grid - 1) / grid * grid;
    return UNET_OK;
}

/* `looking` is held. */
unet_code live_take_fresh(struct live *live, unet_error *err)
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
