/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Every setting is a row of the table below, but class_weights, which is an array.  A name with a
 * dot is a field of a struct inside the struct, and of an object inside the JSON object.
 */
#include "train/train_options.h"

#include <math.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/decimal.h"
#include "base/json.h"
#include "unet_train.h"

enum kind { INT, LONG, FLOAT, DOUBLE, SEED, SCHEDULE, OPTIMIZER, VIEWS };

/* Whether a run that goes on may have another value. */
enum { FIXED, FREE };

struct field {
    const char *name;
    enum kind kind;
    size_t offset;
    int when;
    double low, high;
};

static const char *const schedules[] = {"constant", "poly", "cosine", "step", "plateau"};
static const char *const optimizers[] = {"sgd", "adam", "adamw", "rmsprop"};
static const char *const views[] = {"none", "flips", "rotations"};

#define FIELD(name, kind, when, low, high)                                                         \
    {                                                                                              \
#name, kind, offsetof(unet_train_options, name), when, low, high                           \
    }

static const struct field fields[] = {
    FIELD(epochs, INT, FREE, 0, 1e9),
    FIELD(steps, LONG, FREE, 0, 1e15),
    FIELD(seconds, DOUBLE, FREE, 0, 1e12),
    FIELD(patience, INT, FREE, 0, 1e9),
    FIELD(batch, INT, FIXED, 1, 4096),
    FIELD(accumulate, INT, FIXED, 0, 4096),
    FIELD(tile, INT, FIXED, 0, 1 << 16),
    FIELD(steps_per_epoch, INT, FIXED, 0, 1e9),
    FIELD(loss.pixel, FLOAT, FIXED, 0, 1e6),
    FIELD(loss.overlap, FLOAT, FIXED, 0, 1e6),
    FIELD(loss.pos_weight, FLOAT, FIXED, 0, 1e9),
    FIELD(loss.focal, FLOAT, FIXED, 0, 100),
    FIELD(loss.false_positive, FLOAT, FIXED, 0, 1e6),
    FIELD(loss.false_negative, FLOAT, FIXED, 0, 1e6),
    FIELD(loss.smooth, FLOAT, FIXED, 1e-30, 1e9),
    FIELD(loss.first_class, INT, FIXED, 0, 1),
    FIELD(border.weight, FLOAT, FIXED, 0, 1e6),
    FIELD(border.sigma, FLOAT, FIXED, 0, 1e6),
    FIELD(border.near_weight, FLOAT, FIXED, 0, 1e6),
    FIELD(border.near_sigma, FLOAT, FIXED, 0, 1e6),
    FIELD(border.gap, INT, FIXED, 0, 1),
    FIELD(optimizer, OPTIMIZER, FIXED, 0, UNET_OPTIMIZER_RMSPROP),
    FIELD(learning_rate, FLOAT, FREE, 0, 1e6),
    FIELD(momentum, FLOAT, FIXED, 0, 1),
    FIELD(nesterov, INT, FIXED, 0, 1),
    FIELD(beta1, FLOAT, FIXED, 0, 0.999999),
    FIELD(beta2, FLOAT, FIXED, 0, 0.99999999),
    FIELD(epsilon, FLOAT, FIXED, 0, 1),
    FIELD(alpha, FLOAT, FIXED, 0, 0.99999999),
    FIELD(weight_decay, FLOAT, FIXED, 0, 1e6),
    FIELD(clip, FLOAT, FIXED, 0, 1e12),
    FIELD(bias_rate, FLOAT, FIXED, 0, 1e6),
    FIELD(average, FLOAT, FIXED, 0, 0.99999999),
    FIELD(schedule, SCHEDULE, FREE, 0, UNET_SCHEDULE_PLATEAU),
    FIELD(power, FLOAT, FREE, 0, 100),
    FIELD(factor, FLOAT, FREE, 1e-30, 1),
    FIELD(every, INT, FREE, 0, 1e9),
    FIELD(lowest, FLOAT, FREE, 0, 1),
    FIELD(warmup, LONG, FREE, 0, 1e15),
    FIELD(augment.flip, INT, FIXED, 0, 1),
    FIELD(augment.rotate, FLOAT, FIXED, 0, 180),
    FIELD(augment.scale, FLOAT, FIXED, 0, 10),
    FIELD(augment.elastic, FLOAT, FIXED, 0, 1e4),
    FIELD(augment.elastic_grid, FLOAT, FIXED, 0, 1e6),
    FIELD(augment.cubic, INT, FIXED, 0, 1),
    FIELD(augment.grey, FLOAT, FIXED, 0, 10),
    FIELD(augment.curve, FLOAT, FIXED, 0, 1),
    FIELD(augment.noise, FLOAT, FIXED, 0, 100),
    FIELD(augment.blur, FLOAT, FIXED, 0, 20),
    FIELD(augment.channel, FLOAT, FIXED, 0, 10),
    FIELD(augment.at_foreground, FLOAT, FIXED, 0, 1e6),
    FIELD(augment.at_background, FLOAT, FIXED, 0, 1e6),
    FIELD(augment.at_ignored, FLOAT, FIXED, 0, 1e6),
    FIELD(tta, VIEWS, FREE, 0, UNET_TTA_ROTATIONS),
    FIELD(freeze_encoder, INT, FIXED, 0, 1),
    FIELD(seed, SEED, FIXED, 0, 0),
    FIELD(threads, INT, FREE, 0, 1 << 16),
};

