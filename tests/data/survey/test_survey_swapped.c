/* SPDX-License-Identifier: Apache-2.0 */
/*
 * test_survey_swapped.c - one inverted mask among others is named, and nothing where none is
 *
 * Each mask of a set is inverted alone (class k becomes the last class less k), in the whole set
 * and in smaller ones that are drawn from it.  Prints the table of docs/check.md: the percent of
 * inverted masks that were named, they alone; how often another was named; and how often one was in
 * a set without any.  Sets of ../shared/data are measured where they are.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <sys/stat.h>
#include <cmocka.h>

#include "inverted_scenes.h"

#define SEG TEST_SHARED "/seg/"

enum { SIZES = 4, DRAWS = 40 };

static const int sizes[SIZES] = {0, 12, 6, 3}; /* pairs of a set; 0: all there are */

struct counts {
    int tries, hits, wrong; /* inverted; named alone; another was named */
    int clean, alarms;      /* sets as they are; masks that were named in them */
};

/* Every pair as it is and with its mask inverted. */
struct measured {
    struct unet_survey survey;
    struct un_survey_item *good, *bad, *set; /* set: those that are tried */
};

static void forget(unet_survey *survey)
{
    for (int i = 0; i < survey->finding_count; i++)
        free(survey->findings[i].text);
    free(survey->findings);
    survey->findings = NULL;
    survey->finding_count = survey->finding_room = 0;
}

/* Which mask has its classes exchanged, as far as a survey of these items knows; -1: none, -2:
 * several. */
static int named(struct measured *m, int count)
{
    unet_error err;
    int found = -1;
    m->survey.items = m->set;
    m->survey.files.count = count;
    if (un_judge_swapped(&m->survey, &err))
        fail_msg("%s", err.text);
    for (int i = 0; i < m->survey.finding_count; i++)
        found = found == -1 ? m->survey.findings[i].shown.pair : -2;
    forget(&m->survey);
    return found;
}

static void try_each(struct measured *m, const int *chosen, int count, struct counts *counts)
{
    struct un_survey_item *items = m->set;
    for (int i = 0; i < count; i++)
        items[i] = m->good[chosen[i]];
    counts->clean++;
    counts->alarms += named(m, count) != -1;
    for (int i = 0; i < count; i++) {
        items[i] = m->bad[chosen[i]];
        int found = named(m, count);
        counts->tries++;
        counts->hits += found == i;
        counts->wrong += found != i && found != -1;
        items[i] = m->good[chosen[i]];
    }
}

/* size: of the sets that are drawn; 0: the whole one. */
static struct counts try_sets(struct measured *m, int all, int size)
{
    struct counts counts = {0};
    int *chosen = calloc((size_t)all, sizeof *chosen);
    for (int draw = 0; draw < (size ? DRAWS : 1); draw++) {
        for (int i = 0; i < all; i++)
            chosen[i] = i;
        for (int i = 0; i < size; i++) {
            uint64_t key = un_rng_key(5, 0x696e76, (uint64_t)draw, (uint64_t)size);
            int j = i + (int)un_rng_below(key, (uint64_t)i, (uint32_t)(all - i)), old = chosen[i];
            chosen[i] = chosen[j];
            chosen[j] = old;
        }
        try_each(m, chosen, size ? size : all, &counts);
    }
    free(chosen);
    return counts;
}

static void measure(struct measured *m, struct un_survey_item *item, const unet_image *image,
                    const uint8_t *mask)
{
    unet_error err;
    m->survey.items = item;
    if (un_survey_measure(&m->survey, item, image, mask, &err))
        fail_msg("%s", err.text);
}

static void invert(uint8_t *mask, size_t count, int labels)
{
    for (size_t i = 0; i < count; i++)
        if (mask[i] != UNET_IGNORE)
            mask[i] = (uint8_t)(labels - 1 - mask[i]);
}

static struct measured measure_all(struct un_sample_pair *pairs, int count, int labels)
{
    struct measured m = {.survey = {.coded = true, .coding.labels = labels}};
    m.survey.histogram = calloc(65536, sizeof *m.survey.histogram);
    m.good = calloc((size_t)count, sizeof *m.good);
    m.bad = calloc((size_t)count, sizeof *m.bad);
    m.set = calloc((size_t)count, sizeof *m.set);
    for (int i = 0; i < count; i++) {
        size_t pixels = (size_t)pairs[i].image.height * (size_t)pairs[i].image.width;
        measure(&m, &m.good[i], &pairs[i].image, pairs[i].mask);
        invert(pairs[i].mask, pixels, labels);
        measure(&m, &m.bad[i], &pairs[i].image, pairs[i].mask);
    }
    return m;
}

