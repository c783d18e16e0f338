/* SPDX-License-Identifier: Apache-2.0 */
/*
 * shade.c - random changes to the values of a tile
 *
 * The grey curve is the cubic with f(0) = black, f(1) = white and the given slopes there, and goes
 * on as a line beyond.  A cubic with end slopes up to 3 times its mean slope is monotone (Fritsch
 * and Carlson 1980); here they are at most 1.2, and the mean slope at least 0.9.
 */
#include "data/draw/draw.h"

#include <math.h>

#include "base/rng.h"

/* The random numbers of a tile's values, by their place in its stream; the others are its view's
 * (draw.c). */
enum {
    DRAW_GAIN = 6,
    DRAW_BIAS,
    DRAW_GAMMA,
    DRAW_CURVE = 16, /* four */
    DRAW_BLUR = 20,
    DRAW_NOISE,
    DRAW_CHANNELS = 32 /* two each */
};
enum { STREAM_NOISE = 0x6e6f6973 };

static double draw_between(uint64_t key, uint64_t what, double low, double high)
{
    return low + (high - low) * (double)un_rng_uniform(key, what);
}

struct un_curve un_curve_draw(float strength, const float u[4])
{
    return (struct un_curve){.black = strength * 0.05f * (2 * u[0] - 1),
                             .white = 1 + strength * 0.05f * (2 * u[1] - 1),
                             .dark_slope = 1 + strength * 0.2f * (2 * u[2] - 1),
                             .bright_slope = 1 + strength * 0.2f * (2 * u[3] - 1)};
}

float un_curve_at(const struct un_curve *c, float v)
{
    if (v <= 0)
        return c->black + c->dark_slope * v;
    if (v >= 1)
        return c->white + c->bright_slope * (v - 1);
    float rise = c->white - c->black;
    float cubic = c->dark_slope + c->bright_slope - 2 * rise;
    float square = 3 * rise - 2 * c->dark_slope - c->bright_slope;
    return ((cubic * v + square) * v + c->dark_slope) * v + c->black;
}

static void apply_curve(float strength, uint64_t key, float *tile, size_t count)
{
    float u[4];
    for (int i = 0; i < 4; i++)
        u[i] = un_rng_uniform(key, (uint64_t)(DRAW_CURVE + i));
    struct un_curve curve = un_curve_draw(strength, u);
    for (size_t i = 0; i < count; i++)
        tile[i] = un_curve_at(&curve, tile[i]);
}

/* Mean and standard deviation of every step-th value. */
static void measure(const float *values, size_t count, int step, double *mean, double *deviation)
{
    double sum = 0, squares = 0, n = (double)count;
    for (size_t i = 0; i < count; i++) {
        double v = (double)values[i * (size_t)step];
        sum += v;
        squares += v * v;
    }
    double variance = squares / n - (sum / n) * (sum / n);
    *mean = sum / n;
    *deviation = sqrt(variance > 0 ? variance : 0);
}

static void spread(float *values, size_t count, int step, double mean, double shift, float gain)
{
    const float to = (float)(mean + shift), from = (float)mean;
    for (size_t i = 0; i < count; i++)
        values[i * (size_t)step] = (values[i * (size_t)step] - from) * gain + to;
}

/*
 * Relative to the tile's own greys, so that a dark image is changed as much as a bright one: a
 * gamma between its darkest and brightest value, then contrast about its mean and brightness in
 * standard deviations.
 */
static void apply_grey(double strength, uint64_t key, float *tile, size_t count)
{
    const float gain = (float)exp(draw_between(key, DRAW_GAIN, -0.4 * strength, 0.4 * strength));
    const float bias = (float)draw_between(key, DRAW_BIAS, -0.5 * strength, 0.5 * strength);
    const float gamma = (float)exp(draw_between(key, DRAW_GAMMA, -0.5 * strength, 0.5 * strength));
    float low = tile[0], high = tile[0];
    double mean, deviation;
    for (size_t i = 0; i < count; i++) {
        low = tile[i] < low ? tile[i] : low;
        high = tile[i] > high ? tile[i] : high;
    }
    const float range = high > low ? high - low : 1;
    for (size_t i = 0; i < count; i++)
        tile[i] = low + range * powf((tile[i] - low) / range, gamma);
    measure(tile, count, 1, &mean, &deviation);
    spread(tile, count, 1, mean, (double)bias * deviation, gain);
}

