/* SPDX-License-Identifier: Apache-2.0 */
#include "objects/objects_measure.h"

#include <math.h>
#include <stdlib.h>

#define PI 3.14159265358979323846
#define BLOCK 1024

/* ---- the table ---- */

struct un_sums *un_sums_at(const struct un_sums_table *table, size_t i)
{
    return &table->blocks[i / BLOCK][i % BLOCK];
}

unet_code un_sums_add(struct un_sums_table *table, uint8_t label, unet_error *err)
{
    const size_t block = table->count / BLOCK;
    if (table->count % BLOCK == 0) {
        if (block == table->room) {
            const size_t room = table->room ? 2 * table->room : 64;
            struct un_sums **blocks = realloc(table->blocks, room * sizeof *blocks);
            if (!blocks)
                return un_fail_memory(err, room * sizeof *blocks, "objects");
            table->blocks = blocks;
            table->room = room;
        }
        table->blocks[block] = malloc(BLOCK * sizeof **table->blocks);
        if (!table->blocks[block])
            return un_fail_memory(err, BLOCK * sizeof **table->blocks, "objects");
    }
    *un_sums_at(table, table->count++) = (struct un_sums){
        .label = label, .low = INFINITY, .high = -INFINITY, .top = -1, .first = INT32_MAX};
    return UNET_OK;
}

size_t un_sums_bytes(size_t count)
{
    return (count + BLOCK - 1) / BLOCK * BLOCK * sizeof(struct un_sums);
}

void un_sums_release(struct un_sums_table *table)
{
    for (size_t i = 0; i * BLOCK < table->count; i++)
        free(table->blocks[i]);
    free(table->blocks);
    *table = (struct un_sums_table){0};
}

/* ---- sums ---- */

/* 0 + 1 + ... + (n - 1), and the squares of these; n up to 2^20 */
static uint64_t line(uint64_t n)
{
    return n * (n - 1) / 2;
}

static uint64_t squares(uint64_t n)
{
    return n ? n * (n - 1) / 2 * (2 * n - 1) / 3 : 0;
}

static void add_shape(struct un_sums *sums, const struct un_measured_row *row, uint32_t start,
                      uint32_t end)
{
    const uint64_t y = (uint64_t)row->y, length = end - start;
    const uint64_t x = end ? line(end) - (start ? line(start) : 0) : 0;
    sums->area += length;
    sums->left += length - 1;
    sums->y += y * length;
    sums->x += x;
    sums->yy += (un_wide)(y * y) * length;
    sums->xx += squares(end) - squares(start);
    sums->yx += (un_wide)y * x;
    if (sums->top < 0)
        sums->top = row->y;
    sums->bottom = row->y;
    sums->first = (int)start < sums->first ? (int)start : sums->first;
    sums->last = (int)end - 1 > sums->last ? (int)end - 1 : sums->last;
    sums->edge |= !start || end == (uint32_t)row->width || !row->y || row->y == row->height - 1;
}

static void add_floats(struct un_sums *sums, const float *samples, uint32_t start, uint32_t end)
{
    for (uint32_t x = start; x < end; x++) {
        sums->real += (double)samples[x];
        if (samples[x] < sums->low)
            sums->low = samples[x];
        if (samples[x] > sums->high)
            sums->high = samples[x];
    }
}

static void add_samples(struct un_sums *sums, const struct un_measured_row *row, uint32_t start,
                        uint32_t end)
{
    const uint8_t *bytes = row->samples;
    const uint16_t *words = row->samples;
    unsigned low = UINT16_MAX, high = 0;
    if (row->sample == UNET_F32) {
        add_floats(sums, row->samples, start, end);
        return;
    }
    for (uint32_t x = start; x < end; x++) {
        const unsigned value = row->sample == UNET_U8 ? bytes[x] : words[x];
        sums->whole += value;
        low = value < low ? value : low;
        high = value > high ? value : high;
    }
    sums->low = (float)low < sums->low ? (float)low : sums->low;
    sums->high = (float)high > sums->high ? (float)high : sums->high;
}

static uint64_t overlap(int64_t a, int64_t a_end, int64_t b, int64_t b_end)
{
    const int64_t from = a > b ? a : b, to = a_end < b_end ? a_end : b_end;
    return to > from ? (uint64_t)(to - from) : 0;
}

