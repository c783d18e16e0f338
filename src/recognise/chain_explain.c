/* SPDX-License-Identifier: Apache-2.0 */
/* chain_explain.c - why the convolutions of a file make no U-Net */
#include "recognise/chain_search.h"

#include <string.h>

static const char *role_name(const struct un_slot *slot, int depth)
{
    switch (slot->role) {
    case UN_ROLE_ENC:
        return slot->level == depth ? "bottleneck" : "encoder";
    case UN_ROLE_UP:
        return "up-convolution";
    case UN_ROLE_DEC:
        return "decoder";
    case UN_ROLE_HEAD:
        break;
    }
    return "last convolution";
}

/* A convolution besides the first whose inputs nobody makes, -1: there is none. */
static int orphan(const struct un_search *search)
{
    const struct un_modules *modules = search->modules;
    for (int m = 0; m < modules->count; m++)
        if (modules->items[m].kind == UN_MODULE_CONV3X3 && m != search->first &&
            !un_search_can_follow(modules, m))
            return m;
    return -1;
}

unet_code un_search_explain_slot(struct un_search *search, unet_error *err)
{
    const struct un_modules *modules = search->modules;
    const struct un_slot *slot = &search->partial.slots[search->deepest];
    struct un_order best = {.module = -1};
    int skip, wanted;
    search->chain = search->partial;
    memset(search->used, 0, sizeof search->used);
    for (int s = 0; s < search->deepest; s++)
        search->used[search->chain.slots[s].module] = true;
    wanted = un_search_inputs(modules, &search->chain, search->deepest, &skip);
    for (int m = 0; m < modules->count; m++) {
        if (search->used[m] || modules->items[m].kind != slot->kind)
            continue;
        struct un_order order = un_search_order(search, search->deepest, m);
        if (best.module < 0 || un_search_compare(&order, &best) < 0)
            best = order;
    }
    const char *role = role_name(slot, search->chain.depth);
    if (best.module < 0)
        return un_fail(err, UNET_EFORMAT,
                       "%s: has no convolution left for the %s of level %d of a U-Net with %d "
                       "poolings",
                       modules->path, role, slot->level, search->chain.depth);
    const int other = orphan(search);
    if (other >= 0 && other != best.module && un_search_can_follow(modules, best.module))
        return un_module_fail(modules, other, err,
                              "no layer before it, and no two together, make %d outputs",
                              modules->items[other].in);
    if (skip)
        return un_module_fail(modules, best.module, err,
                              "as the %s of level %d it would need %d + %d inputs, from below and "
                              "of the skip connection",
                              role, slot->level, wanted - skip, skip);
    return un_module_fail(modules, best.module, err,
                          "as the %s of level %d it would need %d inputs", role, slot->level,
                          wanted);
}

/* The first convolution, in the order of the file, that no slot of the chain found has taken. */
static unet_code explain_left_over(const struct un_search *search, unet_error *err)
{
    const struct un_modules *modules = search->modules;
    bool used[UN_MAX_MODULES] = {false};
    for (int s = 0; s < search->found.count; s++)
        used[search->found.slots[s].module] = true;
    for (int m = 0; m < modules->count; m++)
        if (modules->items[m].kind != UN_MODULE_NORM && !used[m])
            return un_module_fail(modules, m, err,
                                  "it belongs to no layer of the U-Net with %d poolings that the "
                                  "others make",
                                  search->found.depth);
    return un_fail(err, UNET_EFORMAT, "%s: has no U-Net", modules->path);
}

static int first_of(const struct un_modules *modules, enum un_module_kind kind)
{
    int m = 0;
    while (modules->items[m].kind != kind)
        m++;
    return m;
}

unet_code un_search_explain_counts(struct un_search *search, unet_error *err)
{
    const struct un_modules *modules = search->modules;
    const int *kinds = modules->kinds;
    const int wide = kinds[UN_MODULE_CONV3X3], ups = kinds[UN_MODULE_UP2X2],
              ones = kinds[UN_MODULE_CONV1X1];
    if (!wide)
        return un_fail(err, UNET_EFORMAT, "%s: has no 3x3 convolutions, as every U-Net has",
                       modules->path);
    if (!ones)
        return un_fail(err, UNET_EFORMAT,
                       "%s: has no 1x1 convolution, with which a plain U-Net ends", modules->path);
    if (ups && ones > 1)
        return un_module_fail(modules, first_of(modules, UN_MODULE_CONV1X1), err,
                              "it is one of %d 1x1 convolutions, and a plain U-Net with "
                              "up-convolutions has one, its last",
                              ones);
    const int up = ups ? UN_MODULE_UP2X2 : ones > 1 ? UN_MODULE_CONV1X1 : UN_NO_UP;
    const int depth = ups ? ups : ones > 1 ? ones - 1 : (wide / 2 - 1) / 2;
    if (depth > UNET_MAX_DEPTH)
        return un_module_fail(modules, first_of(modules, up == UN_NO_UP ? UN_MODULE_CONV3X3 : up),
                              err,
                              "it is one of %d of its kind, and unet's networks have at most "
                              "%d poolings",
                              up == UN_NO_UP ? wide : depth, UNET_MAX_DEPTH);
    if (depth < 1)
        return un_module_fail(modules, first_of(modules, UN_MODULE_CONV3X3), err,
                              "it is one of %d 3x3 convolutions, and a U-Net has at least 3", wide);
    const int convs = wide >= 2 * (2 * depth + 1) ? 2 : 1;
    search->all_used = false;
    search->partial.count = 0;
    if (!un_search_try(search, depth, convs, up) && !search->found.count)
        return un_search_explain_slot(search, err);
    return explain_left_over(search, err);
}
