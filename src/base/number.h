/* SPDX-License-Identifier: Apache-2.0 */
/* number.h - numbers in the bytes of files, whose order is or is not that of this processor */
#ifndef UN_NUMBER_H
#define UN_NUMBER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#define UN_HOST_BIG (__BYTE_ORDER__ == __ORDER_BIG_ENDIAN__)

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
    return big_endian != UN_HOST_BIG;
}

/* Turns round the bytes of each of `count` samples of 1, 2, 4 or 8 bytes. */
static inline void un_swap(void *samples, size_t count, int bytes)
{
    unsigned char *p = samples;
    uint16_t u16;
    uint32_t u32;
    uint64_t u64;
    for (size_t i = 0; bytes == 2 && i < count; i++, p += 2) {
        memcpy(&u16, p, 2);
        u16 = __builtin_bswap16(u16);
        memcpy(p, &u16, 2);
    }
    for (size_t i = 0; bytes == 4 && i < count; i++, p += 4) {
        memcpy(&u32, p, 4);
        u32 = __builtin_bswap32(u32);
        memcpy(p, &u32, 4);
    }
    for (size_t i = 0; bytes == 8 && i < count; i++, p += 8) {
        memcpy(&u64, p, 8);
        u64 = __builtin_bswap64(u64);
        memcpy(p, &u64, 8);
    }
}

/* Copies values of 1, 2, 4 or 8 bytes from the little-endian bytes of a file, or into them. */
static inline void un_little_copy(void *dst, const void *src, size_t count, int bytes)
{
    memcpy(dst, src, count * (size_t)bytes);
    if (UN_HOST_BIG)
        un_swap(dst, count, bytes);
}

/* As fwrite(), of values that become little-endian bytes. */
static inline size_t un_little_write(const void *values, size_t bytes, size_t count, FILE *file)
{
    unsigned char block[4096];
    const unsigned char *from = values;
    if (!UN_HOST_BIG)
        return fwrite(values, bytes, count, file);
    for (size_t done = 0, n; done < count; done += n, from += n * bytes) {
        n = count - done < sizeof block / bytes ? count - done : sizeof block / bytes;
        un_little_copy(block, from, n, (int)bytes);
        if (fwrite(block, bytes, n, file) != n)
            return done;
    }
    return count;
}

#endif
