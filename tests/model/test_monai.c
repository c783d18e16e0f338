/* SPDX-License-Identifier: Apache-2.0 */
/*
 * MONAI's UNet: trained on from its weights, stopped and gone on, written back under its names, as
 * ONNX and read again; sides that its levels do not divide; and files that are nearly of it.  What
 * it computes is in test_foreign.c, and with all gradients in net/test_network.c.
 */
#include "foreign_training.h"
#include "unet_exchange.h"

#define UNITS FILE_OF("monai_unet.pt")
#define OLD FILE_OF("monai_unet_batch.pth")
#define PLAIN FILE_OF("monai_unet_plain.safetensors")

static void test_training(void **state)
{
    (void)state;
    check_training(UNITS, "monai_unet", 3);
}

static void test_names(void **state)
{
    (void)state;
    check_names(UNITS, "monai_unet");
    check_names(PLAIN, "monai_unet");
}

/* Those of older versions are read, and written as those of today. */
static void test_older_names(void **state)
{
    const unet_export_options options = {.names = "monai_unet"};
    unet_model *model = import(OLD, "monai_unet");
    unet_error err;
    struct un_arrays arrays;
    (void)state;
    if (un_model_export(model, made, &options, &err) || un_arrays_open(made, &arrays, &err))
        fail_msg("%s", err.text);
    assert_non_null(un_arrays_find(&arrays, "0.conv.unit0.adn.N.running_mean"));
    assert_non_null(un_arrays_find(&arrays, "1.submodule.1.submodule.2.0.adn.A.weight"));
    un_arrays_release(&arrays);
    unet_model *back = import(made, "monai_unet");
    assert_same_weights(model, back, OLD);
    unet_model_free(model);
    unet_model_free(back);
}

static void test_other_layouts(void **state)
{
    static const struct wrong_names rows[] = {
        {UNITS, "nnunet", "layout nnunet: family is monai, networks of this class have plain"},
        {FILE_OF("nnunet.pth"), "monai_unet",
         "layout monai_unet: family is plain, networks of this class have monai"},
    };
    (void)state;
    check_wrong_names(rows, sizeof rows / sizeof *rows);
}

static void test_wrong_arrays(void **state)
{
    static const struct wrong_array rows[] = {
        {"0.residual.weight", NULL, "its layer has no weight"},
        {"1.submodule.1.submodule.conv.unit0.conv.weight", "1.submodule.1.submodule.other.weight",
         "its layer has no weight"},
        {"2.1.conv.unit0.conv.weight", "2.1.conv.unit7.conv.weight", "its layer has no weight"},
        {"1.submodule.2.0.adn.A.weight", "1.submodule.2.0.adn.B.weight",
         "tensor model.1.submodule.2.0.adn.A.weight is missing"},
        {"0.conv.unit0.adn.A.weight", NULL, "tensor model.0.conv.unit0.adn.A.weight is missing"},
    };
    (void)state;
    check_wrong_arrays(UNITS, rows, sizeof rows / sizeof *rows);
}

/* Arrays of other shapes. */
static void test_wrong_shapes(void **state)
{
    static const struct {
        const char *name;
        int dims;
        size_t shape[4];
        const char *want;
    } rows[] = {
        {"0.residual.weight", 4, {4, 1, 1, 1}, "unet reads MONAI's UNet with strides of 2"},
        {"2.0.conv.weight", 4, {8, 3, 2, 2}, "kernel_size and up_kernel_size 3"},
        {"0.conv.unit0.adn.A.weight", 1, {4}, "a PReLU with a slope for each channel"},
        {"0.conv.unit0.conv.weight", 5, {4, 1, 3, 3}, "a convolution in three dimensions"},
    };
    struct un_arrays arrays;
    unet_error err;
    (void)state;
    if (un_arrays_open(UNITS, &arrays, &err))
        fail_msg("%s", err.text);
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct un_array *a = (struct un_array *)un_arrays_find(&arrays, rows[i].name);
        const struct un_array kept = *a;
        unet_model *model = NULL;
        a->dims = rows[i].dims;
        memcpy(a->shape, rows[i].shape, sizeof rows[i].shape);
        if (un_model_from_arrays("x", &arrays, NULL, &model, NULL, &err) != UNET_EFORMAT ||
            !strstr(err.text, rows[i].want))
            fail_msg("%s: \"%s\", wanted \"%s\"", rows[i].name, err.text, rows[i].want);
        *a = kept;
    }
    un_arrays_release(&arrays);
}

static void keep_note(void *context, unet_severity severity, const char *text)
{
    (void)severity;
    snprintf(context, 300, "%s", text);
}

/* What a file without norms and slopes leaves open is a guess; and outputs that are probabilities
 * each by itself are said to be taken otherwise. */
