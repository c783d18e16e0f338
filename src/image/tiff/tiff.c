/* SPDX-License-Identifier: Apache-2.0 */
/*
 * tiff.c - TIFF, BigTIFF, OME-TIFF and ImageJ's stacks: pages, and rectangles of them
 *
 * libtiff knows the tags and the compressions; tiff_read.h says which file does what.  A page is
 * prepared when it is first asked for: its layers (IFDs) are looked at, must agree, and together
 * give its channels.
 */
#include <stdlib.h>
#include <string.h>

#include "base/decimal.h"
#include "image/tiff/tiff_read.h"

/* What libtiff may take at once: what the file can unpack to (deflate makes 1032 bytes of one, LZW
 * and others some more), and no more than 2 GB. */
#define LIBTIFF_LEAST ((size_t)64 << 20)
#define LIBTIFF_MOST ((size_t)1 << 31)
#define LIBTIFF_PER_BYTE 2048
#define BLOCK_BYTES ((size_t)1 << 20) /* of samples that wait to become RGB */

static bool probe(const unsigned char *head, size_t size)
{
    static const char starts[4][5] = {"II*\0", "MM\0*", "II+\0", "MM\0+"};
    for (int i = 0; i < 4; i++)
        if (size >= 8 && !memcmp(head, starts[i], 4))
            return true;
    return false;
}

/* How many planes make a page, if these follow each other in the file; else 0. */
static int planes_of_pages(const struct un_tiff_table *table)
{
    const uint32_t count = table->page_count ? table->pages[0].count : 0;
    for (uint32_t i = 0; i < table->page_count; i++) {
        const struct un_tiff_page *page = &table->pages[i];
        for (uint32_t k = 0; k < count; k++)
            if (page->count != count || table->planes[page->first + k] != i * count + k)
                return 0;
    }
    return (int)count;
}

static unet_code tiff_open(struct unet_source *source, unet_error *err)
{
    struct un_tiff *r = calloc(1, sizeof *r);
    if (!r)
        return un_fail_memory(err, sizeof *r, source->name);
    source->state = r;
    r->job.file = &source->file;
    r->current = r->index = r->next_row = -1;
    const size_t most = source->file.size < (LIBTIFF_MOST - LIBTIFF_LEAST) / LIBTIFF_PER_BYTE
                            ? LIBTIFF_LEAST + LIBTIFF_PER_BYTE * source->file.size
                            : LIBTIFF_MOST;
    /* h: no IFD yet; c: strips as they are */
    r->tif = un_tiff_open(source->name, "rhc", &r->job, most);
    if (!r->tif)
        return un_tiff_fail(source, "truncated or broken", err);
    char *description = NULL;
    unet_code code = un_tiff_walk(source, &r->table, err);
    if (code || (code = un_tiff_select(source, 0, err)))
        return code;
    TIFFGetField(r->tif, TIFFTAG_IMAGEDESCRIPTION, &description);
    code = un_tiff_number_pages(source, &r->table, description, err);
    source->file_pages = code ? 0 : (int)r->table.page_count;
    if (!code && r->table.depth && r->table.page_count % r->table.depth == 0)
        source->depth = (int)r->table.depth;
    source->planes = code ? 0 : planes_of_pages(&r->table);
    return code;
}

/* ---- a page ------------------------------------------------------------------------------ */

static void drop_page(struct un_tiff *r)
{
    for (uint32_t i = 0; i < r->layer_count; i++) {
        free(r->layers[i].kept);
        free(r->layers[i].held);
    }
    free(r->layers);
    free(r->scratch);
    un_geo_release(&r->geo);
    r->layers = NULL;
    r->scratch = NULL;
    r->scratch_bytes = 0;
    r->layer_count = 0;
    r->index = r->next_row = -1;
}

/* A plane of a stack of one IFD: the samples are one block that starts `skip` further on. */
static unet_code take_contiguous(struct unet_source *source, struct un_tiff_layer *layer,
                                 uint32_t plane, unet_error *err)
{
    struct un_tiff *r = source->state;
    struct un_tiff_layout *layout = &layer->layout;
    uint64_t bytes = (uint64_t)layout->stride * layout->height, size = source->file.size;
    uint64_t at = TIFFGetStrileOffset(r->tif, 0), last = r->table.plane_count - 1;
    if (layout->way != UN_TIFF_MAPPED || layout->tiled || layout->planes > 1)
        return un_fail(err, UNET_EFORMAT,
                       "%s: %u planes behind one IFD that is compressed, tiled or planar",
                       source->name, r->table.plane_count);
    if (at > size || last >= (size - at) / bytes)
        return un_fail(err, UNET_EFORMAT,
                       "%s: truncated TIFF (%u planes of %llu bytes, the file has %llu)",
                       source->name, r->table.plane_count, (unsigned long long)bytes,
                       (unsigned long long)size);
    layer->contiguous = true;
    layer->skip = plane * bytes;
    layout->chunk_height = layout->height;
    layout->down = 1;
    return UNET_OK;
}

