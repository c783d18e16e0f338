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

#include "base/number.h"

/* ---- by libtiff: samples of 8, 16, 32 or 64 bits whose values a function tells ----------- */

/* One page; zeros mean the usual. */
struct maker {
    int width, height, samples, bits, format;
    int compression, photometric, planar, predictor, orientation;
    int tile, rows; /* side of tiles; rows of a strip */
    const char *description;
    const char *nodata; /* GDAL's tag */
    float resolution;   /* pixels per unit */
    int unit, subfile, number;
    int times; /* a level of a pyramid: every n-th pixel */
    enum { NOISE, OBJECTS, SLOPES } scene;
};

static inline int maker_samples(const struct maker *m)
{
    return m->samples ? m->samples : 1;
}

static inline int maker_bytes(const struct maker *m)
{
    return (m->bits ? m->bits : 8) / 8;
}

/* The sample at a place of a page: noise in runs of some pixels, or a scene that levels of a
 * pyramid can show. */
static inline uint64_t maker_value(const struct maker *m, int x, int y, int c)
{
    x *= m->times ? m->times : 1;
    y *= m->times ? m->times : 1;
    int k = 37 * m->number;
    if (m->scene == OBJECTS)
        return (x + 3 * k) % 96 < 24 && (y + 5 * k) % 80 < 20 ? 255 : 0;
    if (m->scene == SLOPES)
        return (uint64_t)abs((2 * x + y + 3 * k) % 510 - 255);
    uint64_t h = (uint64_t)(x / 3 + 1000 * y + 7919 * c + 104729 * m->number) * 0x9e3779b97f4a7c15u;
    h ^= h >> 29;
    return m->format == SAMPLEFORMAT_IEEEFP ? h & 0xff : h;
}

static inline void maker_put(const struct maker *m, int x, int y, int c, void *to)
{
    uint64_t v = maker_value(m, x, y, c);
    float f = (float)v;
    double d = (double)v;
    if (m->format == SAMPLEFORMAT_IEEEFP)
        memcpy(to, maker_bytes(m) == 4 ? (void *)&f : (void *)&d, (size_t)maker_bytes(m));
    else
        memcpy(to, (char *)&v + (UN_HOST_BIG ? 8 - maker_bytes(m) : 0), (size_t)maker_bytes(m));
}

