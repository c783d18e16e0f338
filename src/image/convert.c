/* SPDX-License-Identifier: Apache-2.0 */
/*
 * convert.c - from samples as they stand in a file to those of an image
 *
 * What a sample becomes depends on its kind alone:
 *
 *     unsigned, up to 8 bits   U8, spread to 0..255      signed, float, or a slope    F32
 *     9 to 16 bits             U16, spread to 0..65535   palette index                three U8
 *     more                     F32                       .. of a ramp: one U8, the brightness
 *
 * 32 and 64-bit integers beyond 2^24 are rounded to what float can hold.
 */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "image/image.h"

static unet_sample sample_of(const struct un_page *page)
{
    if (page->palette_size)
        return UNET_U8;
    if (page->kind != UN_UINT || page->bits > 16 || page->slope != 0)
        return UNET_F32;
    return page->bits > 8 ? UNET_U16 : UNET_U8;
}

static bool drops_alpha(const struct un_page *page)
{
    return page->alpha && page->channels > 1;
}

static uint8_t brightest(const uint8_t rgb[3])
{
    uint8_t most = rgb[0] > rgb[1] ? rgb[0] : rgb[1];
    return most > rgb[2] ? most : rgb[2];
}

/* Greys in any order; one hue in so many steps that it is no drawing, in one direction. */
bool un_palette_is_ramp(const struct un_page *page)
{
    enum { STEPS = 16, SLACK = 2 };
    const int n = page->palette_size < 256 ? page->palette_size : 256;
    const uint8_t *hue = page->palette[0];
    bool grey = n > 0, rises = true, falls = true, one_hue = true;
    int steps = 0;
    for (int i = 1; i < n; i++)
        hue = brightest(page->palette[i]) > brightest(hue) ? page->palette[i] : hue;
    for (int i = 0; i < n; i++) {
        const uint8_t *c = page->palette[i];
        const int v = brightest(c), before = i ? brightest(c - 3) : v, full = brightest(hue);
        grey = grey && c[0] == c[1] && c[0] == c[2];
        rises = rises && v >= before;
        falls = falls && v <= before;
        steps += v != before;
        for (int k = 0; k < 3 && full; k++)
            one_hue = one_hue && abs(c[k] - (hue[k] * v + full / 2) / full) <= SLACK;
    }
    return grey || (one_hue && steps >= STEPS && (rises || falls));
}

unet_image un_page_image(const struct un_page *page)
{
    return (unet_image){.height = un_page_upright_height(page),
                        .width = un_page_upright_width(page),
                        .channels = page->ramp           ? 1
                                    : page->palette_size ? 3
                                                         : page->channels - drops_alpha(page),
                        .sample = sample_of(page),
                        .prepared = page->prepared};
}

void un_page_describe(const struct un_page *page, unet_page *what)
{
    unet_image image = un_page_image(page);
    bool turned = page->orientation > 4;
    *what = (unet_page){.height = image.height,
                        .width = image.width,
                        .channels = image.channels,
                        .sample = image.sample,
                        .prepared = image.prepared,
                        .pixel_height = turned ? page->pixel_width : page->pixel_height,
                        .pixel_width = turned ? page->pixel_height : page->pixel_width};
    memcpy(what->unit, page->unit, sizeof what->unit);
    /* samples that are turned or converted pass through arrays of a few rows */
    uint64_t row = (uint64_t)image.width * (uint64_t)page->channels * (uint64_t)page->bytes;
    what->reading_bytes =
        page->working + 64 * row * (page->orientation > 1) + 64 * row * !un_page_plain(page);
}

bool un_page_plain(const struct un_page *page)
{
    unet_sample sample = sample_of(page);
    return !page->palette_size && !drops_alpha(page) && page->slope == 0 &&
           (sample == UNET_F32 ? page->kind == UN_FLOAT && page->bytes == 4
                               : page->bits % 8 == 0 && !page->white_is_zero);
}

/* IEEE half precision. */
static double half_value(uint16_t half)
{
    int exponent = half >> 10 & 31, fraction = half & 1023;
    double size = exponent == 31 ? (fraction ? (double)NAN : (double)INFINITY)
                  : exponent     ? ldexp(1024 + fraction, exponent - 25)
                                 : ldexp(fraction, -24);
    return half & 0x8000 ? -size : size;
}

/* The number that stands at `at`, before any slope. */
static double stored_value(const struct un_page *page, const void *samples, size_t at)
{
    const uint8_t *p = (const uint8_t *)samples + at * (size_t)page->bytes;
    union {
        uint64_t u64;
        int64_t i64;
        uint32_t u32;
        int32_t i32;
        uint16_t u16;
        int16_t i16;
        float f32;
        double f64;
    } v;
    memcpy(&v, p, (size_t)page->bytes);
    if (page->kind == UN_FLOAT)
        return page->bytes == 8 ? v.f64 : page->bytes == 4 ? (double)v.f32 : half_value(v.u16);
    bool is_signed = page->kind == UN_INT;
    switch (page->bytes) {
    case 8:
        return is_signed ? (double)v.i64 : (double)v.u64;
    case 4:
        return is_signed ? (double)v.i32 : (double)v.u32;
    case 2:
        return is_signed ? v.i16 : v.u16;
    default:
        return is_signed ? (int8_t)*p : *p;
    }
}

double un_page_value(const struct un_page *page, const void *samples, size_t at)
{
    double v = stored_value(page, samples, at);
    if (page->white_is_zero && page->kind == UN_UINT)
        v = ldexp(1, page->bits) - 1 - v;
    return page->slope != 0 ? v * page->slope + page->offset : v;
}

/* Bits 1..7 spread to 0..255, 9..15 to 0..65535 (rounded); MinIsWhite turned round. */
static void set_levels(const struct un_page *page, const void *src, size_t n, size_t take,
                       size_t step, void *dst)
{
    unsigned most = (1u << page->bits) - 1, full = page->bits > 8 ? 65535 : 255;
    const uint8_t *from8 = src;
    const uint16_t *from16 = src;
    uint8_t *to8 = dst;
    uint16_t *to16 = dst;
    for (size_t i = 0; i < n; i++)
        for (size_t c = 0; c < take; c++) {
            unsigned v = page->bytes == 1 ? from8[i * step + c] : from16[i * step + c];
            v = page->white_is_zero ? most - v : v;
            v = (unsigned)(((uint64_t)v * full + most / 2) / most);
            if (page->bits > 8)
                *to16++ = (uint16_t)v;
            else
                *to8++ = (uint8_t)v;
        }
}

void un_convert(const struct un_page *page, const void *src, size_t count, void *dst)
{
    size_t step = (size_t)page->channels, take = step - drops_alpha(page);
    if (page->palette_size) {
        const uint8_t *index8 = src;
        const uint16_t *index16 = src;
        uint8_t *to = dst;
        for (size_t i = 0; i < count; i++) {
            unsigned index = page->bytes == 1 ? index8[i] : index16[i];
            const uint8_t *color = page->palette[index < 256 ? index : 255];
            if (page->ramp)
                to[i] = brightest(color);
            else
                memcpy(to + 3 * i, color, 3);
        }
    } else if (sample_of(page) == UNET_F32) {
        float *to = dst;
        for (size_t i = 0; i < count; i++)
            for (size_t c = 0; c < take; c++)
                *to++ = (float)un_page_value(page, src, i * step + c);
    } else {
        set_levels(page, src, count, take, step, dst);
    }
}
