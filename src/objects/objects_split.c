/* SPDX-License-Identifier: Apache-2.0 */
/* objects_split.c - a component is cut by a watershed on how far its pixels lie from its border */
#include "objects/objects_stream.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#define FINE 64 /* steps of a pixel, where heights are means of distances */

/* What is at least so deep inside an object, of 255. */
static const uint8_t levels[] = {102, 153, 204};

struct flood {
    int height, width;
    bool squared;       /* what distance has: squares, or FINE times a mean; 0: outside */
    uint32_t *distance; /* [height][width] */
    uint8_t *deep;      /* [height][width]: reaches the first level; NULL: there are none */
    uint32_t *order;    /* pixels of the component, innermost first */
    uint32_t *spare;
    uint32_t *part; /* [height][width]: 0: none yet, else its number + 1 */
    uint32_t pixels;
    uint32_t *parent, *peak; /* of parts; peak: its greatest distance */
    uint32_t parts, room;
};

/* ---- distances ---- */

/* Pixels of the component that are at least so deep inside. */
static void mark(const struct un_split *split, const struct un_window *window, uint8_t least,
                 struct flood *f)
{
    for (int y = 0; y < split->height; y++) {
        const struct un_window_row *row = &window->rows[split->top + y];
        uint32_t *to = f->distance + (size_t)y * (size_t)f->width;
        size_t i = un_window_find(window, split->top + y, split->left);
        for (int x = 0; x < split->width; i++) {
            int end = (int)row->runs[i].end - split->left;
            end = end < split->width ? end : split->width;
            for (; x < end; x++)
                to[x] = row->runs[i].id == split->id &&
                        (!least || row->inner[split->left + x] >= least);
        }
    }
}

/* The mean of the distances to what is less deep than each level, and a quarter of the component's
 * own. */
static unet_code measure_inner(const struct un_split *split, const struct un_window *window,
                               struct flood *f, unet_error *err)
{
    const int count = (int)(sizeof levels / sizeof *levels);
    const size_t area = (size_t)f->height * (size_t)f->width;
    uint32_t *sum = f->spare;
    memset(sum, 0, area * sizeof *sum);
    for (int l = -1; l < count; l++) {
        const double weight = l < 0 ? FINE / 4.0 : (double)FINE / count;
        mark(split, window, l < 0 ? 0 : levels[l], f);
        for (size_t i = 0; i < area && l == 0; i++)
            f->deep[i] = f->distance[i] != 0;
        unet_code code = un_distance_squared(f->distance, f->height, f->width, err);
        if (code)
            return code;
        for (size_t i = 0; i < area; i++)
            if (f->distance[i])
                sum[i] += (uint32_t)(weight * sqrt((double)f->distance[i]) + 0.5);
    }
    f->spare = f->distance;
    f->distance = sum;
    return UNET_OK;
}

/* In pixels. */
static double height_of(const struct flood *f, uint32_t distance)
{
    return f->squared ? sqrt((double)distance) : (double)distance / FINE;
}

/* ---- order ---- */

/* By falling distance, equal ones as they come: a radix sort of four bytes. */
static void sort(struct flood *f)
{
    const size_t area = (size_t)f->height * (size_t)f->width;
    uint32_t most = 0;
    f->pixels = 0;
    for (size_t i = 0; i < area; i++)
        if (f->distance[i]) {
            f->order[f->pixels++] = (uint32_t)i;
            most = f->distance[i] > most ? f->distance[i] : most;
        }
    for (int shift = 0; shift < 32 && most >> shift; shift += 8) {
        uint32_t starts[257] = {0};
        for (uint32_t i = 0; i < f->pixels; i++)
            starts[256 - (f->distance[f->order[i]] >> shift & 255)]++;
        for (int k = 1; k < 257; k++)
            starts[k] += starts[k - 1];
        for (uint32_t i = 0; i < f->pixels; i++)
            f->spare[starts[255 - (f->distance[f->order[i]] >> shift & 255)]++] = f->order[i];
        uint32_t *sorted = f->spare;
        f->spare = f->order;
        f->order = sorted;
    }
}

