/* SPDX-License-Identifier: Apache-2.0 */
/* Each section has its writer and its reader side by side; fields that are not known are skipped.
 */
#include "model/model.h"

#include <float.h>
#include <limits.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/decimal.h"
#include "base/json.h"
#include "data/masks/coding_json.h"
#include "image/fill.h"
#include "image/samples.h"
#include "net/spec_json.h"

/* 1: a plain network; 2: also the fields that describe networks from elsewhere; 3: also codings
 * that are more than a list of values; 4: also samples that are no data, and dim 8-bit ones; 5:
 * also rims of objects; 6: also strided convolutions, a width that ends, depths of 7 and 8, and
 * channels that are scaled apart, and limits of samples; 7: also norms before convolutions, and
 * norms without scale and shift; 8: also residual blocks; 9: also ResNets, channels that are
 * centred, and MONAI's UNet */
enum {
    FORMAT_PLAIN = 1,
    FORMAT_SPEC = 2,
    FORMAT_CODING = 3,
    FORMAT_FILL = 4,
    FORMAT_RIMS = 5,
    FORMAT_LEVELS = 6,
    FORMAT_NORMS = 7,
    FORMAT_RESIDUAL = 8,
    FORMAT = 9
};

/* A list that lacks an entry for want of memory must not be written. */
static json_t *unless_failed(json_t *list, bool failed)
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
    return unless_failed(list, failed);
}

static json_t *write_floats(const float *values, int count)
{
    json_t *list = json_array();
    bool failed = false;
    for (int i = 0; i < count; i++)
        failed |= json_array_append_new(list, un_json_from_float(values[i])) != 0;
    return unless_failed(list, failed);
}

static json_t *write_scaling(const struct un_scaling *scaling)
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
    return unless_failed(object, failed);
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

/* A number for each of at most UN_READING_CHANNELS channels. */
static unet_code read_floats(const struct un_json_at *at, const char *name, float *values,
                             int *count, unet_error *err)
{
    const json_t *list = NULL;
    unet_code code = un_json_field(at, name, JSON_ARRAY, &list, err);
    *count = code ? 0 : (int)json_array_size(list);
    if (!code && (json_array_size(list) < 1 || json_array_size(list) > UN_READING_CHANNELS))
        code = un_fail(err, UNET_EFORMAT, "%s: %s%s has %zu entries, wanted 1 to %d", at->what,
                       at->prefix, name, json_array_size(list), UN_READING_CHANNELS);
    for (int i = 0; i < *count && !code; i++) {
        values[i] = (float)json_number_value(json_array_get(list, (size_t)i));
        if (!json_is_number(json_array_get(list, (size_t)i)) || !isfinite(values[i]))
            code = un_fail(err, UNET_EFORMAT, "%s: %s%s[%d] is no number", at->what, at->prefix,
                           name, i);
    }
    return code;
}

/* What channels are centred by. */
static unet_code read_centre(const struct un_json_at *at, struct un_scaling *scaling,
                             unet_error *err)
{
    int deviations = 0;
    unet_code code = read_floats(at, "means", scaling->means, &scaling->centred, err);
    if (!code)
        code = read_floats(at, "deviations", scaling->deviations, &deviations, err);
    if (!code && deviations != scaling->centred)
        code = un_fail(err, UNET_EFORMAT, "%s: scaling has %d means and %d deviations", at->what,
                       scaling->centred, deviations);
    for (int i = 0; i < deviations && !code; i++)
        if (!(scaling->deviations[i] > 0))
            code = un_fail(err, UNET_EFORMAT, "%s: scaling.deviations[%d] is not above 0", at->what,
                           i);
    return code;
}

