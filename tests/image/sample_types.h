/* SPDX-License-Identifier: Apache-2.0 */
/* sample_types.h - made samples of every type that .npy and NIfTI have */
#ifndef SAMPLE_TYPES_H
#define SAMPLE_TYPES_H

#include "source_check.h"
#include "support/bytes_maker.h"

struct type {
    int code; /* of NIfTI */
    const char *descr;
    enum un_kind kind;
    int bytes, channels;
};

static const struct type types[] = {
    {2, "u1", UN_UINT, 1, 1},   {4, "i2", UN_INT, 2, 1},     {8, "i4", UN_INT, 4, 1},
    {16, "f4", UN_FLOAT, 4, 1}, {64, "f8", UN_FLOAT, 8, 1},  {128, NULL, UN_UINT, 1, 3},
    {256, "i1", UN_INT, 1, 1},  {512, "u2", UN_UINT, 2, 1},  {768, "u4", UN_UINT, 4, 1},
    {1024, "i8", UN_INT, 8, 1}, {1280, "u8", UN_UINT, 8, 1}, {2304, NULL, UN_UINT, 1, 4},
};

/* Sample number i of a type, a whole number that the type can hold. */
static inline double value_of(const struct type *type, size_t i)
{
    uint32_t r = un_rng_bits(4, i);
    double most = type->bytes == 1 ? 255 : type->bytes == 2 ? 65535 : 16777215;
    double v = floor(r / 4294967296.0 * (most + 1));
    return type->kind == UN_UINT ? v : v - floor(most / 2) - 1;
}

static inline void add_value(struct bytes *b, const struct type *type, double value,
                             bool big_endian)
{
    uint64_t bits = type->kind == UN_UINT ? (uint64_t)value : (uint64_t)(int64_t)value;
    float single = (float)value;
    uint32_t single_bits;
    memcpy(&single_bits, &single, 4);
    if (type->kind == UN_FLOAT && type->bytes == 4)
        bits = single_bits;
    else if (type->kind == UN_FLOAT)
        memcpy(&bits, &value, 8);
    for (int k = 0; k < type->bytes; k++) {
        unsigned char byte = (unsigned char)(bits >> 8 * (big_endian ? type->bytes - 1 - k : k));
        bytes_add(b, &byte, 1);
    }
}

#endif
