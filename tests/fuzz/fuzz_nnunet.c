/* SPDX-License-Identifier: Apache-2.0 */
/* Any bytes as plans.json and dataset.json beside a checkpoint of nnU-Net: no crash, and what is
 * taken is a scaling and names of classes.  The first zero byte parts one file from the other. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "model/nnunet.h"
#include "recognise/recognise.h"

static char folder[64];

static void put(const char *name, const uint8_t *bytes, size_t size)
{
    char path[128];
    snprintf(path, sizeof path, "%s/%s", folder, name);
    FILE *file = fopen(path, "wb");
    if (!file || fwrite(bytes, 1, size, file) != size || fclose(file))
        abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
    static const unet_spec spec = {.in_channels = 1,
                                   .classes = 3,
                                   .width = 1,
                                   .depth = 1,
                                   .padding = UNET_PADDING_SAME,
                                   .norm = UNET_NORM_INSTANCE,
                                   .act = UNET_ACT_LEAKY_RELU,
                                   .leaky_slope = 0.01f,
                                   .down = UNET_DOWN_CONV};
    const unet_known known = un_known_nothing();
    const uint8_t *zero = memchr(bytes, 0, size);
    char path[128];
    unet_model *model;
    unet_error err = {0};
    if (!*folder) {
        snprintf(folder, sizeof folder, "/tmp/fuzz_nnunet_%d", (int)getpid());
        char command[128];
        snprintf(command, sizeof command, "mkdir -p %s", folder);
        if (system(command))
            abort();
    }
    put("plans.json", bytes, zero ? (size_t)(zero - bytes) : size);
    put("dataset.json", zero ? zero + 1 : bytes, zero ? size - (size_t)(zero + 1 - bytes) : size);
    snprintf(path, sizeof path, "%s/checkpoint_final.pth", folder);
    if (un_model_new(&spec, &model, &err))
        abort();
    if (un_nnunet_apply(path, &known, model, &err)) {
        if (!*err.text)
            abort();
    } else if (model->scaling.set && !(model->scaling.scale > 0)) {
        abort();
    }
    un_model_free(model);
    return 0;
}
