/* SPDX-License-Identifier: Apache-2.0 */
/* test_labels_told.c - what a person says of masks, a file for each class, and what a model keeps
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdlib.h>
#include <string.h>

#include "data/set/dataset.h"
#include "model/model.h"
#include "support/folder.h"

#define COUNT(array) (sizeof(array) / sizeof *(array))
#define IN_FOLDER(test) cmocka_unit_test_setup_teardown(test, folder_create, folder_destroy)

/* ---- what a person says ------------------------------------------------------------------ */

static void test_wishes(void **state)
{
    (void)state;
    static const struct {
        const char *labels, *wanted; /* "!": refused with this */
    } rows[] = {
        {"a=0,b=255", "grey values 0 = a, 255 = b"},
        {" a = 0 , b = 255 ", "grey values 0 = a, 255 = b"},
        {"background=0,cell=255,ignore=11",
         "grey values 0 = background, 255 = cell; 11 = no label"},
        {"0,128,255", "grey values 0 = class 0, 128 = class 1, 255 = class 2"},
        {"a=0,b=1|2|7-999", "grey values 0 = a, 1|2|7-999 = b"},
        {"road=#804080,sky=#4682B4", "colours #804080 = road, #4682b4 = sky"},
        {"a=0", "!labels: \"a=0\": two classes or more wanted"},
        {"a=0,a=1", "!\"a=1\": this name was given before"},
        {"a=0,b=0", "!\"b=0\": a code that another class has already"},
        {"a=0-9,b=5", "!\"b=5\": a code that another class has already"},
        {"a=0,b=x", "!\"b=x\": a number, a range such as 1-99, or a colour #rrggbb wanted"},
        {"a=0,b=9-5", "!\"b=9-5\": a number, a range"},
        {"a=0,b=4294967296", "!a number, a range"},
        {"a=0,b=#12345", "!a number, a range"},
        {"a=0,b=#1234567", "!a number, a range"},
        {"a=0,b=#ff0000", "!\"b=#ff0000\": numbers and colours do not go together"},
        {"a=0,,b=1", "!\"\": NAME=CODES wanted"},
        {"a=,b=1", "!\"a=\": NAME=CODES wanted"},
        {"=0,b=1", "!\"=0\": NAME=CODES wanted"},
        {"a=0,b=1|", "!\"b=1|\": a number"},
        {"a=0,b", "!\"b\": classes with codes and names alone do not go together"},
    };
    for (size_t r = 0; r < COUNT(rows); r++) {
        struct un_wish wish;
        unet_error err = {0};
        char text[512];
        unet_code code = un_wish_parse(rows[r].labels, &wish, &err);
        if (!code)
            un_coding_text(&wish.coding, text, sizeof text);
        else
            snprintf(text, sizeof text, "!%s", err.text);
        const char *wanted = rows[r].wanted;
        if ((*wanted == '!') != (code != UNET_OK) ||
            (code ? !strstr(text, wanted + 1) : strcmp(text, wanted) != 0))
            fail_msg("'%s': '%s', wanted '%s'", rows[r].labels, text, wanted);
    }
    struct un_wish wish;
    char many[2048] = "0", longest[80];
    for (int k = 1; k < 255; k++)
        sprintf(many + strlen(many), ",%d", k);
    unet_error err;
    assert_int_equal(un_wish_parse(many, &wish, &err), UNET_EINVAL);
    assert_non_null(strstr(err.text, "more than 254 classes"));
    snprintf(longest, sizeof longest, "a=0,%064d=1", 7);
    assert_int_equal(un_wish_parse(longest, &wish, &err), UNET_EINVAL);
    assert_non_null(strstr(err.text, "a name has at most 63 bytes"));
}

/* ---- a file for each class --------------------------------------------------------------- */

static void put_grey(const char *name, const uint8_t *values)
{
    const unet_image image = {2, 3, 1, UNET_U8, 0, (void *)values};
    unet_error err;
    if (un_image_write(in_folder(name), &image, &err))
        fail_msg("%s", err.text);
}

