/* SPDX-License-Identifier: Apache-2.0 */
/*
 * overlay.c - a mask drawn over its image, for a person's eye
 *
 *     grey    = 255 * (sample - low) / (high - low), cut to 0..255; low, high: 0.5, 99.5 percentile
 *     pixel   = grey                                            class 0 and UNET_IGNORE
 *             = color[k]                                        class k > 0 on its outline
 *             = grey + opacity * (color[k] - grey)              class k > 0 inside
 *
 * The outline is made of the class's own pixels that touch another class by a side.
 */
#include <math.h>
#include <stdlib.h>

#include "data/image.h"

/* How samples become 0..255. */
struct stretch {
    float low, scale;
};

static unet_code find_stretch(const unet_image *image, struct stretch *stretch, unet_error *err)
{
    /* an image that is nearly everywhere the same has its range in the rest */
    static const double share[4] = {0.005, 0.995, 0, 1};
    float value[4];
    unet_code code = un_image_quantiles(&image, 1, share, value, 4, err);
    if (code)
        return code;
    int i = value[1] > value[0] ? 0 : 2;
    double range = (double)value[i + 1] - (double)value[i];
    *stretch = (struct stretch){.low = value[i], .scale = range > 0 ? (float)(255 / range) : 0};
    return UNET_OK;
}

static float stretched(const unet_image *image, const struct stretch *stretch, size_t at)
{
    const uint8_t *u8 = image->data;
    const uint16_t *u16 = image->data;
    const float *f32 = image->data;
    float v = image->sample == UNET_U8 ? u8[at] : image->sample == UNET_U16 ? u16[at] : f32[at];
    v = (v - stretch->low) * stretch->scale;
    return v > 255 ? 255 : v > 0 ? v : 0; /* NaN becomes 0 */
}

static bool on_outline(const uint8_t *mask, int height, int width, int y, int x)
{
    const uint8_t *p = mask + (size_t)y * (size_t)width + x;
    return (x > 0 && p[-1] != *p) || (x + 1 < width && p[1] != *p) || (y > 0 && p[-width] != *p) ||
           (y + 1 < height && p[width] != *p);
}

static void draw(const unet_image *image, const struct stretch *stretch, const uint8_t *mask,
                 const uint8_t (*colors)[3], float opacity, uint8_t *dst)
{
    size_t C = (size_t)image->channels, i = 0;
    for (int y = 0; y < image->height; y++)
        for (int x = 0; x < image->width; x++, i++) {
            int label = mask[i] == UNET_IGNORE ? 0 : mask[i];
            float share = !label                                                ? 0
                          : on_outline(mask, image->height, image->width, y, x) ? 1
                                                                                : opacity;
            for (size_t c = 0; c < 3; c++) {
                float grey = stretched(image, stretch, i * C + (C < 3 ? 0 : c));
                float color = label ? colors[label][c] : 0;
                dst[3 * i + c] = (uint8_t)lrintf(grey + share * (color - grey));
            }
        }
}

unet_code un_overlay(const unet_image *image, const uint8_t *mask, const uint8_t (*colors)[3],
                     int color_count, float opacity, unet_image *overlay, unet_error *err)
{
    size_t count = (size_t)image->height * (size_t)image->width;
    for (size_t i = 0; i < count; i++)
        if (mask[i] != UNET_IGNORE && mask[i] >= color_count)
            return un_fail(err, UNET_EINVAL, "mask: class %d in row %zu, column %zu; %d colours",
                           mask[i], i / (size_t)image->width, i % (size_t)image->width,
                           color_count);
    struct stretch stretch;
    unet_code code = find_stretch(image, &stretch, err);
    if (code)
        return code;
    unet_image made = {.height = image->height,
                       .width = image->width,
                       .channels = 3,
                       .sample = UNET_U8,
                       .data = malloc(3 * count)};
    if (!made.data)
        return un_fail_memory(err, 3 * count, "overlay");
    draw(image, &stretch, mask, colors, opacity, made.data);
    *overlay = made;
    return UNET_OK;
}
