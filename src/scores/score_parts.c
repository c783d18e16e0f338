/* SPDX-License-Identifier: Apache-2.0 */
/*
 * score_parts.c - connected parts of a class in memory, and how they grow
 *
 * A part is flooded from its first pixel in raster order, so numbers are in that order.
 */
#include <stdlib.h>

#include "scores/score.h"

/* The first four share a side. */
static const int steps[8][2] = {{-1, 0},  {0, -1}, {0, 1},  {1, 0},
                                {-1, -1}, {-1, 1}, {1, -1}, {1, 1}};

/* Where step k from pixel i leads; false: out of the plane. */
static bool go(const struct un_plane *plane, size_t i, int k, size_t *to)
{
    size_t W = (size_t)plane->width;
    long y = (long)(i / W) + steps[k][0], x = (long)(i % W) + steps[k][1];
    *to = (size_t)y * W + (size_t)x;
    return y >= 0 && y < plane->height && x >= 0 && x < plane->width;
}

static void flood(const struct un_plane *plane, const uint8_t *mask, size_t first, uint32_t id,
                  uint32_t *ids, size_t *stack)
{
    size_t top = 0;
    uint8_t label = mask[first];
    stack[top++] = first;
    ids[first] = id;
    while (top) {
        size_t from = stack[--top], to;
        for (int k = 0; k < plane->connectivity; k++)
            if (go(plane, from, k, &to) && mask[to] == label && !ids[to]) {
                ids[to] = id;
                stack[top++] = to;
            }
    }
}

unet_code un_score_parts(const struct un_plane *plane, const uint8_t *mask, int label,
                         uint32_t *ids, uint32_t *parts, unet_error *err)
{
    size_t count = (size_t)plane->height * (size_t)plane->width;
    size_t *stack = malloc(count * sizeof *stack);
    uint32_t found = 0;
    if (!stack)
        return un_fail_memory(err, count * sizeof *stack, "connected parts");
    for (size_t i = 0; i < count; i++)
        ids[i] = 0;
    for (size_t i = 0; i < count; i++)
        if (mask[i] == label && !ids[i])
            flood(plane, mask, i, ++found, ids, stack);
    free(stack);
    if (parts)
        *parts = found;
    return UNET_OK;
}

unet_code un_score_parts_grow(const struct un_plane *plane, uint32_t *ids, unet_error *err)
{
    size_t count = (size_t)plane->height * (size_t)plane->width, end = 0;
    size_t *queue = malloc(count * sizeof *queue);
    if (!queue)
        return un_fail_memory(err, count * sizeof *queue, "growing objects");
    for (size_t i = 0; i < count; i++)
        if (ids[i])
            queue[end++] = i;
    for (size_t next = 0; next < end; next++)
        for (int k = 0; k < 4; k++) {
            size_t to;
            if (go(plane, queue[next], k, &to) && !ids[to]) {
                ids[to] = ids[queue[next]];
                queue[end++] = to;
            }
        }
    free(queue);
    return UNET_OK;
}
