/* SPDX-License-Identifier: Apache-2.0 */
/* mask.c - masks from and to files; what the values mean is coding.c's business */
#include <stdlib.h>
#include <string.h>

#include "data/image.h"

/* The value of a pixel's first channel, and whether the other colour channels equal it. */
static bool take_value(const struct un_page *page, const void *samples, size_t pixel, double *value)
{
    size_t C = (size_t)page->channels, colors = C - (page->alpha && C > 1);
    *value = un_page_value(page, samples, pixel * C);
    for (size_t c = 1; c < colors; c++)
        if (un_page_value(page, samples, pixel * C + c) != *value)
            return false;
    return true;
}

static unet_code to_values(const char *name, const struct un_page *page, const void *samples,
                           size_t width, size_t count, uint8_t *values, unet_error *err)
{
    for (size_t i = 0; i < count; i++) {
        double v = 0;
        if (!take_value(page, samples, i, &v))
            return un_fail(err, UNET_EFORMAT,
                           "%s: a colour in row %zu, column %zu; a mask has grey values or palette "
                           "indices",
                           name, i / width, i % width);
        if (!(v >= 0 && v <= 255) || v != (int)v)
            return un_fail(err, UNET_EFORMAT,
                           "%s: value %g in row %zu, column %zu; whole numbers of 0..255 wanted",
                           name, v, i / width, i % width);
        values[i] = (uint8_t)v;
    }
    return UNET_OK;
}

unet_code un_mask_read(const char *path, int *height, int *width, uint8_t **values, int *bits,
                       unet_error *err)
{
    struct un_source *source;
    struct un_page page;
    uint8_t *made = NULL;
    void *samples = NULL;
    unet_code code = un_source_open(path, &source, err);
    if (code)
        return code;
    if ((code = un_source_page(source, 0, &page, err)))
        goto done;
    const struct un_rect all = {0, 0, un_page_upright_height(&page), un_page_upright_width(&page)};
    size_t bytes = un_rect_bytes(&page, all), count = (size_t)all.height * (size_t)all.width;
    samples = bytes <= UN_IMAGE_BYTES ? malloc(bytes) : NULL;
    made = malloc(count);
    if (!samples || !made) {
        code = un_fail_memory(err, bytes, path);
        goto done;
    }
    if ((code = un_source_raw(source, 0, &page, all, samples, err)) ||
        (code = to_values(path, &page, samples, (size_t)all.width, count, made, err)))
        goto done;
    *height = all.height;
    *width = all.width;
    *values = made;
    made = NULL;
    if (bits)
        *bits = page.bits;
done:
    free(made);
    free(samples);
    un_source_close(source);
    return code;
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
