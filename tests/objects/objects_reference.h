/* SPDX-License-Identifier: Apache-2.0 */
/* objects_reference.h - objects of a whole mask by flood fill, the plain way, to compare with */
#ifndef OBJECTS_REFERENCE_H
#define OBJECTS_REFERENCE_H

#include <math.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "unet_objects.h"

struct reference {
    int height, width;
    uint8_t *mask; /* holes filled */
    uint32_t *ids;
    unet_object *objects;
    size_t count;
};

/* Gives `id` to all pixels that hang together with `at` in mask, and have id 0; how many. */
static size_t reference_flood(const uint8_t *mask, int height, int width, size_t at, bool corners,
                              uint32_t id, uint32_t *ids, size_t *stack)
{
    size_t depth = 0, count = 0;
    stack[depth++] = at;
    ids[at] = id;
    while (depth) {
        const size_t p = stack[--depth];
        const int y = (int)(p / (size_t)width), x = (int)(p % (size_t)width);
        count++;
        for (int dy = -1; dy <= 1; dy++)
            for (int dx = -1; dx <= 1; dx++) {
                const int v = y + dy, u = x + dx;
                if (v < 0 || u < 0 || v >= height || u >= width || (!corners && dy && dx))
                    continue;
                const size_t q = (size_t)v * (size_t)width + (size_t)u;
                if (ids[q] || mask[q] != mask[at])
                    continue;
                ids[q] = id;
                stack[depth++] = q;
            }
    }
    return count;
}

/* Background that neither meets the edge nor borders on two classes gets the class around it. */
static void reference_fill(struct reference *r, uint32_t *ids, size_t *stack)
{
    const int height = r->height, width = r->width;
    const size_t area = (size_t)height * (size_t)width;
    uint8_t *filled = malloc(area);
    memcpy(filled, r->mask, area);
    memset(ids, 0, area * sizeof *ids);
    uint32_t id = 0;
    for (size_t at = 0; at < area; at++) {
        if (r->mask[at] || ids[at])
            continue;
        reference_flood(r->mask, height, width, at, false, ++id, ids, stack);
        bool hole = true;
        uint8_t around = 0;
        for (size_t p = 0; p < area && hole; p++) {
            const int y = (int)(p / (size_t)width), x = (int)(p % (size_t)width);
            if (ids[p] != id)
                continue;
            if (!y || !x || y == height - 1 || x == width - 1) {
                hole = false;
                break;
            }
            const size_t beside[] = {p - 1, p + 1, p - (size_t)width, p + (size_t)width};
            for (int k = 0; k < 4; k++) {
                const uint8_t class = r->mask[beside[k]];
                hole = hole && (!class || !around || class == around);
                around = class ? class : around;
            }
        }
        for (size_t p = 0; p < area && hole; p++)
            if (ids[p] == id)
                filled[p] = around;
    }
    free(r->mask);
    r->mask = filled;
}

static bool reference_is(const struct reference *r, uint32_t id, int y, int x)
{
    return y >= 0 && x >= 0 && y < r->height && x < r->width &&
           r->ids[(size_t)y * (size_t)r->width + (size_t)x] == id;
}

/* By counts of the 16 patterns of 2 x 2 pixels, from the left and above, where four lines enter. */
static double reference_perimeter(const struct reference *r, uint32_t id)
{
    const double pi = 3.14159265358979323846;
    double sum = 0;
    for (int y = 0; y <= r->height; y++)
        for (int x = 0; x <= r->width; x++) {
            const bool a = reference_is(r, id, y - 1, x - 1), b = reference_is(r, id, y - 1, x);
            const bool c = reference_is(r, id, y, x - 1), d = reference_is(r, id, y, x);
            sum += (d && !c) + (d && !b) + ((d && !a) + (c && !b)) / sqrt(2);
        }
    return sum * pi / 4;
}

