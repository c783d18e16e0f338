/* SPDX-License-Identifier: Apache-2.0 */
/*
 * picture_large.c - images that are too large to be kept
 *
 * A thread goes through the file once, from top to bottom, and makes a copy of which each pixel is
 * the mean of 8 x 8; that copy is a file, mapped, and kept for the next time.  What compresses a
 * picture as one piece (PNG, JPEG, GIF, .nii.gz) is written out on the way, into another one, whose
 * rows can be read as soon as they are there.  Of all others there is a glimpse until then.
 */
#include <errno.h>
#include <fcntl.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "shared/cli.h"
#include "shared/paths.h"
#include "studio/pictures/pictures_inside.h"

static const char *const in_order[] = {".png", ".jpg", ".jpeg", ".jpe", ".gif", ".gz", NULL};

static unet_code no_memory(unet_error *err)
{
    return set_error(err, UNET_ENOMEM, "not enough memory");
}

/* What another time has left, if it is of this image as it is. */
static void reuse(const struct pictures *pictures, struct large *large)
{
    const struct studio_image *what = &pictures->images[large->image];
    void *small;

    if (!copy_reuse(&large->overview, pictures->folder, large->image, "overview", what,
                    large->small_bytes))
        return;
    if (large->in_order && !copy_reuse(&large->pixels, pictures->folder, large->image, "pixels",
                                       what, picture_bytes(what))) {
        copy_release(&large->overview);
        return;
    }
    small = mmap(NULL, large->small_bytes, PROT_READ, MAP_SHARED, large->overview.fd, 0);
    if (small == MAP_FAILED) {
        copy_release(&large->overview);
        copy_release(&large->pixels);
        return;
    }
    large->small = small;
    large->rows = large->small_height;
    large->out = what->height;
    large->state = LARGE_READY;
}

struct large *large_find(struct pictures *pictures, int image)
{
    const struct studio_image *what = &pictures->images[image];
    struct large *large = pictures->large;
    const char *choice;
    char *file;

    while (large && large->image != image)
        large = large->next;
    if (large || !(large = calloc(1, sizeof(*large))))
        return large;
    file = path_of_pages(what->path, &choice);
    if (!file) {
        free(large);
        return NULL;
    }
    large->in_order = path_has_ending(file, in_order);
    free(file);
    large->image = image;
    large->pixels.fd = large->overview.fd = -1;
    large->small_height = picture_side(what->height, LARGE_LEVEL);
    large->small_width = picture_side(what->width, LARGE_LEVEL);
    large->small_bytes =
        (size_t)large->small_height * (size_t)large->small_width * studio_pixel_bytes(what);
    pthread_mutex_init(&large->reading, NULL);
    reuse(pictures, large);
    large->next = pictures->large;
    pictures->large = large;
    return large;
}

void large_free(struct large *large)
{
    if (large->small)
        munmap(large->small, large->small_bytes);
    copy_release(&large->pixels);
    copy_release(&large->overview);
    glimpse_release(&large->glimpse);
    unet_source_close(large->source);
    pthread_mutex_destroy(&large->reading);
    free(large);
}

/* ---- the thread -------------------------------------------------------------------------- */

/* The one that was asked for last and waits; NULL: none. */
static struct large *next_one(struct pictures *pictures)
{
    struct large *best = NULL;

    for (struct large *large = pictures->large; large; large = large->next)
        if (large->state == LARGE_WAITS && large->asked && (!best || large->asked > best->asked))
            best = large;
    return best;
}

static void *work(void *context)
{
    struct pictures *pictures = context;

    pthread_mutex_lock(&pictures->lock);
    while (!pictures->ending) {
        struct large *large = next_one(pictures);
        unet_error err = {0};
        unet_code code;

        if (!large) {
            pthread_cond_wait(&pictures->changed, &pictures->lock);
            continue;
        }
        large->state = LARGE_IS_MADE;
        pthread_mutex_unlock(&pictures->lock);
        code = large_make(pictures, large, &err);
        pthread_mutex_lock(&pictures->lock);
        large->state = code ? LARGE_FAILED : LARGE_READY;
        large->failure = err;
        pthread_cond_broadcast(&pictures->changed);
        pthread_mutex_unlock(&pictures->lock);
        pictures->grown(pictures->context, large->image, 1); /* or as far as it will be */
        pthread_mutex_lock(&pictures->lock);
    }
    pthread_mutex_unlock(&pictures->lock);
    return NULL;
}

void large_ask(struct pictures *pictures, struct large *large)
{
    large->asked = ++pictures->clock;
    if (!pictures->has_worker)
        pictures->has_worker = !pthread_create(&pictures->worker, NULL, work, pictures);
    pthread_cond_broadcast(&pictures->changed);
}

/* ---- reading ----------------------------------------------------------------------------- */

int large_is_at_hand(struct pictures *pictures, int image, int bottom)
{
    struct large *large;
    int at_hand = 1;

    pthread_mutex_lock(&pictures->lock);
    large = large_find(pictures, image);
    if (large && large->in_order && large->state < LARGE_READY && large->out < bottom) {
        large_ask(pictures, large);
        at_hand = 0;
    }
    pthread_mutex_unlock(&pictures->lock);
    return at_hand;
}

