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
 * y = 0 is at the top, whatever the directions in space that the header tells (geometry.h).  What
 * is not compressed is read where it lies in the mapped file; the rest is unpacked as far as it is
 * wanted.
 */
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>

#include "image/formats/gunzip.h"
#include "image/formats/nifti_header.h"
#include "image/formats/number.h"
#include "image/source.h"

#define MORE_AT_END (1 << 20) /* bytes that may follow the samples when compressed */

struct reader {
    struct un_mapping image; /* scan.img */
    char *image_name;
    const struct un_mapping *samples; /* the file that has them */
    struct un_gunzip *gunzip;         /* of that file, if it is compressed */
    struct un_page page;
    uint64_t start, page_bytes;
    bool big_endian;
};

/* A header of a compressed file is unpacked into buffer. */
static struct un_nifti_header find_header(const unsigned char *head, size_t size,
                                          unsigned char *buffer)
{
    const struct un_mapping file = {.data = head, .size = size, .borrowed = true};
    struct un_gunzip *gunzip;
    if (!un_gunzip_probe(head, size))
        return un_nifti_recognise(head, size, size);
    if (un_gunzip_open("", &file, &gunzip, NULL))
        return (struct un_nifti_header){0};
    size_t got = UN_NIFTI_SIZE_2;
    if (un_gunzip_read(gunzip, 0, buffer, UN_NIFTI_SIZE_2, NULL))
        got = un_gunzip_read(gunzip, 0, buffer, UN_NIFTI_SIZE_1, NULL) ? 0 : UN_NIFTI_SIZE_1;
    un_gunzip_close(gunzip);
    return un_nifti_recognise(buffer, got, got);
}

static bool probe(const unsigned char *head, size_t size)
{
    unsigned char buffer[UN_NIFTI_SIZE_2];
    return find_header(head, size, buffer).version != UN_NOT_NIFTI;
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

static unet_code open_image(const struct unet_source *source, struct reader *r, unet_error *err)
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

static unet_code check_claim(const struct unet_source *source, const struct reader *r, int pages,
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

static unet_code nifti_open(struct unet_source *source, unet_error *err)
{
    struct reader *r = calloc(1, sizeof *r);
    unsigned char buffer[UN_NIFTI_SIZE_2];
    if (!r)
        return un_fail_memory(err, sizeof *r, source->name);
    source->state = r;
    r->samples = &source->file;
    struct un_nifti_header h = find_header(source->file.data, source->file.size, buffer);
    unet_code code = un_nifti_take(source->name, &h, &r->page, &source->file_pages, &r->start, err);
    if (code || (h.pair && (code = open_image(source, r, err))))
        return code;
    r->big_endian = h.big_endian;
    r->page_bytes = un_rect_bytes(&r->page, (struct un_rect){0, 0, r->page.height, r->page.width});
    if (h.version == UN_ANALYZE)
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

static unet_code nifti_page(struct unet_source *source, int index, struct un_page *page,
                            unet_error *err)
{
    (void)index;
    (void)err;
    *page = ((struct reader *)source->state)->page;
    return UNET_OK;
}

/* ---- samples ----------------------------------------------------------------------------- */

static unet_code unpack(struct unet_source *source, struct reader *r, uint64_t at,
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

static unet_code nifti_read(struct unet_source *source, int index, const struct un_page *page,
                            struct un_rect rect, void *samples, unet_error *err)
{
    struct reader *r = source->state;
    const uint64_t at = r->start + r->page_bytes * (uint64_t)index;
    unet_code code = r->gunzip ? un_map_check(r->samples, source->name, err) : UNET_OK;
    if (!code)
        code = r->gunzip ? unpack(source, r, at, rect, samples, err)
                         : un_rect_read(r->samples, source->name, at, page, rect, samples, err);
    if (code)
        return code;
    if (un_other_order(r->big_endian))
        un_swap(samples, un_rect_bytes(page, rect) / (size_t)page->bytes, page->bytes);
    return UNET_OK;
}

static void nifti_close(struct unet_source *source)
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
