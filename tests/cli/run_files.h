/* SPDX-License-Identifier: Apache-2.0 */
/* run_files.h - a made-up run and its files */
#ifndef RUN_FILES_H
#define RUN_FILES_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include "shared/cli.h" /* before cmocka, which has a macro fail() */

#include <cmocka.h>

#include "made_up.h"
#include "run/run_report.h"
#include "support/folder.h"

enum { IMAGES = 12, SIDE = 40, EPOCHS = 6, STEPS = 5 };

/* A name that would do harm if it were not escaped. */
#define EVIL "<script>a&b\"c'"

struct set {
    unet_dataset *dataset, *held;
    unet_model *model;
    unet_survey *survey;
};

/* Discs on noise, in a folder of the test. */
static inline void make_set(struct set *set)
{
    static uint8_t pixels[SIDE * SIDE], mask[SIDE * SIDE];
    unet_image image = {SIDE, SIDE, 1, UNET_U8, 0, pixels};
    unet_dataset_options options = {.ignore = -1, .labels = "background=0,cell=1"};
    unet_spec spec = unet_spec_default();
    unet_error err = {0};

    mkdir(in_folder("images"), 0777);
    mkdir(in_folder("masks"), 0777);
    for (int i = 0; i < IMAGES; i++) {
        char name[64];

        for (int k = 0; k < SIDE * SIDE; k++) {
            int y = k / SIDE - 10 - i, x = k % SIDE - 20;

            mask[k] = y * y + x * x < 60;
            pixels[k] = (uint8_t)(100 * mask[k] + 100 * made_up_noise((uint64_t)(k + 5000 * i)));
        }
        snprintf(name, sizeof(name), "images/%s%02d.png", EVIL, i);
        assert_int_equal(unet_image_write(in_folder(name), &image, &err), UNET_OK);
        snprintf(name, sizeof(name), "masks/%s%02d.png", EVIL, i);
        assert_int_equal(unet_mask_write(in_folder(name), mask, SIDE, SIDE,
                                         (const uint8_t[][3]){{0, 0, 0}, {255, 255, 255}}, 2, &err),
                         UNET_OK);
    }
    if (unet_dataset_open(in_folder("images"), in_folder("masks"), &options, &set->dataset, &err))
        fail_msg("%s", err.text);
    assert_int_equal(unet_survey_dataset(set->dataset, NULL, &set->survey, &err), UNET_OK);
    assert_int_equal(unet_dataset_split(set->dataset, 0.7, 1, &set->held, &err), UNET_OK);
    spec.width = spec.depth = 1;
    assert_int_equal(unet_model_create(&spec, 0, &set->model, &err), UNET_OK);
}

static inline void free_set(struct set *set)
{
    unet_survey_free(set->survey);
    unet_dataset_free(set->dataset);
    unet_dataset_free(set->held);
    unet_model_free(set->model);
}

static inline struct run_facts facts_of(const struct set *set, const char *folder)
{
    static const struct run_row recipe[] = {{"preset", EVIL}};

    mkdir(folder, 0777);
    return (struct run_facts){.folder = folder,
                              .model = set->model,
                              .dataset = set->dataset,
                              .validation = set->held,
                              .survey = set->survey,
                              .recipe = recipe,
                              .recipe_rows = 1};
}

/* The text of a file, from malloc. */
static inline char *text_of(const char *path)
{
    FILE *file = fopen(path, "rb");
    char *text = NULL;
    size_t room = 0;

    if (!file)
        fail_msg("%s is not there", path);
    if (getdelim(&text, &room, 0, file) < 0) {
        free(text);
        text = strdup("");
    }
    fclose(file);
    return text;
}

static inline char *text_in(const char *folder, const char *name)
{
    char path[512];

    snprintf(path, sizeof(path), "%s/%s", folder, name);
    return text_of(path);
}

static inline int count_of(const char *text, const char *what)
{
    int count = 0;

    while ((text = strstr(text, what))) {
        count++;
        text += strlen(what);
    }
    return count;
}

/* ---- the record -------------------------------------------------------------------------- */

static inline void whole_run(const struct run_facts *facts, double slowness,
                             struct run_history *kept)
{
    struct run_folder run;
    struct made_up made = {.run = &run,
                           .facts = facts,
                           .epochs = EPOCHS,
                           .steps_per_epoch = STEPS,
                           .slowness = slowness,
                           .end = UNET_END_LIMIT};

    assert_int_equal(run_begin(&run, facts), EXIT_DONE);
    made_up_train(&made);
    assert_int_equal(made.failed, 0);
    if (kept) { /* takes what run_end() would free */
        *kept = run.history;
        run.history = (struct run_history){.fd = -1};
        run.begun = 0;
    }
    assert_int_equal(run_end(&run, 0, NULL), EXIT_DONE);
}

/* Until `killed`, as if by kill -9: nothing is closed or flushed in an orderly way. */
static inline void killed_run(const struct run_facts *facts, int begin, int killed)
{
    struct run_folder run;
    struct made_up made = {.run = &run,
                           .facts = facts,
                           .epochs = EPOCHS,
                           .steps_per_epoch = STEPS,
                           .slowness = 0.7,
                           .begin_step = begin,
                           .stop_step = killed};
    struct run_folder copy;

    assert_int_equal(run_begin(&run, facts), EXIT_DONE);
    made_up_train(&made);
    assert_int_equal(made.failed, 0);
    /* what is on the disk is checked; memory is given back without writing anything */
    copy = run;
    copy.begun = 0;
    assert_int_equal(run_end(&copy, 0, NULL), EXIT_DONE);
}

#endif
