/* SPDX-License-Identifier: Apache-2.0 */
/*
 * nifti.c - NIfTI-1 and NIfTI-2 (nifti.nimh.nih.gov), and Analyze 7.5, from which they came
 *
 *     scan.nii            header, extensions, samples
 *     scan.nii.gz         the same, compressed
 *     scan.hdr, scan.img  header and samples by themselves; either may be compressed
 *
 * Samples lie with x running fastest, then y, z, t and up to three more.  A page is a plane of x
 * (columns) and y (rows); page z + Z * t for z and t, and so on.  Rows keep the order of the file:
 * y = 0 is at the top, whatever the directions in space that the header may tell.  What is not
 * compressed is read where it lies in the mapped file; the rest is unpacked as far as it is wanted.
 */
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>

#include "data/gunzip.h"
#include "data/number.h"
#include "data/source.h"

#define SIZE_1 348
#define SIZE_2 540
#define MORE_AT_END (1 << 20) /* bytes that may follow the samples when compressed */
#define CIFTI_FIRST 3000      /* intents of matrices over brain models */
#define CIFTI_LAST 3099

enum version { NOT_NIFTI, ANALYZE, NIFTI_1, NIFTI_2 };

struct header {
    const unsigned char *bytes;
    enum version version;
    bool big_endian, pair;
};

struct reader {
    struct un_mapping image; /* scan.img */
    char *image_name;
    const struct un_mapping *samples; /* the file that has them */
    struct un_gunzip *gunzip;         /* of that file, if it is compressed */
    struct un_page page;
    uint64_t start, page_bytes;
    bool big_endian;
};

/* Where things stand in a header, and how many bytes they have. */
struct place {
    int at, bytes;
};
enum { DIMS, DATATYPE, PIXDIM, OFFSET, SLOPE, INTERCEPT, UNITS, INTENT, PLACES };
static const struct place places[2][PLACES] = {
    {{40, 2}, {70, 2}, {76, 4}, {108, 4}, {112, 4}, {116, 4}, {123, 1}, {68, 2}},
    {{16, 8}, {12, 2}, {104, 8}, {168, 8}, {176, 8}, {184, 8}, {500, 4}, {504, 4}},
};

static int64_t integer(const struct header *h, int what, int i)
{
    const struct place p = places[h->version == NIFTI_2][what];
    uint64_t v = un_number(h->bytes + p.at + i * p.bytes, p.bytes, h->big_endian);
    int shift = 64 - 8 * p.bytes;
    return (int64_t)(v << shift) >> shift;
}

static double real(const struct header *h, int what, int i)
{
    const struct place p = places[h->version == NIFTI_2][what];
    uint64_t v = un_number(h->bytes + p.at + i * p.bytes, p.bytes, h->big_endian);
    double f64;
    float f32;
    uint32_t low = (uint32_t)v;
    memcpy(&f64, &v, sizeof v);
    memcpy(&f32, &low, sizeof low);
    return p.bytes == 8 ? f64 : (double)f32;
}

/* ---- the header -------------------------------------------------------------------------- */

/* What a header of `size` bytes is of a file of `file_size`; Analyze's has no mark of its own. */
static struct header recognise(const unsigned char *p, size_t size, size_t file_size)
{
    struct header h = {.bytes = p};
    if (size < SIZE_1)
        return h;
    h.big_endian = p[0] == 0;
    uint64_t claimed = un_number(p, 4, h.big_endian);
    if (claimed == SIZE_2 && size >= SIZE_2 && !memcmp(p + 6, "2\0\r\n\x1a\n", 6)) {
        h.pair = !memcmp(p + 4, "ni", 2);
        h.version = h.pair || !memcmp(p + 4, "n+", 2) ? NIFTI_2 : NOT_NIFTI;
    } else if (claimed == SIZE_1) {
        h.pair = memcmp(p + 344, "n+1", 4) != 0;
        h.version = !h.pair || !memcmp(p + 344, "ni1", 4) ? NIFTI_1
                    : file_size == SIZE_1                 ? ANALYZE
                                                          : NOT_NIFTI;
    }
    return h;
}

