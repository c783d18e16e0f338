/* SPDX-License-Identifier: Apache-2.0 */
/*
 * tiff_header.c - the tags of an IFD: what its samples are, how they lie, and whether the file can
 * hold what they claim
 *
 * Strips and tiles ("chunks") make up one grid, or one for each channel (planar):
 *
 *     strips: width of the image, rows_per_strip high      tiles: tile_width x tile_height
 */
#include <string.h>

#include "image/tiff/tiff_read.h"

#define CHUNK_BYTES ((uint64_t)1 << 31) /* largest strip or tile that is decoded as one */
#define TALL_BYTES                                                                                 \
    ((uint64_t)32 << 20) /* strips beyond this are read row by row if they can be                  \
                          */

#define HOST_BIG (__BYTE_ORDER__ == __ORDER_BIG_ENDIAN__)
#define COUNT(array) (sizeof(array) / sizeof *(array))

/*
 * What is known of a compression: how many bytes a compressed byte can become, at most; whether
 * samples come out near what went in; whether rows can be decoded one after another.
 */
static const struct {
    uint16_t compression;
    unsigned expansion;
    bool lossy, by_rows;
} compressions[] = {
    {COMPRESSION_NONE, 1, false, true},        {COMPRESSION_PACKBITS, 64, false, true},
    {COMPRESSION_LZW, 4096, false, true},      {COMPRESSION_ADOBE_DEFLATE, 1032, false, true},
    {COMPRESSION_DEFLATE, 1032, false, true},  {COMPRESSION_JPEG, 1 << 10, true, true},
    {COMPRESSION_OJPEG, 1 << 10, true, false}, {COMPRESSION_ZSTD, 1 << 16, false, true},
    {COMPRESSION_LZMA, 1 << 16, false, true},  {COMPRESSION_WEBP, 1 << 16, true, false},
    {COMPRESSION_PIXARLOG, 1032, true, false}, {COMPRESSION_SGILOG, 256, true, false},
    {COMPRESSION_SGILOG24, 4, true, false},
};
#define OTHER (1 << 16) /* fax, lerc, jbig: a generous bound of our own */

static int find_compression(uint16_t compression)
{
    for (size_t i = 0; i < COUNT(compressions); i++)
        if (compressions[i].compression == compression)
            return (int)i;
    return -1;
}

unsigned un_tiff_expansion(uint16_t compression)
{
    int i = find_compression(compression);
    return i < 0 ? OTHER : compressions[i].expansion;
}

static const struct {
    uint16_t photometric;
    const char *what;
} refused[] = {
    {PHOTOMETRIC_CIELAB, "Lab colours"},       {PHOTOMETRIC_ICCLAB, "Lab colours"},
    {PHOTOMETRIC_ITULAB, "Lab colours"},       {PHOTOMETRIC_CFA, "raw sensor data"},
    {PHOTOMETRIC_MASK, "a transparency mask"},
};

/* ---- going to an IFD --------------------------------------------------------------------- */

unet_code un_tiff_fail(struct unet_source *source, const char *what, unet_error *err)
{
    const struct un_tiff *r = source->state;
    return un_fail(err, UNET_EFORMAT, "%s: %s TIFF (%s)", source->name, what,
                   r->job.message[0] ? r->job.message : "damaged image data");
}

unet_code un_tiff_select(struct unet_source *source, uint32_t ifd, unet_error *err)
{
    struct un_tiff *r = source->state;
    uint16_t compression = 0, photometric = 0;
    if (r->current == ifd)
        return UNET_OK;
    r->current = -1;
    r->next_row = -1;
    r->job.message[0] = 0;
    r->job.damaged = false;
    if (!TIFFSetSubDirectory(r->tif, r->table.ifds[ifd].at))
        return un_tiff_fail(source, "truncated or broken", err);
    /* what libtiff's decoders are to give */
    TIFFGetFieldDefaulted(r->tif, TIFFTAG_COMPRESSION, &compression);
    TIFFGetField(r->tif, TIFFTAG_PHOTOMETRIC, &photometric);
    if (compression == COMPRESSION_JPEG && photometric == PHOTOMETRIC_YCBCR)
        TIFFSetField(r->tif, TIFFTAG_JPEGCOLORMODE, JPEGCOLORMODE_RGB);
    if (compression == COMPRESSION_SGILOG || compression == COMPRESSION_SGILOG24)
        TIFFSetField(r->tif, TIFFTAG_SGILOGDATAFMT,
                     photometric == PHOTOMETRIC_LOGLUV ? SGILOGDATAFMT_8BIT : SGILOGDATAFMT_16BIT);
    r->current = ifd;
    return UNET_OK;
}

/* ---- kinds ------------------------------------------------------------------------------- */

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

