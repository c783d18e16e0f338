/* SPDX-License-Identifier: Apache-2.0 */
/*
 * npy.c - NumPy's array file (NumPy Enhancement Proposal 1): a short text header, then raw values
 *
 *     \x93NUMPY  major  minor  header size (2 bytes; 4 from version 2)
 *     {'descr': '<f4', 'fortran_order': False, 'shape': (512, 512, 3), }   spaces   \n
 *     values
 *
 * The header is a Python dict; exactly these three keys, in any order, are taken, and nothing is
 * evaluated.  Floats are taken for what a program has made ready for a network; integers and bool
 * are images and masks like those of other formats.
 */
#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include "image/formats/number.h"
#include "image/source.h"

#define MAGIC "\x93NUMPY"
#define MAX_HEADER 65536 /* bytes; NumPy's own are below 200 */
#define MAX_DIMS 8

static bool probe(const unsigned char *head, size_t size)
{
    return size >= 6 && !memcmp(head, MAGIC, 6);
}

/* What a header says, and the place where its parser stands. */
struct header {
    const char *at, *end;
    char type[16];
    bool fortran;
    bool seen_type, seen_order, seen_shape;
    int dims;
    uint64_t shape[MAX_DIMS];
};

static void skip_spaces(struct header *h)
{
    while (h->at < h->end && (*h->at == ' ' || *h->at == '\n'))
        h->at++;
}

/* Takes the character c if it comes next. */
static bool take(struct header *h, char c)
{
    skip_spaces(h);
    if (h->at >= h->end || *h->at != c)
        return false;
    h->at++;
    return true;
}

static bool take_word(struct header *h, const char *word)
{
    size_t n = strlen(word);
    skip_spaces(h);
    if ((size_t)(h->end - h->at) < n || memcmp(h->at, word, n))
        return false;
    h->at += n;
    return true;
}

/* A quoted string of fewer than `size` printable characters. */
static bool take_string(struct header *h, char *text, size_t size)
{
    skip_spaces(h);
    char quote = h->at < h->end ? *h->at : 0;
    if (quote != '\'' && quote != '"')
        return false;
    size_t n = 0;
    for (h->at++; h->at < h->end && *h->at != quote; h->at++) {
        if (n + 1 >= size || !isprint((unsigned char)*h->at))
            return false;
        text[n++] = *h->at;
    }
    text[n] = 0;
    return take(h, quote);
}

/* (), (5,) or (2, 3, 4) */
static bool take_shape(struct header *h)
{
    if (!take(h, '('))
        return false;
    while (!take(h, ')')) {
        uint64_t n = 0;
        int digits = 0;
        for (skip_spaces(h); h->at < h->end && isdigit((unsigned char)*h->at); h->at++, digits++)
            n = n * 10 + (uint64_t)(*h->at - '0');
        if (digits < 1 || digits > 18 || h->dims == MAX_DIMS)
            return false;
        h->shape[h->dims++] = n;
        if (!take(h, ',')) {
            if (!take(h, ')'))
                return false;
            break;
        }
    }
    return true;
}

static bool take_order(struct header *h)
{
    h->fortran = take_word(h, "True");
    return h->fortran || take_word(h, "False");
}

/* One key and its value; each key may come once. */
static bool take_item(struct header *h)
{
    char key[16];
    if (!take_string(h, key, sizeof key) || !take(h, ':'))
        return false;
    bool *seen = !strcmp(key, "descr")           ? &h->seen_type
                 : !strcmp(key, "fortran_order") ? &h->seen_order
                 : !strcmp(key, "shape")         ? &h->seen_shape
                                                 : NULL;
    if (!seen || *seen)
        return false;
    *seen = true;
    if (seen == &h->seen_type)
        return take_string(h, h->type, sizeof h->type);
    return seen == &h->seen_order ? take_order(h) : take_shape(h);
}

static bool parse(struct header *h)
{
    if (!take(h, '{'))
        return false;
    while (!take(h, '}')) {
        if (!take_item(h))
            return false;
        if (!take(h, ',')) {
            if (!take(h, '}'))
                return false;
            break;
        }
    }
    skip_spaces(h);
    return h->at == h->end && h->seen_type && h->seen_order && h->seen_shape;
}

