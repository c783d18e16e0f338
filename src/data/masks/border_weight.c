/* SPDX-License-Identifier: Apache-2.0 */
/*
 * border_weight.c - exact distances to the two nearest objects, and the weights made of them
 *
 * Columns first: for each pixel the nearest object pixel above or below it in its column (distance
 * g1, object l1), and the nearest one there of any other object (g2, l2).  Two walks do it.
 *
 * Then rows.  A column i of a row is a site, the parabola f_i(x) = (x - i)^2 + g1_i^2, and
 * d1^2(x) = min over i of f_i(x).  Two parabolas cross once: for i < j, f_i - f_j rises with x.  So
 * the winners' positions rise with x, and a stack finds them (Felzenszwalb, Huttenlocher 2012).
 *
 * d2 is the same minimum over what is not of the winner's object.  Within a run of pixels p..q
 * whose winners are all of object L, take a column's (g1, l1) where l1 is not L, else its (g2, l2):
 * of a column no other pixel can be nearer and not of L.  Let a be the winner at p - 1, b that at q
 * + 1. Each site i < a has f_i(p - 1) >= f_a(p - 1), and as f_i - f_a rises with x, a is not behind
 * i anywhere in p..q; neither is b behind any site to its right.  a and b are not of L.  So the
 * sites in a..b give the exact minimum over p..q.  The sites between two winners belong to the runs
 * of these two alone, so all runs of a row together look at no more than three times its width.
 *
 * Example: objects 1 . . 2 . . . 3 in one row, all g1 = 0 there.  Winners are columns 0 0 3 3 3 3 7
 * 7 (ties to the left); the run 2..5 of object 2 has a = 0, b = 7: among columns 0..7 without
 * object 2, d2 = 2 3 3 2.
 */
#include "data/masks/border_weight.h"

#include <math.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#define FAR (INT32_MAX / 4) /* there is no object */

/* What a pixel knows of its column. */
struct near {
    int32_t g1, g2; /* pixels up or down; FAR: none */
    uint32_t l1, l2;
};

/* A site of a row. */
struct site {
    int64_t square; /* g^2 */
    int at;
};

/* Room for one thread. */
struct row_room {
    struct site *stack; /* [width] */
    int *from;          /* [width]: the pixel from which each of them wins */
    int *winner;        /* [width]: the column whose site wins at a pixel */
    double *d1;         /* [width] squared */
};

/* Puts an object at a distance into what is known, if it is nearer than something there. */
static void add(struct near *n, int32_t g, uint32_t label)
{
    if (g >= FAR)
        return;
    if (g < n->g1) {
        if (label != n->l1) {
            n->g2 = n->g1;
            n->l2 = n->l1;
        }
        n->g1 = g;
        n->l1 = label;
    } else if (label != n->l1 && g < n->g2) {
        n->g2 = g;
        n->l2 = label;
    }
}

static struct near one_further(struct near n)
{
    n.g1 += n.g1 < FAR;
    n.g2 += n.g2 < FAR;
    return n;
}

/* Down: what lies above or here; then up: that and what lies below. */
static void look_along_columns(const uint32_t *objects, int height, int width, int left, int right,
                               struct near *map)
{
    const struct near none = {FAR, FAR, 0, 0};
    size_t W = (size_t)width;
    for (int y = 0; y < height; y++)
        for (int x = left; x < right; x++) {
            size_t i = (size_t)y * W + (size_t)x;
            struct near n = y ? one_further(map[i - W]) : none;
            if (objects[i])
                add(&n, 0, objects[i]);
            map[i] = n;
        }
    for (int y = height - 2; y >= 0; y--)
        for (int x = left; x < right; x++) {
            size_t i = (size_t)y * W + (size_t)x;
            struct near below = one_further(map[i + W]);
            add(&map[i], below.g1, below.l1);
            add(&map[i], below.g2, below.l2);
        }
}

/* The first pixel at which the later of two sites is nearer.  Exact: the quotient's numerator and
 * denominator are whole and small, so a double tells it from the whole numbers around it. */
static int crossing(const struct site *i, const struct site *j, int width)
{
    int64_t above = (int64_t)j->at * j->at + j->square - (int64_t)i->at * i->at - i->square;
    if (above < 0)
        return 0;
    double x = (double)above / (2 * (double)(j->at - i->at));
    return x >= width ? width : (int)x + 1;
}

