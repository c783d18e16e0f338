/* SPDX-License-Identifier: Apache-2.0 */
/* picture_stats.c - what samples an image has, from about a million of its pixels */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "shared/cli.h"
#include "studio/labels/label_tiles.h"
#include "studio/pictures/pictures_inside.h"

enum { PATCHES = 8, PATCH = 128, SORTED = 65536, BINS = 64 };
#define MOST_SAMPLES ((size_t)4 << 20)

static int by_value(const void *a, const void *b)
{
    const float left = *(const float *)a, right = *(const float *)b;

    return (left > right) - (left < right);
}

/* Of values of one channel, which it sorts. */
static void describe(float *values, size_t count, struct picture_channel *channel)
{
    size_t sorted = 0;

    *channel = (struct picture_channel){.high = 1, .max = 1};
    if (!count)
        return;
    channel->min = channel->max = values[0];
    for (size_t i = 0; i < count; i++) {
        channel->min = values[i] < channel->min ? values[i] : channel->min;
        channel->max = values[i] > channel->max ? values[i] : channel->max;
    }
    for (size_t i = 0; i < count; i++) {
        const double range = channel->max - channel->min;
        const int bin = range > 0 ? (int)((values[i] - channel->min) / range * BINS) : 0;

        channel->histogram[bin < BINS ? bin : BINS - 1]++;
    }
    for (size_t step = (count + SORTED - 1) / SORTED, i = 0; i < count; i += step)
        values[sorted++] = values[i];
    qsort(values, sorted, sizeof(*values), by_value);
    channel->low = values[(size_t)(0.005 * (double)(sorted - 1))];
    channel->high = values[(size_t)(0.995 * (double)(sorted - 1) + 0.5)];
    if (!(channel->high > channel->low)) {
        channel->low = channel->min;
        channel->high = channel->max > channel->min ? channel->max : channel->min + 1;
    }
}

/* Every `step`-th pixel of a plane, one array of `room` values for each channel. */
static size_t gather(const struct plane *plane, size_t step, float *values, size_t room,
                     size_t *counts)
{
    const size_t pixels = (size_t)plane->height * (size_t)plane->width;
    const size_t channels = (size_t)plane->channels;

    for (size_t i = 0; i < pixels; i += step)
        for (size_t c = 0; c < channels; c++) {
            const float value = (float)plane_value(plane, i * channels + c);

            if (isfinite(value) && counts[c] < room)
                values[c * room + counts[c]++] = value;
        }
    return pixels;
}

static unet_code gather_large(struct pictures *pictures, int image, float *values, size_t room,
                              size_t *counts, unet_error *err)
{
    const struct studio_image *what = &pictures->images[image];
    const struct studio_rect all = {0, 0, what->width, what->height};
    const size_t step = PATCHES * PATCHES * PATCH * PATCH / room + 1;
    void *samples = malloc((size_t)PATCH * PATCH * studio_pixel_bytes(what));
    unet_code code = samples ? UNET_OK : set_error(err, UNET_ENOMEM, "not enough memory");

    for (int i = 0; i < PATCHES * PATCHES && !code; i++) {
        const int64_t across = 2 * (i % PATCHES) + 1, down = 2 * (i / PATCHES) + 1;
        const struct studio_rect rect = rect_common(
            (struct studio_rect){(int)(across * what->width / (2 * PATCHES)),
                                 (int)(down * what->height / (2 * PATCHES)), PATCH, PATCH},
            all);
        const struct plane plane = {samples,        0,           0, rect.height, rect.width,
                                    what->channels, what->sample};

        code = pictures_read(pictures, image, rect, samples, err);
        if (!code)
            gather(&plane, step, values, room, counts);
    }
    free(samples);
    return code;
}

static unet_code gather_whole(struct pictures *pictures, int image, float *values, size_t room,
                              size_t *counts, unet_error *err)
{
    const struct studio_image *what = &pictures->images[image];
    const size_t pixels = (size_t)what->height * (size_t)what->width;
    struct whole *whole;
    unet_code code = whole_hold(pictures, image, &whole, err);

    if (code)
        return code;
    gather(&(struct plane){whole->samples, 0, 0, what->height, what->width, what->channels,
                           what->sample},
           pixels / room + 1, values, room, counts);
    whole_let_go(pictures, whole);
    return UNET_OK;
}

/* Of a file that is still being written out: from what there is of its small copy. */
static unet_code gather_made(struct pictures *pictures, int image, float *values, size_t room,
                             size_t *counts, unet_error *err)
{
    struct plane made;
    unet_code code = large_made(pictures, image, &made, err);

    if (!code)
        gather(&made, (size_t)made.height * (size_t)made.width / room + 1, values, room, counts);
    return code;
}

/* so_far: the file is being written out. */
static unet_code make_stats(struct pictures *pictures, int image, int so_far,
                            struct picture_channel *channels, unet_error *err)
{
    const struct studio_image *what = &pictures->images[image];
    const size_t count = (size_t)what->channels, room = MOST_SAMPLES / 4 / count + 1;
    float *values = malloc(room * count * sizeof(*values));
    size_t *counts = calloc(count, sizeof(*counts));
    unet_code code;

    if (!values || !counts)
        code = set_error(err, UNET_ENOMEM, "not enough memory");
    else if (what->missing)
        code = set_error(err, UNET_EIO, "%s: not there any more, or changed", what->path);
    else if (so_far)
        code = gather_made(pictures, image, values, room, counts, err);
    else if (picture_is_large(what))
        code = gather_large(pictures, image, values, room, counts, err);
    else
        code = gather_whole(pictures, image, values, room, counts, err);
    for (size_t c = 0; c < count && !code; c++)
        describe(values + c * room, counts[c], &channels[c]);
    free(values);
    free(counts);
    return code;
}

unet_code pictures_stats(struct pictures *pictures, int image, struct picture_channel **channels,
                         int *so_far, unet_error *err)
{
    const struct studio_image *what = &pictures->images[image];
    const size_t bytes = (size_t)what->channels * sizeof(**channels);
    struct picture_channel *made = malloc(bytes), *kept;
    unet_code code = UNET_OK;

    if (!made)
        return set_error(err, UNET_ENOMEM, "not enough memory");
    *so_far = picture_is_large(what) && !large_is_at_hand(pictures, image, what->height);
    pthread_mutex_lock(&pictures->lock);
    kept = pictures->stats[image];
    if (kept)
        memcpy(made, kept, bytes);
    pthread_mutex_unlock(&pictures->lock);
    if (!kept)
        code = make_stats(pictures, image, *so_far, made, err);
    if (code) {
        free(made);
        return code;
    }
    *channels = made;
    if (kept || *so_far || !(made = malloc(bytes)))
        return UNET_OK;
    memcpy(made, *channels, bytes);
    pthread_mutex_lock(&pictures->lock);
    kept = pictures->stats[image];
    pictures->stats[image] = made;
    pthread_mutex_unlock(&pictures->lock);
    free(kept);
    return UNET_OK;
}
