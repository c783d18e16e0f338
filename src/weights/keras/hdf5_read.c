/* SPDX-License-Identifier: Apache-2.0 */
/* hdf5_read.c - the superblock, messages of object headers, and the types and sides they say */
#include <string.h>

#include "weights/keras/hdf5.h"
#include "weights/keras/hdf5_bytes.h"

static const unsigned char signature[8] = {0x89, 'H', 'D', 'F', '\r', '\n', 0x1a, '\n'};

/* ---- the superblock ---- */

bool un_hdf5_recognises(const unsigned char *bytes, size_t size)
{
    return size >= sizeof signature && !memcmp(bytes, signature, sizeof signature);
}

unet_code un_hdf5_superblock(struct un_hdf5_file *file, uint64_t *root)
{
    struct un_hdf5_part part = {file->bytes, file->bytes + file->size};
    un_hdf5_take(file, &part, sizeof signature);
    const uint64_t version = un_hdf5_number(file, &part, 1);
    const bool old = version < 2;
    if (!file->code && version > 3)
        return un_hdf5_fail(file, "version %d of the superblock, wanted 0 to 3", (int)version);
    un_hdf5_take(file, &part, old ? 4 : 0);
    const uint64_t offsets = un_hdf5_number(file, &part, 1),
                   lengths = un_hdf5_number(file, &part, 1);
    if (!file->code && (offsets != 8 || lengths != 8))
        return un_hdf5_fail(file, "addresses of %d bytes, wanted 8", (int)offsets);
    un_hdf5_take(file, &part, version == 0 ? 9 : version == 1 ? 13 : 1);
    const uint64_t base = un_hdf5_number(file, &part, 8);
    un_hdf5_take(file, &part,
                 old ? 32 : 16); /* (old: the last of these is the root's place in a heap) */
    *root = un_hdf5_number(file, &part, 8);
    if (!file->code && base > file->size)
        return un_hdf5_broken(file, "the superblock");
    file->base = base;
    return file->code;
}

/* ---- object headers ---- */

static unet_code messages_old(struct un_hdf5_file *file, uint64_t at, struct un_hdf5_part part,
                              struct un_hdf5_messages *all)
{
    un_hdf5_take(file, &part, 8); /* version, number of messages, references */
    const uint64_t size = un_hdf5_number(file, &part, 4);
    all->version = 1;
    un_hdf5_span(file, at + 16, size, "an object header", &all->part);
    return file->code;
}

unet_code un_hdf5_messages(struct un_hdf5_file *file, uint64_t at, struct un_hdf5_messages *all)
{
    struct un_hdf5_part part;
    *all = (struct un_hdf5_messages){0};
    if (!un_hdf5_rest(file, at, "an object header", &part))
        return file->code;
    if (un_hdf5_left(&part) > 16 && part.at[0] == 1)
        return messages_old(file, at, part, all);
    const unsigned char *name = un_hdf5_take(file, &part, 4);
    if (!name || memcmp(name, "OHDR", 4) || un_hdf5_number(file, &part, 1) != 2)
        return un_hdf5_broken(file, "an object header");
    const uint64_t flags = un_hdf5_number(file, &part, 1);
    un_hdf5_take(file, &part, (flags & 0x20 ? 16 : 0) + (flags & 0x10 ? 4 : 0));
    const uint64_t size = un_hdf5_number(file, &part, 1 << (flags & 3));
    if (!file->code && size > un_hdf5_left(&part))
        return un_hdf5_broken(file, "an object header");
    all->version = 2;
    all->ordered = flags & 4;
    all->part = (struct un_hdf5_part){part.at, part.at + (file->code ? 0 : size)};
    return file->code;
}

