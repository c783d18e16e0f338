/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The stream of PyTorch before 1.6: five pickles one after the other,
 *
 *   0x1950a86a20f9469cfc6c, 1001, {"little_endian": True, ...}, the object, [key, key, ...]
 *
 * and then for each key 8 bytes with a number of values, and the values.  What a key's values are,
 * the object tells: each tensor in it names the key, the type and the number of its storage.
 */
#include <stdlib.h>
#include <string.h>

#include "base/number.h"
#include "weights/torch/torch_file.h"

static const unsigned char magic[] = {0x6c, 0xfc, 0x9c, 0x46, 0xf9, 0x20, 0x6a, 0xa8, 0x50, 0x19};

unet_code un_torch_check_sys_info(struct un_torch_file *file, const struct un_pickle *sys_info)
{
    const struct un_pickle_value *little =
        un_pickle_get(sys_info, &sys_info->values[sys_info->root], "little_endian");
    if (little && little->kind == UN_PICKLE_BOOL && !little->integer)
        return un_fail(file->err, UNET_EFORMAT,
                       "%s: written by a big-endian computer, wanted little-endian", file->path);
    return UNET_OK;
}

unet_code un_torch_take_storage(struct un_torch_file *file, const unsigned char *bytes, size_t size,
                                size_t *at, size_t item, struct un_torch_storage *storage)
{
    uint64_t count = 0;
    const size_t left = size - *at;
    if (left >= sizeof count)
        count = un_number(bytes + *at, sizeof count, false);
    if (left < sizeof count || count > (left - sizeof count) / item)
        return un_fail(file->err, UNET_EFORMAT,
                       "%s: storage %.*s needs %llu values of %zu bytes, %zu bytes are left (is "
                       "the file cut short?)",
                       file->path, storage->key_size < 40 ? (int)storage->key_size : 40,
                       storage->key, (unsigned long long)count, item,
                       left < sizeof count ? left : left - sizeof count);
    storage->data = bytes + *at + sizeof count;
    storage->bytes = (size_t)count * item;
    *at += sizeof count + storage->bytes;
    return UNET_OK;
}

/* Parses the pickle at *at, and moves *at behind it. */
static unet_code parse_next(struct un_torch_file *file, const unsigned char *bytes, size_t size,
                            size_t *at, struct un_pickle *pickle)
{
    unet_code code = un_pickle_parse(file->path, bytes + *at, size - *at, false, pickle, file->err);
    if (!code)
        *at += pickle->used;
    return code;
}

static unet_code check_start(struct un_torch_file *file, const struct un_pickle *pickle, int number)
{
    enum { PROTOCOL = 1001 };
    const struct un_pickle_value *root = &pickle->values[pickle->root];
    if (number == 0 && (root->kind != UN_PICKLE_BIG_INT || root->count != sizeof magic ||
                        memcmp(root->text, magic, sizeof magic)))
        return un_fail(file->err, UNET_EFORMAT,
                       "%s: is a pickle, but none that torch.save() wrote: begins with %s",
                       file->path, un_pickle_kind_name(root));
    if (number == 1 && (root->kind != UN_PICKLE_INT || root->integer != PROTOCOL))
        return un_fail(file->err, UNET_EFORMAT, "%s: its protocol is %s %lld, wanted %d",
                       file->path, un_pickle_kind_name(root),
                       (long long)(root->kind == UN_PICKLE_INT ? root->integer : 0), PROTOCOL);
    return number == 2 ? un_torch_check_sys_info(file, pickle) : UNET_OK;
}

/* ---- what the object tells of its storages ---- */

/* (key, bytes of a value); there may be several of a key */
static unet_code list_used(struct un_torch_file *file)
{
    const struct un_pickle *p = &file->pickle;
    size_t count = 0;
    for (uint32_t i = 0; i < p->value_count; i++)
        count += p->values[i].kind == UN_PICKLE_PERSISTENT;
    file->storages = un_arena_alloc(&file->arena, count * sizeof *file->storages);
    if (!file->storages)
        return un_fail_memory(file->err, count * sizeof *file->storages, file->path);
    for (uint32_t i = 0; i < p->value_count; i++) {
        if (p->values[i].kind != UN_PICKLE_PERSISTENT)
            continue;
        const struct un_pickle_value *id = &p->values[p->values[i].call.arguments];
        const struct un_pickle_value *type = un_pickle_item(p, id, 1),
                                     *key = un_pickle_item(p, id, 2);
        if (!type || type->kind != UN_PICKLE_GLOBAL || !key || key->kind != UN_PICKLE_TEXT)
            continue; /* a tensor that needs it says what is wrong */
        const char *dtype = type->global->meaning == UN_MEANS_STORAGE ? type->global->dtype : NULL;
        file->storages[file->storage_count++] = (struct un_torch_storage){
            .key = key->text, .key_size = key->count, .dtype = un_dtype_find(dtype ? dtype : "U8")};
    }
    return UNET_OK;
}

