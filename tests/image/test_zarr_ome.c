/* SPDX-License-Identifier: Apache-2.0 */
/* test_zarr_ome.c - images of OME-Zarr: axes, levels, sizes of pixels, and as parts of a set */
#include "unet.h"
#include "zarr_maker.h"

/* As ome-zarr wrote them, by scripts/make_image_fixtures.py: t, c, z, y, x of sides 2, 3, 2, 20,
 * 30, whose samples are 1000 t + 300 c + 100 z + 3 y + x, packed by blosc; a level of half the
 * size. */
static void check_fixture(const char *name, int version)
{
    char path[1024];
    struct unet_source *source;
    struct un_page page;
    uint8_t *samples = NULL;
    unet_error err;
    snprintf(path, sizeof path, "%s/zarr/%s", TEST_FIXTURES, name);
    if (un_source_open(path, &source, &err))
        fail_msg("%s", err.text);
    assert_int_equal(source->pages, 4);
    assert_int_equal(source->unread_count, 1);
    assert_int_equal(source->unread[0].height, 10);
    for (int i = 3; i >= 0; i--) {
        if (read_raw(source, i, &page, &samples, &err)) {
            if (!strstr(err.text, version == 2 ? "libblosc-dev" : "libzstd-dev"))
                fail_msg("%s", err.text);
            print_message("skipped: %s\n", err.text);
            break;
        }
        assert_int_equal(page.channels, 3);
        assert_true(page.pixel_height == 0.5 && page.pixel_width == 0.25);
        assert_string_equal(page.unit, "um");
        for (int k = 0; k < 20 * 30 * 3; k++) {
            const int want =
                1000 * (i / 2) + 300 * (k % 3) + 100 * (i % 2) + 3 * (k / 90) + k / 3 % 30;
            if (un_page_value(&page, samples, (size_t)k) != want)
                fail_msg("%s: page %d, sample %d", path, i, k);
        }
        free(samples);
    }
    un_source_close(source);
    snprintf(path, sizeof path, "%s/zarr/%s/s1[1:3]", TEST_FIXTURES,
             name); /* a level by its path */
    if (un_source_open(path, &source, &err))
        fail_msg("%s", err.text);
    assert_int_equal(source->pages, 2);
    assert_int_equal(un_source_page(source, 0, &page, &err), UNET_OK);
    assert_int_equal(page.height, 10);
    assert_true(page.channels == 3 && page.pixel_width == 0.5);
    un_source_close(source);
}

static void test_tools(void **state)
{
    (void)state;
    check_fixture("two.ome.zarr", 2);
    check_fixture("three.ome.zarr", 3);
}

#define SCALES                                                                                     \
    "{\"multiscales\": [{\"axes\": %s, \"coordinateTransformations\": [{\"type\": \"scale\", "     \
    "\"scale\": [1, 2, 1]}], \"datasets\": [{\"path\": \"p\", \"coordinateTransformations\": "     \
    "[{\"type\": \"scale\", \"scale\": [1, 0.5, 2]}]}]}]}"

static void test_images(void **state)
{
    static const struct {
        const char *axes, *words; /* words: of an error */
        int pages, channels, height;
        double pixel;
    } rows[] = {
        {"[{\"name\": \"z\"}, {\"name\": \"y\", \"unit\": \"millimeter\"}, {\"name\": \"x\", "
         "\"unit\": \"millimeter\"}]",
         NULL, T, 1, H, 1},
        {"[{\"name\": \"z\"}, {\"name\": \"y\", \"unit\": \"nanometer\"}, {\"name\": \"x\", "
         "\"unit\": \"micrometer\"}]",
         NULL, T, 1, H, 1},
        {"[\"c\", \"y\", \"x\"]", NULL, 1, T, H, 0},
        {"[\"T\", \"Y\", \"X\"]", NULL, T, 1, H, 0},
        {"[\"y\", \"x\", \"c\"]", NULL, 1, W, T, 0},
        {"[\"channel\", \"y\", \"x\"]", NULL, 1, T, H, 0},
        {"null", NULL, T, 1, H, 0},
        {"[\"y\", \"x\"]", "an array of 3 axes; ", 0, 0, 0, 0},
        {"[\"s\", \"y\", \"x\"]", "an axis \"s\"", 0, 0, 0, 0},
        {"[\"y\", \"y\", \"x\"]", "an axis \"y\"", 0, 0, 0, 0},
        {"[\"t\", \"c\", \"x\"]", "not named", 0, 0, 0, 0},
    };
    const struct form plain = {.version = 2};
    (void)state;
    make_folder("o.ome.zarr");
    put_array("o.ome.zarr/p", &plain, &types[1]);
    for (size_t i = 0; i < COUNT(rows); i++) {
        struct unet_source *source;
        struct un_page page;
        unet_error err;
        char text[1024];
        snprintf(text, sizeof text, SCALES, rows[i].axes);
        put_text("o.ome.zarr/.zattrs", text);
        if (rows[i].words) {
            expect_failure("o.ome.zarr", UNET_EFORMAT, rows[i].words);
            continue;
        }
        if (un_source_open(in_folder("o.ome.zarr/"), &source, &err))
            fail_msg("row %zu: %s", i, err.text);
        assert_int_equal(un_source_page(source, 0, &page, &err), UNET_OK);
        if (source->pages != rows[i].pages || page.channels != rows[i].channels ||
            page.height != rows[i].height || page.pixel_height != rows[i].pixel)
            fail_msg("row %zu: %d pages, %d channels, height %d, pixels of %g", i, source->pages,
                     page.channels, page.height, page.pixel_height);
        un_source_close(source);
    }
    folder_remove_tree(in_folder("o.ome.zarr"));
}

