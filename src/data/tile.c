/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A tile pixel at offset d from the tile's centre is the image at  centre + M d,  M = turn * mirror
 * * zoom.  Offsets are half integers when the side is even, and so is the centre: with quarter
 * turns and mirrors alone M is a signed permutation, M d + centre is an integer, and no value
 * changes.
 */
#include "data/tile.h"

#include <math.h>

#include "base/rng.h"

int un_mirror(int i, int n)
{
    if (n == 1)
        return 0;
    int period = 2 * (n - 1);
    i %= period;
    if (i < 0)
        i += period;
    return i < n ? i : period - i;
}

static inline float sample(const unet_image *image, size_t i)
{
    switch (image->sample) {
    case UNET_U8:
        return ((const uint8_t *)image->data)[i];
    case UNET_U16:
        return ((const uint16_t *)image->data)[i];
    default:
        return ((const float *)image->data)[i];
    }
}

static size_t sample_count(const unet_image *image)
{
    return (size_t)image->height * (size_t)image->width * (size_t)image->channels;
}

void un_tile_sum(const unet_image *part, double *sum)
{
    for (size_t i = 0; i < sample_count(part); i++)
        *sum += (double)sample(part, i);
}

void un_tile_squares(const unet_image *part, double mean, double *sum)
{
    for (size_t i = 0; i < sample_count(part); i++) {
        double d = (double)sample(part, i) - mean;
        *sum += d * d;
    }
}

/* The 1e-6 is for images of one value. */
void un_reading_standardize(struct un_reading *reading, double mean, double squares, double count)
{
    reading->offset = (float)mean;
    reading->scale = (float)(1 / (sqrt(squares / count) + 1e-6));
}

/* To mean 0 and variance 1 over all samples of the image. */
static void standardize(struct un_reading *r)
{
    double sum = 0, squares = 0, count = (double)sample_count(r->image);
    un_tile_sum(r->image, &sum);
    un_tile_squares(r->image, sum / count, &squares);
    un_reading_standardize(r, sum / count, squares, count);
}

struct un_reading un_reading_of(const unet_image *image, int channels,
                                const struct un_scaling *scaling)
{
    struct un_reading r = {image, 0, image->height, channels, 0, 1};
    if (image->prepared)
        return r;
    if (scaling && scaling->per_image)
        standardize(&r);
    else if (image->sample == UNET_U8) {
        r.scale = 1 / 255.f;
    } else if (scaling && scaling->set) {
        r.offset = scaling->offset;
        r.scale = scaling->scale;
    } else if (image->sample == UNET_U16) {
        r.scale = 1 / 65535.f;
    }
    return r;
}

unet_code un_reading_check(const unet_image *image, const char *name, int channels, unet_error *err)
{
    if (image->channels == channels || (image->channels == 1 && !image->prepared))
        return UNET_OK;
    if (channels == 1 && !image->prepared && un_image_is_grey(image))
        return UNET_OK;
    return un_fail(err, UNET_EINVAL, "%s%s%d channels%s, the model takes %d", name ? name : "",
                   name ? ": " : "", image->channels, channels == 1 ? " (in colour)" : "",
                   channels);
}

static inline float fetch(const struct un_reading *r, int y, int x, int c)
{
    int channels = r->image->channels;
    size_t pixel = (size_t)(y - r->top) * r->image->width + x;
    float v = sample(r->image, pixel * channels + (channels == r->channels ? c : 0));
    return (v - r->offset) * r->scale;
}

void un_tile_read(const struct un_reading *reading, int top, int left, int height, int width,
                  float *tile)
{
    for (int i = 0; i < height; i++) {
        int y = un_mirror(top + i, reading->height);
        for (int j = 0; j < width; j++) {
            int x = un_mirror(left + j, reading->image->width);
            for (int c = 0; c < reading->channels; c++)
                *tile++ = fetch(reading, y, x, c);
        }
    }
}

/* A drawn view of an image. */
struct view {
    double cy, cx;  /* the tile's centre in the image */
    double m[2][2]; /* rows y, x; columns dy, dx */
    bool exact;     /* M is a signed permutation */
    float gain, bias, gamma;
};

/* The random numbers of a view, by their place in the stream. */
enum {
    DRAW_TOP,
    DRAW_LEFT,
    DRAW_TURN,
    DRAW_MIRROR,
    DRAW_ANGLE,
    DRAW_ZOOM,
    DRAW_GAIN,
    DRAW_BIAS,
    DRAW_GAMMA
};

static double draw_between(uint64_t key, int what, double low, double high)
{
    return low + (high - low) * (double)un_rng_uniform(key, (uint64_t)what);
}

/* Where the output's window starts: anywhere inside, or centred on a side that is too short. */
static double draw_centre(uint64_t key, int what, int side, int window)
{
    int room = side - window;
    int start = room > 0 ? (int)un_rng_below(key, (uint64_t)what, (uint32_t)room + 1) : room / 2;
    return start + (window - 1) / 2.0;
}

