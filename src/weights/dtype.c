/* SPDX-License-Identifier: Apache-2.0 */
#include "weights/arrays.h"

#include <stdint.h>
#include <string.h>

#include "base/number.h"

static void from_f32(const unsigned char *src, size_t count, float *dst)
{
    un_little_copy(dst, src, count, sizeof *dst);
}

static void from_f64(const unsigned char *src, size_t count, float *dst)
{
    for (size_t i = 0; i < count; i++) {
        double value;
        un_little_copy(&value, src + i * sizeof value, 1, sizeof value);
        dst[i] = (float)value;
    }
}

/* BF16 is the upper half of a float. */
static void from_bf16(const unsigned char *src, size_t count, float *dst)
{
    for (size_t i = 0; i < count; i++) {
        uint32_t bits = (uint32_t)src[2 * i] << 16 | (uint32_t)src[2 * i + 1] << 24;
        memcpy(&dst[i], &bits, sizeof bits);
    }
}

/*
 * F16: sign, 5 bits exponent (bias 15), 10 bits fraction.  With exponent and fraction shifted to
 * their places in a float, the value is 2^112 times too small (the biases differ by 127 - 15), for
 * numbers below the normal range, too.  Exponent 31 (infinity, NaN) must become 255.
 * Example: 1 is 0x3c00; shifted by 13, 0x07800000 = 2^-112; times 2^112 = 1.
 */
static void from_f16(const unsigned char *src, size_t count, float *dst)
{
    for (size_t i = 0; i < count; i++) {
        uint32_t half = src[2 * i] | (uint32_t)src[2 * i + 1] << 8;
        uint32_t bits = (half & 0x7fff) << 13;
        float value;
        memcpy(&value, &bits, sizeof bits);
        value *= 0x1p112f;
        memcpy(&bits, &value, sizeof bits);
        if ((half & 0x7c00) == 0x7c00)
            bits |= 0x7f800000;
        bits |= (half & 0x8000) << 16;
        memcpy(&dst[i], &bits, sizeof bits);
    }
}

static const struct un_dtype dtypes[] = {
    {"F32", 4, from_f32}, {"F16", 2, from_f16}, {"BF16", 2, from_bf16}, {"F64", 8, from_f64},
    {"I64", 8, NULL},     {"I32", 4, NULL},     {"I16", 2, NULL},       {"I8", 1, NULL},
    {"U64", 8, NULL},     {"U32", 4, NULL},     {"U16", 2, NULL},       {"U8", 1, NULL},
    {"BOOL", 1, NULL},    {"F8_E4M3", 1, NULL}, {"F8_E5M2", 1, NULL},   {"F8_E8M0", 1, NULL},
    {"C64", 8, NULL},     {"C128", 16, NULL},
};

const struct un_dtype *un_dtype_find(const char *name)
{
    for (size_t i = 0; i < sizeof dtypes / sizeof *dtypes; i++)
        if (!strcmp(name, dtypes[i].name))
            return &dtypes[i];
    return NULL;
}
