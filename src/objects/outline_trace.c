/* SPDX-License-Identifier: Apache-2.0 */
/*
 * outline_trace.c - walking around pixels with the object on the right
 *
 * Every ring has an edge that goes east along the top of pixels, so each such edge that was not
 * walked yet begins a ring.  Where two pixels touch by a corner alone the walk stays with its own
 * (right before straight on before left), and a ring that comes to such a corner again is cut there
 * in two, so no ring touches itself: what programs that check polygons want.  Or it goes over to
 * the other pixel (left before straight on before right), as ImageJ's wand does.  Clockwise rings
 * are outer ones, the others holes; each part has one outer ring.
 *
 * An object is looked at as runs, so that memory goes with its outline, not with its box.
 */
#include "objects/outline_trace.h"

#include <stdlib.h>
#include <string.h>

/* ---- pixels ------------------------------------------------------------------------------ */

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

void un_pixels_empty(struct un_pixels *pixels, int top)
{
    pixels->top = top;
    pixels->rows = 0;
    pixels->count = 0;
}

unet_code un_pixels_row(struct un_pixels *pixels, unet_error *err)
{
    unet_code code =
        grow(&pixels->first, (size_t)pixels->rows, &pixels->row_room, sizeof *pixels->first, err);
    if (!code)
        pixels->first[pixels->rows++] = pixels->count;
    return code;
}

unet_code un_pixels_run(struct un_pixels *pixels, int start, int end, unet_error *err)
{
    const bool begun = pixels->count > pixels->first[pixels->rows - 1];
    if (begun && pixels->runs[pixels->count - 1][1] == start) {
        pixels->runs[pixels->count - 1][1] = end;
        return UNET_OK;
    }
    unet_code code =
        grow(&pixels->runs, pixels->count, &pixels->run_room, sizeof *pixels->runs, err);
    if (code)
        return code;
    pixels->runs[pixels->count][0] = start;
    pixels->runs[pixels->count++][1] = end;
    return UNET_OK;
}

size_t un_pixels_end(const struct un_pixels *pixels, int row)
{
    return row + 1 < pixels->rows ? pixels->first[row + 1] : pixels->count;
}

void un_pixels_release(struct un_pixels *pixels)
{
    free(pixels->first);
    free(pixels->runs);
    *pixels = (struct un_pixels){0};
}

/* Whether there is a pixel of the object. */
static bool is_inside(const struct un_pixels *pixels, int y, int x)
{
    const int row = y - pixels->top;
    if (row < 0 || row >= pixels->rows)
        return false;
    size_t from = pixels->first[row], to = un_pixels_end(pixels, row);
    while (from < to) { /* the first run that ends behind x */
        const size_t middle = from + (to - from) / 2;
        if (pixels->runs[middle][1] > x)
            to = middle;
        else
            from = middle + 1;
    }
    return from < un_pixels_end(pixels, row) && pixels->runs[from][0] <= x;
}

/* ---- corners, and a number for each ------------------------------------------------------- */

struct place {
    int y, x;
    size_t number; /* 0: a free row, or a corner that has none any more */
    bool taken;
};

struct places {
    struct place *rows; /* a hash table of y, x */
    size_t room, count;
};

static struct place *find(const struct places *places, int y, int x)
{
    const uint64_t key = (uint64_t)(uint32_t)y << 32 | (uint32_t)x;
    size_t at = (size_t)((key * 0x9e3779b97f4a7c15u) >> 20) & (places->room - 1);
    while (places->rows[at].taken && (places->rows[at].y != y || places->rows[at].x != x))
        at = (at + 1) & (places->room - 1);
    return &places->rows[at];
}

static size_t number_at(const struct places *places, int y, int x)
{
    return places->room ? find(places, y, x)->number : 0;
}

static unet_code set_number(struct places *places, int y, int x, size_t number, unet_error *err)
{
    if (2 * (places->count + 1) > places->room) {
        struct places more = {.room = places->room ? 2 * places->room : 64};
        if (!(more.rows = calloc(more.room, sizeof *more.rows)))
            return un_fail_memory(err, more.room * sizeof *more.rows, "an outline");
        for (size_t i = 0; i < places->room; i++)
            if (places->rows[i].taken && places->rows[i].number) {
                *find(&more, places->rows[i].y, places->rows[i].x) = places->rows[i];
                more.count++;
            }
        free(places->rows);
        *places = more;
    }
    struct place *place = find(places, y, x);
    places->count += !place->taken;
    *place = (struct place){y, x, number, true};
    return UNET_OK;
}

