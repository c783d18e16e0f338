/* SPDX-License-Identifier: Apache-2.0 */
/* test_told.c - what is told of a network beside a file that says it itself, and what is left */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "model/model.h"
#include "recognise/recognise.h"
#include "unet_embed.h"

static void keep_note(void *context, unet_severity severity, const char *text)
{
    char *kept = context;
    (void)severity;
    snprintf(kept, 300, "%s", text);
}

static void expect_told(const char *path, unet_known known, const char *want)
{
    unet_model *model = NULL;
    unet_error err = {0};
    const unet_code code = un_model_import(path, &known, &model, NULL, &err);
    if (want ? code != UNET_EINVAL || !strstr(err.text, want) : code != UNET_OK)
        fail_msg("code %d, \"%s\", wanted \"%s\"", code, err.text, want ? want : "");
    unet_model_free(model);
}

/* A file of our own says all that can be told of others: what differs from it is refused. */
static void test_told_of_own(void **state)
{
    const unet_known nothing = un_known_nothing();
    const unet_spec spec = {.in_channels = 1, .classes = 2, .width = 4, .depth = 2};
    unet_known known = nothing;
    unet_model *model;
    char made[64], text[200];
    unet_error err;
    (void)state;
    snprintf(made, sizeof made, "/tmp/unet_test_%d.pth", (int)getpid());
    if (un_model_new(&spec, &model, &err) || un_model_export(model, made, NULL, &err))
        fail_msg("%s", err.text);
    expect_told(made, nothing, NULL);
    known.padding = UNET_PADDING_VALID;
    known.norm_epsilon = 1e-5f;
    expect_told(made, known, NULL);
    known.padding = UNET_PADDING_SAME;
    expect_told(made, known, "its padding is valid, as the file itself says");
    known = nothing;
    known.norm_epsilon = 1e-3f;
    expect_told(made, known, "its norm_epsilon is 1e-05, as the file itself says");
    known = nothing;
    known.mean = known.std = "0.5";
    expect_told(made, known, "says itself how images become its input; mean and std are for files");
    known = nothing;
    known.standardize = 1;
    expect_told(made, known, "its input; standardize is for files that do not");
    model->scaling.per_image = true;
    assert_int_equal(un_model_export(model, made, NULL, &err), UNET_OK);
    expect_told(made, known, NULL);
    un_scaling_text(&model->scaling, text, sizeof text);
    assert_string_equal(text, "all of each image to mean 0 and variance 1");
    unlink(made);
    unet_model_free(model);
}

/* What a module around a network had for its images is left, and said. */
static void test_module_of_images(void **state)
{
    enum { MOST = 64 };
    static const float mean = 0.5f, std = 0.25f;
    const unet_spec spec = {.in_channels = 1, .classes = 2, .width = 4, .depth = 1};
    unet_tensor tensors[MOST];
    char note[300] = "";
    const unet_log log = {.note = keep_note, .context = note};
    unet_known known = un_known_nothing();
    unet_model *model, *back = NULL;
    unet_error err;
    (void)state;
    known.log = &log;
    if (un_model_new(&spec, &model, &err))
        fail_msg("%s", err.text);
    int count = unet_model_tensor_count(model);
    for (int i = 0; i < count; i++)
        unet_model_tensor(model, i, &tensors[i], NULL);
    tensors[count++] = (unet_tensor){"mean", 4, {1, 1, 1, 1}, (float *)&mean, 0};
    tensors[count++] = (unet_tensor){"std", 4, {1, 1, 1, 1}, (float *)&std, 0};
    for (int told = 0; told < 2; told++) {
        if (un_model_from_tensors(tensors, count, &known, &back, NULL, &err))
            fail_msg("%s", err.text);
        const bool said = strstr(note, "had mean 0.5 and std 0.25 for its images; they are left");
        if (said == (told > 0))
            fail_msg("%s: \"%s\"", told ? "told" : "not told", note);
        note[0] = 0;
        known.mean = "0.5";
        known.std = "0.25";
        unet_model_free(back);
    }
    unet_model_free(model);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_told_of_own),
        cmocka_unit_test(test_module_of_images),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
