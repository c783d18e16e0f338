/* SPDX-License-Identifier: Apache-2.0 */
/* test_outlines_formats.c - outlines of every format become the pixels that were computed by hand
 */
#include "support/outlines_drawn.h"

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

/* Rectangles by two corners, by all four, turned, and what is none. */
static void test_rectangles(void **state)
{
    static const struct {
        const char *points, *type, *want;
    } rows[] = {
        {"[1,1],[4,3]", "\"rectangle\"", "...... .111.. .111.. ......"},
        {"[4,3],[1,1]", "\"rectangle\"", "...... .111.. .111.. ......"},
        {"[1,1],[4,1],[4,3],[1,3]", "\"rectangle\"", "...... .111.. .111.. ......"},
        {"[4,1],[1,1],[1,3],[4,3]", "\"rectangle\"", "...... .111.. .111.. ......"},
        {"[2,0],[4,2],[2,4],[0,2]", "\"rectangle\"", ".1.... 111... 111... .1...."},
        {"[2,0],[4,2],[2,4],[0,2]", "\"rotation\"", ".1.... 111... 111... .1...."},
        {"[1,1],[4,1],[4,3]", "\"rectangle\"", "a rectangle of 3 points, two or four wanted"},
        {"[1,1]", "\"rectangle\"", "a rectangle of 1 points, two or four wanted"},
        {"[1,1],[4,1]", "\"rotation\"", "a rotation of 2 points, four wanted"},
        {"[1,1],[40,1],[1,30],[40,30]", "\"rectangle\"", "no corners of a rectangle"},
        {"[1,1],[4,1],[4,3]", "\"circle\"", "a circle of 3 points, two wanted"},
        {"[1,1],[4e9,1]", "\"circle\"", "a coordinate that is no number of pixels"},
    };
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        char text[1000];
        unet_error err = {0};
        snprintf(text, sizeof text, LABELME(SHAPE("cell", "%s", "%s")), rows[i].points,
                 rows[i].type);
        if (i < 6) {
            check("a.json", text, NULL, 4, 6, rows[i].want);
            continue;
        }
        struct un_outlines *set = calloc(1, sizeof *set);
        if (un_outlines_read_bytes(set, "a.json", text, strlen(text), &err) != UNET_EFORMAT ||
            !strstr(err.text, rows[i].want))
            fail_msg("%s: %s\nwanted %s", rows[i].points, err.text, rows[i].want);
        un_outlines_free(set);
    }
}

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

/* A crowd carries no label, and lies under single objects wherever it stands in the file. */
static void test_crowds(void **state)
{
    static const char *const text =
        "{\"images\": [{\"id\": 3, \"file_name\": \"a.png\"}], \"categories\": [{\"id\": 9, "
        "\"name\": \"cell\"}], \"annotations\": [{\"image_id\": 3, \"category_id\": 9, "
        "\"iscrowd\": 0, \"segmentation\": [[0,0,1,0,1,4,0,4]]}, {\"image_id\": 3, "
        "\"category_id\": 9, \"segmentation\": [[2,0,3,0,3,4,2,4]]}, {\"image_id\": 3, "
        "\"category_id\": 9, \"iscrowd\": 1, \"segmentation\": {\"size\": [4,4], \"counts\": "
        "[4,12]}}]}";
    static struct un_wish wish;
    struct un_outlines *set = read_set("a.json", text, strlen(text), NULL, &wish);
    char raster[100], words[600];
    (void)state;
    assert_true(set->objects);
    draw(set, 0, 4, 4, raster);
    assert_string_equal(raster, "1x2x 1x2x 1x2x 1x2x");
    un_outlines_text(set, words, sizeof words);
    assert_non_null(strstr(words, "1 crowd (iscrowd) carries no label"));
    un_outlines_free(set);
}

#define AREA(type, more, box, end)                                                                 \
    "{\"type\": \"Feature\", \"geometry\": {\"type\": \"Polygon\", \"coordinates\": [" box         \
    "]}, \"properties\": {\"objectType\": \"" type "\"" more "}" end "}"
#define ALL "[[0,0],[4,0],[4,4],[0,4],[0,0]]"
#define LEFT "[[0,0],[1,0],[1,4],[0,4],[0,0]]"
#define RIGHT "[[3,0],[4,0],[4,4],[3,4],[3,0]]"
#define NAMES(names) ", \"classification\": {\"names\": [" names "]}"

