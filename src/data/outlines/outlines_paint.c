/* SPDX-License-Identifier: Apache-2.0 */
/*
 * outlines_paint.c - which pixels a shape holds
 *
 * The rows from top to bottom: each is cut, at the height of its pixels' centres, with the edges
 * that cross it; between the first and the second of these cuts, the third and the fourth ... lies
 * the part.  An edge from y0 to y1 crosses the rows with y0 <= y + 0.5 < y1, and the pixels between
 * two cuts are those with a <= x + 0.5 < b, so two polygons with a common edge share no pixel and
 * leave none out:
 *
 *     first pixel = ceil(a - 0.5)        pixel behind the last one = ceil(b - 0.5)
 *
 * The cut is computed from the upper end of an edge to the lower one, whichever way the edge was
 * drawn, so that both polygons find the same.
 */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "data/outlines/outlines.h"

struct edge {
    double x0, y0, x1, y1; /* y0 < y1 */
    int first, last;       /* rows */
};

struct canvas {
    int height, width;
    uint32_t *codes;
    uint32_t code;   /* that is being painted */
    uint64_t held;   /* pixels of this shape, again and again those of two parts */
    uint64_t over;   /* pixels that had another code */
    uint64_t *sizes; /* [objects + 1] pixels that are seen; NULL: codes are no objects */
};

/* Columns first .. end - 1 of a row. */
static void fill(struct canvas *canvas, int y, double first, double end)
{
    const int from = first > 0 ? (first < canvas->width ? (int)first : canvas->width) : 0;
    const int to = end < canvas->width ? (end > 0 ? (int)end : 0) : canvas->width;
    uint32_t *row = canvas->codes + (size_t)y * (size_t)canvas->width;
    for (int x = from; x < to; x++) {
        canvas->held++;
        if (row[x] == canvas->code)
            continue;
        canvas->over += row[x] != 0;
        if (canvas->sizes && row[x] != UN_OUTLINES_IGNORE)
            canvas->sizes[row[x]]--;
        if (canvas->sizes && canvas->code != UN_OUTLINES_IGNORE)
            canvas->sizes[canvas->code]++;
        row[x] = canvas->code;
    }
}

/* ---- rings ------------------------------------------------------------------------------- */

/* Rows whose centres lie between two heights. */
static int row_at(double y, int height)
{
    const double row = ceil(y - 0.5);
    return row < 0 ? 0 : row > height ? height : (int)row;
}

static int by_first(const void *a, const void *b)
{
    const struct edge *x = a, *y = b;
    return (x->first > y->first) - (x->first < y->first);
}