/* Waits until the rows before `bottom` are written out. */
static unet_code wait_for(struct pictures *pictures, struct large *large, int bottom,
                          unet_error *err)
{
    unet_code code = UNET_OK;

    if (large->out >= bottom)
        return UNET_OK;
    large_ask(pictures, large);
    while (large->state < LARGE_READY && large->out < bottom && !pictures->ending &&
           pictures->has_worker)
        pthread_cond_wait(&pictures->changed, &pictures->lock);
    if (large->state == LARGE_FAILED) {
        code = large->failure.code;
        if (err)
            *err = large->failure;
    } else if (large->out < bottom) {
        code = set_error(err, UNET_ESTOPPED, "unet studio ends");
    }
    return code;
}

static unet_code read_written(const struct studio_image *what, int fd, struct studio_rect rect,
                              uint8_t *samples, unet_error *err)
{
    const size_t pixel = studio_pixel_bytes(what);
    const size_t row = (size_t)rect.width * pixel;

    for (int y = 0; y < rect.height; y++) {
        const off_t at =
            (off_t)(((size_t)(rect.y + y) * (size_t)what->width + (size_t)rect.x) * pixel);
        size_t have = 0;

        while (have < row) {
            const ssize_t got = pread(fd, samples + have, row - have, at + (off_t)have);

            if (got <= 0)
                return set_error(err, UNET_EIO, "%s: its copy cannot be read", what->path);
            have += (size_t)got;
        }
        samples += row;
    }
    return UNET_OK;
}

unet_code large_read(struct pictures *pictures, int image, struct studio_rect rect, void *samples,
                     unet_error *err)
{
    const struct studio_image *what = &pictures->images[image];
    struct large *large;
    unet_code code;

    pthread_mutex_lock(&pictures->lock);
    large = large_find(pictures, image);
    code = !large            ? no_memory(err)
           : large->in_order ? wait_for(pictures, large, rect.y + rect.height, err)
                             : UNET_OK;
    pthread_mutex_unlock(&pictures->lock);
    if (code)
        return code;
    if (large->in_order)
        return read_written(what, large->pixels.fd, rect, samples, err);
    pthread_mutex_lock(&large->reading);
    if (!large->source)
        code = unet_source_open(what->path, &large->source, err);
    if (!code)
        code = unet_source_read_part(large->source, 0, rect.y, rect.x, rect.height, rect.width,
                                     samples, err);
    pthread_mutex_unlock(&large->reading);
    return code;
}

unet_code large_small(struct pictures *pictures, int image, int bottom, struct plane *plane,
                      unet_error *err)
{
    const struct studio_image *what = &pictures->images[image];
    struct large *large;
    unet_code code = UNET_OK;

    pthread_mutex_lock(&pictures->lock);
    large = large_find(pictures, image);
    if (!large) {
        code = no_memory(err);
    } else if (large->state == LARGE_FAILED) {
        code = large->failure.code;
        *err = large->failure;
    } else if (large->rows < bottom && large->rows < large->small_height) {
        large_ask(pictures, large);
        code = set_error(err, UNET_ESTOPPED, "%s: %d %% read", what->name,
                         (int)(100.0 * large->rows / large->small_height));
    } else {
        *plane =
            (struct plane){large->small,   0,           0, large->small_height, large->small_width,
                           what->channels, what->sample};
    }
    pthread_mutex_unlock(&pictures->lock);
    return code;
}

unet_code large_made(struct pictures *pictures, int image, struct plane *plane, unet_error *err)
{
    struct large *large;
    int rows = 0;

    pthread_mutex_lock(&pictures->lock);
    large = large_find(pictures, image);
    if (large)
        rows = large->rows;
    pthread_mutex_unlock(&pictures->lock);
    if (!rows) /* asks for them, or says why there are none */
        return large_small(pictures, image, 1, plane, err);
    const unet_code code = large_small(pictures, image, rows, plane, err);
    plane->height = rows;
    return code;
}

/* Whether the caller makes the glimpse; else it is there, or is not to be.  Caller holds the lock.
 */
static int is_ours_to_make(struct pictures *pictures, struct large *large)
{
    while (large->looked == GLIMPSE_IS_MADE && !pictures->ending)
        pthread_cond_wait(&pictures->changed, &pictures->lock);
    if (large->looked != GLIMPSE_NONE || large->in_order)
        return 0;
    large->looked = GLIMPSE_IS_MADE;
    return 1;
}

unet_code large_glimpse(struct pictures *pictures, int image, const struct glimpse **glimpse,
                        unet_error *err)
{
    const struct studio_image *what = &pictures->images[image];
    struct glimpse made = {0};
    struct large *large;
    unet_source *source = NULL;
    unet_code code;
    int ready;

    pthread_mutex_lock(&pictures->lock);
    large = large_find(pictures, image);
    if (large && is_ours_to_make(pictures, large)) {
        pthread_mutex_unlock(&pictures->lock);
        code = unet_source_open(what->path, &source, err);
        if (!code)
            code = glimpse_make(&made, what, source, err);
        unet_source_close(source);
        pthread_mutex_lock(&pictures->lock);
        large->glimpse = made;
        large->looked = code ? GLIMPSE_FAILED : GLIMPSE_READY;
        pthread_cond_broadcast(&pictures->changed);
    }
    ready = large && large->looked == GLIMPSE_READY;
    pthread_mutex_unlock(&pictures->lock);
    if (!ready)
        return set_error(err, UNET_ESTOPPED, "%s: is being read", what->name);
    *glimpse = &large->glimpse;
    return UNET_OK;
}
