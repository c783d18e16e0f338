/* SPDX-License-Identifier: Apache-2.0 */
/* foreign_training.h - other people's networks that are trained on, stopped and gone on, and
 * written back under their names */
#ifndef TEST_FOREIGN_TRAINING_H
#define TEST_FOREIGN_TRAINING_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/rng.h"
#include "model/model.h"
#include "same_model.h"
#include "unet_embed.h"
#include "weights/arrays.h"

#define FILE_OF(name) TEST_FIXTURES "/foreign/" name

static char made[64];

static int name_file(void **state)
{
    (void)state;
    snprintf(made, sizeof made, "/tmp/unet_test_foreign_%d.pth", (int)getpid());
    return 0;
}

static int remove_file(void **state)
{
    (void)state;
    unlink(made);
    return 0;
}

static unet_model *import(const char *path, const char *layout)
{
    unet_known known = unet_known_nothing();
    unet_model *model = NULL;
    unet_origin origin;
    unet_error err;
    known.standardize = 1;
    if (un_model_import(path, &known, &model, &origin, &err))
        fail_msg("%s", err.text);
    if (layout)
        assert_string_equal(origin.layout, layout);
    return model;
}

/* ---- training ---- */

enum { SIDE = 48 };

/* Classes of squares and noise. */
static unet_dataset *make_set(int classes)
{
    static float image[SIDE * SIDE];
    static uint8_t mask[SIDE * SIDE];
    unet_dataset *set = NULL;
    unet_error err;
    for (int i = 0; i < SIDE * SIDE; i++) {
        mask[i] = (uint8_t)((i / SIDE / 16 + i % SIDE / 16) % classes);
        image[i] = (float)mask[i] + 0.3f * un_rng_normal(1, (uint64_t)i);
    }
    const unet_image seen = {SIDE, SIDE, 1, UNET_F32, 0, image};
    const unet_image truth = {SIDE, SIDE, 1, UNET_U8, 0, mask};
    const unet_pair pair = {.image = unet_view_of(&seen), .mask = unet_view_of(&truth)};
    const unet_dataset_options options = {
        .size = sizeof options, .ignore = -1, .classes = classes, .labels = "indices"};
    if (unet_dataset_from_arrays(&pair, 1, &options, &set, &err))
        fail_msg("%s", err.text);
    return set;
}

/* Steps from - to, after what stop has saved where there is something. */
static double train(unet_model *model, const unet_dataset *set, int steps, bool loads, bool saves)
{
    unet_train_options options = unet_train_options_default(unet_model_spec(model));
    unet_trainer *trainer = NULL;
    unet_error err;
    double loss, mean = 0; /* of the last ten steps, since one alone says little */
    const int from = steps > 10 ? steps - 10 : 0;
    options.tile = 32;
    options.batch = 2;
    options.threads = 1;
    if (unet_trainer_create(model, set, &options, &trainer, &err) ||
        (loads && unet_trainer_load(trainer, made, &err)))
        fail_msg("%s", err.text);
    for (int i = 0; i < steps; i++)
        if (unet_trainer_step(trainer, &loss, &err))
            fail_msg("%s", err.text);
        else if (i >= from)
            mean += loss / (steps - from);
    if (saves && unet_trainer_save(trainer, made, &err))
        fail_msg("%s", err.text);
    if (un_model_fetch(model, &err))
        fail_msg("%s", err.text);
    unet_trainer_free(trainer);
    return mean;
}

/* A loss that falls, and the same bits with and without a stop in between. */
static void check_training(const char *file, const char *layout, int classes)
{
    unet_dataset *set = make_set(classes);
    unet_model *model = import(file, layout), *whole = import(file, layout),
               *parted = import(file, layout);
    const double first = train(model, set, 1, false, false);
    const double last = train(model, set, 120, false, false);
    if (!(last < 0.8 * first))
        fail_msg("%s: 120 steps: the loss was %g and is %g", file, first, last);
    train(whole, set, 4, false, false);
    train(parted, set, 2, false, true);
    train(parted, set, 2, true, false);
    assert_same_weights(whole, parted, "two steps, a checkpoint, and two steps");
    unet_model_free(model);
    unet_model_free(whole);
    unet_model_free(parted);
    unet_dataset_free(set);
}

