/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Reading goes from the outside in: the header's length, its JSON, each tensor for itself, then
 * all of them together.  For the last, tensors are sorted by where they begin; each must begin
 * where the one before it ended, the first at 0, and the last must end with the file.  That one
 * rule excludes overlaps, holes, and bytes that belong to nobody.
 */
#include "weights/safetensors.h"

#include <stdlib.h>
#include <string.h>

#include "base/json.h"
#include "base/number.h"

/* ---- one tensor ---- */

/* What is being read, for messages. */
struct context {
    const char *path, *name;
    size_t data_bytes;
    unet_error *err;
};

static unet_code read_shape(const struct context *c, const json_t *shape, struct un_array *tensor)
{
    if (!json_is_array(shape))
        return un_fail(c->err, UNET_EFORMAT, "%s: tensor %.100s: shape is missing or no array",
                       c->path, c->name);
    if (json_array_size(shape) > UN_ARRAY_MAX_DIMS)
        return un_fail(c->err, UNET_EFORMAT,
                       "%s: tensor %.100s: %zu dimensions, at most %d are read", c->path, c->name,
                       json_array_size(shape), UN_ARRAY_MAX_DIMS);
    size_t sides[UN_ARRAY_MAX_DIMS];
    int dims = (int)json_array_size(shape);
    for (int i = 0; i < dims; i++) {
        const json_t *side = json_array_get(shape, (size_t)i);
        if (!json_is_integer(side) || json_integer_value(side) < 0)
            return un_fail(c->err, UNET_EFORMAT,
                           "%s: tensor %.100s: shape[%d] is no integer of 0 or more", c->path,
                           c->name, i);
        sides[i] = (size_t)json_integer_value(side);
    }
    if (!un_array_set_shape(tensor, dims, sides))
        return un_fail(c->err, UNET_EFORMAT, "%s: tensor %.100s: shape is too large", c->path,
                       c->name);
    return UNET_OK;
}

static unet_code read_offsets(const struct context *c, const json_t *offsets, size_t *begin,
                              size_t *end)
{
    const json_t *b = json_array_get(offsets, 0), *e = json_array_get(offsets, 1);
    if (json_array_size(offsets) != 2 || !json_is_integer(b) || !json_is_integer(e))
        return un_fail(c->err, UNET_EFORMAT,
                       "%s: tensor %.100s: data_offsets is missing or not two integers", c->path,
                       c->name);
    json_int_t first = json_integer_value(b), last = json_integer_value(e);
    if (first < 0 || last < first || (uint64_t)last > c->data_bytes)
        return un_fail(c->err, UNET_EFORMAT,
                       "%s: tensor %.100s: data_offsets [%lld, %lld] outside of the %zu bytes of "
                       "data (is the file cut short?)",
                       c->path, c->name, (long long)first, (long long)last, c->data_bytes);
    *begin = (size_t)first;
    *end = (size_t)last;
    return UNET_OK;
}

static unet_code read_tensor(const struct context *c, const json_t *info, const unsigned char *data,
                             struct un_array *tensor)
{
    if (!json_is_object(info))
        return un_fail(c->err, UNET_EFORMAT, "%s: tensor %.100s: is no JSON object", c->path,
                       c->name);
    const char *dtype = json_string_value(json_object_get(info, "dtype"));
    if (!dtype)
        return un_fail(c->err, UNET_EFORMAT, "%s: tensor %.100s: dtype is missing or no string",
                       c->path, c->name);
    struct un_array made = {.name = c->name, .key = c->name, .dtype = un_dtype_find(dtype)};
    if (!made.dtype)
        return un_fail(c->err, UNET_EFORMAT, "%s: tensor %.100s: unknown dtype \"%.20s\"", c->path,
                       c->name, dtype);

    size_t begin = 0, end = 0, bytes;
    unet_code code = read_shape(c, json_object_get(info, "shape"), &made);
    if (!code)
        code = read_offsets(c, json_object_get(info, "data_offsets"), &begin, &end);
    if (code)
        return code;

    char text[UN_SHAPE_TEXT];
    un_shape_text(made.dims, made.shape, text);
    if (__builtin_mul_overflow(made.count, (size_t)made.dtype->bytes, &bytes))
        return un_fail(c->err, UNET_EFORMAT, "%s: tensor %.100s: shape %s is too large", c->path,
                       c->name, text);
    if (bytes != end - begin)
        return un_fail(c->err, UNET_EFORMAT,
                       "%s: tensor %.100s: has %zu bytes, %s of shape %s needs %zu", c->path,
                       c->name, end - begin, dtype, text, bytes);
    made.data = data + begin;
    *tensor = made;
    return UNET_OK;
}

