/* SPDX-License-Identifier: Apache-2.0 */
/*
 * bmp.c - Windows and OS/2 bitmaps
 *
 *     "BM"  file size  0  where the pixels begin        14 bytes
 *     header size  width  height  ...                   12 (OS/2 1) to 124 bytes (version 5)
 *     masks of the channels, colours, pixels
 *
 * Rows are padded to 4 bytes and lie bottom row first unless the height is negative.  They are read
 * where they lie in the mapped file, but for those that are coded in runs (bmp_runs.c), which are
 * unpacked whole.  Up to 8 bits are palette indices; 16, 24 and 32 bits become RGB of 8 bits each
 * (a channel of n bits is spread), and alpha is passed over.
 */
#include "image/formats/bmp_runs.h"

#include <stdlib.h>
#include <string.h>

#include "base/number.h"

enum { COLORS_PLAIN, COLORS_RUNS8, COLORS_RUNS4, COLORS_MASKS, COLORS_ALPHA_MASKS = 6 };

/* A channel of a pixel: a run of bits. */
struct field {
    int shift, bits; /* bits 0: there is none, and it is black */
};

struct reader {
    struct un_page page;
    size_t start;  /* of the pixels in the file */
    size_t stride; /* of a row in the file */
    int depth;     /* bits of a pixel */
    int coding;
    bool top_down;
    struct field rgb[3];
    uint8_t *whole; /* of a picture in runs, once unpacked */
};

static bool probe(const unsigned char *head, size_t size)
{
    return size >= 2 && !memcmp(head, "BM", 2);
}

/* ---- the header -------------------------------------------------------------------------- */

static bool take_field(uint32_t mask, struct field *field)
{
    *field = (struct field){0};
    if (!mask)
        return true;
    field->shift = __builtin_ctz(mask);
    field->bits = __builtin_popcount(mask);
    uint32_t run = mask >> field->shift;
    return (run & (run + 1)) == 0 && field->bits <= 8;
}

/* Where the channels of a 16 or 32-bit pixel lie. */
static unet_code take_fields(const char *name, struct reader *r, const unsigned char *masks,
                             unet_error *err)
{
    uint32_t mask[3] = {0x7c00, 0x3e0, 0x1f};
    if (r->depth > 16)
        memcpy(mask, (uint32_t[3]){0xff0000, 0xff00, 0xff}, sizeof mask);
    for (int c = 0; c < 3; c++) {
        if (masks)
            mask[c] = un_le32(masks + 4 * c);
        if (!take_field(mask[c], &r->rgb[c]) || (r->depth == 16 && mask[c] > 0xffff))
            return un_fail(err, UNET_EFORMAT,
                           "%s: a BMP channel with the mask 0x%x; one run of up to 8 bits wanted",
                           name, mask[c]);
    }
    return UNET_OK;
}

/* Colours lie between the headers and the pixels; an entry is blue, green, red and, but for OS/2's
 * first version, a byte of no use. */
static unet_code take_palette(struct unet_source *source, struct reader *r, size_t at,
                              size_t claimed, size_t entry, unet_error *err)
{
    size_t most = (size_t)1 << r->depth, room = r->start > at ? (r->start - at) / entry : 0;
    size_t count = claimed && claimed < most ? claimed : most;
    count = count < room ? count : room;
    if (!count)
        return un_fail(err, UNET_EFORMAT, "%s: a BMP of %d bits without colours", source->name,
                       r->depth);
    if (count * entry > source->file.size - at)
        return un_fail(err, UNET_EFORMAT, "%s: truncated BMP (it ends in its colours)",
                       source->name);
    r->page.palette_size = (int)count;
    const unsigned char *p = source->file.data + at;
    for (size_t i = 0; i < count; i++, p += entry)
        for (int c = 0; c < 3; c++)
            r->page.palette[i][c] = p[2 - c];
    return UNET_OK;
}

/* Which pairs of depth and coding there are. */
static bool is_known(int depth, uint32_t coding)
{
    static const struct {
        int depth;
        uint32_t coding;
    } known[] = {{1, COLORS_PLAIN},       {2, COLORS_PLAIN},  {4, COLORS_PLAIN},
                 {4, COLORS_RUNS4},       {8, COLORS_PLAIN},  {8, COLORS_RUNS8},
                 {16, COLORS_PLAIN},      {16, COLORS_MASKS}, {16, COLORS_ALPHA_MASKS},
                 {24, COLORS_PLAIN},      {32, COLORS_PLAIN}, {32, COLORS_MASKS},
                 {32, COLORS_ALPHA_MASKS}};
    for (size_t i = 0; i < sizeof known / sizeof *known; i++)
        if (known[i].depth == depth && known[i].coding == coding)
            return true;
    return false;
}