static int by_value(const void *a, const void *b)
{
    const double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

static size_t list_edges(const struct un_drawing *drawing, const struct un_area *part,
                         const struct canvas *canvas, struct edge *edges)
{
    const double sx = drawing->relative ? canvas->width : 1;
    const double sy = drawing->relative ? canvas->height : 1;
    size_t count = 0;
    for (size_t r = part->first; r < part->first + part->count; r++) {
        const struct un_ring *ring = &drawing->rings[r];
        if (ring->count < 3)
            continue; /* no area */
        const double(*p)[2] = (const double(*)[2])drawing->points + ring->first;
        for (size_t i = 0, j = ring->count - 1; i < ring->count; j = i++) {
            struct edge e = {p[j][0] * sx, p[j][1] * sy, p[i][0] * sx, p[i][1] * sy, 0, 0};
            if (e.y0 > e.y1)
                e = (struct edge){e.x1, e.y1, e.x0, e.y0, 0, 0};
            e.first = row_at(e.y0, canvas->height);
            e.last = row_at(e.y1, canvas->height) - 1;
            if (e.first <= e.last)
                edges[count++] = e;
        }
    }
    qsort(edges, count, sizeof *edges, by_first);
    return count;
}

/* Fills the rows that the edges cross; cuts has room for all of them. */
static void fill_edges(struct canvas *canvas, struct edge *edges, size_t count, double *cuts)
{
    size_t next = 0, active = 0; /* edges[0 .. active - 1] cross this row */
    for (int y = count ? edges[0].first : canvas->height; y < canvas->height; y++) {
        size_t kept = 0, found = 0;
        for (size_t i = 0; i < active; i++)
            if (edges[i].last >= y)
                edges[kept++] = edges[i];
        for (; next < count && edges[next].first == y; next++)
            edges[kept++] = edges[next];
        active = kept;
        if (!active && next == count)
            break;
        for (size_t i = 0; i < active; i++) {
            const struct edge *e = &edges[i];
            cuts[found++] = e->x0 + (y + 0.5 - e->y0) * (e->x1 - e->x0) / (e->y1 - e->y0);
        }
        qsort(cuts, found, sizeof *cuts, by_value);
        for (size_t i = 0; i + 1 < found; i += 2)
            fill(canvas, y, ceil(cuts[i] - 0.5), ceil(cuts[i + 1] - 0.5));
    }
}

static unet_code paint_rings(struct canvas *canvas, const struct un_drawing *drawing,
                             const struct un_area *part, unet_error *err)
{
    size_t points = 0;
    for (size_t r = part->first; r < part->first + part->count; r++)
        points += drawing->rings[r].count;
    struct edge *edges = malloc((points + 1) * sizeof *edges);
    double *cuts = malloc((points + 1) * sizeof *cuts);
    const bool whole = edges && cuts;
    if (whole)
        fill_edges(canvas, edges, list_edges(drawing, part, canvas, edges), cuts);
    free(edges);
    free(cuts);
    return whole ? UNET_OK : un_fail_memory(err, points * sizeof *edges, drawing->file);
}

/* ---- ellipses and bitmaps ---------------------------------------------------------------- */

/* u, v from the middle: (u c + v s)^2 / a^2 + (v c - u s)^2 / b^2 <= 1, a square equation in u. */
static void paint_ellipse(struct canvas *canvas, const struct un_area *part)
{
    const double *e = part->ellipse, c = cos(e[4]), s = sin(e[4]);
    const double aa = e[2] * e[2], bb = e[3] * e[3];
    if (!(aa > 0 && bb > 0))
        return;
    const double reach = sqrt(aa * s * s + bb * c * c), A = c * c / aa + s * s / bb;
    const int end = row_at(e[1] + reach, canvas->height);
    for (int y = row_at(e[1] - reach, canvas->height); y < end; y++) {
        const double v = y + 0.5 - e[1], B = v * c * s * (1 / aa - 1 / bb);
        const double C = v * v * (s * s / aa + c * c / bb) - 1, root = B * B - A * C;
        if (root >= 0)
            fill(canvas, y, ceil(e[0] + (-B - sqrt(root)) / A - 0.5),
                 ceil(e[0] + (-B + sqrt(root)) / A - 0.5));
    }
}

/* Pixels from .. to - 1 of a line of the bitmap: a column of it, or a row. */
static void fill_line(struct canvas *canvas, const struct un_area *part, int line, int from, int to)
{
    if (!part->columns) {
        if (part->top + line >= 0 && part->top + line < canvas->height)
            fill(canvas, part->top + line, part->left + from, part->left + to);
        return;
    }
    for (int y = from; y < to; y++)
        if (part->top + y >= 0 && part->top + y < canvas->height)
            fill(canvas, part->top + y, part->left + line, part->left + line + 1);
}

static void paint_runs(struct canvas *canvas, const struct un_drawing *drawing,
                       const struct un_area *part)
{
    const uint64_t side = (uint64_t)(part->columns ? part->height : part->width);
    uint64_t at = 0;
    for (size_t i = 0; i < part->count; i++) {
        const uint64_t end = at + drawing->runs[part->first + i];
        while (i % 2 && at < end) {
            const uint64_t next = (at / side + 1) * side, stop = next < end ? next : end;
            const int from = (int)(at % side);
            fill_line(canvas, part, (int)(at / side), from, from + (int)(stop - at));
            at = stop;
        }
        at = end;
    }
}

/* ---- shapes ------------------------------------------------------------------------------ */

/* The box of a shape: left, top, right, bottom. */
static void find_box(const struct un_drawing *drawing, const struct un_outline *shape, double sx,
                     double sy, double box[4])
{
    box[0] = box[1] = HUGE_VAL;
    box[2] = box[3] = -HUGE_VAL;
    for (size_t k = shape->first; k < shape->first + shape->count; k++) {
        const struct un_area *part = &drawing->parts[k];
        const double *e = part->ellipse, c = cos(e[4]), s = sin(e[4]);
        const double w = hypot(e[2] * c, e[3] * s), h = hypot(e[2] * s, e[3] * c);
        double own[4] = {part->left, part->top, (double)part->left + part->width,
                         (double)part->top + part->height};
        if (part->kind == UN_AREA_ELLIPSE)
            memcpy(own, (double[4]){e[0] - w, e[1] - h, e[0] + w, e[1] + h}, sizeof own);
        for (int i = 0; i < 2 && part->kind != UN_AREA_RINGS; i++) {
            box[i] = fmin(box[i], own[i]);
            box[i + 2] = fmax(box[i + 2], own[i + 2]);
        }
        for (size_t r = part->first; part->kind == UN_AREA_RINGS && r < part->first + part->count;
             r++)
            for (size_t p = 0; p < drawing->rings[r].count; p++) {
                const double *at = drawing->points[drawing->rings[r].first + p];
                box[0] = fmin(box[0], at[0] * sx), box[2] = fmax(box[2], at[0] * sx);
                box[1] = fmin(box[1], at[1] * sy), box[3] = fmax(box[3], at[1] * sy);
            }
    }
}

#define BEYOND 0.5 /* pixels beyond the image that tools write of shapes at its edge */

static unet_code paint_shape(struct canvas *canvas, const struct un_drawing *drawing,
                             const struct un_outline *shape, struct un_painted *painted,
                             unet_error *err)
{
    const double sx = drawing->relative ? canvas->width : 1;
    const double sy = drawing->relative ? canvas->height : 1;
    double box[4];
    unet_code code = UNET_OK;
    find_box(drawing, shape, sx, sy, box);
    canvas->held = 0;
    for (size_t k = shape->first; k < shape->first + shape->count && !code; k++) {
        const struct un_area *part = &drawing->parts[k];
        if (part->kind == UN_AREA_RINGS)
            code = paint_rings(canvas, drawing, part, err);
        else if (part->kind == UN_AREA_ELLIPSE)
            paint_ellipse(canvas, part);
        else
            paint_runs(canvas, drawing, part);
    }
    if (box[0] > box[2])
        painted->bare++;
    else if (box[2] <= 0 || box[3] <= 0 || box[0] >= canvas->width || box[1] >= canvas->height)
        painted->away++;
    else if (box[0] < -BEYOND || box[1] < -BEYOND || box[2] > canvas->width + BEYOND ||
             box[3] > canvas->height + BEYOND)
        painted->outside++;
    else
        painted->empty += !canvas->held;
    return code;
}

/* A shape and its place in the file, to be sorted. */
struct place {
    double order;
    size_t at;
};

static int by_order(const void *a, const void *b)
{
    const struct place *x = a, *y = b;
    if (x->order != y->order)
        return x->order < y->order ? -1 : 1;
    return (x->at > y->at) - (x->at < y->at);
}

static unet_code paint_all(struct canvas *canvas, const struct un_outlines *set,
                           const struct un_drawing *drawing, const struct place *places,
                           size_t count, struct un_painted *painted, unet_error *err)
{
    unet_code code = UNET_OK;
    bool *seen = calloc((size_t)drawing->objects + 1, sizeof *seen);
    if (set->objects)
        canvas->sizes = calloc((size_t)drawing->objects + 1, sizeof *canvas->sizes);
    if (!seen || (set->objects && !canvas->sizes))
        code = un_fail_memory(err, drawing->objects * 9u, drawing->file);
    for (size_t i = 0; i < count && !code; i++) {
        const struct un_outline *shape = &drawing->shapes[places[i].at];
        canvas->code = set->codes ? set->codes[shape->name] : 1;
        if (set->objects && canvas->code && canvas->code != UN_OUTLINES_IGNORE)
            canvas->code = shape->object;
        code = paint_shape(canvas, drawing, shape, painted, err);
        seen[shape->object] =
            seen[shape->object] || (canvas->held && canvas->code == shape->object);
    }
    for (uint32_t k = 1; canvas->sizes && !code && k <= drawing->objects; k++)
        painted->hidden += seen[k] && !canvas->sizes[k];
    painted->over += canvas->over;
    free(canvas->sizes);
    free(seen);
    return code;
}

unet_code un_drawing_paint(const struct un_outlines *set, const struct un_drawing *drawing,
                           const struct un_stack *stack, int height, int width, uint32_t *codes,
                           struct un_painted *painted, unet_error *err)
{
    struct canvas canvas = {.height = height, .width = width, .codes = codes};
    struct place *places = malloc((drawing->shape_count + 1) * sizeof *places);
    int *pages = malloc((drawing->shape_count + 1) * sizeof *pages);
    struct un_painted found = {0};
    unet_code code = UNET_OK;
    size_t count = 0;
    if (!places || !pages)
        code = un_fail_memory(err, drawing->shape_count * sizeof *places, drawing->file);
    else if (stack)
        code = un_outlines_pages(drawing, stack, pages, err);
    for (size_t i = 0; i < drawing->shape_count && !code; i++)
        if (!stack || pages[i] == stack->page)
            places[count++] = (struct place){drawing->shapes[i].order, i};
    if (!code) {
        qsort(places, count, sizeof *places, by_order);
        code = paint_all(&canvas, set, drawing, places, count, &found, err);
    }
    free(pages);
    free(places);
    if (!code)
        *painted = found;
    return code;
}
