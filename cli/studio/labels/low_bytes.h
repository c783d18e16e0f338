/* SPDX-License-Identifier: Apache-2.0 */
/* low_bytes.h - numbers as bytes, the low one first */
#ifndef LOW_BYTES_H
#define LOW_BYTES_H

#include <stdint.h>

static inline void low_put(uint8_t *bytes, uint64_t value, int count)
{
    for (int i = 0; i < count; i++)
        bytes[i] = (uint8_t)(value >> (8 * i));
}

static inline uint64_t low_get(const uint8_t *bytes, int count)
{
    uint64_t value = 0;

    for (int i = 0; i < count; i++)
        value |= (uint64_t)bytes[i] << (8 * i);
    return value;
}

#endif
