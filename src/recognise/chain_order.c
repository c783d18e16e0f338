/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Which modules may stand in a slot, and which of them is tried first: by the channels, by what
 * names have in common, and by an order, that of the file where it means something, else that of
 * the numbers in names.  None of it is certain, so all say how far they may be trusted.
 */
#include <stdlib.h>

#include "recognise/chain_search.h"

/* ---- which convolutions share a block ---- */

/* The one 3x3 convolution whose name has most in common with that of module m, -1: there are
 * several. */
static int closest(const struct un_modules *modules, int m)
{
    int best = -1, found = -1;
    for (int i = 0; i < modules->count; i++) {
        if (i == m || modules->items[i].kind != UN_MODULE_CONV3X3)
            continue;
        int common = modules->common[m][i];
        if (common > best) {
            best = common;
            found = i;
        } else if (common == best) {
            found = -1;
        }
    }
    return found;
}

void un_search_find_mates(struct un_search *search)
{
    const struct un_modules *modules = search->modules;
    for (int i = 0; i < modules->count; i++)
        search->mate[i] = -1;
    for (int i = 0; i < modules->count; i++) {
        if (modules->items[i].kind != UN_MODULE_CONV3X3)
            continue;
        int other = closest(modules, i);
        if (other >= 0 && closest(modules, other) == i)
            search->mate[i] = other;
    }
}

/* ---- candidates for a slot ---- */

int un_search_compare(const void *pa, const void *pb)
{
    const struct un_order *a = pa, *b = pb;
    if (a->common != b->common)
        return a->common < b->common ? -1 : 1;
    if (a->level != b->level)
        return a->level < b->level ? -1 : 1;
    return a->rank < b->rank ? -1 : a->rank > b->rank;
}

/* The module with the same part in the level that was filled before, -1: this level is the first.*/
static int predecessor(const struct un_chain *chain, const struct un_slot *slot)
{
    int before = slot->role == UN_ROLE_ENC ? slot->level - 1 : slot->level + 1;
    return un_chain_module(chain, slot->role, before, slot->conv);
}

/* How far `rank` lies behind `from`; what lies before it comes after all that lies behind. */
static int behind(int rank, int from)
{
    return rank > from ? rank - from : UN_MAX_MODULES + rank;
}

struct un_order un_search_order(const struct un_search *search, int s, int m)
{
    const struct un_modules *modules = search->modules;
    const struct un_chain *chain = &search->chain;
    const struct un_slot *slot = &chain->slots[s];
    const struct un_module *module = &modules->items[m];
    struct un_order order = {.module = m, .rank = module->natural};
    int ref = slot->conv > 0 ? chain->slots[s - 1].module : predecessor(chain, slot);
    if (search->by_order) {
        order.rank =
            ref < 0 ? module->file_rank : behind(module->file_rank, modules->items[ref].file_rank);
        return order;
    }
    const bool climbs = slot->conv == 0 && (slot->role == UN_ROLE_UP || slot->role == UN_ROLE_DEC);
    if (climbs && search->direction != UN_DIRECTION_UNKNOWN) {
        if (search->direction == UN_NUMBERS_FALL)
            order.rank = -module->natural;
    } else if (climbs) {
        if (ref >= 0)
            order.rank = abs(module->natural - modules->items[ref].natural);
    } else if (ref >= 0) {
        order.rank = behind(module->natural, modules->items[ref].natural);
    }
    if (slot->role == UN_ROLE_DEC && slot->conv == 0 && chain->up != UN_NO_UP) {
        ref = chain->slots[s - 1].module; /* "up3" goes with "dec3", "up1.up" with "up1.conv" */
        order.level = un_module_level(module) != un_module_level(&modules->items[ref]);
    }
    order.common = ref < 0 ? 0 : -modules->common[ref][m];
    return order;
}

bool un_search_is_settled(const struct un_search *search, int s, const struct un_order *a,
                          const struct un_order *b)
{
    const struct un_modules *modules = search->modules;
    const struct un_slot *slot = &search->chain.slots[s];
    if (search->by_order || search->layout)
        return true;
    if (a->common != b->common || a->level != b->level)
        return true;
    if (a->rank == b->rank || !modules->alike[a->module][b->module])
        return false;
    /* numbers rise along the encoder; along the decoder they may do either, but go one way */
    if (search->direction != UN_DIRECTION_UNKNOWN)
        return true;
    int ref = predecessor(&search->chain, slot);
    return slot->conv > 0 || slot->role == UN_ROLE_ENC ||
           (ref >= 0 && modules->alike[a->module][ref]);
}

/* Whether the blocks that names suggest allow module m in the slot. */
static bool suits_block(const struct un_search *search, int s, int m)
{
    const struct un_slot *slot = &search->chain.slots[s];
    int mate = search->mate[m];
    if (search->chain.convs < 2 || slot->kind != UN_MODULE_CONV3X3 || slot->role == UN_ROLE_UP)
        return true;
    if (slot->conv > 0) {
        int first = search->chain.slots[s - 1].module;
        return search->mate[first] < 0 ? mate < 0 : mate == first;
    }
    if (mate < 0)
        return true;
    const struct un_module *a = &search->modules->items[m], *b = &search->modules->items[mate];
    if (search->by_order)
        return a->file_rank < b->file_rank;
    /* which of two words comes first is told by channels or not at all */
    return a->natural < b->natural || !search->modules->alike[m][mate];
}

bool un_search_can_follow(const struct un_modules *modules, int m)
{
    const int wanted = modules->items[m].in;
    for (int i = 0; i < modules->count; i++) {
        const struct un_module *a = &modules->items[i];
        if (a->kind == UN_MODULE_NORM)
            continue;
        if (i != m && a->out == wanted)
            return true;
        for (int j = 0; j < modules->count; j++)
            if (modules->items[j].kind == UN_MODULE_CONV3X3 &&
                a->out + modules->items[j].out == wanted)
                return true;
    }
    return false;
}

int un_search_first(const struct un_modules *modules)
{
    for (int m = 0; m < modules->count; m++)
        if (modules->items[m].kind == UN_MODULE_CONV3X3 && !un_search_can_follow(modules, m))
            return m;
    return -1;
}

int un_search_list(const struct un_search *search, int s, struct un_order list[UN_MAX_MODULES])
{
    const struct un_slot *slot = &search->chain.slots[s];
    int skip, count = 0, wanted = un_search_inputs(search->modules, &search->chain, s, &skip);
    for (int m = 0; m < search->modules->count; m++) {
        const struct un_module *module = &search->modules->items[m];
        if (!search->used[m] && module->kind == slot->kind && (!wanted || module->in == wanted) &&
            suits_block(search, s, m) && (s > 0 || search->first < 0 || search->first == m))
            list[count++] = un_search_order(search, s, m);
    }
    qsort(list, (size_t)count, sizeof *list, un_search_compare);
    return count;
}
