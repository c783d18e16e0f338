/* SPDX-License-Identifier: Apache-2.0 */
#include <math.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/json.h"
#include "net/spec_json.h"
#include "train/checkpoint.h"

enum { VERSION = 1 };

/* Fields of struct un_progress_state. */
struct whole {
    const char *name;
    size_t offset;
};
struct real {
    const char *name;
    size_t offset;
    bool can_be_nan; /* there was no validation, or no epoch yet; infinite: a network gone wild */
    double low;
};

#define AT(field) #field, offsetof(struct un_progress_state, field)

static const struct whole wholes[] = {
    {AT(epoch)},     {AT(in_epoch)},   {AT(best_epoch)},    {AT(stale)},
    {AT(one_class)}, {AT(one_answer)}, {AT(plateau.stale)}, {AT(plateau.drops)},
};

static const struct real reals[] = {
    {AT(step_loss), false, -HUGE_VAL}, {AT(rate), false, 0},
    {AT(gradient_norm), false, 0},     {AT(seconds), false, 0},
    {AT(loss_sum), false, -HUGE_VAL},  {AT(loss_weight), false, 0},
    {AT(best), true, -HUGE_VAL},       {AT(val_loss), true, -HUGE_VAL},
    {AT(val_dice), true, 0},           {AT(val_iou), true, 0},
    {AT(val_accuracy), true, 0},       {AT(score), true, -HUGE_VAL},
};

enum { WHOLES = sizeof wholes / sizeof *wholes, REALS = sizeof reals / sizeof *reals };

static json_t *from_bits(uint64_t bits)
{
    char text[20];
    snprintf(text, sizeof text, "%016llx", (unsigned long long)bits);
    return json_string(text);
}

static json_t *from_double(double value)
{
    uint64_t bits;
    memcpy(&bits, &value, sizeof bits);
    return from_bits(bits);
}

static unet_code bits_field(const struct un_json_at *at, const char *name, uint64_t *bits,
                            unet_error *err)
{
    const json_t *value;
    unet_code code = un_json_field(at, name, JSON_STRING, &value, err);
    if (code)
        return code;
    const char *text = json_string_value(value);
    if (strlen(text) != 16 || strspn(text, "0123456789abcdef") != 16)
        return un_fail(err, UNET_EFORMAT, "%s: %s%s is \"%.20s\", wanted 16 hexadecimal digits",
                       at->what, at->prefix, name, text);
    *bits = strtoull(text, NULL, 16);
    return UNET_OK;
}

static json_t *pack_print(const struct un_fingerprint *print)
{
    return json_pack("{s:i, s:o, s:o, s:o}", "images", print->images, "names",
                     from_bits(print->names), "pixels", from_bits(print->pixels), "masks",
                     from_bits(print->masks));
}

/* Means and deviations of channels that are centred; NULL: none are. */
static json_t *pack_centre(const struct un_scaling *scaling)
{
    json_t *list = scaling->centred ? json_array() : NULL;
    for (int c = 0; c < scaling->centred; c++) {
        json_array_append_new(list, from_double((double)scaling->means[c]));
        json_array_append_new(list, from_double((double)scaling->deviations[c]));
    }
    return list;
}

static json_t *pack_scaling(const struct un_scaling *scaling)
{
    return json_pack("{s:b, s:b, s:o*, s:o*, s:o*, s:o, s:o, s:o*, s:o*, s:o*}", "set",
                     scaling->set, "per_image", scaling->per_image, "per_channel",
                     scaling->apart ? json_true() : NULL, "low",
                     scaling->clips ? from_double((double)scaling->low) : NULL, "high",
                     scaling->clips ? from_double((double)scaling->high) : NULL, "offset",
                     from_double(scaling->offset), "scale", from_double(scaling->scale), "fill",
                     scaling->fill.set ? from_double((double)scaling->fill.value) : NULL, "dim",
                     scaling->dim_scale > 0 ? from_double((double)scaling->dim_scale) : NULL,
                     "centre", pack_centre(scaling));
}

static json_t *pack_state(const struct un_progress_state *state)
{
    json_t *object = state ? json_object() : json_null();
    bool failed = !object;
    for (int i = 0; state && i < WHOLES && !failed; i++)
        failed = json_object_set_new(
                     object, wholes[i].name,
                     json_integer(*(const int *)((const char *)state + wholes[i].offset))) != 0;
    for (int i = 0; state && i < REALS && !failed; i++)
        failed = json_object_set_new(
                     object, reals[i].name,
                     from_double(*(const double *)((const char *)state + reals[i].offset))) != 0;
    if (!failed)
        return object;
    json_decref(object);
    return NULL;
}

json_t *un_checkpoint_pack(const unet_trainer *t, const struct un_progress_state *state,
                           const struct un_fingerprint *validation)
{
    const struct un_fingerprint none = {0, 0, 0, 0};
    const unet_spec *spec = &t->network.graph.spec;
    return json_pack("{s:i, s:I, s:o, s:o, s:o, s:o, s:o, s:o}", "version", VERSION, "step",
                     (json_int_t)t->step, "network", un_spec_to_json(spec), "options",
                     un_train_options_pack(&t->options, un_model_labels(t->model)), "data",
                     pack_print(&t->fingerprint), "validation",
                     pack_print(validation ? validation : &none), "scaling",
                     pack_scaling(&t->model->scaling), "progress", pack_state(state));
}

