/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The search for the order of the convolutions.
 *
 * How many convolutions of each kind there are leaves few depths and block lengths to try.  For
 * each, slots are filled one after the other.  The channels of what came before say how many inputs
 * the next convolution must have:
 *
 *   encoder, up-convolution, second convolution, head   what the slot before makes
 *   first convolution of a decoder's block              that, and what its skip connection brings
 *
 * Where several modules fit, un_search_order() tells by names and by the order of the file which to
 * try first; when a choice leads nowhere, the next one is tried.  A choice that names and order did
 * not settle is tried the other way, too: if both ways lead to a network, there is no telling which
 * is right, and that is an error.  The search takes a bounded number of steps.
 *
 * Example, widths 16 and 32, file in the order of names: bottom.0 16>32, bottom.3 32>32, dec1.0
 * 32>16, dec1.3 16>16, enc1.0 1>16, enc1.3 16>16, head 16>2, up1 32>16.  Only enc1.0 leaves a way
 * to use all; then enc1.3 and not dec1.3, which belongs to dec1.0; bottom.0 has 16 inputs; and so
 * on.
 */
#include "model/chain_search.h"

#include <stdlib.h>
#include <string.h>

enum { MOST_STEPS = 20000 };

int un_chain_module(const struct un_chain *chain, enum un_role role, int level, int conv)
{
    for (int s = 0; s < chain->count; s++) {
        const struct un_slot *slot = &chain->slots[s];
        if (slot->role == role && slot->level == level && slot->conv == conv)
            return slot->module;
    }
    return -1;
}

/* ---- the slots ---- */

static void add_slot(struct un_chain *chain, enum un_role role, int level, int conv, int kind)
{
    chain->slots[chain->count++] =
        (struct un_slot){role, level, conv, (enum un_module_kind)kind, -1};
}

static void lay_out(struct un_chain *chain, int depth, int convs, int up)
{
    *chain = (struct un_chain){.depth = depth, .convs = convs, .up = up};
    for (int d = 0; d <= depth; d++)
        for (int i = 0; i < convs; i++)
            add_slot(chain, UN_ROLE_ENC, d, i, UN_MODULE_CONV3X3);
    for (int d = depth - 1; d >= 0; d--) {
        if (up != UN_NO_UP)
            add_slot(chain, UN_ROLE_UP, d, 0, up);
        for (int i = 0; i < convs; i++)
            add_slot(chain, UN_ROLE_DEC, d, i, UN_MODULE_CONV3X3);
    }
    add_slot(chain, UN_ROLE_HEAD, 0, 0, UN_MODULE_CONV1X1);
}

int un_search_inputs(const struct un_modules *modules, const struct un_chain *chain, int s,
                     int *skip)
{
    const struct un_slot *slot = &chain->slots[s];
    *skip = 0;
    if (s == 0)
        return 0;
    if (slot->role == UN_ROLE_DEC && slot->conv == 0) {
        int from = un_chain_module(chain, UN_ROLE_ENC, slot->level, chain->convs - 1);
        *skip = modules->items[from].out;
    }
    return modules->items[chain->slots[s - 1].module].out + *skip;
}

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

