/* SPDX-License-Identifier: Apache-2.0 */
/* test_outlines.c - outlines of every format become the pixels that were computed by hand */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "data/outlines/outlines.h"
#include "support/bytes_maker.h"

enum { MOST = 4096 };

/* One drawing as text: '.' 0, '1' ... codes or numbers, 'x' no label; rows end in a blank. */
static void draw(struct un_outlines *set, int i, int height, int width, char *text)
{
    static uint32_t codes[MOST];
    struct un_painted painted;
    unet_error err;
    memset(codes, 0, sizeof codes);
    if (un_drawing_paint(set, set->drawings[i], 0, 1, height, width, codes, &painted, &err))
        fail_msg("%s", err.text);
    set->painted = painted;
    for (int y = 0; y < height; y++) {
        for (int x = 0; x < width; x++) {
            const uint32_t code = codes[y * width + x];
            *text++ = !code ? '.' : code == UN_OUTLINES_IGNORE ? 'x' : (char)('0' + code % 10);
        }
        *text++ = ' ';
    }
    text[-1] = 0;
}

static struct un_outlines *read_set(const char *path, const void *bytes, size_t size,
                                    const char *labels, struct un_wish *wish)
{
    const struct un_coding *given = NULL;
    struct un_outlines *set = calloc(1, sizeof *set);
    unsigned char *copy = bytes_exact(bytes, size);
    unet_error err;
    if (un_wish_parse(labels, wish, &err) || un_outlines_read_bytes(set, path, copy, size, &err) ||
        un_outlines_settle(set, wish, &given, &err))
        fail_msg("%s: %s", path, err.text);
    free(copy);
    return set;
}

static void check_bytes(const char *path, const void *bytes, size_t size, const char *labels,
                        int height, int width, const char *want)
{
    static struct un_wish wish;
    struct un_outlines *set = read_set(path, bytes, size, labels, &wish);
    char text[2 * MOST];
    draw(set, 0, height, width, text);
    if (strcmp(text, want))
        fail_msg("%s: %.200s\ngives  %s\nwanted %s", path, (const char *)bytes, text, want);
    un_outlines_free(set);
}

static void check(const char *path, const char *bytes, const char *labels, int height, int width,
                  const char *want)
{
    check_bytes(path, bytes, strlen(bytes), labels, height, width, want);
}

#define LABELME(shapes)                                                                            \
    "{\"shapes\": [" shapes "], \"imagePath\": \"a.png\", \"imageHeight\": 4, \"imageWidth\": 6}"
#define SHAPE(label, points, more)                                                                 \
    "{\"label\": \"" label "\", \"points\": [" points "], \"shape_type\": " more "}"

#define BOX(label, points) SHAPE(label, points, "\"rectangle\"")

/* A centre on an edge belongs to what lies right of it and below. */
static void test_rule(void **state)
{
    static const struct {
        const char *points, *want;
    } rows[] = {
        {"[1,1],[4,1],[4,3],[1,3]", "...... .111.. .111.. ......"},
        {"[1,3],[4,3],[4,1],[1,1]", "...... .111.. .111.. ......"},
        {"[0.5,0.5],[2.5,0.5],[2.5,2.5],[0.5,2.5]", "11.... 11.... ...... ......"},
        {"[0.51,0.51],[2.51,0.51],[2.51,2.51],[0.51,2.51]", "...... .11... .11... ......"},
        {"[0,0],[4,0],[0,4]", "111... 11.... 1..... ......"}, /* centres of the long side: not */
        {"[4,0],[4,4],[0,4]", "...1.. ..11.. .111.. 1111.."}, /* the other half: these are */
        {"[-9,-9],[99,-9],[99,99],[-9,99]", "111111 111111 111111 111111"},
        {"[1,1],[1.2,1],[1.2,1.2]", "...... ...... ...... ......"},
        {"[0,0],[6,0],[6,4],[0,4],[0,0],[2,1],[4,1],[4,3],[2,3],[2,1]", /* even and odd */
         "111111 11..11 11..11 111111"},
        {"[1,1]", "...... ...... ...... ......"},
    };
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        char text[1000];
        snprintf(text, sizeof text, LABELME(SHAPE("cell", "%s", "\"polygon\"")), rows[i].points);
        check("a.json", text, NULL, 4, 6, rows[i].want);
    }
}