/* A header of a compressed file is unpacked into buffer. */
static struct header find_header(const unsigned char *head, size_t size, unsigned char *buffer)
{
    const struct un_mapping file = {.data = head, .size = size};
    struct un_gunzip *gunzip;
    if (!un_gunzip_probe(head, size))
        return recognise(head, size, size);
    if (un_gunzip_open("", &file, &gunzip, NULL))
        return (struct header){0};
    size_t got = SIZE_2;
    if (un_gunzip_read(gunzip, 0, buffer, SIZE_2, NULL))
        got = un_gunzip_read(gunzip, 0, buffer, SIZE_1, NULL) ? 0 : SIZE_1;
    un_gunzip_close(gunzip);
    return recognise(buffer, got, got);
}

static bool probe(const unsigned char *head, size_t size)
{
    unsigned char buffer[SIZE_2];
    return find_header(head, size, buffer).version != NOT_NIFTI;
}

static unet_code take_type(const char *name, const struct header *h, struct un_page *page,
                           unet_error *err)
{
    static const struct {
        int code;
        enum un_kind kind;
        int bytes, channels;
    } types[] = {{2, UN_UINT, 1, 1},   {4, UN_INT, 2, 1},     {8, UN_INT, 4, 1},
                 {16, UN_FLOAT, 4, 1}, {64, UN_FLOAT, 8, 1},  {128, UN_UINT, 1, 3},
                 {256, UN_INT, 1, 1},  {512, UN_UINT, 2, 1},  {768, UN_UINT, 4, 1},
                 {1024, UN_INT, 8, 1}, {1280, UN_UINT, 8, 1}, {2304, UN_UINT, 1, 4}};
    int64_t code = integer(h, DATATYPE, 0);
    for (size_t i = 0; i < sizeof types / sizeof *types; i++)
        if (types[i].code == code) {
            page->kind = types[i].kind;
            page->bytes = types[i].bytes;
            page->bits = 8 * types[i].bytes;
            page->channels = types[i].channels;
            page->alpha = types[i].channels == 4;
            return UNET_OK;
        }
    return un_fail(err, UNET_EFORMAT,
                   "%s: samples of NIfTI's type %lld; integers of 8 to 64 bits, float, double, RGB "
                   "or RGBA wanted",
                   name, (long long)code);
}

/* Sides and pages. */
static unet_code take_sides(const char *name, const struct header *h, struct un_page *page,
                            int *pages, unet_error *err)
{
    int64_t dims = integer(h, DIMS, 0), side[8], count = 1;
    if (dims < 1 || dims > 7)
        return un_fail(err, UNET_EFORMAT, "%s: %lld dimensions; 1 to 7 wanted", name,
                       (long long)dims);
    for (int i = 1; i < 8; i++) {
        side[i] = i <= dims ? integer(h, DIMS, i) : 1;
        if (side[i] < 1 || side[i] > UN_IMAGE_SIDE)
            return un_fail(err, UNET_EFORMAT, "%s: dimension %d is %lld; 1..%d wanted", name, i,
                           (long long)side[i], UN_IMAGE_SIDE);
        count *= i > 2 ? side[i] : 1;
        if (count > UN_SOURCE_PAGES)
            return un_fail(err, UNET_EFORMAT, "%s: more than %d planes", name, UN_SOURCE_PAGES);
    }
    page->width = (int)side[1];
    page->height = (int)side[2];
    *pages = (int)count;
    return un_page_check(name, page, err);
}

