/* SPDX-License-Identifier: Apache-2.0 */
/* test_channels.c - one image out of several files or pages, choices of channels, and look-up
 * tables that show one */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "image/channels.h"
#include "image/image.h"
#include "source_open.h"
#include "support/folder.h"
#include "tiff_maker.h"

enum { WIDE = 40, HIGH = 70 }; /* more rows than are read at a time */

static void test_texts(void **state)
{
    (void)state;
    static const struct {
        const char *text, *back, *ending; /* back NULL: refused */
    } cases[] = {
        {"", "", ""},
        {"0,2", "0,2", "{0,2}"},
        {"pages", "pages", "{pages}"},
        {"pages:1", "pages:1", "{pages:1}"},
        {"files:ch00,ch01", "files:ch00,ch01", ""},
        {"files:0000,0001:1,0", "files:0000,0001:1,0", "{1,0}"},
        {"0,", NULL, NULL},
        {",0", NULL, NULL},
        {"a", NULL, NULL},
        {"-1", NULL, NULL},
        {"99999", NULL, NULL},
        {"pages:", NULL, NULL},
        {"pagesx", NULL, NULL},
        {"files:", NULL, NULL},
        {"files:a", NULL, NULL},
        {"files:a,,b", NULL, NULL},
        {"files:a,b:", NULL, NULL},
        {"files:a/b,c", NULL, NULL},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct un_channels channels;
        unet_error err;
        char back[UN_CHANNELS_TEXT] = "", ending[UN_CHANNELS_TEXT] = "";
        unet_code code = un_channels_parse(cases[i].text, &channels, &err);
        un_channels_text(&channels, back, sizeof back);
        un_channels_ending(&channels, ending, sizeof ending);
        if (code != (cases[i].back ? UNET_OK : UNET_EINVAL) ||
            (!code && (strcmp(back, cases[i].back) || strcmp(ending, cases[i].ending))))
            fail_msg("'%s': code %d, '%s', ending '%s'", cases[i].text, code, back, ending);
    }
}

/* Channel c of the image at path has the samples of plane[c]; rectangles of it, too. */
static void check_image(const char *path, int page, const struct maker *const *plane, int count)
{
    struct unet_source *source = must_open(path);
    struct un_page what = must_page(source, page);
    const struct un_rect rects[] = {{0, 0, HIGH, WIDE}, {3, 5, HIGH - 4, 7}};
    if (what.height != HIGH || what.width != WIDE || what.channels != count)
        fail_msg("%s: %d x %d of %d channels, wanted %d", path, what.width, what.height,
                 what.channels, count);
    for (int r = 0; r < 2; r++) {
        uint8_t *samples = malloc(un_rect_bytes(&what, rects[r])), *at = samples;
        unet_error err;
        if (un_source_read(source, page, &what, rects[r], samples, &err))
            fail_msg("%s", err.text);
        for (int y = 0; y < rects[r].height; y++)
            for (int x = 0; x < rects[r].width; x++)
                for (int c = 0; c < count; c++, at++) {
                    uint8_t want[8];
                    maker_put(plane[c], rects[r].left + x, rects[r].top + y, 0, want);
                    if (*at != *want)
                        fail_msg("%s: row %d, column %d, channel %d: %d, wanted %d", path, y, x, c,
                                 *at, *want);
                }
        free(samples);
    }
    un_source_close(source);
}

#define PLANE(n)                                                                                   \
    {                                                                                              \
        .width = WIDE, .height = HIGH, .number = (n)                                               \
    }

static void check_refused(const char *path, const char *words)
{
    struct unet_source *source = NULL;
    struct un_page page;
    unet_error err;
    unet_code code = un_source_open(path, &source, &err);
    if (!code)
        code = un_source_page(source, 0, &page, &err);
    un_source_close(source);
    if (!code || !strstr(err.text, words))
        fail_msg("%s: '%s', wanted '%s'", path, code ? err.text : "taken", words);
}

