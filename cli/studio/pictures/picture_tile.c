/* SPDX-License-Identifier: Apache-2.0 */
/*
 * picture_tile.c - tiles to look at, and what samples an image has
 *
 * A pixel of a level is the mean of up to 4 x 4 samples evenly spaced in what it covers.
 */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "shared/cli.h"
#include "studio/labels/label_tiles.h"
#include "studio/pictures/pictures_inside.h"

enum { TAPS = 4, PATCHES = 8, PATCH = 128, SORTED = 65536, BINS = 64 };
#define MOST_SAMPLES ((size_t)4 << 20)

/* ---- rendering --------------------------------------------------------------------------- */

/* The mean of a channel in pixel (x, y) of `level` levels above the plane's own. */
static double level_value(const struct plane *plane, int level, int x, int y, int channel)
{
    const int size = 1 << level, step = size > TAPS ? size / TAPS : 1;
    const int left = (x << level) - plane->x, top = (y << level) - plane->y;
    double sum = 0;
    int count = 0;

    for (int v = top; v < top + size && v < plane->height; v += step)
        for (int u = left; u < left + size && u < plane->width; u += step) {
            const size_t pixel = (size_t)v * (size_t)plane->width + (size_t)u;
            const double value =
                plane_value(plane, pixel * (size_t)plane->channels + (size_t)channel);

            if (isfinite(value)) {
                sum += value;
                count++;
            }
        }
    return count ? sum / count : NAN;
}

/* How samples become brightness. */
struct tone {
    double low, scale, power;
};

static uint8_t shade(double value, const struct tone *tone)
{
    double light = (value - tone->low) * tone->scale;

    if (!(light > 0)) /* NAN, too */
        return 0;
    if (light >= 1)
        return 255;
    if (tone->power != 1)
        light = pow(light, tone->power);
    return (uint8_t)(light * 255 + 0.5);
}

struct tile_job {
    struct studio_rect rect; /* pixels of the level */
    int level;               /* above the plane's */
    int channels, channel[3];
    struct tone tone[3];
};

static void render(const struct plane *plane, const struct tile_job *job, uint8_t *pixels)
{
    for (int y = 0; y < job->rect.height; y++)
        for (int x = 0; x < job->rect.width; x++)
            for (int c = 0; c < job->channels; c++)
                *pixels++ = shade(level_value(plane, job->level, job->rect.x + x, job->rect.y + y,
                                              job->channel[c]),
                                  &job->tone[c]);
}

/* ---- samples ----------------------------------------------------------------------------- */

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

static unet_code make_stats(struct pictures *pictures, int image, struct picture_channel *channels,
                            unet_error *err)
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

unet_code pictures_stats(struct pictures *pictures, int image,
                         const struct picture_channel **channels, unet_error *err)
{
    const struct studio_image *what = &pictures->images[image];
    struct picture_channel *made;
    unet_code code;

    pthread_mutex_lock(&pictures->lock);
    *channels = pictures->stats[image];
    pthread_mutex_unlock(&pictures->lock);
    if (*channels)
        return UNET_OK;
    if (picture_is_large(what) && !large_is_at_hand(pictures, image))
        return set_error(err, UNET_ESTOPPED, "%s: is being read", what->name);
    made = calloc((size_t)what->channels, sizeof(*made));
    if (!made)
        return set_error(err, UNET_ENOMEM, "not enough memory");
    code = make_stats(pictures, image, made, err);
    pthread_mutex_lock(&pictures->lock);
    if (!code && !pictures->stats[image]) {
        pictures->stats[image] = made;
        made = NULL;
    }
    *channels = pictures->stats[image];
    pthread_mutex_unlock(&pictures->lock);
    free(made);
    return code;
}

/* ---- tiles ------------------------------------------------------------------------------- */

/* Which channels are seen, and how bright. */
static unet_code choose(struct pictures *pictures, int image, const struct picture_view *view,
                        struct tile_job *job, unet_error *err)
{
    const struct studio_image *what = &pictures->images[image];
    const struct picture_channel *stats = NULL;
    unet_code code = UNET_OK;

