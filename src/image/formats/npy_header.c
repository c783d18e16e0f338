/* SPDX-License-Identifier: Apache-2.0 */
/*
 * NumPy's array file (NumPy Enhancement Proposal 1): a short text header, then raw values
 *
 *     \x93NUMPY  major  minor  header size (2 bytes; 4 from version 2)
 *     {'descr': '<f4', 'fortran_order': False, 'shape': (512, 512, 3), }   spaces   \n
 *     values
 *
 * The header is a Python dict; exactly these three keys, in any order, are taken, and nothing is
 * evaluated.
 */
#include "image/formats/npy_header.h"

#include <ctype.h>
#include <string.h>

#include "base/number.h"

#define MAX_HEADER 65536 /* bytes; NumPy's own are below 200 */

/* What a header says, and the place where its parser stands. */
struct header {
    const char *at, *end;
    char type[16];
    bool fortran;
    bool seen_type, seen_order, seen_shape;
    int dims;
    uint64_t shape[UN_NPY_DIMS];
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
        if (digits < 1 || digits > 18 || h->dims == UN_NPY_DIMS)
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
static unet_code read_header(const char *name, const unsigned char *p, size_t bytes,
                             struct header *h, size_t *start, unet_error *err)
{
    if (bytes < 12)
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
    if (size > bytes - at)
        return un_fail(err, UNET_EFORMAT, "%s: truncated .npy (the header has %zu of %zu bytes)",
                       name, bytes - at, size);
    *h = (struct header){.at = (const char *)p + at, .end = (const char *)p + at + size};
    if (!parse(h))
        return un_fail(err, UNET_EFORMAT,
                       "%s: broken .npy header; descr, fortran_order and shape wanted", name);
    *start = at + size;
    return UNET_OK;
}

/* How a descr is read; the byte order stands before it. */
static const struct type {
    char name[3];
    enum un_kind kind;
    int bytes, bits;
} types[] = {{"b1", UN_UINT, 1, 1},   {"u1", UN_UINT, 1, 8},   {"u2", UN_UINT, 2, 16},
             {"u4", UN_UINT, 4, 32},  {"u8", UN_UINT, 8, 64},  {"i1", UN_INT, 1, 8},
             {"i2", UN_INT, 2, 16},   {"i4", UN_INT, 4, 32},   {"i8", UN_INT, 8, 64},
             {"f2", UN_FLOAT, 2, 16}, {"f4", UN_FLOAT, 4, 32}, {"f8", UN_FLOAT, 8, 64}};

static unet_code take_type(const char *name, const struct header *h, struct un_npy *npy,
                           unet_error *err)
{
    const char order = h->type[0];
    for (size_t i = 0; order && i < sizeof types / sizeof *types; i++)
        if (!strcmp(h->type + 1, types[i].name) && strchr("<>=|", order) &&
            (order != '|' || types[i].bytes == 1)) {
            npy->kind = types[i].kind;
            npy->bytes = types[i].bytes;
            npy->bits = types[i].bits;
            npy->turn = order == '>' ? un_other_order(true) : order == '<' && un_other_order(false);
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

unet_code un_npy_header(const char *name, const unsigned char *bytes, size_t size,
                        struct un_npy *npy, unet_error *err)
{
    struct header h;
    struct un_npy made = {0};
    unet_code code = read_header(name, bytes, size, &h, &made.start, err);
    if (code || (code = take_type(name, &h, &made, err)))
        return code;
    made.fortran = h.fortran;
    made.dims = h.dims;
    memcpy(made.shape, h.shape, sizeof made.shape);
    *npy = made;
    return UNET_OK;
}

/* Magic, version 1.0 and a header padded so that the values start at a multiple of 64. */
unet_code un_npy_begin(const char *path, FILE *file, int dims, const int shape[], size_t *size,
                       unet_error *err)
{
    char text[256];
    size_t n = 10;
    n += (size_t)sprintf(text + n, "{'descr': '<f4', 'fortran_order': False, 'shape': (");
    for (int i = 0; i < dims; i++)
        n += (size_t)sprintf(text + n, i && dims > 1 ? ", %d" : dims == 1 ? "%d," : "%d", shape[i]);
    n += (size_t)sprintf(text + n, "), }");
    size_t end = (n + 1 + 63) / 64 * 64;
    memset(text + n, ' ', end - n);
    text[end - 1] = '\n';
    memcpy(text, "\x93NUMPY\1\0", 8);
    text[8] = (char)((end - 10) & 255);
    text[9] = (char)((end - 10) >> 8);
    *size = end;
    return fwrite(text, 1, end, file) == end ? UNET_OK : un_fail_errno(err, "%s", path);
}
