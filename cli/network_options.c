/* SPDX-License-Identifier: Apache-2.0 */
/* network_options.c - the options that describe a network */
#include "network_options.h"

#include <stdio.h>
#include <string.h>

const char *const padding_words[] = {"valid", "same", NULL};
const char *const norm_words[] = {"none", "batch", NULL};
const char *const up_words[] = {"transpose", "bilinear", NULL};
const char *const act_words[] = {"relu", "leaky-relu", NULL};

#define AT(field) offsetof(struct network_settings, field)

const struct option_row network_options[] = {
    OPT_INT("in-channels", AT(in_channels), 1, 64, "N", NULL),
    OPT_INT("classes", AT(classes), 1, UNET_MAX_CLASSES, "K", "1 class: one logit and a sigmoid"),
    OPT_INT("width", AT(width), 1, 1024, "N", NULL),
    OPT_INT("depth", AT(depth), 1, 6, "N", "channels of the first level; poolings"),
    OPT_CHOICE("padding", AT(padding), padding_words, "valid: as in the paper, output smaller"),
    OPT_CHOICE("norm", AT(norm), norm_words, "after each 3x3 convolution"),
    OPT_CHOICE("up", AT(up), up_words, "how the way up doubles the size"),
    OPT_CHOICE("act", AT(act), act_words, NULL),
    OPT_FLOAT("leaky-slope", AT(leaky_slope), 1e-6, 0.999, "X",
              "activation; its slope below 0 [0.1]"),
    OPT_FLOAT("dropout", AT(dropout), 0, 0.99, "P", "rate at the two deepest levels [0]"),
    OPT_STRING("class-names", AT(class_names), "A,B,...", "kept in the file: background,cell"),
    OPT_END,
};

unet_spec network_spec(const struct network_settings *settings, unet_spec base)
{
    if (settings->in_channels >= 0)
        base.in_channels = settings->in_channels;
    if (settings->classes >= 0)
        base.classes = settings->classes;
    if (settings->width >= 0)
        base.width = settings->width;
    if (settings->depth >= 0)
        base.depth = settings->depth;
    if (settings->padding >= 0)
        base.padding = (unet_padding)settings->padding;
    if (settings->norm >= 0)
        base.norm = (unet_norm)settings->norm;
    if (settings->up >= 0)
        base.up = (unet_up)settings->up;
    if (settings->act >= 0)
        base.act = (unet_act)settings->act;
    if (base.act == UNET_ACT_LEAKY_RELU && base.leaky_slope <= 0)
        base.leaky_slope = 0.1f;
    if (settings->leaky_slope >= 0)
        base.leaky_slope = (float)settings->leaky_slope;
    if (settings->dropout >= 0)
        base.dropout = (float)settings->dropout;
    return base;
}

const char *network_given(const struct network_settings *settings)
{
    const struct {
        const char *name;
        int given;
    } rows[] = {
        {"in-channels", settings->in_channels >= 0},
        {"classes", settings->classes >= 0},
        {"width", settings->width >= 0},
        {"depth", settings->depth >= 0},
        {"padding", settings->padding >= 0},
        {"norm", settings->norm >= 0},
        {"up", settings->up >= 0},
        {"act", settings->act >= 0},
        {"leaky-slope", settings->leaky_slope >= 0},
        {"dropout", settings->dropout >= 0},
    };

    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
        if (rows[i].given)
            return rows[i].name;
    return NULL;
}

unet_code network_name_classes(const struct network_settings *settings, unet_model *model,
                               unet_error *err)
{
    const char *at = settings->class_names;
    unet_code code;

    for (int label = 0; at; label++) {
        size_t length = strcspn(at, ",");
        char name[256];

        snprintf(name, sizeof(name), "%.*s", (int)(length < 255 ? length : 255), at);
        if ((code = unet_model_set_class(model, label, name, NULL, err)))
            return code;
        at = at[length] ? at + length + 1 : NULL;
    }
    return UNET_OK;
}

void network_describe(const unet_spec *spec, char *text, size_t size)
{
    int used = snprintf(text, size,
                        "%d channel%s -> %d class%s, width %d, depth %d, padding %s, norm %s, "
                        "up %s, %s",
                        spec->in_channels, spec->in_channels == 1 ? "" : "s", spec->classes,
                        spec->classes == 1 ? "" : "es", spec->width, spec->depth,
                        padding_words[spec->padding], norm_words[spec->norm], up_words[spec->up],
                        act_words[spec->act]);

    if (spec->act == UNET_ACT_LEAKY_RELU && used < (int)size)
        used += snprintf(text + used, size - (size_t)used, " %g", (double)spec->leaky_slope);
    if (spec->dropout > 0 && used < (int)size)
        snprintf(text + used, size - (size_t)used, ", dropout %g", (double)spec->dropout);
}