static void test_files(void **state)
{
    (void)state;
    const struct maker a = PLANE(1), b = PLANE(2), odd = {.width = WIDE, .height = 9},
                       deep = {.width = WIDE, .height = HIGH, .bits = 16};
    const struct maker stack[2] = {PLANE(3), PLANE(4)};
    maker_write(in_folder("x_ch0.tif"), "w", &a, 1);
    maker_write(in_folder("x_ch1.tif"), "w", &b, 1);
    maker_write(in_folder("x_odd.tif"), "w", &odd, 1);
    maker_write(in_folder("x_deep.tif"), "w", &deep, 1);
    maker_write(in_folder("s_c0.tif"), "w", stack, 2);
    maker_write(in_folder("s_c1.tif"), "w", (struct maker[]){PLANE(5), PLANE(6)}, 2);
    const struct maker e = PLANE(6);
    check_image(in_folder("x_{ch0,ch1}.tif"), 0, (const struct maker *[]){&a, &b}, 2);
    check_image(in_folder("x_{ch1,ch0}.tif"), 0, (const struct maker *[]){&b, &a}, 2);
    check_image(in_folder("x_{ch0,ch1}.tif{1}"), 0, (const struct maker *[]){&b}, 1);
    check_image(in_folder("x_ch1.tif{0,0}"), 0, (const struct maker *[]){&b, &b}, 2);
    check_image(in_folder("s_{c0,c1}.tif"), 1, (const struct maker *[]){&stack[1], &e}, 2);
    check_image(in_folder("s_{c0,c1}.tif[1]{1,0}"), 0, (const struct maker *[]){&e, &stack[1]}, 2);
    check_refused(in_folder("x_{ch0,ch2}.tif"), "x_ch2.tif: No such file");
    check_refused(in_folder("x_{ch0,odd}.tif"), "x_odd.tif is 40 x 9 pixels of 8 bits");
    check_refused(in_folder("x_{ch0,deep}.tif"), "channels of one image are alike");
    check_refused(in_folder("{x_ch0,s_c0}.tif"), "s_c0.tif has 2 pages");
    check_refused(in_folder("x_ch0.tif{1}"), "no channel 1; 0 to 0 wanted");

    struct unet_source *source = must_open(in_folder("s_{c0,c1}.tif[0:2]{1}"));
    char *path = un_source_page_path(source, 1);
    assert_string_equal(path, in_folder("s_{c0,c1}.tif[1]{1}"));
    free(path);
    un_source_close(source);

    maker_write(in_folder("x_{ch0,ch1}.tif"), "w", &b, 1); /* of that very name */
    check_image(in_folder("x_{ch0,ch1}.tif"), 0, (const struct maker *[]){&b}, 1);
}

static void test_pages(void **state)
{
    (void)state;
    const struct maker pages[3] = {PLANE(1), PLANE(2), PLANE(3)};
    maker_write(in_folder("p.tif"), "w", pages, 3);
    check_image(in_folder("p.tif{pages}"), 0,
                (const struct maker *[]){&pages[0], &pages[1], &pages[2]}, 3);
    check_image(in_folder("p.tif{pages:2,0}"), 0, (const struct maker *[]){&pages[2], &pages[0]},
                2);
    check_image(in_folder("p.tif[1:3]{pages}"), 0, (const struct maker *[]){&pages[1], &pages[2]},
                2);
    check_image(in_folder("p.tif[1]{pages}"), 0, (const struct maker *[]){&pages[1]}, 1);
}

/* [channel][row][column] is [row][column][channel] by itself. */
static void test_array(void **state)
{
    (void)state;
    const struct maker plane[2] = {PLANE(1), PLANE(2)};
    uint8_t file[128 + 2 * HIGH * WIDE], *at = file + 128, value[8];
    memset(file, ' ', 128);
    memcpy(file, "\x93NUMPY\1\0\x76\0", 10);
    memcpy(file + 10, "{'descr': '|u1', 'fortran_order': False, 'shape': (2, 70, 40), }", 64);
    file[127] = '\n';
    for (int c = 0; c < 2; c++)
        for (int y = 0; y < HIGH; y++)
            for (int x = 0; x < WIDE; x++, *at++ = *value)
                maker_put(&plane[c], x, y, 0, value);
    put_file(in_folder("a.npy"), file, sizeof file);
    check_image(in_folder("a.npy{pages}"), 0, (const struct maker *[]){&plane[0], &plane[1]}, 2);
    check_image(in_folder("a.npy{pages:1}"), 0, (const struct maker *[]){&plane[1]}, 1);
}

