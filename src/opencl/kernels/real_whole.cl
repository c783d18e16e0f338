/* SPDX-License-Identifier: Apache-2.0 */
/*
 * real_whole.cl - doubles (IEEE 754), made of whole numbers, for devices that have none
 *
 * In the place of real.cl, with the same bits: rounded to nearest, ties to even; but what would be
 * subnormal is zero.  A value on its way is sign, exponent and a significand whose leading bit is
 * bit 61, of which the lowest stands for all below it, too.
 */
typedef ulong real;

#define REAL_SIGN 0x8000000000000000UL
#define REAL_INFINITE 0x7ff0000000000000UL
#define REAL_NONE 0x7ff8000000000000UL /* not a number */
#define REAL_ONE 0x0010000000000000UL  /* of a significand, its leading bit */

static inline int real_exponent(real x)
{
    return (int)(x >> 52) & 2047;
}

static inline ulong real_significand(real x)
{
    return (x & (REAL_ONE - 1)) | REAL_ONE;
}

static inline int real_is_none(real x)
{
    return (x & ~REAL_SIGN) > REAL_INFINITE;
}

/*
 * m: not 0, below 2^63.  This and real_add() choose between values instead of ways, so that
 * neighbouring work items stay together.
 */
static inline real real_pack(ulong sign, int exponent, ulong m)
{
    const int shift = (int)clz(m) - 2;
    m = shift < 0 ? (m >> 1) | (m & 1) : m << (shift & 63);
    exponent -= shift;
    const ulong rest = m & 511, odd = (m >> 9) & 1;
    m = (m >> 9) + (rest + odd > 256 ? 1 : 0);
    const real x = ((ulong)(exponent - 1) << 52) + m; /* a carry goes to the exponent */
    const real whole = exponent >= 2047 || x >= REAL_INFINITE ? REAL_INFINITE : x;
    return exponent <= 0 ? sign : sign | whole;
}

static inline real real_of(float x)
{
    const uint bits = as_uint(x), m = bits & 0x7fffff;
    const ulong sign = (ulong)(bits >> 31) << 63;
    const int exponent = (int)(bits >> 23) & 255;
    if (exponent == 255)
        return sign | (m ? REAL_NONE : REAL_INFINITE);
    if (exponent == 0)
        return m ? real_pack(sign, 1023 - 149 + 61, (ulong)m) : sign;
    return sign | ((ulong)(exponent + 896) << 52) | ((ulong)m << 29);
}

static inline real real_count(ulong x)
{
    return x ? real_pack(0, 1023 + 61, x) : 0;
}

static inline float real_float(real x)
{
    const uint sign = (uint)(x >> 63) << 31;
    const int exponent = real_exponent(x) - 896;
    if (real_is_none(x))
        return as_float(0x7fc00000u);
    if (exponent >= 255)
        return as_float(sign | 0x7f800000u);
    const int shift = exponent > 0 ? 29 : 30 - exponent; /* subnormal floats have fewer bits */
    if (shift > 54 || real_exponent(x) == 0)
        return as_float(sign);
    const ulong all = real_significand(x), rest = all & ((1UL << shift) - 1);
    const ulong tie = 1UL << (shift - 1);
    ulong m = all >> shift;
    if (rest > tie || (rest == tie && (m & 1)))
        m++;
    return as_float(sign | ((exponent > 0 ? (uint)(exponent - 1) << 23 : 0u) + (uint)m));
}

static inline real real_add(real x, real y)
{
    const int swap = (x << 1) < (y << 1);
    const real a = swap ? y : x, b = swap ? x : y; /* the larger first */
    const int exponent = real_exponent(a), apart = exponent - real_exponent(b);
    const int shift = min(apart, 63);
    const ulong sign = a & REAL_SIGN, m = real_significand(a) << 9, n = real_significand(b) << 9;
    const ulong moved = (n >> shift) | (n & ((1UL << shift) - 1) ? 1 : 0);
    const ulong sum = (a ^ b) & REAL_SIGN ? m - moved : m + moved;
    const real packed = sum ? real_pack(sign, exponent, sum) : 0;
    const real some = real_exponent(b) ? packed : a, both = exponent ? some : a & b & REAL_SIGN;
    const real infinite = real_is_none(a) || (apart == 0 && a != b) ? REAL_NONE : a;
    return exponent == 2047 ? infinite : both;
}

static inline real real_sub(real a, real b)
{
    return real_add(a, b ^ REAL_SIGN);
}

static inline real real_mul(real a, real b)
{
    const ulong sign = (a ^ b) & REAL_SIGN;
    const int ea = real_exponent(a), eb = real_exponent(b);
    if (ea == 2047 || eb == 2047)
        return real_is_none(a) || real_is_none(b) || !ea || !eb ? REAL_NONE : sign | REAL_INFINITE;
    if (!ea || !eb)
        return sign;
    const ulong m = real_significand(a) << 10, n = real_significand(b) << 11;
    return real_pack(sign, ea + eb - 1023, mul_hi(m, n) | (m * n ? 1 : 0));
}

static inline real real_div(real a, real b)
{
    const ulong sign = (a ^ b) & REAL_SIGN;
    const int ea = real_exponent(a), eb = real_exponent(b);
    if (real_is_none(a) || real_is_none(b) || (ea == 2047 && eb == 2047) || (!ea && !eb))
        return REAL_NONE;
    if (ea == 2047 || !eb)
        return sign | REAL_INFINITE;
    if (eb == 2047 || !ea)
        return sign;
    const ulong by = real_significand(b);
    ulong rest = real_significand(a), quotient = 0;
    const int less = rest < by;
    rest <<= less;
    for (int bit = 0; bit < 62; bit++) {
        const int fits = rest >= by;
        rest = (rest - (fits ? by : 0)) << 1;
        quotient = quotient << 1 | (ulong)fits;
    }
    return real_pack(sign, ea - eb + 1023 - less, quotient | (rest ? 1 : 0));
}

static inline real real_sqrt(real x)
{
    if (real_exponent(x) == 0)
        return x & REAL_SIGN;
    if ((x & REAL_SIGN) || real_exponent(x) == 2047)
        return x == REAL_INFINITE ? x : REAL_NONE;
    const int power = real_exponent(x) - 1023, odd = power & 1;
    const ulong m = real_significand(x) << odd;
    ulong root = 0, rest = 0;
    for (int pair = 0; pair < 56; pair++) { /* two bits of m, then zeros, make one of the root */
        rest = rest << 2 | (pair < 27 ? m >> (52 - 2 * pair) & 3 : 0);
        const ulong trial = root << 2 | 1;
        const int fits = rest >= trial;
        rest -= fits ? trial : 0;
        root = root << 1 | (ulong)fits;
    }
    return real_pack(0, (power - odd) / 2 + 1023, root << 6 | (rest ? 1 : 0));
}

static inline int real_negative(real x)
{
    return x > REAL_SIGN && !real_is_none(x);
}