/* A TIFF of 3 x 2 bits whose 1 is black, as tifffile writes booleans: rows of 3 upper bits. */
static void put_booleans(const char *name, uint8_t first, uint8_t second)
{
    static const uint16_t tags[][2] = {{256, 3}, {257, 2}, {258, 1}, {259, 1}, {262, 0},
                                       {273, 8}, {277, 1}, {278, 2}, {279, 2}};
    uint8_t file[10 + 2 + COUNT(tags) * 12 + 4] = {'I', 'I', 42, 0, 10, 0, 0, 0, first, second};
    uint8_t *to = file + 10;
    *to = COUNT(tags);
    to += 2;
    for (size_t i = 0; i < COUNT(tags); i++, to += 12) { /* one short each */
        to[0] = (uint8_t)tags[i][0];
        to[1] = (uint8_t)(tags[i][0] >> 8);
        to[2] = 3;
        to[4] = 1;
        to[8] = (uint8_t)tags[i][1];
    }
    put_file(in_folder(name), file, sizeof file);
}

static void make_folders(const char *first, const char *second)
{
    char name[64];
    mkdir(in_folder("i"), 0777);
    mkdir(in_folder("m"), 0777);
    snprintf(name, sizeof name, "m/%s", first);
    mkdir(in_folder(name), 0777);
    snprintf(name, sizeof name, "m/%s", second);
    mkdir(in_folder(name), 0777);
}

static void expect_set(const char *labels, const char *wanted, const uint8_t *classes)
{
    const unet_dataset_options options = {.ignore = -1, .labels = labels};
    unet_dataset *set = NULL;
    unet_error err = {0};
    unet_code code = un_dataset_open(in_folder("i"), in_folder("m"), &options, NULL, &set, &err);
    const char *text = code ? err.text : set->coding_text;
    if (!strstr(text, wanted))
        fail_msg("'%s', wanted '%s'", text, wanted);
    if (classes)
        assert_memory_equal(set->pairs[0].mask, classes, 6);
    un_dataset_free(set);
}

static void test_files_per_class(void **state)
{
    (void)state;
    static const uint8_t a[] = {255, 0, 0, 0, 0, 0}, b[] = {0, 255, 0, 0, 7, 0};
    static const uint8_t both[] = {255, 255, 0, 0, 7, 0};
    make_folders("cell", "nucleus");
    put_grey("i/x.png", a);
    put_grey("m/cell/x.png", a);
    put_grey("m/nucleus/x.png", b);
    expect_set(NULL, "a file for each class: cell, nucleus", (const uint8_t[]){1, 2, 0, 0, 2, 0});
    expect_set("nucleus,cell", "a file for each class: nucleus, cell (later",
               (const uint8_t[]){2, 1, 0, 0, 1, 0});
    expect_set("rest,nucleus,cell", "a file for each class: nucleus, cell (later",
               (const uint8_t[]){2, 1, 0, 0, 1, 0});
    expect_set("rest,cell", "masks of class \"nucleus\" are there, which is not among", NULL);
    expect_set("rest,cell,nucleus,wall", "labels: \"wall\" has no masks", NULL);
    expect_set("a=0,b=1", "labels: the masks are a file for each class (cell ...); names", NULL);
    static const uint8_t rest[] = {0, 0, 255, 255, 0, 255}; /* is class 0, and no other */
    mkdir(in_folder("m/Background"), 0777);
    put_grey("m/Background/x.png", rest);
    expect_set(NULL, "a file for each class: cell, nucleus", (const uint8_t[]){1, 2, 0, 0, 2, 0});
    expect_set("Background,nucleus,cell", "a file for each class: nucleus, cell (later",
               (const uint8_t[]){2, 1, 0, 0, 1, 0});
    expect_set("nucleus,cell", "a file for each class: nucleus, cell (later",
               (const uint8_t[]){2, 1, 0, 0, 1, 0});
    unlink(in_folder("m/Background/x.png"));
    put_grey("m/nucleus/x.png", a);
    expect_set(NULL, "\"cell\" and \"nucleus\" have mostly the same pixels, as those of two people",
               NULL);
    unlink(in_folder("m/nucleus/x.png"));
    unlink(in_folder("m/cell/x.png"));
    put_booleans("m/cell/x.tif", 0x80, 0);
    put_booleans("m/nucleus/x.tif", 0, 0x40);
    expect_set(NULL, "\"cell\" and \"nucleus\" have mostly the same pixels: a bit of 1 is black",
               NULL);
    unlink(in_folder("m/nucleus/x.tif"));
    unlink(in_folder("m/cell/x.tif"));
    put_grey("m/cell/x.png", a);
    put_grey("m/nucleus/x.png", both);
    expect_set(NULL,
               "x.png: row 0, column 0 is cell and nucleus; say labels with the classes in the "
               "order in which they lie over one another (cell,nucleus)",
               NULL);
    expect_set("cell,nucleus", "later ones", (const uint8_t[]){2, 2, 0, 0, 2, 0});
    expect_set("nucleus,cell", "later ones", (const uint8_t[]){1 + 1, 1, 0, 0, 1, 0});
}

