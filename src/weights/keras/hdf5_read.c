/* SPDX-License-Identifier: Apache-2.0 */
/*
 * hdf5_read.c - numbers, and what is made of them
 *
 * Numbers are little-endian; addresses and lengths have 8 bytes, as all files have them that a
 * 64-bit machine wrote.  take() and its like set file->code when a part has no more bytes, and give
 * zero from then on, so that only the end needs a look.
 */
#include "weights/keras/hdf5_read.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/decimal.h"
#include "weights/keras/hdf5.h"

static const unsigned char signature[8] = {0x89, 'H', 'D', 'F', '\r', '\n', 0x1a, '\n'};

#define NOWHERE UINT64_MAX

/* In all: a small file may have many names for one large header. */
enum { MOST_STEPS = 4000000, MOST_NAME = 1024 };

unet_code un_hdf5_fail(struct un_hdf5_file *file, const char *format, ...)
{
    char text[300];
    va_list arguments;
    if (file->code)
        return file->code;
    va_start(arguments, format);
    un_decimal_vformat(text, sizeof text, format, arguments);
    va_end(arguments);
    return file->code = un_fail(file->err, UNET_EFORMAT, "%s: HDF5: %s", file->path, text);
}

static unet_code broken(struct un_hdf5_file *file, const char *what)
{
    return un_hdf5_fail(file, "%s is broken (is the file cut short?)", what);
}

/* Counts one more; false: there have been too many. */
static bool step(struct un_hdf5_file *file)
{
    if (++file->steps > MOST_STEPS)
        un_hdf5_fail(file, "more than %d headers", MOST_STEPS);
    return !file->code;
}

/* ---- bytes ---- */

static size_t left(const struct un_hdf5_part *part)
{
    return (size_t)(part->end - part->at);
}

/* The next bytes; NULL: there are not so many. */
static const unsigned char *take(struct un_hdf5_file *file, struct un_hdf5_part *part, size_t size)
{
    if (file->code || left(part) < size) {
        broken(file, "a header");
        return NULL;
    }
    part->at += size;
    return part->at - size;
}

static uint64_t take_number(struct un_hdf5_file *file, struct un_hdf5_part *part, int size)
{
    const unsigned char *at = take(file, part, (size_t)size);
    uint64_t value = 0;
    for (int i = 0; at && i < size; i++)
        value |= (uint64_t)at[i] << (8 * i);
    return value;
}

static uint64_t number_at(const unsigned char *at, int size)
{
    uint64_t value = 0;
    for (int i = 0; i < size; i++)
        value |= (uint64_t)at[i] << (8 * i);
    return value;
}

/* Bytes of the file from an address on. */
static bool find_part(struct un_hdf5_file *file, uint64_t at, uint64_t size, const char *what,
                      struct un_hdf5_part *part)
{
    if (file->code)
        return false;
    if (at > file->size - file->base || size > file->size - file->base - at) {
        broken(file, what);
        return false;
    }
    part->at = file->bytes + file->base + at;
    part->end = part->at + size;
    return true;
}

/* All that follows an address. */
static bool find_rest(struct un_hdf5_file *file, uint64_t at, const char *what,
                      struct un_hdf5_part *part)
{
    const uint64_t there = file->size - file->base;
    return find_part(file, at, at < there ? there - at : 0, what, part);
}

/* ---- the superblock ---- */

bool un_hdf5_recognises(const unsigned char *bytes, size_t size)
{
    return size >= sizeof signature && !memcmp(bytes, signature, sizeof signature);
}