/* Names that xarray gives: none is guessed past. */
static void test_named(void **state)
{
    static const struct {
        const char *names, *words;
        int pages, channels, height;
    } rows[] = {
        {"[\"y\", \"x\", \"band\"]", NULL, 1, W, T},
        {"[\"Channel\", \"row\", \"column\"]", NULL, 1, T, H},
        {"[\"time\", \"x\", \"y\"]", NULL, T, 1, W},
        {"[\"dim_0\", \"dim_1\", \"dim_2\"]", NULL, T, 1, H},
        {"[\"lat\", \"lon\", \"wave\"]", "an axis \"lat\"", 0, 0, 0},
    };
    const struct form plain = {.version = 2};
    (void)state;
    make_folder("n.zarr");
    put_array("n.zarr", &plain, &types[1]);
    for (size_t i = 0; i < COUNT(rows); i++) {
        struct unet_source *source;
        struct un_page page;
        unet_error err;
        char text[200];
        snprintf(text, sizeof text, "{\"_ARRAY_DIMENSIONS\": %s}", rows[i].names);
        put_text("n.zarr/.zattrs", text);
        if (rows[i].words) {
            expect_failure("n.zarr", UNET_EFORMAT, rows[i].words);
            continue;
        }
        if (un_source_open(in_folder("n.zarr"), &source, &err))
            fail_msg("row %zu: %s", i, err.text);
        assert_int_equal(un_source_page(source, 0, &page, &err), UNET_OK);
        if (source->pages != rows[i].pages || page.channels != rows[i].channels ||
            page.height != rows[i].height)
            fail_msg("row %zu: %d pages, %d channels, height %d", i, source->pages, page.channels,
                     page.height);
        un_source_close(source);
    }
    folder_remove_tree(in_folder("n.zarr"));
}

/* bioformats2raw's root: the first image, and a word of the next. */
static void test_root(void **state)
{
    const struct form plain = {.version = 2};
    struct unet_source *source;
    unet_error err;
    char text[1024];
    (void)state;
    make_folder("b.zarr");
    put_text("b.zarr/.zattrs", "{\"bioformats2raw.layout\": 3}");
    for (int i = 0; i < 2; i++) {
        char name[40];
        snprintf(name, sizeof name, "b.zarr/%d", i);
        make_folder(name);
        snprintf(name, sizeof name, "b.zarr/%d/.zattrs", i);
        snprintf(text, sizeof text, SCALES, "[\"z\", \"y\", \"x\"]");
        put_text(name, text);
        snprintf(name, sizeof name, "b.zarr/%d/p", i);
        put_array(name, &plain, &types[7]);
    }
    check_array("b.zarr", &types[7], "the root");
    check_array("b.zarr/1", &types[7], "an image of it");
    check_array("b.zarr/1/p", &types[7], "a level of that");
    assert_int_equal(un_source_open(in_folder("b.zarr"), &source, &err), UNET_OK);
    assert_non_null(strstr(source->note, "the first of several images; the next is "));
    un_source_close(source);
    folder_remove_tree(in_folder("b.zarr"));
}

/* In a folder of images it is one of them; by itself it is no folder of images. */
static void test_sets(void **state)
{
    const struct form plain = {.version = 2};
    unet_dataset *set = NULL;
    unet_error err;
    char images[256], masks[256], text[1024];
    (void)state;
    make_folder("images");
    make_folder("masks");
    make_folder("images/a.ome.zarr");
    put_array("images/a.ome.zarr/p", &plain, &types[0]);
    snprintf(text, sizeof text, SCALES, "[\"c\", \"y\", \"x\"]");
    put_text("images/a.ome.zarr/.zattrs", text);
    put_text("masks/a.pgm", "P5 7 5 255\nxxxxx.....xxxxx.....xxxxx.....xxxxx");
    for (int way = 0; way < 3; way++) {
        snprintf(images, sizeof images, "%s",
                 in_folder(way == 0   ? "images"
                           : way == 1 ? "images/a.ome.zarr"
                                      : "images/a.ome.zarr/"));
        snprintf(masks, sizeof masks, "%s", in_folder(way ? "masks/a.pgm" : "masks"));
        if (unet_dataset_open(images, masks, NULL, &set, &err))
            fail_msg("%s: %s", images, err.text);
        unet_dataset_free(set);
        set = NULL;
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_tools), cmocka_unit_test(test_images), cmocka_unit_test(test_named),
        cmocka_unit_test(test_root),  cmocka_unit_test(test_sets),
    };
    return cmocka_run_group_tests_name("zarr_ome", tests, folder_create, folder_destroy);
}
