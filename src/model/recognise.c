/* SPDX-License-Identifier: Apache-2.0 */
#include "model/recognise.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "model/chain.h"

struct work {
    const struct un_arrays *arrays;
    const unet_known *known;
    struct un_modules modules;
    struct un_chain chain;
    struct un_graph graph;
    struct un_recognised *out;
};

static const struct un_module *module_at(const struct work *w, enum un_role role, int level,
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

static void measure_channels(struct work *w)
{
    unet_spec *spec = &w->out->spec;
    unet_channels *c = &spec->channels;
    const int convs = w->chain.convs;
    for (int d = 0; d <= spec->depth; d++)
        for (int i = 0; i < convs; i++)
            c->enc[d][i] = unusual(module_at(w, UN_ROLE_ENC, d, i)->out, spec->width << d);
    for (int d = 0; d < spec->depth; d++)
        for (int i = 0; i < convs; i++)
            c->dec[d][i] = unusual(module_at(w, UN_ROLE_DEC, d, i)->out, un_spec_enc(spec, d, i));
    for (int d = 0; d < spec->depth && w->chain.up != UN_NO_UP; d++)
        c->up[d] = unusual(module_at(w, UN_ROLE_UP, d, 0)->out, un_spec_enc(spec, d, convs - 1));
}

static void measure(struct work *w)
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
static unet_code find_norms(const struct work *w, bool ups, int *has, int *running, unet_error *err)
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
                                  "it has %s norm behind it, and the layers before it have %s",
                                  m->norm >= 0 ? "a" : "no", m->norm >= 0 ? "none" : "one");
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

/* ---- what has to be chosen ---- */

static void note(struct work *w, const char *field, const char *from)
{
    int i = w->out->guesses++;
    w->out->guess[i].field = field;
    w->out->guess[i].from = from;
}

/* The first of the sources that knows a field; -1 is not known. */
static int choose(struct work *w, const char *field, int known, int hint, int number, int layout,
                  int otherwise)
{
    if (known >= 0)
        return known;
    if (hint >= 0)
        return hint;
    const bool numbered = number >= 0, laid = w->out->layout && layout >= 0;
    note(w, field, numbered ? "numbers" : laid ? "layout" : "default");
    return numbered ? number : laid ? layout : otherwise;
}

/* Whether the parent of a block's convolutions is the block's own: no other block is in there. */
static bool is_sequential(const struct work *w, int first, int second)
{
    const struct un_module *a = &w->modules.items[first], *b = &w->modules.items[second];
    if (!un_module_siblings(a, b) || un_module_number(a) < 0 || un_module_number(b) < 0)
        return false;
    for (int s = 0; s < w->chain.count; s++) {
        int m = w->chain.slots[s].module;
        if (m != first && m != second && un_module_siblings(a, &w->modules.items[m]))
            return false;
    }
    return true;
}

/*
 * The numbers of an nn.Sequential: conv 0, conv 2 have something between them, which is an
 * activation; conv 0, norm 1, conv 3: the activation is behind the norm; conv 0, norm 2, conv 3:
 * before it.  -1: not told.
 */
static void read_numbers(const struct work *w, int *single_act, int *norm_order)
{
    *single_act = *norm_order = -1;
    if (w->chain.convs < 2)
        return;
    const int first = un_chain_module(&w->chain, UN_ROLE_ENC, 0, 0);
    const int second = un_chain_module(&w->chain, UN_ROLE_ENC, 0, 1);
    if (!is_sequential(w, first, second))
        return;
    const struct un_module *a = &w->modules.items[first];
    int from = un_module_number(a), to = un_module_number(&w->modules.items[second]);
    if (a->norm < 0) {
        *single_act = to == from + 1;
        return;
    }
    const struct un_module *norm = &w->modules.items[a->norm];
    const int at = un_module_number(norm);
    if (!un_module_siblings(a, norm) || at <= from || at >= to)
        return;
    *norm_order = at > from + 1 ? UNET_ACT_FIRST : UNET_NORM_FIRST;
    *single_act = to - from == 2;
    if (*single_act)
        *norm_order = -1;
}

#define LAYOUT(field) (w->out->layout ? w->out->layout->field : -1)

/*
 * Whether layers without arrays, of which one is an activation, leave room for a norm without
 * arrays between two convolutions: 0 and 3.  A file that tells how the network runs would tell.
 */
static bool may_have_bare_norms(const struct work *w)
{
    const int first = un_chain_module(&w->chain, UN_ROLE_ENC, 0, 0);
    const int second = un_chain_module(&w->chain, UN_ROLE_ENC, 0, 1);
    return second >= 0 && is_sequential(w, first, second) && w->arrays->hints.padding < 0 &&
           un_module_number(&w->modules.items[second]) -
                   un_module_number(&w->modules.items[first]) >=
               3;
}

