/* SPDX-License-Identifier: Apache-2.0 */
/*
 * outer_kernel.h - the body of every gradient of weights: un_outer, see kernels.h
 *
 * Rows x vectors of sums stay in registers over a run of pixels; each pixel gives one broadcast a
 * row and one load a vector.  A 3x3 convolution takes the three neighbouring taps of a few channels
 * as rows.  The sums of a run start at zero and are then added to what was there: two short chains
 * of additions instead of a long one, so the error grows with the root of the number of pixels.
 */
#ifndef UN_OUTER_KERNEL_H
#define UN_OUTER_KERNEL_H

#include "cpu/kernels/gather_kernel.h"

enum { TAP_ROWS = TILE_PIXELS / 3 >= 4 ? 4 : TILE_PIXELS / 3 }; /* channels of three taps at once */

INLINE void outer_tile(const struct un_outer *o, int row0, const int taps, const int rows,
                       const int vecs, const bool plain)
{
    vec acc[TILE_PIXELS][TILE_VECS];
    UNROLL_FOR (int i = 0; i < taps * rows; i++)
        UNROLL_FOR (int j = 0; j < vecs; j++)
            acc[i][j] = (vec){0};

    const ptrdiff_t a_step = plain ? UN_BLOCK : o->a_step, b_step = plain ? UN_BLOCK : o->b_step;
    const float *a = o->a + row0, *b = o->b;
    for (int x = 0; x < o->pixels; x++, a += a_step, b += b_step) {
        OPAQUE(a); /* else gcc keeps a pixel's values for the next, and the sums leave registers */
        vec row[TILE_VECS];
        UNROLL_FOR (int j = 0; j < vecs; j++)
            row[j] = vec_load(b + vec_place(j, o->b_block));
        UNROLL_FOR (int i = 0; i < taps * rows; i++)
            UNROLL_FOR (int j = 0; j < vecs; j++)
                acc[i][j] += a[i / rows * UN_BLOCK + i % rows] * row[j];
    }
    UNROLL_FOR (int i = 0; i < taps * rows; i++)
        UNROLL_FOR (int j = 0; j < vecs; j++) {
            int row = i / rows * UN_BLOCK + row0 + i % rows;
            float *sum = o->sum + row * vecs * VEC + j * VEC;
            if (!o->fresh)
                acc[i][j] += vec_load(sum);
            vec_store(sum, acc[i][j]);
        }
}

#define OUTER_CASE(n)                                                                              \
    case n:                                                                                        \
        if (n <= TILE_PIXELS)                                                                      \
            outer_tile(o, row, 1, n <= TILE_PIXELS ? n : 1, vecs, false);                          \
        break;

INLINE void outer_sized(const struct un_outer *o, const int vecs)
{
    int tiles = (o->rows + TILE_PIXELS - 1) / TILE_PIXELS;
    for (int t = 0; t < tiles; t++) {
        int row = o->rows * t / tiles, end = o->rows * (t + 1) / tiles;
        switch (end - row) {
            OUTER_CASE(1)
            OUTER_CASE(2)
            OUTER_CASE(3)
            OUTER_CASE(4)
            OUTER_CASE(5)
            OUTER_CASE(6)
            OUTER_CASE(7)
            OUTER_CASE(8)
            OUTER_CASE(9)
            OUTER_CASE(10)
            OUTER_CASE(11)
            OUTER_CASE(12)
            OUTER_CASE(13)
            OUTER_CASE(14)
        }
    }
}

INLINE void outer_taps(const struct un_outer *o, const int vecs, const bool plain)
{
    for (int row = 0; row < UN_BLOCK; row += TAP_ROWS)
        outer_tile(o, row, 3, TAP_ROWS, vecs, plain);
}

INLINE void outer_any(const struct un_outer *o, const int vecs)
{
    if (o->taps == 1)
        outer_sized(o, vecs);
    else if (o->a_step == UN_BLOCK)
        outer_taps(o, vecs, true);
    else
        outer_taps(o, vecs, false);
}

static void outer_full(const struct un_outer *o)
{
    outer_any(o, TILE_VECS);
}

#if defined(UN_ISA_avx512)
static void outer_one(const struct un_outer *o)
{
    outer_any(o, UN_BLOCK / VEC);
}
#else
#define outer_one outer_full
#endif

static void outer(const struct un_outer *o, int blocks)
{
    (blocks * UN_BLOCK == GROUP ? outer_full : outer_one)(o);
}

static void sum_row(const float *row, int pixels, float *sum)
{
    for (int j = 0; j < UN_BLOCK; j += VEC) {
        vec acc = {0};
        for (int x = 0; x < pixels; x++)
            acc += vec_load(row + x * UN_BLOCK + j);
        vec_store(sum + j, vec_load(sum + j) + acc);
    }
}

#endif
