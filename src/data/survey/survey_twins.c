/* SPDX-License-Identifier: Apache-2.0 */
/*
 * survey_twins.c - the same picture twice
 *
 * Equal samples have equal hashes.  The same picture saved anew is told by
 * thumbnails of mean 0 and length 1: |a - b|^2 = 2 - 2 r.  Their 16 quarters'
 * quarters, scaled to be orthonormal, are never further apart than they are,
 * which spares nearly all comparisons.
 */
#include <math.h>
#include <stdlib.h>

#include "data/survey/survey.h"

#define NEAR 0.9995 /* neighbouring frames of films reach 0.998 */

enum { SIDE = UN_SURVEY_THUMB, COARSE = 16, PART = SIDE / 4 };

struct key {
    uint64_t hash;
    int pair;
};

static int compare(const void *a, const void *b)
{
    const struct key *x = a, *y = b;
    if (x->hash != y->hash)
        return x->hash < y->hash ? -1 : 1;
    return x->pair - y->pair;
}

/* Whether pair i is worth comparing: what is flat is like everything flat. */
static bool counts(const struct un_survey_item *item, int which)
{
    int kinds = 0;
    if (!item->seen.readable || !which)
        return item->seen.readable && item->seen.low < item->seen.high;
    for (int k = 0; item->pixels && k < UNET_MAX_CLASSES; k++)
        kinds += item->pixels[k] > 0;
    return kinds > 1;
}

static unet_code report_equal(unet_survey *survey, int first, int pair, int which, unet_error *err)
{
    const struct un_survey_item *a = &survey->items[first], *b = &survey->items[pair];
    if (which && a->hash[0] == b->hash[0])
        return UNET_OK; /* said of the image */
    if (!which)
        survey->items[pair].twin = first + 1;
    bool both = !which && a->pixels && b->pixels && a->hash[1] == b->hash[1];
    return un_survey_report(survey, UNET_WARNING,
                            which  ? UNET_FOUND_SAME_MASK
                            : both ? UNET_FOUND_SAME_PAIR
                                   : UNET_FOUND_SAME_IMAGE,
                            pair, first, NULL, NULL, err);
}

/* which: 0: images, 1: masks. */
static unet_code judge_equal(unet_survey *survey, struct key *keys, int which, unet_error *err)
{
    int count = 0;
    unet_code code = UNET_OK;
    for (int i = 0; i < survey->files.count; i++)
        if (counts(&survey->items[i], which))
            keys[count++] = (struct key){survey->items[i].hash[which], i};
    if (count)
        qsort(keys, (size_t)count, sizeof *keys, compare);
    for (int i = 1, first = 0; !code && i < count; i++) {
        if (keys[i].hash == keys[first].hash)
            code = report_equal(survey, keys[first].pair, keys[i].pair, which, err);
        else
            first = i;
    }
    return code;
}

static void make_coarse(const float *thumb, float *coarse)
{
    for (int k = 0; k < COARSE; k++) {
        float sum = 0;
        for (int i = 0; i < PART * PART; i++)
            sum += thumb[(k / 4 * PART + i / PART) * SIDE + k % 4 * PART + i % PART];
        coarse[k] = sum / PART;
    }
}

static unet_code judge_near(unet_survey *survey, unet_error *err)
{
    size_t count = (size_t)survey->files.count;
    float *coarse = malloc((count + 1) * COARSE * sizeof *coarse);
    unet_code code = UNET_OK;
    if (!coarse)
        return un_fail_memory(err, count * COARSE * sizeof *coarse, "thumbnails");
    for (size_t i = 0; i < count; i++)
        if (counts(&survey->items[i], 0))
            make_coarse(survey->items[i].thumb, coarse + i * COARSE);
    for (size_t i = 1; i < count; i++)
        for (size_t j = 0; !code && counts(&survey->items[i], 0) && j < i; j++) {
            const struct un_survey_item *a = &survey->items[i], *b = &survey->items[j];
            if (!counts(b, 0) || a->hash[0] == b->hash[0] ||
                un_survey_apart(coarse + i * COARSE, coarse + j * COARSE, COARSE) > 2 - 2 * NEAR)
                continue;
            double correlation = 1 - un_survey_apart(a->thumb, b->thumb, SIDE * SIDE) / 2;
            if (correlation < NEAR)
                continue;
            if (!survey->items[i].twin)
                survey->items[i].twin = (int)j + 1;
            code = un_survey_report(survey, UNET_WARNING, UNET_FOUND_NEAR_IMAGE, (int)i, (int)j,
                                    (double[4]){correlation}, NULL, err);
            break;
        }
    free(coarse);
    return code;
}

unet_code un_judge_twins(unet_survey *survey, unet_error *err)
{
    struct key *keys = malloc(((size_t)survey->files.count + 1) * sizeof *keys);
    if (!keys)
        return un_fail_memory(err, (size_t)survey->files.count * sizeof *keys, "twins");
    unet_code code = judge_equal(survey, keys, 0, err);
    if (!code)
        code = judge_equal(survey, keys, 1, err);
    free(keys);
    return code ? code : judge_near(survey, err);
}

void un_survey_join_twins(const unet_survey *survey, int *group)
{
    for (int i = 0; i < survey->files.count; i++)
        if (survey->items[i].twin)
            un_survey_join(survey, group, i, survey->items[i].twin - 1);
}
