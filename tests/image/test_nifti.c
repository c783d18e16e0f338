/* SPDX-License-Identifier: Apache-2.0 */
/* test_nifti.c - NIfTI in every type, order and container, and known files */
#include "source_check.h"

#include <zlib.h>

#include "data/masks/mask.h"
#include "sample_types.h"
#include "support/folder.h"

/* ---- made files -------------------------------------------------------------------------- */

enum form { SINGLE, PAIR };

struct volume {
    int version; /* 1 or 2 */
    enum form form;
    bool big_endian;
    const struct type *type;
    int dims, side[7];
    double slope, offset, pixel_width, pixel_height;
    int units, intent;
};

static void put(unsigned char *p, uint64_t v, int bytes, bool big_endian)
{
    for (int k = 0; k < bytes; k++)
        p[k] = (unsigned char)(v >> 8 * (big_endian ? bytes - 1 - k : k));
}

static void put_real(unsigned char *p, double v, int bytes, bool big_endian)
{
    float single = (float)v;
    uint32_t bits32;
    uint64_t bits64;
    memcpy(&bits32, &single, 4);
    memcpy(&bits64, &v, 8);
    put(p, bytes == 4 ? bits32 : bits64, bytes, big_endian);
}

static struct bytes make_header(const struct volume *v)
{
    unsigned char h[544] = {0};
    const bool two = v->version == 2, big = v->big_endian;
    const int size = two ? 540 : 348, start = v->form == PAIR ? 0 : size + 4;
    const int n = two ? 8 : 2, f = two ? 8 : 4;
    put(h, (uint64_t)size, 4, big);
    put(h + (two ? 16 : 40), (uint64_t)v->dims, n, big);
    for (int i = 0; i < v->dims; i++)
        put(h + (two ? 16 : 40) + (i + 1) * n, (uint64_t)v->side[i], n, big);
    put(h + (two ? 12 : 70), (uint64_t)v->type->code, 2, big);
    put_real(h + (two ? 104 : 76) + f, v->pixel_width, f, big);
    put_real(h + (two ? 104 : 76) + 2 * f, v->pixel_height, f, big);
    if (two)
        put(h + 168, (uint64_t)start, 8, big);
    else
        put_real(h + 108, start, 4, big);
    put_real(h + (two ? 176 : 112), v->slope, f, big);
    put_real(h + (two ? 184 : 116), v->offset, f, big);
    put(h + (two ? 500 : 123), (uint64_t)v->units, two ? 4 : 1, big);
    put(h + (two ? 504 : 68), (uint64_t)v->intent, two ? 4 : 2, big);
    const char *magic = two               ? v->form == PAIR ? "ni2\0\r\n\x1a\n" : "n+2\0\r\n\x1a\n"
                        : v->form == PAIR ? "ni1"
                                          : "n+1";
    memcpy(h + (two ? 4 : 344), magic, two ? 8 : 4);
    struct bytes b = {0};
    bytes_add(&b, h, (size_t)(v->form == PAIR ? size : size + 4));
    return b;
}

static size_t sample_count(const struct volume *v)
{
    size_t n = (size_t)v->type->channels;
    for (int i = 0; i < v->dims; i++)
        n *= (size_t)v->side[i];
    return n;
}

static void add_samples(struct bytes *b, const struct volume *v)
{
    for (size_t i = 0; i < sample_count(v); i++)
        add_value(b, v->type, value_of(v->type, i), v->big_endian);
}

static struct bytes make_volume(const struct volume *v)
{
    struct bytes b = make_header(v);
    add_samples(&b, v);
    return b;
}