static void take_meaning(const struct header *h, struct un_page *page)
{
    static const struct {
        int code;
        double scale;
        char unit[4];
    } units[] = {{1, 1000, "mm"}, {2, 1, "mm"}, {3, 1, "um"}};
    double slope = real(h, SLOPE, 0), offset = real(h, INTERCEPT, 0);
    if (h->version == ANALYZE)
        return;
    if (isfinite(slope) && isfinite(offset) && slope != 0 && (slope != 1 || offset != 0)) {
        page->slope = slope;
        page->offset = offset;
    }
    double width = fabs(real(h, PIXDIM, 1)), height = fabs(real(h, PIXDIM, 2));
    for (size_t i = 0; i < sizeof units / sizeof *units; i++)
        if ((integer(h, UNITS, 0) & 7) == units[i].code && isfinite(width) && isfinite(height) &&
            width > 0 && height > 0) {
            page->pixel_width = width * units[i].scale;
            page->pixel_height = height * units[i].scale;
            strcpy(page->unit, units[i].unit);
        }
}

/* Where the samples begin. */
static unet_code take_start(const char *name, const struct header *h, uint64_t *start,
                            unet_error *err)
{
    const bool long_one = h->version == NIFTI_2;
    const double least = h->pair ? 0 : long_one ? SIZE_2 + 4 : SIZE_1 + 4;
    double at = long_one ? (double)integer(h, OFFSET, 0) : real(h, OFFSET, 0);
    if (at == 0)
        at = least;
    if (!(at >= least && at < 1e15))
        return un_fail(err, UNET_EFORMAT, "%s: samples from byte %g on; %g or more wanted", name,
                       at, least);
    *start = (uint64_t)at;
    return UNET_OK;
}

static unet_code take_header(const char *name, const struct header *h, struct reader *r, int *pages,
                             unet_error *err)
{
    int64_t intent = h->version == ANALYZE ? 0 : integer(h, INTENT, 0);
    unet_code code;
    if (intent >= CIFTI_FIRST && intent <= CIFTI_LAST)
        return un_fail(err, UNET_EFORMAT,
                       "%s: a CIFTI matrix (intent %d), which is no picture; NIfTI images wanted",
                       name, (int)intent);
    if ((code = take_type(name, h, &r->page, err)) ||
        (code = take_sides(name, h, &r->page, pages, err)) ||
        (code = take_start(name, h, &r->start, err)))
        return code;
    take_meaning(h, &r->page);
    r->big_endian = h->big_endian;
    r->page_bytes = un_rect_bytes(&r->page, (struct un_rect){0, 0, r->page.height, r->page.width});
    return UNET_OK;
}

/* ---- opening ----------------------------------------------------------------------------- */

/* scan.hdr or scan.hdr[3] -> scan.img; NULL when there is no memory. */
static char *name_of_image(const char *name, const char *ending)
{
    size_t length = strlen(name);
    const char *bracket = strrchr(name, '[');
    if (bracket && name[length - 1] == ']')
        length = (size_t)(bracket - name);
    if (length > 3 && !strncasecmp(name + length - 3, ".gz", 3))
        length -= 3;
    if (length > 4 && !strncasecmp(name + length - 4, ".hdr", 4))
        length -= 4;
    char *made = malloc(length + strlen(ending) + 1);
    if (made)
        sprintf(made, "%.*s%s", (int)length, name, ending);
    return made;
}

static unet_code open_image(const struct un_source *source, struct reader *r, unet_error *err)
{
    static const char *const endings[] = {".img", ".img.gz", ".IMG"};
    for (size_t i = 0; i < 3 && !source->file.borrowed; i++) {
        free(r->image_name);
        if (!(r->image_name = name_of_image(source->name, endings[i])))
            return un_fail_memory(err, strlen(source->name), source->name);
        if (!access(r->image_name, F_OK)) {
            r->samples = &r->image;
            return un_map_open(r->image_name, &r->image, err);
        }
    }
    return un_fail(err, UNET_EFORMAT,
                   "%s: only the header of an image; its samples wanted beside it, in an .img",
                   source->name);
}

