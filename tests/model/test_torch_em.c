/* SPDX-License-Identifier: Apache-2.0 */
/* Networks of torch_em's, whose norms stand before their convolutions, out and in again; what they
 * compute is in test_foreign.c, and in net/test_network.c. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "model/model.h"

#define FOLDER TEST_FIXTURES "/foreign/"

/* Every network of torch_em's in its names and in ours: arrays of norms of two maps are joined and
 * parted again. */
static void test_torch_em(void **state)
{
    static const char *const files[] = {"torch_em.pt", "torch_em_batch.pt", "torch_em_group.pt",
                                        "torch_em_none.pt"};
    static const char *const endings[] = {"safetensors", "pth"};
    static const char *const names[] = {"torch_em", "unet"};
    char path[512], made[64];
    unet_error err;
    (void)state;
    for (size_t i = 0; i < 4 * sizeof files / sizeof *files; i++) {
        const char *file = files[i / 4], *name = names[i / 2 % 2];
        const unet_export_options options = {.names = name};
        unet_model *model = NULL, *back = NULL;
        unet_origin origin;
        snprintf(path, sizeof path, FOLDER "%s", file);
        snprintf(made, sizeof made, "/tmp/unet_test_%d.%s", (int)getpid(), endings[i % 2]);
        if (un_model_import(path, NULL, &model, NULL, &err))
            fail_msg("%s", err.text);
        const bool wide = model->graph.spec.norm == UNET_NORM_GROUP;
        if (un_model_export(model, made, &options, &err) ||
            un_model_import(made, NULL, &back, &origin, &err))
            fail_msg("%s: %s", file, err.text);
        unlink(made);
        assert_string_equal(origin.layout, name);
        if (memcmp(&model->graph.spec, &back->graph.spec, sizeof model->graph.spec) ||
            memcmp(model->values, back->values, model->graph.values * sizeof(float)))
            fail_msg("%s: is another in the names of %s", file, name);
        assert_int_equal(model->graph.spec.groups, wide ? 32 : 0);
        unet_model_free(model);
        unet_model_free(back);
    }
}

/* Networks with norms before their convolutions, residual ones, and MONAI's leave as ONNX and come
 * back; one whose nodes were changed does not. */
static void test_onnx(void **state)
{
    static const char *const files[] = {"torch_em.pt",
                                        "torch_em_batch.pt",
                                        "torch_em_group.pt",
                                        "torch_em_none.pt",
                                        "nnunet_resenc.pth",
                                        "nnunet_resenc_plain.pth",
                                        "smp.pth",
                                        "smp_bottleneck.safetensors",
                                        "monai_unet.pt",
                                        "monai_unet_batch.pth",
                                        "monai_unet_plain.safetensors"};
    char path[512], made[64];
    unet_error err;
    (void)state;
    snprintf(made, sizeof made, "/tmp/unet_test_%d.onnx", (int)getpid());
    for (size_t i = 0; i < 2 * sizeof files / sizeof *files; i++) {
        const unet_export_options options = {.normalize = (int)(i % 2)};
        unet_model *model = NULL, *back = NULL;
        snprintf(path, sizeof path, FOLDER "%s", files[i / 2]);
        if (un_model_import(path, NULL, &model, NULL, &err))
            fail_msg("%s", err.text);
        model->scaling = (struct un_scaling){.set = true, .offset = 3, .scale = 0.5f};
        if (un_model_export(model, made, &options, &err) ||
            un_model_import(made, NULL, &back, NULL, &err))
            fail_msg("%s: %s", files[i / 2], err.text);
        if (memcmp(&model->graph.spec, &back->graph.spec, sizeof model->graph.spec) ||
            memcmp(model->values, back->values, model->graph.values * sizeof(float)))
            fail_msg("%s: is another as ONNX", files[i / 2]);
        unet_model_free(model);
        unet_model_free(back);
    }
    unlink(made);
}

/* Replaces the first text in a file by another of its length. */
static void replace(const char *path, const char *from, const char *to)
{
    static char bytes[1 << 20];
    FILE *file = fopen(path, "r+b");
    assert_non_null(file);
    const size_t size = fread(bytes, 1, sizeof bytes, file), length = strlen(from);
    size_t at = 0;
    while (at + length < size && memcmp(bytes + at, from, length))
        at++;
    assert_true(at + length < size);
    memcpy(bytes + at, to, length);
    rewind(file);
    assert_int_equal(fwrite(bytes, 1, size, file), size);
    fclose(file);
}

static void test_onnx_changed(void **state)
{
    char made[64];
    unet_model *model = NULL, *back = NULL;
    unet_error err = {0};
    (void)state;
    snprintf(made, sizeof made, "/tmp/unet_test_%d.onnx", (int)getpid());
    if (un_model_import(FOLDER "torch_em.pt", NULL, &model, NULL, &err) ||
        un_model_export(model, made, NULL, &err))
        fail_msg("%s", err.text);
    replace(made, "\"\007MaxPool", "\"\007MaxPoo_");
    assert_int_equal(un_model_import(made, NULL, &back, NULL, &err), UNET_EFORMAT);
    if (!strstr(err.text, "nodes are not those that unet writes"))
        fail_msg("%s", err.text);
    unet_model_free(model);
    unlink(made);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_torch_em),
        cmocka_unit_test(test_onnx),
        cmocka_unit_test(test_onnx_changed),
    };
    return cmocka_run_group_tests_name("torch_em", tests, NULL, NULL);
}
