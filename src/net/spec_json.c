/* SPDX-License-Identifier: Apache-2.0 */
#include "net/spec_json.h"

#include <limits.h>
#include <math.h>
#include <stddef.h>
#include <string.h>

#include "base/json.h"
#include "net/graph.h"

/* A field that is a number or one of a few words. */
struct field {
    const char *name;
    size_t at;
    int words; /* 0: a number */
    const char *word[4];
};

#define AT(field) offsetof(unet_spec, field)

static const struct field plain[] = {
    {"in_channels", AT(in_channels), 0, {0}},
    {"classes", AT(classes), 0, {0}},
    {"width", AT(width), 0, {0}},
    {"depth", AT(depth), 0, {0}},
    {"padding", AT(padding), 2, {"valid", "same"}},
    {"norm", AT(norm), 4, {"none", "batch", "instance", "group"}},
    {"up", AT(up), 3, {"transpose", "bilinear", "nearest"}},
    {"act", AT(act), 2, {"relu", "leaky_relu"}},
};

/* These may be missing, and are then zero, or the first word. */
static const struct field more[] = {
    {"convs", AT(convs), 0, {0}},
    {"single_act", AT(single_act), 0, {0}},
    {"groups", AT(groups), 0, {0}},
    {"norm_order", AT(norm_order), 2, {"norm_first", "act_first"}},
    {"bias", AT(bias), 3, {"unless_norm", "always", "never"}},
    {"concat", AT(concat), 2, {"up_skip", "skip_up"}},
    {"align_corners", AT(align_corners), 0, {0}},
    {"up_conv", AT(up_conv), 3, {"conv1x1", "conv3x3", "none"}},
    {"up_norm", AT(up_norm), 0, {0}},
    {"up_act", AT(up_act), 0, {0}},
};

enum { PLAIN = sizeof plain / sizeof *plain, MORE = sizeof more / sizeof *more };

_Static_assert(sizeof(unet_norm) == sizeof(int), "fields are read and written as int");

/* The fields with words are enums, which are as wide as an int. */
static int get(const unet_spec *spec, const struct field *field)
{
    int value;
    memcpy(&value, (const char *)spec + field->at, sizeof value);
    return value;
}

static void set(unet_spec *spec, const struct field *field, int value)
{
    memcpy((char *)spec + field->at, &value, sizeof value);
}

/* ---- writing ---- */

static json_t *field_value(const unet_spec *spec, const struct field *field)
{
    int value = get(spec, field);
    return field->words ? json_string(field->word[value]) : json_integer(value);
}

static bool channels_set(const unet_channels *channels)
{
    static const unet_channels none;
    return memcmp(channels, &none, sizeof none) != 0;
}

static json_t *pair_list(const int (*pairs)[2], int count)
{
    json_t *list = json_array();
    for (int i = 0; i < count; i++)
        json_array_append_new(list, json_pack("[i, i]", pairs[i][0], pairs[i][1]));
    return list;
}

static json_t *write_channels(const unet_spec *spec)
{
    const unet_channels *c = &spec->channels;
    json_t *up = json_array();
    for (int i = 0; i < spec->depth; i++)
        json_array_append_new(up, json_integer(c->up[i]));
    return json_pack("{s:o, s:o, s:o}", "enc", pair_list(c->enc, spec->depth + 1), "dec",
                     pair_list(c->dec, spec->depth), "up", up);
}

int un_spec_is_plain(const unet_spec *spec)
{
    bool found = spec->norm > UNET_NORM_BATCH || spec->up > UNET_UP_BILINEAR ||
                 spec->norm_epsilon > 0 || channels_set(&spec->channels);
    for (int i = 0; i < MORE; i++)
        found |= get(spec, &more[i]) != 0;
    return !found;
}

json_t *un_spec_to_json(const unet_spec *spec)
{
    /* a slope that is not used may be anything, even what JSON has no word for */
    float slope = isfinite(spec->leaky_slope) ? spec->leaky_slope : 0;
    json_t *object = json_object();
    int failed = !object;
    for (int i = 0; i < PLAIN; i++)
        failed |= json_object_set_new(object, plain[i].name, field_value(spec, &plain[i]));
    failed |= json_object_set_new(object, "leaky_slope", un_json_from_float(slope));
    failed |= json_object_set_new(object, "dropout", un_json_from_float(spec->dropout));
    for (int i = 0; i < MORE; i++)
        if (get(spec, &more[i]))
            failed |= json_object_set_new(object, more[i].name, field_value(spec, &more[i]));
    if (spec->norm_epsilon > 0)
        failed |=
            json_object_set_new(object, "norm_epsilon", un_json_from_float(spec->norm_epsilon));
    if (channels_set(&spec->channels))
        failed |= json_object_set_new(object, "channels", write_channels(spec));
    if (!failed)
        return object;
    json_decref(object);
    return NULL;
}