static struct bytes compress_members(const struct bytes *b, int members)
{
    struct bytes made = {0};
    for (int m = 0; m < members; m++) {
        unsigned char out[4096];
        z_stream z = {0};
        size_t from = b->size * (size_t)m / (size_t)members;
        deflateInit2(&z, 9, Z_DEFLATED, 16 + MAX_WBITS, 8, Z_DEFAULT_STRATEGY);
        z.next_in = b->data + from;
        z.avail_in = (uInt)(b->size * (size_t)(m + 1) / (size_t)members - from);
        int status;
        do {
            z.next_out = out;
            z.avail_out = sizeof out;
            status = deflate(&z, Z_FINISH);
            bytes_add(&made, out, sizeof out - z.avail_out);
        } while (status == Z_OK);
        deflateEnd(&z);
    }
    return made;
}

static void check_page(struct unet_source *source, const struct volume *v, int i)
{
    struct un_page page;
    uint8_t *samples = NULL;
    unet_error err;
    if (read_raw(source, i, &page, &samples, &err))
        fail_msg("%s", err.text);
    assert_int_equal(page.width, v->side[0]);
    assert_int_equal(page.height, v->dims > 1 ? v->side[1] : 1);
    assert_int_equal(page.channels, v->type->channels);
    assert_int_equal(page.bytes, v->type->bytes);
    assert_int_equal(page.kind, v->type->kind);
    assert_false(page.prepared);
    page.slope = 0; /* values as they are stored */
    size_t n = (size_t)page.width * (size_t)page.height * (size_t)page.channels;
    for (size_t k = 0; k < n; k++) {
        double found = un_page_value(&page, samples, k);
        double wanted = value_of(v->type, (size_t)i * n + k);
        if (found != wanted)
            fail_msg("type %d, version %d, page %d, sample %zu: %g, wanted %g", v->type->code,
                     v->version, i, k, found, wanted);
    }
    free(samples);
}

/* Pages forwards, then backwards. */
static void check_volume(struct unet_source *source, const struct volume *v)
{
    size_t plane = (size_t)v->side[0] * (size_t)(v->dims > 1 ? v->side[1] : 1);
    assert_int_equal(source->pages, sample_count(v) / plane / (size_t)v->type->channels);
    for (int i = 0; i < source->pages; i++)
        check_page(source, v, i);
    for (int i = source->pages - 1; i >= 0; i--)
        check_page(source, v, i);
}

static void check_bytes(const struct bytes *b, const struct volume *v)
{
    struct unet_source *source;
    unet_error err;
    if (un_source_open_bytes("made", b->data, b->size, &source, &err))
        fail_msg("%s", err.text);
    check_volume(source, v);
    un_source_close(source);
    check_rects(b->data, b->size, 0, 10);
}

static struct volume usual(const struct type *type)
{
    return (struct volume){.version = 1,
                           .type = type,
                           .dims = 4,
                           .side = {7, 5, 3, 2, 1, 1, 1},
                           .slope = 1,
                           .pixel_width = 0.5,
                           .pixel_height = 0.25,
                           .units = 2 | 8};
}

static void test_types(void **state)
{
    (void)state;
    for (size_t t = 0; t < COUNT(types); t++)
        for (int way = 0; way < 4; way++) {
            struct volume v = usual(&types[t]);
            v.version = 1 + way / 2;
            v.big_endian = way % 2;
            struct bytes b = make_volume(&v), gz = compress_members(&b, 1);
            struct bytes parts = compress_members(&b, 3);
            check_bytes(&b, &v);
            check_bytes(&gz, &v);
            check_bytes(&parts, &v);
            free(parts.data);
            free(gz.data);
            free(b.data);
        }
}

static void test_shapes(void **state)
{
    static const struct {
        int dims, side[7], pages;
    } rows[] = {{1, {9}, 1},       {2, {9, 4}, 1},          {3, {3, 4, 5}, 5},
                {3, {1, 1, 6}, 6}, {5, {3, 2, 2, 2, 2}, 8}, {7, {2, 2, 2, 1, 3, 1, 2}, 12}};
    (void)state;
    for (size_t i = 0; i < COUNT(rows); i++)
        for (int version = 1; version <= 2; version++) {
            struct volume v = usual(&types[1]);
            v.version = version;
            v.dims = rows[i].dims;
            memcpy(v.side, rows[i].side, sizeof v.side);
            struct bytes b = make_volume(&v);
            check_bytes(&b, &v);
            free(b.data);
        }
}

