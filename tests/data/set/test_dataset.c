/* SPDX-License-Identifier: Apache-2.0 */
/* test_dataset.c - whole data sets, scores */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "data/set/dataset.h"
#include "image/samples.h"
#include "support/expect_table.h"
#include "support/folder.h"
#include "unet_train.h"

#define COUNT(array) (sizeof(array) / sizeof *(array))
#define IN_FOLDER(test) cmocka_unit_test_setup_teardown(test, folder_create, folder_destroy)

static const unet_dataset_options defaults = {.ignore = -1};

/* A small grey or RGB image with every value `value`, but for the last sample. */
static void put_image(const char *name, int height, int width, int channels, int value, int last)
{
    uint8_t data[4096];
    unet_image image = {height, width, channels, UNET_U8, 0, data};
    size_t n = un_image_bytes(&image);
    memset(data, value, n);
    data[n - 1] = (uint8_t)last;
    assert_int_equal(un_image_write(in_folder(name), &image, NULL), UNET_OK);
}

static void make_folders(void)
{
    mkdir(in_folder("i"), 0777);
    mkdir(in_folder("m"), 0777);
}

static unet_dataset *open_set(const char *images, const char *masks,
                              const unet_dataset_options *options)
{
    unet_dataset *set = NULL;
    unet_error err;
    if (un_dataset_open(images, masks, options, NULL, &set, &err))
        fail_msg("%s", err.text);
    return set;
}

/* The set must be refused, with every one of the parts (NULL ends them) in the message. */
static void expect_refusal(const char *images, const char *masks,
                           const unet_dataset_options *options, ...)
{
    unet_dataset *set = NULL;
    unet_error err = {0};
    unet_code code = un_dataset_open(images, masks, options, NULL, &set, &err);
    if (!code)
        fail_msg("%s is not refused: %s", masks, set->coding_text);
    assert_int_equal(code, err.code);
    assert_null(set);
    va_list parts;
    va_start(parts, options);
    for (const char *part; (part = va_arg(parts, const char *));)
        if (!strstr(err.text, part))
            fail_msg("'%s', wanted '%s'", err.text, part);
    va_end(parts);
}

/* ---- whole sets -------------------------------------------------------------------------- */

static void test_small_set(void **state)
{
    (void)state;
    make_folders();
    const char *i = in_folder("i"), *m = in_folder("m");
    put_image("i/b.png", 4, 5, 3, 7, 7);
    put_image("i/a.png", 6, 3, 1, 7, 9);
    put_image("m/a.png", 6, 3, 1, 0, 255);
    put_image("m/b.png", 4, 5, 3, 255, 255);
    unet_dataset *set = open_set(i, m, &defaults);
    assert_int_equal(set->count, 2);
    assert_int_equal(set->channels, 1); /* b is grey in truth */
    assert_int_equal(set->coding.labels, 2);
    assert_int_equal(set->scaling.set, false);
    assert_int_equal(set->scaling.trained_on, UN_SAMPLES_U8);
    assert_string_equal(set->pairs[0].name, "a.png");
    assert_int_equal(set->pairs[0].mask[0], 0);
    assert_int_equal(set->pairs[0].mask[17], 1);
    assert_int_equal(set->pairs[1].mask[3], 1);
    un_dataset_free(set);

    put_image("i/b.png", 4, 5, 3, 7, 8);
    set = open_set(i, m, NULL);
    assert_int_equal(set->channels, 3);
    un_dataset_free(set);

    put_image("m/b.png", 5, 4, 1, 0, 255);
    expect_refusal(i, m, &defaults, "i/b.png is 5 x 4", "m/b.png is 4 x 5", NULL);
    put_image("m/b.png", 4, 5, 1, 0, 77);
    set = open_set(i, m, &defaults);
    assert_string_equal(set->coding_text, "grey values 0 = class 0, 77 = class 1, 255 = class 2");
    assert_string_equal(set->rule, "by name");
    un_dataset_free(set);
    put_image("m/b.png", 4, 5, 3, 0, 77); /* beside grey masks: their values are colours, too */
    set = open_set(i, m, &defaults);
    assert_string_equal(set->coding_text,
                        "colours #000000 = class 0, #00004d = class 1, #ffffff = class 2");
    assert_int_equal(set->pairs[1].mask[19], 1);
    un_dataset_free(set);
    put_image("m/b.png", 4, 5, 1, 255, 255);
    put_image("m/a.png", 6, 3, 1, 255, 255);
    const unet_dataset_options ignore = {.ignore = 255};
    expect_refusal(i, m, &ignore, "no pixel has a label", NULL);
    const unet_dataset_options wrong = {.ignore = -2};
    expect_refusal(i, m, &wrong, "ignore -2", NULL);
}

