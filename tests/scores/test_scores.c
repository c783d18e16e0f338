/* SPDX-License-Identifier: Apache-2.0 */
/* Scores equal those of scikit-learn, scikit-image and plain loops
 * (scripts/make_score_fixtures.py). */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "unet_scores.h"

#define MOST 1024

struct scene {
    char kind[16];
    int height, width, labels, number;
    size_t count;
    uint32_t truth[MOST], predicted[MOST];
    uint8_t truth_mask[MOST], predicted_mask[MOST];
    FILE *file;
};

static void read_ids(struct scene *scene, uint32_t *ids)
{
    for (size_t i = 0; i < scene->count; i++)
        assert_int_equal(fscanf(scene->file, "%u", &ids[i]), 1);
}

static int next_scene(struct scene *scene)
{
    char word[16];
    if (fscanf(scene->file, "%15s %d %d %d", scene->kind, &scene->height, &scene->width,
               &scene->labels) != 4)
        return 0;
    scene->number++;
    scene->count = (size_t)scene->height * (size_t)scene->width;
    assert_true(scene->count <= MOST);
    assert_int_equal(fscanf(scene->file, "%15s", word), 1);
    assert_string_equal(word, "truth");
    read_ids(scene, scene->truth);
    assert_int_equal(fscanf(scene->file, "%15s", word), 1);
    assert_string_equal(word, "predicted");
    read_ids(scene, scene->predicted);
    for (size_t i = 0; i < scene->count; i++) {
        scene->truth_mask[i] = (uint8_t)scene->truth[i];
        scene->predicted_mask[i] = (uint8_t)scene->predicted[i];
    }
    return 1;
}

/* The next line is `name` and these values. */
static void check(struct scene *scene, const char *name, const double *got, int count)
{
    char word[32], text[64];
    assert_int_equal(fscanf(scene->file, "%31s", word), 1);
    assert_string_equal(word, name);
    for (int i = 0; i < count; i++) {
        assert_int_equal(fscanf(scene->file, "%63s", text), 1);
        double want = strtod(text, NULL);
        if (isnan(want) ? !isnan(got[i]) : !(fabs(got[i] - want) <= 1e-12 * (1 + fabs(want))))
            fail_msg("case %d, %s: %s[%d] is %.17g, wanted %s", scene->number, scene->kind, name, i,
                     got[i], text);
    }
}

static void check_classes(struct scene *scene)
{
    static double (*const score[4])(const unet_scores *, int) = {
        unet_scores_dice, unet_scores_precision, unet_scores_recall, unet_scores_iou};
    static const char *const name[4] = {"dice", "precision", "recall", "iou"};
    int labels = scene->labels;
    double value[64];
    unet_scores *halves = unet_scores_create(labels), *all = unet_scores_create(labels);
    size_t middle = scene->count / 3;
    unet_scores_add(all, scene->predicted_mask, scene->truth_mask, middle);
    unet_scores_add(halves, scene->predicted_mask + middle, scene->truth_mask + middle,
                    scene->count - middle);
    unet_scores_merge(all, halves);
    for (int i = 0; i < labels * labels; i++)
        value[i] = (double)unet_scores_pixels(all, i / labels, i % labels);
    check(scene, "confusion", value, labels * labels);
    for (int k = 0; k < 4; k++) {
        for (int i = 0; i < labels; i++)
            value[i] = score[k](all, i);
        check(scene, name[k], value, labels);
    }
    value[0] = unet_scores_accuracy(all);
    check(scene, "accuracy", value, 1);
    unet_scores_free(all);
    unet_scores_free(halves);
}

static void check_objects(struct scene *scene)
{
    unet_matches matches = {0};
    assert_int_equal(
        unet_matches_add(&matches, scene->predicted, scene->truth, NULL, scene->count, NULL),
        UNET_OK);
    unet_match_scores scores = unet_matches_scores(&matches);
    double count[2] = {(double)matches.truth, (double)matches.predicted};
    check(scene, "count", count, 2);
    check(scene, "f1", scores.f1, UNET_MATCH_STEPS);
    check(scene, "ap", scores.ap, UNET_MATCH_STEPS);
    check(scene, "mean_ap", &scores.mean_ap, 1);
    check(scene, "sq", &scores.sq, 1);
    check(scene, "pq", &scores.pq, 1);
    check(scene, "seg", &scores.seg, 1);
}

static void check_parts(struct scene *scene, const char *name, int connectivity)
{
    uint32_t want[MOST], got[MOST], parts, most = 0;
    uint8_t inside[MOST];
    char word[16];
    for (size_t i = 0; i < scene->count; i++)
        inside[i] = scene->truth[i] > 0;
    assert_int_equal(fscanf(scene->file, "%15s", word), 1);
    assert_string_equal(word, name);
    read_ids(scene, want);
    assert_int_equal(
        unet_parts(inside, scene->height, scene->width, 1, connectivity, got, &parts, NULL),
        UNET_OK);
    for (size_t i = 0; i < scene->count; i++) {
        most = want[i] > most ? want[i] : most;
        if (got[i] != want[i])
            fail_msg("case %d: %s, pixel %zu is of part %u, wanted %u", scene->number, name, i,
                     got[i], want[i]);
    }
    assert_int_equal(parts, most);
}

