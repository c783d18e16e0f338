/* SPDX-License-Identifier: Apache-2.0 */
/* test_image.c - reading and writing images: tables of real files, round trips, pages, rectangles
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <float.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/checksum.h"
#include "base/number.h"
#include "data/masks/mask.h"
#include "image_files.h"

#define COUNT(array) (sizeof(array) / sizeof *(array))

/* ---- the tables of expected samples ------------------------------------------------------ */

/*
 * Reads every file of a table.  A picture must have the table's samples (sum_of ""): files that
 * hold none must be refused; others may be refused with a message that names the file.
 */
static void compare_table(const char *table, int *equal, int *refused)
{
    char line[4096], path[1024], file[256], wanted[65], found[65];
    FILE *rows = fopen(table, "r");
    *equal = *refused = 0;
    assert_non_null(fgets(line, sizeof line, rows));
    int sum_column = column_of(line, "sha256_raw");
    while (fgets(line, sizeof line, rows)) {
        struct unet_source *source;
        struct un_page page;
        unet_error err;
        take_field(line, 0, file, sizeof file);
        take_field(line, sum_column, wanted, sizeof wanted);
        snprintf(path, sizeof path, "%s/%s", TEST_SHARED, file);
        void *samples = NULL;
        size_t bytes = 0;
        unet_code code = un_source_open(path, &source, &err);
        if (!code) {
            if (!(code = un_source_page(source, 0, &page, &err))) {
                page.orientation = 1; /* the table has them as they are stored */
                const struct un_rect all = {0, 0, page.height, page.width};
                bytes = un_rect_bytes(&page, all);
                samples = malloc(bytes);
                code = un_source_raw(source, 0, &page, all, samples, &err);
            }
            un_source_close(source);
        }
        if (code) {
            assert_int_equal(err.code, UNET_EFORMAT);
            assert_int_equal(strncmp(err.text, path, strlen(path)), 0);
            free(samples);
            ++*refused;
            continue;
        }
        if (UN_HOST_BIG) /* the table's are little-endian */
            un_swap(samples, bytes / (size_t)page.bytes, page.bytes);
        un_sha256_text(samples, bytes, found);
        if (strcmp(found, wanted))
            fail_msg("%s: samples have the sum %s, wanted %s", path, found, wanted);
        free(samples);
        ++*equal;
    }
    fclose(rows);
}

static void test_png_table(void **state)
{
    (void)state;
    int equal, refused;
    if (skip_without(TEST_SHARED "/EXPECT_png.tsv"))
        return;
    compare_table(TEST_SHARED "/EXPECT_png.tsv", &equal, &refused);
    print_message("PNG: %d pictures equal, %d refused\n", equal, refused);
    assert_int_equal(equal, 161);
    assert_int_equal(refused, 26);
}

/* ---- round trips ------------------------------------------------------------------------- */

static void test_round_trips(void **state)
{
    (void)state;
    static const struct {
        const char *name;
        int channels;
        unet_sample sample;
    } rows[] = {
        {"a.png", 1, UNET_U8},  {"b.png", 3, UNET_U8},   {"c.PNG", 1, UNET_U16},
        {"d.png", 3, UNET_U16}, {"a.tif", 1, UNET_U8},   {"b.tiff", 3, UNET_U8},
        {"c.tif", 1, UNET_U16}, {"d.tif", 3, UNET_U16},  {"e.TIFF", 1, UNET_F32},
        {"f.tif", 3, UNET_F32}, {"g.tif", 5, UNET_F32},  {"h.tif", 254, UNET_F32},
        {"i.tif", 2, UNET_U8},  {"j.tif", 4, UNET_U16},  {"a.npy", 1, UNET_F32},
        {"b.npy", 3, UNET_F32}, {"c.npy", 64, UNET_F32},
    };
    static const int sizes[][2] = {{1, 1}, {1, 7}, {13, 1}, {31, 37}, {64, 65}, {300, 257}};
    for (size_t r = 0; r < COUNT(rows); r++)
        for (size_t s = 0; s < COUNT(sizes); s++) {
            unet_error err;
            unet_image image =
                made_image(sizes[s][0], sizes[s][1], rows[r].channels, rows[r].sample);
            unet_image back;
            const char *path = in_folder(rows[r].name);
            if (un_image_write(path, &image, &err) || un_image_read(path, &back, &err))
                fail_msg("%s", err.text);
            assert_int_equal(back.height, image.height);
            assert_int_equal(back.width, image.width);
            assert_int_equal(back.channels, image.channels);
            assert_int_equal(back.sample, image.sample);
            assert_int_equal(back.prepared, strstr(path, ".npy") != NULL);
            assert_memory_equal(back.data, image.data, un_image_bytes(&image));
            free(image.data);
            free(back.data);
        }
    assert_int_equal(folder_count(""), COUNT(rows));
}

