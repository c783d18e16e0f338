/* SPDX-License-Identifier: Apache-2.0 */
/* values_distance.c - how far an image's values lie from those of a training, and why, in words */
#include "image/values.h"

#include <math.h>
#include <string.h>

#include "base/decimal.h"

#define BEYOND 0.18f /* what two percentiles lie beyond the training's at distance 1 */
#define FITS 0.5     /* a distance at which values that were changed would do */

static float distance_of_channel(const struct un_seen *seen, const struct un_values *v, int from,
                                 int c)
{
    const float wide = fmaxf(seen->widest[c], 1e-3f);
    float first = 0, second = 0;
    for (int k = 0; k < UN_VALUES; k++) {
        const float x = v->at[k][from], least = seen->least[k][c], most = seen->most[k][c];
        const float beyond = fmaxf(fmaxf(least - x, x - most), 0) / (wide + most - least);
        second = beyond > first ? first : fmaxf(second, beyond);
        first = fmaxf(first, beyond);
    }
    const float low = v->at[UN_VALUES_LOW][from], high = v->at[UN_VALUES_HIGH][from];
    const float darker = seen->least[UN_VALUES_LOW][c] - low;
    const float brighter = high - seen->most[UN_VALUES_HIGH][c];
    const bool faint = high > low && high - low < wide / 4;
    const bool one_side =
        high < seen->least[UN_VALUES_MIDDLE][c] || low > seen->most[UN_VALUES_MIDDLE][c];
    return fmaxf(fmaxf(second / BEYOND, faint && one_side), fmaxf(darker, brighter) / wide);
}

/* Channel c being order[c] of the image; order NULL: as it is. */
static double distance(const struct un_seen *seen, const struct un_values *v, const int *order)
{
    float far = 0;
    for (int c = 0; c < seen->channels; c++)
        far = fmaxf(far, distance_of_channel(seen, v, order ? order[c] : c, c));
    return (double)far;
}

/* Whether the middles lie on the other side than those of a training that knew one side alone. */
static bool leans_otherwise(const struct un_seen *seen, float lean)
{
    const float low = seen->lean[0], high = seen->lean[1], room = 0.12f + 0.5f * (high - low);
    return seen->images >= 3 && low * high > 0 && (lean < low - room || lean > high + room) &&
           -lean > low - 0.1f && -lean < high + 0.1f;
}

static float least_of(const struct un_seen *seen)
{
    float least = seen->least[UN_VALUES_LOW][0];
    for (int c = 1; c < seen->channels; c++)
        least = fminf(least, seen->least[UN_VALUES_LOW][c]);
    return least;
}

static float most_of(const struct un_seen *seen)
{
    float most = seen->most[UN_VALUES_HIGH][0];
    for (int c = 1; c < seen->channels; c++)
        most = fmaxf(most, seen->most[UN_VALUES_HIGH][c]);
    return most;
}

/* The values turned upside down between the ends of the training's. */
static struct un_values turned(const struct un_seen *seen, const struct un_values *v)
{
    struct un_values made = *v;
    const float sum = least_of(seen) + most_of(seen);
    for (int c = 0; c < v->channels; c++)
        for (int k = 0; k < UN_VALUES; k++)
            made.at[k][c] = sum - v->at[UN_VALUES - 1 - k][c];
    return made;
}

/* The values that the samples would have if they were `times` as large. */
static struct un_values multiplied(const struct un_values *v, float times)
{
    struct un_values made = *v;
    for (int c = 0; c < v->channels; c++)
        for (int k = 0; k < UN_VALUES; k++)
            made.at[k][c] = ((v->at[k][c] / v->scale + v->offset) * times - v->offset) * v->scale;
    return made;
}

/* The largest value, as samples. */
static float largest(const struct un_values *v)
{
    float most = -INFINITY;
    for (int c = 0; c < v->channels; c++)
        most = fmaxf(most, v->at[UN_VALUES_HIGH][c] / v->scale + v->offset);
    return most;
}

/* Whether each percentile is where the training's are, so that none is beside the others. */
static bool fits_throughout(const struct un_seen *seen, const struct un_values *v)
{
    for (int c = 0; c < seen->channels; c++)
        for (int k = 0; k < UN_VALUES; k++) {
            const float room = BEYOND * (seen->widest[c] + seen->most[k][c] - seen->least[k][c]);
            if (v->at[k][c] < seen->least[k][c] - room || v->at[k][c] > seen->most[k][c] + room)
                return false;
        }
    return true;
}

