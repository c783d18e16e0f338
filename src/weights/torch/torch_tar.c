/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The tar archive of the first PyTorch versions.  Its members:
 *
 *   sys_info   a pickle: {"little_endian": True, ...}
 *   storages   a pickle: how many; for each a pickle (key, device, type), 8 bytes with a number of
 *              values, and the values; a pickle of parts: [(key, key of the whole, offset, count)]
 *   tensors    a pickle: how many; for each a pickle (key, key of its storage, type), then numbers:
 *              dimensions in 4 bytes, 4 bytes of nothing, then 8 bytes each: sides, strides, offset
 *   pickle     the object; tensors in it are keys
 *
 * Some programs write no tensors and have storages in the pickle as newer files do.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/number.h"
#include "weights/torch/torch_file.h"

enum { BLOCK = 512, NAME_SIZE = 100, SIZE_AT = 124, SIZE_SIZE = 12 };

struct part {
    const unsigned char *bytes;
    size_t size, at;
};

static bool read_octal(const unsigned char *text, uint64_t *number)
{
    *number = 0;
    int i = 0;
    while (i < SIZE_SIZE && text[i] == ' ')
        i++;
    for (; i < SIZE_SIZE && text[i] >= '0' && text[i] <= '7'; i++)
        *number = *number << 3 | (uint64_t)(text[i] - '0');
    return i == SIZE_SIZE || text[i] == 0 || text[i] == ' ';
}

/* *part has bytes NULL when there is no such member. */
static unet_code find_part(struct un_torch_file *file, const unsigned char *bytes, size_t size,
                           const char *name, struct part *part)
{
    *part = (struct part){0};
    for (size_t at = 0; size - at >= BLOCK && bytes[at];) {
        const char *found = (const char *)bytes + at;
        uint64_t length;
        if (!read_octal(bytes + at + SIZE_AT, &length) || length > size - at - BLOCK)
            return un_fail(file->err, UNET_EFORMAT,
                           "%s: tar member %.100s does not end in the file (is it cut short?)",
                           file->path, strnlen(found, NAME_SIZE) < NAME_SIZE ? found : "?");
        if (!strncmp(found, "./", 2))
            found += 2;
        if (!strncmp(found, name, strlen(name) + 1)) {
            *part = (struct part){bytes + at + BLOCK, (size_t)length, 0};
            return UNET_OK;
        }
        size_t next = at + BLOCK + un_round_up((size_t)length, BLOCK);
        at = next < size ? next : size;
    }
    return UNET_OK;
}

static unet_code parse_next(struct un_torch_file *file, struct part *part, struct un_pickle *pickle)
{
    unet_code code = un_pickle_parse(file->path, part->bytes + part->at, part->size - part->at,
                                     false, pickle, file->err);
    if (!code)
        part->at += pickle->used;
    return code;
}

/* How many storages or tensors follow: each takes some bytes. */
static unet_code parse_count(struct un_torch_file *file, struct part *part, const char *what,
                             size_t *count)
{
    struct un_pickle pickle;
    unet_code code = parse_next(file, part, &pickle);
    if (code)
        return code;
    const struct un_pickle_value *root = &pickle.values[pickle.root];
    if (root->kind != UN_PICKLE_INT || root->integer < 0 ||
        (uint64_t)root->integer > part->size - part->at || root->integer > UN_TORCH_MAX_ARRAYS)
        code = un_fail(file->err, UNET_EFORMAT, "%s: the number of its %s is %s %lld", file->path,
                       what, un_pickle_kind_name(root),
                       (long long)(root->kind == UN_PICKLE_INT ? root->integer : 0));
    else
        *count = (size_t)root->integer;
    un_pickle_release(&pickle);
    return code;
}

bool un_torch_number_key(const struct un_pickle_value *value, int64_t *key)
{
    char text[24], *end;
    if (value && value->kind == UN_PICKLE_INT) {
        *key = value->integer;
        return true;
    }
    if (!value || value->kind != UN_PICKLE_TEXT || !value->count || value->count >= sizeof text)
        return false;
    memcpy(text, value->text, value->count);
    text[value->count] = 0;
    *key = strtoll(text, &end, 10);
    return !*end;
}

/* Keys are numbers; the table of storages has texts. */
static unet_code set_key(struct un_torch_file *file, const struct un_pickle_value *value,
                         struct un_torch_storage *storage)
{
    enum { SIZE = 24 };
    int64_t number;
    if (!un_torch_number_key(value, &number))
        return un_fail(file->err, UNET_EFORMAT, "%s: the key of a storage is %s, wanted a number",
                       file->path, un_pickle_kind_name(value));
    char *text = un_arena_alloc(&file->arena, SIZE);
    if (!text)
        return un_fail_memory(file->err, SIZE, file->path);
    storage->key_size = (size_t)snprintf(text, SIZE, "%" PRId64, number);
    storage->key = text;
    return UNET_OK;
}

