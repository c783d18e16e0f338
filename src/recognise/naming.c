/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The other way round: what the parameters of our graph are called in somebody else's class, for
 * files that its load_state_dict() takes.  A class has its ways built in, so a network that it
 * would run differently must not be written under its names.
 */
#include <stdio.h>
#include <string.h>

#include "net/spec_json.h"
#include "recognise/layouts.h"

/*
 * Letters after % stand for: d the level, f the number of a decoder counted from the deepest (1), n
 * the number in the block's nn.Sequential.
 */
struct naming {
    const char *layout;
    const char *first, *enc, *bottleneck;  /* the encoder's: level 0, the others, the deepest */
    const char *up, *up_norm, *dec, *head; /* NULL: there is no such layer */
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
    const struct un_field *row = un_field_find(&un_spec_fields, field);
    if (row && row->open.words)
        return un_fail(err, UNET_EINVAL, "layout %s: %s is %s, networks of this class have %s",
                       layout, field, un_field_word(row, found), un_field_word(row, wanted));
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
#define FOUND(field) #field, (int)spec->field
    } fields[] = {
        {FOUND(depth), 4},
        {FOUND(down), UNET_DOWN_POOL},
        {FOUND(padding), UNET_PADDING_SAME},
        {FOUND(norm), UNET_NORM_BATCH},
        {FOUND(norm_order), UNET_NORM_FIRST},
        {FOUND(act), UNET_ACT_RELU},
        {FOUND(single_act), 0},
        {"convs", spec->convs ? spec->convs : 2, 2},
        {FOUND(bias), UNET_BIAS_UNLESS_NORM},
        {FOUND(concat), UNET_CONCAT_SKIP_UP},
        {FOUND(up), bilinear ? UNET_UP_BILINEAR : UNET_UP_TRANSPOSE},
        {FOUND(up_conv), bilinear ? UNET_UP_NO_CONV : UNET_UP_CONV1X1},
        {FOUND(align_corners), bilinear},
        {FOUND(up_norm), 0},
        {FOUND(up_act), 0},
    };
#undef FOUND
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
    {.layout = "unet", .check = accept_all}, /* our own names */
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

/* What a node is called there; NULL: there is no such layer. */
static const char *format_of(const struct naming *naming, const struct un_graph *graph,
                             const struct un_node *node)
{
    switch (node->where.role) {
    case UN_ROLE_ENC:
        return node->where.level == 0                   ? naming->first
               : node->where.level == graph->spec.depth ? naming->bottleneck
                                                        : naming->enc;
    case UN_ROLE_UP:
        return node->kind == UN_NODE_NORM ? naming->up_norm : naming->up;
    case UN_ROLE_DEC:
        return naming->dec;
    case UN_ROLE_HEAD:
        break;
    }
    return naming->head;
}

bool un_layout_name(const struct un_names *layout, const struct un_graph *graph, int param,
                    char name[UN_LAYOUT_NAME])
{
    const struct naming *naming = naming_of(layout);
    const struct un_param *p = &graph->params[param];
    const struct un_node *node = &graph->nodes[p->node];
    size_t length = 0;
    if (!naming)
        return false;
    if (!naming->head) {
        snprintf(name, UN_LAYOUT_NAME, "%s", p->name);
        return true;
    }
    const char *format = format_of(naming, graph, node);
    if (!format)
        return false;
    for (const char *f = format; *f; f++) {
        if (*f != '%') {
            name[length++] = *f;
            continue;
        }
        f++;
        int value = *f == 'd'   ? node->where.level
                    : *f == 'f' ? graph->spec.depth - node->where.level
                                : node->where.number;
        length += (size_t)snprintf(name + length, UN_LAYOUT_NAME - length, "%d", value);
    }
    /* the longest, down4.maxpool_conv.1.double_conv.4.running_mean, has 46 characters */
    snprintf(name + length, UN_LAYOUT_NAME - length, ".%s", un_param_suffix(p->kind));
    return true;
}