static unet_code check_claim(const struct un_source *source, const struct reader *r, int pages,
                             unet_error *err)
{
    uint64_t need = r->start + r->page_bytes * (uint64_t)pages, have = r->samples->size;
    if (r->gunzip ? need / UN_GUNZIP_LIMIT <= have : need <= have)
        return UNET_OK;
    return un_fail(err, UNET_EFORMAT,
                   "%s: truncated%s (%llu bytes for %d x %d pixels in %d planes of %d bits)",
                   r->image_name ? r->image_name : source->name, r->gunzip ? " or broken" : "",
                   (unsigned long long)have, r->page.width, r->page.height, pages, r->page.bits);
}

static unet_code nifti_open(struct un_source *source, unet_error *err)
{
    struct reader *r = calloc(1, sizeof *r);
    unsigned char buffer[SIZE_2];
    if (!r)
        return un_fail_memory(err, sizeof *r, source->name);
    source->state = r;
    r->samples = &source->file;
    struct header h = find_header(source->file.data, source->file.size, buffer);
    unet_code code = take_header(source->name, &h, r, &source->file_pages, err);
    if (code || (h.pair && (code = open_image(source, r, err))))
        return code;
    if (h.version == ANALYZE)
        snprintf(source->note, sizeof source->note,
                 "an Analyze 7.5 header: samples as they stand, without scale or pixel size");
    if (un_gunzip_probe(r->samples->data, r->samples->size)) {
        const char *name = r->image_name ? r->image_name : source->name;
        if ((code = un_gunzip_open(name, r->samples, &r->gunzip, err)))
            return code;
        r->page.in_order = true;
        r->page.working = UN_GUNZIP_WORKING;
    }
    return check_claim(source, r, source->file_pages, err);
}

static unet_code nifti_page(struct un_source *source, int index, struct un_page *page,
                            unet_error *err)
{
    (void)index;
    (void)err;
    *page = ((struct reader *)source->state)->page;
    return UNET_OK;
}

/* ---- samples ----------------------------------------------------------------------------- */

static unet_code unpack(struct un_source *source, struct reader *r, uint64_t at,
                        struct un_rect rect, uint8_t *dst, unet_error *err)
{
    const size_t stride = un_rect_bytes(&r->page, (struct un_rect){0, 0, 1, r->page.width});
    const size_t left = un_rect_bytes(&r->page, (struct un_rect){0, 0, 1, rect.left});
    const size_t row = un_rect_bytes(&r->page, (struct un_rect){0, 0, 1, rect.width});
    const uint64_t end = r->start + r->page_bytes * (uint64_t)source->file_pages;
    unet_code code = UNET_OK;
    for (int y = rect.top; y < rect.top + rect.height && !code; y++, dst += row) {
        uint64_t from = at + (uint64_t)y * stride + left;
        code = un_gunzip_read(r->gunzip, from, dst, row, err);
        if (!code && from + row == end)
            code = un_gunzip_end(r->gunzip, MORE_AT_END, err);
    }
    return code;
}

static unet_code nifti_read(struct un_source *source, int index, const struct un_page *page,
                            struct un_rect rect, void *samples, unet_error *err)
{
    struct reader *r = source->state;
    const uint64_t at = r->start + r->page_bytes * (uint64_t)index;
    if (r->gunzip) {
        unet_code code = unpack(source, r, at, rect, samples, err);
        if (code)
            return code;
    } else {
        const struct un_rect passed = {0, 0, rect.top + rect.height, page->width};
        un_rect_copy(page, r->samples->data + at, rect, samples);
        un_map_forget(r->samples, r->samples->data + at, un_rect_bytes(page, passed));
    }
    if (un_other_order(r->big_endian))
        un_swap(samples, un_rect_bytes(page, rect) / (size_t)page->bytes, page->bytes);
    return UNET_OK;
}

static void nifti_close(struct un_source *source)
{
    struct reader *r = source->state;
    if (!r)
        return;
    un_gunzip_close(r->gunzip);
    un_map_release(&r->image);
    free(r->image_name);
    free(r);
}

static const char *const endings[] = {".nii", ".nii.gz", ".hdr", NULL};
const struct un_format un_format_nifti = {"NIfTI",    endings,    probe,      nifti_open,
                                          nifti_page, nifti_read, nifti_close};
