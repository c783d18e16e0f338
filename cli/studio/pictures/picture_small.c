/* SPDX-License-Identifier: Apache-2.0 */
/*
 * picture_small.c - a file is gone through once, from top to bottom, and a copy is made of which
 * each pixel is the mean of 8 x 8; what is read in order only is written out on the way
 */
#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "shared/cli.h"
#include "studio/pictures/pictures_inside.h"

#define BAND_BYTES ((size_t)16 << 20)

static unet_code no_memory(unet_error *err)
{
    return set_error(err, UNET_ENOMEM, "not enough memory");
}

/* Memory where the disk has no room for it. */
static unet_code map_small(const struct pictures *pictures, struct large *large, unet_error *err)
{
    void *small = MAP_FAILED;

    if (!copy_begin(&large->overview, pictures->folder, large->image, "overview",
                    large->small_bytes, NULL))
        small = mmap(NULL, large->small_bytes, PROT_READ | PROT_WRITE, MAP_SHARED,
                     large->overview.fd, 0);
    if (small == MAP_FAILED) {
        copy_release(&large->overview);
        small = mmap(NULL, large->small_bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS,
                     -1, 0);
    }
    if (small == MAP_FAILED)
        return no_memory(err);
    large->small = small;
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

/* The sum of LARGE_STEP x LARGE_STEP whole numbers, which lie `stride` samples apart. */
#define SUM(type, name)                                                                            \
    static uint32_t name(const type *at, size_t row, size_t stride)                                \
    {                                                                                              \
        uint32_t sum = 0;                                                                          \
                                                                                                   \
        for (int v = 0; v < LARGE_STEP; v++, at += row)                                            \
            for (size_t u = 0; u < LARGE_STEP; u++)                                                \
                sum += at[u * stride];                                                             \
        return sum;                                                                                \
    }
SUM(uint8_t, sum_of_u8)
SUM(uint16_t, sum_of_u16)

static double value_of(const struct plane *band, int x, int y, int channel)
{
    const size_t stride = (size_t)band->channels, row = (size_t)band->width * stride;
    const size_t at = (size_t)y * row + (size_t)x * stride + (size_t)channel;
    const double all = LARGE_STEP * LARGE_STEP;

    if (band->sample == UNET_F32 || x + LARGE_STEP > band->width || y + LARGE_STEP > band->height)
        return mean(band, x, y, channel);
    if (band->sample == UNET_U8)
        return sum_of_u8((const uint8_t *)band->samples + at, row, stride) / all;
    return sum_of_u16((const uint16_t *)band->samples + at, row, stride) / all;
}

/* Rows of the small copy from those of a band, which begins at row band->y of the image. */
static void reduce(struct large *large, const struct plane *band)
{
    const int first = band->y >> LARGE_LEVEL, rows = picture_side(band->height, LARGE_LEVEL);
    size_t at = (size_t)first * (size_t)large->small_width * (size_t)band->channels;

    for (int y = 0; y < rows; y++)
        for (int x = 0; x < large->small_width; x++)
            for (int c = 0; c < band->channels; c++, at++) {
                const double value = value_of(band, x * LARGE_STEP, y * LARGE_STEP, c);

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

/* So many rows of the image are done; 0: the program ends. */
static int tell(struct pictures *pictures, struct large *large, int rows)
{
    int ending;

    pthread_mutex_lock(&pictures->lock);
    large->rows = picture_side(rows, LARGE_LEVEL);
    large->out = rows;
    ending = pictures->ending;
    pthread_cond_broadcast(&pictures->changed);
    pthread_mutex_unlock(&pictures->lock);
    if (large->rows < large->small_height) /* of the last the worker tells */
        pictures->grown(pictures->context, large->image, (double)large->rows / large->small_height);
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
        if (!code && large->in_order && !write_out(large->pixels.fd, samples, row * (size_t)height))
            code = set_error(err, UNET_EIO, "%s: cannot be written: %s", large->pixels.path,
                             strerror(errno));
        if (code)
            break;
        reduce(large, &band);
        if (!tell(pictures, large, y + height))
            code = set_error(err, UNET_ESTOPPED, "unet studio ends");
    }
    free(samples);
    return code;
}

unet_code large_make(struct pictures *pictures, struct large *large, unet_error *err)
{
    const struct studio_image *what = &pictures->images[large->image];
    const size_t bytes = picture_bytes(what);
    unet_source *source = NULL;
    unet_code code = map_small(pictures, large, err);

    if (!code && large->in_order)
        code = copy_begin(&large->pixels, pictures->folder, large->image, "pixels", bytes, err);
    if (!code)
        code = unet_source_open(what->path, &source, err);
    if (!code)
        code = go_through(pictures, large, source, err);
    unet_source_close(source);
    if (!code)
        copy_keep(&large->pixels, what, bytes);
    if (!code)
        copy_keep(&large->overview, what, large->small_bytes);
    return code;
}
