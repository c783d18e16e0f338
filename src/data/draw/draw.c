/* SPDX-License-Identifier: Apache-2.0 */
/*
 * draw.c - one training tile, in one resampling
 *
 * A tile pixel at offset d from the tile's centre is the image at  centre + M (d + e(d)),  M = turn
 * * mirror * zoom, e the elastic displacement.  Offsets are half integers when the side is even,
 * and so is the centre: with quarter turns and mirrors alone M is a signed permutation, M d +
 * centre is an integer, and no value changes.
 */
#include "data/draw/draw.h"

#include <math.h>

#include "base/rng.h"

/* A drawn view of an image. */
struct view {
    double cy, cx;  /* the tile's centre in the image */
    double m[2][2]; /* rows y, x; columns dy, dx */
    bool exact;     /* M is a signed permutation, and there is no displacement */
    bool bent;      /* elastic is set */
    struct un_elastic elastic;
};

/* The random numbers of a view, by their place in the stream; others are for the values (shade.c).
 */
enum { DRAW_TOP, DRAW_LEFT, DRAW_TURN, DRAW_MIRROR, DRAW_ANGLE, DRAW_ZOOM };
enum { STREAM_ELASTIC = 0x62656e64 };

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

static void draw_position(const struct un_example *example, int out_side, uint64_t key,
                          struct view *v)
{
    const unet_view *image = &example->reading->view;
    if (example->focus && example->focus->rows) {
        int y, x;
        un_focus_draw(example->focus, example->mask, image->height, image->width,
                      un_rng_bits(key, DRAW_TOP), un_rng_bits(key, DRAW_LEFT), &y, &x);
        v->cy = y + (out_side % 2 ? 0 : 0.5);
        v->cx = x + (out_side % 2 ? 0 : 0.5);
    } else {
        v->cy = draw_centre(key, DRAW_TOP, image->height, out_side);
        v->cx = draw_centre(key, DRAW_LEFT, image->width, out_side);
    }
}

static void draw_view(const struct un_example *example, const unet_augment *augment,
                      const struct un_tile *tile, uint64_t key, struct view *v)
{
    static const int cosine[4] = {1, 0, -1, 0}, sine[4] = {0, 1, 0, -1};
    int turn = augment->flip ? (int)un_rng_below(key, DRAW_TURN, 4) : 0;
    int mirror = augment->flip && un_rng_below(key, DRAW_MIRROR, 2) ? -1 : 1;
    double c = cosine[turn], s = sine[turn];
    draw_position(example, tile->out_side, key, v);
    if (augment->rotate != 0 || augment->scale != 0) {
        double angle = draw_between(key, DRAW_ANGLE, -augment->rotate, augment->rotate);
        double most = log(1 + (double)augment->scale);
        double zoom = exp(draw_between(key, DRAW_ZOOM, -most, most));
        double ca = cos(angle * 3.14159265358979323846 / 180) * zoom;
        double sa = sin(angle * 3.14159265358979323846 / 180) * zoom;
        double c0 = c;
        c = c0 * ca - s * sa;
        s = c0 * sa + s * ca;
    }
    v->m[0][0] = c;
    v->m[0][1] = s * mirror;
    v->m[1][0] = -s;
    v->m[1][1] = c * mirror;
    v->bent = augment->elastic > 0;
    v->exact = !v->bent && augment->rotate == 0 && augment->scale == 0;
    if (v->bent)
        un_elastic_draw(&v->elastic, tile->in_side, augment->elastic, augment->elastic_grid,
                        un_rng_key(key, STREAM_ELASTIC, 0, 0), tile->scratch);
}

/* Where pixel (i, j) of the input lies in the image; un_elastic_row() was called for i. */
static inline void locate(const struct view *v, int i, int j, double half, double *y, double *x)
{
    double dy = i - half, dx = j - half;
    if (v->bent) {
        double ey, ex;
        un_elastic_at(&v->elastic, j, &ey, &ex);
        dy += ey;
        dx += ex;
    }
    *y = v->cy + v->m[0][0] * dy + v->m[0][1] * dx;
    *x = v->cx + v->m[1][0] * dy + v->m[1][1] * dx;
}

/* ---- images ------------------------------------------------------------------------------ */

/* How a sample becomes a value; type is a constant where this is called. */
static inline __attribute__((always_inline)) float value(const struct un_reading *r,
                                                         unet_sample type, int y, int x, int c)
{
    const char *at =
        un_view_at(r->view, y, x) + (r->view.channels == r->channels ? c * r->view.channel : 0);
    float v = type == UNET_U8    ? *(const uint8_t *)at
              : type == UNET_U16 ? *(const uint16_t *)at
                                 : *(const float *)at;
    return un_is_fill(r->fill, v) ? 0 : (v - r->offset) * r->scale;
}

static inline int inside(int i, int n)
{
    return i >= 0 && i < n ? i : un_mirror(i, n);
}

static inline __attribute__((always_inline)) void
sample_linear(const struct un_reading *r, unet_sample type, double y, double x, float *to)
{
    const int h = r->view.height, w = r->view.width;
    const double fy = floor(y), fx = floor(x);
    const float ty = (float)(y - fy), tx = (float)(x - fx);
    const int y0 = inside((int)fy, h), y1 = inside((int)fy + 1, h);
    const int x0 = inside((int)fx, w), x1 = inside((int)fx + 1, w);
    for (int c = 0; c < r->channels; c++) {
        float top = value(r, type, y0, x0, c) * (1 - tx) + value(r, type, y0, x1, c) * tx;
        float bottom = value(r, type, y1, x0, c) * (1 - tx) + value(r, type, y1, x1, c) * tx;
        to[c] = top * (1 - ty) + bottom * ty;
    }
}