/* ---- walking ----------------------------------------------------------------------------- */

struct tracer {
    const struct un_pixels *pixels;
    bool corners;
    uint32_t *part;      /* [pixels->count] of each run */
    struct places begun; /* where edges that were walked begin to go east */
    struct places seen;  /* corners where pixels touch: 1 + the place in the walk */
    int (*walk)[2];      /* corners that are no ring yet */
    size_t walked, room;
    struct un_traced *to;
};

uint64_t un_trace_bytes(size_t runs)
{
    return (uint64_t)runs * 256; /* four corners each as point, in the walk and in a table */
}

static uint32_t root_of(uint32_t *part, uint32_t run)
{
    while (part[run] != run)
        run = part[run] = part[part[run]];
    return run;
}

/* Runs of a row and of the one above that touch are one part. */
static void join_row(struct tracer *t, int row)
{
    const struct un_pixels *p = t->pixels;
    size_t above = row ? p->first[row - 1] : 0;
    const size_t above_end = row ? p->first[row] : 0, end = un_pixels_end(p, row);
    for (size_t i = p->first[row]; i < end; i++) {
        while (above < above_end && p->runs[above][1] + t->corners <= p->runs[i][0])
            above++;
        for (size_t k = above; k < above_end && p->runs[k][0] < p->runs[i][1] + t->corners; k++) {
            const uint32_t a = root_of(t->part, (uint32_t)i), b = root_of(t->part, (uint32_t)k);
            t->part[a > b ? a : b] = a > b ? b : a;
        }
    }
}

/* Numbers the parts in the order of their first pixels. */
static void number_parts(struct tracer *t)
{
    const size_t count = t->pixels->count;
    for (size_t i = 0; i < count; i++)
        t->part[i] = (uint32_t)i;
    for (int row = 0; row < t->pixels->rows; row++)
        join_row(t, row);
    for (size_t i = 0; i < count; i++)
        t->part[i] = t->part[t->part[i]]; /* that of a run before it, which is its root */
    for (size_t i = 0; i < count; i++) {
        t->part[i] = t->part[i] == i ? ++t->to->parts : t->part[t->part[i]];
        t->to->area += (uint64_t)(t->pixels->runs[i][1] - t->pixels->runs[i][0]);
    }
}

/* Whether of the four pixels around a corner two that touch there alone are the object's. */
static bool is_touch(const struct un_pixels *pixels, int y, int x)
{
    const bool a = is_inside(pixels, y - 1, x - 1), b = is_inside(pixels, y - 1, x);
    return a != b && a == is_inside(pixels, y, x) && b == is_inside(pixels, y, x - 1);
}

/* The walk's corners from `from` on are a ring, and are taken off. */
static unet_code end_ring(struct tracer *t, size_t from, uint32_t part, unet_error *err)
{
    struct un_traced *to = t->to;
    const size_t count = t->walked - from;
    int64_t twice = 0; /* the area */
    unet_code code = grow(&to->rings, to->ring_count, &to->ring_room, sizeof *to->rings, err);
    while (!code && to->point_room < to->point_count + count)
        code = grow(&to->points, to->point_room, &to->point_room, sizeof *to->points, err);
    if (code)
        return code;
    for (size_t i = from, j = t->walked - 1; i < t->walked; j = i++) {
        const int x = t->walk[i][0], y = t->walk[i][1];
        twice += (int64_t)t->walk[j][0] * y - (int64_t)x * t->walk[j][1];
        if (number_at(&t->seen, y, x))
            find(&t->seen, y, x)->number = 0;
    }
    memcpy(to->points + to->point_count, t->walk + from, count * sizeof *t->walk);
    to->rings[to->ring_count++] = (struct un_traced_ring){to->point_count, count, part, twice < 0};
    to->point_count += count;
    t->walked = from;
    return UNET_OK;
}

