/* SPDX-License-Identifier: Apache-2.0 */
/* What a spec may say, and what it leaves unsaid: the widths of its blocks. */
#include "net/graph.h"

#include <stdio.h>

unet_spec un_spec_default(void)
{
    return (unet_spec){
        .in_channels = 1, .classes = 2, .width = 64, .depth = 4, .leaky_slope = 0.1f};
}

static int either(int set, int usual)
{
    return set ? set : usual;
}

bool un_spec_is_resnet(const unet_spec *spec)
{
    return spec->residual == UNET_RESIDUAL_RESNET ||
           spec->residual == UNET_RESIDUAL_RESNET_BOTTLENECK;
}

/* Of a ResNet level 1 and level 2 have as many, but for bottlenecks, which have four times that. */
static int usual_enc(const unet_spec *spec, int level)
{
    const int bottleneck = spec->residual == UNET_RESIDUAL_RESNET_BOTTLENECK ? 4 : 1;
    if (un_spec_is_resnet(spec))
        return level < 2 ? spec->width : (spec->width << (level - 2)) * bottleneck;
    return spec->width << level;
}

int un_spec_enc(const unet_spec *spec, int level, int i)
{
    const int set = level <= UNET_SET_DEPTH ? spec->channels.enc[level][i] : 0;
    const int usual = usual_enc(spec, level);
    return either(set, spec->widest && usual > spec->widest ? spec->widest : usual);
}

int un_spec_dec(const unet_spec *spec, int level, int i)
{
    if (spec->family == UNET_FAMILY_MONAI)
        return un_spec_up(spec, level);
    const int set = level < UNET_SET_DEPTH ? spec->channels.dec[level][i] : 0;
    const int quarter = (spec->width << level) / 4;
    return either(set, un_spec_is_resnet(spec) ? quarter + !quarter : un_spec_enc(spec, level, i));
}

int un_spec_convs(const unet_spec *spec)
{
    return either(spec->convs, 2);
}

int un_spec_blocks(const unet_spec *spec, int level)
{
    static const int usual[] = {1, 3, 4, 6}, resnet[] = {0, 0, 3, 4, 6, 3};
    return either(spec->blocks[level], un_spec_is_resnet(spec) ? resnet[level < 5 ? level : 5]
                                                               : usual[level < 3 ? level : 3]);
}

/* The channels of the value that comes from below to level's up-convolution. */
static int below(const unet_spec *spec, int level)
{
    int last = un_spec_convs(spec) - 1;
    return level == spec->depth - 1 ? un_spec_enc(spec, spec->depth, last)
                                    : un_spec_dec(spec, level + 1, last);
}

int un_spec_up(const unet_spec *spec, int level)
{
    if (spec->family == UNET_FAMILY_MONAI)
        return level ? un_spec_enc(spec, level - 1, 0) : un_spec_outputs(spec);
    if (spec->up != UNET_UP_TRANSPOSE && spec->up_conv == UNET_UP_NO_CONV)
        return below(spec, level);
    const int set = level < UNET_SET_DEPTH ? spec->channels.up[level] : 0;
    return either(set, un_spec_enc(spec, level, un_spec_convs(spec) - 1));
}

int un_spec_outputs(const unet_spec *spec)
{
    return spec->classes + spec->rims * (spec->classes - 1);
}

int un_spec_groups(const unet_spec *spec, int channels, int of)
{
    if (spec->norm != UNET_NORM_GROUP)
        return spec->norm == UNET_NORM_INSTANCE ? channels : 0;
    const int most = spec->norm_order == UNET_BEFORE_CONV && spec->groups > of;
    return (int)((int64_t)(most ? of : spec->groups) * channels / of);
}

float un_spec_epsilon(const unet_spec *spec)
{
    return spec->norm_epsilon > 0 ? spec->norm_epsilon : 1e-5f;
}

bool un_spec_local(const unet_spec *spec)
{
    return spec->norm != UNET_NORM_INSTANCE && spec->norm != UNET_NORM_GROUP &&
           !spec->align_corners;
}

/* One number of channels: in range, and fit for group norm when a norm follows.  given: NULL where
 * it cannot be. */
