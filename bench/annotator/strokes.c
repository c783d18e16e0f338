/* SPDX-License-Identifier: Apache-2.0 */
/*
 * strokes.c - a stroke as a hand would draw it
 *
 * The parts of what is wanted are found, without what lies so near an edge that nobody would aim at
 * it.  From the thickest place of the largest part (or a place of any) the stroke goes both ways,
 * each step to where it is thickest ahead.  Its brush is as wide as the class allows all along it.
 */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "annotator.h"

enum { LONGEST = 200, WIDEST = 12, STEP = 3 };

double chance_next(struct chance *chance)
{
    chance->state = chance->state * 6364136223846793005u + 1442695040888963407u;
    return (double)(chance->state >> 11) / 9007199254740992.0;
}

/* Distance in pixels to the nearest pixel that is not set (chamfer 3-4); the image's edge is none.
 */
static void distances(const uint8_t *set, int height, int width, float *d)
{
    static const int by[4] = {-1, -1, -1, 0}, bx[4] = {-1, 0, 1, -1};
    static const float cost[4] = {4.0f / 3, 1, 4.0f / 3, 1};
    const size_t pixels = (size_t)height * width;
    for (size_t i = 0; i < pixels; i++)
        d[i] = set[i] ? 1e6f : 0;
    for (int back = 0; back < 2; back++)
        for (size_t n = 0; n < pixels; n++) {
            const size_t i = back ? pixels - 1 - n : n;
            const int y = (int)(i / (size_t)width), x = (int)(i % (size_t)width);
            for (int k = 0; k < 4; k++) {
                const int v = y + (back ? -by[k] : by[k]), u = x + (back ? -bx[k] : bx[k]);
                if (v < 0 || u < 0 || v >= height || u >= width)
                    continue;
                const float along = d[(size_t)v * width + u] + cost[k];
                d[i] = along < d[i] ? along : d[i];
            }
        }
}

/* Numbers the parts of what is at least 2 from an edge, joined by sides or corners; about how large
 * they are; how many there are. */
static int find_parts(const float *d, int height, int width, int *part, int64_t *size, int room)
{
    const size_t pixels = (size_t)height * width;
    size_t *stack = malloc(pixels * sizeof(*stack));
    int count = 0;
    memset(part, 0, pixels * sizeof(*part));
    for (size_t i = 0; i < pixels && stack && count < room; i++) {
        if (part[i] || d[i] < 2)
            continue;
        size_t top = 0;
        stack[top++] = i;
        part[i] = count + 1;
        size[count] = 0;
        while (top) {
            const size_t at = stack[--top];
            const int y = (int)(at / (size_t)width), x = (int)(at % (size_t)width);
            size[count] += (int64_t)d[at]; /* so that lines count for more than their middle */
            for (int k = 0; k < 9; k++) {
                const int v = y + k / 3 - 1, u = x + k % 3 - 1;
                const size_t to = (size_t)v * width + u;
                if (v < 0 || u < 0 || v >= height || u >= width || part[to] || d[to] < 2)
                    continue;
                part[to] = count + 1;
                stack[top++] = to;
            }
        }
        count++;
    }
    free(stack);
    return count;
}

static float at(const float *d, int height, int width, float y, float x)
{
    const int i = (int)y, j = (int)x;
    return y < 0 || x < 0 || i >= height || j >= width ? 0 : d[(size_t)i * width + j];
}

/* From a place in a direction, while it is thick enough ahead; adds points. */
static void walk(const float *d, int height, int width, float y, float x, double heading,
                 struct stroke *s)
{
    for (int n = 0; n < LONGEST / 2 / STEP && s->count < STROKE_POINTS; n++) {
        double best = -1, way = heading;
        for (int k = -3; k <= 3; k++) {
            const double h = heading + k * 0.25;
            const double value =
                at(d, height, width, y + STEP * (float)sin(h), x + STEP * (float)cos(h)) -
                0.15 * abs(k);
            if (value > best) {
                best = value;
                way = h;
            }
        }
        if (best < 1.5)
            return;
        heading = way;
        y += STEP * (float)sin(heading);
        x += STEP * (float)cos(heading);
        s->y[s->count] = y;
        s->x[s->count++] = x;
        s->length += STEP;
    }
}

/* As wide as the class allows, less a little. */
static float radius_of(const float *d, int height, int width, const struct stroke *s)
{
    float least = WIDEST / 0.7f;
    for (int i = 0; i < s->count; i++) {
        const float here = at(d, height, width, s->y[i], s->x[i]);
        least = here < least ? here : least;
    }
    return least * 0.7f > 1 ? least * 0.7f : 1;
}

static size_t choose_start(const float *d, const int *part, size_t pixels, int number, int anywhere,
                           struct chance *chance)
{
    size_t best = 0;
    double most = -1;
    for (size_t i = 0; i < pixels; i++) {
        if (part[i] != number)
            continue;
        const double value = anywhere ? (d[i] > 6 ? 6 : d[i]) * chance_next(chance)
                                      : d[i] + 0.5 * chance_next(chance);
        if (value > most) {
            most = value;
            best = i;
        }
    }
    return best;
}

int64_t stroke_find(const struct canvas *c, const uint8_t *wanted, int label, int anywhere,
                    struct chance *chance, struct stroke *s)
{
    const int height = c->image->height, width = c->image->width, room = 4096;
    const size_t pixels = (size_t)height * width;
    uint8_t *set = calloc(pixels, 1);
    float *d = malloc(pixels * sizeof(*d));
    int *part = malloc(pixels * sizeof(*part));
    int64_t *size = malloc((size_t)room * sizeof(*size)), found = 0;
    int chosen = 0;
    if (!set || !d || !part || !size)
        goto done;
    for (size_t i = 0; i < pixels; i++)
        set[i] = wanted[i] && c->truth[i] == label;
    distances(set, height, width, d); /* of the part that is wanted */
    const int count = find_parts(d, height, width, part, size, room);
    double best = -1;
    for (int k = 0; k < count; k++) {
        const double value =
            anywhere ? chance_next(chance) * sqrt((double)size[k]) : (double)size[k];
        if (value > best) {
            best = value;
            chosen = k;
        }
    }
    if (!count)
        goto done;
    found = size[chosen];
    const size_t start = choose_start(d, part, pixels, chosen + 1, anywhere, chance);
    const double heading = chance_next(chance) * 6.2832;
    const float y = (float)(start / (size_t)width) + 0.5f,
                x = (float)(start % (size_t)width) + 0.5f;
    *s = (struct stroke){.label = label, .count = 1, .x = {x}, .y = {y}};
    walk(d, height, width, y, x, heading, s);
    walk(d, height, width, y, x, heading + 3.1416, s);
    memset(set, 0, pixels);
    for (size_t i = 0; i < pixels; i++)
        set[i] = c->truth[i] == label;
    distances(set, height, width, d);
    s->radius = radius_of(d, height, width, s);
done:
    free(set);
    free(d);
    free(part);
    free(size);
    return found;
}
