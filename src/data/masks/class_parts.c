/* SPDX-License-Identifier: Apache-2.0 */
/*
 * class_parts.c - the connected parts of a class mask
 *
 * A pixel takes the number of a pixel of its class before it (left, or in the row above), or a new
 * one; where two numbers meet, the larger one's parent becomes the smaller.  A second walk puts the
 * root in place of each number.
 */
#include "data/masks/border_weight.h"

#include <stdlib.h>

static uint32_t root_of(uint32_t *parent, uint32_t n)
{
    while (parent[n] != n) {
        parent[n] = parent[parent[n]];
        n = parent[n];
    }
    return n;
}

static uint32_t join(uint32_t *parent, uint32_t a, uint32_t b)
{
    a = root_of(parent, a);
    b = root_of(parent, b);
    if (a < b)
        return parent[b] = a;
    return parent[a] = b;
}

/* The number of pixel (y, x); 0: a new one is needed. */
static uint32_t number_before(const uint8_t *mask, const uint32_t *numbers, uint32_t *parent,
                              int width, int y, int x)
{
    size_t W = (size_t)width, i = (size_t)y * W + (size_t)x;
    uint32_t found = x && mask[i - 1] == mask[i] ? numbers[i - 1] : 0;
    for (int u = x > 0 ? x - 1 : 0; y && u <= x + 1 && u < width; u++) {
        size_t j = i - W + (size_t)u - (size_t)x;
        if (mask[j] == mask[i] && numbers[j] != found)
            found = found ? join(parent, found, numbers[j]) : numbers[j];
    }
    return found;
}

unet_code un_class_parts(const uint8_t *mask, int height, int width, uint32_t *numbers,
                         unet_error *err)
{
    size_t count = (size_t)height * (size_t)width;
    /* a new number needs a pixel of its own on the left and above: at most every other pixel of a
     * class, but with several classes each pixel */
    uint32_t *parent = malloc((count + 1) * sizeof *parent), most = 0;
    if (!parent)
        return un_fail_memory(err, (count + 1) * sizeof *parent, "parts of a mask");
    for (int y = 0; y < height; y++)
        for (int x = 0; x < width; x++) {
            size_t i = (size_t)y * (size_t)width + (size_t)x;
            numbers[i] = 0;
            if (!mask[i] || mask[i] == UNET_IGNORE)
                continue;
            numbers[i] = number_before(mask, numbers, parent, width, y, x);
            if (!numbers[i]) {
                numbers[i] = ++most;
                parent[most] = most;
            }
        }
    for (size_t i = 0; i < count; i++)
        if (numbers[i])
            numbers[i] = root_of(parent, numbers[i]);
    free(parent);
    return UNET_OK;
}
