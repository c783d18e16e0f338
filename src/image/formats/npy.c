/* SPDX-License-Identifier: Apache-2.0 */
/*
 * npy.c - NumPy's array file as an image (npy_header.c reads its header)
 *
 * Floats are taken for what a program has made ready for a network; integers and bool are images
 * and masks like those of other formats.
 */
#include <stdlib.h>
#include <string.h>

#include "image/formats/npy_header.h"
#include "base/number.h"
#include "image/source.h"

static bool probe(const unsigned char *head, size_t size)
{
    return size >= 6 && !memcmp(head, UN_NPY_MAGIC, 6);
}

struct reader {
    struct un_page page;
    size_t start; /* of the values in the file */
    bool fortran; /* rows run fastest, then columns, then channels */
    bool turn;    /* values are in the other byte order */
};

/* The image that a header describes: [H][W], [H][W][C], or a batch [1][1][H][W] of one grey image.
 */
static unet_code take_size(const char *name, const struct un_npy *h, struct un_page *page,
                           unet_error *err)
{
    const bool batch = h->dims == 4 && h->shape[0] == 1 && h->shape[1] == 1;
    const uint64_t *shape = batch ? h->shape + 2 : h->shape;
    if (h->dims != 2 && h->dims != 3 && !batch)
        return un_fail(err, UNET_EFORMAT,
                       "%s: %d dimensions; [height][width] or [height][width][channels] wanted",
                       name, h->dims);
    const uint64_t channels = h->dims == 3 ? shape[2] : 1;
    if (shape[0] > UN_IMAGE_SIDE || shape[1] > UN_IMAGE_SIDE || channels > UN_IMAGE_CHANNELS)
        return un_fail(err, UNET_EFORMAT,
                       "%s: shape [%llu][%llu][%llu]; [height][width][channels] with sides of up "
                       "to %d and up to %d channels wanted",
                       name, (unsigned long long)shape[0], (unsigned long long)shape[1],
                       (unsigned long long)channels, UN_IMAGE_SIDE, UN_IMAGE_CHANNELS);
    page->height = (int)shape[0];
    page->width = (int)shape[1];
    page->channels = (int)channels;
    return un_page_check(name, page, err);
}

static unet_code npy_open(struct unet_source *source, unet_error *err)
{
    struct un_npy h;
    struct reader *r = calloc(1, sizeof *r);
    if (!r)
        return un_fail_memory(err, sizeof *r, source->name);
    source->state = r;
    source->file_pages = 1;
    unet_code code = un_npy_header(source->name, source->file.data, source->file.size, &h, err);
    if (code)
        return code;
    r->page.kind = h.kind;
    r->page.bytes = h.bytes;
    r->page.bits = h.bits;
    r->page.prepared = h.kind == UN_FLOAT;
    if ((code = take_size(source->name, &h, &r->page, err)))
        return code;
    r->start = h.start;
    r->turn = h.turn;
    r->fortran = h.fortran;
    const struct un_rect all = {0, 0, r->page.height, r->page.width};
    size_t bytes = un_rect_bytes(&r->page, all), have = source->file.size - r->start;
    if (have != bytes)
        return un_fail(err, UNET_EFORMAT, "%s: %s .npy (%zu bytes of values, the shape needs %zu)",
                       source->name, have < bytes ? "truncated" : "oversized", have, bytes);
    return UNET_OK;
}

static unet_code npy_page(struct unet_source *source, int index, struct un_page *page,
                          unet_error *err)
{
    (void)index;
    (void)err;
    *page = ((struct reader *)source->state)->page;
    return UNET_OK;
}

/* Gathers a rectangle of an array in Fortran's order. */
static void gather(const struct un_page *page, const unsigned char *values, struct un_rect rect,
                   uint8_t *dst)
{
    const size_t bytes = (size_t)page->bytes, H = (size_t)page->height;
    const size_t plane = H * (size_t)page->width;
    for (int y = rect.top; y < rect.top + rect.height; y++)
        for (int x = rect.left; x < rect.left + rect.width; x++)
            for (int c = 0; c < page->channels; c++, dst += bytes)
                memcpy(dst, values + ((size_t)c * plane + (size_t)x * H + (size_t)y) * bytes,
                       bytes);
}

static unet_code npy_read(struct unet_source *source, int index, const struct un_page *page,
                          struct un_rect rect, void *samples, unet_error *err)
{
    const struct reader *r = source->state;
    const unsigned char *values = source->file.data + r->start;
    const size_t count = un_rect_bytes(page, rect) / (size_t)page->bytes;
    uint8_t *u8 = samples;
    (void)index;
    if (r->fortran) {
        gather(page, values, rect, samples);
    } else {
        unet_code code =
            un_rect_read(&source->file, source->name, r->start, page, rect, samples, err);
        if (code)
            return code;
    }
    if (r->turn)
        un_swap(samples, count, page->bytes);
    for (size_t i = 0; page->bits == 1 && i < count; i++)
        u8[i] = u8[i] != 0;
    return UNET_OK;
}

static void npy_close(struct unet_source *source)
{
    free(source->state);
}

static const char *const endings[] = {".npy", NULL};
const struct un_format un_format_npy = {"NumPy array", endings,  probe,    npy_open,
                                        npy_page,      npy_read, npy_close};
