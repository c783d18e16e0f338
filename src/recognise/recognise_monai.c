/* SPDX-License-Identifier: Apache-2.0 */
/*
 * MONAI's UNet, whose modules lie in each other: "1.submodule." stands in front of a name as often
 * as there are levels above it, then 0 is the way down, 2 the way up, and nothing the bottleneck.
 *
 *   0.conv.unit0.conv, 0.residual, 1.submodule.conv.unit0.conv, 2.0.conv, 2.1.conv.unit0.conv
 *   0.conv, 1.submodule.conv, 2.conv                        (num_res_units 0)
 *
 * A file does not tell the strides where there are no residual units; where there are, the
 * shortcuts do.
 */
#include <stdio.h>
#include <string.h>

#include "recognise/recognise_work.h"

static const char nest[] = "1.submodule.";

bool un_work_is_monai(const struct un_arrays *arrays)
{
    for (int i = 0; i < arrays->count; i++)
        if (strstr(arrays->items[i].name, nest))
            return true;
    return false;
}

/* The module of a level, NULL: none. */
static const struct un_module *at_level(const struct un_work *w, int level, const char *rest)
{
    char name[UN_LAYOUT_NAME] = "";
    size_t used = 0;
    for (int d = 0; d < level && used + sizeof nest < sizeof name; d++)
        used += (size_t)snprintf(name + used, sizeof name - used, "%s", nest);
    snprintf(name + used, sizeof name - used, "%s", rest);
    return un_work_named(w, name);
}

const struct un_module *un_work_monai_older(const struct un_work *w, const char *name)
{
    static const char *const names[][2] = {{"adn.A", "act"}, {"adn.N", "norm"}};
    char older[UN_LAYOUT_NAME];
    for (int i = 0; i < 2; i++) {
        const char *end = strstr(name, names[i][0]);
        if (!end || !w->out->layout->family)
            continue;
        snprintf(older, sizeof older, "%.*s%s", (int)(end - name), name, names[i][1]);
        return un_work_named(w, older);
    }
    return NULL;
}

/* ---- what is another network ---- */

static bool ends_with(const struct un_module *m, const char *end)
{
    const int length = (int)strlen(end);
    return m->length >= length && !memcmp(m->name + m->length - length, end, (size_t)length);
}

/* Whether its level is not the bottleneck. */
static bool is_halving(const struct un_module *m)
{
    return ends_with(m, ".0.residual") || (m->length == 10 && ends_with(m, "0.residual"));
}

static unet_code check_modules(const struct un_work *w, unet_error *err)
{
    for (int i = 0; i < w->modules.count; i++) {
        const struct un_module *m = &w->modules.items[i];
        if (m->kind == UN_MODULE_SLOPE && m->out > 1)
            return un_module_fail(&w->modules, i, err,
                                  "a PReLU with a slope for each channel, and unet reads MONAI's "
                                  "UNet with one for all");
        if (m->kind == UN_MODULE_UP2X2)
            return un_module_fail(&w->modules, i, err,
                                  "a kernel of 2x2, and unet reads MONAI's UNet with kernels of "
                                  "3x3 (kernel_size and up_kernel_size 3)");
        if (m->kind == UN_MODULE_CONV1X1 && is_halving(m))
            return un_module_fail(&w->modules, i, err,
                                  "a shortcut of 1x1 on the way down, as with a stride of 1, and "
                                  "unet reads MONAI's UNet with strides of 2");
    }
    return UNET_OK;
}

/* ---- the spec ---- */

/* How many convolutions a unit on the way down has; 0: it is no unit. */
static unet_code count_units(struct un_work *w, int *units, unet_error *err)
{
    char name[32];
    *units = 0;
    for (;; (*units)++) {
        snprintf(name, sizeof name, "0.conv.unit%d.conv", *units);
        if (!un_work_named(w, name))
            break;
        if (*units == UN_MAX_UNITS)
            return un_fail(err, UNET_EFORMAT, "%s: num_res_units is more than %d", w->modules.path,
                           UN_MAX_UNITS);
    }
    return UNET_OK;
}