static void reference_measure(struct reference *r, uint32_t id, const float *image)
{
    unet_object *o = &r->objects[id - 1];
    const double pi = 3.14159265358979323846;
    double n = 0, y_sum = 0, x_sum = 0, yy = 0, xx = 0, yx = 0;
    int bottom = -1, right = -1;
    *o = (unet_object){.id = id, .top = r->height, .left = r->width};
    o->minimum = INFINITY;
    o->maximum = -INFINITY;
    for (int pass = 0; pass < 2; pass++)
        for (int y = 0; y < r->height; y++)
            for (int x = 0; x < r->width; x++) {
                const size_t at = (size_t)y * (size_t)r->width + (size_t)x;
                if (r->ids[at] != id)
                    continue;
                if (pass) {
                    yy += (y - y_sum / n) * (y - y_sum / n);
                    xx += (x - x_sum / n) * (x - x_sum / n);
                    yx += (y - y_sum / n) * (x - x_sum / n);
                    continue;
                }
                n++;
                y_sum += y;
                x_sum += x;
                o->label = r->mask[at];
                o->top = y < o->top ? y : o->top;
                o->left = x < o->left ? x : o->left;
                bottom = y > bottom ? y : bottom;
                right = x > right ? x : right;
                o->integrated += (double)image[at];
                o->minimum = fmin(o->minimum, (double)image[at]);
                o->maximum = fmax(o->maximum, (double)image[at]);
            }
    o->pixel_count = (uint64_t)n;
    o->height = bottom - o->top + 1;
    o->width = right - o->left + 1;
    o->touches_edge = !o->top || !o->left || bottom == r->height - 1 || right == r->width - 1;
    o->mean = o->integrated / n;
    o->pixels.area = n;
    o->pixels.y = y_sum / n;
    o->pixels.x = x_sum / n;
    o->pixels.perimeter = reference_perimeter(r, id);
    o->pixels.equivalent_diameter = sqrt(4 * n / pi);
    yy = yy / n + 1.0 / 12;
    xx = xx / n + 1.0 / 12;
    yx = yx / n;
    const double root = sqrt((yy - xx) * (yy - xx) + 4 * yx * yx);
    const double large = (yy + xx + root) / 2, small = (yy + xx - root) / 2;
    o->pixels.major_axis = 4 * sqrt(large);
    o->pixels.minor_axis = 4 * sqrt(fmax(small, 0));
    o->eccentricity = sqrt(fmax(1 - small / large, 0));
}

static inline struct reference reference_make(const uint8_t *mask, const float *image, int height,
                                              int width, bool fill, int minimum_area)
{
    struct reference r = {.height = height, .width = width};
    const size_t area = (size_t)height * (size_t)width;
    size_t *stack = malloc(area * sizeof *stack);
    uint32_t id = 0;
    r.mask = malloc(area);
    r.ids = calloc(area, sizeof *r.ids);
    memcpy(r.mask, mask, area);
    if (fill)
        reference_fill(&r, r.ids, stack);
    memset(r.ids, 0, area * sizeof *r.ids);
    for (size_t at = 0; at < area; at++) {
        if (!r.mask[at] || r.ids[at])
            continue;
        if (reference_flood(r.mask, height, width, at, true, id + 1, r.ids, stack) >=
            (size_t)minimum_area) {
            id++;
            continue;
        }
        /* too small: taken out of the mask, so that it is not met again */
        for (size_t p = 0; p < area; p++)
            if (r.ids[p] == id + 1)
                r.ids[p] = r.mask[p] = 0;
    }
    free(stack);
    r.count = id;
    r.objects = calloc((size_t)id + 1, sizeof *r.objects);
    for (uint32_t i = 1; i <= id; i++)
        reference_measure(&r, i, image);
    return r;
}

static inline void reference_release(struct reference *r)
{
    free(r->mask);
    free(r->ids);
    free(r->objects);
}

#endif
