/* SPDX-License-Identifier: Apache-2.0 */
#include "image/values.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/decimal.h"
#include "base/rng.h"

enum { PIXELS = 8192, ROWS = 64, NETWORK_CHANNELS = 64 };

#define BEYOND 0.18f /* what two percentiles lie beyond the training's at distance 1 */
#define FITS 0.5     /* a distance at which values that were changed would do */

static const double shares[UN_VALUES] = {0.01, 0.5, 0.99};

/* ---- one image --------------------------------------------------------------------------- */

static int by_size(const void *a, const void *b)
{
    const float x = *(const float *)a, y = *(const float *)b;
    return (x > y) - (x < y);
}

/* Drawn pixels by channels: [channels][PIXELS], without fill.  Returns how many. */
static int draw_pixels(const struct un_reading *reading, float *drawn)
{
    const uint64_t key = un_rng_key(0, 0x76616c756573 /* "values" */, 0, 0);
    float pixel[NETWORK_CHANNELS];
    int count = 0;
    for (uint64_t i = 0; i < PIXELS; i++) {
        int y = (int)un_rng_below(key, 2 * i, (uint32_t)reading->view.height);
        int x = (int)un_rng_below(key, 2 * i + 1, (uint32_t)reading->view.width);
        if (reading->fill.set && un_pixel_is_fill(reading, reading->top + y, x))
            continue;
        un_tile_read(reading, reading->top + y, x, 1, 1, pixel);
        for (int c = 0; c < reading->channels && c < UN_VALUES_CHANNELS; c++)
            drawn[(size_t)c * PIXELS + (size_t)count] = pixel[c];
        count++;
    }
    return count;
}

/* The outermost values of drawn pixels, and how many are there in all channels at once. */
static void find_flat(const float *drawn, int pixels, struct un_values *values)
{
    for (int side = 0; side < 2 && pixels; side++) {
        const float sign = side ? 1 : -1;
        float end[UN_VALUES_CHANNELS];
        int count = 0;
        bool varies = false;
        for (int c = 0; c < values->channels; c++) {
            const float *of = drawn + (size_t)c * PIXELS;
            end[c] = of[0];
            for (int i = 1; i < pixels; i++) {
                varies |= of[i] != of[0];
                end[c] = sign * of[i] > sign * end[c] ? of[i] : end[c];
            }
        }
        for (int i = 0; i < pixels && varies; i++) {
            bool there = true;
            for (int c = 0; c < values->channels; c++)
                there &= drawn[(size_t)c * PIXELS + (size_t)i] == end[c];
            count += there;
        }
        values->flat[side] = (float)count / (float)pixels;
        values->end[side] = end[0];
    }
}

unet_code un_values_of(const struct un_reading *reading, struct un_values *values, unet_error *err)
{
    const int channels =
        reading->channels < UN_VALUES_CHANNELS ? reading->channels : UN_VALUES_CHANNELS;
    double sum = 0, squares = 0;
    float *drawn = malloc((size_t)channels * PIXELS * sizeof *drawn);
    if (!drawn)
        return un_fail_memory(err, (size_t)channels * PIXELS * sizeof *drawn, "values");
    const int pixels = draw_pixels(reading, drawn);
    const double count = (double)pixels * channels;
    *values = (struct un_values){
        .channels = pixels ? channels : 0, .offset = reading->offset, .scale = reading->scale};
    find_flat(drawn, pixels, values);
    for (int c = 0; c < values->channels; c++) {
        float *of = drawn + (size_t)c * PIXELS;
        qsort(of, (size_t)pixels, sizeof *of, by_size);
        for (int k = 0; k < UN_VALUES; k++)
            values->at[k][c] = of[(int)(shares[k] * (pixels - 1))];
        for (int i = 0; i < pixels; i++) {
            sum += (double)of[i];
            squares += (double)of[i] * (double)of[i];
        }
    }
    values->mean = pixels ? (float)(sum / count) : 0;
    values->spread =
        pixels ? (float)sqrt(fmax(squares / count - sum / count * (sum / count), 0)) : 1;
    free(drawn);
    return UNET_OK;
}

