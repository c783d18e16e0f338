/* SPDX-License-Identifier: Apache-2.0 */
/* Operations on maps that have no parameters: poolings, sums, doubling, dropout. */
#include "cpu/reference/reference.h"

#include <math.h>

#include "base/rng.h"

/* ---- 2x2 max pooling ---- */

/* Which of the four pixels below (y, x) of the pooled map, counted row by row, is the first of the
 * largest. */
static int winner(struct un_tensor src, int n, int y, int x, int c)
{
    int best = 0;
    for (int i = 1; i < 4; i++) {
        float value = *un_ref_at(src, n, 2 * y + i / 2, 2 * x + i % 2, c);
        if (value > *un_ref_at(src, n, 2 * y + best / 2, 2 * x + best % 2, c))
            best = i;
    }
    return best;
}

void un_ref_maxpool_forward(struct un_engine *e, struct un_tensor src, struct un_tensor dst)
{
    (void)e;
    struct un_shape d = dst.shape;
    for (int n = 0; n < d.n; n++)
        for (int y = 0; y < d.h; y++)
            for (int x = 0; x < d.w; x++)
                for (int c = 0; c < d.c; c++) {
                    int i = winner(src, n, y, x, c);
                    *un_ref_at(dst, n, y, x, c) =
                        *un_ref_at(src, n, 2 * y + i / 2, 2 * x + i % 2, c);
                }
}

void un_ref_maxpool_backward(struct un_engine *e, struct un_tensor src, struct un_tensor ddst,
                             const struct un_gradient *dsrc)
{
    (void)e;
    struct un_shape s = src.shape;
    for (int n = 0; n < s.n; n++)
        for (int y = 0; y < s.h; y++)
            for (int x = 0; x < s.w; x++)
                for (int c = 0; c < s.c; c++) {
                    bool won = un_ref_inside(ddst, y / 2, x / 2) &&
                               winner(src, n, y / 2, x / 2, c) == y % 2 * 2 + x % 2;
                    un_ref_give(dsrc, n, y, x, c, won ? *un_ref_at(ddst, n, y / 2, x / 2, c) : 0);
                }
}

/* ---- 2x2 mean pooling ---- */

void un_ref_meanpool_forward(struct un_engine *e, struct un_tensor src, struct un_tensor dst)
{
    (void)e;
    struct un_shape d = dst.shape;
    for (int n = 0; n < d.n; n++)
        for (int y = 0; y < d.h; y++)
            for (int x = 0; x < d.w; x++)
                for (int c = 0; c < d.c; c++) {
                    double sum = 0;
                    for (int i = 0; i < 4; i++)
                        sum += *un_ref_at(src, n, 2 * y + i / 2, 2 * x + i % 2, c);
                    *un_ref_at(dst, n, y, x, c) = (float)(sum / 4);
                }
}

void un_ref_meanpool_backward(struct un_engine *e, struct un_tensor ddst,
                              const struct un_gradient *dsrc)
{
    (void)e;
    struct un_shape s = dsrc->d.shape;
    for (int n = 0; n < s.n; n++)
        for (int y = 0; y < s.h; y++)
            for (int x = 0; x < s.w; x++)
                for (int c = 0; c < s.c; c++) {
                    bool there = un_ref_inside(ddst, y / 2, x / 2);
                    un_ref_give(dsrc, n, y, x, c,
                                there ? *un_ref_at(ddst, n, y / 2, x / 2, c) / 4 : 0);
                }
}

/* ---- 3x3 max pooling of stride 2 ---- */

/* Which of the nine pixels around (2y, 2x), counted row by row, is the first of the largest; *most:
 * its value. */
static int winner3(struct un_tensor src, int n, int y, int x, int c, float *most)
{
    int best = -1;
    for (int i = 0; i < 9; i++) {
        const int row = 2 * y + i / 3 - 1, column = 2 * x + i % 3 - 1;
        if (!un_ref_inside(src, row, column))
            continue;
        const float value = *un_ref_at(src, n, row, column, c);
        if (best < 0 || value > *most) {
            best = i;
            *most = value;
        }
    }
    return best;
}

void un_ref_maxpool3_forward(struct un_engine *e, struct un_tensor src, struct un_tensor dst)
{
    (void)e;
    struct un_shape d = dst.shape;
    for (int n = 0; n < d.n; n++)
        for (int y = 0; y < d.h; y++)
            for (int x = 0; x < d.w; x++)
                for (int c = 0; c < d.c; c++)
                    winner3(src, n, y, x, c, un_ref_at(dst, n, y, x, c));
}

void un_ref_maxpool3_backward(struct un_engine *e, struct un_tensor src, struct un_tensor ddst,
                              const struct un_gradient *dsrc)
{
    (void)e;
    struct un_shape s = src.shape;
    for (int n = 0; n < s.n; n++)
        for (int y = 0; y < s.h; y++)
            for (int x = 0; x < s.w; x++)
                for (int c = 0; c < s.c; c++) {
                    double sum = 0;
                    float most;
                    for (int v = y / 2; v <= (y + 1) / 2; v++)
                        for (int u = x / 2; u <= (x + 1) / 2; u++)
                            if (un_ref_inside(ddst, v, u) &&
                                winner3(src, n, v, u, c, &most) ==
                                    (y - 2 * v + 1) * 3 + x - 2 * u + 1)
                                sum += *un_ref_at(ddst, n, v, u, c);
                    un_ref_give(dsrc, n, y, x, c, sum);
                }
}

/* ---- the sum of two maps ---- */

