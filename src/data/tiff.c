/* SPDX-License-Identifier: Apache-2.0 */
/*
 * tiff.c - TIFF: reading the first page
 *
 * libtiff hands over decoded strips or tiles ("chunks"); un_chunk_put() spreads their samples into
 * [H][W][C].  A page is one or (planar) C grids of chunks:
 *
 *     strips: width of the image, rows_per_strip high      tiles: tile_width x tile_height
 *
 * What the header claims is compared with the bytes that the file has before memory is taken: see
 * make_room().
 */
#include <stdlib.h>
#include <string.h>

#include "data/chunk.h"
#include "data/tiff_io.h"

static bool probe(const unsigned char *head, size_t size)
{
    static const char starts[4][5] = {"II*\0", "MM\0*", "II+\0", "MM\0+"};
    for (int i = 0; i < 4; i++)
        if (size >= 8 && !memcmp(head, starts[i], 4))
            return true;
    return false;
}

struct layout {
    uint16_t compression, photometric, planar, format;
    uint32_t chunk_width, chunk_height;
    bool tiled;
};

/* How many bytes a compressed byte can become, at most; the ones not listed: OTHER. */
static const struct {
    uint16_t compression;
    unsigned limit;
} expansion[] = {
    {COMPRESSION_NONE, 1},       {COMPRESSION_PACKBITS, 64},
    {COMPRESSION_LZW, 4096},     {COMPRESSION_ADOBE_DEFLATE, 1032},
    {COMPRESSION_DEFLATE, 1032}, {COMPRESSION_JPEG, 1 << 10},
};
#define OTHER (1 << 16) /* fax, zstd, lzma: a generous bound of our own */

static unsigned expansion_limit(uint16_t compression)
{
    for (size_t i = 0; i < sizeof expansion / sizeof *expansion; i++)
        if (expansion[i].compression == compression)
            return expansion[i].limit;
    return OTHER;
}

static const struct {
    uint16_t photometric;
    const char *what;
} colors_refused[] = {
    {PHOTOMETRIC_SEPARATED, "CMYK colours"},   {PHOTOMETRIC_CIELAB, "Lab colours"},
    {PHOTOMETRIC_ICCLAB, "Lab colours"},       {PHOTOMETRIC_ITULAB, "Lab colours"},
    {PHOTOMETRIC_LOGL, "LogL samples"},        {PHOTOMETRIC_LOGLUV, "LogLuv colours"},
    {PHOTOMETRIC_CFA, "raw sensor data"},      {PHOTOMETRIC_YCBCR, "YCbCr colours"},
    {PHOTOMETRIC_MASK, "a transparency mask"},
};

static unet_code fail_read(const char *name, const struct un_tiff_job *job, const char *what,
                           unet_error *err)
{
    return un_fail(err, UNET_EFORMAT, "%s: %s TIFF (%s)", name, what,
                   job->message[0] ? job->message : "damaged image data");
}

/* Refuses what is no grey, RGB or palette, or has samples of a kind that a network cannot take. */
static unet_code check_kind(const char *name, const struct layout *layout, int bits, int samples,
                            unet_error *err)
{
    for (size_t i = 0; i < sizeof colors_refused / sizeof *colors_refused; i++)
        if (layout->photometric == colors_refused[i].photometric)
            return un_fail(err, UNET_EFORMAT, "%s: %s; grey, RGB or palette wanted", name,
                           colors_refused[i].what);
    bool palette = layout->photometric == PHOTOMETRIC_PALETTE;
    if (layout->photometric > PHOTOMETRIC_PALETTE)
        return un_fail(err, UNET_EFORMAT,
                       "%s: colours of TIFF kind %d; grey, RGB or palette wanted", name,
                       layout->photometric);
    if (palette && (bits > 8 || samples != 1))
        return un_fail(err, UNET_EFORMAT,
                       "%s: palette indices of %d bits in %d channels; up to 8 bits in one wanted",
                       name, bits, samples);
    bool integer = layout->format == SAMPLEFORMAT_UINT || layout->format == SAMPLEFORMAT_VOID;
    if (integer ? bits >= 1 && bits <= 16 : layout->format == SAMPLEFORMAT_IEEEFP && bits == 32)
        return UNET_OK;
    return un_fail(err, UNET_EFORMAT,
                   "%s: %d-bit %s samples; unsigned 1 to 16-bit or 32-bit float wanted", name, bits,
                   layout->format == SAMPLEFORMAT_IEEEFP ? "float"
                   : layout->format == SAMPLEFORMAT_INT  ? "signed"
                   : integer                             ? "unsigned"
                                                         : "complex");
}

