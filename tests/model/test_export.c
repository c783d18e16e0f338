/* SPDX-License-Identifier: Apache-2.0 */
/* test_export.c - which samples a file for other programs scales, of a model that knows several */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <math.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "image/samples.h"
#include "model/model.h"
#include "unet_embed.h"

static void keep_note(void *context, unet_severity severity, const char *text)
{
    (void)severity;
    snprintf(context, 300, "%s", text);
}

static void test_scale(void **state)
{
    const unet_spec spec = {.in_channels = 1, .classes = 2, .width = 2, .depth = 1};
    uint16_t samples[16] = {0};
    const unet_image shallow = {4, 4, 1, UNET_U8, 0, samples},
                     deep = {4, 4, 1, UNET_U16, 0, samples},
                     ready = {2, 2, 1, UNET_F32, 1, samples};
    const struct {
        unsigned trained_on;
        const unet_image *example;
        double offset, scale;
        const char *note; /* the other type, NULL: nothing is said */
    } rows[] = {
        {UN_SAMPLES_U16, NULL, 200, 0.001, NULL},
        {UN_SAMPLES_U8 | UN_SAMPLES_U16, NULL, 200, 0.001,
         "(x - 200) * 0.001; unet scales those of 8 bits"},
        {UN_SAMPLES_U8 | UN_SAMPLES_U16, &deep, 200, 0.001, "those of 8 bits, which"},
        {UN_SAMPLES_U8 | UN_SAMPLES_U16, &shallow, 0, 1 / 255., "those of 16 bits, which"},
        {UN_SAMPLES_U8 | UN_SAMPLES_U16, &ready, 200, 0.001, "those of 8 bits, which"},
        {UN_SAMPLES_U16 | UN_SAMPLES_F32, NULL, 200, 0.001, NULL},
    };
    unet_model *model;
    unet_error err;
    char path[64];
    (void)state;
    snprintf(path, sizeof path, "/tmp/unet_test_%d.onnx", (int)getpid());
    if (un_model_new(&spec, &model, &err))
        fail_msg("%s", err.text);
    model->scaling = (struct un_scaling){.set = true, .offset = 200, .scale = 0.001f};
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        char note[300] = "";
        const unet_log log = {.note = keep_note, .context = note};
        const unet_export_options options = {
            .normalize = 1, .example = rows[i].example, .log = &log};
        float offset, scale;
        model->scaling.trained_on = rows[i].trained_on;
        un_model_scale(model, &options, &offset, &scale);
        if (un_model_export(model, path, &options, &err))
            fail_msg("%s", err.text);
        if (fabs((double)offset - rows[i].offset) > 1e-6 ||
            fabs((double)scale - rows[i].scale) > 1e-9)
            fail_msg("row %zu: offset %g, scale %g", i, (double)offset, (double)scale);
        if (rows[i].note ? !strstr(note, rows[i].note) : *note)
            fail_msg("row %zu: \"%s\"", i, note);
    }
    unlink(path);
    un_model_free(model);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_scale),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