static unet_code measure(struct un_work *w, unet_error *err)
{
    unet_spec *spec = &w->out->spec;
    int channels[UNET_MAX_DEPTH + 1], levels = 0;
    unet_code code = count_units(w, &spec->units, err);
    if (code)
        return code;
    const char *down = spec->units ? "0.conv.unit0.conv" : "0.conv";
    const char *up = spec->units ? "2.0.conv" : "2.conv";
    const struct un_module *first = un_work_named(w, down), *head = un_work_named(w, up), *m;
    if (!first || !head)
        return un_work_fail_missing(w, !first ? "model.0.conv.weight" : "model.2.conv.weight", err);
    for (; (m = at_level(w, levels, down)); channels[levels++] = m->out)
        if (levels == UNET_MAX_DEPTH)
            return un_fail(err, UNET_EFORMAT, "%s: has more levels than %d", w->modules.path,
                           UNET_MAX_DEPTH + 1);
    if (!(m = at_level(w, levels, down + 2)))
        return un_fail(err, UNET_EFORMAT,
                       "%s: the convolution of the lowest level, behind %d times %s, is missing",
                       w->modules.path, levels, nest);
    channels[levels++] = m->out;
    spec->in_channels = first->in;
    spec->classes = head->kind == UN_MODULE_UP3X3 ? head->out : head->in;
    spec->bias = first->bias >= 0 ? UNET_BIAS_ALWAYS : UNET_BIAS_NEVER;
    return un_work_measure_levels(w, channels, levels, err);
}

static bool has_kind(const struct un_work *w, enum un_module_kind kind)
{
    return w->modules.kinds[kind] > 0;
}

/* What the class leaves no choice of is known, but for what the caller says against it. */
static unet_known fixed(const struct un_work *w)
{
    unet_known known = *w->known;
    int *const fields[] = {&known.padding, &known.norm_order, &known.single_act, &known.concat,
                           &known.up,      &known.up_act,     &known.down};
    static const int values[] = {UNET_PADDING_SAME,   UNET_NORM_FIRST,   0,
                                 UNET_CONCAT_SKIP_UP, UNET_UP_TRANSPOSE, 0,
                                 UNET_DOWN_CONV};
    for (size_t i = 0; i < sizeof values / sizeof *values; i++)
        if (*fields[i] < 0)
            *fields[i] = values[i];
    if (has_kind(w, UN_MODULE_SLOPE) && known.act < 0)
        known.act = UNET_ACT_PRELU;
    return known;
}

unet_code un_work_monai(struct un_work *w, unet_error *err)
{
    const unet_known known = fixed(w), *said = w->known;
    const bool norms = has_kind(w, UN_MODULE_NORM), running = un_work_has_statistics(w);
    unet_spec *spec = &w->out->spec;
    unet_error why;
    unet_code code;
    un_work_find_prefix(w, nest);
    w->before_prefix = (int)strlen("model.");
    w->chain.convs = 1;
    w->chain.up = UN_MODULE_UP2X2;
    spec->family = (unet_family)w->out->layout->family;
    spec->leaky_slope = 0.1f;
    if ((code = un_work_check_known(w, norms, running, err)) || (code = check_modules(w, err)) ||
        (code = measure(w, err)))
        return code;
    w->known = &known;
    un_work_choose(w, norms, running);
    w->known = said;
    for (int i = 0; i < w->out->guesses; i++) /* others are as usual as these */
        if (!strcmp(w->out->guess[i].field, "norm") || !strcmp(w->out->guess[i].field, "act"))
            w->out->guess[i].from = "default";
    spec->norm_plain = !norms && spec->norm == UNET_NORM_INSTANCE;
    if (has_kind(w, UN_MODULE_SLOPE) != (spec->act == UNET_ACT_PRELU))
        return un_fail(err, UNET_EINVAL, "%s: act is %s, but the file has %s", w->modules.path,
                       un_field_word(un_field_find(&un_spec_fields, "act"), (int)spec->act),
                       spec->act == UNET_ACT_PRELU ? "no slopes" : "slopes of PReLU");
    if (un_spec_check(spec, &why))
        return un_fail(err, UNET_EFORMAT, "%s: is no network that unet has: %s", w->modules.path,
                       why.text);
    return un_work_map_named(w, err);
}