static unet_code check_channels(const unet_spec *spec, const char *what, int level,
                                const int *given, int used, bool normed, unet_error *err)
{
    enum { MOST = 65536 };
    const int set = given ? *given : 0;
    if (set < 0 || used > MOST)
        return un_fail(err, UNET_EINVAL, "channels.%s of level %d is %d, wanted 0 to %d", what,
                       level, set < 0 ? set : used, MOST);
    if (normed && spec->norm == UNET_NORM_GROUP && spec->norm_order != UNET_BEFORE_CONV &&
        used % spec->groups)
        return un_fail(err, UNET_EINVAL,
                       "groups is %d, which does not divide the %d channels of "
                       "level %d",
                       spec->groups, used, level);
    return UNET_OK;
}

/* That the groups of a norm before a convolution, over the channels of one map or of two side by
 * side, part them evenly, and none has channels of both. */
static unet_code check_groups(const unet_spec *spec, int level, int first, int second,
                              unet_error *err)
{
    const int of = first + second, groups = spec->groups < of ? spec->groups : of;
    if (of % groups == 0 && first % (of / groups) == 0)
        return UNET_OK;
    return un_fail(err, UNET_EINVAL,
                   "groups is %d, which does not divide the %d channels that a block of level %d "
                   "reads%s",
                   spec->groups, of, level,
                   second ? ", or has channels of the skip connection and others in one group"
                          : "");
}

static unet_code check_groups_before(const unet_spec *spec, unet_error *err)
{
    const int last = un_spec_convs(spec) - 1;
    unet_code code = UNET_OK;
    for (int d = 0, reads = spec->in_channels; d <= spec->depth && !code; d++) {
        code = check_groups(spec, d, reads, 0, err);
        if (!code && last)
            code = check_groups(spec, d, un_spec_enc(spec, d, 0), 0, err);
        reads = un_spec_enc(spec, d, last);
        if (!code && d < spec->depth)
            code = check_groups(spec, d, un_spec_up(spec, d), reads, err);
        if (!code && d < spec->depth && last)
            code = check_groups(spec, d, un_spec_dec(spec, d, 0), 0, err);
    }
    return code;
}

static unet_code check_all_channels(const unet_spec *spec, unet_error *err)
{
    const unet_channels *set = &spec->channels;
    unet_code code = UNET_OK;
    for (int d = 0; d <= spec->depth && !code; d++)
        for (int i = 0; i < un_spec_convs(spec) && !code; i++) {
            const int *enc = d <= UNET_SET_DEPTH ? &set->enc[d][i] : NULL;
            const int *dec = d < UNET_SET_DEPTH ? &set->dec[d][i] : NULL;
            code = check_channels(spec, "enc", d, enc, un_spec_enc(spec, d, i), true, err);
            if (!code && d < spec->depth)
                code = check_channels(spec, "dec", d, dec, un_spec_dec(spec, d, i), true, err);
        }
    for (int d = 0; d < spec->depth && !code; d++)
        code = check_channels(spec, "up", d, d < UNET_SET_DEPTH ? &set->up[d] : NULL,
                              un_spec_up(spec, d), spec->up_norm, err);
    return code;
}

/* What networks with norms before their convolutions cannot have: what a norm reads would be
 * cropped after it, or be written over by another. */
static unet_code check_before_conv(const unet_spec *spec, unet_error *err)
{
    static const char head[] = "norm_order is before_conv, wanted only with";
    if (spec->norm == UNET_NORM_NONE)
        return un_fail(err, UNET_EINVAL, "%s a norm", head);
    if (spec->padding != UNET_PADDING_SAME)
        return un_fail(err, UNET_EINVAL, "%s same padding", head);
    if (spec->down != UNET_DOWN_POOL)
        return un_fail(err, UNET_EINVAL, "%s poolings (down pool)", head);
    if (spec->up_norm || spec->single_act)
        return un_fail(err, UNET_EINVAL, "%s %s 0", head, spec->up_norm ? "up_norm" : "single_act");
    return UNET_OK;
}

