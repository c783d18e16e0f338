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

static double sample_count(unet_view view)
{
    return (double)view.height * view.width * view.channels;
}

/* The sum of all samples, or of their squared distances from *mean; added in the order of rows,
 * columns, channels. */
static void sum_samples(unet_view part, const double *mean, double *sum)
{
    for (int y = 0; y < part.height; y++)
        for (int x = 0; x < part.width; x++) {
            const char *at = un_view_at(part, y, x);
            for (int c = 0; c < part.channels; c++, at += part.channel) {
                double v = (double)sample(part.sample, at);
                *sum += mean ? (v - *mean) * (v - *mean) : v;
            }
        }
}

void un_tile_sum(unet_view part, double *sum)
{
    sum_samples(part, NULL, sum);
}

void un_tile_squares(unet_view part, double mean, double *sum)
{
    sum_samples(part, &mean, sum);
}

/* The 1e-6 is for images of one value. */
void un_reading_standardize(struct un_reading *reading, double mean, double squares, double count)
{
    reading->offset = (float)mean;
    reading->scale = (float)(1 / (sqrt(squares / count) + 1e-6));
}

/* To mean 0 and variance 1 over all samples of the image. */
static void standardize(struct un_reading *r)
{
    double sum = 0, squares = 0, count = sample_count(r->view);
    un_tile_sum(r->view, &sum);
    un_tile_squares(r->view, sum / count, &squares);
    un_reading_standardize(r, sum / count, squares, count);
}

struct un_reading un_reading_of(unet_view image, int channels, const struct un_scaling *scaling)
{
    struct un_reading r = {image, 0, image.height, channels, 0, 1};
    if (image.prepared)
        return r;
    if (scaling && scaling->per_image)
        standardize(&r);
    else if (image.sample == UNET_U8) {
        r.scale = 1 / 255.f;
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
    const ptrdiff_t channel = r->view.channels == r->channels ? r->view.channel : 0;
    for (int i = 0; i < height; i++) {
        int y = un_mirror(top + i, r->height) - r->top;
        for (int j = 0; j < width; j++) {
            const char *at = un_view_at(r->view, y, un_mirror(left + j, r->view.width));
            for (int c = 0; c < r->channels; c++, at += channel)
                *tile++ = (sample(type, at) - r->offset) * r->scale;
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
