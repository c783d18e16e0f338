/* SPDX-License-Identifier: Apache-2.0 */
#include "recognise/parts.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { MOST_PARTS = 16 }; /* each is tried; networks that are none have more first words */

struct part {
    const char *name; /* [size], not terminated */
    int size, arrays, convolutions;
    const struct un_array *first; /* convolution */
    bool is_network;
};

struct parts {
    struct part items[MOST_PARTS];
    int count, networks;
};

static struct part *part_of(struct parts *parts, const char *name)
{
    const int size = (int)strcspn(name, ".");
    for (int i = 0; i < parts->count; i++)
        if (parts->items[i].size == size && !memcmp(parts->items[i].name, name, (size_t)size))
            return &parts->items[i];
    if (parts->count == MOST_PARTS || !name[size])
        return NULL;
    parts->items[parts->count] = (struct part){.name = name, .size = size};
    return &parts->items[parts->count++];
}

/* What an optimiser keeps for each weight has the weight's shape. */
static bool is_optimisers(const struct un_array *array)
{
    static const char *const words[] = {"exp_avg",    "exp_avg_sq",      "max_exp_avg_sq",
                                        "square_avg", "momentum_buffer", "exp_avg_diff",
                                        "grad_avg",   "exp_inf",         "sum"};
    const char *dot = strrchr(array->name, '.'), *last = dot ? dot + 1 : array->name;
    for (size_t i = 0; i < sizeof words / sizeof *words; i++)
        if (!strcmp(last, words[i]))
            return true;
    return false;
}

/* false: an array lies in none, or they are too many. */
static bool divide(const struct un_arrays *arrays, struct parts *parts)
{
    for (int i = 0; i < arrays->count; i++) {
        const struct un_array *array = &arrays->items[i];
        struct part *part = part_of(parts, array->name);
        if (!part)
            return false;
        part->arrays++;
        if (array->dims != 4 || is_optimisers(array))
            continue;
        part->first = part->convolutions++ ? part->first : array;
    }
    return parts->count > 1;
}

/* Keeps the arrays of a part, without what all their names begin with. */
static void keep(struct un_arrays *arrays, const struct part *part)
{
    un_arrays_keep(arrays, part->name, (size_t)part->size);
    un_arrays_select_network(arrays);
}

static unet_code try_all(const char *path, const unet_known *known, const struct un_arrays *arrays,
                         struct parts *parts, unet_error *err)
{
    const size_t bytes = (size_t)arrays->count * sizeof *arrays->items;
    struct un_recognised *found = malloc(sizeof *found);
    struct un_array *items = malloc(bytes + 1);
    unet_code code = UNET_OK;
    unet_error why;
    if (!found || !items)
        code = un_fail_memory(err, bytes, path);
    for (int i = 0; i < parts->count && !code; i++) {
        struct un_arrays own = *arrays;
        own.items = memcpy(items, arrays->items, bytes);
        keep(&own, &parts->items[i]);
        code = un_recognise(path, &own, known, found, &why);
        parts->items[i].is_network = !code;
        parts->networks += !code;
        code = code == UNET_ENOMEM ? un_fail_memory(err, sizeof *found, path) : UNET_OK;
    }
    free(items);
    free(found);
    return code;
}

static bool same_inside(const struct part *a, const struct part *b)
{
    return a->arrays == b->arrays && a->convolutions == b->convolutions &&
           !strcmp(a->first->name + a->size, b->first->name + b->size);
}

/* The part that can be nothing but the network; NULL: there is none. */
static const struct part *only_choice(const struct parts *parts)
{
    for (int i = 0; i < parts->count; i++) {
        const struct part *part = &parts->items[i];
        const bool usual = un_arrays_usual_wrapper(part->name, (size_t)part->size);
        bool others = false;
        for (int k = 0; k < parts->count && part->is_network; k++)
            others |= k != i && parts->items[k].convolutions &&
                      !(usual && parts->items[k].is_network && same_inside(part, &parts->items[k]));
        if (part->is_network && !others)
            return part;
    }
    return NULL;
}

static unet_code ask(const char *path, const struct parts *parts, unet_error *err)
{
    const struct part *networks[2] = {NULL, NULL}, *other = NULL;
    for (int i = 0; i < parts->count; i++) {
        const struct part *part = &parts->items[i];
        if (part->is_network)
            networks[networks[0] ? 1 : 0] = part;
        else if (part->convolutions)
            other = part;
    }
    if (networks[1])
        return un_fail_hint(err, UNET_EFORMAT, UNET_HINT_PREFIX,
                            "%s: has %d networks, below %.*s and %.*s", path, parts->networks,
                            networks[0]->size, networks[0]->name, networks[1]->size,
                            networks[1]->name);
    return un_fail_hint(err, UNET_EFORMAT, UNET_HINT_PREFIX,
                        "%s: has a network below %.*s, and other layers below %.*s that are none",
                        path, networks[0]->size, networks[0]->name, other->size, other->name);
}

unet_code un_parts_choose(const char *path, const unet_known *known, struct un_arrays *arrays,
                          bool *kept, unet_error *err)
{
    struct parts parts = {.count = 0};
    *kept = false;
    if (!divide(arrays, &parts))
        return UNET_OK;
    unet_code code = try_all(path, known, arrays, &parts, err);
    if (code || !parts.networks)
        return code;
    const struct part *chosen = only_choice(&parts);
    if (!chosen)
        return ask(path, &parts, err);
    char left[200] = "";
    for (int i = 0; i < parts.count; i++)
        if (&parts.items[i] != chosen && strlen(left) < sizeof left / 2)
            snprintf(left + strlen(left), sizeof left - strlen(left), "%s%.*s", *left ? ", " : "",
                     parts.items[i].size < 60 ? parts.items[i].size : 60, parts.items[i].name);
    un_note(known->log, UNET_NOTE, "%s: taken: the network below %.*s; left: %s", path,
            chosen->size, chosen->name, left);
    keep(arrays, chosen);
    *kept = true;
    return UNET_OK;
}