static void test_labelme(void **state)
{
    (void)state;
    /* names in natural order; later over earlier; ignore and background */
    check("a.json",
          LABELME(SHAPE("c10", "[0,0],[4,0],[4,4],[0,4]", "\"polygon\"") "," SHAPE(
              "c9", "[2,0],[6,0],[6,2],[2,2]",
              "\"polygon\"") "," SHAPE("__ignore__", "[0,0],[1,1]",
                                       "\"rectangle\"") "," SHAPE("_background_", "[1,3],[2,4]",
                                                                  "\"rectangle\"")),
          NULL, 4, 6, "x21111 221111 2222.. 2.22..");
    /* one name and several shapes: objects; two of a group are one; others have no area */
    check(
        "a.json",
        LABELME(SHAPE("cell", "[0,0],[1,4]", "\"rectangle\"") "," SHAPE(
            "cell", "[2,0],[3,4]",
            "\"rectangle\", \"group_id\": 7") "," SHAPE("cell", "[2,2]",
                                                        "\"point\"") "," SHAPE("cell",
                                                                               "[4,0],[5,2]",
                                                                               "\"rectangle\", "
                                                                               "\"group_id\": 7")),
        NULL, 4, 6, "1.2.2. 1.2.2. 1.2... 1.2...");
    /* a circle of radius 2 around a corner of pixels: centres within */
    check("a.json", LABELME(SHAPE("cell", "[2,2],[4,2]", "\"circle\"")), NULL, 4, 6,
          ".11... 1111.. 1111.. .11...");
    /* a mask of 2 x 2 as PNG, white but for one corner */
    check("a.json",
          LABELME("{\"label\": \"cell\", \"points\": [[3,1],[4,2]], \"shape_type\": \"mask\", "
                  "\"mask\": "
                  "\"iVBORw0KGgoAAAANSUhEUgAAAAIAAAACCAAAAABX3VL4AAAADklEQVR4nGP8z8DwnwEABwUCALEy0F"
                  "kAAAAASUVORK5CYII=\"}"),
          NULL, 4, 6, "...... ...11. ...1.. ......");
}

#define COCO(outline)                                                                              \
    "{\"images\": [{\"id\": 3, \"file_name\": \"a.png\", \"height\": 4, \"width\": 4}], "          \
    "\"categories\": [{\"id\": 9, \"name\": \"cell\"}], \"annotations\": [{\"id\": 1, "            \
    "\"image_id\": 3, \"category_id\": 9, \"segmentation\": " outline "}]}"

static void test_coco(void **state)
{
    (void)state;
    check("a.json", COCO("[[1,1,3,1,3,3,1,3]]"), NULL, 4, 4, ".... .11. .11. ....");
    /* several parts that overlap: united */
    check("a.json", COCO("[[0,0,3,0,3,3,0,3],[2,2,4,2,4,4,2,4]]"), NULL, 4, 4,
          "111. 111. 1111 ..11");
    /* 5 0s, 2 1s, 2 0s, 2 1s, 5 0s down the columns */
    check("a.json", COCO("{\"size\": [4,4], \"counts\": [5,2,2,2,5]}"), NULL, 4, 4,
          ".... .11. .11. ....");
    check("a.json", COCO("{\"size\": [4,4], \"counts\": \"52203\"}"), NULL, 4, 4,
          ".... .11. .11. ....");
    check("a.json", COCO("{\"size\": [4,4], \"counts\": [0,3,13]}"), NULL, 4, 4,
          "1... 1... 1... ....");
    check("a.json", COCO("{\"size\": [4,4], \"counts\": \"03=\"}"), NULL, 4, 4,
          "1... 1... 1... ....");
}

