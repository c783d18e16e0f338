/* SPDX-License-Identifier: Apache-2.0 */
/*
 * survey_measure.c - the numbers of one image and its mask
 *
 * Percentiles come from 65536 bins: 8 and 16-bit samples have a bin each,
 * floats share one where their upper 16 bits are the same (in order of value),
 * so they are exact to one part in 128.
 */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "data/survey/survey.h"

#define BINS 65536
#define PRIME 0x9e3779b97f4a7c15u

static uint32_t bin_of(const unet_image *image, size_t i)
{
    if (image->sample == UNET_U8)
        return ((const uint8_t *)image->data)[i];
    if (image->sample == UNET_U16)
        return ((const uint16_t *)image->data)[i];
    uint32_t bits;
    memcpy(&bits, (const float *)image->data + i, sizeof bits);
    return (bits & 0x80000000u ? ~bits : bits | 0x80000000u) >> 16;
}

double un_survey_bin_value(unet_sample sample, uint32_t bin)
{
    if (sample != UNET_F32)
        return bin;
    uint32_t key = bin << 16, bits = key & 0x80000000u ? key & 0x7fffffffu : ~key;
    float value;
    memcpy(&value, &bits, sizeof value);
    return (double)value;
}

double un_survey_quantile(const uint64_t *bins, unet_sample sample, double share)
{
    const uint32_t kinds = sample == UNET_U8 ? 256 : BINS;
    uint64_t count = 0;
    for (uint32_t i = 0; i < kinds; i++)
        count += bins[i];
    uint64_t rank = count ? (uint64_t)(share * (double)(count - 1)) : 0;
    for (uint32_t i = 0; i < kinds; i++) {
        if (rank < bins[i])
            return un_survey_bin_value(sample, i);
        rank -= bins[i];
    }
    return 0;
}

static uint64_t hash_bytes(uint64_t hash, const void *data, size_t size)
{
    const uint8_t *byte = data;
    for (; size >= 8; size -= 8, byte += 8) {
        uint64_t word;
        memcpy(&word, byte, sizeof word);
        hash = (hash ^ word) * PRIME;
        hash ^= hash >> 29;
    }
    for (; size; size--, byte++)
        hash = (hash ^ *byte) * PRIME;
    return hash ^ hash >> 31;
}

static uint64_t hash_shape(int height, int width, int channels, int sample)
{
    const int shape[4] = {height, width, channels, sample};
    return hash_bytes(PRIME, shape, sizeof shape);
}

/* The largest number of which both are multiples. */
static unsigned common_step(unsigned a, unsigned b)
{
    while (b) {
        unsigned rest = a % b;
        a = b;
        b = rest;
    }
    return a;
}

static unet_code measure_samples(unet_survey *survey, struct un_survey_item *item,
                                 const unet_image *image, unet_error *err)
{
    unet_survey_pair *seen = &item->seen;
    size_t C = (size_t)image->channels, n = un_image_bytes(image) / un_sample_bytes(image->sample);
    uint64_t *bins = calloc(BINS, sizeof *bins), top = 0;
    double sum[3] = {0};
    if (!bins)
        return un_fail_memory(err, BINS * sizeof *bins, "percentiles");
    seen->low = INFINITY;
    seen->high = -INFINITY;
    item->step = 0;
    for (size_t i = 0; i < n; i++) {
        double v = un_sample_at(image, i);
        bins[bin_of(image, i)]++;
        if (v > seen->high) {
            seen->high = v;
            top = 0;
        }
        seen->low = v < seen->low ? v : seen->low;
        top += v == seen->high;
        if (image->sample == UNET_U16 && item->step != 1)
            item->step = common_step(item->step, (unsigned)v);
        if (i % C < 3)
            sum[i % C] += v;
    }
    if (item->filled && item->filled < n)
        bins[bin_of(image, item->covered)] -= item->filled;
    for (size_t c = 0; c < 3 && c < C; c++)
        seen->mean[c] = sum[c] / (double)(n / C);
    seen->saturated = (double)top / (double)n;
    seen->dark = un_survey_quantile(bins, image->sample, 0.001);
    seen->bright = un_survey_quantile(bins, image->sample, 0.999);
    pthread_mutex_lock(&survey->lock);
    for (int i = 0; image->sample == UNET_U8 && i < 256; i++)
        survey->bytes[i] += bins[i];
    for (int i = 0; image->sample != UNET_U8 && i < BINS; i++)
        survey->histogram[i] += bins[i];
    pthread_mutex_unlock(&survey->lock);
    free(bins);
    return UNET_OK;
}