static void check_partition(struct scene *scene)
{
    static const char *const name[2][2] = {{"rand_plain", "info_plain"},
                                           {"rand_singles", "info_singles"}};
    for (int singles = 0; singles < 2; singles++) {
        unet_partition p;
        assert_int_equal(
            unet_partition_compare(scene->predicted, scene->truth, scene->count, singles, &p, NULL),
            UNET_OK);
        double rand[] = {p.rand_split, p.rand_merge, p.rand};
        double info[] = {p.info_split, p.info_merge, p.info, p.entropy_split, p.entropy_merge};
        check(scene, name[singles][0], rand, 3);
        check(scene, name[singles][1], info, 5);
    }
    check_parts(scene, "four", 4);
    check_parts(scene, "eight", 8);
}

static void test_fixtures(void **state)
{
    struct scene *scene = calloc(1, sizeof *scene);
    char word[16];
    (void)state;
    scene->file = fopen(TEST_FIXTURES "/scores_cases.txt", "r");
    assert_non_null(scene->file);
    while (next_scene(scene)) {
        if (!strcmp(scene->kind, "classes"))
            check_classes(scene);
        else if (!strcmp(scene->kind, "objects"))
            check_objects(scene);
        else
            check_partition(scene);
        assert_int_equal(fscanf(scene->file, "%15s", word), 1);
        assert_string_equal(word, "end");
    }
    assert_int_equal(scene->number, 12);
    fclose(scene->file);
    free(scene);
}

/* What is said of nothing. */
static void test_undefined(void **state)
{
    const uint32_t none[4] = {0}, one[4] = {7, 7, 0, 0};
    const uint8_t ignored[4] = {UNET_IGNORE, UNET_IGNORE, UNET_IGNORE, UNET_IGNORE};
    unet_matches matches = {0};
    unet_partition partition;
    (void)state;
    assert_int_equal(unet_matches_add(&matches, none, none, NULL, 4, NULL), UNET_OK);
    unet_match_scores scores = unet_matches_scores(&matches);
    assert_true(isnan(scores.f1[0]) && isnan(scores.pq) && isnan(scores.seg) &&
                isnan(scores.mean_ap));
    assert_int_equal(unet_matches_add(&matches, one, none, ignored, 4, NULL), UNET_OK);
    assert_int_equal(matches.predicted, 0);
    assert_int_equal(unet_matches_add(&matches, one, none, NULL, 4, NULL), UNET_OK);
    scores = unet_matches_scores(&matches);
    assert_true(scores.f1[0] == 0 && scores.precision[0] == 0 && isnan(scores.recall[0]) &&
                isnan(scores.sq) && scores.pq == 0 && isnan(scores.seg));
    assert_int_equal(unet_partition_compare(one, none, 4, 1, &partition, NULL), UNET_OK);
    assert_true(partition.pixels == 0 && isnan(partition.rand) && isnan(partition.info));
    assert_int_equal(unet_partition_compare(one, one, 4, 1, &partition, NULL), UNET_OK);
    assert_true(partition.rand == 1 && partition.info == 1);
}

/* IoU of exactly 1/2 is no match: the comparison is not one of rounded numbers. */
static void test_half(void **state)
{
    const uint32_t truth[4] = {1, 1, 0, 0}, half[4] = {9, 0, 0, 0}, most[4] = {9, 9, 9, 0};
    unet_matches matches = {0};
    (void)state;
    assert_int_equal(unet_matches_add(&matches, half, truth, NULL, 4, NULL), UNET_OK);
    assert_true(matches.matched[0] == 0 && matches.seg == 0);
    assert_int_equal(unet_matches_add(&matches, most, truth, NULL, 4, NULL), UNET_OK);
    assert_true(matches.matched[0] == 1 && matches.matched[3] == 1 && matches.matched[4] == 0);
    assert_true(fabs(matches.seg - 2.0 / 3) < 1e-15);
}

static double mean_index(void *context, const int *times, int count)
{
    double sum = 0;
    for (int i = 0; i < count; i++)
        sum += times[i] * ((double *)context)[i] / count;
    return sum;
}

/* The interval of a mean is that of its standard error. */
static void test_bootstrap(void **state)
{
    double values[100], a[2], b[2], variance = 0;
    (void)state;
    for (int i = 0; i < 100; i++) {
        values[i] = i;
        variance += (i - 49.5) * (i - 49.5) / 100;
    }
    assert_int_equal(unet_bootstrap(100, 1000, 3, mean_index, values, a, NULL), UNET_OK);
    assert_int_equal(unet_bootstrap(100, 1000, 3, mean_index, values, b, NULL), UNET_OK);
    assert_memory_equal(a, b, sizeof a);
    double half = 1.96 * sqrt(variance / 100); /* 5.66; percentiles of 1000 vary by some 5 % */
    if (fabs(a[0] - (49.5 - half)) > 0.8 || fabs(a[1] - (49.5 + half)) > 0.8)
        fail_msg("%g .. %g, wanted 49.5 +- %g", a[0], a[1], half);
    assert_int_equal(unet_bootstrap(1, 1000, 3, mean_index, values, a, NULL), UNET_OK);
    assert_true(isnan(a[0]) && isnan(a[1]));
}

/* A few pixels by hand. */
static void test_counts(void **state)
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
        cmocka_unit_test(test_counts),    cmocka_unit_test(test_fixtures),
        cmocka_unit_test(test_undefined), cmocka_unit_test(test_half),
        cmocka_unit_test(test_bootstrap),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
