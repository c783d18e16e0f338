/* SPDX-License-Identifier: Apache-2.0 */
/*
 * ONNX: what we write is read back with the same bits and says the same about the network; what
 * somebody else has written is read with the values that the onnx package finds in it.
 *
 * With UNET_ONNX_FOLDER=folder in the environment, the networks are kept there with images and what
 * our engine makes of them, for scripts/check_onnx.py.
 */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/checksum.h"
#include "base/number.h"
#include "base/rng.h"
#include "model/model.h"
#include "net/run.h"
#include "onnx_cases.h"
#include "support/folder.h"
#include "weights/onnx/onnx.h"
#include "weights/onnx/onnx_table.h"

static unet_model *make_model(const unet_spec *spec)
{
    unet_model *model = NULL;
    unet_error err;
    if (un_model_new(spec, &model, &err))
        fail_msg("%s", err.text);
    un_model_init(model, 3);
    /* as after training: no bias is 0, no norm's weight or statistic 1 */
    for (int i = 0; i < model->graph.param_count; i++) {
        const struct un_param *param = &model->graph.params[i];
        for (size_t k = 0; param->fan_in == 0 && k < param->count; k++)
            model->values[param->offset + k] += 0.3f * (float)un_rng_uniform(9, param->offset + k);
    }
    return model;
}

static void write_onnx(const unet_model *model, const char *path,
                       const struct un_onnx_options *options)
{
    unet_error err;
    if (un_onnx_write(path, &model->graph, model->values, options, &err))
        fail_msg("%s", err.text);
}

static void read_onnx(const char *path, struct un_arrays *arrays)
{
    unet_error err;
    size_t size = 0;
    unsigned char *bytes = get_file(path, &size);
    assert_true(un_onnx_recognises(bytes, size));
    free(bytes);
    if (un_onnx_open(path, arrays, &err))
        fail_msg("%s", err.text);
    assert_true(arrays->ordered);
}

/* ---- there and back ---- */

static void compare_values(const char *name, const unet_model *model,
                           const struct un_arrays *arrays)
{
    assert_int_equal(arrays->count, model->graph.param_count);
    for (int i = 0; i < arrays->count; i++) {
        /* the graph's table of parameters is in the order of use, too */
        const struct un_param *param = &model->graph.params[i];
        const struct un_array *array = &arrays->items[i];
        if (strcmp(param->name, array->name) || param->dims != array->dims ||
            param->count != array->count)
            fail_msg("%s: array %d is %s [%zu], wanted %s [%zu]", name, i, array->name,
                     array->count, param->name, param->count);
        for (int d = 0; d < param->dims; d++)
            assert_int_equal(array->shape[d], param->shape[d]);
        float *values = malloc(param->count * sizeof *values);
        un_little_copy(values, array->data, param->count, sizeof *values);
        if (memcmp(values, model->values + param->offset, param->count * sizeof *values))
            fail_msg("%s: values of %s differ", name, param->name);
        free(values);
    }
}

static void expect_hint(const char *name, const char *what, double got, double want)
{
    if (isnan(want) ? !isnan(got) : fabs(got - want) > 1e-9)
        fail_msg("%s: %s is %g, wanted %g", name, what, got, want);
}

static void compare_hints(const char *name, const unet_spec *spec, const struct un_hints *hints)
{
    const bool leaky = spec->act == UNET_ACT_LEAKY_RELU, norm = spec->norm != UNET_NORM_NONE;
    const bool bilinear = spec->up == UNET_UP_BILINEAR;
    const int groups = spec->norm == UNET_NORM_INSTANCE ? 0
                       : spec->norm == UNET_NORM_GROUP  ? spec->groups
                                                        : -1;
    expect_hint(name, "padding", hints->padding, spec->padding);
    expect_hint(name, "norm_order", hints->norm_order, norm ? (int)spec->norm_order : -1);
    expect_hint(name, "single_act", hints->single_act, spec->convs == 1 ? -1 : spec->single_act);
    expect_hint(name, "act", hints->act, spec->act);
    expect_hint(name, "leaky_slope", hints->leaky_slope, leaky ? spec->leaky_slope : NAN);
    expect_hint(name, "norm_epsilon", hints->norm_epsilon, norm ? un_spec_epsilon(spec) : NAN);
    expect_hint(name, "instance_groups", hints->instance_groups, groups);
    expect_hint(name, "up", hints->up, spec->up == UNET_UP_TRANSPOSE ? -1 : (int)spec->up);
    expect_hint(name, "align_corners", hints->align_corners, bilinear ? spec->align_corners : -1);
    expect_hint(name, "up_act", hints->up_act, spec->up_act);
    expect_hint(name, "concat", hints->concat, spec->concat);
}