static void release_all(struct measured *m, int count)
{
    m->survey.items = m->good;
    for (int k = 0; k < 2; k++)
        for (int i = 0; i < count; i++)
            un_survey_item_release(&(k ? m->bad : m->good)[i]);
    free(m->good);
    free(m->bad);
    free(m->set);
    free(m->survey.histogram);
}

/* A line of the table.  least: percent of the masks of the whole set that must be found. */
static void expect_found(const char *name, struct un_sample_pair *pairs, int count, int labels,
                         int least)
{
    struct measured m = measure_all(pairs, count, labels);
    char line[160];
    int used = snprintf(line, sizeof line, "| %-24s | %3d |", name, count);
    struct counts all[SIZES] = {0};
    for (int k = 0; k < SIZES; k++) {
        if (sizes[k] >= count) {
            used += snprintf(line + used, sizeof line - (size_t)used, "              |");
            continue;
        }
        all[k] = try_sets(&m, count, sizes[k]);
        used += snprintf(line + used, sizeof line - (size_t)used, " %5.1f %% %2d %2d |",
                         100.0 * all[k].hits / all[k].tries, all[k].wrong, all[k].alarms);
    }
    print_message("%s\n", line);
    release_all(&m, count);
    for (int k = 0; k < SIZES; k++)
        if (all[k].alarms || all[k].wrong ||
            (!sizes[k] && 100 * all[k].hits < least * all[k].tries))
            fail_msg("%s: of %d inverted masks in sets of %d, %d were found; %d times another was "
                     "named, and %d in %d good sets",
                     name, all[k].tries, sizes[k] ? sizes[k] : count, all[k].hits, all[k].wrong,
                     all[k].alarms, all[k].clean);
}

static void test_drawn(void **state)
{
    (void)state;
    print_message("| set                      | all | of all       | of 12        | of 6         "
                  "| of 3         |\n");
    for (size_t k = 0; k < sizeof scenes / sizeof *scenes; k++) {
        struct un_sample_pair pairs[SCENE_PAIRS];
        for (int i = 0; i < SCENE_PAIRS; i++)
            scene_draw(&scenes[k], un_rng_key(3, 0x7363656e65, k, (uint64_t)i), &pairs[i]);
        expect_found(scenes[k].name, pairs, SCENE_PAIRS, scenes[k].labels, scenes[k].least);
        for (int i = 0; i < SCENE_PAIRS; i++) {
            free(pairs[i].image.data);
            free(pairs[i].mask);
        }
    }
}

static const struct {
    const char *name, *images, *masks;
    int ignore;
} folders[] = {
    {"isbi2012", "isbi2012/image", "isbi2012/label", -1},
    {"dsb2018", "dsb2018/image", "dsb2018/mask", -1},
    {"wbc1", "wbc1", "wbc1", -1},
    {"vnc, membranes", "vnc/raw", "vnc/membranes", -1},
    {"vnc, mitochondria", "vnc/raw", "vnc/mitochondria", -1},
    {"camvid", "camvid/image", "camvid/label", 11},
    {"sarpol_tents", "sarpol_tents/image", "sarpol_tents/label", -1},
};

static void test_real(void **state)
{
    (void)state;
    for (size_t k = 0; k < sizeof folders / sizeof *folders; k++) {
        char images[512], masks[512];
        struct stat status;
        unet_dataset *dataset;
        unet_error err;
        snprintf(images, sizeof images, SEG "%s", folders[k].images);
        snprintf(masks, sizeof masks, SEG "%s", folders[k].masks);
        if (stat(images, &status)) {
            print_message("skipped: %s is not here\n", images);
            continue;
        }
        const unet_dataset_options options = {.ignore = folders[k].ignore};
        if (unet_dataset_open(images, masks, &options, &dataset, &err))
            fail_msg("%s", err.text);
        expect_found(folders[k].name, dataset->pairs, dataset->count, dataset->coding.labels, 90);
        unet_dataset_free(dataset);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_drawn), cmocka_unit_test(test_real)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
