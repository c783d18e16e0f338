/* SPDX-License-Identifier: Apache-2.0 */
#include "predict/predict_out.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "shared/cli.h"
#include "unet_image.h"

#define OPACITY 0.35f
#define SLAB 32 /* rows drawn at a time */

static size_t row_bytes(const unet_image *image)
{
    static const size_t bytes[] = {[UNET_U8] = 1, [UNET_U16] = 2, [UNET_F32] = 4};

    return (size_t)image->width * (size_t)image->channels * bytes[image->sample];
}

uint64_t overlay_out_bytes(const unet_page *page, int objects)
{
    unet_image row = {.width = page->width, .channels = page->channels, .sample = page->sample};
    uint64_t bytes = row_bytes(&row) + (uint64_t)page->width * (2 + 3 * SLAB) + (32 << 20);

    /* rows of the image, their ids and classes */
    return objects ? bytes + SLAB * row_bytes(&row) + (uint64_t)page->width * 5 * (SLAB + 2)
                   : bytes;
}

unet_code overlay_out_begin(struct overlay_out *out, unet_writer *writer,
                            const unet_writer_page *target, const uint8_t (*colors)[3],
                            int color_count, unet_error *err)
{
    unet_source *source = target->like;
    int page = target->like_page;
    unet_page what;
    unet_code code = unet_source_page(source, page, &what, err);

    if (code || (code = unet_overlay_range(source, page, out->range, err)))
        return code;
    out->writer = writer;
    out->colors = colors;
    out->color_count = color_count;
    out->height = what.height;
    out->done = 0;
    out->last = (unet_image){1, what.width, what.channels, what.sample, what.prepared, NULL};
    out->last.data = malloc(row_bytes(&out->last));
    out->last_mask = malloc(2 * (size_t)what.width);
    out->rgb = malloc(3 * (size_t)what.width * SLAB);
    if (!out->last.data || !out->last_mask || !out->rgb)
        return set_error(err, UNET_ENOMEM, "not enough memory for the overlay");
    return unet_writer_begin(writer, target, err);
}

static unet_code draw(struct overlay_out *out, const unet_image *image, const uint8_t *mask,
                      const uint8_t *above, const uint8_t *below, unet_error *err)
{
    unet_code code = unet_overlay_rows(image, mask, above, below, out->colors, out->color_count,
                                       OPACITY, out->range, out->rgb, err);

    out->done += image->height;
    return code ? code : unet_writer_rows(out->writer, out->rgb, image->height, err);
}

/* The row that waited, now that the one below it is here. */
static unet_code draw_last(struct overlay_out *out, const uint8_t *below, unet_error *err)
{
    const uint8_t *above = out->done ? out->last_mask : NULL;

    return draw(out, &out->last, out->last_mask + out->last.width, above, below, err);
}

unet_code overlay_out_band(struct overlay_out *out, const unet_band *band, unet_error *err)
{
    size_t width = (size_t)band->width, row = row_bytes(band->image);
    const char *pixels = band->image->data;
    const uint8_t *mask = band->mask, *end = mask + (size_t)(band->rows - 1) * width;
    unet_code code = band->top ? draw_last(out, mask, err) : UNET_OK;

    for (int y = 0; y < band->rows - 1 && !code; y += SLAB) {
        unet_image part = *band->image;
        const uint8_t *here = mask + (size_t)y * width, *above = NULL;

        part.height = band->rows - 1 - y < SLAB ? band->rows - 1 - y : SLAB;
        part.data = (void *)(pixels + (size_t)y * row); /* only read */
        if (y)
            above = here - width;
        else if (band->top)
            above = out->last_mask + width;
        code = draw(out, &part, here, above, here + (size_t)part.height * width, err);
    }
    if (code)
        return code;
    if (band->rows > 1)
        memcpy(out->last_mask, end - width, width);
    else
        memcpy(out->last_mask, out->last_mask + width, width);
    memcpy(out->last_mask + width, end, width);
    memcpy(out->last.data, pixels + (size_t)(band->rows - 1) * row, row);
    return band->top + band->rows == out->height ? draw_last(out, NULL, err) : UNET_OK;
}

unet_code overlay_out_objects(struct overlay_out *out, unet_source *source, int page,
                              unet_objects *objects, unet_error *err)
{
    unet_image part = out->last;
    unet_code code = UNET_OK;

    part.data = malloc(SLAB * row_bytes(&part));
    if (!part.data)
        return set_error(err, UNET_ENOMEM, "not enough memory for the overlay");
    for (int y = 0; y < out->height && !code; y += SLAB) {
        part.height = out->height - y < SLAB ? out->height - y : SLAB;
        if (interrupted()) {
            code = set_error(err, UNET_ESTOPPED, "interrupted");
        } else if (!(code = unet_source_read(source, page, y, part.height, part.data, err)) &&
                   !(code = unet_objects_overlay(objects, y, &part, out->colors, out->color_count,
                                                 OPACITY, out->range, out->rgb, err))) {
            code = unet_writer_rows(out->writer, out->rgb, part.height, err);
        }
    }
    free(part.data);
    return code;
}

void overlay_out_release(struct overlay_out *out)
{
    free(out->last.data);
    free(out->last_mask);
    free(out->rgb);
    *out = (struct overlay_out){0};
}