static void test_trained_coding(void **state)
{
    (void)state;
    make_folders();
    put_image("i/a.png", 6, 3, 1, 7, 9);
    put_image("m/a.png", 6, 3, 1, 0, 255);
    unet_error err;
    unet_dataset *set = open_set(in_folder("i"), in_folder("m"), NULL);
    struct un_coding coding = set->coding;
    un_dataset_free(set);
    /* only background here: without the coding, 0 alone says nothing about 255 */
    put_image("m/a.png", 6, 3, 1, 0, 0);
    assert_int_equal(un_dataset_open(in_folder("i"), in_folder("m"), NULL, &coding, &set, &err),
                     UNET_OK);
    assert_int_equal(un_coding_class(&set->coding, 255), 1);
    un_dataset_free(set);
    put_image("m/a.png", 6, 3, 1, 0, 1);
    assert_int_equal(un_dataset_open(in_folder("i"), in_folder("m"), NULL, &coding, &set, &err),
                     UNET_EINVAL);
    assert_non_null(strstr(err.text,
                           "m/a.png: mask value 1 in row 5, column 2; the model's (or "
                           "the other set's) are grey values 0 = class 0, 255 = class 1"));
}

static void test_scaling(void **state)
{
    (void)state;
    make_folders();
    static uint16_t data[64 * 64];
    for (int i = 0; i < 4096; i++)
        data[i] = (uint16_t)(1000 + i);
    unet_image image = {64, 64, 1, UNET_U16, 0, data};
    uint8_t mask[4096] = {1};
    unet_image labels = {64, 64, 1, UNET_U8, 0, mask};
    assert_int_equal(un_image_write(in_folder("i/a.tif"), &image, NULL), UNET_OK);
    assert_int_equal(un_image_write(in_folder("m/a.png"), &labels, NULL), UNET_OK);
    unet_dataset *set = open_set(in_folder("i"), in_folder("m"), NULL);
    assert_true(set->scaling.set);
    assert_true(set->scaling.offset == 1004); /* rank floor(0.001 * 4095) = 4 */
    assert_true(fabsf(1 / set->scaling.scale - 4086) < 0.01f);
    assert_int_equal(set->scaling.trained_on, UN_SAMPLES_U16);
    un_dataset_free(set);

    float values[4] = {1, 2, INFINITY, 4};
    unet_image bad = {2, 2, 1, UNET_F32, 0, values};
    assert_int_equal(un_image_write(in_folder("i/a.tif"), &bad, NULL), UNET_OK);
    expect_refusal(in_folder("i"), in_folder("m"), NULL, "i/a.tif: an infinite value in row 1",
                   NULL);
}

static void test_split(void **state)
{
    (void)state;
    make_folders();
    char name[32];
    for (int k = 0; k < 10; k++) {
        sprintf(name, "i/%d.png", k);
        put_image(name, 2, 2, 1, 10 * k, 10 * k);
        name[0] = 'm';
        put_image(name, 2, 2, 1, 0, 1);
    }
    static const struct {
        double share;
        int held;
    } rows[] = {{0, 0}, {0.01, 1}, {0.2, 2}, {0.25, 3}, {0.5, 5}, {1, 9}};
    for (size_t r = 0; r < COUNT(rows); r++) {
        unet_dataset *set = open_set(in_folder("i"), in_folder("m"), NULL), *held, *again, *other;
        assert_int_equal(un_dataset_split(set, rows[r].share, 7, &held, NULL), UNET_OK);
        assert_int_equal(held->count, rows[r].held);
        assert_int_equal(set->count, 10 - rows[r].held);
        assert_int_equal(held->channels, 1);
        assert_int_equal(held->coding.labels, 2);
        other = open_set(in_folder("i"), in_folder("m"), NULL);
        assert_int_equal(un_dataset_split(other, rows[r].share, 7, &again, NULL), UNET_OK);
        bool here[10] = {false};
        for (int k = 0; k < held->count; k++) {
            assert_string_equal(held->pairs[k].name, again->pairs[k].name);
            here[held->pairs[k].name[0] - '0'] = true;
        }
        for (int k = 0; k < set->count; k++)
            assert_false(here[set->pairs[k].name[0] - '0']);
        un_dataset_free(set);
        un_dataset_free(held);
        un_dataset_free(other);
        un_dataset_free(again);
    }
    unet_dataset *one = open_set(in_folder("i/3.png"), in_folder("m"), NULL), *held;
    assert_int_equal(un_dataset_split(one, 0.5, 7, &held, NULL), UNET_OK);
    assert_int_equal(one->count, 1);
    assert_int_equal(held->count, 0);
    un_dataset_free(held);
    assert_int_equal(un_dataset_split(one, NAN, 7, &held, NULL), UNET_EINVAL);
    assert_int_equal(un_dataset_split(one, -0.1, 7, &held, NULL), UNET_EINVAL);
    un_dataset_free(one);
}

