/* SPDX-License-Identifier: Apache-2.0 */
/*
 * outline_trace.c - walking around pixels with the object on the right
 *
 * Every ring has an edge that goes east along the top of a pixel, so each such edge that was not
 * walked yet begins a ring.  Where two pixels touch by a corner alone the walk stays with its own
 * (right before straight on before left).  A ring that comes to such a corner again is cut there in
 * two, so no ring touches itself: what programs that check polygons want.  Clockwise rings are
 * outer ones, the others holes; pixels that hang together by their sides have one outer ring.
 */
#include "objects/outline_trace.h"

#include <stdlib.h>
#include <string.h>

enum { INSIDE = 1, WALKED = 2 };

struct tracer {
    uint8_t *inside;
    int height, width, top, left;
    uint32_t *part;  /* [height][width]; 0: outside, or not reached yet */
    uint32_t *queue; /* [height][width] */
    uint32_t *seen;  /* [height + 1][width + 1] 1 + the place of a corner in the walk; 0: none */
    int (*walk)[2];  /* corners that are no ring yet */
    size_t corners, room;
    struct un_traced *to;
};

uint64_t un_trace_bytes(int height, int width)
{
    return ((uint64_t)height + 1) * ((uint64_t)width + 1) * 13;
}

static bool is_inside(const struct tracer *t, int y, int x)
{
    return y >= 0 && x >= 0 && y < t->height && x < t->width &&
           t->inside[(size_t)y * (size_t)t->width + (size_t)x] & INSIDE;
}

static uint32_t *seen_at(struct tracer *t, int y, int x)
{
    return &t->seen[(size_t)y * ((size_t)t->width + 1) + (size_t)x];
}

/* Numbers the pixels that hang together with one by their sides. */
static void fill_part(struct tracer *t, uint32_t first)
{
    const uint32_t W = (uint32_t)t->width;
    size_t head = 0, tail = 0;
    t->part[first] = ++t->to->parts;
    t->queue[tail++] = first;
    while (head < tail) {
        const uint32_t p = t->queue[head++];
        const int y = (int)(p / W), x = (int)(p % W);
        const int around[4][2] = {{y, x + 1}, {y, x - 1}, {y + 1, x}, {y - 1, x}};
        t->to->area++;
        for (int i = 0; i < 4; i++) {
            const uint32_t q = (uint32_t)around[i][0] * W + (uint32_t)around[i][1];
            if (!is_inside(t, around[i][0], around[i][1]) || t->part[q])
                continue;
            t->part[q] = t->to->parts;
            t->queue[tail++] = q;
        }
    }
}

static unet_code grow(void *array, size_t count, size_t *room, size_t each, unet_error *err)
{
    void **rows = array;
    if (count < *room)
        return UNET_OK;
    const size_t wanted = *room ? 2 * *room : 256;
    void *more = realloc(*rows, wanted * each);
    if (!more)
        return un_fail_memory(err, wanted * each, "an outline");
    *rows = more;
    *room = wanted;
    return UNET_OK;
}

/* The walk's corners from `from` on are a ring, and are taken off. */
static unet_code end_ring(struct tracer *t, size_t from, uint32_t part, unet_error *err)
{
    struct un_traced *to = t->to;
    const size_t count = t->corners - from;
    int64_t twice = 0; /* the area */
    unet_code code = grow(&to->rings, to->ring_count, &to->ring_room, sizeof *to->rings, err);
    while (!code && to->point_room < to->point_count + count)
        code = grow(&to->points, to->point_room, &to->point_room, sizeof *to->points, err);
    if (code)
        return code;
    for (size_t i = from, j = t->corners - 1; i < t->corners; j = i++) {
        twice += (int64_t)t->walk[j][0] * t->walk[i][1] - (int64_t)t->walk[i][0] * t->walk[j][1];
        *seen_at(t, t->walk[i][1], t->walk[i][0]) = 0;
    }
    memcpy(to->points + to->point_count, t->walk + from, count * sizeof *t->walk);
    to->rings[to->ring_count++] = (struct un_traced_ring){to->point_count, count, part, twice < 0};
    to->point_count += count;
    t->corners = from;
    return UNET_OK;
}

