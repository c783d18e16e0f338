/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The other way round: what the parameters of our graph are called in somebody else's class, for
 * files that its load_state_dict() takes.  A class has its ways built in, so a network that it
 * would run differently must not be written under its names.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "model/names.h"
#include "model/specjson.h"

/*
 * Letters after % stand for: d the level, f the number of a decoder counted from the deepest (1), n
 * the number in the block's nn.Sequential.
 */
struct naming {
    const char *layout;
    const char *first;                                        /* level 0 of the encoder */
    const char *enc, *bottleneck, *up, *up_norm, *dec, *head; /* NULL: there is no such layer */
    unet_code (*check)(const char *layout, const unet_spec *spec, unet_error *err);
};

static unet_code accept_all(const char *name, const unet_spec *spec, unet_error *err)
{
    (void)name;
    (void)spec;
    (void)err;
    return UNET_OK;
}

static unet_code expect(const char *layout, const char *field, int found, int wanted,
                        unet_error *err)
{
    if (found == wanted)
        return UNET_OK;
    const char *word = un_spec_word(field, found);
    if (word)
        return un_fail(err, UNET_EINVAL, "layout %s: %s is %s, networks of this class have %s",
                       layout, field, word, un_spec_word(field, wanted));
    return un_fail(err, UNET_EINVAL, "layout %s: %s is %d, networks of this class have %d", layout,
                   field, found, wanted);
}

/* The widths of milesial's class: halved at and below the bottleneck where it is bilinear. */
static unet_code check_milesial_widths(const char *layout, const unet_spec *spec, unet_error *err)
{
    const int halve = spec->up == UNET_UP_BILINEAR ? 2 : 1, depth = spec->depth;
    unet_code code = UNET_OK;
    for (int d = 0; d <= depth && !code; d++)
        for (int i = 0; i < 2 && !code; i++) {
            int enc = (spec->width << d) / (d == depth ? halve : 1);
            int found = spec->channels.enc[d][i] ? spec->channels.enc[d][i] : spec->width << d;
            code = expect(layout, "channels.enc", found, enc, err);
            if (d == depth || code)
                continue;
            int dec = (spec->width << d) / (i == 1 && d > 0 ? halve : 1);
            found = spec->channels.dec[d][i] ? spec->channels.dec[d][i] : found;
            code = expect(layout, "channels.dec", found, dec, err);
            int up = spec->channels.up[d];
            if (!code && halve == 1 && up)
                code = expect(layout, "channels.up", up, spec->width << d, err);
        }
    return code;
}

static unet_code check_milesial(const char *layout, const unet_spec *spec, unet_error *err)
{
    const bool bilinear = spec->up == UNET_UP_BILINEAR;
    const struct {
        const char *field;
        int found, wanted;
    } fields[] = {
        {"depth", spec->depth, 4},
        {"padding", (int)spec->padding, UNET_PADDING_SAME},
        {"norm", (int)spec->norm, UNET_NORM_BATCH},
        {"norm_order", (int)spec->norm_order, UNET_NORM_FIRST},
        {"act", (int)spec->act, UNET_ACT_RELU},
        {"single_act", spec->single_act, 0},
        {"convs", spec->convs ? spec->convs : 2, 2},
        {"bias", (int)spec->bias, UNET_BIAS_UNLESS_NORM},
        {"concat", (int)spec->concat, UNET_CONCAT_SKIP_UP},
        {"up", (int)spec->up, bilinear ? UNET_UP_BILINEAR : UNET_UP_TRANSPOSE},
        {"up_conv", (int)spec->up_conv, bilinear ? UNET_UP_NO_CONV : UNET_UP_CONV1X1},
        {"align_corners", spec->align_corners, bilinear},
        {"up_norm", spec->up_norm, 0},
        {"up_act", spec->up_act, 0},
    };
    for (size_t i = 0; i < sizeof fields / sizeof *fields; i++) {
        unet_code code = expect(layout, fields[i].field, fields[i].found, fields[i].wanted, err);
        if (code)
            return code;
    }
    if (spec->norm_epsilon != 0 && spec->norm_epsilon != 1e-5f)
        return un_fail(err, UNET_EINVAL,
                       "layout %s: norm_epsilon is %g, networks of this class have 1e-05", layout,
                       (double)spec->norm_epsilon);
    return check_milesial_widths(layout, spec, err);
}

