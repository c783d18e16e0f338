/* SPDX-License-Identifier: Apache-2.0 */
/*
 * tiff_color.c - colours that are not RGB in the file (TIFF 6.0, sections 16 and 21)
 *
 * YCbCr lies in units of across x down Y samples, then one Cb and one Cr:
 *
 *     Y00 Y01 Y10 Y11 Cb Cr | Y02 Y03 Y12 Y13 Cb Cr | ...        (2 x 2)
 *
 * CMYK without a colour profile can only be approximated; like everyone, we take the product of
 * what each ink and black leave: R = (1 - C)(1 - K).
 */
#include "image/tiff/tiff_read.h"

static size_t units(uint32_t n, uint16_t of)
{
    return ((size_t)n + of - 1) / of;
}

size_t un_tiff_ycbcr_bytes(const struct un_tiff_layout *layout, uint32_t rows)
{
    return units(rows, layout->down_y) * units(layout->chunk_width, layout->across_y) *
           ((size_t)layout->across_y * layout->down_y + 2);
}

static uint8_t to_byte(float v)
{
    return v > 0 ? v < 255 ? (uint8_t)(v + 0.5f) : 255 : 0; /* a NaN becomes 0 */
}

/* Code v of a component whose reference black (or zero) and white are given, for a range `full`. */
static float level(uint8_t v, const float *range, float full)
{
    float width = range[1] - range[0];
    return ((float)v - range[0]) * full / (width > 0 || width < 0 ? width : 1);
}

static void put_rgb(const struct un_tiff_layout *layout, uint8_t y, uint8_t b, uint8_t r,
                    uint8_t *rgb)
{
    const float *luma = layout->luma, *range = layout->levels;
    float Y = level(y, range, 255), Cb = level(b, range + 2, 127), Cr = level(r, range + 4, 127);
    float R = Y + Cr * (2 - 2 * luma[0]), B = Y + Cb * (2 - 2 * luma[2]);
    rgb[0] = to_byte(R);
    rgb[1] = to_byte((Y - luma[2] * B - luma[0] * R) / luma[1]);
    rgb[2] = to_byte(B);
}

void un_tiff_ycbcr(const struct un_tiff_layout *layout, const uint8_t *src, uint32_t rows,
                   uint8_t *rgb)
{
    const uint32_t across = layout->across_y, down = layout->down_y;
    const size_t wide = units(layout->chunk_width, layout->across_y), size = across * down + 2;
    for (uint32_t y = 0; y < rows; y++)
        for (uint32_t x = 0; x < layout->chunk_width; x++) {
            const uint8_t *unit = src + (y / down * wide + x / across) * size;
            put_rgb(layout, unit[y % down * across + x % across], unit[size - 2], unit[size - 1],
                    rgb + ((size_t)y * layout->chunk_width + x) * 3);
        }
}

void un_tiff_cmyk(const void *src, int channels, int bytes, size_t pixels, void *rgb)
{
    const uint8_t *from8 = src;
    const uint16_t *from16 = src;
    uint8_t *to8 = rgb;
    uint16_t *to16 = rgb;
    for (size_t i = 0; i < pixels; i++)
        for (int c = 0; c < 3; c++) {
            size_t at = i * (size_t)channels;
            if (bytes == 1)
                to8[3 * i + (size_t)c] =
                    (uint8_t)(((255u - from8[at + (size_t)c]) * (255u - from8[at + 3]) + 127) /
                              255);
            else
                to16[3 * i + (size_t)c] = (uint16_t)(((65535u - from16[at + (size_t)c]) *
                                                          (uint64_t)(65535u - from16[at + 3]) +
                                                      32767) /
                                                     65535);
        }
}