static unet_code read_scaling(const char *what, const json_t *object, struct un_scaling *scaling,
                              unet_error *err)
{
    struct un_json_at at = {what, "scaling.", object};
    unet_code code = un_json_bool(&at, "set", &scaling->set, err);
    if (!code)
        code = un_json_float(&at, "offset", &scaling->offset, err);
    if (!code)
        code = un_json_float(&at, "scale", &scaling->scale, err);
    if (!code && json_object_get(object, "per_image"))
        code = un_json_bool(&at, "per_image", &scaling->per_image, err);
    if (!code && json_object_get(object, "per_channel"))
        code = un_json_bool(&at, "per_channel", &scaling->apart, err);
    scaling->clips = json_object_get(object, "low") != NULL;
    if (!code && scaling->clips && !(code = un_json_float(&at, "low", &scaling->low, err)) &&
        !(code = un_json_float(&at, "high", &scaling->high, err)) && scaling->low > scaling->high)
        code = un_fail(err, UNET_EFORMAT, "%s: scaling.low is above scaling.high", what);
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

/* What a file of a version that did not write it was trained on: its scaling is set where there
 * were 16-bit or float samples. */
static unsigned guess_trained_on(const unet_model *model)
{
    if (!model->trained)
        return 0;
    return model->scaling.set ? UN_SAMPLES_U16 | UN_SAMPLES_F32
                              : UN_SAMPLES_U8 | UN_SAMPLES_PREPARED;
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

static json_t *write_seen(const struct un_seen *seen)
{
    struct un_seen copy = *seen;
    json_t *object = json_pack("{s:i, s:i}", "images", seen->images, "channels", seen->channels);
    bool failed = !object;
    for (int i = 0; i < SEEN_LISTS && !failed; i++) {
        int count;
        const float *values = seen_list(&copy, i, &count);
        json_t *list = json_array();
        for (int k = 0; k < count; k++)
            failed |= json_array_append_new(list, un_json_from_float(values[k])) != 0;
        failed |= json_object_set_new(object, seen_words[i], list) != 0;
    }
    return unless_failed(object, failed);
}

static unet_code read_seen_list(const struct un_json_at *at, const char *word, float *values,
                                int count, unet_error *err)
{
    const json_t *list;
    unet_code code = un_json_field(at, word, JSON_ARRAY, &list, err);
    if (code)
        return code;
    for (int k = 0; k < count; k++) {
        const json_t *number = json_array_get(list, (size_t)k);
        const double value = json_is_number(number) ? json_number_value(number) : (double)NAN;
        if (!(fabs(value) <= (double)FLT_MAX))
            return un_fail(err, UNET_EFORMAT, "%s: %s%s has no number %d", at->what, at->prefix,
                           word, k);
        values[k] = (float)value;
    }
    return UNET_OK;
}

static unet_code read_seen(const char *what, const json_t *object, struct un_seen *seen,
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
            code = read_seen_list(&at, seen_words[i], values, count, err);
    }
    if (!code)
        *seen = made;
    return code;
}

/* ---- classes ---- */

static json_t *write_classes(const unet_model *model)
{
    json_t *list = json_array();
    bool failed = false;
    for (int i = 0; i < un_model_labels(model); i++) {
        uint8_t rgb[3];
        char color[8];
        const char *name = un_model_class(model, i, rgb);
        snprintf(color, sizeof color, "#%02x%02x%02x", rgb[0], rgb[1], rgb[2]);
        json_t *entry = json_pack("{s:s, s:s}", "name", name, "color", color);
        failed |= json_array_append_new(list, entry) != 0;
    }
    return unless_failed(list, failed);
}

/* "#e69f00" */
static bool parse_color(const char *text, uint8_t rgb[3])
{
    if (strlen(text) != 7 || text[0] != '#' || strspn(text + 1, "0123456789abcdefABCDEF") != 6)
        return false;
    unsigned r, g, b;
    sscanf(text + 1, "%2x%2x%2x", &r, &g, &b);
    rgb[0] = (uint8_t)r;
    rgb[1] = (uint8_t)g;
    rgb[2] = (uint8_t)b;
    return true;
}

static unet_code read_class(const char *what, const json_t *object, int label, unet_model *model,
                            unet_error *err)
{
    char prefix[24];
    snprintf(prefix, sizeof prefix, "classes[%d].", label);
    if (!json_is_object(object))
        return un_fail(err, UNET_EFORMAT, "%s: classes[%d] is not an object", what, label);
    struct un_json_at at = {what, prefix, object};
    const json_t *name = NULL, *color = NULL;
    unet_code code = un_json_field(&at, "name", JSON_STRING, &name, err);
    if (!code)
        code = un_json_field(&at, "color", JSON_STRING, &color, err);
    if (code)
        return code;
    uint8_t rgb[3];
    if (!parse_color(json_string_value(color), rgb))
        return un_fail(err, UNET_EFORMAT, "%s: %scolor is \"%.20s\", wanted \"#rrggbb\"", what,
                       prefix, json_string_value(color));
    unet_error why;
    if (un_model_set_class(model, label, json_string_value(name), rgb, &why))
        return un_fail(err, UNET_EFORMAT, "%s: classes[%d]: %.200s", what, label, why.text);
    return UNET_OK;
}

static unet_code read_classes(const char *what, const json_t *list, unet_model *model,
                              unet_error *err)
{
    int labels = un_model_labels(model);
    if (json_array_size(list) != (size_t)labels)
        return un_fail(err, UNET_EFORMAT, "%s: classes has %zu entries, the network has %d", what,
                       json_array_size(list), labels);
    unet_code code = UNET_OK;
    for (int i = 0; i < labels && !code; i++)
        code = read_class(what, json_array_get(list, (size_t)i), i, model, err);
    return code;
}

/* ---- channels ---- */

static unet_code read_channels(const struct un_json_at *at, unet_model *model, unet_error *err)
{
    const json_t *text = NULL;
    struct un_channels channels;
    unet_error why;
    unet_code code = un_json_field(at, "channels", JSON_STRING, &text, err);
    if (!code && un_channels_parse(json_string_value(text), &channels, &why))
        return un_fail(err, UNET_EFORMAT, "%s: %.200s", at->what, why.text);
    if (!code)
        un_channels_text(&channels, model->channels, sizeof model->channels);
    return code;
}

/* ---- objects ---- */

static json_t *write_objects(const unet_model *model)
{
    return model->smallest_object ? json_pack("{s:i}", "smallest", model->smallest_object) : NULL;
}

static unet_code read_objects(const char *what, const json_t *root, unet_model *model,
                              unet_error *err)
{
    const struct un_json_at at = {what, "", root};
    const json_t *objects;
    unet_code code = un_json_field(&at, "objects", JSON_OBJECT, &objects, err);
    const struct un_json_at inside = {what, "objects.", code ? NULL : objects};
    return code ? code : un_json_int(&inside, "smallest", 1, INT_MAX, &model->smallest_object, err);
}

/* ---- settings: any object, kept as text ---- */

static unet_code read_settings(const char *what, const json_t *root, unet_model *model,
                               unet_error *err)
{
    const json_t *settings = NULL;
    if (!json_object_get(root, "settings")) /* never trained */
        return UNET_OK;
    struct un_json_at at = {what, "", root};
    unet_code code = un_json_field(&at, "settings", JSON_OBJECT, &settings, err);
    if (code)
        return code;
    model->settings = un_json_text(settings);
    return model->settings ? UNET_OK : un_fail(err, UNET_ENOMEM, "%s: not enough memory", what);
}

/* ---- all of it ---- */

static bool is_plain(const unet_model *model)
{
    return un_spec_is_plain(&model->graph.spec) && !model->scaling.per_image;
}

/* The oldest that says all of it. */
static int format_of(const unet_model *model)
{
    const unet_spec *spec = &model->graph.spec;
    const bool limits = model->scaling.apart || model->scaling.clips;
    return un_spec_is_resnet(spec) || spec->family || model->scaling.centred      ? FORMAT
           : spec->residual                                                       ? FORMAT_RESIDUAL
           : spec->norm_order == UNET_BEFORE_CONV || spec->norm_plain             ? FORMAT_NORMS
           : spec->down || spec->widest || spec->depth > UNET_SET_DEPTH || limits ? FORMAT_LEVELS
           : spec->rims                                                           ? FORMAT_RIMS
           : model->scaling.fill.set || model->scaling.dim_scale > 0              ? FORMAT_FILL
           : !un_coding_is_list(&model->coding)                                   ? FORMAT_CODING
           : is_plain(model)                                                      ? FORMAT_PLAIN
                                                                                  : FORMAT_SPEC;
}

char *un_metadata_text(const unet_model *model)
{
    struct un_plain plain = un_plain_begin();
    json_t *settings = model->settings ? json_loads(model->settings, 0, NULL) : NULL;
    un_plain_end(plain);
    json_t *root = json_pack(
        "{s:i, s:o, s:o, s:o*, s:o, s:b, s:s*, s:o*, s:o, s:o*}", "format", format_of(model),
        "spec", un_spec_to_json(&model->graph.spec), "scaling", write_scaling(&model->scaling),
        "seen", model->seen.images ? write_seen(&model->seen) : NULL, "coding",
        un_coding_to_json(&model->coding), "trained", model->trained, "channels",
        *model->channels ? model->channels : NULL, "objects", write_objects(model), "classes",
        write_classes(model), "settings", settings);
    char *text = root && !model->settings == !settings ? un_json_text(root) : NULL;
    json_decref(root);
    return text;
}

static unet_code read_root(const char *what, const json_t *root, unet_model *model, unet_error *err)
{
    struct un_json_at at = {what, "", root};
    const json_t *spec_object = NULL, *scaling = NULL, *seen = NULL, *classes = NULL;
    unet_spec spec = {0};
    int format;
    unet_code code = un_json_int(&at, "format", 1, INT_MAX, &format, err);
    if (!code && format > FORMAT)
        code =
            un_fail(err, UNET_EFORMAT,
                    "%s: format is %d, this version of unet reads up to %d; a newer one wrote it",
                    what, format, FORMAT);
    if (code || (code = un_json_field(&at, "spec", JSON_OBJECT, &spec_object, err)) ||
        (code = un_spec_from_json(what, spec_object, &spec, err)))
        return code;
    un_model_prepare(model, &spec);
    int labels = un_model_labels(model);
    if ((code = un_json_field(&at, "scaling", JSON_OBJECT, &scaling, err)) ||
        (code = read_scaling(what, scaling, &model->scaling, err)) ||
        (code = un_coding_from_json(what, root, labels, &model->coding, err)) ||
        (code = un_json_bool(&at, "trained", &model->trained, err)))
        return code;
    if (json_object_get(root, "channels") && (code = read_channels(&at, model, err)))
        return code;
    if (json_object_get(root, "objects") && (code = read_objects(what, root, model, err)))
        return code;
    if (json_object_get(root, "seen") &&
        ((code = un_json_field(&at, "seen", JSON_OBJECT, &seen, err)) ||
         (code = read_seen(what, seen, &model->seen, err))))
        return code;
    if (!model->scaling.trained_on)
        model->scaling.trained_on = guess_trained_on(model);
    if ((code = un_json_field(&at, "classes", JSON_ARRAY, &classes, err)) ||
        (code = read_classes(what, classes, model, err)))
        return code;
    return read_settings(what, root, model, err);
}

unet_code un_metadata_parse(const char *path, const char *text, unet_model *model, unet_error *err)
{
    char what[sizeof err->text];
    snprintf(what, sizeof what, "%.400s: unet metadata", path);
    json_t *root;
    unet_code code = un_json_parse(what, text, strlen(text), &root, err);
    if (code)
        return code;
    code = read_root(what, root, model, err);
    json_decref(root);
    return code;
}
