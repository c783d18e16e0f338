/* SPDX-License-Identifier: Apache-2.0 */
/*
 * picture_large.c - images that are too large to be kept
 *
 * A thread goes through the file once, from top to bottom, and makes a copy of which each pixel is
 * the mean of 8 x 8; that copy is a file without a name, mapped.  What compresses a picture as one
 * piece (PNG, JPEG, GIF, .nii.gz) is written out on the way, into another one.
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

#define BAND_BYTES ((size_t)16 << 20)

static const char *const in_order[] = {".png", ".jpg", ".jpeg", ".jpe", ".gif", ".gz", NULL};

static unet_code no_memory(unet_error *err)
{
    return set_error(err, UNET_ENOMEM, "not enough memory");
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
    large->fd = -1;
    large->small_height = picture_side(what->height, LARGE_LEVEL);
    large->small_width = picture_side(what->width, LARGE_LEVEL);
    pthread_mutex_init(&large->reading, NULL);
    large->next = pictures->large;
    pictures->large = large;
    return large;
}

void large_free(struct large *large)
{
    if (large->small)
        munmap(large->small, large->small_bytes);
    if (large->fd >= 0)
        close(large->fd);
    unet_source_close(large->source);
    pthread_mutex_destroy(&large->reading);
    free(large);
}

/* ---- making ------------------------------------------------------------------------------ */

/* A file without a name; -1: errno says why not. */
static int nameless(const char *folder)
{
    char *path = path_text("%s/.large-XXXXXX", folder);
    int fd = -1;

    errno = ENOMEM;
    if (path && (fd = mkostemp(path, O_CLOEXEC)) >= 0)
        unlink(path);
    free(path);
    return fd;
}

static unet_code map_small(const struct pictures *pictures, struct large *large, unet_error *err)
{
    const struct studio_image *what = &pictures->images[large->image];
    const size_t bytes =
        (size_t)large->small_height * (size_t)large->small_width * studio_pixel_bytes(what);
    int fd = nameless(pictures->folder), wrong = 0;
    void *small = MAP_FAILED;

    if (fd >= 0 && !(wrong = posix_fallocate(fd, 0, (off_t)bytes)))
        small = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    if (small == MAP_FAILED)
        set_error(err, UNET_EIO, "%s: cannot be written: %s", pictures->folder,
                  strerror(wrong ? wrong : errno));
    if (fd >= 0)
        close(fd);
    if (small == MAP_FAILED)
        return UNET_EIO;
    large->small = small;
    large->small_bytes = bytes;
    return UNET_OK;
}

/* The mean of the pixels of a channel that become one. */
static double mean(const struct plane *band, int x, int y, int channel)
{
    const int right = x + LARGE_STEP < band->width ? x + LARGE_STEP : band->width;
    const int bottom = y + LARGE_STEP < band->height ? y + LARGE_STEP : band->height;
    double sum = 0;
    int count = 0;

    for (int v = y; v < bottom; v++)
        for (int u = x; u < right; u++) {
            const size_t pixel = (size_t)v * (size_t)band->width + (size_t)u;
            const double value =
                plane_value(band, pixel * (size_t)band->channels + (size_t)channel);

            if (isfinite(value)) {
                sum += value;
                count++;
            }
        }
    return count ? sum / count : 0;
}

/* Rows of the small copy from those of a band, which begins at row band->y of the image. */
static void reduce(struct large *large, const struct plane *band)
{
    const int first = band->y >> LARGE_LEVEL, rows = picture_side(band->height, LARGE_LEVEL);
    size_t at = (size_t)first * (size_t)large->small_width * (size_t)band->channels;

    for (int y = 0; y < rows; y++)
        for (int x = 0; x < large->small_width; x++)
            for (int c = 0; c < band->channels; c++, at++) {
                const double value = mean(band, x * LARGE_STEP, y * LARGE_STEP, c);

                if (band->sample == UNET_U8)
                    large->small[at] = (uint8_t)(value + 0.5);
                else if (band->sample == UNET_U16)
                    ((uint16_t *)large->small)[at] = (uint16_t)(value + 0.5);
                else
                    ((float *)large->small)[at] = (float)value;
            }
}