/* Refuses colours that are no grey, RGB or palette and that nothing here makes RGB. */
static unet_code check_colors(const char *name, TIFF *tif, const struct un_tiff_layout *layout,
                              bool planar, unet_error *err)
{
    const char *what = NULL;
    uint16_t ink = INKSET_CMYK, photometric = layout->photometric;
    TIFFGetFieldDefaulted(tif, TIFFTAG_INKSET, &ink);
    for (size_t i = 0; i < COUNT(refused); i++)
        if (photometric == refused[i].photometric)
            what = refused[i].what;
    if (photometric == PHOTOMETRIC_SEPARATED &&
        (ink != INKSET_CMYK || layout->samples < 4 || (layout->bits != 8 && layout->bits != 16)))
        what = "inks that are no 8 or 16-bit CMYK";
    if (photometric == PHOTOMETRIC_YCBCR && (planar || layout->bits != 8 || layout->samples != 3))
        what = "YCbCr colours in planes or not of 3 x 8 bits";
    if (photometric == PHOTOMETRIC_LOGLUV && layout->bits != 8)
        what = "LogLuv colours without their compression";
    if (what)
        return un_fail(err, UNET_EFORMAT, "%s: %s; grey, RGB or palette wanted", name, what);
    if (photometric > PHOTOMETRIC_YCBCR && photometric != PHOTOMETRIC_LOGL &&
        photometric != PHOTOMETRIC_LOGLUV)
        return un_fail(err, UNET_EFORMAT,
                       "%s: colours of TIFF kind %d; grey, RGB or palette wanted", name,
                       photometric);
    if (photometric == PHOTOMETRIC_PALETTE && (layout->bits > 8 || layout->samples != 1))
        return un_fail(err, UNET_EFORMAT,
                       "%s: palette indices of %d bits in %d channels; up to 8 bits in one wanted",
                       name, layout->bits, layout->samples);
    return UNET_OK;
}

/* Samples of a kind that a network cannot take are refused. */
static unet_code take_kind(const char *name, uint16_t format, const struct un_tiff_layout *layout,
                           struct un_page *page, unet_error *err)
{
    int bits = layout->bits;
    bool integer =
        format == SAMPLEFORMAT_UINT || format == SAMPLEFORMAT_VOID || format == SAMPLEFORMAT_INT;
    bool real =
        format == SAMPLEFORMAT_IEEEFP && (bits == 16 || bits == 24 || bits == 32 || bits == 64);
    if (!real && !(integer && bits >= 1 && bits <= 64))
        return un_fail(err, UNET_EFORMAT,
                       "%s: %d-bit %s samples; integers of 1 to 64 bits or floats of 16, 24, 32 or "
                       "64 wanted",
                       name, bits,
                       format == SAMPLEFORMAT_IEEEFP ? "float"
                       : integer                     ? "integer"
                                                     : "complex");
    page->kind = real ? UN_FLOAT : format == SAMPLEFORMAT_INT ? UN_INT : UN_UINT;
    page->bits = real && bits == 24 ? 32 : bits;
    page->bytes = bits > 32 ? 8 : bits > 16 ? 4 : bits > 8 ? 2 : 1;
    return UNET_OK;
}

static unet_code take_page(struct unet_source *source, struct un_tiff_layout *layout, bool planar,
                           struct un_page *page, unet_error *err)
{
    TIFF *tif = ((struct un_tiff *)source->state)->tif;
    uint16_t format = 0, orientation = 1;
    TIFFGetFieldDefaulted(tif, TIFFTAG_SAMPLEFORMAT, &format);
    TIFFGetFieldDefaulted(tif, TIFFTAG_ORIENTATION, &orientation);
    unet_code code = check_colors(source->name, tif, layout, planar, err);
    if (code || (code = take_kind(source->name, format, layout, page, err)))
        return code;
    int i = find_compression(layout->compression);
    bool cmyk = layout->photometric == PHOTOMETRIC_SEPARATED;
    page->height = (int)layout->height;
    page->width = (int)layout->width;
    page->channels = layout->samples;
    page->alpha = !cmyk && last_is_alpha(tif, layout->samples);
    page->white_is_zero = layout->photometric == PHOTOMETRIC_MINISWHITE;
    page->lossy = cmyk || layout->across_y || (i >= 0 && compressions[i].lossy);
    page->orientation = orientation >= 1 && orientation <= 8 ? orientation : 1;
    if (cmyk && page->kind != UN_UINT)
        return un_fail(err, UNET_EFORMAT, "%s: CMYK colours of signed or float samples",
                       source->name);
    if (layout->photometric == PHOTOMETRIC_PALETTE && !take_palette(tif, page))
        return un_fail(err, UNET_EFORMAT, "%s: broken TIFF (no palette)", source->name);
    return un_page_check(source->name, page, err);
}