/* A file for each object: numbers in their order; of two that overlap the smaller one is seen. */
static void test_files_per_object(void **state)
{
    (void)state;
    static const uint8_t a[] = {255, 255, 255, 0, 0, 0}, b[] = {0, 0, 9, 9, 0, 0};
    static const uint8_t c[] = {0, 0, 0, 0, 0, 1}, near[] = {0, 0, 1, 1, 0, 0};
    static const uint32_t numbers[] = {1, 1, 2, 2, 0, 3};
    unet_dataset *set;
    unet_error err;
    make_folders("x", "y");
    put_grey("i/x.png", c);
    put_grey("m/x/1.png", a);
    put_grey("m/x/2.png", b);
    put_grey("m/x/3.png", c);
    const unet_dataset_options options = {.ignore = -1};
    if (unet_dataset_open(in_folder("i"), in_folder("m"), &options, &set, &err))
        fail_msg("%s", err.text);
    assert_string_equal(unet_dataset_coding_text(set),
                        "object numbers, 0 = background, others = object");
    assert_memory_equal(unet_dataset_objects(set, 0), numbers, sizeof numbers);
    assert_memory_equal(set->pairs[0].mask, ((const uint8_t[]){1, 1, 1, 1, 0, 1}), 6);

    /* beside a set like it */
    unet_dataset *again;
    if (un_dataset_open(in_folder("i"), in_folder("m"), NULL, &set->coding, &again, &err))
        fail_msg("%s", err.text);
    assert_memory_equal(unet_dataset_objects(again, 0), numbers, sizeof numbers);
    un_dataset_free(again);
    un_dataset_free(set);

    put_grey("m/x/4.png", near);
    expect_set(NULL, "have nearly the same pixels: two masks of one thing", NULL);
    for (int k = 1; k <= 4; k++) {
        char name[20];
        sprintf(name, "m/x/%d.png", k);
        unlink(in_folder(name));
    }
    put_booleans("m/x/1.tif", 0x80, 0);
    put_booleans("m/x/2.tif", 0, 0x40);
    expect_set(NULL,
               "no pixel of these masks is 0, which is the background of object numbers; a "
               "bit of 1 is black in them, as tifffile writes booleans",
               NULL);
    put_booleans("m/x/2.tif", 0x80, 0);
    expect_set(NULL, "2.tif have nearly the same pixels: a bit of 1 is black in them, as tifffile",
               NULL);
}

/* A class that has no file for an image is said. */
static void test_files_lacking(void **state)
{
    (void)state;
    static const uint8_t a[] = {255, 0, 0, 0, 0, 0}, b[] = {0, 255, 0, 0, 7, 0};
    unet_dataset *set;
    unet_error err;
    make_folders("cell", "nucleus");
    put_grey("i/x.png", a);
    put_grey("i/y.png", b);
    put_grey("m/cell/x.png", a);
    put_grey("m/cell/y.png", a);
    put_grey("m/nucleus/y.png", b);
    const unet_dataset_options options = {.ignore = -1};
    if (unet_dataset_open(in_folder("i"), in_folder("m"), &options, &set, &err))
        fail_msg("%s", err.text);
    assert_string_equal(unet_dataset_left_out(set), "1 image without a file of \"nucleus\": x.png");
    un_dataset_free(set);
}