static void test_mask_round_trip(void **state)
{
    (void)state;
    static const char *const names[] = {"m.png", "m.tif"};
    static const uint8_t colors[3][3] = {{0, 0, 0}, {255, 0, 10}, {1, 2, 3}};
    static const uint8_t mask[2 * 4] = {0, 1, 2, 1, UNET_IGNORE, 0, 0, 2};
    for (int i = 0; i < 2; i++) {
        struct un_mask back;
        unet_image image;
        const char *path = in_folder(names[i]);
        assert_int_equal(un_mask_write(path, mask, 2, 4, colors, 3, NULL), UNET_OK);
        assert_int_equal(un_mask_read_for(path, NULL, NULL, &back, NULL), UNET_OK);
        assert_int_equal(back.height, 2);
        assert_int_equal(back.width, 4);
        assert_int_equal(back.bits, 8);
        assert_int_equal(back.type, UN_CODE_INDEX);
        for (size_t p = 0; p < sizeof mask; p++)
            assert_int_equal(back.codes[p], mask[p]);
        un_mask_release(&back);
        assert_int_equal(un_image_read(path, &image, NULL), UNET_OK);
        assert_int_equal(image.channels, 3);
        assert_memory_equal((uint8_t *)image.data + 3, colors[1], 3);
        assert_memory_equal((uint8_t *)image.data + 6, colors[2], 3);
        static const uint8_t grey[3] = {128, 128, 128};
        assert_memory_equal((uint8_t *)image.data + 12, grey, 3);
        free(image.data);
    }
    unet_error err;
    assert_int_equal(un_mask_write(in_folder("m.npy"), mask, 2, 4, colors, 3, &err), UNET_EINVAL);
    assert_int_equal(folder_count(""), 2);
}

/* ---- conversions ------------------------------------------------------------------------- */

static void test_spreading(void **state)
{
    (void)state;
    for (int bits = 1; bits <= 4; bits *= 2)
        for (int white = 0; white < 2; white++) {
            int most = (1 << bits) - 1;
            const struct un_page page = {.height = 1,
                                         .width = most + 1,
                                         .channels = 1,
                                         .bits = bits,
                                         .bytes = 1,
                                         .white_is_zero = white};
            uint8_t src[16], dst[16];
            for (int v = 0; v <= most; v++)
                src[v] = (uint8_t)v;
            assert_int_equal(un_page_image(&page).sample, UNET_U8);
            un_convert(&page, src, (size_t)most + 1, dst);
            for (int v = 0; v <= most; v++)
                assert_int_equal(dst[v], (white ? most - v : v) * 255 / most);
        }
}

static void test_alpha_is_dropped(void **state)
{
    (void)state;
    const struct un_page page = {
        .height = 3, .width = 5, .channels = 4, .bits = 8, .bytes = 1, .alpha = true};
    uint8_t src[60], dst[45];
    for (int i = 0; i < 60; i++)
        src[i] = (uint8_t)(i * 4);
    assert_int_equal(un_page_image(&page).channels, 3);
    un_convert(&page, src, 15, dst);
    for (int i = 0; i < 15; i++)
        assert_memory_equal(dst + 3 * i, src + 4 * i, 3);
}

