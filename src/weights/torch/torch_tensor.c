/* SPDX-License-Identifier: Apache-2.0 */
/*
 * From the call that would rebuild a tensor to an array:
 *
 *   _rebuild_tensor_v2(storage, offset, shape, stride, requires_grad, hooks, metadata)
 *   _rebuild_tensor_v3(storage, offset, shape, stride, requires_grad, hooks, dtype, metadata)
 *   _rebuild_parameter(tensor, requires_grad, hooks)
 *   _rebuild_from_type_v2(function, type, arguments, state): function(*arguments)
 *
 * storage is what the file keeps outside of the pickle, ("storage", type, key, device, count) and,
 * in old files, (key of a part, offset, count) or None.  The device does not matter.
 */
#include <stdlib.h>
#include <string.h>

#include "weights/torch/torch_file.h"

/* ---- storages ---- */

static int compare_keys(const void *a, const void *b)
{
    const struct un_torch_storage *x = a, *y = b;
    if (x->key_size != y->key_size)
        return x->key_size < y->key_size ? -1 : 1;
    return x->key_size ? memcmp(x->key, y->key, x->key_size) : 0;
}

unet_code un_torch_sort_storages(struct un_torch_file *file)
{
    struct un_torch_storage *s = file->storages;
    if (file->storage_count)
        qsort(s, file->storage_count, sizeof *s, compare_keys);
    for (size_t i = 1; i < file->storage_count; i++)
        if (!compare_keys(&s[i - 1], &s[i]))
            return un_fail(file->err, UNET_EFORMAT, "%s: two storages are called %.*s", file->path,
                           s[i].key_size < 40 ? (int)s[i].key_size : 40, s[i].key);
    return UNET_OK;
}

struct un_torch_storage *un_torch_find_storage(const struct un_torch_file *file, const char *key,
                                               size_t key_size)
{
    const struct un_torch_storage wanted = {.key = key, .key_size = key_size};
    if (!file->storage_count)
        return NULL;
    return bsearch(&wanted, file->storages, file->storage_count, sizeof wanted, compare_keys);
}

static unet_code load(struct un_torch_file *file, struct un_torch_storage *storage)
{
    if (storage->data)
        return UNET_OK;
    unsigned char *data = un_arena_alloc(&file->arena, storage->bytes);
    if (!data)
        return un_fail_memory(file->err, storage->bytes, file->path);
    unet_code code = un_zip_read(&file->zip, storage->member, data, file->err);
    if (!code)
        storage->data = data;
    return code;
}

/* ---- placing ---- */

unet_code un_torch_side(struct un_torch_file *file, const char *name, const char *what, int i,
                        int64_t number, size_t *side)
{
    if (number < 0)
        return un_fail(file->err, UNET_EFORMAT,
                       "%s: tensor %.100s: %s[%d] is %lld, wanted 0 or more", file->path, name,
                       what, i, (long long)number);
    *side = (size_t)number;
    return UNET_OK;
}

/* The number of values between the first and behind the last that the array reaches. */
static bool find_reach(const struct un_array *array, size_t *reach)
{
    size_t last = 0, step;
    for (int i = 0; i < array->dims; i++)
        if (__builtin_mul_overflow(array->shape[i] - 1, array->stride[i], &step) ||
            __builtin_add_overflow(last, step, &last))
            return false;
    return !__builtin_add_overflow(last, 1, reach);
}

unet_code un_torch_locate(struct un_torch_file *file, const char *name,
                          struct un_torch_storage *storage, int64_t offset, struct un_array *array)
{
    const size_t item = (size_t)array->dtype->bytes, have = storage->bytes / item;
    char shape[UN_SHAPE_TEXT], stride[UN_SHAPE_TEXT];
    size_t reach = 0;
    array->count = 1;
    for (int i = 0; i < array->dims; i++)
        if (!array->shape[i])
            array->count = 0;
    bool fits = offset >= 0 && (size_t)offset <= have;
    for (int i = 0; i < array->dims && array->count && fits; i++)
        fits = !__builtin_mul_overflow(array->count, array->shape[i], &array->count);
    /* the same value may stand for many (stride 0), so the count has a bound of its own */
    if (array->count)
        fits = fits && array->count <= SIZE_MAX / 2 / item && find_reach(array, &reach) &&
               reach <= have - (size_t)offset;
    if (!fits)
        return un_fail(file->err, UNET_EFORMAT,
                       "%s: tensor %.100s: shape %s, stride %s, offset %lld reach outside of its "
                       "storage of %zu values",
                       file->path, name, un_shape_text(array->dims, array->shape, shape),
                       un_shape_text(array->dims, array->stride, stride), (long long)offset, have);
    unet_code code = load(file, storage);
    if (code)
        return code;
    array->data = storage->data + (size_t)offset * item;
    array->offset = (size_t)offset + storage->offset / item;
    return UNET_OK;
}

/* ---- from the pickle ---- */

