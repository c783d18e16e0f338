/* SPDX-License-Identifier: Apache-2.0 */
#include "weights/shards.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/file.h"
#include "base/json.h"

enum { MOST_SHARDS = 1000, NUMBER = 5, NAME = 4096 };

static const char index_ending[] = ".index.json";

/* ---- names ---- */

static const char *base_of(const char *path)
{
    const char *slash = strrchr(path, '/');
    return slash ? slash + 1 : path;
}

/* Where "00001-of-00002" begins in a path; NULL: it has none before its ending. */
static const char *numbers_of(const char *path, int *count)
{
    static const char form[] = "-#####-of-#####.";
    const char *name = base_of(path);
    for (; *name; name++) {
        size_t i = 0;
        while (form[i] && (form[i] == '#' ? name[i] >= '0' && name[i] <= '9' : name[i] == form[i]))
            i++;
        if (form[i])
            continue;
        *count = atoi(name + 10);
        return *count > 1 && *count <= MOST_SHARDS ? name + 1 : NULL;
    }
    return NULL;
}

static bool is_index(const char *path)
{
    const size_t size = strlen(path), tail = sizeof index_ending - 1;
    return size > tail && !strcmp(path + size - tail, index_ending);
}

bool un_shards_named(const char *path)
{
    int count;
    return is_index(path) || numbers_of(path, &count);
}

/* ---- which files ---- */

struct shards {
    char **names; /* [count], in the folder of the path */
    int count;
};

static unet_code add_name(const char *path, const char *name, struct shards *shards,
                          unet_error *err)
{
    for (int i = 0; i < shards->count; i++)
        if (!strcmp(shards->names[i], name))
            return UNET_OK;
    if (!*name || strchr(name, '/') || !strcmp(name, ".") || !strcmp(name, ".."))
        return un_fail(err, UNET_EFORMAT, "%s: names \"%.100s\", wanted a file beside it", path,
                       name);
    if (shards->count == MOST_SHARDS)
        return un_fail(err, UNET_EFORMAT, "%s: names more than %d files", path, MOST_SHARDS);
    if (!(shards->names[shards->count] = strdup(name)))
        return un_fail_memory(err, strlen(name), path);
    shards->count++;
    return UNET_OK;
}

static unet_code names_in_index(const char *path, struct shards *shards, unet_error *err)
{
    struct un_mapping mapping;
    json_t *index = NULL;
    const char *tensor;
    json_t *value;
    unet_code code = un_map_whole(path, &mapping, err);
    if (code)
        return code;
    code = un_json_parse(path, (const char *)mapping.data, mapping.size, &index, err);
    un_map_release(&mapping);
    json_t *map = json_object_get(index, "weight_map");
    if (!code && !json_object_size(map))
        code = un_fail(err, UNET_EFORMAT,
                       "%s: has no \"weight_map\", which says what is in which file", path);
    json_object_foreach(map, tensor, value)
    {
        if (!code && !json_is_string(value))
            code = un_fail(err, UNET_EFORMAT, "%s: weight_map: %.100s is no name of a file", path,
                           tensor);
        if (!code)
            code = add_name(path, json_string_value(value), shards, err);
    }
    json_decref(index);
    return code;
}

static unet_code list_names(const char *path, struct shards *shards, unet_error *err)
{
    int count = 0;
    if (is_index(path))
        return names_in_index(path, shards, err);
    const char *numbers = numbers_of(path, &count), *base = base_of(path);
    const int before = (int)(numbers - base);
    unet_code code = UNET_OK;
    for (int i = 1; i <= count && !code; i++) {
        char name[NAME];
        snprintf(name, sizeof name, "%.*s%0*d%s", before, base, NUMBER, i, numbers + NUMBER);
        code = add_name(path, name, shards, err);
    }
    return code;
}

/* ---- all of them ---- */

struct owner {
    struct un_array *items;
    int count;
    struct un_arrays parts[]; /* [count] */
};