/* ---- all of them ---- */

static size_t tensor_bytes(const struct un_array *tensor)
{
    return tensor->count * (size_t)tensor->dtype->bytes;
}

/* By where they begin; those without bytes before the one that begins at the same place. */
static int compare_place(const void *a, const void *b)
{
    const struct un_array *x = a, *y = b;
    if (x->data != y->data)
        return x->data < y->data ? -1 : 1;
    if (!tensor_bytes(x) != !tensor_bytes(y))
        return tensor_bytes(x) ? 1 : -1;
    return strcmp(x->name, y->name);
}

static unet_code check_cover(const char *path, const struct un_safetensors *file, size_t data_bytes,
                             unet_error *err)
{
    const char *before = "the header";
    size_t at = 0;
    for (int i = 0; i < file->count; i++) {
        const struct un_array *tensor = &file->tensors[i];
        size_t begin = (size_t)(tensor->data - file->data);
        if (begin < at)
            return un_fail(err, UNET_EFORMAT,
                           "%s: tensor %.100s: begins at byte %zu, inside of tensor %.100s", path,
                           tensor->name, begin, before);
        if (begin > at)
            return un_fail(err, UNET_EFORMAT,
                           "%s: tensor %.100s: begins at byte %zu, %zu bytes behind the end of "
                           "%.100s",
                           path, tensor->name, begin, begin - at, before);
        at += tensor_bytes(tensor);
        before = tensor->name;
    }
    if (at != data_bytes)
        return un_fail(err, UNET_EFORMAT, "%s: %zu bytes of data, its tensors have %zu", path,
                       data_bytes, at);
    return UNET_OK;
}

static unet_code check_metadata(const char *path, json_t *metadata, unet_error *err)
{
    if (metadata && !json_is_object(metadata))
        return un_fail(err, UNET_EFORMAT, "%s: __metadata__ is no JSON object", path);
    const char *key;
    json_t *value;
    json_object_foreach(metadata, key, value) if (!json_is_string(value)) return un_fail(
        err, UNET_EFORMAT, "%s: __metadata__: %.100s is no string", path, key);
    return UNET_OK;
}

static unet_code read_tensors(const char *path, struct un_safetensors *file, size_t data_bytes,
                              unet_error *err)
{
    size_t size = json_object_size(file->header);
    file->tensors = un_arena_alloc(&file->arena, size * sizeof *file->tensors);
    if (!file->tensors)
        return un_fail_memory(err, size * sizeof *file->tensors, path);
    const char *name;
    json_t *info;
    json_object_foreach(file->header, name, info)
    {
        struct context context = {path, name, data_bytes, err};
        unet_code code = UNET_OK;
        if (!strcmp(name, "__metadata__"))
            code = check_metadata(path, info, err);
        else
            code = read_tensor(&context, info, file->data, &file->tensors[file->count++]);
        if (code)
            return code;
    }
    qsort(file->tensors, (size_t)file->count, sizeof *file->tensors, compare_place);
    return check_cover(path, file, data_bytes, err);
}

static unet_code read_header(const char *path, const unsigned char *bytes, size_t size,
                             size_t *length, json_t **header, unet_error *err)
{
    enum { LEAST = 10 }; /* the length, and {} */
    if (size < LEAST)
        return un_fail(err, UNET_EFORMAT,
                       "%s: not a safetensors file: %zu bytes, wanted %d or more", path, size,
                       LEAST);
    const uint64_t claimed = un_number(bytes, 8, false);
    size_t most = size - 8 < UN_SAFETENSORS_MAX_HEADER ? size - 8 : UN_SAFETENSORS_MAX_HEADER;
    if (claimed > most && most < UN_SAFETENSORS_MAX_HEADER &&
        un_safetensors_recognises(bytes, size))
        return un_fail(err, UNET_EFORMAT,
                       "%s: ends within its header of %llu bytes (is the file cut short?)", path,
                       (unsigned long long)claimed);
    if (claimed < 2 || claimed > most)
        return un_fail(err, UNET_EFORMAT,
                       "%s: not a safetensors file: a header of %llu bytes, wanted 2..%zu", path,
                       (unsigned long long)claimed, most);
    const char *text = (const char *)bytes + 8;
    if (*text != '{')
        return un_fail(err, UNET_EFORMAT,
                       "%s: not a safetensors file: the header begins with byte 0x%02x, wanted '{'",
                       path, bytes[8]);

    size_t end = (size_t)claimed;
    while (text[end - 1] == ' ')
        end--;
    if (text[end - 1] != '}')
        return un_fail(err, UNET_EFORMAT, "%s: the header ends with byte 0x%02x, wanted '}'", path,
                       bytes[8 + end - 1]);
    char what[sizeof err->text];
    snprintf(what, sizeof what, "%.400s: header", path);
    *length = (size_t)claimed;
    return un_json_parse(what, text, end, header, err);
}

