/* SPDX-License-Identifier: Apache-2.0 */
/*
 * winograd_kernel.h - the five small transforms of Winograd's convolution; winograd.h says what for
 *
 * Each is a matrix applied to the columns and then to the rows of a tile, for the channels of one
 * register at a time:
 *
 *   source    B' d B   6x6 pixels -> 6x6 frequencies     result    A' m A   6x6 -> 4x4 pixels
 *   gradient  A  y A'  4x4 pixels -> 6x6 frequencies     weights   G g G'   3x3 -> 6x6
 *                                                        and back  G' u G   6x6 -> 3x3
 *
 * A 6x6 tile does not fit 16 registers.  But the rows of each matrix come in pairs that differ in
 * the sign of one half, so a pass over the columns makes two rows of the result at a time, keeps
 * these in registers for the pass over the rows, and does no work twice.
 */
#ifndef UN_WINOGRAD_KERNEL_H
#define UN_WINOGRAD_KERNEL_H

#include "cpu/kernels/finish_kernel.h"

/*
 * Toom and Cook's points are 0, P, -P, Q, -Q and infinity with P = 2/3, Q = 3/2.  Of all pairs of
 * small fractions these lose least to rounding, less than half of what the usual 1 and 2 lose
 * (bench/winograd_error.py), and as P Q = 1 few numbers occur.  To save multiplications, the
 * frequencies of U at P and -P are P times what they are by the book, those at Q and -Q Q^2 times,
 * and M is taken accordingly.
 */
#define WINO_P (2 / 3.f)
#define WINO_Q (3 / 2.f)
#define WINO_PP (4 / 9.f)
#define WINO_QQ (9 / 4.f)
#define WINO_SUM (97 / 36.f) /* P^2 + Q^2 */

/* the two rows of a 6-row result that pair p makes */
static const int pair_row[3][2] = {{0, 5}, {1, 2}, {3, 4}};

/* Two rows of B' d, one column: B' = (1 0 -SUM 0 1 0) (0 -Q -QQ P 1 0) (0 Q -QQ -P 1 0)
 * (0 -P -PP Q 1 0) (0 P -PP -Q 1 0) (0 1 0 -SUM 0 1). */
INLINE void source_pair(const int pair, const vec d[6], vec *a, vec *b)
{
    if (pair == 0) {
        *a = d[0] + d[4] - WINO_SUM * d[2];
        *b = d[1] + d[5] - WINO_SUM * d[3];
        return;
    }
    const float point = pair == 1 ? WINO_P : WINO_Q, other = pair == 1 ? WINO_QQ : WINO_PP;
    vec even = d[4] - other * d[2], odd = d[3] - other * d[1];
    *a = even + point * odd;
    *b = even - point * odd;
}

/*
 * A store that misses the first-level cache holds up all that follow, and each frequency lies in
 * another line.  So the lines of the next tile are asked for while this one is computed.
 */
INLINE void fetch_frequencies(const float *v, ptrdiff_t by_frequency)
{
    UNROLL_FOR (int f = 0; f < 36; f++)
        __builtin_prefetch(v + f * by_frequency, 1);
}

INLINE void source_tile(const float *const row[6], ptrdiff_t at, float *v, ptrdiff_t by_frequency)
{
    UNROLL_FOR (int p = 0; p < 3; p++) {
        vec e[2][6], o[6];
        UNROLL_FOR (int x = 0; x < 6; x++) {
            vec d[6];
            UNROLL_FOR (int i = 0; i < 6; i++)
                d[i] = vec_load(row[i] + at + x * UN_BLOCK);
            source_pair(p, d, &e[0][x], &e[1][x]);
        }
        UNROLL_FOR (int h = 0; h < 2; h++) {
            UNROLL_FOR (int q = 0; q < 3; q++)
                source_pair(q, e[h], &o[pair_row[q][0]], &o[pair_row[q][1]]);
            UNROLL_FOR (int j = 0; j < 6; j++)
                vec_store(v + (pair_row[p][h] * 6 + j) * by_frequency, o[j]);
        }
    }
}

static void winograd_source(const float *const row[6], int tiles, float *v, ptrdiff_t by_frequency)
{
    for (int t = 0; t < tiles; t++) {
        fetch_frequencies(v + (t + 1) * UN_BLOCK, by_frequency);
        for (int lane = 0; lane < UN_BLOCK; lane += VEC)
            source_tile(row, t * 4 * UN_BLOCK + lane, v + t * UN_BLOCK + lane, by_frequency);
    }
}

/* Two rows of A y, one column: A = (1 0 0 0) (Q 1 P PP) (Q -1 P -PP) (PP P 1 Q) (PP -P 1 -Q)
 * (0 0 0 1). */
