/* SPDX-License-Identifier: Apache-2.0 */
/* number.h - integers in the bytes of a file, and samples from the other byte order to ours */
#ifndef UN_NUMBER_H
#define UN_NUMBER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* An unsigned integer of 1..8 bytes. */
static inline uint64_t un_number(const unsigned char *p, int bytes, bool big_endian)
{
    uint64_t v = 0;
    for (int i = 0; i < bytes; i++)
        v = v << 8 | p[big_endian ? i : bytes - 1 - i];
    return v;
}

static inline unsigned un_le16(const unsigned char *p)
{
    return p[0] | (unsigned)p[1] << 8;
}

static inline uint32_t un_le32(const unsigned char *p)
{
    return (uint32_t)un_number(p, 4, false);
}

/* Whether samples of this byte order have to be turned round. */
static inline bool un_other_order(bool big_endian)
{
    return big_endian != (__BYTE_ORDER__ == __ORDER_BIG_ENDIAN__);
}

/* Turns round the bytes of each of `count` samples of 1, 2, 4 or 8 bytes. */
static inline void un_swap(void *samples, size_t count, int bytes)
{
    unsigned char *p = samples;
    for (size_t i = 0; bytes > 1 && i < count; i++, p += bytes)
        for (int a = 0, b = bytes - 1; a < b; a++, b--) {
            unsigned char t = p[a];
            p[a] = p[b];
            p[b] = t;
        }
}

#endif
