/* SPDX-License-Identifier: Apache-2.0 */
/* test_npy.c - .npy in every type, byte order and order of axes; Netpbm */
#include "image_files.h"
#include "sample_types.h"

static struct bytes make_npy(const char *descr, bool fortran, const char *shape)
{
    struct bytes b = {0};
    char text[128];
    int n = snprintf(text, sizeof text, "{'descr': '%s', 'fortran_order': %s, 'shape': (%s), }\n",
                     descr, fortran ? "True" : "False", shape);
    bytes_add(&b, "\x93NUMPY\1\0", 8);
    bytes_number(&b, (uint64_t)n, 2);
    bytes_text(&b, text);
    return b;
}

static void check_npy(const struct type *type, bool big, bool fortran, int channels)
{
    const int H = 5, W = 7;
    char descr[8], shape[32];
    struct un_page page;
    snprintf(descr, sizeof descr, "%c%s", type->bytes == 1 ? '|' : big ? '>' : '<', type->descr);
    snprintf(shape, sizeof shape, channels > 1 ? "%d, %d, %d" : "%d, %d", H, W, channels);
    struct bytes b = make_npy(descr, fortran, shape);
    for (int i = 0; i < H * W * channels; i++)
        add_value(&b, type, value_of(type, (size_t)i), big);
    uint8_t *samples = must_read(b.data, b.size, 0, &page);
    assert_true(page.kind == type->kind && page.bytes == type->bytes);
    assert_true(page.prepared == (type->kind == UN_FLOAT));
    assert_true(page.height == H && page.width == W && page.channels == channels);
    for (int y = 0; y < H; y++)
        for (int x = 0; x < W; x++)
            for (int c = 0; c < channels; c++) {
                int stored = fortran ? y + H * (x + W * c) : (y * W + x) * channels + c;
                double found = un_page_value(&page, samples, (size_t)((y * W + x) * channels + c));
                if (found != value_of(type, (size_t)stored))
                    fail_msg("%s%s: row %d, column %d, channel %d: %g, wanted %g", descr,
                             fortran ? " in Fortran's order" : "", y, x, c, found,
                             value_of(type, (size_t)stored));
            }
    free(samples);
    check_rects(b.data, b.size, 0, 10);
    check_truncation(b.data, b.size);
    free(b.data);
}

static void test_npy_types(void **state)
{
    (void)state;
    for (size_t t = 0; t < COUNT(types); t++)
        for (int way = 0; way < 12 && types[t].descr; way++)
            check_npy(&types[t], way & 1, way & 2, 1 + way / 4 * 2);
}

static void test_npy_special(void **state)
{
    (void)state;
    struct un_page page;
    struct bytes b = make_npy("|b1", false, "2, 3");
    bytes_add(&b, "\0\1\0\1\2\0", 6);
    uint8_t *found = must_read(b.data, b.size, 0, &page);
    assert_memory_equal(found, "\0\1\0\1\1\0", 6);
    assert_true(page.bits == 1 && !page.prepared);
    free(found);
    free(b.data);

    static const double halves[] = {1, -2, 0.5, 65504, 5.9604644775390625e-08, 0};
    for (int big = 0; big < 2; big++) {
        b = make_npy(big ? ">f2" : "<f2", false, "1, 1, 2, 3");
        bytes_add(&b,
                  big ? "\x3c\0\xc0\0\x38\0\x7b\xff\0\1\0\0" : "\0\x3c\0\xc0\0\x38\xff\x7b\1\0\0\0",
                  12);
        found = must_read(b.data, b.size, 0, &page);
        assert_true(page.prepared && page.height == 2 && page.width == 3);
        for (size_t i = 0; i < 6; i++)
            assert_true(un_page_value(&page, found, i) == halves[i]);
        free(found);
        free(b.data);
    }
}

/* ---- Netpbm ------------------------------------------------------------------------------ */

static void test_pnm(void **state)
{
    static const struct {
        const char *header;
        int channels, most, bits;
    } rows[] = {{"P5\n7 5\n255\n", 1, 255, 8},          {"P6 7 5 255 ", 3, 255, 8},
                {"P5 # a comment\n7#\n5 1\n", 1, 1, 1}, {"P5\t7\r\n5 20\n", 1, 20, 8},
                {"P5 7 5 65535\n", 1, 65535, 16},       {"P6 7 5 4095\n", 3, 4095, 12},
                {"P6 7 5 1000\n", 3, 1000, 16}};
    (void)state;
    for (size_t r = 0; r < COUNT(rows); r++) {
        const int n = 7 * 5 * rows[r].channels, most = rows[r].most;
        struct bytes b = {0};
        struct un_page page;
        bytes_text(&b, rows[r].header);
        for (int i = 0; i < n; i++) {
            unsigned v = un_rng_bits(8, (uint64_t)i) % (unsigned)(most + 1);
            bytes_number(&b, most > 255 ? (v & 255) << 8 | v >> 8 : v, most > 255 ? 2 : 1);
        }
        uint8_t *found = must_read(b.data, b.size, 0, &page);
        assert_true(page.height == 5 && page.width == 7 && page.channels == rows[r].channels);
        assert_int_equal(page.bits, rows[r].bits);
        for (int i = 0; i < n; i++)
            assert_true(un_page_value(&page, found, (size_t)i) ==
                        un_rng_bits(8, (uint64_t)i) % (unsigned)(most + 1));
        free(found);
        check_rects(b.data, b.size, 0, 10);
        check_truncation(b.data, b.size);
        check_damage(b.data, b.size, 500);
        must_fail(b.data, b.size - 1, "truncated");
        free(b.data);
    }
    must_fail("P5 1 1 1\n\2", 10, "a sample of 2, up to 1");
    must_fail("P5 1 1 0\n\2", 10, "header");
    must_fail("P5 1 1 65536\n\2", 14, "header");
    must_fail("P5 99999999 1 1\n\2", 18, "header");
    must_fail("P5 0 1 1\n\2", 10, "pixels");
    must_fail("P5 9999999 9999999 1\n\2", 22, "pixels");
    must_fail("P2 1 1 1\n1", 10, "as text");
}