static void test_others(void **state)
{
    (void)state;
    check("a.json",
          "{\"a.png12\": {\"filename\": \"a.png\", \"size\": 12, \"regions\": {\"0\": "
          "{\"shape_attributes\": {\"name\": \"polygon\", \"all_points_x\": [1,3,3,1], "
          "\"all_points_y\": [0,0,2,2]}, \"region_attributes\": {\"kind\": \"b\"}}, \"1\": "
          "{\"shape_attributes\": {\"name\": \"rect\", \"x\": 0, \"y\": 0, \"width\": 1, "
          "\"height\": 3}, \"region_attributes\": {\"kind\": {\"a\": true, \"c\": false}}}}}}",
          NULL, 4, 4, "122. 122. 1... ....");
    check(
        "a.json",
        "{\"_via_img_metadata\": {\"k\": {\"filename\": \"a.png\", \"regions\": "
        "[{\"shape_attributes\": {\"name\": \"ellipse\", \"cx\": 2, \"cy\": 2, \"rx\": 2, \"ry\": "
        "1}, \"region_attributes\": {}}]}}}",
        NULL, 4, 4, ".... 1111 1111 ....");
    check("a.geojson",
          "{\"type\": \"FeatureCollection\", \"features\": [{\"type\": \"Feature\", \"geometry\": "
          "{\"type\": \"MultiPolygon\", \"coordinates\": [[[[0,0],[3,0],[3,3],[0,3],[0,0]], "
          "[[1,1],[2,1],[2,2],[1,2],[1,1]]], [[[3,3],[4,3],[4,4],[3,4],[3,3]]]]}, "
          "\"properties\": {\"classification\": {\"name\": \"Tumor\"}}}]}",
          NULL, 4, 4, "111. 1.1. 111. ...1");
    /* QuPath: cells and the area in which they were looked for, then that area alone */
    check("a.geojson",
          "{\"type\": \"FeatureCollection\", \"features\": [{\"type\": \"Feature\", \"geometry\": "
          "{\"type\": \"Polygon\", \"coordinates\": [[[0,0],[4,0],[4,3],[0,3],[0,0]]]}, "
          "\"properties\": {\"objectType\": \"annotation\"}}, {\"type\": \"Feature\", "
          "\"geometry\": {\"type\": \"Polygon\", \"coordinates\": "
          "[[[0,0],[2,0],[2,2],[0,2],[0,0]]]}, "
          "\"properties\": {\"objectType\": \"cell\"}}, {\"type\": \"Feature\", \"geometry\": "
          "{\"type\": \"Polygon\", \"coordinates\": [[[3,0],[4,0],[4,1],[3,1],[3,0]]]}, "
          "\"properties\": {\"objectType\": \"cell\"}}]}",
          NULL, 4, 4, "11.2 11.. .... ....");
    check("a.geojson",
          "{\"type\": \"Feature\", \"geometry\": {\"type\": \"Polygon\", \"coordinates\": "
          "[[[0,0],[4,0],[4,3],[0,3],[0,0]]]}, \"properties\": {\"objectType\": \"annotation\"}}",
          NULL, 4, 4, "1111 1111 1111 ....");
    check("a.xml",
          "<?xml version=\"1.0\"?><annotations><image id=\"0\" name=\"a&amp;b.png\" width=\"4\" "
          "height=\"4\"><polygon label=\"b\" points=\"0.0,0.0;2,0;2,2;0,2\" z_order=\"1\"/>"
          "<box label=\"a\" xtl=\"1\" ytl=\"1\" xbr=\"4\" ybr=\"3\" z_order=\"0\"><attribute "
          "name=\"x\">y</attribute></box><mask label=\"c\" rle=\"1, 2, 1\" left=\"2\" top=\"2\" "
          "width=\"2\" height=\"2\"/><points label=\"a\" points=\"1,1\"/></image></annotations>",
          NULL, 4, 4, "22.. 2211 .113 ..3.");
    check("a.txt", "1 0 0 0.5 0 0.5 0.5 0 0.5\n0 0.5 0.5 1 .5 1 1 0.5 1 0.9\r\n0 0.5 0.5 1 1\n",
          NULL, 4, 4, "22.. 22.. ..11 ..11");
}

/* The header of a region: type, box, points. */
static void roi(struct bytes *to, int type, int top, int left, int bottom, int right,
                const int *points, int count)
{
    unsigned char head[64] = {'I', 'o', 'u', 't', 0, 227};
    const int box[5] = {top, left, bottom, right, count};
    head[6] = (unsigned char)type;
    for (int i = 0; i < 5; i++)
        head[9 + 2 * i] = (unsigned char)box[i];
    bytes_add(to, head, sizeof head);
    for (int c = 0; c < 2; c++)
        for (int i = 0; i < count; i++) {
            const unsigned char two[2] = {0, (unsigned char)points[2 * i + c]};
            bytes_add(to, two, 2);
        }
}

