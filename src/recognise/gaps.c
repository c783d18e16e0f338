/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The layers without arrays.  In an nn.Sequential every layer has a number, so one that the file
 * says nothing else of leaves a gap.  Where a network of ours has such a layer (an activation, a
 * pooling, dropout), a gap is accounted for; one more may be a norm without arrays, as PyTorch's
 * InstanceNorm2d has none, and the network would run without it.  So it stops the import, unless
 * somebody says what it is.
 *
 *   enc1.0, enc1.2             an activation
 *   enc1.0, enc1.1 n, enc1.4   norm, activation, dropout
 *   enc2.1, enc2.3             a pooling, an activation
 *   enc1.0, enc1.3             an activation, and dropout or a norm
 *   enc1.1, enc1.4             a norm before each convolution?
 */
#include "recognise/recognise_work.h"

/* Whether the module has a number in the container of the other. */
static bool is_numbered_beside(const struct un_module *a, const struct un_module *b)
{
    return un_module_siblings(a, b) && un_module_number(a) >= 0 && un_module_number(b) >= 0;
}

/* How many modules of m's container have numbers between those. */
static int siblings_between(const struct un_modules *modules, const struct un_module *m, int from,
                            int to)
{
    int count = 0;
    for (int i = 0; i < modules->count; i++) {
        const struct un_module *other = &modules->items[i];
        const int number = un_module_number(other);
        count += is_numbered_beside(m, other) && number > from && number < to;
    }
    return count;
}

static unet_code fail_gap(const struct un_modules *modules, int module, unet_error *err,
                          const char *what)
{
    unet_code code = un_module_fail(modules, module, err, "%s", what);
    if (err)
        err->hints |= UNET_HINT_NORM;
    return code;
}

/* ---- in front of a container's first convolution ---- */

/* How many layers without arrays a network of ours may have there: a pooling, a doubling, dropout
 * before the head. */
static int allowed_before(const struct un_slot *slot)
{
    return (slot->role == UN_ROLE_ENC && slot->level > 0 && slot->conv == 0) ||
           (slot->role == UN_ROLE_UP && slot->kind != UN_MODULE_UP2X2) ||
           slot->role == UN_ROLE_HEAD;
}

/* Whether all convolutions of m's container are of one block: else its numbers count blocks. */
static bool is_of_one_block(const struct un_work *w, const struct un_slot *slot)
{
    const struct un_module *m = &w->modules.items[slot->module];
    for (int s = 0; s < w->chain.count; s++) {
        const struct un_slot *other = &w->chain.slots[s];
        if ((other->role != slot->role || other->level != slot->level) &&
            un_module_siblings(m, &w->modules.items[other->module]))
            return false;
    }
    return true;
}

/* Whether the container counts its modules from 1 and leaves none out. */
static bool counts_from_one(const struct un_modules *modules, const struct un_module *m)
{
    int most = 1, count = 1 + siblings_between(modules, m, 1, UN_MAX_MODULES);
    for (int i = 0; i < modules->count; i++)
        if (is_numbered_beside(m, &modules->items[i]) &&
            un_module_number(&modules->items[i]) > most)
            most = un_module_number(&modules->items[i]);
    return un_module_number(m) == 1 && count > 1 && count == most;
}

static unet_code check_before(const struct un_work *w, const struct un_slot *slot, unet_error *err)
{
    const struct un_module *m = &w->modules.items[slot->module];
    const int number = un_module_number(m);
    if (number <= allowed_before(slot) || siblings_between(&w->modules, m, -1, number) ||
        !is_of_one_block(w, slot) || counts_from_one(&w->modules, m))
        return UNET_OK;
    return fail_gap(
        &w->modules, slot->module, err,
        "its number says that a layer without arrays comes before it, maybe a norm, and "
        "a plain U-Net has none there");
}

/* ---- between the convolutions of a block ---- */

/* The layers without arrays between two convolutions, -1: they are not of one sequence. */
static int gaps_between(const struct un_work *w, const struct un_slot *slot,
                        const struct un_slot *next)
{
    const struct un_module *a = &w->modules.items[slot->module];
    const struct un_module *b = &w->modules.items[next->module];
    if (slot->role != next->role || slot->level != next->level || !is_numbered_beside(a, b))
        return -1;
    const int from = un_module_number(a), to = un_module_number(b);
    return to - from - 1 - siblings_between(&w->modules, a, from, to);
}

