/* SPDX-License-Identifier: Apache-2.0 */
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "recognise/recognise_work.h"

static const struct un_module *module_at(const struct un_work *w, enum un_role role, int level,
                                         int conv)
{
    int m = un_chain_module(&w->chain, role, level, conv);
    return m < 0 ? NULL : &w->modules.items[m];
}

/* ---- what shapes tell ---- */

/* A number that is as usual is left at zero, so that plain networks have plain specs. */
static int unusual(int found, int usual)
{
    return found == usual ? 0 : found;
}

/* The number at which the channels of the encoder end to double; 0: they double to its end, or are
 * others. */
static int find_widest(const struct un_work *w)
{
    const unet_spec *spec = &w->out->spec;
    const int most = module_at(w, UN_ROLE_ENC, spec->depth, 0)->out;
    for (int d = 0; d <= spec->depth; d++)
        for (int i = 0; i < w->chain.convs; i++) {
            const int usual = spec->width << d;
            if (module_at(w, UN_ROLE_ENC, d, i)->out != (usual < most ? usual : most))
                return 0;
        }
    return most < spec->width << spec->depth ? most : 0;
}

/* What cannot be set, at the deepest levels, is left to check_sources(). */
static void measure_channels(struct un_work *w)
{
    unet_spec *spec = &w->out->spec;
    unet_channels *c = &spec->channels;
    const int convs = w->chain.convs;
    if (w->out->layout ? w->out->layout->down : spec->depth > UNET_SET_DEPTH)
        spec->widest = find_widest(w);
    for (int d = 0; d <= spec->depth && d <= UNET_SET_DEPTH; d++)
        for (int i = 0; i < convs; i++)
            c->enc[d][i] = unusual(module_at(w, UN_ROLE_ENC, d, i)->out, un_spec_enc(spec, d, i));
    for (int d = 0; d < spec->depth && d < UNET_SET_DEPTH; d++)
        for (int i = 0; i < convs; i++)
            c->dec[d][i] = unusual(module_at(w, UN_ROLE_DEC, d, i)->out, un_spec_enc(spec, d, i));
    for (int d = 0; d < spec->depth && d < UNET_SET_DEPTH && w->chain.up != UN_NO_UP; d++)
        c->up[d] = unusual(module_at(w, UN_ROLE_UP, d, 0)->out, un_spec_enc(spec, d, convs - 1));
}

static void measure(struct un_work *w)
{
    unet_spec *spec = &w->out->spec;
    spec->in_channels = module_at(w, UN_ROLE_ENC, 0, 0)->in;
    spec->classes = module_at(w, UN_ROLE_HEAD, 0, 0)->out;
    spec->width = module_at(w, UN_ROLE_ENC, 0, 0)->out;
    spec->depth = w->chain.depth;
    spec->convs = unusual(w->chain.convs, 2);
    spec->leaky_slope = 0.1f; /* as in a default spec, where no activation looks at it */
    switch (w->chain.up) {
    case UN_MODULE_UP2X2:
        spec->up = UNET_UP_TRANSPOSE;
        break;
    case UN_MODULE_CONV3X3:
        spec->up_conv = UNET_UP_CONV3X3;
        break;
    case UN_NO_UP:
        spec->up_conv = UNET_UP_NO_CONV;
        break;
    default:
        spec->up_conv = UNET_UP_CONV1X1;
    }
    measure_channels(w);
}

/* All convolutions of this role have a norm, or none has. */
static unet_code find_norms(const struct un_work *w, bool ups, int *has, int *running,
                            unet_error *err)
{
    *has = -1;
    *running = 0;
    for (int s = 0; s < w->chain.count; s++) {
        const struct un_slot *slot = &w->chain.slots[s];
        const struct un_module *m = &w->modules.items[slot->module];
        if (slot->role == UN_ROLE_HEAD && m->norm >= 0)
            return un_module_fail(&w->modules, m->norm, err,
                                  "a norm behind the last convolution, and a plain U-Net has none "
                                  "there");
        if (slot->role == UN_ROLE_HEAD || (slot->role == UN_ROLE_UP) != ups)
            continue;
        if (*has >= 0 && *has != (m->norm >= 0))
            return un_module_fail(&w->modules, slot->module, err,
                                  "it has %s norm %s it, and the layers before it have %s",
                                  m->norm >= 0 ? "a" : "no", w->before ? "before" : "behind",
                                  m->norm >= 0 ? "none" : "one");
        *has = m->norm >= 0;
        if (*has)
            *running |= w->modules.items[m->norm].mean >= 0 ? 1 : 2;
    }
    if (*running == 3)
        return un_fail(err, UNET_EFORMAT,
                       "%s: some norms have running statistics and some have none",
                       w->modules.path);
    return UNET_OK;
}

