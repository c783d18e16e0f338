/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What is held out where images are neighbours: whole sequences and pictures, or the last images in
 * a row; by names and by looks, and nothing of it where images are merely numbered.
 */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/rng.h"
#include "unet_embed.h"
#include "unet_survey.h"
#include "unet_train.h"

enum { SIDE = 48, MOST = 128, SPOTS = 6 };

/* Spots that drift a little from frame to frame, or lie anywhere in each; on one shading. */
static void paint(uint8_t *image, uint8_t *mask, int frame, bool drift)
{
    double x[SPOTS], y[SPOTS];
    for (int s = 0; s < SPOTS; s++) {
        const uint64_t key = un_rng_key(7, (uint64_t)s, drift ? 0 : (uint64_t)frame + 1, 0);
        x[s] = un_rng_below(key, 0, SIDE) + (drift ? 0.5 * frame * (s % 3 - 1) : 0);
        y[s] = un_rng_below(key, 1, SIDE) + (drift ? 0.4 * frame * (s % 2) : 0);
    }
    for (int i = 0; i < SIDE * SIDE; i++) {
        int in = 0;
        for (int s = 0; s < SPOTS; s++) {
            const double dx = fmod(fabs(i % SIDE - x[s]), SIDE), dy = fabs(i / SIDE - y[s]);
            in |= dx * dx + dy * dy < 40;
        }
        const uint64_t noise = un_rng_key(9, (uint64_t)frame, 0, 0);
        image[i] =
            (uint8_t)(40 + i % SIDE / 4 + 90 * in + (int)un_rng_below(noise, (uint64_t)i, 10));
        mask[i] = (uint8_t)in;
    }
}

/* The names of images 0, 1, ...: the format has i, or i / per and i % per. */
struct naming {
    const char *format;
    int count, per;
    bool drift, twice; /* twice: image i + count / 2 is image i */
};

static unet_dataset *make(const struct naming *naming)
{
    static uint8_t images[MOST][SIDE * SIDE], masks[MOST][SIDE * SIDE];
    static char names[MOST][64];
    unet_pair pairs[MOST];
    unet_dataset *set;
    unet_error err;
    for (int i = 0; i < naming->count; i++) {
        paint(images[i], masks[i], naming->twice ? i % (naming->count / 2) : i, naming->drift);
        if (naming->per)
            snprintf(names[i], sizeof names[i], naming->format, i / naming->per, i % naming->per);
        else
            snprintf(names[i], sizeof names[i], naming->format, i);
        pairs[i] = (unet_pair){.name = names[i]};
        pairs[i].image = unet_view_of(&(unet_image){SIDE, SIDE, 1, UNET_U8, 0, images[i]});
        pairs[i].mask = unet_view_of(&(unet_image){SIDE, SIDE, 1, UNET_U8, 0, masks[i]});
    }
    if (unet_dataset_from_arrays(pairs, naming->count, NULL, &set, &err))
        fail_msg("%s: %s", naming->format, err.text);
    return set;
}

static const char *name_of(const unet_dataset *set, int i)
{
    const uint8_t *mask;
    const char *name;
    unet_dataset_image(set, i, &mask, &name);
    return name;
}

/* Which images, by the numbers in their names, are held out of a fresh set. */
static int split(const struct naming *naming, double share, int fold, int folds, uint64_t seed,
                 bool out[MOST], char text[400])
{
    unet_dataset *set = make(naming), *held = NULL;
    unet_survey *survey = NULL;
    unet_error err;
    int count;
    if (unet_survey_dataset(set, NULL, &survey, &err) ||
        (folds ? unet_survey_fold(survey, set, fold, folds, seed, &held, &err)
               : unet_survey_split(survey, set, share, seed, &held, &err)))
        fail_msg("%s: %s", naming->format, err.text);
    count = unet_dataset_count(held);
    assert_int_equal(count + unet_dataset_count(set), naming->count);
    memset(out, 0, MOST * sizeof *out);
    for (int i = 0; i < count; i++) {
        for (int k = 0; k < naming->count; k++) {
            char name[64];
            if (naming->per)
                snprintf(name, sizeof name, naming->format, k / naming->per, k % naming->per);
            else
                snprintf(name, sizeof name, naming->format, k);
            out[k] |= !strcmp(name, name_of(held, i));
        }
    }
    snprintf(text, 400, "%s", unet_dataset_held_out_text(held));
    unet_survey_free(survey);
    unet_dataset_free(held);
    unet_dataset_free(set);
    return count;
}

