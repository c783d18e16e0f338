/* SPDX-License-Identifier: Apache-2.0 */
/* bytes_maker.h - a string of bytes that grows */
#ifndef BYTES_MAKER_H
#define BYTES_MAKER_H

#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

struct bytes {
    unsigned char *data; /* from malloc */
    size_t size, room;
};

static inline void bytes_add(struct bytes *bytes, const void *data, size_t size)
{
    if (bytes->size + size > bytes->room) {
        bytes->room = 2 * (bytes->size + size);
        bytes->data = realloc(bytes->data, bytes->room);
    }
    if (size)
        memcpy(bytes->data + bytes->size, data, size);
    bytes->size += size;
}

/* Little-endian, the lowest `size` bytes; beyond 8 bytes zeros. */
static inline void bytes_number(struct bytes *bytes, uint64_t number, int size)
{
    for (int i = 0; i < size; i++) {
        unsigned char byte = i < 8 ? (unsigned char)(number >> 8 * i) : 0;
        bytes_add(bytes, &byte, 1);
    }
}

static inline void bytes_text(struct bytes *bytes, const char *text)
{
    bytes_add(bytes, text, strlen(text));
}

/* A copy of exactly this size, so that a sanitizer sees a byte read too many. */
static inline unsigned char *bytes_exact(const void *data, size_t size)
{
    unsigned char *copy = malloc(size ? size : 1);
    if (size)
        memcpy(copy, data, size);
    return copy;
}

#endif