/* ---- names ---- */

/* Every array of the file that was made has the name of one in the other, and its shape. */
static void assert_names(const char *file)
{
    struct un_arrays before, after;
    unet_error err;
    if (un_arrays_open(file, &before, &err) || un_arrays_open(made, &after, &err))
        fail_msg("%s", err.text);
    for (int i = 0; i < after.count; i++) {
        const struct un_array *a = &after.items[i], *b = un_arrays_find(&before, a->name);
        if (!b || a->dims != b->dims ||
            memcmp(a->shape, b->shape, sizeof *a->shape * (size_t)a->dims))
            fail_msg("%s: %s is not in it", file, a->name);
    }
    un_arrays_release(&before);
    un_arrays_release(&after);
}

/* A file of a layout, written under its names and under ours, comes back. */
static void check_names(const char *file, const char *layout)
{
    unet_error err;
    for (int own = 0; own < 2; own++) {
        const unet_export_options options = {.names = own ? "unet" : layout};
        unet_model *model = import(file, layout);
        if (un_model_export(model, made, &options, &err))
            fail_msg("%s", err.text);
        if (!own)
            assert_names(file);
        unet_model *back = import(made, options.names);
        assert_same_weights(model, back, file);
        unet_model_free(model);
        unet_model_free(back);
    }
}

/* ---- files that are nearly right ---- */

/* A row of what is refused: an array that has another name or (NULL) is left out. */
struct wrong_array {
    const char *name, *instead;
    const char *want;
};

static void check_wrong_array(struct un_arrays *arrays, const struct wrong_array *row)
{
    struct un_array *a = (struct un_array *)un_arrays_find(arrays, row->name);
    const int count = arrays->count;
    unet_model *model = NULL;
    unet_error err;
    if (!a)
        fail_msg("there is no %s", row->name);
    const struct un_array kept = *a;
    if (row->instead)
        a->name = row->instead;
    else
        *a = arrays->items[--arrays->count];
    unet_code code = un_model_from_arrays("x", arrays, NULL, &model, NULL, &err);
    if (code != UNET_EFORMAT || !strstr(err.text, row->want))
        fail_msg("%s: \"%s\", wanted \"%s\"", row->name, code ? err.text : "read", row->want);
    *a = kept;
    arrays->count = count;
}

static void check_wrong_arrays(const char *file, const struct wrong_array *rows, size_t count)
{
    struct un_arrays arrays;
    unet_error err;
    if (un_arrays_open(file, &arrays, &err))
        fail_msg("%s", err.text);
    for (size_t i = 0; i < count; i++)
        check_wrong_array(&arrays, &rows[i]);
    un_arrays_release(&arrays);
}

/* Names of a class that cannot be this network. */
struct wrong_names {
    const char *file, *layout, *want;
};

static void check_wrong_names(const struct wrong_names *rows, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        const unet_export_options options = {.names = rows[i].layout};
        unet_model *model = import(rows[i].file, NULL);
        unet_error err = {0};
        if (un_model_export(model, made, &options, &err) != UNET_EINVAL ||
            !strstr(err.text, rows[i].want))
            fail_msg("row %zu: \"%s\", wanted \"%s\"", i, err.text, rows[i].want);
        unet_model_free(model);
    }
}

/* ---- specs ---- */

/* Whether row number i is a network, as it is to be (want NULL) or not, with these words; its graph
 * has room. */
static bool expect_spec(const unet_spec *spec, unet_code code, const unet_error *err, size_t i,
                        const char *want, struct un_graph *graph)
{
    if (!want != !code || (code && !strstr(err->text, want)))
        fail_msg("row %zu: \"%s\", wanted \"%s\"", i, code ? err->text : "", want ? want : "");
    if (code)
        return false;
    un_graph_build(graph, spec);
    assert_true(graph->node_count <= UN_MAX_NODES && graph->param_count <= UN_MAX_PARAMS);
    return true;
}

#endif
