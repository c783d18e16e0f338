/* SPDX-License-Identifier: Apache-2.0 */
/* test_dataset.c - pairing files, understanding masks, whole data sets, scores */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "data/dataset.h"
#include "data/pairs.h"
#include "folder.h"

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
    assert_int_not_equal(code, UNET_OK);
    assert_int_equal(code, err.code);
    assert_null(set);
    va_list parts;
    va_start(parts, options);
    for (const char *part; (part = va_arg(parts, const char *));)
        if (!strstr(err.text, part))
            fail_msg("'%s', wanted '%s'", err.text, part);
    va_end(parts);
}

/* ---- pairing ----------------------------------------------------------------------------- */

static void test_natural_order(void **state)
{
    (void)state;
    static const char *const sorted[] = {"a", "a1", "a2", "a02b", "a10", "a10b", "b", "b007", "b7"};
    for (size_t i = 0; i < COUNT(sorted); i++)
        for (size_t j = 0; j < COUNT(sorted); j++) {
            int order = un_natural_compare(sorted[i], sorted[j]);
            assert_int_equal((order > 0) - (order < 0), (i > j) - (i < j));
        }
}

static void test_pairs(void **state)
{
    (void)state;
    make_folders();
    static const char *const images[] = {"i/s10.png", "i/s2.tif",  "i/s1.png",
                                         "i/t.npy",   "i/u_x.png", "i/v_mask.png"};
    static const char *const masks[] = {"m/s10_mask.png", "m/s2-seg.tif",   "m/s1.png",
                                        "m/t_label.png",  "m/u_x-mask.tif", "m/v_mask.png",
                                        "m/unused.png",   "m/s1.webp"};
    static const char *const names[] = {"s1.png", "s2.tif",  "s10.png",
                                        "t.npy",  "u_x.png", "v_mask.png"};
    for (size_t i = 0; i < COUNT(images); i++)
        put_file(in_folder(images[i]), "", 0);
    for (size_t i = 0; i < COUNT(masks); i++)
        put_file(in_folder(masks[i]), "", 0);
    put_file(in_folder("i/.hidden.png"), "", 0);
    put_file(in_folder("i/notes.txt"), "", 0);
    mkdir(in_folder("i/folder.png"), 0777);
    struct un_pair *pairs;
    unet_error err;
    int count;
    if (un_pairs_find(in_folder("i"), in_folder("m"), &pairs, &count, &err))
        fail_msg("%s", err.text);
    assert_int_equal(count, COUNT(names));
    for (int i = 0; i < count; i++)
        assert_string_equal(pairs[i].name, names[i]);
    assert_string_equal(pairs[0].mask, in_folder("m/s1.png"));
    assert_string_equal(pairs[1].mask, in_folder("m/s2-seg.tif"));
    un_pairs_free(pairs, count);

    /* one file and a folder; one file and one file; a folder with a slash at its end */
    assert_int_equal(un_pairs_find(in_folder("i/s2.tif"), in_folder("m/"), &pairs, &count, NULL),
                     UNET_OK);
    assert_int_equal(count, 1);
    assert_string_equal(pairs[0].name, "s2.tif");
    assert_string_equal(pairs[0].mask, in_folder("m/s2-seg.tif"));
    un_pairs_free(pairs, count);
    assert_int_equal(
        un_pairs_find(in_folder("i/t.npy"), in_folder("m/s1.png"), &pairs, &count, NULL), UNET_OK);
    assert_string_equal(pairs[0].mask, in_folder("m/s1.png"));
    un_pairs_free(pairs, count);
}

static void expect_no_pairs(const char *images, const char *masks, const char *part)
{
    struct un_pair *pairs;
    unet_error err;
    int count;
    assert_int_not_equal(un_pairs_find(images, masks, &pairs, &count, &err), UNET_OK);
    if (!strstr(err.text, part))
        fail_msg("'%s', wanted '%s'", err.text, part);
}

