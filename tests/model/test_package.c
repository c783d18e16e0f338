/* SPDX-License-Identifier: Apache-2.0 */
/*
 * bioimage.io packages: those with files of PyTorch's in them (tests/fixtures/foreign) give these
 * networks, scaled as the description says; what cannot be mapped is refused by name; ours come
 * back whole, and their test tensors are what the network answers.
 */
#include "package_zip.h"

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
        cmocka_unit_test(test_refused),
    };
    if (!un_yaml_reads()) {
        puts("without libyaml packages are not read: skipped");
        return 0;
    }
    return cmocka_run_group_tests(tests, setup_zip, teardown_zip);
}
