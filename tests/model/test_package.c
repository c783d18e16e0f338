/* SPDX-License-Identifier: Apache-2.0 */
/*
 * bioimage.io packages: those with files of PyTorch's in them (tests/fixtures/foreign) give these
 * networks, scaled as the description says; what cannot be mapped is refused by name; ours come
 * back whole, and their test tensors are what the network answers.
 */
#include <math.h>
#include <stdio.h>

#include "base/json.h"
#include "base/checksum.h"
#include "base/number.h"
#include "base/yaml.h"
#include "base/ziparchive.h"
#include "image/formats/npy_header.h"
#include "model/bioimage/package.h"
#include "model_files.h"
#include "support/known.h"
#include "weights/arrays.h"
#include "weights/safetensors.h"

#define FOREIGN TEST_FIXTURES "/foreign/"

static char zip_path[80];

static int setup_zip(void **state)
{
    const int status = setup(state);
    snprintf(zip_path, sizeof zip_path, "%s/m.zip", folder);
    return status;
}

static int teardown_zip(void **state)
{
    unlink(zip_path);
    return teardown(state);
}

/* ---- made packages ---- */

enum { MEMBERS = 4 };

static struct un_zip_entry members[MEMBERS];
static int member_count;

static void add_member(const char *name, char *data, size_t size)
{
    assert_true(member_count < MEMBERS);
    members[member_count++] = (struct un_zip_entry){name, data, size};
}

static void add_file(const char *name, const char *from)
{
    struct un_mapping map;
    unet_error err;
    if (un_map_whole(from, &map, &err))
        fail_msg("%s", err.text);
    char *copy = malloc(map.size);
    memcpy(copy, map.data, map.size);
    add_member(name, copy, map.size);
    un_map_release(&map);
}

/* An array of expect.safetensors, plus `more` in its first value. */
static void add_tensor(const char *name, const char *array, float more)
{
    static struct un_safetensors expected;
    unet_error err;
    if (!expected.count && un_safetensors_open(FOREIGN "expect.safetensors", &expected, &err))
        fail_msg("%s", err.text);
    const struct un_array *a = un_safetensors_find(&expected, array);
    assert_non_null(a);
    float *values = malloc(a->count * sizeof *values);
    if (un_array_to_float("expected", a, values, &err))
        fail_msg("%s", err.text);
    values[0] += more;
    int shape[4];
    for (int i = 0; i < 4; i++)
        shape[i] = (int)a->shape[i];
    char *bytes;
    size_t size, start;
    FILE *file = open_memstream(&bytes, &size);
    assert_int_equal(un_npy_begin(name, file, 4, shape, &start, &err), UNET_OK);
    un_little_write(values, sizeof *values, a->count, file);
    fclose(file);
    free(values);
    add_member(name, bytes, size);
}

/* Writes what was added, with this description, and forgets it. */
static void write_zip(const char *description, const char *text)
{
    struct un_zip_entry all[MEMBERS + 1] = {{description, text, strlen(text)}};
    unet_error err;
    for (int i = 0; i < member_count; i++)
        all[i + 1] = members[i];
    FILE *file = fopen(zip_path, "wb");
    if (un_zip_write(zip_path, file, all, member_count + 1, &err))
        fail_msg("%s", err.text);
    fclose(file);
    for (int i = 0; i < member_count; i++)
        free((void *)members[i].data);
    member_count = 0;
}

static unet_model *import_zip(unet_origin *origin)
{
    unet_model *model = NULL;
    unet_error err;
    if (un_model_import(zip_path, NULL, &model, origin, &err))
        fail_msg("%s", err.text);
    return model;
}

static unet_package_test tested(const unet_model *model)
{
    unet_package_test test = {.size = sizeof test};
    unet_error err;
    if (unet_model_test_package(model, zip_path, &test, &err))
        fail_msg("%s", err.text);
    return test;
}

/* ---- other programs' ---- */