/* ---- flooding ---- */

static uint32_t find(uint32_t *parent, uint32_t part)
{
    while (parent[part] != part)
        part = parent[part] = parent[parent[part]];
    return part;
}

static unet_code begin_part(struct flood *f, uint32_t pixel, unet_error *err)
{
    if (f->parts == f->room) {
        const uint32_t room = f->room ? 2 * f->room : 64;
        uint32_t *parent = realloc(f->parent, room * sizeof *parent);
        if (parent)
            f->parent = parent;
        uint32_t *peak = realloc(f->peak, room * sizeof *peak);
        if (peak)
            f->peak = peak;
        if (!parent || !peak)
            return un_fail_memory(err, room * 2 * sizeof *peak, "objects");
        f->room = room;
    }
    f->parent[f->parts] = f->parts;
    f->peak[f->parts] = f->distance[pixel];
    f->part[pixel] = ++f->parts;
    return UNET_OK;
}

/* The neighbours of a pixel in raster order, in at[]; how many. */
static int neighbours(const struct flood *f, uint32_t pixel, uint32_t at[8])
{
    const int y = (int)(pixel / (uint32_t)f->width), x = (int)(pixel % (uint32_t)f->width);
    int count = 0;
    for (int v = y - 1; v <= y + 1; v++)
        for (int u = x - 1; u <= x + 1; u++)
            if ((v != y || u != x) && v >= 0 && u >= 0 && v < f->height && u < f->width)
                at[count++] = (uint32_t)v * (uint32_t)f->width + (uint32_t)u;
    return count;
}

/* Which of the neighbours that have a part lies deepest; -1: none has. */
static int deepest_of(const struct flood *f, const uint32_t *at, int count)
{
    int best = -1;
    for (int k = 0; k < count; k++)
        if (f->part[at[k]] && (best < 0 || f->distance[at[k]] > f->distance[at[best]]))
            best = k;
    return best;
}

/* Two parts meet at a pixel of distance `here`. */
static void meet(struct flood *f, uint32_t a, uint32_t b, double here, double depth)
{
    a = find(f->parent, a);
    b = find(f->parent, b);
    if (a == b)
        return;
    /* of equally high ones the part that began first counts as the higher */
    const bool first = f->peak[a] > f->peak[b] || (f->peak[a] == f->peak[b] && a < b);
    const uint32_t high = first ? a : b, low = first ? b : a;
    if (height_of(f, f->peak[low]) - here < depth)
        f->parent[low] = high;
}

static unet_code flood(struct flood *f, double depth, unet_error *err)
{
    unet_code code = UNET_OK;
    for (uint32_t i = 0; i < f->pixels && !code; i++) {
        const uint32_t pixel = f->order[i];
        const double here = height_of(f, f->distance[pixel]);
        uint32_t at[8];
        const int count = neighbours(f, pixel, at), deepest = deepest_of(f, at, count);
        if (deepest < 0) {
            code = begin_part(f, pixel, err);
            continue;
        }
        for (int k = 0; k < count; k++)
            if (f->part[at[k]])
                meet(f, f->part[at[k]] - 1, f->part[at[deepest]] - 1, here, depth);
        f->part[pixel] = f->part[at[deepest]];
    }
    return code;
}

/* ---- small parts, and numbers ---- */

/* Replaces part by its root's number + 1 everywhere. */
static void settle(struct flood *f)
{
    for (uint32_t i = 0; i < f->pixels; i++)
        f->part[f->order[i]] = find(f->parent, f->part[f->order[i]] - 1) + 1;
}

/*
 * Between the outermost rims of two parts the height is level, and which of them floods it first
 * means nothing: what is not deep goes to the nearest pixel that is, in steps to neighbours.  A
 * part without any stays as it is.
 */