/* ---- storages ---- */

static unet_code read_storage(struct un_torch_file *file, struct part *part,
                              struct un_torch_storage *storage)
{
    struct un_pickle p;
    unet_code code = parse_next(file, part, &p);
    if (code)
        return code;
    const struct un_pickle_value *root = &p.values[p.root], *type = un_pickle_item(&p, root, 2);
    if (!type || type->kind != UN_PICKLE_GLOBAL || type->global->meaning != UN_MEANS_STORAGE ||
        !type->global->dtype)
        code = un_fail(file->err, UNET_EFORMAT,
                       "%s: a storage is told as %s, wanted (key, device, type)", file->path,
                       un_pickle_kind_name(root));
    else
        storage->dtype = un_dtype_find(type->global->dtype);
    if (!code)
        code = set_key(file, un_pickle_item(&p, root, 0), storage);
    if (!code)
        code = un_torch_take_storage(file, part->bytes, part->size, &part->at,
                                     (size_t)storage->dtype->bytes, storage);
    un_pickle_release(&p);
    return code;
}

/* (key, key of the whole, offset, count) */
static unet_code read_view(struct un_torch_file *file, const struct un_pickle *p,
                           const struct un_pickle_value *view, struct un_torch_storage *made)
{
    struct un_torch_storage wanted;
    const struct un_pickle_value *offset = un_pickle_item(p, view, 2),
                                 *count = un_pickle_item(p, view, 3);
    unet_code code = set_key(file, un_pickle_item(p, view, 1), &wanted);
    if (code)
        return code;
    const struct un_torch_storage *whole = un_torch_find_storage(file, wanted.key, wanted.key_size);
    const size_t item = whole ? (size_t)whole->dtype->bytes : 1;
    if (!whole || !offset || offset->kind != UN_PICKLE_INT || !count ||
        count->kind != UN_PICKLE_INT || offset->integer < 0 || count->integer < 0 ||
        (uint64_t)offset->integer > whole->bytes / item ||
        (uint64_t)count->integer > whole->bytes / item - (size_t)offset->integer)
        return un_fail(file->err, UNET_EFORMAT, "%s: a part of storage %s lies outside of it",
                       file->path, wanted.key);
    *made = *whole;
    made->offset = (size_t)offset->integer * item;
    made->data += made->offset;
    made->bytes = (size_t)count->integer * item;
    return set_key(file, un_pickle_item(p, view, 0), made);
}

static unet_code read_views(struct un_torch_file *file, const struct un_pickle *p)
{
    const struct un_pickle_value *list = &p->values[p->root];
    unet_code code = UNET_OK;
    if (list->kind != UN_PICKLE_LIST)
        return un_fail(file->err, UNET_EFORMAT, "%s: the parts of its storages are %s", file->path,
                       un_pickle_kind_name(list));
    const size_t count = file->storage_count + list->count;
    struct un_torch_storage *all = un_arena_alloc(&file->arena, count * sizeof *all);
    if (!all)
        return un_fail_memory(file->err, count * sizeof *all, file->path);
    size_t made = 0;
    uint32_t cell = list->count ? list->chain.first : 0;
    for (; cell && !code; cell = p->cells[cell].next)
        code = read_view(file, p, &p->values[p->cells[cell].value], &all[made++]);
    if (code)
        return code;
    memcpy(all + made, file->storages, file->storage_count * sizeof *all);
    file->storages = all;
    file->storage_count = count;
    return un_torch_sort_storages(file);
}

static unet_code read_storages(struct un_torch_file *file, struct part *part)
{
    struct un_pickle views;
    size_t count;
    unet_code code = parse_count(file, part, "storages", &count);
    if (code)
        return code;
    file->storages = un_arena_alloc(&file->arena, count * sizeof *file->storages);
    if (!file->storages)
        return un_fail_memory(file->err, count * sizeof *file->storages, file->path);
    for (; file->storage_count < count && !code; file->storage_count++)
        code = read_storage(file, part, &file->storages[file->storage_count]);
    if (!code)
        code = un_torch_sort_storages(file);
    if (code || part->at == part->size)
        return code;
    if ((code = parse_next(file, part, &views)))
        return code;
    code = read_views(file, &views);
    un_pickle_release(&views);
    return code;
}

/* ---- tensors ---- */

