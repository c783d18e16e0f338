/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Which arrays of a checkpoint are its network's.  Programs that train save the optimiser's arrays
 * and others beside them: {"model_state_dict": {...}, "optimizer_state_dict": {...}, "epoch": 3}.
 * The names of the dicts around an array are the part of its name before its key.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "weights/arrays.h"
#include "weights/weight_norms.h"

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

static const char *const wrappers[] = {
    "module.", "_orig_mod.", "_forward_module.", "model.", "network.", "net.", "unet."};

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

/* ---- one of several ---- */

bool un_arrays_usual_wrapper(const char *name, size_t size)
{
    for (size_t w = 0; w < sizeof wrappers / sizeof *wrappers; w++)
        if (size + 1 == strlen(wrappers[w]) && !memcmp(name, wrappers[w], size))
            return true;
    return false;
}

int un_arrays_keep(struct un_arrays *arrays, const char *prefix, size_t prefix_size)
{
    int kept = 0;
    for (int i = 0; i < arrays->count; i++) {
        struct un_array array = arrays->items[i];
        if (strncmp(array.name, prefix, prefix_size) || array.name[prefix_size] != '.' ||
            !array.name[prefix_size + 1])
            continue;
        array.name += prefix_size + 1;
        if (array.key < array.name)
            array.key = array.name;
        arrays->items[kept++] = array;
    }
    if (kept)
        arrays->count = kept;
    return kept;
}

/* What there is instead: the first words of the names. */
static unet_code fail_prefix(const char *path, const char *prefix, const struct un_arrays *arrays,
                             unet_error *err)
{
    enum { MOST = 6 };
    char found[300] = "";
    const char *listed[MOST];
    size_t sizes[MOST], used = 0;
    int count = 0;
    for (int i = 0; i < arrays->count && count < MOST; i++) {
        const char *name = arrays->items[i].name;
        const size_t size = strcspn(name, ".");
        int k = 0;
        while (k < count && (sizes[k] != size || memcmp(listed[k], name, size)))
            k++;
        if (k < count)
            continue;
        listed[count] = name;
        sizes[count] = size;
        used += (size_t)snprintf(found + used, sizeof found - used, "%s%.*s", count ? ", " : "",
                                 size < 40 ? (int)size : 40, name);
        count++;
    }
    return un_fail(err, UNET_EFORMAT, "%s: no tensor lies below %.60s, but below %s%s", path,
                   prefix, found, count == MOST ? "..." : "");
}

static unet_code keep_prefix(const char *path, const char *prefix, struct un_arrays *arrays,
                             unet_error *err)
{
    size_t size = strlen(prefix);
    while (size > 1 && prefix[size - 1] == '.')
        size--;
    if (!un_arrays_keep(arrays, prefix, size)) { /* in the dict that is the network's */
        un_arrays_select_network(arrays);
        if (!un_arrays_keep(arrays, prefix, size))
            return fail_prefix(path, prefix, arrays, err);
    }
    return UNET_OK;
}

/* The first array of a convolution, by which copies of a network are told. */
static const struct un_array *first_convolution(const struct un_arrays *arrays)
{
    for (int i = 0; i < arrays->count; i++)
        if (arrays->items[i].dims == 4)
            return &arrays->items[i];
    return NULL;
}

/* The length of what stands before `end` in the name of an array of this shape; 0: nothing does. */
static size_t before_name(const struct un_array *array, const struct un_array *end)
{
    const size_t size = strlen(array->name), tail = strlen(end->name);
    if (array->object || array->dims != end->dims || size <= tail + 1 ||
        memcmp(array->shape, end->shape, (size_t)array->dims * sizeof *array->shape) ||
        array->name[size - tail - 1] != '.' || strcmp(array->name + size - tail, end->name))
        return 0;
    return size - tail - 1;
}

/* The last word of a prefix, but for those of programs that wrap networks: of "a.model.module" it
 * is "model". */
static size_t last_word(const char *prefix, size_t size, const char **word)
{
    static const char *const around[] = {".module", "._orig_mod"};
    size_t before;
    do {
        before = size;
        for (size_t i = 0; i < sizeof around / sizeof *around; i++) {
            const size_t length = strlen(around[i]);
            if (size > length && !memcmp(prefix + size - length, around[i], length))
                size -= length;
        }
    } while (size < before);
    size_t at = size;
    while (at > 0 && prefix[at - 1] != '.')
        at--;
    *word = prefix + at;
    return size - at;
}

/* Looks for the network again among all arrays of the file. */
static unet_code look_for_copy(const char *path, const struct un_array *all, int count,
                               const struct un_arrays *arrays, const unet_log *log, unet_error *err)
{
    const struct un_array *first = first_convolution(arrays), *own = NULL, *copy = NULL;
    const char *word, *other;
    for (int i = 0; i < count && first; i++)
        if (before_name(&all[i], first)) { /* a second name of the same numbers is no copy */
            if (all[i].data == first->data &&
                all[i].name + strlen(all[i].name) != first->name + strlen(first->name))
                continue;
            const bool taken =
                all[i].name + strlen(all[i].name) - strlen(first->name) == first->name;
            own = taken ? &all[i] : own;
            copy = taken || copy ? copy : &all[i];
        }
    if (!own || !copy)
        return UNET_OK;
    const int own_size = (int)before_name(own, first), copy_size = (int)before_name(copy, first);
    const size_t size = last_word(own->name, (size_t)own_size, &word);
    if (size == last_word(copy->name, (size_t)copy_size, &other) && !memcmp(word, other, size))
        return un_fail_hint(err, UNET_EFORMAT, UNET_HINT_PREFIX,
                            "%s: has two networks, below %.*s and %.*s", path, own_size, own->name,
                            copy_size, copy->name);
    un_note(log, UNET_NOTE,
            "%s: has the network below %.*s, and another copy below %.*s; taken: %.*s", path,
            own_size, own->name, copy_size, copy->name, own_size, own->name);
    return UNET_OK;
}

unet_code un_arrays_select(const char *path, const char *prefix, const unet_log *log,
                           struct un_arrays *arrays, unet_error *err)
{
    const size_t bytes = (size_t)arrays->count * sizeof *arrays->items;
    const int count = arrays->count;
    unet_code code = UNET_OK;
    if (prefix && *prefix && (code = keep_prefix(path, prefix, arrays, err)))
        return code;
    struct un_array *all = malloc(bytes + 1);
    if (!all)
        return un_fail_memory(err, bytes, path);
    memcpy(all, arrays->items, bytes);
    un_arrays_select_network(arrays);
    if (!prefix || !*prefix)
        code = look_for_copy(path, all, count, arrays, log, err);
    free(all);
    for (int i = 0; i < arrays->count && !code; i++)
        if (arrays->items[i].object)
            code = un_fail_object(path, arrays->items[i].object, err);
    return code ? code : un_weight_norms_fold(path, arrays, err);
}