/* Numbers of every kind become float, where they are no 8 or 16-bit levels. */
static void test_kinds_of_numbers(void **state)
{
    (void)state;
    static const int8_t i8[2] = {-128, 127};
    static const int16_t i16[2] = {-32768, 300};
    static const uint32_t u32[2] = {0, 4000000000u};
    static const int64_t i64[2] = {-5, 1ll << 40};
    static const double f64[2] = {0.1, -1e30};
    static const uint16_t f16[2] = {0x3c00, 0xc500}; /* 1, -5 */
    static const struct {
        enum un_kind kind;
        int bytes;
        const void *data;
        float want[2];
    } rows[] = {
        {UN_INT, 1, i8, {-128, 127}},      {UN_INT, 2, i16, {-32768, 300}},
        {UN_UINT, 4, u32, {0, 4e9f}},      {UN_INT, 8, i64, {-5, 0x1p40f}},
        {UN_FLOAT, 8, f64, {.1f, -1e30f}}, {UN_FLOAT, 2, f16, {1, -5}},
    };
    for (size_t r = 0; r < COUNT(rows); r++) {
        struct un_page page = {.height = 1,
                               .width = 2,
                               .channels = 1,
                               .kind = rows[r].kind,
                               .bits = 8 * rows[r].bytes,
                               .bytes = rows[r].bytes};
        float found[2];
        assert_int_equal(un_page_image(&page).sample, UNET_F32);
        un_convert(&page, rows[r].data, 2, found);
        for (int i = 0; i < 2; i++)
            if (found[i] != rows[r].want[i])
                fail_msg("row %zu: %g, wanted %g", r, (double)found[i], (double)rows[r].want[i]);
        page.slope = 2;
        page.offset = 1;
        un_convert(&page, rows[r].data, 1, found);
        assert_true(fabsf(found[0] - (2 * rows[r].want[0] + 1)) <= 1e-6f * fabsf(found[0]));
    }
}

/* ---- pages and rectangles ---------------------------------------------------------------- */

/* A 2 x 3 picture in all orientations, whole and by single pixels. */
static void test_orientations(void **state)
{
    (void)state;
    static const char *const upright[9] = {"",         "abc/def",  "cba/fed",  "fed/cba", "def/abc",
                                           "ad/be/cf", "da/eb/fc", "fc/eb/da", "cf/be/ad"};
    for (int orientation = 1; orientation <= 8; orientation++) {
        const struct un_page page = {.height = 2,
                                     .width = 3,
                                     .channels = 1,
                                     .bits = 8,
                                     .bytes = 1,
                                     .orientation = orientation};
        int H = un_page_upright_height(&page), W = un_page_upright_width(&page);
        assert_int_equal(W, strcspn(upright[orientation], "/"));
        for (int y = 0; y < H; y++)
            for (int x = 0; x < W; x++) {
                char stored, found, wanted = upright[orientation][y * (W + 1) + x];
                const struct un_rect one = {y, x, 1, 1}, back = un_turn_back(&page, one);
                un_rect_copy(&page, "abcdef", back, &stored);
                un_turn(&page, back, &stored, &found);
                if (found != wanted)
                    fail_msg("orientation %d (%d, %d): %c, wanted %c", orientation, y, x, found,
                             wanted);
            }
        char all[8] = "";
        un_turn(&page, (struct un_rect){0, 0, 2, 3}, "abcdef", all);
        for (int y = 0; y < H; y++)
            assert_memory_equal(all + y * W, upright[orientation] + y * (W + 1), (size_t)W);
    }
}