/* what: "training" or "validation" */
static unet_code check_print(const struct un_json_at *at, const struct un_fingerprint *mine,
                             const char *path, const char *what, unet_error *err)
{
    struct un_fingerprint found;
    unet_code code;
    if ((code = un_json_int(at, "images", 0, INT32_MAX, &found.images, err)) ||
        (code = bits_field(at, "names", &found.names, err)) ||
        (code = bits_field(at, "pixels", &found.pixels, err)) ||
        (code = bits_field(at, "masks", &found.masks, err)))
        return code;
    if (found.images != mine->images)
        return un_fail(err, UNET_EINVAL, "%s: has %d %s images, this run has %d", path,
                       found.images, what, mine->images);
    if (found.names == mine->names && found.pixels == mine->pixels && found.masks == mine->masks)
        return UNET_OK;
    const char *other = found.names != mine->names     ? "images of other names"
                        : found.pixels != mine->pixels ? "images of other pixels"
                                                       : "other masks";
    return un_fail(err, UNET_EINVAL, "%s: has %s in the %s set than this run", path, other, what);
}

static unet_code check_same(const json_t *found, const json_t *mine, const char *path,
                            const char *what, unet_error *err)
{
    const char *key;
    json_t *value;
    json_object_foreach((json_t *)mine, key, value)
    {
        const json_t *other = json_object_get(found, key);
        if (!other || !json_equal(other, value))
            return un_fail(err, UNET_EINVAL, "%s: %s of the %s is another one in this run", path,
                           key, what);
    }
    return UNET_OK;
}

static unet_code check_options(const json_t *found, const json_t *mine, const char *path,
                               unet_error *err)
{
    char theirs[40], ours[40];
    const char *name = un_train_options_differ(found, mine, theirs, ours, sizeof ours);
    if (!name)
        return UNET_OK;
    return un_fail(err, UNET_EINVAL, "%s: has %s %s, this run has %s", path, name, theirs, ours);
}

/* The parts of the object against what this trainer would write. */
static unet_code check_run(const json_t *object, const json_t *mine, const unet_trainer *t,
                           const struct un_fingerprint *validation, const char *path,
                           unet_error *err)
{
    static const char *const parts[] = {"network", "options", "data", "validation", "scaling"};
    const json_t *part[5];
    unet_code code;
    for (int i = 0; i < 5; i++) {
        const struct un_json_at at = {path, "", object};
        if ((code = un_json_field(&at, parts[i], JSON_OBJECT, &part[i], err)))
            return code;
    }
    const struct un_json_at data = {path, "data.", part[2]};
    const struct un_json_at held_out = {path, "validation.", part[3]};
    if ((code = check_same(part[0], json_object_get(mine, "network"), path, "network", err)) ||
        (code = check_options(part[1], json_object_get(mine, "options"), path, err)) ||
        (code = check_print(&data, &t->fingerprint, path, "training", err)))
        return code;
    if (validation && (code = check_print(&held_out, validation, path, "validation", err)))
        return code;
    return check_same(part[4], json_object_get(mine, "scaling"), path, "images' normalisation",
                      err);
}

static unet_code read_state(const json_t *object, const unet_trainer *t, const char *path,
                            struct un_progress_state *state, unet_error *err)
{
    const struct un_json_at at = {path, "progress.", object};
    struct un_progress_state made = {0};
    unet_code code;
    for (int i = 0; i < WHOLES; i++)
        if ((code = un_json_int(&at, wholes[i].name, 0, INT32_MAX - 1,
                                (int *)((char *)&made + wholes[i].offset), err)))
            return code;
    for (int i = 0; i < REALS; i++) {
        uint64_t bits;
        double value;
        if ((code = bits_field(&at, reals[i].name, &bits, err)))
            return code;
        memcpy(&value, &bits, sizeof value);
        if (!isfinite(value) ? !reals[i].can_be_nan : value < reals[i].low)
            return un_fail(err, UNET_EFORMAT, "%s: progress.%s is %g", path, reals[i].name, value);
        memcpy((char *)&made + reals[i].offset, &value, sizeof value);
    }
    if (made.in_epoch > t->steps_per_epoch || made.best_epoch > made.epoch)
        return un_fail(err, UNET_EFORMAT,
                       "%s: step %d of epoch %d, best epoch %d: an epoch has %d steps", path,
                       made.in_epoch, made.epoch + 1, made.best_epoch, t->steps_per_epoch);
    *state = made;
    return UNET_OK;
}

unet_code un_checkpoint_unpack(const json_t *object, const unet_trainer *t,
                               const struct un_fingerprint *validation, const char *path,
                               long *step, struct un_progress_state *state, unet_error *err)
{
    const struct un_json_at at = {path, "", object};
    const json_t *steps, *progress;
    int version;
    unet_code code;
    if ((code = un_json_int(&at, "version", 1, VERSION, &version, err)) ||
        (code = un_json_field(&at, "step", JSON_INTEGER, &steps, err)))
        return code;
    const json_int_t found = json_integer_value(steps);
    if (found < 0 || found > 1000000000000000)
        return un_fail(err, UNET_EFORMAT, "%s: step is %lld", path, (long long)found);
    json_t *mine = un_checkpoint_pack(t, NULL, validation);
    if (!mine)
        return un_fail_memory(err, 4096, "the checkpoint");
    code = check_run(object, mine, t, validation, path, err);
    json_decref(mine);
    if (code)
        return code;
    if (state) {
        progress = json_object_get(object, "progress");
        if (!json_is_object(progress))
            return un_fail(err, UNET_EINVAL,
                           "%s: says nothing of epochs: unet_trainer_save() wrote it, unet_train() "
                           "cannot go on from it",
                           path);
        if ((code = read_state(progress, t, path, state, err)))
            return code;
    }
    *step = (long)found;
    return UNET_OK;
}
