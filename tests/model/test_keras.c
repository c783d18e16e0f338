/* SPDX-License-Identifier: Apache-2.0 */
/*
 * test_keras.c - networks of Keras, as it saves them and as tf2onnx makes ONNX of them: what they
 * answer is what Keras answers (scripts/make_keras.py), and what is none is refused
 */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/file.h"
#include "model/model.h"
#include "net/run.h"
#include "weights/keras/keras.h"
#include "weights/safetensors.h"

#define FOLDER TEST_FIXTURES "/keras/"

static struct un_safetensors expected;

/* An array [h][w][c] of the file of expected values. */
static float *values_of(const char *name, const char *what, struct un_shape *shape)
{
    char full[128];
    unet_error err;
    snprintf(full, sizeof full, "%s.%s", name, what);
    const struct un_array *a = un_safetensors_find(&expected, full);
    if (!a || a->dims != 3)
        fail_msg("expect.safetensors has no %s", full);
    *shape = (struct un_shape){1, (int)a->shape[0], (int)a->shape[1], (int)a->shape[2]};
    float *values = malloc(a->count * sizeof *values);
    if (un_array_to_float("expect.safetensors", a, values, &err))
        fail_msg("%s", err.text);
    return values;
}

/* The largest difference of a model's logits from those expected, as a share of the largest. */
static double difference(const char *file, const char *name, const unet_model *model)
{
    static struct un_graph graph;
    struct un_shape in, out;
    struct un_engine *engine = NULL;
    struct un_network network;
    unet_error err;
    float *image = values_of(name, "image", &in), *want = values_of(name, "logits", &out);
    const size_t count = (size_t)out.h * out.w * out.c;
    const struct un_scaling *s = &model->scaling;
    double most = 0, largest = 0;
    for (size_t i = 0; s->set && i < (size_t)in.h * in.w * in.c; i++)
        image[i] = (image[i] - s->offset) * s->scale;
    graph = model->graph;
    if (in.c != graph.spec.in_channels || un_graph_size(&graph, 1, in.h, in.w, &err) ||
        un_engine_choose(2, &engine, &err) ||
        un_network_create(&network, engine, &graph, UN_PREDICT, model->values, &err))
        fail_msg("%s: does not run", file);
    engine->ops->upload(engine, un_network_input(&network), image);
    un_network_forward(&network, 0);
    struct un_shape made = un_network_output(&network).shape;
    if (memcmp(&made, &out, sizeof made))
        fail_msg("%s: makes %d x %d x %d, wanted %d x %d x %d", file, made.h, made.w, made.c, out.h,
                 out.w, out.c);
    float *got = malloc(count * sizeof *got);
    engine->ops->download(engine, got, un_network_output(&network));
    for (size_t i = 0; i < count; i++) {
        most = fmax(most, fabs((double)got[i] - (double)want[i]));
        largest = fmax(largest, fabs((double)want[i]));
    }
    un_network_release(&network);
    engine->ops->free(engine);
    free(image);
    free(want);
    free(got);
    return most / largest;
}

static void check_answers(const char *file, const char *name)
{
    char path[512];
    unet_model *model;
    unet_origin origin;
    unet_error err;
    snprintf(path, sizeof path, FOLDER "%s", file);
    if (un_model_import(path, NULL, &model, &origin, &err))
        fail_msg("%s", err.text);
    if (origin.guesses)
        fail_msg("%s: %s had to be guessed", file, origin.guess[0].field);
    const double found = difference(file, name, model);
    /* (Keras computes in single precision, too) */
    if (!(found <= (model->graph.spec.norm == UNET_NORM_GROUP ? 1e-4 : 1e-5)))
        fail_msg("%s: logits differ by %g of the largest", file, found);
    un_model_free(model);
}

static void check_refused(const char *file, const char *want)
{
    char path[512];
    unet_model *model = NULL;
    unet_error err = {0};
    snprintf(path, sizeof path, FOLDER "%s", file);
    if (un_model_import(path, NULL, &model, NULL, &err) != UNET_EFORMAT || !strstr(err.text, want))
        fail_msg("%s: \"%s\", wanted \"%s\"", file, err.text, want);
    assert_null(model);
}

