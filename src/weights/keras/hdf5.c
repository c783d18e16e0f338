/* SPDX-License-Identifier: Apache-2.0 */
/*
 * hdf5.c - the objects of a file, from its root on
 *
 *   superblock      where the root is
 *   object header   messages: 1 sides, 3 type, 8 where the values are, 12 an attribute, 16 more
 *                   messages elsewhere, 17 a group's symbol table, 6 one link of a group
 *   symbol table    a tree "TREE" of nodes "SNOD" of (name in the heap "HEAP", object)
 *   attribute       a name, a type, sides, and the value; a text of any length lies in "GCOL"
 */
#include "weights/keras/hdf5.h"

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "weights/keras/hdf5_read.h"

enum {
    MOST_ITEMS = 65536,    /* arrays and texts */
    MOST_OBJECTS = 100000, /* headers that are read, whatever leads to them */
    MOST_DEPTH = 24,       /* groups in groups */
    MOST_LEVELS = 8,       /* trees in trees of one group */
    MOST_NAME = 512,       /* bytes of a whole name */
};

/* What is being read. */
struct walk {
    struct un_hdf5_file file;
    const char *const *attributes;
    struct un_arena *arena;
    struct un_hdf5 *list;
    int room, objects;
};

/* What the messages of one object say. */
struct object {
    struct un_hdf5_space space;
    struct un_hdf5_type type;
    bool has_space, has_type, has_table, filtered, has_data, elsewhere;
    uint64_t tree, heap;
    const unsigned char *data;
    size_t bytes;
    const char *unread; /* why its values are not read; NULL: they are */
};

static unet_code walk_object(struct walk *w, uint64_t at, const char *name, int depth);

/* ---- the list ---- */

static struct un_hdf5_item *add_item(struct walk *w, const char *name)
{
    struct un_hdf5 *list = w->list;
    if (list->count == MOST_ITEMS) {
        un_hdf5_fail(&w->file, "more than %d arrays", MOST_ITEMS);
        return NULL;
    }
    if (list->count == w->room) {
        const int room = w->room ? 2 * w->room : 64;
        struct un_hdf5_item *items = realloc(list->items, (size_t)room * sizeof *items);
        if (!items) {
            un_fail_memory(w->file.err, (size_t)room * sizeof *items, w->file.path);
            w->file.code = UNET_ENOMEM;
            return NULL;
        }
        list->items = items;
        w->room = room;
    }
    char *copy = un_arena_alloc(w->arena, strlen(name) + 1);
    if (!copy) {
        w->file.code = un_fail_memory(w->file.err, strlen(name) + 1, w->file.path);
        return NULL;
    }
    list->items[list->count] = (struct un_hdf5_item){.name = strcpy(copy, name)};
    return &list->items[list->count++];
}

static unet_code add_array(struct walk *w, const char *name, const struct object *object)
{
    size_t bytes = (size_t)object->type.dtype->bytes;
    struct un_hdf5_item *item = add_item(w, name);
    if (!item)
        return w->file.code;
    item->dtype = object->type.dtype;
    item->dims = object->space.dims;
    for (int i = 0; i < item->dims; i++) {
        item->shape[i] = object->space.sides[i];
        if (__builtin_mul_overflow(bytes, item->shape[i], &bytes))
            return un_hdf5_fail(&w->file, "the shape of %.100s is too large", name);
    }
    if (bytes != object->bytes)
        return un_hdf5_fail(&w->file, "%.100s has %zu bytes, its shape and type need %zu", name,
                            object->bytes, bytes);
    item->data = object->data;
    item->bytes = bytes;
    return UNET_OK;
}

/* ---- attributes ---- */

static bool is_wanted(const struct walk *w, const char *name)
{
    for (const char *const *a = w->attributes; *a; a++)
        if (!strcmp(*a, name))
            return true;
    return false;
}

static unet_code take_attribute(struct walk *w, struct un_hdf5_part message, const char *name)
{
    struct un_hdf5_attribute attribute;
    char whole[MOST_NAME + 80];
    if (un_hdf5_attribute(&w->file, message, &attribute))
        return w->file.code;
    if (!attribute.text || !is_wanted(w, attribute.name))
        return UNET_OK;
    snprintf(whole, sizeof whole, "%s@%s", name, attribute.name);
    struct un_hdf5_item *item = add_item(w, whole);
    if (!item)
        return w->file.code;
    item->data = attribute.value;
    item->bytes = attribute.bytes;
    return UNET_OK;
}

/* ---- groups ---- */

static unet_code walk_link(struct walk *w, const char *group, const char *name, size_t size,
                           uint64_t at, int depth)
{
    char whole[MOST_NAME];
    if (strlen(group) + size + 2 > sizeof whole)
        return un_hdf5_fail(&w->file, "a name of more than %d bytes", MOST_NAME);
    snprintf(whole, sizeof whole, "%s%s%.*s", group, *group ? "/" : "", (int)size, name);
    return walk_object(w, at, whole, depth + 1);
}

