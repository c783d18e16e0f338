/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Other people's weights: each file of tests/fixtures/foreign is recognised as INDEX.tsv says, and
 * its logits are PyTorch's (scripts/make_foreign.py).
 */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>
#include <jansson.h>

#include "image/image.h"
#include "model/model.h"
#include "network_answer.h"
#include "net/spec_json.h"
#include "support/known.h"
#include "weights/arrays.h"
#include "weights/safetensors.h"

#define FOLDER TEST_FIXTURES "/foreign/"

static struct un_safetensors expected;

/* An array of the file of expected values. */
static float *values_of(const char *name, const char *what, struct un_shape *shape)
{
    char full[128];
    unet_error err;
    snprintf(full, sizeof full, "%s.%s", name, what);
    const struct un_array *a = un_safetensors_find(&expected, full);
    if (!a || a->dims != 4)
        fail_msg("expect.safetensors has no %s", full);
    *shape = (struct un_shape){1, (int)a->shape[2], (int)a->shape[3], (int)a->shape[1]};
    float *values = malloc(a->count * sizeof *values);
    if (un_array_to_float("expect.safetensors", a, values, &err))
        fail_msg("%s", err.text);
    return values;
}

static double compare(const char *file, const char *expect, const unet_model *model)
{
    struct un_shape in, want_shape, got_shape;
    float *input = values_of(expect, "input", &in);
    float *want = values_of(expect, "logits", &want_shape);
    float *pixels = turned(input, in, true);
    float *got = run_whole(file, model, pixels, in, &got_shape);
    bool same = !memcmp(&got_shape, &want_shape, sizeof got_shape);
    float *wanted = turned(want, want_shape, true);
    size_t count = (size_t)want_shape.h * want_shape.w * want_shape.c;
    double found = same ? difference(got, wanted, count) : INFINITY;
    free(input);
    free(want);
    free(pixels);
    free(got);
    free(wanted);
    return found;
}

/* ---- the index ---- */

struct row {
    char file[64], layout[32], expect[64];
    unet_spec spec;
};

/* The spec of a row: what is not there is that of a plain network. */
static unet_spec row_spec(const char *file, const char *text)
{
    unet_spec spec;
    unet_error err;
    json_t *object = json_loads(text, 0, NULL);
    if (!object)
        fail_msg("INDEX.tsv: %s: %s is no JSON", file, text);
    if (!json_object_get(object, "act"))
        json_object_set_new(object, "act", json_string("relu"));
    if (!json_object_get(object, "leaky_slope"))
        json_object_set_new(object, "leaky_slope", json_real(0.1));
    json_object_set_new(object, "dropout", json_real(0));
    if (un_spec_from_json(file, object, &spec, &err))
        fail_msg("%s", err.text);
    json_decref(object);
    return spec;
}

static bool ends_with(const char *text, const char *end)
{
    size_t length = strlen(text), tail = strlen(end);
    return length >= tail && !strcmp(text + length - tail, end);
}

/* Files of known layouts that differ from what is usual for them. */
static bool is_unusual(const char *file)
{
    static const char *const files[] = {"bioimage_nearest.pth", "jvanvugt_norm.ckpt",
                                        "jvanvugt_up.pth"};
    for (size_t i = 0; i < sizeof files / sizeof *files; i++)
        if (!strcmp(file, files[i]))
            return true;
    return false;
}

static const char *layout_name(const char *index)
{
    return !strcmp(index, "bioimage") ? "bioimage.io" : index;
}

