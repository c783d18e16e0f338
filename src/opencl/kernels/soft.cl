/* SPDX-License-Identifier: Apache-2.0 */
/*
 * soft.cl - doubles of devices that have none, in whole numbers (IEEE 754-2019: binary64, to the
 * nearest, ties to even): the same bits as real.cl
 *
 * A number on its way is a sign, an exponent as the format has it, and 64 bits of which the first
 * is set and the last says whether anything was cut off: sig / 2^63 * 2^(exponent - 1023).
 */
typedef ulong real;

#define SOFT_SIGN ((ulong)1 << 63)
#define SOFT_ONE ((ulong)1 << 52) /* the bit that is not stored */
#define SOFT_INFINITE ((ulong)2047 << 52)
#define SOFT_NAN (SOFT_INFINITE | (SOFT_ONE >> 1))

static inline int soft_exponent(real x)
{
    return (int)(x >> 52 & 2047);
}

static inline int soft_is_nan(real x)
{
    return (x & ~SOFT_SIGN) > SOFT_INFINITE;
}

/* To the right; the last bit is set where one that was set falls out. */
static inline ulong soft_shift(ulong x, int by)
{
    if (by > 63)
        return x != 0;
    return by > 0 ? x >> by | ((x & (((ulong)1 << by) - 1)) != 0) : x;
}

/* A significand without its `low` last bits. */
static inline ulong soft_round(ulong sig, int low)
{
    const ulong middle = (ulong)1 << (low - 1), rest = sig & (middle * 2 - 1);
    sig >>= low;
    return sig + (rest > middle || (rest == middle && (sig & 1)));
}

static inline real soft_pack(ulong sign, int exponent, ulong sig)
{
    if (exponent >= 2047)
        return sign | SOFT_INFINITE;
    if (exponent <= 0)
        return sign | soft_round(soft_shift(sig, 1 - exponent), 11);
    return sign | (((ulong)(exponent - 1) << 52) + soft_round(sig, 11));
}

/* The significand of a number that is not 0, and its exponent. */
static inline ulong soft_unpack(real x, int *exponent)
{
    const int e = soft_exponent(x);
    const ulong sig = (x & (SOFT_ONE - 1)) | (e ? SOFT_ONE : 0);
    const int zeros = (int)clz(sig);
    *exponent = (e ? e : 1) + 11 - zeros;
    return sig << zeros;
}

static inline real real_of(float x)
{
    const uint bits = as_uint(x), e = bits >> 23 & 255;
    const ulong sign = (ulong)(bits >> 31) << 63;
    ulong sig = bits & 0x7fffff;
    if (e == 255)
        return sig ? SOFT_NAN : sign | SOFT_INFINITE;
    if (!e && !sig)
        return sign;
    sig |= e ? 0x800000 : 0;
    const int zeros = (int)clz(sig);
    return soft_pack(sign, (int)(e ? e : 1) + 1023 - 127 + 40 - zeros, sig << zeros);
}

static inline real real_count(ulong x)
{
    const int zeros = x ? (int)clz(x) : 0;
    return x ? soft_pack(0, 1023 + 63 - zeros, x << zeros) : 0;
}

static inline float real_float(real x)
{
    const uint sign = (uint)(x >> 63) << 31;
    int e;
    if (soft_is_nan(x))
        return as_float(0x7fc00000u);
    if ((x & ~SOFT_SIGN) == 0)
        return as_float(sign);
    ulong sig = soft_unpack(x, &e);
    e += 127 - 1023;
    if (e >= 255)
        return as_float(sign | 0x7f800000u);
    if (e <= 0)
        return as_float(sign | (uint)soft_round(soft_shift(sig, 1 - e), 40));
    return as_float(sign | (((uint)(e - 1) << 23) + (uint)soft_round(sig, 40)));
}