/* ---- sequences of which the last part is held out ---- */

static void test_last(void **state)
{
    static const struct naming rows[] = {
        {"t%03d.tif", 40, 0, .drift = true},       /* frames */
        {"%d.png", 40, 0, .drift = true},          /* numbers alone */
        {"z%02d_ch0.png", 40, 0, .drift = true},   /* a number that all have, behind */
        {"stack.tif[%d]", 40, 0, .drift = true},   /* pages */
        {"stack.tif[%d]", 40, 0, .drift = false},  /* whatever they look like */
        {"scan_%d_%d.png", 40, 8, .drift = false}, /* tiles of one picture, row by row */
        {"f%d_t%02d.png", 40, 20, .drift = true},  /* two long films: the end of each */
    };
    (void)state;
    for (size_t r = 0; r < sizeof rows / sizeof *rows; r++) {
        bool out[MOST];
        char text[400];
        const int of = r == 6 ? 20 : 40;
        for (uint64_t seed = 0; seed < 3; seed++) {
            split(&rows[r], 0.2, 0, 0, seed, out, text);
            for (int i = 0; i < rows[r].count; i++)
                if (out[i] != (i % of >= of - of / 5))
                    fail_msg("%s: image %d is%s held out", rows[r].format, i, out[i] ? "" : " not");
            if (!strstr(text, "the last "))
                fail_msg("%s: \"%s\"", rows[r].format, text);
        }
    }
}

/* ---- whole ones ---- */

static void test_whole(void **state)
{
    static const struct naming rows[] = {
        {"img%d_%d.png", 60, 4, .drift = false},    /* pieces of fifteen things */
        {"stack%d.tif[%d]", 60, 6, .drift = false}, /* ten stacks */
        {"p%02d_s%02d.png", 60, 10, .drift = false},
    };
    (void)state;
    for (size_t r = 0; r < sizeof rows / sizeof *rows; r++) {
        bool out[MOST], other[MOST];
        char text[400];
        const int count = split(&rows[r], 0.2, 0, 0, 1, out, text);
        if (count < 6 || count > 24)
            fail_msg("%s: %d are held out", rows[r].format, count);
        for (int i = 0; i < rows[r].count; i++)
            if (out[i] != out[i - i % rows[r].per])
                fail_msg("%s: image %d is parted from the first of its own", rows[r].format, i);
        if (!strstr(text, "whole, such as "))
            fail_msg("%s: \"%s\"", rows[r].format, text);
        split(&rows[r], 0.2, 0, 0, 2, other, text); /* drawn by the seed, the same each time */
        if (!memcmp(out, other, sizeof out))
            fail_msg("%s: two seeds hold out the same", rows[r].format);
        split(&rows[r], 0.2, 0, 0, 1, other, text);
        assert_memory_equal(out, other, sizeof out);
    }
}

/* ---- images that are merely numbered ---- */

static void test_numbered(void **state)
{
    static const struct naming rows[] = {
        {"t%03d.tif", 40, 0, .drift = false},
        {"%d.png", 40, 0, .drift = false},
        {"a%d_%03d.png", 40, 20, .drift = false}, /* two folders' worth */
    };
    (void)state;
    for (size_t r = 0; r < sizeof rows / sizeof *rows; r++) {
        bool out[MOST], by_chance[MOST] = {false};
        char text[400];
        unet_dataset *set = make(&rows[r]), *held;
        unet_error err;
        split(&rows[r], 0.2, 0, 0, 5, out, text);
        assert_string_equal(text, "");
        if (unet_dataset_split(set, 0.2, 5, &held, &err)) /* as it draws them */
            fail_msg("%s", err.text);
        for (int i = 0; i < unet_dataset_count(held); i++) {
            int a, b;
            const int found = sscanf(name_of(held, i), rows[r].format, &a, &b);
            by_chance[found == 2 ? a * rows[r].per + b : a] = true;
        }
        assert_memory_equal(out, by_chance, sizeof out);
        unet_dataset_free(held);
        unet_dataset_free(set);
    }
}

/* ---- folds ---- */

