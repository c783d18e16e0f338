/* SPDX-License-Identifier: Apache-2.0 */
/* test_outline_file.c - objects as COCO, GeoJSON, LabelMe, YOLO, VIA, CVAT and for ImageJ, against
 * what was written down */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/ziparchive.h"
#include "support/folder.h"
#include "unet_outlines.h"

enum { HEIGHT = 5, WIDTH = 6 };

/* Object 1: a ring whose two holes touch by a corner.  Object 2: two pixels that do. */
static const char *const picture[HEIGHT] = {"1111..", "1.11.2", "11.12.", "1111..", "......"};

static void read_back(const char *path, char *text, size_t size)
{
    FILE *file = fopen(path, "r");
    assert_non_null(file);
    size_t n = fread(text, 1, size - 1, file);
    text[n] = 0;
    fclose(file);
}

static void write_as(unet_outline_format format, const char *path, int from_objects)
{
    static const char *const names[] = {"", "cell", "a \"b\""};
    uint32_t ids[HEIGHT * WIDTH];
    uint8_t mask[HEIGHT * WIDTH];
    unet_outlines *file;
    unet_objects *objects = NULL;
    unet_error err;
    for (int i = 0; i < HEIGHT * WIDTH; i++) {
        const char c = picture[i / WIDTH][i % WIDTH];
        mask[i] = c == '.' ? 0 : (uint8_t)(c - '0');
        ids[i] = mask[i];
    }
    const unet_objects_options options = {.size = sizeof options, .keep_holes = 1};
    const unet_band band = {.rows = HEIGHT, .width = WIDTH, .mask = mask};
    if (unet_outlines_open(path, format, names, 3, &file, &err) ||
        unet_outlines_image(file, "a.png", HEIGHT, WIDTH, &err) ||
        unet_objects_create(&options, HEIGHT, WIDTH, 3, &objects, &err) ||
        unet_objects_add(objects, &band, &err) || unet_objects_finish(objects, &err) ||
        (from_objects ? unet_outlines_add(file, objects, &err)
                      : unet_outlines_add_ids(file, ids, mask, &err)) ||
        unet_outlines_commit(file, &err))
        fail_msg("%s", err.text);
    unet_objects_free(objects);
}

