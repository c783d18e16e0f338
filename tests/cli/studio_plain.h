/* SPDX-License-Identifier: Apache-2.0 */
/* studio_plain.h - strokes at random, and what they draw by the plainest means */
#ifndef STUDIO_PLAIN_H
#define STUDIO_PLAIN_H

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "studio/labels/flood.h"
#include "studio/labels/image_labels.h"

enum { HEIGHT = 530, WIDTH = 610 };

static uint32_t state_of_random = 1;
static int below(int limit)
{
    state_of_random = state_of_random * 1664525u + 1013904223u;
    return (int)((state_of_random >> 8) % (uint32_t)limit);
}

static const struct studio_rect everything = {0, 0, WIDTH, HEIGHT};

/* A random stroke, whose points may lie outside. */
static struct stroke random_stroke(enum stroke_kind kind, int points, int reach)
{
    struct stroke stroke = {.kind = kind,
                            .label = (uint8_t)below(5),
                            .radius = kind == STROKE_LINE ? 8 + below(16 * 30) : 0,
                            .count = points,
                            .seq = 1 + below(1 << 30),
                            .client = "a-client"};
    const int x = below(WIDTH * STROKE_UNIT), y = below(HEIGHT * STROKE_UNIT);

    if (!below(6))
        stroke.label = UNET_IGNORE;
    stroke.points = malloc((size_t)points * 2 * sizeof(*stroke.points));
    for (int i = 0; i < points; i++) {
        stroke.points[2 * i] = x + below(2 * reach) - reach;
        stroke.points[2 * i + 1] = y + below(2 * reach) - reach;
    }
    stroke_bound(&stroke, HEIGHT, WIDTH);
    return stroke;
}

static double distance(double x, double y, const double *a, const double *b)
{
    const double dx = b[0] - a[0], dy = b[1] - a[1], length = dx * dx + dy * dy;
    double t = length > 0 ? ((x - a[0]) * dx + (y - a[1]) * dy) / length : 0;

    t = t < 0 ? 0 : t > 1 ? 1 : t;
    return hypot(x - a[0] - t * dx, y - a[1] - t * dy);
}

static void point_of(const struct stroke *stroke, int i, double point[2])
{
    point[0] = stroke->points[2 * i] / (double)STROKE_UNIT;
    point[1] = stroke->points[2 * i + 1] / (double)STROKE_UNIT;
}

/* How far a pixel's centre is in the line (> 0) or outside of it. */
static double depth_in_line(const struct stroke *stroke, double x, double y)
{
    double least = INFINITY, a[2], b[2];

    for (int i = 0; i < stroke->count; i++) {
        point_of(stroke, i, a);
        point_of(stroke, i + 1 < stroke->count ? i + 1 : i, b);
        least = fmin(least, distance(x, y, a, b));
        if (floor(a[0]) == floor(x) && floor(a[1]) == floor(y))
            return 1; /* the pixels of the points are always covered */
    }
    return stroke->radius / (double)STROKE_UNIT - least;
}

static int is_in_polygon(const struct stroke *stroke, double x, double y, double *nearest)
{
    int inside = 0;

    *nearest = INFINITY;
    for (int i = 0; i < stroke->count; i++) {
        double a[2], b[2];

        point_of(stroke, i, a);
        point_of(stroke, (i + 1) % stroke->count, b);
        *nearest = fmin(*nearest, distance(x, y, a, b));
        if ((a[1] <= y) != (b[1] <= y) && x >= a[0] + (y - a[1]) * (b[0] - a[0]) / (b[1] - a[1]))
            inside = !inside;
    }
    return inside;
}

static void draw_on(const struct stroke *stroke, struct studio_rect rect, uint8_t *labels)
{
    const struct canvas canvas = {rect, labels};

    assert_true(stroke_draw(stroke, &canvas));
}

#endif