static bool take_palette(TIFF *tif, struct un_page *page)
{
    uint16_t *rgb[3];
    if (!TIFFGetField(tif, TIFFTAG_COLORMAP, &rgb[0], &rgb[1], &rgb[2]))
        return false;
    page->palette_size = 1 << page->bits;
    unsigned most = 0;
    for (int c = 0; c < 3; c++)
        for (int i = 0; i < page->palette_size; i++)
            most = rgb[c][i] > most ? rgb[c][i] : most;
    int shift = most > 255 ? 8 : 0; /* some old writers give 8-bit colours */
    for (int c = 0; c < 3; c++)
        for (int i = 0; i < page->palette_size; i++)
            page->palette[i][c] = (uint8_t)(rgb[c][i] >> shift);
    return true;
}

/* An extra sample that says it is alpha; one that does not say is a channel like the others. */
static bool last_is_alpha(TIFF *tif, int samples)
{
    uint16_t count = 0, *kinds = NULL;
    TIFFGetFieldDefaulted(tif, TIFFTAG_EXTRASAMPLES, &count, &kinds);
    return samples > 1 && count &&
           (kinds[count - 1] == EXTRASAMPLE_ASSOCALPHA ||
            kinds[count - 1] == EXTRASAMPLE_UNASSALPHA);
}

/* The tags of the first page, checked. */
static unet_code take_header(const char *name, TIFF *tif, struct layout *layout,
                             struct un_page *page, unet_error *err)
{
    uint32_t width = 0, height = 0, rows = 0;
    uint16_t bits = 1, samples = 1;
    TIFFGetField(tif, TIFFTAG_IMAGEWIDTH, &width);
    TIFFGetField(tif, TIFFTAG_IMAGELENGTH, &height);
    TIFFGetFieldDefaulted(tif, TIFFTAG_BITSPERSAMPLE, &bits);
    TIFFGetFieldDefaulted(tif, TIFFTAG_SAMPLESPERPIXEL, &samples);
    TIFFGetFieldDefaulted(tif, TIFFTAG_SAMPLEFORMAT, &layout->format);
    TIFFGetFieldDefaulted(tif, TIFFTAG_PLANARCONFIG, &layout->planar);
    TIFFGetFieldDefaulted(tif, TIFFTAG_COMPRESSION, &layout->compression);
    if (!TIFFGetField(tif, TIFFTAG_PHOTOMETRIC, &layout->photometric))
        layout->photometric = samples >= 3 ? PHOTOMETRIC_RGB : PHOTOMETRIC_MINISBLACK;
    if (!TIFFIsCODECConfigured(layout->compression))
        return un_fail(err, UNET_EFORMAT, "%s: TIFF compression %d, which libtiff here lacks", name,
                       layout->compression);
    if (layout->compression == COMPRESSION_JPEG && layout->photometric == PHOTOMETRIC_YCBCR) {
        TIFFSetField(tif, TIFFTAG_JPEGCOLORMODE, JPEGCOLORMODE_RGB);
        layout->photometric = PHOTOMETRIC_RGB;
    }
    if (!width || !height || width > UN_IMAGE_SIDE || height > UN_IMAGE_SIDE)
        return un_fail(err, UNET_EFORMAT, "%s: %u x %u pixels; sides of 1..%d wanted", name, width,
                       height, UN_IMAGE_SIDE);
    unet_code code = check_kind(name, layout, bits, samples, err);
    if (code)
        return code;
    layout->tiled = TIFFIsTiled(tif);
    if (layout->tiled) {
        TIFFGetField(tif, TIFFTAG_TILEWIDTH, &layout->chunk_width);
        TIFFGetField(tif, TIFFTAG_TILELENGTH, &layout->chunk_height);
    } else {
        TIFFGetFieldDefaulted(tif, TIFFTAG_ROWSPERSTRIP, &rows);
        layout->chunk_width = width;
        layout->chunk_height = rows < height ? rows : height;
    }
    if (!layout->chunk_width || !layout->chunk_height || layout->chunk_width > 2 * UN_IMAGE_SIDE ||
        layout->chunk_height > 2 * UN_IMAGE_SIDE)
        return un_fail(err, UNET_EFORMAT, "%s: broken TIFF (strips or tiles of %u x %u)", name,
                       layout->chunk_width, layout->chunk_height);
    page->bits = bits;
    page->white_is_zero = layout->photometric == PHOTOMETRIC_MINISWHITE;
    page->alpha = last_is_alpha(tif, samples);
    page->height = (int)height;
    page->width = (int)width;
    page->channels = samples;
    page->bytes = bits > 16 ? 4 : bits > 8 ? 2 : 1;
    page->kind = layout->format == SAMPLEFORMAT_IEEEFP ? UN_FLOAT : UN_UINT;
    if (layout->photometric == PHOTOMETRIC_PALETTE && !take_palette(tif, page))
        return un_fail(err, UNET_EFORMAT, "%s: broken TIFF (no palette)", name);
    return UNET_OK;
}