static void release_owner(void *pointer)
{
    struct owner *owner = pointer;
    for (int i = 0; i < owner->count; i++)
        un_arrays_release(&owner->parts[i]);
    free(owner->items);
    free(owner);
}

static unet_code open_all(const char *path, const struct shards *shards,
                          unet_code (*open_one)(const char *path, struct un_arrays *arrays,
                                                unet_error *err),
                          struct owner *owner, unet_error *err)
{
    const int folder = (int)(base_of(path) - path);
    unet_code code = UNET_OK;
    for (int i = 0; i < shards->count && !code; i++) {
        char name[NAME];
        const int size = snprintf(name, sizeof name, "%.*s%s", folder, path, shards->names[i]);
        if (size >= NAME || access(name, F_OK))
            return un_fail(err, UNET_EFORMAT,
                           "%s: is one of %d files of a model, and %s is not there", path,
                           shards->count, shards->names[i]);
        if (!(code = open_one(name, &owner->parts[i], err)))
            owner->count++;
    }
    return code;
}

static int compare_names(const void *a, const void *b)
{
    return strcmp(*(const char *const *)a, *(const char *const *)b);
}

static unet_code check_names(const char *path, const struct un_array *items, int count,
                             unet_error *err)
{
    const char **names = malloc((size_t)count * sizeof *names + 1);
    unet_code code = UNET_OK;
    if (!names)
        return un_fail_memory(err, (size_t)count * sizeof *names, path);
    for (int i = 0; i < count; i++)
        names[i] = items[i].name;
    qsort(names, (size_t)count, sizeof *names, compare_names);
    for (int i = 1; i < count && !code; i++)
        if (!strcmp(names[i - 1], names[i]))
            code = un_fail(err, UNET_EFORMAT, "%s: two tensors of its files are called %.100s",
                           path, names[i]);
    free(names);
    return code;
}

static unet_code join(const char *path, struct owner *owner, struct un_arrays *arrays,
                      unet_error *err)
{
    size_t count = 0, size = 0;
    for (int i = 0; i < owner->count; i++) {
        count += (size_t)owner->parts[i].count;
        size += owner->parts[i].size;
    }
    owner->items = malloc(count * sizeof *owner->items + 1);
    if (!owner->items)
        return un_fail_memory(err, count * sizeof *owner->items, path);
    struct un_arrays made = owner->parts[0];
    made.count = 0;
    for (int i = 0; i < owner->count; i++)
        for (int k = 0; k < owner->parts[i].count; k++)
            owner->items[made.count++] = owner->parts[i].items[k];
    made.items = owner->items;
    made.size = size;
    made.mapping = NULL;
    made.made = NULL;
    made.owner = owner;
    made.release = release_owner;
    unet_code code = check_names(path, owner->items, made.count, err);
    if (!code)
        *arrays = made;
    return code;
}

unet_code un_shards_open(const char *path,
                         unet_code (*open_one)(const char *path, struct un_arrays *arrays,
                                               unet_error *err),
                         struct un_arrays *arrays, unet_error *err)
{
    if (!is_index(path)) { /* a model of ours may be called so */
        unet_code code = open_one(path, arrays, err);
        if (code || arrays->metadata)
            return code;
        un_arrays_release(arrays);
    }
    struct shards shards = {.names = calloc(MOST_SHARDS, sizeof(char *))};
    unet_code code = shards.names ? list_names(path, &shards, err)
                                  : un_fail_memory(err, MOST_SHARDS * sizeof(char *), path);
    struct owner *owner = NULL;
    if (!code && !(owner = calloc(1, sizeof *owner + (size_t)shards.count * sizeof *owner->parts)))
        code = un_fail_memory(err, (size_t)shards.count * sizeof *owner->parts, path);
    if (!code)
        code = open_all(path, &shards, open_one, owner, err);
    if (!code)
        code = join(path, owner, arrays, err);
    if (code && owner)
        release_owner(owner);
    for (int i = 0; i < shards.count; i++)
        free(shards.names[i]);
    free(shards.names);
    return code;
}
