/* SPDX-License-Identifier: Apache-2.0 */
/*
 * stroke_draw.c - which pixels a stroke covers: those whose centres lie in its shape
 *
 * A line is what is no further than the radius from it: for each of its parts, a segment with round
 * ends, the pixels of a row are one interval, since that shape is convex.  So that no stroke is
 * empty, the pixels in which its points lie are covered, too.
 */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "studio/labels/label_tiles.h"
#include "studio/labels/stroke.h"

/* Pixels first to last of row y, as far as they are in the canvas. */
static void span(const struct stroke *stroke, const struct canvas *canvas, int y, double first,
                 double last, uint8_t label)
{
    const struct studio_rect *rect = &canvas->rect;
    const double left = first > rect->x ? first : rect->x;
    const double end = rect->x + rect->width - 1, right = last < end ? last : end;

    if (y < rect->y || y >= rect->y + rect->height || left > right)
        return;
    uint8_t *row = canvas->labels + (size_t)(y - rect->y) * (size_t)rect->width;
    const int from = (int)left - rect->x, to = (int)right - rect->x;
    if (!stroke->keep) {
        memset(row + from, label, (size_t)(to - from + 1));
        return;
    }
    for (int x = from; x <= to; x++)
        if (row[x] == UNET_IGNORE)
            row[x] = label;
}

/* The rows between two heights that the canvas has. */
static void rows_between(const struct canvas *canvas, double top, double bottom, int *first,
                         int *last)
{
    const int end = canvas->rect.y + canvas->rect.height - 1;

    *first = top > canvas->rect.y ? (int)floor(top) : canvas->rect.y;
    *last = bottom < end ? (int)ceil(bottom) : end;
}

/* ---- lines ------------------------------------------------------------------------------- */

struct interval {
    double low, high;
};

/* The u with low <= slope * u + offset <= high. */
static struct interval within(struct interval u, double slope, double offset, double low,
                              double high)
{
    double a, b;

    if (slope == 0)
        return offset < low || offset > high ? (struct interval){1, 0} : u;
    a = (low - offset) / slope;
    b = (high - offset) / slope;
    return (struct interval){fmax(u.low, fmin(a, b)), fmin(u.high, fmax(a, b))};
}

static struct interval around(struct interval a, struct interval b)
{
    if (b.low > b.high)
        return a;
    if (a.low > a.high)
        return b;
    return (struct interval){fmin(a.low, b.low), fmax(a.high, b.high)};
}

static struct interval circle(const double *centre, double radius, double y)
{
    const double rest = radius * radius - (y - centre[1]) * (y - centre[1]);

    if (rest < 0)
        return (struct interval){1, 0};
    return (struct interval){centre[0] - sqrt(rest), centre[0] + sqrt(rest)};
}

/* x of height y that is at most `radius` from the segment a-b. */
static struct interval capsule(const double *a, const double *b, double radius, double y)
{
    const double dx = b[0] - a[0], dy = b[1] - a[1], length = hypot(dx, dy), up = y - a[1];
    struct interval all = around(circle(a, radius, y), circle(b, radius, y));
    struct interval body = {-INFINITY, INFINITY};

    if (length == 0)
        return all;
    body = within(body, dx, up * dy, 0, length * length);
    body = within(body, dy, -up * dx, -radius * length, radius * length);
    if (body.low <= body.high)
        all = around(all, (struct interval){body.low + a[0], body.high + a[0]});
    return all;
}

static void draw_segment(const struct stroke *stroke, const struct canvas *canvas, int i)
{
    const int j = i + 1 < stroke->count ? i + 1 : i;
    const double unit = STROKE_UNIT, radius = stroke->radius / unit;
    const double a[2] = {stroke->points[2 * i] / unit, stroke->points[2 * i + 1] / unit};
    const double b[2] = {stroke->points[2 * j] / unit, stroke->points[2 * j + 1] / unit};
    int first, last;

    if (fmin(a[0], b[0]) - radius > canvas->rect.x + canvas->rect.width ||
        fmax(a[0], b[0]) + radius < canvas->rect.x)
        return;
    rows_between(canvas, fmin(a[1], b[1]) - radius - 1, fmax(a[1], b[1]) + radius + 1, &first,
                 &last);
    for (int y = first; y <= last; y++) {
        const struct interval x = capsule(a, b, radius, y + 0.5);

        if (x.low <= x.high)
            span(stroke, canvas, y, ceil(x.low - 0.5), floor(x.high - 0.5), stroke->label);
    }
    span(stroke, canvas, (int)floor(a[1]), floor(a[0]), floor(a[0]), stroke->label);
}

static void draw_line(const struct stroke *stroke, const struct canvas *canvas)
{
    for (int i = 0; i < stroke->count; i++) /* the last one is a dot */
        draw_segment(stroke, canvas, i);
}

/* ---- polygons: rows from top to bottom, with the edges that each crosses ----------------- */

struct edge {
    double top, bottom, x, slope; /* x at height 0 */
};

static int by_top(const void *a, const void *b)
{
    const struct edge *left = a, *right = b;

    return (left->top > right->top) - (left->top < right->top);
}