static void test_round_trip(void **state)
{
    (void)state;
    const char *path = in_folder("m.onnx");
    for (int c = 0; c < ONNX_CASES; c++) {
        const struct un_onnx_options options[] = {
            {0},
            {.scaled = true, .scale = 1 / 255.0f, .shift = -0.5f, .metadata = "{\"format\":1}"},
            {.probabilities = true, .metadata = "{}"}};
        unet_model *model = make_model(&onnx_cases[c].spec);
        for (size_t o = 0; o < sizeof options / sizeof *options; o++) {
            struct un_arrays arrays;
            write_onnx(model, path, &options[o]);
            read_onnx(path, &arrays);
            compare_values(onnx_cases[c].name, model, &arrays);
            compare_hints(onnx_cases[c].name, &onnx_cases[c].spec, &arrays.hints);
            if (options[o].metadata)
                assert_string_equal(arrays.metadata, options[o].metadata);
            else
                assert_null(arrays.metadata);
            un_arrays_release(&arrays);
        }
        un_model_free(model);
    }
}

/* Scaling that only metadata could explain is refused without them. */
static void test_scaled_alone(void **state)
{
    (void)state;
    const struct un_onnx_options options = {.scaled = true, .scale = 2};
    const char *path = in_folder("m.onnx");
    struct un_arrays arrays;
    unet_error err;
    unet_model *model = make_model(&onnx_cases[0].spec);
    write_onnx(model, path, &options);
    if (un_onnx_open(path, &arrays, &err))
        fail_msg("%s", err.text);
    assert_true(arrays.hints.scale == 2 && arrays.hints.shift == 0);
    un_arrays_release(&arrays);
    un_model_free(model);
}

/* A file cut anywhere is refused, and reads no byte behind its end (a sanitizer sees that). */
static void test_cut(void **state)
{
    (void)state;
    const struct un_onnx_options options = {.metadata = "{}"};
    const char *path = in_folder("m.onnx");
    unet_spec spec = {
        .in_channels = 1, 1, 1, 1, .padding = UNET_PADDING_SAME, .norm = UNET_NORM_BATCH};
    unet_model *model = make_model(&spec);
    write_onnx(model, path, &options);
    un_model_free(model);
    size_t size = 0;
    unsigned char *bytes = get_file(path, &size);
    for (size_t cut = 0; cut < size; cut++) {
        struct un_arrays arrays = {0}, untouched = {0};
        unet_error err = {0};
        unsigned char *part = malloc(cut ? cut : 1);
        memcpy(part, bytes, cut);
        if (un_onnx_parse("x.onnx", part, cut, &arrays, &err) != UNET_EFORMAT ||
            strncmp(err.text, "x.onnx: ", 8))
            fail_msg("cut to %zu of %zu bytes: \"%s\"", cut, size, err.text);
        assert_memory_equal(&arrays, &untouched, sizeof arrays);
        free(part);
    }
    free(bytes);
}

/* ---- somebody else's ---- */

/* What the onnx package reads, in the order of the nodes; the network was written by PyTorch. */
static void test_nuclei(void **state)
{
    (void)state;
    static const char *const names[] = {"encoders.0.0.weight", "encoders.0.0.bias"};
    struct un_arrays arrays;
    unet_error err;
    unet_code code = un_onnx_open(TEST_SHARED "/weights/nuclei_broad/weights.onnx", &arrays, &err);
    if (code == UNET_EIO) {
        print_message("skipped: no " TEST_SHARED "/weights/nuclei_broad\n");
        skip();
    }
    if (code)
        fail_msg("%s", err.text);
    assert_int_equal(arrays.count, 36);
    size_t total = 0, done = 0;
    for (int i = 0; i < arrays.count; i++)
        total += arrays.items[i].count * sizeof(float);
    unsigned char *all = malloc(total);
    for (int i = 0; i < arrays.count; i++) {
        memcpy(all + done, arrays.items[i].data, arrays.items[i].count * sizeof(float));
        done += arrays.items[i].count * sizeof(float);
    }
    char sum[65];
    un_sha256_text(all, total, sum);
    assert_string_equal(sum, "10c61fbe482a9fd25a96a52ad7e75dd9016b9d552e867a8b3c56fc4c34f4d8bd");
    free(all);
    for (int i = 0; i < 2; i++)
        assert_string_equal(arrays.items[i].name, names[i]);
    assert_string_equal(arrays.items[16].name, "upsamplers.0.1.weight");
    assert_string_equal(arrays.items[35].name, "output.bias");
    const unet_spec spec = {.padding = UNET_PADDING_SAME,
                            .up = UNET_UP_BILINEAR,
                            .single_act = 1,
                            .concat = UNET_CONCAT_SKIP_UP};
    compare_hints("nuclei_broad", &spec, &arrays.hints);
    un_arrays_release(&arrays);
}

