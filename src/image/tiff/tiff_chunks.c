/* SPDX-License-Identifier: Apache-2.0 */
/*
 * tiff_chunks.c - rectangles of an IFD, and no more of the file than they touch
 *
 * Samples that are not compressed are taken from the mapping.  Others come from decoded chunks,
 * which stay for a while: a place for each chunk of the last rows of chunks, so that bands from top
 * to bottom decode each chunk once.
 *
 *     row of chunks i is kept in row i % rows_kept
 *
 * A strip too tall to be kept is decoded row by row, which libtiff can only do downwards.
 */
#include <stdlib.h>
#include <string.h>

#include "image/tiff/tiff_read.h"

#define KEPT_BYTES ((size_t)4 << 20)    /* kept for a page; more where a row of chunks needs it */
#define SEEN_BYTES ((size_t)4 << 20)    /* of the mapping, before it is let go of */
#define WINDOW_BYTES ((size_t)16 << 20) /* zstd and LZMA look back that far at usual settings */
#define DECODER_BYTES ((size_t)128 << 10)

static size_t row_of_chunks(const struct un_tiff_layout *layout)
{
    return (size_t)layout->planes * layout->across * layout->chunk_bytes;
}

static size_t scratch_bytes(const struct un_tiff_layout *layout)
{
    return layout->way == UN_TIFF_ROWS ? layout->stride : layout->across_y ? layout->raw_bytes : 0;
}

/* What libtiff holds while it is at an IFD: where the chunks are, and its decoder's memory. */
static size_t libtiff_bytes(const struct un_tiff_layout *layout)
{
    size_t table =
        (size_t)layout->across * layout->down * layout->stored_planes * 2 * sizeof(uint64_t);
    switch (layout->compression) {
    case COMPRESSION_NONE:
        return table;
    case COMPRESSION_ZSTD:
    case COMPRESSION_LZMA:
        return table + WINDOW_BYTES;
    case COMPRESSION_JPEG:
    case COMPRESSION_OJPEG:
    case COMPRESSION_WEBP:
    case COMPRESSION_LERC:
        return table + 2 * layout->chunk_bytes; /* coefficients, or a copy */
    default:
        return table + DECODER_BYTES;
    }
}

size_t un_tiff_working(struct un_tiff *r)
{
    size_t bytes = 0, scratch = 0, libtiff = 0;
    for (uint32_t i = 0; i < r->layer_count; i++) {
        struct un_tiff_layer *layer = &r->layers[i];
        const struct un_tiff_layout *layout = &layer->layout;
        size_t row = row_of_chunks(layout), most = KEPT_BYTES / r->layer_count / row;
        size_t held = libtiff_bytes(layout);
        libtiff = held > libtiff ? held : libtiff;
        scratch = scratch_bytes(layout) > scratch ? scratch_bytes(layout) : scratch;
        if (layout->way != UN_TIFF_CHUNKS)
            continue;
        layer->rows_kept = most < 1 ? 1 : most < layout->down ? (uint32_t)most : layout->down;
        bytes += layer->rows_kept * row;
    }
    return bytes + scratch + libtiff;
}

/* These bytes of the file were read. */
static void saw(struct unet_source *source, uint64_t at, uint64_t bytes)
{
    struct un_tiff *r = source->state;
    const uint8_t *from = source->file.data + at, *to = from + bytes;
    r->seen = r->seen_bytes && r->seen < from ? r->seen : from;
    r->seen_end = r->seen_bytes && r->seen_end > to ? r->seen_end : to;
    r->seen_bytes += bytes;
    if (r->seen_bytes < SEEN_BYTES)
        return;
    un_map_forget(&source->file, r->seen, (size_t)(r->seen_end - r->seen));
    r->seen_bytes = 0;
}

static bool make_places(struct un_tiff_layer *layer)
{
    const struct un_tiff_layout *layout = &layer->layout;
    size_t places = (size_t)layer->rows_kept * layout->planes * layout->across;
    if (layer->kept)
        return true;
    layer->kept = calloc(places, layout->chunk_bytes);
    layer->held = malloc(places * sizeof *layer->held);
    for (size_t i = 0; layer->held && i < places; i++)
        layer->held[i] = -1;
    return layer->kept && layer->held;
}