static const struct {
    unet_outline_format format;
    const char *name, *want;
} rows[] = {
    {UNET_OUTLINES_COCO, "a.json",
     "{\"info\": {}, \"licenses\": [], \"annotations\": [\n"
     "{\"id\": 1, \"image_id\": 1, \"category_id\": 1, \"segmentation\": {\"size\": [5, 6], "
     "\"counts\": \"041M01000O03:\"}, \"area\": 14, \"bbox\": [0, 0, 4, 4], \"iscrowd\": 0},\n"
     "{\"id\": 2, \"image_id\": 1, \"category_id\": 2, \"segmentation\": [[5, 1, 6, 1, 6, 2, 5, "
     "2], "
     "[4, 2, 5, 2, 5, 3, 4, 3]], \"area\": 2, \"bbox\": [4, 1, 2, 2], \"iscrowd\": 0}\n"
     "], \"images\": [\n{\"id\": 1, \"width\": 6, \"height\": 5, \"file_name\": \"a.png\"}\n"
     "], \"categories\": [\n{\"id\": 1, \"supercategory\": \"\", \"name\": \"cell\"},\n"
     "{\"id\": 2, \"supercategory\": \"\", \"name\": \"a \\\"b\\\"\"}\n]}\n"},
    {UNET_OUTLINES_GEOJSON, "a.geojson",
     "{\"type\": \"FeatureCollection\", \"features\": [\n"
     "{\"type\": \"Feature\", \"geometry\": {\"type\": \"Polygon\", \"coordinates\": [[[0, 0], [4, "
     "0], [4, 4], [0, 4], [0, 0]], [[2, 2], [2, 3], [3, 3], [3, 2], [2, 2]], [[1, 2], [2, 2], [2, "
     "1], [1, 1], [1, 2]]]}, \"properties\": {\"objectType\": \"annotation\", \"classification\": "
     "{\"name\": \"cell\"}}},\n"
     "{\"type\": \"Feature\", \"geometry\": {\"type\": \"MultiPolygon\", \"coordinates\": [[[[5, "
     "1], [6, 1], [6, 2], [5, 2], [5, 1]]], [[[4, 2], [5, 2], [5, 3], [4, 3], [4, 2]]]]}, "
     "\"properties\": {\"objectType\": \"annotation\", \"classification\": {\"name\": \"a "
     "\\\"b\\\"\"}}}\n]}\n"},
    {UNET_OUTLINES_LABELME, "b.json", /* from 0, 0 to a hole, around it and back; a group of two */
     "{\"version\": \"5.4.1\", \"flags\": {}, \"shapes\": [\n"
     "{\"label\": \"cell\", \"points\": [[0, 0], [4, 0], [4, 4], [0, 4], [0, 0], [2, 2], [2, 3], "
     "[3, "
     "3], [3, 2], [2, 2], [0, 0], [1, 2], [2, 2], [2, 1], [1, 1], [1, 2], [0, 0]], \"group_id\": "
     "null, \"shape_type\": \"polygon\", \"flags\": {}},\n"
     "{\"label\": \"a \\\"b\\\"\", \"points\": [[5, 1], [6, 1], [6, 2], [5, 2]], \"group_id\": 2, "
     "\"shape_type\": \"polygon\", \"flags\": {}},\n"
     "{\"label\": \"a \\\"b\\\"\", \"points\": [[4, 2], [5, 2], [5, 3], [4, 3]], \"group_id\": 2, "
     "\"shape_type\": \"polygon\", \"flags\": {}}\n"
     "], \"imagePath\": \"a.png\", \"imageData\": null, \"imageHeight\": 5, \"imageWidth\": 6}\n"},
    {UNET_OUTLINES_YOLO, "a.txt",
     "0 0 0 0.666666667 0 0.666666667 0.8 0 0.8 0 0 0.333333333 0.4 0.333333333 0.6 0.5 0.6 0.5 "
     "0.4 "
     "0.333333333 0.4 0 0 0.166666667 0.4 0.333333333 0.4 0.333333333 0.2 0.166666667 0.2 "
     "0.166666667 0.4 0 0\n"
     "1 0.833333333 0.2 1 0.2 1 0.4 0.833333333 0.4\n"
     "1 0.666666667 0.4 0.833333333 0.4 0.833333333 0.6 0.666666667 0.6\n"},
    {UNET_OUTLINES_VIA, "via.json", /* one polygon for each, the parts of the second one, too */
     "{\"_via_settings\": {\"ui\": {}, \"core\": {\"filepath\": {}, \"default_filepath\": \"\"}, "
     "\"project\": {\"name\": \"outlines\"}}, \"_via_img_metadata\": {\n"
     "\"a.png-1\": {\"filename\": \"a.png\", \"size\": -1, \"regions\": [\n"
     "{\"shape_attributes\": {\"name\": \"polygon\", \"all_points_x\": [0, 4, 4, 0, 0, 2, 2, 3, 3, "
     "2, "
     "0, 1, 2, 2, 1, 1, 0], \"all_points_y\": [0, 0, 4, 4, 0, 2, 3, 3, 2, 2, 0, 2, 2, 1, 1, 2, "
     "0]}, "
     "\"region_attributes\": {\"class\": \"cell\"}},\n"
     "{\"shape_attributes\": {\"name\": \"polygon\", \"all_points_x\": [5, 6, 6, 5, 5, 4, 5, 5, 4, "
     "4, "
     "5], \"all_points_y\": [1, 1, 2, 2, 1, 2, 2, 3, 3, 2, 1]}, \"region_attributes\": {\"class\": "
     "\"a \\\"b\\\"\"}}], \"file_attributes\": {}}\n"
     "}, \"_via_attributes\": {\"region\": {\"class\": {\"type\": \"dropdown\", \"description\": "
     "\"\", "
     "\"options\": {\"cell\": \"\", \"a \\\"b\\\"\": \"\"}, \"default_options\": {}}}, \"file\": "
     "{}}, "
     "\"_via_data_format_version\": \"2.0.10\", \"_via_image_id_list\": [\n\"a.png-1\"\n]}\n"},
    {UNET_OUTLINES_CVAT, "a.xml",
     "<?xml version=\"1.0\" encoding=\"utf-8\"?>\n<annotations>\n  <version>1.1</version>\n"
     "  <meta><task><labels>\n    <label><name>cell</name><attributes></attributes></label>\n"
     "    <label><name>a &quot;b&quot;</name><attributes></attributes></label>\n"
     "  </labels></task></meta>\n  <image id=\"0\" name=\"a.png\" width=\"6\" height=\"5\">\n"
     "    <mask label=\"cell\" source=\"manual\" occluded=\"0\" rle=\"0, 5, 1, 4, 1, 5\" "
     "left=\"0\" "
     "top=\"0\" width=\"4\" height=\"4\" z_order=\"0\"></mask>\n"
     "    <mask label=\"a &quot;b&quot;\" source=\"manual\" occluded=\"0\" rle=\"1, 2, 1\" "
     "left=\"4\" "
     "top=\"1\" width=\"2\" height=\"2\" z_order=\"0\"></mask>\n"
     "  </image>\n</annotations>\n"},
};