/* Fields that are each in range, but say different things. */
static unet_code check_together(const unet_spec *spec, unet_error *err)
{
    const bool doubled = spec->up != UNET_UP_TRANSPOSE;
    if (spec->align_corners && (spec->up != UNET_UP_BILINEAR || spec->padding != UNET_PADDING_SAME))
        return un_fail(err, UNET_EINVAL,
                       "align_corners is 1, wanted only with bilinear doubling and same padding");
    if (!doubled && spec->up_conv != UNET_UP_CONV1X1)
        return un_fail(err, UNET_EINVAL, "up_conv is %d, wanted 0 with a transposed convolution",
                       (int)spec->up_conv);
    if (doubled && spec->up_conv == UNET_UP_NO_CONV && (spec->up_norm || spec->up_act))
        return un_fail(err, UNET_EINVAL,
                       "up_norm or up_act is 1, but no convolution follows the doubling");
    if (spec->rims && (spec->classes < 2 || un_spec_outputs(spec) > UNET_MAX_CLASSES))
        return un_fail(err, UNET_EINVAL,
                       "rims is %d, wanted 0 with %d class%s: each class but the first has as many "
                       "outputs more, %d at most in all",
                       spec->rims, spec->classes, spec->classes == 1 ? "" : "es", UNET_MAX_CLASSES);
    if (spec->down == UNET_DOWN_CONV && spec->padding != UNET_PADDING_SAME)
        return un_fail(err, UNET_EINVAL, "down is conv, wanted only with same padding");
    if (spec->up_norm && spec->norm == UNET_NORM_NONE)
        return un_fail(err, UNET_EINVAL, "up_norm is 1, but norm is none");
    if (spec->norm == UNET_NORM_GROUP && spec->groups < 1)
        return un_fail(err, UNET_EINVAL, "groups is %d, wanted at least 1 with group norm",
                       spec->groups);
    if (spec->norm_plain && spec->norm != UNET_NORM_INSTANCE)
        return un_fail(err, UNET_EINVAL, "norm_plain is 1, wanted only with instance norm");
    return spec->norm_order == UNET_BEFORE_CONV ? check_before_conv(spec, err) : UNET_OK;
}

/* What a ResNet has not, and what its decoder's first level cannot be without. */
static unet_code check_resnet(const unet_spec *spec, unet_error *err)
{
    const char *word = un_field_word(un_field_find(&un_spec_fields, "residual"), spec->residual);
    const unet_channels *set = &spec->channels;
    if (spec->depth < 2 || spec->depth > 5)
        return un_fail(err, UNET_EINVAL, "depth is %d, wanted 2 to 5 with residual %s", spec->depth,
                       word);
    if (set->enc[0][0] || set->enc[0][1] || spec->widest)
        return un_fail(err, UNET_EINVAL, "%s, wanted 0 with residual %s",
                       spec->widest ? "widest is set" : "channels.enc of level 0 are set", word);
    for (int d = 2; d <= spec->depth && spec->residual == UNET_RESIDUAL_RESNET_BOTTLENECK; d++)
        if (un_spec_enc(spec, d, 0) % 4)
            return un_fail(err, UNET_EINVAL,
                           "channels.enc of level %d are %d, wanted a multiple of 4 with residual "
                           "%s",
                           d, un_spec_enc(spec, d, 0), word);
        else if (check_channels(spec, "enc", d, NULL, un_spec_enc(spec, d, 0) / 4, true, err))
            return UNET_EINVAL; /* those between, whose norms have as many groups */
    return UNET_OK;
}

/* What networks with residual blocks are made of, and that there is room for them. */
static unet_code check_residual(const unet_spec *spec, unet_error *err)
{
    const bool resnet = un_spec_is_resnet(spec);
    const int first = resnet ? 2 : 0; /* level of blocks */
    char head[64];
    int blocks = 0;
    snprintf(head, sizeof head, "residual is %s, wanted only with",
             un_field_word(un_field_find(&un_spec_fields, "residual"), spec->residual));
    for (int d = 0; d <= UNET_MAX_DEPTH; d++)
        if (spec->blocks[d] && (!spec->residual || d < first || d > spec->depth))
            return un_fail(err, UNET_EINVAL, "blocks of level %d are %d, wanted 0%s", d,
                           spec->blocks[d], spec->residual ? "" : " where residual is none");
    if (!spec->residual)
        return UNET_OK;
    if (resnet && check_resnet(spec, err))
        return UNET_EINVAL;
    for (int d = resnet; d <= spec->depth; d++) {
        if (un_spec_enc(spec, d, 0) != un_spec_enc(spec, d, un_spec_convs(spec) - 1))
            return un_fail(err, UNET_EINVAL,
                           "channels.enc of level %d are %d and %d, wanted the same of all that a "
                           "level of residual blocks makes",
                           d, un_spec_enc(spec, d, 0), un_spec_enc(spec, d, 1));
        if (d < first)
            continue;
        const int count = un_spec_blocks(spec, d);
        if (count < 1 || count > UN_MAX_BLOCKS - blocks)
            return un_fail(err, UNET_EINVAL,
                           "blocks of level %d are %d, wanted 1 or more, and %d at most in all", d,
                           count, UN_MAX_BLOCKS);
        blocks += count;
    }
    if (spec->norm == UNET_NORM_NONE || spec->norm_order != UNET_NORM_FIRST)
        return un_fail(err, UNET_EINVAL, "%s norms between convolutions and activations", head);
    if (spec->down != UNET_DOWN_CONV)
        return un_fail(err, UNET_EINVAL, "%s down conv", head);
    if (spec->single_act)
        return un_fail(err, UNET_EINVAL, "%s single_act 0", head);
    return UNET_OK;
}

