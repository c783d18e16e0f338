/* SPDX-License-Identifier: Apache-2.0 */
#include <stdio.h>
#include <stdlib.h>

#include "train/trainer.h"

unet_train_options un_train_options_default(const unet_spec *spec)
{
    (void)spec;
    return (unet_train_options){
        .batch = 1,
        .loss = {.pixel = 1,
                 .pos_weight = 1,
                 .false_positive = 0.5f,
                 .false_negative = 0.5f,
                 .smooth = 1},
        .optimizer = UNET_OPTIMIZER_ADAM,
        .learning_rate = 1e-3f,
        .schedule = UNET_SCHEDULE_POLY,
        .momentum = 0.9f,
        .beta1 = 0.9f,
        .beta2 = 0.999f,
        .epsilon = 1e-8f,
        .alpha = 0.99f,
        .bias_rate = 1,
        .power = 0.9f,
        .factor = 0.1f,
        .every = 1,
        .augment = {.flip = 1, .grey = 0.3f},
    };
}

static unet_code check_number(unet_error *err, const char *name, double value, double low,
                              double high)
{
    if (value >= low && value <= high) /* false for NaN */
        return UNET_OK;
    return un_fail(err, UNET_EINVAL, "%s is %g, wanted %g to %g", name, value, low, high);
}

unet_code un_train_options_check(const unet_train_options *o, const unet_spec *spec, int labels,
                                 unet_error *err)
{
    const struct {
        const char *name;
        double value, low, high;
    } ranges[] = {
        {"epochs", o->epochs, 0, 1e9},
        {"steps", (double)o->steps, 0, 1e15},
        {"seconds", o->seconds, 0, 1e12},
        {"batch", o->batch, 1, 4096},
        {"tile", o->tile, 0, 1 << 16},
        {"steps_per_epoch", o->steps_per_epoch, 0, 1e9},
        {"pos_weight", o->loss.pos_weight, 0, 1e9},
        {"learning_rate", o->learning_rate, 0, 1e6},
        {"momentum", o->momentum, 0, 1},
        {"beta1", o->beta1, 0, 0.999999},
        {"beta2", o->beta2, 0, 0.99999999},
        {"epsilon", o->epsilon, 0, 1},
        {"weight_decay", o->weight_decay, 0, 1e6},
        {"rotate", o->augment.rotate, 0, 180},
        {"scale", o->augment.scale, 0, 10},
        {"grey", o->augment.grey, 0, 10},
        {"freeze_encoder", o->freeze_encoder, 0, 1},
    };
    unet_code code;
    for (size_t i = 0; i < sizeof ranges / sizeof *ranges; i++)
        if ((code =
                 check_number(err, ranges[i].name, ranges[i].value, ranges[i].low, ranges[i].high)))
            return code;
    for (int i = 0; o->class_weights && i < labels; i++)
        if ((code = check_number(err, "a class weight", o->class_weights[i], 0, 1e9)))
            return code;
    if (o->schedule > UNET_SCHEDULE_PLATEAU || o->optimizer > UNET_OPTIMIZER_RMSPROP)
        return un_fail(err, UNET_EINVAL, "schedule %d or optimizer %d is none that there is",
                       (int)o->schedule, (int)o->optimizer);
    (void)spec;
    return UNET_OK;
}

char *un_train_options_json(const unet_train_options *o, int in_side, long steps)
{
    static const char *const optimizers[] = {"sgd", "adam", "adamw", "rmsprop"};
    static const char *const schedules[] = {"constant", "poly", "cosine", "step", "plateau"};
    const char *loss = "cross-entropy";
    char *text;
    int n =
        asprintf(&text,
                 "{\"loss\":\"%s\",\"pos_weight\":%.9g,\"optimizer\":\"%s\","
                 "\"learning_rate\":%.9g,\"schedule\":\"%s\",\"momentum\":%.9g,\"beta1\":%.9g,"
                 "\"beta2\":%.9g,"
                 "\"weight_decay\":%.9g,\"batch\":%d,\"tile\":%d,\"flip\":%d,"
                 "\"rotate\":%.9g,\"scale\":%.9g,\"grey\":%.9g,\"freeze_encoder\":%d,"
                 "\"seed\":%llu,\"steps\":%ld}",
                 loss, (double)o->loss.pos_weight, optimizers[o->optimizer],
                 (double)o->learning_rate, schedules[o->schedule], (double)o->momentum,
                 (double)o->beta1, (double)o->beta2, (double)o->weight_decay, o->batch, in_side,
                 o->augment.flip, (double)o->augment.rotate, (double)o->augment.scale,
                 (double)o->augment.grey, o->freeze_encoder, (unsigned long long)o->seed, steps);
    return n < 0 ? NULL : text;
}
