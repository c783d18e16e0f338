/* SPDX-License-Identifier: Apache-2.0 */
/* test_npy.c - .npy in every type, byte order and order of axes; Netpbm */
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

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_npy_types),
        cmocka_unit_test(test_npy_special),
        cmocka_unit_test(test_pnm),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