static void test_meaning(void **state)
{
    (void)state;
    static const struct {
        double slope, offset;
        int units;
        double found_slope, pixel_width;
        const char *unit;
    } rows[] = {{1, 0, 2, 0, 0.5, "mm"},       {0, 5, 3, 0, 0.5, "um"},
                {2.5, -3, 1, 2.5, 500, "mm"},  {1, 7, 0, 1, 0, ""},
                {(double)NAN, 0, 8, 0, 0, ""}, {-1, 0, 10, -1, 0.5, "mm"}};
    for (size_t i = 0; i < COUNT(rows); i++)
        for (int version = 1; version <= 2; version++) {
            struct volume v = usual(&types[0]);
            struct un_page page;
            v.version = version;
            v.slope = rows[i].slope;
            v.offset = rows[i].offset;
            v.units = rows[i].units;
            struct bytes b = make_volume(&v);
            uint8_t *samples = must_read(b.data, b.size, 2, &page);
            assert_true(page.slope == rows[i].found_slope);
            assert_true(page.pixel_width == rows[i].pixel_width);
            assert_true(page.pixel_height == rows[i].pixel_width / 2);
            assert_string_equal(page.unit, rows[i].unit);
            if (page.slope != 0)
                assert_true(un_page_value(&page, samples, 4) == samples[4] * v.slope + v.offset);
            free(samples);
            free(b.data);
        }
}

static void test_pairs(void **state)
{
    static const char *const images[] = {"a.img", "a.img.gz"};
    (void)state;
    folder_create(NULL);
    for (int way = 0; way < 8; way++) {
        struct volume v = usual(&types[1 + way]);
        struct unet_source *source;
        unet_error err;
        v.version = 1 + way % 2;
        v.form = PAIR;
        v.big_endian = way & 2;
        struct bytes header = make_header(&v), samples = {0};
        add_samples(&samples, &v);
        struct bytes gz = compress_members(&samples, 1);
        const struct bytes *kept = way & 4 ? &gz : &samples;
        put_file(in_folder("a.hdr"), header.data, header.size);
        assert_int_equal(un_source_open(in_folder("a.hdr"), &source, &err), UNET_EFORMAT);
        assert_non_null(strstr(err.text, "a.hdr: only the header"));
        put_file(in_folder(images[way / 4]), kept->data, kept->size);
        if (un_source_open(in_folder("a.hdr"), &source, &err))
            fail_msg("%s", err.text);
        check_volume(source, &v);
        un_source_close(source);
        assert_int_equal(un_source_open(in_folder("a.hdr[2:4]"), &source, &err), UNET_OK);
        assert_int_equal(source->pages, 2);
        un_source_close(source);
        put_file(in_folder(images[way / 4]), kept->data, 5);
        unet_code code = un_source_open(in_folder("a.hdr"), &source, &err);
        if (!code) { /* compressed: it is seen when it is unpacked */
            struct un_page page;
            uint8_t *none;
            code = read_raw(source, 0, &page, &none, &err);
            un_source_close(source);
        }
        assert_int_equal(code, UNET_EFORMAT);
        assert_non_null(strstr(err.text, images[way / 4]));
        unlink(in_folder(images[way / 4]));
        free(gz.data);
        free(samples.data);
        free(header.data);
    }
    folder_destroy(NULL);
}

