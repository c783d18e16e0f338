/* SPDX-License-Identifier: Apache-2.0 */
/* test_outline_file.c - objects as COCO, GeoJSON, LabelMe and YOLO, against what was written down
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

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

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_formats),
        cmocka_unit_test(test_refused),
    };
    return cmocka_run_group_tests_name("outline_file", tests, folder_create, folder_destroy);
}