/* Adds a site right of all others to the stack of `count`; returns how many there are then. */
static int push(const struct row_room *room, int count, struct site site, int width)
{
    int from = 0;
    while (count) {
        from = crossing(&room->stack[count - 1], &site, width);
        if (from > room->from[count - 1])
            break;
        from = 0;
        count--;
    }
    if (from >= width)
        return count;
    room->stack[count] = site;
    room->from[count] = from;
    return count + 1;
}

static double squared_at(const struct site *site, int x)
{
    double d = (double)(x - site->at);
    return d * d + (double)site->square;
}

/* d1 squared and the winner of each pixel of a row; false: there is no object. */
static bool find_nearest(const struct near *row, int width, const struct row_room *room)
{
    int count = 0;
    for (int x = 0; x < width; x++)
        if (row[x].g1 < FAR)
            count = push(room, count, (struct site){(int64_t)row[x].g1 * row[x].g1, x}, width);
    if (!count)
        return false;
    for (int x = 0, s = 0; x < width; x++) {
        while (s + 1 < count && room->from[s + 1] <= x)
            s++;
        room->d1[x] = squared_at(&room->stack[s], x);
        room->winner[x] = room->stack[s].at;
    }
    return true;
}

/* d2 squared of pixels p..q, whose winners are all of object `label`; < 0: there is none. */
static void find_second(const struct near *row, int width, const struct row_room *room, int p,
                        int q, uint32_t label, double *d2)
{
    int first = p ? room->winner[p - 1] : 0;
    int last = q + 1 < width ? room->winner[q + 1] : width - 1;
    int count = 0;
    for (int x = first; x <= last; x++) {
        int32_t g = row[x].l1 != label ? row[x].g1 : row[x].g2;
        if (g < FAR)
            count = push(room, count, (struct site){(int64_t)g * g, x}, width);
    }
    for (int x = p, s = 0; x <= q; x++) {
        while (s + 1 < count && room->from[s + 1] <= x)
            s++;
        d2[x] = count ? squared_at(&room->stack[s], x) : -1;
    }
}

/* The same of each pixel of a row that find_nearest() was called for. */
static void find_all_second(const struct near *row, int width, const struct row_room *room,
                            double *d2)
{
    for (int p = 0, q; p < width; p = q + 1) {
        const uint32_t label = row[room->winner[p]].l1;
        for (q = p; q + 1 < width && row[room->winner[q + 1]].l1 == label;)
            q++;
        find_second(row, width, room, p, q, label, d2);
    }
}

/* exp(-x), 0 where that is below what a float is exact for */
static double falling(double x)
{
    return x < 87 ? exp(-x) : 0;
}

/* Overwrites one row of extra. */
static void weigh_row(const unet_border *border, bool on_objects, const uint8_t *mask,
                      const struct near *row, int width, const struct row_room *room, double *d2,
                      float *extra)
{
    double two = 2 * (double)border->sigma * (double)border->sigma;
    double near_two = 2 * (double)border->near_sigma * (double)border->near_sigma;
    bool second = border->weight > 0;
    memset(extra, 0, (size_t)width * sizeof *extra);
    if (!find_nearest(row, width, room))
        return;
    if (second)
        find_all_second(row, width, room, d2);
    for (int x = 0; x < width; x++) {
        double sum = 0;
        if (mask[x] == UNET_IGNORE || (mask[x] && !on_objects))
            continue;
        if (second && d2[x] >= 0) {
            double both = sqrt(room->d1[x]) + sqrt(d2[x]);
            sum += (double)border->weight * falling(both * both / two);
        }
        if (border->near_weight > 0 && !mask[x])
            sum += (double)border->near_weight * falling(room->d1[x] / near_two);
        extra[x] = (float)sum;
    }
}

/* false: no memory. */
static bool open_room(int width, struct row_room *room, double **d2)
{
    const size_t W = (size_t)width;
    *room = (struct row_room){malloc(W * sizeof *room->stack), malloc(W * sizeof *room->from),
                              malloc(W * sizeof *room->winner), malloc(2 * W * sizeof(double))};
    *d2 = room->d1 ? room->d1 + W : NULL;
    return room->stack && room->from && room->winner && room->d1;
}

static void close_room(struct row_room *room)
{
    free(room->stack);
    free(room->from);
    free(room->winner);
    free(room->d1);
}