#define OLD                                                                                        \
    "format_version: 0.4.10\nname: x\ninputs:\n- name: input0\n  axes: bcyx\n"                     \
    "  shape: {min: [1, 1, 16, 16], step: [0, 0, 4, 4]}\n%s"                                       \
    "outputs:\n- name: output0\n  axes: bcyx\ntest_inputs: [test-in.npy]\n"                        \
    "test_outputs: [test-out.npy]\n"                                                               \
    "weights:\n  %s\n"

#define NEW                                                                                        \
    "format_version: 0.5.3\ntype: model\ninputs:\n- id: raw\n"                                     \
    "  axes: [{type: batch}, {type: channel, channel_names: [a]}, {type: space, id: y, size: "     \
    "20},\n"                                                                                       \
    "    {type: space, id: x, size: 16}]\n"                                                        \
    "  test_tensor: {source: test-in.npy}\n%s"                                                     \
    "outputs:\n- id: out\n"                                                                        \
    "  axes: [{type: batch}, {type: channel, channel_names: [nucleus]}, {type: space, id: y},\n"   \
    "    {type: space, id: x}]\n"                                                                  \
    "  test_tensor: {source: test-out.npy}\n"                                                      \
    "weights:\n  %s\n"

static void make_foreign(const char *description, const char *pattern, const char *steps,
                         const char *weights, const char *file, float wrong)
{
    char text[2048], from[256];
    snprintf(text, sizeof text, pattern, steps, weights);
    snprintf(from, sizeof from, FOREIGN "%s", file);
    const char *folder_end = strrchr(description, '/');
    static char names[3][64];
    static const char *const bare[3] = {"test-in.npy", "test-out.npy", "weights"};
    for (int i = 0; i < 3; i++)
        snprintf(names[i], sizeof names[i], "%.*s%s",
                 folder_end ? (int)(folder_end + 1 - description) : 0, description, bare[i]);
    add_tensor(names[0], "bioimage.input", 0);
    add_tensor(names[1], "bioimage.logits", wrong);
    add_file(names[2], from);
    write_zip(description, text);
}

static void test_foreign_weights(void **state)
{
    static const struct {
        const char *description, *pattern, *weights, *file, *format;
    } rows[] = {
        {"rdf.yaml", OLD, "pytorch_state_dict: {source: weights, kwargs: {depth: 2}}",
         "bioimage.pth", "bioimage.io, PyTorch, zip"},
        {"net/rdf.yaml", OLD, "torchscript: {source: ./weights}", "bioimage_script.pt",
         "bioimage.io, TorchScript"},
        {"bioimageio.yaml", NEW, "onnx: {source: weights, opset_version: 17}", "bioimage.onnx",
         "bioimage.io, ONNX"},
        {"x.bioimageio.yaml", NEW,
         "keras_hdf5: {source: no}\n  pytorch_state_dict: {source: weights, architecture: {}}",
         "bioimage.pth", "bioimage.io, PyTorch, zip"},
    };
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        unet_origin origin;
        make_foreign(rows[i].description, rows[i].pattern, "", rows[i].weights, rows[i].file, 0);
        assert_true(un_package_is(zip_path));
        unet_model *model = import_zip(&origin);
        assert_string_equal(origin.format, rows[i].format);
        assert_int_equal(model->graph.spec.depth, 2);
        const unet_package_test test = tested(model);
        if (!test.made || !(test.difference <= 1e-5 * test.largest))
            fail_msg("%s: test %d, differs by %g of %g; %s", rows[i].format, test.made,
                     test.difference, test.largest, test.reason);
        assert_string_equal(test.compared, "logits");
        if (rows[i].pattern[strlen("format_version: 0.")] == '5')
            assert_string_equal(un_model_class(model, 1, (uint8_t[3]){0}), "nucleus");
        un_model_free(model);
    }
    make_foreign("rdf.yaml", OLD, "", rows[0].weights, rows[0].file, 0.5f);
    unet_model *model = import_zip(NULL);
    const unet_package_test test = tested(model);
    assert_true(test.made && fabs(test.difference - 0.5) < 1e-3);
    un_model_free(model);
}