/* With what nobody can tell given, every file; without, those whose layout or format tells it. */
static void check_row(const struct row *row)
{
    const unet_known known = known_of_spec(&row->spec);
    const bool onnx = ends_with(row->file, ".onnx");
    char path[512];
    unet_origin origin;
    unet_error err;
    snprintf(path, sizeof path, FOLDER "%s", row->file);
    for (int given = 0; given < 2; given++) {
        unet_model *model = NULL;
        if (un_model_import(path, given ? &known : NULL, &model, &origin, &err))
            fail_msg("%s", err.text);
        const bool named = *origin.layout != 0;
        const bool usual = onnx || (named && !is_unusual(row->file));
        const char *layout = layout_name(row->layout);
        if (strcmp(origin.layout, named ? layout : ""))
            fail_msg("%s: has layout %s, wanted %s", row->file, origin.layout, layout);
        if (given || usual) {
            /* a norm over the few pixels of a deep level of a small image makes rounding large */
            const bool each = row->spec.norm >= UNET_NORM_INSTANCE;
            double found = compare(row->file, row->expect, model);
            /* and five halvings of residual blocks add up what tiles round: docs/formats.md */
            const double most = each ? 1e-4 : row->spec.residual ? 2e-5 : 1e-5;
            if (!(found <= most))
                fail_msg("%s%s: logits differ by %g of the largest", row->file,
                         given ? "" : ", nothing given", found);
        }
        if (onnx && origin.guesses)
            fail_msg("%s: %s had to be guessed", row->file, origin.guess[0].field);
        unet_model_free(model);
    }
}

static void test_index(void **state)
{
    FILE *index = fopen(FOLDER "INDEX.tsv", "r");
    char *line = NULL;
    size_t size = 0, rows = 0;
    (void)state;
    assert_non_null(index);
    while (getline(&line, &size, index) > 0) {
        char *at = line, *fields[13], *end;
        int count = 0;
        line[strcspn(line, "\n")] = 0;
        while (count < 13 && (end = at))
            fields[count++] = strsep(&at, "\t");
        if (count < 13 || !strcmp(fields[0], "file") || !strcmp(fields[1], "-"))
            continue;
        struct row row = {.spec = row_spec(fields[0], fields[12])};
        snprintf(row.file, sizeof row.file, "%s", fields[0]);
        snprintf(row.layout, sizeof row.layout, "%s", fields[1]);
        snprintf(row.expect, sizeof row.expect, "%s", fields[11]);
        check_row(&row);
        rows++;
    }
    free(line);
    fclose(index);
    assert_true(rows >= 45);
}

/* ---- what is none ---- */

static void test_refused(void **state)
{
    static const struct {
        const char *file, *want;
    } rows[] = {
        {"evil.pth", "refers to posix.system; this is not a list of weights"},
        {"evil_legacy.pth", "refers to posix.system; this is not a list of weights"},
        {"module.pth", "torch.save(model.state_dict(), "},
        {"resnet.pth", "tensor conv1.weight: has shape [4, 3, 7, 7]; a plain U-Net has 3x3, 2x2 "
                       "(up) and 1x1 convolutions"},
        {"attention.pth", "tensor "},
    };
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        char path[512];
        unet_model *model = NULL;
        unet_error err = {0};
        snprintf(path, sizeof path, FOLDER "%s", rows[i].file);
        if (un_model_import(path, NULL, &model, NULL, &err) != UNET_EFORMAT ||
            !strstr(err.text, rows[i].want))
            fail_msg("%s: \"%s\", wanted \"%s\"", rows[i].file, err.text, rows[i].want);
        assert_null(model);
    }
    assert_int_not_equal(access("pwned", F_OK), 0);
}

/* ---- out and in again ---- */

/* Every file of the index, written in each format and read back: every bit is the same. */
static void test_round_trips(void **state)
{
    static const char *const files[] = {
        "milesial.pth",       "bioimage.pth",          "french.safetensors", "leejunhyun.pkl",
        "jvanvugt_norm.ckpt", "milesial_bilinear.pth", "release2015.pth",    "sides.pth"};
    static const char *const endings[] = {"safetensors", "pth", "pt", "onnx"};
    char path[512], made[64];
    unet_error err;
    (void)state;
    for (size_t i = 0; i < sizeof files / sizeof *files; i++)
        for (size_t e = 0; e < 4; e++) {
            unet_model *model = NULL, *back = NULL;
            unet_origin origin;
            snprintf(path, sizeof path, FOLDER "%s", files[i]);
            snprintf(made, sizeof made, "/tmp/unet_test_%d.%s", (int)getpid(), endings[e]);
            if (un_model_import(path, NULL, &model, NULL, &err) ||
                un_model_export(model, made, NULL, &err) ||
                un_model_import(made, NULL, &back, &origin, &err))
                fail_msg("%s: %s", files[i], err.text);
            unlink(made);
            assert_int_equal(origin.guesses, 0);
            if (memcmp(&model->graph.spec, &back->graph.spec, sizeof model->graph.spec) ||
                memcmp(model->values, back->values, model->graph.values * sizeof(float)))
                fail_msg("%s: is another after %s", files[i], endings[e]);
            unet_model_free(model);
            unet_model_free(back);
        }
}

