/* SPDX-License-Identifier: Apache-2.0 */
/* Each section has its writer and its reader side by side; fields that are not known are skipped.
 */
#include "model/metadata.h"

#include <limits.h>
#include <stdio.h>
#include <string.h>

#include "base/decimal.h"
#include "base/json.h"
#include "data/masks/coding_json.h"
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
    return un_metadata_whole(list, failed);
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

/* What a file of a version that did not write it was trained on: its scaling is set where there
 * were 16-bit or float samples. */
static unsigned guess_trained_on(const unet_model *model)
{
    if (!model->trained)
        return 0;
    return model->scaling.set ? UN_SAMPLES_U16 | UN_SAMPLES_F32
                              : UN_SAMPLES_U8 | UN_SAMPLES_PREPARED;
}

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
    json_t *root =
        json_pack("{s:i, s:o, s:o, s:o*, s:o, s:b, s:s*, s:o*, s:o, s:o*}", "format",
                  format_of(model), "spec", un_spec_to_json(&model->graph.spec), "scaling",
                  un_metadata_write_scaling(&model->scaling), "seen",
                  model->seen.images ? un_metadata_write_seen(&model->seen) : NULL, "coding",
                  un_coding_to_json(&model->coding), "trained", model->trained, "channels",
                  *model->channels ? model->channels : NULL, "objects", write_objects(model),
                  "classes", write_classes(model), "settings", settings);
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
        (code = un_metadata_read_scaling(what, scaling, &model->scaling, err)) ||
        (code = un_coding_from_json(what, root, labels, &model->coding, err)) ||
        (code = un_json_bool(&at, "trained", &model->trained, err)))
        return code;
    if (model->scaling.centred && model->scaling.centred != spec.in_channels)
        return un_fail(err, UNET_EFORMAT, "%s: scaling has %d means, the network has %d channels",
                       what, model->scaling.centred, spec.in_channels);
    if (json_object_get(root, "channels") && (code = read_channels(&at, model, err)))
        return code;
    if (json_object_get(root, "objects") && (code = read_objects(what, root, model, err)))
        return code;
    if (json_object_get(root, "seen") &&
        ((code = un_json_field(&at, "seen", JSON_OBJECT, &seen, err)) ||
         (code = un_metadata_read_seen(what, seen, &model->seen, err))))
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