static unet_code take_number(struct un_torch_file *file, struct part *part, int64_t *number)
{
    if (part->size - part->at < sizeof *number)
        return un_fail(file->err, UNET_EFORMAT, "%s: its tensors end early (is it cut short?)",
                       file->path);
    *number = (int64_t)un_number(part->bytes + part->at, sizeof *number, false);
    part->at += sizeof *number;
    return UNET_OK;
}

static unet_code read_tensor_sides(struct un_torch_file *file, struct part *part, const char *name,
                                   struct un_array *array, int64_t *offset)
{
    int64_t number = 0;
    unet_code code = take_number(file, part, &number);
    number &= 0xffffffff; /* the upper half means nothing */
    if (code)
        return code;
    if (number > UN_ARRAY_MAX_DIMS)
        return un_fail(file->err, UNET_EFORMAT,
                       "%s: tensor %s: %lld dimensions, at most %d are read", file->path, name,
                       (long long)number, UN_ARRAY_MAX_DIMS);
    array->dims = (int)number;
    for (int i = 0; i < 2 * array->dims && !code; i++) {
        const bool shape = i < array->dims;
        const int side = shape ? i : i - array->dims;
        if (!(code = take_number(file, part, &number)))
            code = un_torch_side(file, name, shape ? "shape" : "stride", side, number,
                                 shape ? &array->shape[side] : &array->stride[side]);
    }
    return code ? code : take_number(file, part, offset);
}

static unet_code read_tensor(struct un_torch_file *file, struct part *part,
                             struct un_torch_listed *listed)
{
    char name[32];
    struct un_pickle p;
    struct un_torch_storage wanted;
    int64_t offset = 0;
    unet_code code = parse_next(file, part, &p);
    if (code)
        return code;
    const struct un_pickle_value *root = &p.values[p.root];
    if (!un_torch_number_key(un_pickle_item(&p, root, 0), &listed->key))
        code = un_fail(file->err, UNET_EFORMAT, "%s: the key of a tensor is no number", file->path);
    if (!code)
        code = set_key(file, un_pickle_item(&p, root, 1), &wanted);
    un_pickle_release(&p);
    if (code)
        return code;
    snprintf(name, sizeof name, "%" PRId64, listed->key);
    struct un_torch_storage *storage = un_torch_find_storage(file, wanted.key, wanted.key_size);
    if (!storage)
        return un_fail(file->err, UNET_EFORMAT, "%s: tensor %s: its storage %s is missing",
                       file->path, name, wanted.key);
    listed->array.dtype = storage->dtype;
    code = read_tensor_sides(file, part, name, &listed->array, &offset);
    return code ? code : un_torch_locate(file, name, storage, offset, &listed->array);
}

static unet_code read_tensors(struct un_torch_file *file, struct part *part)
{
    size_t count;
    unet_code code = parse_count(file, part, "tensors", &count);
    if (code)
        return code;
    file->listed = un_arena_alloc(&file->arena, count * sizeof *file->listed);
    if (!file->listed)
        return un_fail_memory(file->err, count * sizeof *file->listed, file->path);
    for (; file->listed_count < count && !code; file->listed_count++)
        code = read_tensor(file, part, &file->listed[file->listed_count]);
    qsort(file->listed, file->listed_count, sizeof *file->listed, un_torch_compare_listed);
    return code;
}

/* ---- the archive ---- */

static unet_code check_byte_order(struct un_torch_file *file, struct part *part)
{
    struct un_pickle sys_info;
    unet_code code = parse_next(file, part, &sys_info);
    if (code)
        return code;
    code = un_torch_check_sys_info(file, &sys_info);
    un_pickle_release(&sys_info);
    return code;
}

unet_code un_torch_read_tar(struct un_torch_file *file, const unsigned char *bytes, size_t size)
{
    struct part sys_info, storages, tensors, pickle;
    unet_code code;
    if ((code = find_part(file, bytes, size, "sys_info", &sys_info)) ||
        (code = find_part(file, bytes, size, "storages", &storages)) ||
        (code = find_part(file, bytes, size, "tensors", &tensors)) ||
        (code = find_part(file, bytes, size, "pickle", &pickle)))
        return code;
    if (!storages.bytes || !pickle.bytes)
        return un_fail(file->err, UNET_EFORMAT,
                       "%s: a tar archive without %s, not one of PyTorch's", file->path,
                       storages.bytes ? "pickle" : "storages");
    file->plain_ids = !tensors.bytes;
    if ((sys_info.bytes && (code = check_byte_order(file, &sys_info))) ||
        (code = read_storages(file, &storages)) ||
        (tensors.bytes && (code = read_tensors(file, &tensors))) ||
        (code = parse_next(file, &pickle, &file->pickle)))
        return code;
    return un_torch_list(file);
}