/* ---- layout ------------------------------------------------------------------------------ */

static void take_ycbcr(TIFF *tif, struct un_tiff_layout *layout)
{
    uint16_t across = 2, down = 2;
    float *luma = NULL, *levels = NULL;
    TIFFGetFieldDefaulted(tif, TIFFTAG_YCBCRSUBSAMPLING, &across, &down);
    TIFFGetFieldDefaulted(tif, TIFFTAG_YCBCRCOEFFICIENTS, &luma);
    TIFFGetFieldDefaulted(tif, TIFFTAG_REFERENCEBLACKWHITE, &levels);
    static const float usual_luma[3] = {0.299f, 0.587f, 0.114f};
    static const float usual_levels[6] = {0, 255, 128, 255, 128, 255};
    memcpy(layout->luma, luma && luma[1] > 0 ? luma : usual_luma, sizeof layout->luma);
    memcpy(layout->levels, levels ? levels : usual_levels, sizeof layout->levels);
    layout->across_y = across;
    layout->down_y = down;
}

static bool is_subsampling(uint16_t n)
{
    return n == 1 || n == 2 || n == 4;
}

/* Sides of the grid and of what is in it; false: it does not make up the image. */
static bool take_grid(TIFF *tif, struct un_tiff_layout *layout, bool planar)
{
    uint32_t rows = 0;
    if (layout->tiled) {
        TIFFGetField(tif, TIFFTAG_TILEWIDTH, &layout->chunk_width);
        TIFFGetField(tif, TIFFTAG_TILELENGTH, &layout->chunk_height);
    } else {
        TIFFGetFieldDefaulted(tif, TIFFTAG_ROWSPERSTRIP, &rows);
        layout->chunk_width = layout->width;
        layout->chunk_height = rows < layout->height ? rows : layout->height;
    }
    if (!layout->chunk_width || !layout->chunk_height || layout->chunk_width > 2 * UN_IMAGE_SIDE ||
        layout->chunk_height > 2 * UN_IMAGE_SIDE)
        return false;
    layout->across = (layout->width - 1) / layout->chunk_width + 1;
    layout->down = (layout->height - 1) / layout->chunk_height + 1;
    layout->planes = layout->stored_planes = planar ? layout->samples : 1;
    layout->plane_samples = planar ? 1 : layout->samples;
    uint64_t count = layout->tiled ? TIFFNumberOfTiles(tif) : TIFFNumberOfStrips(tif);
    if (count != (uint64_t)layout->across * layout->down * layout->planes)
        return false;
    layout->stride =
        (size_t)(((uint64_t)layout->chunk_width * (uint64_t)layout->plane_samples * layout->bits +
                  7) /
                 8);
    layout->chunk_bytes = layout->raw_bytes = layout->stride * layout->chunk_height;
    if (!layout->across_y)
        return layout->stride == (layout->tiled ? TIFFTileRowSize64(tif) : TIFFScanlineSize64(tif));
    layout->raw_bytes = un_tiff_ycbcr_bytes(layout, layout->chunk_height);
    return layout->raw_bytes == (layout->tiled ? TIFFVTileSize64(tif, layout->chunk_height)
                                               : TIFFVStripSize64(tif, layout->chunk_height));
}

static void choose_way(TIFF *tif, struct un_tiff_layout *layout)
{
    uint16_t fill = FILLORDER_MSB2LSB;
    TIFFGetFieldDefaulted(tif, TIFFTAG_FILLORDER, &fill);
    int i = find_compression(layout->compression), bits = layout->bits;
    if (layout->compression == COMPRESSION_NONE && !layout->across_y && fill == FILLORDER_MSB2LSB)
        layout->way = UN_TIFF_MAPPED;
    else if (!layout->tiled && layout->planes == 1 && !layout->across_y && i >= 0 &&
             compressions[i].by_rows && layout->chunk_bytes > TALL_BYTES)
        layout->way = UN_TIFF_ROWS;
    else
        layout->way = UN_TIFF_CHUNKS;
    /* samples of 3, 5, 6 and 7 bytes are packed like those of odd bits, most significant first;
     * libtiff puts the other sizes into the machine's order, and reverses 3 bytes where the file's
     * order is not the machine's */
    bool mapped = layout->way == UN_TIFF_MAPPED;
    if (bits == 16 || bits == 32 || bits == 64)
        layout->big_endian = mapped ? TIFFIsBigEndian(tif) : HOST_BIG;
    else
        layout->big_endian = mapped || bits != 24 || !TIFFIsByteSwapped(tif);
}

