/* SPDX-License-Identifier: Apache-2.0 */
/* hdf5_groups.c - what a group holds: links in a header, or a tree of symbols */
#include <string.h>

#include "weights/keras/hdf5_bytes.h"

enum { MOST_NAME = 1024 };

unet_code un_hdf5_table(struct un_hdf5_file *file, struct un_hdf5_part part, uint64_t *tree,
                        uint64_t *heap)
{
    *tree = un_hdf5_number(file, &part, 8);
    *heap = un_hdf5_number(file, &part, 8);
    return file->code;
}

unet_code un_hdf5_link_info(struct un_hdf5_file *file, struct un_hdf5_part part, bool *elsewhere)
{
    un_hdf5_take(file, &part, 1);
    const uint64_t flags = un_hdf5_number(file, &part, 1);
    un_hdf5_take(file, &part, flags & 1 ? 8 : 0);
    *elsewhere = un_hdf5_number(file, &part, 8) != UN_HDF5_NOWHERE;
    return file->code;
}

unet_code un_hdf5_link(struct un_hdf5_file *file, struct un_hdf5_part part,
                       struct un_hdf5_link *link)
{
    un_hdf5_take(file, &part, 1);
    const uint64_t flags = un_hdf5_number(file, &part, 1);
    link->soft = flags & 8 && un_hdf5_number(file, &part, 1) != 0;
    un_hdf5_take(file, &part, (flags & 4 ? 8 : 0) + (flags & 16 ? 1 : 0));
    link->size = un_hdf5_number(file, &part, 1 << (flags & 3));
    link->name = (const char *)un_hdf5_take(file, &part, link->size);
    link->at = link->soft ? 0 : un_hdf5_number(file, &part, 8);
    return file->code;
}

unet_code un_hdf5_tree(struct un_hdf5_file *file, uint64_t at, struct un_hdf5_tree *tree)
{
    struct un_hdf5_part part;
    if (!un_hdf5_rest(file, at, "a group", &part))
        return file->code;
    const unsigned char *name = un_hdf5_take(file, &part, 4);
    const uint64_t kind = un_hdf5_number(file, &part, 1);
    tree->level = (int)un_hdf5_number(file, &part, 1);
    tree->count = (int)un_hdf5_number(file, &part, 2);
    un_hdf5_take(file, &part, 16);
    tree->entries = un_hdf5_take(file, &part, (size_t)tree->count * 16 + 8);
    if (!name || memcmp(name, "TREE", 4) || kind != 0)
        return un_hdf5_broken(file, "a group");
    return file->code;
}

uint64_t un_hdf5_child(const struct un_hdf5_tree *tree, int i)
{
    return un_hdf5_number_at(tree->entries + (size_t)i * 16 + 8, 8);
}

static unet_code find_names(struct un_hdf5_file *file, uint64_t heap, struct un_hdf5_part *names)
{
    struct un_hdf5_part part;
    if (!un_hdf5_rest(file, heap, "a group's names", &part))
        return file->code;
    const unsigned char *name = un_hdf5_take(file, &part, 8);
    const uint64_t size = un_hdf5_number(file, &part, 8);
    un_hdf5_take(file, &part, 8);
    const uint64_t at = un_hdf5_number(file, &part, 8);
    if (!name || memcmp(name, "HEAP", 4))
        return un_hdf5_broken(file, "a group's names");
    un_hdf5_span(file, at, size, "a group's names", names);
    return file->code;
}

unet_code un_hdf5_symbols(struct un_hdf5_file *file, uint64_t at, uint64_t heap,
                          struct un_hdf5_symbols *symbols)
{
    enum { ENTRY = 40 };
    struct un_hdf5_part part, names = {NULL, NULL};
    if (!un_hdf5_rest(file, at, "a group", &part) || find_names(file, heap, &names))
        return file->code;
    const unsigned char *name = un_hdf5_take(file, &part, 6);
    symbols->count = (int)un_hdf5_number(file, &part, 2);
    symbols->entries = un_hdf5_take(file, &part, (size_t)symbols->count * ENTRY);
    symbols->names = names.at;
    symbols->names_end = names.end;
    if (!name || memcmp(name, "SNOD", 4))
        return un_hdf5_broken(file, "a group");
    return file->code;
}

unet_code un_hdf5_symbol(struct un_hdf5_file *file, const struct un_hdf5_symbols *symbols, int i,
                         struct un_hdf5_symbol *symbol)
{
    enum { ENTRY = 40, SOFT = 2 };
    const unsigned char *entry = symbols->entries + (size_t)i * ENTRY;
    const uint64_t offset = un_hdf5_number_at(entry, 8),
                   room = (uint64_t)(symbols->names_end - symbols->names);
    if (offset >= room)
        return un_hdf5_broken(file, "a group's names");
    symbol->name = (const char *)symbols->names + offset;
    symbol->size = strnlen(symbol->name, room - offset < MOST_NAME ? room - offset : MOST_NAME);
    symbol->at = un_hdf5_number_at(entry + 8, 8);
    symbol->soft = un_hdf5_number_at(entry + 16, 4) == SOFT;
    return UNET_OK;
}