/* Each image is held out by exactly one fold, the parts differ by one image at most, and another
 * seed deals them otherwise. */
static void test_fold(void **state)
{
    (void)state;
    make_folders();
    char name[32];
    for (int k = 0; k < 11; k++) {
        sprintf(name, "i/%02d.png", k);
        put_image(name, 2, 2, 1, 10 * k, 10 * k);
        name[0] = 'm';
        put_image(name, 2, 2, 1, 0, 1);
    }
    bool first[11] = {false};
    int moved = 0;
    for (uint64_t seed = 1; seed < 4; seed++) {
        int seen[11] = {0};
        for (int fold = 0; fold < 4; fold++) {
            unet_dataset *set = open_set(in_folder("i"), in_folder("m"), NULL), *held;
            assert_int_equal(unet_dataset_fold(set, fold, 4, seed, &held, NULL), UNET_OK);
            assert_int_equal(held->count, fold < 3 ? 3 : 2);
            assert_int_equal(held->count + set->count, 11);
            for (int k = 0; k < held->count; k++) {
                int which = atoi(held->pairs[k].name);
                seen[which]++;
                moved += seed > 1 && fold == 0 && !first[which];
                first[which] = first[which] || (seed == 1 && fold == 0);
            }
            for (int k = 0; k < set->count; k++)
                for (int h = 0; h < held->count; h++)
                    assert_string_not_equal(set->pairs[k].name, held->pairs[h].name);
            unet_dataset_free(set);
            unet_dataset_free(held);
        }
        for (int k = 0; k < 11; k++)
            if (seen[k] != 1)
                fail_msg("seed %d: image %d is held out %d times", (int)seed, k, seen[k]);
    }
    assert_true(moved > 0);
    static const int wrong[][2] = {{0, 12}, {-1, 4}, {4, 4}, {0, 1}, {0, 0}};
    unet_dataset *set = open_set(in_folder("i"), in_folder("m"), NULL), *held = NULL;
    for (size_t r = 0; r < COUNT(wrong); r++)
        assert_int_equal(unet_dataset_fold(set, wrong[r][0], wrong[r][1], 1, &held, NULL),
                         UNET_EINVAL);
    assert_null(held);
    assert_int_equal(set->count, 11);
    unet_dataset_free(set);
}

/* Masks of object numbers keep them, also when a set is split. */
static void test_objects(void **state)
{
    static uint16_t codes[2][12] = {{0, 0, 300, 300, 0, 7, 7, 300, 0, 9, 0, 0},
                                    {0, 1, 1, 0, 2, 2, 3, 3, 9, 4, 4, 4}};
    static const char *const labels[] = {"instances", "instances+border"};
    (void)state;
    make_folders();
    for (int k = 0; k < 2; k++) {
        unet_image mask = {3, 4, 1, UNET_U16, 0, codes[k]};
        put_image(k ? "i/b.png" : "i/a.png", 3, 4, 1, 5, 6);
        assert_int_equal(un_image_write(in_folder(k ? "m/b.png" : "m/a.png"), &mask, NULL),
                         UNET_OK);
    }
    for (size_t r = 0; r < COUNT(labels); r++) {
        const unet_dataset_options options = {.ignore = -1, .labels = labels[r]};
        unet_dataset *set = open_set(in_folder("i"), in_folder("m"), &options), *held;
        assert_int_equal(un_dataset_split(set, 0.5, 3, &held, NULL), UNET_OK);
        const unet_dataset *sets[2] = {set, held};
        for (int s = 0; s < 2; s++) {
            const uint32_t *objects = unet_dataset_objects(sets[s], 0);
            int k = sets[s]->pairs[0].name[0] - 'a';
            assert_non_null(objects);
            for (int i = 0; i < 12; i++) {
                uint32_t want = codes[k][i];
                if (objects[i] != want)
                    fail_msg("%s, mask %d, pixel %d: object %u, wanted %u", labels[r], k, i,
                             objects[i], want);
            }
            assert_null(unet_dataset_objects(sets[s], 1));
        }
        un_dataset_free(set);
        un_dataset_free(held);
    }
    const unet_dataset_options indices = {.ignore = -1, .labels = "a=0,b=1-9999"};
    unet_dataset *set = open_set(in_folder("i"), in_folder("m"), &indices);
    assert_null(unet_dataset_objects(set, 0));
    un_dataset_free(set);
}

