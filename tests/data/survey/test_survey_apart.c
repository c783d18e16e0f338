/* SPDX-License-Identifier: Apache-2.0 */
/* test_survey_apart.c - object numbers on pieces far from each other, and class names alike */
#include "survey_files.h"

#include <stdlib.h>
#include <string.h>

enum { HEIGHT = 40, WIDTH = 60 };

/* A box of a number. */
struct box {
    int top, left, height, width;
    uint32_t id;
};

static void paint(uint32_t *ids, const struct box *box)
{
    for (int y = box->top; y < box->top + box->height; y++)
        for (int x = box->left; x < box->left + box->width; x++)
            ids[y * WIDTH + x] = box->id;
}

/* Numbers, those on pieces apart, and the first of these. */
static void test_pieces(void **state)
{
    static const struct {
        const char *what;
        struct box box[6];
        uint64_t numbers, apart;
        uint32_t first;
    } rows[] = {
        {"whole", {{2, 2, 9, 9, 7}, {2, 20, 9, 9, 8}}, 2, 0, 0},
        {"two at the gap of their width", {{2, 2, 9, 9, 7}, {2, 20, 9, 9, 7}}, 1, 0, 0},
        {"two at one more", {{2, 2, 9, 9, 7}, {2, 21, 9, 9, 7}}, 1, 1, 7},
        {"down", {{2, 2, 9, 9, 7}, {21, 2, 9, 9, 7}, {2, 40, 3, 3, 9}}, 2, 1, 7},
        {"a speck", {{2, 2, 9, 9, 7}, {30, 40, 4, 5, 7}}, 1, 0, 0},
        {"a quarter", {{2, 2, 9, 9, 7}, {30, 40, 3, 7, 7}}, 1, 1, 7},
        {"touching by a corner", {{2, 2, 2, 2, 7}, {4, 4, 2, 2, 7}, {6, 2, 2, 2, 7}}, 1, 0, 0},
        {"one behind the other",
         {{2, 2, 6, 6, 5}, {2, 12, 6, 6, 5}, {2, 22, 6, 6, 5}, {2, 32, 6, 6, 5}},
         1,
         0,
         0},
        {"a U", {{2, 2, 9, 2, 5}, {2, 40, 9, 2, 5}, {11, 2, 2, 40, 5}}, 1, 0, 0},
        {"first by number",
         {{2, 2, 3, 3, 9}, {2, 20, 3, 3, 9}, {20, 2, 3, 3, 4}, {20, 20, 3, 3, 4}},
         2,
         2,
         4},
    };
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        static uint32_t ids[HEIGHT * WIDTH];
        static uint8_t classes[HEIGHT * WIDTH];
        struct un_survey_apart found;
        memset(ids, 0, sizeof ids);
        for (int k = 0; k < 6 && rows[i].box[k].id; k++)
            paint(ids, &rows[i].box[k]);
        for (int p = 0; p < HEIGHT * WIDTH; p++)
            classes[p] = ids[p] != 0;
        assert_int_equal(un_survey_find_apart(ids, classes, HEIGHT, WIDTH, &found, NULL), UNET_OK);
        if (found.numbers != rows[i].numbers || found.apart != rows[i].apart ||
            found.first != rows[i].first)
            fail_msg("%s: %llu numbers, %llu apart, first %u", rows[i].what,
                     (unsigned long long)found.numbers, (unsigned long long)found.apart,
                     found.first);
        memset(classes, UNET_IGNORE, sizeof classes);
        assert_int_equal(un_survey_find_apart(ids, classes, HEIGHT, WIDTH, &found, NULL), UNET_OK);
        assert_int_equal(found.numbers, 0);
    }
}

/* The same by labels of pixels: pieces of 8 neighbours, one by one. */
static void test_random(void **state)
{
    enum { H = 17, W = 23 };
    (void)state;
    for (uint64_t seed = 0; seed < 40; seed++) {
        const uint64_t key = un_rng_key(3, seed, 0, 0);
        uint32_t ids[H * W];
        uint8_t classes[H * W];
        struct un_survey_apart found;
        bool there[4] = {false};
        for (int p = 0; p < H * W; p++) {
            ids[p] = un_rng_below(key, (uint64_t)p, seed % 2 ? 4 : 9) % 4;
            classes[p] = ids[p] != 0;
            there[ids[p]] = true;
        }
        assert_int_equal(un_survey_find_apart(ids, classes, H, W, &found, NULL), UNET_OK);
        assert_int_equal(found.numbers, there[1] + there[2] + there[3]);
    }
}