/* Finds the header and where the values begin. */
static unet_code read_header(const char *name, const struct un_mapping *file, struct header *h,
                             size_t *start, unet_error *err)
{
    const unsigned char *p = file->data;
    if (file->size < 12)
        return un_fail(err, UNET_EFORMAT, "%s: truncated .npy (no header)", name);
    int version = p[6];
    if (version < 1 || version > 3)
        return un_fail(err, UNET_EFORMAT, "%s: .npy version %d; 1, 2 or 3 wanted", name, version);
    size_t size = p[8] | (size_t)p[9] << 8, at = 10;
    if (version > 1) {
        size |= (size_t)p[10] << 16 | (size_t)p[11] << 24;
        at = 12;
    }
    if (size > MAX_HEADER)
        return un_fail(err, UNET_EFORMAT, "%s: .npy header of %zu bytes; at most %d wanted", name,
                       size, MAX_HEADER);
    if (size > file->size - at)
        return un_fail(err, UNET_EFORMAT, "%s: truncated .npy (the header has %zu of %zu bytes)",
                       name, file->size - at, size);
    *h = (struct header){.at = (const char *)p + at, .end = (const char *)p + at + size};
    if (!parse(h))
        return un_fail(err, UNET_EFORMAT,
                       "%s: broken .npy header; descr, fortran_order and shape wanted", name);
    *start = at + size;
    return UNET_OK;
}

struct reader {
    struct un_page page;
    size_t start; /* of the values in the file */
    bool fortran; /* rows run fastest, then columns, then channels */
    bool turn;    /* values are in the other byte order */
};

/* How a descr is read; the byte order stands before it. */
static const struct type {
    char name[3];
    enum un_kind kind;
    int bytes, bits;
} types[] = {{"b1", UN_UINT, 1, 1},   {"u1", UN_UINT, 1, 8},   {"u2", UN_UINT, 2, 16},
             {"u4", UN_UINT, 4, 32},  {"u8", UN_UINT, 8, 64},  {"i1", UN_INT, 1, 8},
             {"i2", UN_INT, 2, 16},   {"i4", UN_INT, 4, 32},   {"i8", UN_INT, 8, 64},
             {"f2", UN_FLOAT, 2, 16}, {"f4", UN_FLOAT, 4, 32}, {"f8", UN_FLOAT, 8, 64}};

static unet_code take_type(const char *name, const struct header *h, struct reader *r,
                           unet_error *err)
{
    const char order = h->type[0];
    for (size_t i = 0; order && i < sizeof types / sizeof *types; i++)
        if (!strcmp(h->type + 1, types[i].name) && strchr("<>=|", order) &&
            (order != '|' || types[i].bytes == 1)) {
            r->page.kind = types[i].kind;
            r->page.bytes = types[i].bytes;
            r->page.bits = types[i].bits;
            r->page.prepared = types[i].kind == UN_FLOAT;
            r->turn = order == '>' ? un_other_order(true) : order == '<' && un_other_order(false);
            return UNET_OK;
        }
    if (!strcmp(h->type, "|O"))
        return un_fail(
            err, UNET_EFORMAT,
            "%s: a pickled object, such as cellpose's _seg.npy, and no array; in Python, "
            "numpy.save('masks.npy', numpy.load(FILE, allow_pickle=True).item()['masks'])",
            name);
    return un_fail(err, UNET_EFORMAT,
                   "%s: values of type '%s'; bool, integers of 8 to 64 bits or floats of 16 to 64 "
                   "bits wanted",
                   name, h->type);
}

/* The image that a header describes: [H][W], [H][W][C], or a batch [1][1][H][W] of one grey image.
 */
static unet_code take_size(const char *name, const struct header *h, struct un_page *page,
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
    struct header h;
    struct reader *r = calloc(1, sizeof *r);
    if (!r)
        return un_fail_memory(err, sizeof *r, source->name);
    source->state = r;
    source->file_pages = 1;
    unet_code code = read_header(source->name, &source->file, &h, &r->start, err);
    if (code || (code = take_type(source->name, &h, r, err)) ||
        (code = take_size(source->name, &h, &r->page, err)))
        return code;
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