/* The same network as PyTorch saved it. */
static void test_nuclei_torch(void **state)
{
    (void)state;
    struct un_arrays onnx, torch;
    unet_error err;
    if (un_arrays_open(TEST_SHARED "/weights/nuclei_broad/weights.onnx", &onnx, &err))
        skip();
    if (un_arrays_open(TEST_SHARED "/weights/nuclei_broad/weights.pt", &torch, &err))
        fail_msg("%s", err.text);
    for (int i = 0; i < onnx.count; i++) {
        const struct un_array *a = &onnx.items[i], *b = un_arrays_find(&torch, a->name);
        if (!b || a->count != b->count)
            fail_msg("%s: %zu values, in the other file %zu", a->name, a->count, b ? b->count : 0);
        float *values = malloc(2 * a->count * sizeof *values);
        if (un_array_to_float("a", a, values, &err) ||
            un_array_to_float("b", b, values + a->count, &err))
            fail_msg("%s", err.text);
        assert_memory_equal(values, values + a->count, a->count * sizeof *values);
        free(values);
    }
    un_arrays_release(&onnx);
    un_arrays_release(&torch);
}

/* ---- for other engines ---- */

static void keep_npy(const char *folder, const char *name, int h, int w, const char *what,
                     const float *data, struct un_shape shape)
{
    char path[600];
    unet_error err;
    const int sides[4] = {shape.n, shape.h, shape.w, shape.c};
    snprintf(path, sizeof path, "%s/%s_%dx%d_%s.npy", folder, name, h, w, what);
    if (unet_npy_write(path, data, 4, sides, &err))
        fail_msg("%s", err.text);
}

static size_t shape_count(struct un_shape s)
{
    return (size_t)s.n * (size_t)s.h * (size_t)s.w * (size_t)s.c;
}

/* Of [pixels][classes], in place. */
static void to_probabilities(float *logits, struct un_shape shape)
{
    const size_t classes = (size_t)shape.c;
    for (size_t p = 0; p < shape_count(shape); p += classes) {
        double sum = classes == 1 ? 1 + exp(-(double)logits[p]) : 0;
        for (size_t c = 0; classes > 1 && c < classes; c++)
            sum += exp((double)logits[p + c]);
        for (size_t c = 0; c < classes; c++)
            logits[p + c] = (float)((classes == 1 ? 1 : exp((double)logits[p + c])) / sum);
    }
}

static void keep_result(const char *folder, const char *name, unet_model *model,
                        const struct un_onnx_options *options, struct un_engine *engine, int n,
                        int h, int w)
{
    struct un_network net;
    unet_error err;
    struct un_graph graph = model->graph;
    if (un_graph_size(&graph, n, h, w, &err) ||
        un_network_create(&net, engine, &graph, UN_PREDICT, model->values, &err))
        fail_msg("%s: %s", name, err.text);
    struct un_tensor in = un_network_input(&net), out = un_network_output(&net);
    float *image = malloc(shape_count(in.shape) * sizeof *image);
    float *input = malloc(shape_count(in.shape) * sizeof *input);
    float *result = malloc(shape_count(out.shape) * sizeof *result);
    for (size_t i = 0; i < shape_count(in.shape); i++) {
        image[i] =
            options->scaled ? floorf(256 * (float)un_rng_uniform(5, i)) : un_rng_normal(5, i);
        input[i] = options->scaled ? image[i] * options->scale + options->shift : image[i];
    }
    engine->ops->upload(engine, in, input);
    un_network_forward(&net, 0);
    engine->ops->download(engine, result, out);
    if (options->probabilities)
        to_probabilities(result, out.shape);
    keep_npy(folder, name, h, w, "input", image, in.shape);
    keep_npy(folder, name, h, w, "result", result, out.shape);
    un_network_release(&net);
    free(image);
    free(input);
    free(result);
}