/* What tifffile's description says of the axes. */
static void test_shaped(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        int pages, plane[2]; /* of page 1, or 0 of one */
        const char *note;    /* NULL: "" */
    } cases[] = {
        {"{\"shape\": [3, 2, 70, 40], \"axes\": \"ZCYX\"}", 3, {2, 3}, NULL},
        {"{\"shape\": [2, 3, 70, 40], \"axes\": \"CZYX\"}", 3, {1, 4}, NULL},
        {"{\"shape\": [3, 2, 70, 40]}", 6, {1, -1}, NULL},
        {"{\"shape\": [3, 2, 70, 40], \"axes\": \"TZYX\"}", 6, {1, -1}, NULL},
        {"{\"shape\": [3, 2, 70, 40], \"axes\": \"ZTYX\"}",
         6,
         {1, -1},
         "its axes are ZTYX: pages are in the file's order, T fastest, then Z"},
        {"{\"shape\": [6, 70, 40], \"axes\": \"ZYX\"}", 6, {1, -1}, NULL},
        {"{\"shape\": [3, 3, 70, 40], \"axes\": \"CZYX\"}", 6, {1, -1}, NULL}, /* not this file's */
        {"{\"shape\": [3, 2, 70, 41], \"axes\": \"ZCYX\"}", 6, {1, -1}, NULL},
        {"{\"shape\": [3, 2, 70, 40], \"axes\": ", 6, {1, -1}, NULL},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct maker pages[6];
        const struct maker *want[2];
        for (int k = 0; k < 6; k++)
            pages[k] = (struct maker)PLANE(k);
        pages[0].description = cases[i].text;
        maker_write(in_folder("shaped.tif"), "w", pages, 6);
        struct unet_source *source = must_open(in_folder("shaped.tif"));
        if (source->pages != cases[i].pages)
            fail_msg("%s: %d pages, wanted %d", cases[i].text, source->pages, cases[i].pages);
        assert_string_equal(source->note, cases[i].note ? cases[i].note : "");
        un_source_close(source);
        int count = 0;
        for (; count < 2 && cases[i].plane[count] >= 0; count++)
            want[count] = &pages[cases[i].plane[count]];
        check_image(in_folder("shaped.tif"), 1, want, count);
    }
}

/* Three slices that tifffile, told no photometric, wrote as the planes of a colour. */
static void test_shaped_planes(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        int ifds, pages, channels, page, plane[3]; /* plane: sample + 3 * IFD of a page */
    } cases[] = {
        {"{\"shape\": [3, 70, 40], \"axes\": \"ZYX\"}", 1, 3, 1, 2, {2}},
        {"{\"shape\": [2, 3, 70, 40], \"axes\": \"TZYX\"}", 2, 6, 1, 4, {4}},
        {"{\"shape\": [2, 3, 70, 40], \"axes\": \"CZYX\"}", 2, 3, 2, 1, {1, 4}},
        {"{\"shape\": [2, 3, 70, 40], \"axes\": \"ZCYX\"}", 2, 2, 3, 1, {3, 4, 5}},
        {"{\"shape\": [3, 70, 40]}", 1, 1, 3, 0, {0, 1, 2}},
        {"{\"shape\": [4, 70, 40], \"axes\": \"ZYX\"}", 1, 1, 3, 0, {0, 1, 2}}, /* not it */
    };
    for (size_t i = 0; i < 3 * sizeof cases / sizeof *cases; i++) {
        struct maker ifds[2] = {PLANE(0), PLANE(1)};
        const int k = (int)(i / 3), way = (int)(i % 3);
        for (int n = 0; n < 2; n++) {
            ifds[n].samples = 3;
            ifds[n].planar = PLANARCONFIG_SEPARATE;
            ifds[n].compression = way ? COMPRESSION_LZW : 0;
            ifds[n].tile = way == 2 ? 16 : 0;
            ifds[n].rows = way == 1 ? 7 : 0;
        }
        ifds[0].description = cases[k].text;
        maker_write(in_folder("planes.tif"), "w", ifds, cases[k].ifds);
        struct unet_source *source = must_open(in_folder("planes.tif"));
        struct un_page page = must_page(source, cases[k].page);
        uint8_t samples[30][20][3], want[8];
        unet_error err;
        if (source->pages != cases[k].pages || page.channels != cases[k].channels)
            fail_msg("%s: %d pages of %d channels", cases[k].text, source->pages, page.channels);
        assert_int_equal(un_source_read(source, cases[k].page, &page,
                                        (struct un_rect){25, 15, 30, 20}, samples, &err),
                         UNET_OK);
        for (int at = 0; at < 30 * 20 * page.channels; at++) {
            const int c = at % page.channels, x = at / page.channels % 20;
            const int plane = cases[k].plane[c];
            maker_put(&ifds[plane / 3], 15 + x, 25 + at / page.channels / 20, plane % 3, want);
            if (((uint8_t *)samples)[at] != *want)
                fail_msg("%s, way %d: sample %d is %d, not %d", cases[k].text, way, at,
                         ((uint8_t *)samples)[at], *want);
        }
        un_source_close(source);
    }
}