static void test_said(void **state)
{
    char note[300] = "";
    const unet_log log = {.note = keep_note, .context = note};
    unet_known known = unet_known_nothing();
    static const char *const files[] = {UNITS, PLAIN}; /* of several outputs, of one */
    unet_origin origin;
    unet_error err;
    int norm = 0, act = 0;
    (void)state;
    known.log = &log;
    for (int i = 0; i < 4; i++) {
        struct un_arrays arrays;
        unet_model *model = NULL;
        if (un_arrays_open(files[i / 2], &arrays, &err))
            fail_msg("%s", err.text);
        note[0] = 0;
        arrays.hints.sigmoid = i % 2;
        if (un_model_from_arrays("x", &arrays, &known, &model, &origin, &err))
            fail_msg("%s", err.text);
        assert_int_equal(model->graph.spec.classes > 1, i < 2);
        if ((i == 1) != (strstr(note, "x: a sigmoid makes each of its") != NULL))
            fail_msg("%s, sigmoid %d: \"%s\"", files[i / 2], i % 2, note);
        un_model_free(model);
        un_arrays_release(&arrays);
    }
    for (int i = 0; i < origin.guesses; i++) {
        norm += !strcmp(origin.guess[i].field, "norm") && !strcmp(origin.guess[i].from, "default");
        act += !strcmp(origin.guess[i].field, "act") && !strcmp(origin.guess[i].from, "default");
    }
    if (norm != 1 || act != 1)
        fail_msg("norm is a guess %d times, act %d", norm, act);
}

/* ---- specs ---- */

static unet_spec monai_spec(void)
{
    return (unet_spec){.size = sizeof(unet_spec),
                       .in_channels = 1,
                       .classes = 2,
                       .width = 4,
                       .depth = 3,
                       .padding = UNET_PADDING_SAME,
                       .norm = UNET_NORM_INSTANCE,
                       .norm_plain = 1,
                       .act = UNET_ACT_PRELU,
                       .bias = UNET_BIAS_ALWAYS,
                       .concat = UNET_CONCAT_SKIP_UP,
                       .down = UNET_DOWN_CONV,
                       .family = UNET_FAMILY_MONAI,
                       .units = 2};
}

static void test_specs(void **state)
{
    static const struct {
        const char *field, *value, *want; /* NULL: is one */
    } rows[] = {
        {"units", "0", NULL},
        {"units", "8", NULL},
        {"act", "relu", NULL},
        {"bias", "never", NULL},
        {"norm", "batch", "norm_plain is 1"},
        {"units", "9", "units: found \"9\", wanted a whole number, 0 to 8"},
        {"padding", "valid", "wanted only with same padding"},
        {"down", "pool", "family is monai, wanted only with down conv, not pool"},
        {"up", "bilinear", "family is monai, wanted only with up transpose, not bilinear"},
        {"convs", "1", "family is monai, wanted only with convs 0, not 1"},
        {"concat", "up_skip", "family is monai, wanted only with concat skip_up, not up_skip"},
        {"bias", "unless_norm", "wanted only with bias always or never"},
        {"family", "plain", "units is 2, wanted 0 where family is plain"},
    };
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        static struct un_graph graph;
        unet_error err = {0};
        unet_spec spec = monai_spec();
        spec.depth = i < 2 ? UNET_MAX_DEPTH : spec.depth;
        unet_code code = unet_spec_set(&spec, rows[i].field, rows[i].value, &err);
        code = code ? code : un_spec_check(&spec, &err);
        if (!expect_spec(&spec, code, &err, i, rows[i].want, &graph))
            continue;
        if (graph.geometry.border > 256) /* as nnU-Net's: no memory for nothing */
            fail_msg("row %zu: a border of %d", i, graph.geometry.border);
    }
    unet_spec spec = monai_spec(), plain = un_spec_default();
    unet_error err;
    spec.channels.up[1] = 3;
    assert_int_equal(un_spec_check(&spec, &err), UNET_EINVAL);
    assert_non_null(strstr(err.text, "dec and up have to be 0"));
    plain.act = UNET_ACT_PRELU;
    assert_int_equal(un_spec_check(&plain, &err), UNET_EINVAL);
    assert_non_null(strstr(err.text, "act is prelu, wanted only where family is monai"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_training),     cmocka_unit_test(test_names),
        cmocka_unit_test(test_older_names),  cmocka_unit_test(test_other_layouts),
        cmocka_unit_test(test_wrong_arrays), cmocka_unit_test(test_wrong_shapes),
        cmocka_unit_test(test_said),         cmocka_unit_test(test_specs),
    };
    return cmocka_run_group_tests_name("MONAI's UNet", tests, name_file, remove_file);
}