static unet_code fail_found(struct un_torch_file *file, const char *name, const char *what,
                            const struct un_pickle_value *found, const char *wanted)
{
    return un_fail(file->err, UNET_EFORMAT, "%s: tensor %.100s: %s is %s, wanted %s", file->path,
                   name, what, un_pickle_kind_name(found), wanted);
}

static unet_code read_sides(struct un_torch_file *file, const char *name, const char *what,
                            const struct un_pickle_value *value, int *dims, size_t *sides)
{
    const struct un_pickle *p = &file->pickle;
    if (!value || (value->kind != UN_PICKLE_TUPLE && value->kind != UN_PICKLE_LIST))
        return fail_found(file, name, what, value, "a tuple");
    if (value->count > UN_ARRAY_MAX_DIMS)
        return un_fail(file->err, UNET_EFORMAT,
                       "%s: tensor %.100s: %u dimensions, at most %d are read", file->path, name,
                       value->count, UN_ARRAY_MAX_DIMS);
    unet_code code = UNET_OK;
    *dims = (int)value->count;
    for (int i = 0; i < *dims && !code; i++) {
        const struct un_pickle_value *side = un_pickle_item(p, value, (uint32_t)i);
        if (side->kind != UN_PICKLE_INT)
            return fail_found(file, name, what, side, "integers");
        code = un_torch_side(file, name, what, i, side->integer, &sides[i]);
    }
    return code;
}

/* A part of a storage, of old files: (key, offset, count) in values. */
static unet_code take_part(struct un_torch_file *file, const char *name, size_t item,
                           const struct un_pickle_value *part, struct un_torch_storage *storage)
{
    const struct un_pickle_value *offset = un_pickle_item(&file->pickle, part, 1);
    const struct un_pickle_value *count = un_pickle_item(&file->pickle, part, 2);
    if (!part || part->kind == UN_PICKLE_NONE)
        return UNET_OK;
    if (!offset || offset->kind != UN_PICKLE_INT || !count || count->kind != UN_PICKLE_INT)
        return fail_found(file, name, "the part of its storage", part, "(key, offset, count)");
    const size_t have = storage->bytes / item;
    if (offset->integer < 0 || count->integer < 0 || (uint64_t)offset->integer > have ||
        (uint64_t)count->integer > have - (size_t)offset->integer)
        return un_fail(file->err, UNET_EFORMAT,
                       "%s: tensor %.100s: values %lld and %lld more of a storage of %zu",
                       file->path, name, (long long)offset->integer, (long long)count->integer,
                       have);
    storage->offset += (size_t)offset->integer * item;
    storage->data += (size_t)offset->integer * item;
    storage->bytes = (size_t)count->integer * item;
    return UNET_OK;
}

/* Finds the storage; *array has a dtype already, or gets that of the storage. */
static unet_code read_storage(struct un_torch_file *file, const char *name,
                              const struct un_pickle_value *value, struct un_array *array,
                              struct un_torch_storage *part, struct un_torch_storage **storage)
{
    const struct un_pickle *p = &file->pickle;
    const struct un_pickle_value *id = value;
    if (value && value->kind == UN_PICKLE_PERSISTENT)
        id = &p->values[value->call.arguments];
    else if (!file->plain_ids)
        return fail_found(file, name, "its storage", value, "one outside of the pickle");
    const struct un_pickle_value *type = un_pickle_item(p, id, 1), *key = un_pickle_item(p, id, 2);
    if (!un_pickle_is_text(un_pickle_item(p, id, 0), "storage") || !type ||
        type->kind != UN_PICKLE_GLOBAL || type->global->meaning != UN_MEANS_STORAGE || !key ||
        key->kind != UN_PICKLE_TEXT)
        return fail_found(file, name, "its storage", id, "(\"storage\", type, key, ...)");
    if (!array->dtype && type->global->dtype)
        array->dtype = un_dtype_find(type->global->dtype);
    if (!array->dtype)
        return un_fail(file->err, UNET_EFORMAT, "%s: tensor %.100s: no type of values is told",
                       file->path, name);
    *storage = un_torch_find_storage(file, key->text, key->count);
    if (!*storage)
        return un_fail(file->err, UNET_EFORMAT,
                       "%s: tensor %.100s: its storage %.*s is missing (is the file cut short?)",
                       file->path, name, key->count < 40 ? (int)key->count : 40, key->text);
    const struct un_pickle_value *view = un_pickle_item(p, id, 5);
    if (!view || view->kind == UN_PICKLE_NONE)
        return UNET_OK;
    unet_code code = load(file, *storage);
    if (code)
        return code;
    *part = **storage;
    *storage = part;
    return take_part(file, name, (size_t)array->dtype->bytes, view, part);
}

