/* SPDX-License-Identifier: Apache-2.0 */
/* mask.c - masks from and to files; what the values mean is coding.c's business */
#include <stdlib.h>
#include <string.h>

#include "data/image.h"

/* The value of a pixel's first channel, and whether the other colour channels equal it. */
static bool take_value(const struct un_picture *picture, size_t pixel, double *value)
{
    const unet_image *image = &picture->image;
    const uint8_t *u8 = image->data;
    const uint16_t *u16 = image->data;
    const float *f32 = image->data;
    size_t C = (size_t)image->channels, colors = C - (picture->alpha && C > 1);
    for (size_t c = 0; c < colors; c++) {
        size_t at = pixel * C + c;
        double v = image->sample == UNET_U8    ? u8[at]
                   : image->sample == UNET_U16 ? u16[at]
                                               : (double)f32[at];
        if (c && v != *value)
            return false;
        *value = v;
    }
    if (picture->white_is_zero && image->sample != UNET_F32)
        *value = (1 << picture->bits) - 1 - *value;
    return true;
}

unet_code un_picture_to_mask(struct un_picture *picture, const char *name, uint8_t **values,
                             unet_error *err)
{
    size_t W = (size_t)picture->image.width, count = W * (size_t)picture->image.height;
    unet_code code = UNET_OK;
    uint8_t *made = malloc(count);
    if (!made) {
        code = un_fail_memory(err, count, name);
        goto done;
    }
    for (size_t i = 0; i < count && !code; i++) {
        double v = 0;
        if (!take_value(picture, i, &v))
            code = un_fail(err, UNET_EFORMAT,
                           "%s: a colour in row %zu, column %zu; a mask has grey values or palette "
                           "indices",
                           name, i / W, i % W);
        else if (!(v >= 0 && v <= 255) || v != (int)v)
            code = un_fail(err, UNET_EFORMAT,
                           "%s: value %g in row %zu, column %zu; whole numbers of 0..255 wanted",
                           name, v, i / W, i % W);
        else
            made[i] = (uint8_t)v;
    }
done:
    free(picture->image.data);
    if (code)
        free(made);
    else
        *values = made;
    return code;
}

unet_code un_mask_read(const char *path, int *height, int *width, uint8_t **values, int *bits,
                       unet_error *err)
{
    struct un_picture picture;
    unet_code code = un_picture_read(path, &picture, err);
    if (code || (code = un_picture_to_mask(&picture, path, values, err)))
        return code;
    *height = picture.image.height;
    *width = picture.image.width;
    if (bits)
        *bits = picture.bits;
    return UNET_OK;
}

unet_code un_mask_write(const char *path, const uint8_t *mask, int height, int width,
                        const uint8_t (*colors)[3], int color_count, unet_error *err)
{
    uint8_t palette[256][3] = {0};
    memset(palette[UNET_IGNORE], 128, 3);
    memcpy(palette, colors, (size_t)color_count * 3);
    int most = color_count - 1;
    for (size_t i = 0; i < (size_t)height * (size_t)width; i++)
        most = mask[i] > most ? mask[i] : most;
    const unet_image image = {.height = height,
                              .width = width,
                              .channels = 1,
                              .sample = UNET_U8,
                              .data = (void *)mask}; /* only read */
    return un_image_write_palette(path, &image, palette, most + 1, err);
}
