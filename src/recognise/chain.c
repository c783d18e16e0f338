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
#include "recognise/chain_search.h"

#include <string.h>

enum { MOST_STEPS = 20000, UNUSUAL_DEPTH = 7 };

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
    int count = un_search_list(search, s, list), chosen = -1;
    if (s > search->deepest || !search->partial.count) {
        search->deepest = s;
        search->partial = search->chain;
    }
    for (int i = 0; i < count && search->steps < MOST_STEPS; i++) {
        if (chosen >= 0 && un_search_is_settled(search, s, &list[chosen], &list[i]))
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

/* Each shape takes all convolutions; when none does, 0.  Those of depths `from` to `to`. */
static int list_shapes(const struct un_modules *modules, int from, int to, struct shape *shapes)
{
    static const int ups[] = {UN_MODULE_UP2X2, UN_MODULE_CONV1X1, UN_NO_UP, UN_MODULE_CONV3X3};
    int count = 0;
    for (int u = 0; u < 4; u++)
        for (int depth = from; depth <= to; depth++)
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
    BY_NAMES,   /* which convolutions share a block, and what comes before what */
    BY_ORDER,   /* the same blocks, in the order of the file where that means something */
    BY_SHAPES,  /* names of blocks may mislead, too */
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
                          "order of the file tell which is meant, nor whether the decoder is "
                          "listed from its deepest level on",
                          modules->items[search->rivals[1]].length,
                          modules->items[search->rivals[1]].name);
}

/* Whether the decoder, as the search has filled it, stands in the file as it runs: nothing else is
 * between its layers. */
static bool decoder_runs_in_order(const struct un_search *search)
{
    const struct un_chain *chain = &search->found;
    int last = -1;
    for (int s = 0; s < chain->count; s++) {
        const struct un_slot *slot = &chain->slots[s];
        if (slot->role != UN_ROLE_UP && slot->role != UN_ROLE_DEC)
            continue;
        const int rank = search->modules->items[slot->module].file_rank;
        if (rank < last)
            return false;
        last = rank;
    }
    return true;
}

/* Whether the levels of the decoder could as well be the other way round. */
static bool turns_round(struct un_search *search)
{
    const struct un_chain *chain = &search->found;
    struct un_chain *turned = &search->chain;
    int skip;
    *turned = *chain;
    for (int s = 0; s < chain->count; s++) {
        struct un_slot *slot = &turned->slots[s];
        if (slot->role == UN_ROLE_UP || slot->role == UN_ROLE_DEC)
            slot->module =
                un_chain_module(chain, slot->role, chain->depth - 1 - slot->level, slot->conv);
    }
    for (int s = 1; s < turned->count; s++)
        if (search->modules->items[turned->slots[s].module].in !=
            un_search_inputs(search->modules, turned, s, &skip))
            return false;
    search->rivals[0] = un_chain_module(chain, UN_ROLE_DEC, chain->depth - 1, 0);
    search->rivals[1] = un_chain_module(chain, UN_ROLE_DEC, 0, 0);
    return chain->depth > 1;
}

/* The ways in turn, until one finds a network; 0, 1, or 2 for several. */
static int try_ways(struct un_search *search, const struct shape *shapes, int count,
                    struct un_search *named)
{
    const bool ordered = search->modules->arrays->ordered;
    int ways = 0;
    for (int way = ordered ? AS_IT_LIES : BY_NAMES; way < WAYS; way++) {
        if (way == BY_ORDER && !ordered)
            continue;
        if (way == BY_SHAPES) {
            *named = *search;
            for (int m = 0; m < search->modules->count; m++)
                search->mate[m] = -1;
        }
        search->by_order = ordered && way != BY_NAMES;
        search->gave_up = false;
        search->found.count = 0;
        ways = try_shapes(search, (enum way)way, shapes, count);
        if (way == BY_NAMES && ordered && (ways != 1 || (search->gave_up && !search->layout)))
            ways = 0; /* names do not tell; the order may */
        if (ways == 1 && search->by_order && way != AS_IT_LIES && !search->layout &&
            search->direction == UN_DIRECTION_UNKNOWN && !decoder_runs_in_order(search) &&
            turns_round(search))
            return 2;
        if (ways)
            return ways;
    }
    return 0;
}

/* The networks of depths `from` to `to`: how many, as try_ways(); *count: of how many shapes. */
static int search_depths(const struct un_search *fresh, int from, int to, struct un_search *search,
                         struct un_search *named, int *count)
{
    struct shape shapes[MOST_SHAPES];
    *search = *fresh;
    *count = list_shapes(fresh->modules, from, to, shapes);
    return *count ? try_ways(search, shapes, *count, named) : 0;
}

unet_code un_chain_find(const struct un_modules *modules, const struct un_names *layout,
                        enum un_direction direction, struct un_chain *chain, unet_error *err)
{
    struct un_search fresh = {.modules = modules,
                              .layout = layout,
                              .direction = direction != UN_DIRECTION_UNKNOWN ? direction
                                           : layout                          ? layout->direction
                                                                             : UN_DIRECTION_UNKNOWN,
                              .all_used = true,
                              .deepest = -1,
                              .first = un_search_first(modules),
                              .rivals = {-1, -1}};
    struct un_search search, named, deep, deep_named;
    int count, more = 0;
    un_search_find_mates(&fresh);
    int ways = search_depths(&fresh, 1, UNUSUAL_DEPTH - 1, &search, &named, &count);
    if (!ways && !search.gave_up) { /* few are deeper: only where it is no other network */
        ways = search_depths(&fresh, UNUSUAL_DEPTH, UNET_MAX_DEPTH, &deep, &deep_named, &more);
        if (more && (ways || !count)) {
            search = deep;
            named = deep_named;
        }
    }
    if (!count && !more)
        return un_search_explain_counts(&fresh, err);
    const bool settled = search.by_order || layout; /* by the first that is found */
    if (search.gave_up && (!ways || (ways < 2 && !settled)))
        return un_fail(err, UNET_EFORMAT,
                       "%s: its convolutions fit together in too many ways to find the right one; "
                       "neither their names nor the order of the file tell it",
                       modules->path);
    if (ways > 1)
        return fail_several(&search, err);
    if (!ways) /* what names suggest is what people mean */
        return un_search_explain_slot(&named, err);
    *chain = search.found;
    return UNET_OK;
}