/* One of the planes of an IFD by itself. */
static unet_code take_apart(struct unet_source *source, struct un_tiff_layer *layer, uint32_t plane,
                            struct un_page *page, unet_error *err)
{
    struct un_tiff_layout *layout = &layer->layout;
    if (layout->planes != ((struct un_tiff *)source->state)->table.apart)
        return un_fail(err, UNET_EFORMAT, "%s: directory %u has %u planes, the first has %u",
                       source->name, layer->ifd, layout->planes,
                       ((struct un_tiff *)source->state)->table.apart);
    layout->first_plane = plane;
    layout->planes = layout->samples = 1;
    layout->photometric = PHOTOMETRIC_MINISBLACK;
    page->channels = 1;
    page->alpha = false;
    return UNET_OK;
}

static unet_code take_layer(struct unet_source *source, struct un_tiff_layer *layer, uint32_t plane,
                            struct un_page *page, unet_error *err)
{
    struct un_tiff *r = source->state;
    const uint32_t apart = r->table.apart > 1 ? r->table.apart : 1;
    *layer = (struct un_tiff_layer){.ifd = r->table.contiguous ? 0 : plane / apart};
    unet_code code = un_tiff_select(source, layer->ifd, err);
    if (code || (code = un_tiff_header(source, layer, page, err)))
        return code;
    if (apart > 1)
        return take_apart(source, layer, plane % apart, page, err);
    if (!r->table.contiguous)
        return UNET_OK;
    return take_contiguous(source, layer, plane, err);
}

/* Joins what a further layer holds to the page. */
static unet_code join(struct unet_source *source, struct un_page *page, const struct un_page *more,
                      unet_error *err)
{
    if (more->height != page->height || more->width != page->width || more->bits != page->bits ||
        more->kind != page->kind || more->orientation != page->orientation ||
        more->white_is_zero != page->white_is_zero)
        return un_fail(err, UNET_EFORMAT,
                       "%s: channels that differ: %d x %d pixels of %d bits and %d x %d of %d",
                       source->name, page->width, page->height, page->bits, more->width,
                       more->height, more->bits);
    page->channels += more->channels;
    page->lossy = page->lossy || more->lossy;
    page->alpha = false;
    page->palette_size = 0; /* colours to show a channel in, not what it means */
    return un_page_check(source->name, page, err);
}

/* GDAL's tag 42113: the sample that is no data, as text.  Levels that are spread or turned round
 * when they are read have none. */
static void take_fill(struct unet_source *source)
{
    enum { GDAL_NODATA = 42113 };
    struct un_tiff *r = source->state;
    uint32_t count = 0;
    const char *text = NULL;
    char copy[UN_DECIMAL_TEXT * 2] = "";
    double value;
    const bool spread = r->page.kind == UN_UINT && r->page.bits != 8 && r->page.bits < 16;
    if (spread || r->page.palette_size || r->page.white_is_zero ||
        !TIFFGetField(r->tif, GDAL_NODATA, &count, &text) || !text)
        return;
    memcpy(copy, text, count < sizeof copy ? count : sizeof copy - 1);
    if (un_decimal_read(copy, &value) == copy)
        return;
    r->page.fill = (struct un_fill){true, (float)value};
    if (!*source->note)
        un_decimal_format(source->note, sizeof source->note, "declares samples of %g to be no data",
                          value);
}

/* Sizes and places of pixels, bytes needed, and how rows are to be read, once the layers are known.
 */
static void finish_page(struct unet_source *source, uint32_t scale_index)
{
    struct un_tiff *r = source->state;
    struct un_tiff_scale scale = r->table.scales[scale_index];
    bool cmyk = r->layers[0].layout.photometric == PHOTOMETRIC_SEPARATED;
    if (!(scale.width > 0))
        un_tiff_resolution(r->tif, "", &scale);
    r->page.pixel_height = scale.height;
    r->page.pixel_width = scale.width;
    r->page.pixel_depth = scale.width > 0 ? scale.depth : 0;
    memcpy(r->page.unit, scale.unit, sizeof scale.unit);
    if (r->page.orientation <= 1) {
        un_geo_read(r->tif, &r->geo);
        un_geo_place(&r->geo, r->page.height, r->page.width, &r->page.place);
        r->page.geo = &r->geo;
    }
    for (uint32_t i = 0; i < r->layer_count && r->layer_count > 1; i++)
        if (r->layers[i].layout.way == UN_TIFF_ROWS) /* going to another IFD loses the place */
            r->layers[i].layout.way = UN_TIFF_CHUNKS;
    r->stored_channels = r->page.channels;
    take_fill(source);
    r->page.in_order = r->layers[0].layout.way == UN_TIFF_ROWS;
    r->page.working = un_tiff_working(r);
    if (cmyk) {
        r->page.channels = 3;
        r->page.working += BLOCK_BYTES;
    }
}