/* A model that was trained on such files finds them again by their names. */
static void test_files_of_a_model(void **state)
{
    (void)state;
    static const uint8_t a[] = {255, 0, 0, 0, 0, 0}, b[] = {0, 255, 0, 0, 7, 0};
    unet_dataset *set;
    unet_error err;
    make_folders("cell", "nucleus");
    put_grey("i/x.png", a);
    put_grey("m/cell/x.png", a);
    put_grey("m/nucleus/x.png", b);
    const unet_dataset_options ordered = {.ignore = -1, .labels = "rest,nucleus,cell"};
    assert_int_equal(unet_dataset_open(in_folder("i"), in_folder("m"), &ordered, &set, &err),
                     UNET_OK);
    unet_spec spec = unet_spec_default();
    spec.width = spec.depth = 1;
    spec.classes = 3;
    unet_model *model, *back;
    assert_int_equal(un_model_new(&spec, &model, NULL), UNET_OK);
    un_model_set_class(model, 1, "Kern", NULL, NULL);
    un_model_set_coding(model, &set->coding);
    model->trained = true;
    un_dataset_free(set);
    assert_int_equal(unet_model_save(model, in_folder("m.safetensors"), &err), UNET_OK);
    assert_int_equal(unet_model_load(in_folder("m.safetensors"), &back, &err), UNET_OK);
    uint8_t rgb[3];
    assert_string_equal(unet_model_class(back, 1, rgb), "Kern");
    assert_string_equal(unet_model_class(back, 2, rgb), "cell");
    const unet_dataset_options data = {.ignore = -1, .model = back};
    if (unet_dataset_open(in_folder("i"), in_folder("m"), &data, &set, &err))
        fail_msg("%s", err.text);
    assert_memory_equal(set->pairs[0].mask, ((const uint8_t[]){2, 1, 0, 0, 1, 0}), 6);
    un_dataset_free(set);

    /* one mask an image is another thing, unless a person says what it is */
    assert_int_equal(unet_dataset_open(in_folder("i"), in_folder("m/cell"), &data, &set, &err),
                     UNET_EINVAL);
    assert_non_null(strstr(err.text, "x.png: one mask for an image; the model was trained on a"));
    const unet_dataset_options said = {.ignore = -1, .model = back, .labels = "a=0,b=255"};
    assert_int_equal(unet_dataset_open(in_folder("i"), in_folder("m/cell"), &said, &set, &err),
                     UNET_OK);
    un_dataset_free(set);
    const unet_dataset_options many = {.ignore = -1, .model = back, .labels = "a=0,b=1,c=2,d=255"};
    assert_int_equal(unet_dataset_open(in_folder("i"), in_folder("m/cell"), &many, &set, &err),
                     UNET_EINVAL);
    assert_non_null(strstr(err.text, ": 4 classes, the model has 3"));
    un_model_free(model);
    un_model_free(back);
}

/* ---- in a model -------------------------------------------------------------------------- */

static void test_in_a_model(void **state)
{
    (void)state;
    static const struct {
        const char *labels;
        unet_mask_kind kind;
        int label;
        uint32_t value;
        uint8_t rgb[3];
        const char *text;
    } rows[] = {
        {"a=0,b=255", UNET_MASKS_GREY, 1, 255, {0xe6, 0x9f, 0}, "grey values 0 = a, 255 = b"},
        {"a=0,b=7-70000,ignore=9-9", UNET_MASKS_GREY, 0, 0, {0}, ""},
        {"road=#804080,sky=#4682b4,ignore=#000000",
         UNET_MASKS_COLOR,
         1,
         0x4682b4,
         {0x46, 0x82, 0xb4},
         "colours #804080 = road, #4682b4 = sky; #000000 = no label"},
        {"a=0,b=1|2|7-70000,ignore=3",
         UNET_MASKS_GREY,
         UNET_IGNORE,
         3,
         {128, 128, 128},
         "grey values 0 = a, 1|2|7-70000 = b; 3 = no label"},
    };
    unet_spec spec = unet_spec_default();
    spec.width = spec.depth = 1;
    for (size_t r = 0; r < COUNT(rows); r++) {
        struct un_wish wish;
        unet_model *model, *back = calloc(1, sizeof *back);
        unet_error err;
        uint32_t value;
        uint8_t rgb[3];
        char text[512];
        if (!*rows[r].text) {
            assert_int_equal(un_wish_parse(rows[r].labels, &wish, &err), UNET_EINVAL);
            free(back);
            continue;
        }
        assert_int_equal(un_wish_parse(rows[r].labels, &wish, &err), UNET_OK);
        assert_int_equal(un_model_new(&spec, &model, NULL), UNET_OK);
        un_model_set_coding(model, &wish.coding);
        model->trained = true;
        char *json = un_metadata_text(model);
        if (un_metadata_parse("m", json, back, &err))
            fail_msg("%s\n%s", json, err.text);
        assert_int_equal(unet_model_mask_kind(back), rows[r].kind);
        if (unet_model_mask_value(back, rows[r].label, &value, rgb, &err))
            fail_msg("%s", err.text);
        assert_int_equal(value, rows[r].value);
        assert_memory_equal(rgb, rows[r].rgb, 3);
        unet_model_coding_text(back, text, sizeof text);
        assert_string_equal(text, rows[r].text);
        assert_int_equal(unet_model_mask_value(back, 2, &value, rgb, &err), UNET_EINVAL);
        free(json);
        un_model_free(model);
        un_model_free(back);
    }
}

