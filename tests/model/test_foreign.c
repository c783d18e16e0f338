/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Other people's weights: each file of tests/fixtures/foreign is recognised as INDEX.tsv says, and
 * its logits are PyTorch's (scripts/make_foreign.py); the same for the real files of
 * ../shared/data/weights, where they are.
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

#include "base/number.h"
#include "image/image.h"
#include "model/model.h"
#include "net/run.h"
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

/* [C][H][W] to [H][W][C], or back. */
static float *turned(const float *from, struct un_shape s, bool to_pixels)
{
    float *to = malloc((size_t)s.h * s.w * s.c * sizeof *to);
    for (int y = 0; y < s.h; y++)
        for (int x = 0; x < s.w; x++)
            for (int c = 0; c < s.c; c++) {
                size_t pixel = ((size_t)y * s.w + x) * s.c + c;
                size_t plane = ((size_t)c * s.h + y) * s.w + x;
                to[to_pixels ? pixel : plane] = from[to_pixels ? plane : pixel];
            }
    return to;
}

/* The whole input [H][W][C] through the network at once: logits [H][W][K]. */
static float *run_whole(const char *name, const unet_model *model, const float *input,
                        struct un_shape in, struct un_shape *out)
{
    static struct un_graph graph;
    struct un_engine *engine;
    struct un_network network;
    unet_error err;
    graph = model->graph;
    if (in.c != graph.spec.in_channels || un_graph_size(&graph, 1, in.h, in.w, &err))
        fail_msg("%s: does not take its input", name);
    if (un_engine_choose(2, &engine, &err) ||
        un_network_create(&network, engine, &graph, UN_PREDICT, model->values, &err))
        fail_msg("%s: %s", name, err.text);
    engine->ops->upload(engine, un_network_input(&network), input);
    un_network_forward(&network, 0);
    *out = un_network_output(&network).shape;
    float *logits = malloc((size_t)out->h * out->w * out->c * sizeof *logits);
    engine->ops->download(engine, logits, un_network_output(&network));
    un_network_release(&network);
    engine->ops->free(engine);
    return logits;
}

/* The largest difference of logits, as a share of the largest logit. */
static double difference(const float *got, const float *want, size_t count)
{
    double most = 0, largest = 0;
    for (size_t i = 0; i < count; i++) {
        double d = fabs((double)got[i] - (double)want[i]), size = fabs((double)want[i]);
        if (!(d <= most))
            most = d;
        if (size > largest)
            largest = size;
    }
    return most / largest;
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
            if (!(found <= (each ? 1e-4 : 1e-5)))
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

/* ---- real files ---- */

/* The values of a .npy file of any shape, of `bytes` each. */
static void *read_npy(const char *path, size_t count, size_t bytes)
{
    unsigned char head[10];
    FILE *file = fopen(path, "rb");
    void *values = malloc(count * bytes);
    if (!file || fread(head, 1, 10, file) != 10 ||
        fseek(file, 10 + head[8] + 256 * head[9], SEEK_SET) ||
        fread(values, bytes, count, file) != count || fgetc(file) != EOF)
        fail_msg("%s: is not %zu values", path, count);
    if (UN_HOST_BIG)
        un_swap(values, count, (int)bytes);
    fclose(file);
    return values;
}

/* To mean 0 and variance 1, as both networks below were trained. */
static void standardize(float *x, size_t count)
{
    double sum = 0, squares = 0;
    for (size_t i = 0; i < count; i++)
        sum += (double)x[i];
    const double mean = sum / (double)count;
    for (size_t i = 0; i < count; i++)
        squares += ((double)x[i] - mean) * ((double)x[i] - mean);
    for (size_t i = 0; i < count; i++)
        x[i] = (float)(((double)x[i] - mean) / (sqrt(squares / (double)count) + 1e-6));
}

static unet_model *read_real(const char *name)
{
    char path[512];
    unet_model *model = NULL;
    unet_error err;
    snprintf(path, sizeof path, "%s/weights/%s", TEST_SHARED, name);
    if (access(path, R_OK)) {
        print_message("skipped: no %s\n", path);
        skip();
    }
    if (un_model_read(path, &model, &err))
        fail_msg("%s", err.text);
    return model;
}

/* What is stored of its results are probabilities. */
static void test_nuclei(void **state)
{
    static const char *const files[] = {"nuclei_broad/weights.pt", "nuclei_broad/weights.onnx"};
    enum { SIDE = 512, COUNT = SIDE * SIDE };
    (void)state;
    for (int f = 0; f < 2; f++) {
        struct un_shape in = {1, SIDE, SIDE, 1}, out;
        unet_model *model = read_real(files[f]);
        float *input =
            read_npy(TEST_SHARED "/weights/nuclei_broad/test_input.npy", COUNT, sizeof *input);
        float *want =
            read_npy(TEST_SHARED "/weights/nuclei_broad/test_output.npy", COUNT, sizeof *want);
        standardize(input, COUNT);
        float *got = run_whole(files[f], model, input, in, &out);
        double most = 0;
        for (int i = 0; i < COUNT; i++)
            most = fmax(most, fabs(1 / (1 + exp(-(double)got[i])) - (double)want[i]));
        if (!(most <= 1e-5))
            fail_msg("%s: probabilities differ by %g", files[f], most);
        free(input);
        free(want);
        free(got);
        unet_model_free(model);
    }
}

static void test_stemseg(void **state)
{
    enum { SIDE = 192, COUNT = SIDE * SIDE, CLASSES = 5 };
    const char *folder = TEST_SHARED "/weights/stemseg/graphene_d150";
    struct un_shape in = {1, SIDE, SIDE, 1}, out;
    char path[512];
    (void)state;
    unet_model *model = read_real("stemseg/unet.pt");
    snprintf(path, sizeof path, "%s_image.npy", folder);
    float *input = read_npy(path, COUNT, sizeof *input);
    snprintf(path, sizeof path, "%s_logits_f64ref.npy", folder);
    float *want = read_npy(path, COUNT * CLASSES, sizeof *want);
    standardize(input, COUNT);
    float *got = run_whole("stemseg", model, input, in, &out);
    float *planes = turned(got, out, false);
    double found = difference(planes, want, COUNT * CLASSES);
    if (!(found <= 1e-5))
        fail_msg("logits differ by %g of the largest", found);
    free(input);
    free(want);
    free(got);
    free(planes);
    unet_model_free(model);
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

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_index),       cmocka_unit_test(test_refused),
        cmocka_unit_test(test_round_trips), cmocka_unit_test(test_names),
        cmocka_unit_test(test_nuclei),      cmocka_unit_test(test_standardize),
        cmocka_unit_test(test_stemseg),
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