/* Cells of a set as numbers, two of which are one number; that is said of files and of a data set.
 */
static struct set numbered_set(int spoilt)
{
    struct set set = set_make();
    for (int i = 0; i < set.count; i++) {
        unet_image *mask = &set.mask[i];
        memset(mask->data, 0, un_image_bytes(mask));
        for (int k = 0; k < 40; k++)
            for (int y = 0; y < 12; y++)
                memset((uint8_t *)mask->data + (size_t)(10 + k / 8 * 30 + y) * 220 + 8 + k % 8 * 26,
                       k < spoilt ? 40 - k : k + 1, 12);
    }
    return set;
}

static void test_said(void **state)
{
    static const struct {
        int spoilt;
        unet_severity severity;
    } rows[] = {{0, UNET_NOTE}, {1, UNET_WARNING}, {3, UNET_WARNING}};
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct set set = numbered_set(rows[i].spoilt);
        const unet_dataset_options options = {.ignore = -1, .labels = "instances"};
        unet_survey *survey[2];
        unet_dataset *dataset;
        unet_error err;
        set_write(&set);
        set_release(&set);
        if (un_survey_open(in_folder("i"), in_folder("m"), &options, NULL, NULL, NULL, &survey[0],
                           &err) ||
            un_dataset_open(in_folder("i"), in_folder("m"), &options, NULL, &dataset, &err) ||
            un_survey_dataset(dataset, NULL, &survey[1], &err))
            fail_msg("%s", err.text);
        for (int k = 0; k < 2; k++) {
            const unet_finding *found = NULL;
            for (int f = 0; f < unet_survey_findings(survey[k]); f++)
                if (unet_survey_finding(survey[k], f)->kind == UNET_FOUND_OBJECTS_APART)
                    found = unet_survey_finding(survey[k], f);
            assert_int_equal(found != NULL, rows[i].spoilt > 0);
            if (!found)
                continue;
            assert_int_equal(found->severity, rows[i].severity);
            assert_true(found->number[0] == 8 * rows[i].spoilt);
            assert_true(found->number[1] == 8 * (40 - rows[i].spoilt));
            assert_true(found->number[2] == 8);
            assert_non_null(strstr(found->text, "object numbers, in 8 masks, are on pieces"));
        }
        unet_survey_free(survey[0]);
        unet_survey_free(survey[1]);
        unet_dataset_free(dataset);
    }
}

/* Cell beside cell is said with both; background beside cells is not. */
static void test_alike(void **state)
{
    static const struct {
        const char *labels;
        int found;
    } rows[] = {
        {"background=0,cell=1,Cell=2", 1},    {"background=0,T cell=1,t-cell=2", 1},
        {"background=0,cell=1,cells=2", 0},   {"background=0,cell 1=1,cell_2=2", 0},
        {"Background=0,cell=1,nucleus=2", 0},
    };
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct set set = set_make();
        const unet_dataset_options options = {.ignore = -1, .labels = rows[i].labels};
        unet_survey *survey;
        unet_error err;
        int found = 0;
        set_write(&set);
        set_release(&set);
        if (un_survey_open(in_folder("i"), in_folder("m"), &options, NULL, NULL, NULL, &survey,
                           &err))
            fail_msg("%s: %s", rows[i].labels, err.text);
        for (int f = 0; f < unet_survey_findings(survey); f++) {
            const unet_finding *one = unet_survey_finding(survey, f);
            if (one->kind != UNET_FOUND_CLASSES_ALIKE)
                continue;
            found++;
            assert_int_equal(one->severity, UNET_WARNING);
            assert_true(one->number[0] == 1 && one->number[1] == 2);
        }
        if (found != rows[i].found)
            fail_msg("%s: %d", rows[i].labels, found);
        unet_survey_free(survey);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_pieces),
        cmocka_unit_test(test_random),
        IN_FOLDER(test_said),
        IN_FOLDER(test_alike),
    };
    return cmocka_run_group_tests_name("survey_apart", tests, NULL, NULL);
}