static void test_pairs_that_fail(void **state)
{
    (void)state;
    make_folders();
    const char *i = in_folder("i"), *m = in_folder("m");
    expect_no_pairs(i, m, "no PNG, TIFF or .npy images");
    expect_no_pairs(in_folder("none"), m, "no mask");
    expect_no_pairs(i, in_folder("none"), "a folder of masks wanted");
    for (int k = 0; k < 6; k++) {
        char name[32];
        sprintf(name, "i/%d.png", k);
        put_file(in_folder(name), "", 0);
    }
    put_file(in_folder("m/2.png"), "", 0);
    expect_no_pairs(i, m, "5 of 6 images have no mask in");
    expect_no_pairs(i, m, ": 0.png, 1.png, 3.png ...");
    put_file(in_folder("m/2_mask.tif"), "", 0);
    expect_no_pairs(in_folder("i/2.png"), m, "several masks");
    expect_no_pairs(i, m, "two masks");
    put_file(in_folder("i/2.tif"), "", 0);
    expect_no_pairs(i, m, "two masks");
    put_file(in_folder("i/0.webp"), "RIFF....WEBP", 12);
    expect_no_pairs(i, m, "0.webp: a WebP image; PNG, TIFF,");
}

static void test_one_folder(void **state)
{
    (void)state;
    static const char *const files[] = {"a.png", "a_mask.png", "b.tif", "b-seg.png"};
    for (size_t i = 0; i < COUNT(files); i++)
        put_file(in_folder(files[i]), "", 0);
    struct un_pair *pairs;
    unet_error err;
    int count;
    if (un_pairs_find(in_folder(""), in_folder(""), &pairs, &count, &err))
        fail_msg("%s", err.text);
    assert_int_equal(count, 2);
    assert_string_equal(pairs[0].mask, in_folder("a_mask.png"));
    assert_string_equal(pairs[1].mask, in_folder("b-seg.png"));
    un_pairs_free(pairs, count);
}

/* ---- codings ----------------------------------------------------------------------------- */

static void test_codings(void **state)
{
    (void)state;
    static const struct {
        int values[12]; /* ended by -1 */
        int ignore, classes;
        int labels; /* 0: refused */
        int class_of_last;
    } rows[] = {
        {{0, 255, -1}, -1, 0, 2, 1},
        {{255, -1}, -1, 0, 2, 1},
        {{0, 255, -1}, -1, 1, 2, 1},
        {{0, 255, -1}, -1, 3, 0, 0},
        {{0, 128, 255, -1}, 128, 0, 2, 1},
        {{0, -1}, -1, 0, 2, 0},
        {{1, -1}, -1, 0, 2, 1},
        {{0, 1, -1}, -1, 0, 2, 1},
        {{0, 1, 255, -1}, -1, 0, 2, UNET_IGNORE},
        {{0, 1, 2, 3, -1}, -1, 0, 4, 3},
        {{0, 1, 2, 3, -1}, 3, 0, 3, UNET_IGNORE},
        {{0, 1, 2, 3, 255, -1}, 1, 0, 4, UNET_IGNORE},
        {{1, 2, 3, -1}, 0, 0, 4, 3},
        {{0, 255, -1}, 255, 0, 2, UNET_IGNORE},
        {{0, 2, -1}, -1, 3, 3, 2},
        {{0, 2, -1}, -1, 0, 0, 0},
        {{0, 3, -1}, -1, 3, 0, 0},
        {{0, 128, 255, -1}, -1, 0, 0, 0},
        {{0, 32, 64, 96, 128, 159, 191, 223, 255, -1}, -1, 0, 0, 0},
        {{0, 32, 64, 96, 128, 159, 191, 223, 255, -1}, -1, 9, 0, 0},
        {{0, 1, 254, 255, -1}, -1, 0, 0, 0},
        {{0, 253, -1}, -1, 254, 254, 253},
    };
    for (size_t r = 0; r < COUNT(rows); r++) {
        bool seen[256] = {false};
        const char *example[256] = {NULL};
        int last = 0;
        for (int i = 0; rows[r].values[i] >= 0; i++) {
            last = rows[r].values[i];
            seen[last] = true;
            example[last] = "x.png";
        }
        struct un_coding coding = {0};
        unet_error err = {0};
        unet_code code =
            un_coding_find(seen, example, rows[r].ignore, rows[r].classes, &coding, &err);
        if ((code == UNET_OK) != (rows[r].labels > 0) || coding.labels != rows[r].labels)
            fail_msg("row %zu: code %d, %d labels, %s", r, code, coding.labels, err.text);
        if (code) {
            assert_int_equal(code, UNET_EINVAL);
            assert_int_equal(strncmp(err.text, "x.png: mask value", 17), 0);
            continue;
        }
        assert_int_equal(coding.map[last], rows[r].class_of_last);
        for (int v = 0; v < 256; v++) {
            assert_true(!seen[v] || coding.known[v]);
            assert_true(coding.map[v] < coding.labels || coding.map[v] == UNET_IGNORE);
        }
    }
}

