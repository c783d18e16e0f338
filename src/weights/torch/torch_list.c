/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Walks from the root of a pickle to each tensor.  A pickle can describe values that contain
 * themselves, and few bytes can describe values that are reached on very many ways, so the depth
 * and the number of steps are bounded; a file of weights is far below both.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "weights/torch/torch_file.h"

enum { MAX_DEPTH = 64 };

struct walk {
    struct un_torch_file *file;
    /* classes that are not known: of the outermost object around, of the first there was; NULL:
     * none */
    const struct un_pickle_value *object, *first;
    const struct un_pickle_value *named; /* the last that was named, and its name */
    const char *named_text;
    unsigned char *been; /* [values]: such objects are entered once: they refer to each other */
    char name[UN_TORCH_MAX_NAME + 1];
    size_t name_size, key_at;
    size_t steps_left;
    int depth;
    const struct un_pickle_value *around[MAX_DEPTH];
};

static unet_code walk_value(struct walk *w, const struct un_pickle_value *value);

/* "models.unet.UNet": what a file calls a class that is not on the list; NULL: no memory. */
static const char *name_other(struct walk *w, const struct un_pickle_value *other)
{
    enum { MOST = 100 };
    const struct un_pickle_value *module = &w->file->pickle.values[other->other.module];
    const struct un_pickle_value *name = &w->file->pickle.values[other->other.name];
    if (w->named == other)
        return w->named_text;
    char *made = un_arena_alloc(&w->file->arena, 2 * MOST + 2);
    if (made)
        snprintf(made, 2 * MOST + 2, "%.*s.%.*s", module->count < MOST ? (int)module->count : MOST,
                 module->text, name->count < MOST ? (int)name->count : MOST, name->text);
    w->named = other;
    return w->named_text = made;
}

static unet_code add_item(struct walk *w, struct un_array array)
{
    struct un_torch_file *file = w->file;
    if (file->count == UN_TORCH_MAX_ARRAYS)
        return un_fail(file->err, UNET_EFORMAT, "%s: has more than %d tensors", file->path,
                       UN_TORCH_MAX_ARRAYS);
    if (file->count == file->room) {
        int room = file->room ? 2 * file->room : 16;
        struct un_array *items = realloc(file->items, (size_t)room * sizeof *items);
        if (!items)
            return un_fail_memory(file->err, (size_t)room * sizeof *items, file->path);
        file->items = items;
        file->room = room;
    }
    const char *text = w->name_size ? w->name : "tensor";
    const size_t size = strlen(text) + 1;
    char *name = un_arena_alloc(&file->arena, size);
    if (!name)
        return un_fail_memory(file->err, size, file->path);
    array.name = memcpy(name, text, size);
    array.key = file->script ? name : name + w->key_at;
    if (w->object && !(array.object = name_other(w, w->object)))
        return un_fail_memory(file->err, size, file->path);
    file->items[file->count++] = array;
    return UNET_OK;
}

/* A setting that lies beside the arrays. */
static void take_setting(struct un_torch_file *file, const char *key, size_t key_size,
                         const struct un_pickle_value *value)
{
    char name[32], text[64];
    if (key_size >= sizeof name)
        return;
    memcpy(name, key, key_size);
    name[key_size] = 0;
    if (value->kind == UN_PICKLE_FLOAT) {
        un_hints_take_number(&file->hints, name, value->number);
    } else if (value->kind == UN_PICKLE_TEXT && value->count < sizeof text) {
        memcpy(text, value->text, value->count);
        text[value->count] = 0;
        un_hints_take_text(&file->hints, name, text);
    }
}

/* Walks on to what a container has under a key. */
static unet_code walk_key(struct walk *w, const char *key, size_t key_size,
                          const struct un_pickle_value *value)
{
    struct un_torch_file *file = w->file;
    const size_t name_size = w->name_size, key_at = w->key_at;
    if (!w->steps_left)
        return un_fail(file->err, UNET_EFORMAT,
                       "%s: its pickle leads to few values on too many ways", file->path);
    w->steps_left--;
    take_setting(file, key, key_size, value);
    /* only what may lead to tensors needs a name */
    if (value->kind < UN_PICKLE_TUPLE || value->kind == UN_PICKLE_GLOBAL ||
        value->kind == UN_PICKLE_OTHER)
        return UNET_OK;
    if (memchr(key, 0, key_size) || key_size + (name_size > 0) > UN_TORCH_MAX_NAME - name_size)
        return un_fail(file->err, UNET_EFORMAT,
                       "%s: a name of %zu bytes below \"%.100s\"; at most %d are read, and no zero "
                       "byte in it",
                       file->path, key_size, w->name, UN_TORCH_MAX_NAME);
    if (name_size)
        w->name[w->name_size++] = '.';
    w->key_at = w->name_size;
    memcpy(w->name + w->name_size, key, key_size);
    w->name_size += key_size;
    w->name[w->name_size] = 0;
    unet_code code = walk_value(w, value);
    w->name_size = name_size;
    w->key_at = key_at;
    w->name[name_size] = 0;
    return code;
}

/* A key as it becomes part of a name; what has no natural name is called by its place. */
static size_t key_text(const struct un_pickle_value *key, uint32_t place, char text[32])
{
    if (key->kind == UN_PICKLE_INT)
        return (size_t)snprintf(text, 32, "%" PRId64, key->integer);
    return (size_t)snprintf(text, 32, "#%u", place);
}

