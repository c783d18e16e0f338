/* SPDX-License-Identifier: Apache-2.0 */
/* chunk.h - a decoded strip or tile, put into its place in a picture */
#ifndef UN_CHUNK_H
#define UN_CHUNK_H

#include "data/source.h"

/* Where a strip or tile lies; it may reach beyond the picture's right and lower edge. */
struct un_chunk {
    size_t x, y, width, height;
    int plane; /* the one channel that it holds; -1: all of them, interleaved */
};

/*
 * Copies the part of a chunk that lies inside the picture.  src has rows of `stride` bytes, whose
 * samples have page->bits bits: whole bytes in the machine's order, or packed, most significant
 * bit first.
 */
void un_chunk_put(const uint8_t *src, size_t stride, const struct un_chunk *chunk,
                  const struct un_page *page, void *samples);

#endif
