/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The messages and the numbers of their fields that are read:
 *
 *   tensor      1 side, 2 type, 8 name, 9 values as bytes, 13 and 14 of values in another file
 *               (onnx_external.c);
 *               4, 5, 7, 10 values as float, varint (of 32 bits), varint (of 64 bits), double
 *   attribute   1 name, 2 float, 3 whole number, 4 text, 5 tensor, 8 whole numbers
 *
 * Repeated numbers may be packed into one field or come as one field each.  Values that lie side by
 * side, little-endian, as arrays want them, stay in the file; others are copied to the arena once.
 * A value takes a byte of the file or more, so a copy has at most eight times its size.
 */
#include "weights/onnx/onnx_table.h"

#include <string.h>

#include "base/number.h"

/* Types of values that are read, and the field for values that are not kept as bytes. */
static const struct type {
    int number;
    const char *dtype;
    uint32_t field;
} types[] = {
    {1, "F32", 4}, {6, "I32", 5}, {7, "I64", 7}, {10, "F16", 5}, {11, "F64", 10}, {16, "BF16", 5},
};

static const struct type *find_type(int number)
{
    for (size_t i = 0; i < sizeof types / sizeof *types; i++)
        if (types[i].number == number)
            return &types[i];
    return NULL;
}

static unet_code refuse(const char *path, const struct un_onnx_tensor *tensor, const char *what,
                        unet_error *err)
{
    const size_t size = un_slice_size(tensor->name);
    return un_fail(err, UNET_EFORMAT, "%s: tensor %.*s: %s", path, size > 100 ? 100 : (int)size,
                   size ? (const char *)tensor->name.at : "", what);
}

/* One whole number, or packed ones. */
static struct un_slice numbers(const struct un_message_field *field)
{
    return field->wire == UN_WIRE_VARINT || field->wire == UN_WIRE_BYTES
               ? field->bytes
               : (struct un_slice){field->bytes.at, field->bytes.at};
}

static unet_code add_sides(const char *path, const struct un_message_field *field,
                           struct un_onnx_tensor *tensor, unet_error *err)
{
    struct un_slice sides = numbers(field);
    uint64_t side;
    while (un_varint_next(&sides, &side)) {
        if (tensor->dims == UN_ARRAY_MAX_DIMS)
            return refuse(path, tensor, "more than 8 dimensions", err);
        if (side > INT64_MAX || __builtin_mul_overflow(tensor->count, side, &tensor->count))
            return refuse(path, tensor, "its shape is too large or negative", err);
        tensor->shape[tensor->dims++] = side;
    }
    return UNET_OK;
}

unet_code un_onnx_tensor_read(const char *path, struct un_slice message,
                              struct un_onnx_tensor *tensor, unet_error *err)
{
    struct un_message_field field;
    unet_code code = UNET_OK;
    int more = 0;
    *tensor = (struct un_onnx_tensor){.message = message, .count = 1};
    while (!code && (more = un_message_next(&message, &field)) > 0) {
        if (field.number == 1)
            code = add_sides(path, &field, tensor, err);
        else if (field.number == 2)
            tensor->type = field.value > 1000 ? 1000 : (int)field.value;
        else if (field.number == 8 && field.wire == UN_WIRE_BYTES)
            tensor->name = field.bytes;
        else if (field.number == 13 || (field.number == 14 && field.value))
            tensor->external = true;
    }
    if (!code && more < 0)
        code = refuse(path, tensor, "is broken (is the file cut short?)", err);
    return code;
}

/* ---- values ---- */

/* All values lie side by side in one field: its bytes; else at NULL. */
static struct un_slice find_values(const struct un_onnx_tensor *tensor, const struct type *type)
{
    struct un_slice message = tensor->message, found = {0};
    struct un_message_field field;
    const bool plain = type->field == 4 || type->field == 10;
    int fields = 0;
    while (un_message_next(&message, &field) > 0)
        if (field.wire == UN_WIRE_BYTES &&
            (field.number == 9 || (plain && field.number == type->field))) {
            found = field.bytes;
            fields++;
        }
    return fields == 1 ? found : (struct un_slice){0};
}

