/* SPDX-License-Identifier: Apache-2.0 */
/* test_package_steps.c - how a package's steps, and its network's own, become one scaling */
#include "package_zip.h"

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

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_preprocessing),
        cmocka_unit_test(test_channels),
        cmocka_unit_test(test_scaled_twice),
    };
    if (!un_yaml_reads()) {
        puts("without libyaml packages are not read: skipped");
        return 0;
    }
    return cmocka_run_group_tests(tests, setup_zip, teardown_zip);
}