unet_code un_hdf5_superblock(struct un_hdf5_file *file, uint64_t *root)
{
    struct un_hdf5_part part = {file->bytes, file->bytes + file->size};
    take(file, &part, sizeof signature);
    const uint64_t version = take_number(file, &part, 1);
    const bool old = version < 2;
    if (!file->code && version > 3)
        return un_hdf5_fail(file, "version %d of the superblock, wanted 0 to 3", (int)version);
    take(file, &part, old ? 4 : 0);
    const uint64_t offsets = take_number(file, &part, 1), lengths = take_number(file, &part, 1);
    if (!file->code && (offsets != 8 || lengths != 8))
        return un_hdf5_fail(file, "addresses of %d bytes, wanted 8", (int)offsets);
    take(file, &part, version == 0 ? 9 : version == 1 ? 13 : 1);
    const uint64_t base = take_number(file, &part, 8);
    take(file, &part, old ? 32 : 16); /* (old: the last of these is the root's place in a heap) */
    *root = take_number(file, &part, 8);
    if (!file->code && base > file->size)
        return broken(file, "the superblock");
    file->base = base;
    return file->code;
}

/* ---- object headers ---- */

static unet_code messages_old(struct un_hdf5_file *file, uint64_t at, struct un_hdf5_part part,
                              struct un_hdf5_messages *all)
{
    take(file, &part, 8); /* version, number of messages, references */
    const uint64_t size = take_number(file, &part, 4);
    all->version = 1;
    find_part(file, at + 16, size, "an object header", &all->part);
    return file->code;
}

unet_code un_hdf5_messages(struct un_hdf5_file *file, uint64_t at, struct un_hdf5_messages *all)
{
    struct un_hdf5_part part;
    *all = (struct un_hdf5_messages){0};
    if (!find_rest(file, at, "an object header", &part))
        return file->code;
    if (left(&part) > 16 && part.at[0] == 1)
        return messages_old(file, at, part, all);
    const unsigned char *name = take(file, &part, 4);
    if (!name || memcmp(name, "OHDR", 4) || take_number(file, &part, 1) != 2)
        return broken(file, "an object header");
    const uint64_t flags = take_number(file, &part, 1);
    take(file, &part, (flags & 0x20 ? 16 : 0) + (flags & 0x10 ? 4 : 0));
    const uint64_t size = take_number(file, &part, 1 << (flags & 3));
    if (!file->code && size > left(&part))
        return broken(file, "an object header");
    all->version = 2;
    all->ordered = flags & 4;
    all->part = (struct un_hdf5_part){part.at, part.at + (file->code ? 0 : size)};
    return file->code;
}

static void add_chunk(struct un_hdf5_file *file, struct un_hdf5_messages *all,
                      struct un_hdf5_part part)
{
    const uint64_t at = take_number(file, &part, 8), size = take_number(file, &part, 8);
    struct un_hdf5_part chunk;
    if (!find_part(file, at, size, "an object header", &chunk))
        return;
    if (all->version == 2) {
        const unsigned char *name = take(file, &chunk, 4);
        if (!name || memcmp(name, "OCHK", 4) || left(&chunk) < 4) {
            broken(file, "an object header");
            return;
        }
        chunk.end -= 4; /* its checksum */
    }
    if (all->first + all->count == UN_HDF5_CHUNKS)
        un_hdf5_fail(file, "an object header in more than %d parts", UN_HDF5_CHUNKS);
    else
        all->chunks[all->first + all->count++] = chunk;
}

bool un_hdf5_next(struct un_hdf5_file *file, struct un_hdf5_messages *all,
                  struct un_hdf5_message *message)
{
    const bool old = all->version == 1;
    const size_t head = old ? 8 : all->ordered ? 6 : 4;
    while (!file->code && step(file)) {
        if (left(&all->part) < head) {
            if (!all->count)
                return false;
            all->part = all->chunks[all->first++];
            all->count--;
            continue;
        }
        message->type = (int)take_number(file, &all->part, old ? 2 : 1);
        const uint64_t size = take_number(file, &all->part, 2);
        const uint64_t flags = take_number(file, &all->part, 1);
        take(file, &all->part, old ? 3 : all->ordered ? 2 : 0);
        const unsigned char *at = take(file, &all->part, size);
        if (!at)
            return false;
        message->part = (struct un_hdf5_part){at, at + size};
        if (message->type == UN_HDF5_MORE)
            add_chunk(file, all, message->part);
        else if (!(flags & 2))
            return true;
        else if (message->type == UN_HDF5_TYPE || message->type == UN_HDF5_SPACE)
            un_hdf5_fail(file, "a type that objects share, wanted each with its own");
    }
    return false;
}