static void test_rectangles(void **state)
{
    (void)state;
    static const char *const names[] = {"r.png", "r.tif", "r.npy"};
    for (int n = 0; n < 3; n++) {
        unet_image image = made_image(97, 61, 3, n == 2 ? UNET_F32 : UNET_U16);
        size_t pixel = 3 * un_sample_bytes(image.sample);
        struct unet_source *source;
        struct un_page page;
        uint8_t *part = malloc(un_image_bytes(&image));
        assert_int_equal(un_image_write(in_folder(names[n]), &image, NULL), UNET_OK);
        assert_int_equal(un_source_open(in_folder(names[n]), &source, NULL), UNET_OK);
        assert_int_equal(un_source_page(source, 0, &page, NULL), UNET_OK);
        for (uint64_t i = 0; i < 60; i++) {
            struct un_rect rect = {(int)un_rng_below(3, 4 * i, 97),
                                   (int)un_rng_below(3, 4 * i + 1, 61), 0, 0};
            rect.height = 1 + (int)un_rng_below(3, 4 * i + 2, (uint32_t)(97 - rect.top));
            rect.width = 1 + (int)un_rng_below(3, 4 * i + 3, (uint32_t)(61 - rect.left));
            assert_int_equal(un_source_read(source, 0, &page, rect, part, NULL), UNET_OK);
            for (int y = 0; y < rect.height; y++)
                assert_memory_equal(part + (size_t)(y * rect.width) * pixel,
                                    (uint8_t *)image.data +
                                        (size_t)((rect.top + y) * 61 + rect.left) * pixel,
                                    (size_t)rect.width * pixel);
        }
        unet_error err;
        assert_int_equal(
            un_source_read(source, 0, &page, (struct un_rect){90, 0, 8, 61}, part, &err),
            UNET_EINVAL);
        un_source_close(source);
        free(part);
        free(image.data);
    }
}

static void expect_no_pages(const char *name, const char *part)
{
    struct unet_source *source;
    unet_error err = {0};
    unet_code code = un_source_open(in_folder(name), &source, &err);
    if (code != UNET_EINVAL || !strstr(err.text, part))
        fail_msg("%s: code %d '%s', wanted '%s'", name, code, err.text, part);
}

static void test_choice_of_pages(void **state)
{
    (void)state;
    unet_image image = made_image(3, 4, 1, UNET_U8), back;
    struct unet_source *source;
    assert_int_equal(un_image_write(in_folder("p.png"), &image, NULL), UNET_OK);
    static const char *const good[] = {"p.png",    "p.png[0]",  "p.png[-1]", "p.png[0:1]",
                                       "p.png[:]", "p.png[0:]", "p.png[:1]", "p.png[-1:]"};
    for (size_t i = 0; i < COUNT(good); i++) {
        assert_int_equal(un_source_open(in_folder(good[i]), &source, NULL), UNET_OK);
        assert_int_equal(source->pages, 1);
        un_source_close(source);
    }
    expect_no_pages("p.png[1]", "the file has 1 page, 0 to 0");
    expect_no_pages("p.png[-2]", "the file has 1 page");
    expect_no_pages("p.png[0:2]", "the file has 1 page");
    expect_no_pages("p.png[1:]", "the file has 1 page");
    expect_no_pages("p.png[a]", "not a choice of pages");
    expect_no_pages("p.png[]", "not a choice of pages");
    expect_no_pages("p.png[0:1:2]", "not a choice of pages");
    expect_no_pages("p.png[99999999999999999999]", "not a choice of pages");
    /* a file of that very name goes first */
    assert_int_equal(un_image_write(in_folder("q.png"), &image, NULL), UNET_OK);
    assert_int_equal(
        rename(in_folder("q.png"), strcat(strcpy((char[600]){0}, in_folder("")), "/q[7].png")), 0);
    assert_int_equal(un_image_read(in_folder("q[7].png"), &back, NULL), UNET_OK);
    free(back.data);
    free(image.data);
}

static void test_grey_in_truth(void **state)
{
    (void)state;
    uint8_t rgb[6] = {5, 5, 5, 51, 51, 51};
    uint16_t deep[6] = {256, 256, 256, 1, 1, 256};
    unet_image image = {1, 2, 3, UNET_U8, 0, rgb};
    assert_true(un_view_is_grey(un_view_of(&image)));
    rgb[5] = 50;
    assert_false(un_view_is_grey(un_view_of(&image)));
    image = (unet_image){1, 2, 3, UNET_U16, 0, deep};
    assert_false(un_view_is_grey(un_view_of(&image)));
    deep[5] = 1;
    assert_true(un_view_is_grey(un_view_of(&image)));
}

