/* SPDX-License-Identifier: Apache-2.0 */
/* tiff_maker.h - small TIFF files for tests, written by libtiff or byte by byte */
#ifndef TIFF_MAKER_H
#define TIFF_MAKER_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <tiffio.h>

/* One page; zeros mean the usual. */
struct maker {
    int width, height, samples, bits, format;
    int compression, photometric, planar, predictor, orientation;
    int tile, rows; /* side of tiles; rows of a strip */
    const char *description;
    float resolution; /* pixels per unit */
    int unit;
    int subfile;
};

/* Byte i of a page is a hash of it, with runs so that compressions have something to do. */
static inline uint8_t maker_byte(size_t i, int page)
{
    uint32_t h = (uint32_t)(i / 5 * 2654435761u) ^ (uint32_t)page * 40503u;
    return (uint8_t)(h >> 16);
}

static inline void maker_fill(uint8_t *to, size_t bytes, size_t from, int page, int format,
                              int bits)
{
    for (size_t i = 0; i < bytes; i++)
        to[i] = maker_byte(from + i, page);
    if (format == SAMPLEFORMAT_IEEEFP && bits == 32) /* small whole numbers: no NaN */
        for (size_t i = 0; i + 4 <= bytes; i += 4) {
            float v = to[i];
            memcpy(to + i, &v, 4);
        }
}

static inline void maker_tags(TIFF *tif, const struct maker *m)
{
    int samples = m->samples ? m->samples : 1;
    TIFFSetField(tif, TIFFTAG_IMAGEWIDTH, (uint32_t)m->width);
    TIFFSetField(tif, TIFFTAG_IMAGELENGTH, (uint32_t)m->height);
    TIFFSetField(tif, TIFFTAG_SAMPLESPERPIXEL, samples);
    TIFFSetField(tif, TIFFTAG_BITSPERSAMPLE, m->bits ? m->bits : 8);
    TIFFSetField(tif, TIFFTAG_SAMPLEFORMAT, m->format ? m->format : SAMPLEFORMAT_UINT);
    TIFFSetField(tif, TIFFTAG_PLANARCONFIG, m->planar ? m->planar : PLANARCONFIG_CONTIG);
    TIFFSetField(tif, TIFFTAG_COMPRESSION, m->compression ? m->compression : COMPRESSION_NONE);
    TIFFSetField(tif, TIFFTAG_PHOTOMETRIC,
                 m->photometric ? m->photometric
                 : samples == 3 ? PHOTOMETRIC_RGB
                                : PHOTOMETRIC_MINISBLACK);
    if (m->predictor)
        TIFFSetField(tif, TIFFTAG_PREDICTOR, m->predictor);
    if (m->orientation)
        TIFFSetField(tif, TIFFTAG_ORIENTATION, m->orientation);
    if (m->description)
        TIFFSetField(tif, TIFFTAG_IMAGEDESCRIPTION, m->description);
    if (m->subfile)
        TIFFSetField(tif, TIFFTAG_SUBFILETYPE, m->subfile);
    if (m->resolution > 0) {
        TIFFSetField(tif, TIFFTAG_XRESOLUTION, m->resolution);
        TIFFSetField(tif, TIFFTAG_YRESOLUTION, m->resolution);
        TIFFSetField(tif, TIFFTAG_RESOLUTIONUNIT, m->unit ? m->unit : RESUNIT_NONE);
    }
    if (m->tile) {
        TIFFSetField(tif, TIFFTAG_TILEWIDTH, (uint32_t)m->tile);
        TIFFSetField(tif, TIFFTAG_TILELENGTH, (uint32_t)m->tile);
    } else
        TIFFSetField(tif, TIFFTAG_ROWSPERSTRIP, (uint32_t)(m->rows ? m->rows : m->height));
}

static inline bool maker_page(TIFF *tif, const struct maker *m, int page)
{
    maker_tags(tif, m);
    uint32_t count = m->tile ? TIFFNumberOfTiles(tif) : TIFFNumberOfStrips(tif);
    size_t bytes = (size_t)(m->tile ? TIFFTileSize(tif) : TIFFStripSize(tif));
    uint8_t *chunk = malloc(bytes);
    bool ok = chunk != NULL;
    for (uint32_t i = 0; ok && i < count; i++) {
        uint32_t per_plane =
            count / (uint32_t)(m->planar == PLANARCONFIG_SEPARATE ? m->samples : 1);
        uint32_t row = (i % per_plane) * (uint32_t)(m->rows ? m->rows : m->height);
        uint32_t left = (uint32_t)m->height - row;
        size_t size = m->tile || left >= (uint32_t)(m->rows ? m->rows : m->height)
                          ? bytes
                          : (size_t)TIFFVStripSize(tif, left);
        maker_fill(chunk, size, (size_t)i * bytes, page, m->format, m->bits);
        ok = (m->tile ? TIFFWriteEncodedTile(tif, i, chunk, (tmsize_t)size)
                      : TIFFWriteEncodedStrip(tif, i, chunk, (tmsize_t)size)) >= 0;
    }
    free(chunk);
    return ok && TIFFWriteDirectory(tif);
}

/* mode as of TIFFOpen(): "w", "wb" big-endian, "w8" BigTIFF */
static inline bool maker_write(const char *path, const char *mode, const struct maker *pages,
                               int count)
{
    TIFF *tif = TIFFOpen(path, mode);
    bool ok = tif != NULL;
    for (int i = 0; i < count && ok; i++)
        ok = maker_page(tif, &pages[i], i);
    if (tif)
        TIFFClose(tif);
    return ok;
}

#endif