/* Each image is held out once, and those in a row together. */
static void test_folds(void **state)
{
    static const struct naming rows[] = {
        {"t%03d.tif", 40, 0, .drift = true},
        {"img%d_%d.png", 60, 4, .drift = false},
        {"t%03d.tif", 7, 0, .drift = true}, /* as many folds as images */
    };
    (void)state;
    for (size_t r = 0; r < sizeof rows / sizeof *rows; r++) {
        const int folds = r == 2 ? 7 : 5;
        int times[MOST] = {0};
        for (int fold = 0; fold < folds; fold++) {
            bool out[MOST];
            char text[400];
            int edges = 0;
            const int count = split(&rows[r], 0, fold, folds, 3, out, text);
            if (!count || count > 2 * rows[r].count / folds)
                fail_msg("%s: fold %d has %d", rows[r].format, fold, count);
            for (int i = 0; i < rows[r].count; i++) {
                times[i] += out[i];
                edges += i && out[i] != out[i - 1];
                if (rows[r].per && out[i] != out[i - i % rows[r].per])
                    fail_msg("%s: fold %d parts image %d", rows[r].format, fold, i);
            }
            if (!rows[r].per && edges > 2)
                fail_msg("%s: fold %d is not in a row", rows[r].format, fold);
        }
        for (int i = 0; i < rows[r].count; i++)
            assert_int_equal(times[i], 1);
    }
}

/* A picture that is there under two names is trained on or held out, never both. */
static void test_twins(void **state)
{
    static const struct naming naming = {"img%03d.png", 20, 0, .twice = true};
    char text[400];
    bool out[MOST];
    (void)state;
    for (int seed = 0; seed < 6; seed++)
        for (int folds = 0; folds <= 4; folds += 4) {
            const int held = split(&naming, 0.2, 1, folds, (uint64_t)seed, out, text);
            if (held < 4 || held > 8)
                fail_msg("seed %d, %d folds: %d held out", seed, folds, held);
            for (int i = 0; i < 10; i++)
                if (out[i] != out[i + 10])
                    fail_msg("seed %d, %d folds: image %d is on both sides", seed, folds, i);
        }
}

/* ---- names that say more than numbers ---- */

static void turn(uint8_t *to, const uint8_t *from, bool flip)
{
    for (int i = 0; i < SIDE * SIDE; i++)
        to[i] = from[flip ? i / SIDE * SIDE + SIDE - 1 - i % SIDE
                          : i % SIDE * SIDE + SIDE - 1 - i / SIDE];
}

/* Sets of `things` of which each has the images of these names; the second mirrored, the third
 * turned where turned says so, others pictures of their own. */
struct kin {
    const char *names[5]; /* formats, of the number of the thing */
    int things;
    bool turned;
    bool apart; /* they are not kin: some thing is parted */
};

static unet_dataset *make_kin(const struct kin *kin, int per)
{
    static uint8_t images[MOST][SIDE * SIDE], masks[MOST][SIDE * SIDE];
    static char names[MOST][64];
    unet_pair pairs[MOST];
    unet_dataset *set;
    unet_error err;
    for (int i = 0; i < kin->things * per; i++) {
        const int k = i % per, first = i - k;
        paint(images[i], masks[i], i, false);
        if (kin->turned && k && k < 3)
            turn(images[i], images[first], k == 1);
        snprintf(names[i], sizeof names[i], kin->names[k], i / per);
        pairs[i] = (unet_pair){.name = names[i]};
        pairs[i].image = unet_view_of(&(unet_image){SIDE, SIDE, 1, UNET_U8, 0, images[i]});
        pairs[i].mask = unet_view_of(&(unet_image){SIDE, SIDE, 1, UNET_U8, 0, masks[i]});
    }
    if (unet_dataset_from_arrays(pairs, kin->things * per, NULL, &set, &err))
        fail_msg("%s: %s", kin->names[0], err.text);
    return set;
}

/* How many things have images on both sides. */
static int parted(const struct kin *kin, int per, uint64_t seed)
{
    unet_dataset *set = make_kin(kin, per), *held = NULL;
    unet_survey *survey = NULL;
    unet_error err;
    int parts = 0, in[MOST] = {0};
    if (unet_survey_dataset(set, NULL, &survey, &err) ||
        unet_survey_split(survey, set, 0.25, seed, &held, &err))
        fail_msg("%s: %s", kin->names[0], err.text);
    if (unet_dataset_count(held) < 2)
        fail_msg("%s: %d are held out", kin->names[0], unet_dataset_count(held));
    for (int i = 0; i < unet_dataset_count(held); i++)
        for (int k = 0; k < kin->things * per; k++) {
            char name[64];
            snprintf(name, sizeof name, kin->names[k % per], k / per);
            in[k / per] += !strcmp(name, name_of(held, i));
        }
    for (int t = 0; t < kin->things; t++)
        parts += in[t] && in[t] < per;
    unet_survey_free(survey);
    unet_dataset_free(held);
    unet_dataset_free(set);
    return parts;
}

