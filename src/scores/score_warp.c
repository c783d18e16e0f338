/* SPDX-License-Identifier: Apache-2.0 */
/*
 * score_warp.c - warping error
 *
 * Jain et al. 2010 ("Boundary learning by optimization with topological constraints", CVPR).  The
 * truth is changed where it disagrees with the prediction, a pixel at a time and only at simple
 * points: pixels whose change neither joins, splits, makes nor removes an object or a hole.  What
 * is left when no disagreeing pixel is simple is the error: splits, mergers, holes and specks, at
 * the price of a few pixels each, while a boundary that lies a bit aside costs nothing.
 *
 * A pixel is simple when, among its eight neighbours, exactly one part of the inside touches it and
 * exactly one of the outside, each by its own connectivity (Bertrand and Malandain 1994), where
 * beyond the image all is outside.  That takes 256 cases, and a table of them.  Pixels are looked
 * at in raster order first, then whenever a neighbour has changed, in the order of changes; this
 * finds a warp of which no single pixel more can be changed, as the authors' own search does, not
 * the best of all.
 */
#include <stdlib.h>
#include <string.h>

#include "scores/score.h"

/* Around the pixel; bit k of a pattern is set where neighbour k is inside. */
static const int ring[8][2] = {{-1, -1}, {-1, 0}, {-1, 1}, {0, 1},
                               {1, 1},   {1, 0},  {1, -1}, {0, -1}};

/*
 * Parts of the set bits of a pattern that touch the middle.  Going around the ring, neighbours in a
 * row share a side, and odd ones share a side with the middle; even ones are corners.  By sides: a
 * run counts if it has an odd one.  By corners too: a corner that is not set between two odd ones
 * that are does not part them.
 */
static int count_parts(unsigned pattern, int connectivity)
{
    unsigned linked = pattern;
    int parts = 0;
    if (connectivity == 8)
        for (int k = 0; k < 8; k += 2)
            if ((pattern >> ((k + 1) % 8) & 1) && (pattern >> ((k + 7) % 8) & 1))
                linked |= 1u << k;
    if (linked == 255)
        return 1;
    for (int k = 0; k < 8; k++) {
        bool touches = false;
        if ((linked >> k & 1) || !(linked >> ((k + 1) % 8) & 1))
            continue;
        for (int j = 1; linked >> ((k + j) % 8) & 1; j++)
            touches = touches || connectivity == 8 || (k + j) % 2 == 1;
        parts += touches;
    }
    return parts;
}

struct warp {
    const struct un_plane *plane;
    const uint8_t *predicted, *truth;
    uint8_t *now;   /* the warped truth */
    uint8_t *fixed; /* 1: may not change */
    uint8_t *queued;
    size_t *queue; /* a ring of [count]; a pixel is in it at most once */
    size_t count, head, waiting;
    uint8_t simple[256];
};

static bool disagrees(const struct warp *warp, size_t i)
{
    return warp->truth[i] != UNET_IGNORE && warp->now[i] != (warp->predicted[i] != 0);
}

static void look_later(struct warp *warp, size_t i)
{
    if (warp->queued[i] || warp->fixed[i] || !disagrees(warp, i))
        return;
    warp->queued[i] = 1;
    warp->queue[(warp->head + warp->waiting++) % warp->count] = i;
}

/* The pattern around pixel i; where in [8] are its neighbours, SIZE_MAX: beyond the image. */
static unsigned look_around(const struct warp *warp, size_t i, size_t where[8])
{
    size_t W = (size_t)warp->plane->width;
    unsigned pattern = 0;
    for (int k = 0; k < 8; k++) {
        long y = (long)(i / W) + ring[k][0], x = (long)(i % W) + ring[k][1];
        where[k] = SIZE_MAX;
        if (y < 0 || x < 0 || y >= warp->plane->height || x >= warp->plane->width)
            continue;
        where[k] = (size_t)y * W + (size_t)x;
        pattern |= (unsigned)warp->now[where[k]] << k;
    }
    return pattern;
}

static void change_all(struct warp *warp)
{
    for (size_t i = 0; i < warp->count; i++)
        look_later(warp, i);
    while (warp->waiting) {
        size_t where[8], i = warp->queue[warp->head];
        warp->head = (warp->head + 1) % warp->count;
        warp->waiting--;
        warp->queued[i] = 0;
        if (!warp->simple[look_around(warp, i, where)])
            continue;
        warp->now[i] ^= 1;
        for (int k = 0; k < 8; k++)
            if (where[k] != SIZE_MAX)
                look_later(warp, where[k]);
    }
}

/* Fixes the pixels that have no pixel of the other kind within `distance` steps of a king: marks
 * those that have one, then, so many times, their neighbours of any kind. */
static void fix_far(struct warp *warp, int distance)
{
    size_t where[8], i, end = 0;
    uint8_t *far = warp->fixed;
    memset(far, 1, warp->count);
    for (i = 0; i < warp->count; i++) {
        unsigned pattern = look_around(warp, i, where);
        for (int k = 0; k < 8 && far[i]; k++)
            if (where[k] != SIZE_MAX && (pattern >> k & 1) != warp->now[i]) {
                far[i] = 0;
                warp->queue[end++] = i;
            }
    }
    for (size_t begin = 0, level = end; distance > 1 && begin < end; distance--, level = end) {
        for (; begin < level; begin++) {
            look_around(warp, warp->queue[begin], where);
            for (int k = 0; k < 8; k++)
                if (where[k] != SIZE_MAX && far[where[k]]) {
                    far[where[k]] = 0;
                    warp->queue[end++] = where[k];
                }
        }
    }
}

unet_code un_warp(const struct un_plane *plane, const uint8_t *predicted, const uint8_t *truth,
                  int distance, uint8_t *warped, uint64_t *wrong, unet_error *err)
{
    struct warp warp = {.plane = plane, .predicted = predicted, .truth = truth};
    size_t count = warp.count = (size_t)plane->height * (size_t)plane->width;
    uint64_t left = 0;
    warp.now = malloc(count);
    warp.fixed = calloc(count, 1);
    warp.queued = calloc(count, 1);
    warp.queue = malloc(count * sizeof *warp.queue);
    unet_code code = UNET_OK;
    if (!warp.now || !warp.fixed || !warp.queued || !warp.queue) {
        code = un_fail_memory(err, count * (3 + sizeof *warp.queue), "warping error");
        goto done;
    }
    for (unsigned pattern = 0; pattern < 256; pattern++)
        warp.simple[pattern] = count_parts(pattern, plane->connectivity) == 1 &&
                               count_parts(255 - pattern, 12 - plane->connectivity) == 1;
    for (size_t i = 0; i < count; i++)
        warp.now[i] = truth[i] == 1;
    if (distance)
        fix_far(&warp, distance);
    change_all(&warp);
    for (size_t i = 0; i < count; i++)
        left += disagrees(&warp, i);
    if (warped)
        memcpy(warped, warp.now, count);
    *wrong = left;
done:
    free(warp.now);
    free(warp.fixed);
    free(warp.queued);
    free(warp.queue);
    return code;
}