/* All 3x3 convolutions of blocks have a bias, or none has: one that is missing has been lost.  Not
 * so in ONNX, where exporters leave out biases of zero. */
static unet_code check_biases(const struct un_work *w, unet_error *err)
{
    int has = -1;
    for (int s = 0; s < w->chain.count && !w->arrays->sparse_biases; s++) {
        const struct un_slot *slot = &w->chain.slots[s];
        const bool bias = w->modules.items[slot->module].bias >= 0;
        if (slot->role == UN_ROLE_HEAD || slot->role == UN_ROLE_UP)
            continue;
        if (has >= 0 && has != bias)
            return un_module_fail(&w->modules, slot->module, err,
                                  "it has %s bias, and the layers before it have %s",
                                  bias ? "a" : "no", bias ? "none" : "one");
        has = bias;
    }
    return UNET_OK;
}

/* Shapes do not tell a transposed 3x3 convolution from another where all layers have one width. */
static unet_code check_ups(const struct un_work *w, unet_error *err)
{
    static const char *const words[] = {"transp", "deconv"};
    for (int s = 0; s < w->chain.count && w->arrays->hints.padding < 0; s++) {
        const struct un_slot *slot = &w->chain.slots[s];
        const struct un_module *m = &w->modules.items[slot->module];
        for (int at = 0;
             slot->role == UN_ROLE_UP && slot->kind != UN_MODULE_UP2X2 && at < m->length; at++)
            for (size_t k = 0; k < sizeof words / sizeof *words; k++)
                if (!strncasecmp(m->name + at, words[k], strlen(words[k])))
                    return un_module_fail(&w->modules, slot->module, err,
                                          "a transposed convolution by its name, and a plain "
                                          "U-Net's are 2x2");
    }
    return UNET_OK;
}

/* ---- the arrays of the parameters ---- */

static void set_source(struct un_work *w, int param, int array)
{
    if (param >= 0)
        w->out->source[param] = array;
}

/* Fills the sources for the graph of the spec; returns how many biases are in the file and have no
 * place in the graph, and in *empty how many of the graph are not in the file. */
static int map_params(struct un_work *w, int *empty)
{
    int lost = 0;
    *empty = 0;
    un_graph_build(&w->graph, &w->out->spec);
    for (int i = 0; i < UN_MAX_PARAMS; i++)
        w->out->source[i] = -1;
    for (int i = 0; i < w->graph.node_count; i++) {
        const struct un_node *node = &w->graph.nodes[i];
        if (node->kind != UN_NODE_CONV && node->kind != UN_NODE_NORM)
            continue;
        const int module =
            un_chain_module(&w->chain, node->where.role, node->where.level, node->where.index);
        if (node->kind == UN_NODE_CONV) {
            const struct un_module *m = &w->modules.items[module];
            set_source(w, node->weight, m->weight);
            set_source(w, node->bias, m->bias);
            lost += node->bias < 0 && m->bias >= 0;
            *empty += node->bias >= 0 && m->bias < 0;
        } else if (w->modules.items[module].norm >= 0) {
            const struct un_module *m = &w->modules.items[w->modules.items[module].norm];
            set_source(w, node->weight, m->weight);
            set_source(w, node->bias, m->bias);
            set_source(w, node->running_mean, m->mean);
            set_source(w, node->running_var, m->var);
        }
    }
    return lost;
}

/* The choice of biases that has a place for each in the file, and as few others as can be. */
static void choose_bias(struct un_work *w)
{
    static const unet_bias choices[] = {UNET_BIAS_UNLESS_NORM, UNET_BIAS_NEVER, UNET_BIAS_ALWAYS};
    int best = 2, fewest = -1, empty;
    for (int i = 0; i < 3; i++) {
        w->out->spec.bias = choices[i];
        if (map_params(w, &empty) == 0 && (fewest < 0 || empty < fewest)) {
            fewest = empty;
            best = i;
        }
    }
    w->out->spec.bias = choices[best];
    map_params(w, &empty);
}

bool un_array_fits(const struct un_array *array, const struct un_graph *graph, int param)
{
    const struct un_param *p = &graph->params[param];
    size_t first;
    bool same = array->dims == p->dims;
    for (int d = 0; same && d < p->dims; d++)
        same = array->shape[d] == (size_t)p->shape[d];
    return same || (array->dims == 1 && p->dims == 1 &&
                    array->shape[0] == un_graph_joined(graph, param, &first));
}

