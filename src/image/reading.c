/* SPDX-License-Identifier: Apache-2.0 */
/* reading.c - the values of an image as the network takes them */
#include "image/reading.h"

#include <math.h>
#include <string.h>

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

/* The sum of all samples, or of their squared distances from *mean; added in the order of rows,
 * columns, channels. */
static void sum_samples(unet_view part, struct un_fill fill, const double *mean, double *sum,
                        double *count)
{
    for (int y = 0; y < part.height; y++)
        for (int x = 0; x < part.width; x++) {
            const char *at = un_view_at(part, y, x);
            for (int c = 0; c < part.channels; c++, at += part.channel) {
                const float of = sample(part.sample, at);
                const double v = (double)of;
                if (un_is_fill(fill, of))
                    continue;
                *count += 1;
                *sum += mean ? (v - *mean) * (v - *mean) : v;
            }
        }
}

void un_tile_sum(unet_view part, struct un_fill fill, double *sum, double *count)
{
    sum_samples(part, fill, NULL, sum, count);
}

void un_tile_squares(unet_view part, struct un_fill fill, double mean, double *sum)
{
    double count = 0;
    sum_samples(part, fill, &mean, sum, &count);
}

/* The 1e-6 is for images of one value. */
void un_reading_standardize(struct un_reading *reading, double mean, double squares, double count)
{
    if (count <= 0)
        return;
    reading->offset = (float)mean;
    reading->scale = (float)(1 / (sqrt(squares / count) + 1e-6));
}

/* To mean 0 and variance 1 over all samples of the image. */
static void standardize(struct un_reading *r)
{
    double sum = 0, squares = 0, count = 0;
    un_tile_sum(r->view, r->fill, &sum, &count);
    un_tile_squares(r->view, r->fill, sum / count, &squares);
    un_reading_standardize(r, sum / count, squares, count);
}

struct un_reading un_reading_of(unet_view image, int channels, const struct un_scaling *scaling)
{
    struct un_reading r = {image, 0, image.height, channels, 0, 1, {false, 0}};
    if (scaling)
        r.fill = scaling->fill;
    if (image.prepared)
        return r;
    if (scaling && scaling->per_image)
        standardize(&r);
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
    return r;
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

/* type is a constant where this is called. */
static inline __attribute__((always_inline)) void read_rows(const struct un_reading *r,
                                                            unet_sample type, int top, int left,
                                                            int height, int width, float *tile)
{
    const struct un_fill fill = r->fill;
    const ptrdiff_t channel = r->view.channels == r->channels ? r->view.channel : 0;
    for (int i = 0; i < height; i++) {
        int y = un_mirror(top + i, r->height) - r->top;
        for (int j = 0; j < width; j++) {
            const char *at = un_view_at(r->view, y, un_mirror(left + j, r->view.width));
            for (int c = 0; c < r->channels; c++, at += channel) {
                const float v = sample(type, at);
                *tile++ = un_is_fill(fill, v) ? 0 : (v - r->offset) * r->scale;
            }
        }
    }
}

void un_tile_read(const struct un_reading *reading, int top, int left, int height, int width,
                  float *tile)
{
    if (reading->view.sample == UNET_U8)
        read_rows(reading, UNET_U8, top, left, height, width, tile);
    else if (reading->view.sample == UNET_U16)
        read_rows(reading, UNET_U16, top, left, height, width, tile);
    else
        read_rows(reading, UNET_F32, top, left, height, width, tile);
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
