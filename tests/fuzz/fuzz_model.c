/* SPDX-License-Identifier: Apache-2.0 */
/* Any bytes as a model file: no crash; what is accepted can be written and comes back the same. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "fuzz_header.h"
#include "model/model.h"
#include "weights/safetensors.h"

size_t LLVMFuzzerCustomMutator(uint8_t *bytes, size_t size, size_t most, unsigned seed)
{
    return fuzz_mutate(bytes, size, most, seed);
}

static void check_round_trip(const unet_model *model)
{
    static char path[64]; /* in memory where the system has that, so that syncing costs nothing */
    if (!*path)
        snprintf(path, sizeof path, "%s/unet_fuzz_%d.safetensors",
                 access("/dev/shm", W_OK) ? "/tmp" : "/dev/shm", (int)getpid());
    unet_model *back = NULL;
    unet_error err;
    if (un_model_write(model, path, &err) || un_model_read(path, &back, &err)) {
        fprintf(stderr, "%s\n", err.text);
        abort();
    }
    unlink(path);
    if (memcmp(&model->graph.spec, &back->graph.spec, sizeof model->graph.spec) ||
        memcmp(model->values, back->values, model->graph.values * sizeof *model->values) ||
        memcmp(&model->coding, &back->coding, sizeof model->coding) ||
        memcmp(&model->scaling.offset, &back->scaling.offset, sizeof(float)) ||
        memcmp(model->classes, back->classes, sizeof model->classes) ||
        strcmp(model->settings ? model->settings : "", back->settings ? back->settings : ""))
        abort();
    un_model_free(back);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
    struct un_safetensors file;
    struct un_arrays arrays = {.format = "safetensors", .hints = un_hints_none()};
    unet_model *model = NULL;
    unet_error err;
    if (un_safetensors_parse("x", bytes, size, &file, &err))
        return 0;
    arrays.items = file.tensors;
    arrays.count = file.count;
    arrays.metadata = un_safetensors_metadata(&file, "unet");
    if (!un_model_from_arrays("x", &arrays, NULL, &model, NULL, &err)) {
        check_round_trip(model);
        un_model_free(model);
    }
    un_safetensors_release(&file);
    return 0;
}
