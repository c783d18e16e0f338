/* SPDX-License-Identifier: Apache-2.0 */
#include "data/chunk.h"

#include <string.h>

/* n samples of 1..15 bits, most significant first, into bytes or 16-bit words, `step` apart. */
static void unpack(const uint8_t *src, int bits, size_t n, int bytes, void *dst, size_t step)
{
    uint8_t *u8 = dst;
    uint16_t *u16 = dst;
    uint32_t pool = 0;
    int have = 0;
    for (size_t i = 0; i < n; i++) {
        for (; have < bits; have += 8)
            pool = pool << 8 | *src++;
        have -= bits;
        unsigned v = pool >> have & ((1u << bits) - 1);
        if (bytes == 1)
            u8[i * step] = (uint8_t)v;
        else
            u16[i * step] = (uint16_t)v;
    }
}

/* n samples of whole bytes, `step` samples apart in dst. */
static void spread(const uint8_t *src, size_t n, size_t bytes, uint8_t *dst, size_t step)
{
    if (step == 1) {
        memcpy(dst, src, n * bytes);
        return;
    }
    for (size_t i = 0; i < n; i++)
        memcpy(dst + i * step * bytes, src + i * bytes, bytes);
}

void un_chunk_put(const uint8_t *src, size_t stride, const struct un_chunk *chunk,
                  const struct un_page *page, void *samples)
{
    size_t W = (size_t)page->width, H = (size_t)page->height, C = (size_t)page->channels;
    size_t width = chunk->width < W - chunk->x ? chunk->width : W - chunk->x;
    size_t height = chunk->height < H - chunk->y ? chunk->height : H - chunk->y;
    size_t bytes = (size_t)page->bytes;
    bool one = chunk->plane >= 0;
    size_t n = one ? width : width * C, step = one ? C : 1;
    for (size_t row = 0; row < height; row++, src += stride) {
        size_t first = ((chunk->y + row) * W + chunk->x) * C + (one ? (size_t)chunk->plane : 0);
        uint8_t *dst = (uint8_t *)samples + first * bytes;
        if (page->bits % 8)
            unpack(src, page->bits, n, page->bytes, dst, step);
        else
            spread(src, n, bytes, dst, step);
    }
}
