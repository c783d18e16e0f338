/* SPDX-License-Identifier: Apache-2.0 */
/* reading.c - the values of an image as the network takes them */
#include "image/reading.h"

#include <float.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/decimal.h"

int un_mirror(int i, int n)
{
    if (n == 1)
        return 0;
    int period = 2 * (n - 1);
    i %= period;
    if (i < 0)
        i += period;
    return i < n ? i : period - i;
}

/* Views may lie at any address. */
static inline float sample(unet_sample type, const char *at)
{
    uint16_t whole;
    float real;
    switch (type) {
    case UNET_U8:
        return *(const uint8_t *)at;
    case UNET_U16:
        memcpy(&whole, at, sizeof whole);
        return whole;
    default:
        memcpy(&real, at, sizeof real);
        return real;
    }
}

/* Added in the order of rows, columns, channels. */
void un_tile_sum(unet_view part, struct un_fill fill, bool apart, struct un_moments_of *all)
{
    for (int y = 0; y < part.height; y++)
        for (int x = 0; x < part.width; x++) {
            const char *at = un_view_at(part, y, x);
            for (int c = 0; c < part.channels; c++, at += part.channel) {
                const float v = sample(part.sample, at);
                const int k = apart ? c : 0;
                if (un_is_fill(fill, v))
                    continue;
                all->count[k] += 1;
                all->sum[k] += (double)v;
            }
        }
}

void un_tile_squares(unet_view part, struct un_fill fill, bool apart, struct un_moments_of *all)
{
    double mean[UN_READING_CHANNELS];
    for (int k = 0; k < UN_READING_CHANNELS; k++)
        mean[k] = all->count[k] > 0 ? all->sum[k] / all->count[k] : 0;
    for (int y = 0; y < part.height; y++)
        for (int x = 0; x < part.width; x++) {
            const char *at = un_view_at(part, y, x);
            for (int c = 0; c < part.channels; c++, at += part.channel) {
                const float of = sample(part.sample, at);
                const int k = apart ? c : 0;
                const double v = (double)of - mean[k];
                if (!un_is_fill(fill, of))
                    all->squares[k] += v * v;
            }
        }
}

/* The 1e-6 is for images of one value. */
void un_reading_standardize(struct un_reading *reading, bool apart, const struct un_moments_of *all)
{
    const bool each = apart && reading->view.channels == reading->channels;
    for (int c = 0; c < reading->channels && c < UN_READING_CHANNELS; c++) {
        const int k = each ? c : 0;
        const double count = all->count[k];
        reading->offsets[c] = count > 0 ? (float)(all->sum[k] / count) : 0;
        reading->scales[c] = count > 0 ? (float)(1 / (sqrt(all->squares[k] / count) + 1e-6)) : 1;
    }
    reading->apart = each;
    if (all->count[0] > 0) {
        reading->offset = reading->offsets[0];
        reading->scale = reading->scales[0];
    }
}

/* To mean 0 and variance 1 over all samples of the image, or of each channel. */
static void standardize(struct un_reading *r, bool apart)
{
    struct un_moments_of all = {.count = {0}};
    apart = apart && r->view.channels <= UN_READING_CHANNELS;
    un_tile_sum(r->view, r->fill, apart, &all);
    un_tile_squares(r->view, r->fill, apart, &all);
    un_reading_standardize(r, apart, &all);
}

/* (x - offset) * scale, and then by mean and deviation, in one. */
static void centre(struct un_reading *r, const struct un_scaling *scaling)
{
    for (int c = 0; c < r->channels; c++) {
        r->offsets[c] = r->offset + scaling->means[c] / r->scale;
        r->scales[c] = r->scale / scaling->deviations[c];
    }
    r->apart = true;
}

struct un_reading un_reading_of(unet_view image, int channels, const struct un_scaling *scaling)
{
    struct un_reading r = {.view = image, .height = image.height, .channels = channels, .scale = 1};
    if (scaling)
        r.fill = scaling->fill;
    if (image.prepared)
        return r;
    if (scaling && scaling->clips) {
        r.clips = true;
        r.low = scaling->low;
        r.high = scaling->high;
    }
    if (scaling && scaling->per_image)
        standardize(&r, scaling->apart);
    else if (image.sample == UNET_U8) {
        const bool dim = scaling && scaling->dim_scale > 0;
        r.offset = dim ? scaling->dim_offset : 0;
        r.scale = dim ? scaling->dim_scale : 1 / 255.f;
    } else if (scaling && scaling->set) {
        r.offset = scaling->offset;
        r.scale = scaling->scale;
    } else if (image.sample == UNET_U16) {
        r.scale = 1 / 65535.f;
    }
    if (scaling && !scaling->per_image && scaling->centred && scaling->centred == channels)
        centre(&r, scaling);
    return r;
}