/* Sides, depth and coding. */
static unet_code take_sides(const char *name, struct reader *r, const unsigned char *header,
                            uint32_t size, unet_error *err)
{
    const bool old = size == 12;
    int64_t width = old ? (int64_t)un_le16(header + 4) : (int32_t)un_le32(header + 4);
    int64_t height = old ? (int64_t)un_le16(header + 6) : (int32_t)un_le32(header + 8);
    uint32_t coding = size >= 40 ? un_le32(header + 16) : COLORS_PLAIN;
    r->depth = (int)un_le16(header + (old ? 10 : 14));
    r->top_down = height < 0;
    height = height < 0 ? -height : height;
    /* in OS/2's second version 3 and 4 are other codings */
    if (!is_known(r->depth, coding) || (size == 64 && coding > COLORS_RUNS4) ||
        (r->top_down && (coding == COLORS_RUNS8 || coding == COLORS_RUNS4)))
        return un_fail(err, UNET_EFORMAT,
                       "%s: %d-bit BMP%s in coding %u; 1 to 32 bits, plain, with masks or in runs "
                       "(bottom row first) wanted",
                       name, r->depth, r->top_down ? ", top row first," : "", coding);
    r->coding = (int)coding;
    r->page = (struct un_page){.height = height <= UN_IMAGE_SIDE ? (int)height : -1,
                               .width = width >= 0 && width <= UN_IMAGE_SIDE ? (int)width : -1,
                               .channels = r->depth <= 8 ? 1 : 3,
                               .bits = r->depth < 8 ? r->depth : 8,
                               .bytes = 1};
    return un_page_check(name, &r->page, err);
}

/* Holds the pixels that the header claims against the bytes that are there. */
static unet_code check_claim(const struct unet_source *source, struct reader *r, unet_error *err)
{
    uint64_t bits = (uint64_t)r->page.width * (uint64_t)r->depth, H = (uint64_t)r->page.height;
    uint64_t have = source->file.size > r->start ? source->file.size - r->start : 0;
    uint64_t pixels = (uint64_t)r->page.width * H;
    const bool runs = r->coding == COLORS_RUNS8 || r->coding == COLORS_RUNS4;
    r->stride = (size_t)(bits + 31) / 32 * 4;
    r->page.working = runs ? (size_t)pixels : 0;
    /* the last row is often not padded */
    uint64_t need = runs ? pixels / UN_RUNS_LIMIT : r->stride * (H - 1) + (bits + 7) / 8;
    if (have > 0 && have >= need && (!runs || pixels <= UN_IMAGE_BYTES))
        return UNET_OK;
    return un_fail(err, UNET_EFORMAT,
                   "%s: truncated BMP (%llu bytes for %d x %d pixels of %d bits)", source->name,
                   (unsigned long long)have, r->page.width, r->page.height, r->depth);
}

static unet_code bmp_open(struct unet_source *source, unet_error *err)
{
    struct reader *r = calloc(1, sizeof *r);
    const char *name = source->name;
    if (!r)
        return un_fail_memory(err, sizeof *r, name);
    source->state = r;
    source->file_pages = 1;
    const unsigned char *header = source->file.data + 14;
    uint32_t size = source->file.size < 18 ? 0 : un_le32(header);
    if (source->file.size < 18 || source->file.size - 14 < size)
        return un_fail(err, UNET_EFORMAT, "%s: truncated BMP (it ends in its header)", name);
    if (size != 12 && (size < 16 || size > 124))
        return un_fail(err, UNET_EFORMAT, "%s: BMP with a header of %u bytes; 12 to 124 wanted",
                       name, size);
    r->start = un_le32(source->file.data + 10);
    unet_code code = take_sides(name, r, header, size, err);
    if (code)
        return code;
    size_t after = 14 + (size_t)size;
    /* the first version has its masks behind the header, later ones at its end */
    const unsigned char *masks = r->coding >= COLORS_MASKS ? header + 40 : NULL;
    if (masks && size < 52)
        after += r->coding == COLORS_MASKS ? 12 : 16;
    if (source->file.size < after)
        return un_fail(err, UNET_EFORMAT, "%s: truncated BMP (it ends in its header)", name);
    if (r->start < after)
        return un_fail(err, UNET_EFORMAT, "%s: broken BMP (pixels at %zu, inside of its header)",
                       name, r->start);
    if (r->depth <= 8)
        code = take_palette(source, r, after, size >= 40 ? un_le32(header + 32) : 0,
                            size == 12 ? 3 : 4, err);
    else if (r->depth != 24)
        code = take_fields(name, r, masks, err);
    return code ? code : check_claim(source, r, err);
}