/* ---- reading ---- */

static unet_code read_field(const struct un_json_at *at, const struct field *field, unet_spec *spec,
                            unet_error *err)
{
    int value = 0;
    unet_code code = field->words
                         ? un_json_word(at, field->name, field->word, field->words, &value, err)
                         : un_json_int(at, field->name, INT_MIN, INT_MAX, &value, err);
    if (!code)
        set(spec, field, value);
    return code;
}

/* A list of count numbers, or of count pairs of them. */
static unet_code read_numbers(const struct un_json_at *at, const char *name, int count, int in_each,
                              int *numbers, unet_error *err)
{
    const json_t *list = NULL;
    unet_code code = un_json_field(at, name, JSON_ARRAY, &list, err);
    if (code)
        return code;
    if (json_array_size(list) != (size_t)count)
        return un_fail(err, UNET_EFORMAT, "%s: %s%s has %zu entries, wanted %d", at->what,
                       at->prefix, name, json_array_size(list), count);
    for (int i = 0; i < count * in_each; i++) {
        const json_t *value = json_array_get(list, (size_t)(i / in_each));
        if (in_each > 1)
            value = json_array_size(value) == (size_t)in_each
                        ? json_array_get(value, (size_t)(i % in_each))
                        : NULL;
        if (!json_is_integer(value) || json_integer_value(value) < 0 ||
            json_integer_value(value) > INT_MAX)
            return un_fail(err, UNET_EFORMAT, "%s: %s%s[%d] is not %s", at->what, at->prefix, name,
                           i / in_each, in_each > 1 ? "two numbers" : "a number");
        numbers[i] = (int)json_integer_value(value);
    }
    return UNET_OK;
}

static unet_code read_channels(const char *what, const json_t *object, unet_spec *spec,
                               unet_error *err)
{
    const struct un_json_at at = {what, "spec.channels.", object};
    unet_code code = read_numbers(&at, "enc", spec->depth + 1, 2, &spec->channels.enc[0][0], err);
    if (!code)
        code = read_numbers(&at, "dec", spec->depth, 2, &spec->channels.dec[0][0], err);
    if (!code)
        code = read_numbers(&at, "up", spec->depth, 1, spec->channels.up, err);
    return code;
}

static unet_code read_more(const struct un_json_at *at, unet_spec *spec, unet_error *err)
{
    unet_code code = UNET_OK;
    const json_t *channels = NULL;
    for (int i = 0; i < MORE && !code; i++)
        if (json_object_get(at->object, more[i].name))
            code = read_field(at, &more[i], spec, err);
    if (!code && json_object_get(at->object, "norm_epsilon"))
        code = un_json_float(at, "norm_epsilon", &spec->norm_epsilon, err);
    if (code || !json_object_get(at->object, "channels"))
        return code;
    if (spec->depth < 1 || spec->depth > UNET_MAX_DEPTH)
        return UNET_OK; /* un_spec_check() says so */
    code = un_json_field(at, "channels", JSON_OBJECT, &channels, err);
    return code ? code : read_channels(at->what, channels, spec, err);
}

unet_code un_spec_from_json(const char *what, const json_t *object, unet_spec *spec,
                            unet_error *err)
{
    const struct un_json_at at = {what, "spec.", object};
    unet_spec made;
    unet_error why;
    unet_code code = UNET_OK;
    memset(&made, 0, sizeof made);
    for (int i = 0; i < PLAIN && !code; i++)
        code = read_field(&at, &plain[i], &made, err);
    if (code || (code = un_json_float(&at, "leaky_slope", &made.leaky_slope, err)) ||
        (code = un_json_float(&at, "dropout", &made.dropout, err)) ||
        (code = read_more(&at, &made, err)))
        return code;
    if (un_spec_check(&made, &why))
        return un_fail(err, UNET_EFORMAT, "%s: spec.%s", what, why.text);
    *spec = made;
    return UNET_OK;
}

const char *un_spec_word(const char *field, int value)
{
    for (int i = 0; i < PLAIN + MORE; i++) {
        const struct field *f = i < PLAIN ? &plain[i] : &more[i - PLAIN];
        if (!strcmp(f->name, field))
            return value < f->words ? f->word[value] : NULL;
    }
    return NULL;
}