static void test_npy_of_planes(void **state)
{
    (void)state;
    static const float data[2 * 3 * 4] = {1, 2, 3, [23] = -5};
    const int shape[3] = {2, 3, 4};
    unet_image image;
    assert_int_equal(un_npy_write(in_folder("p.npy"), data, 3, shape, NULL), UNET_OK);
    assert_int_equal(un_image_read(in_folder("p.npy"), &image, NULL), UNET_OK);
    assert_int_equal(image.height, 2);
    assert_int_equal(image.width, 3);
    assert_int_equal(image.channels, 4);
    assert_memory_equal(image.data, data, sizeof data);
    free(image.data);
    /* one dimension: "(24,)", which is no image */
    const int flat[1] = {24}, none[2] = {3, 0};
    unet_error err;
    const int batch[] = {1, 1, shape[0], shape[1] * shape[2]};
    assert_int_equal(un_npy_write(in_folder("s.npy"), data, 4, batch, NULL), UNET_OK);
    assert_int_equal(un_image_read(in_folder("s.npy"), &image, NULL), UNET_OK);
    assert_int_equal(image.height, shape[0]);
    assert_int_equal(image.width, shape[1] * shape[2]);
    assert_int_equal(image.channels, 1);
    assert_memory_equal(image.data, data, sizeof data);
    unet_image_release(&image);
    assert_int_equal(un_npy_write(in_folder("q.npy"), data, 1, flat, NULL), UNET_OK);
    assert_int_equal(un_image_read(in_folder("q.npy"), &image, &err), UNET_EFORMAT);
    assert_non_null(strstr(err.text, "1 dimensions"));
    assert_int_equal(un_npy_write(in_folder("r.npy"), data, 2, none, NULL), UNET_EINVAL);
}

static void expect_npy(const char *header, int version, size_t values, const char *part)
{
    unsigned char file[1024] = "\x93NUMPY";
    size_t n = strlen(header), at = version > 1 ? 12 : 10;
    file[6] = (unsigned char)version;
    file[8] = (unsigned char)n;
    memcpy(file + at, header, n);
    expect_refusal("x.npy", file, at + n + values, part);
}

static void test_npy_headers(void **state)
{
    (void)state;
#define NPY(type, order, shape)                                                                    \
    "{'descr': '" type "', 'fortran_order': " order ", 'shape': " shape ", }\n"
    expect_npy(NPY("<c8", "False", "(2, 2)"), 1, 32, "'<c8'");
    expect_npy(NPY("<f16", "False", "(2, 2)"), 1, 64, "'<f16'");
    expect_npy(NPY("|u2", "False", "(2, 2)"), 1, 8, "'|u2'");
    expect_npy(NPY("f4", "False", "(2, 2)"), 1, 16, "'f4'");
    expect_npy(NPY("", "False", "(2, 2)"), 1, 16, "''");
    expect_npy(NPY("<U4", "False", "(2, 2)"), 1, 16, "'<U4'");
    expect_npy(NPY("<f8", "False", "(2, 2)"), 1, 31, "truncated");
    expect_npy(NPY("<f4", "False", "()"), 1, 4, "0 dimensions");
    expect_npy(NPY("<f4", "False", "(1, 2, 1, 2)"), 1, 16, "4 dimensions");
    expect_npy(NPY("<f4", "False", "(2, 2)"), 1, 15, "truncated");
    expect_npy(NPY("<f4", "False", "(2, 2)"), 1, 17, "oversized");
    expect_npy(NPY("<f4", "False", "(2, 0)"), 1, 0, "sides of 1..");
    expect_npy(NPY("<f4", "False", "(999999999, 999999999)"), 1, 16, "sides of up to");
    expect_npy(NPY("<f4", "False", "(131072, 131072)"), 1, 16, "truncated");
    expect_npy(NPY("<f4", "False", "(100000, 10000)"), 1, 16, "truncated");
    expect_npy(NPY("<f4", "False", "(99999999999999999999, 2)"), 1, 16, "broken");
    expect_npy(NPY("<f4", "__import__('os')", "(2, 2)"), 1, 16, "broken");
    expect_npy(NPY("<f4", "False", "(2, -2)"), 1, 16, "broken");
    expect_npy("{'descr': '<f4', 'descr': '<f4', 'shape': (2, 2)}", 1, 16, "broken");
    expect_npy("{'descr': '<f4', 'fortran_order': False}", 1, 16, "broken");
    expect_npy("{'descr': [('a', '<f4')], 'fortran_order': False, 'shape': (2,)}", 1, 16, "broken");
    expect_npy("{'descr': '<f4", 1, 0, "broken");
    expect_npy(NPY("<f4", "False", "(2, 2)"), 9, 16, "version 9");
    expect_refusal("y.npy", "\x93NUMPY\2\0\xff\xff\xff\xff{}", 14, "4294967295 bytes");
    expect_refusal("z.npy", "\x93NUMPY\1\0\xff\x7f{}", 12, "truncated");
    expect_refusal("w.npy", "\x93NUMPY\1\0", 8, "truncated");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_npy_types), cmocka_unit_test(test_npy_special),
        cmocka_unit_test(test_pnm),       IN_FOLDER(test_npy_of_planes),
        IN_FOLDER(test_npy_headers),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