INLINE void gradient_pair(const int pair, const vec y[4], vec *a, vec *b)
{
    if (pair == 0) {
        *a = y[0];
        *b = y[3];
        return;
    }
    if (pair == 1) {
        vec even = WINO_Q * y[0] + WINO_P * y[2], odd = y[1] + WINO_PP * y[3];
        *a = even + odd;
        *b = even - odd;
    } else {
        vec even = WINO_PP * y[0] + y[2], odd = y[1] + WINO_QQ * y[3];
        *a = even + WINO_P * odd;
        *b = even - WINO_P * odd;
    }
}

/* Returns the sum of the tile. */
INLINE vec gradient_tile(const float *const row[4], ptrdiff_t at, float *v, ptrdiff_t by_frequency)
{
    vec sum = {0};
    UNROLL_FOR (int p = 0; p < 3; p++) {
        vec e[2][4], o[6];
        UNROLL_FOR (int x = 0; x < 4; x++) {
            vec y[4];
            UNROLL_FOR (int i = 0; i < 4; i++)
                y[i] = vec_load(row[i] + at + x * UN_BLOCK);
            gradient_pair(p, y, &e[0][x], &e[1][x]);
            if (p == 1)
                sum += (y[0] + y[1]) + (y[2] + y[3]);
        }
        UNROLL_FOR (int h = 0; h < 2; h++) {
            UNROLL_FOR (int q = 0; q < 3; q++)
                gradient_pair(q, e[h], &o[pair_row[q][0]], &o[pair_row[q][1]]);
            UNROLL_FOR (int j = 0; j < 6; j++)
                vec_store(v + (pair_row[p][h] * 6 + j) * by_frequency, o[j]);
        }
    }
    return sum;
}

static void winograd_gradient(const float *const row[4], int tiles, float *v,
                              ptrdiff_t by_frequency, float *sum)
{
    for (int t = 0; t < tiles; t++) {
        fetch_frequencies(v + (t + 1) * UN_BLOCK, by_frequency);
        for (int lane = 0; lane < UN_BLOCK; lane += VEC) {
            const vec tile =
                gradient_tile(row, t * 4 * UN_BLOCK + lane, v + t * UN_BLOCK + lane, by_frequency);
            if (sum)
                vec_store(sum + lane, vec_load(sum + lane) + tile);
        }
    }
}

/* Rows 0 and 2, or 1 and 3, of A' m, one column. */
INLINE void result_pair(const int pair, const vec m[6], vec *a, vec *b)
{
    if (pair == 0) {
        vec near = m[1] + m[2], far = m[3] + m[4];
        *a = m[0] + WINO_Q * near + WINO_PP * far;
        *b = far + WINO_P * near;
    } else {
        vec near = m[1] - m[2], far = m[3] - m[4];
        *a = near + WINO_P * far;
        *b = m[5] + WINO_PP * near + WINO_Q * far;
    }
}

/* Row `row` of a tile, from four columns of A' m; whole: all of it is in the map. */
INLINE void result_store(const struct un_winograd_result *r, const vec o[4], int tile, int row,
                         int lane, const bool whole)
{
    if (!whole && (row < r->rows.first || row >= r->rows.end))
        return;
    UNROLL_FOR (int j = 0; j < 4; j++) {
        int x = 4 * tile + j;
        ptrdiff_t at = (r->column + x) * UN_BLOCK + lane;
        if (!whole && (x < r->columns.first || x >= r->columns.end))
            continue;
        if (r->bias)
            vec_store(r->dst[row] + at, o[j]);
        else
            vec_finish(o[j], r->dst[row], r->y[row], at, r->finish);
    }
}

/* Two maxima side by side: top is the upper row's, o the lower row. */
INLINE void result_pool(const struct un_winograd_result *r, const vec top[2], const vec o[4],
                        int tile, int half, int lane, const bool whole)
{
    UNROLL_FOR (int j = 0; j < 2; j++) {
        int x = 2 * tile + j;
        if (whole || (r->pooled[half] && x < r->pooled_pixels))
            vec_store(r->pooled[half] + x * UN_BLOCK + lane,
                      vec_max(top[j], vec_max(o[2 * j], o[2 * j + 1])));
    }
}