/* Adds a corner to the walk.  One that it had before closes a ring, and is walked on from. */
static unet_code add_corner(struct tracer *t, int y, int x, uint32_t part, unet_error *err)
{
    uint32_t *seen = seen_at(t, y, x);
    unet_code code = *seen ? end_ring(t, *seen - 1, part, err) : UNET_OK;
    if (code || (code = grow(&t->walk, t->corners, &t->room, sizeof *t->walk, err)))
        return code;
    t->walk[t->corners][0] = x;
    t->walk[t->corners++][1] = y;
    *seen = (uint32_t)t->corners;
    return UNET_OK;
}

/* The ring that goes east along the top of a pixel. */
static unet_code walk(struct tracer *t, int top, int left, unet_error *err)
{
    /* of the directions east, south, west, north: a step, and the pixels ahead left and right */
    static const int step[4][2] = {{0, 1}, {1, 0}, {0, -1}, {-1, 0}};
    static const int ahead_left[4][2] = {{-1, 0}, {0, 0}, {0, -1}, {-1, -1}};
    static const int ahead_right[4][2] = {{0, 0}, {0, -1}, {-1, -1}, {-1, 0}};
    const uint32_t part = t->part[(size_t)top * (size_t)t->width + (size_t)left];
    int y = top, x = left, way = 0;
    unet_code code = add_corner(t, y, x, part, err);
    while (!code) {
        if (way == 0)
            t->inside[(size_t)y * (size_t)t->width + (size_t)x] |= WALKED;
        y += step[way][0];
        x += step[way][1];
        int turn = 0;
        if (!is_inside(t, y + ahead_right[way][0], x + ahead_right[way][1]))
            turn = 1;
        else if (is_inside(t, y + ahead_left[way][0], x + ahead_left[way][1]))
            turn = 3;
        way = (way + turn) % 4;
        if (y == top && x == left && way == 0)
            break;
        if (turn)
            code = add_corner(t, y, x, part, err);
    }
    return code ? code : end_ring(t, 0, part, err);
}

static int by_part(const void *a, const void *b)
{
    const struct un_traced_ring *x = a, *y = b;
    if (x->part != y->part)
        return x->part < y->part ? -1 : 1;
    if (x->hole != y->hole)
        return x->hole - y->hole;
    return (x->first > y->first) - (x->first < y->first);
}

static unet_code walk_all(struct tracer *t, unet_error *err)
{
    unet_code code = UNET_OK;
    for (int y = 0; y < t->height; y++)
        for (int x = 0; x < t->width && !code; x++) {
            const size_t p = (size_t)y * (size_t)t->width + (size_t)x;
            if (!(t->inside[p] & INSIDE) || is_inside(t, y - 1, x) || t->inside[p] & WALKED)
                continue;
            if (!t->part[p])
                fill_part(t, (uint32_t)p);
            code = walk(t, y, x, err);
        }
    return code;
}

unet_code un_trace(uint8_t *inside, int height, int width, int top, int left,
                   struct un_traced *traced, unet_error *err)
{
    const size_t count = (size_t)height * (size_t)width;
    const size_t corners = ((size_t)height + 1) * ((size_t)width + 1);
    struct tracer t = {.inside = inside, .height = height, .width = width, .to = traced};
    unet_code code = UNET_OK;
    traced->point_count = traced->ring_count = 0;
    traced->parts = 0;
    traced->area = 0;
    for (size_t i = 0; i < count; i++)
        inside[i] = inside[i] ? INSIDE : 0;
    t.part = count < UINT32_MAX ? calloc(count, sizeof *t.part) : NULL;
    t.queue = t.part ? malloc(count * sizeof *t.queue) : NULL;
    t.seen = t.queue ? calloc(corners, sizeof *t.seen) : NULL;
    code = t.seen ? walk_all(&t, err)
                  : un_fail_memory(err, (size_t)un_trace_bytes(height, width), "an outline");
    free(t.part);
    free(t.queue);
    free(t.seen);
    free(t.walk);
    if (code)
        return code;
    if (traced->ring_count)
        qsort(traced->rings, traced->ring_count, sizeof *traced->rings, by_part);
    for (size_t i = 0; i < traced->point_count; i++) {
        traced->points[i][0] += left;
        traced->points[i][1] += top;
    }
    return UNET_OK;
}

void un_traced_release(struct un_traced *traced)
{
    free(traced->points);
    free(traced->rings);
    *traced = (struct un_traced){0};
}
