/* SPDX-License-Identifier: Apache-2.0 */
/* metadata_input.c - what becomes the network's input: scaling, and what a training saw of it */
#include "model/metadata.h"

#include <float.h>
#include <limits.h>
#include <math.h>
#include <string.h>

#include "base/decimal.h"
#include "base/json.h"
#include "image/fill.h"
#include "image/samples.h"

json_t *un_metadata_whole(json_t *list, bool failed)
{
    if (failed)
        json_decref(list);
    return failed ? NULL : list;
}

/* ---- scaling ---- */

/* Entry i is the word for the samples 1 << i. */
static const char *const samples_words[UN_SAMPLE_KINDS] = {"8-bit", "16-bit", "float", "prepared"};

static json_t *write_trained_on(unsigned trained_on)
{
    json_t *list = json_array();
    bool failed = false;
    for (int i = 0; i < UN_SAMPLE_KINDS; i++)
        if (trained_on >> i & 1)
            failed |= json_array_append_new(list, json_string(samples_words[i])) != 0;
    return un_metadata_whole(list, failed);
}

static json_t *write_floats(const float *values, int count)
{
    json_t *list = json_array();
    bool failed = false;
    for (int i = 0; i < count; i++)
        failed |= json_array_append_new(list, un_json_from_float(values[i])) != 0;
    return un_metadata_whole(list, failed);
}

json_t *un_metadata_write_scaling(const struct un_scaling *scaling)
{
    json_t *object =
        json_pack("{s:b, s:o, s:o}", "set", scaling->set, "offset",
                  un_json_from_float(scaling->offset), "scale", un_json_from_float(scaling->scale));
    bool failed = false;
    if (object && scaling->per_image)
        failed |= json_object_set_new(object, "per_image", json_true()) != 0;
    if (object && scaling->apart)
        failed |= json_object_set_new(object, "per_channel", json_true()) != 0;
    if (object && scaling->clips)
        failed |= json_object_set_new(object, "low", un_json_from_float(scaling->low)) != 0 ||
                  json_object_set_new(object, "high", un_json_from_float(scaling->high)) != 0;
    if (object && scaling->centred)
        failed |=
            json_object_set_new(object, "means", write_floats(scaling->means, scaling->centred)) ||
            json_object_set_new(object, "deviations",
                                write_floats(scaling->deviations, scaling->centred));
    if (object && scaling->dim_scale > 0)
        failed |=
            json_object_set_new(object, "dim_offset", un_json_from_float(scaling->dim_offset)) !=
                0 ||
            json_object_set_new(object, "dim_scale", un_json_from_float(scaling->dim_scale)) != 0;
    if (object && scaling->fill.set) {
        char text[UN_DECIMAL_TEXT];
        un_fill_text(scaling->fill, text, sizeof text);
        failed |= json_object_set_new(object, "fill", json_string(text)) != 0;
    }
    if (object && scaling->trained_on)
        failed |= json_object_set_new(object, "trained_on", write_trained_on(scaling->trained_on));
    return un_metadata_whole(object, failed);
}

/* Words that are not known are those of a newer version. */
static unet_code read_trained_on(const struct un_json_at *at, unsigned *trained_on, unet_error *err)
{
    const json_t *list = NULL, *word;
    size_t i;
    unet_code code = un_json_field(at, "trained_on", JSON_ARRAY, &list, err);
    if (code)
        return code;
    json_array_foreach((json_t *)list, i, word)
    {
        for (int k = 0; k < UN_SAMPLE_KINDS; k++)
            if (json_is_string(word) && !strcmp(json_string_value(word), samples_words[k]))
                *trained_on |= 1u << k;
    }
    return UNET_OK;
}

static unet_code read_floats(const struct un_json_at *at, const char *word, float *values,
                             int count, unet_error *err)
{
    const json_t *list;
    unet_code code = un_json_field(at, word, JSON_ARRAY, &list, err);
    if (code)
        return code;
    for (int k = 0; k < count; k++) {
        const json_t *number = json_array_get(list, (size_t)k);
        const double value = json_is_number(number) ? json_number_value(number) : (double)NAN;
        if (!isfinite((float)value))
            return un_fail(err, UNET_EFORMAT, "%s: %s%s has no number %d", at->what, at->prefix,
                           word, k);
        values[k] = (float)value;
    }
    return UNET_OK;
}