static void test_finite(void **state)
{
    (void)state;
    float values[6] = {-1, 3, 0, 1, 2, NAN};
    unet_error err;
    unet_image image = {1, 2, 3, UNET_F32, 0, values};
    assert_int_equal(
        un_view_check_finite("x", un_view_of(&image), 0, (struct un_fill){false, 0}, &err),
        UNET_EINVAL);
    assert_non_null(strstr(err.text, "x: NaN in row 0, column 1"));
    values[5] = -FLT_MAX;
    assert_int_equal(
        un_view_check_finite("x", un_view_of(&image), 0, (struct un_fill){false, 0}, &err),
        UNET_OK);
}

static int ascending(const void *a, const void *b)
{
    float x = *(const float *)a, y = *(const float *)b;
    return (x > y) - (x < y);
}

static void test_quantiles(void **state)
{
    (void)state;
    unet_image floats = made_image(40, 50, 1, UNET_F32), words = made_image(30, 7, 3, UNET_U16);
    float all[2000 + 630], value[5];
    for (int i = 0; i < 2000; i++) {
        float *v = (float *)floats.data + i;
        *v = i % 3 ? *v : -*v * 1e10f;
        all[i] = *v;
    }
    for (int i = 0; i < 630; i++)
        all[2000 + i] = ((uint16_t *)words.data)[i];
    qsort(all, COUNT(all), sizeof *all, ascending);
    const unet_image *images[2] = {&floats, &words};
    static const double share[5] = {0, 0.001, 0.5, 0.999, 1};
    assert_int_equal(un_image_quantiles(images, NULL, 2, share, value, 5, NULL), UNET_OK);
    for (int i = 0; i < 5; i++)
        assert_true(value[i] == all[(int)(share[i] * (double)(COUNT(all) - 1))]);
    free(floats.data);
    free(words.data);
}

static void test_overlay(void **state)
{
    (void)state;
    /* 5 x 5, a 3 x 3 square of class 1 in the middle; one ignored corner */
    static const uint8_t colors[2][3] = {{9, 9, 9}, {255, 0, 100}};
    uint8_t mask[25] = {0}, grey[25] = {0};
    for (int y = 1; y < 4; y++)
        memset(mask + 5 * y + 1, 1, 3);
    mask[24] = UNET_IGNORE;
    grey[0] = 200;
    unet_image image = {5, 5, 1, UNET_U8, 0, grey}, overlay;
    assert_int_equal(un_overlay(&image, mask, colors, 2, 0.5f, &overlay, NULL), UNET_OK);
    const uint8_t *p = overlay.data;
    assert_int_equal(overlay.channels, 3);
    assert_int_equal(p[0], 255);                  /* the brightest, class 0 */
    assert_memory_equal(p + 3 * 6, colors[1], 3); /* outline */
    assert_int_equal(p[3 * 12], 128);             /* inside: half of the colour over black */
    assert_int_equal(p[3 * 12 + 2], 50);
    assert_int_equal(p[3 * 24], 0); /* ignored: the image alone */
    free(overlay.data);
    unet_error err;
    mask[3] = 7;
    assert_int_equal(un_overlay(&image, mask, colors, 2, 0.5f, &overlay, &err), UNET_EINVAL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_png_table),        IN_FOLDER(test_round_trips),
        IN_FOLDER(test_mask_round_trip),         cmocka_unit_test(test_spreading),
        cmocka_unit_test(test_alpha_is_dropped), cmocka_unit_test(test_kinds_of_numbers),
        cmocka_unit_test(test_orientations),     IN_FOLDER(test_rectangles),
        IN_FOLDER(test_choice_of_pages),         cmocka_unit_test(test_grey_in_truth),
        cmocka_unit_test(test_finite),           cmocka_unit_test(test_quantiles),
        cmocka_unit_test(test_overlay),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
