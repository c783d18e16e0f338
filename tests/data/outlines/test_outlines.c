/* SPDX-License-Identifier: Apache-2.0 */
/* test_outlines.c - which pixels outlines hold, and what their names mean */
#include "support/outlines_drawn.h"

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
    };
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        char text[1000];
        snprintf(text, sizeof text, LABELME(SHAPE("cell", "%s", "\"polygon\"")), rows[i].points);
        check("a.json", text, NULL, 4, 6, rows[i].want);
    }
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
    check("a.json", LABELME(SHAPE("cell", "", "\"polygon\"") "," BOX("cell", "[0,0],[1,1]")), NULL,
          4, 6, "2..... ...... ...... ......");
}

/* A set in which no outline has an area. */
static void test_flat(void **state)
{
    static const struct {
        const char *text, *want;
    } rows[] = {
        {LABELME(SHAPE("cell", "[1,1]", "\"polygon\"")), "1 shape without an area"},
        {LABELME(SHAPE("cell", "", "\"polygon\"") "," BOX("cell", "[1,1],[4,1]")),
         "2 shapes without an area"},
        {LABELME(SHAPE("cell", "[1,1],[1,1]", "\"circle\"")), "1 shape without an area"},
        {COCO("[[]]"), "1 shape without an area"},
        {COCO("{\"size\": [4,4], \"counts\": [16]}"), "1 shape without an area"},
        {LABELME(SHAPE("cell", "[1,1]", "\"point\"")),
         "has an area; 1 point without an outline passed over"},
    };
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct un_outlines *set = calloc(1, sizeof *set);
        struct un_wish wish = {.ignore = -1};
        const struct un_coding *given = NULL;
        const char *text = rows[i].text;
        unet_error err = {0};
        assert_int_equal(un_outlines_read_bytes(set, "a.json", text, strlen(text), &err), 0);
        assert_int_equal(un_outlines_settle(set, &wish, &given, &err), UNET_EINVAL);
        if (!strstr(err.text, rows[i].want))
            fail_msg("%s\nwanted %s", err.text, rows[i].want);
        un_outlines_free(set);
    }
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
        cmocka_unit_test(test_rule),       cmocka_unit_test(test_labels),
        cmocka_unit_test(test_counts),     cmocka_unit_test(test_nothing),
        cmocka_unit_test(test_flat),       cmocka_unit_test(test_too_many_names),
        cmocka_unit_test(test_long_names), cmocka_unit_test(test_corner),
    };
    return cmocka_run_group_tests_name("outlines", tests, NULL, NULL);
}