/* Copies the values of one field, at most `most`; the number of those it has, -1: too many. */
static int64_t copy_field(const struct un_message_field *field, const struct type *type,
                          size_t size, unsigned char *values, size_t most)
{
    struct un_slice rest = field->bytes;
    uint64_t value;
    if (type->field == 4 || type->field == 10) {
        const size_t bytes = un_slice_size(rest);
        if (bytes % size || bytes / size > most)
            return -1;
        memcpy(values, rest.at, bytes);
        return (int64_t)(bytes / size);
    }
    int64_t count = 0;
    for (rest = numbers(field); un_varint_next(&rest, &value); count++) {
        if ((size_t)count == most)
            return -1;
        for (size_t k = 0; k < size; k++) /* the lower bytes */
            values[(size_t)count * size + k] = (unsigned char)(value >> 8 * k);
    }
    return count;
}

static unet_code copy_values(struct un_onnx_table *table, struct un_onnx_tensor *tensor,
                             const struct type *type, size_t size, unet_error *err)
{
    struct un_slice message = tensor->message;
    struct un_message_field field;
    size_t done = 0;
    if (tensor->count > un_slice_size(tensor->message))
        return refuse(table->path, tensor, "has fewer values than its shape says", err);
    unsigned char *values = un_arena_alloc(&table->arena, tensor->count * size);
    if (!values)
        return un_fail_memory(err, tensor->count * size, table->path);
    while (un_message_next(&message, &field) > 0) {
        if (field.number != type->field)
            continue;
        int64_t count = copy_field(&field, type, size, values + done * size, tensor->count - done);
        if (count < 0)
            return refuse(table->path, tensor, "has more values than its shape says", err);
        done += (size_t)count;
    }
    if (done != tensor->count)
        return refuse(table->path, tensor, "has fewer values than its shape says", err);
    tensor->data = values;
    return UNET_OK;
}

static unet_code find_data(struct un_onnx_table *table, struct un_onnx_tensor *tensor,
                           const struct type *type, size_t size, unet_error *err)
{
    struct un_slice bytes = find_values(tensor, type);
    size_t want;
    const bool counted = !__builtin_mul_overflow(tensor->count, size, &want);
    if (tensor->external && counted)
        return un_onnx_external(table, tensor, want, err);
    if (!bytes.at)
        return copy_values(table, tensor, type, size, err);
    if (!counted || un_slice_size(bytes) != want)
        return refuse(table->path, tensor,
                      "its shape and type need another number of bytes than it has", err);
    tensor->data = bytes.at;
    return UNET_OK;
}

unet_code un_onnx_tensor_load(struct un_onnx_table *table, int index, struct un_array *array,
                              unet_error *err)
{
    struct un_onnx_tensor *tensor = &table->tensors[index];
    const struct type *type = find_type(tensor->type);
    unet_code code = UNET_OK;
    if (!type)
        return refuse(table->path, tensor, "its type is none of float, double, float16, bfloat16",
                      err);
    if (tensor->count == 0)
        return refuse(table->path, tensor, "has no values", err);
    struct un_array made = {.name = "", .key = "", .dtype = un_dtype_find(type->dtype)};
    if (!tensor->data)
        code = find_data(table, tensor, type, (size_t)made.dtype->bytes, err);
    if (code)
        return code;
    made.data = tensor->data;
    un_array_set_shape(&made, tensor->dims, tensor->shape);
    *array = made;
    return UNET_OK;
}

/* ---- attributes ---- */

/* The attribute's message behind its name; false: there is none. */
static bool find_attribute(const struct un_onnx_node *node, const char *name,
                           struct un_slice *attribute)
{
    struct un_slice message = node->message;
    struct un_message_field field, inner;
    while (un_message_next(&message, &field) > 0) {
        if (field.number != 5 || field.wire != UN_WIRE_BYTES)
            continue;
        struct un_slice rest = field.bytes;
        while (un_message_next(&rest, &inner) > 0)
            if (inner.number == 1 && inner.wire == UN_WIRE_BYTES &&
                un_slice_is(inner.bytes, name)) {
                *attribute = field.bytes;
                return true;
            }
    }
    return false;
}

