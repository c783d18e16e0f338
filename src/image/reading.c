/* SPDX-License-Identifier: Apache-2.0 */
/* reading.c - the values of an image as the network takes them */
#include "image/reading.h"

#include <math.h>

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

static inline float sample(const unet_image *image, size_t i)
{
    switch (image->sample) {
    case UNET_U8:
        return ((const uint8_t *)image->data)[i];
    case UNET_U16:
        return ((const uint16_t *)image->data)[i];
    default:
        return ((const float *)image->data)[i];
    }
}

static size_t sample_count(const unet_image *image)
{
    return (size_t)image->height * (size_t)image->width * (size_t)image->channels;
}

void un_tile_sum(const unet_image *part, double *sum)
{
    for (size_t i = 0; i < sample_count(part); i++)
        *sum += (double)sample(part, i);
}

void un_tile_squares(const unet_image *part, double mean, double *sum)
{
    for (size_t i = 0; i < sample_count(part); i++) {
        double d = (double)sample(part, i) - mean;
        *sum += d * d;
    }
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
    double sum = 0, squares = 0, count = (double)sample_count(r->image);
    un_tile_sum(r->image, &sum);
    un_tile_squares(r->image, sum / count, &squares);
    un_reading_standardize(r, sum / count, squares, count);
}

struct un_reading un_reading_of(const unet_image *image, int channels,
                                const struct un_scaling *scaling)
{
    struct un_reading r = {image, 0, image->height, channels, 0, 1};
    if (image->prepared)
        return r;
    if (scaling && scaling->per_image)
        standardize(&r);
    else if (image->sample == UNET_U8) {
        r.scale = 1 / 255.f;
    } else if (scaling && scaling->set) {
        r.offset = scaling->offset;
        r.scale = scaling->scale;
    } else if (image->sample == UNET_U16) {
        r.scale = 1 / 65535.f;
    }
    return r;
}

unet_code un_reading_check(const unet_image *image, const char *name, int channels, unet_error *err)
{
    if (image->channels == channels || (image->channels == 1 && !image->prepared))
        return UNET_OK;
    if (channels == 1 && !image->prepared && un_image_is_grey(image))
        return UNET_OK;
    return un_fail(err, UNET_EINVAL, "%s%s%d channels%s, the model takes %d", name ? name : "",
                   name ? ": " : "", image->channels, channels == 1 ? " (in colour)" : "",
                   channels);
}

static inline float fetch(const struct un_reading *r, int y, int x, int c)
{
    int channels = r->image->channels;
    size_t pixel = (size_t)(y - r->top) * r->image->width + x;
    float v = sample(r->image, pixel * channels + (channels == r->channels ? c : 0));
    return (v - r->offset) * r->scale;
}

void un_tile_read(const struct un_reading *reading, int top, int left, int height, int width,
                  float *tile)
{
    for (int i = 0; i < height; i++) {
        int y = un_mirror(top + i, reading->height);
        for (int j = 0; j < width; j++) {
            int x = un_mirror(left + j, reading->image->width);
            for (int c = 0; c < reading->channels; c++)
                *tile++ = fetch(reading, y, x, c);
        }
    }
}
