/* SPDX-License-Identifier: Apache-2.0 */
#include "image/tiff/tiff_read.h"

#include <math.h>
#include <string.h>

#define HOST_BIG (__BYTE_ORDER__ == __ORDER_BIG_ENDIAN__)

static void put(uint64_t v, int bytes, uint8_t *dst)
{
    const uint8_t v8 = (uint8_t)v;
    const uint16_t v16 = (uint16_t)v;
    const uint32_t v32 = (uint32_t)v;
    memcpy(dst,
           bytes == 1   ? (const void *)&v8
           : bytes == 2 ? (const void *)&v16
           : bytes == 4 ? (const void *)&v32
                        : (const void *)&v,
           (size_t)bytes);
}

static float float24(uint32_t v)
{
    int exponent = v >> 16 & 127;
    float fraction = (float)(v & 0xffff);
    float size = exponent == 127 ? (v & 0xffff ? NAN : INFINITY)
                 : exponent      ? ldexpf(65536 + fraction, exponent - 63 - 16)
                                 : ldexpf(fraction, -62 - 16);
    return v >> 23 & 1 ? -size : size;
}

/* What a sample of packing->bits bits means, as the bytes that go to dst. */
static void put_sample(const struct un_packing *packing, uint64_t v, uint8_t *dst)
{
    int bits = packing->bits;
    if (packing->is_float24) {
        float f = float24((uint32_t)v);
        memcpy(dst, &f, sizeof f);
        return;
    }
    if (packing->is_signed && bits < 64 && v >> (bits - 1) & 1)
        v |= ~(uint64_t)0 << bits;
    put(v, packing->bytes, dst);
}

/* n samples of any number of bits from bit `at` of a row, `step` samples apart in dst. */
static void run_of_bits(const struct un_packing *packing, const uint8_t *row, uint64_t at, size_t n,
                        size_t step, uint8_t *dst)
{
    int bits = packing->bits;
    for (size_t i = 0; i < n; i++, at += (uint64_t)bits, dst += step * (size_t)packing->bytes) {
        uint64_t v = 0;
        int left = bits, from = (int)(at % 8);
        for (const uint8_t *p = row + at / 8; left > 0; p++, from = 0) {
            int take = 8 - from < left ? 8 - from : left;
            v = v << take | (*p >> (8 - from - take) & ((1u << take) - 1));
            left -= take;
        }
        put_sample(packing, v, dst);
    }
}

/* The same for 2, 4 or 8 bytes in the order that is not the machine's. */
static void run_reversed(size_t bytes, const uint8_t *src, size_t n, size_t step, uint8_t *dst)
{
    uint16_t v16;
    uint32_t v32;
    uint64_t v64;
    for (size_t i = 0; i < n; i++, src += bytes, dst += step * bytes)
        if (bytes == 2) {
            memcpy(&v16, src, 2);
            v16 = __builtin_bswap16(v16);
            memcpy(dst, &v16, 2);
        } else if (bytes == 4) {
            memcpy(&v32, src, 4);
            v32 = __builtin_bswap32(v32);
            memcpy(dst, &v32, 4);
        } else {
            memcpy(&v64, src, 8);
            v64 = __builtin_bswap64(v64);
            memcpy(dst, &v64, 8);
        }
}

/* The same for 3, 5, 6 or 7 bytes. */
static void run_of_bytes(const struct un_packing *packing, const uint8_t *src, size_t n,
                         size_t step, uint8_t *dst)
{
    size_t size = (size_t)packing->bits / 8;
    for (size_t i = 0; i < n; i++, src += size, dst += step * (size_t)packing->bytes) {
        uint64_t v = 0;
        for (size_t k = 0; k < size; k++)
            v = v << 8 | src[packing->big_endian ? k : size - 1 - k];
        put_sample(packing, v, dst);
    }
}

static void run(const struct un_packing *packing, const uint8_t *row, size_t first, size_t n,
                size_t step, uint8_t *dst)
{
    size_t bytes = (size_t)packing->bytes;
    bool same = bytes == 1 || packing->big_endian == HOST_BIG;
    if (packing->bits % 8) {
        run_of_bits(packing, row, (uint64_t)first * (uint64_t)packing->bits, n, step, dst);
        return;
    }
    const uint8_t *src = row + first * (size_t)packing->bits / 8;
    if (packing->bits != 8 * packing->bytes)
        run_of_bytes(packing, src, n, step, dst);
    else if (!same)
        run_reversed(bytes, src, n, step, dst);
    else if (step == 1)
        memcpy(dst, src, n * bytes);
    else
        for (size_t i = 0; i < n; i++)
            memcpy(dst + i * step * bytes, src + i * bytes, bytes);
}

void un_unpack(const struct un_packing *packing, const uint8_t *row, size_t first, size_t pixels,
               void *dst)
{
    size_t samples = packing->samples, step = packing->step;
    if (samples == step)
        run(packing, row, first * samples, pixels * samples, 1, dst);
    else if (samples == 1)
        run(packing, row, first, pixels, step, dst);
    else
        for (size_t i = 0; i < pixels; i++)
            run(packing, row, (first + i) * samples, samples, 1,
                (uint8_t *)dst + i * step * (size_t)packing->bytes);
}
