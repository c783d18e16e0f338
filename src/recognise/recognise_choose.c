/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the shapes of a network leave open.  Each field is asked of those who may know it, in this
 * order: the caller, the file, the numbers of layers, the layout; a default ends the row.
 */
#include <math.h>

#include "recognise/recognise_work.h"

static void note(struct un_work *w, const char *field, const char *from)
{
    int i = w->out->guesses++;
    w->out->guess[i].field = field;
    w->out->guess[i].from = from;
}

/* The first of the sources that knows a field; -1 is not known. */
static int choose(struct un_work *w, const char *field, int known, int hint, int number, int layout,
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
static bool is_sequential(const struct un_work *w, int first, int second)
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
 * before it; conv 0, norm 2, conv 4: it may be either, with dropout in the other place.  -1: not
 * told.
 */
static void read_numbers(const struct un_work *w, int *single_act, int *norm_order)
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
    *single_act = to - from == 2;
    if (at == from + 1 && to > at + 1)
        *norm_order = UNET_NORM_FIRST;
    else if (at > from + 1 && to == at + 1)
        *norm_order = UNET_ACT_FIRST;
}

#define LAYOUT(field) (w->out->layout ? w->out->layout->field : -1)

static void choose_norm(struct un_work *w, bool arrays, bool running)
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
    if (!arrays && norm < 0 && told < 0 && LAYOUT(norm) < 0 && !w->before)
        return; /* norms without arrays are known to who says so */
    /* torch_em's instance norms have no arrays, its group norms have 32 groups */
    const int layout = w->before && arrays ? UNET_NORM_GROUP
                       : w->before         ? UNET_NORM_INSTANCE
                                           : LAYOUT(norm);
    spec->norm = (unet_norm)choose(w, "norm", norm, told, -1, layout, UNET_NORM_INSTANCE);
    if (spec->norm == UNET_NORM_GROUP)
        spec->groups = groups > 0 ? groups : 32;
    spec->norm_plain = w->before && !arrays;
}

/* choose() of a field that caller, file and layout call alike; number: what the numbers tell. */
#define CHOOSE(field, number, otherwise)                                                           \
    choose(w, #field, w->known->field, w->arrays->hints.field, number, LAYOUT(field), otherwise)

static void choose_up(struct un_work *w)
{
    unet_spec *spec = &w->out->spec;
    if (w->chain.up != UN_MODULE_UP2X2) {
        spec->up = (unet_up)CHOOSE(up, -1, UNET_UP_BILINEAR);
        if (spec->up == UNET_UP_BILINEAR && spec->padding == UNET_PADDING_SAME)
            spec->align_corners = CHOOSE(align_corners, -1, 0);
    }
    if (w->chain.up != UN_NO_UP)
        spec->up_act = CHOOSE(up_act, -1, spec->up_norm);
}

static void choose_act(struct un_work *w)
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

/* What torch_em's numbers tell nobody knows better. */
static int choose_order(struct un_work *w, int number)
{
    if (w->before && w->known->norm_order < 0)
        return choose(w, "norm_order", -1, -1, -1, UNET_BEFORE_CONV, -1);
    const int layout = LAYOUT(norm_order) == UNET_BEFORE_CONV ? -1 : LAYOUT(norm_order);
    return choose(w, "norm_order", w->known->norm_order, w->arrays->hints.norm_order, number,
                  layout, UNET_NORM_FIRST);
}

void un_work_choose(struct un_work *w, bool norms, bool running)
{
    const unet_known *known = w->known;
    const struct un_hints *hints = &w->arrays->hints;
    unet_spec *spec = &w->out->spec;
    int single_act, norm_order;
    read_numbers(w, &single_act, &norm_order);
    spec->padding = (unet_padding)CHOOSE(padding, -1, UNET_PADDING_SAME);
    choose_norm(w, norms, running);
    choose_act(w);
    if (w->chain.convs == 2)
        spec->single_act = CHOOSE(single_act, single_act, 0);
    if (spec->norm != UNET_NORM_NONE)
        spec->norm_order = (unet_norm_order)choose_order(w, norm_order);
    const float epsilon = known->norm_epsilon > 0 ? known->norm_epsilon : hints->norm_epsilon;
    if (spec->norm != UNET_NORM_NONE && epsilon > 0 && epsilon != 1e-5f)
        spec->norm_epsilon = epsilon;
    spec->concat = (unet_concat)CHOOSE(concat, -1, UNET_CONCAT_UP_SKIP);
    if (known->down >= 0 || hints->down >= 0 || (w->out->layout && w->out->layout->down))
        spec->down = (unet_down)CHOOSE(down, -1, UNET_DOWN_POOL);
    choose_up(w);
}

unet_code un_work_check_known(const struct un_work *w, bool norms, bool running, unet_error *err)
{
    const unet_known *known = w->known;
    const char *path = w->modules.path;
    const bool transposed = w->chain.up == UN_MODULE_UP2X2;
    /* a file that tells how the network runs may have its norms in its convolutions */
    if (known->norm == UNET_NORM_BATCH && !running && (norms || w->arrays->hints.padding < 0))
        return un_fail(err, UNET_EINVAL,
                       "%s: norm is batch, but the file has no running statistics", path);
    if (!w->before && norms &&
        (known->norm_order >= 0 ? known->norm_order : w->arrays->hints.norm_order) ==
            UNET_BEFORE_CONV)
        return un_fail(err, UNET_EFORMAT,
                       "%s: has norms before its convolutions, whose arrays are read under "
                       "torch_em's names alone",
                       path);
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
        return un_fail(err, UNET_EINVAL, "%s: up is %stransposed, but the file has %stransposed %s",
                       path, transposed ? "not " : "", transposed ? "" : "no ", "convolutions");
    return UNET_OK;
}
