/* SPDX-License-Identifier: Apache-2.0 */
/* Objects as an image of their ids, and drawn over their image. */
#include <stdlib.h>
#include <string.h>

#include "image/image.h"
#include "image/sink.h"
#include "objects/objects_stream.h"

static void spread(const struct un_run *runs, size_t count, int bytes, void *line)
{
    uint16_t *words = line;
    uint32_t *longs = line;
    uint32_t x = 0;
    for (size_t i = 0; i < count; i++)
        for (; x < runs[i].end; x++)
            if (bytes == 2)
                words[x] = (uint16_t)runs[i].id;
            else
                longs[x] = runs[i].id;
}

unet_code un_objects_rows(unet_objects *objects, int top, int rows, uint32_t *ids, unet_error *err)
{
    for (int y = 0; y < rows; y++) {
        unet_code code = un_run_rows_read(&objects->ids, top + y, objects->row[0], err);
        if (code)
            return code;
        spread(objects->row[0], un_run_rows_count(&objects->ids, top + y), 4,
               ids + (size_t)y * (size_t)objects->width);
    }
    return UNET_OK;
}

unet_code un_objects_write_ids(unet_objects *objects, const char *path, unet_error *err)
{
    const int bytes = objects->sums.count > UINT16_MAX ? 4 : 2;
    struct un_sink_page page = {.height = objects->height,
                                .width = objects->width,
                                .channels = 1,
                                .kind = UN_UINT,
                                .bytes = bytes,
                                .pixel_height = objects->options.pixel_height,
                                .pixel_width = objects->options.pixel_width,
                                .pyramid = objects->options.pyramid};
    struct unet_writer *sink;
    memcpy(page.unit, objects->options.unit, sizeof page.unit);
    const char *ending = strrchr(path, '.');
    if (bytes == 4 && ending && !strcmp(ending, ".png"))
        return un_fail(err, UNET_EINVAL,
                       "%s: %zu objects, a PNG can number 65535; wanted a name ending in .tif",
                       path, objects->sums.count);
    if (objects->sums.count > 1 << 24 && ending && !strcmp(ending, ".npy"))
        return un_fail(err, UNET_EINVAL,
                       "%s: %zu objects, floats can number 16777216; wanted a name ending in .tif",
                       path, objects->sums.count);
    unet_code code = un_sink_open(
        path, (uint64_t)objects->height * (uint64_t)objects->width * (uint64_t)bytes, &sink, err);
    if (code)
        return code;
    if (!objects->options.like ||
        !(code = un_sink_like(&page, objects->options.like, objects->options.like_page, err)))
        code = un_sink_page(sink, &page, err);
    for (int y = 0; y < objects->height && !code; y++) {
        code = un_run_rows_read(&objects->ids, y, objects->row[0], err);
        if (code)
            break;
        spread(objects->row[0], un_run_rows_count(&objects->ids, y), bytes, objects->line);
        code = un_sink_rows(sink, objects->line, 1, err);
    }
    if (!code)
        return un_sink_commit(sink, err);
    un_sink_abort(sink);
    return code;
}

/* Draws the rows whose ids are in [rows + 2][width], with those above and below. */
static unet_code draw(const unet_objects *objects, int top, uint32_t *ids, uint8_t *labels,
                      struct un_overlay *overlay, uint8_t *rgb, unet_error *err)
{
    const size_t width = (size_t)objects->width, rows = (size_t)overlay->image->height;
    overlay->ids = ids + width;
    for (size_t i = 0; i < rows * width; i++)
        labels[i] = overlay->ids[i] ? un_sums_at(&objects->sums, overlay->ids[i] - 1)->label : 0;
    overlay->mask = labels;
    overlay->ids_above = top > 0 ? ids : NULL;
    overlay->ids_below = top + (int)rows < objects->height ? overlay->ids + rows * width : NULL;
    return un_overlay_draw(overlay, rgb, err);
}

unet_code un_objects_overlay(unet_objects *objects, int top, struct un_overlay *overlay,
                             uint8_t *rgb, unet_error *err)
{
    const size_t width = (size_t)objects->width;
    const int rows = overlay->image->height, from = top > 0 ? top - 1 : 0;
    const int to = top + rows < objects->height ? top + rows + 1 : objects->height;
    const size_t bytes = ((size_t)rows + 2) * width * sizeof(uint32_t);
    uint32_t *ids = malloc(bytes);
    uint8_t *labels = malloc((size_t)rows * width);
    unet_code code = ids && labels ? UNET_OK : un_fail_memory(err, bytes, "an overlay");
    if (!code)
        code = un_objects_rows(objects, from, to - from, ids + (top > 0 ? 0 : width), err);
    if (!code)
        code = draw(objects, top, ids, labels, overlay, rgb, err);
    free(ids);
    free(labels);
    return code;
}
