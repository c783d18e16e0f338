/* SPDX-License-Identifier: Apache-2.0 */
/*
 * tiff_write.c - TIFF: deflate-compressed strips or tiles, with a predictor or a palette
 *
 * A page of more than 64 MB is tiled and has smaller levels (SubIFDs, as OME-TIFF wants them), so
 * that others can look at a part of it, or at all of it; rows are gathered until a row of tiles (or
 * a strip) is full.  A file that might pass 4 GB is a BigTIFF.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "image/sink.h"
#include "image/tiff/ome_text.h"
#include "image/tiff/tiff_geo.h"
#include "image/tiff/tiff_pyramid.h"

#define STRIP_BYTES (256 << 10) /* large enough to compress well, small enough to seek in */
#define TILE 256
#define TILED_BYTES ((uint64_t)64 << 20)
#define BIG_BYTES ((uint64_t)4000000000)

struct writer {
    struct un_tiff_job job;
    TIFF *tif;
    bool tiled;
    int rows, have; /* of a strip or row of tiles; gathered */
    uint32_t next;  /* strip or tile */
    size_t pixels;  /* bytes of the page */
    uint8_t *band;  /* [rows][width][channels] */
    uint8_t *chunk; /* libtiff's predictor works in the buffer that it is given */
    struct un_pyramid pyramid;
    bool pending; /* a page is not in the list of directories yet */
};

static void set_palette(TIFF *tif, const uint8_t (*palette)[3], int colors)
{
    uint16_t rgb[3][256] = {0};
    for (int i = 0; i < colors; i++)
        for (int c = 0; c < 3; c++)
            rgb[c][i] = (uint16_t)(palette[i][c] * 257);
    TIFFSetField(tif, TIFFTAG_COLORMAP, rgb[0], rgb[1], rgb[2]);
}

/* Pixels per centimetre; what ImageJ and Bio-Formats read. */
static void set_resolution(TIFF *tif, const struct un_sink_page *page)
{
    double cm = !strcmp(page->unit, "mm")   ? 0.1
                : !strcmp(page->unit, "um") ? 1e-4
                : !strcmp(page->unit, "nm") ? 1e-7
                                            : 0;
    if (!(page->pixel_height > 0) || !(page->pixel_width > 0) || cm == 0)
        return;
    TIFFSetField(tif, TIFFTAG_RESOLUTIONUNIT, RESUNIT_CENTIMETER);
    TIFFSetField(tif, TIFFTAG_XRESOLUTION, 1 / (page->pixel_width * cm));
    TIFFSetField(tif, TIFFTAG_YRESOLUTION, 1 / (page->pixel_height * cm));
}

static void set_tags(const struct writer *w, const struct un_sink_page *page)
{
    TIFF *tif = w->tif;
    bool rgb = page->channels == 3 && !page->palette;
    TIFFSetField(tif, TIFFTAG_IMAGEWIDTH, (uint32_t)page->width);
    TIFFSetField(tif, TIFFTAG_IMAGELENGTH, (uint32_t)page->height);
    TIFFSetField(tif, TIFFTAG_SAMPLESPERPIXEL, page->channels);
    TIFFSetField(tif, TIFFTAG_BITSPERSAMPLE, 8 * page->bytes);
    TIFFSetField(tif, TIFFTAG_SAMPLEFORMAT,
                 page->kind == UN_FLOAT ? SAMPLEFORMAT_IEEEFP : SAMPLEFORMAT_UINT);
    TIFFSetField(tif, TIFFTAG_PLANARCONFIG, PLANARCONFIG_CONTIG);
    if (w->tiled) {
        TIFFSetField(tif, TIFFTAG_TILEWIDTH, TILE);
        TIFFSetField(tif, TIFFTAG_TILELENGTH, TILE);
    } else {
        TIFFSetField(tif, TIFFTAG_ROWSPERSTRIP, (uint32_t)w->rows);
    }
    TIFFSetField(tif, TIFFTAG_PHOTOMETRIC,
                 page->palette ? PHOTOMETRIC_PALETTE
                 : rgb         ? PHOTOMETRIC_RGB
                               : PHOTOMETRIC_MINISBLACK);
    TIFFSetField(tif, TIFFTAG_COMPRESSION, COMPRESSION_ADOBE_DEFLATE);
    if (w->tiled) /* a large page: whoever computes it would wait for the best compression */
        TIFFSetField(tif, TIFFTAG_ZIPQUALITY, 1);
    if (page->palette)
        set_palette(tif, page->palette, page->colors);
    else
        TIFFSetField(tif, TIFFTAG_PREDICTOR,
                     page->kind == UN_FLOAT ? PREDICTOR_FLOATINGPOINT : PREDICTOR_HORIZONTAL);
    if (!rgb && page->channels > 1) {
        static const uint16_t unspecified[UN_IMAGE_CHANNELS];
        TIFFSetField(tif, TIFFTAG_EXTRASAMPLES, page->channels - 1, unspecified);
    }
}