/* Counts neighbours above; at only moves on. */
static void add_above(struct un_sums *sums, const struct un_measured_row *row,
                      const struct un_run *run, int64_t start, size_t *at)
{
    const int64_t end = run->end;
    while (*at < row->above_count && row->above[*at].end < start)
        ++*at;
    for (size_t i = *at; i < row->above_count; i++) {
        const int64_t from = i ? row->above[i - 1].end : 0, to = row->above[i].end;
        if (from > end)
            break;
        if (row->above[i].id != run->id)
            continue;
        sums->up += overlap(start, end, from, to);
        sums->up_left += overlap(start - 1, end - 1, from, to);
        sums->up_right += overlap(start + 1, end + 1, from, to);
    }
}

void un_sums_row(struct un_sums_table *table, const struct un_measured_row *row)
{
    size_t at = 0;
    uint32_t start = 0;
    for (size_t i = 0; i < row->count; start = row->runs[i++].end) {
        if (!row->runs[i].id)
            continue;
        struct un_sums *sums = un_sums_at(table, row->runs[i].id - 1);
        add_shape(sums, row, start, row->runs[i].end);
        add_above(sums, row, &row->runs[i], start, &at);
        if (row->samples)
            add_samples(sums, row, start, row->runs[i].end);
    }
}

/* ---- what follows from them ---- */

/* sum of a b over n pixels - sum of a * sum of b / n, over n: exact until the division */
static double covariance(un_wide ab, uint64_t a, uint64_t b, uint64_t n)
{
    const un_wide whole = ab * n, mean = (un_wide)a * b;
    const double difference = whole >= mean ? (double)(whole - mean) : -(double)(mean - whole);
    return difference / ((double)n * (double)n);
}

/* Cauchy and Crofton's formula with lines of four directions; each counts for the angle that is
 * nearest to it, and is as far from the next as the pixels make it. */
static double perimeter(const struct un_sums *s, double height, double width)
{
    const double slope = atan2(height, width), diagonal = height * width / hypot(height, width);
    const double rows = (double)(s->area - s->left), columns = (double)(s->area - s->up);
    const double falling = (double)(s->area - s->up_left), rising = (double)(s->area - s->up_right);
    return slope * height * rows + (PI / 2 - slope) * width * columns +
           PI / 4 * diagonal * (falling + rising);
}

/* Axes of the ellipse with the same second moments, its pixels being little rectangles. */
static void measure_axes(const struct un_sums *s, double height, double width, unet_lengths *to,
                         double *eccentricity)
{
    const double yy = (covariance(s->yy, s->y, s->y, s->area) + 1.0 / 12) * height * height;
    const double xx = (covariance(s->xx, s->x, s->x, s->area) + 1.0 / 12) * width * width;
    const double yx = covariance(s->yx, s->y, s->x, s->area) * height * width;
    const double middle = (yy + xx) / 2, spread = hypot((yy - xx) / 2, yx);
    const double large = middle + spread, small = fmax((yy * xx - yx * yx) / large, 0);
    to->major_axis = 4 * sqrt(large);
    to->minor_axis = 4 * sqrt(small);
    *eccentricity = sqrt(fmax(1 - small / large, 0));
}

static void measure(const struct un_sums *s, double height, double width, unet_lengths *to,
                    double *eccentricity)
{
    to->area = (double)s->area * height * width;
    to->y = (double)s->y / (double)s->area * height;
    to->x = (double)s->x / (double)s->area * width;
    to->perimeter = perimeter(s, height, width);
    to->equivalent_diameter = 2 * sqrt(to->area / PI);
    measure_axes(s, height, width, to, eccentricity);
}

void un_sums_object(const struct un_sums *s, const unet_sample *sample, struct un_scale scale,
                    unet_object *object)
{
    unet_object made = {.label = s->label,
                        .pixel_count = s->area,
                        .top = s->top,
                        .left = s->first,
                        .height = s->bottom - s->top + 1,
                        .width = s->last - s->first + 1,
                        .touches_edge = s->edge,
                        .mean = NAN,
                        .minimum = NAN,
                        .maximum = NAN,
                        .integrated = NAN};
    measure(s, 1, 1, &made.pixels, &made.eccentricity);
    made.physical = (unet_lengths){NAN, NAN, NAN, NAN, NAN, NAN, NAN};
    if (scale.height > 0 && scale.width > 0)
        measure(s, scale.height, scale.width, &made.physical, &made.eccentricity);
    if (sample) {
        made.integrated = *sample == UNET_F32 ? s->real : (double)s->whole;
        made.mean = made.integrated / (double)s->area;
        made.minimum = s->low <= s->high ? (double)s->low : NAN;
        made.maximum = s->low <= s->high ? (double)s->high : NAN;
    }
    *object = made;
}