/* [row][column][channel]: an IFD is a row, as wide as there are channels. */
static void test_rows(void **state)
{
    (void)state;
    struct maker rows[HIGH];
    const struct maker wide = {.width = 2, .height = WIDE};
    for (int y = 0; y < HIGH; y++) {
        rows[y] = wide;
        rows[y].number = y;
    }
    rows[0].description = "{\"shape\": [70, 40, 2]}";
    maker_write(in_folder("rows.tif"), "w", rows, HIGH);
    struct unet_source *source = must_open(in_folder("rows.tif"));
    struct un_page page = must_page(source, 0);
    uint8_t samples[3][4][2], want[8];
    unet_error err;
    assert_int_equal(source->pages, 1);
    assert_true(page.height == HIGH && page.width == WIDE && page.channels == 2);
    assert_non_null(strstr(source->note, "one image of 40 x 70 pixels and 2 channels"));
    assert_int_equal(
        un_source_read(source, 0, &page, (struct un_rect){60, 30, 3, 4}, samples, &err), UNET_OK);
    for (int y = 0; y < 3; y++)
        for (int x = 0; x < 4; x++)
            for (int c = 0; c < 2; c++) {
                maker_put(&rows[60 + y], c, 30 + x, 0, want);
                assert_int_equal(samples[y][x][c], *want);
            }
    un_source_close(source);
    rows[0].description = NULL;
    maker_write(in_folder("rows.tif"), "w", rows, HIGH);
    source = must_open(in_folder("rows.tif"));
    assert_int_equal(source->pages, HIGH);
    un_source_close(source);
}

static void test_ramps(void **state)
{
    (void)state;
    struct un_page grey = {.height = 1, .width = 256, .channels = 1, .bits = 8, .bytes = 1};
    grey.palette_size = 256;
    struct un_page green = grey, hot = grey, few = grey, falls = grey;
    few.palette_size = 2;
    few.palette[1][0] = 200;
    for (int i = 0; i < 256; i++) {
        memset(grey.palette[i], i * 7, 3);
        green.palette[i][1] = (uint8_t)i;
        falls.palette[i][0] = falls.palette[i][2] = (uint8_t)(255 - i);
        hot.palette[i][0] = (uint8_t)(i < 128 ? 2 * i : 255);
        hot.palette[i][1] = (uint8_t)(i < 128 ? 0 : 2 * (i - 128));
    }
    assert_true(un_palette_is_ramp(&grey) && un_palette_is_ramp(&green));
    assert_true(un_palette_is_ramp(&falls));
    assert_false(un_palette_is_ramp(&hot) || un_palette_is_ramp(&few));
    green.ramp = true;
    uint8_t index[256], value[256];
    for (int i = 0; i < 256; i++)
        index[i] = (uint8_t)i;
    assert_int_equal(un_page_image(&green).channels, 1);
    un_convert(&green, index, 256, value);
    assert_memory_equal(index, value, 256);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_texts),  cmocka_unit_test(test_files),
        cmocka_unit_test(test_pages),  cmocka_unit_test(test_array),
        cmocka_unit_test(test_shaped), cmocka_unit_test(test_shaped_planes),
        cmocka_unit_test(test_rows),   cmocka_unit_test(test_ramps),
    };
    return cmocka_run_group_tests(tests, folder_create, folder_destroy);
}