static bool has_scratch(struct un_tiff *r, size_t bytes)
{
    if (bytes <= r->scratch_bytes)
        return true;
    uint8_t *made = realloc(r->scratch, bytes);
    if (!made)
        return false;
    r->scratch = made;
    r->scratch_bytes = bytes;
    r->next_row = -1; /* what it held is another's */
    return true;
}

/* Rows that chunks of a row of chunks have: the last strip has no more than the image. */
static uint32_t rows_of(const struct un_tiff_layout *layout, uint32_t row)
{
    uint32_t left = layout->height - row * layout->chunk_height;
    return layout->tiled || left > layout->chunk_height ? layout->chunk_height : left;
}

/* Decodes chunk i, which has `rows` rows, to dst. */
static unet_code decode(struct unet_source *source, const struct un_tiff_layout *layout, uint32_t i,
                        uint32_t rows, uint8_t *dst, unet_error *err)
{
    struct un_tiff *r = source->state;
    size_t want =
        layout->across_y ? un_tiff_ycbcr_bytes(layout, rows) : (size_t)rows * layout->stride;
    uint64_t at = TIFFGetStrileOffset(r->tif, i), bytes = TIFFGetStrileByteCount(r->tif, i);
    if (layout->compression != COMPRESSION_OJPEG &&
        want / un_tiff_expansion(layout->compression) > bytes)
        return un_fail(err, UNET_EFORMAT, "%s: truncated TIFF (%llu bytes for %s %u)", source->name,
                       (unsigned long long)bytes, layout->tiled ? "tile" : "strip", i);
    uint8_t *to = layout->across_y ? r->scratch : dst;
    memset(to, 0, layout->across_y ? layout->raw_bytes : layout->chunk_bytes);
    r->job.message[0] = 0;
    r->job.damaged = false;
    r->decoded++;
    tmsize_t got = layout->tiled ? TIFFReadEncodedTile(r->tif, i, to, (tmsize_t)want)
                                 : TIFFReadEncodedStrip(r->tif, i, to, (tmsize_t)want);
    if (got != (tmsize_t)want || r->job.damaged)
        return un_tiff_fail(source, "truncated or broken", err);
    un_tiff_sum_start(r, layout);
    un_tiff_sum_add(r, layout, to, want);
    unet_code code = un_tiff_sum_check(source, layout, i, want, err);
    if (code)
        return code;
    saw(source, at, bytes);
    if (layout->across_y)
        un_tiff_ycbcr(layout, r->scratch, rows, dst);
    return UNET_OK;
}

static uint32_t chunk_number(const struct un_tiff_layout *layout, uint32_t row, uint32_t plane,
                             uint32_t column)
{
    return ((layout->first_plane + plane) * layout->down + row) * layout->across + column;
}

/* Where the decoded samples of a chunk lie. */
static unet_code find_chunk(struct unet_source *source, struct un_tiff_layer *layer, uint32_t row,
                            uint32_t plane, uint32_t column, const uint8_t **chunk, unet_error *err)
{
    const struct un_tiff_layout *layout = &layer->layout;
    size_t in_row = (size_t)plane * layout->across + column;
    size_t place = (size_t)(row % layer->rows_kept) * layout->planes * layout->across + in_row;
    uint8_t *at = layer->kept + place * layout->chunk_bytes;
    if (layer->held[place] != row) {
        uint32_t i = chunk_number(layout, row, plane, column);
        layer->held[place] = -1;
        unet_code code = decode(source, layout, i, rows_of(layout, row), at, err);
        if (code)
            return code;
        layer->held[place] = row;
    }
    *chunk = at;
    return UNET_OK;
}

