/* SPDX-License-Identifier: Apache-2.0 */
/*
 * quantile.c - exact order statistics of many images without sorting them
 *
 * Every sample, as a float, maps to a 32-bit key with the same order.  One pass counts the upper
 * 16 bits of all keys; the rank wanted lies in one of these 65536 bins, and a second pass counts
 * the lower 16 bits of the keys in that bin.
 */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "image/image.h"

#define BINS 65536

/* Flips the bits of a float so that unsigned order is the order of the values. */
static uint32_t key_of(float value)
{
    uint32_t bits;
    memcpy(&bits, &value, sizeof bits);
    return bits & 0x80000000u ? ~bits : bits | 0x80000000u;
}

static float value_of(uint32_t key)
{
    uint32_t bits = key & 0x80000000u ? key & 0x7fffffffu : ~key;
    float value;
    memcpy(&value, &bits, sizeof value);
    return value;
}

/* Counts the lower half of the keys whose upper half is `upper`; upper < 0: the upper half of all.
 * Returns how many were counted. */
static uint64_t count(const unet_image *image, struct un_fill fill, int upper, uint64_t *bins)
{
    size_t n = un_image_bytes(image) / un_sample_bytes(image->sample);
    const uint8_t *u8 = image->data;
    const uint16_t *u16 = image->data;
    const float *f32 = image->data;
    uint64_t counted = 0;
    for (size_t i = 0; i < n; i++) {
        float v = image->sample == UNET_U8 ? u8[i] : image->sample == UNET_U16 ? u16[i] : f32[i];
        uint32_t key = key_of(v);
        if (!isfinite(v) || un_is_fill(fill, v) || (upper >= 0 && key >> 16 != (uint32_t)upper))
            continue;
        bins[upper < 0 ? key >> 16 : key & 0xffff]++;
        counted++;
    }
    return counted;
}

/* The bin that holds rank *rank, which becomes the rank inside the bin. */
static uint32_t find(const uint64_t *bins, uint64_t *rank)
{
    uint32_t bin = 0;
    for (; bin < BINS - 1 && *rank >= bins[bin]; bin++)
        *rank -= bins[bin];
    return bin;
}

unet_code un_image_quantiles(const unet_image *const *images, const struct un_fill *fills,
                             int image_count, const double *share, float *value, int value_count,
                             unet_error *err)
{
    const struct un_fill none = {false, 0};
    uint64_t *bins = calloc(2 * BINS, sizeof *bins), *lower = bins + BINS, n = 0;
    if (!bins)
        return un_fail_memory(err, 2 * BINS * sizeof *bins, "percentiles");
    for (int j = 0; j < image_count; j++)
        n += count(images[j], fills ? fills[j] : none, -1, bins);
    for (int i = 0; i < value_count; i++) {
        value[i] = 0;
        if (!n)
            continue;
        uint64_t rank = (uint64_t)(share[i] * (double)(n - 1));
        uint32_t upper = find(bins, &rank);
        memset(lower, 0, BINS * sizeof *lower);
        for (int j = 0; j < image_count; j++)
            count(images[j], fills ? fills[j] : none, (int)upper, lower);
        value[i] = value_of(upper << 16 | find(lower, &rank));
    }
    free(bins);
    return UNET_OK;
}