static unet_code prepare(struct unet_source *source, int index, unet_error *err)
{
    struct un_tiff *r = source->state;
    const struct un_tiff_page *wanted = &r->table.pages[index];
    const uint32_t *planes = r->table.planes + wanted->first;
    unet_code code;
    int channel = 0;
    if (r->index == index)
        return UNET_OK;
    drop_page(r);
    if (wanted->count > UN_IMAGE_CHANNELS)
        return un_fail(err, UNET_EFORMAT, "%s: %u channels; up to %d wanted", source->name,
                       wanted->count, UN_IMAGE_CHANNELS);
    if (!(r->layers = calloc(wanted->count, sizeof *r->layers)))
        return un_fail_memory(err, wanted->count * sizeof *r->layers, source->name);
    r->page = (struct un_page){0};
    for (uint32_t i = 0; i < wanted->count; i++) {
        struct un_page more = {0};
        struct un_tiff_layer *layer = &r->layers[i];
        if ((code = take_layer(source, layer, planes[i], &more, err)))
            return code;
        if (wanted->count > 1 && layer->layout.photometric == PHOTOMETRIC_SEPARATED)
            return un_fail(err, UNET_EFORMAT, "%s: CMYK colours in several channels", source->name);
        layer->channel = channel;
        channel += more.channels;
        r->layer_count = i + 1;
        if (!i)
            r->page = more;
        else if ((code = join(source, &r->page, &more, err)))
            return code;
    }
    finish_page(source, wanted->scale);
    r->index = index;
    return UNET_OK;
}

static unet_code tiff_page(struct unet_source *source, int index, struct un_page *page,
                           unet_error *err)
{
    struct un_tiff *r = source->state;
    unet_code code = prepare(source, index, err);
    if (!code)
        *page = r->page;
    return code;
}

/* ---- rectangles -------------------------------------------------------------------------- */

static unet_code read_layers(struct unet_source *source, struct un_rect rect, void *samples,
                             unet_error *err)
{
    struct un_tiff *r = source->state;
    unet_code code = UNET_OK;
    for (uint32_t i = 0; i < r->layer_count && !code; i++)
        code = un_tiff_read_layer(source, &r->layers[i], rect, samples, err);
    return code;
}

/* CMYK passes through a few rows at a time: the planes of a pixel may come from anywhere. */
static unet_code read_cmyk(struct unet_source *source, struct un_rect rect, uint8_t *samples,
                           unet_error *err)
{
    struct un_tiff *r = source->state;
    size_t bytes = (size_t)r->page.bytes, width = (size_t)rect.width;
    size_t row = width * (size_t)r->stored_channels * bytes;
    int rows = row < BLOCK_BYTES ? (int)(BLOCK_BYTES / row) : 1;
    rows = rows < rect.height ? rows : rect.height;
    uint8_t *block = malloc((size_t)rows * row);
    unet_code code = block ? UNET_OK : un_fail_memory(err, (size_t)rows * row, source->name);
    for (int y = 0; y < rect.height && !code; y += rows) {
        struct un_rect part = {rect.top + y, rect.left, rect.height - y, rect.width};
        part.height = part.height < rows ? part.height : rows;
        if (!(code = read_layers(source, part, block, err)))
            un_tiff_cmyk(block, r->stored_channels, r->page.bytes, (size_t)part.height * width,
                         samples + (size_t)y * width * 3 * bytes);
    }
    free(block);
    return code;
}

static unet_code tiff_read(struct unet_source *source, int index, const struct un_page *page,
                           struct un_rect rect, void *samples, unet_error *err)
{
    struct un_tiff *r = source->state;
    unet_code code = prepare(source, index, err);
    if (code)
        return code;
    return page->channels == r->stored_channels ? read_layers(source, rect, samples, err)
                                                : read_cmyk(source, rect, samples, err);
}

static void tiff_close(struct unet_source *source)
{
    struct un_tiff *r = source->state;
    if (!r)
        return;
    if (r->tif)
        un_tiff_close(r->tif, &r->job);
    drop_page(r);
    un_tiff_table_release(&r->table);
    free(r);
}

/* behind the first two: BigTIFF, and programs that scan slides */
static const char *const endings[] = {".tif",  ".tiff", ".btf", ".tf8",    ".svs",
                                      ".ndpi", ".scn",  ".bif", ".qptiff", NULL};
const struct un_format un_format_tiff = {"TIFF",    endings,   probe,     tiff_open,
                                         tiff_page, tiff_read, tiff_close};