static void apply_channels(double strength, uint64_t key, float *tile, size_t count, int channels)
{
    for (int c = 0; c < channels; c++) {
        const uint64_t at = DRAW_CHANNELS + 2 * (uint64_t)c;
        double gain = exp(draw_between(key, at, -0.2 * strength, 0.2 * strength));
        double bias = draw_between(key, at + 1, -0.2 * strength, 0.2 * strength);
        double mean, deviation;
        measure(tile + c, count, channels, &mean, &deviation);
        spread(tile + c, count, channels, mean, bias * deviation, (float)gain);
    }
}

/* ---- blur -------------------------------------------------------------------------------- */

enum { RADIUS_MOST = 64 };

static int radius_of(double sigma)
{
    int radius = (int)ceil(3 * sigma);
    return radius > RADIUS_MOST ? RADIUS_MOST : radius;
}

/* One line of `count` values, `step` apart, from one place to another. */
static void blur_line(const float *from, float *to, int count, size_t step, const float *tap,
                      int radius)
{
    for (int i = 0; i < count; i++) {
        float sum = tap[0] * from[(size_t)i * step];
        for (int r = 1; r <= radius; r++)
            sum += tap[r] * (from[(size_t)un_mirror(i - r, count) * step] +
                             from[(size_t)un_mirror(i + r, count) * step]);
        to[(size_t)i * step] = sum;
    }
}

static void apply_blur(double most, uint64_t key, int side, int channels, float *tile, float *other)
{
    const double sigma = draw_between(key, DRAW_BLUR, 0, most);
    const int radius = radius_of(sigma);
    const size_t row = (size_t)side * channels;
    float tap[RADIUS_MOST + 1];
    double sum = 0;
    if (sigma < 0.1) /* the neighbours' weights are below 1e-21 */
        return;
    for (int r = 0; r <= radius; r++)
        sum += (r ? 2 : 1) * exp(-0.5 * r * r / (sigma * sigma));
    for (int r = 0; r <= radius; r++)
        tap[r] = (float)(exp(-0.5 * r * r / (sigma * sigma)) / sum);
    for (int y = 0; y < side; y++)
        for (int c = 0; c < channels; c++)
            blur_line(tile + y * row + c, other + y * row + c, side, (size_t)channels, tap, radius);
    for (size_t i = 0; i < row; i++)
        blur_line(other + i, tile + i, side, row, tap, radius);
}

static void apply_noise(double most, uint64_t key, float *tile, size_t count)
{
    const uint64_t stream = un_rng_key(key, STREAM_NOISE, 0, 0);
    double mean, deviation;
    measure(tile, count, 1, &mean, &deviation);
    const float strength = (float)(draw_between(key, DRAW_NOISE, 0, most) * deviation);
    for (size_t i = 0; i < count; i++)
        tile[i] += strength * un_rng_normal(stream, i);
}

size_t un_shade_bytes(const unet_augment *augment, int side, int channels)
{
    return augment->blur > 0 ? (size_t)side * side * channels * sizeof(float) : 0;
}

void un_shade(const unet_augment *augment, uint64_t key, int side, int channels, float *tile,
              void *memory)
{
    const size_t pixels = (size_t)side * side, count = pixels * channels;
    if (augment->curve > 0)
        apply_curve(augment->curve, key, tile, count);
    if (augment->grey > 0)
        apply_grey((double)augment->grey, key, tile, count);
    if (augment->channel > 0)
        apply_channels((double)augment->channel, key, tile, pixels, channels);
    if (augment->blur > 0)
        apply_blur((double)augment->blur, key, side, channels, tile, memory);
    if (augment->noise > 0)
        apply_noise((double)augment->noise, key, tile, count);
}
