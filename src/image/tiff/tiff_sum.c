/* SPDX-License-Identifier: Apache-2.0 */
/*
 * tiff_sum.c - the sum at the end of a deflated strip or tile
 *
 * libtiff stops when it has as many bytes as a chunk wants, and zlib then has not looked at the sum
 * behind them; libdeflate has, but for streams that go on, which libtiff takes.  So the sum of what
 * came out is made here.  It is of the bytes before the predictor and the order of bytes, which
 * are undone for that.  Where it is another than the last bytes of the chunk, these may be some
 * that a program has put there, or the last strip of a file with more rows than the image: only
 * then the chunk is unpacked once more, to its end.
 */
#include <string.h>

#include "image/formats/gunzip.h"
#include "image/tiff/tiff_read.h"

enum { BLOCK = 4096, LEAST_BYTES = 6 }; /* of a stream: its header and its sum */

void un_tiff_sum_start(struct un_tiff *r, const struct un_tiff_layout *layout)
{
    uint16_t predictor = PREDICTOR_NONE, fill = FILLORDER_MSB2LSB;
    const int bits = layout->bits;
    struct un_tiff_sum *sum = &r->sum;
    *sum = (struct un_tiff_sum){.sum = un_zlib_sum(0, NULL, 0)};
    if (layout->compression != COMPRESSION_ADOBE_DEFLATE &&
        layout->compression != COMPRESSION_DEFLATE)
        return;
    TIFFGetFieldDefaulted(r->tif, TIFFTAG_PREDICTOR, &predictor);
    TIFFGetFieldDefaulted(r->tif, TIFFTAG_FILLORDER, &fill);
    sum->swapped = TIFFIsByteSwapped(r->tif) && bits > 8;
    sum->step = predictor == PREDICTOR_HORIZONTAL ? (size_t)layout->plane_samples : 0;
    sum->bytes = (size_t)bits / 8;
    const bool whole = bits == 8 || bits == 16 || bits == 32 || bits == 64;
    sum->known =
        fill == FILLORDER_MSB2LSB &&
        (predictor == PREDICTOR_NONE || (predictor == PREDICTOR_HORIZONTAL && !layout->across_y)) &&
        (whole || (!sum->swapped && !sum->step));
}

/* `count` samples of a row from sample `first` on, as they were before the predictor. */
#define DIFFERENCES(type)                                                                          \
    static void differences_##type(const uint8_t *row, size_t first, size_t count, size_t step,    \
                                   uint8_t *to)                                                    \
    {                                                                                              \
        const type *x = (const type *)(const void *)row;                                           \
        type *made = (type *)(void *)to;                                                           \
        for (size_t i = 0; i < count; i++)                                                         \
            made[i] =                                                                              \
                first + i < step ? x[first + i] : (type)(x[first + i] - x[first + i - step]);      \
    }

DIFFERENCES(uint8_t)
DIFFERENCES(uint16_t)
DIFFERENCES(uint32_t)
DIFFERENCES(uint64_t)

static void undo(const struct un_tiff_sum *sum, const uint8_t *row, size_t first, size_t count,
                 uint8_t *to)
{
    if (!sum->step)
        memcpy(to, row + first * sum->bytes, count * sum->bytes);
    else if (sum->bytes == 1)
        differences_uint8_t(row, first, count, sum->step, to);
    else if (sum->bytes == 2)
        differences_uint16_t(row, first, count, sum->step, to);
    else if (sum->bytes == 4)
        differences_uint32_t(row, first, count, sum->step, to);
    else
        differences_uint64_t(row, first, count, sum->step, to);
    for (size_t i = 0; sum->swapped && i < count * sum->bytes; i += sum->bytes)
        for (size_t a = i, b = i + sum->bytes - 1; a < b; a++, b--) {
            const uint8_t byte = to[a];
            to[a] = to[b];
            to[b] = byte;
        }
}

void un_tiff_sum_add(struct un_tiff *r, const struct un_tiff_layout *layout, const uint8_t *rows,
                     size_t bytes)
{
    struct un_tiff_sum *sum = &r->sum;
    _Alignas(8) uint8_t block[BLOCK];
    if (!sum->known)
        return;
    if (!sum->swapped && !sum->step) {
        sum->sum = un_zlib_sum(sum->sum, rows, bytes);
        return;
    }
    const size_t samples = layout->stride / sum->bytes, most = BLOCK / sum->bytes;
    for (; bytes >= layout->stride; bytes -= layout->stride, rows += layout->stride)
        for (size_t first = 0, count; first < samples; first += count) {
            count = samples - first < most ? samples - first : most;
            undo(sum, rows, first, count, block);
            sum->sum = un_zlib_sum(sum->sum, block, count * sum->bytes);
        }
}

unet_code un_tiff_sum_check(struct unet_source *source, const struct un_tiff_layout *layout,
                            uint32_t i, size_t want, unet_error *err)
{
    struct un_tiff *r = source->state;
    const uint64_t at = TIFFGetStrileOffset(r->tif, i);
    const uint64_t bytes = TIFFGetStrileByteCount(r->tif, i), size = source->file.size;
    uint8_t end[4];
    if (!r->sum.known || bytes < LEAST_BYTES || at > size || bytes > size - at)
        return UNET_OK;
    unet_code code = un_map_read(&source->file, source->name, (size_t)(at + bytes - sizeof end),
                                 end, sizeof end, err);
    const uint32_t said =
        (uint32_t)end[0] << 24 | (uint32_t)end[1] << 16 | (uint32_t)end[2] << 8 | end[3];
    if (code || said == r->sum.sum)
        return code;
    r->decoded++;
    if (un_zlib_fits(source->file.data + at, (size_t)bytes, want))
        return UNET_OK;
    return un_fail(err, UNET_EFORMAT,
                   "%s: broken TIFF: the bytes of %s %u have another checksum "
                   "than it says",
                   source->name, layout->tiled ? "tile" : "strip", i);
}