/* Names of milesial's class, for networks that it can be, and for no other. */
static void test_names(void **state)
{
    const unet_export_options milesial = {.names = "milesial"}, none = {.names = "mine"};
    char made[64];
    unet_model *model = NULL, *back = NULL;
    unet_origin origin;
    unet_error err;
    (void)state;
    snprintf(made, sizeof made, "/tmp/unet_test_%d.pth", (int)getpid());
    if (un_model_import(FOLDER "milesial.pth", NULL, &model, NULL, &err) ||
        un_model_export(model, made, &milesial, &err) ||
        un_model_import(made, NULL, &back, &origin, &err))
        fail_msg("%s", err.text);
    assert_string_equal(origin.layout, "milesial");
    assert_memory_equal(model->values, back->values, model->graph.values * sizeof(float));
    assert_int_equal(un_model_export(model, made, &none, &err), UNET_EINVAL);
    assert_non_null(strstr(err.text, "layout mine is none that is known"));
    assert_int_equal(un_model_export(model, "x.h5", NULL, &err), UNET_EINVAL);
    unet_model_free(model);
    unet_model_free(back);
    assert_int_equal(un_model_import(FOLDER "jvanvugt.pth", NULL, &model, NULL, &err), UNET_OK);
    assert_int_equal(un_model_export(model, made, &milesial, &err), UNET_EINVAL);
    assert_non_null(strstr(err.text, "layout milesial: depth is 2"));
    unet_model_free(model);
    unlink(made);
}

/* The same by way of the command's option: raw samples go in, and prediction standardises them. */
static void test_standardize(void **state)
{
    enum { SIDE = 40 };
    unet_known known = un_known_nothing();
    unet_model *model = NULL, *back = NULL;
    char made[64];
    unet_error err;
    unet_image raw = {SIDE, SIDE, 1, UNET_U16, 0, malloc(SIDE * SIDE * 2)};
    unet_image ready = {SIDE, SIDE, 1, UNET_F32, 1, malloc(SIDE * SIDE * 4)};
    (void)state;
    for (int i = 0; i < SIDE * SIDE; i++)
        ((float *)ready.data)[i] = ((uint16_t *)raw.data)[i] = (uint16_t)(7000 + i * i % 3001);
    standardize(ready.data, SIDE * SIDE);
    known.standardize = 1;
    snprintf(made, sizeof made, "/tmp/unet_test_%d.onnx", (int)getpid());
    if (un_model_import(FOLDER "bioimage.pth", &known, &model, NULL, &err) ||
        un_model_export(model, made, NULL, &err) || un_model_read(made, &back, &err))
        fail_msg("%s", err.text);
    unlink(made);
    float logits[2][SIDE * SIDE];
    const unet_image *images[] = {&raw, &ready};
    for (int i = 0; i < 2; i++) {
        unet_session *session;
        if (unet_session_create(back, NULL, &session, &err) ||
            unet_predict_logits(session, images[i], logits[i], &err))
            fail_msg("%s", err.text);
        unet_session_free(session);
    }
    if (!(difference(logits[0], logits[1], SIDE * SIDE) <= 1e-5))
        fail_msg("differs by %g", difference(logits[0], logits[1], SIDE * SIDE));
    const unet_export_options inside = {.normalize = 1};
    assert_int_equal(un_model_export(back, made, &inside, &err), UNET_EINVAL);
    unet_image_release(&raw);
    unet_image_release(&ready);
    unet_model_free(model);
    unet_model_free(back);
}

static void keep_note(void *context, unet_severity severity, const char *text)
{
    char *kept = context;
    (void)severity;
    snprintf(kept, 300, "%s", text);
}