/* Whether the strips and tiles are in the file and can hold what the header claims. */
static unet_code check_claim(const char *name, TIFF *tif, const struct un_mapping *file,
                             const struct layout *layout, const struct un_page *page,
                             unet_error *err)
{
    const struct un_rect all = {0, 0, page->height, page->width};
    uint32_t count = layout->tiled ? TIFFNumberOfTiles(tif) : TIFFNumberOfStrips(tif);
    uint64_t compressed = 0;
    for (uint32_t i = 0; i < count; i++) {
        uint64_t at = TIFFGetStrileOffset(tif, i), size = TIFFGetStrileByteCount(tif, i);
        if (at > file->size || size > file->size - at)
            return un_fail(err, UNET_EFORMAT,
                           "%s: truncated TIFF (the file has %zu bytes, %s %u ends at %llu)", name,
                           file->size, layout->tiled ? "tile" : "strip", i,
                           (unsigned long long)(at + size));
        compressed += size;
    }
    /* chunks may share their bytes, but no file needs that for many of them */
    compressed = compressed < 4 * (uint64_t)file->size ? compressed : 4 * (uint64_t)file->size;
    uint64_t packed =
        (uint64_t)un_rect_bytes(page, all) / (uint64_t)page->bytes * (uint64_t)page->bits / 8;
    uint64_t chunk = (uint64_t)layout->chunk_width * layout->chunk_height *
                     (uint64_t)page->channels * (uint64_t)page->bits / 8;
    if ((packed > chunk ? packed : chunk) / expansion_limit(layout->compression) > compressed)
        return un_fail(err, UNET_EFORMAT, "%s: truncated TIFF (%llu bytes for %d x %d pixels)",
                       name, (unsigned long long)compressed, page->width, page->height);
    return UNET_OK;
}

/* How the chunks of a page lie. */
struct grid {
    uint32_t count, across, down;
    size_t stride, size; /* bytes of a chunk's row, and of a chunk */
};

static bool take_grid(TIFF *tif, const struct layout *layout, const struct un_page *page,
                      struct grid *grid)
{
    bool planar = layout->planar == PLANARCONFIG_SEPARATE;
    uint64_t samples = (uint64_t)layout->chunk_width * (planar ? 1 : (uint64_t)page->channels);
    grid->count = layout->tiled ? TIFFNumberOfTiles(tif) : TIFFNumberOfStrips(tif);
    grid->across = (uint32_t)(page->width - 1) / layout->chunk_width + 1;
    grid->down = (uint32_t)(page->height - 1) / layout->chunk_height + 1;
    grid->stride = (size_t)(layout->tiled ? TIFFTileRowSize64(tif) : TIFFScanlineSize64(tif));
    grid->size = grid->stride * layout->chunk_height;
    return grid->stride == (samples * (uint64_t)page->bits + 7) / 8 &&
           grid->count ==
               (uint64_t)grid->across * grid->down * (planar ? (uint64_t)page->channels : 1);
}

