/* SPDX-License-Identifier: Apache-2.0 */
/*
 * convert.c - from samples as they stand in a file to an image
 *
 * A picture becomes an image in place where it can: first levels (spread and inverted through one
 * table), then either the palette is resolved into fresh memory or alpha is squeezed out.
 */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "data/image.h"

/* Bits 1..7 spread to 0..255, 9..15 to 0..65535 (rounded); MinIsWhite turned round. */
static void set_levels(struct un_picture *picture)
{
    unet_image *image = &picture->image;
    size_t n = un_image_bytes(image) / un_sample_bytes(image->sample);
    bool whole = picture->bits % 8 == 0;
    if (image->sample == UNET_F32 || (whole && !picture->white_is_zero))
        return;
    unsigned most = (1u << picture->bits) - 1, full = image->sample == UNET_U8 ? 255 : 65535;
    uint8_t *u8 = image->data;
    uint16_t *u16 = image->data;
    for (size_t i = 0; i < n; i++) {
        unsigned v = image->sample == UNET_U8 ? u8[i] : u16[i];
        /* the last channel of an image with alpha is dropped next: it may go through as well */
        v = picture->white_is_zero ? most - v : v;
        v = (unsigned)(((uint64_t)v * full + most / 2) / most);
        if (image->sample == UNET_U8)
            u8[i] = (uint8_t)v;
        else
            u16[i] = (uint16_t)v;
    }
}

static unet_code resolve_palette(struct un_picture *picture, const char *name, unet_error *err)
{
    unet_image rgb = picture->image;
    size_t bytes;
    rgb.channels = 3;
    unet_code code = un_image_check(name, &rgb, &bytes, err);
    if (code)
        return code;
    uint8_t *dst = malloc(bytes);
    if (!dst)
        return un_fail_memory(err, bytes, name);
    const uint8_t *src = picture->image.data;
    for (size_t i = 0; i < bytes / 3; i++)
        memcpy(dst + 3 * i, picture->palette[src[i]], 3);
    free(picture->image.data);
    picture->image = rgb;
    picture->image.data = dst;
    return UNET_OK;
}

static void drop_alpha(unet_image *image)
{
    size_t pixels = (size_t)image->height * (size_t)image->width;
    size_t sample = un_sample_bytes(image->sample), from = (size_t)image->channels * sample;
    size_t to = from - sample;
    char *data = image->data;
    for (size_t i = 1; i < pixels; i++)
        memmove(data + i * to, data + i * from, to);
    image->channels--;
    char *smaller = realloc(data, pixels * to);
    image->data = smaller ? smaller : data;
}

unet_code un_picture_to_image(struct un_picture *picture, const char *name, unet_image *image,
                              unet_error *err)
{
    unet_code code = UNET_OK;
    if (picture->palette_size)
        code = resolve_palette(picture, name, err);
    else
        set_levels(picture);
    if (code) {
        free(picture->image.data);
        return code;
    }
    if (picture->alpha && picture->image.channels > 1)
        drop_alpha(&picture->image);
    *image = picture->image;
    return UNET_OK;
}

bool un_image_is_grey(const unet_image *image)
{
    size_t pixels = (size_t)image->height * (size_t)image->width;
    size_t sample = un_sample_bytes(image->sample), pixel = sample * (size_t)image->channels;
    if (image->channels == 1)
        return true;
    const char *p = image->data;
    for (size_t i = 0; i < pixels; i++, p += pixel)
        /* equal to itself moved by one channel: all channels are equal */
        if (memcmp(p, p + sample, pixel - sample))
            return false;
    return true;
}

unet_code un_image_check_finite(const char *name, const unet_image *image, unet_error *err)
{
    if (image->sample != UNET_F32)
        return UNET_OK;
    size_t C = (size_t)image->channels, W = (size_t)image->width;
    const float *value = image->data;
    for (size_t i = 0; i < (size_t)image->height * W * C; i++)
        if (!isfinite(value[i]))
            return un_fail(err, UNET_EINVAL, "%s%s%s in row %zu, column %zu; finite values wanted",
                           name ? name : "", name ? ": " : "",
                           isnan(value[i]) ? "NaN" : "an infinite value", i / C / W, i / C % W);
    return UNET_OK;
}