/* What channels are centred by. */
static unet_code read_centre(const struct un_json_at *at, struct un_scaling *scaling,
                             unet_error *err)
{
    const size_t means = json_array_size(json_object_get(at->object, "means"));
    const size_t deviations = json_array_size(json_object_get(at->object, "deviations"));
    if (means < 1 || means > UN_READING_CHANNELS || deviations != means)
        return un_fail(err, UNET_EFORMAT,
                       "%s: scaling has %zu means and %zu deviations, wanted as many, 1 to %d",
                       at->what, means, deviations, UN_READING_CHANNELS);
    scaling->centred = (int)means;
    unet_code code = read_floats(at, "means", scaling->means, scaling->centred, err);
    if (!code)
        code = read_floats(at, "deviations", scaling->deviations, scaling->centred, err);
    for (int i = 0; i < scaling->centred && !code; i++)
        if (!(scaling->deviations[i] > 0))
            code = un_fail(err, UNET_EFORMAT, "%s: scaling.deviations[%d] is not above 0", at->what,
                           i);
    return code;
}

unet_code un_metadata_read_scaling(const char *what, const json_t *object,
                                   struct un_scaling *scaling, unet_error *err)
{
    struct un_json_at at = {what, "scaling.", object};
    unet_code code = un_json_bool(&at, "set", &scaling->set, err);
    if (!code)
        code = un_json_float(&at, "offset", &scaling->offset, err);
    if (!code)
        code = un_json_float(&at, "scale", &scaling->scale, err);
    if (!code && scaling->set && !(fabsf(scaling->scale) > 0))
        code = un_fail(err, UNET_EFORMAT, "%s: scaling.scale is 0: all images would be one", what);
    if (!code && json_object_get(object, "per_image"))
        code = un_json_bool(&at, "per_image", &scaling->per_image, err);
    if (!code && json_object_get(object, "per_channel"))
        code = un_json_bool(&at, "per_channel", &scaling->apart, err);
    scaling->clips = json_object_get(object, "low") != NULL;
    if (!code && scaling->clips && !(code = un_json_float(&at, "low", &scaling->low, err)) &&
        !(code = un_json_float(&at, "high", &scaling->high, err)) &&
        !(scaling->low < scaling->high))
        code = un_fail(err, UNET_EFORMAT, "%s: scaling.low is not below scaling.high", what);
    if (!code && json_object_get(object, "dim_scale") &&
        !(code = un_json_float(&at, "dim_offset", &scaling->dim_offset, err)))
        code = un_json_float(&at, "dim_scale", &scaling->dim_scale, err);
    if (!code && json_object_get(object, "means"))
        code = read_centre(&at, scaling, err);
    const json_t *fill = json_object_get(object, "fill");
    if (!code && fill && un_fill_of_text(json_string_value(fill), &scaling->fill, NULL))
        code = un_fail(err, UNET_EFORMAT, "%s: scaling.fill is no number", what);
    if (!code && json_object_get(object, "trained_on"))
        code = read_trained_on(&at, &scaling->trained_on, err);
    return code;
}

/* ---- what a training saw ---- */

/* The numbers of a struct un_seen, as lists: [channels]; from lean on 2, or 3. */
enum { SEEN_LISTS = 2 * UN_VALUES + 4 };
static const char *const seen_words[SEEN_LISTS] = {
    "low_least", "middle_least", "high_least", "low_most", "middle_most",
    "high_most", "widest",       "lean",       "size",     "flat"};

static float *seen_list(struct un_seen *seen, int i, int *count)
{
    *count = i < SEEN_LISTS - 3 ? seen->channels : i == SEEN_LISTS - 2 ? 3 : 2;
    return i < UN_VALUES         ? seen->least[i]
           : i < 2 * UN_VALUES   ? seen->most[i - UN_VALUES]
           : i == SEEN_LISTS - 1 ? seen->flat
           : i == SEEN_LISTS - 2 ? seen->size
           : i == SEEN_LISTS - 3 ? seen->lean
                                 : seen->widest;
}

json_t *un_metadata_write_seen(const struct un_seen *seen)
{
    struct un_seen copy = *seen;
    json_t *object = json_pack("{s:i, s:i}", "images", seen->images, "channels", seen->channels);
    bool failed = !object;
    for (int i = 0; i < SEEN_LISTS && !failed; i++) {
        int count;
        const float *values = seen_list(&copy, i, &count);
        failed |= json_object_set_new(object, seen_words[i], write_floats(values, count)) != 0;
    }
    return un_metadata_whole(object, failed);
}

unet_code un_metadata_read_seen(const char *what, const json_t *object, struct un_seen *seen,
                                unet_error *err)
{
    const struct un_json_at at = {what, "seen.", object};
    struct un_seen made = {.flat = {1, 1}};
    unet_code code = un_json_int(&at, "images", 1, INT_MAX, &made.images, err);
    if (!code)
        code = un_json_int(&at, "channels", 1, UN_VALUES_CHANNELS, &made.channels, err);
    for (int i = 0; i < SEEN_LISTS && !code; i++) {
        int count;
        float *values = seen_list(&made, i, &count);
        if ((values != made.flat && values != made.size) || json_object_get(object, seen_words[i]))
            code = read_floats(&at, seen_words[i], values, count, err);
    }
    if (!code)
        *seen = made;
    return code;
}
