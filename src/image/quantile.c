/* SPDX-License-Identifier: Apache-2.0 */
/*
 * quantile.c - exact order statistics of many images without sorting them
 *
 * Every sample, as a float, maps to a 32-bit key with the same order.  One pass counts the upper
 * 16 bits of all keys; the rank wanted lies in one of these 65536 bins, and a second pass counts
 * the lower 16 bits of the keys in that bin.  Of bytes, one pass counts all.
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

/* Counts a value that so many samples have; returns how many were counted. */
static uint64_t add(float v, uint64_t samples, struct un_fill fill, int upper, uint64_t *bins)
{
    const uint32_t key = key_of(v);
    if (!isfinite(v) || un_is_fill(fill, v) || (upper >= 0 && key >> 16 != (uint32_t)upper))
        return 0;
    bins[upper < 0 ? key >> 16 : key & 0xffff] += samples;
    return samples;
}

/* Bytes have few values: these are counted, once for all that is asked of them. */
static void count_bytes(const unet_image *image, struct un_fill fill, uint64_t values[256])
{
    const size_t n = un_image_bytes(image);
    const uint8_t *byte = image->data;
    uint64_t each[256] = {0};
    for (size_t i = 0; i < n; i++)
        each[byte[i]]++;
    for (int v = 0; v < 256; v++)
        values[v] += un_is_fill(fill, (float)v) ? 0 : each[v];
}

/* Counts the lower half of the keys whose upper half is `upper`; upper < 0: the upper half of all.
 * Returns how many were counted. */
static uint64_t count(const unet_image *image, struct un_fill fill, int upper, uint64_t *bins)
{
    const size_t n = un_image_bytes(image) / un_sample_bytes(image->sample);
    const uint16_t *u16 = image->data;
    const float *f32 = image->data;
    uint64_t counted = 0;
    for (size_t i = 0; i < n; i++)
        counted += add(image->sample == UNET_U16 ? u16[i] : f32[i], 1, fill, upper, bins);
    return counted;
}

/* Images, and what was counted of those of bytes. */
struct samples {
    const unet_image *const *images;
    const struct un_fill *fills; /* [count]; NULL: there is none */
    int count;
    uint64_t bytes[256];
};

static struct un_fill fill_of(const struct samples *all, int i)
{
    return all->fills ? all->fills[i] : (struct un_fill){false, 0};
}

static uint64_t count_all(const struct samples *all, int upper, uint64_t *bins)
{
    uint64_t counted = 0;
    for (int v = 0; v < 256; v++)
        counted += add((float)v, all->bytes[v], (struct un_fill){false, 0}, upper, bins);
    for (int i = 0; i < all->count; i++)
        if (all->images[i]->sample != UNET_U8)
            counted += count(all->images[i], fill_of(all, i), upper, bins);
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
    struct samples all = {.images = images, .fills = fills, .count = image_count};
    uint64_t *bins = calloc(2 * BINS, sizeof *bins), *lower = bins + BINS, n;
    if (!bins)
        return un_fail_memory(err, 2 * BINS * sizeof *bins, "percentiles");
    for (int i = 0; i < image_count; i++)
        if (images[i]->sample == UNET_U8)
            count_bytes(images[i], fill_of(&all, i), all.bytes);
    n = count_all(&all, -1, bins);
    for (int i = 0; i < value_count; i++) {
        value[i] = 0;
        if (!n)
            continue;
        uint64_t rank = (uint64_t)(share[i] * (double)(n - 1));
        uint32_t upper = find(bins, &rank);
        memset(lower, 0, BINS * sizeof *lower);
        count_all(&all, (int)upper, lower);
        value[i] = value_of(upper << 16 | find(lower, &rank));
    }
    free(bins);
    return UNET_OK;
}