/* Metadata as it was before codings had kinds, and forms that are wrong. */
static void test_metadata(void **state)
{
    (void)state;
    static const struct {
        const char *coding, *text; /* "!": refused */
    } rows[] = {
        {"[[0,0],[11,255],[255,1]]", "grey values 0 = class 0, 255 = class 1; 11 = no label"},
        {"[[0,0],[1,1],[255,255]]", "class indices 0 to 1; 255 = no label"},
        {"7", "!coding is an integer"},
        {"{\"kind\":\"wave\"}", "!coding.kind"},
        {"{\"kind\":\"grey\",\"tolerance\":0,\"white\":1,\"border\":false,\"ordered\":false,"
         "\"codes\":[[0,5,0],[3,9,1]]}",
         "!coding.codes[1]: mask values 3 to 9"},
        {"{\"kind\":\"grey\",\"tolerance\":0,\"white\":1,\"border\":false,\"ordered\":false,"
         "\"codes\":[[0,5,0],[9,8,1]]}",
         "!coding.codes[1]: mask values 9 to 8"},
        {"{\"kind\":\"grey\",\"tolerance\":0,\"white\":1,\"border\":false,\"ordered\":false,"
         "\"codes\":[[0,5,2]]}",
         "!coding[0]: class 2, wanted 0..1 or 255"},
        {"{\"kind\":\"grey\",\"tolerance\":0,\"white\":1,\"border\":true,\"ordered\":false,"
         "\"codes\":[]}",
         "!coding.border"},
        {"{\"kind\":\"files\",\"tolerance\":0,\"white\":1,\"border\":false,\"ordered\":true,"
         "\"codes\":[]}",
         "a file for each class:  (later ones over earlier ones)"},
    };
    unet_spec spec = unet_spec_default();
    spec.width = spec.depth = 1;
    unet_model *model;
    assert_int_equal(un_model_new(&spec, &model, NULL), UNET_OK);
    char *json = un_metadata_text(model), *field = strstr(json, "\"coding\":") + 9;
    char *rest = strstr(field, "]]") + 2, whole[8192], text[512];
    for (size_t r = 0; r < COUNT(rows); r++) {
        unet_model *back = calloc(1, sizeof *back);
        unet_error err = {0};
        snprintf(whole, sizeof whole, "%.*s%s%s", (int)(field - json), json, rows[r].coding, rest);
        if (un_metadata_parse("m", whole, back, &err))
            snprintf(text, sizeof text, "!%s", err.text);
        else
            unet_model_coding_text(back, text, sizeof text);
        if (*rows[r].text == '!' ? *text != '!' || !strstr(text, rows[r].text + 1)
                                 : strcmp(text, rows[r].text) != 0)
            fail_msg("%s: '%s', wanted '%s'", rows[r].coding, text, rows[r].text);
        un_model_free(back);
    }
    free(json);
    un_model_free(model);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_wishes),    IN_FOLDER(test_files_per_class),
        IN_FOLDER(test_files_per_object), IN_FOLDER(test_files_lacking),
        IN_FOLDER(test_files_of_a_model), cmocka_unit_test(test_in_a_model),
        cmocka_unit_test(test_metadata),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
