/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Four sums run side by side over words of 8 bytes, each multiplied and turned, so that the
 * processor works on memory's speed and not on the length of a chain of multiplications.
 */
#include "train/trainer.h"

#include <string.h>

#include "base/number.h"

static const uint64_t odd = 0x9E3779B97F4A7C15u; /* 2^64 / golden ratio */

static uint64_t turn(uint64_t x, int by)
{
    return x << by | x >> (64 - by);
}

/* Stafford's variant 13 of the finaliser of MurmurHash3, by which every bit moves every other. */
static uint64_t finish(uint64_t x)
{
    x = (x ^ x >> 30) * 0xBF58476D1CE4E5B9u;
    x = (x ^ x >> 27) * 0x94D049BB133111EBu;
    return x ^ x >> 31;
}

/* Eight bytes of values as a little-endian processor has them. */
static uint64_t little_word(uint64_t word, int bytes)
{
    if (UN_HOST_BIG && bytes < 8) /* the first value becomes the lowest */
        word = turn(word, 32);
    if (UN_HOST_BIG && bytes < 4)
        word = (word & 0x0000FFFF0000FFFFu) << 16 | (word >> 16 & 0x0000FFFF0000FFFFu);
    if (UN_HOST_BIG && bytes < 2)
        word = (word & 0x00FF00FF00FF00FFu) << 8 | (word >> 8 & 0x00FF00FF00FF00FFu);
    return word;
}

uint64_t un_hash(uint64_t seed, const void *values, size_t count, int bytes)
{
    const unsigned char *at = values;
    uint64_t lane[4] = {seed, seed + odd, seed + 2 * odd, seed + 3 * odd}, word[4];
    size_t left = count;
    for (; left >= sizeof word; left -= sizeof word, at += sizeof word) {
        memcpy(word, at, sizeof word);
        for (int i = 0; i < 4; i++)
            lane[i] = turn(lane[i] ^ little_word(word[i], bytes), 29) * odd;
    }
    memset(word, 0, sizeof word);
    if (left)
        memcpy(word, at, left);
    uint64_t sum = finish(count + seed);
    for (int i = 0; i < 4; i++)
        sum = finish(sum ^ turn(lane[i] ^ little_word(word[i], bytes), 29) * odd);
    return sum;
}

/* The hashes of one image; a name is no part of what makes a tile, but says what has changed. */
static struct un_fingerprint of_pair(const struct un_sample_pair *pair)
{
    const unet_image *image = &pair->image;
    const int shape[] = {image->height, image->width, image->channels, (int)image->sample};
    const size_t pixels = (size_t)image->height * image->width;
    struct un_fingerprint print = {.images = 1};
    print.names = pair->name ? un_hash(1, pair->name, strlen(pair->name), 1) : 0;
    print.pixels = un_hash(un_hash(2, shape, sizeof shape, sizeof *shape), image->data,
                           un_image_bytes(image), (int)un_sample_bytes(image->sample));
    print.masks = un_hash(3, pair->mask, pixels, 1);
    if (pair->objects)
        print.masks = un_hash(print.masks, pair->objects, pixels * sizeof *pair->objects,
                              sizeof *pair->objects);
    return print;
}

/* Images whose hashes are kept until all of them are there, and go into the set's in order. */
enum { TOGETHER = 256 };

struct prints {
    const struct un_sample_pair *pairs;
    struct un_fingerprint of[TOGETHER];
};

static void print_pair(void *context, int i, int thread)
{
    struct prints *p = context;
    (void)thread;
    p->of[i] = of_pair(&p->pairs[i]);
}

struct un_fingerprint un_fingerprint_of(const unet_dataset *dataset, struct un_pool *pool)
{
    struct un_fingerprint all = {.images = dataset ? dataset->count : 0};
    struct prints some;
    for (int first = 0; first < all.images; first += TOGETHER) {
        const int count = all.images - first < TOGETHER ? all.images - first : TOGETHER;
        some.pairs = dataset->pairs + first;
        un_pool_run(pool, count, print_pair, &some);
        for (int i = 0; i < count; i++) {
            all.names = finish(all.names * odd + some.of[i].names);
            all.pixels = finish(all.pixels * odd + some.of[i].pixels);
            all.masks = finish(all.masks * odd + some.of[i].masks);
        }
    }
    return all;
}