static void add_chunk(struct un_hdf5_file *file, struct un_hdf5_messages *all,
                      struct un_hdf5_part part)
{
    const uint64_t at = un_hdf5_number(file, &part, 8), size = un_hdf5_number(file, &part, 8);
    struct un_hdf5_part chunk;
    if (!un_hdf5_span(file, at, size, "an object header", &chunk))
        return;
    if (all->version == 2) {
        const unsigned char *name = un_hdf5_take(file, &chunk, 4);
        if (!name || memcmp(name, "OCHK", 4) || un_hdf5_left(&chunk) < 4) {
            un_hdf5_broken(file, "an object header");
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
    while (!file->code && un_hdf5_step(file)) {
        if (un_hdf5_left(&all->part) < head) {
            if (!all->count)
                return false;
            all->part = all->chunks[all->first++];
            all->count--;
            continue;
        }
        message->type = (int)un_hdf5_number(file, &all->part, old ? 2 : 1);
        const uint64_t size = un_hdf5_number(file, &all->part, 2);
        const uint64_t flags = un_hdf5_number(file, &all->part, 1);
        un_hdf5_take(file, &all->part, old ? 3 : all->ordered ? 2 : 0);
        const unsigned char *at = un_hdf5_take(file, &all->part, size);
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
    const uint64_t version = un_hdf5_number(file, &part, 1), dims = un_hdf5_number(file, &part, 1);
    un_hdf5_take(file, &part, version == 1 ? 6 : 2);
    if (version < 1 || version > 2 || dims > UN_ARRAY_MAX_DIMS) /* (also of a part that ended) */
        return un_hdf5_fail(file, "%d dimensions, wanted at most %d", (int)dims, UN_ARRAY_MAX_DIMS);
    space->dims = (int)dims;
    for (int i = 0; i < space->dims; i++)
        space->sides[i] = un_hdf5_number(file, &part, 8);
    return file->code;
}

unet_code un_hdf5_type(struct un_hdf5_file *file, struct un_hdf5_part part,
                       struct un_hdf5_type *type)
{
    enum { WHOLE = 0, REAL = 1, TEXT = 3, SEQUENCE = 9 };
    static const char *const reals[9] = {[2] = "F16", [4] = "F32", [8] = "F64"};
    static const char *const wholes[9] = {[1] = "I8", [2] = "I16", [4] = "I32", [8] = "I64"};
    const uint64_t head = un_hdf5_number(file, &part, 1);
    const uint64_t bits = un_hdf5_number(file, &part, 3), bytes = un_hdf5_number(file, &part, 4);
    const int class = (int)(head & 15);
    const char *name = NULL;
    *type = (struct un_hdf5_type){.bytes = bytes};
    if (class == REAL && bytes <= 8 && !(bits & 0x41)) {
        const uint64_t precision =
            un_hdf5_number_at(part.at, un_hdf5_left(&part) >= 12 ? 4 : 0) >> 16;
        const unsigned char *at = un_hdf5_take(file, &part, 12);
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
    const uint64_t version = un_hdf5_number(file, &part, 1), class = un_hdf5_number(file, &part, 1);
    struct un_hdf5_part values;
    if (file->code)
        return file->code;
    if ((version != 3 && version != 4) || class > CONTIGUOUS) {
        *unread = version < 3 ? "is of an older kind" : "is in chunks";
        return UNET_OK;
    }
    if (class == COMPACT) {
        *bytes = un_hdf5_number(file, &part, 2);
        *data = un_hdf5_take(file, &part, *bytes);
        return file->code;
    }
    const uint64_t at = un_hdf5_number(file, &part, 8), size = un_hdf5_number(file, &part, 8);
    if (!file->code && at == UN_HDF5_NOWHERE) {
        *unread = "has no values";
        return UNET_OK;
    }
    if (un_hdf5_span(file, at, size, "an array", &values)) {
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
    const uint64_t length = un_hdf5_number(file, &part, 4), at = un_hdf5_number(file, &part, 8);
    const uint64_t wanted = un_hdf5_number(file, &part, 4);
    struct un_hdf5_part heap;
    if (!un_hdf5_rest(file, at, "a heap of texts", &heap))
        return file->code;
    const unsigned char *name = un_hdf5_take(file, &heap, 8);
    const uint64_t size = un_hdf5_number(file, &heap, 8);
    if (!name || memcmp(name, "GCOL", 4) || size < 16 || size - 16 > un_hdf5_left(&heap))
        return un_hdf5_broken(file, "a heap of texts");
    heap.end = heap.at + (size - 16);
    while (un_hdf5_left(&heap) >= 16 && un_hdf5_step(file)) {
        const uint64_t index = un_hdf5_number(file, &heap, 2);
        un_hdf5_take(file, &heap, 6);
        const uint64_t bytes = un_hdf5_number(file, &heap, 8);
        if (index == 0)
            break; /* what is free */
        if (bytes > un_hdf5_left(&heap))
            return un_hdf5_broken(file, "a heap of texts");
        if (index == wanted) {
            attribute->value = heap.at;
            attribute->bytes = length < bytes ? length : bytes;
            return UNET_OK;
        }
        const uint64_t whole = (bytes + 7) & ~(uint64_t)7;
        heap.at += whole < un_hdf5_left(&heap) ? whole : un_hdf5_left(&heap);
    }
    return un_hdf5_broken(file, "a heap of texts");
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
    const uint64_t version = un_hdf5_number(file, &part, 1), flags = un_hdf5_number(file, &part, 1);
    const size_t name_size = un_hdf5_number(file, &part, 2),
                 type_size = un_hdf5_number(file, &part, 2);
    const size_t space_size = un_hdf5_number(file, &part, 2);
    *attribute = (struct un_hdf5_attribute){.text = false};
    if (!file->code && (version < 1 || version > 3))
        return un_hdf5_fail(file, "version %d of an attribute, wanted 1 to 3", (int)version);
    un_hdf5_take(file, &part, version == 3 ? 1 : 0);
    const unsigned char *name = un_hdf5_take(file, &part, padded(name_size, version));
    const unsigned char *type_at = un_hdf5_take(file, &part, padded(type_size, version));
    const unsigned char *space_at = un_hdf5_take(file, &part, padded(space_size, version));
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
    attribute->value = un_hdf5_take(file, &part, type.bytes);
    attribute->bytes = attribute->value ? strnlen((const char *)attribute->value, type.bytes) : 0;
    return file->code;
}