/* What PyTorch computes when it looks at a tensor: its values are not those of the storage. */
static unet_code check_metadata(struct un_torch_file *file, const char *name,
                                const struct un_pickle_value *metadata)
{
    enum { MOST = 32 }; /* PyTorch has two; each look-up goes through all */
    static const char *const marks[] = {"neg", "conj"};
    if (metadata && metadata->kind == UN_PICKLE_DICT && metadata->count > MOST)
        return un_fail(file->err, UNET_EFORMAT, "%s: tensor %.100s: %u items of metadata",
                       file->path, name, metadata->count / 2);
    for (size_t i = 0; i < sizeof marks / sizeof *marks; i++) {
        const struct un_pickle_value *mark = un_pickle_get(&file->pickle, metadata, marks[i]);
        if (mark && mark->kind == UN_PICKLE_BOOL && mark->integer)
            return un_fail(file->err, UNET_EFORMAT,
                           "%s: tensor %.100s: is a view (%s) that is not read; save its clone()",
                           file->path, name, marks[i]);
    }
    return UNET_OK;
}

static unet_code rebuild(struct un_torch_file *file, const char *name,
                         enum un_pickle_meaning meaning, const struct un_pickle_value *arguments,
                         struct un_array *array)
{
    const struct un_pickle *p = &file->pickle;
    const struct un_pickle_value *offset = un_pickle_item(p, arguments, 1);
    struct un_array made = {0};
    struct un_torch_storage part, *storage = NULL;
    int stride_dims = 0;
    if (meaning == UN_MEANS_TENSOR_V3) {
        const struct un_pickle_value *type = un_pickle_item(p, arguments, 6);
        if (!type || type->kind != UN_PICKLE_GLOBAL || type->global->meaning != UN_MEANS_DTYPE)
            return fail_found(file, name, "its type", type, "one of PyTorch's");
        if (!type->global->dtype)
            return un_fail(file->err, UNET_EFORMAT, "%s: tensor %.100s: %s.%s is not read",
                           file->path, name, type->global->module, type->global->name);
        made.dtype = un_dtype_find(type->global->dtype);
    }
    if (!offset || offset->kind != UN_PICKLE_INT)
        return fail_found(file, name, "its offset", offset, "an integer");
    unet_code code =
        read_sides(file, name, "shape", un_pickle_item(p, arguments, 2), &made.dims, made.shape);
    if (!code)
        code = read_sides(file, name, "stride", un_pickle_item(p, arguments, 3), &stride_dims,
                          made.stride);
    if (!code && stride_dims != made.dims)
        code = un_fail(file->err, UNET_EFORMAT, "%s: tensor %.100s: %d sides and %d strides",
                       file->path, name, made.dims, stride_dims);
    if (!code)
        code = check_metadata(file, name,
                              un_pickle_item(p, arguments, meaning == UN_MEANS_TENSOR_V3 ? 7 : 6));
    if (!code)
        code = read_storage(file, name, un_pickle_item(p, arguments, 0), &made, &part, &storage);
    if (!code)
        code = un_torch_locate(file, name, storage, offset->integer, &made);
    if (!code)
        *array = made;
    return code;
}

int un_torch_compare_listed(const void *a, const void *b)
{
    const struct un_torch_listed *x = a, *y = b;
    return (x->key > y->key) - (x->key < y->key);
}

static unet_code find_listed(struct un_torch_file *file, const char *name,
                             const struct un_pickle_value *id, struct un_array *array,
                             bool *is_tensor)
{
    int64_t key;
    if (!file->listed_count || !un_torch_number_key(id, &key))
        return UNET_OK;
    const struct un_torch_listed wanted = {.key = key};
    const struct un_torch_listed *found =
        bsearch(&wanted, file->listed, file->listed_count, sizeof wanted, un_torch_compare_listed);
    if (!found)
        return un_fail(file->err, UNET_EFORMAT, "%s: tensor %.100s: number %lld is not listed",
                       file->path, name, (long long)key);
    *array = found->array;
    *is_tensor = true;
    return UNET_OK;
}

unet_code un_torch_tensor(struct un_torch_file *file, const char *name,
                          const struct un_pickle_value *value, struct un_array *array,
                          bool *is_tensor)
{
    enum { MOST = 8 }; /* parameters of parameters */
    const struct un_pickle *p = &file->pickle;
    *is_tensor = false;
    for (int i = 0; i < MOST && value; i++) {
        if (value->kind == UN_PICKLE_PERSISTENT)
            return find_listed(file, name, &p->values[value->call.arguments], array, is_tensor);
        if (value->kind != UN_PICKLE_CALL)
            return UNET_OK;
        const struct un_pickle_value *function = &p->values[value->call.function];
        const struct un_pickle_value *arguments = &p->values[value->call.arguments];
        if (function->kind == UN_PICKLE_GLOBAL && function->global->meaning == UN_MEANS_FROM_TYPE) {
            function = un_pickle_item(p, arguments, 0);
            arguments = un_pickle_item(p, arguments, 2);
        }
        if (!function || function->kind != UN_PICKLE_GLOBAL)
            return UNET_OK;
        const enum un_pickle_meaning meaning = function->global->meaning;
        *is_tensor = meaning == UN_MEANS_TENSOR || meaning == UN_MEANS_TENSOR_V3;
        if (*is_tensor)
            return rebuild(file, name, meaning, arguments, array);
        if (meaning != UN_MEANS_PARAMETER)
            return UNET_OK;
        value = un_pickle_item(p, arguments, 0);
    }
    return UNET_OK;
}