unet_code un_work_check_sources(const struct un_work *w, unet_error *err)
{
    for (int i = 0; i < w->graph.param_count; i++) {
        const struct un_param *p = &w->graph.params[i];
        if (w->out->source[i] < 0)
            continue;
        const struct un_array *a = &w->arrays->items[w->out->source[i]];
        char shape[UN_SHAPE_TEXT];
        if (!un_array_fits(a, &w->graph, i))
            return un_fail(err, UNET_EFORMAT, "%s: tensor %.100s: has shape %s; it does not fit %s",
                           w->modules.path, a->name, un_shape_text(a->dims, a->shape, shape),
                           p->name);
    }
    return UNET_OK;
}

static unet_code refuse_known(const struct un_arrays *arrays, bool unread, const char *path,
                              unet_error *err)
{
    for (int i = 0; i < arrays->count; i++) {
        const char *reason = un_layout_refusal(arrays->items[i].name, unread);
        if (reason)
            return un_fail(err, UNET_EFORMAT, "%s: tensor %.100s: is of a network with %s", path,
                           arrays->items[i].name, reason);
    }
    return UNET_OK;
}

static unet_code recognise(struct un_work *w, const char *path, unet_error *err)
{
    const enum un_direction direction = w->known->decoder == 0   ? UN_NUMBERS_RISE
                                        : w->known->decoder == 1 ? UN_NUMBERS_FALL
                                                                 : UN_DIRECTION_UNKNOWN;
    int norms, up_norms, running, up_running;
    unet_error why;
    unet_code code;
    /* one whose slopes are learnt is another act of MONAI's, and has arrays that tell */
    const bool monai = un_work_is_monai(w->arrays);
    if (w->arrays->hints.stranger && !(monai && !strcmp(w->arrays->hints.stranger, "PReLU")))
        return un_fail(err, UNET_EFORMAT, "%s: has %s, which none of unet's networks has", path,
                       w->arrays->hints.stranger);
    if (w->arrays->hints.strange_act && w->known->act < 0 && !(w->known->leaky_slope > 0) &&
        !(monai && !strcmp(w->arrays->hints.strange_act, "PReLU")))
        return un_fail(err, UNET_EFORMAT,
                       "%s: its settings name the activation %s, which none of unet's networks has",
                       path, w->arrays->hints.strange_act);
    if ((code = refuse_known(w->arrays, false, path, err)) ||
        (code = un_work_refuse_encoder(w, path, err)) ||
        (code = un_modules_group(path, w->arrays, &w->modules, err)))
        return code;
    w->out->layout = un_layout_of(&w->modules);
    if (w->out->layout && w->out->layout->residual)
        return un_work_residual(w, err);
    if (w->out->layout && w->out->layout->family)
        return un_work_monai(w, err);
    if ((code = refuse_known(w->arrays, !w->out->layout, path, err)) ||
        (code = un_modules_refuse_stem(&w->modules, err)))
        return code;
    w->before = un_layout_is_before(w->out->layout, &w->modules);
    if ((code = un_chain_find(&w->modules, w->out->layout, direction, &w->chain, err)) ||
        (code = find_norms(w, false, &norms, &running, err)) ||
        (code = find_norms(w, true, &up_norms, &up_running, err)) ||
        (code = check_biases(w, err)) || (code = check_ups(w, err)) ||
        (code = un_work_check_known(w, norms > 0, running == 1, err)) ||
        (code = un_work_check_gaps(w, norms > 0, err)))
        return code;
    measure(w);
    w->out->spec.up_norm = up_norms > 0;
    un_work_choose(w, norms > 0, running == 1);
    if (un_spec_check(&w->out->spec, &why))
        return un_fail(err, UNET_EFORMAT, "%s: is no network that unet has: %s", path, why.text);
    choose_bias(w);
    return un_work_check_sources(w, err);
}

unet_code un_recognise(const char *path, const struct un_arrays *arrays, const unet_known *known,
                       struct un_recognised *found, unet_error *err)
{
    struct un_work *w = calloc(1, sizeof *w);
    struct un_recognised *made = calloc(1, sizeof *made);
    unet_code code = UNET_ENOMEM;
    if (!w || !made) {
        un_fail_memory(err, sizeof *w, path);
    } else {
        w->arrays = arrays;
        w->known = known;
        w->out = made;
        code = recognise(w, path, err);
    }
    if (!code)
        *found = *made;
    free(made);
    free(w);
    return code;
}