/* A field, what a spec has there, and what all networks of a family have. */
struct wanted {
    const char *field;
    int found, wanted;
};

static unet_code check_wanted(const struct wanted *rows, int count, const char *head,
                              unet_error *err)
{
    for (int i = 0; i < count; i++) {
        const struct un_field *row = un_field_find(&un_spec_fields, rows[i].field);
        if (rows[i].found == rows[i].wanted)
            continue;
        return row->open.words
                   ? un_fail(err, UNET_EINVAL, "%s %s %s, not %s", head, rows[i].field,
                             un_field_word(row, rows[i].wanted), un_field_word(row, rows[i].found))
                   : un_fail(err, UNET_EINVAL, "%s %s %d, not %d", head, rows[i].field,
                             rows[i].wanted, rows[i].found);
    }
    return UNET_OK;
}

/* Channels that MONAI's UNet has no choice of. */
static unet_code check_monai_channels(const unet_spec *spec, const char *head, unet_error *err)
{
    const unet_channels *set = &spec->channels;
    for (int d = 0; d <= UNET_SET_DEPTH; d++)
        if (set->enc[d][0] != set->enc[d][1] ||
            (d < UNET_SET_DEPTH && (set->dec[d][0] || set->dec[d][1] || set->up[d])))
            return un_fail(err, UNET_EINVAL,
                           "%s one number of channels a level: enc of level %d is %d and %d, dec "
                           "and up have to be 0",
                           head, d, set->enc[d][0], set->enc[d][1]);
    return UNET_OK;
}

#define WANTED(field, wanted) #field, (int)spec->field, (int)wanted

/* What MONAI's UNet leaves no choice of. */
static unet_code check_monai(const unet_spec *spec, unet_error *err)
{
    static const char head[] = "family is monai, wanted only with";
    const struct wanted rows[] = {
        {WANTED(padding, UNET_PADDING_SAME)},
        {WANTED(down, UNET_DOWN_CONV)},
        {WANTED(residual, UNET_RESIDUAL_NONE)},
        {WANTED(up, UNET_UP_TRANSPOSE)},
        {WANTED(up_norm, 0)},
        {WANTED(up_act, 0)},
        {WANTED(convs, 0)},
        {WANTED(single_act, 0)},
        {WANTED(norm_order, UNET_NORM_FIRST)},
        {WANTED(concat, UNET_CONCAT_SKIP_UP)},
    };
    if (spec->family != UNET_FAMILY_MONAI) {
        if (spec->units)
            return un_fail(err, UNET_EINVAL, "units is %d, wanted 0 where family is plain",
                           spec->units);
        return spec->act != UNET_ACT_PRELU
                   ? UNET_OK
                   : un_fail(err, UNET_EINVAL, "act is prelu, wanted only where family is monai");
    }
    unet_code code = check_wanted(rows, sizeof rows / sizeof *rows, head, err);
    if (code)
        return code;
    if (spec->norm == UNET_NORM_GROUP)
        return un_fail(err, UNET_EINVAL, "%s another norm than group", head);
    if (spec->bias == UNET_BIAS_UNLESS_NORM)
        return un_fail(err, UNET_EINVAL, "%s bias always or never", head);
    return check_monai_channels(spec, head, err);
}

unet_code un_spec_check(const unet_spec *spec, unet_error *err)
{
    unet_code code = un_fields_check(spec, &un_spec_fields, err);
    if (!code && spec->act == UNET_ACT_LEAKY_RELU)
        code = un_field_check(spec, un_field_find(&un_spec_fields, "leaky_slope"), err);
    if (!code)
        code = check_together(spec, err);
    if (!code)
        code = check_all_channels(spec, err);
    if (!code && spec->norm == UNET_NORM_GROUP && spec->norm_order == UNET_BEFORE_CONV)
        code = check_groups_before(spec, err);
    if (!code)
        code = check_residual(spec, err);
    if (!code)
        code = check_monai(spec, err);
    return code;
}
