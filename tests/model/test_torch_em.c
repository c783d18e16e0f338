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

/* A network with norms before its convolutions leaves as ONNX, which is not read back: the text
 * says what is. */
static void test_onnx_before(void **state)
{
    char made[64];
    unet_model *model = NULL, *back = NULL;
    unet_error err;
    (void)state;
    snprintf(made, sizeof made, "/tmp/unet_test_%d.onnx", (int)getpid());
    if (un_model_import(FOLDER "torch_em.pt", NULL, &model, NULL, &err) ||
        un_model_export(model, made, NULL, &err))
        fail_msg("%s", err.text);
    assert_int_equal(un_model_import(made, NULL, &back, NULL, &err), UNET_EFORMAT);
    if (!strstr(err.text, "norms before convolutions are read from .pt"))
        fail_msg("%s", err.text);
    unet_model_free(model);
    unlink(made);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_torch_em),
        cmocka_unit_test(test_onnx_before),
    };
    return cmocka_run_group_tests_name("torch_em", tests, NULL, NULL);
}
