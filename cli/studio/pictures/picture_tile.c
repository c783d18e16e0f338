/* SPDX-License-Identifier: Apache-2.0 */
/*
 * picture_tile.c - tiles to look at
 *
 * A pixel of a level is the mean of up to 4 x 4 samples evenly spaced in what it covers.
 */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "shared/cli.h"
#include "studio/labels/label_tiles.h"
#include "studio/pictures/pictures_inside.h"

enum { TAPS = 4 };

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
    int coarse; /* 1: it will be better later */
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

/* Of a glimpse; job->level is the image's. */
static void render_glimpse(const struct glimpse *glimpse, const struct tile_job *job,
                           uint8_t *pixels)
{
    for (int y = job->rect.y; y < job->rect.y + job->rect.height; y++)
        for (int x = job->rect.x; x < job->rect.x + job->rect.width; x++)
            for (int c = 0; c < job->channels; c++)
                *pixels++ =
                    shade(glimpse_value(glimpse, job->level, x, y, job->channel[c]), &job->tone[c]);
}

/* ---- tiles ------------------------------------------------------------------------------- */

/* Which channels are seen, and how bright. */
static unet_code choose(struct pictures *pictures, int image, const struct picture_view *view,
                        struct tile_job *job, unet_error *err)
{
    const struct studio_image *what = &pictures->images[image];
    struct picture_channel *stats = NULL;
    unet_code code = UNET_OK;

    job->channels = view->channels ? view->channels : what->channels >= 3 ? 3 : 1;
    if (!view->given && what->sample != UNET_U8)
        code = pictures_stats(pictures, image, &stats, &job->coarse, err);
    for (int c = 0; c < job->channels && !code; c++) {
        const int channel = view->channels ? view->channel[c] : c;

        if (channel >= what->channels) {
            code = set_error(err, UNET_EINVAL, "%s: channel %d, it has %d", what->name, channel,
                             what->channels);
            break;
        }
        const double low = view->given ? view->low : stats ? stats[channel].low : 0;
        const double high = view->given ? view->high : stats ? stats[channel].high : 255;
        job->channel[c] = channel;
        job->tone[c] = (struct tone){low, high > low ? 1 / (high - low) : 1, 1 / view->gamma};
    }
    free(stats);
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

    if (!large_is_at_hand(pictures, image, rect.y + rect.height))
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

/* From the small copy of a large image, or a glimpse as long as that is not made. */
static unet_code render_small(struct pictures *pictures, int image, struct tile_job *job,
                              uint8_t *pixels, unet_error *err)
{
    const int up = job->level - LARGE_LEVEL;
    const struct glimpse *glimpse;
    struct plane plane;
    unet_code code =
        large_small(pictures, image, (job->rect.y + job->rect.height) << up, &plane, err);

    if (!code) {
        job->level = up;
        render(&plane, job, pixels);
    } else if (code == UNET_ESTOPPED && !(code = large_glimpse(pictures, image, &glimpse, err))) {
        job->coarse = 1;
        render_glimpse(glimpse, job, pixels);
    }
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
    return job->level < LARGE_LEVEL ? render_part(pictures, image, job, pixels, err)
                                    : render_small(pictures, image, job, pixels, err);
}

unet_code pictures_tile(struct pictures *pictures, int image, int level, int x, int y,
                        const struct picture_view *view, struct png_bytes *png, int *coarse,
                        unet_error *err)
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
    *coarse = job.coarse;
    free(pixels);
    return code;
}