/* What the page has, and its levels have not. */
static unet_code set_page_tags(const struct unet_writer *sink, unet_error *err)
{
    static const uint64_t places[UN_PYRAMID_LEVELS]; /* libtiff fills them in */
    const struct writer *w = sink->state;
    const struct un_sink_page *page = &sink->page;
    set_resolution(w->tif, page);
    if (page->geo)
        un_geo_write(w->tif, page->geo);
    if (w->pyramid.count)
        TIFFSetField(w->tif, TIFFTAG_SUBIFD, w->pyramid.count, places);
    if (sink->pages > 1 || !un_ome_named(sink->save.path))
        return UNET_OK;
    char *text = un_ome_text(sink->save.path, page);
    if (!text)
        return un_fail_memory(err, 4096, sink->save.path);
    TIFFSetField(w->tif, TIFFTAG_IMAGEDESCRIPTION, text);
    free(text);
    return UNET_OK;
}

static bool is_large(const struct un_sink_page *page)
{
    return (uint64_t)page->height * un_sink_stride(page) > TILED_BYTES;
}

/* Smaller levels of a page. */
static int level_count(const struct un_sink_page *page)
{
    const bool wanted =
        page->pyramid ? page->pyramid > 0 : is_large(page) && page->kind != UN_FLOAT;
    return wanted ? un_pyramid_count(page) : 0;
}

static bool is_tiled(const struct un_sink_page *page)
{
    return is_large(page) || level_count(page);
}

/* Rows of a strip or of a row of tiles. */
static int band_rows(const struct un_sink_page *page)
{
    if (is_tiled(page))
        return TILE;
    size_t rows = STRIP_BYTES / un_sink_stride(page);
    return rows < 1 ? 1 : rows > (size_t)page->height ? page->height : (int)rows;
}

static size_t chunk_bytes(const struct un_sink_page *page)
{
    size_t width = is_tiled(page) ? TILE : (size_t)page->width;
    return (size_t)band_rows(page) * width * (size_t)page->channels * (size_t)page->bytes;
}

static unet_code fail_write(const struct unet_writer *sink, unet_error *err)
{
    const struct writer *w = sink->state;
    if (w->job.reason) {
        errno = w->job.reason;
        return un_fail_errno(err, "%s: cannot be written", sink->save.path);
    }
    return un_fail(err, UNET_EIO, "%s: cannot be written: %s", sink->save.path,
                   w->job.message[0] ? w->job.message : "write failed");
}

/* In this processor's order of bytes: libtiff's floating-point predictor spoils the other one. */
static unet_code open_file(struct unet_writer *sink, unet_error *err)
{
    struct writer *w = calloc(1, sizeof *w);
    if (!w)
        return un_fail_memory(err, sizeof *w, sink->save.path);
    sink->state = w;
    w->job.out = sink->save.file;
    w->tif = un_tiff_open(
        sink->save.path,
        sink->bytes > (level_count(&sink->page) ? BIG_BYTES / 4 * 3 : BIG_BYTES) ? "w8" : "w",
        &w->job, 0);
    return w->tif ? UNET_OK : fail_write(sink, err);
}

/* Pixels beyond the right and lower edge repeat what the buffer held: nobody looks at them. */
static bool write_tiles(struct writer *w, const struct un_sink_page *page)
{
    size_t pixel = (size_t)page->channels * (size_t)page->bytes, stride = un_sink_stride(page);
    size_t row = TILE * pixel;
    memset(w->chunk, 0, TILE * row);
    for (int left = 0; left < page->width; left += TILE) {
        int width = page->width - left < TILE ? page->width - left : TILE;
        for (int y = 0; y < w->have; y++)
            memcpy(w->chunk + (size_t)y * row, w->band + (size_t)y * stride + (size_t)left * pixel,
                   (size_t)width * pixel);
        if (TIFFWriteEncodedTile(w->tif, w->next++, w->chunk, (tmsize_t)(TILE * row)) < 0)
            return false;
    }
    return true;
}

static bool write_band(struct writer *w, const struct un_sink_page *page)
{
    size_t bytes = (size_t)w->have * un_sink_stride(page);
    bool done = w->tiled ? write_tiles(w, page)
                         : TIFFWriteEncodedStrip(w->tif, w->next++, w->band, (tmsize_t)bytes) >= 0;
    w->have = 0;
    return done;
}

/* A level is a directory of its own behind that of the page. */
static unet_code write_level(struct unet_writer *sink, int i, unet_error *err)
{
    struct writer *w = sink->state;
    const struct un_sink_page *page = &w->pyramid.level[i].page;
    const size_t stride = un_sink_stride(page);
    w->have = 0;
    w->next = 0;
    TIFFSetField(w->tif, TIFFTAG_SUBFILETYPE, FILETYPE_REDUCEDIMAGE);
    set_tags(w, page);
    for (int y = 0; y < page->height; y++) {
        unet_code code =
            un_pyramid_read(&w->pyramid, i, y, w->band + (size_t)w->have * stride, err);
        if (code)
            return code;
        w->have++;
        if ((w->have == w->rows || y + 1 == page->height) && !write_band(w, page))
            return fail_write(sink, err);
    }
    return TIFFWriteDirectory(w->tif) ? UNET_OK : fail_write(sink, err);
}