static void test_index(void **state)
{
    FILE *index = fopen(FOLDER "INDEX.tsv", "r");
    char line[400];
    int rows = 0;
    (void)state;
    assert_non_null(index);
    for (; fgets(line, sizeof line, index); rows++) {
        char *tab = strchr(line, '\t');
        assert_non_null(tab);
        *tab++ = 0;
        tab[strcspn(tab, "\n")] = 0;
        if (*tab == '!')
            check_refused(line, tab + 2);
        else
            check_answers(line, tab);
    }
    fclose(index);
    assert_true(rows >= 18);
}

/* ---- what files say ---- */

static void import(const char *file, unet_model **model)
{
    char path[512];
    unet_error err;
    snprintf(path, sizeof path, FOLDER "%s", file);
    if (un_model_import(path, NULL, model, NULL, &err))
        fail_msg("%s", err.text);
}

static void test_scaling(void **state)
{
    static const char *const files[] = {"batch.h5", "batch.keras", "batch.onnx"};
    unet_model *model;
    (void)state;
    for (int i = 0; i < 3; i++) {
        import(files[i], &model);
        assert_true(model->scaling.set && fabs((double)model->scaling.scale - 1 / 127.5) < 1e-8);
        assert_true(fabs((double)model->scaling.offset - 127.5) < 1e-4);
        assert_true(model->scaling.dim_scale == model->scaling.scale);
        assert_true(model->graph.spec.norm == (i < 2 ? UNET_NORM_BATCH : UNET_NORM_NONE));
        un_model_free(model);
    }
    import("up2.keras", &model); /* an up-convolution of 2x2 has become one of 3x3 with zeros */
    assert_false(model->scaling.set);
    assert_int_equal(model->graph.spec.up, UNET_UP_NEAREST);
    assert_int_equal(model->graph.spec.up_conv, UNET_UP_CONV3X3);
    assert_int_equal(model->graph.spec.concat, UNET_CONCAT_SKIP_UP);
    un_model_free(model);
}

/* ---- damage ---- */

static void parse(const unsigned char *bytes, size_t size)
{
    struct un_arrays arrays;
    unet_error err;
    if (!un_keras_parse("x", bytes, size, &arrays, &err))
        un_arrays_release(&arrays);
    else
        assert_true(*err.text);
}

/* Cut anywhere, and with bytes changed where the structure is. */
static void test_damage(void **state)
{
    static const char *const files[] = {"twice.h5", "elu.h5", "lambda.keras"};
    (void)state;
    for (size_t f = 0; f < sizeof files / sizeof *files; f++) {
        char path[512];
        struct un_mapping file;
        snprintf(path, sizeof path, FOLDER "%s", files[f]);
        assert_int_equal(un_map_whole(path, &file, NULL), UNET_OK);
        unsigned char *bytes = malloc(file.size);
        for (size_t size = 8; size < file.size; size += size < 2048 ? 1 : 397) {
            memcpy(bytes, file.data, size);
            parse(bytes, size);
        }
        for (size_t at = 8; at < file.size; at += at < 4096 ? 1 : 61)
            for (int change = 0; change < 3; change++) {
                memcpy(bytes, file.data, file.size);
                bytes[at] = change == 0 ? 0xff : change == 1 ? 0 : bytes[at] ^ 0x10;
                parse(bytes, file.size);
            }
        free(bytes);
        un_map_release(&file);
    }
}

static int open_expected(void **state)
{
    unet_error err;
    (void)state;
    if (un_safetensors_open(FOLDER "expect.safetensors", &expected, &err))
        fail_msg("%s", err.text);
    return 0;
}

static int close_expected(void **state)
{
    (void)state;
    un_safetensors_release(&expected);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_index),
        cmocka_unit_test(test_scaling),
        cmocka_unit_test(test_damage),
    };
    return cmocka_run_group_tests_name("Keras", tests, open_expected, close_expected);
}
