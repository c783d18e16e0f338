/* SPDX-License-Identifier: Apache-2.0 */
/*
 * nnunet.c - plans.json and dataset.json of nnU-Net, second version
 *
 *   plans.json    {"configurations": {"2d": {"inherits_from": "...", "patch_size": [512, 512],
 *                  "spacing": [1, 1], "normalization_schemes": ["ZScoreNormalization"],
 *                  "architecture": {"arch_kwargs": {"nonlin": "torch.nn.LeakyReLU", ...}}}}}
 *   dataset.json  {"channel_names": {"0": "T2"}, "labels": {"background": 0, "tumour": 1}}
 *
 * The configuration is the one that the folder of the results is named after
 * (nnUNetTrainer__nnUNetPlans__2d), or the only one of two dimensions, or "2d".
 */
#include "model/nnunet.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/decimal.h"
#include "base/file.h"
#include "base/hooks.h"
#include "base/json.h"

enum { MOST_HEIRS = 8, MOST_TEXT = 400 };

/* One of the two files. */
struct page {
    char path[MOST_TEXT];
    json_t *root; /* NULL: it is not there */
};

struct work {
    const char *path; /* of the checkpoint */
    const unet_known *known;
    unet_model *model;
    struct page plans, dataset;
    const json_t *configuration;
    const char *name; /* of the configuration */
    unet_error *err;
};

/* ---- the files ---- */

/* The folder of the checkpoint, or the one above. */
static void folder_of(const char *path, bool above, char folder[MOST_TEXT])
{
    const char *slash = strrchr(path, '/');
    const int size = slash ? (int)(slash - path) : 0;
    snprintf(folder, MOST_TEXT, "%.*s%s%s", size < MOST_TEXT - 8 ? size : MOST_TEXT - 8, path,
             slash ? "/" : "./", above ? ".." : "");
}

static unet_code open_page(const struct work *w, const char *name, struct page *page)
{
    char folder[MOST_TEXT];
    for (int above = 0; above < 2; above++) {
        struct un_mapping mapping;
        bool absent = false;
        folder_of(w->path, above, folder);
        unet_code code = un_map_inside(folder, name, &mapping, &absent, w->err);
        if (code)
            return code;
        if (absent)
            continue;
        snprintf(page->path, sizeof page->path, "%.380s%s%s", folder, above ? "/" : "", name);
        code = un_json_parse(page->path, (const char *)mapping.data, mapping.size, &page->root,
                             w->err);
        un_map_release(&mapping);
        return code;
    }
    return UNET_OK;
}

/* ---- the configuration ---- */

/* A field of a configuration, or of the one that it inherits from. */
static const json_t *field(const struct work *w, const json_t *configuration, const char *name)
{
    const json_t *all = json_object_get(w->plans.root, "configurations");
    for (int i = 0; i < MOST_HEIRS && configuration; i++) {
        const json_t *found = json_object_get(configuration, name);
        if (found)
            return found;
        const char *from = json_string_value(json_object_get(configuration, "inherits_from"));
        configuration = from ? json_object_get(all, from) : NULL;
    }
    return NULL;
}

static bool is_flat(const struct work *w, const json_t *configuration)
{
    return json_array_size(field(w, configuration, "patch_size")) == 2;
}

/* Whether the folder of the results, whole as the system knows it, ends with "__NAME". */
static bool is_named_by_folder(const char *folder, const char *name)
{
    const size_t size = strlen(folder), tail = strlen(name);
    return size > tail + 2 && !strcmp(folder + size - tail, name) &&
           !memcmp(folder + size - tail - 2, "__", 2);
}

static unet_code find_configuration(struct work *w)
{
    const json_t *all = json_object_get(w->plans.root, "configurations");
    char folder[MOST_TEXT], *whole;
    const char *name;
    json_t *value;
    int count = 0;
    bool settled = false;
    folder_of(w->plans.path, false, folder);
    whole = realpath(folder, NULL);
    json_object_foreach((json_t *)all, name, value)
    {
        if (!is_flat(w, value) || settled)
            continue;
        count++;
        settled = whole && is_named_by_folder(whole, name);
        if (settled || !w->configuration || !strcmp(name, "2d")) {
            w->configuration = value;
            w->name = name;
        }
    }
    free(whole);
    if (!w->configuration)
        return un_fail(w->err, UNET_EFORMAT,
                       "%s: has no configuration with patches of two dimensions, which the network "
                       "has",
                       w->plans.path);
    if (count > 1 && !settled)
        un_note(w->known->log, UNET_NOTE,
                "%s: has %d configurations of two dimensions; taken: %s (a folder that ends with "
                "__NAME tells which)",
                w->plans.path, count, w->name);
    return UNET_OK;
}

/* ---- what the network is ---- */

static bool ends_with(const char *text, const char *end)
{
    const size_t size = strlen(text), tail = strlen(end);
    return size >= tail && !strcmp(text + size - tail, end);
}