static unet_dataset *open_like(const unet_dataset *truth)
{
    unet_dataset *set = NULL;
    unet_error err;
    if (un_dataset_open(in_folder("i"), in_folder("p"), NULL, &truth->coding, &set, &err))
        fail_msg("%s", err.text);
    return set;
}

/* Beside a set that numbers objects: numbers stay numbers, one class has parts, classes are
 * refused. */
static void test_objects_beside(void **state)
{
    static uint16_t numbers[12] = {0, 1, 2, 0, 0, 1, 2, 0, 0, 0, 0, 0};
    static uint8_t white[12] = {255, 0, 255, 0, 255, 0, 255, 0, 0, 0, 0, 255};
    static uint8_t classes[12] = {1, 2, 1, 2, 0, 0, 0, 0, 2, 1, 2, 1};
    (void)state;
    make_folders();
    assert_int_equal(mkdir(in_folder("p"), 0777), 0);
    unet_image image = {3, 4, 1, UNET_U16, 0, numbers};
    put_image("i/a.png", 3, 4, 1, 5, 6);
    assert_int_equal(un_image_write(in_folder("m/a.png"), &image, NULL), UNET_OK);
    const unet_dataset_options said = {.ignore = -1, .labels = "instances"};
    unet_dataset *truth = open_set(in_folder("i"), in_folder("m"), &said), *set;
    unet_error err;

    assert_int_equal(un_image_write(in_folder("p/a.png"), &image, NULL), UNET_OK);
    set = open_like(truth);
    assert_non_null(unet_dataset_objects(set, 0));
    for (int i = 0; i < 12; i++)
        assert_int_equal(unet_dataset_objects(set, 0)[i], numbers[i]);
    un_dataset_free(set);

    image = (unet_image){3, 4, 1, UNET_U8, 0, white};
    assert_int_equal(un_image_write(in_folder("p/a.png"), &image, NULL), UNET_OK);
    set = open_like(truth);
    assert_null(unet_dataset_objects(set, 0));
    un_dataset_free(set);

    image.data = classes;
    assert_int_equal(un_image_write(in_folder("p/a.png"), &image, NULL), UNET_OK);
    assert_int_equal(
        un_dataset_open(in_folder("i"), in_folder("p"), NULL, &truth->coding, &set, &err),
        UNET_EINVAL);
    assert_non_null(strstr(err.text, "are no object numbers as those of the model"));
    un_dataset_free(truth);
}

/* ---- real sets --------------------------------------------------------------------------- */

#define SEG TEST_SHARED "/seg/"

