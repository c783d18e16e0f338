/* SPDX-License-Identifier: Apache-2.0 */
/* network_options.c - the options that describe a network */
#include "shared/network_options.h"
#include "shared/progress.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

const char *const padding_words[] = {"valid", "same", NULL};
const char *const norm_words[] = {"none", "batch", "instance", "group", NULL};
const char *const up_words[] = {"transpose", "bilinear", "nearest", NULL};
const char *const act_words[] = {"relu", "leaky-relu", NULL};
static const char *const order_words[] = {"norm-first", "act-first", NULL};
static const char *const bias_words[] = {"unless-norm", "always", "never", NULL};
static const char *const concat_words[] = {"up-skip", "skip-up", NULL};
static const char *const up_conv_words[] = {"conv1x1", "conv3x3", "none", NULL};
static const char *const yes_words[] = {"no", "yes", NULL};

#define AT(field) offsetof(struct network_settings, field)
#define FIELD(i) offsetof(struct network_settings, field[i])

/* What names and shapes of arrays do not tell of a network. */
const struct option_row network_untold_options[] = {
    OPT_CHOICE("padding", FIELD(NETWORK_PADDING), padding_words,
               "valid: as in the paper, output smaller"),
    OPT_CHOICE("norm", FIELD(NETWORK_NORM), norm_words, NULL),
    OPT_INT("groups", FIELD(NETWORK_GROUPS), 1, 65536, "N",
            "after each 3x3 convolution; of group norm"),
    OPT_CHOICE("up", FIELD(NETWORK_UP), up_words, "how the way up doubles the size"),
    OPT_CHOICE("act", FIELD(NETWORK_ACT), act_words, NULL),
    OPT_FLOAT("leaky-slope", AT(leaky_slope), 1e-6, 0.999, "X",
              "activation; its slope below 0 [0.1]"),
    OPT_END,
};

const struct option_row network_untold_more_options[] = {
    OPT_CHOICE("single-act", FIELD(NETWORK_SINGLE_ACT), yes_words, NULL),
    OPT_CHOICE("up-act", FIELD(NETWORK_UP_ACT), yes_words,
               "one activation a block; one after an up-conv"),
    OPT_CHOICE("norm-order", FIELD(NETWORK_NORM_ORDER), order_words, "of norm and activation"),
    OPT_FLOAT("norm-epsilon", AT(norm_epsilon), 0, 1, "X", "added to the variance [1e-5]"),
    OPT_CHOICE("concat", FIELD(NETWORK_CONCAT), concat_words, "which channels come first"),
    OPT_CHOICE("align-corners", FIELD(NETWORK_ALIGN_CORNERS), yes_words,
               "of --up bilinear, as PyTorch has it"),
    OPT_END,
};

const struct option_row network_options[] = {
    OPT_INT("in-channels", FIELD(NETWORK_IN_CHANNELS), 1, 64, "N", NULL),
    OPT_INT("classes", FIELD(NETWORK_CLASSES), 1, UNET_MAX_CLASSES, "K",
            "1 class: one logit and a sigmoid"),
    OPT_INT("width", FIELD(NETWORK_WIDTH), 1, 1024, "N", NULL),
    OPT_INT("depth", FIELD(NETWORK_DEPTH), 1, UNET_MAX_DEPTH, "N",
            "channels of the first level; poolings"),
    OPT_TABLE(0, network_untold_options),
    OPT_FLOAT("dropout", AT(dropout), 0, 0.99, "P", "rate at the two deepest levels [0]"),
    OPT_STRING("class-names", AT(class_names), "A,B,...", "kept in the file: background,cell"),
    OPT_END,
};

const struct option_row network_more_options[] = {
    OPT_TABLE(0, network_untold_more_options),
    OPT_INT("convs", FIELD(NETWORK_CONVS), 1, 2, "N", NULL),
    OPT_CHOICE("bias", FIELD(NETWORK_BIAS), bias_words, "3x3 convolutions a block; their bias"),
    OPT_CHOICE("up-conv", FIELD(NETWORK_UP_CONV), up_conv_words, "after --up bilinear, nearest"),
    OPT_CHOICE("up-norm", FIELD(NETWORK_UP_NORM), yes_words, "after the up-convolution"),
    OPT_END,
};

/* The fields of a spec by number. */
static const struct {
    const char *name; /* in JSON; an option has dashes */
    size_t at;
    const char *const *words; /* NULL: a number */
} fields[NETWORK_FIELDS] = {
    [NETWORK_IN_CHANNELS] = {"in_channels", offsetof(unet_spec, in_channels), NULL},
    [NETWORK_CLASSES] = {"classes", offsetof(unet_spec, classes), NULL},
    [NETWORK_WIDTH] = {"width", offsetof(unet_spec, width), NULL},
    [NETWORK_DEPTH] = {"depth", offsetof(unet_spec, depth), NULL},
    [NETWORK_PADDING] = {"padding", offsetof(unet_spec, padding), padding_words},
    [NETWORK_NORM] = {"norm", offsetof(unet_spec, norm), norm_words},
    [NETWORK_GROUPS] = {"groups", offsetof(unet_spec, groups), NULL},
    [NETWORK_UP] = {"up", offsetof(unet_spec, up), up_words},
    [NETWORK_ACT] = {"act", offsetof(unet_spec, act), act_words},
    [NETWORK_CONVS] = {"convs", offsetof(unet_spec, convs), NULL},
    [NETWORK_SINGLE_ACT] = {"single_act", offsetof(unet_spec, single_act), yes_words},
    [NETWORK_NORM_ORDER] = {"norm_order", offsetof(unet_spec, norm_order), order_words},
    [NETWORK_BIAS] = {"bias", offsetof(unet_spec, bias), bias_words},
    [NETWORK_CONCAT] = {"concat", offsetof(unet_spec, concat), concat_words},
    [NETWORK_ALIGN_CORNERS] = {"align_corners", offsetof(unet_spec, align_corners), yes_words},
    [NETWORK_UP_CONV] = {"up_conv", offsetof(unet_spec, up_conv), up_conv_words},
    [NETWORK_UP_NORM] = {"up_norm", offsetof(unet_spec, up_norm), yes_words},
    [NETWORK_UP_ACT] = {"up_act", offsetof(unet_spec, up_act), yes_words},
};

