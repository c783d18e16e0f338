/* SPDX-License-Identifier: Apache-2.0 */
/* checksum.h - SHA-256, the checksum of FIPS 180-4, as lower-case hexadecimal text */
#ifndef UN_CHECKSUM_H
#define UN_CHECKSUM_H

#include <stddef.h>
#include <stdint.h>

enum { UN_SHA256_TEXT = 65, UN_SHA256_BLOCK = 64 };

/* Of bytes that come piece by piece: un_sha256_begin(), un_sha256_add() ..., un_sha256_end(). */
struct un_sha256 {
    uint32_t state[8];
    uint64_t bytes;                      /* so far */
    unsigned char rest[UN_SHA256_BLOCK]; /* bytes % UN_SHA256_BLOCK of them */
};
void un_sha256_begin(struct un_sha256 *sum);
void un_sha256_add(struct un_sha256 *sum, const void *data, size_t size);
void un_sha256_end(struct un_sha256 *sum, char text[UN_SHA256_TEXT]);

/* All of that at once. */

void un_sha256_text(const void *data, size_t size, char text[UN_SHA256_TEXT]);

#endif