#define STATE "pytorch_state_dict: {source: weights}"

static void test_preprocessing(void **state)
{
    static const struct {
        const char *steps;
        bool new, per_image;
        double offset, scale;
    } rows[] = {
        {"", false, false, 0, 1},
        {"  preprocessing: [{name: scale_linear, kwargs: {gain: 0.0039215686, offset: 0.0, axes: "
         "yx}}]\n",
         false, false, 0, 1 / 255.},
        {"  preprocessing: [{name: zero_mean_unit_variance, kwargs: {mode: per_sample, axes: yx, "
         "eps: 1e-6}}]\n",
         false, true, 0, 0},
        {"  preprocessing: [{name: zero_mean_unit_variance, kwargs: {mode: fixed, axes: yx, mean: "
         "[100.0], std: [20]}}]\n",
         false, false, 100, 0.05},
        {"  preprocessing: [{name: zero_mean_unit_variance, kwargs: {axes: yx, mean: 100, std: "
         "20}}]\n",
         false, false, 100, 0.05},
        {"  preprocessing: [{id: ensure_dtype, kwargs: {dtype: float32}}, {id: "
         "fixed_zero_mean_unit_variance, kwargs: {mean: 100, std: 20}}, {id: scale_linear, kwargs: "
         "{gain: 0.5, offset: 1}}]\n",
         true, false, 60, 0.025},
        {"  preprocessing: [{id: scale_linear, kwargs: {gain: 0.5}}, {id: zero_mean_unit_variance, "
         "kwargs: {axes: [channel, y, x]}}]\n",
         true, true, 0, 0},
    };
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        make_foreign("rdf.yaml", rows[i].new ? NEW : OLD, rows[i].steps, STATE, "bioimage.pth", 0);
        unet_model *model = import_zip(NULL);
        const struct un_scaling *s = &model->scaling;
        const unet_image byte = {4, 4, 1, UNET_U8, 0, (uint8_t[16]){0}};
        if (s->per_image != rows[i].per_image ||
            (!s->per_image && (!s->set || fabs((double)s->offset - rows[i].offset) > 1e-4 ||
                               fabs((double)s->scale - rows[i].scale) > 1e-6)))
            fail_msg("row %zu: per image %d, offset %g, scale %g", i, s->per_image,
                     (double)s->offset, (double)s->scale);
        const struct un_reading reading = un_reading_of(un_view_of(&byte), 1, s);
        if (!s->per_image) /* of 8-bit samples as well */
            assert_true(reading.offset == s->offset && reading.scale == s->scale);
        un_model_free(model);
    }
}