static void test_list_of_values(void **state)
{
    (void)state;
    bool seen[256] = {false};
    const char *example[256] = {NULL};
    for (int v = 0; v < 255; v += 2) {
        seen[v] = true;
        example[v] = "grey.png";
    }
    struct un_coding coding;
    unet_error err;
    assert_int_equal(un_coding_find(seen, example, -1, 0, &coding, &err), UNET_EINVAL);
    assert_non_null(strstr(err.text, "grey.png: mask values 0, 2, 4, 6, 8, 10 ... 254 (128 val"));
    assert_non_null(strstr(err.text, "1 is missing"));
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
    expect_refusal(i, m, &defaults, "m/b.png", "0, 77, 255", NULL);
    put_image("m/b.png", 4, 5, 3, 0, 77);
    expect_refusal(i, m, &defaults, "m/b.png: a colour in row 3, column 4", NULL);
    put_image("m/b.png", 4, 5, 1, 255, 255);
    put_image("m/a.png", 6, 3, 1, 255, 255);
    const unet_dataset_options ignore = {.ignore = 255};
    expect_refusal(i, m, &ignore, "no pixel has a label", NULL);
    const unet_dataset_options wrong = {.ignore = 256};
    expect_refusal(i, m, &wrong, "ignore 256", NULL);
}

