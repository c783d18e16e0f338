/* SPDX-License-Identifier: Apache-2.0 */
/*
 * big_tiff.c - writes a large grey BigTIFF, strip by strip: the image that memory promises are
 * checked with
 *
 *     big_tiff PATH SIDE [none|deflate] [strips|tiles]
 *
 * Bright discs of 6 to 30 pixels on a dim ground with noise; row y of any side has the same discs.
 */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <tiffio.h>

#define CELL 64 /* one disc in each cell of so many pixels, or none */
#define ROWS 64 /* of a strip, and side of a tile */

static uint32_t mix(uint32_t a, uint32_t b)
{
    uint32_t h = a * 2654435761u ^ (b + 0x9e3779b9u) * 2246822519u;
    h ^= h >> 15;
    h *= 3266489917u;
    return h ^ h >> 16;
}

static void draw_row(int y, int width, uint8_t *row)
{
    for (int x = 0; x < width; x++) {
        uint32_t cell = mix((uint32_t)(y / CELL), (uint32_t)(x / CELL));
        int radius = 6 + (int)(cell >> 8 & 15) + (int)(cell >> 12 & 7);
        int dy = y % CELL - CELL / 2, dx = x % CELL - CELL / 2;
        int inside = (cell & 3) && dy * dy + dx * dx < radius * radius;
        row[x] = (uint8_t)((inside ? 170 : 60) + (int)(mix((uint32_t)y, (uint32_t)x) & 31));
    }
}

static int write_rows(TIFF *tif, int side, int tiles)
{
    uint8_t *band = malloc((size_t)ROWS * (size_t)side), tile[ROWS * ROWS];
    int ok = band != NULL;
    for (int top = 0; ok && top < side; top += ROWS) {
        int rows = side - top < ROWS ? side - top : ROWS;
        for (int y = 0; y < rows; y++)
            draw_row(top + y, side, band + (size_t)y * (size_t)side);
        if (!tiles)
            ok = TIFFWriteEncodedStrip(tif, (uint32_t)(top / ROWS), band, (tmsize_t)rows * side) >=
                 0;
        for (int left = 0; tiles && ok && left < side; left += ROWS) {
            int columns = side - left < ROWS ? side - left : ROWS;
            memset(tile, 0, sizeof tile);
            for (int y = 0; y < rows; y++)
                memcpy(tile + y * ROWS, band + (size_t)y * (size_t)side + left, (size_t)columns);
            ok = TIFFWriteTile(tif, tile, (uint32_t)left, (uint32_t)top, 0, 0) >= 0;
        }
    }
    free(band);
    return ok;
}

int main(int argc, char **argv)
{
    int side = argc > 2 ? atoi(argv[2]) : 0, tiles = argc > 4 && !strcmp(argv[4], "tiles");
    if (side < 1) {
        fprintf(stderr, "usage: big_tiff PATH SIDE [none|deflate] [strips|tiles]\n");
        return 2;
    }
    TIFF *tif = TIFFOpen(argv[1], "w8");
    if (!tif)
        return 1;
    TIFFSetField(tif, TIFFTAG_IMAGEWIDTH, side);
    TIFFSetField(tif, TIFFTAG_IMAGELENGTH, side);
    TIFFSetField(tif, TIFFTAG_BITSPERSAMPLE, 8);
    TIFFSetField(tif, TIFFTAG_SAMPLESPERPIXEL, 1);
    TIFFSetField(tif, TIFFTAG_PHOTOMETRIC, PHOTOMETRIC_MINISBLACK);
    TIFFSetField(tif, TIFFTAG_COMPRESSION,
                 argc > 3 && !strcmp(argv[3], "deflate") ? COMPRESSION_ADOBE_DEFLATE
                                                         : COMPRESSION_NONE);
    if (tiles) {
        TIFFSetField(tif, TIFFTAG_TILEWIDTH, ROWS);
        TIFFSetField(tif, TIFFTAG_TILELENGTH, ROWS);
    } else {
        TIFFSetField(tif, TIFFTAG_ROWSPERSTRIP, ROWS);
    }
    int ok = write_rows(tif, side, tiles);
    TIFFClose(tif);
    if (!ok)
        fprintf(stderr, "%s: cannot be written\n", argv[1]);
    return !ok;
}