static inline __attribute__((always_inline)) void
sample_cubic(const struct un_reading *r, unet_sample type, double y, double x, float *to)
{
    const int h = r->view.height, w = r->view.width;
    const double fy = floor(y), fx = floor(x);
    float wy[4], wx[4];
    int xs[4];
    un_catmull_rom((float)(y - fy), wy);
    un_catmull_rom((float)(x - fx), wx);
    for (int k = 0; k < 4; k++)
        xs[k] = inside((int)fx - 1 + k, w);
    for (int c = 0; c < r->channels; c++)
        to[c] = 0;
    for (int i = 0; i < 4; i++) {
        const int row = inside((int)fy - 1 + i, h);
        for (int c = 0; c < r->channels; c++) {
            float sum = 0;
            for (int k = 0; k < 4; k++)
                sum += wx[k] * value(r, type, row, xs[k], c);
            to[c] += wy[i] * sum;
        }
    }
}

static inline __attribute__((always_inline)) void draw_rows(const struct un_reading *r,
                                                            const struct view *v, int side,
                                                            bool cubic, unet_sample type, float *to)
{
    const double half = (side - 1) / 2.0;
    for (int i = 0; i < side; i++) {
        if (v->bent)
            un_elastic_row(&v->elastic, i);
        for (int j = 0; j < side; j++, to += r->channels) {
            double y, x;
            locate(v, i, j, half, &y, &x);
            if (v->exact) {
                int iy = inside((int)lround(y), r->view.height);
                int ix = inside((int)lround(x), r->view.width);
                for (int c = 0; c < r->channels; c++)
                    to[c] = value(r, type, iy, ix, c);
            } else if (cubic) {
                sample_cubic(r, type, y, x, to);
            } else {
                sample_linear(r, type, y, x, to);
            }
        }
    }
}

static void draw_input(const struct un_reading *r, const struct view *v, bool cubic,
                       const struct un_tile *tile)
{
    if (r->view.sample == UNET_U8)
        draw_rows(r, v, tile->in_side, cubic, UNET_U8, tile->input);
    else if (r->view.sample == UNET_U16)
        draw_rows(r, v, tile->in_side, cubic, UNET_U16, tile->input);
    else
        draw_rows(r, v, tile->in_side, cubic, UNET_F32, tile->input);
}

/* ---- labels and weights ------------------------------------------------------------------ */

static float extra_at(const float *extra, int height, int width, double y, double x)
{
    const double fy = floor(y), fx = floor(x);
    const float ty = (float)(y - fy), tx = (float)(x - fx);
    const float *top = extra + (size_t)inside((int)fy, height) * width;
    const float *bottom = extra + (size_t)inside((int)fy + 1, height) * width;
    const int x0 = inside((int)fx, width), x1 = inside((int)fx + 1, width);
    return (top[x0] * (1 - tx) + top[x1] * tx) * (1 - ty) +
           (bottom[x0] * (1 - tx) + bottom[x1] * tx) * ty;
}

/* The output of a network with rims for rim 1, 2 .. of a class: see un_spec_outputs(). */
static uint8_t output_of(uint8_t label, uint8_t rim, int classes)
{
    return (uint8_t)(classes + (rim - 1) * (classes - 1) + label - 1);
}

static void draw_labels(const struct un_example *example, const struct view *v,
                        const struct un_tile *tile)
{
    const int height = example->reading->view.height, width = example->reading->view.width;
    const int border = (tile->in_side - tile->out_side) / 2;
    const double half = (tile->in_side - 1) / 2.0;
    size_t at = 0;
    for (int i = 0; i < tile->out_side; i++) {
        if (v->bent)
            un_elastic_row(&v->elastic, i + border);
        for (int j = 0; j < tile->out_side; j++, at++) {
            double y, x;
            locate(v, i + border, j + border, half, &y, &x);
            const int iy = inside((int)lround(y), height), ix = inside((int)lround(x), width);
            const uint8_t label = example->mask[(size_t)iy * width + ix];
            tile->labels[at] = label;
            if (label == UNET_IGNORE) {
                tile->weights[at] = 0;
                continue;
            }
            if (example->rims && example->rims[(size_t)iy * width + ix])
                tile->labels[at] =
                    output_of(label, example->rims[(size_t)iy * width + ix], example->classes);
            float weight = example->class_weights ? example->class_weights[label] : 1;
            if (example->extra)
                weight += extra_at(example->extra, height, width, y, x);
            if (example->factor)
                weight *= example->factor[(size_t)iy * width + ix];
            tile->weights[at] = weight;
        }
    }
}

/* A multiple of 8, so that what follows is aligned. */
static size_t elastic_bytes(const unet_augment *augment, int in_side)
{
    return augment->elastic > 0 ? (un_elastic_bytes(in_side, augment->elastic_grid) + 7) / 8 * 8
                                : 0;
}

size_t un_tile_scratch(const unet_augment *augment, int in_side, int out_side, int channels)
{
    (void)out_side;
    return elastic_bytes(augment, in_side) + un_shade_bytes(augment, in_side, channels);
}

void un_tile_draw(const struct un_example *example, const unet_augment *augment, uint64_t key,
                  const struct un_tile *tile)
{
    struct view v = {0};
    char *scratch = tile->scratch;
    draw_view(example, augment, tile, key, &v);
    draw_input(example->reading, &v, augment->cubic, tile);
    un_shade(augment, key, tile->in_side, example->reading->channels, tile->input,
             scratch ? scratch + elastic_bytes(augment, tile->in_side) : NULL);
    draw_labels(example, &v, tile);
}
