/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Which arrays of a checkpoint are its network's.  Programs that train save the optimiser's arrays
 * and others beside them: {"model_state_dict": {...}, "optimizer_state_dict": {...}, "epoch": 3}.
 * The names of the dicts around an array are the part of its name before its key.
 */
#include <string.h>

#include "weights/arrays.h"

/* The first of these that a file has is taken.  Names of averaged copies are not here. */
static const char *const network_dicts[] = {
    "state_dict",      "model_state_dict",
    "model_state",     "network_weights",
    "net_state_dict",  "model",
    "network",         "net",
    "module",          "model_dict",
    "weights",         "model_weights",
    "unet_state_dict", "unet",
};

static const char *const wrappers[] = {"module.", "_orig_mod.", "model.", "network.", "net."};

/*
 * Where the name goes on behind a dict of this name, NULL: the array lies in no such dict.
 * Example: dict "model" of "run.model.up.bias" with the key "up.bias" gives "up.bias".
 */
static const char *behind_dict(const struct un_array *array, const char *dict)
{
    size_t length = strlen(dict);
    for (const char *at = array->name; at < array->key; at = strchr(at, '.') + 1)
        if (!strncmp(at, dict, length) && at[length] == '.')
            return at + length + 1;
    return NULL;
}

static bool same_place(const struct un_array *array, const char *behind, const char *prefix,
                       size_t prefix_size)
{
    return behind && (size_t)(behind - array->name) == prefix_size &&
           !memcmp(array->name, prefix, prefix_size);
}

/* Keeps what lies in the first dict of this name; false: there is none, and nothing changed. */
static bool keep_dict(struct un_arrays *arrays, const char *dict)
{
    const char *prefix = NULL;
    size_t prefix_size = 0;
    int kept = 0;
    for (int i = 0; i < arrays->count; i++) {
        struct un_array array = arrays->items[i];
        const char *behind = behind_dict(&array, dict);
        if (behind && !prefix) {
            prefix = array.name;
            prefix_size = (size_t)(behind - array.name);
        }
        if (!same_place(&array, behind, prefix, prefix_size))
            continue;
        array.name = behind;
        if (array.key < behind)
            array.key = behind;
        arrays->items[kept++] = array;
    }
    if (kept)
        arrays->count = kept;
    return kept > 0;
}

static bool all_begin(const struct un_arrays *arrays, const char *prefix)
{
    size_t length = strlen(prefix);
    for (int i = 0; i < arrays->count; i++)
        if (strncmp(arrays->items[i].name, prefix, length) || !arrays->items[i].name[length])
            return false;
    return arrays->count > 0;
}

static bool drop_wrapper(struct un_arrays *arrays)
{
    for (size_t w = 0; w < sizeof wrappers / sizeof *wrappers; w++) {
        if (!all_begin(arrays, wrappers[w]))
            continue;
        for (int i = 0; i < arrays->count; i++) {
            struct un_array *array = &arrays->items[i];
            array->name += strlen(wrappers[w]);
            if (array->key < array->name)
                array->key = array->name;
        }
        return true;
    }
    return false;
}

/* Drops what lies in objects of unknown classes, losses and the like, if there is anything else. */
static void drop_objects(struct un_arrays *arrays)
{
    int kept = 0;
    for (int i = 0; i < arrays->count; i++)
        kept += !arrays->items[i].object;
    if (!kept)
        return;
    kept = 0;
    for (int i = 0; i < arrays->count; i++)
        if (!arrays->items[i].object)
            arrays->items[kept++] = arrays->items[i];
    arrays->count = kept;
}

void un_arrays_select_network(struct un_arrays *arrays)
{
    bool found = false;
    /* a dict may lie in another: {"checkpoint": {"model": {"state_dict": ...}}} */
    for (size_t i = 0; i < sizeof network_dicts / sizeof *network_dicts && !found; i++)
        found = keep_dict(arrays, network_dicts[i]);
    if (!found)
        drop_objects(arrays);
    while (drop_wrapper(arrays))
        continue;
}