static inline real real_add(real a, real b)
{
    if ((b & ~SOFT_SIGN) > (a & ~SOFT_SIGN)) {
        const real larger = b;
        b = a;
        a = larger;
    }
    const ulong sign = a & SOFT_SIGN;
    const int ea = soft_exponent(a), eb = soft_exponent(b), same = sign == (b & SOFT_SIGN);
    if (ea == 2047)
        return soft_is_nan(a) || (eb == 2047 && !same) ? SOFT_NAN : a;
    /* a bit is free before the first one, and ten behind the last */
    const ulong x = ((a & (SOFT_ONE - 1)) | (ea ? SOFT_ONE : 0)) << 10;
    const ulong y = ((b & (SOFT_ONE - 1)) | (eb ? SOFT_ONE : 0)) << 10;
    const ulong aligned = soft_shift(y, (ea ? ea : 1) - (eb ? eb : 1));
    const ulong sum = same ? x + aligned : x - aligned;
    if (!sum)
        return same ? sign : 0;
    const int zeros = (int)clz(sum);
    return soft_pack(sign, (ea ? ea : 1) + 1 - zeros, sum << zeros);
}

static inline real real_sub(real a, real b)
{
    return real_add(a, b ^ SOFT_SIGN);
}

static inline real real_mul(real a, real b)
{
    const ulong sign = (a ^ b) & SOFT_SIGN;
    a &= ~SOFT_SIGN;
    b &= ~SOFT_SIGN;
    if (a >= SOFT_INFINITE || b >= SOFT_INFINITE)
        return soft_is_nan(a) || soft_is_nan(b) || !a || !b ? SOFT_NAN : sign | SOFT_INFINITE;
    if (!a || !b)
        return sign;
    int ea, eb;
    const ulong x = soft_unpack(a, &ea), y = soft_unpack(b, &eb), low = x * y;
    ulong high = mul_hi(x, y);
    int e = ea + eb - 1022;
    if (high >> 63) {
        high |= low != 0;
    } else {
        high = high << 1 | low >> 63 | (low << 1 != 0);
        e--;
    }
    return soft_pack(sign, e, high);
}

static inline real real_div(real a, real b)
{
    const ulong sign = (a ^ b) & SOFT_SIGN;
    a &= ~SOFT_SIGN;
    b &= ~SOFT_SIGN;
    if (a >= SOFT_INFINITE || b >= SOFT_INFINITE) {
        if (soft_is_nan(a) || soft_is_nan(b) || a == b)
            return SOFT_NAN;
        return a >= SOFT_INFINITE ? sign | SOFT_INFINITE : sign;
    }
    if (!b)
        return a ? sign | SOFT_INFINITE : SOFT_NAN;
    if (!a)
        return sign;
    int ea, eb;
    ulong rest = soft_unpack(a, &ea), carry = 0, quotient = 0;
    const ulong by = soft_unpack(b, &eb);
    int e = ea - eb + 1023;
    if (rest < by) {
        carry = rest >> 63;
        rest <<= 1;
        e--;
    }
    for (int i = 0; i < 64; i++) {
        const ulong bit = carry || rest >= by;
        rest -= bit ? by : 0;
        quotient = quotient << 1 | bit;
        carry = rest >> 63;
        rest <<= 1;
    }
    return soft_pack(sign, e, quotient | (carry || rest));
}

static inline real real_sqrt(real x)
{
    if (!(x & ~SOFT_SIGN))
        return x;
    if (soft_is_nan(x) || x >> 63)
        return SOFT_NAN;
    if (x == SOFT_INFINITE)
        return x;
    int e;
    ulong sig = soft_unpack(x, &e) >> 11, root = 0, rest = 0;
    const int odd = (e - 1023) & 1;
    sig <<= odd;
    for (int pair = 54; pair >= 0; pair--) { /* of sig * 2^56 */
        const ulong next = pair >= 28 ? sig >> (2 * pair - 56) & 3 : 0;
        const ulong bit = (rest << 2 | next) >= (root << 2 | 1);
        rest = (rest << 2 | next) - (bit ? root << 2 | 1 : 0);
        root = root << 1 | bit;
    }
    return soft_pack(0, (e - 1023 - odd) / 2 + 1023, root << 9 | (rest != 0));
}

static inline int real_negative(real x)
{
    return x > SOFT_SIGN && x <= (SOFT_SIGN | SOFT_INFINITE);
}
