/* SPDX-License-Identifier: Apache-2.0 */
/* tiff_write.c - TIFF: deflate-compressed strips, with a predictor or a palette */
#include <stdlib.h>
#include <string.h>

#include "data/tiff_io.h"

#define STRIP_BYTES (256 << 10) /* large enough to compress well, small enough to seek in */

static void set_palette(TIFF *tif, const uint8_t (*palette)[3], int colors)
{
    uint16_t rgb[3][256] = {0};
    for (int i = 0; i < colors; i++)
        for (int c = 0; c < 3; c++)
            rgb[c][i] = (uint16_t)(palette[i][c] * 257);
    TIFFSetField(tif, TIFFTAG_COLORMAP, rgb[0], rgb[1], rgb[2]);
}

static void set_tags(TIFF *tif, const unet_image *image, const uint8_t (*palette)[3], int colors,
                     uint32_t rows)
{
    bool rgb = image->channels == 3 && !palette;
    TIFFSetField(tif, TIFFTAG_IMAGEWIDTH, (uint32_t)image->width);
    TIFFSetField(tif, TIFFTAG_IMAGELENGTH, (uint32_t)image->height);
    TIFFSetField(tif, TIFFTAG_SAMPLESPERPIXEL, image->channels);
    TIFFSetField(tif, TIFFTAG_BITSPERSAMPLE, (int)(8 * un_sample_bytes(image->sample)));
    TIFFSetField(tif, TIFFTAG_SAMPLEFORMAT,
                 image->sample == UNET_F32 ? SAMPLEFORMAT_IEEEFP : SAMPLEFORMAT_UINT);
    TIFFSetField(tif, TIFFTAG_PLANARCONFIG, PLANARCONFIG_CONTIG);
    TIFFSetField(tif, TIFFTAG_ROWSPERSTRIP, rows);
    TIFFSetField(tif, TIFFTAG_PHOTOMETRIC,
                 palette ? PHOTOMETRIC_PALETTE
                 : rgb   ? PHOTOMETRIC_RGB
                         : PHOTOMETRIC_MINISBLACK);
    TIFFSetField(tif, TIFFTAG_COMPRESSION, COMPRESSION_ADOBE_DEFLATE);
    if (palette)
        set_palette(tif, palette, colors);
    else
        TIFFSetField(tif, TIFFTAG_PREDICTOR,
                     image->sample == UNET_F32 ? PREDICTOR_FLOATINGPOINT : PREDICTOR_HORIZONTAL);
    if (!rgb && image->channels > 1) {
        static const uint16_t unspecified[UN_IMAGE_CHANNELS];
        TIFFSetField(tif, TIFFTAG_EXTRASAMPLES, image->channels - 1, unspecified);
    }
}

/* libtiff's predictor works in the buffer that it is given: each strip is copied first. */
static bool write_strips(TIFF *tif, const unet_image *image, uint32_t rows, size_t row_bytes,
                         uint8_t *strip)
{
    const uint8_t *src = image->data;
    for (uint32_t y = 0, i = 0; y < (uint32_t)image->height; y += rows, i++) {
        uint32_t n = (uint32_t)image->height - y < rows ? (uint32_t)image->height - y : rows;
        memcpy(strip, src + y * row_bytes, n * row_bytes);
        if (TIFFWriteEncodedStrip(tif, i, strip, (tmsize_t)(n * row_bytes)) < 0)
            return false;
    }
    return TIFFWriteDirectory(tif);
}

unet_code un_tiff_write(const char *path, struct un_save *save, const unet_image *image,
                        const uint8_t (*palette)[3], int colors, unet_error *err)
{
    struct un_tiff_job job = {.out = save->file};
    size_t bytes = un_image_bytes(image), row_bytes = bytes / (size_t)image->height;
    uint32_t rows = (uint32_t)(STRIP_BYTES / row_bytes);
    rows = rows < 1 ? 1 : rows > (uint32_t)image->height ? (uint32_t)image->height : rows;
    uint8_t *strip = malloc(rows * row_bytes);
    if (!strip)
        return un_fail_memory(err, rows * row_bytes, path);
    unet_code code = UNET_OK;
    TIFF *tif = un_tiff_open(path, bytes > (size_t)4000000000 ? "w8" : "w", &job, 0);
    if (tif)
        set_tags(tif, image, palette, colors, rows);
    if (!tif || !write_strips(tif, image, rows, row_bytes, strip))
        code = un_fail(err, UNET_EIO, "%s: cannot be written: %s", path,
                       job.message[0] ? job.message : "write failed");
    if (tif)
        TIFFClose(tif);
    free(strip);
    return code;
}