static unet_code walk_dict(struct walk *w, const struct un_pickle_value *dict)
{
    const struct un_pickle *p = &w->file->pickle;
    unet_code code = UNET_OK;
    uint32_t cell = dict->count ? dict->chain.first : 0;
    for (uint32_t i = 0; cell && !code; i++) {
        const struct un_pickle_value *key = &p->values[p->cells[cell].value];
        cell = p->cells[cell].next;
        const struct un_pickle_value *value = &p->values[p->cells[cell].value];
        cell = p->cells[cell].next;
        char text[32];
        if (key->kind == UN_PICKLE_TEXT)
            code = walk_key(w, key->text, key->count, value);
        else
            code = walk_key(w, text, key_text(key, i, text), value);
    }
    return code;
}

static unet_code walk_items(struct walk *w, const struct un_pickle_value *list)
{
    const struct un_pickle *p = &w->file->pickle;
    unet_code code = UNET_OK;
    uint32_t cell = list->count ? list->chain.first : 0;
    for (uint32_t i = 0; cell && !code; i++, cell = p->cells[cell].next) {
        char text[32];
        int size = snprintf(text, sizeof text, "%u", i);
        code = walk_key(w, text, (size_t)size, &p->values[p->cells[cell].value]);
    }
    return code;
}

static unet_code walk_inside(struct walk *w, const struct un_pickle_value *value)
{
    switch (value->kind) {
    case UN_PICKLE_DICT:
        return walk_dict(w, value);
    case UN_PICKLE_LIST:
    case UN_PICKLE_TUPLE:
        return walk_items(w, value);
    case UN_PICKLE_CALL: /* the attributes of an object */
        return walk_value(w, &w->file->pickle.values[value->count]);
    default:
        return UNET_OK;
    }
}

/* The class of an object of which nothing is known, or such a class itself; NULL: it is neither. */
static const struct un_pickle_value *other_of(const struct un_pickle *p,
                                              const struct un_pickle_value *value)
{
    const struct un_pickle_value *class =
        value->kind == UN_PICKLE_CALL ? &p->values[value->call.function] : value;
    return class->kind == UN_PICKLE_OTHER ? class : NULL;
}

/* What is in there is no business of a reader of weights, and nothing in it stops the reading. */
static unet_code walk_object(struct walk *w, const struct un_pickle_value *value,
                             const struct un_pickle_value *class)
{
    unsigned char *been = &w->been[value - w->file->pickle.values];
    const struct un_pickle_value *around = w->object;
    unet_code code = UNET_OK;
    w->object = around ? around : class;
    w->first = w->first ? w->first : class;
    if (value->kind == UN_PICKLE_CALL && !*been) {
        *been = 1;
        code = walk_inside(w, value);
    }
    w->object = around;
    return code == UNET_EFORMAT ? UNET_OK : code;
}

static unet_code walk_value(struct walk *w, const struct un_pickle_value *value)
{
    struct un_torch_file *file = w->file;
    struct un_array array;
    bool is_tensor;
    unet_code code =
        un_torch_tensor(file, w->name_size ? w->name : "tensor", value, &array, &is_tensor);
    if (code)
        return code;
    if (is_tensor)
        return add_item(w, array);
    for (int i = 0; i < w->depth; i++)
        if (w->around[i] == value)
            return un_fail(file->err, UNET_EFORMAT, "%s: \"%.100s\" contains itself", file->path,
                           w->name);
    if (w->depth == MAX_DEPTH)
        return un_fail(file->err, UNET_EFORMAT, "%s: \"%.100s\" is nested deeper than %d levels",
                       file->path, w->name, MAX_DEPTH);
    const struct un_pickle_value *class = other_of(&file->pickle, value);
    const int depth = w->depth;
    w->around[w->depth++] = value;
    code = class ? walk_object(w, value, class) : walk_inside(w, value);
    w->depth = depth;
    return code;
}

static int compare_names(const void *a, const void *b)
{
    return strcmp(*(const char *const *)a, *(const char *const *)b);
}

static unet_code check_names(struct un_torch_file *file)
{
    const size_t count = (size_t)file->count;
    const char **names = malloc(count * sizeof *names);
    unet_code code = UNET_OK;
    if (!names)
        return un_fail_memory(file->err, count * sizeof *names, file->path);
    for (size_t i = 0; i < count; i++)
        names[i] = file->items[i].name;
    qsort(names, count, sizeof *names, compare_names);
    for (size_t i = 1; i < count && !code; i++)
        if (!strcmp(names[i - 1], names[i]))
            code = un_fail(file->err, UNET_EFORMAT, "%s: two tensors are called %.100s", file->path,
                           names[i]);
    free(names);
    return code;
}

unet_code un_torch_list(struct un_torch_file *file)
{
    struct walk walk = {.file = file,
                        .steps_left = 4 * (size_t)file->pickle.cell_count + UN_TORCH_MAX_ARRAYS,
                        .been = calloc(file->pickle.value_count, 1)};
    if (!walk.been)
        return un_fail_memory(file->err, file->pickle.value_count, file->path);
    unet_code code = walk_value(&walk, &file->pickle.values[file->pickle.root]);
    free(walk.been);
    if (code)
        return code;
    if (file->count)
        return check_names(file);
    const char *class = walk.first ? name_other(&walk, walk.first) : NULL;
    return class ? un_fail_object(file->path, class, file->err)
                 : un_fail(file->err, UNET_EFORMAT, "%s: holds no tensors", file->path);
}
