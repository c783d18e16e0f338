/* SPDX-License-Identifier: Apache-2.0 */
/*
 * strokes.c - a stroke as a hand would draw it
 *
 * A hand aims at what is not at an edge, and at the middle of what is thin: a membrane, a gap
 * between two cells, a dot.  From the thickest place of the largest part of that (or a place of
 * any) the stroke goes both ways, each step to where it is thickest ahead, and ends where it would
 * become much thinner.  Its brush is as wide as the class allows all along it.
 */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "annotator.h"

enum {
    LONGEST = 200,
    WIDEST = 12,
    ROOM = 4096,
    LEAST = 24 /* of a part, that a person cares for */
};

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

/* What a hand aims at: what is at least 2 from an edge of what is wanted, and the middle line of
 * what is thinner in truth.  d: of what is wanted, all: of the class. */
static void find_aims(const float *d, const float *all, int height, int width, uint8_t *aim)
{
    for (int y = 0; y < height; y++)
        for (int x = 0; x < width; x++) {
            const size_t i = (size_t)y * width + x;
            aim[i] = d[i] > 0;
            for (int k = 0; k < 9 && aim[i] && d[i] < 2; k++) {
                const int v = y + k / 3 - 1, u = x + k % 3 - 1;
                aim[i] = v < 0 || u < 0 || v >= height || u >= width ||
                         all[(size_t)v * width + u] <= all[i];
            }
        }
}

/* Numbers the parts of what is aimed at, joined by sides or corners; about how large they are; how
 * many there are. */
static int find_parts(const uint8_t *aim, const float *d, int height, int width, int *part,
                      double *size)
{
    const size_t pixels = (size_t)height * width;
    size_t *stack = malloc(pixels * sizeof(*stack));
    int count = 0;
    memset(part, 0, pixels * sizeof(*part));
    for (size_t i = 0; i < pixels && stack && count < ROOM; i++) {
        if (part[i] || !aim[i])
            continue;
        size_t top = 0;
        stack[top++] = i;
        part[i] = count + 1;
        size[count] = 0;
        while (top) {
            const size_t at = stack[--top];
            const int y = (int)(at / (size_t)width), x = (int)(at % (size_t)width);
            size[count] += (double)d[at]; /* so that lines count for more than their middle */
            for (int k = 0; k < 9; k++) {
                const int v = y + k / 3 - 1, u = x + k % 3 - 1;
                const size_t to = (size_t)v * width + u;
                if (v < 0 || u < 0 || v >= height || u >= width || part[to] || !aim[to])
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
    const float begin = at(d, height, width, y, x), step = begin < 3 ? 1.5f : 3;
    const double least = begin < 1.5f ? 1 : 0.5 * (double)begin;
    for (float gone = 0; gone < LONGEST / 2 && s->count < STROKE_POINTS; gone += step) {
        double best = -1, way = heading;
        for (int k = -3; k <= 3; k++) {
            const double h = heading + k * 0.25;
            const double value =
                at(d, height, width, y + step * (float)sin(h), x + step * (float)cos(h)) -
                0.05 * abs(k);
            if (value > best) {
                best = value;
                way = h;
            }
        }
        const float v = y + step * (float)sin(way), u = x + step * (float)cos(way);
        if ((double)at(d, height, width, v, u) < least)
            return;
        heading = way;
        s->y[s->count] = y = v;
        s->x[s->count++] = x = u;
        s->length += step;
    }
}

/* So that it goes on from where it began. */
static void turn_round(struct stroke *s)
{
    for (int i = 0, j = s->count - 1; i < j; i++, j--) {
        const float x = s->x[i], y = s->y[i];
        s->x[i] = s->x[j];
        s->y[i] = s->y[j];
        s->x[j] = x;
        s->y[j] = y;
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
    return least < 1.5f ? 0.5f : least < 2 ? 1 : least * 0.7f;
}

static size_t choose_start(const float *d, const int *part, size_t pixels, int number, int anywhere,
                           struct chance *chance)
{
    size_t best = 0;
    double most = -1;
    for (size_t i = 0; i < pixels; i++) {
        if (part[i] != number)
            continue;
        const double value = anywhere ? (double)(d[i] > 6 ? 6 : d[i]) * chance_next(chance)
                                      : (double)d[i] + 0.5 * chance_next(chance);
        if (value > most) {
            most = value;
            best = i;
        }
    }
    return best;
}

/* The largest part, or any, larger ones more likely; -1: there is none. */
static int choose_part(const double *size, int count, int anywhere, struct chance *chance)
{
    double best = -1;
    int chosen = -1;
    for (int k = 0; k < count; k++) {
        const double value = anywhere ? chance_next(chance) * sqrt(size[k]) : size[k];
        if (value > best) {
            best = value;
            chosen = k;
        }
    }
    return chosen;
}

/* From how large on a person cares for a part: half of what things of the class usually are, and
 * LEAST is enough. */
static double worth_from(const double *size, int count)
{
    double sum = 0;
    for (int k = 0; k < count; k++)
        sum += size[k];
    return count && sum / count < 2 * LEAST ? sum / count / 2 : LEAST;
}

double stroke_find(const struct canvas *c, const uint8_t *wanted, int label, int anywhere,
                   struct chance *chance, struct stroke *s)
{
    const int height = c->image->height, width = c->image->width;
    const size_t pixels = (size_t)height * width;
    uint8_t *set = malloc(pixels), *aim = malloc(pixels);
    float *d = malloc(pixels * sizeof(*d)), *all = malloc(pixels * sizeof(*all));
    int *part = malloc(pixels * sizeof(*part));
    double *size = malloc(ROOM * sizeof(*size)), worth = 0;
    if (!set || !aim || !d || !all || !part || !size)
        goto done;
    for (size_t i = 0; i < pixels; i++)
        set[i] = c->truth[i] == label;
    distances(set, height, width, all);
    find_aims(all, all, height, width, aim);
    const double least = worth_from(size, find_parts(aim, all, height, width, part, size));
    for (size_t i = 0; i < pixels; i++)
        set[i] = wanted[i] && c->truth[i] == label;
    distances(set, height, width, d);
    find_aims(d, all, height, width, aim);
    const int count = find_parts(aim, d, height, width, part, size);
    const int chosen = choose_part(size, count, anywhere, chance);
    if (chosen < 0)
        goto done;
    for (int k = 0; k < count; k++)
        worth += size[k] >= least ? size[k] / least : 0;
    const size_t start = choose_start(d, part, pixels, chosen + 1, anywhere, chance);
    const double heading = chance_next(chance) * 6.2832;
    const float y = (float)(start / (size_t)width) + 0.5f,
                x = (float)(start % (size_t)width) + 0.5f;
    *s = (struct stroke){.label = label, .count = 1, .x = {x}, .y = {y}};
    walk(d, height, width, y, x, heading, s);
    turn_round(s);
    walk(d, height, width, y, x, heading + 3.1416, s);
    s->radius = radius_of(all, height, width, s);
done:
    free(set);
    free(aim);
    free(d);
    free(all);
    free(part);
    free(size);
    return worth;
}