/* ---- the table ---- */

static const struct naming namings[] = {
    {"unet", "enc_%d.conv_block.%n", "enc_%d.conv_block.%n", "bottleneck.conv_block.%n",
     "upconv_%d", "upnorm_%d", "dec_%d.conv_block.%n", "out_conv", accept_all},
    {"milesial", "inc.double_conv.%n", "down%d.maxpool_conv.1.double_conv.%n",
     "down%d.maxpool_conv.1.double_conv.%n", "up%f.up", NULL, "up%f.conv.double_conv.%n",
     "outc.conv", check_milesial},
};

static const struct naming *naming_of(const struct un_names *layout)
{
    for (size_t i = 0; i < sizeof namings / sizeof *namings; i++)
        if (!strcmp(namings[i].layout, layout->name))
            return &namings[i];
    return NULL;
}

unet_code un_layout_check(const struct un_names *layout, const unet_spec *spec, unet_error *err)
{
    const struct naming *naming = naming_of(layout);
    if (!naming)
        return un_fail(err, UNET_EINVAL,
                       "layout %s: only read, not written; wanted unet or milesial", layout->name);
    return naming->check(layout->name, spec, err);
}

/* What our own name of a parameter says: which layer of which level. */
struct place {
    const char *format;
    int level, number;
    const char *suffix; /* "weight" */
};

static bool place_of(const struct naming *naming, const struct un_graph *graph, const char *name,
                     struct place *place)
{
    char *end;
    const char *dot = strrchr(name, '.'), *block = strstr(name, ".conv_block.");
    const char *under = strchr(name, '_');
    if (!dot || !under)
        return false;
    *place = (struct place){.suffix = dot + 1};
    if (block)
        place->number = (int)strtol(block + strlen(".conv_block."), &end, 10);
    place->level = (int)strtol(under + 1, &end, 10);
    if (!strncmp(name, "enc_", 4)) {
        place->format = place->level ? naming->enc : naming->first;
    } else if (!strncmp(name, "bottleneck.", 11)) {
        place->format = naming->bottleneck;
        place->level = graph->spec.depth;
    } else if (!strncmp(name, "upconv_", 7)) {
        place->format = naming->up;
    } else if (!strncmp(name, "upnorm_", 7)) {
        place->format = naming->up_norm;
    } else if (!strncmp(name, "dec_", 4)) {
        place->format = naming->dec;
    } else if (!strncmp(name, "out_conv.", 9)) {
        place->format = naming->head;
    }
    return place->format != NULL;
}

bool un_layout_name(const struct un_names *layout, const struct un_graph *graph, int param,
                    char name[UN_LAYOUT_NAME])
{
    const struct naming *naming = naming_of(layout);
    struct place place;
    if (!naming || !place_of(naming, graph, graph->params[param].name, &place))
        return false;
    size_t length = 0;
    for (const char *f = place.format; *f; f++) {
        if (*f != '%') {
            name[length++] = *f;
            continue;
        }
        f++;
        int value = *f == 'd'   ? place.level
                    : *f == 'f' ? graph->spec.depth - place.level
                                : place.number;
        length += (size_t)snprintf(name + length, UN_LAYOUT_NAME - length, "%d", value);
    }
    /* the longest, down4.maxpool_conv.1.double_conv.4.running_mean, has 46 characters */
    snprintf(name + length, UN_LAYOUT_NAME - length, ".%s", place.suffix);
    return true;
}