/* ---- types and sides ---- */

unet_code un_hdf5_space(struct un_hdf5_file *file, struct un_hdf5_part part,
                        struct un_hdf5_space *space)
{
    const uint64_t version = take_number(file, &part, 1), dims = take_number(file, &part, 1);
    take(file, &part, version == 1 ? 6 : 2);
    if (version < 1 || version > 2 || dims > UN_ARRAY_MAX_DIMS) /* (also of a part that ended) */
        return un_hdf5_fail(file, "%d dimensions, wanted at most %d", (int)dims, UN_ARRAY_MAX_DIMS);
    space->dims = (int)dims;
    for (int i = 0; i < space->dims; i++)
        space->sides[i] = take_number(file, &part, 8);
    return file->code;
}

unet_code un_hdf5_type(struct un_hdf5_file *file, struct un_hdf5_part part,
                       struct un_hdf5_type *type)
{
    enum { WHOLE = 0, REAL = 1, TEXT = 3, SEQUENCE = 9 };
    static const char *const reals[9] = {[2] = "F16", [4] = "F32", [8] = "F64"};
    static const char *const wholes[9] = {[1] = "I8", [2] = "I16", [4] = "I32", [8] = "I64"};
    const uint64_t head = take_number(file, &part, 1);
    const uint64_t bits = take_number(file, &part, 3), bytes = take_number(file, &part, 4);
    const int class = (int)(head & 15);
    const char *name = NULL;
    *type = (struct un_hdf5_type){.bytes = bytes};
    if (class == REAL && bytes <= 8 && !(bits & 0x41)) {
        const uint64_t precision = number_at(part.at, left(&part) >= 12 ? 4 : 0) >> 16;
        const unsigned char *at = take(file, &part, 12);
        /* as IEEE has them: all bits are used, and the exponent's are 5, 8 or 11 */
        if (at && precision == 8 * bytes && at[5] == (bytes == 2 ? 5 : bytes == 4 ? 8 : 11))
            name = reals[bytes];
    } else if (class == WHOLE && bytes <= 8 && !(bits & 1)) {
        name = wholes[bytes];
    }
    type->dtype = name ? un_dtype_find(name) : NULL;
    type->heaped = class == SEQUENCE && (bits & 15) == 1;
    type->text = class == TEXT || type->heaped;
    return file->code;
}

unet_code un_hdf5_layout(struct un_hdf5_file *file, struct un_hdf5_part part,
                         const unsigned char **data, size_t *bytes, const char **unread)
{
    enum { COMPACT, CONTIGUOUS };
    const uint64_t version = take_number(file, &part, 1), class = take_number(file, &part, 1);
    struct un_hdf5_part values;
    if (file->code)
        return file->code;
    if ((version != 3 && version != 4) || class > CONTIGUOUS) {
        *unread = version < 3 ? "is of an older kind" : "is in chunks";
        return UNET_OK;
    }
    if (class == COMPACT) {
        *bytes = take_number(file, &part, 2);
        *data = take(file, &part, *bytes);
        return file->code;
    }
    const uint64_t at = take_number(file, &part, 8), size = take_number(file, &part, 8);
    if (!file->code && at == NOWHERE) {
        *unread = "has no values";
        return UNET_OK;
    }
    if (find_part(file, at, size, "an array", &values)) {
        *data = values.at;
        *bytes = (size_t)size;
    }
    return file->code;
}

/* ---- attributes ---- */