static void test_formats(void **state)
{
    char text[4096];
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
        for (int from_objects = 0; from_objects < 2; from_objects++) {
            write_as(rows[i].format, in_folder(rows[i].name), from_objects);
            read_back(in_folder(rows[i].name), text, sizeof text);
            if (strcmp(text, rows[i].want))
                fail_msg("%s, %s:\n%s\nwanted\n%s", rows[i].name,
                         from_objects ? "objects" : "numbers", text, rows[i].want);
        }
}

/* ---- ImageJ ---- */

static int word(const unsigned char *at)
{
    return at[0] << 8 | at[1];
}

/* Pixels of a composite: its rings' signed areas, for outer ones run clockwise and holes back. */
static double composite_area(const unsigned char *roi, int floats, int *rings)
{
    double area = 0, first[2] = {0}, last[2] = {0};
    *rings = 0;
    for (int i = 0; i < floats;) {
        double value[3];
        for (int k = 0; k < 3 && i + k < floats; k++) {
            const unsigned char *at = roi + 64 + 4 * (i + k);
            const uint32_t bits = (uint32_t)word(at) << 16 | (uint32_t)word(at + 2);
            float one;
            memcpy(&one, &bits, sizeof one);
            value[k] = (double)one;
        }
        const int what = (int)value[0];
        assert_true(what == 0 || what == 1 || what == 4);
        const double *to = what == 4 ? first : value + 1;
        if (what)
            area += (last[0] * to[1] - to[0] * last[1]) / 2;
        memcpy(last, to, sizeof last);
        if (what == 0)
            memcpy(first, to, sizeof first);
        *rings += what == 0;
        i += what == 4 ? 1 : 3;
    }
    return area;
}

/* A hole makes a composite; pixels that touch by a corner are one ring; classes are groups. */
static void test_imagej(void **state)
{
    (void)state;
    for (int from_objects = 0; from_objects < 2; from_objects++) {
        const char *path = in_folder("a.zip");
        unsigned char roi[2][512] = {{0}};
        struct un_mapping file;
        struct un_zip zip;
        unet_error err;
        int rings;
        write_as(UNET_OUTLINES_IMAGEJ, path, from_objects);
        if (un_map_open(path, &file, &err) || un_zip_open(path, file.data, file.size, &zip, &err))
            fail_msg("%s", err.text);
        assert_int_equal(zip.count, 2);
        for (int i = 0; i < 2; i++) {
            assert_true(un_zip_size(&zip, i) <= sizeof roi[i]);
            assert_int_equal(un_zip_read(&zip, i, roi[i], &err), UNET_OK);
            assert_int_equal(roi[i][word(roi[i] + 62) + 30], i + 1);
        }
        assert_string_equal(un_zip_name(&zip, 0), "000001.roi");
        assert_int_equal(roi[0][6], 1); /* a rectangle, as composites are */
        assert_int_equal(word(roi[0] + 38), 3 * 12 + 3);
        assert_true(composite_area(roi[0], 3 * 12 + 3, &rings) == 14);
        assert_int_equal(rings, 3);
        assert_int_equal(roi[1][6], 8); /* traced */
        assert_int_equal(word(roi[1] + 16), 8);
        assert_int_equal(word(roi[1] + 36) | word(roi[1] + 38), 0);
        un_zip_release(&zip);
        un_map_release(&file);
    }
}

/* What carries no label is told by its name, and leaves one class without groups. */
static void test_ignored(void **state)
{
    static const char *const names[] = {"background", "cell", "Ignore"};
    static const uint8_t mask[4] = {1, 0, 0, 2};
    static const uint32_t ids[4] = {5, 0, 0, 7};
    const char *path = in_folder("i.zip");
    unet_outlines *outlines;
    struct un_mapping file;
    struct un_zip zip;
    unet_error err;
    (void)state;
    if (unet_outlines_open(path, UNET_OUTLINES_IMAGEJ, names, 3, &outlines, &err) ||
        unet_outlines_image(outlines, "a", 2, 2, &err) ||
        unet_outlines_add_ids(outlines, ids, mask, &err) || unet_outlines_commit(outlines, &err) ||
        un_map_open(path, &file, &err) || un_zip_open(path, file.data, file.size, &zip, &err))
        fail_msg("%s", err.text);
    assert_int_equal(zip.count, 2);
    assert_string_equal(un_zip_name(&zip, 1), "ignore-000002.roi");
    for (int i = 0; i < 2; i++)
        assert_int_equal(un_zip_size(&zip, i), 64 + 4 * 4); /* no second header */
    un_zip_release(&zip);
    un_map_release(&file);
}