    job->channels = view->channels ? view->channels : what->channels >= 3 ? 3 : 1;
    if (!view->given && what->sample != UNET_U8)
        code = pictures_stats(pictures, image, &stats, err);
    for (int c = 0; c < job->channels && !code; c++) {
        const int channel = view->channels ? view->channel[c] : c;

        if (channel >= what->channels)
            return set_error(err, UNET_EINVAL, "%s: channel %d, it has %d", what->name, channel,
                             what->channels);
        const double low = view->given ? view->low : stats ? stats[channel].low : 0;
        const double high = view->given ? view->high : stats ? stats[channel].high : 255;
        job->channel[c] = channel;
        job->tone[c] = (struct tone){low, high > low ? 1 / (high - low) : 1, 1 / view->gamma};
    }
    return code;
}

/* From a part of a large image, read for this tile. */
static unet_code render_part(struct pictures *pictures, int image, const struct tile_job *job,
                             uint8_t *pixels, unet_error *err)
{
    const struct studio_image *what = &pictures->images[image];
    const struct studio_rect all = {0, 0, what->width, what->height};
    const struct studio_rect rect = rect_common(
        (struct studio_rect){job->rect.x << job->level, job->rect.y << job->level,
                             job->rect.width << job->level, job->rect.height << job->level},
        all);
    void *samples;
    unet_code code;

    if (!large_is_at_hand(pictures, image))
        return set_error(err, UNET_ESTOPPED, "%s: is being read", what->name);
    samples = malloc((size_t)rect.width * (size_t)rect.height * studio_pixel_bytes(what));
    if (!samples)
        return set_error(err, UNET_ENOMEM, "not enough memory");
    code = pictures_read(pictures, image, rect, samples, err);
    if (!code)
        render(&(struct plane){samples, rect.x, rect.y, rect.height, rect.width, what->channels,
                               what->sample},
               job, pixels);
    free(samples);
    return code;
}

static unet_code render_any(struct pictures *pictures, int image, struct tile_job *job,
                            uint8_t *pixels, unet_error *err)
{
    const struct studio_image *what = &pictures->images[image];
    struct plane plane;
    struct whole *whole;
    unet_code code;

    if (what->missing)
        return set_error(err, UNET_EIO, "%s: not there any more, or changed", what->path);
    if (!picture_is_large(what)) {
        code = whole_hold(pictures, image, &whole, err);
        if (code)
            return code;
        plane = (struct plane){whole->samples, 0,           0, what->height, what->width,
                               what->channels, what->sample};
        render(&plane, job, pixels);
        whole_let_go(pictures, whole);
        return UNET_OK;
    }
    if (job->level < LARGE_LEVEL)
        return render_part(pictures, image, job, pixels, err);
    job->level -= LARGE_LEVEL;
    code =
        large_small(pictures, image, (job->rect.y + job->rect.height) << job->level, &plane, err);
    if (!code)
        render(&plane, job, pixels);
    return code;
}

unet_code pictures_tile(struct pictures *pictures, int image, int level, int x, int y,
                        const struct picture_view *view, struct png_bytes *png, unet_error *err)
{
    const struct studio_image *what = &pictures->images[image];
    const struct studio_rect all = {0, 0, picture_side(what->width, level),
                                    picture_side(what->height, level)};
    struct tile_job job = {.level = level};
    uint8_t *pixels;
    unet_code code;

    job.rect = rect_common(
        (struct studio_rect){x * STUDIO_TILE, y * STUDIO_TILE, STUDIO_TILE, STUDIO_TILE}, all);
    code = choose(pictures, image, view, &job, err);
    if (code)
        return code;
    pixels = malloc((size_t)STUDIO_TILE * STUDIO_TILE * 3);
    if (!pixels)
        return set_error(err, UNET_ENOMEM, "not enough memory");
    code = render_any(pictures, image, &job, pixels, err);
    if (!code && !png_picture(pixels, job.rect.height, job.rect.width, job.channels,
                              (size_t)job.rect.width * (size_t)job.channels, png))
        code = set_error(err, UNET_ENOMEM, "not enough memory");
    free(pixels);
    return code;
}