/* What QuPath says beside outlines. */
static void test_qupath(void **state)
{
    static const struct {
        const char *text, *want, *names, *words;
    } rows[] = {
        /* several names are a class, and an annotation with them has one */
        {"[" AREA("cell", NAMES("\"Tumor\", \"Positive\""), LEFT,
                  "") "," AREA("annotation", NAMES("\"Tumor\", \"Negative\""), RIGHT, "") "]",
         "2..1 2..1 2..1 2..1", "Tumor: Positive|Tumor: Negative|", ""},
        {"[" AREA("tmaCore", NAMES("\"Core\""), ALL,
                  "") "," AREA("tile", "", ALL, "") "," AREA("detection", "", LEFT, "") "]",
         "1... 1... 1... 1...", "object|", "2 tiles or cores of a tissue array passed over"},
        /* objects in objects, wherever they stand */
        {"[" AREA("annotation", "", ALL,
                  ", \"childObjects\": [" AREA("cell", NAMES("\"a\""), LEFT, "") "]") "]",
         "1... 1... 1... 1...", "a|", "1 annotation without a class around detections passed over"},
        {AREA("annotation",
              NAMES("\"t\"") ", \"childObjects\": [" AREA("cell", NAMES("\"a\""), LEFT, "") "]",
              ALL, ""),
         "1222 1222 1222 1222", "t|a|", "4 pixels lie in two shapes and are the later one's"},
        {"[" AREA("cell", NAMES("\"a\""), LEFT,
                  ", \"nucleusGeometry\": {\"type\": \"Polygon\"}") "]",
         "1... 1... 1... 1...", "a|", "1 nucleus within a cell's outline passed over"},
    };
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        static struct un_wish wish;
        struct un_outlines *set =
            read_set("a.geojson", rows[i].text, strlen(rows[i].text), NULL, &wish);
        char raster[100], words[600], names[200] = "";
        draw(set, 0, 4, 4, raster);
        un_outlines_text(set, words, sizeof words);
        for (int k = 0; k < set->name_count; k++)
            strcat(strcat(names, set->names[k]), "|");
        assert_string_equal(raster, rows[i].want);
        assert_string_equal(names, rows[i].names);
        assert_string_equal(words, rows[i].words);
        un_outlines_free(set);
    }
}

#define ON(plane)                                                                                  \
    "{\"type\": \"Feature\", \"geometry\": {\"type\": \"Polygon\", \"coordinates\": [" LEFT        \
    "]" plane "}}"

/* QuPath writes the plane of a shape where it is not the first of the stack. */
static void test_planes(void **state)
{
    static const char text[] =
        "[" ON("") "," ON(", \"plane\": {\"c\": 2, \"z\": 1, \"t\": 0}") "," ON(
            ", \"plane\": {\"c\": -1, \"z\": 2, \"t\": 1}") "]";
    static const int wanted[] = {0, 1, 5};
    static struct un_wish wish;
    const struct un_stack stack = {"a.tif", .slices = 3, .pages = 6, .channels = 3},
                          one = {"a.png", .pages = 1, .channels = 3};
    struct un_outlines *set = read_set("a.geojson", text, strlen(text), NULL, &wish);
    unet_error err = {0};
    int pages[3];
    (void)state;
    if (un_outlines_pages(set->drawings[0], &stack, pages, &err))
        fail_msg("%s", err.text);
    assert_memory_equal(pages, wanted, sizeof wanted);
    assert_int_equal(un_outlines_pages(set->drawings[0], &one, pages, &err), UNET_EINVAL);
    assert_non_null(strstr(err.text, "on another slice or frame"));
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
        {"a.geojson",
         AREA(
             "cell",
             NAMES(
                 "\"a very long name of one class alone\", \"and another that is as long\", \"b\""),
             ALL, ""),
         "more than 63 bytes together"},
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

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_labelme), cmocka_unit_test(test_rectangles),
        cmocka_unit_test(test_coco),    cmocka_unit_test(test_others),
        cmocka_unit_test(test_crowds),  cmocka_unit_test(test_qupath),
        cmocka_unit_test(test_planes),  cmocka_unit_test(test_refused),
    };
    return cmocka_run_group_tests_name("outlines_formats", tests, NULL, NULL);
}