/* Where they lie in the file. */
static unet_code map_chunk(struct unet_source *source, const struct un_tiff_layer *layer,
                           uint32_t row, uint32_t plane, uint32_t column, const uint8_t **chunk,
                           unet_error *err)
{
    struct un_tiff *r = source->state;
    const struct un_tiff_layout *layout = &layer->layout;
    uint32_t i = chunk_number(layout, row, plane, column);
    uint64_t want = (uint64_t)rows_of(layout, row) * layout->stride;
    uint64_t at = TIFFGetStrileOffset(r->tif, i) + layer->skip;
    uint64_t bytes = layer->contiguous ? want : TIFFGetStrileByteCount(r->tif, i);
    uint64_t size = source->file.size;
    if (bytes < want || at > size || want > size - at)
        return un_fail(err, UNET_EFORMAT, "%s: truncated TIFF (%llu bytes for %s %u, %llu wanted)",
                       source->name, (unsigned long long)(at > size ? 0 : bytes),
                       layout->tiled ? "tile" : "strip", i, (unsigned long long)want);
    *chunk = source->file.data + at;
    return UNET_OK;
}

/*
 * Pixels x .. x + width - 1 of row y, which is at `src` from pixel `left` on, to their place in the
 * rectangle.
 */
static void move_row(struct unet_source *source, const struct un_tiff_layer *layer, uint32_t plane,
                     const uint8_t *src, uint32_t left, uint32_t x, uint32_t y, uint32_t width,
                     struct un_rect rect, void *samples)
{
    const struct un_tiff *r = source->state;
    const struct un_tiff_layout *layout = &layer->layout;
    const struct un_packing packing = {
        .bits = layout->bits,
        .bytes = r->page.bytes,
        .is_signed = r->page.kind == UN_INT,
        .is_float24 = r->page.kind == UN_FLOAT && layout->bits == 24,
        .big_endian = layout->big_endian,
        .samples = (size_t)layout->plane_samples,
        .step = (size_t)r->stored_channels,
    };
    size_t pixel =
        (size_t)(y - (uint32_t)rect.top) * (size_t)rect.width + (x - (uint32_t)rect.left);
    size_t at = pixel * packing.step + (size_t)layer->channel + plane;
    un_unpack(&packing, src, x - left, width, (uint8_t *)samples + at * (size_t)packing.bytes);
    if (layout->way == UN_TIFF_MAPPED)
        saw(source,
            (uint64_t)(src - source->file.data) +
                (uint64_t)(x - left) * packing.samples * layout->bits / 8,
            (uint64_t)width * packing.samples * layout->bits / 8);
}

/* The part of a chunk that the rectangle wants. */
static void move(struct unet_source *source, const struct un_tiff_layer *layer, uint32_t row,
                 uint32_t plane, uint32_t column, const uint8_t *chunk, struct un_rect rect,
                 void *samples)
{
    const struct un_tiff_layout *layout = &layer->layout;
    uint32_t left = column * layout->chunk_width, top = row * layout->chunk_height;
    uint32_t x = left > (uint32_t)rect.left ? left : (uint32_t)rect.left;
    uint32_t y = top > (uint32_t)rect.top ? top : (uint32_t)rect.top;
    uint32_t right = (uint32_t)(rect.left + rect.width);
    uint32_t bottom = (uint32_t)(rect.top + rect.height);
    uint32_t width = (right - left < layout->chunk_width ? right : left + layout->chunk_width) - x;
    uint32_t end = bottom - top < layout->chunk_height ? bottom : top + layout->chunk_height;
    for (; y < end; y++)
        move_row(source, layer, plane, chunk + (size_t)(y - top) * layout->stride, left, x, y,
                 width, rect, samples);
}

/* ---- rows -------------------------------------------------------------------------------- */

