/* SPDX-License-Identifier: Apache-2.0 */
/* Doubles in whole numbers (kernels/soft.cl, here as C) beside those of the processor: each bit. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <math.h>
#include <string.h>

#include <cmocka.h>

/* ---- what OpenCL C has ---- */

typedef uint64_t soft_ulong;
#define ulong soft_ulong
#define uint uint32_t

static int clz(ulong x)
{
    return x ? __builtin_clzll(x) : 64;
}

static ulong mul_hi(ulong a, ulong b)
{
    const ulong a1 = a >> 32, a0 = (uint)a, b1 = b >> 32, b0 = (uint)b;
    const ulong middle = a1 * b0 + (a0 * b0 >> 32), other = a0 * b1 + (uint)middle;
    return a1 * b1 + (middle >> 32) + (other >> 32);
}

static uint as_uint(float x)
{
    uint bits;
    memcpy(&bits, &x, sizeof bits);
    return bits;
}

static float as_float(uint bits)
{
    float x;
    memcpy(&x, &bits, sizeof x);
    return x;
}

#include "opencl/kernels/soft.cl"

/* ---- the tests ---- */

enum { DRAWS = 2000000 };

static uint64_t state_of_draws = 1;

static uint64_t draw(void)
{
    uint64_t z = state_of_draws += 0x9e3779b97f4a7c15u;
    z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9u;
    z = (z ^ z >> 27) * 0x94d049bb133111ebu;
    return z ^ z >> 31;
}

static uint64_t bits_of(double x)
{
    uint64_t bits;
    memcpy(&bits, &x, sizeof bits);
    return bits;
}

static double double_of(uint64_t bits)
{
    double x;
    memcpy(&x, &bits, sizeof x);
    return x;
}

/* Any bits, numbers of like size (so that sums cancel), few digits (so that ties come), and ends.
 */
static uint64_t draw_bits(int i)
{
    static const uint64_t ends[] = {0,
                                    1,
                                    (uint64_t)1 << 63,
                                    ((uint64_t)1 << 52) - 1,
                                    (uint64_t)1 << 52,
                                    (uint64_t)2047 << 52,
                                    ((uint64_t)2047 << 52) - 1,
                                    (uint64_t)4095 << 52,
                                    (uint64_t)0x7ff8 << 48,
                                    (uint64_t)1023 << 52};
    const uint64_t bits = draw();
    switch (i % 5) {
    case 0:
        return bits;
    case 1:
        return (bits & ~((uint64_t)2047 << 52)) | (1020 + (bits >> 53 & 7)) << 52;
    case 2:
        return (bits & ~(((uint64_t)1 << 40) - 1) & ~((uint64_t)2047 << 52)) | (1000 + (bits & 63))
                                                                                   << 52;
    case 3:
        return ends[bits % (sizeof ends / sizeof *ends)];
    default:
        return (bits & ~((uint64_t)2047 << 52)) | (bits >> 60) << 52; /* about the smallest */
    }
}

static void check(const char *what, uint64_t a, uint64_t b, uint64_t got, double want)
{
    if (isnan(want) ? !soft_is_nan(got) : got != bits_of(want))
        fail_msg("%s of %a and %a: got %a, wanted %a", what, double_of(a), double_of(b),
                 double_of(got), want);
}

static void test_arithmetic(void **state)
{
    (void)state;
    for (int i = 0; i < DRAWS; i++) {
        const uint64_t a = draw_bits(i), b = draw_bits(i / 5);
        const double x = double_of(a), y = double_of(b);
        check("sum", a, b, real_add(a, b), x + y);
        check("difference", a, b, real_sub(a, b), x - y);
        check("product", a, b, real_mul(a, b), x * y);
        check("quotient", a, b, real_div(a, b), x / y);
        check("root", a, a, real_sqrt(a), sqrt(x));
        if (real_negative(a) != (x < 0))
            fail_msg("%a: negative is %d", x, real_negative(a));
    }
}

static void test_conversions(void **state)
{
    (void)state;
    for (int i = 0; i < DRAWS; i++) {
        const uint64_t bits = draw_bits(i);
        const float f = as_float((uint)bits), got = real_float(bits), want = (float)double_of(bits);
        if (isnan(want) ? !isnan(got) : as_uint(got) != as_uint(want))
            fail_msg("float of %a: got %a, wanted %a", double_of(bits), (double)got, (double)want);
        check("double", bits_of((double)f), 0, real_of(f), (double)f);
        const uint64_t count = bits >> (bits & 63);
        check("count", count, 0, real_count(count), (double)count);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_arithmetic),
        cmocka_unit_test(test_conversions),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