/* A mean and a deviation for each channel: in the model's file, in prediction, and in training. */
static void test_centred(void **state)
{
    enum { SIDE = 32 };
    static const float mean[3] = {0.485f, 0.456f, 0.406f}, std[3] = {0.229f, 0.224f, 0.225f};
    static uint8_t bytes[SIDE * SIDE * 3];
    static float ready[SIDE * SIDE * 3], logits[2][2 * SIDE * SIDE];
    static const struct {
        const char *mean, *std, *want;
    } rows[] = {{"0.485,0.456,0.406", NULL, "mean and std are wanted together"},
                {"0.485,0.456", "1,1,1", "mean is 0.485,0.456, wanted 3 numbers"},
                {"0.485,0.456,0.406", "1,1,1,1", "std is 1,1,1,1, wanted 3 numbers"},
                {"0.485,0.456,nan", "1,1,1", "wanted 3 numbers"},
                {"0.485,0.456,0.406", "1,0,1", "wanted numbers above 0"}};
    unet_known known = un_known_nothing();
    unet_model *model = NULL, *back = NULL;
    char made[64], text[200];
    unet_error err;
    (void)state;
    for (int i = 0; i < SIDE * SIDE * 3; i++) {
        bytes[i] = (uint8_t)(i * i % 251);
        ready[i] = ((float)bytes[i] / 255 - mean[i % 3]) / std[i % 3];
    }
    snprintf(made, sizeof made, "/tmp/unet_test_%d.safetensors", (int)getpid());
    known.mean = "0.485,0.456,0.406";
    known.std = "0.229,0.224,0.225";
    if (un_model_import(FOLDER "smp.pth", &known, &model, NULL, &err) ||
        un_model_export(model, made, NULL, &err) || un_model_read(made, &back, &err))
        fail_msg("%s", err.text);
    assert_memory_equal(&model->scaling, &back->scaling, sizeof model->scaling);
    un_scaling_text(&back->scaling, text, sizeof text);
    assert_string_equal(text,
                        "of 8 bits / 255, of 16 / 65535; then less mean 0.485,0.456,0.406, by "
                        "std 0.229,0.224,0.225");
    const unet_image images[] = {{SIDE, SIDE, 3, UNET_U8, 0, bytes},
                                 {SIDE, SIDE, 3, UNET_F32, 1, ready}};
    for (int i = 0; i < 2; i++) {
        unet_session *session;
        if (unet_session_create(back, NULL, &session, &err) ||
            unet_predict_logits(session, &images[i], logits[i], &err))
            fail_msg("%s", err.text);
        unet_session_free(session);
    }
    if (!(difference(logits[0], logits[1], 2 * SIDE * SIDE) <= 1e-5))
        fail_msg("differs by %g", difference(logits[0], logits[1], 2 * SIDE * SIDE));
    const unet_export_options inside = {.normalize = 1};
    assert_int_equal(un_model_export(back, "x.onnx", &inside, &err), UNET_EINVAL);
    char note[300] = "";
    const unet_log log = {.note = keep_note, .context = note};
    unet_model *large = NULL;
    known.log = &log;
    known.mean = "127.5,51,255";
    if (un_model_import(FOLDER "smp.pth", &known, &large, NULL, &err))
        fail_msg("%s", err.text);
    if (!strstr(note, "in 0..255 it is mean 0.5,0.2,1 and std 0.000898"))
        fail_msg("\"%s\"", note);
    unet_model_free(large);
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        unet_model *none = NULL;
        known.mean = rows[i].mean;
        known.std = rows[i].std;
        assert_int_equal(un_model_import(FOLDER "smp.pth", &known, &none, NULL, &err), UNET_EINVAL);
        if (!strstr(err.text, rows[i].want))
            fail_msg("row %zu: \"%s\", wanted \"%s\"", i, err.text, rows[i].want);
    }
    unlink(made);
    unet_model_free(model);
    unet_model_free(back);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_index),       cmocka_unit_test(test_refused),
        cmocka_unit_test(test_round_trips), cmocka_unit_test(test_names),
        cmocka_unit_test(test_standardize), cmocka_unit_test(test_centred),
    };
    unet_error err;
    if (un_safetensors_open(FOLDER "expect.safetensors", &expected, &err)) {
        fprintf(stderr, "%s\n", err.text);
        return 1;
    }
    int failed = cmocka_run_group_tests_name("foreign", tests, NULL, NULL);
    un_safetensors_release(&expected);
    return failed;
}