struct network_row network_row(const unet_spec *spec, enum network_field i)
{
    struct network_row row = {.name = fields[i].name};

    /* enums are as wide as an int */
    memcpy(&row.value, (const char *)spec + fields[i].at, sizeof(row.value));
    row.word = fields[i].words ? fields[i].words[row.value] : NULL;
    return row;
}

unet_spec network_spec(const struct network_settings *settings, unet_spec base)
{
    for (int i = 0; i < NETWORK_FIELDS; i++)
        if (settings->field[i] >= 0)
            memcpy((char *)&base + fields[i].at, &settings->field[i], sizeof(int));
    if (base.act == UNET_ACT_LEAKY_RELU && base.leaky_slope <= 0)
        base.leaky_slope = 0.1f;
    if (settings->leaky_slope >= 0)
        base.leaky_slope = (float)settings->leaky_slope;
    if (settings->dropout >= 0)
        base.dropout = (float)settings->dropout;
    if (settings->norm_epsilon >= 0)
        base.norm_epsilon = (float)settings->norm_epsilon;
    return base;
}

/* The name of the option of a field: as in JSON, with dashes; the text is the caller's. */
static const char *option_of(enum network_field i, char name[OPTION_NAME])
{
    snprintf(name, OPTION_NAME, "%s", fields[i].name);
    for (char *at = name; *at; at++)
        if (*at == '_')
            *at = '-';
    return name;
}

int network_find(const unet_spec *spec, const char *field, struct network_row *row,
                 char option[OPTION_NAME])
{
    for (int i = 0; i < NETWORK_FIELDS; i++)
        if (!strcmp(fields[i].name, field)) {
            *row = network_row(spec, i);
            option_of(i, option);
            return 1;
        }
    return 0;
}

const char *network_given(const struct network_settings *settings, char name[OPTION_NAME])
{
    for (int i = 0; i < NETWORK_FIELDS; i++)
        if (settings->field[i] >= 0)
            return option_of(i, name);
    return settings->leaky_slope >= 0    ? "leaky-slope"
           : settings->dropout >= 0      ? "dropout"
           : settings->norm_epsilon >= 0 ? "norm-epsilon"
                                         : NULL;
}

unet_known network_known(const struct network_settings *settings)
{
    const int *given = settings->field;
    unet_known known = unet_known_nothing();

    known.padding = given[NETWORK_PADDING];
    known.norm = given[NETWORK_NORM];
    known.groups = given[NETWORK_GROUPS];
    known.norm_order = given[NETWORK_NORM_ORDER];
    known.single_act = given[NETWORK_SINGLE_ACT];
    known.act = given[NETWORK_ACT];
    known.concat = given[NETWORK_CONCAT];
    known.up = given[NETWORK_UP];
    known.align_corners = given[NETWORK_ALIGN_CORNERS];
    known.up_act = given[NETWORK_UP_ACT];
    if (settings->leaky_slope >= 0)
        known.leaky_slope = (float)settings->leaky_slope;
    if (settings->norm_epsilon >= 0)
        known.norm_epsilon = (float)settings->norm_epsilon;
    return known;
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

/* printf at the end of text. */
static void add(char *text, size_t size, const char *format, ...)
{
    size_t used = strlen(text);
    va_list args;

    va_start(args, format);
    vsnprintf(text + used, size - used, format, args);
    va_end(args);
}

static void describe_channels(const unet_spec *spec, char *text, size_t size)
{
    const unet_channels *c = &spec->channels;
    static const unet_channels none;

    if (!memcmp(c, &none, sizeof(none)))
        return;
    add(text, size, ", channels");
    for (int d = 0; d <= spec->depth; d++)
        add(text, size, "%s%d", d ? "-" : " ", c->enc[d][0] ? c->enc[d][0] : spec->width << d);
}

void network_describe(const unet_spec *spec, char *text, size_t size)
{
    snprintf(text, size,
             "%d channel%s -> %d class%s, width %d, depth %d, padding %s, norm %s, up %s, %s",
             spec->in_channels, plural(spec->in_channels, "s"), spec->classes,
             plural(spec->classes, "es"), spec->width, spec->depth, padding_words[spec->padding],
             norm_words[spec->norm], up_words[spec->up], act_words[spec->act]);
    if (spec->act == UNET_ACT_LEAKY_RELU)
        add(text, size, " %g", (double)spec->leaky_slope);
    if (spec->norm == UNET_NORM_GROUP)
        add(text, size, ", groups %d", spec->groups);
    if (spec->dropout > 0)
        add(text, size, ", dropout %g", (double)spec->dropout);
    for (int i = NETWORK_CONVS; i < NETWORK_FIELDS; i++) {
        struct network_row row = network_row(spec, i);
        char name[OPTION_NAME];

        if (!row.value)
            continue;
        if (row.word && fields[i].words != yes_words)
            add(text, size, ", %s %s", option_of(i, name), row.word);
        else if (row.word)
            add(text, size, ", %s", option_of(i, name));
        else
            add(text, size, ", %s %d", option_of(i, name), row.value);
    }
    if (spec->norm_epsilon > 0)
        add(text, size, ", epsilon %g", (double)spec->norm_epsilon);
    describe_channels(spec, text, size);
}
