/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a weight is called.  A tensor whose own name ends as its use wants (".weight") keeps it.
 * Others get the name of their module and that ending.  Exporters fold batch norms into
 * convolutions, and share tensors with equal values, and then names are lost ("onnx::Conv_123").
 * The module's name is taken from another tensor of the node, or from the node: PyTorch calls it by
 * the way to the module and the operator, where what lies in a list or sequence repeats its name:
 *
 *   /inc/double_conv/double_conv.0/Conv   ->   inc.double_conv.0
 *
 * If a name is taken already, the next rule decides; the last is the operator and the node's
 * number.
 */
#include "weights/onnx/onnx.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "weights/onnx/onnx_walk.h"

enum { MAX_WEIGHTS = 2000, NAME_ROOM = UN_ONNX_MAX_NAME + 32 };

/* ---- names ---- */

static const char *const suffixes[] = {"weight", "bias", "running_mean", "running_var"};

static bool ends_with(struct un_slice name, const char *suffix, struct un_slice *module)
{
    const size_t size = un_slice_size(name), tail = strlen(suffix);
    if (size < tail + 2 || memcmp(name.end - tail, suffix, tail) || name.end[-(int)tail - 1] != '.')
        return false;
    *module = (struct un_slice){name.at, name.end - tail - 1};
    return true;
}

/* The module that a tensor of the node names; false: none does. */
static bool module_of_tensors(const struct un_onnx_table *table, const struct un_onnx_node *node,
                              struct un_slice *module)
{
    for (int i = 1; i < node->inputs; i++) {
        const int value = un_onnx_input(table, node, i);
        for (size_t s = 0; value >= 0 && s < sizeof suffixes / sizeof *suffixes; s++)
            if (ends_with(table->values[value].name, suffixes[s], module))
                return true;
    }
    return false;
}

/* Appends bytes to a name; what does not fit is dropped (a name that is taken gets another rule).
 */
static void append(char name[NAME_ROOM], struct un_slice bytes)
{
    const size_t used = strlen(name), size = un_slice_size(bytes);
    const size_t room = UN_ONNX_MAX_NAME - (used < UN_ONNX_MAX_NAME ? used : UN_ONNX_MAX_NAME);
    for (size_t i = 0; i < size && i < room; i++)
        name[used + i] = bytes.at[i] ? (char)bytes.at[i] : '_';
    name[used + (size < room ? size : room)] = '\0';
}

/* From "/inc/double_conv/double_conv.0/Conv"; other names as they are. */
static void module_of_node(const struct un_onnx_node *node, char name[NAME_ROOM])
{
    static const unsigned char dot[] = {'.'};
    struct un_slice rest = node->name;
    *name = '\0';
    if (rest.at == rest.end || *rest.at != '/') {
        append(name, rest);
        return;
    }
    rest.at++;
    for (;;) {
        const unsigned char *end = memchr(rest.at, '/', un_slice_size(rest));
        if (!end)
            return;
        struct un_slice part = {rest.at, end}, next;
        rest.at = end + 1;
        const unsigned char *stop = memchr(rest.at, '/', un_slice_size(rest));
        next = (struct un_slice){rest.at, stop ? stop : rest.at};
        const size_t size = un_slice_size(part);
        if (un_slice_size(next) > size && !memcmp(next.at, part.at, size) && next.at[size] == '.')
            continue; /* the next one repeats it */
        if (*name)
            append(name, (struct un_slice){dot, dot + sizeof dot});
        append(name, part);
    }
}

static void finish(char name[NAME_ROOM], const char *suffix)
{
    if (!strncmp(name, "module.", 7)) /* what PyTorch's DataParallel puts before all names */
        memmove(name, name + 7, strlen(name + 7) + 1);
    const size_t used = strlen(name);
    snprintf(name + used, NAME_ROOM - used, ".%s", suffix);
}

/* false: every rule makes one that is taken. */
static bool make_name(const struct un_onnx_walk *walk, int value, const struct un_onnx_node *node,
                      const char *suffix, char name[NAME_ROOM])
{
    const struct un_onnx_table *table = walk->table;
    struct un_slice module;
    for (int rule = 0; rule < 4; rule++) {
        *name = '\0';
        if (rule == 0 && ends_with(table->values[value].name, suffix, &module))
            append(name, module);
        else if (rule == 1 && module_of_tensors(table, node, &module))
            append(name, module);
        else if (rule == 2)
            module_of_node(node, name);
        else if (rule == 3) {
            append(name, node->op);
            const size_t used = strlen(name);
            snprintf(name + used, NAME_ROOM - used, "_%d", (int)(node - table->nodes));
        }
        if (!*name)
            continue;
        finish(name, suffix);
        if (!un_arrays_find(walk->arrays, name))
            return true;
    }
    return false;
}

/* ---- the list ---- */

static unet_code make_room(struct un_onnx_walk *walk)
{
    if (walk->arrays->count < walk->room)
        return UNET_OK;
    const int room = walk->room ? 2 * walk->room : 64;
    struct un_array *items = realloc(walk->arrays->items, (size_t)room * sizeof *items);
    if (!items)
        return un_fail_memory(walk->err, (size_t)room * sizeof *items, walk->table->path);
    walk->arrays->items = items;
    walk->room = room;
    return UNET_OK;
}