/* One activation: dropout, too, is allowed where there is a norm already. */
static unet_code check_between(const struct un_work *w, int s, bool norms, unet_error *err)
{
    const struct un_slot *next = &w->chain.slots[s + 1];
    const int gaps = gaps_between(w, next - 1, next);
    if (gaps <= 1 + norms || w->known->norm >= 0)
        return UNET_OK;
    return fail_gap(&w->modules, next->module, err,
                    norms ? "its number says that more layers without arrays come before it than "
                            "an activation and dropout"
                          : "its number says that layers without arrays come before it: an "
                            "activation, and dropout or a norm");
}

/* All blocks have something between their convolutions, or none has. */
static unet_code check_alike(const struct un_work *w, unet_error *err)
{
    int has = -1;
    for (int s = 0; s + 1 < w->chain.count && w->known->single_act < 0; s++) {
        const struct un_slot *next = &w->chain.slots[s + 1];
        const int gaps = gaps_between(w, next - 1, next);
        if (gaps < 0 || !is_of_one_block(w, next))
            continue;
        if (has >= 0 && has != (gaps > 0))
            return un_module_fail(&w->modules, next->module, err,
                                  "its number says that %s comes before it, and blocks before this "
                                  "one have %s there",
                                  gaps ? "a layer without arrays" : "no activation",
                                  gaps ? "none" : "one");
        has = gaps > 0;
    }
    return UNET_OK;
}

/* ---- norms with arrays ---- */

/* The convolution of n's container that is the nearest before it, -1: none; *any: it has some. */
static int conv_before(const struct un_modules *modules, const struct un_module *n, bool *any)
{
    int found = -1;
    *any = false;
    for (int i = 0; i < modules->count; i++) {
        const struct un_module *m = &modules->items[i];
        if (m->kind == UN_MODULE_NORM || !is_numbered_beside(m, n))
            continue;
        *any = true;
        if (un_module_number(m) < un_module_number(n) &&
            (found < 0 || un_module_number(m) > un_module_number(&modules->items[found])))
            found = i;
    }
    return found;
}

/* Norms follow their convolutions, by their numbers or else by the order of the file. */
static unet_code check_norm_places(const struct un_work *w, unet_error *err)
{
    const struct un_modules *modules = &w->modules;
    int behind = 0, before = -1;
    for (int i = 0; i < modules->count; i++) {
        const struct un_module *m = &modules->items[i];
        bool any;
        if (m->kind == UN_MODULE_NORM || m->norm < 0)
            continue;
        const struct un_module *n = &modules->items[m->norm];
        if (conv_before(modules, n, &any) != i && any)
            return fail_gap(modules, m->norm, err,
                            "its number says that the norm stands before a convolution, and in a "
                            "plain U-Net each follows one");
        if (n->file_rank > m->file_rank)
            behind++;
        else if (!any)
            before = m->norm;
    }
    if (before < 0 || behind || !w->arrays->ordered || w->known->norm_order >= 0)
        return UNET_OK;
    return fail_gap(modules, before, err,
                    "the file has every norm before its convolution, and in a plain U-Net each "
                    "follows one");
}

unet_code un_work_check_gaps(const struct un_work *w, bool norms, unet_error *err)
{
    const int told = w->known->norm;
    unet_code code = UNET_OK;
    if (w->arrays->hints.padding >= 0 || w->before || w->known->norm_order == UNET_BEFORE_CONV ||
        (w->out->layout && w->out->layout->lists))
        return UNET_OK; /* the file says how the network runs, or its class */
    if (norms && (code = check_norm_places(w, err)))
        return code;
    for (int s = 0; s < w->chain.count && !code; s++) {
        const struct un_slot *slot = &w->chain.slots[s];
        if (!(norms ? told >= 0 : told == UNET_NORM_NONE))
            code = check_before(w, slot, err);
        if (!code && s + 1 < w->chain.count)
            code = check_between(w, s, norms, err);
    }
    return code ? code : check_alike(w, err);
}
