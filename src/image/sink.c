/* SPDX-License-Identifier: Apache-2.0 */
/* sink.c - which format a path asks for, and the order in which pages and rows may come */
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "image/sink.h"

static const struct un_sink_format *const formats[] = {&un_sink_png, &un_sink_tiff, &un_sink_npy,
                                                       &un_sink_nifti};

static const struct un_sink_format *format_of(const char *path)
{
    const size_t length = strlen(path);
    for (size_t i = 0; i < sizeof formats / sizeof *formats; i++)
        for (const char *const *ending = formats[i]->endings; *ending; ending++) {
            const size_t own = strlen(*ending);
            if (length > own && path[length - own - 1] != '/' &&
                !strcasecmp(path + length - own, *ending))
                return formats[i];
        }
    return NULL;
}

size_t un_sink_stride(const struct un_sink_page *page)
{
    return (size_t)page->width * (size_t)(page->planar ? 1 : page->channels) * (size_t)page->bytes;
}

size_t un_sink_working(const char *path, const struct un_sink_page *page)
{
    const struct un_sink_format *format = format_of(path);
    return format ? format->working(page) : 0;
}

unet_code un_sink_open(const char *path, uint64_t bytes, struct unet_writer **sink, unet_error *err)
{
    const struct un_sink_format *format = format_of(path);
    if (!format)
        return un_fail(err, UNET_EINVAL,
                       "%s: cannot tell the format; a name in .png, .tif, .tiff, .nii, "
                       ".nii.gz or .npy wanted",
                       path);
    struct unet_writer *made = calloc(1, sizeof *made);
    if (!made)
        return un_fail_memory(err, sizeof *made, path);
    made->format = format;
    made->bytes = bytes;
    unet_code code = un_save_begin(&made->save, path, err);
    if (code)
        free(made);
    else
        *sink = made;
    return code;
}

unet_code un_sink_like(struct un_sink_page *page, struct unet_source *like, int i, unet_error *err)
{
    struct un_page found;
    unet_code code = un_source_page(like, i, &found, err);
    if (code)
        return code;
    page->geo = found.geo;
    page->pixel_depth = strcmp(page->unit, found.unit) ? 0 : found.pixel_depth;
    page->place = found.place;
    page->depth = like->pages == like->file_pages ? like->depth : 0;
    if (i == 0)
        return un_source_place(like, &page->place, err);
    if (page->place.count[2] > 0)
        un_place_part(&page->place, (like->first + i) % page->place.count[2], 1);
    return UNET_OK;
}

static unet_code check_complete(const struct unet_writer *sink, unet_error *err)
{
    if (sink->pages && sink->rows == sink->page.height)
        return UNET_OK;
    return un_fail(err, UNET_EINVAL, "%s: %d of %d rows of page %d are written", sink->save.path,
                   sink->rows, sink->page.height, sink->pages);
}

unet_code un_sink_page(struct unet_writer *sink, const struct un_sink_page *page, unet_error *err)
{
    const char *path = sink->save.path;
    unet_code code = sink->pages ? check_complete(sink, err) : UNET_OK;
    if (code)
        return code;
    if (page->height < 1 || page->width < 1 || page->channels < 1 || page->height > UN_IMAGE_SIDE ||
        page->width > UN_IMAGE_SIDE || page->channels > UN_IMAGE_CHANNELS)
        return un_fail(err, UNET_EINVAL, "%s: the image to write has no valid size", path);
    if (page->palette && (!sink->format->palettes || page->channels != 1 || page->bytes != 1))
        return un_fail(err, UNET_EINVAL,
                       "%s: a palette is for one channel of bytes; .png or .tif wanted", path);
    sink->page = *page;
    sink->pages++;
    sink->rows = 0;
    return sink->format->page(sink, err);
}

unet_code un_sink_rows(struct unet_writer *sink, const void *rows, int count, unet_error *err)
{
    if (count < 0 || count > sink->page.height - sink->rows)
        return un_fail(err, UNET_EINVAL, "%s: %d rows after row %d of %d", sink->save.path, count,
                       sink->rows, sink->page.height);
    unet_code code = count ? sink->format->rows(sink, rows, count, err) : UNET_OK;
    if (!code)
        sink->rows += count;
    return code;
}

void un_sink_abort(struct unet_writer *sink)
{
    if (!sink)
        return;
    sink->format->free(sink);
    un_save_abort(&sink->save);
    free(sink);
}

unet_code un_sink_commit(struct unet_writer *sink, unet_error *err)
{
    unet_code code = check_complete(sink, err);
    if (!code && !(code = sink->format->end(sink, err)))
        code = un_save_commit(&sink->save, err);
    un_sink_abort(sink);
    return code;
}
