/* SPDX-License-Identifier: Apache-2.0 */
/*
 * gather_kernel.h - the body of every convolution: un_gather, see kernels.h
 *
 * The accumulators live in registers for a run of segments; runs are added up in memory.  So a sum
 * of n products is a chain of at most 128, and then one of n / 128: the error grows with the root
 * of the longer of these, not of n.  For accumulators to be registers the compiler must see the
 * size of the tile, so there is one instance per number of pixels and vectors, chosen by a switch,
 * and one more set for sources whose pixels are not 16 floats apart.
 */
#ifndef UN_GATHER_KERNEL_H
#define UN_GATHER_KERNEL_H

#include <string.h>

#include "cpu/kernels/finish_kernel.h"

enum { RUN_SEGMENTS = 8 };

/* where vector j of a pixel lies */
INLINE ptrdiff_t vec_place(int j, ptrdiff_t block)
{
    return j * VEC / UN_BLOCK * block + j * VEC % UN_BLOCK;
}

/* each register of a tile: pixel i, vector j */
#define EACH_RESULT(i, j)                                                                          \
    UNROLL_FOR (int i = 0; i < pixels; i++)                                                        \
        UNROLL_FOR (int j = 0; j < vecs; j++)

/*
 * The last step of a tile.  Forward, what g asks for is looked up once, not for each register.  A
 * gradient's registers go one by one: with the loads of all of y before the first store, a layer
 * of few channels takes twice the time.
 */
INLINE void gather_store(const struct un_gather *g, const int pixels, const int vecs,
                         vec acc[TILE_PIXELS][TILE_VECS])
{
    if (!g->bias) {
        EACH_RESULT (i, j)
            vec_finish(acc[i][j], g->dst, g->y, i * g->dst_step + vec_place(j, g->dst_block),
                       g->finish);
        return;
    }
    const ptrdiff_t step = g->dst_step, block = g->dst_block;
    const vec slope = vec_all(g->act.slope);
    const float *bias = g->bias;
    const enum un_act act = g->act.kind;
    float *dst = g->dst;
    EACH_RESULT (i, j)
        acc[i][j] += vec_load(bias + j * VEC);
    if (act == UN_ACT_RELU)
        EACH_RESULT (i, j)
            acc[i][j] = vec_act(acc[i][j], UN_ACT_RELU, slope);
    else if (act == UN_ACT_LEAKY)
        EACH_RESULT (i, j)
            acc[i][j] = vec_act(acc[i][j], UN_ACT_LEAKY, slope);
    EACH_RESULT (i, j)
        vec_store(dst + i * step + vec_place(j, block), acc[i][j]);
}

/* acc = the sum over segments first .. end - 1, whose weights begin at w */
INLINE void gather_run(const struct un_gather *g, int first, int end, const float *w,
                       const int pixels, const int vecs, const ptrdiff_t src_step,
                       vec acc[TILE_PIXELS][TILE_VECS])
{
    const int depth = g->depth;
    EACH_RESULT (i, j)
        acc[i][j] = (vec){0};
    for (int s = first; s < end; s++) {
        const float *src = g->segment[s];
        /* after the last segment comes the first one of the row's next tile */
        const float *next =
            s + 1 < g->segments ? g->segment[s + 1] : g->segment[0] + pixels * src_step;
        UNROLL_FOR (int i = 0; i < pixels; i++)
            __builtin_prefetch(next + i * src_step);
        for (int c = 0; c < depth; c++, src++, w += vecs * VEC) {
            vec row[TILE_VECS];
            UNROLL_FOR (int j = 0; j < vecs; j++)
                row[j] = vec_load(w + j * VEC);
            EACH_RESULT (i, j)
                acc[i][j] += src[i * src_step] * row[j];
        }
    }
}

/* step: that of the pixels when it is known (else 0) */
INLINE void gather_tile(const struct un_gather *g, const int pixels, const int vecs, const int step)
{
    vec acc[TILE_PIXELS][TILE_VECS], sum[TILE_PIXELS][TILE_VECS];
    const ptrdiff_t src_step = step ? step : g->src_step;
    const float *w = g->weight;
    int s = 0;
    if (g->segments > RUN_SEGMENTS)
        memset(sum, 0, sizeof sum);
    for (; g->segments - s > RUN_SEGMENTS; s += RUN_SEGMENTS) {
        gather_run(g, s, s + RUN_SEGMENTS, w, pixels, vecs, src_step, acc);
        w += (ptrdiff_t)RUN_SEGMENTS * g->depth * vecs * VEC;
        EACH_RESULT (i, j)
            sum[i][j] += acc[i][j];
    }
    gather_run(g, s, g->segments, w, pixels, vecs, src_step, acc);
    if (s > 0)
        EACH_RESULT (i, j)
            acc[i][j] += sum[i][j];
    gather_store(g, pixels, vecs, acc);
}

#define GATHER_CASE(n)                                                                             \
    case n:                                                                                        \
        if (n <= TILE_PIXELS)                                                                      \
            gather_tile(g, n <= TILE_PIXELS ? n : 1, vecs, step);                                  \
        break;

INLINE void gather_sized(const struct un_gather *g, int pixels, const int vecs, const int step)
{
    switch (pixels) {
        GATHER_CASE(1)
        GATHER_CASE(2)
        GATHER_CASE(3)
        GATHER_CASE(4)
        GATHER_CASE(5)
        GATHER_CASE(6)
        GATHER_CASE(7)
        GATHER_CASE(8)
        GATHER_CASE(9)
        GATHER_CASE(10)
        GATHER_CASE(11)
        GATHER_CASE(12)
        GATHER_CASE(13)
        GATHER_CASE(14)
    }
}

static void gather_full(const struct un_gather *g, int pixels)
{
    gather_sized(g, pixels, TILE_VECS, UN_BLOCK);
}

static void gather_full_strided(const struct un_gather *g, int pixels)
{
    gather_sized(g, pixels, TILE_VECS, 0);
}

#if defined(UN_ISA_avx512) /* the other groups are one block: there is no smaller one */
static void gather_one(const struct un_gather *g, int pixels)
{
    gather_sized(g, pixels, UN_BLOCK / VEC, UN_BLOCK);
}

static void gather_one_strided(const struct un_gather *g, int pixels)
{
    gather_sized(g, pixels, UN_BLOCK / VEC, 0);
}
#else
#define gather_one gather_full
#define gather_one_strided gather_full_strided
#endif

static void gather(const struct un_gather *g, int pixels, int blocks)
{
    bool full = blocks * UN_BLOCK == GROUP, plain = g->src_step == UN_BLOCK;
    if (full)
        (plain ? gather_full : gather_full_strided)(g, pixels);
    else
        (plain ? gather_one : gather_one_strided)(g, pixels);
}

#endif