static int write_out(int fd, const uint8_t *bytes, size_t size)
{
    while (size) {
        const ssize_t done = write(fd, bytes, size);

        if (done < 0 && errno == EINTR)
            continue;
        if (done <= 0)
            return 0;
        bytes += done;
        size -= (size_t)done;
    }
    return 1;
}

/* Says how far it is; 0: the program ends. */
static int tell(struct pictures *pictures, struct large *large, int rows)
{
    int ending;

    pthread_mutex_lock(&pictures->lock);
    large->rows = rows;
    ending = pictures->ending;
    pthread_mutex_unlock(&pictures->lock);
    pictures->grown(pictures->context, large->image, (double)rows / large->small_height);
    return !ending;
}

static unet_code go_through(struct pictures *pictures, struct large *large, unet_source *source,
                            unet_error *err)
{
    const struct studio_image *what = &pictures->images[large->image];
    const size_t row = (size_t)what->width * studio_pixel_bytes(what);
    const size_t most = BAND_BYTES / (row * LARGE_STEP);
    const int rows = LARGE_STEP * (most > 1 ? (int)most : 1);
    uint8_t *samples = malloc(row * (size_t)rows);
    unet_code code = samples ? UNET_OK : no_memory(err);

    for (int y = 0; y < what->height && !code; y += rows) {
        const int height = what->height - y < rows ? what->height - y : rows;
        const struct plane band = {samples,        0,           y, height, what->width,
                                   what->channels, what->sample};

        code = unet_source_read(source, 0, y, height, samples, err);
        if (!code && large->in_order && !write_out(large->fd, samples, row * (size_t)height))
            code = set_error(err, UNET_EIO, "%s: cannot be written: %s", pictures->folder,
                             strerror(errno));
        if (code)
            break;
        reduce(large, &band);
        if (!tell(pictures, large, picture_side(y + height, LARGE_LEVEL)))
            code = set_error(err, UNET_ESTOPPED, "unet studio ends");
    }
    free(samples);
    return code;
}

static unet_code make(struct pictures *pictures, struct large *large, unet_error *err)
{
    unet_source *source = NULL;
    unet_code code = map_small(pictures, large, err);

    if (!code && large->in_order && (large->fd = nameless(pictures->folder)) < 0)
        code = set_error(err, UNET_EIO, "%s: cannot be written: %s", pictures->folder,
                         strerror(errno));
    if (!code)
        code = unet_source_open(pictures->images[large->image].path, &source, err);
    if (!code)
        code = go_through(pictures, large, source, err);
    unet_source_close(source);
    return code;
}

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
        code = make(pictures, large, &err);
        pthread_mutex_lock(&pictures->lock);
        large->state = code ? LARGE_FAILED : LARGE_READY;
        large->failure = err;
        pthread_cond_broadcast(&pictures->changed);
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

int large_is_at_hand(struct pictures *pictures, int image)
{
    struct large *large;
    int at_hand = 1;

    pthread_mutex_lock(&pictures->lock);
    large = large_find(pictures, image);
    if (large && large->in_order && large->state < LARGE_READY) {
        large_ask(pictures, large);
        at_hand = 0;
    }
    pthread_mutex_unlock(&pictures->lock);
    return at_hand;
}

/* Waits until a file is written out. */
static unet_code wait_for(struct pictures *pictures, struct large *large, unet_error *err)
{
    unet_code code = UNET_OK;

    large_ask(pictures, large);
    while (large->state < LARGE_READY && !pictures->ending && pictures->has_worker)
        pthread_cond_wait(&pictures->changed, &pictures->lock);
    if (large->state == LARGE_FAILED) {
        code = large->failure.code;
        if (err)
            *err = large->failure;
    } else if (large->state != LARGE_READY) {
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
    code = !large ? no_memory(err) : large->in_order ? wait_for(pictures, large, err) : UNET_OK;
    pthread_mutex_unlock(&pictures->lock);
    if (code)
        return code;
    if (large->in_order)
        return read_written(what, large->fd, rect, samples, err);
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