/* Adds a corner to the walk.  One that it had before closes a ring, and is walked on from. */
static unet_code add_corner(struct tracer *t, int y, int x, uint32_t part, unet_error *err)
{
    unet_code code = UNET_OK;
    if (!t->corners && is_touch(t->pixels, y, x)) {
        const size_t seen = number_at(&t->seen, y, x);
        if (seen)
            code = end_ring(t, seen - 1, part, err);
        if (!code)
            code = set_number(&t->seen, y, x, t->walked + 1, err);
    }
    if (code || (code = grow(&t->walk, t->walked, &t->room, sizeof *t->walk, err)))
        return code;
    t->walk[t->walked][0] = x;
    t->walk[t->walked++][1] = y;
    return UNET_OK;
}

/* Quarters to turn right by: 0 straight on, 3 left. */
static int turn_at(const struct tracer *t, int y, int x, int way)
{
    /* of the directions east, south, west, north: the pixels ahead left and right */
    static const int left[4][2] = {{-1, 0}, {0, 0}, {0, -1}, {-1, -1}};
    static const int right[4][2] = {{0, 0}, {0, -1}, {-1, -1}, {-1, 0}};
    const bool on_left = is_inside(t->pixels, y + left[way][0], x + left[way][1]);
    const bool on_right = is_inside(t->pixels, y + right[way][0], x + right[way][1]);
    if (on_left && (on_right || t->corners))
        return 3;
    return on_right ? 0 : 1;
}

/* The ring that goes east along the top of a pixel. */
static unet_code walk(struct tracer *t, int top, int left, uint32_t part, unet_error *err)
{
    static const int step[4][2] = {{0, 1}, {1, 0}, {0, -1}, {-1, 0}};
    int y = top, x = left, way = 0;
    unet_code code = set_number(&t->begun, y, x, 1, err);
    if (!code)
        code = add_corner(t, y, x, part, err);
    while (!code) {
        y += step[way][0];
        x += step[way][1];
        const int turn = turn_at(t, y, x, way);
        way = (way + turn) % 4;
        if (y == top && x == left && way == 0)
            break;
        if (turn && !(code = add_corner(t, y, x, part, err)) && way == 0)
            code = set_number(&t->begun, y, x, 1, err);
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

/* Walks from each edge that goes east: where a run begins that has no pixel above it, and behind
 * each run of the row above. */
static unet_code walk_row(struct tracer *t, int row, unet_error *err)
{
    const struct un_pixels *p = t->pixels;
    const int y = p->top + row;
    size_t above = row ? p->first[row - 1] : 0;
    const size_t above_end = row ? p->first[row] : 0, end = un_pixels_end(p, row);
    unet_code code = UNET_OK;
    for (size_t i = p->first[row]; i < end; i++)
        for (int x = p->runs[i][0]; x < p->runs[i][1] && !code;) {
            while (above < above_end && p->runs[above][1] <= x)
                above++;
            const int next = above < above_end ? p->runs[above][0] : p->runs[i][1];
            if (next > x && !number_at(&t->begun, y, x))
                code = walk(t, y, x, t->part[i], err);
            x = next > x ? next : p->runs[above][1];
        }
    return code;
}

unet_code un_trace(const struct un_pixels *pixels, bool corners, struct un_traced *traced,
                   unet_error *err)
{
    struct tracer t = {.pixels = pixels, .corners = corners, .to = traced};
    unet_code code = UNET_OK;
    traced->point_count = traced->ring_count = 0;
    traced->parts = 0;
    traced->area = 0;
    t.part = pixels->count < UINT32_MAX ? malloc((pixels->count + 1) * sizeof *t.part) : NULL;
    if (!t.part)
        return un_fail_memory(err, pixels->count * sizeof *t.part, "an outline");
    number_parts(&t);
    for (int row = 0; row < pixels->rows && !code; row++)
        code = walk_row(&t, row, err);
    free(t.part);
    free(t.begun.rows);
    free(t.seen.rows);
    free(t.walk);
    if (!code && traced->ring_count)
        qsort(traced->rings, traced->ring_count, sizeof *traced->rings, by_part);
    return code;
}

void un_traced_release(struct un_traced *traced)
{
    free(traced->points);
    free(traced->rings);
    *traced = (struct un_traced){0};
}