/* Whether the strips and tiles are in the file and can hold what the header claims. */
static unet_code check_claim(struct unet_source *source, const struct un_tiff_layout *layout,
                             unet_error *err)
{
    TIFF *tif = ((struct un_tiff *)source->state)->tif;
    uint64_t size = source->file.size, compressed = 0;
    uint32_t count = layout->across * layout->down * layout->planes;
    for (uint32_t i = 0; i < count; i++) {
        uint64_t at = TIFFGetStrileOffset(tif, i), bytes = TIFFGetStrileByteCount(tif, i);
        if (at > size || bytes > size - at)
            return un_fail(err, UNET_EFORMAT,
                           "%s: truncated TIFF (the file has %llu bytes, %s %u ends at %llu)",
                           source->name, (unsigned long long)size, layout->tiled ? "tile" : "strip",
                           i, (unsigned long long)(at + bytes));
        compressed += bytes;
    }
    /* chunks may share their bytes, but no file needs that for many of them; old JPEG has data
     * outside of its chunks */
    if (compressed > 4 * size || layout->compression == COMPRESSION_OJPEG)
        compressed = 4 * size;
    uint64_t packed = (uint64_t)layout->width * layout->height * layout->samples * layout->bits / 8;
    uint64_t most = packed > layout->raw_bytes ? packed : layout->raw_bytes;
    most =
        layout->across_y ? most / 3 : most; /* subsampled: half of it at least; a third is safe */
    if (layout->chunk_bytes > CHUNK_BYTES && layout->way == UN_TIFF_CHUNKS)
        return un_fail(err, UNET_EFORMAT, "%s: a strip or tile of %zu MB; up to %d wanted",
                       source->name, layout->chunk_bytes >> 20, (int)(CHUNK_BYTES >> 20));
    if (most / un_tiff_expansion(layout->compression) > compressed)
        return un_fail(err, UNET_EFORMAT, "%s: truncated TIFF (%llu bytes for %u x %u pixels)",
                       source->name, (unsigned long long)compressed, layout->width, layout->height);
    return UNET_OK;
}

unet_code un_tiff_header(struct unet_source *source, struct un_tiff_layer *layer,
                         struct un_page *page, unet_error *err)
{
    TIFF *tif = ((struct un_tiff *)source->state)->tif;
    struct un_tiff_layout *layout = &layer->layout;
    uint16_t planar = PLANARCONFIG_CONTIG;
    *layout = (struct un_tiff_layout){.bits = 1, .samples = 1};
    TIFFGetField(tif, TIFFTAG_IMAGEWIDTH, &layout->width);
    TIFFGetField(tif, TIFFTAG_IMAGELENGTH, &layout->height);
    TIFFGetFieldDefaulted(tif, TIFFTAG_BITSPERSAMPLE, &layout->bits);
    TIFFGetFieldDefaulted(tif, TIFFTAG_SAMPLESPERPIXEL, &layout->samples);
    TIFFGetFieldDefaulted(tif, TIFFTAG_PLANARCONFIG, &planar);
    TIFFGetFieldDefaulted(tif, TIFFTAG_COMPRESSION, &layout->compression);
    layout->tiled = TIFFIsTiled(tif);
    if (!TIFFGetField(tif, TIFFTAG_PHOTOMETRIC, &layout->photometric))
        layout->photometric = layout->samples >= 3 ? PHOTOMETRIC_RGB : PHOTOMETRIC_MINISBLACK;
    if (!TIFFIsCODECConfigured(layout->compression))
        return un_fail(err, UNET_EFORMAT, "%s: TIFF compression %d, which libtiff here lacks",
                       source->name, layout->compression);
    if (layout->compression == COMPRESSION_JPEG && layout->photometric == PHOTOMETRIC_YCBCR &&
        planar == PLANARCONFIG_CONTIG)
        layout->photometric = PHOTOMETRIC_RGB;
    if (!layout->width || !layout->height || layout->width > UN_IMAGE_SIDE ||
        layout->height > UN_IMAGE_SIDE)
        return un_fail(err, UNET_EFORMAT, "%s: %u x %u pixels; sides of 1..%d wanted", source->name,
                       layout->width, layout->height, UN_IMAGE_SIDE);
    if (layout->photometric == PHOTOMETRIC_YCBCR)
        take_ycbcr(tif, layout);
    unet_code code = take_page(source, layout, planar == PLANARCONFIG_SEPARATE, page, err);
    if (code)
        return code;
    if ((layout->across_y &&
         (!is_subsampling(layout->across_y) || !is_subsampling(layout->down_y))) ||
        !take_grid(tif, layout, planar == PLANARCONFIG_SEPARATE && layout->samples > 1))
        return un_fail(err, UNET_EFORMAT, "%s: broken TIFF (its %s do not make up the image)",
                       source->name, layout->tiled ? "tiles" : "strips");
    choose_way(tif, layout);
    return check_claim(source, layout, err);
}
