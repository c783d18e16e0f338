/* SPDX-License-Identifier: Apache-2.0 */
/*
 * zip_maker.h - zip archives byte by byte, so that tests can make those that no library would
 *
 * APPNOTE.TXT of PKWARE, sections 4.3.7 (local header), 4.3.12 (list of members) and 4.3.16 (end).
 */
#ifndef ZIP_MAKER_H
#define ZIP_MAKER_H

#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "bytes_maker.h"

enum { ZIP_STORED = 0, ZIP_DEFLATED = 8 };

struct zip_maker {
    struct bytes out, list;
    int count;
};

/* What an archive claims of a member; zip_add() fills it with the truth. */
struct zip_claim {
    int method, flags;
    uint32_t crc, packed, size, at;
};

static inline uint32_t zip_crc(const void *data, size_t size)
{
    uint32_t crc = ~0u;
    for (size_t i = 0; i < size; i++) {
        crc ^= ((const uint8_t *)data)[i];
        for (int bit = 0; bit < 8; bit++)
            crc = crc >> 1 ^ (crc & 1 ? 0xedb88320 : 0);
    }
    return ~crc;
}

static inline void zip_put_claim(struct bytes *out, const struct zip_claim *claim)
{
    bytes_number(out, 20, 2); /* version that can read it */
    bytes_number(out, (uint64_t)claim->flags, 2);
    bytes_number(out, (uint64_t)claim->method, 2);
    bytes_number(out, 0x210000, 4); /* 1980-01-01 */
    bytes_number(out, claim->crc, 4);
    bytes_number(out, claim->packed, 4);
    bytes_number(out, claim->size, 4);
}

/* A member as claimed; the packed bytes are put there as they are, unless packed is NULL. */
static inline void zip_add_claim(struct zip_maker *zip, const char *name, const void *packed,
                                 size_t packed_size, struct zip_claim claim)
{
    if (packed) {
        claim.at = (uint32_t)zip->out.size;
        bytes_add(&zip->out, "PK\3\4", 4);
        zip_put_claim(&zip->out, &claim);
        bytes_number(&zip->out, strlen(name), 2);
        bytes_number(&zip->out, 0, 2);
        bytes_add(&zip->out, name, strlen(name));
        bytes_add(&zip->out, packed, packed_size);
    }
    bytes_add(&zip->list, "PK\1\2", 4);
    bytes_number(&zip->list, 20, 2);
    zip_put_claim(&zip->list, &claim);
    bytes_number(&zip->list, strlen(name), 2);
    bytes_number(&zip->list, 0, 8); /* extra field, comment, disk, attributes */
    bytes_number(&zip->list, 0, 4);
    bytes_number(&zip->list, claim.at, 4);
    bytes_add(&zip->list, name, strlen(name));
    zip->count++;
}

static inline void zip_add(struct zip_maker *zip, const char *name, const void *data, size_t size)
{
    struct zip_claim claim = {
        .crc = zip_crc(data, size), .packed = (uint32_t)size, .size = (uint32_t)size};
    zip_add_claim(zip, name, data, size, claim);
}

/* The whole archive; free the result's data.  The maker is empty again. */
static inline struct bytes zip_end(struct zip_maker *zip)
{
    const size_t at = zip->out.size, size = zip->list.size;
    bytes_add(&zip->out, zip->list.data, size);
    bytes_add(&zip->out, "PK\5\6\0\0\0\0", 8);
    bytes_number(&zip->out, (uint64_t)zip->count, 2);
    bytes_number(&zip->out, (uint64_t)zip->count, 2);
    bytes_number(&zip->out, size, 4);
    bytes_number(&zip->out, at, 4);
    bytes_number(&zip->out, 0, 2);
    struct bytes whole = zip->out;
    free(zip->list.data);
    *zip = (struct zip_maker){0};
    return whole;
}

/* Deflate's fixed codes for `size` zero bytes, size = 1 + 258 n: a literal 0, then n copies. */
static inline struct bytes zip_deflate_zeros(size_t size)
{
    struct bytes out = {0};
    uint32_t pending = 0;
    int bits = 0;
#define PUT(value, n)                                                                              \
    do {                                                                                           \
        pending |= (uint32_t)(value) << bits;                                                      \
        for (bits += (n); bits >= 8; bits -= 8, pending >>= 8)                                     \
            bytes_number(&out, pending & 0xff, 1);                                                 \
    } while (0)
    PUT(3, 3);    /* the last block, fixed codes */
    PUT(0x0c, 8); /* literal 0: 00110000, first bit lowest */
    for (size_t i = 1; i < size; i += 258)
        PUT(0xa3, 13); /* length 258: 11000101; distance 1: 00000 */
    PUT(0, 7);         /* end of block */
    PUT(0, 7);         /* what is left of a byte */
#undef PUT
    return out;
}

#endif