static void keep_case(const char *folder, const struct onnx_case *c, bool whole,
                      struct un_engine *engine)
{
    static const int sides[][2] = {{40, 40}, {61, 47}, {33, 70}, {97, 16}};
    const struct un_onnx_options plain = {0}, all = {.scaled = true,
                                                     .scale = 1 / 255.0f,
                                                     .shift = -0.5f,
                                                     .probabilities = true,
                                                     .metadata = "{}"};
    unet_model *model = make_model(&c->spec);
    char path[600], name[60];
    snprintf(name, sizeof name, "%s%s", c->name, whole ? "-whole" : "");
    snprintf(path, sizeof path, "%s/%s.onnx", folder, name);
    write_onnx(model, path, whole ? &all : &plain);
    for (size_t s = 0; s < sizeof sides / sizeof *sides; s++)
        keep_result(folder, name, model, whole ? &all : &plain, engine, 1 + (int)(s % 2),
                    un_fit_input(&model->graph, sides[s][0]),
                    un_fit_input(&model->graph, sides[s][1]));
    un_model_free(model);
}

static void test_keep(void **state)
{
    (void)state;
    const char *kept = getenv("UNET_ONNX_FOLDER");
    struct un_engine *engine;
    unet_error err;
    if (!kept || !*kept)
        skip();
    if (un_engine_choose(2, &engine, &err))
        fail_msg("%s", err.text);
    for (int c = 0; c < ONNX_CASES; c++)
        for (int whole = 0; whole < 2; whole++)
            keep_case(kept, &onnx_cases[c], whole, engine);
    engine->ops->free(engine);
}

static bool value_is(const struct un_onnx_table *table, int value, const char *name)
{
    return value >= 0 && un_slice_is(table->values[value].name, name);
}

/* A sum of two maps, which no spec asks for. */
static void test_sum(void **state)
{
    const unet_spec spec = {
        .in_channels = 1, .classes = 2, .width = 4, .depth = 1, .padding = UNET_PADDING_SAME};
    const struct un_activation relu = {UN_ACT_RELU, 0}, none = {UN_ACT_NONE, 0};
    const struct un_onnx_options options = {0};
    struct un_where where = {UN_ROLE_ENC, 0, 0, 0, 0};
    struct un_graph *graph = malloc(sizeof *graph);
    struct un_onnx_table table = {0};
    unet_error err;
    size_t size = 0;
    (void)state;
    un_graph_begin(graph, &spec);
    int a = un_graph_conv(graph, where, UN_CONV3X3, (const int[2]){0, -1}, 4, true, relu);
    where.index = where.number = 1;
    int b = un_graph_conv(graph, where, UN_CONV3X3, (const int[2]){a, -1}, 4, true, none);
    int sum = un_graph_add(graph, where, (const int[2]){b, a}, relu);
    where = (struct un_where){UN_ROLE_HEAD, 0, 0, 0, 0};
    un_graph_output(
        graph, un_graph_conv(graph, where, UN_CONV1X1, (const int[2]){sum, -1}, 2, true, none));
    un_graph_end(graph);
    float *values = calloc(graph->values, sizeof *values);
    if (un_onnx_write(in_folder("sum.onnx"), graph, values, &options, &err))
        fail_msg("%s", err.text);
    unsigned char *bytes = get_file(in_folder("sum.onnx"), &size);
    if (un_onnx_table_read("sum.onnx", bytes, size, &table, &err))
        fail_msg("%s", err.text);
    int sums = 0, acts = 0;
    for (int i = 0; i < table.node_count; i++) {
        const struct un_onnx_node *node = &table.nodes[i];
        const int out = un_onnx_output(&table, node, 0);
        const int in[2] = {un_onnx_input(&table, node, 0), un_onnx_input(&table, node, 1)};
        sums += un_slice_is(node->op, "Add") && value_is(&table, out, "enc_0.add.linear") &&
                value_is(&table, in[0], "enc_0.add.fitted") &&
                value_is(&table, in[1], "enc_0.conv_block.0");
        acts += un_slice_is(node->op, "Relu") && value_is(&table, out, "enc_0.add") &&
                value_is(&table, in[0], "enc_0.add.linear");
    }
    if (sums != 1 || acts != 1)
        fail_msg("%d sums and %d activations behind them, wanted one of each", sums, acts);
    un_arena_release(&table.arena);
    free(bytes);
    free(values);
    free(graph);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_round_trip),   cmocka_unit_test(test_scaled_alone),
        cmocka_unit_test(test_cut),          cmocka_unit_test(test_nuclei),
        cmocka_unit_test(test_nuclei_torch), cmocka_unit_test(test_keep),
        cmocka_unit_test(test_sum),
    };
    return cmocka_run_group_tests(tests, folder_create, folder_destroy);
}
