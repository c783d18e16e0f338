/* SPDX-License-Identifier: Apache-2.0 */
/*
 * overlay.c - a mask drawn over its image, for a person's eye
 *
 *     grey    = 255 * (sample - low) / (high - low), cut to 0..255; low, high: 0.5, 99.5 percentile
 *     pixel   = grey                                            class 0 and UNET_IGNORE
 *             = color[k]                                        class k > 0 on its outline
 *             = grey + opacity * (color[k] - grey)              class k > 0 inside, unless it is
 *                                                               said to be an outline alone
 *
 * The outline is made of the class's own pixels that touch another class by a side; where objects
 * are numbered, of the object's own pixels that touch another number.
 */
#include <math.h>
#include <stdlib.h>

#include "image/image.h"

#define RANGE_SAMPLES ((size_t)4 << 20) /* of a file that are looked at for its range */

/* range: the 0.5 and 99.5 percentiles of all samples together. */
static unet_code find_range(const unet_image *image, float range[2], unet_error *err)
{
    /* an image that is nearly everywhere the same has its range in the rest */
    static const double share[4] = {0.005, 0.995, 0, 1};
    float value[4];
    unet_code code = un_image_quantiles(&image, NULL, 1, share, value, 4, err);
    if (code)
        return code;
    int i = value[1] > value[0] ? 0 : 2;
    range[0] = value[i];
    range[1] = value[i + 1];
    return UNET_OK;
}

unet_code un_overlay_range(struct unet_source *source, int i, float range[2], unet_error *err)
{
    struct un_page page;
    unet_code code = un_source_page(source, i, &page, err);
    if (code)
        return code;
    unet_image image = un_page_image(&page);
    size_t samples = (size_t)image.width * (size_t)image.channels, most = RANGE_SAMPLES / samples;
    int height = image.height, rows = most < 1 ? 1 : most < (size_t)height ? (int)most : height;
    size_t row = samples * un_sample_bytes(image.sample);
    image.height = rows;
    if (!(image.data = malloc((size_t)rows * row)))
        return un_fail_memory(err, (size_t)rows * row, source->name);
    int step = rows == height ? rows : 1; /* all of it: in one go */
    for (int y = 0; y < rows && !code; y += step) {
        struct un_rect rect = {(int)((int64_t)y * height / rows), 0, step, image.width};
        code = un_source_read(source, i, &page, rect, (char *)image.data + (size_t)y * row, err);
    }
    if (!code)
        code = find_range(&image, range, err);
    free(image.data);
    return code;
}

static float stretched(const unet_image *image, float low, float scale, size_t at)
{
    const uint8_t *u8 = image->data;
    const uint16_t *u16 = image->data;
    const float *f32 = image->data;
    float v = image->sample == UNET_U8 ? u8[at] : image->sample == UNET_U16 ? u16[at] : f32[at];
    v = (v - low) * scale;
    return v > 255 ? 255 : v > 0 ? v : 0; /* NaN becomes 0 */
}

/* Row y and its neighbours above and below, of what outlines are drawn around; NULL: the image
 * ends.
 */
struct rows {
    const uint8_t *labels[3];
    const uint32_t *ids[3]; /* all NULL: outlines of classes */
};

static struct rows rows_at(const struct un_overlay *o, int y)
{
    size_t width = (size_t)o->image->width, i = (size_t)y * width;
    bool first = y == 0, last = y + 1 == o->image->height;
    struct rows r = {.labels = {first ? o->above : o->mask + i - width, o->mask + i,
                                last ? o->below : o->mask + i + width}};
    if (o->ids) {
        r.ids[0] = first ? o->ids_above : o->ids + i - width;
        r.ids[1] = o->ids + i;
        r.ids[2] = last ? o->ids_below : o->ids + i + width;
    }
    return r;
}

#define DIFFERS(row, x, width)                                                                     \
    ((x > 0 && row[1][x - 1] != row[1][x]) || (x + 1 < width && row[1][x + 1] != row[1][x]) ||     \
     (row[0] && row[0][x] != row[1][x]) || (row[2] && row[2][x] != row[1][x]))

static bool on_outline(const struct rows *r, int x, int width)
{
    return r->ids[1] ? DIFFERS(r->ids, x, width) : DIFFERS(r->labels, x, width);
}

static void draw_row(const struct un_overlay *o, int y, uint8_t *dst)
{
    const unet_image *image = o->image;
    size_t C = (size_t)image->channels, width = (size_t)image->width, i = (size_t)y * width;
    const struct rows rows = rows_at(o, y);
    double range = (double)o->range[1] - (double)o->range[0];
    float scale = range > 0 ? (float)(255 / range) : 0;
    for (int x = 0; x < image->width; x++, i++) {
        int label = o->mask[i] == UNET_IGNORE ? 0 : o->mask[i];
        float share = !label                               ? 0
                      : on_outline(&rows, x, image->width) ? 1
                      : label == o->outlined               ? 0
                                                           : o->opacity;
        for (size_t c = 0; c < 3; c++) {
            float grey = stretched(image, o->range[0], scale, i * C + (C < 3 ? 0 : c));
            float color = label ? o->colors[label][c] : 0;
            dst[3 * i + c] = (uint8_t)lrintf(grey + share * (color - grey));
        }
    }
}

unet_code un_overlay_draw(const struct un_overlay *o, uint8_t *rgb, unet_error *err)
{
    size_t width = (size_t)o->image->width, count = (size_t)o->image->height * width;
    for (size_t i = 0; i < count; i++)
        if (o->mask[i] != UNET_IGNORE && o->mask[i] >= o->color_count)
            return un_fail(err, UNET_EINVAL, "mask: class %d in row %zu, column %zu; %d colours",
                           o->mask[i], i / width, i % width, o->color_count);
    for (int y = 0; y < o->image->height; y++)
        draw_row(o, y, rgb);
    return UNET_OK;
}

unet_code un_overlay(const unet_image *image, const uint8_t *mask, const uint8_t (*colors)[3],
                     int color_count, float opacity, unet_image *overlay, unet_error *err)
{
    size_t count = (size_t)image->height * (size_t)image->width;
    struct un_overlay o = {.image = image,
                           .mask = mask,
                           .colors = colors,
                           .color_count = color_count,
                           .opacity = opacity};
    unet_image made = {
        .height = image->height, .width = image->width, .channels = 3, .sample = UNET_U8};
    unet_code code = find_range(image, o.range, err);
    if (code)
        return code;
    if (!(made.data = malloc(3 * count)))
        return un_fail_memory(err, 3 * count, "overlay");
    if ((code = un_overlay_draw(&o, made.data, err)))
        free(made.data);
    else
        *overlay = made;
    return code;
}
