/* SPDX-License-Identifier: Apache-2.0 */
#include "image/values.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/decimal.h"
#include "base/rng.h"

enum { PIXELS = 8192, ROWS = 64, NETWORK_CHANNELS = 64 };

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

float un_values_lean(const struct un_values *v)
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
    one.lean[0] = one.lean[1] = un_values_lean(v);
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
