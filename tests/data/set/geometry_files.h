/* SPDX-License-Identifier: Apache-2.0 */
/* geometry_files.h - small files whose headers say where their pixels lie */
#ifndef GEOMETRY_FILES_H
#define GEOMETRY_FILES_H

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <tiffio.h>
#include <zlib.h>

#include "image/image.h"
#include "image/tiff/tiff_geo.h"
#include "support/folder.h"

/* ---- NIfTI-1: a volume of bytes [planes][rows][columns] ---- */

enum { BY_MATRIX, BY_QUATERNION, BY_SIZES };

struct volume {
    int count[3];
    double affine[3][4]; /* of column, row, plane, 1 */
    int by;
    int unit; /* NIfTI's code; 0: not said */
    const uint8_t *samples;
};

static inline void put_float(unsigned char *p, double v)
{
    float f = (float)v;
    memcpy(p, &f, 4);
}

static inline void put_short(unsigned char *p, int v)
{
    int16_t s = (int16_t)v;
    memcpy(p, &s, 2);
}

/* BY_QUATERNION is for axes that run along those of space, mirrored or not; little-endian machines.
 */
static inline void put_volume(const char *path, const struct volume *v)
{
    const size_t n = (size_t)(v->count[0] * v->count[1] * v->count[2]);
    unsigned char *file = calloc(352 + n, 1);
    const double(*a)[4] = v->affine;
    const int size = 348;
    memcpy(file, &size, 4);
    put_short(file + 40, 3);
    put_short(file + 70, 2);
    put_short(file + 72, 8);
    put_float(file + 108, 352);
    file[123] = (unsigned char)v->unit;
    memcpy(file + 344, "n+1", 4);
    for (int k = 0; k < 3; k++) {
        double side = a[0][k] * a[0][k] + a[1][k] * a[1][k] + a[2][k] * a[2][k];
        put_short(file + 42 + 2 * k, v->count[k]);
        put_float(file + 80 + 4 * k, sqrt(side));
    }
    if (v->by == BY_MATRIX) {
        put_short(file + 254, 1);
        for (int r = 0; r < 3; r++)
            for (int k = 0; k < 4; k++)
                put_float(file + 280 + 16 * r + 4 * k, a[r][k]);
    } else if (v->by == BY_QUATERNION) {
        /* half turns about x, y, z, or none; a mirror is one of the planes */
        const int minus[3] = {a[0][0] < 0, a[1][1] < 0, a[2][2] < 0};
        const int mirror = (minus[0] + minus[1] + minus[2]) % 2;
        const int z = minus[2] ^ mirror;
        put_short(file + 252, 1);
        put_float(file + 76, mirror ? -1 : 1);
        put_float(file + 256, !minus[0] && minus[1] && z);
        put_float(file + 260, minus[0] && !minus[1] && z);
        put_float(file + 264, minus[0] && minus[1] && !z);
        for (int r = 0; r < 3; r++)
            put_float(file + 268 + 4 * r, a[r][3]);
    }
    memcpy(file + 352, v->samples, n);
    put_file(path, file, 352 + n);
    free(file);
}

/* ---- PNG with EXIF ---- */

/* Writes a grey image, and says in EXIF how it is to be turned. */
static inline void put_turned(const char *path, const unet_image *image, int orientation, bool big)
{
    static const unsigned char little_one[26] = "II*\0\x08\0\0\0\x01\0\x12\x01\x03\0\x01\0\0\0";
    static const unsigned char big_one[26] = "MM\0*\0\0\0\x08\0\x01\x01\x12\0\x03\0\0\0\x01";
    unsigned char chunk[12 + 26] = {0, 0, 0, 26, 'e', 'X', 'I', 'f'};
    size_t size = 0;
    un_image_write(path, image, NULL);
    unsigned char *file = get_file(path, &size), *made = malloc(size + sizeof chunk);
    memcpy(chunk + 8, big ? big_one : little_one, 26);
    chunk[8 + (big ? 19 : 18)] = (unsigned char)orientation;
    const uint32_t sum = (uint32_t)crc32(0, chunk + 4, 30);
    for (int i = 0; i < 4; i++)
        chunk[34 + i] = (unsigned char)(sum >> (24 - 8 * i));
    memcpy(made, file, 33); /* up to the end of IHDR */
    memcpy(made + 33, chunk, sizeof chunk);
    memcpy(made + 33 + sizeof chunk, file + 33, size - 33);
    put_file(path, made, size + sizeof chunk);
    free(file);
    free(made);
}

/* ---- TIFF ---- */

struct ground {
    double x, y, side; /* of the corner of the first pixel; of a pixel, negative: rows run north */
    int system;
};

/* Bytes [height][width][channels], with a place on earth or NULL, and what an extra sample is. */
static inline void put_tiff(const char *path, int height, int width, int channels,
                            const uint8_t *samples, const struct ground *ground, int extra)
{
    TIFF *tif = TIFFOpen(path, "w");
    const uint16_t kind = (uint16_t)extra;
    TIFFSetField(tif, TIFFTAG_IMAGEWIDTH, (uint32_t)width);
    TIFFSetField(tif, TIFFTAG_IMAGELENGTH, (uint32_t)height);
    TIFFSetField(tif, TIFFTAG_SAMPLESPERPIXEL, channels);
    TIFFSetField(tif, TIFFTAG_BITSPERSAMPLE, 8);
    TIFFSetField(tif, TIFFTAG_PLANARCONFIG, PLANARCONFIG_CONTIG);
    TIFFSetField(tif, TIFFTAG_PHOTOMETRIC, channels > 2 ? PHOTOMETRIC_RGB : PHOTOMETRIC_MINISBLACK);
    TIFFSetField(tif, TIFFTAG_ROWSPERSTRIP, (uint32_t)height);
    if (channels == 2 || channels == 4)
        TIFFSetField(tif, TIFFTAG_EXTRASAMPLES, 1, &kind);
    if (ground) {
        double scale[3] = {ground->side, ground->side, 0}, tie[6] = {0, 0, 0, ground->x, ground->y};
        double matrix[16] = {-ground->side, 0, 0, ground->x, 0, -ground->side, 0, ground->y};
        uint16_t keys[12] = {1, 1, 0, 2, 1025, 0, 1, 1, 3072, 0, 1, (uint16_t)ground->system};
        char text[] = "a place|";
        struct un_geo geo = {0};
        matrix[15] = 1;
        geo.tag[UN_GEO_KEYS].count = 12;
        geo.tag[UN_GEO_KEYS].data = keys;
        geo.tag[UN_GEO_TEXT].count = sizeof text;
        geo.tag[UN_GEO_TEXT].data = text;
        if (ground->side > 0) {
            geo.tag[UN_GEO_SCALE].count = 3;
            geo.tag[UN_GEO_SCALE].data = scale;
            geo.tag[UN_GEO_TIES].count = 6;
            geo.tag[UN_GEO_TIES].data = tie;
        } else {
            geo.tag[UN_GEO_MATRIX].count = 16;
            geo.tag[UN_GEO_MATRIX].data = matrix;
        }
        un_geo_write(tif, &geo);
    }
    for (int y = 0; y < height; y++)
        TIFFWriteScanline(tif, (void *)(samples + y * width * channels), (uint32_t)y, 0);
    TIFFClose(tif);
}

#endif
