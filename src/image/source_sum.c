/* SPDX-License-Identifier: Apache-2.0 */
/*
 * source_sum.c - a checksum of what an open image is read from
 *
 * Most formats are one file: its bytes say all.  Where samples lie elsewhere (beside a header, in
 * the chunks of a folder, in the files of channels, behind a scanner's library) the samples of the
 * chosen pages are summed, too, and what is known of each page.
 */
#include <stdio.h>
#include <stdlib.h>

#include "base/checksum.h"
#include "base/decimal.h"
#include "image/source.h"

enum { SLAB_BYTES = 4 << 20 };

static bool has_more_files(const struct unet_source *source)
{
    static const struct un_format *const alone[] = {
        &un_format_png, &un_format_tiff, &un_format_jpeg, &un_format_bmp,
        &un_format_gif, &un_format_npy,  &un_format_pnm};
    for (size_t i = 0; i < sizeof alone / sizeof alone[0]; i++)
        if (source->format == alone[i] && source->file.size)
            return false;
    return true;
}

static void add_number(struct un_sha256 *sum, double value)
{
    char text[UN_DECIMAL_TEXT] = "";
    un_decimal_write(value, false, text);
    un_sha256_add(sum, text, sizeof text);
}

static void add_page(struct un_sha256 *sum, const struct un_page *page)
{
    const double facts[] = {page->height,      page->width,   page->channels, page->kind,
                            page->bits,        page->bytes,   page->alpha,    page->white_is_zero,
                            page->lossy,       page->slope,   page->offset,   page->pixel_height,
                            page->pixel_width, page->prepared};
    for (size_t i = 0; i < sizeof facts / sizeof facts[0]; i++)
        add_number(sum, facts[i]);
    un_sha256_add(sum, page->unit, sizeof page->unit);
    un_sha256_add(sum, page->palette, (size_t)page->palette_size * sizeof page->palette[0]);
}

static unet_code add_samples(struct un_sha256 *sum, struct unet_source *source, int i,
                             unet_error *err)
{
    struct un_page page;
    unet_code code = un_source_page(source, i, &page, err);
    if (code)
        return code;
    const int height = un_page_upright_height(&page), width = un_page_upright_width(&page);
    const size_t row = un_rect_bytes(&page, (struct un_rect){0, 0, 1, width});
    const int most = row < SLAB_BYTES ? (int)(SLAB_BYTES / row) : 1;
    void *samples = malloc(row * (size_t)most);
    if (!samples)
        return un_fail_memory(err, row * (size_t)most, source->name);
    add_page(sum, &page);
    for (int y = 0; y < height && !code; y += most) {
        const struct un_rect rect = {y, 0, height - y < most ? height - y : most, width};
        if (!(code = un_source_raw(source, i, &page, rect, samples, err)))
            un_sha256_add(sum, samples, un_rect_bytes(&page, rect));
    }
    free(samples);
    return code;
}

unet_code un_source_sum(struct unet_source *source, char text[UN_SHA256_TEXT], unet_error *err)
{
    struct un_sha256 sum;
    un_sha256_begin(&sum);
    unet_code code = un_map_sum(&source->file, source->name, &sum, err);
    if (has_more_files(source))
        for (int i = 0; i < source->pages && !code; i++)
            code = add_samples(&sum, source, i, err);
    if (!code)
        un_sha256_end(&sum, text);
    return code;
}