/* Two images in one file, of which one has nothing. */
static void test_joined(void **state)
{
    static const struct {
        unet_outline_format format;
        const char *name, *want;
    } joined[] = {
        {UNET_OUTLINES_VIA, "j.json",
         "\n\"a.png-1\": {\"filename\": \"a.png\", \"size\": -1, \"regions\": [], "
         "\"file_attributes\": {}},\n\"b.png-1\": {\"filename\": \"b.png\", \"size\": -1, "
         "\"regions\": [\n{\"shape_attributes\": {\"name\": \"polygon\", \"all_points_x\": [1, 2, "
         "2, "
         "1], \"all_points_y\": [0, 0, 1, 1]}, \"region_attributes\": {\"class\": \"class 1\"}}]"},
        {UNET_OUTLINES_CVAT, "j.xml",
         "<image id=\"0\" name=\"a.png\" width=\"2\" height=\"1\">\n  </image>\n  <image id=\"1\" "
         "name=\"b.png\" width=\"2\" height=\"1\">\n    <polygon label=\"class 1\" "
         "source=\"manual\" occluded=\"0\" points=\"1,0;2,0;2,1;1,1\" z_order=\"0\"></polygon>\n  "
         "</image>\n</annotations>"},
    };
    static const uint32_t ids[2] = {0, 3};
    static const uint8_t mask[2] = {0, 1};
    char text[4096];
    (void)state;
    for (size_t i = 0; i < sizeof joined / sizeof *joined; i++) {
        const char *path = in_folder(joined[i].name);
        unet_outlines *file;
        unet_error err;
        if (unet_outlines_open(path, joined[i].format, NULL, 2, &file, &err) ||
            unet_outlines_image(file, "a.png", 1, 2, &err) ||
            unet_outlines_image(file, "b.png", 1, 2, &err) ||
            unet_outlines_add_ids(file, ids, mask, &err) || unet_outlines_commit(file, &err))
            fail_msg("%s", err.text);
        read_back(path, text, sizeof text);
        if (!strstr(text, joined[i].want))
            fail_msg("%s\nwanted in it\n%s", text, joined[i].want);
    }
}

static void test_refused(void **state)
{
    unet_outlines *file;
    unet_error err;
    (void)state;
    assert_int_equal(unet_outlines_open("x", UNET_OUTLINES_FORMATS, NULL, 2, &file, &err),
                     UNET_EINVAL);
    assert_int_equal(
        unet_outlines_open(in_folder("c.geojson"), UNET_OUTLINES_GEOJSON, NULL, 2, &file, &err),
        UNET_OK);
    assert_int_equal(unet_outlines_image(file, "a", 2, 2, &err), UNET_OK);
    assert_int_equal(unet_outlines_image(file, "b", 2, 2, &err), UNET_EINVAL);
    unet_outlines_abort(file);
    assert_null(fopen(in_folder("c.geojson"), "r"));
}

/* Names that a format cannot hold: no file that nobody can read, or that names another image. */
static void test_names(void **state)
{
    static const char odd[] = "caf\xe9.png", over[] = "\xc0\xaf", half[] = "\xed\xa0\x80",
                      line[] = "a\nb", good[] = "\xc3\xa9 \xf0\x9f\x98\x80.png";
    static const struct {
        unet_outline_format format;
        bool utf8, line;
    } formats[] = {{UNET_OUTLINES_COCO, true, true},     {UNET_OUTLINES_LABELME, true, true},
                   {UNET_OUTLINES_VIA, true, true},      {UNET_OUTLINES_CVAT, true, false},
                   {UNET_OUTLINES_GEOJSON, false, true}, {UNET_OUTLINES_YOLO, false, true},
                   {UNET_OUTLINES_IMAGEJ, false, true}};
    (void)state;
    for (size_t i = 0; i < sizeof formats / sizeof *formats; i++) {
        const struct {
            const char *name;
            bool held;
        } names[] = {{odd, !formats[i].utf8},
                     {over, !formats[i].utf8},
                     {half, !formats[i].utf8},
                     {line, formats[i].line},
                     {good, true}};
        for (size_t k = 0; k < sizeof names / sizeof *names; k++) {
            unet_outlines *file;
            unet_error err = {0};
            assert_int_equal(
                unet_outlines_open(in_folder("n"), formats[i].format, NULL, 2, &file, &err),
                UNET_OK);
            if (unet_outlines_image(file, names[k].name, 2, 2, &err) !=
                (names[k].held ? UNET_OK : UNET_EINVAL))
                fail_msg("format %d, name %zu: %s", (int)formats[i].format, k, err.text);
            if (!names[k].held)
                assert_non_null(strstr(err.text, "which this format cannot hold; wanted another"));
            unet_outlines_abort(file);
            assert_null(fopen(in_folder("n"), "r"));
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_formats), cmocka_unit_test(test_imagej),
        cmocka_unit_test(test_ignored), cmocka_unit_test(test_joined),
        cmocka_unit_test(test_refused), cmocka_unit_test(test_names),
    };
    return cmocka_run_group_tests_name("outline_file", tests, folder_create, folder_destroy);
}