void un_ref_add_forward(struct un_engine *e, const struct un_operand src[2],
                        struct un_activation act, struct un_tensor dst)
{
    (void)e;
    struct un_shape d = dst.shape;
    for (int n = 0; n < d.n; n++)
        for (int y = 0; y < d.h; y++)
            for (int x = 0; x < d.w; x++)
                for (int c = 0; c < d.c; c++) {
                    double sum = 0;
                    for (int s = 0; s < 2; s++)
                        if (un_ref_inside(src[s].tensor, y + src[s].top, x + src[s].left))
                            sum += *un_ref_at(src[s].tensor, n, y + src[s].top, x + src[s].left, c);
                    *un_ref_at(dst, n, y, x, c) = (float)un_ref_activate(act, sum);
                }
}

void un_ref_add_backward(struct un_engine *e, struct un_tensor ddst, int top, int left,
                         const struct un_gradient *dsrc)
{
    (void)e;
    struct un_shape s = dsrc->d.shape;
    for (int n = 0; n < s.n; n++)
        for (int y = 0; y < s.h; y++)
            for (int x = 0; x < s.w; x++)
                for (int c = 0; c < s.c; c++) {
                    bool there = un_ref_inside(ddst, y - top, x - left);
                    un_ref_give(dsrc, n, y, x, c,
                                there ? *un_ref_at(ddst, n, y - top, x - left, c) : 0);
                }
}

/* ---- doubling ----
 *
 * Along one axis, output position p lies at a source position: the pixel at or before it and the
 * one behind it share the result by their distances.  Positions beyond the map's ends are its ends.
 */

static double source_position(enum un_doubling how, int p, int size)
{
    if (how == UN_NEAREST)
        return p / 2;
    if (how == UN_CORNERS)
        return (double)p * (size - 1) / (2 * size - 1);
    double position = (p + 0.5) / 2 - 0.5;
    return fmin(fmax(position, 0), size - 1);
}

/* The weight of source pixel i (of `size`) in output position p of the untrimmed map. */
static double share(enum un_doubling how, int p, int i, int size)
{
    return fmax(0, 1 - fabs(source_position(how, p, size) - i));
}

void un_ref_upsample_forward(struct un_engine *e, struct un_tensor src, struct un_tensor dst,
                             enum un_doubling how, int trim)
{
    (void)e;
    struct un_shape s = src.shape, d = dst.shape;
    for (int n = 0; n < d.n; n++)
        for (int y = 0; y < d.h; y++)
            for (int x = 0; x < d.w; x++)
                for (int c = 0; c < d.c; c++) {
                    int sy = (y + trim) / 2, sx = (x + trim) / 2;
                    double sum = 0;
                    for (int i = sy - 1; i <= sy + 1; i++)
                        for (int j = sx - 1; j <= sx + 1; j++)
                            if (un_ref_inside(src, i, j))
                                sum += share(how, y + trim, i, s.h) * share(how, x + trim, j, s.w) *
                                       *un_ref_at(src, n, i, j, c);
                    *un_ref_at(dst, n, y, x, c) = (float)sum;
                }
}

/* The same weights, summed over the outputs that a source pixel reaches instead: source position i
 * reaches no further than outputs 2i - 2 to 2i + 3. */
void un_ref_upsample_backward(struct un_engine *e, struct un_tensor ddst, enum un_doubling how,
                              int trim, const struct un_gradient *dsrc)
{
    (void)e;
    struct un_shape s = dsrc->d.shape;
    for (int n = 0; n < s.n; n++)
        for (int y = 0; y < s.h; y++)
            for (int x = 0; x < s.w; x++)
                for (int c = 0; c < s.c; c++) {
                    double sum = 0;
                    for (int i = 2 * y - 3; i <= 2 * y + 4; i++)
                        for (int j = 2 * x - 3; j <= 2 * x + 4; j++)
                            if (un_ref_inside(ddst, i - trim, j - trim))
                                sum += share(how, i, y, s.h) * share(how, j, x, s.w) *
                                       *un_ref_at(ddst, n, i - trim, j - trim, c);
                    un_ref_give(dsrc, n, y, x, c, sum);
                }
}

/* ---- a slope that is learnt ---- */

void un_ref_prelu_forward(struct un_engine *e, struct un_tensor x, const float *slope,
                          struct un_tensor y)
{
    (void)e;
    const size_t values = (size_t)x.shape.n * x.shape.h * x.shape.w * x.shape.c;
    for (size_t i = 0; i < values; i++) {
        const double v = x.data[i];
        y.data[i] = (float)(v > 0 ? v : *slope * v);
    }
}

void un_ref_prelu_backward(struct un_engine *e, struct un_tensor x, const float *slope,
                           struct un_tensor dy, float *dslope, struct un_tensor dx)
{
    (void)e;
    const size_t values = (size_t)x.shape.n * x.shape.h * x.shape.w * x.shape.c;
    double sum = 0;
    for (size_t i = 0; i < values; i++) {
        const bool above = x.data[i] > 0;
        sum += above ? 0 : (double)x.data[i] * dy.data[i];
        dx.data[i] = above ? dy.data[i] : *slope * dy.data[i];
    }
    *dslope = (float)sum;
}

/* ---- dropout (Srivastava et al. 2014, in the "inverted" form) ---- */

void un_ref_dropout(struct un_engine *e, struct un_tensor x, float rate, uint64_t key,
                    uint64_t first)
{
    (void)e;
    size_t count = (size_t)x.shape.n * x.shape.h * x.shape.w * x.shape.c;
    for (size_t i = 0; i < count; i++)
        x.data[i] = un_rng_uniform(key, first + i) < rate ? 0 : (float)(x.data[i] / (1.0 - rate));
}
