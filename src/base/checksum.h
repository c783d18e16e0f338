/* SPDX-License-Identifier: Apache-2.0 */
/* checksum.h - SHA-256, the checksum of FIPS 180-4, as lower-case hexadecimal text */
#ifndef UN_CHECKSUM_H
#define UN_CHECKSUM_H

#include <stddef.h>

enum { UN_SHA256_TEXT = 65 };

void un_sha256_text(const void *data, size_t size, char text[UN_SHA256_TEXT]);

#endif