static int by_value(const void *a, const void *b)
{
    const double left = *(const double *)a, right = *(const double *)b;

    return (left > right) - (left < right);
}

/* Edges that are not level, sorted by where they begin; how many. */
static int make_edges(const struct stroke *stroke, struct edge *edges)
{
    const double unit = STROKE_UNIT;
    int made = 0;

    for (int i = 0; i < stroke->count; i++) {
        const int32_t *a = stroke->points + 2 * i;
        const int32_t *b = stroke->points + 2 * ((i + 1) % stroke->count);
        struct edge *edge = &edges[made];

        if (a[1] == b[1])
            continue;
        edge->slope = ((double)b[0] - a[0]) / ((double)b[1] - a[1]);
        edge->x = a[0] / unit - a[1] / unit * edge->slope;
        edge->top = (a[1] < b[1] ? a[1] : b[1]) / unit;
        edge->bottom = (a[1] < b[1] ? b[1] : a[1]) / unit;
        made++;
    }
    qsort(edges, (size_t)made, sizeof(*edges), by_top);
    return made;
}

static int draw_polygon(const struct stroke *stroke, const struct canvas *canvas)
{
    const size_t room = (size_t)stroke->count;
    struct edge *edges = malloc(room * sizeof(*edges));
    struct edge **active = malloc(room * sizeof(struct edge *));
    double *x = malloc(room * sizeof(*x));
    const int ok = edges && active && x, count = ok ? make_edges(stroke, edges) : 0;
    int next = 0, live = 0;

    for (int y = canvas->rect.y; y < canvas->rect.y + canvas->rect.height && ok; y++) {
        const double height = y + 0.5;
        int still = 0, crossings = 0;

        for (; next < count && edges[next].top <= height; next++)
            active[live++] = &edges[next];
        for (int i = 0; i < live; i++) {
            if (active[i]->bottom <= height)
                continue;
            x[crossings++] = active[i]->x + active[i]->slope * height;
            active[still++] = active[i];
        }
        live = still;
        if (crossings)
            qsort(x, (size_t)crossings, sizeof(*x), by_value);
        for (int i = 0; i + 1 < crossings; i += 2)
            span(stroke, canvas, y, ceil(x[i] - 0.5), ceil(x[i + 1] - 0.5) - 1, stroke->label);
    }
    free(edges);
    free(active);
    free(x);
    return ok;
}

/* ---- runs -------------------------------------------------------------------------------- */

/* Pixels from to end - 1 of the stroke's rectangle. */
static void draw_run(const struct stroke *stroke, const struct canvas *canvas, int64_t from,
                     int64_t end, uint8_t label)
{
    const struct studio_rect *rect = &stroke->rect;
    const int64_t above = (int64_t)(canvas->rect.y - rect->y) * rect->width;

    for (from = from > above ? from : above; from < end;) {
        const int64_t row = from / rect->width, next = (row + 1) * rect->width;
        const int64_t stop = next < end ? next : end;

        if (row + rect->y >= canvas->rect.y + canvas->rect.height)
            return;
        span(stroke, canvas, (int)row + rect->y, (double)(rect->x + from % rect->width),
             (double)(rect->x + (stop - 1) % rect->width), label);
        from = stop;
    }
}

static void draw_runs(const struct stroke *stroke, const struct canvas *canvas)
{
    const struct studio_rect *rect = &stroke->rect;
    const int64_t pixels = (int64_t)rect->width * rect->height;
    const int64_t below = (int64_t)(canvas->rect.y + canvas->rect.height - rect->y) * rect->width;
    const uint8_t *at = stroke->runs, *end = at + stroke->run_bytes;
    int64_t pixel = 0;

    while (at < end && pixel < below) {
        uint64_t skip, length;
        size_t used = stroke_groups(at, (size_t)(end - at), &skip);

        at += used;
        used = used ? stroke_groups(at, (size_t)(end - at), &length) : 0;
        at += used;
        if (!used || at == end || skip > (uint64_t)(pixels - pixel) ||
            length > (uint64_t)(pixels - pixel) - skip)
            return; /* the journal's sum does not let this come */
        pixel += (int64_t)skip;
        draw_run(stroke, canvas, pixel, pixel + (int64_t)length, *at++);
        pixel += (int64_t)length;
    }
}

int stroke_draw(const struct stroke *stroke, const struct canvas *canvas)
{
    if (!rect_common(stroke->rect, canvas->rect).width)
        return 1;
    if (stroke->kind == STROKE_LINE)
        draw_line(stroke, canvas);
    else if (stroke->kind == STROKE_POLYGON)
        return draw_polygon(stroke, canvas);
    else if (stroke->kind == STROKE_RUNS)
        draw_runs(stroke, canvas);
    return 1;
}

void stroke_draw_wrong(const struct stroke *stroke, const struct canvas *canvas)
{
    const struct stroke noted = {.kind = STROKE_RUNS,
                                 .label = UNET_IGNORE,
                                 .rect = stroke->rect,
                                 .runs = stroke->wrong,
                                 .run_bytes = stroke->wrong_bytes};

    if (noted.run_bytes)
        draw_runs(&noted, canvas);
}