/* Decodes chunk i into its place; buffer has room for one. */
static bool read_chunk(TIFF *tif, const struct layout *layout, const struct grid *grid, uint32_t i,
                       uint8_t *buffer, const struct un_page *page, void *samples)
{
    const struct un_chunk chunk = {
        .x = (size_t)(i % grid->across) * layout->chunk_width,
        .y = (size_t)(i / grid->across % grid->down) * layout->chunk_height,
        .width = layout->chunk_width,
        .height = layout->chunk_height,
        .plane =
            layout->planar == PLANARCONFIG_SEPARATE ? (int)(i / grid->across / grid->down) : -1};
    size_t rows = (size_t)page->height - chunk.y;
    if (layout->tiled)
        rows = chunk.height;
    tmsize_t want = (tmsize_t)((rows < chunk.height ? rows : chunk.height) * grid->stride);
    if (want != (layout->tiled ? TIFFReadEncodedTile(tif, i, buffer, want)
                               : TIFFReadEncodedStrip(tif, i, buffer, want)))
        return false;
    un_chunk_put(buffer, grid->stride, &chunk, page, samples);
    return true;
}

struct reader {
    TIFF *tif;
    struct un_tiff_job job;
    struct layout layout;
    struct un_page page;
    uint8_t *samples; /* of the whole page */
};

static unet_code read_chunks(struct un_source *source, struct reader *r, unet_error *err)
{
    struct grid grid;
    const struct un_rect all = {0, 0, r->page.height, r->page.width};
    size_t bytes = un_rect_bytes(&r->page, all);
    if (bytes > UN_IMAGE_BYTES)
        return un_fail(err, UNET_EFORMAT, "%s: %zu MB of pixels; up to %d GB wanted", source->name,
                       bytes >> 20, (int)(UN_IMAGE_BYTES >> 30));
    if (!take_grid(r->tif, &r->layout, &r->page, &grid))
        return un_fail(err, UNET_EFORMAT, "%s: broken TIFF (its %s do not make up the image)",
                       source->name, r->layout.tiled ? "tiles" : "strips");
    /* zeroed: some decoders leave out rows without a word */
    uint8_t *buffer = calloc(grid.size, 1), *samples = calloc(bytes, 1);
    unet_code code = buffer && samples ? UNET_OK : un_fail_memory(err, bytes, source->name);
    for (uint32_t i = 0; !code && i < grid.count; i++)
        if (!read_chunk(r->tif, &r->layout, &grid, i, buffer, &r->page, samples) || r->job.damaged)
            code = fail_read(source->name, &r->job, "truncated or broken", err);
    free(buffer);
    if (code)
        free(samples);
    else
        r->samples = samples;
    return code;
}

static unet_code tiff_open(struct un_source *source, unet_error *err)
{
    struct reader *r = calloc(1, sizeof *r);
    if (!r)
        return un_fail_memory(err, sizeof *r, source->name);
    source->state = r;
    source->file_pages = 1;
    r->job.file = &source->file;
    r->tif = un_tiff_open(source->name, "r", &r->job, (size_t)UN_IMAGE_BYTES);
    if (!r->tif)
        return fail_read(source->name, &r->job, "truncated or broken", err);
    unet_code code = take_header(source->name, r->tif, &r->layout, &r->page, err);
    return code ? code
                : check_claim(source->name, r->tif, &source->file, &r->layout, &r->page, err);
}

static unet_code tiff_page(struct un_source *source, int index, struct un_page *page,
                           unet_error *err)
{
    (void)index;
    (void)err;
    *page = ((struct reader *)source->state)->page;
    return UNET_OK;
}

static unet_code tiff_read(struct un_source *source, int index, const struct un_page *page,
                           struct un_rect rect, void *samples, unet_error *err)
{
    struct reader *r = source->state;
    (void)index;
    unet_code code = r->samples ? UNET_OK : read_chunks(source, r, err);
    if (!code)
        un_rect_copy(page, r->samples, rect, samples);
    return code;
}

static void tiff_close(struct un_source *source)
{
    struct reader *r = source->state;
    if (r && r->tif)
        TIFFClose(r->tif);
    if (r)
        free(r->samples);
    free(r);
}

static const char *const endings[] = {".tif", ".tiff", NULL};
const struct un_format un_format_tiff = {"TIFF",    endings,   probe,     tiff_open,
                                         tiff_page, tiff_read, tiff_close};
