/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Networks of residual blocks, whose names say where each layer stands: numbers in names are
 * counted, a few shapes give the channels, and then each parameter of that network must be in the
 * file under its name, and nothing else may be.
 */
#include <stdio.h>
#include <string.h>

#include "recognise/recognise_work.h"

/* How far the names begin behind a prefix that all of them have ("model."). */
static int prefix_of(const struct un_modules *modules)
{
    static const char first[] = "encoder.";
    const struct un_module *m = &modules->items[0];
    int prefix = m->length;
    for (int i = 0; i < modules->count; i++, m++)
        for (int at = 0; at < prefix && at + (int)strlen(first) < m->length; at++)
            if (!memcmp(m->name + at, first, strlen(first)))
                prefix = at;
    return prefix;
}

const struct un_module *un_work_named(const struct un_work *w, const char *name)
{
    const int prefix = prefix_of(&w->modules), length = (int)strlen(name);
    for (int i = 0; i < w->modules.count; i++) {
        const struct un_module *m = &w->modules.items[i];
        if (m->length == prefix + length && !memcmp(m->name + prefix, name, (size_t)length))
            return m;
    }
    return NULL;
}

const struct un_module *un_work_numbered(const struct un_work *w, const char *format, int a, int b)
{
    char name[UN_LAYOUT_NAME];
    snprintf(name, sizeof name, format, a, b);
    return un_work_named(w, name);
}

unet_code un_work_fail_missing(const struct un_work *w, const char *what, unet_error *err)
{
    return un_fail(err, UNET_EFORMAT, "%s: tensor %s is missing", w->modules.path, what);
}

/* ---- the spec of nnU-Net's ---- */

/* The channels of the levels, and how many blocks each has. */
static unet_code measure_levels(struct un_work *w, unet_error *err)
{
    static const char conv[] = "encoder.stages.%d.blocks.%d.conv1.conv";
    unet_spec *spec = &w->out->spec;
    int most = 0, blocks[UNET_MAX_DEPTH + 1], channels[UNET_MAX_DEPTH + 1], levels = 0;
    const struct un_module *first;
    for (; (first = un_work_numbered(w, conv, levels, 0)); levels++) {
        if (levels > UNET_MAX_DEPTH)
            return un_fail(err, UNET_EFORMAT, "%s: has more levels than %d", w->modules.path,
                           UNET_MAX_DEPTH + 1);
        channels[levels] = first->out;
        most = first->out > most ? first->out : most;
        blocks[levels] = 1;
        while (un_work_numbered(w, conv, levels, blocks[levels]))
            blocks[levels]++;
    }
    if (levels < 2)
        return un_work_fail_missing(w, "encoder.stages.1.blocks.0.conv1.conv.weight", err);
    spec->depth = levels - 1;
    spec->width = channels[0];
    const int64_t doubled = (int64_t)spec->width << spec->depth;
    spec->widest = most < doubled ? most : 0;
    for (int d = 0; d < levels; d++) {
        spec->blocks[d] = blocks[d] == un_spec_blocks(spec, d) ? 0 : blocks[d];
        if (channels[d] == un_spec_enc(spec, d, 0))
            continue;
        if (d > UNET_SET_DEPTH)
            return un_fail(err, UNET_EFORMAT,
                           "%s: level %d has %d channels, wanted %d: those of levels below %d "
                           "double, up to the largest number of all",
                           w->modules.path, d, channels[d], un_spec_enc(spec, d, 0),
                           UNET_SET_DEPTH);
        spec->channels.enc[d][0] = spec->channels.enc[d][1] = channels[d];
    }
    return UNET_OK;
}