static unet_code walk_symbols(struct walk *w, const struct object *object, uint64_t at,
                              const char *name, int depth)
{
    struct un_hdf5_symbols symbols;
    if (un_hdf5_symbols(&w->file, at, object->heap, &symbols))
        return w->file.code;
    for (int i = 0; i < symbols.count; i++) {
        struct un_hdf5_symbol symbol;
        if (un_hdf5_symbol(&w->file, &symbols, i, &symbol))
            return w->file.code;
        if (symbol.soft)
            continue;
        if (walk_link(w, name, symbol.name, symbol.size, symbol.at, depth))
            return w->file.code;
    }
    return UNET_OK;
}

/* level: of trees in trees */
static unet_code walk_tree(struct walk *w, const struct object *object, uint64_t at,
                           const char *name, int depth, int level)
{
    struct un_hdf5_tree tree;
    if (++w->objects > MOST_OBJECTS || level > MOST_LEVELS)
        return un_hdf5_fail(&w->file, "more than %d objects, or trees in a circle", MOST_OBJECTS);
    if (un_hdf5_tree(&w->file, at, &tree))
        return w->file.code;
    for (int i = 0; i < tree.count; i++) {
        const uint64_t child = un_hdf5_child(&tree, i);
        unet_code code = tree.level ? walk_tree(w, object, child, name, depth, level + 1)
                                    : walk_symbols(w, object, child, name, depth);
        if (code)
            return code;
    }
    return UNET_OK;
}

/* ---- objects ---- */

static unet_code take_message(struct walk *w, struct object *object,
                              const struct un_hdf5_message *message, const char *name, int depth)
{
    struct un_hdf5_link link;
    switch (message->type) {
    case UN_HDF5_SPACE:
        object->has_space = true;
        return un_hdf5_space(&w->file, message->part, &object->space);
    case UN_HDF5_TYPE:
        object->has_type = true;
        return un_hdf5_type(&w->file, message->part, &object->type);
    case UN_HDF5_LAYOUT:
        object->has_data = true;
        return un_hdf5_layout(&w->file, message->part, &object->data, &object->bytes,
                              &object->unread);
    case UN_HDF5_FILTERS:
        object->unread = "is compressed";
        return UNET_OK;
    case UN_HDF5_EXTERNAL:
        object->unread = "has its values in another file";
        return UNET_OK;
    case UN_HDF5_ATTRIBUTE:
        return take_attribute(w, message->part, name);
    case UN_HDF5_TABLE:
        object->has_table = true;
        return un_hdf5_table(&w->file, message->part, &object->tree, &object->heap);
    case UN_HDF5_LINK_INFO:
        return un_hdf5_link_info(&w->file, message->part, &object->elsewhere);
    case UN_HDF5_LINK:
        if (un_hdf5_link(&w->file, message->part, &link))
            return w->file.code;
        return link.soft ? UNET_OK : walk_link(w, name, link.name, link.size, link.at, depth);
    default:
        return UNET_OK;
    }
}

static unet_code walk_object(struct walk *w, uint64_t at, const char *name, int depth)
{
    struct object object = {.has_space = false};
    struct un_hdf5_messages messages;
    struct un_hdf5_message message;
    if (++w->objects > MOST_OBJECTS || depth > MOST_DEPTH)
        return un_hdf5_fail(&w->file, "more than %d objects, or groups %d deep", MOST_OBJECTS,
                            MOST_DEPTH);
    if (un_hdf5_messages(&w->file, at, &messages))
        return w->file.code;
    while (un_hdf5_next(&w->file, &messages, &message))
        if (take_message(w, &object, &message, name, depth))
            return w->file.code;
    if (w->file.code)
        return w->file.code;
    if (object.elsewhere)
        return un_hdf5_fail(&w->file,
                            "the group %.100s is of a newer kind; wanted as h5py writes it unless "
                            "it is told libver=\"latest\"",
                            name);
    if (object.has_table)
        return walk_tree(w, &object, object.tree, name, depth, 0);
    if (!object.has_data || !object.has_space || !object.has_type || !object.type.dtype)
        return UNET_OK; /* a group, or what is no array of numbers */
    if (object.unread)
        return un_hdf5_fail(&w->file, "the array %.100s %s, wanted values side by side", name,
                            object.unread);
    return add_array(w, name, &object);
}

unet_code un_hdf5_list(const char *path, const unsigned char *bytes, size_t size,
                       const char *const *attributes, struct un_arena *arena, struct un_hdf5 *list,
                       unet_error *err)
{
    struct walk w = {.file = {.path = path, .bytes = bytes, .size = size, .err = err},
                     .attributes = attributes,
                     .arena = arena,
                     .list = list};
    uint64_t root;
    *list = (struct un_hdf5){0};
    if (!un_hdf5_superblock(&w.file, &root) && !walk_object(&w, root, "", 0))
        return UNET_OK;
    free(list->items);
    *list = (struct un_hdf5){0};
    return w.file.code;
}

const struct un_hdf5_item *un_hdf5_find(const struct un_hdf5 *list, const char *name)
{
    for (int i = 0; i < list->count; i++)
        if (!strcmp(list->items[i].name, name))
            return &list->items[i];
    return NULL;
}