/* A number for each channel, and limits: what the scaling does, in words. */
static void test_channels(void **state)
{
    static const struct {
        const char *steps, *want;
    } rows[] = {
        {"  preprocessing: [{id: scale_linear, kwargs: {gain: 0.5}}, {id: "
         "fixed_zero_mean_unit_variance, kwargs: {axis: channel, mean: [1, 2, 3], std: [1, 2, "
         "4]}}]\n",
         "less 0, times 1; then less mean 2,4,6, by std 2,4,8"},
        {"  preprocessing: [{id: scale_linear, kwargs: {axis: channel, gain: [2, 4, 1], offset: "
         "[-2, "
         "0, 3]}}]\n",
         "less 0, times 1; then less mean 1,0,-3, by std 0.5,0.25,1"},
        {"  preprocessing: [{id: zero_mean_unit_variance, kwargs: {axes: [y, x]}}]\n",
         "each channel of each image to mean 0 and variance 1"},
        {"  preprocessing: [{id: scale_linear, kwargs: {axis: channel, gain: [2, 4, 1]}}, {id: "
         "zero_mean_unit_variance, kwargs: {axes: [y, x]}}]\n",
         "each channel of each image to mean 0 and variance 1"},
        {"  preprocessing: [{id: scale_linear, kwargs: {gain: 0.5, offset: -1}}, {id: clip, "
         "kwargs: "
         "{min: 0, max: 10}}]\n",
         "less 2, times 0.5, held to 2 .. 22"},
        {"  preprocessing: [{id: clip, kwargs: {min: 3}}]\n", "less 0, times 1, from 3 on"},
        {"  preprocessing: [{id: clip, kwargs: {max: 3}}]\n", "less 0, times 1, up to 3"},
        {"  preprocessing: [{id: zero_mean_unit_variance, kwargs: {axes: [y, x]}}, {id: "
         "zero_mean_unit_variance}]\n",
         "each channel of each image to mean 0 and variance 1"},
        {"  preprocessing: [{id: clip, kwargs: {min: 0, max: 10}}, {id: clip, kwargs: {max: 4}}]\n",
         "less 0, times 1, held to 0 .. 4"},
    };
    char text[300];
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        make_foreign("rdf.yaml", NEW, rows[i].steps, STATE, "smp.pth", 0);
        unet_model *model = import_zip(NULL);
        un_scaling_text(&model->scaling, text, sizeof text);
        if (strcmp(text, rows[i].want))
            fail_msg("row %zu: \"%s\", wanted \"%s\"", i, text, rows[i].want);
        unet_model *back = NULL; /* what was read can be written and read again */
        unet_error err;
        if (un_model_write(model, zip_path, &err) || un_model_read(zip_path, &back, &err))
            fail_msg("row %zu: %s", i, err.text);
        assert_memory_equal(&back->scaling, &model->scaling, sizeof back->scaling);
        un_model_free(back);
        un_model_free(model);
    }
    unet_known known = un_known_nothing();
    unet_model *model = NULL;
    known.mean = known.std = "1,2,3"; /* goes before what the package says */
    make_foreign("rdf.yaml", NEW, rows[0].steps, STATE, "smp.pth", 0);
    assert_int_equal(un_model_import(zip_path, &known, &model, NULL, NULL), UNET_OK);
    un_scaling_text(&model->scaling, text, sizeof text);
    assert_non_null(strstr(text, "then less mean 1,2,3, by std 1,2,3"));
    un_model_free(model);
}

static void expect_refused(const char *want)
{
    unet_model *model = NULL;
    unet_error err = {0};
    assert_int_not_equal(un_model_import(zip_path, NULL, &model, NULL, &err), UNET_OK);
    if (!strstr(err.text, want))
        fail_msg("found \"%s\", wanted \"%s\"", err.text, want);
}

/* A network that takes (x - 127.5) / 127.5 of what the package's steps made. */
static void test_scaled_twice(void **state)
{
    static const char onnx[] = "onnx: {source: weights}", file[] = "../keras/batch.onnx";
    (void)state;
    make_foreign("rdf.yaml", NEW,
                 "  preprocessing: [{id: scale_linear, kwargs: {gain: 2, offset: 3}}]\n", onnx,
                 file, 0);
    unet_model *model = import_zip(NULL);
    assert_true(model->scaling.set && fabs((double)model->scaling.offset - 62.25) < 1e-4);
    assert_true(fabs((double)model->scaling.scale - 2 / 127.5) < 1e-8);
    assert_true(model->scaling.dim_scale == model->scaling.scale &&
                model->scaling.dim_offset == model->scaling.offset);
    un_model_free(model);
    make_foreign("rdf.yaml", NEW, "  preprocessing: [{id: zero_mean_unit_variance}]\n", onnx, file,
                 0);
    expect_refused("its network scales an image that was brought to mean 0 and variance 1");
}