/* What would bring the values where the training's are; "" where nothing known does. */
static void explain(const struct un_seen *seen, const struct un_values *v, char *text, size_t size)
{
    static const float factors[] = {255, 257, 256, 16, 4, 65535, 4095};
    static const int orders[][3] = {{2, 1, 0}, {0, 2, 1}, {1, 0, 2}, {1, 2, 0}, {2, 0, 1}};
    struct un_values other = turned(seen, v);
    if (distance(seen, &other, NULL) < FITS || leans_otherwise(seen, un_values_lean(v))) {
        un_decimal_format(text, size, "; they look inverted, dark for bright");
        return;
    }
    for (size_t i = 0; seen->channels == 3 && i < sizeof orders / sizeof *orders; i++)
        if (distance(seen, v, orders[i]) < FITS) {
            un_decimal_format(text, size, "; with channels %d, %d, %d in this order they would fit",
                              orders[i][0] + 1, orders[i][1] + 1, orders[i][2] + 1);
            return;
        }
    for (size_t i = 0; i < 2 * sizeof factors / sizeof *factors; i++) {
        const float factor = factors[i / 2];
        other = multiplied(v, i % 2 ? 1 / factor : factor);
        if (factor == 255 && largest(i % 2 ? v : &other) > 255)
            continue; /* of 8 bits in 16: 65535 / 255 */
        if (distance(seen, &other, NULL) < FITS && fits_throughout(seen, &other)) {
            un_decimal_format(text, size, "; %s by %g they would fit",
                              i % 2 ? "divided" : "multiplied", (double)factor);
            return;
        }
    }
}

/* "values of 24 to 133 (1 and 99 percentiles), in the training 0.09 to 0.52": in samples of the
 * image at hand. */
static void describe(const struct un_seen *seen, const struct un_values *v, char *text, size_t size)
{
    float low = v->at[UN_VALUES_LOW][0], high = v->at[UN_VALUES_HIGH][0];
    char why[100] = "";
    for (int c = 1; c < v->channels; c++) {
        low = fminf(low, v->at[UN_VALUES_LOW][c]);
        high = fmaxf(high, v->at[UN_VALUES_HIGH][c]);
    }
    explain(seen, v, why, sizeof why);
    const double offset = (double)v->offset, scale = (double)v->scale;
    un_decimal_format(text, size, "values of %.6g to %.6g, in the training %.6g to %.6g%s",
                      (double)low / scale + offset, (double)high / scale + offset,
                      (double)least_of(seen) / scale + offset,
                      (double)most_of(seen) / scale + offset, why);
}

/* The end of the values at which there is a field that the training did not have; -1: none. */
static int find_field(const struct un_seen *seen, const struct un_values *v)
{
    const float least = 0.08f;
    for (int side = 0; side < 2; side++)
        if (v->flat[side] >= least && v->flat[side] > 3 * seen->flat[side] + 0.05f)
            return side;
    return -1;
}

static void describe_field(const struct un_seen *seen, const struct un_values *v, int side,
                           char *text, size_t size)
{
    const double value = (double)v->end[side] / (double)v->scale + (double)v->offset;
    char number[32];
    un_decimal_format(number, sizeof number, "%.6g", value);
    un_decimal_format(text, size,
                      "%.0f %% of its pixels are exactly %s, of an image of the training at most "
                      "%.1f %%; if nothing is to be seen there (outside of a field of view, a "
                      "frame), give %s as its fill",
                      100 * (double)v->flat[side], number, 100 * (double)seen->flat[side], number);
}

/* Whether pixels are larger or smaller than all of the training's, and in words. */
static bool is_other_size(const struct un_seen *seen, const struct un_values *v, char *text,
                          size_t size)
{
    const enum un_size_kind kind = (enum un_size_kind)seen->size[0];
    const bool larger = v->size.side > seen->size[2];
    const float near = larger ? seen->size[2] : seen->size[1];
    char here[40], there[40];
    if ((!larger && v->size.side >= seen->size[1]) ||
        un_size_ratio(v->size.kind, v->size.side, kind, near) < UN_SIZE_APART)
        return false;
    un_size_text(kind, v->size.side, here, sizeof here);
    un_size_text(kind, near, there, sizeof there);
    un_decimal_format(text, size,
                      "pixels of %s by its header, in the training %s: what it shows is %.3g times "
                      "as %s as there; resample it to their size",
                      here, there, un_size_ratio(v->size.kind, v->size.side, kind, near),
                      larger ? "small" : "large");
    return true;
}

double un_values_distance(const struct un_seen *seen, const struct un_values *v, bool prepared,
                          char *text, size_t size)
{
    if (size)
        *text = 0;
    if (prepared) {
        const float mean = fabsf(v->mean), spread = v->spread;
        if (mean < 0.4f && spread > 0.6f && spread < 1.7f)
            return 0;
        un_decimal_format(text, size,
                          "prepared values of mean %.3g and deviation %.3g, the model takes mean 0 "
                          "and deviation 1",
                          (double)v->mean, (double)spread);
        return 1;
    }
    if (!seen->images || seen->channels != v->channels)
        return -1;
    char other[200];
    double far = distance(seen, v, NULL);
    if (leans_otherwise(seen, un_values_lean(v)))
        far = fmax(far, 1);
    const int field = find_field(seen, v);
    if (field >= 0)
        describe_field(seen, v, field, text, size);
    else if (far >= 1)
        describe(seen, v, text, size);
    else if (is_other_size(seen, v, other, sizeof other)) {
        un_decimal_format(text, size, "%s", other);
        far = 1;
    }
    return field >= 0 ? fmax(far, 1) : far;
}