static void test_roi(void **state)
{
    static const int square[] = {0, 0, 2, 0, 2, 2, 0, 2};
    struct bytes one = {0}, two = {0}, shape = {0};
    (void)state;
    roi(&one, 0, 1, 1, 3, 3, square, 4);
    check_bytes("a.roi", one.data, one.size, NULL, 4, 4, ".... .11. .11. ....");
    roi(&two, 2, 0, 0, 2, 4, NULL, 0);
    check_bytes("a.roi", two.data, two.size, NULL, 4, 4, "1111 1111 .... ....");
    /* a composite: a square with a hole, as floats */
    static const float path[] = {0, 0, 0, 1, 3, 0, 1, 3, 3, 1, 0, 3, 4,
                                 0, 1, 1, 1, 2, 1, 1, 2, 2, 1, 1, 2, 4};
    roi(&shape, 1, 0, 0, 3, 3, NULL, 0);
    shape.data[39] = sizeof path / sizeof *path;
    for (size_t i = 0; i < sizeof path / sizeof *path; i++) {
        uint32_t bits;
        memcpy(&bits, &path[i], 4);
        const unsigned char big[4] = {(unsigned char)(bits >> 24), (unsigned char)(bits >> 16),
                                      (unsigned char)(bits >> 8), (unsigned char)bits};
        bytes_add(&shape, big, 4);
    }
    check_bytes("a.roi", shape.data, shape.size, NULL, 4, 4, "111. 1.1. 111. ....");
    free(one.data);
    free(two.data);
    free(shape.data);
}

/* What a person says of names, and what a model has. */
static void test_labels(void **state)
{
    static const char *const two = LABELME(
        SHAPE("b", "[0,0],[1,4]", "\"rectangle\"") "," SHAPE("a", "[1,0],[2,4]", "\"rectangle\""));
    static struct un_wish wish;
    struct un_outlines *set = read_set("a.json", two, strlen(two), "ground,b,a", &wish);
    (void)state;
    assert_int_equal(wish.coding.labels, 3);
    assert_string_equal(wish.coding.names[0], "ground");
    assert_int_equal(un_coding_class(&wish.coding, set->codes[0]), 1);
    assert_int_equal(un_coding_class(&wish.coding, set->codes[1]), 2);
    un_outlines_free(set);
    check("a.json", two, "instances", 4, 6, "12.... 12.... 12.... 12....");
    struct un_coding model = un_coding_identity(4);
    const struct un_coding *given = &model;
    strcpy(model.names[1], "x");
    strcpy(model.names[2], "b");
    strcpy(model.names[3], "a");
    set = calloc(1, sizeof *set);
    wish = (struct un_wish){.ignore = -1};
    assert_int_equal(un_outlines_read_bytes(set, "a.json", two, strlen(two), NULL), UNET_OK);
    assert_int_equal(un_outlines_settle(set, &wish, &given, NULL), UNET_OK);
    assert_null(given);
    assert_int_equal(un_coding_class(&wish.coding, set->codes[0]), 2);
    assert_int_equal(un_coding_class(&wish.coding, set->codes[1]), 3);
    un_outlines_free(set);
}

/* Files that name no image, and rings of no points, which a sanitizer looks at. */
static void test_nothing(void **state)
{
    static const char text[] = "<annotations></annotations>";
    static struct un_wish wish;
    struct un_outlines *set = calloc(1, sizeof *set);
    const struct un_coding *given = NULL;
    unet_error err;
    (void)state;
    assert_int_equal(un_outlines_read_bytes(set, "a.xml", text, strlen(text), &err), UNET_OK);
    assert_int_equal(un_outlines_settle(set, &wish, &given, &err), UNET_EFORMAT);
    assert_string_equal(err.text, "outlines of no image");
    un_outlines_free(set);
    check("a.json", LABELME(SHAPE("cell", "", "\"polygon\"")), NULL, 4, 6,
          "...... ...... ...... ......");
}