static void choose_norm(struct work *w, bool arrays, bool running)
{
    const unet_known *known = w->known;
    const struct un_hints *hints = &w->arrays->hints;
    unet_spec *spec = &w->out->spec;
    if (arrays && running) {
        spec->norm = UNET_NORM_BATCH;
        return;
    }
    int groups = known->groups > 0 ? known->groups : hints->instance_groups;
    int told = groups > 0 ? UNET_NORM_GROUP : groups == 0 ? UNET_NORM_INSTANCE : -1;
    /* batch norms that the file has no arrays of are part of its convolutions */
    const int norm = known->norm == UNET_NORM_BATCH ? -1 : known->norm;
    if (!arrays && norm < 0 && told < 0 && LAYOUT(norm) < 0) {
        if (known->norm < 0 && may_have_bare_norms(w)) /* or dropout, as often */
            note(w, "norm", "default");
        return; /* norms without arrays are known to who says so */
    }
    spec->norm = (unet_norm)choose(w, "norm", norm, told, -1, LAYOUT(norm), UNET_NORM_INSTANCE);
    if (spec->norm == UNET_NORM_GROUP)
        spec->groups = groups;
}

static void choose_up(struct work *w)
{
    const unet_known *known = w->known;
    const struct un_hints *hints = &w->arrays->hints;
    unet_spec *spec = &w->out->spec;
    if (w->chain.up != UN_MODULE_UP2X2) {
        spec->up = (unet_up)choose(w, "up", known->up, hints->up, -1, LAYOUT(up), UNET_UP_BILINEAR);
        if (spec->up == UNET_UP_BILINEAR && spec->padding == UNET_PADDING_SAME)
            spec->align_corners = choose(w, "align_corners", known->align_corners,
                                         hints->align_corners, -1, LAYOUT(align_corners), 0);
    }
    if (w->chain.up != UN_NO_UP)
        spec->up_act =
            choose(w, "up_act", known->up_act, hints->up_act, -1, LAYOUT(up_act), spec->up_norm);
}

static void choose_act(struct work *w)
{
    const struct un_hints *hints = &w->arrays->hints;
    unet_spec *spec = &w->out->spec;
    int act = w->known->act;
    if (act < 0 && w->known->leaky_slope > 0)
        act = UNET_ACT_LEAKY_RELU;
    spec->act = (unet_act)choose(w, "act", act, hints->act, -1, LAYOUT(act), UNET_ACT_RELU);
    if (spec->act != UNET_ACT_LEAKY_RELU)
        return;
    const float slopes[] = {w->known->leaky_slope, hints->leaky_slope,
                            w->out->layout ? w->out->layout->leaky_slope : NAN, 0.01f};
    int i = 0;
    while (!(slopes[i] > 0))
        i++;
    spec->leaky_slope = slopes[i]; /* PyTorch's default is 0.01 */
}

static void choose_all(struct work *w, bool norms, bool running)
{
    const unet_known *known = w->known;
    const struct un_hints *hints = &w->arrays->hints;
    unet_spec *spec = &w->out->spec;
    int single_act, norm_order;
    read_numbers(w, &single_act, &norm_order);
    spec->padding = (unet_padding)choose(w, "padding", known->padding, hints->padding, -1,
                                         LAYOUT(padding), UNET_PADDING_SAME);
    choose_norm(w, norms, running);
    choose_act(w);
    if (w->chain.convs == 2)
        spec->single_act = choose(w, "single_act", known->single_act, hints->single_act, single_act,
                                  LAYOUT(single_act), 0);
    if (spec->norm != UNET_NORM_NONE)
        spec->norm_order =
            (unet_norm_order)choose(w, "norm_order", known->norm_order, hints->norm_order,
                                    norm_order, LAYOUT(norm_order), UNET_NORM_FIRST);
    const float epsilon = known->norm_epsilon > 0 ? known->norm_epsilon : hints->norm_epsilon;
    if (spec->norm != UNET_NORM_NONE && epsilon > 0 && epsilon != 1e-5f)
        spec->norm_epsilon = epsilon;
    spec->concat = (unet_concat)choose(w, "concat", known->concat, hints->concat, -1,
                                       LAYOUT(concat), UNET_CONCAT_UP_SKIP);
    choose_up(w);
}

/* Refuses what the caller cannot know, since the arrays say otherwise. */
static unet_code check_known(const struct work *w, bool norms, bool running, unet_error *err)
{
    const unet_known *known = w->known;
    const char *path = w->modules.path;
    const bool transposed = w->chain.up == UN_MODULE_UP2X2;
    /* a file that tells how the network runs may have its norms in its convolutions */
    if (known->norm == UNET_NORM_BATCH && !running && (norms || w->arrays->hints.padding < 0))
        return un_fail(err, UNET_EINVAL,
                       "%s: norm is batch, but the file has no running statistics", path);
    if (known->norm == UNET_NORM_NONE && norms)
        return un_fail(err, UNET_EINVAL, "%s: norm is none, but the file has norms", path);
    if (known->norm == UNET_NORM_GROUP && running)
        return un_fail(err, UNET_EINVAL,
                       "%s: norm is group, but the file has running statistics, which only batch "
                       "norm uses",
                       path);
    if (known->norm == UNET_NORM_GROUP && known->groups < 1 && w->arrays->hints.instance_groups < 1)
        return un_fail(err, UNET_EINVAL,
                       "%s: norm is group, and neither the file nor the caller tells how many "
                       "groups",
                       path);
    if (known->up >= 0 && (known->up == UNET_UP_TRANSPOSE) != transposed)
        return un_fail(err, UNET_EINVAL, "%s: up is %stransposed, but the file has %s2x2 %s", path,
                       transposed ? "not " : "", transposed ? "" : "no ", "convolutions");
    return UNET_OK;
}

