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
 * Letters after % stand for: d the level, f the number of a decoder counted from the deepest (1), e
 * the same from 0, h the last of these, n the number in the block's nn.Sequential, k whether it is
 * a conv or a norm; i which convolution of its block, from 0, j the same from 1, b the residual
 * block, s how many nodes stand before it in the shortcut; c is conv or bn, z 0 for a conv and 1
 * for a norm, l the level above; m where in MONAI's modules a level and a part of it lie, a what
 * MONAI calls a layer.
 */
struct naming {
    const char *layout;
    const char *first, *enc, *bottleneck;  /* the encoder's: level 0, the others, the deepest */
    const char *up, *up_norm, *dec, *head; /* NULL: there is no such layer */
    const char *block, *shortcut;          /* of residual blocks */
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

/* A field of a spec, and what all networks of a class have there. */
struct expected {
    const char *field;
    int found, wanted;
};

static unet_code expect_all(const char *layout, const unet_spec *spec,
                            const struct expected *fields, int count, unet_error *err)
{
    for (int i = 0; i < count; i++) {
        unet_code code = expect(layout, fields[i].field, fields[i].found, fields[i].wanted, err);
        if (code)
            return code;
    }
    if (spec->norm_epsilon != 0 && spec->norm_epsilon != 1e-5f)
        return un_fail(err, UNET_EINVAL,
                       "layout %s: norm_epsilon is %g, networks of this class have 1e-05", layout,
                       (double)spec->norm_epsilon);
    return UNET_OK;
}

#define FOUND(field) #field, (int)spec->field

static unet_code check_milesial(const char *layout, const unet_spec *spec, unet_error *err)
{
    const bool bilinear = spec->up == UNET_UP_BILINEAR;
    const struct expected fields[] = {
        {FOUND(depth), 4},
        {FOUND(down), UNET_DOWN_POOL},
        {FOUND(padding), UNET_PADDING_SAME},
        {FOUND(norm), UNET_NORM_BATCH},
        {FOUND(norm_order), UNET_NORM_FIRST},
        {FOUND(act), UNET_ACT_RELU},
        {FOUND(single_act), 0},
        {"convs", un_spec_convs(spec), 2},
        {FOUND(bias), UNET_BIAS_UNLESS_NORM},
        {FOUND(concat), UNET_CONCAT_SKIP_UP},
        {FOUND(up), bilinear ? UNET_UP_BILINEAR : UNET_UP_TRANSPOSE},
        {FOUND(up_conv), bilinear ? UNET_UP_NO_CONV : UNET_UP_CONV1X1},
        {FOUND(align_corners), bilinear},
        {FOUND(up_norm), 0},
        {FOUND(up_act), 0},
    };
    unet_code code = expect_all(layout, spec, fields, sizeof fields / sizeof *fields, err);
    return code ? code : check_milesial_widths(layout, spec, err);
}

/* Each level has twice the channels of the one above. */
static unet_code check_torch_em_widths(const char *layout, const unet_spec *spec, unet_error *err)
{
    unet_code code = UNET_OK;
    for (int d = 0; d <= spec->depth && !code; d++)
        for (int i = 0; i < 2 && !code; i++) {
            const int wanted = spec->width << d;
            code = expect(layout, "channels.enc", un_spec_enc(spec, d, i), wanted, err);
            if (!code && d < spec->depth)
                code = expect(layout, "channels.dec", un_spec_dec(spec, d, i), wanted, err);
            if (!code && d < spec->depth)
                code = expect(layout, "channels.up", un_spec_up(spec, d), wanted, err);
        }
    return code;
}

static unet_code check_torch_em(const char *layout, const unet_spec *spec, unet_error *err)
{
    const bool normed = spec->norm != UNET_NORM_NONE, group = spec->norm == UNET_NORM_GROUP;
    const struct expected fields[] = {
        {FOUND(down), UNET_DOWN_POOL},
        {FOUND(padding), UNET_PADDING_SAME},
        {FOUND(act), UNET_ACT_RELU},
        {FOUND(single_act), 0},
        {"convs", un_spec_convs(spec), 2},
        {FOUND(concat), UNET_CONCAT_UP_SKIP},
        {FOUND(up), UNET_UP_BILINEAR},
        {FOUND(up_conv), UNET_UP_CONV1X1},
        {FOUND(align_corners), 0},
        {FOUND(up_norm), 0},
        {FOUND(up_act), 0},
        {FOUND(norm_order), normed ? UNET_BEFORE_CONV : (int)spec->norm_order},
        {FOUND(norm_plain), spec->norm == UNET_NORM_INSTANCE},
        {FOUND(groups), group ? 32 : spec->groups},
        {FOUND(bias), spec->bias == UNET_BIAS_ALWAYS ? UNET_BIAS_ALWAYS : UNET_BIAS_UNLESS_NORM},
    };
    unet_code code = expect_all(layout, spec, fields, sizeof fields / sizeof *fields, err);
    return code ? code : check_torch_em_widths(layout, spec, err);
}

/* Both networks of nnU-Net's, whose channels are told by their plans. */
static unet_code check_nnunet_as(const char *layout, const unet_spec *spec, unet_residual residual,
                                 unet_error *err)
{
    const struct expected fields[] = {
        {FOUND(family), UNET_FAMILY_PLAIN},
        {FOUND(residual), (int)residual},
        {FOUND(down), UNET_DOWN_CONV},
        {FOUND(padding), UNET_PADDING_SAME},
        {FOUND(norm), spec->norm == UNET_NORM_BATCH ? UNET_NORM_BATCH : UNET_NORM_INSTANCE},
        {FOUND(norm_order), UNET_NORM_FIRST},
        {FOUND(norm_plain), 0},
        {FOUND(act), UNET_ACT_LEAKY_RELU},
        {FOUND(single_act), 0},
        {FOUND(concat), UNET_CONCAT_UP_SKIP},
        {FOUND(up), UNET_UP_TRANSPOSE},
        {FOUND(up_norm), 0},
        {FOUND(up_act), 0},
    };
    return expect_all(layout, spec, fields, sizeof fields / sizeof *fields, err);
}

static unet_code check_nnunet(const char *layout, const unet_spec *spec, unet_error *err)
{
    return check_nnunet_as(layout, spec, UNET_RESIDUAL_NONE, err);
}

static unet_code check_monai(const char *layout, const unet_spec *spec, unet_error *err)
{
    const struct expected fields[] = {{FOUND(family), UNET_FAMILY_MONAI}};
    return expect_all(layout, spec, fields, sizeof fields / sizeof *fields, err);
}

static unet_code check_resenc(const char *layout, const unet_spec *spec, unet_error *err)
{
    return check_nnunet_as(layout, spec, UNET_RESIDUAL_NNUNET, err);
}

static unet_code check_smp(const char *layout, const unet_spec *spec, unet_error *err)
{
    const bool bilinear = spec->up == UNET_UP_BILINEAR;
    const struct expected fields[] = {
        {FOUND(residual), un_spec_is_resnet(spec) ? (int)spec->residual : UNET_RESIDUAL_RESNET},
        {FOUND(norm), UNET_NORM_BATCH},
        {FOUND(act), UNET_ACT_RELU},
        {"convs", un_spec_convs(spec), 2},
        {FOUND(bias), UNET_BIAS_UNLESS_NORM},
        {FOUND(concat), UNET_CONCAT_UP_SKIP},
        {FOUND(up), bilinear ? UNET_UP_BILINEAR : UNET_UP_NEAREST},
        {FOUND(up_conv), UNET_UP_NO_CONV},
        {FOUND(align_corners), 0},
    };
    unet_code code = expect_all(layout, spec, fields, sizeof fields / sizeof *fields, err);
    for (int d = 0; d < spec->depth && !code; d++)
        code =
            expect(layout, "channels.dec", un_spec_dec(spec, d, 1), un_spec_dec(spec, d, 0), err);
    return code;
}

#undef FOUND

/* ---- the table ---- */

#define NNUNET_DECODER                                                                             \
    .up = "decoder.transpconvs.%e", .dec = "decoder.stages.%e.convs.%i.%k",                        \
    .head = "decoder.seg_layers.%h"
#define NNUNET_ENCODER "encoder.stages.%d.0.convs.%i.%k"

static const struct naming namings[] = {
    {.layout = "unet", .check = accept_all}, /* our own names */
    {.layout = "milesial",
     .first = "inc.double_conv.%n",
     .enc = "down%d.maxpool_conv.1.double_conv.%n",
     .bottleneck = "down%d.maxpool_conv.1.double_conv.%n",
     .up = "up%f.up",
     .dec = "up%f.conv.double_conv.%n",
     .head = "outc.conv",
     .check = check_milesial},
    {.layout = "torch_em",
     .first = "encoder.blocks.%d.block.%n",
     .enc = "encoder.blocks.%d.block.%n",
     .bottleneck = "base.block.%n",
     .up = "decoder.samplers.%e.conv",
     .dec = "decoder.blocks.%e.block.%n",
     .head = "out_conv",
     .check = check_torch_em},
    {.layout = "nnunet",
     .first = NNUNET_ENCODER,
     .enc = NNUNET_ENCODER,
     .bottleneck = NNUNET_ENCODER,
     NNUNET_DECODER,
     .check = check_nnunet},
    {.layout = "nnunet_resenc",
     .first = "encoder.stem.convs.0.%k",
     NNUNET_DECODER,
     .block = "encoder.stages.%d.blocks.%b.conv%j.%k",
     .shortcut = "encoder.stages.%d.blocks.%b.skip.%s.%k",
     .check = check_resenc},
    {.layout = "smp",
     .enc = "encoder.%c1",
     .dec = "decoder.blocks.%e.conv%j.%z",
     .head = "segmentation_head.0",
     .block = "encoder.layer%l.%b.%c%j",
     .shortcut = "encoder.layer%l.%b.downsample.%z",
     .check = check_smp},
    {.layout = "monai_unet",
     .first = "model.%m%a",
     .enc = "model.%m%a",
     .bottleneck = "model.%m%a",
     .up = "model.%m%a",
     .up_norm = "model.%m%a",
     .head = "", /* there is none, and it has no parameters */
     .block = "model.%mconv.unit%i.%a",
     .shortcut = "model.%mresidual",
     .check = check_monai},
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
                       "layout %s: only read, not written; wanted unet, milesial, torch_em, "
                       "nnunet, nnunet_resenc, smp or monai_unet",
                       layout->name);
    return naming->check(layout->name, spec, err);
}