unet_code un_values_of_page(struct unet_source *source, int index, int channels,
                            const struct un_scaling *scaling, struct un_values *values,
                            unet_error *err)
{
    struct un_page page;
    unet_code code = un_source_page(source, index, &page, err);
    if (code)
        return code;
    struct un_scaling own = *scaling;
    own.fill = page.fill.set ? page.fill : own.fill;
    unet_image rows = un_page_image(&page);
    const int height = rows.height, width = rows.width;
    rows.height = height < ROWS ? height : ROWS;
    const size_t row = (size_t)width * (size_t)rows.channels * un_sample_bytes(rows.sample);
    if (!(rows.data = malloc((size_t)rows.height * row)))
        return un_fail_memory(err, (size_t)rows.height * row, source->name);
    for (int i = 0; i < rows.height && !code; i++) {
        const int y = (int)((int64_t)i * height / rows.height);
        code = un_source_read(source, index, &page, (struct un_rect){y, 0, 1, width},
                              (char *)rows.data + (size_t)i * row, err);
    }
    if (!code && !(code = un_reading_check(un_view_of(&rows), source->name, channels, err)) &&
        !(code = un_view_check_finite(source->name, un_view_of(&rows), 0, own.fill, err))) {
        const struct un_reading reading = un_reading_of(un_view_of(&rows), channels, &own);
        code = un_values_of(&reading, values, err);
        values->size = un_page_size(&page);
    }
    free(rows.data);
    return code;
}

/* ---- a training -------------------------------------------------------------------------- */

/* Where the middle lies between the ends, over all channels: -1..1. */
static float lean_of(const struct un_values *v)
{
    float sum = 0;
    for (int c = 0; c < v->channels; c++) {
        const float low = v->at[UN_VALUES_LOW][c], high = v->at[UN_VALUES_HIGH][c];
        sum += high > low ? (low + high - 2 * v->at[UN_VALUES_MIDDLE][c]) / (high - low) : 0;
    }
    return sum / (float)v->channels;
}

void un_seen_add(struct un_seen *seen, const struct un_values *v)
{
    if (!v->channels)
        return;
    struct un_seen one = {.images = 1, .channels = v->channels};
    memcpy(one.least, v->at, sizeof one.least);
    memcpy(one.most, v->at, sizeof one.most);
    for (int c = 0; c < v->channels; c++)
        one.widest[c] = v->at[UN_VALUES_HIGH][c] - v->at[UN_VALUES_LOW][c];
    one.lean[0] = one.lean[1] = lean_of(v);
    memcpy(one.flat, v->flat, sizeof one.flat);
    one.size[0] = (float)v->size.kind;
    one.size[1] = one.size[2] = v->size.side;
    un_seen_join(seen, &one);
}

void un_seen_join(struct un_seen *seen, const struct un_seen *more)
{
    if (!more->images)
        return;
    if (!seen->images || seen->channels != more->channels) {
        *seen = *more;
        return;
    }
    seen->images += more->images;
    for (int c = 0; c < seen->channels; c++) {
        for (int k = 0; k < UN_VALUES; k++) {
            seen->least[k][c] = fminf(seen->least[k][c], more->least[k][c]);
            seen->most[k][c] = fmaxf(seen->most[k][c], more->most[k][c]);
        }
        seen->widest[c] = fmaxf(seen->widest[c], more->widest[c]);
    }
    seen->lean[0] = fminf(seen->lean[0], more->lean[0]);
    seen->lean[1] = fmaxf(seen->lean[1], more->lean[1]);
    for (int side = 0; side < 2; side++)
        seen->flat[side] = fmaxf(seen->flat[side], more->flat[side]);
    if (!(seen->size[0] > 0))
        memcpy(seen->size, more->size, sizeof seen->size);
    if (seen->size[0] != more->size[0])
        return;
    seen->size[1] = fminf(seen->size[1], more->size[1]);
    seen->size[2] = fmaxf(seen->size[2], more->size[2]);
}

/* ---- the distance ------------------------------------------------------------------------ */

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
    if (distance(seen, &other, NULL) < FITS || leans_otherwise(seen, lean_of(v))) {
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
    if (leans_otherwise(seen, lean_of(v)))
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
