/* SPDX-License-Identifier: Apache-2.0 */
/* pictures.c - images that are kept in memory for a while */
#include <stdlib.h>
#include <string.h>

#include "shared/cli.h"
#include "shared/paths.h"
#include "studio/pictures/pictures_inside.h"

size_t picture_bytes(const struct studio_image *image)
{
    return (size_t)image->height * (size_t)image->width * studio_pixel_bytes(image);
}

int picture_is_large(const struct studio_image *image)
{
    return picture_bytes(image) > PICTURE_WHOLE;
}

int picture_side(int side, int level)
{
    return (int)(((int64_t)side + (1 << level) - 1) >> level);
}

int picture_levels(const struct studio_image *image)
{
    int level = 0;

    while (picture_side(image->height, level) > STUDIO_TILE ||
           picture_side(image->width, level) > STUDIO_TILE)
        level++;
    return level + 1;
}

unet_code pictures_create(const struct studio_image *images, int count, const char *folder,
                          void (*grown)(void *context, int image, double share), void *context,
                          struct pictures **pictures, unet_error *err)
{
    struct pictures *made = calloc(1, sizeof(*made));

    if (made) {
        made->folder = path_join(folder, "cache");
        made->stats = calloc((size_t)count, sizeof(struct picture_channel *));
    }
    if (!made || !made->folder || !made->stats) {
        if (made) {
            free(made->folder);
            free(made->stats);
        }
        free(made);
        return set_error(err, UNET_ENOMEM, "not enough memory");
    }
    copies_clean(made->folder);
    made->images = images;
    made->count = count;
    made->grown = grown;
    made->context = context;
    pthread_mutex_init(&made->lock, NULL);
    pthread_cond_init(&made->changed, NULL);
    *pictures = made;
    return UNET_OK;
}

void pictures_free(struct pictures *pictures)
{
    if (!pictures)
        return;
    pthread_mutex_lock(&pictures->lock);
    pictures->ending = 1;
    pthread_cond_broadcast(&pictures->changed);
    pthread_mutex_unlock(&pictures->lock);
    if (pictures->has_worker)
        pthread_join(pictures->worker, NULL);
    for (struct whole *whole = pictures->whole, *next; whole; whole = next) {
        next = whole->next;
        free(whole->samples);
        free(whole);
    }
    for (struct large *large = pictures->large, *next; large; large = next) {
        next = large->next;
        large_free(large);
    }
    for (int i = 0; i < pictures->count; i++)
        free(pictures->stats[i]);
    free(pictures->stats);
    free(pictures->folder);
    pthread_mutex_destroy(&pictures->lock);
    pthread_cond_destroy(&pictures->changed);
    free(pictures);
}

/* ---- whole images ------------------------------------------------------------------------ */

static void take_out(struct pictures *pictures, struct whole *whole)
{
    struct whole **at = &pictures->whole;

    while (*at != whole)
        at = &(*at)->next;
    *at = whole->next;
    pictures->whole_bytes -= whole->bytes;
    free(whole->samples);
    free(whole);
}

/* Frees those that nobody uses, the longest unused first, until there is room. */
static void make_room(struct pictures *pictures, size_t bytes)
{
    while (pictures->whole_bytes + bytes > PICTURE_CACHE) {
        struct whole *oldest = NULL;

        for (struct whole *at = pictures->whole; at; at = at->next)
            if (!at->users && (!oldest || at->used < oldest->used))
                oldest = at;
        if (!oldest)
            return;
        take_out(pictures, oldest);
    }
}

static struct whole *find(struct pictures *pictures, int image)
{
    struct whole *whole = pictures->whole;

    while (whole && whole->image != image)
        whole = whole->next;
    return whole;
}

/* The image when it was read, with one user more; else NULL, when the caller may read it: nobody
 * else does, and there is room, or nobody reads anything.  Caller holds the lock. */
static struct whole *wait_for_whole(struct pictures *pictures, int image, size_t bytes)
{
    struct whole *whole;

    for (;;) {
        whole = find(pictures, image);
        if (whole && whole->samples) {
            whole->users++;
            whole->used = ++pictures->clock;
            return whole;
        }
        make_room(pictures, whole ? 0 : bytes);
        if (!whole && (!pictures->whole_reads || pictures->whole_bytes + bytes <= PICTURE_CACHE))
            return NULL;
        pthread_cond_wait(&pictures->changed, &pictures->lock);
    }
}

/* Puts it into the list, held and without samples, so that others wait for it. */
static void enter(struct pictures *pictures, struct whole *whole)
{
    whole->users = 1;
    whole->next = pictures->whole;
    pictures->whole = whole;
    pictures->whole_bytes += whole->bytes;
    pictures->whole_reads++;
}

static unet_code read_whole(const struct studio_image *image, uint8_t **samples, unet_error *err)
{
    unet_image read = {0};
    unet_code code = unet_image_read(image->path, &read, err);

    if (code)
        return code;
    if (read.height != image->height || read.width != image->width ||
        read.channels != image->channels || read.sample != image->sample) {
        unet_image_release(&read);
        return set_error(err, UNET_EFORMAT, "%s: has changed since unet studio began", image->path);
    }
    *samples = read.data;
    return UNET_OK;
}

unet_code whole_hold(struct pictures *pictures, int image, struct whole **whole, unet_error *err)
{
    const struct studio_image *what = &pictures->images[image];
    const size_t bytes = picture_bytes(what);
    struct whole *made = calloc(1, sizeof(*made));
    uint8_t *samples = NULL;
    unet_code code;

    if (!made)
        return set_error(err, UNET_ENOMEM, "not enough memory");
    *made = (struct whole){.image = image, .bytes = bytes};
    pthread_mutex_lock(&pictures->lock);
    *whole = wait_for_whole(pictures, image, bytes);
    if (!*whole)
        enter(pictures, made);
    pthread_mutex_unlock(&pictures->lock);
    if (*whole) {
        free(made);
        return UNET_OK;
    }
    code = read_whole(what, &samples, err);
    pthread_mutex_lock(&pictures->lock);
    pictures->whole_reads--;
    made->samples = samples;
    made->used = ++pictures->clock;
    if (code)
        take_out(pictures, made);
    else
        *whole = made;
    pthread_cond_broadcast(&pictures->changed);
    pthread_mutex_unlock(&pictures->lock);
    return code;
}

void whole_let_go(struct pictures *pictures, struct whole *whole)
{
    pthread_mutex_lock(&pictures->lock);
    whole->users--;
    make_room(pictures, 0);
    pthread_cond_broadcast(&pictures->changed);
    pthread_mutex_unlock(&pictures->lock);
}

unet_code pictures_read(struct pictures *pictures, int image, struct studio_rect rect,
                        void *samples, unet_error *err)
{
    const struct studio_image *what = &pictures->images[image];
    const size_t pixel = studio_pixel_bytes(what);
    struct whole *whole;
    unet_code code;

    if (what->missing)
        return set_error(err, UNET_EIO, "%s: not there any more, or changed", what->path);
    if (picture_is_large(what))
        return large_read(pictures, image, rect, samples, err);
    code = whole_hold(pictures, image, &whole, err);
    if (code)
        return code;
    for (int y = 0; y < rect.height; y++)
        memcpy((uint8_t *)samples + (size_t)y * (size_t)rect.width * pixel,
               whole->samples +
                   ((size_t)(rect.y + y) * (size_t)what->width + (size_t)rect.x) * pixel,
               (size_t)rect.width * pixel);
    whole_let_go(pictures, whole);
    return UNET_OK;
}
