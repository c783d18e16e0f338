/* SPDX-License-Identifier: Apache-2.0 */
/*
 * vec_math.h - exponential and logarithm of all lanes of a register
 *
 * exp: x = n ln 2 + r with a whole n and |r| <= ln 2 / 2, so exp(x) = 2^n exp(r).  Taylor's series
 * up to r^7 errs by r^8 / 8! < 6e-9 there.  n ln 2 is subtracted in two parts, the first of which
 * has few enough bits that its product with n is exact.
 *
 * log: x = 2^n m with sqrt(1/2) <= m < sqrt(2), and log m = 2 artanh(s), s = (m - 1) / (m + 1), by
 * its series up to s^9: |s| < 0.172, so that errs by s^10 / 11 < 3e-9 of the result.
 *
 * Both are within 2 EPS of the true value, relatively.
 */
#ifndef UN_VEC_MATH_H
#define UN_VEC_MATH_H

#include <float.h>

#include "cpu/kernels/vec.h"

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