static void share_rims(struct flood *f)
{
    const size_t area = (size_t)f->height * (size_t)f->width;
    uint32_t *queue = f->spare, count = 0;
    memset(f->peak, 0, f->parts * sizeof *f->peak);
    for (size_t i = 0; i < area; i++)
        if (f->part[i] && f->deep[i])
            f->peak[f->part[i] - 1] = 1;
    for (size_t i = 0; i < area; i++) {
        if (!f->part[i])
            continue;
        if (f->deep[i] || !f->peak[f->part[i] - 1])
            queue[count++] = (uint32_t)i;
        else
            f->part[i] = 0;
    }
    for (uint32_t i = 0; i < count; i++) {
        uint32_t at[8];
        const int around = neighbours(f, queue[i], at);
        for (int k = 0; k < around; k++)
            if (f->distance[at[k]] && !f->part[at[k]]) {
                f->part[at[k]] = f->part[queue[i]];
                queue[count++] = at[k];
            }
    }
}

/*
 * Where parts meet, from the innermost pixel to the outermost, one that is too small becomes one
 * with the other; so each small part goes by its highest saddle.
 */
static unet_code merge_small(struct flood *f, int minimum_area, unet_error *err)
{
    uint32_t *areas = calloc(f->parts, sizeof *areas);
    if (!areas)
        return un_fail_memory(err, f->parts * sizeof *areas, "objects");
    for (uint32_t i = 0; i < f->pixels; i++)
        areas[f->part[f->order[i]] - 1]++;
    for (uint32_t i = 0; i < f->pixels; i++) {
        const uint32_t pixel = f->order[i], here = f->distance[pixel];
        uint32_t at[8];
        const int count = neighbours(f, pixel, at);
        for (int k = 0; k < count; k++) {
            const uint32_t there = f->distance[at[k]];
            if (!f->part[at[k]] || there < here || (there == here && at[k] > pixel))
                continue; /* it comes later, and sees this one */
            const uint32_t a = find(f->parent, f->part[pixel] - 1);
            const uint32_t b = find(f->parent, f->part[at[k]] - 1);
            if (a == b ||
                (areas[a] >= (uint32_t)minimum_area && areas[b] >= (uint32_t)minimum_area))
                continue;
            f->parent[b] = a;
            areas[a] += areas[b];
        }
    }
    free(areas);
    settle(f);
    return UNET_OK;
}

static uint32_t number(struct flood *f)
{
    const size_t area = (size_t)f->height * (size_t)f->width;
    uint32_t count = 0;
    memset(f->peak, 0, f->parts * sizeof *f->peak);
    for (size_t i = 0; i < area; i++) {
        if (!f->part[i])
            continue;
        uint32_t *given = &f->peak[f->part[i] - 1];
        if (!*given)
            *given = ++count;
        f->part[i] = *given;
    }
    return count;
}

unet_code un_split_component(const struct un_split *split, const struct un_window *window,
                             uint32_t **parts, uint32_t *count, unet_error *err)
{
    const size_t area = (size_t)split->height * (size_t)split->width;
    struct flood f = {.height = split->height, .width = split->width, .squared = !split->inner};
    unet_code code = UNET_OK;
    f.distance = malloc(area * sizeof *f.distance);
    f.order = malloc(area * sizeof *f.order);
    f.spare = malloc(area * sizeof *f.spare);
    f.part = calloc(area, sizeof *f.part);
    f.deep = split->inner ? calloc(area, 1) : NULL;
    if (!f.distance || !f.order || (split->inner && !f.deep) || !f.spare || !f.part) {
        code = un_fail_memory(err, area * 4 * sizeof *f.part, "objects");
        goto done;
    }
    if (split->inner) {
        code = measure_inner(split, window, &f, err);
    } else {
        mark(split, window, 0, &f);
        code = un_distance_squared(f.distance, f.height, f.width, err);
    }
    if (code)
        goto done;
    sort(&f);
    if ((code = flood(&f, split->depth, err)))
        goto done;
    settle(&f);
    if (f.deep)
        share_rims(&f);
    if (split->minimum_area > 1 && (code = merge_small(&f, split->minimum_area, err)))
        goto done;
    *count = number(&f);
    *parts = f.part;
    f.part = NULL;
done:
    free(f.distance);
    free(f.deep);
    free(f.order);
    free(f.spare);
    free(f.part);
    free(f.parent);
    free(f.peak);
    return code;
}
