/* SPDX-License-Identifier: Apache-2.0 */
#include "net/spec_json.h"

#include <limits.h>
#include <math.h>
#include <string.h>

#include "base/field_json.h"
#include "net/graph.h"

/* ---- writing ---- */

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

/* The levels of a spec whose channels can be set. */
static int set_depth(const unet_spec *spec)
{
    return spec->depth < UNET_SET_DEPTH ? spec->depth : UNET_SET_DEPTH;
}

static json_t *write_channels(const unet_spec *spec)
{
    const unet_channels *c = &spec->channels;
    const int depth = set_depth(spec);
    json_t *up = json_array();
    for (int i = 0; i < depth; i++)
        json_array_append_new(up, json_integer(c->up[i]));
    return json_pack("{s:o, s:o, s:o}", "enc", pair_list(c->enc, depth + 1), "dec",
                     pair_list(c->dec, depth), "up", up);
}

static json_t *write_blocks(const unet_spec *spec)
{
    json_t *list = json_array();
    for (int d = 0; d <= spec->depth; d++)
        json_array_append_new(list, json_integer(spec->blocks[d]));
    return list;
}

static bool blocks_set(const unet_spec *spec)
{
    bool set = false;
    for (int d = 0; d <= spec->depth; d++)
        set |= spec->blocks[d] != 0;
    return set;
}

int un_spec_is_plain(const unet_spec *spec)
{
    bool found = spec->norm > UNET_NORM_BATCH || spec->up > UNET_UP_BILINEAR ||
                 channels_set(&spec->channels) || blocks_set(spec);
    for (int i = 0; i < un_spec_fields.count; i++)
        found |= un_spec_fields.rows[i].how & UN_FIELD_SPARSE &&
                 !un_field_is_zero(spec, &un_spec_fields.rows[i]);
    return !found;
}

json_t *un_spec_to_json(const unet_spec *spec)
{
    /* a slope that is not used may be anything, even what JSON has no word for */
    unet_spec said = *spec;
    if (!isfinite(said.leaky_slope))
        said.leaky_slope = 0;
    json_t *object = json_object();
    int failed = !object;
    for (int i = 0; i < un_spec_fields.count; i++) {
        const struct un_field *field = &un_spec_fields.rows[i];
        if (!(field->how & UN_FIELD_SPARSE) || !un_field_is_zero(&said, field))
            failed |= json_object_set_new(object, field->open.name, un_field_to_json(&said, field));
    }
    if (channels_set(&spec->channels))
        failed |= json_object_set_new(object, "channels", write_channels(spec));
    if (blocks_set(spec))
        failed |= json_object_set_new(object, "blocks", write_blocks(spec));
    if (!failed)
        return object;
    json_decref(object);
    return NULL;
}

/* ---- reading ---- */

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
    const int depth = set_depth(spec);
    unet_code code = read_numbers(&at, "enc", depth + 1, 2, &spec->channels.enc[0][0], err);
    if (!code)
        code = read_numbers(&at, "dec", depth, 2, &spec->channels.dec[0][0], err);
    if (!code)
        code = read_numbers(&at, "up", depth, 1, spec->channels.up, err);
    return code;
}

unet_code un_spec_from_json(const char *what, const json_t *object, unet_spec *spec,
                            unet_error *err)
{
    const struct un_json_at at = {what, "spec.", object};
    const json_t *channels = NULL;
    unet_spec made;
    unet_error why;
    unet_code code = UNET_OK;
    memset(&made, 0, sizeof made);
    for (int i = 0; i < un_spec_fields.count && !code; i++) {
        const struct un_field *field = &un_spec_fields.rows[i];
        if (!(field->how & UN_FIELD_SPARSE) || json_object_get(object, field->open.name))
            code = un_field_from_json(&at, field, &made, err);
    }
    /* (a depth that is out of range is left to un_spec_check()) */
    if (!code && made.depth >= 1 && made.depth <= UNET_MAX_DEPTH &&
        json_object_get(object, "channels")) {
        code = un_json_field(&at, "channels", JSON_OBJECT, &channels, err);
        code = code ? code : read_channels(what, channels, &made, err);
    }
    if (!code && made.depth >= 1 && made.depth <= UNET_MAX_DEPTH &&
        json_object_get(object, "blocks"))
        code = read_numbers(&at, "blocks", made.depth + 1, 1, made.blocks, err);
    if (code)
        return code;
    if (un_spec_check(&made, &why))
        return un_fail(err, UNET_EFORMAT, "%s: spec.%s", what, why.text);
    *spec = made;
    return UNET_OK;
}
