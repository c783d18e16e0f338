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

struct page {
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
static unet_code check_kind(const char *name, const struct page *page, int bits, int samples,
                            unet_error *err)
{
    for (size_t i = 0; i < sizeof colors_refused / sizeof *colors_refused; i++)
        if (page->photometric == colors_refused[i].photometric)
            return un_fail(err, UNET_EFORMAT, "%s: %s; grey, RGB or palette wanted", name,
                           colors_refused[i].what);
    bool palette = page->photometric == PHOTOMETRIC_PALETTE;
    if (page->photometric > PHOTOMETRIC_PALETTE)
        return un_fail(err, UNET_EFORMAT,
                       "%s: colours of TIFF kind %d; grey, RGB or palette wanted", name,
                       page->photometric);
    if (palette && (bits > 8 || samples != 1))
        return un_fail(err, UNET_EFORMAT,
                       "%s: palette indices of %d bits in %d channels; up to 8 bits in one wanted",
                       name, bits, samples);
    bool integer = page->format == SAMPLEFORMAT_UINT || page->format == SAMPLEFORMAT_VOID;
    if (integer ? bits >= 1 && bits <= 16 : page->format == SAMPLEFORMAT_IEEEFP && bits == 32)
        return UNET_OK;
    return un_fail(err, UNET_EFORMAT,
                   "%s: %d-bit %s samples; unsigned 1 to 16-bit or 32-bit float wanted", name, bits,
                   page->format == SAMPLEFORMAT_IEEEFP ? "float"
                   : page->format == SAMPLEFORMAT_INT  ? "signed"
                   : integer                           ? "unsigned"
                                                       : "complex");
}

static bool take_palette(TIFF *tif, struct un_picture *picture)
{
    uint16_t *rgb[3];
    if (!TIFFGetField(tif, TIFFTAG_COLORMAP, &rgb[0], &rgb[1], &rgb[2]))
        return false;
    picture->palette_size = 1 << picture->bits;
    unsigned most = 0;
    for (int c = 0; c < 3; c++)
        for (int i = 0; i < picture->palette_size; i++)
            most = rgb[c][i] > most ? rgb[c][i] : most;
    int shift = most > 255 ? 8 : 0; /* some old writers give 8-bit colours */
    for (int c = 0; c < 3; c++)
        for (int i = 0; i < picture->palette_size; i++)
            picture->palette[i][c] = (uint8_t)(rgb[c][i] >> shift);
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
static unet_code take_header(const char *name, TIFF *tif, struct page *page,
                             struct un_picture *picture, unet_error *err)
{
    uint32_t width = 0, height = 0, rows = 0;
    uint16_t bits = 1, samples = 1;
    TIFFGetField(tif, TIFFTAG_IMAGEWIDTH, &width);
    TIFFGetField(tif, TIFFTAG_IMAGELENGTH, &height);
    TIFFGetFieldDefaulted(tif, TIFFTAG_BITSPERSAMPLE, &bits);
    TIFFGetFieldDefaulted(tif, TIFFTAG_SAMPLESPERPIXEL, &samples);
    TIFFGetFieldDefaulted(tif, TIFFTAG_SAMPLEFORMAT, &page->format);
    TIFFGetFieldDefaulted(tif, TIFFTAG_PLANARCONFIG, &page->planar);
    TIFFGetFieldDefaulted(tif, TIFFTAG_COMPRESSION, &page->compression);
    if (!TIFFGetField(tif, TIFFTAG_PHOTOMETRIC, &page->photometric))
        page->photometric = samples >= 3 ? PHOTOMETRIC_RGB : PHOTOMETRIC_MINISBLACK;
    if (!TIFFIsCODECConfigured(page->compression))
        return un_fail(err, UNET_EFORMAT, "%s: TIFF compression %d, which libtiff here lacks", name,
                       page->compression);
    if (page->compression == COMPRESSION_JPEG && page->photometric == PHOTOMETRIC_YCBCR) {
        TIFFSetField(tif, TIFFTAG_JPEGCOLORMODE, JPEGCOLORMODE_RGB);
        page->photometric = PHOTOMETRIC_RGB;
    }
    if (!width || !height || width > UN_IMAGE_SIDE || height > UN_IMAGE_SIDE)
        return un_fail(err, UNET_EFORMAT, "%s: %u x %u pixels; sides of 1..%d wanted", name, width,
                       height, UN_IMAGE_SIDE);
    unet_code code = check_kind(name, page, bits, samples, err);
    if (code)
        return code;
    page->tiled = TIFFIsTiled(tif);
    if (page->tiled) {
        TIFFGetField(tif, TIFFTAG_TILEWIDTH, &page->chunk_width);
        TIFFGetField(tif, TIFFTAG_TILELENGTH, &page->chunk_height);
    } else {
        TIFFGetFieldDefaulted(tif, TIFFTAG_ROWSPERSTRIP, &rows);
        page->chunk_width = width;
        page->chunk_height = rows < height ? rows : height;
    }
    if (!page->chunk_width || !page->chunk_height || page->chunk_width > 2 * UN_IMAGE_SIDE ||
        page->chunk_height > 2 * UN_IMAGE_SIDE)
        return un_fail(err, UNET_EFORMAT, "%s: broken TIFF (strips or tiles of %u x %u)", name,
                       page->chunk_width, page->chunk_height);
    picture->bits = bits;
    picture->white_is_zero = page->photometric == PHOTOMETRIC_MINISWHITE;
    picture->alpha = last_is_alpha(tif, samples);
    picture->image = (unet_image){.height = (int)height,
                                  .width = (int)width,
                                  .channels = samples,
                                  .sample = bits == 32 ? UNET_F32
                                            : bits > 8 ? UNET_U16
                                                       : UNET_U8};
    if (page->photometric == PHOTOMETRIC_PALETTE && !take_palette(tif, picture))
        return un_fail(err, UNET_EFORMAT, "%s: broken TIFF (no palette)", name);
    return UNET_OK;
}

/* Memory for the samples, once the strips and tiles are in the file and can hold that many. */
static unet_code make_room(const char *name, TIFF *tif, const struct un_mapping *file,
                           const struct page *page, struct un_picture *picture, unet_error *err)
{
    size_t bytes;
    unet_code code = un_image_check(name, &picture->image, &bytes, err);
    if (code)
        return code;
    uint32_t count = page->tiled ? TIFFNumberOfTiles(tif) : TIFFNumberOfStrips(tif);
    uint64_t compressed = 0;
    for (uint32_t i = 0; i < count; i++) {
        uint64_t at = TIFFGetStrileOffset(tif, i), size = TIFFGetStrileByteCount(tif, i);
        if (at > file->size || size > file->size - at)
            return un_fail(err, UNET_EFORMAT,
                           "%s: truncated TIFF (the file has %zu bytes, %s %u ends at %llu)", name,
                           file->size, page->tiled ? "tile" : "strip", i,
                           (unsigned long long)(at + size));
        compressed += size;
    }
    /* chunks may share their bytes, but no file needs that for many of them */
    compressed = compressed < 4 * (uint64_t)file->size ? compressed : 4 * (uint64_t)file->size;
    uint64_t packed =
        (uint64_t)bytes / un_sample_bytes(picture->image.sample) * (uint64_t)picture->bits / 8;
    uint64_t chunk = (uint64_t)page->chunk_width * page->chunk_height *
                     (uint64_t)picture->image.channels * (uint64_t)picture->bits / 8;
    if ((packed > chunk ? packed : chunk) / expansion_limit(page->compression) > compressed)
        return un_fail(err, UNET_EFORMAT, "%s: truncated TIFF (%llu bytes for %d x %d pixels)",
                       name, (unsigned long long)compressed, picture->image.width,
                       picture->image.height);
    /* zeroed here and below: some decoders leave out rows without a word */
    if (!(picture->image.data = calloc(bytes, 1)))
        return un_fail_memory(err, bytes, name);
    return UNET_OK;
}

/* How the chunks of a page lie. */
struct grid {
    uint32_t count, across, down;
    size_t stride, size; /* bytes of a chunk's row, and of a chunk */
    bool direct;         /* a strip is a run of the image's own bytes */
};

static bool take_grid(TIFF *tif, const struct page *page, const struct un_picture *picture,
                      struct grid *grid)
{
    const unet_image *image = &picture->image;
    bool planar = page->planar == PLANARCONFIG_SEPARATE;
    uint64_t samples = (uint64_t)page->chunk_width * (planar ? 1 : (uint64_t)image->channels);
    grid->count = page->tiled ? TIFFNumberOfTiles(tif) : TIFFNumberOfStrips(tif);
    grid->across = (uint32_t)(image->width - 1) / page->chunk_width + 1;
    grid->down = (uint32_t)(image->height - 1) / page->chunk_height + 1;
    grid->stride = (size_t)(page->tiled ? TIFFTileRowSize64(tif) : TIFFScanlineSize64(tif));
    grid->size = grid->stride * page->chunk_height;
    grid->direct = !page->tiled && !planar && picture->bits % 8 == 0;
    return grid->stride == (samples * (uint64_t)picture->bits + 7) / 8 &&
           grid->count ==
               (uint64_t)grid->across * grid->down * (planar ? (uint64_t)image->channels : 1);
}

/* Decodes chunk i into its place; buffer has room for one. */
static bool read_chunk(TIFF *tif, const struct page *page, const struct grid *grid, uint32_t i,
                       uint8_t *buffer, struct un_picture *picture)
{
    const struct un_chunk chunk = {
        .x = (size_t)(i % grid->across) * page->chunk_width,
        .y = (size_t)(i / grid->across % grid->down) * page->chunk_height,
        .width = page->chunk_width,
        .height = page->chunk_height,
        .plane = page->planar == PLANARCONFIG_SEPARATE ? (int)(i / grid->across / grid->down) : -1};
    size_t rows = (size_t)picture->image.height - chunk.y;
    if (page->tiled)
        rows = chunk.height;
    tmsize_t want = (tmsize_t)((rows < chunk.height ? rows : chunk.height) * grid->stride);
    uint8_t *to = grid->direct ? (uint8_t *)picture->image.data + chunk.y * grid->stride : buffer;
    if (want != (page->tiled ? TIFFReadEncodedTile(tif, i, to, want)
                             : TIFFReadEncodedStrip(tif, i, to, want)))
        return false;
    if (!grid->direct)
        un_chunk_put(buffer, grid->stride, &chunk, picture);
    return true;
}

static unet_code read_chunks(const char *name, TIFF *tif, struct un_tiff_job *job,
                             const struct page *page, struct un_picture *picture, unet_error *err)
{
    struct grid grid;
    if (!take_grid(tif, page, picture, &grid))
        return un_fail(err, UNET_EFORMAT, "%s: broken TIFF (its %s do not make up the image)", name,
                       page->tiled ? "tiles" : "strips");
    uint8_t *buffer = grid.direct ? NULL : calloc(grid.size, 1);
    if (!grid.direct && !buffer)
        return un_fail_memory(err, grid.size, name);
    unet_code code = UNET_OK;
    for (uint32_t i = 0; i < grid.count && !code; i++)
        if (!read_chunk(tif, page, &grid, i, buffer, picture) || job->damaged)
            code = fail_read(name, job, "truncated or broken", err);
    free(buffer);
    return code;
}

static unet_code tiff_read(const char *name, const struct un_mapping *file,
                           struct un_picture *picture, unet_error *err)
{
    struct un_tiff_job job = {.file = file};
    struct page page = {0};
    struct un_picture made = {0};
    unet_code code;
    TIFF *tif = un_tiff_open(name, "r", &job, (size_t)UN_IMAGE_BYTES);
    if (!tif)
        return fail_read(name, &job, "truncated or broken", err);
    if ((code = take_header(name, tif, &page, &made, err)) ||
        (code = make_room(name, tif, file, &page, &made, err)) ||
        (code = read_chunks(name, tif, &job, &page, &made, err)))
        goto done;
    *picture = made;
done:
    TIFFClose(tif);
    if (code)
        free(made.image.data);
    return code;
}

static const char *const endings[] = {".tif", ".tiff", NULL};
const struct un_format un_format_tiff = {"TIFF", endings, probe, tiff_read, un_tiff_write};