/* What the arrays do not tell must be as it was taken to be. */
static unet_code check_architecture(const struct work *w)
{
    const json_t *architecture = field(w, w->configuration, "architecture");
    const json_t *given = json_object_get(architecture, "arch_kwargs");
    const unet_spec *spec = &w->model->graph.spec;
    const char *act = json_string_value(json_object_get(given, "nonlin"));
    const json_t *slope =
        json_object_get(json_object_get(given, "nonlin_kwargs"), "negative_slope");
    const json_t *epsilon = json_object_get(json_object_get(given, "norm_op_kwargs"), "eps");
    const float wanted = slope ? (float)json_number_value(slope) : 0.01f;
    if (act && !ends_with(act, spec->act == UNET_ACT_LEAKY_RELU ? ".LeakyReLU" : ".ReLU"))
        return un_fail(w->err, UNET_EFORMAT,
                       "%s: nonlin is %.80s, the network was taken to have %s: say which it has",
                       w->plans.path, act, spec->act ? "LeakyReLU" : "ReLU");
    if (act && spec->act == UNET_ACT_LEAKY_RELU && spec->leaky_slope != wanted)
        return un_fail(w->err, UNET_EFORMAT,
                       "%s: negative_slope is %g, the network was taken to have %g: say which it "
                       "has",
                       w->plans.path, (double)wanted, (double)spec->leaky_slope);
    if (epsilon && (float)json_number_value(epsilon) != un_spec_epsilon(spec))
        return un_fail(w->err, UNET_EFORMAT,
                       "%s: eps is %g, the network was taken to have %g: say which it has",
                       w->plans.path, json_number_value(epsilon), (double)un_spec_epsilon(spec));
    return UNET_OK;
}

/* ---- how images become input ---- */

/* (sample - offset) * scale of all samples. */
static void scale_by(struct un_scaling *scaling, float offset, float scale)
{
    scaling->set = true;
    scaling->offset = scaling->dim_offset = offset;
    scaling->scale = scaling->dim_scale = scale;
}

static unet_code refuse_scheme(const struct work *w, const char *scheme, const char *does)
{
    return un_fail_hint(w->err, UNET_EFORMAT, UNET_HINT_STANDARDIZE,
                        "%s: %.80s %s, which unet does not do", w->plans.path, scheme, does);
}

/* A number that the plan keeps of the training's foreground in the first channel. */
static unet_code property(const struct work *w, const char *name, float *value)
{
    const json_t *all =
        json_object_get(w->plans.root, "foreground_intensity_properties_per_channel");
    const json_t *found = json_object_get(json_object_get(all, "0"), name);
    const double number = json_number_value(found);
    if (!json_is_number(found) || !(fabs(number) <= 1e30))
        return un_fail(w->err, UNET_EFORMAT,
                       "%s: foreground_intensity_properties_per_channel has no %s of channel 0, "
                       "which CTNormalization wants",
                       w->plans.path, name);
    *value = (float)number;
    return UNET_OK;
}

/* Held to two percentiles, then less the mean and by the deviation, all of the training's. */
static unet_code take_limits(const struct work *w, const char *scheme)
{
    struct un_scaling *scaling = &w->model->scaling;
    float mean = 0, deviation = 1;
    unet_code code;
    if (w->model->graph.spec.in_channels > 1)
        return refuse_scheme(w, scheme, "has limits of its own for each of several channels");
    if ((code = property(w, "percentile_00_5", &scaling->low)) ||
        (code = property(w, "percentile_99_5", &scaling->high)) ||
        (code = property(w, "mean", &mean)) || (code = property(w, "std", &deviation)))
        return code;
    if (scaling->low > scaling->high || deviation < 0)
        return un_fail(w->err, UNET_EFORMAT,
                       "%s: percentile_00_5 is above percentile_99_5, or std "
                       "below 0",
                       w->plans.path);
    scaling->clips = true;
    scale_by(scaling, mean, 1 / (deviation > 1e-8f ? deviation : 1e-8f));
    return UNET_OK;
}

static unet_code take_scheme(const struct work *w, const char *scheme)
{
    struct un_scaling *scaling = &w->model->scaling;
    const int channels = w->model->graph.spec.in_channels;
    if (!strcmp(scheme, "ZScoreNormalization")) {
        scaling->per_image = true;
        scaling->apart = channels > 1;
    } else if (!strcmp(scheme, "RGBTo01Normalization")) {
        scale_by(scaling, 0, 1 / 255.f);
    } else if (!strcmp(scheme, "NoNormalization")) {
        scale_by(scaling, 0, 1);
    } else if (!strcmp(scheme, "CTNormalization")) {
        return take_limits(w, scheme);
    } else if (!strcmp(scheme, "RescaleTo01Normalization")) {
        return refuse_scheme(w, scheme, "takes the range of each image by itself");
    } else {
        return refuse_scheme(w, scheme, "is a way of its own");
    }
    return UNET_OK;
}