static void test_kin(void **state)
{
    static const struct kin rows[] = {
        {.names = {"cell%d.png", "cell%d_flip.png", "cell%d_rot90.png", "cell%d_aug3.png"},
         .things = 12},
        {.names = {"cell%d_aug_1.png", "cell%d_aug_2.png", "cell%d_orig.png"}, .things = 12},
        {.names = {"%d-HFlip.png", "%d-crop2-noise.png"}, .things = 12},
        {.names = {"cell%d.png", "cell%d_b.png", "cell%d_c.png"}, .things = 12, .turned = true},
        {.names = {"slide%d_y0_x112.png", "slide%d_y96_x0.png", "slide%d_y96_x112.png"},
         .things = 4},
        {.names = {"slide%d_row_2_col_1.png", "slide%d_row_3_col_4.png"}, .things = 4},
        {.names = {"patient%02d_sliceA.png", "patient%02d_sliceB.png"}, .things = 12},
        {.names = {"%da.png", "%db.png", "%dc.png"}, .things = 12},
        {.names = {"%da.nii.gz", "%db.nii.gz", "%dc.nii.gz"}, .things = 12}, /* one ending */
        {.names = {"cell%d.ome.tif", "cell%d_flip.ome.tif"}, .things = 12},
        /* words and letters that say nothing */
        {.names = {"cell%d.png", "cell%d_b.png"}, .things = 12, .apart = true},
        {.names = {"scan%d.png", "rotor%d.png"}, .things = 12, .apart = true},
        {.names = {"p%d_s2.png", "p%d_s3.png"}, .things = 4, .apart = true},
    };
    (void)state;
    for (size_t r = 0; r < sizeof rows / sizeof *rows; r++) {
        int per = 0, parts = 0;
        while (rows[r].names[per])
            per++;
        for (uint64_t seed = 0; seed < 5; seed++)
            parts += parted(&rows[r], per, seed);
        if ((parts > 0) != rows[r].apart)
            fail_msg("%s: %d things are on both sides", rows[r].names[1], parts);
    }
}

static void test_wrong(void **state)
{
    static const struct naming naming = {"t%03d.tif", 6, 0, .drift = true};
    unet_dataset *set = make(&naming), *held = NULL, *more = NULL;
    unet_survey *survey;
    unet_error err;
    (void)state;
    if (unet_survey_dataset(set, NULL, &survey, &err))
        fail_msg("%s", err.text);
    assert_int_equal(unet_survey_split(survey, set, 1.5, 0, &held, &err), UNET_EINVAL);
    assert_int_equal(unet_survey_fold(survey, set, 0, 7, 0, &held, &err), UNET_EINVAL);
    assert_int_equal(unet_survey_split(NULL, set, 0.5, 0, &held, &err), UNET_EINVAL);
    assert_null(held);
    assert_int_equal(unet_survey_split(survey, set, 0, 0, &held, &err), UNET_OK);
    assert_int_equal(unet_dataset_count(held), 0);
    unet_dataset_free(held);
    assert_int_equal(unet_survey_split(survey, set, 1, 0, &held, &err), UNET_OK); /* never all */
    assert_int_equal(unet_dataset_count(set), 1);
    assert_int_equal(unet_survey_split(survey, set, 0.5, 0, &more, &err), UNET_EINVAL);
    assert_string_equal(err.text, "a survey of 6 images for a data set of 1");
    unet_survey_free(survey);
    unet_dataset_free(held);
    unet_dataset_free(set);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_last),  cmocka_unit_test(test_whole), cmocka_unit_test(test_numbered),
        cmocka_unit_test(test_folds), cmocka_unit_test(test_twins), cmocka_unit_test(test_wrong),
        cmocka_unit_test(test_kin),
    };
    return cmocka_run_group_tests_name("survey_sequences", tests, NULL, NULL);
}