/* A text in a heap: its length, where the heap is, and which of its objects. */
static unet_code find_heaped(struct un_hdf5_file *file, struct un_hdf5_part part,
                             struct un_hdf5_attribute *attribute)
{
    const uint64_t length = take_number(file, &part, 4), at = take_number(file, &part, 8);
    const uint64_t wanted = take_number(file, &part, 4);
    struct un_hdf5_part heap;
    if (!find_rest(file, at, "a heap of texts", &heap))
        return file->code;
    const unsigned char *name = take(file, &heap, 8);
    const uint64_t size = take_number(file, &heap, 8);
    if (!name || memcmp(name, "GCOL", 4) || size < 16 || size - 16 > left(&heap))
        return broken(file, "a heap of texts");
    heap.end = heap.at + (size - 16);
    while (left(&heap) >= 16 && step(file)) {
        const uint64_t index = take_number(file, &heap, 2);
        take(file, &heap, 6);
        const uint64_t bytes = take_number(file, &heap, 8);
        if (index == 0)
            break; /* what is free */
        if (bytes > left(&heap))
            return broken(file, "a heap of texts");
        if (index == wanted) {
            attribute->value = heap.at;
            attribute->bytes = length < bytes ? length : bytes;
            return UNET_OK;
        }
        const uint64_t whole = (bytes + 7) & ~(uint64_t)7;
        heap.at += whole < left(&heap) ? whole : left(&heap);
    }
    return broken(file, "a heap of texts");
}

static size_t padded(size_t size, uint64_t version)
{
    return version == 1 ? (size + 7) & ~(size_t)7 : size;
}

/* Of what is no single text, the name alone. */
unet_code un_hdf5_attribute(struct un_hdf5_file *file, struct un_hdf5_part part,
                            struct un_hdf5_attribute *attribute)
{
    struct un_hdf5_type type;
    struct un_hdf5_space space;
    const uint64_t version = take_number(file, &part, 1), flags = take_number(file, &part, 1);
    const size_t name_size = take_number(file, &part, 2), type_size = take_number(file, &part, 2);
    const size_t space_size = take_number(file, &part, 2);
    *attribute = (struct un_hdf5_attribute){.text = false};
    if (!file->code && (version < 1 || version > 3))
        return un_hdf5_fail(file, "version %d of an attribute, wanted 1 to 3", (int)version);
    take(file, &part, version == 3 ? 1 : 0);
    const unsigned char *name = take(file, &part, padded(name_size, version));
    const unsigned char *type_at = take(file, &part, padded(type_size, version));
    const unsigned char *space_at = take(file, &part, padded(space_size, version));
    if (file->code)
        return file->code;
    if (version > 1 && flags & 3)
        return UNET_OK; /* a type that is shared: none of those that are asked for */
    const size_t length = strnlen((const char *)name, name_size);
    if (length < sizeof attribute->name)
        memcpy(attribute->name, name, length);
    if (un_hdf5_type(file, (struct un_hdf5_part){type_at, type_at + type_size}, &type) ||
        un_hdf5_space(file, (struct un_hdf5_part){space_at, space_at + space_size}, &space))
        return file->code;
    if (!type.text || space.dims > 0)
        return UNET_OK;
    attribute->text = true;
    if (type.heaped)
        return find_heaped(file, part, attribute);
    attribute->value = take(file, &part, type.bytes);
    attribute->bytes = attribute->value ? strnlen((const char *)attribute->value, type.bytes) : 0;
    return file->code;
}

/* ---- groups ---- */

unet_code un_hdf5_table(struct un_hdf5_file *file, struct un_hdf5_part part, uint64_t *tree,
                        uint64_t *heap)
{
    *tree = take_number(file, &part, 8);
    *heap = take_number(file, &part, 8);
    return file->code;
}

