/* SPDX-License-Identifier: Apache-2.0 */
/*
 * nifti_write.c - NIfTI-1, plain or compressed: pages become planes of one volume
 *
 * How many planes there are is known at the end, so the header is written then, into the room that
 * was left for it.  Of a compressed file it is a gzip member of its own, which deflate "stores" in
 * so many bytes whatever is in it; readers unpack one member after the other.
 */
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/number.h"
#include "image/formats/gunzip.h"
#include "image/sink.h"

#define HEADER 352 /* with the four bytes that say that no extension follows */

struct writer {
    struct un_gzip *gzip;      /* of the samples; NULL: they are written as they are */
    struct un_sink_page first; /* the others have its sides and kind */
};

/* ---- the header -------------------------------------------------------------------------- */

static void put(unsigned char *p, uint64_t v, int bytes)
{
    for (int i = 0; i < bytes; i++)
        p[i] = (unsigned char)(v >> 8 * i);
}

static void put_float(unsigned char *p, double v)
{
    float f = (float)v;
    uint32_t bits;
    memcpy(&bits, &f, 4);
    put(p, bits, 4);
}

static int type_of(const struct un_sink_page *page)
{
    return page->channels == 3      ? 128
           : page->kind == UN_FLOAT ? 16
           : page->bytes == 1       ? 2
           : page->bytes == 2       ? 512
                                    : 768;
}

static void put_sides(unsigned char *h, const struct un_sink_page *page, int pages)
{
    const int told = page->place.count[2] > 0 ? page->place.count[2] : page->depth;
    const int depth = told > 0 && pages % told == 0 ? told : pages;
    const int side[4] = {page->width, page->height, depth, pages / depth};
    const int dims = side[3] > 1 ? 4 : 3;
    put(h + 40, (uint64_t)dims, 2);
    for (int i = 0; i < 7; i++)
        put(h + 42 + 2 * i, i < 4 ? (uint64_t)side[i] : 1, 2);
}

/* Lengths in mm; of a place whose unit is not known, as they are. */
static void put_place(unsigned char *h, const struct un_sink_page *page)
{
    const struct un_place *place = &page->place;
    const double mm = !strcmp(page->unit, "um") ? 1e-3 : !strcmp(page->unit, "nm") ? 1e-6 : 1;
    double size[3] = {page->pixel_width * mm, page->pixel_height * mm, 0}, scale = 1;
    if (place->kind == UN_PLACE_BODY || place->kind == UN_PLACE_SIZES) {
        for (int k = 0; k < 3; k++)
            size[k] = hypot(hypot(place->step[k][0], place->step[k][1]), place->step[k][2]);
        if (page->pixel_width > 0 && size[0] > 0)
            scale = page->pixel_width * mm / size[0];
    }
    put_float(h + 76, 1);
    for (int k = 0; k < 3; k++)
        put_float(h + 80 + 4 * k, size[k] > 0 ? size[k] * scale : 1);
    h[123] = page->pixel_width > 0 || place->kind == UN_PLACE_BODY ? 2 : 0;
    if (place->kind != UN_PLACE_BODY)
        return;
    put(h + 254, place->space > 0 ? (uint64_t)place->space : 1, 2);
    for (int r = 0; r < 3; r++) {
        for (int k = 0; k < 3; k++)
            put_float(h + 280 + 16 * r + 4 * k, place->step[k][r] * scale);
        put_float(h + 280 + 16 * r + 12, place->origin[r] * scale);
    }
}

static void make_header(const struct un_sink_page *page, int pages, unsigned char h[HEADER])
{
    memset(h, 0, HEADER);
    put(h, 348, 4);
    put_sides(h, page, pages);
    put(h + 70, (uint64_t)type_of(page), 2);
    put(h + 72, (uint64_t)(8 * page->bytes * page->channels), 2);
    put_float(h + 108, HEADER);
    put_float(h + 112, 1);
    put_place(h, page);
    memcpy(h + 344, "n+1", 4);
}