static struct view draw_view(const unet_image *image, const unet_augment *augment, int out_side,
                             uint64_t key)
{
    static const int cosine[4] = {1, 0, -1, 0}, sine[4] = {0, 1, 0, -1};
    struct view v = {.gain = 1, .gamma = 1};
    int turn = augment->flip ? (int)un_rng_below(key, DRAW_TURN, 4) : 0;
    int mirror = augment->flip && un_rng_below(key, DRAW_MIRROR, 2) ? -1 : 1;
    double c = cosine[turn], s = sine[turn];
    v.cy = draw_centre(key, DRAW_TOP, image->height, out_side);
    v.cx = draw_centre(key, DRAW_LEFT, image->width, out_side);
    v.exact = augment->rotate == 0 && augment->scale == 0;
    if (!v.exact) {
        double angle = draw_between(key, DRAW_ANGLE, -augment->rotate, augment->rotate);
        double most = log(1 + (double)augment->scale);
        double zoom = exp(draw_between(key, DRAW_ZOOM, -most, most));
        double ca = cos(angle * 3.14159265358979323846 / 180) * zoom;
        double sa = sin(angle * 3.14159265358979323846 / 180) * zoom;
        double c0 = c;
        c = c0 * ca - s * sa;
        s = c0 * sa + s * ca;
    }
    v.m[0][0] = c;
    v.m[0][1] = s * mirror;
    v.m[1][0] = -s;
    v.m[1][1] = c * mirror;
    if (augment->grey > 0) {
        double g = augment->grey;
        v.gain = (float)exp(draw_between(key, DRAW_GAIN, -0.4 * g, 0.4 * g));
        v.bias = (float)draw_between(key, DRAW_BIAS, -0.5 * g, 0.5 * g);
        v.gamma = (float)exp(draw_between(key, DRAW_GAMMA, -0.5 * g, 0.5 * g));
    }
    return v;
}

/*
 * Shades a tile relative to its own greys, so that a dark image is changed as much as a bright one:
 * a gamma between its darkest and brightest value, then contrast about its mean and brightness in
 * standard deviations.
 */
static void shade(const struct view *v, float *tile, size_t count)
{
    float low = tile[0], high = tile[0];
    double sum = 0, squares = 0;
    for (size_t i = 0; i < count; i++) {
        low = tile[i] < low ? tile[i] : low;
        high = tile[i] > high ? tile[i] : high;
    }
    float range = high > low ? high - low : 1;
    for (size_t i = 0; i < count; i++) {
        tile[i] = low + range * powf((tile[i] - low) / range, v->gamma);
        sum += (double)tile[i];
        squares += (double)tile[i] * (double)tile[i];
    }
    double mean = sum / (double)count, variance = squares / (double)count - mean * mean;
    float shift = (float)(mean + (double)v->bias * sqrt(variance > 0 ? variance : 0));
    for (size_t i = 0; i < count; i++)
        tile[i] = (tile[i] - (float)mean) * v->gain + shift;
}

static float bilinear(const struct un_reading *r, double y, double x, int c)
{
    int h = r->image->height, w = r->image->width;
    double fy = floor(y), fx = floor(x);
    float ty = (float)(y - fy), tx = (float)(x - fx);
    int y0 = un_mirror((int)fy, h), y1 = un_mirror((int)fy + 1, h);
    int x0 = un_mirror((int)fx, w), x1 = un_mirror((int)fx + 1, w);
    float top = fetch(r, y0, x0, c) * (1 - tx) + fetch(r, y0, x1, c) * tx;
    float bottom = fetch(r, y1, x0, c) * (1 - tx) + fetch(r, y1, x1, c) * tx;
    return top * (1 - ty) + bottom * ty;
}

static void draw_input(const struct un_reading *r, const struct view *v, const struct un_tile *tile)
{
    double half = (tile->in_side - 1) / 2.0;
    float *to = tile->input;
    for (int i = 0; i < tile->in_side; i++)
        for (int j = 0; j < tile->in_side; j++) {
            double y = v->cy + v->m[0][0] * (i - half) + v->m[0][1] * (j - half);
            double x = v->cx + v->m[1][0] * (i - half) + v->m[1][1] * (j - half);
            int iy = un_mirror((int)lround(y), r->image->height);
            int ix = un_mirror((int)lround(x), r->image->width);
            for (int c = 0; c < r->channels; c++) {
                float value = v->exact ? fetch(r, iy, ix, c) : bilinear(r, y, x, c);
                *to++ = value;
            }
        }
}

static void draw_labels(const struct un_place *place, const struct view *v,
                        const struct un_tile *tile)
{
    const struct un_reading *r = place->reading;
    const uint8_t *mask = place->mask;
    const float *class_weights = place->class_weights;
    double half = (tile->out_side - 1) / 2.0;
    size_t at = 0;
    for (int i = 0; i < tile->out_side; i++)
        for (int j = 0; j < tile->out_side; j++, at++) {
            double y = v->cy + v->m[0][0] * (i - half) + v->m[0][1] * (j - half);
            double x = v->cx + v->m[1][0] * (i - half) + v->m[1][1] * (j - half);
            int iy = un_mirror((int)lround(y), r->image->height);
            int ix = un_mirror((int)lround(x), r->image->width);
            uint8_t label = mask[(size_t)iy * r->image->width + ix];
            tile->labels[at] = label;
            if (label == UNET_IGNORE)
                tile->weights[at] = 0;
            else
                tile->weights[at] = class_weights ? class_weights[label] : 1;
        }
}

void un_tile_draw(const struct un_place *place, const unet_augment *augment, uint64_t key,
                  const struct un_tile *tile)
{
    const struct un_reading *reading = place->reading;
    struct view v = draw_view(reading->image, augment, tile->out_side, key);
    draw_input(reading, &v, tile);
    if (augment->grey > 0)
        shade(&v, tile->input, (size_t)tile->in_side * tile->in_side * reading->channels);
    draw_labels(place, &v, tile);
}
