/* SPDX-License-Identifier: Apache-2.0 */
/* network_options.c - the options that describe a network */
#include "shared/network_options.h"
#include "shared/progress.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define SPEC(word, field, value, text)                                                             \
    OPT_FIELD(word, offsetof(struct network_settings, said), &said_spec, field, value, text)

/* What names and shapes of arrays do not tell of a network. */
const struct option_row network_untold_options[] = {
    SPEC("padding", "padding", NULL, ""),
    SPEC("norm", "norm", NULL, NULL),
    SPEC("groups", "groups", "N", "after each 3x3 convolution; of group norm"),
    SPEC("up", "up", NULL, ""),
    SPEC("act", "act", "relu|leaky-relu", NULL),
    SPEC("leaky-slope", "leaky_slope", "X", "activation; its slope below 0 [0.1]"),
    OPT_END,
};

const struct option_row network_untold_more_options[] = {
    SPEC("single-act", "single_act", NULL, NULL),
    SPEC("up-act", "up_act", NULL, "one activation a block; one after an up-conv"),
    SPEC("norm-order", "norm_order", NULL, ""),
    SPEC("norm-epsilon", "norm_epsilon", "X", "added to the variance [1e-5]"),
    SPEC("concat", "concat", NULL, ""),
    SPEC("align-corners", "align_corners", NULL, ""),
    SPEC("down", "down", NULL, "conv: stride 2 instead of poolings"),
    OPT_END,
};

const struct option_row network_options[] = {
    SPEC("in-channels", "in_channels", "N", NULL),
    SPEC("classes", "classes", "K", ""),
    SPEC("width", "width", "N", NULL),
    SPEC("depth", "depth", "N", "channels of the first level; halvings of the size"),
    OPT_TABLE(0, network_untold_options),
    SPEC("dropout", "dropout", "P", "rate at the two deepest levels [0]"),
    SPEC("rims", "rims", "N", "outputs that part objects [train: 3 where masks number them]"),
    OPT_STRING("class-names", offsetof(struct network_settings, class_names), "A,B,...",
               "kept in the file: background,cell"),
    OPT_END,
};

const struct option_row network_more_options[] = {
    OPT_TABLE(0, network_untold_more_options),
    SPEC("convs", "convs", "N", NULL),
    SPEC("bias", "bias", NULL, "3x3 convolutions a block; their bias"),
    SPEC("up-conv", "up_conv", NULL, ""),
    SPEC("up-norm", "up_norm", NULL, "after the up-convolution"),
    SPEC("widest", "widest", "N", "most channels of any level [0: no limit]"),
    SPEC("norm-plain", "norm_plain", NULL, ""),
    OPT_END,
};

unet_spec network_spec(const struct network_settings *settings, unet_spec base)
{
    said_apply(&settings->said, &said_spec, &base);
    if (base.act == UNET_ACT_LEAKY_RELU && base.leaky_slope <= 0)
        base.leaky_slope = 0.1f;
    return base;
}

unet_spec network_asked(const struct network_settings *settings)
{
    return network_spec(settings, (unet_spec){.classes = 0});
}

int network_row(const unet_spec *spec, const unet_field *field, struct network_row *row)
{
    char text[SAID_WORD];

    if (field->type == UNET_FIELD_FLOAT ||
        unet_spec_get(spec, field->name, text, sizeof(text), NULL))
        return 0;
    *row = (struct network_row){.name = field->name, .flag = field->type == UNET_FIELD_FLAG};
    if (!field->words)
        row->value = atoi(text);
    while (field->words && strcmp(text, field->words[row->value]))
        row->value++;
    if (field->words)
        said_word(text, row->word);
    return 1;
}

int network_find(const unet_spec *spec, const char *field, struct network_row *row,
                 char option[SAID_WORD])
{
    const unet_field *found = said_field(&said_spec, field);

    return found && network_row(spec, found, row) && said_word(field, option);
}

const char *network_given(const struct network_settings *settings, const char *const *but,
                          char name[SAID_WORD])
{
    for (int i = 0; i < settings->said.count; i++) {
        const char *field = settings->said.list[i].field;
        const char *const *skip = but;

        while (skip && *skip && strcmp(*skip, field))
            skip++;
        if (!skip || !*skip)
            return said_word(field, name);
    }
    return NULL;
}