/* What was found is counted and said. */
static void test_counts(void **state)
{
    static const char *const text = LABELME(BOX("cell", "[-3,0],[2,4]") "," BOX(
        "cell",
        "[1,0],[3,"
        "4]") "," BOX("cell",
                      "[9,9],[12,"
                      "12]") "," BOX("cell",
                                     "[1,1],[1.1,1.1]") "," BOX("cell",
                                                                "[5,0],[6,1]") "," BOX("cell",
                                                                                       "[4,0],[6,"
                                                                                       "4]") "," SHAPE("cell",
                                                                                                       "[4,0],["
                                                                                                       "6,4]",
                                                                                                       "\"line"
                                                                                                       "\""));
    static struct un_wish wish;
    struct un_outlines *set = read_set("a.json", text, strlen(text), NULL, &wish);
    char words[600], raster[100];
    (void)state;
    draw(set, 0, 4, 6, raster);
    assert_string_equal(raster, "122.66 122.66 122.66 122.66");
    un_outlines_text(set, words, sizeof words);
    assert_string_equal(
        words,
        "1 line without an outline passed over; 1 shape reaches beyond its image and is cut "
        "there; 1 shape lies beyond its image as a whole; 1 shape holds no pixel's centre; 5 "
        "pixels lie in two shapes and are the later one's; 1 object lies under others as a "
        "whole");
    un_outlines_free(set);
}

static void test_refused(void **state)
{
    static const struct {
        const char *path, *text, *want;
    } rows[] = {
        {"a.json", "{\"x\": 1}", "no outlines that are read"},
        {"a.json", "{\"shapes\": [", "not valid JSON"},
        {"a.json", LABELME(SHAPE("cell", "[1],[2,2],[3,3]", "\"polygon\"")), "a point that is no"},
        {"a.json", LABELME(SHAPE("cell", "[1e300,1],[2,2],[3,3]", "\"polygon\"")),
         "a coordinate that is no number of pixels"},
        {"a.json", LABELME("{\"points\": [[1,1]]}"), "shape 1 has no label"},
        {"a.json", COCO("{\"size\": [4,4], \"counts\": [5,2,2,2,6]}"), "sum is not the number"},
        {"a.json", COCO("{\"size\": [4,4], \"counts\": [5,2]}"), "sum is not the number"},
        {"a.json", COCO("{\"size\": [4,4], \"counts\": \"5~\"}"), "sum is not the number"},
        {"a.json", COCO("{\"size\": [4,5], \"counts\": [20]}"),
         "runs of 5 x 4 pixels, but a.png is"},
        {"a.json", COCO("[[1,2,3]]"), "no array of x, y"},
        {"a.json", COCO("[[0.1,0.1,0.9,0.1,0.9,1]]"), "as shares of the image's sides would"},
        {"a.json", COCO("[[0.1,0.1,0.9,0.1,0.9,1]]"), "multiply x by the image's width"},
        {"a.json", COCO("[[0.1,0.1,1.02,0.1,1.02,0.2],[-0.004,0.6,0.2,0.6,0.2,0.9]]"),
         "from -0.004 to 1.02, as shares of the image's sides would, and 1 of 1 shapes hold no"},
        {"a.json", LABELME(SHAPE("a", "[0.2,0.2],[0.2,0.3]", "\"circle\"")),
         "as shares of the image's sides would"},
        {"a.json", "{\"project\": {\"pid\": 1, \"vid_list\": []}, \"file\": {}}", "of VIA 3"},
        {"a.txt", "1024 0 0 1 0 1 1\n", "more than 1024 names"},
        {"a.json", "[{\"image_id\": 1, \"category_id\": 1}]", "COCO results"},
        {"a.xml", "<annotations><track id=\"0\"/></annotations>", "tracks of a video"},
        {"a.xml", "<annotations><polygon label=\"a\" points=\"1,1\"/></annotations>",
         "outside of an image"},
        {"a.xml",
         "<annotations><image name=\"a\" width=\"4\" height=\"4\"><mask label=\"a\" left=\"0\" "
         "top=\"0\" width=\"2\" height=\"2\" rle=\"1, 9\"/></image></annotations>",
         "a run that is no number of pixels left"},
        {"a.txt", "0 10 20 30 40 50 60\n", "line 1: a coordinate that is no share"},
        {"a.txt", "a.png,b.png\n", "no outlines that are read"},
        {"a.roi", "Iout", "no outlines that are read"},
    };
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct un_outlines *set = calloc(1, sizeof *set);
        unet_error err = {0};
        unet_code code =
            un_outlines_read_bytes(set, rows[i].path, rows[i].text, strlen(rows[i].text), &err);
        if (code != UNET_EFORMAT || !strstr(err.text, rows[i].want))
            fail_msg("%s: %d %s\nwanted %s", rows[i].text, code, err.text, rows[i].want);
        un_outlines_free(set);
    }
}