/* Decodes on to row y of a tall strip; scratch holds it then. */
static unet_code go_to_row(struct unet_source *source, const struct un_tiff_layout *layout,
                           uint32_t y, unet_error *err)
{
    struct un_tiff *r = source->state;
    uint32_t first = y / layout->chunk_height * layout->chunk_height;
    unet_code code;
    if (r->next_row == (int64_t)y + 1)
        return UNET_OK;
    if (r->next_row < 0 || r->next_row > y || r->next_row < first)
        r->next_row = first;
    for (; r->next_row <= y; r->next_row++) {
        uint32_t strip = (uint32_t)r->next_row / layout->chunk_height;
        const uint32_t row = (uint32_t)r->next_row % layout->chunk_height;
        if (row == 0) {
            r->decoded++;
            un_tiff_sum_start(r, layout);
        }
        r->job.message[0] = 0;
        r->job.damaged = false;
        if (TIFFReadScanline(r->tif, r->scratch, (uint32_t)r->next_row, 0) != 1 || r->job.damaged) {
            r->next_row = -1;
            return un_tiff_fail(source, "truncated or broken", err);
        }
        un_tiff_sum_add(r, layout, r->scratch, layout->stride);
        if (row + 1 == rows_of(layout, strip) &&
            (code = un_tiff_sum_check(source, layout, strip,
                                      rows_of(layout, strip) * layout->stride, err))) {
            r->next_row = -1;
            return code;
        }
        r->seen_bytes += layout->stride;
        if (r->seen_bytes < SEEN_BYTES)
            continue;
        un_map_forget(&source->file, source->file.data + TIFFGetStrileOffset(r->tif, strip),
                      (size_t)TIFFGetStrileByteCount(r->tif, strip));
        r->seen_bytes = 0;
    }
    return UNET_OK;
}

static unet_code read_rows(struct unet_source *source, const struct un_tiff_layer *layer,
                           struct un_rect rect, void *samples, unet_error *err)
{
    struct un_tiff *r = source->state;
    const struct un_tiff_layout *layout = &layer->layout;
    for (int y = rect.top; y < rect.top + rect.height; y++) {
        unet_code code = go_to_row(source, layout, (uint32_t)y, err);
        if (code)
            return code;
        move_row(source, layer, 0, r->scratch, 0, (uint32_t)rect.left, (uint32_t)y,
                 (uint32_t)rect.width, rect, samples);
    }
    return UNET_OK;
}

/* ---- chunks ------------------------------------------------------------------------------ */

static unet_code read_chunks(struct unet_source *source, struct un_tiff_layer *layer,
                             struct un_rect rect, void *samples, unet_error *err)
{
    const struct un_tiff_layout *layout = &layer->layout;
    uint32_t last_row = (uint32_t)(rect.top + rect.height - 1) / layout->chunk_height;
    uint32_t last_column = (uint32_t)(rect.left + rect.width - 1) / layout->chunk_width;
    for (uint32_t row = (uint32_t)rect.top / layout->chunk_height; row <= last_row; row++)
        for (uint32_t plane = 0; plane < layout->planes; plane++)
            for (uint32_t x = (uint32_t)rect.left / layout->chunk_width; x <= last_column; x++) {
                const uint8_t *chunk = NULL;
                unet_code code = layout->way == UN_TIFF_MAPPED
                                     ? map_chunk(source, layer, row, plane, x, &chunk, err)
                                     : find_chunk(source, layer, row, plane, x, &chunk, err);
                if (code)
                    return code;
                move(source, layer, row, plane, x, chunk, rect, samples);
            }
    return UNET_OK;
}

unet_code un_tiff_read_layer(struct unet_source *source, struct un_tiff_layer *layer,
                             struct un_rect rect, void *samples, unet_error *err)
{
    struct un_tiff *r = source->state;
    const struct un_tiff_layout *layout = &layer->layout;
    unet_code code = un_tiff_select(source, layer->ifd, err);
    if (code)
        return code;
    if (layout->way == UN_TIFF_CHUNKS && !make_places(layer))
        return un_fail_memory(err, layer->rows_kept * row_of_chunks(layout), source->name);
    size_t scratch = scratch_bytes(layout);
    if (!has_scratch(r, scratch))
        return un_fail_memory(err, scratch, source->name);
    return layout->way == UN_TIFF_ROWS ? read_rows(source, layer, rect, samples, err)
                                       : read_chunks(source, layer, rect, samples, err);
}
