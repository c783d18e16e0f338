/* SPDX-License-Identifier: Apache-2.0 */
/* test_nnunet.c - plans.json and dataset.json beside a checkpoint of nnU-Net, right and wrong */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "model/model.h"
#include "unet_embed.h"

#define CHECKPOINT TEST_FIXTURES "/foreign/nnunet.pth"

/* ---- a folder of results: RESULTS__2d/fold_0/checkpoint_final.pth ---- */

static char top[64], results[128], fold[160], checkpoint[200];

static void write_text(const char *folder, const char *name, const char *text)
{
    char path[300];
    snprintf(path, sizeof path, "%s/%s", folder, name);
    FILE *file = fopen(path, "w");
    assert_non_null(file);
    fputs(text, file);
    fclose(file);
}

static void remove_file(const char *folder, const char *name)
{
    char path[300];
    snprintf(path, sizeof path, "%s/%s", folder, name);
    unlink(path);
}

static int make_folder(void **state)
{
    char buffer[65536];
    size_t size;
    (void)state;
    snprintf(top, sizeof top, "/tmp/unet_test_nnunet_XXXXXX");
    assert_non_null(mkdtemp(top));
    snprintf(results, sizeof results, "%s/nnUNetTrainer__nnUNetPlans__2d", top);
    snprintf(fold, sizeof fold, "%s/fold_0", results);
    snprintf(checkpoint, sizeof checkpoint, "%s/checkpoint_final.pth", fold);
    assert_int_equal(mkdir(results, 0777) | mkdir(fold, 0777), 0);
    FILE *from = fopen(CHECKPOINT, "rb"), *to = fopen(checkpoint, "wb");
    assert_true(from && to);
    while ((size = fread(buffer, 1, sizeof buffer, from)) > 0)
        assert_int_equal(fwrite(buffer, 1, size, to), size);
    fclose(from);
    return fclose(to);
}

static int remove_folder(void **state)
{
    (void)state;
    static const char *const names[] = {"plans.json", "dataset.json"};
    for (int i = 0; i < 2; i++) {
        remove_file(results, names[i]);
        remove_file(fold, names[i]);
    }
    unlink(checkpoint);
    rmdir(fold);
    rmdir(results);
    rmdir(top);
    return 0;
}

/* ---- what is said ---- */

static char said[2000];

static void hear(void *context, unet_severity severity, const char *text)
{
    (void)context;
    const size_t used = strlen(said);
    snprintf(said + used, sizeof said - used, "%s%s\n", severity == UNET_WARNING ? "warning: " : "",
             text);
}

static unet_code import(int standardize, unet_model **model, unet_error *err)
{
    const unet_log log = {.note = hear};
    unet_known known = unet_known_nothing();
    unet_origin origin;
    known.log = &log;
    known.standardize = standardize;
    *said = 0;
    unet_code code = unet_model_import(checkpoint, &known, model, &origin, err);
    if (!code)
        assert_string_equal(origin.layout, "nnunet");
    return code;
}

#define PLAN(schemes, more)                                                                        \
    "{\"configurations\": {\"3d_fullres\": {\"patch_size\": [64, 64, 64]},"                        \
    " \"base\": {\"spacing\": [0.5, 0.25], \"normalization_schemes\": [" schemes "]" more "},"     \
    " \"2d\": {\"inherits_from\": \"base\", \"patch_size\": [32, 48]}}}"
#define DATASET "{\"labels\": {\"background\": 0, \"cell\": 1, \"rim\": 2, \"ignore\": 3}}"

static void test_taken(void **state)
{
    unet_model *model;
    unet_error err;
    (void)state;
    write_text(results, "plans.json",
               PLAN("\"ZScoreNormalization\"", ", \"use_mask_for_norm\": [true]"));
    write_text(results, "dataset.json", DATASET);
    if (import(-1, &model, &err))
        fail_msg("%s", err.text);
    assert_true(model->scaling.per_image);
    assert_string_equal(unet_model_class(model, 2, NULL), "rim");
    assert_non_null(strstr(said, "patches of 32 x 48 pixels"));
    assert_non_null(strstr(said, "trained on pixels of 0.5 x 0.25"));
    assert_non_null(strstr(said, "warning: "));
    assert_non_null(strstr(said, "use_mask_for_norm"));
    const unet_spec *spec = unet_model_spec(model);
    assert_true(spec->down == UNET_DOWN_CONV && spec->widest == 6 && spec->depth == 3);
    unet_model_free(model);

    /* beside the file goes before above it */
    write_text(fold, "plans.json", PLAN("\"RGBTo01Normalization\"", ""));
    if (import(-1, &model, &err))
        fail_msg("%s", err.text);
    assert_true(!model->scaling.per_image && model->scaling.set && model->scaling.offset == 0);
    assert_true(model->scaling.scale == 1 / 255.f && model->scaling.dim_scale == 1 / 255.f);
    assert_null(strstr(said, "warning"));
    unet_model_free(model);
    write_text(fold, "plans.json", PLAN("\"NoNormalization\"", ""));
    if (import(-1, &model, &err))
        fail_msg("%s", err.text);
    assert_true(model->scaling.set && model->scaling.scale == 1 && model->scaling.dim_scale == 1);
    unet_model_free(model);
    remove_file(fold, "plans.json");
}