/* ---- the arrays of the parameters ---- */

/* The slot of a convolution of the graph by its name; *conv counts those of a block. */
static int slot_module(const struct work *w, const char *name, char block[40], int *conv)
{
    const char *dot = strchr(name, '.');
    int length = dot ? (int)(dot - name) : (int)strlen(name), level = w->chain.depth;
    enum un_role role = UN_ROLE_ENC;
    *conv = !strncmp(block, name, (size_t)length) && !block[length] ? *conv + 1 : 0;
    snprintf(block, 40, "%.*s", length, name);
    if (!strncmp(name, "out_conv", 8)) {
        role = UN_ROLE_HEAD;
        level = 0;
    } else if (sscanf(name, "upconv_%d", &level) == 1) {
        role = UN_ROLE_UP;
    } else if (sscanf(name, "dec_%d", &level) == 1) {
        role = UN_ROLE_DEC;
    } else {
        sscanf(name, "enc_%d", &level);
    }
    return un_chain_module(&w->chain, role, level, *conv);
}

static void set_source(struct work *w, int param, int array)
{
    if (param >= 0)
        w->out->source[param] = array;
}

/* Fills the sources for the graph of the spec; returns how many biases are in the file and have no
 * place in the graph, and in *empty how many of the graph are not in the file. */
static int map_params(struct work *w, int *empty)
{
    char block[40] = "";
    int conv = 0, module = -1, lost = 0;
    *empty = 0;
    un_graph_build(&w->graph, &w->out->spec);
    for (int i = 0; i < UN_MAX_PARAMS; i++)
        w->out->source[i] = -1;
    for (int i = 0; i < w->graph.node_count; i++) {
        const struct un_node *node = &w->graph.nodes[i];
        if (node->kind == UN_NODE_CONV) {
            module = slot_module(w, node->name, block, &conv);
            const struct un_module *m = &w->modules.items[module];
            set_source(w, node->weight, m->weight);
            set_source(w, node->bias, m->bias);
            lost += node->bias < 0 && m->bias >= 0;
            *empty += node->bias >= 0 && m->bias < 0;
        } else if (node->kind == UN_NODE_NORM && w->modules.items[module].norm >= 0) {
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
static void choose_bias(struct work *w)
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

static unet_code check_sources(const struct work *w, unet_error *err)
{
    for (int i = 0; i < w->graph.param_count; i++) {
        const struct un_param *p = &w->graph.params[i];
        if (w->out->source[i] < 0)
            continue;
        const struct un_array *a = &w->arrays->items[w->out->source[i]];
        bool same = a->dims == p->dims;
        for (int d = 0; same && d < p->dims; d++)
            same = a->shape[d] == (size_t)p->shape[d];
        char shape[UN_SHAPE_TEXT];
        if (!same)
            return un_fail(err, UNET_EFORMAT, "%s: tensor %.100s: has shape %s; it does not fit %s",
                           w->modules.path, a->name, un_shape_text(a->dims, a->shape, shape),
                           p->name);
    }
    return UNET_OK;
}

static unet_code refuse_known(const struct un_arrays *arrays, const char *path, unet_error *err)
{
    for (int i = 0; i < arrays->count; i++) {
        const char *reason = un_layout_refusal(arrays->items[i].name);
        if (reason)
            return un_fail(err, UNET_EFORMAT, "%s: tensor %.100s: is of a network with %s", path,
                           arrays->items[i].name, reason);
    }
    return UNET_OK;
}

static unet_code recognise(struct work *w, const char *path, unet_error *err)
{
    int norms, up_norms, running, up_running;
    unet_error why;
    unet_code code;
    if ((code = refuse_known(w->arrays, path, err)) ||
        (code = un_modules_group(path, w->arrays, &w->modules, err)))
        return code;
    w->out->layout = un_layout_of(&w->modules);
    if ((code = un_chain_find(&w->modules, w->out->layout, &w->chain, err)) ||
        (code = find_norms(w, false, &norms, &running, err)) ||
        (code = find_norms(w, true, &up_norms, &up_running, err)) ||
        (code = check_known(w, norms > 0, running == 1, err)))
        return code;
    measure(w);
    w->out->spec.up_norm = up_norms > 0;
    choose_all(w, norms > 0, running == 1);
    if (un_spec_check(&w->out->spec, &why))
        return un_fail(err, UNET_EFORMAT, "%s: is no network that unet has: %s", path, why.text);
    choose_bias(w);
    return check_sources(w, err);
}

unet_code un_recognise(const char *path, const struct un_arrays *arrays, const unet_known *known,
                       struct un_recognised *found, unet_error *err)
{
    struct work *w = calloc(1, sizeof *w);
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