/* Part i of `parts` equal ones of a side, at least a pixel. */
static void part_of(int side, int i, int parts, int *from, int *to)
{
    *from = (int)((int64_t)side * i / parts);
    *to = (int)((int64_t)side * (i + 1) / parts);
    *to = *to > *from ? *to : *from + 1;
}

static unet_code make_thumb(const unet_image *image, float **thumb, unet_error *err)
{
    enum { SIDE = UN_SURVEY_THUMB };
    float *made = malloc(SIDE * SIDE * sizeof *made);
    double mean = 0, squares = 0;
    if (!made)
        return un_fail_memory(err, SIDE * SIDE * sizeof *made, "thumbnail");
    for (int y = 0; y < SIDE; y++)
        for (int x = 0; x < SIDE; x++) {
            int top, bottom, left, right;
            double sum = 0;
            part_of(image->height, y, SIDE, &top, &bottom);
            part_of(image->width, x, SIDE, &left, &right);
            for (int i = top; i < bottom; i++)
                for (int j = left; j < right; j++)
                    sum += un_grey_at(image, (size_t)i * (size_t)image->width + (size_t)j);
            made[y * SIDE + x] = (float)(sum / (bottom - top) / (right - left));
            mean += (double)made[y * SIDE + x] / (SIDE * SIDE);
        }
    for (int i = 0; i < SIDE * SIDE; i++) {
        made[i] -= (float)mean;
        squares += (double)made[i] * (double)made[i];
    }
    /* below that, what is left is rounding */
    float scale = sqrt(squares) > 1e-6 * SIDE * fabs(mean) ? (float)(1 / sqrt(squares)) : 0;
    for (int i = 0; i < SIDE * SIDE; i++)
        made[i] *= scale;
    *thumb = made;
    return UNET_OK;
}

static uint64_t count_not_finite(const unet_image *image)
{
    const float *value = image->data;
    size_t n = un_image_bytes(image) / sizeof *value;
    uint64_t count = 0;
    for (size_t i = 0; image->sample == UNET_F32 && i < n; i++)
        count += !isfinite(value[i]);
    return count;
}

unet_code un_survey_measure(unet_survey *survey, struct un_survey_item *item,
                            const unet_image *image, const uint8_t *mask, unet_error *err)
{
    unet_survey_pair *seen = &item->seen;
    uint64_t broken = count_not_finite(image);
    seen->fit = NAN;
    if (broken)
        return un_survey_report(survey, UNET_ERROR, UNET_FOUND_NOT_FINITE,
                                (int)(item - survey->items), -1,
                                (double[4]){(double)broken, 0, 0, 0}, NULL, err);
    seen->readable = 1;
    seen->height = image->height;
    seen->width = image->width;
    seen->channels = image->channels;
    seen->sample = image->sample;
    seen->prepared = image->prepared;
    seen->grey = un_view_is_grey(un_view_of(image)) && (image->channels == 1 || !image->prepared);
    item->hash[0] =
        hash_bytes(hash_shape(image->height, image->width, image->channels, (int)image->sample),
                   image->data, un_image_bytes(image));
    unet_code code = measure_samples(survey, item, image, err);
    if (code || (code = make_thumb(image, &item->thumb, err)) || !mask)
        return code;
    item->hash[1] = hash_bytes(hash_shape(image->height, image->width, 1, 0), mask,
                               (size_t)image->height * (size_t)image->width);
    if ((code = un_survey_look(item, image, mask, err)) ||
        (code = un_survey_align(image, mask, seen->dark, seen->bright, &item->maps, &item->align,
                                err)))
        return code;
    item->strokes = un_survey_strokes(item, image, mask);
    if (item->align.known)
        seen->fit = item->align.here;
    return UNET_OK;
}