unet_known network_known(const struct network_settings *settings)
{
    const struct said *said = &settings->said;
    unet_known known = unet_known_nothing();

    for (int i = 0; i < said->count; i++) /* fields that a file always tells are not among them */
        unet_known_set(&known, said->list[i].field, said->list[i].text, NULL);
    return known;
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

static int is_resnet(const unet_spec *spec)
{
    return spec->residual == UNET_RESIDUAL_RESNET ||
           spec->residual == UNET_RESIDUAL_RESNET_BOTTLENECK;
}

static int usual_channels(const unet_spec *spec, int level)
{
    const int four = spec->residual == UNET_RESIDUAL_RESNET_BOTTLENECK ? 4 : 1;
    const int usual = spec->width << level;

    if (is_resnet(spec))
        return level < 2 ? spec->width : (spec->width << (level - 2)) * four;
    return spec->widest && usual > spec->widest ? spec->widest : usual;
}

/* Of a ResNet from level 1 on, where it begins, and of its decoder, which has others. */
static void describe_channels(const unet_spec *spec, char *text, size_t size)
{
    const unet_channels *c = &spec->channels;
    static const unet_channels none;
    const int first = is_resnet(spec);

    if (!memcmp(c, &none, sizeof(none)))
        return;
    add(text, size, ", channels");
    for (int d = first; d <= spec->depth; d++) {
        const int set = d <= UNET_SET_DEPTH ? c->enc[d][0] : 0;

        add(text, size, "%s%d", d > first ? "-" : " ", set ? set : usual_channels(spec, d));
    }
    for (int d = spec->depth - 1; first && d >= 0; d--) {
        const int usual = (spec->width << d) / 4;

        add(text, size, "%s%d", d < spec->depth - 1 ? "-" : ", of the decoder ",
            c->dec[d][0] ? c->dec[d][0]
            : usual      ? usual
                         : 1);
    }
}

/* How many blocks each level of a residual encoder has. */
static void describe_blocks(const unet_spec *spec, char *text, size_t size)
{
    static const int plain[] = {1, 3, 4, 6, 6, 6, 6, 6, 6}, resnet[] = {0, 0, 3, 4, 6, 3};
    const int first = is_resnet(spec) ? 2 : 0;

    for (int d = first; spec->residual && d <= spec->depth; d++)
        add(text, size, "%s%d", d > first ? "-" : ", blocks ",
            spec->blocks[d] ? spec->blocks[d]
            : first         ? resnet[d]
                            : plain[d]);
}

/* A field that is not as in most networks. */
static void describe_field(const struct network_row *row, char *text, size_t size)
{
    char name[SAID_WORD];

    add(text, size, ", %s", said_word(row->name, name));
    if (row->word[0] && !row->flag)
        add(text, size, " %s", row->word);
    else if (!row->word[0])
        add(text, size, " %d", row->value);
}

void network_describe(const unet_spec *spec, char *text, size_t size)
{
    static const char *const always[] = {"in_channels", "classes", "width", "depth", "padding",
                                         "norm",        "up",      "act",   "groups"};
    struct network_row row[sizeof(always) / sizeof(*always)], more;
    const unet_field *field;

    for (size_t i = 0; i < sizeof(always) / sizeof(*always); i++)
        network_row(spec, said_field(&said_spec, always[i]), &row[i]);
    snprintf(text, size,
             "%d channel%s -> %d class%s, width %d, depth %d, padding %s, norm %s, up %s, %s",
             spec->in_channels, plural(spec->in_channels, "s"), spec->classes,
             plural(spec->classes, "es"), spec->width, spec->depth, row[4].word, row[5].word,
             row[6].word, row[7].word);
    if (spec->act == UNET_ACT_LEAKY_RELU)
        add(text, size, " %g", (double)spec->leaky_slope);
    if (spec->norm == UNET_NORM_GROUP)
        add(text, size, ", groups %d", spec->groups);
    if (spec->dropout > 0)
        add(text, size, ", dropout %g", (double)spec->dropout);
    for (int i = 0; (field = unet_spec_field(i)); i++) {
        size_t known = 0;

        while (known < sizeof(always) / sizeof(*always) && strcmp(always[known], field->name))
            known++;
        if (known == sizeof(always) / sizeof(*always) && network_row(spec, field, &more) &&
            more.value)
            describe_field(&more, text, size);
    }
    if (spec->norm_epsilon > 0)
        add(text, size, ", epsilon %g", (double)spec->norm_epsilon);
    describe_blocks(spec, text, size);
    describe_channels(spec, text, size);
}