int un_onnx_ints(const struct un_onnx_node *node, const char *name, int most, int64_t *values)
{
    struct un_slice attribute;
    struct un_message_field field;
    int count = 0;
    if (!find_attribute(node, name, &attribute))
        return -1;
    while (un_message_next(&attribute, &field) > 0) {
        if (field.number != 3 && field.number != 8)
            continue;
        struct un_slice rest = numbers(&field);
        uint64_t value;
        while (count < most && un_varint_next(&rest, &value))
            values[count++] = (int64_t)value;
    }
    return count;
}

int64_t un_onnx_int(const struct un_onnx_node *node, const char *name, int64_t otherwise)
{
    int64_t value;
    return un_onnx_ints(node, name, 1, &value) == 1 ? value : otherwise;
}

float un_onnx_float(const struct un_onnx_node *node, const char *name, float otherwise)
{
    struct un_slice attribute;
    struct un_message_field field;
    float value = otherwise;
    if (!find_attribute(node, name, &attribute))
        return otherwise;
    while (un_message_next(&attribute, &field) > 0)
        if (field.number == 2 && field.wire == UN_WIRE_32)
            un_little_copy(&value, field.bytes.at, 1, sizeof value);
    return value;
}

bool un_onnx_bytes(const struct un_onnx_node *node, const char *name, uint32_t number,
                   struct un_slice *bytes)
{
    struct un_slice attribute;
    struct un_message_field field;
    if (find_attribute(node, name, &attribute))
        while (un_message_next(&attribute, &field) > 0)
            if (field.number == number && field.wire == UN_WIRE_BYTES) {
                *bytes = field.bytes;
                return true;
            }
    return false;
}

bool un_onnx_word(const struct un_onnx_node *node, const char *name, const char *otherwise,
                  const char *word)
{
    struct un_slice text;
    return un_onnx_bytes(node, name, 4, &text) ? un_slice_is(text, word) : !strcmp(otherwise, word);
}

/* ---- stored numbers ---- */

/* The array of a stored value of at most so many numbers. */
static bool load_stored(struct un_onnx_table *table, int value, int most, struct un_array *array)
{
    const bool whole = value >= 0 && !table->values[value].spread;
    const int index = whole ? table->values[value].tensor : -1;
    struct un_onnx_tensor *tensor = index < 0 ? NULL : &table->tensors[index];
    if (!tensor || tensor->count > (size_t)most || tensor->refused)
        return false;
    /* once is enough: many nodes may read it, and it may have many bytes */
    tensor->refused = un_onnx_tensor_load(table, index, array, NULL) != UNET_OK;
    return !tensor->refused;
}

int un_onnx_stored_ints(struct un_onnx_table *table, int value, int most, int64_t *values)
{
    struct un_array array;
    const int maker = value < 0 ? -1 : table->values[value].maker;
    if (maker >= 0 && un_slice_is(table->nodes[maker].op, "Constant"))
        return un_onnx_ints(&table->nodes[maker], "value_ints", most, values);
    if (!load_stored(table, value, most, &array))
        return -1;
    for (size_t i = 0; i < array.count; i++) {
        int32_t small;
        if (!strcmp(array.dtype->name, "I64")) {
            values[i] = (int64_t)un_number(array.data + i * sizeof *values, sizeof *values, false);
        } else if (!strcmp(array.dtype->name, "I32")) {
            un_little_copy(&small, array.data + i * sizeof small, 1, sizeof small);
            values[i] = small;
        } else {
            return -1;
        }
    }
    return (int)array.count;
}

int un_onnx_stored_floats(struct un_onnx_table *table, int value, int most, float *values)
{
    struct un_array array;
    if (!load_stored(table, value, most, &array) || !array.dtype->to_float)
        return -1;
    array.dtype->to_float(array.data, array.count, values);
    return (int)array.count;
}