enum { FIELDS = sizeof fields / sizeof *fields };

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
        .border = {.sigma = 5, .near_sigma = 10},
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

static double number_of(const unet_train_options *options, const struct field *field)
{
    const void *at = (const char *)options + field->offset;
    switch (field->kind) {
    case LONG:
        return (double)*(const long *)at;
    case FLOAT:
        return *(const float *)at;
    case DOUBLE:
        return *(const double *)at;
    case SCHEDULE:
        return *(const unet_schedule *)at;
    case OPTIMIZER:
        return *(const unet_optimizer *)at;
    case VIEWS:
        return *(const unet_tta *)at;
    case SEED:
        return 0; /* any will do */
    default:
        return *(const int *)at;
    }
}

static unet_code check_number(unet_error *err, const char *name, double value, double low,
                              double high)
{
    if (value >= low && value <= high) /* false for NaN */
        return UNET_OK;
    return un_fail(err, UNET_EINVAL, "%s is %g, wanted %g to %g", name, value, low, high);
}

/* What no single range can say. */
static unet_code check_together(const unet_train_options *o, unet_error *err)
{
    const unet_loss *loss = &o->loss;
    if (loss->pixel == 0 && loss->overlap == 0)
        return un_fail(err, UNET_EINVAL, "loss.pixel and loss.overlap are both 0, wanted one more");
    if (loss->pixel == 0 && loss->false_positive == 0 && loss->false_negative == 0)
        return un_fail(err, UNET_EINVAL,
                       "loss.false_positive and loss.false_negative are both 0, so no answer is "
                       "wrong; wanted one more");
    if (o->border.weight > 0 && o->border.sigma == 0)
        return un_fail(err, UNET_EINVAL, "border.sigma is 0, wanted more for a border.weight of %g",
                       (double)o->border.weight);
    if (o->border.near_weight > 0 && o->border.near_sigma == 0)
        return un_fail(err, UNET_EINVAL,
                       "border.near_sigma is 0, wanted more for a border.near_weight of %g",
                       (double)o->border.near_weight);
    bool counted = o->schedule == UNET_SCHEDULE_STEP || o->schedule == UNET_SCHEDULE_PLATEAU;
    if (counted && o->every < 1)
        return un_fail(err, UNET_EINVAL, "every is %d, the schedule %s wants 1 epoch or more",
                       o->every, schedules[o->schedule]);
    if (o->nesterov && o->optimizer == UNET_OPTIMIZER_SGD && o->momentum == 0)
        return un_fail(err, UNET_EINVAL, "momentum is 0, nesterov wants more");
    if (o->epsilon == 0 && o->optimizer != UNET_OPTIMIZER_SGD)
        return un_fail(err, UNET_EINVAL, "epsilon is 0, %s wants more", optimizers[o->optimizer]);
    return UNET_OK;
}

unet_code un_train_options_check(const unet_train_options *o, const unet_spec *spec, int labels,
                                 unet_error *err)
{
    unet_code code;
    float most = 0;
    for (int i = 0; i < FIELDS; i++)
        if ((code = check_number(err, fields[i].name, number_of(o, &fields[i]), fields[i].low,
                                 fields[i].high)))
            return code;
    for (int i = 0; o->class_weights && i < labels; i++) {
        char name[40];
        snprintf(name, sizeof name, "class_weights[%d]", i);
        if ((code = check_number(err, name, o->class_weights[i], 0, 1e9)))
            return code;
        most = o->class_weights[i] > most ? o->class_weights[i] : most;
    }
    if (o->class_weights && labels > 0 && most == 0)
        return un_fail(err, UNET_EINVAL, "class_weights are all 0, wanted one more");
    if (spec->classes != 1 && o->loss.pos_weight != 1)
        return un_fail(err, UNET_EINVAL,
                       "loss.pos_weight is %g, which is for networks of one class, this has %d; "
                       "class_weights does that",
                       (double)o->loss.pos_weight, spec->classes);
    return check_together(o, err);
}

