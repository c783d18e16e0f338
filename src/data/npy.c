/* SPDX-License-Identifier: Apache-2.0 */
/*
 * npy.c - NumPy's array file (NumPy Enhancement Proposal 1): a short text header, then raw values
 *
 *     \x93NUMPY  major  minor  header size (2 bytes; 4 from version 2)
 *     {'descr': '<f4', 'fortran_order': False, 'shape': (512, 512, 3), }   spaces   \n
 *     values
 *
 * The header is a Python dict; exactly these three keys, in any order, are taken, and nothing is
 * evaluated.
 */
#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include "data/image.h"

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

/* The image that a header describes: [H][W], [H][W][C], or a batch [1][1][H][W] of one grey image.
 */
static unet_code take_size(const char *name, const struct header *h, unet_image *image,
                           unet_error *err)
{
    if (strcmp(h->type, "<f4"))
        return un_fail(err, UNET_EFORMAT,
                       "%s: values of type '%s'; '<f4' (float32, little-endian) wanted", name,
                       h->type);
    if (h->fortran)
        return un_fail(err, UNET_EFORMAT,
                       "%s: Fortran order; C order wanted (numpy.ascontiguousarray)", name);
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
    *image = (unet_image){.height = (int)shape[0],
                          .width = (int)shape[1],
                          .channels = (int)channels,
                          .sample = UNET_F32,
                          .prepared = 1};
    return UNET_OK;
}

static unet_code npy_read(const char *name, const struct un_mapping *file,
                          struct un_picture *picture, unet_error *err)
{
    struct header h;
    struct un_picture made = {.bits = 32};
    size_t start = 0, bytes = 0;
    unet_code code = read_header(name, file, &h, &start, err);
    if (code || (code = take_size(name, &h, &made.image, err)) ||
        (code = un_image_check(name, &made.image, &bytes, err)))
        return code;
    if (file->size - start != bytes)
        return un_fail(err, UNET_EFORMAT, "%s: %s .npy (%zu bytes of values, the shape needs %zu)",
                       name, file->size - start < bytes ? "truncated" : "oversized",
                       file->size - start, bytes);
    if (!(made.image.data = malloc(bytes)))
        return un_fail_memory(err, bytes, name);
    memcpy(made.image.data, file->data + start, bytes);
    *picture = made;
    return UNET_OK;
}

/* Magic, version 1.0 and a header padded so that the values start at a multiple of 64. */
static unet_code write_header(const char *path, FILE *file, int dims, const int shape[],
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
    memcpy(text, MAGIC "\1\0", 8);
    text[8] = (char)((end - 10) & 255);
    text[9] = (char)((end - 10) >> 8);
    return fwrite(text, 1, end, file) == end ? UNET_OK : un_fail_errno(err, "%s", path);
}

/* Any sample becomes float32 without scaling. */
static unet_code npy_write_image(const char *path, struct un_save *save, const unet_image *image,
                                 const uint8_t (*palette)[3], int colors, unet_error *err)
{
    (void)colors;
    if (palette)
        return un_fail(err, UNET_EINVAL, "%s: .npy has no palette; .png or .tif wanted", path);
    int shape[3] = {image->height, image->width, image->channels};
    unet_code code = write_header(path, save->file, image->channels == 1 ? 2 : 3, shape, err);
    size_t count = un_image_bytes(image) / un_sample_bytes(image->sample);
    const uint8_t *u8 = image->data;
    const uint16_t *u16 = image->data;
    const float *f32 = image->data;
    float block[4096];
    for (size_t i = 0; !code && i < count;) {
        size_t n = 0;
        for (; n < 4096 && i < count; n++, i++)
            block[n] = image->sample == UNET_U8    ? u8[i]
                       : image->sample == UNET_U16 ? u16[i]
                                                   : f32[i];
        if (fwrite(block, sizeof(float), n, save->file) != n)
            code = un_fail_errno(err, "%s", path);
    }
    return code;
}

unet_code un_npy_write(const char *path, const float *data, int dims, const int shape[],
                       unet_error *err)
{
    if (dims < 1 || dims > MAX_DIMS)
        return un_fail(err, UNET_EINVAL, "%s: %d dimensions; 1..%d wanted", path, dims, MAX_DIMS);
    size_t count = 1;
    for (int i = 0; i < dims; i++)
        if (shape[i] < 1 || __builtin_mul_overflow(count, (size_t)shape[i], &count))
            return un_fail(err, UNET_EINVAL, "%s: the array to write has no valid shape", path);
    struct un_save save = {0};
    unet_code code = un_save_begin(&save, path, err);
    if (code)
        return code;
    if ((code = write_header(path, save.file, dims, shape, err)))
        goto done;
    if (fwrite(data, sizeof(float), count, save.file) != count) {
        code = un_fail_errno(err, "%s", path);
        goto done;
    }
    code = un_save_commit(&save, err);
done:
    un_save_abort(&save);
    return code;
}

static const char *const endings[] = {".npy", NULL};
const struct un_format un_format_npy = {"NumPy array", endings, probe, npy_read, npy_write_image};