static void find_mates(struct un_search *search)
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
    if (modules->arrays->ordered) {
        order.rank =
            ref < 0 ? module->file_rank : behind(module->file_rank, modules->items[ref].file_rank);
        return order;
    }
    const bool climbs = slot->conv == 0 && (slot->role == UN_ROLE_UP || slot->role == UN_ROLE_DEC);
    if (climbs && search->layout) {
        if (search->layout->direction == UN_NUMBERS_FALL)
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

/* Whether what orders a before b is good enough to choose by. */
static bool is_settled(const struct un_search *search, int s, const struct un_order *a,
                       const struct un_order *b)
{
    const struct un_modules *modules = search->modules;
    const struct un_slot *slot = &search->chain.slots[s];
    if (modules->arrays->ordered || search->layout)
        return true;
    if (a->common != b->common || a->level != b->level)
        return true;
    if (a->rank == b->rank || !modules->alike[a->module][b->module])
        return false;
    /* numbers rise along the encoder; along the decoder they may do either, but go one way */
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
    if (search->modules->arrays->ordered)
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

/* The 3x3 convolution that can stand nowhere but at the beginning, -1: there is none. */
static int find_first(const struct un_modules *modules)
{
    for (int m = 0; m < modules->count; m++)
        if (modules->items[m].kind == UN_MODULE_CONV3X3 && !un_search_can_follow(modules, m))
            return m;
    return -1;
}

static int list_candidates(const struct un_search *search, int s, struct un_order *list)
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

/* ---- the search ---- */

static bool is_complete(const struct un_search *search)
{
    for (int m = 0; search->all_used && m < search->modules->count; m++)
        if (search->modules->items[m].kind != UN_MODULE_NORM && !search->used[m])
            return false;
    return true;
}

/* Fills slot s and those behind it.  Returns how many ways there are: 0, 1, or 2 for several. */
static int fill(struct un_search *search, int s)
{
    struct un_order list[UN_MAX_MODULES];
    if (s == search->chain.count) {
        if (!is_complete(search))
            return 0;
        if (!search->found.count)
            search->found = search->chain;
        return 1;
    }
    int count = list_candidates(search, s, list), chosen = -1;
    if (s > search->deepest || !search->partial.count) {
        search->deepest = s;
        search->partial = search->chain;
    }
    for (int i = 0; i < count && search->steps < MOST_STEPS; i++) {
        if (chosen >= 0 && is_settled(search, s, &list[chosen], &list[i]))
            continue;
        search->steps++;
        search->chain.slots[s].module = list[i].module;
        search->used[list[i].module] = true;
        int ways = fill(search, s + 1);
        search->used[list[i].module] = false;
        search->chain.slots[s].module = -1;
        if (ways > 1)
            return ways;
        if (ways && chosen >= 0) {
            search->rivals[0] = list[chosen].module;
            search->rivals[1] = list[i].module;
            return 2;
        }
        if (ways)
            chosen = i;
    }
    return chosen >= 0;
}

/* Whether the convolutions, as the file has them, already stand in the order of the slots. */
static bool runs_in_order(struct un_search *search)
{
    const struct un_modules *modules = search->modules;
    struct un_chain *chain = &search->chain;
    int s = 0, skip;
    for (int m = 0; m < modules->count; m++) { /* modules are numbered in the order of the file */
        const struct un_module *module = &modules->items[m];
        if (module->kind == UN_MODULE_NORM)
            continue;
        if (s == chain->count || module->kind != chain->slots[s].kind)
            return false;
        const int wanted = un_search_inputs(modules, chain, s, &skip);
        if (wanted && module->in != wanted)
            return false;
        chain->slots[s++].module = m;
    }
    return s == chain->count;
}

int un_search_try(struct un_search *search, int depth, int convs, int up)
{
    lay_out(&search->chain, depth, convs, up);
    memset(search->used, 0, sizeof search->used);
    search->steps = 0;
    int ways = fill(search, 0);
    search->gave_up |= search->steps >= MOST_STEPS;
    return ways;
}

/* ---- the shapes that the numbers of convolutions allow ---- */

struct shape {
    int depth, convs, up;
};

enum { MOST_SHAPES = 8 };

/* Each shape takes all convolutions; when none does, 0. */
static int list_shapes(const struct un_modules *modules, struct shape *shapes)
{
    static const int ups[] = {UN_MODULE_UP2X2, UN_MODULE_CONV1X1, UN_NO_UP, UN_MODULE_CONV3X3};
    int count = 0;
    for (int u = 0; u < 4; u++)
        for (int depth = 1; depth <= UNET_MAX_DEPTH; depth++)
            for (int convs = 1; convs <= 2; convs++) {
                int kinds[3] = {
                    [UN_MODULE_CONV3X3] = convs * (2 * depth + 1), [UN_MODULE_CONV1X1] = 1};
                if (ups[u] != UN_NO_UP)
                    kinds[ups[u]] += depth;
                if (!memcmp(kinds, modules->kinds, sizeof kinds) && count < MOST_SHAPES)
                    shapes[count++] = (struct shape){depth, convs, ups[u]};
            }
    return count;
}

/* How each shape is tried, in this order: the first way by which one fits is taken. */
enum way {
    AS_IT_LIES, /* names may mislead about an order that means something and fits as it is */
    BY_BLOCKS,  /* with names that suggest which convolutions share a block */
    BY_SHAPES,  /* those names may mislead, too */
    WAYS
};

/* How many networks there are in this way: 0, 1, or 2 for several. */
static int try_shapes(struct un_search *search, enum way way, const struct shape *shapes, int count)
{
    int found = 0;
    for (int i = 0; i < count && found < 2; i++) {
        const struct shape *shape = &shapes[i];
        struct un_chain *chain = &search->chain;
        if (way != AS_IT_LIES) {
            found += un_search_try(search, shape->depth, shape->convs, shape->up);
        } else {
            lay_out(chain, shape->depth, shape->convs, shape->up);
            if (runs_in_order(search)) {
                search->found = *chain;
                found++;
            }
        }
    }
    return found < 2 ? found : 2;
}

static unet_code fail_several(const struct un_search *search, unet_error *err)
{
    const struct un_modules *modules = search->modules;
    if (search->rivals[0] < 0)
        return un_fail(err, UNET_EFORMAT,
                       "%s: its %d 3x3 convolutions make U-Nets of several shapes, one with %d "
                       "poolings, and neither their names nor the order of the file tell which is "
                       "meant",
                       modules->path, modules->kinds[UN_MODULE_CONV3X3], search->found.depth);
    return un_module_fail(modules, search->rivals[0], err,
                          "it or %.*s? both make a U-Net, and neither their names nor the "
                          "order of the file tell which is meant",
                          modules->items[search->rivals[1]].length,
                          modules->items[search->rivals[1]].name);
}

unet_code un_chain_find(const struct un_modules *modules, const struct un_names *layout,
                        struct un_chain *chain, unet_error *err)
{
    struct shape shapes[MOST_SHAPES];
    struct un_search search = {.modules = modules,
                               .layout = layout,
                               .all_used = true,
                               .deepest = -1,
                               .first = find_first(modules),
                               .rivals = {-1, -1}};
    struct un_chain named = {0};
    find_mates(&search);
    int count = list_shapes(modules, shapes), ways = 0, deepest = -1;
    if (!count)
        return un_search_explain_counts(&search, err);
    for (int way = modules->arrays->ordered ? AS_IT_LIES : BY_BLOCKS; way < WAYS && !ways; way++) {
        if (way == BY_SHAPES) {
            named = search.partial;
            deepest = search.deepest;
            for (int m = 0; m < modules->count; m++)
                search.mate[m] = -1;
        }
        ways = try_shapes(&search, (enum way)way, shapes, count);
    }
    const bool settled = modules->arrays->ordered || layout; /* by the first that is found */
    if (search.gave_up && (!ways || (ways < 2 && !settled)))
        return un_fail(err, UNET_EFORMAT,
                       "%s: its convolutions fit together in too many ways to find the right one; "
                       "neither their names nor the order of the file tell it",
                       modules->path);
    if (ways > 1)
        return fail_several(&search, err);
    if (!ways) {
        search.partial = named; /* what names suggest is what people mean */
        search.deepest = deepest;
        return un_search_explain_slot(&search, err);
    }
    *chain = search.found;
    return UNET_OK;
}