static json_t *value_of(const unet_train_options *options, const struct field *field)
{
    const void *at = (const char *)options + field->offset;
    uint64_t seed;
    char text[24];
    switch (field->kind) {
    case FLOAT:
        return un_json_from_float(*(const float *)at);
    case DOUBLE:
        return json_real(*(const double *)at);
    case SCHEDULE:
        return json_string(schedules[*(const unet_schedule *)at]);
    case OPTIMIZER:
        return json_string(optimizers[*(const unet_optimizer *)at]);
    case VIEWS:
        return json_string(views[*(const unet_tta *)at]);
    case SEED:
        seed = *(const uint64_t *)at;
        snprintf(text, sizeof text, "%llu", (unsigned long long)seed);
        return seed <= INT64_MAX ? json_integer((json_int_t)seed) : json_string(text);
    default:
        return json_integer((json_int_t)number_of(options, field));
    }
}

/* The object that holds the field; *key is its name in there.  Made where it is not yet. */
static json_t *holder(json_t *object, const char *name, const char **key)
{
    const char *dot = strchr(name, '.');
    char outer[24];
    *key = dot ? dot + 1 : name;
    if (!dot)
        return object;
    snprintf(outer, sizeof outer, "%.*s", (int)(dot - name), name);
    json_t *inner = json_object_get(object, outer);
    if (!inner && !json_object_set_new(object, outer, json_object()))
        inner = json_object_get(object, outer);
    return inner;
}

json_t *un_train_options_pack(const unet_train_options *options, int labels)
{
    json_t *object = json_object(), *weights = NULL;
    bool failed = !object;
    for (int i = 0; i < FIELDS && !failed; i++) {
        const char *key;
        json_t *at = holder(object, fields[i].name, &key);
        failed = !at || json_object_set_new(at, key, value_of(options, &fields[i]));
    }
    if (options->class_weights && !failed) {
        failed = !(weights = json_array());
        for (int i = 0; i < labels && !failed; i++)
            failed =
                json_array_append_new(weights, un_json_from_float(options->class_weights[i])) != 0;
        failed |= json_object_set_new(object, "class_weights", weights) != 0;
    }
    if (!failed)
        return object;
    json_decref(object);
    return NULL;
}

static const json_t *look(const json_t *object, const char *name)
{
    const char *dot = strchr(name, '.');
    char outer[24];
    if (!dot)
        return json_object_get(object, name);
    snprintf(outer, sizeof outer, "%.*s", (int)(dot - name), name);
    return json_object_get(json_object_get(object, outer), dot + 1);
}

static void describe(const json_t *value, char *text, size_t size)
{
    struct un_plain plain = un_plain_begin();
    char *made =
        value ? json_dumps(value, JSON_COMPACT | JSON_ENCODE_ANY | JSON_REAL_PRECISION(9)) : NULL;
    un_plain_end(plain);
    snprintf(text, size, "%s", made ? made : "not set");
    free(made);
}

const char *un_train_options_differ(const json_t *a, const json_t *b, char *in_a, char *in_b,
                                    size_t size)
{
    for (int i = 0; i <= FIELDS; i++) {
        const char *name = i < FIELDS ? fields[i].name : "class_weights";
        const json_t *first = look(a, name), *second = look(b, name);
        if (i < FIELDS && fields[i].when == FREE)
            continue;
        if ((!first && !second) || (first && second && json_equal(first, second)))
            continue;
        if (json_is_number(first) && json_is_number(second) &&
            json_number_value(first) == json_number_value(second))
            continue; /* 1 and 1.0 */
        describe(first, in_a, size);
        describe(second, in_b, size);
        return name;
    }
    return NULL;
}

char *un_train_options_json(const unet_train_options *options, int labels, int in_side, long steps)
{
    json_t *object = un_train_options_pack(options, labels);
    char *text = NULL;
    if (object && !json_object_set_new(object, "tile", json_integer(in_side)) &&
        !json_object_set_new(object, "steps", json_integer(steps)) &&
        !json_object_del(object, "threads"))
        text = un_json_text(object);
    json_decref(object);
    return text;
}
