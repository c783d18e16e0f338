/* SPDX-License-Identifier: Apache-2.0 */
/* test_volumes.c - NRRD and MetaImage: every type, packing and kind of axis, and what is refused */
#include "source_check.h"

#include <zlib.h>

#include "image/pixel_size.h"
#include "sample_types.h"
#include "support/folder.h"
#include "support/links.h"

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

static void add_text(struct bytes *b, const char *format, ...)
{
    char text[2048];
    va_list args;
    va_start(args, format);
    bytes_add(b, text, (size_t)vsnprintf(text, sizeof text, format, args));
    va_end(args);
}

static void add_samples(struct bytes *b, const struct type *type, size_t count, bool big_endian)
{
    for (size_t i = 0; i < count; i++)
        add_value(b, type, value_of(type, i), big_endian);
}

/* window: of zlib */
static void add_packed(struct bytes *b, const struct bytes *samples, int window)
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
static struct bytes make(bool nrrd, size_t t, bool big_endian, bool packed)
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

static void check_samples(struct unet_source *source, const struct type *type, struct steps steps,
                          const char *what)
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

static void check_bytes(const struct bytes *b, const struct type *type, struct steps steps,
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

static void test_types(void **state)
{
    (void)state;
    for (size_t t = 0; t < COUNT(type_names); t++)
        for (int way = 0; way < 8 && type_names[t].nrrd; way++) {
            char what[80];
            struct bytes b = make(way & 4, t, way & 2, way & 1);
            snprintf(what, sizeof what, "%s, way %d", type_names[t].nrrd, way);
            check_bytes(&b, &types[t], (struct steps){1, W, W * H, 0}, D, 1, what);
            free(b.data);
        }
}

/* ---- axes -------------------------------------------------------------------------------- */

static void test_nrrd_axes(void **state)
{
    static const struct {
        const char *sizes, *kinds;
        struct steps steps;
        int pages, channels;
        bool alpha;
    } rows[] = {
        {"7 5", "domain domain", {1, W, 0, 0}, 1, 1, false},
        {"7 5 2 3", "", {1, W, W * H, 0}, 6, 1, false},
        {"3 7 5", "RGB-color domain domain", {3, 3 * W, 0, 1}, 1, 3, false},
        {"4 7 5 2", "RGBA-color space space space", {4, 4 * W, 4 * W * H, 1}, 2, 4, true},
        {"2 7 5", "list space space", {2, 2 * W, 0, 1}, 1, 2, false},
        {"7 5 2", "space space list", {1, W, W * H, 0}, 2, 1, false},
        {"7 5 3", "domain domain vector", {1, W, 0, W * H}, 1, 3, false},
        {"7 5 2 3", "domain domain domain 3-color", {1, W, W * H, 2 * W * H}, 2, 3, false},
        {"7 5 3 2", "domain domain vector time", {1, W, 3 * W * H, W * H}, 2, 3, false},
        {"7 3 5", "space covariant-vector space", {1, 3 * W, 0, W}, 1, 3, false},
        {"3 7 5", "", {3, 3 * W, 0, 1}, 1, 3, false},
        {"7 5 1", "domain domain vector", {1, W, 0, 0}, 1, 1, false},
    };
    (void)state;
    for (size_t i = 0; i < COUNT(rows); i++)
        for (int packed = 0; packed < 2; packed++) {
            struct bytes b = {0}, samples = {0};
            char what[40];
            struct un_page page;
            int axes = 1;
            for (const char *p = rows[i].sizes; *p; p++)
                axes += *p == ' ';
            snprintf(what, sizeof what, "row %zu%s", i, packed ? ", packed" : "");
            add_text(&b, "NRRD0005\ntype: ushort\nendian: big\ndimension: %d\nsizes: %s\n", axes,
                     rows[i].sizes);
            add_text(&b, "%s%s\nencoding: %s\n\n", *rows[i].kinds ? "kinds: " : "#", rows[i].kinds,
                     packed ? "gz" : "raw");
            add_samples(&samples, &types[7], (size_t)(W * H * rows[i].pages * rows[i].channels),
                        true);
            if (packed)
                add_packed(&b, &samples, 16 + MAX_WBITS);
            else
                bytes_add(&b, samples.data, samples.size);
            check_bytes(&b, &types[7], rows[i].steps, rows[i].pages, rows[i].channels, what);
            free(must_read(b.data, b.size, 0, &page));
            if (page.alpha != rows[i].alpha)
                fail_msg("%s: alpha is %d", what, page.alpha);
            free(samples.data);
            free(b.data);
        }
}

static void test_meta_channels(void **state)
{
    struct bytes b = {0};
    (void)state;
    add_text(&b, "NDims = 2\nDimSize = 7 5\nElementNumberOfChannels = 3\n"
                 "ElementType = MET_UCHAR_ARRAY\nElementDataFile = Local\n");
    add_samples(&b, &types[0], W * H * 3, false);
    check_bytes(&b, &types[0], (struct steps){3, 3 * W, 0, 1}, 1, 3, "MetaImage in colour");
    free(b.data);
}

/* ---- places ------------------------------------------------------------------------------ */

#define SIDES "type: uchar\nencoding: raw\ndimension: 3\nsizes: 7 5 3\n"
#define META "NDims = 3\nDimSize = 7 5 3\nElementType = MET_UCHAR\n"
#define LOCAL "\nElementDataFile = LOCAL\n"

static void test_places(void **state)
{
    static const struct {
        const char *header;
        double width, height;
        const char *unit, *letters;
        enum un_place_kind kind;
        double origin[3];
    } rows[] = {
        {"NRRD0004\n" SIDES
         "space: left-posterior-superior\nspace directions: (0.5,0,0) (0,0.25,0) "
         "(0,0,2)\nspace origin: (1,2,3)\n\n",
         0.5,
         0.25,
         "mm",
         "LPS",
         UN_PLACE_BODY,
         {-1, -2, 3}},
        {"NRRD0004\n" SIDES "space: RAS\nspace directions: (0,-0.5,0) (0.25,0,0) (0,0,2)\n"
         "space units: \"um\" \"um\" \"um\"\n\n",
         0.5,
         0.25,
         "um",
         "PRS",
         UN_PLACE_BODY,
         {0, 0, 0}},
        {"NRRD0004\n" SIDES "spacings: 0.5 0.25 NaN\nunits: \"mm\" \"mm\" \"\"\n\n",
         0.5,
         0.25,
         "mm",
         "",
         UN_PLACE_SIZES,
         {0, 0, 0}},
        {"NRRD0004\n" SIDES "spacings: 0.5 250 NaN\nunits: \"um\" \"nm\" \"ms\"\n\n",
         0.5,
         0.25,
         "um",
         "",
         UN_PLACE_SIZES,
         {0, 0, 0}},
        {"NRRD0004\n" SIDES "space: LPS\nspace directions: (0.5,0,0) (0,250,0) (0,0,2)\n"
         "space origin: (1,2000,3)\nspace units: \"um\" \"nm\" \"um\"\n\n",
         0.5,
         0.25,
         "um",
         "LPS",
         UN_PLACE_BODY,
         {-1, -2, 3}},
        {"NRRD0004\n" SIDES "spacings: 0.5 0.25 2\nunits: \"um\" \"ms\" \"um\"\n\n",
         0,
         0,
         "",
         "",
         UN_PLACE_SIZES,
         {0, 0, 0}},
        {"NRRD0004\n" SIDES "spacings: 0.5 0.25 2\n\n", 0, 0, "", "", UN_PLACE_SIZES, {0, 0, 0}},
        {"NRRD0004\n" SIDES "space: LPS\nspace directions: (1,0,0) (0,1,0) (0,0,1)\n\n",
         0,
         0,
         "",
         "LPS",
         UN_PLACE_BODY,
         {0, 0, 0}},
        {META "ElementSpacing = 0.5 0.25 2\nOffset = 1 2 3" LOCAL,
         0.5,
         0.25,
         "mm",
         "LPS",
         UN_PLACE_BODY,
         {-1, -2, 3}},
        {META "ElementSize = 0.5 0.25 2\nTransformMatrix = -1 0 0 0 -1 0 0 0 -1\n"
              "DistanceUnits = um" LOCAL,
         0.5,
         0.25,
         "um",
         "RAI",
         UN_PLACE_BODY,
         {0, 0, 0}},
        {META "ElementSpacing = 1 1 1" LOCAL, 0, 0, "", "LPS", UN_PLACE_BODY, {0, 0, 0}},
        {META "ElementSpacing = 0 1 1" LOCAL, 0, 0, "", "", UN_PLACE_NONE, {0, 0, 0}},
    };
    (void)state;
    for (size_t i = 0; i < COUNT(rows); i++) {
        struct bytes b = {0};
        struct un_page page;
        char letters[4];
        add_text(&b, "%s", rows[i].header);
        add_samples(&b, &types[0], PLACES, false);
        free(must_read(b.data, b.size, 0, &page));
        un_place_letters(&page.place, letters);
        if (page.pixel_width != rows[i].width || page.pixel_height != rows[i].height ||
            strcmp(page.unit, rows[i].unit) || strcmp(letters, rows[i].letters) ||
            page.place.kind != rows[i].kind)
            fail_msg("row %zu: pixels of %g x %g %s, %s, kind %d", i, page.pixel_width,
                     page.pixel_height, page.unit, letters, (int)page.place.kind);
        for (int k = 0; k < 3; k++)
            if (page.place.origin[k] != rows[i].origin[k])
                fail_msg("row %zu: from %g on axis %d", i, page.place.origin[k], k);
        free(b.data);
    }
}

/* ---- files beside ------------------------------------------------------------------------ */

static void put_header(const char *name, const char *format, const char *file)
{
    struct bytes b = {0};
    add_text(&b, format, file);
    put_file(in_folder(name), b.data, b.size);
    free(b.data);
}

#define DETACHED                                                                                   \
    "NRRD0004\ntype: int16\nendian: little\ndimension: 3\nsizes: 7 5 3\nencoding: raw\n"

static void test_beside(void **state)
{
    static const struct {
        const char *name, *format;
        int before; /* bytes of the file before the samples */
    } rows[] = {
        {"a.nhdr", DETACHED "data file: %s", 0},
        {"b.nhdr", DETACHED "datafile: ./%s\nbyte skip: 9\n\n", 9},
        {"c.nhdr", DETACHED "byte skip: -1\ndata file: %s\n", 33},
        {"d.nhdr", DETACHED "line skip: 2\nbyteskip: 1\ndata file: %s\n", 5},
        {"e.mhd", "NDims = 3\nDimSize = 7 5 3\nElementType = MET_SHORT\nElementDataFile = %s\n", 0},
        {"f.mhd",
         "NDims = 3\nDimSize = 7 5 3\nHeaderSize = 9\nElementType = MET_SHORT\n"
         "ElementDataFile = %s\n",
         9},
        {"g.mhd",
         "NDims = 3\nDimSize = 7 5 3\nHeaderSize = -1\nElementType = MET_SHORT\n"
         "ElementDataFile = %s",
         7},
    };
    (void)state;
    for (size_t i = 0; i < COUNT(rows); i++) {
        struct bytes samples = {0};
        struct unet_source *source;
        unet_error err;
        put_header(rows[i].name, rows[i].format, "s.raw");
        assert_int_not_equal(un_source_open(in_folder(rows[i].name), &source, &err), UNET_OK);
        assert_non_null(strstr(err.text, "its samples are in a file of their own: "));
        for (int k = 0; k < rows[i].before; k++)
            bytes_add(&samples, k % 2 ? "\n" : "x", 1);
        add_samples(&samples, &types[1], PLACES, false);
        put_file(in_folder("s.raw"), samples.data, samples.size);
        if (un_source_open(in_folder(rows[i].name), &source, &err))
            fail_msg("%s: %s", rows[i].name, err.text);
        check_samples(source, &types[1], (struct steps){1, W, W * H, 0}, rows[i].name);
        un_source_close(source);
        put_file(in_folder("s.raw"), samples.data, 2 * PLACES - 1);
        assert_int_equal(un_source_open(in_folder(rows[i].name), &source, &err), UNET_EFORMAT);
        assert_non_null(strstr(err.text, "s.raw: truncated"));
        put_header(rows[i].name, rows[i].format, "../s.raw");
        assert_int_equal(un_source_open(in_folder(rows[i].name), &source, &err), UNET_EIO);
        assert_non_null(strstr(err.text, "wanted in the folder of"));
        if (make_link("/etc/hostname", in_folder("link.raw"))) {
            put_header(rows[i].name, rows[i].format, "link.raw");
            assert_int_equal(un_source_open(in_folder(rows[i].name), &source, &err), UNET_EIO);
        }
        put_header(rows[i].name, rows[i].format, "s%03d.raw 1 3 1");
        assert_int_equal(un_source_open(in_folder(rows[i].name), &source, &err), UNET_EFORMAT);
        assert_non_null(strstr(err.text, "in a list of files"));
        unlink(in_folder("link.raw"));
        unlink(in_folder("s.raw"));
        free(samples.data);
    }
}

/* ---- files of the tools that people have ------------------------------------------------- */

/* As pynrrd and SimpleITK wrote them: 300 x + 2000 y + 10000 z, or in colour x + 10 y + 50 z + 100
 * c. */
static void test_tools(void **state)
{
    static const struct {
        const char *name;
        int channels;
        double width;
        const char *unit;
    } rows[] = {{"nrrd/rgb.nrrd", 3, 0, ""},
                {"nrrd/big.nrrd", 1, 0.5, "um"},
                {"nrrd/itk.nrrd", 1, 0.5, "mm"},
                {"metaimage/plain.mha", 1, 0.5, "mm"},
                {"metaimage/detached.mhd", 1, 0.5, "mm"},
                {"metaimage/rgb.mha", 3, 0, ""}};
    (void)state;
    for (size_t i = 0; i < COUNT(rows); i++) {
        char path[1024];
        struct unet_source *source;
        unet_error err;
        snprintf(path, sizeof path, "%s/%s", TEST_FIXTURES, rows[i].name);
        if (un_source_open(path, &source, &err))
            fail_msg("%s", err.text);
        assert_int_equal(source->pages, 2);
        for (int z = 1; z >= 0; z--) {
            struct un_page page;
            uint8_t *samples = NULL;
            if (read_raw(source, z, &page, &samples, &err))
                fail_msg("%s", err.text);
            if (page.width != W || page.height != H || page.channels != rows[i].channels ||
                page.pixel_width != rows[i].width || strcmp(page.unit, rows[i].unit))
                fail_msg("%s: %d x %d, %d channels, pixels of %g %s", path, page.width, page.height,
                         page.channels, page.pixel_width, page.unit);
            for (int k = 0; k < W * H * page.channels; k++) {
                const int c = k % page.channels, x = k / page.channels % W;
                const int y = k / page.channels / W;
                const int want = page.channels == 1 ? 300 * x + 2000 * y + 10000 * z
                                                    : (x + 10 * y + 50 * z + 100 * c) % 256;
                if (un_page_value(&page, samples, (size_t)k) != want)
                    fail_msg("%s: page %d, sample %d", path, z, k);
            }
            free(samples);
        }
        un_source_close(source);
    }
}

/* ---- damage ------------------------------------------------------------------------------ */

static void test_truncated(void **state)
{
    (void)state;
    for (int way = 0; way < 4; way++) {
        struct bytes b = make(way & 2, 1, true, way & 1);
        check_truncation(b.data, b.size);
        check_damage(b.data, b.size, 3000);
        must_fail(b.data, b.size - 1, "truncated");
        if (way & 1) { /* of the sum */
            b.data[b.size - 1 - (way & 2 ? 4 : 0)] ^= 1;
            must_fail(b.data, b.size, way & 2 ? "broken gzip data" : "broken zlib data");
        }
        free(b.data);
    }
}

static void test_refusals(void **state)
{
    static const struct {
        const char *header, *words;
    } rows[] = {
        {"NRRD0004\ntype: block\n\n", "type \"block\""},
        {"NRRD0004\ntype: uchar\n\n", "encoding \"\""},
        {"NRRD0004\ntype: uchar\nencoding: bzip2\n\n", "encoding \"bzip2\"; raw or gzip wanted"},
        {"NRRD0004\ntype: uchar\nencoding: ascii\n\n", "encoding \"ascii\""},
        {"NRRD0004\ntype: short\nencoding: raw\n\n", "endian is \"\""},
        {"NRRD0004\ntype: uchar\nencoding: raw\n\n", "dimension \"\"; 1 to 16"},
        {"NRRD0004\ntype: uchar\nencoding: raw\ndimension: 17\n\n", "dimension \"17\""},
        {"NRRD0004\ntype: uchar\nencoding: raw\ndimension: 3\nsizes: 3 4\n\n", "sizes are \"3 4\""},
        {"NRRD0004\ntype: uchar\nencoding: raw\ndimension: 2\nsizes: 3 0\n\n", "dimension 2 is 0"},
        {"NRRD0004\ntype: uchar\nencoding: raw\ndimension: 2\nsizes: 3 1e9\n\n", "dimension 2 is"},
        {"NRRD0004\ntype: uchar\nencoding: raw\ndimension: 2\nsizes: 3 x\n\n", "sizes are \"3 x\""},
        {"NRRD0004\ntype: uchar\nencoding: gzip\ndimension: 3\nsizes: 99999 99999 999\n\n",
         "truncated or broken"},
        {"NRRD0004\n" SIDES "byte skip: -2\n\n", "byte skip \"-2\""},
        {"NRRD0004\n" SIDES "line skip: -1\n\n", "line skip \"-1\""},
        {"NRRD0004\n" SIDES "kinds: complex domain domain\n\n", "complex numbers"},
        {"NRRD0004\n" SIDES "kinds: vector domain vector\n\n", "axes 1 and 3 are both channels"},
        {"NRRD0004\n" SIDES, "truncated NRRD header"},
        {"NRRD0004\n" SIDES "data file: LIST\na.raw\n", "in a list of files, LIST"},
        {"NRRD0004\n" SIDES "data file: a.raw\n", "only the header of an image"},
        {"ObjectType = Tube\nElementDataFile = LOCAL\n", "a Tube of MetaIO"},
        {META "BinaryData = False" LOCAL, "samples as text"},
        {META, "truncated MetaImage header"},
        {"NDims = 3\nDimSize = 7 5 3\nElementType = MET_STRING" LOCAL, "type MET_STRING"},
        {"NDims = 0\nElementType = MET_CHAR" LOCAL, "0 dimensions"},
        {"NDims = 3\nDimSize = 7 5\nElementType = MET_CHAR" LOCAL, "DimSize is \"7 5\""},
        {META "ElementNumberOfChannels = 0" LOCAL, "0 channels"},
        {META "HeaderSize = x" LOCAL, "HeaderSize is x"},
        {META LOCAL, "truncated"},
        {META "CompressedData = True" LOCAL, "truncated"},
        {META "ElementDataFile = LIST 2\n", "in a list of files, LIST 2"},
        {META "ElementDataFile = a.raw\n", "only the header of an image"},
    };
    (void)state;
    for (size_t i = 0; i < COUNT(rows); i++)
        must_fail(rows[i].header, strlen(rows[i].header), rows[i].words);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_types),         cmocka_unit_test(test_nrrd_axes),
        cmocka_unit_test(test_meta_channels), cmocka_unit_test(test_places),
        cmocka_unit_test(test_beside),        cmocka_unit_test(test_truncated),
        cmocka_unit_test(test_refusals),      cmocka_unit_test(test_tools),
    };
    return cmocka_run_group_tests_name("volumes", tests, folder_create, folder_destroy);
}
