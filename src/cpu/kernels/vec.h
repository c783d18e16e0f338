/* SPDX-License-Identifier: Apache-2.0 */
/*
 * vec.h - the register: how wide it is, how many there are, and what can be done with one
 *
 * The only file that knows the width.  Everything is written with GNU vector types, so the same
 * text compiles for every instruction set.
 *
 * TILE_PIXELS x TILE_VECS is the block of results that a convolution keeps in registers.  One step
 * of it needs TILE_VECS weights and one broadcast pixel besides the accumulators:
 *
 *   AVX-512  14 x 2 + 2 + 1 = 31 of 32 registers
 *   AVX2      6 x 2 + 2 + 1 = 15 of 16
 *   SSE2      3 x 4 + 1 + 1 = 14 of 16: no fused multiply-add, so the product needs a register of
 *             its own and the weights are operands in memory
 *   NEON      6 x 4 + 4 + 1 = 29 of 32
 */
#ifndef UN_VEC_H
#define UN_VEC_H

#include <stdint.h>

#if defined(UN_ISA_avx512)
enum { VEC = 16, TILE_PIXELS = 14, TILE_VECS = 2 };
#elif defined(UN_ISA_avx2)
enum { VEC = 8, TILE_PIXELS = 6, TILE_VECS = 2 };
#elif defined(__aarch64__)
enum { VEC = 4, TILE_PIXELS = 6, TILE_VECS = 4 };
#else
enum { VEC = 4, TILE_PIXELS = 3, TILE_VECS = 4 };
#endif

enum { GROUP = VEC * TILE_VECS }; /* output channels of a tile: 32 or 16 */

typedef float vec __attribute__((vector_size(VEC * 4), may_alias));
typedef int32_t vec_mask __attribute__((vector_size(VEC * 4), may_alias));
typedef uint32_t vec_bits __attribute__((vector_size(VEC * 4), may_alias));
/* at any address of a float */
typedef float vec_half __attribute__((vector_size(VEC * 2), may_alias, aligned(4)));
typedef double vec_double __attribute__((vector_size(VEC * 4), may_alias)); /* VEC / 2 of them */

/* before a loop over registers: arrays of them are only registers when every index is a constant */
#if defined(__clang__)
#define UNROLL_FOR _Pragma("clang loop unroll(full)") for
#else
#define UNROLL_FOR _Pragma("GCC unroll 16") for
#endif

/* the compiler forgets what it knows about a pointer */
#define OPAQUE(pointer) __asm__("" : "+r"(pointer))

#define INLINE static inline __attribute__((always_inline))

/* p is aligned to the width */
INLINE vec vec_load(const float *p)
{
    return *(const vec *)p;
}

INLINE void vec_store(float *p, vec x)
{
    *(vec *)p = x;
}

INLINE vec vec_all(float x)
{
    return x - (vec){0};
}

/* lane by lane: mask ? a : b, where a lane of mask is 0 or -1 (the result of a comparison) */
INLINE vec vec_select(vec_mask mask, vec a, vec b)
{
    return (vec)(((vec_mask)a & mask) | ((vec_mask)b & ~mask));
}

/* mask ? a : 0 */
INLINE vec vec_keep(vec_mask mask, vec a)
{
    return (vec)((vec_mask)a & mask);
}

/* the first and the second half of VEC floats, as doubles */
INLINE vec_double vec_widen(const float *p)
{
    return __builtin_convertvector(*(const vec_half *)p, vec_double);
}

#endif