static void test_refused(void **state)
{
    static const struct {
        const char *pattern, *steps, *weights, *want;
    } rows[] = {
        {OLD, "  preprocessing: [{name: scale_range, kwargs: {mode: per_sample, axes: yx}}]\n",
         STATE, "prepared by scale_range (each by its own percentiles)"},
        {OLD, "  preprocessing: [{name: clip, kwargs: {min: 2, max: 2}}]\n", STATE,
         "prepared by clip to nothing"},
        {OLD, "  preprocessing: [{name: clip, kwargs: {min: 2, max: 1}}]\n", STATE,
         "prepared by clip to nothing"},
        {OLD, "  preprocessing: [{name: clip, kwargs: {min_percentile: 1}}]\n", STATE,
         "prepared by clip without a number"},
        {OLD,
         "  preprocessing: [{name: clip, kwargs: {min: 0}}, {name: zero_mean_unit_variance}]\n",
         STATE, "by zero_mean_unit_variance after clip"},
        {OLD, "  preprocessing: [{name: scale_linear, kwargs: {gain: [1, 2]}}]\n", STATE,
         "without a number for each channel"},
        {OLD, "  preprocessing: [{name: scale_linear, kwargs: {gain: -1}}]\n", STATE,
         "a factor of 0 or below"},
        {OLD,
         "  preprocessing: [{name: zero_mean_unit_variance, kwargs: {mode: per_dataset, axes: "
         "yx}}]\n",
         STATE, "over a data set"},
        {OLD, "  preprocessing: [{name: scale_linear, kwargs: {gain: .nan}}]\n", STATE,
         "without a number for each channel"},
        {NEW, "  preprocessing: [{id: fixed_zero_mean_unit_variance, kwargs: {mean: 0, std: 0}}]\n",
         STATE, "with a factor beyond all samples"},
        {NEW, "  preprocessing: [{id: zero_mean_unit_variance, kwargs: {eps: 0.1}}]\n", STATE,
         "with an eps above 0.001"},
        {NEW,
         "  preprocessing: [{id: zero_mean_unit_variance, kwargs: {}}, {id: scale_linear, kwargs: "
         "{gain: 3}}]\n",
         STATE, "after zero_mean_unit_variance"},
        {OLD, "  preprocessing: {name: scale_range}\n", STATE, "is no list of steps"},
        {OLD, "", "keras_hdf5: {source: weights}", "weights of no format that is read"},
        {OLD, "", "onnx: {source: 'https://example.org/w.onnx'}", "nothing is fetched"},
        {OLD, "", "pytorch_state_dict: {source: weights, sha256: ab}",
         "the sha256 of weights is ab, it is "},
        {"format_version: 0.3.2\n%s%s", "", "", "0.4 and 0.5 are read"},
        {"format_version: 0.4.9\ninputs: [{axes: bczyx}]\n%s%s", "", "", "no volumes"},
        {"format_version: 0.4.9\ninputs: [{axes: bcyx}, {axes: bcyx}]\n%s%s", "", "",
         "has 2 inputs"},
        {"format_version: 0.5.0\ntype: dataset\n%s%s", "", "", "describes a dataset"},
    };
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        make_foreign("rdf.yaml", rows[i].pattern, rows[i].steps, rows[i].weights, "bioimage.pth",
                     0);
        expect_refused(rows[i].want);
    }
    /* who says what to do instead is heard */
    unet_known known = un_known_nothing();
    unet_model *model = NULL;
    known.standardize = 1;
    make_foreign("rdf.yaml", OLD, rows[0].steps, STATE, "bioimage.pth", 0);
    assert_int_equal(un_model_import(zip_path, &known, &model, NULL, NULL), UNET_OK);
    assert_true(model->scaling.per_image && !tested(model).made);
    un_model_free(model);
}

/* ---- ours ---- */

static void expect_own(const unet_model *model, const unet_export_options *options)
{
    unet_error err;
    unet_origin origin;
    if (un_model_export(model, zip_path, options, &err))
        fail_msg("%s", err.text);
    unet_model *back = import_zip(&origin);
    assert_string_equal(origin.format, "bioimage.io, ONNX");
    char *before = un_metadata_text(model), *after = un_metadata_text(back);
    assert_string_equal(before, after);
    assert_memory_equal(model->values, back->values, model->graph.values * sizeof(float));
    const unet_package_test test = tested(back);
    if (!test.made || !(test.difference <= 1e-5))
        fail_msg("test %d: differs by %g of %g; %s", test.made, test.difference, test.largest,
                 test.reason);
    assert_string_equal(test.compared, model->graph.spec.classes > 1 ? "softmax" : "sigmoid");
    free(before);
    free(after);
    un_model_free(back);
}