/* The page's directory and those of its levels. */
static unet_code end_page(struct unet_writer *sink, unet_error *err)
{
    struct writer *w = sink->state;
    if (!w->pending)
        return UNET_OK;
    w->pending = false;
    unet_code code = TIFFWriteDirectory(w->tif) ? UNET_OK : fail_write(sink, err);
    for (int i = 0; i < w->pyramid.count && !code; i++)
        code = write_level(sink, i, err);
    return code;
}

/* Of OME-TIFF, whose text speaks of all pages. */
static unet_code check_ome(const struct unet_writer *sink, unet_error *err)
{
    const struct writer *w = sink->state;
    const struct un_sink_page *page = &sink->page;
    const int pages = page->pages > 1 ? page->pages : 1;
    if (!un_ome_named(sink->save.path) ||
        (sink->pages <= pages &&
         (sink->pages == 1 || w->pixels == un_sink_stride(page) * (size_t)page->height)))
        return UNET_OK;
    return un_fail(err, UNET_EINVAL,
                   "%s: page %d is beyond %d pages that are alike, which OME-TIFF wants; a name in "
                   ".tif takes any",
                   sink->save.path, sink->pages, pages);
}

static unet_code tiff_page(struct unet_writer *sink, unet_error *err)
{
    const struct un_sink_page *page = &sink->page;
    unet_code code = sink->state ? end_page(sink, err) : open_file(sink, err);
    if (code || (code = check_ome(sink, err)))
        return code;
    struct writer *w = sink->state;
    if (page->planar)
        return un_fail(err, UNET_EINVAL, "%s: planes; interleaved samples wanted", sink->save.path);
    w->tiled = is_tiled(page);
    w->rows = band_rows(page);
    w->have = 0;
    w->next = 0;
    w->pixels = un_sink_stride(page) * (size_t)page->height;
    free(w->band);
    free(w->chunk);
    size_t band = (size_t)w->rows * un_sink_stride(page), chunk = chunk_bytes(page);
    w->band = malloc(band);
    w->chunk = malloc(chunk);
    if (!w->band || !w->chunk)
        return un_fail_memory(err, band + chunk, sink->save.path);
    un_pyramid_release(&w->pyramid);
    if (level_count(page) && (code = un_pyramid_begin(&w->pyramid, page, sink->save.path, err)))
        return code;
    w->pending = true;
    set_tags(w, page);
    return set_page_tags(sink, err);
}

static unet_code tiff_rows(struct unet_writer *sink, const void *rows, int count, unet_error *err)
{
    struct writer *w = sink->state;
    size_t stride = un_sink_stride(&sink->page);
    for (int y = 0; y < count;) {
        int n = w->rows - w->have < count - y ? w->rows - w->have : count - y;
        memcpy(w->band + (size_t)w->have * stride, (const uint8_t *)rows + (size_t)y * stride,
               (size_t)n * stride);
        for (int i = 0; i < n && w->pyramid.count; i++) {
            unet_code code =
                un_pyramid_row(&w->pyramid, (const uint8_t *)rows + (size_t)(y + i) * stride, err);
            if (code)
                return code;
        }
        w->have += n;
        y += n;
        bool last = sink->rows + y == sink->page.height;
        if ((w->have == w->rows || last) && !write_band(w, &sink->page))
            return fail_write(sink, err);
    }
    return UNET_OK;
}

static unet_code tiff_end(struct unet_writer *sink, unet_error *err)
{
    unet_code code = end_page(sink, err);
    if (!code && un_ome_named(sink->save.path) && sink->pages < sink->page.pages)
        code = un_fail(err, UNET_EINVAL, "%s: %d of %d pages are written", sink->save.path,
                       sink->pages, sink->page.pages);
    return code;
}

static void tiff_free(struct unet_writer *sink)
{
    struct writer *w = sink->state;
    if (!w)
        return;
    if (w->tif)
        un_tiff_close(w->tif, &w->job);
    un_pyramid_release(&w->pyramid);
    free(w->band);
    free(w->chunk);
    free(w);
}

static size_t tiff_working(const struct un_sink_page *page)
{
    /* libtiff holds a compressed chunk, deflate its tables */
    return (size_t)band_rows(page) * un_sink_stride(page) + 3 * chunk_bytes(page) + (1 << 20) +
           (level_count(page) ? un_pyramid_working(page) : 0);
}

static const char *const endings[] = {".tif", ".tiff", NULL};
const struct un_sink_format un_sink_tiff = {endings,  true,      tiff_page,   tiff_rows,
                                            tiff_end, tiff_free, tiff_working};