/* Analyze 7.5: no mark, its scale has no fixed place. */
static void test_analyze(void **state)
{
    (void)state;
    struct volume v = usual(&types[1]);
    struct unet_source *source;
    unet_error err;
    v.form = PAIR;
    v.slope = 1715;
    struct bytes header = make_header(&v), samples = {0};
    add_samples(&samples, &v);
    memset(header.data + 344, 0, 4);
    folder_create(NULL);
    put_file(in_folder("b.hdr"), header.data, header.size);
    put_file(in_folder("b.img"), samples.data, samples.size);
    if (un_source_open(in_folder("b.hdr"), &source, &err))
        fail_msg("%s", err.text);
    check_volume(source, &v);
    struct un_page page;
    assert_int_equal(un_source_page(source, 0, &page, &err), UNET_OK);
    assert_true(page.slope == 0 && page.pixel_width == 0);
    assert_non_null(strstr(source->note, "Analyze"));
    un_source_close(source);
    folder_destroy(NULL);
    free(header.data);
    free(samples.data);
}

/* Labels whose slope is a float that is only near what was meant: whole but for rounding. */
static void test_nearly_whole(void **state)
{
    (void)state;
    static const struct {
        unsigned char stored[4];
        double slope, offset;
        uint32_t codes[4]; /* 99: refused */
    } rows[] = {{{0, 10, 20, 30}, 0.1, 0, {0, 1, 2, 3}},
                {{0, 3, 6, 9}, 1.0 / 3, 1, {1, 2, 3, 4}},
                {{0, 10, 20, 25}, 0.1, 0, {99}},
                {{0, 1, 2, 3}, -1, 0, {99}}};
    for (size_t i = 0; i < COUNT(rows); i++) {
        struct volume v = usual(&types[0]);
        struct unet_source *source;
        struct un_mask mask;
        unet_error err;
        v.dims = 2;
        v.side[0] = 4;
        v.side[1] = 1;
        v.slope = rows[i].slope;
        v.offset = rows[i].offset;
        struct bytes b = make_volume(&v);
        memcpy(b.data + b.size - 4, rows[i].stored, 4);
        if (un_source_open_bytes("labels.nii", b.data, b.size, &source, &err))
            fail_msg("%s", err.text);
        unet_code code = un_mask_of_page(source, 0, &mask, &err);
        if (code != (rows[i].codes[0] == 99 ? UNET_EFORMAT : UNET_OK))
            fail_msg("row %zu: %s", i, code ? err.text : "was not refused");
        for (int k = 0; !code && k < 4; k++)
            if (mask.codes[k] != rows[i].codes[k])
                fail_msg("row %zu: %u at %d, wanted %u", i, mask.codes[k], k, rows[i].codes[k]);
        if (!code)
            un_mask_release(&mask);
        un_source_close(source);
        free(b.data);
    }
}

static void test_truncated(void **state)
{
    (void)state;
    for (int version = 1; version <= 2; version++) {
        struct volume v = usual(&types[1]);
        v.version = version;
        struct bytes b = make_volume(&v), gz = compress_members(&b, 1);
        struct bytes parts = compress_members(&b, 3);
        check_truncation(b.data, b.size);
        check_truncation(gz.data, gz.size);
        check_truncation(parts.data, parts.size);
        check_damage(b.data, b.size, 2000);
        check_damage(gz.data, gz.size, 2000);
        must_fail(b.data, b.size - 1, "truncated");
        must_fail(gz.data, gz.size - 1, "truncated");
        gz.data[gz.size - 6] ^= 1; /* of the sum */
        must_fail(gz.data, gz.size, "broken gzip data");
        free(parts.data);
        free(gz.data);
        free(b.data);
    }
}