INLINE void result_tile(const struct un_winograd_result *r, int tile, int lane, const bool whole,
                        const bool pools)
{
    const float *from = r->m + tile * UN_BLOCK + lane;
    const vec bias = r->bias ? vec_load(r->bias + lane) : (vec){0}, slope = vec_all(r->act.slope);
    vec top[2][2] = {{{0}}};
    UNROLL_FOR (int p = 0; p < 2; p++) {
        vec e[2][6], o[4];
        UNROLL_FOR (int x = 0; x < 6; x++) {
            vec m[6];
            UNROLL_FOR (int i = 0; i < 6; i++)
                m[i] = vec_load(from + (i * 6 + x) * r->by_frequency);
            result_pair(p, m, &e[0][x], &e[1][x]);
        }
        UNROLL_FOR (int h = 0; h < 2; h++) {
            result_pair(0, e[h], &o[0], &o[2]);
            result_pair(1, e[h], &o[1], &o[3]);
            if (r->bias)
                UNROLL_FOR (int j = 0; j < 4; j++)
                    o[j] = vec_act(o[j] + bias, r->act.kind, slope);
            result_store(r, o, tile, 2 * h + p, lane, whole);
            if (pools && p == 0)
                UNROLL_FOR (int j = 0; j < 2; j++)
                    top[h][j] = vec_max(o[2 * j], o[2 * j + 1]);
            if (pools && p == 1)
                result_pool(r, top[h], o, tile, h, lane, whole);
        }
    }
}

INLINE void result_tiles(const struct un_winograd_result *r, int tiles, const bool pools)
{
    const bool all_rows = r->rows.first <= 0 && r->rows.end >= 4;
    for (int t = 0; t < tiles; t++) {
        bool whole = all_rows && 4 * t >= r->columns.first && 4 * t + 4 <= r->columns.end;
        for (int lane = 0; lane < UN_BLOCK; lane += VEC)
            if (whole)
                result_tile(r, t, lane, true, pools);
            else
                result_tile(r, t, lane, false, pools);
    }
}

static void winograd_result(const struct un_winograd_result *r, int tiles)
{
    if (r->pools)
        result_tiles(r, tiles, true);
    else
        result_tiles(r, tiles, false);
}

/* G g: G = (1 0 0) (-54 -36 -24)/130 (-54 36 -24)/130 (36 54 81)/130 (36 -54 81)/130 (0 0 1). */
INLINE void weights_rise(const vec g[3], vec o[6])
{
    vec near = g[0] * (-54 / 130.f) - g[2] * (24 / 130.f);
    vec far = g[0] * (36 / 130.f) + g[2] * (81 / 130.f);
    o[0] = g[0];
    o[1] = near - g[1] * (36 / 130.f);
    o[2] = near + g[1] * (36 / 130.f);
    o[3] = far + g[1] * (54 / 130.f);
    o[4] = far - g[1] * (54 / 130.f);
    o[5] = g[2];
}

/* G' u */
INLINE void weights_fall(const vec u[6], vec o[3])
{
    vec near = u[1] + u[2], far = u[3] + u[4];
    o[0] = u[0] - near * (54 / 130.f) + far * (36 / 130.f);
    o[1] = (u[2] - u[1]) * (36 / 130.f) + (u[3] - u[4]) * (54 / 130.f);
    o[2] = u[5] - near * (24 / 130.f) + far * (81 / 130.f);
}

static void winograd_weights(const float *g, int lanes, float *u, ptrdiff_t by_frequency)
{
    for (int lane = 0; lane < lanes; lane += UN_BLOCK)
        fetch_frequencies(u + lanes + lane, by_frequency);
    for (int lane = 0; lane < lanes; lane += VEC) {
        vec e[3][6]; /* [column][row] */
        UNROLL_FOR (int x = 0; x < 3; x++) {
            vec column[3];
            UNROLL_FOR (int i = 0; i < 3; i++)
                column[i] = vec_load(g + (i * 3 + x) * lanes + lane);
            weights_rise(column, e[x]);
        }
        UNROLL_FOR (int i = 0; i < 6; i++) {
            vec row[3] = {e[0][i], e[1][i], e[2][i]}, o[6];
            weights_rise(row, o);
            UNROLL_FOR (int j = 0; j < 6; j++)
                vec_store(u + (i * 6 + j) * by_frequency + lane, o[j]);
        }
    }
}

static void winograd_weights_back(const float *u, ptrdiff_t by_frequency, int lanes, float *g)
{
    for (int lane = 0; lane < lanes; lane += VEC) {
        vec e[6][3]; /* [column][row] */
        UNROLL_FOR (int x = 0; x < 6; x++) {
            vec column[6];
            UNROLL_FOR (int i = 0; i < 6; i++)
                column[i] = vec_load(u + (i * 6 + x) * by_frequency + lane);
            weights_fall(column, e[x]);
        }
        UNROLL_FOR (int i = 0; i < 3; i++) {
            vec row[6], o[3];
            UNROLL_FOR (int x = 0; x < 6; x++)
                row[x] = e[x][i];
            weights_fall(row, o);
            UNROLL_FOR (int j = 0; j < 3; j++)
                vec_store(g + (i * 3 + j) * lanes + lane, o[j]);
        }
    }
}

#endif
