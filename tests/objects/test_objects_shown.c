/* SPDX-License-Identifier: Apache-2.0 */
/* Objects drawn over their image, and in a table with those of other images. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "unet_objects.h"

enum { H = 13, W = 27 };

/* Two squares of 11 x 11, joined by one pixel. */
static void draw_mask(uint8_t *mask)
{
    for (int y = 0; y < H; y++)
        for (int x = 0; x < W; x++)
            mask[y * W + x] =
                (y >= 1 && y <= 11 && ((x >= 1 && x <= 11) || (x >= 13 && x <= 23))) ||
                (y == 6 && x == 12);
}

static unet_objects *find(const uint8_t *mask, int split, const char *unit)
{
    unet_objects_options options = {.split = split};
    unet_objects *objects;
    unet_error err;
    const unet_band band = {.rows = H, .width = W, .mask = mask};
    if (unit) {
        options.pixel_height = options.pixel_width = 2;
        snprintf(options.unit, sizeof options.unit, "%s", unit);
    }
    if (unet_objects_create(&options, H, W, 2, &objects, &err) ||
        unet_objects_add(objects, &band, &err) || unet_objects_finish(objects, &err))
        fail_msg("%s", err.text);
    return objects;
}

static void draw(unet_objects *objects, int step, uint8_t *rgb)
{
    static const uint8_t colors[2][3] = {{0, 0, 0}, {250, 250, 250}};
    static uint8_t pixels[H * W];
    const float range[2] = {0, 255};
    unet_error err;
    for (int y = 0; y < H; y += step) {
        const unet_image rows = {H - y < step ? H - y : step, W, 1, UNET_U8, 0, pixels};
        if (unet_objects_overlay(objects, y, &rows, colors, 2, 0.2f, range, rgb + 3 * y * W, &err))
            fail_msg("%s", err.text);
    }
}

/* Each object has its outline, and the same bytes however many rows are drawn at a time. */
static void test_overlay(void **state)
{
    uint8_t mask[H * W], rgb[3 * H * W], parts[3 * H * W];
    uint32_t ids[H * W];
    (void)state;
    draw_mask(mask);
    for (int split = 0; split < 2; split++) {
        unet_objects *objects = find(mask, split, NULL);
        assert_int_equal(unet_objects_count(objects), split ? 2 : 1);
        assert_int_equal(unet_objects_rows(objects, 0, H, ids, NULL), UNET_OK);
        draw(objects, H, rgb);
        for (int step = 1; step < H; step += 4) {
            draw(objects, step, parts);
            assert_memory_equal(rgb, parts, sizeof rgb);
        }
        for (int i = 0; i < H * W; i++) {
            int y = i / W, x = i % W;
            int edge =
                ids[i] && ((x && ids[i - 1] != ids[i]) || (x + 1 < W && ids[i + 1] != ids[i]) ||
                           (y && ids[i - W] != ids[i]) || (y + 1 < H && ids[i + W] != ids[i]));
            int want = edge ? 250 : ids[i] ? 50 : 0;
            if (rgb[3 * i] != want)
                fail_msg("split %d: row %d, column %d is %d, wanted %d", split, y, x, rgb[3 * i],
                         want);
        }
        unet_error err;
        unet_image wide = {1, W + 1, 1, UNET_U8, 0, mask};
        assert_int_equal(unet_objects_overlay(objects, 0, &wide, (const uint8_t[2][3]){{0}}, 2, 1,
                                              (const float[2]){0, 1}, parts, &err),
                         UNET_EINVAL);
        unet_objects_free(objects);
    }
}

static char *read_text(const char *path)
{
    FILE *file = fopen(path, "rb");
    char *text = calloc(1, 1 << 16);
    assert_non_null(file);
    assert_true(fread(text, 1, (1 << 16) - 1, file) > 0);
    fclose(file);
    return text;
}

/* Columns and rows of two images, of which one tells its unit; another unit is refused, and what is
 * given up leaves nothing. */
static void test_table(void **state)
{
    static const char *const names[] = {"rest", "a \"cell\""};
    const unet_table_options options = {
        .images = 1, .pages = 1, .class_names = names, .unit = "um"};
    char path[] = "/tmp/unet_table_XXXXXX.csv";
    uint8_t mask[H * W];
    unet_table *table;
    unet_error err;
    (void)state;
    draw_mask(mask);
    unet_objects *um = find(mask, 1, "um"), *plain = find(mask, 0, NULL), *mm = find(mask, 0, "mm");
    int fd = mkstemps(path, 4);
    assert_true(fd >= 0);
    close(fd);
    unlink(path);
    assert_int_equal(unet_table_open(path, &options, &table, &err), UNET_OK);
    assert_int_equal(unet_table_add(table, um, "a.tif", 0, &err), UNET_OK);
    assert_int_equal(unet_table_add(table, plain, "b,1.tif", 3, &err), UNET_OK);
    assert_int_equal(unet_table_add(table, mm, "c.tif", 0, &err), UNET_EINVAL);
    assert_string_equal(err.text, "c.tif: pixels measured in mm, those of the table in um");
    assert_int_not_equal(access(path, F_OK), 0);
    assert_int_equal(unet_table_commit(table, &err), UNET_OK);
    char *text = read_text(path);
    static const char *const wanted[] = {"image,page,id,class,class_name,area_px,",
                                         ",area_um2,",
                                         "\r\na.tif,0,1,1,\"a \"\"cell\"\"\",",
                                         "\r\na.tif,0,2,1,",
                                         "\r\n\"b,1.tif\",3,1,1,",
                                         ",0,,,,,,,,,,,\r\n"};
    for (size_t i = 0; i < sizeof wanted / sizeof *wanted; i++)
        if (!strstr(text, wanted[i]))
            fail_msg("no %s in %s", wanted[i], text);
    unlink(path);
    assert_int_equal(unet_table_open(path, &options, &table, &err), UNET_OK);
    unet_table_abort(table);
    assert_int_not_equal(access(path, F_OK), 0);
    free(text);
    unet_objects_free(um);
    unet_objects_free(plain);
    unet_objects_free(mm);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_overlay),
        cmocka_unit_test(test_table),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