static void test_refusals(void **state)
{
    static const struct {
        int at, bytes;
        uint64_t value;
        const char *words;
    } rows[] = {{70, 2, 32, "type 32"},
                {70, 2, 1, "type 1"},
                {70, 2, 1536, "type 1536"},
                {40, 2, 0, "0 dimensions"},
                {40, 2, 8, "8 dimensions"},
                {42, 2, 0, "dimension 1 is 0"},
                {44, 2, 65535, "dimension 2"},
                {46, 2, 30000, "truncated"},
                {48, 2, 32767, "planes"},
                {108, 4, 0x43000000, "from byte 128"},
                {108, 4, 0x7fc00000, "from byte"},
                {68, 2, 3001, "CIFTI"}};
    (void)state;
    for (size_t i = 0; i < COUNT(rows); i++) {
        struct volume v = usual(&types[1]);
        v.side[2] = 100;
        struct bytes b = make_volume(&v);
        put(b.data + rows[i].at, rows[i].value, rows[i].bytes, false);
        must_fail(b.data, b.size, rows[i].words);
        free(b.data);
    }
    struct volume v = usual(&types[0]);
    v.dims = 3;
    v.side[0] = v.side[1] = 30000;
    struct bytes header = make_header(&v), gz = compress_members(&header, 1);
    must_fail(header.data, header.size, "truncated");
    must_fail(gz.data, gz.size, "truncated or broken");
    free(gz.data);
    free(header.data);
}

static void compare_row(const char *line)
{
    char path[1024], field[256], dims[64];
    struct unet_source *source;
    unet_error err;
    take_field(line, 0, field, sizeof field);
    snprintf(path, sizeof path, "%s/%s", TEST_SHARED, field);
    take_field(line, 10, field, sizeof field);
    take_field(line, 4, dims, sizeof dims);
    unet_code code = un_source_open(path, &source, &err);
    if (!field[0] || strstr(path, "dconn")) { /* no samples, or no image */
        assert_int_equal(code, UNET_EFORMAT);
        assert_non_null(strstr(err.text, field[0] ? "CIFTI" : "only the header"));
        return;
    }
    if (code)
        fail_msg("%s", err.text);
    int side[4] = {1, 1, 1, 1};
    sscanf(dims, "(%d, %d, %d, %d)", side, side + 1, side + 2, side + 3);
    double least = INFINITY, most = -INFINITY, sum = 0, slope = 0, count = 0;
    assert_int_equal(source->pages, side[2] * side[3]);
    for (int i = 0; i < source->pages; i++) {
        struct un_page page;
        uint8_t *samples = NULL;
        if (read_raw(source, i, &page, &samples, &err))
            fail_msg("%s", err.text);
        assert_true(page.width == side[0] && page.height == side[1]);
        slope = page.slope;
        page.slope = 0;
        for (int k = 0; k < side[0] * side[1]; k++, count++) {
            double v = un_page_value(&page, samples, (size_t)k);
            sum += v;
            least = v < least || isnan(v) ? v : least;
            most = v > most || isnan(v) ? v : most;
        }
        take_field(line, 6, field, sizeof field);
        assert_int_equal(page.bits, atoi(field));
        free(samples);
    }
    const double found[3] = {least, most, sum / count};
    for (int k = 0; k < 3; k++) {
        take_field(line, 10 + k, field, sizeof field);
        double wanted = atof(field);
        if (isnan(wanted) ? !isnan(sum) : fabs(found[k] - wanted) > 1e-9 * fabs(wanted))
            fail_msg("%s: %.17g, wanted %s", path, found[k], field);
    }
    take_field(line, 8, field, sizeof field);
    assert_true(slope == (atof(field) == 1 ? 0 : atof(field)));
    un_source_close(source);
}

static void test_table(void **state)
{
    char line[4096];
    int rows = 0;
    (void)state;
    if (skip_without(TEST_SHARED "/EXPECT_nifti.tsv"))
        return;
    FILE *table = fopen(TEST_SHARED "/EXPECT_nifti.tsv", "r");
    assert_non_null(fgets(line, sizeof line, table));
    for (; fgets(line, sizeof line, table); rows++)
        compare_row(line);
    fclose(table);
    print_message("NIfTI: %d files as the table has them\n", rows);
    assert_true(rows >= 10);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_types),     cmocka_unit_test(test_shapes),
        cmocka_unit_test(test_meaning),   cmocka_unit_test(test_pairs),
        cmocka_unit_test(test_analyze),   cmocka_unit_test(test_nearly_whole),
        cmocka_unit_test(test_truncated), cmocka_unit_test(test_refusals),
        cmocka_unit_test(test_table),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
