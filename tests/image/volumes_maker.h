/* SPDX-License-Identifier: Apache-2.0 */
/* volumes_maker.h - NRRD and MetaImage made in memory, and their samples looked at */
#ifndef VOLUMES_MAKER_H
#define VOLUMES_MAKER_H

#include "source_check.h"

#include <zlib.h>

#include "image/pixel_size.h"
#include "sample_types.h"
#include "support/folder.h"

static const struct {
    const char *nrrd, *meta;
} type_names[] = {{"uint8", "MET_UCHAR"},      {"short", "MET_SHORT"},
                  {"int32_t", "MET_INT"},      {"float", "MET_FLOAT"},
                  {"double", "MET_DOUBLE"},    {NULL, NULL},
                  {"signed char", "MET_CHAR"}, {"unsigned short", "MET_USHORT"},
                  {"uint", "MET_UINT"},        {"long long int", "MET_LONG_LONG"},
                  {"uint64", "MET_ULONG_LONG"}};

/* Sides of a picture; samples are numbered in the file's order. */
enum { W = 7, H = 5, D = 3, PLACES = W * H * D };

static inline void add_text(struct bytes *b, const char *format, ...)
{
    char text[2048];
    va_list args;
    va_start(args, format);
    bytes_add(b, text, (size_t)vsnprintf(text, sizeof text, format, args));
    va_end(args);
}

static inline void add_samples(struct bytes *b, const struct type *type, size_t count,
                               bool big_endian)
{
    for (size_t i = 0; i < count; i++)
        add_value(b, type, value_of(type, i), big_endian);
}

/* window: of zlib */
static inline void add_packed(struct bytes *b, const struct bytes *samples, int window)
{
    unsigned char out[1 << 14];
    z_stream z = {0};
    deflateInit2(&z, 6, Z_DEFLATED, window, 8, Z_DEFAULT_STRATEGY);
    z.next_in = samples->data;
    z.avail_in = (uInt)samples->size;
    z.next_out = out;
    z.avail_out = sizeof out;
    assert_int_equal(deflate(&z, Z_FINISH), Z_STREAM_END);
    bytes_add(b, out, sizeof out - z.avail_out);
    deflateEnd(&z);
}

/* A file of one type: header, and samples as they are or packed. */
static inline struct bytes make(bool nrrd, size_t t, bool big_endian, bool packed)
{
    struct bytes b = {0}, samples = {0};
    add_samples(&samples, &types[t], PLACES, big_endian);
    if (nrrd)
        add_text(&b,
                 "NRRD0004\n# of a test\r\ntype: %s\nDimension: 3\nsizes: %d %d %d\nendian: %s\n"
                 "encoding: %s\nsizes:=1 2\n\n",
                 type_names[t].nrrd, W, H, D, big_endian ? "big" : "little",
                 packed ? "gzip" : "raw");
    else
        add_text(&b,
                 "ObjectType = Image\nNDims = 3\r\nBinaryData = True\n"
                 "BinaryDataByteOrderMSB = %s\nCompressedData = %s\nDimSize = %d %d %d\n"
                 "ElementType = %s\nElementDataFile = LOCAL\n",
                 big_endian ? "True" : "False", packed ? "True" : "False", W, H, D,
                 type_names[t].meta);
    if (packed)
        add_packed(&b, &samples, nrrd ? 16 + MAX_WBITS : MAX_WBITS);
    else
        bytes_add(&b, samples.data, samples.size);
    free(samples.data);
    return b;
}

/* Steps of a sample's number: along columns, rows, pages and channels. */
struct steps {
    int column, row, page, channel;
};

static inline void check_samples(struct unet_source *source, const struct type *type,
                                 struct steps steps, const char *what)
{
    unet_error err;
    for (int i = 0; i < source->pages; i++) {
        struct un_page page;
        uint8_t *samples = NULL;
        if (read_raw(source, i, &page, &samples, &err))
            fail_msg("%s: %s", what, err.text);
        if (page.width != W || page.height != H || page.kind != type->kind ||
            page.bytes != type->bytes)
            fail_msg("%s: %d x %d", what, page.width, page.height);
        for (int y = 0, k = 0; y < H; y++)
            for (int x = 0; x < W; x++)
                for (int c = 0; c < page.channels; c++, k++) {
                    const int at =
                        x * steps.column + y * steps.row + i * steps.page + c * steps.channel;
                    const double found = un_page_value(&page, samples, (size_t)k);
                    const double want = value_of(type, (size_t)at);
                    if (found != want)
                        fail_msg("%s: page %d, row %d, column %d, channel %d: %g, wanted %g", what,
                                 i, y, x, c, found, want);
                }
        free(samples);
    }
}

static inline void check_bytes(const struct bytes *b, const struct type *type, struct steps steps,
                               int pages, int channels, const char *what)
{
    struct unet_source *source;
    struct un_page page;
    unet_error err;
    if (un_source_open_bytes("made", b->data, b->size, &source, &err))
        fail_msg("%s: %s", what, err.text);
    assert_int_equal(un_source_page(source, 0, &page, &err), UNET_OK);
    if (source->pages != pages || page.channels != channels)
        fail_msg("%s: %d pages of %d channels, wanted %d of %d", what, source->pages, page.channels,
                 pages, channels);
    check_samples(source, type, steps, what);
    un_source_close(source);
    check_rects(b->data, b->size, pages - 1, 10);
}

#define SIDES "type: uchar\nencoding: raw\ndimension: 3\nsizes: 7 5 3\n"
#define META "NDims = 3\nDimSize = 7 5 3\nElementType = MET_UCHAR\n"
#define LOCAL "\nElementDataFile = LOCAL\n"

#endif