unet_code un_onnx_put_array(struct un_onnx_walk *walk, int tensor, const char *name,
                            struct un_array **array)
{
    struct un_onnx_table *table = walk->table;
    struct un_arrays *arrays = walk->arrays;
    unet_code code = make_room(walk);
    struct un_array *made = code ? NULL : &arrays->items[arrays->count];
    if (!code)
        code = un_onnx_tensor_load(table, tensor, made, walk->err);
    if (code)
        return code;
    char *copy = un_arena_alloc(&table->arena, strlen(name) + 1);
    if (!copy)
        return un_fail_memory(walk->err, strlen(name) + 1, table->path);
    made->name = made->key = strcpy(copy, name);
    *array = made;
    return UNET_OK;
}

unet_code un_onnx_list(struct un_onnx_walk *walk, int i, const struct un_onnx_node *of,
                       const char *suffix, struct un_array **array)
{
    struct un_onnx_table *table = walk->table;
    const int value = un_onnx_input(table, walk->node, i);
    const bool whole = value >= 0 && !table->values[value].spread;
    const int tensor = whole ? table->values[value].tensor : -1;
    char name[NAME_ROOM];
    if (tensor < 0)
        return un_onnx_refuse(walk, "its %s is %s, wanted stored numbers", suffix,
                              value < 0 ? "missing" : "calculated");
    if (walk->arrays->count == MAX_WEIGHTS)
        return un_onnx_refuse(walk, "more than %d weights, which no U-Net has", MAX_WEIGHTS);
    if (!make_name(walk, value, of, suffix, name))
        return un_onnx_refuse(walk, "its %s would be the second %s", suffix, name);
    unet_code code = un_onnx_put_array(walk, tensor, name, array);
    if (code)
        return code;
    if (!(*array)->dtype->to_float)
        return un_onnx_refuse(walk, "its %s is of type %s, wanted floats", suffix,
                              (*array)->dtype->name);
    walk->arrays->count++;
    return UNET_OK;
}

/* ---- the file ---- */

bool un_onnx_recognises(const unsigned char *bytes, size_t size)
{
    /* field 1, the version of the format, is written first; then the producer, the operators'
     * version or the graph.  With it a shorter file than this is none. */
    static const unsigned char next[] = {0x12, 0x1a, 0x22, 0x28, 0x32, 0x3a, 0x42};
    return size > 8 && bytes[0] == 0x08 && bytes[1] > 0 && bytes[1] < 64 &&
           memchr(next, bytes[2], sizeof next);
}

struct owner {
    struct un_onnx_table table;
    struct un_mapping mapping;
    struct un_array *items;
};

static void release(void *pointer)
{
    struct owner *owner = pointer;
    free(owner->items);
    un_onnx_external_release(&owner->table);
    un_arena_release(&owner->table.arena);
    un_map_release(&owner->mapping);
    free(owner);
}

static unet_code copy_metadata(struct un_onnx_table *table, struct un_arrays *arrays,
                               unet_error *err)
{
    const size_t size = un_slice_size(table->metadata);
    if (!table->metadata.at)
        return UNET_OK;
    if (memchr(table->metadata.at, '\0', size))
        return un_fail(err, UNET_EFORMAT, "%s: the unet metadata have a NUL byte", table->path);
    char *text = un_arena_alloc(&table->arena, size + 1); /* zeroed */
    if (!text)
        return un_fail_memory(err, size + 1, table->path);
    arrays->metadata = memcpy(text, table->metadata.at, size);
    return UNET_OK;
}

static unet_code parse(const char *path, const unsigned char *bytes, size_t size, bool beside,
                       struct un_arrays *arrays, unet_error *err)
{
    struct owner *owner = calloc(1, sizeof *owner);
    if (!owner)
        return un_fail_memory(err, sizeof *owner, path);
    struct un_arrays made = {.format = "ONNX",
                             .ordered = true,
                             .one_network = true,
                             .sparse_biases = true,
                             .hints = un_hints_none(),
                             .owner = owner,
                             .release = release};
    struct un_onnx_walk walk = {.table = &owner->table, .arrays = &made, .err = err};
    unet_code code = un_onnx_table_read(path, bytes, size, &owner->table, err);
    owner->table.beside = beside;
    if (!code)
        code = copy_metadata(&owner->table, &made, err);
    if (!code)
        code = un_onnx_is_own(&walk) ? un_onnx_own(&walk) : un_onnx_walk(&walk);
    owner->items = made.items;
    made.size = un_onnx_external_bytes(&owner->table);
    if (code)
        release(owner);
    else
        *arrays = made;
    return code;
}

unet_code un_onnx_parse(const char *path, const unsigned char *bytes, size_t size,
                        struct un_arrays *arrays, unet_error *err)
{
    return parse(path, bytes, size, false, arrays, err);
}

unet_code un_onnx_open(const char *path, struct un_arrays *arrays, unet_error *err)
{
    struct un_mapping mapping;
    unet_code code = un_map_whole(path, &mapping, err);
    if (code)
        return code;
    if ((code = parse(path, mapping.data, mapping.size, true, arrays, err)))
        un_map_release(&mapping);
    else
        ((struct owner *)arrays->owner)->mapping = mapping;
    return code;
}