static unet_code take_normalisation(const struct work *w)
{
    const json_t *schemes = field(w, w->configuration, "normalization_schemes");
    const json_t *masks = field(w, w->configuration, "use_mask_for_norm");
    const int channels = w->model->graph.spec.in_channels;
    const char *first = json_string_value(json_array_get(schemes, 0));
    if (json_array_size(schemes) != (size_t)channels || !first)
        return un_fail(w->err, UNET_EFORMAT,
                       "%s: configuration %.80s has %zu normalization_schemes, the network has %d "
                       "channel%s",
                       w->plans.path, w->name, json_array_size(schemes), channels,
                       channels > 1 ? "s" : "");
    for (size_t i = 1; i < json_array_size(schemes); i++) {
        const char *other = json_string_value(json_array_get(schemes, i));
        if (!other || strcmp(first, other))
            return refuse_scheme(w, other ? other : "a scheme",
                                 "is of one channel, and others have another");
    }
    if (w->known->standardize > 0 || w->known->mean)
        return UNET_OK; /* who says so knows better */
    unet_code code = take_scheme(w, first);
    if (!code && json_is_true(json_array_get(masks, 0)))
        un_note(w->known->log, UNET_WARNING,
                "%s: use_mask_for_norm: nnU-Net takes mean and variance of what is not zero in an "
                "image; unet takes those of all of it, and answers may differ",
                w->plans.path);
    return code;
}

/* Numbers of a list as "512 x 512". */
static const char *sides_text(const json_t *list, char text[64])
{
    un_decimal_format(text, 64, "%g x %g", json_number_value(json_array_get(list, 0)),
                      json_number_value(json_array_get(list, 1)));
    return text;
}

static void tell_sizes(const struct work *w)
{
    const json_t *spacing = field(w, w->configuration, "spacing");
    const size_t dims = json_array_size(spacing);
    char patch[64], pixel[64];
    un_note(w->known->log, UNET_NOTE,
            "%s: trained by patches of %s pixels; a tile of that side gives what nnU-Net sees at "
            "once",
            w->plans.path, sides_text(field(w, w->configuration, "patch_size"), patch));
    if (dims == 2)
        un_note(w->known->log, UNET_NOTE,
                "%s: trained on pixels of %s (nnU-Net brings images to that, unet takes them as "
                "they are)",
                w->plans.path, sides_text(spacing, pixel));
}

/* ---- what the classes are ---- */

static unet_code name_class(const struct work *w, const char *name, int label)
{
    unet_error why;
    if (un_model_set_class(w->model, label, name, NULL, &why))
        return un_fail(w->err, UNET_EFORMAT, "%s: label %.80s: %.200s", w->dataset.path, name,
                       why.text);
    return UNET_OK;
}

static unet_code take_classes(const struct work *w)
{
    const json_t *labels = json_object_get(w->dataset.root, "labels");
    const int classes = w->model->graph.spec.classes;
    int found = 0;
    const char *name;
    json_t *value;
    json_object_foreach((json_t *)labels, name, value)
    {
        if (json_is_array(value))
            return un_fail(w->err, UNET_EFORMAT,
                           "%s: label %.80s is a region of several values: each of the network's "
                           "outputs is a yes or no of its own, and unet's classes exclude each "
                           "other",
                           w->dataset.path, name);
        if (!strcmp(name, "ignore"))
            continue;
        if (!json_is_integer(value) || json_integer_value(value) < 0 ||
            json_integer_value(value) >= classes)
            return un_fail(w->err, UNET_EFORMAT,
                           "%s: label %.80s is not one of the network's %d outputs, 0 to %d",
                           w->dataset.path, name, classes, classes - 1);
        unet_code code = name_class(w, name, (int)json_integer_value(value));
        if (code)
            return code;
        found++;
    }
    if (found != classes)
        return un_fail(w->err, UNET_EFORMAT, "%s: has %d labels, the network has %d outputs",
                       w->dataset.path, found, classes);
    return UNET_OK;
}

/* ---- all of it ---- */

static unet_code take_plans(struct work *w)
{
    unet_code code;
    if (!w->plans.root && (w->known->standardize > 0 || w->known->mean))
        return UNET_OK;
    if (!w->plans.root) {
        const bool one = w->model->graph.spec.in_channels == 1;
        un_note(w->known->log, UNET_WARNING,
                "%s: no plans.json beside it or in the folder above, so its normalisation is not "
                "known; taken: %s",
                w->path, one ? "mean 0 and variance 1 of each image" : "samples / 255");
        w->model->scaling.per_image |= one;
        return UNET_OK;
    }
    if ((code = find_configuration(w)) || (code = check_architecture(w)) ||
        (code = take_normalisation(w)))
        return code;
    tell_sizes(w);
    return UNET_OK;
}

unet_code un_nnunet_apply(const char *path, const unet_known *known, unet_model *model,
                          unet_error *err)
{
    struct work w = {.path = path, .known = known, .model = model, .err = err};
    unet_code code = open_page(&w, "plans.json", &w.plans);
    if (!code)
        code = open_page(&w, "dataset.json", &w.dataset);
    if (!code)
        code = take_plans(&w);
    if (!code && w.dataset.root)
        code = take_classes(&w);
    json_decref(w.plans.root);
    json_decref(w.dataset.root);
    return code;
}