static int compare_uses(const void *a, const void *b)
{
    const struct un_torch_storage *x = a, *y = b;
    if (x->key_size != y->key_size)
        return x->key_size < y->key_size ? -1 : 1;
    int order = x->key_size ? memcmp(x->key, y->key, x->key_size) : 0;
    return order ? order : x->dtype->bytes - y->dtype->bytes;
}

/* Leaves one of each key. */
static unet_code join_uses(struct un_torch_file *file)
{
    struct un_torch_storage *s = file->storages;
    size_t kept = 0;
    if (file->storage_count)
        qsort(s, file->storage_count, sizeof *s, compare_uses);
    for (size_t i = 0; i < file->storage_count; i++) {
        bool again = kept && s[kept - 1].key_size == s[i].key_size &&
                     !memcmp(s[kept - 1].key, s[i].key, s[i].key_size);
        if (again && s[kept - 1].dtype->bytes != s[i].dtype->bytes)
            return un_fail(file->err, UNET_EFORMAT, "%s: storage %.*s has values of two sizes",
                           file->path, s[i].key_size < 40 ? (int)s[i].key_size : 40, s[i].key);
        if (!again)
            s[kept++] = s[i];
    }
    file->storage_count = kept;
    return un_torch_sort_storages(file);
}

/* The values of the keys, in the order of the last pickle. */
static unet_code read_storages(struct un_torch_file *file, const struct un_pickle *keys,
                               const unsigned char *bytes, size_t size, size_t at)
{
    const struct un_pickle_value *list = &keys->values[keys->root];
    unet_code code = UNET_OK;
    if (list->kind != UN_PICKLE_LIST)
        return un_fail(file->err, UNET_EFORMAT,
                       "%s: the keys of its storages are %s, wanted a list", file->path,
                       un_pickle_kind_name(list));
    uint32_t cell = list->count ? list->chain.first : 0;
    for (; cell && !code; cell = keys->cells[cell].next) {
        const struct un_pickle_value *key = &keys->values[keys->cells[cell].value];
        struct un_torch_storage *storage = NULL;
        if (key->kind == UN_PICKLE_TEXT)
            storage = un_torch_find_storage(file, key->text, key->count);
        if (!storage || storage->data)
            return un_fail(file->err, UNET_EFORMAT,
                           "%s: the keys of its storages have %s that no tensor uses, or twice",
                           file->path, un_pickle_kind_name(key));
        code =
            un_torch_take_storage(file, bytes, size, &at, (size_t)storage->dtype->bytes, storage);
    }
    return code;
}

/* Storages that the file does not have must not be found. */
static void drop_missing(struct un_torch_file *file)
{
    size_t kept = 0;
    for (size_t i = 0; i < file->storage_count; i++)
        if (file->storages[i].data)
            file->storages[kept++] = file->storages[i];
    file->storage_count = kept;
}

unet_code un_torch_read_legacy(struct un_torch_file *file, const unsigned char *bytes, size_t size)
{
    struct un_pickle pickle = {0};
    size_t at = 0;
    unet_code code = UNET_OK;
    for (int i = 0; i < 3 && !code; i++) {
        code = parse_next(file, bytes, size, &at, &pickle);
        if (!code)
            code = check_start(file, &pickle, i);
        un_pickle_release(&pickle);
    }
    if (code || (code = parse_next(file, bytes, size, &at, &file->pickle)) ||
        (code = list_used(file)) || (code = join_uses(file)) ||
        (code = parse_next(file, bytes, size, &at, &pickle)))
        return code;
    code = read_storages(file, &pickle, bytes, size, at);
    un_pickle_release(&pickle);
    drop_missing(file);
    return code ? code : un_torch_list(file);
}