static unet_code measure_nnunet(struct un_work *w, unet_error *err)
{
    unet_spec *spec = &w->out->spec;
    const struct un_module *stem = un_work_named(w, "encoder.stem.convs.0.conv");
    char name[UN_LAYOUT_NAME];
    spec->residual = (unet_residual)w->out->layout->residual;
    spec->leaky_slope = 0.1f;
    if (!stem)
        return un_work_fail_missing(w, "encoder.stem.convs.0.conv.weight", err);
    unet_code code = measure_levels(w, err);
    if (code)
        return code;
    const struct un_module *head = un_work_numbered(w, "decoder.seg_layers.%d", spec->depth - 1, 0);
    if (!head) {
        snprintf(name, sizeof name, "decoder.seg_layers.%d.weight", spec->depth - 1);
        return un_work_fail_missing(w, name, err);
    }
    spec->in_channels = stem->in;
    spec->classes = head->out;
    const struct un_module *up = un_work_named(w, "decoder.transpconvs.0");
    spec->bias = stem->bias >= 0       ? UNET_BIAS_ALWAYS
                 : up && up->bias >= 0 ? UNET_BIAS_UNLESS_NORM
                                       : UNET_BIAS_NEVER;
    spec->convs = un_work_numbered(w, "decoder.stages.%d.convs.%d.conv", 0, 1) ? 0 : 1;
    w->chain.up = UN_MODULE_UP2X2;
    return UNET_OK;
}

/* ---- the arrays ---- */

/* The array of a parameter, -1: there is none. */
static int source_of(const struct un_work *w, int param)
{
    const struct un_param *p = &w->graph.params[param];
    char name[UN_LAYOUT_NAME];
    if (!un_layout_name(w->out->layout, &w->graph, param, name))
        return -1;
    name[strlen(name) - strlen(un_param_suffix(p->kind)) - 1] = 0;
    const struct un_module *m = un_work_named(w, name);
    if (!m)
        return -1;
    const int arrays[] = {[UN_PARAM_WEIGHT] = m->weight,
                          [UN_PARAM_BIAS] = m->bias,
                          [UN_PARAM_RUNNING_MEAN] = m->mean,
                          [UN_PARAM_RUNNING_VAR] = m->var};
    return arrays[p->kind];
}

static bool is_used(const struct un_work *w, int array)
{
    bool used = array < 0;
    for (int i = 0; i < w->graph.param_count && !used; i++)
        used = w->out->source[i] == array;
    return used;
}

static unet_code map_arrays(struct un_work *w, unet_error *err)
{
    un_graph_build(&w->graph, &w->out->spec);
    for (int i = 0; i < UN_MAX_PARAMS; i++)
        w->out->source[i] = -1;
    for (int i = 0; i < w->graph.param_count; i++) {
        char name[UN_LAYOUT_NAME];
        if ((w->out->source[i] = source_of(w, i)) < 0)
            return un_work_fail_missing(
                w,
                un_layout_name(w->out->layout, &w->graph, i, name) ? name : w->graph.params[i].name,
                err);
    }
    for (int i = 0; i < w->modules.count; i++) {
        const struct un_module *m = &w->modules.items[i];
        const int arrays[] = {m->weight, m->bias, m->mean, m->var};
        for (int k = 0; k < 4 && !un_work_is_idle(w, m); k++)
            if (!is_used(w, arrays[k]))
                return un_fail(err, UNET_EFORMAT,
                               "%s: tensor %.100s: the network of the others has none of this name",
                               w->modules.path, w->arrays->items[arrays[k]].name);
    }
    return un_work_check_sources(w, err);
}

static bool has_statistics(const struct un_work *w)
{
    bool found = false;
    for (int i = 0; i < w->modules.count; i++)
        found |= w->modules.items[i].mean >= 0;
    return found;
}

unet_code un_work_residual(struct un_work *w, unet_error *err)
{
    unet_error why;
    unet_code code;
    /* nothing is left to the search, and all that follows it wants to know is this */
    w->chain.convs = 1;
    code = w->out->layout->residual == UNET_RESIDUAL_NNUNET ? measure_nnunet(w, err)
                                                            : un_work_measure_resnet(w, err);
    if (code || (code = un_work_check_known(w, true, has_statistics(w), err)))
        return code;
    un_work_choose(w, true, has_statistics(w));
    if (un_spec_check(&w->out->spec, &why))
        return un_fail(err, UNET_EFORMAT, "%s: is no network that unet has: %s", w->modules.path,
                       why.text);
    return map_arrays(w, err);
}
