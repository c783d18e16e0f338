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

#include <float.h>
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

/* ---- exponential and logarithm of all lanes of a register ---- */

/*
 * exp: x = n ln 2 + r with a whole n and |r| <= ln 2 / 2, so exp(x) = 2^n exp(r).  Taylor's series
 * up to r^7 errs by r^8 / 8! < 6e-9 there.  n ln 2 is subtracted in two parts, the first of which
 * has few enough bits that its product with n is exact.
 *
 * log: x = 2^n m with sqrt(1/2) <= m < sqrt(2), and log m = 2 artanh(s), s = (m - 1) / (m + 1), by
 * its series up to s^9: |s| < 0.172, so that errs by s^10 / 11 < 3e-9 of the result.
 *
 * Both are within 2 EPS of the true value, relatively.
 */

#define LN2_HIGH 0.693359375f /* 355 / 512 */
#define LN2_LOW -2.12194440e-4f

/* x <= 0; 0 where the result were no normal number; NaN stays NaN */
INLINE vec vec_exp(vec x)
{
    const float lowest = -87, whole = 0x1.8p23f; /* adding whole rounds to a whole number */
    const vec_mask none = x < vec_all(lowest);
    x = vec_select(none, vec_all(lowest), x);
    vec shifted = x * 1.44269504f + whole, n = shifted - whole;
    vec r = x - n * LN2_HIGH - n * LN2_LOW;
    vec p = vec_all(1.0f / 5040);
    p = p * r + 1.0f / 720;
    p = p * r + 1.0f / 120;
    p = p * r + 1.0f / 24;
    p = p * r + 1.0f / 6;
    p = p * r + 0.5f;
    p = p * r + 1.0f;
    p = p * r + 1.0f;
    vec power = (vec)(((vec_bits)shifted + 127) << 23); /* the low bits of shifted are n */
    return vec_keep(~none, p * power);
}

/* x a normal number > 0; NaN stays NaN */
INLINE vec vec_log(vec x)
{
    const uint32_t root = 0x3f3504f3; /* sqrt(1/2) */
    vec_mask exponent = (vec_mask)((vec_bits)x - root) >> 23;
    vec n = __builtin_convertvector(exponent, vec);
    vec f = (vec)((vec_bits)x - ((vec_bits)exponent << 23)) - 1;
    vec s = f / (f + 2), t = s * s;
    vec p = vec_all(2.0f / 9);
    p = p * t + 2.0f / 7;
    p = p * t + 2.0f / 5;
    p = p * t + 2.0f / 3;
    vec result = n * LN2_HIGH + (s * 2 + (s * t * p + n * LN2_LOW));
    return vec_select(x == x, result, x);
}

/* log(1 + x), x >= -1; about -87 for -1.  What 1 + x loses of x is given back in first order. */
INLINE vec vec_log1p(vec x)
{
    vec u = 1 + x;
    u = vec_select(u < vec_all(FLT_MIN), vec_all(FLT_MIN), u);
    return vec_log(u) + (x - (u - 1)) / u;
}

#endif