static void test_real_sets(void **state)
{
    (void)state;
    static const struct {
        const char *images, *masks, *labels;
        int ignore, count, channels, classes;
        const char *coding, *rule;
    } rows[] = {
        {SEG "isbi2012/image", SEG "isbi2012/label", NULL, -1, 20, 1, 2,
         "grey values 0 = class 0, 255 = class 1", "by name"},
        {SEG "isbi2012/image", SEG "isbi2012/label", "membrane=0,inside=255", -1, 20, 1, 2,
         "grey values 0 = membrane, 255 = inside", "by name"},
        {SEG "dsb2018/image", SEG "dsb2018/mask", NULL, -1, 112, 3, 2,
         "grey values 0 = class 0, 255 = class 1", "by name"},
        {SEG "dsb2018/image", SEG "dsb2018/label16", NULL, -1, 112, 3, 2,
         "object numbers, 0 = background, others = object", "by name"},
        {SEG "dsb2018/image", SEG "dsb2018/label16", "instances+border", -1, 112, 3, 3,
         "object numbers, 0 = background, others = object, between touching objects = border",
         "by name"},
        {SEG "camvid/image", SEG "camvid/label", NULL, 11, 12, 3, 11,
         "class indices 0 to 10; 11|255 = no label", "by name"},
        {SEG "camvid/image", SEG "camvid/label", NULL, -1, 12, 3, 12,
         "class indices 0 to 11; 255 = no label", "by name"},
        {SEG "camvid/image", SEG "camvid/label", "ignore=11", -1, 12, 3, 11,
         "class indices 0 to 10; 11|255 = no label", "by name"},
        {SEG "vnc/raw", SEG "vnc/membranes", NULL, -1, 3, 1, 2,
         "class indices 0 to 1; 255 = no label", "by name"},
        {SEG "vnc/raw", SEG "vnc/labels", NULL, -1, 3, 1, 9,
         "grey values 0 = class 0, 32 = class 1, 64 = class 2, 96 = class 3, 128 = class 4, "
         "159 = class 5, 191 = class 6, 223 = class 7, 255 = class 8",
         "by the numbers in their names"},
        /* one mask of 1 bit, two with single pixels of other values on the edges */
        {SEG "vnc/raw", SEG "vnc/mitochondria", NULL, -1, 3, 1, 2,
         "grey values 0 = class 0, 255 = class 1; values near them and on soft edges taken to the "
         "nearest",
         "by name"},
        {SEG "vnc/raw", SEG "vnc/mitochondria", "other=0-127,mitochondria=128-255", -1, 3, 1, 2,
         "grey values 0-127 = other, 128-255 = mitochondria", "by name"},
        {SEG "wbc1", SEG "wbc1", NULL, -1, 60, 3, 3,
         "grey values 0 = class 0, 128 = class 1, 255 = class 2", "by name"},
        {SEG "sarpol_tents/image", SEG "sarpol_tents/label", NULL, -1, 16, 3, 2,
         "grey values 0 = class 0, 255 = class 1; values near them and on soft edges taken to the "
         "nearest",
         "by name"},
        {SEG "isbi2012/stack_00-02_raw.tif", SEG "isbi2012/stack_00-02_deflate.tif",
         "a=0-127,b=128-255", -1, 3, 1, 2, "grey values 0-127 = a, 128-255 = b", "one with one"},
    };
    if (skip_without(SEG))
        return;
    for (size_t r = 0; r < COUNT(rows); r++) {
        const unet_dataset_options options = {.ignore = rows[r].ignore, .labels = rows[r].labels};
        unet_dataset *set = open_set(rows[r].images, rows[r].masks, &options);
        if (set->count != rows[r].count || set->channels != rows[r].channels ||
            set->coding.labels != rows[r].classes)
            fail_msg("%s: %d images, %d channels, %d classes", rows[r].masks, set->count,
                     set->channels, set->coding.labels);
        assert_string_equal(set->coding_text, rows[r].coding);
        assert_string_equal(set->rule, rows[r].rule);
        un_dataset_free(set);
    }
}

/* RGBA files that are grey in truth, among colour ones. */
static void test_real_channels(void **state)
{
    (void)state;
    if (skip_without(SEG "dsb2018"))
        return;
    unet_dataset *set = open_set(SEG "dsb2018/image", SEG "dsb2018/mask", NULL);
    int colour = 0;
    for (int i = 0; i < set->count; i++) {
        assert_int_equal(set->pairs[i].image.channels, 3); /* alpha is gone */
        colour += !un_view_is_grey(un_view_of(&set->pairs[i].image));
    }
    assert_int_equal(colour, 23);
    un_dataset_free(set);
}

static void test_real_refusals(void **state)
{
    (void)state;
    if (skip_without(SEG))
        return;
    const unet_dataset_options two = {.ignore = -1, .labels = "a=0,b=255"};
    expect_refusal(SEG "vnc/raw", SEG "vnc/labels", &two,
                   "labels00000000.png: mask value 32 in row",
                   "the given labels are grey values 0 = a, 255 = b", NULL);
    expect_refusal(SEG "isbi2012/image", SEG "isbi2012/image", NULL, "no mask", NULL);
    expect_refusal(SEG "isbi2012/stack_00-02_raw.tif", SEG "isbi2012/label", NULL,
                   "stack_00-02_raw.tif has 3 pages, but there are 20 masks", NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        IN_FOLDER(test_small_set),
        IN_FOLDER(test_trained_coding),
        IN_FOLDER(test_scaling),
        IN_FOLDER(test_split),
        IN_FOLDER(test_fold),
        IN_FOLDER(test_objects),
        IN_FOLDER(test_objects_beside),
        cmocka_unit_test(test_real_sets),
        cmocka_unit_test(test_real_channels),
        cmocka_unit_test(test_real_refusals),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