static inline void maker_tags(TIFF *tif, const struct maker *m)
{
    TIFFSetField(tif, TIFFTAG_IMAGEWIDTH, (uint32_t)m->width);
    TIFFSetField(tif, TIFFTAG_IMAGELENGTH, (uint32_t)m->height);
    TIFFSetField(tif, TIFFTAG_SAMPLESPERPIXEL, maker_samples(m));
    TIFFSetField(tif, TIFFTAG_BITSPERSAMPLE, m->bits ? m->bits : 8);
    TIFFSetField(tif, TIFFTAG_SAMPLEFORMAT, m->format ? m->format : SAMPLEFORMAT_UINT);
    TIFFSetField(tif, TIFFTAG_PLANARCONFIG, m->planar ? m->planar : PLANARCONFIG_CONTIG);
    TIFFSetField(tif, TIFFTAG_COMPRESSION, m->compression ? m->compression : COMPRESSION_NONE);
    TIFFSetField(tif, TIFFTAG_PHOTOMETRIC,
                 m->photometric    ? m->photometric
                 : m->samples == 3 ? PHOTOMETRIC_RGB
                                   : PHOTOMETRIC_MINISBLACK);
    if (m->predictor)
        TIFFSetField(tif, TIFFTAG_PREDICTOR, m->predictor);
    if (m->orientation)
        TIFFSetField(tif, TIFFTAG_ORIENTATION, m->orientation);
    if (m->description)
        TIFFSetField(tif, TIFFTAG_IMAGEDESCRIPTION, m->description);
    if (m->nodata) {
        static const TIFFFieldInfo info = {42113,        -1, -1, TIFF_ASCII,
                                           FIELD_CUSTOM, 1,  0,  (char *)"GDAL_NODATA"};
        TIFFMergeFieldInfo(tif, &info, 1);
        TIFFSetField(tif, 42113, m->nodata);
    }
    if (m->subfile)
        TIFFSetField(tif, TIFFTAG_SUBFILETYPE, m->subfile);
    if (m->compression == COMPRESSION_WEBP)
        TIFFSetField(tif, TIFFTAG_WEBP_LOSSLESS, 1);
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

static inline bool maker_chunk(TIFF *tif, const struct maker *m, uint32_t i, uint8_t *chunk)
{
    bool apart = m->planar == PLANARCONFIG_SEPARATE;
    int wide = m->tile ? m->tile : m->width, high = m->tile   ? m->tile
                                                    : m->rows ? m->rows
                                                              : m->height;
    uint32_t across = (uint32_t)((m->width + wide - 1) / wide);
    uint32_t down = (uint32_t)((m->height + high - 1) / high);
    int x0 = (int)(i % across) * wide, y0 = (int)(i / across % down) * high;
    int plane = (int)(i / across / down), n = apart ? 1 : maker_samples(m), bytes = maker_bytes(m);
    int rows = m->tile || m->height - y0 > high ? high : m->height - y0;
    for (int y = 0; y < rows; y++)
        for (int x = 0; x < wide; x++)
            for (int c = 0; c < n; c++)
                maker_put(m, x0 + x, y0 + y, apart ? plane : c,
                          chunk + (((size_t)y * (size_t)wide + (size_t)x) * (size_t)n + (size_t)c) *
                                      (size_t)bytes);
    tmsize_t size = (tmsize_t)rows * wide * n * bytes;
    return (m->tile ? TIFFWriteEncodedTile(tif, i, chunk, size)
                    : TIFFWriteEncodedStrip(tif, i, chunk, size)) >= 0;
}

/* mode as of TIFFOpen(): "w", "wb" big-endian, "w8" BigTIFF */
static inline bool maker_write(const char *path, const char *mode, const struct maker *pages,
                               int count)
{
    TIFF *tif = TIFFOpen(path, mode);
    bool ok = tif != NULL;
    for (int p = 0; p < count && ok; p++) {
        maker_tags(tif, &pages[p]);
        uint32_t chunks = pages[p].tile ? TIFFNumberOfTiles(tif) : TIFFNumberOfStrips(tif);
        uint8_t *chunk = malloc((size_t)(pages[p].tile ? TIFFTileSize(tif) : TIFFStripSize(tif)));
        for (uint32_t i = 0; ok && i < chunks; i++)
            ok = maker_chunk(tif, &pages[p], i, chunk);
        free(chunk);
        ok = ok && TIFFWriteDirectory(tif);
    }
    if (tif)
        TIFFClose(tif);
    return ok;
}

/* ---- byte by byte, classic and in any byte order ----------------------------------------- */

struct raw_tiff {
    bool big_endian;
    uint8_t *bytes;
    size_t size;
};

static inline void raw_number(struct raw_tiff *t, size_t at, uint64_t v, int size)
{
    if (at + (size_t)size > t->size) {
        t->bytes = realloc(t->bytes, at + (size_t)size);
        memset(t->bytes + t->size, 0, at + (size_t)size - t->size);
        t->size = at + (size_t)size;
    }
    for (int i = 0; i < size; i++)
        t->bytes[at + (size_t)i] = (uint8_t)(v >> 8 * (t->big_endian ? size - 1 - i : i));
}

static inline void raw_header(struct raw_tiff *t, bool big_endian)
{
    *t = (struct raw_tiff){.big_endian = big_endian};
    raw_number(t, 0, big_endian ? 0x4d4d : 0x4949, 2);
    raw_number(t, 2, 42, 2);
    raw_number(t, 4, 8, 4);
}

/* An IFD at `at` of one strip of grey or RGB; entries: tag, value.  Returns where it ends. */
static inline size_t raw_ifd(struct raw_tiff *t, size_t at, const uint32_t (*entries)[2], int count,
                             uint32_t next)
{
    raw_number(t, at, (uint64_t)count, 2);
    for (int i = 0; i < count; i++) {
        size_t entry = at + 2 + (size_t)i * 12;
        raw_number(t, entry, entries[i][0], 2);
        raw_number(t, entry + 2, TIFF_LONG, 2);
        raw_number(t, entry + 4, 1, 4);
        raw_number(t, entry + 8, entries[i][1], 4);
    }
    raw_number(t, at + 2 + (size_t)count * 12, next, 4);
    return at + 6 + (size_t)count * 12;
}

static inline void raw_save(struct raw_tiff *t, const char *path)
{
    FILE *file = fopen(path, "wb");
    fwrite(t->bytes, 1, t->size, file);
    fclose(file);
    free(t->bytes);
}

#endif