static void test_trained_coding(void **state)
{
    (void)state;
    make_folders();
    put_image("i/a.png", 6, 3, 1, 7, 9);
    put_image("m/a.png", 6, 3, 1, 0, 255);
    bool seen[256] = {[0] = true, [255] = true};
    const char *example[256] = {NULL};
    struct un_coding coding;
    unet_error err;
    unet_dataset *set;
    assert_int_equal(un_coding_find(seen, example, -1, 0, &coding, NULL), UNET_OK);
    /* only background here: without the coding, 0 alone says nothing about 255 */
    put_image("m/a.png", 6, 3, 1, 0, 0);
    assert_int_equal(un_dataset_open(in_folder("i"), in_folder("m"), NULL, &coding, &set, &err),
                     UNET_OK);
    assert_int_equal(set->coding.map[255], 1);
    un_dataset_free(set);
    put_image("m/a.png", 6, 3, 1, 0, 1);
    assert_int_equal(un_dataset_open(in_folder("i"), in_folder("m"), NULL, &coding, &set, &err),
                     UNET_EINVAL);
    assert_non_null(strstr(err.text, "m/a.png: mask value 1; the model"));
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

/* ---- real sets --------------------------------------------------------------------------- */

#define SEG TEST_SHARED "/seg/"

static bool skip_without(const char *path)
{
    if (!access(path, R_OK))
        return false;
    printf("skipped: no %s\n", path);
    return true;
}

static void test_real_sets(void **state)
{
    (void)state;
    static const struct {
        const char *images, *masks;
        int ignore, count, channels, labels;
    } rows[] = {
        {SEG "isbi2012/image", SEG "isbi2012/label", -1, 20, 1, 2},
        {SEG "dsb2018/image", SEG "dsb2018/mask", -1, 112, 3, 2},
        {SEG "camvid/image", SEG "camvid/label", 11, 12, 3, 11},
        {SEG "vnc/raw", SEG "vnc/membranes", -1, 3, 1, 2},
    };
    if (skip_without(SEG))
        return;
    for (size_t r = 0; r < COUNT(rows); r++) {
        const unet_dataset_options options = {.ignore = rows[r].ignore};
        unet_dataset *set = open_set(rows[r].images, rows[r].masks, &options);
        assert_int_equal(set->count, rows[r].count);
        assert_int_equal(set->channels, rows[r].channels);
        assert_int_equal(set->coding.labels, rows[r].labels);
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
        colour += !un_image_is_grey(&set->pairs[i].image);
    }
    assert_int_equal(colour, 23);
    un_dataset_free(set);
}

static void test_real_refusals(void **state)
{
    (void)state;
    if (skip_without(SEG))
        return;
    expect_refusal(SEG "wbc1", SEG "wbc1", NULL, "001.bmp: a colour", NULL);
    expect_refusal(SEG "wbc1/001.png", SEG "wbc1/001.png", NULL, "001.png", "0, 128, 255", NULL);
    expect_refusal(SEG "vnc/raw/00.tif", SEG "vnc/labels/labels00000000.png", NULL,
                   "labels00000000.png", "0, 32, 64", NULL);
    expect_refusal(SEG "dsb2018/image", SEG "dsb2018/label16", NULL, "label16/",
                   "looks like object numbers", NULL);
    expect_refusal(SEG "sarpol_tents/image", SEG "sarpol_tents/label", NULL, "mask values 0,",
                   NULL);
}

/* ---- scores ------------------------------------------------------------------------------ */

static void test_scores(void **state)
{
    (void)state;
    static const uint8_t truth[] = {0, 0, 0, 1, 1, 1, 1, UNET_IGNORE, 0},
                         predicted[] = {0, 0, 1, 1, 1, 1, 0, 1, 9};
    unet_scores *scores = unet_scores_create(3);
    assert_true(isnan(unet_scores_accuracy(scores)));
    unet_scores_add(scores, predicted, truth, 5);
    unet_scores_add(scores, predicted + 5, truth + 5, 4);
    assert_int_equal(unet_scores_pixels(scores, 0, 0), 2);
    assert_int_equal(unet_scores_pixels(scores, 0, 1), 1);
    assert_int_equal(unet_scores_pixels(scores, 1, 1), 3);
    assert_int_equal(unet_scores_pixels(scores, 1, 0), 1);
    assert_int_equal(unet_scores_pixels(scores, 7, 0), 0);
    /* class 0: tp 2, fp 1, fn 2 (the 9 is one); class 1: tp 3, fp 1, fn 1 */
    assert_true(fabs(unet_scores_dice(scores, 0) - 4.0 / 7) < 1e-12);
    assert_true(fabs(unet_scores_iou(scores, 0) - 2.0 / 5) < 1e-12);
    assert_true(fabs(unet_scores_dice(scores, 1) - 6.0 / 8) < 1e-12);
    assert_true(fabs(unet_scores_iou(scores, 1) - 3.0 / 5) < 1e-12);
    assert_true(isnan(unet_scores_dice(scores, 2)));
    assert_true(isnan(unet_scores_iou(scores, 3)));
    assert_true(fabs(unet_scores_accuracy(scores) - 5.0 / 8) < 1e-12);
    unet_scores_free(scores);
    unet_scores_free(NULL);
    assert_null(unet_scores_create(1));
    assert_null(unet_scores_create(UNET_MAX_CLASSES + 1));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_natural_order),
        IN_FOLDER(test_pairs),
        IN_FOLDER(test_pairs_that_fail),
        IN_FOLDER(test_one_folder),
        cmocka_unit_test(test_codings),
        cmocka_unit_test(test_list_of_values),
        IN_FOLDER(test_small_set),
        IN_FOLDER(test_trained_coding),
        IN_FOLDER(test_scaling),
        IN_FOLDER(test_split),
        cmocka_unit_test(test_real_sets),
        cmocka_unit_test(test_real_channels),
        cmocka_unit_test(test_real_refusals),
        cmocka_unit_test(test_scores),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