/* In the corner of an image: a shape of its own pixel, and few of those that hold none. */
static void test_corner(void **state)
{
    (void)state;
    check("a.json", COCO("[[-0.3,-0.3,1.2,-0.3,1.2,1.2,-0.3,1.2]]"), NULL, 4, 4,
          "1... .... .... ....");
    check("a.json",
          LABELME(SHAPE("a", "[0,0],[1.2,0],[1.2,1.2],[0,1.2]", "\"polygon\"") "," SHAPE(
              "a", "[0,0],[1.2,0],[1.2,0.1]",
              "\"polygon\"") "," SHAPE("a", "[0.7,0.7],[1.5,0.7],[1.5,1.5]", "\"polygon\"")),
          "background,a", 4, 6, "1..... ...... ...... ......");
    check("a.json", COCO("[[0.2,0.2,3,0.2,3,3]]"), NULL, 4, 4, "111. .11. ..1. ....");
}

/* Numbers of objects as names: more than a network has classes for. */
static void test_too_many_names(void **state)
{
    (void)state;
    char *text = calloc(1, 200000), *at = text;
    at += sprintf(at, "{\"imageWidth\": 6, \"imageHeight\": 4, \"shapes\": [");
    for (int i = 0; i < 1100; i++)
        at += sprintf(at,
                      "%s{\"label\": \"%d\", \"shape_type\": \"polygon\", "
                      "\"points\": [[1,1],[4,1],[4,3]]}",
                      i ? "," : "", i);
    sprintf(at, "]}");
    struct un_outlines *set = calloc(1, sizeof *set);
    unet_error err = {0};
    assert_int_equal(un_outlines_read_bytes(set, "a.json", text, strlen(text), &err), UNET_EFORMAT);
    if (!strstr(err.text, "more than 1024 names"))
        fail_msg("%s", err.text);
    un_outlines_free(set);
    free(text);
}

/* Long names are cut between two characters, however many bytes these have. */
static void test_long_names(void **state)
{
    static const char *const letters[] = {"\xc3\xa4", "\xe7\xbb\x86", "\xf0\x9f\x94\xac"};
    (void)state;
    for (size_t i = 0; i < sizeof letters / sizeof *letters; i++)
        for (int before = 0; before < 4; before++) {
            struct un_outlines *set = calloc(1, sizeof *set);
            char name[200] = "";
            memset(name, 'x', (size_t)before);
            while (strlen(name) < 100)
                strcat(name, letters[i]);
            assert_non_null(set);
            assert_int_equal(un_outlines_name(set, name), 0);
            const size_t size = strlen(set->names[0]), each = strlen(letters[i]);
            const size_t wanted = (size_t)before + (63 - (size_t)before) / each * each;
            if (size != wanted || memcmp(set->names[0], name, size) != 0)
                fail_msg("characters of %zu bytes, %d before: %zu bytes, wanted %zu", each, before,
                         size, wanted);
            un_outlines_free(set);
        }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_rule),       cmocka_unit_test(test_labelme),
        cmocka_unit_test(test_coco),       cmocka_unit_test(test_others),
        cmocka_unit_test(test_roi),        cmocka_unit_test(test_labels),
        cmocka_unit_test(test_counts),     cmocka_unit_test(test_nothing),
        cmocka_unit_test(test_refused),    cmocka_unit_test(test_too_many_names),
        cmocka_unit_test(test_long_names), cmocka_unit_test(test_corner),
    };
    return cmocka_run_group_tests_name("outlines", tests, NULL, NULL);
}