void un_scaling_text(const struct un_scaling *scaling, char *text, size_t size)
{
    char means[UN_READING_CHANNELS * UN_DECIMAL_TEXT], by[sizeof means], limits[80] = "";
    if (size == 0)
        return;
    if (scaling->clips && scaling->high >= FLT_MAX)
        un_decimal_format(limits, sizeof limits, ", from %g on", (double)scaling->low);
    else if (scaling->clips && scaling->low <= -FLT_MAX)
        un_decimal_format(limits, sizeof limits, ", up to %g", (double)scaling->high);
    else if (scaling->clips)
        un_decimal_format(limits, sizeof limits, ", held to %g .. %g", (double)scaling->low,
                          (double)scaling->high);
    if (scaling->per_image)
        snprintf(text, size, "%s of each image to mean 0 and variance 1%s",
                 scaling->apart ? "each channel" : "all", limits);
    else if (scaling->set && scaling->dim_scale > 0)
        un_decimal_format(text, size, "less %g, times %g%s", (double)scaling->offset,
                          (double)scaling->scale, limits);
    else if (scaling->set)
        un_decimal_format(text, size, "of 8 bits / 255, others less %g, times %g%s",
                          (double)scaling->offset, (double)scaling->scale, limits);
    else if (scaling->dim_scale > 0)
        un_decimal_format(text, size, "of 8 bits less %g, times %g, of 16 / 65535%s",
                          (double)scaling->dim_offset, (double)scaling->dim_scale, limits);
    else
        snprintf(text, size, "of 8 bits / 255, of 16 / 65535%s", limits);
    if (scaling->per_image || !scaling->centred)
        return;
    un_decimal_list(means, sizeof means, scaling->means, scaling->centred);
    un_decimal_list(by, sizeof by, scaling->deviations, scaling->centred);
    const size_t n = strlen(text);
    snprintf(text + n, size - n, "; then less mean %s, by std %s", means, by);
}

unet_code un_reading_check(unet_view image, const char *name, int channels, unet_error *err)
{
    if (image.channels == channels || (image.channels == 1 && !image.prepared))
        return UNET_OK;
    if (channels == 1 && !image.prepared && un_view_is_grey(image))
        return UNET_OK;
    return un_fail(err, UNET_EINVAL, "%s%s%d channels%s, the model takes %d", name ? name : "",
                   name ? ": " : "", image.channels, channels == 1 ? " (in colour)" : "", channels);
}

/* type and plain are constants where this is called; plain: one offset and scale, and no limits. */
static inline __attribute__((always_inline)) void read_rows(const struct un_reading *r,
                                                            unet_sample type, bool plain, int top,
                                                            int left, int height, int width,
                                                            float *tile)
{
    const struct un_fill fill = r->fill;
    const ptrdiff_t channel = r->view.channels == r->channels ? r->view.channel : 0;
    for (int i = 0; i < height; i++) {
        int y = un_mirror(top + i, r->height) - r->top;
        for (int j = 0; j < width; j++) {
            const char *at = un_view_at(r->view, y, un_mirror(left + j, r->view.width));
            for (int c = 0; c < r->channels; c++, at += channel) {
                float v = sample(type, at);
                if (un_is_fill(fill, v)) {
                    *tile++ = 0;
                    continue;
                }
                if (plain) {
                    *tile++ = (v - r->offset) * r->scale;
                    continue;
                }
                if (r->clips)
                    v = v < r->low ? r->low : v > r->high ? r->high : v;
                *tile++ = (v - (r->apart ? r->offsets[c] : r->offset)) *
                          (r->apart ? r->scales[c] : r->scale);
            }
        }
    }
}

void un_tile_read(const struct un_reading *reading, int top, int left, int height, int width,
                  float *tile)
{
    const unet_sample type = reading->view.sample;
    const bool plain = !reading->apart && !reading->clips;
    if (!plain)
        read_rows(reading, type, false, top, left, height, width, tile);
    else if (type == UNET_U8)
        read_rows(reading, UNET_U8, true, top, left, height, width, tile);
    else if (type == UNET_U16)
        read_rows(reading, UNET_U16, true, top, left, height, width, tile);
    else
        read_rows(reading, UNET_F32, true, top, left, height, width, tile);
}

bool un_pixel_is_fill(const struct un_reading *reading, int y, int x)
{
    const unet_view view = reading->view;
    const char *at = un_view_at(view, y - reading->top, x);
    for (int c = 0; c < view.channels; c++)
        if (un_is_fill(reading->fill, sample(view.sample, at + c * view.channel)))
            return true;
    return false;
}