static void test_not_there(void **state)
{
    unet_model *model;
    unet_error err;
    (void)state;
    remove_file(results, "plans.json");
    remove_file(results, "dataset.json");
    if (import(-1, &model, &err))
        fail_msg("%s", err.text);
    assert_true(model->scaling.per_image);
    assert_non_null(strstr(said, "warning: "));
    assert_non_null(strstr(said, "no plans.json beside it or in the folder above"));
    assert_string_equal(unet_model_class(model, 1, NULL), "");
    unet_model_free(model);
}

static void test_wrong(void **state)
{
    static const struct {
        const char *plans, *dataset, *want;
    } rows[] = {
        {PLAN("\"CTNormalization\"", ""), DATASET,
         "plans.json: CTNormalization cuts values off at percentiles of the training's, which unet "
         "does not do"},
        {PLAN("\"RescaleTo01Normalization\"", ""), DATASET,
         "takes the range of each image by "
         "itself, which unet does not do"},
        {PLAN("\"Mine\"", ""), DATASET, "Mine is a way of its own, which unet does not do"},
        {PLAN("\"ZScoreNormalization\", \"ZScoreNormalization\"", ""), DATASET,
         "configuration 2d has 2 normalization_schemes, the network has 1 channel"},
        {PLAN("5", ""), DATASET, "has 1 normalization_schemes"},
        {PLAN("", ""), DATASET, "has 0 normalization_schemes"},
        {"{\"configurations\": {\"3d\": {\"patch_size\": [8, 8, 8]}}}", DATASET,
         "has no configuration with patches of two dimensions"},
        {"{}", DATASET, "has no configuration with patches of two dimensions"},
        {"[1", DATASET, "plans.json"},
        {PLAN("\"ZScoreNormalization\"", ", \"architecture\": {\"arch_kwargs\": {\"nonlin\": "
                                         "\"torch.nn.ReLU\"}}"),
         DATASET, "nonlin is torch.nn.ReLU, the network was taken to have LeakyReLU"},
        {PLAN("\"ZScoreNormalization\"", ", \"architecture\": {\"arch_kwargs\": {\"nonlin\": "
                                         "\"torch.nn.LeakyReLU\", \"nonlin_kwargs\": "
                                         "{\"negative_slope\": 0.2}}}"),
         DATASET, "negative_slope is 0.2, the network was taken to have 0.01"},
        {PLAN("\"ZScoreNormalization\"", ", \"architecture\": {\"arch_kwargs\": "
                                         "{\"norm_op_kwargs\": {\"eps\": 0.5}}}"),
         DATASET, "eps is 0.5, the network was taken to have 1e-05"},
        {PLAN("\"ZScoreNormalization\"", ""),
         "{\"labels\": {\"background\": 0, \"whole\": [1, 2], \"rim\": 2}}",
         "label whole is a region of several values"},
        {PLAN("\"ZScoreNormalization\"", ""),
         "{\"labels\": {\"background\": 0, \"cell\": 1, \"rim\": 3}}",
         "label rim is not one of the network's 3 outputs, 0 to 2"},
        {PLAN("\"ZScoreNormalization\"", ""), "{\"labels\": {\"background\": 0, \"cell\": 1}}",
         "has 2 labels, the network has 3 outputs"},
    };
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        unet_model *model = NULL;
        unet_error err = {0};
        write_text(results, "plans.json", rows[i].plans);
        write_text(results, "dataset.json", rows[i].dataset);
        if (import(-1, &model, &err) != UNET_EFORMAT || !strstr(err.text, rows[i].want))
            fail_msg("row %zu: \"%s\", wanted \"%s\"", i, err.text, rows[i].want);
        assert_null(model);
        const bool scheme = strstr(err.text, "which unet does not do") != NULL;
        assert_int_equal((err.hints & UNET_HINT_STANDARDIZE) != 0, scheme);
        if (!scheme)
            continue;
        if (import(1, &model, &err)) /* who says so knows better */
            fail_msg("%s", err.text);
        assert_true(model->scaling.per_image);
        unet_model_free(model);
    }
}

/* A configuration that inherits from itself, and one among several. */
static void test_configurations(void **state)
{
    unet_model *model = NULL;
    unet_error err;
    (void)state;
    write_text(results, "dataset.json", DATASET);
    write_text(
        results, "plans.json",
        "{\"configurations\": {\"2d\": {\"inherits_from\": \"2d\", \"patch_size\": [8, 8]}}}");
    assert_int_equal(import(-1, &model, &err), UNET_EFORMAT);
    assert_non_null(strstr(err.text, "has 0 normalization_schemes"));
    write_text(results, "plans.json",
               "{\"configurations\": {\"2d_small\": {\"patch_size\": [8, 8], "
               "\"normalization_schemes\": [\"Mine\"]}, \"2d\": {\"patch_size\": [16, 16], "
               "\"normalization_schemes\": [\"ZScoreNormalization\"]}}}");
    if (import(-1, &model, &err)) /* as the folder is called */
        fail_msg("%s", err.text);
    assert_non_null(strstr(said, "patches of 16 x 16"));
    assert_null(strstr(said, "taken: 2d"));
    unet_model_free(model);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_taken),
        cmocka_unit_test(test_not_there),
        cmocka_unit_test(test_wrong),
        cmocka_unit_test(test_configurations),
    };
    return cmocka_run_group_tests_name("nnU-Net", tests, make_folder, remove_folder);
}
