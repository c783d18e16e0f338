/* SPDX-License-Identifier: Apache-2.0 */
/*
 * png_out.c - PNG (ISO/IEC 15948) with one IDAT chunk of stored blocks (RFC 1951, 3.2.4)
 *
 * The library writes images into files, and compresses them; tiles stay in memory, go to this
 * machine alone, and are wanted a hundred at a time, so they are as quick to make as to copy.
 */
#include "studio/pictures/png_out.h"

#include <stdlib.h>
#include <string.h>

#include "studio/labels/journal.h"

enum { BLOCK = 65535, CHUNK = 12 };

static uint8_t *put32(uint8_t *at, uint32_t value)
{
    for (int i = 0; i < 4; i++)
        at[i] = (uint8_t)(value >> (24 - 8 * i));
    return at + 4;
}

/* Where a chunk's data begin; end_chunk() when they are there. */
static uint8_t *begin_chunk(uint8_t *at, const char *name)
{
    memcpy(at + 4, name, 4);
    return at + 8;
}

static uint8_t *end_chunk(uint8_t *data, uint8_t *end)
{
    put32(data - 8, (uint32_t)(end - data));
    return put32(end, crc32_of(0, data - 4, (size_t)(end - data) + 4));
}

/* RFC 1950; sums of 3800 bytes do not pass 32 bits. */
static uint32_t adler32_of(const uint8_t *bytes, size_t size)
{
    uint32_t a = 1, b = 0;

    while (size) {
        const size_t part = size < 3800 ? size : 3800;

        for (size_t i = 0; i < part; i++) {
            a += bytes[i];
            b += a;
        }
        a %= 65521;
        b %= 65521;
        bytes += part;
        size -= part;
    }
    return b << 16 | a;
}

/* Rows, each after a byte that says that it is not filtered. */
static void join_rows(const uint8_t *pixels, int height, size_t row, size_t stride, uint8_t *rows)
{
    for (int y = 0; y < height; y++) {
        rows[(size_t)y * (row + 1)] = 0;
        memcpy(rows + (size_t)y * (row + 1) + 1, pixels + (size_t)y * stride, row);
    }
}

static uint8_t *put_stored(uint8_t *at, const uint8_t *bytes, size_t size)
{
    const uint32_t sum = adler32_of(bytes, size);

    *at++ = 0x78;
    *at++ = 0x01;
    while (size) {
        const size_t part = size < BLOCK ? size : BLOCK;

        *at++ = part == size;
        *at++ = (uint8_t)part;
        *at++ = (uint8_t)(part >> 8);
        *at++ = (uint8_t)~part;
        *at++ = (uint8_t)(~part >> 8);
        memcpy(at, bytes, part);
        at += part;
        bytes += part;
        size -= part;
    }
    return put32(at, sum);
}

static uint8_t *put_head(uint8_t *at, int height, int width, int kind)
{
    static const uint8_t magic[8] = {0x89, 'P', 'N', 'G', '\r', '\n', 0x1a, '\n'};
    uint8_t *data;

    memcpy(at, magic, sizeof(magic));
    data = begin_chunk(at + sizeof(magic), "IHDR");
    put32(data, (uint32_t)width);
    put32(data + 4, (uint32_t)height);
    memcpy(data + 8, (const uint8_t[]){8, (uint8_t)kind, 0, 0, 0}, 5);
    return end_chunk(data, data + 13);
}

struct palette {
    const uint8_t (*rgb)[3];
    int colors, clear;
};

static uint8_t *put_palette(uint8_t *at, const struct palette *palette)
{
    const size_t bytes = 3 * (size_t)palette->colors;
    uint8_t *data = begin_chunk(at, "PLTE");

    memcpy(data, palette->rgb, bytes);
    at = end_chunk(data, data + bytes);
    if (palette->clear < 0)
        return at;
    data = begin_chunk(at, "tRNS");
    memset(data, 255, (size_t)palette->clear);
    data[palette->clear] = 0;
    return end_chunk(data, data + palette->clear + 1);
}

static int encode(const uint8_t *pixels, int height, int width, int channels, size_t stride,
                  const struct palette *palette, struct png_bytes *png)
{
    const size_t row = (size_t)width * (size_t)channels, raw = (size_t)height * (row + 1);
    uint8_t *rows = malloc(raw), *at, *data;
    uint8_t *bytes = malloc(8 + 4 * CHUNK + 25 + 1024 + raw + 5 * (raw / BLOCK + 1) + 6);

    if (!rows || !bytes) {
        free(rows);
        free(bytes);
        return 0;
    }
    join_rows(pixels, height, row, stride, rows);
    at = put_head(bytes, height, width, palette ? 3 : channels == 3 ? 2 : 0);
    if (palette)
        at = put_palette(at, palette);
    data = begin_chunk(at, "IDAT");
    at = end_chunk(data, put_stored(data, rows, raw));
    data = begin_chunk(at, "IEND");
    at = end_chunk(data, data);
    free(rows);
    *png = (struct png_bytes){bytes, (size_t)(at - bytes)};
    return 1;
}

int png_picture(const uint8_t *pixels, int height, int width, int channels, size_t stride,
                struct png_bytes *png)
{
    return encode(pixels, height, width, channels, stride, NULL, png);
}

int png_indexed(const uint8_t *indices, int height, int width, size_t stride,
                const uint8_t (*rgb)[3], int colors, int clear, struct png_bytes *png)
{
    const struct palette palette = {rgb, colors, clear};

    return encode(indices, height, width, 1, stride, &palette, png);
}