/* What a node is called there; NULL: there is no such layer. */
static const char *format_of(const struct naming *naming, const struct un_graph *graph,
                             const struct un_node *node)
{
    if (node->where.block)
        return node->where.index == UN_SHORTCUT ? naming->shortcut : naming->block;
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

/* Nodes of its shortcut before the convolution (or its norm): a pooling, or none. */
static int before_in_shortcut(const struct un_where *where)
{
    return where->level > 0 && where->block == 1;
}

/* What a letter stands for. */
static int number_of(char letter, const struct un_graph *graph, const struct un_node *node)
{
    const struct un_where *where = &node->where;
    switch (letter) {
    case 'd':
        return where->level;
    case 'l':
        return where->level - 1;
    case 'z':
        return node->kind == UN_NODE_NORM;
    case 'f':
        return graph->spec.depth - where->level;
    case 'e':
        return graph->spec.depth - where->level - 1;
    case 'h':
        return graph->spec.depth - 1;
    case 'i':
        return where->index;
    case 'j':
        return where->index + 1;
    case 'b':
        return where->block - 1;
    case 's':
        return before_in_shortcut(where);
    default:
        return where->number;
    }
}

/* Where a level and a part of it lie. */
static size_t put_nest(char *to, size_t room, const struct un_graph *graph,
                       const struct un_where *where)
{
    size_t length = 0;
    for (int d = 0; d < where->level; d++)
        length += (size_t)snprintf(to + length, room - length, "1.submodule.");
    const bool bottom = where->role == UN_ROLE_ENC && where->level == graph->spec.depth;
    const char *part = where->role == UN_ROLE_DEC                       ? "2.1."
                       : where->role == UN_ROLE_UP && graph->spec.units ? "2.0."
                       : where->role == UN_ROLE_UP                      ? "2."
                       : bottom                                         ? ""
                                                                        : "0.";
    return length + (size_t)snprintf(to + length, room - length, "%s", part);
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
        if (*f == 'm')
            length += put_nest(name + length, UN_LAYOUT_NAME - length, graph, &node->where);
        else if (*f == 'a')
            length += (size_t)snprintf(name + length, UN_LAYOUT_NAME - length, "%s",
                                       node->kind == UN_NODE_NORM    ? "adn.N"
                                       : node->kind == UN_NODE_PRELU ? "adn.A"
                                                                     : "conv");
        else if (*f == 'k' || *f == 'c')
            length += (size_t)snprintf(name + length, UN_LAYOUT_NAME - length,
                                       node->kind != UN_NODE_NORM ? "conv"
                                       : *f == 'k'                ? "norm"
                                                                  : "bn");
        else
            length += (size_t)snprintf(name + length, UN_LAYOUT_NAME - length, "%d",
                                       number_of(*f, graph, node));
    }
    /* the longest, 8 times 1.submodule. and model.conv.unit7.adn.N.running_mean, has 131 characters
     */
    snprintf(name + length, UN_LAYOUT_NAME - length, ".%s", un_param_suffix(p->kind));
    return true;
}