/* false: no memory. */
static bool weigh_rows(const unet_border *border, bool on_objects, const uint8_t *mask,
                       const struct near *map, int height, int width, float *extra)
{
    const size_t W = (size_t)width;
    struct row_room room;
    double *d2;
    const bool enough = open_room(width, &room, &d2);
    for (int y = 0; y < height && enough; y++)
        weigh_row(border, on_objects, mask + (size_t)y * W, map + (size_t)y * W, width, &room, d2,
                  extra + (size_t)y * W);
    close_room(&room);
    return enough;
}

/* The column walks, a strip at a time. */
static void look_along_all(const uint32_t *numbers, int height, int width, struct near *map)
{
    enum { STRIP = 64 };
    for (int left = 0; left < width; left += STRIP)
        look_along_columns(numbers, height, width, left,
                           left + STRIP < width ? left + STRIP : width, map);
}

unet_code un_border_map(const unet_border *border, bool on_objects, const uint8_t *mask,
                        const uint32_t *objects, int height, int width, float *extra,
                        unet_error *err)
{
    size_t count = (size_t)height * (size_t)width;
    if (!(border->weight > 0) && !(border->near_weight > 0)) {
        memset(extra, 0, count * sizeof *extra);
        return UNET_OK;
    }
    uint32_t *made = NULL;
    unet_code code = UNET_OK;
    struct near *map = malloc(count * sizeof *map);
    if (!map || (!objects && !(made = malloc(count * sizeof *made))))
        code = un_fail_memory(err, count * sizeof *map, "distances to objects");
    if (!code && made)
        code = un_class_parts(mask, height, width, made, err);
    if (code)
        goto done;
    look_along_all(made ? made : objects, height, width, map);
    if (!weigh_rows(border, on_objects, mask, map, height, width, extra))
        code = un_fail_memory(err, (size_t)width * sizeof(struct site), "distances to objects");
done:
    free(map);
    free(made);
    return code;
}

unet_code un_rim_distance(const uint32_t *numbers, int height, int width, float *distance,
                          unet_error *err)
{
    const size_t W = (size_t)width;
    struct near *map = malloc((size_t)height * W * sizeof *map);
    struct row_room room;
    double *d2;
    const bool enough = open_room(width, &room, &d2) && map;
    if (enough)
        look_along_all(numbers, height, width, map);
    for (int y = 0; y < height && enough; y++) {
        const struct near *row = map + (size_t)y * W;
        float *to = distance + (size_t)y * W;
        for (int x = 0; x < width; x++)
            d2[x] = -1;
        if (find_nearest(row, width, &room))
            find_all_second(row, width, &room, d2);
        for (int x = 0; x < width; x++)
            to[x] = d2[x] < 0 ? INFINITY : (float)sqrt(d2[x]);
    }
    close_room(&room);
    free(map);
    return enough ? UNET_OK : un_fail_memory(err, (size_t)height * W * sizeof *map, "distances");
}

/* Whether one of the pixels above, beside or below has another object's number. */
static bool touches_other(const uint32_t *const rows[3], int x, int width)
{
    uint32_t own = rows[1][x];
    for (int v = 0; v < 3; v++)
        for (int u = x > 0 ? x - 1 : 0; u <= x + 1 && u < width && rows[v]; u++)
            if (rows[v][u] && rows[v][u] != own)
                return true;
    return false;
}

unet_code un_border_gap(uint8_t *mask, uint32_t *objects, int height, int width, unet_error *err)
{
    size_t W = (size_t)width;
    if (!objects)
        return UNET_OK;
    uint32_t *old = malloc(2 * W * sizeof *old); /* this row and the one above, as they were */
    if (!old)
        return un_fail_memory(err, 2 * W * sizeof *old, "gaps between objects");
    for (int y = 0; y < height; y++) {
        uint32_t *here = old + (size_t)(y & 1) * W, *above = old + (size_t)(~y & 1) * W;
        uint32_t *row = objects + (size_t)y * W;
        memcpy(here, row, W * sizeof *row);
        const uint32_t *const rows[3] = {y ? above : NULL, here, y + 1 < height ? row + W : NULL};
        for (int x = 0; x < width; x++)
            if (here[x] && touches_other(rows, x, width)) {
                row[x] = 0;
                mask[(size_t)y * W + (size_t)x] = 0;
            }
    }
    free(old);
    return UNET_OK;
}