static unet_code bmp_page(struct unet_source *source, int index, struct un_page *page,
                          unet_error *err)
{
    (void)index;
    (void)err;
    *page = ((struct reader *)source->state)->page;
    return UNET_OK;
}

/* ---- rows -------------------------------------------------------------------------------- */

static void unpack_indices(const unsigned char *row, int depth, int left, int count, uint8_t *dst)
{
    if (depth == 8) {
        memcpy(dst, row + left, (size_t)count);
        return;
    }
    const int per_byte = 8 / depth, most = (1 << depth) - 1;
    for (int x = left; x < left + count; x++)
        *dst++ = (uint8_t)(row[x / per_byte] >> (8 - depth * (x % per_byte + 1)) & most);
}

static void unpack_rgb24(const unsigned char *row, int left, int count, uint8_t *dst)
{
    const unsigned char *p = row + 3 * (size_t)left;
    for (int x = 0; x < count; x++, p += 3, dst += 3) {
        dst[0] = p[2];
        dst[1] = p[1];
        dst[2] = p[0];
    }
}

static void unpack_fields(const struct reader *r, const unsigned char *row, int left, int count,
                          uint8_t *dst)
{
    const int bytes = r->depth / 8;
    const unsigned char *p = row + (size_t)left * (size_t)bytes;
    for (int x = 0; x < count; x++, p += bytes)
        for (int c = 0; c < 3; c++) {
            const struct field f = r->rgb[c];
            unsigned most = (1u << f.bits) - 1;
            unsigned v = (unsigned)(un_number(p, bytes, false) >> f.shift) & most;
            *dst++ = (uint8_t)(f.bits == 8 ? v : f.bits ? (v * 255 + most / 2) / most : 0);
        }
}

static unet_code read_runs(struct unet_source *source, struct reader *r, unet_error *err)
{
    size_t pixels = (size_t)r->page.width * (size_t)r->page.height;
    uint8_t *whole = calloc(pixels, 1); /* what the runs leave out is index 0 */
    if (!whole)
        return un_fail_memory(err, pixels, source->name);
    unet_code code = un_unpack_runs(source->name, source->file.data + r->start,
                                    source->file.size - r->start, r->depth, &r->page, whole, err);
    if (code)
        free(whole);
    else
        r->whole = whole;
    return code;
}

static unet_code bmp_read(struct unet_source *source, int index, const struct un_page *page,
                          struct un_rect rect, void *samples, unet_error *err)
{
    struct reader *r = source->state;
    uint8_t *dst = samples;
    (void)index;
    if (r->coding == COLORS_RUNS8 || r->coding == COLORS_RUNS4) {
        unet_code code = r->whole ? UNET_OK : read_runs(source, r, err);
        if (!code)
            un_rect_copy(page, r->whole, rect, samples);
        return code;
    }
    const unsigned char *pixels = source->file.data + r->start;
    for (int y = rect.top; y < rect.top + rect.height; y++) {
        const unsigned char *row =
            pixels + (size_t)(r->top_down ? y : page->height - 1 - y) * r->stride;
        if (r->depth <= 8)
            unpack_indices(row, r->depth, rect.left, rect.width, dst);
        else if (r->depth == 24)
            unpack_rgb24(row, rect.left, rect.width, dst);
        else
            unpack_fields(r, row, rect.left, rect.width, dst);
        dst += (size_t)rect.width * (size_t)page->channels;
    }
    int lowest = r->top_down ? rect.top : page->height - rect.top - rect.height;
    un_map_forget(&source->file, pixels + (size_t)lowest * r->stride,
                  (size_t)rect.height * r->stride);
    return UNET_OK;
}

static void bmp_close(struct unet_source *source)
{
    struct reader *r = source->state;
    if (!r)
        return;
    free(r->whole);
    free(r);
}

static const char *const endings[] = {".bmp", ".dib", NULL};
const struct un_format un_format_bmp = {"BMP",    endings,  probe,    bmp_open,
                                        bmp_page, bmp_read, bmp_close};
