/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The JSON of a checkpoint, whatever it says: it is refused, or what comes out is within its range.
 * (What lies around it is safetensors, which has a fuzzer of its own.)
 */
#include <stdlib.h>

#include "base/json.h"
#include "train/checkpoint.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size);

static uint8_t pixels[64 * 64], mask[64 * 64];

static unet_trainer *make_trainer(void)
{
    static struct un_sample_pair pair = {
        .image = {64, 64, 1, UNET_U8, 0, pixels}, .mask = mask, .name = "generated"};
    static unet_dataset set = {.pairs = &pair, .count = 1, .channels = 1};
    const unet_spec spec = {.in_channels = 1, .classes = 2, .width = 1, .depth = 1, .padding = 1};
    unet_train_options options = unet_train_options_default(&spec);
    unet_model *model;
    unet_trainer *trainer;
    unet_error err;
    set.coding = un_coding_identity(2);
    options.tile = 16;
    options.threads = 1;
    if (unet_model_create(&spec, 1, &model, &err) ||
        unet_trainer_create(model, &set, &options, &trainer, &err))
        abort();
    return trainer;
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
    static unet_trainer *trainer;
    struct un_progress_state state;
    unet_error err = {0};
    json_t *object;
    long step;
    if (!trainer)
        trainer = make_trainer();
    if (un_json_parse("checkpoint", (const char *)bytes, size, &object, &err))
        return 0;
    unet_code code = un_checkpoint_unpack(object, trainer, NULL, "checkpoint", &step, &state, &err);
    json_decref(object);
    if (code ? !err.text[0] : step < 0 || state.in_epoch > trainer->steps_per_epoch)
        abort();
    return 0;
}
