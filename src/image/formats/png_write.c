/* SPDX-License-Identifier: Apache-2.0 */
/* png_write.c - PNG: one page, its rows as they come */
#include <stdlib.h>

#include "image/formats/png_io.h"
#include "image/sink.h"

struct writer {
    struct un_png_job job;
    png_structp png;
    png_infop info;
};

static void on_write(png_structp png, png_bytep data, size_t size)
{
    if (fwrite(data, 1, size, png_get_io_ptr(png)) != size)
        png_error(png, "write");
}

static void on_flush(png_structp png)
{
    (void)png; /* un_save_commit() flushes */
}

static void set_header(struct writer *w, const struct un_sink_page *page)
{
    int type = page->palette         ? PNG_COLOR_TYPE_PALETTE
               : page->channels == 3 ? PNG_COLOR_TYPE_RGB
                                     : PNG_COLOR_TYPE_GRAY;
    png_set_IHDR(w->png, w->info, (uint32_t)page->width, (uint32_t)page->height, 8 * page->bytes,
                 type, PNG_INTERLACE_NONE, PNG_COMPRESSION_TYPE_DEFAULT, PNG_FILTER_TYPE_DEFAULT);
    if (page->palette) {
        png_color list[256];
        for (int i = 0; i < page->colors; i++)
            list[i] = (png_color){page->palette[i][0], page->palette[i][1], page->palette[i][2]};
        png_set_PLTE(w->png, w->info, list, page->colors);
    }
    png_write_info(w->png, w->info);
#if __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__
    if (page->bytes == 2)
        png_set_swap(w->png);
#endif
}

static unet_code png_page(struct unet_writer *sink, unet_error *err)
{
    const struct un_sink_page *page = &sink->page;
    const char *path = sink->save.path;
    if (sink->pages > 1)
        return un_fail(err, UNET_EINVAL, "%s: a PNG takes one page; .tif wanted for several", path);
    if (page->kind == UN_FLOAT || page->bytes > 2)
        return un_fail(err, UNET_EINVAL, "%s: %s samples; .tif or .npy wanted for them", path,
                       page->kind == UN_FLOAT ? "float" : "32-bit");
    if (page->channels != 1 && page->channels != 3)
        return un_fail(err, UNET_EINVAL, "%s: %d channels; a PNG takes 1 or 3", path,
                       page->channels);
    struct writer *w = calloc(1, sizeof *w);
    if (!w)
        return un_fail_memory(err, sizeof *w, path);
    sink->state = w;
    w->png =
        png_create_write_struct(PNG_LIBPNG_VER_STRING, &w->job, un_png_on_error, un_png_on_warning);
    w->info = w->png ? png_create_info_struct(w->png) : NULL;
    if (!w->info)
        return un_fail_memory(err, 0, path);
    if (setjmp(png_jmpbuf(w->png)))
        return un_fail_errno(err, "%s: cannot be written", path);
    png_set_write_fn(w->png, sink->save.file, on_write, on_flush);
    png_set_user_limits(w->png, 0x7fffffff, 0x7fffffff);
    set_header(w, page);
    return UNET_OK;
}

static unet_code png_rows(struct unet_writer *sink, const void *rows, int count, unet_error *err)
{
    struct writer *w = sink->state;
    size_t stride = un_sink_stride(&sink->page);
    if (setjmp(png_jmpbuf(w->png)))
        return un_fail_errno(err, "%s: cannot be written", sink->save.path);
    for (int y = 0; y < count; y++)
        png_write_row(w->png, (png_const_bytep)rows + (size_t)y * stride);
    return UNET_OK;
}

static unet_code png_end(struct unet_writer *sink, unet_error *err)
{
    struct writer *w = sink->state;
    if (setjmp(png_jmpbuf(w->png)))
        return un_fail_errno(err, "%s: cannot be written", sink->save.path);
    png_write_end(w->png, NULL);
    return UNET_OK;
}

static void png_free_writer(struct unet_writer *sink)
{
    struct writer *w = sink->state;
    if (w)
        png_destroy_write_struct(&w->png, &w->info);
    free(w);
}

static size_t png_working(const struct un_sink_page *page)
{
    return 8 * un_sink_stride(page) + (512 << 10); /* rows for its filters, and deflate's tables */
}

static const char *const endings[] = {".png", NULL};
const struct un_sink_format un_sink_png = {endings,         true,       png_page, png_rows, png_end,
                                           png_free_writer, png_working};