unet_code un_hdf5_link_info(struct un_hdf5_file *file, struct un_hdf5_part part, bool *elsewhere)
{
    take(file, &part, 1);
    const uint64_t flags = take_number(file, &part, 1);
    take(file, &part, flags & 1 ? 8 : 0);
    *elsewhere = take_number(file, &part, 8) != NOWHERE;
    return file->code;
}

unet_code un_hdf5_link(struct un_hdf5_file *file, struct un_hdf5_part part,
                       struct un_hdf5_link *link)
{
    take(file, &part, 1);
    const uint64_t flags = take_number(file, &part, 1);
    link->soft = flags & 8 && take_number(file, &part, 1) != 0;
    take(file, &part, (flags & 4 ? 8 : 0) + (flags & 16 ? 1 : 0));
    link->size = take_number(file, &part, 1 << (flags & 3));
    link->name = (const char *)take(file, &part, link->size);
    link->at = link->soft ? 0 : take_number(file, &part, 8);
    return file->code;
}

unet_code un_hdf5_tree(struct un_hdf5_file *file, uint64_t at, struct un_hdf5_tree *tree)
{
    struct un_hdf5_part part;
    if (!find_rest(file, at, "a group", &part))
        return file->code;
    const unsigned char *name = take(file, &part, 4);
    const uint64_t kind = take_number(file, &part, 1);
    tree->level = (int)take_number(file, &part, 1);
    tree->count = (int)take_number(file, &part, 2);
    take(file, &part, 16);
    tree->entries = take(file, &part, (size_t)tree->count * 16 + 8);
    if (!name || memcmp(name, "TREE", 4) || kind != 0)
        return broken(file, "a group");
    return file->code;
}

uint64_t un_hdf5_child(const struct un_hdf5_tree *tree, int i)
{
    return number_at(tree->entries + (size_t)i * 16 + 8, 8);
}

static unet_code find_names(struct un_hdf5_file *file, uint64_t heap, struct un_hdf5_part *names)
{
    struct un_hdf5_part part;
    if (!find_rest(file, heap, "a group's names", &part))
        return file->code;
    const unsigned char *name = take(file, &part, 8);
    const uint64_t size = take_number(file, &part, 8);
    take(file, &part, 8);
    const uint64_t at = take_number(file, &part, 8);
    if (!name || memcmp(name, "HEAP", 4))
        return broken(file, "a group's names");
    find_part(file, at, size, "a group's names", names);
    return file->code;
}

unet_code un_hdf5_symbols(struct un_hdf5_file *file, uint64_t at, uint64_t heap,
                          struct un_hdf5_symbols *symbols)
{
    enum { ENTRY = 40 };
    struct un_hdf5_part part, names = {NULL, NULL};
    if (!find_rest(file, at, "a group", &part) || find_names(file, heap, &names))
        return file->code;
    const unsigned char *name = take(file, &part, 6);
    symbols->count = (int)take_number(file, &part, 2);
    symbols->entries = take(file, &part, (size_t)symbols->count * ENTRY);
    symbols->names = names.at;
    symbols->names_end = names.end;
    if (!name || memcmp(name, "SNOD", 4))
        return broken(file, "a group");
    return file->code;
}

unet_code un_hdf5_symbol(struct un_hdf5_file *file, const struct un_hdf5_symbols *symbols, int i,
                         struct un_hdf5_symbol *symbol)
{
    enum { ENTRY = 40, SOFT = 2 };
    const unsigned char *entry = symbols->entries + (size_t)i * ENTRY;
    const uint64_t offset = number_at(entry, 8),
                   room = (uint64_t)(symbols->names_end - symbols->names);
    if (offset >= room)
        return broken(file, "a group's names");
    symbol->name = (const char *)symbols->names + offset;
    symbol->size = strnlen(symbol->name, room - offset < MOST_NAME ? room - offset : MOST_NAME);
    symbol->at = number_at(entry + 8, 8);
    symbol->soft = number_at(entry + 16, 4) == SOFT;
    return UNET_OK;
}