static void test_own(void **state)
{
    unet_export_options options = {.author = "A \"B\" C\\d", .license = "CC-BY-4.0"};
    uint8_t pixels[30 * 40 * 3];
    const unet_image example = {30, 40, 3, UNET_U8, 0, pixels};
    (void)state;
    for (size_t i = 0; i < sizeof pixels; i++)
        pixels[i] = (uint8_t)(i * 7);
    for (int i = 0; i < 8; i++) {
        unet_spec spec = small_spec();
        spec.padding = i & 1 ? UNET_PADDING_SAME : UNET_PADDING_VALID;
        spec.classes = i & 2 ? 3 : 1;
        spec.in_channels = i & 4 ? 3 : 1;
        spec.norm = i == 5 ? UNET_NORM_INSTANCE : UNET_NORM_NONE;
        spec.rims = i == 3 ? 2 : 0;
        unet_model *model = new_model(&spec, 3 + (uint64_t)i);
        model->scaling.per_image = i >= 6;
        model->scaling.apart = i == 7;
        model->scaling.clips = model->scaling.set = i == 2;
        model->scaling.low = i == 2 ? 300 : 0;
        model->scaling.high = i == 2 ? 900.5f : 0;
        model->scaling.centred = i == 4 ? 3 : 0;
        for (int c = 0; c < model->scaling.centred; c++) {
            model->scaling.means[c] = 0.4f + 0.1f * (float)c;
            model->scaling.deviations[c] = 0.2f + 0.01f * (float)c;
        }
        model->scaling.offset = 200;
        model->scaling.scale = 0.001f;
        options.example = i & 4 ? &example : NULL;
        expect_own(model, &options);
        un_model_free(model);
    }
}

static void test_own_description(void **state)
{
    const unet_export_options options = {
        .author = "A \"B\"", .license = "MIT", .about = "finds\ncells"};
    unet_spec spec = small_spec();
    unet_model *model = new_model(&spec, 1);
    struct un_package package;
    unet_error err;
    (void)state;
    un_model_set_class(model, 1, "a cell: ja", NULL, NULL);
    if (un_model_export(model, zip_path, &options, &err) ||
        un_package_open(zip_path, &package, &err))
        fail_msg("%s", err.text);
    const json_t *root = package.rdf.root;
    const json_t *author = json_array_get(un_rdf_get(root, "authors"), 0);
    assert_string_equal(json_string_value(un_rdf_get(author, "name")), "A \"B\"");
    assert_string_equal(json_string_value(un_rdf_get(root, "license")), "MIT");
    assert_string_equal(json_string_value(un_rdf_get(root, "description")), "finds cells");
    assert_string_equal(json_string_value(json_array_get(package.rdf.output.names, 1)),
                        "a cell: ja");
    un_package_release(&package);
    /* nobody is made up */
    assert_int_equal(un_model_export(model, zip_path, NULL, &err), UNET_EINVAL);
    assert_int_equal(err.hints, UNET_HINT_AUTHOR);
    un_model_free(model);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_own),
        cmocka_unit_test(test_own_description),
        cmocka_unit_test(test_foreign_weights),
        cmocka_unit_test(test_preprocessing),
        cmocka_unit_test(test_channels),
        cmocka_unit_test(test_scaled_twice),
        cmocka_unit_test(test_refused),
    };
    if (!un_yaml_reads()) {
        puts("without libyaml packages are not read: skipped");
        return 0;
    }
    return cmocka_run_group_tests(tests, setup_zip, teardown_zip);
}