unet_code un_safetensors_parse(const char *path, const unsigned char *bytes, size_t size,
                               struct un_safetensors *file, unet_error *err)
{
    struct un_safetensors made = {0};
    size_t length = 0;
    unet_code code = read_header(path, bytes, size, &length, &made.header, err);
    if (!code) {
        made.data = bytes + 8 + length;
        code = read_tensors(path, &made, size - 8 - length, err);
    }
    if (code)
        un_safetensors_release(&made);
    else
        *file = made;
    return code;
}

unet_code un_safetensors_open(const char *path, struct un_safetensors *file, unet_error *err)
{
    struct un_mapping mapping;
    unet_code code = un_map_whole(path, &mapping, err);
    if (code)
        return code;
    if ((code = un_safetensors_parse(path, mapping.data, mapping.size, file, err)))
        un_map_release(&mapping);
    else
        file->mapping = mapping;
    return code;
}

void un_safetensors_release(struct un_safetensors *file)
{
    json_decref(file->header);
    un_arena_release(&file->arena);
    un_map_release(&file->mapping);
    *file = (struct un_safetensors){0};
}

/* ---- what is in it ---- */

const struct un_array *un_safetensors_find(const struct un_safetensors *file, const char *name)
{
    for (int i = 0; i < file->count; i++)
        if (!strcmp(file->tensors[i].name, name))
            return &file->tensors[i];
    return NULL;
}

const char *un_safetensors_metadata(const struct un_safetensors *file, const char *key)
{
    return json_string_value(json_object_get(json_object_get(file->header, "__metadata__"), key));
}

bool un_safetensors_recognises(const unsigned char *bytes, size_t size)
{
    /* no header has 2^40 bytes */
    return size >= 10 && !bytes[5] && !bytes[6] && !bytes[7] && bytes[8] == '{';
}

static void release_owner(void *owner)
{
    un_safetensors_release(owner);
    free(owner);
}

/* Settings in the metadata, and in objects of JSON that are in there as text. */
static void take_settings(struct un_hints *hints, json_t *settings, int depth)
{
    enum { DEEPEST = 4 };
    const char *key;
    json_t *value;
    unet_error unread;
    json_object_foreach(settings, key, value)
    {
        const char *text = json_string_value(value);
        json_t *inner = NULL;
        if (!text)
            inner = json_incref(value);
        else if (*text == '{' && un_json_parse("settings", text, strlen(text), &inner, &unread))
            continue; /* it is another text */
        if (json_is_object(inner) && depth < DEEPEST)
            take_settings(hints, inner, depth + 1);
        else if (text)
            un_hints_take_text(hints, key, text);
        else if (json_is_real(value))
            un_hints_take_number(hints, key, json_real_value(value));
        json_decref(inner);
    }
}

unet_code un_safetensors_arrays(const char *path, struct un_arrays *arrays, unet_error *err)
{
    struct un_safetensors *file = malloc(sizeof *file);
    if (!file)
        return un_fail_memory(err, sizeof *file, path);
    unet_code code = un_safetensors_open(path, file, err);
    if (code) {
        free(file);
        return code;
    }
    if (un_safetensors_metadata(file, "unet-checkpoint")) {
        release_owner(file);
        return un_fail(err, UNET_EFORMAT,
                       "%s: is the checkpoint of a training, which goes on from it; its models are "
                       "best.safetensors and last.safetensors beside it",
                       path);
    }
    *arrays = (struct un_arrays){.format = "safetensors",
                                 .items = file->tensors,
                                 .count = file->count,
                                 .metadata = un_safetensors_metadata(file, "unet"),
                                 .hints = un_hints_none(),
                                 .mapping = &file->mapping,
                                 .owner = file,
                                 .release = release_owner};
    if (!arrays->metadata)
        take_settings(&arrays->hints, json_object_get(file->header, "__metadata__"), 0);
    return UNET_OK;
}
