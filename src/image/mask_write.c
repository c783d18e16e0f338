/* SPDX-License-Identifier: Apache-2.0 */
/* mask_write.c - class indices as a picture with a palette */
#include <string.h>

#include "image/image.h"

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