static bool write_header(struct unet_writer *sink)
{
    const struct writer *w = sink->state;
    unsigned char header[HEADER], member[HEADER + UN_GZIP_STORED];
    make_header(&w->first, sink->pages, header);
    if (!w->gzip)
        return fwrite(header, 1, HEADER, sink->save.file) == HEADER;
    un_gzip_store(header, HEADER, member);
    return fwrite(member, 1, sizeof member, sink->save.file) == sizeof member;
}

/* ---- samples ----------------------------------------------------------------------------- */

static unet_code fail_write(const struct unet_writer *sink, unet_error *err)
{
    return un_fail_errno(err, "%s: cannot be written", sink->save.path);
}

static unet_code begin(struct unet_writer *sink, unet_error *err)
{
    const size_t length = strlen(sink->save.path);
    struct writer *w = calloc(1, sizeof *w);
    if (!w)
        return un_fail_memory(err, sizeof *w, sink->save.path);
    sink->state = w;
    w->first = sink->page;
    w->first.palette = NULL;
    if (length > 3 && !strcasecmp(sink->save.path + length - 3, ".gz") &&
        !(w->gzip = un_gzip_open(sink->save.file)))
        return un_fail_memory(err, UN_GZIP_WORKING, sink->save.path);
    return write_header(sink) ? UNET_OK : fail_write(sink, err);
}

static unet_code nifti_page(struct unet_writer *sink, unet_error *err)
{
    const struct un_sink_page *page = &sink->page;
    if (page->planar || (page->channels != 1 && (page->channels != 3 || page->bytes != 1)) ||
        page->width > INT16_MAX || page->height > INT16_MAX || sink->pages > INT16_MAX)
        return un_fail(err, UNET_EINVAL,
                       "%s: %d x %d pixels of %d channels; one channel or RGB, and sides up to %d "
                       "wanted",
                       sink->save.path, page->width, page->height, page->channels, INT16_MAX);
    if (sink->pages == 1)
        return begin(sink, err);
    const struct un_sink_page *first = &((struct writer *)sink->state)->first;
    if (page->width == first->width && page->height == first->height &&
        type_of(page) == type_of(first))
        return UNET_OK;
    return un_fail(err, UNET_EINVAL, "%s: a page of %d x %d pixels after others of %d x %d",
                   sink->save.path, page->width, page->height, first->width, first->height);
}

static unet_code nifti_rows(struct unet_writer *sink, const void *rows, int count, unet_error *err)
{
    const struct writer *w = sink->state;
    const int bytes = sink->page.bytes;
    const size_t stride = un_sink_stride(&sink->page), samples = stride / (size_t)bytes;
    unsigned char *turned = w->gzip && UN_HOST_BIG ? malloc(stride) : NULL;
    bool done = true;
    if (w->gzip && UN_HOST_BIG && !turned)
        return un_fail_memory(err, stride, sink->save.path);
    for (int y = 0; y < count && done; y++) {
        const char *row = (const char *)rows + (size_t)y * stride;
        if (turned)
            un_little_copy(turned, row, samples, bytes);
        done = w->gzip ? un_gzip_write(w->gzip, turned ? (const char *)turned : row, stride)
                       : un_little_write(row, (size_t)bytes, samples, sink->save.file) == samples;
    }
    free(turned);
    return done ? UNET_OK : fail_write(sink, err);
}

static unet_code nifti_end(struct unet_writer *sink, unet_error *err)
{
    const struct writer *w = sink->state;
    bool done = (!w->gzip || un_gzip_end(w->gzip)) && !fseeko(sink->save.file, 0, SEEK_SET) &&
                write_header(sink);
    return done ? UNET_OK : fail_write(sink, err);
}

static void nifti_free(struct unet_writer *sink)
{
    struct writer *w = sink->state;
    if (w)
        un_gzip_close(w->gzip);
    free(w);
}

static size_t nifti_working(const struct un_sink_page *page)
{
    (void)page;
    return sizeof(struct writer) + UN_GZIP_WORKING;
}

static const char *const endings[] = {".nii", ".nii.gz", NULL};
/* palettes are what others show numbers in: they are passed over */
const struct un_sink_format un_sink_nifti = {endings,   true,       nifti_page,   nifti_rows,
                                             nifti_end, nifti_free, nifti_working};
