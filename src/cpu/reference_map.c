/* SPDX-License-Identifier: Apache-2.0 */
/* Operations on maps that have no parameters: max pooling, bilinear doubling, dropout. */
#include "cpu/reference.h"

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

/* ---- bilinear doubling ----
 *
 * Output position p lies at source position (p + trim + 0.5) / 2 - 0.5, which is a quarter before
 * or behind a source pixel.  So it takes 3/4 of the nearer pixel and 1/4 of the farther one; at
 * the map's edge the farther one does not exist and the nearer one stands in for it.
 */

/* The weight of source pixel i (of `size`) in output position p, along one axis. */
static double share(int p, int trim, int i, int size)
{
    int q = p + trim;
    int near = q / 2, far = q % 2 ? near + 1 : near - 1;
    if (far < 0 || far >= size)
        far = near;
    return (i == near ? 0.75 : 0) + (i == far ? 0.25 : 0);
}

void un_ref_upsample_forward(struct un_engine *e, struct un_tensor src, struct un_tensor dst,
                             int trim)
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
                                sum += share(y, trim, i, s.h) * share(x, trim, j, s.w) *
                                       *un_ref_at(src, n, i, j, c);
                    *un_ref_at(dst, n, y, x, c) = (float)sum;
                }
}

/* The same weights, summed over the outputs that a source pixel reaches instead. */
void un_ref_upsample_backward(struct un_engine *e, struct un_tensor ddst, int trim,
                              const struct un_gradient *dsrc)
{
    (void)e;
    struct un_shape s = dsrc->d.shape;
    for (int n = 0; n < s.n; n++)
        for (int y = 0; y < s.h; y++)
            for (int x = 0; x < s.w; x++)
                for (int c = 0; c < s.c; c++) {
                    int dy = 2 * y - trim, dx = 2 * x - trim;
                    double sum = 0;
                    for (int i = dy - 1; i <= dy + 2; i++)
                        for (int j = dx - 1; j <= dx + 2; j++)
                            if (un_ref_inside(ddst, i, j))
                                sum += share(i, trim, y, s.h) * share(j, trim, x, s.w) *
                                       *un_ref_at(ddst, n, i, j, c);
                    un_ref_give(dsrc, n, y, x, c, sum);
                }
}

/* ---- dropout (Srivastava et al. 2014, in the "inverted" form) ---- */

void un_ref_dropout(struct un_engine *e, struct un_tensor x, float rate, uint64_t key)
{
    (void)e;
    size_t count = (size_t)x.shape.n * x.shape.h * x.shape.w * x.shape.c;
    for (size_t i = 0; i < count; i++)
        x.data[i] = un_rng_uniform(key, i) < rate ? 0 : (float)(x.data[i] / (1.0 - rate));
}
