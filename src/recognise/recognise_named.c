/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Networks whose names say where each layer stands: numbers in names are counted, a few shapes give
 * the channels, and then each parameter of that network must be in the file under its name, and
 * nothing else may be.
 */
#include <stdio.h>
#include <string.h>

#include "recognise/recognise_work.h"

void un_work_find_prefix(struct un_work *w, const char *first)
{
    const int length = (int)strlen(first);
    w->prefix = 0;
    for (int i = 0; i < w->modules.count; i++) {
        const struct un_module *m = &w->modules.items[i];
        for (int at = 0; at + length < m->length; at++)
            if (!memcmp(m->name + at, first, (size_t)length)) {
                w->prefix = at;
                return;
            }
    }
}

const struct un_module *un_work_named(const struct un_work *w, const char *name)
{
    const int length = (int)strlen(name);
    for (int i = 0; i < w->modules.count; i++) {
        const struct un_module *m = &w->modules.items[i];
        if (m->length == w->prefix + length && !memcmp(m->name + w->prefix, name, (size_t)length))
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

unet_code un_work_measure_levels(struct un_work *w, const int *channels, int levels,
                                 unet_error *err)
{
    unet_spec *spec = &w->out->spec;
    int most = 0;
    for (int d = 0; d < levels; d++)
        most = channels[d] > most ? channels[d] : most;
    spec->depth = levels - 1;
    spec->width = channels[0];
    const int64_t doubled = (int64_t)spec->width << spec->depth;
    spec->widest = most < doubled ? most : 0;
    for (int d = 0; d < levels; d++) {
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

/* ---- the arrays ---- */

/* The array of a parameter, -1: there is none. */
static int source_of(const struct un_work *w, int param)
{
    const struct un_param *p = &w->graph.params[param];
    char name[UN_LAYOUT_NAME];
    if (!un_layout_name(w->out->layout, &w->graph, param, name))
        return -1;
    name[strlen(name) - strlen(un_param_suffix(p->kind)) - 1] = 0;
    const struct un_module *m = un_work_named(w, name + w->before_prefix);
    if (!m)
        m = un_work_monai_older(w, name + w->before_prefix);
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

unet_code un_work_map_named(struct un_work *w, unet_error *err)
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
                               "%s: tensor %.150s: the network of the others has none of this name",
                               w->modules.path, w->arrays->items[arrays[k]].name);
    }
    return un_work_check_sources(w, err);
}

bool un_work_has_statistics(const struct un_work *w)
{
    bool found = false;
    for (int i = 0; i < w->modules.count; i++)
        found |= w->modules.items[i].mean >= 0;
    return found;
}
