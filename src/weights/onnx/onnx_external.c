/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Values in files beside the model: an entry of field 13 of a tensor is {1 key, 2 value}, both
 * texts: location, a path in the model's folder; offset and length, bytes in decimals.  A file may
 * name any path, so only what lies in that folder or below it is opened, and no link is followed.
 */
#include <stdlib.h>
#include <string.h>

#include "weights/onnx/onnx_table.h"

enum { MOST_FILES = 1000, MOST_PATH = 1000 };

struct un_onnx_file {
    char *location;
    struct un_mapping mapping;
};

static unet_code refuse(const struct un_onnx_table *table, const struct un_onnx_tensor *tensor,
                        const char *what, struct un_slice text, unet_error *err)
{
    const size_t size = un_slice_size(tensor->name), length = un_slice_size(text);
    return un_fail(err, UNET_EFORMAT, "%s: tensor %.*s: %s%.*s", table->path,
                   size > 100 ? 100 : (int)size, size ? (const char *)tensor->name.at : "", what,
                   length > 100 ? 100 : (int)length, length ? (const char *)text.at : "");
}

/* Whole numbers of decimals alone; false: it is none. */
static bool read_number(struct un_slice text, size_t *number)
{
    size_t value = 0;
    for (const unsigned char *at = text.at; at < text.end; at++)
        if (*at < '0' || *at > '9' || __builtin_mul_overflow(value, 10, &value) ||
            __builtin_add_overflow(value, (size_t)(*at - '0'), &value))
            return false;
    *number = value;
    return un_slice_size(text) > 0;
}

struct place {
    struct un_slice location;
    size_t offset, length;
    bool has_length;
};

static unet_code read_entry(const struct un_onnx_table *table, const struct un_onnx_tensor *tensor,
                            struct un_slice entry, struct place *place, unet_error *err)
{
    struct un_slice key = {0}, value = {0};
    struct un_message_field field;
    bool good = true;
    while (un_message_next(&entry, &field) > 0) {
        if (field.number == 1 && field.wire == UN_WIRE_BYTES)
            key = field.bytes;
        else if (field.number == 2 && field.wire == UN_WIRE_BYTES)
            value = field.bytes;
    }
    if (un_slice_is(key, "location"))
        place->location = value;
    else if (un_slice_is(key, "offset"))
        good = read_number(value, &place->offset);
    else if (un_slice_is(key, "length"))
        good = place->has_length = read_number(value, &place->length);
    return good ? UNET_OK
                : refuse(table, tensor, "the place of its values is no number of bytes: ", value,
                         err);
}

static unet_code find_place(const struct un_onnx_table *table, const struct un_onnx_tensor *tensor,
                            struct place *place, unet_error *err)
{
    struct un_slice message = tensor->message;
    struct un_message_field field;
    unet_code code = UNET_OK;
    *place = (struct place){.offset = 0};
    while (!code && un_message_next(&message, &field) > 0)
        if (field.number == 13 && field.wire == UN_WIRE_BYTES)
            code = read_entry(table, tensor, field.bytes, place, err);
    const size_t size = un_slice_size(place->location);
    if (!code && (size == 0 || size > MOST_PATH || memchr(place->location.at, 0, size)))
        code = refuse(table, tensor, "its values lie in another file, which it does not name",
                      (struct un_slice){0}, err);
    return code;
}

static unet_code open_file(struct un_onnx_table *table, const struct un_onnx_tensor *tensor,
                           struct un_slice location, const struct un_onnx_file **file,
                           unet_error *err)
{
    const size_t size = un_slice_size(location);
    for (int i = 0; i < table->file_count; i++)
        if (un_slice_is(location, table->files[i].location)) {
            *file = &table->files[i];
            return UNET_OK;
        }
    if (table->file_count == MOST_FILES)
        return refuse(table, tensor, "its values lie in one file too many: ", location, err);
    if (!table->files && !(table->files = calloc(MOST_FILES, sizeof *table->files)))
        return un_fail_memory(err, MOST_FILES * sizeof *table->files, table->path);
    struct un_onnx_file *made = &table->files[table->file_count];
    if (!(made->location = strndup((const char *)location.at, size)))
        return un_fail_memory(err, size, table->path);
    unet_error why;
    unet_code code = un_map_whole_beside(table->path, made->location, &made->mapping, &why);
    if (code) {
        free(made->location);
        made->location = NULL;
        return un_fail(err, code, "%s: its weights lie in a second file: %.300s", table->path,
                       why.text);
    }
    table->file_count++;
    *file = made;
    return UNET_OK;
}

unet_code un_onnx_external(struct un_onnx_table *table, struct un_onnx_tensor *tensor, size_t bytes,
                           unet_error *err)
{
    const struct un_onnx_file *file;
    struct place place;
    size_t end;
    unet_code code = find_place(table, tensor, &place, err);
    if (code)
        return code;
    if (!table->beside)
        return refuse(table, tensor, "its values lie in another file: ", place.location, err);
    if (place.has_length && place.length != bytes)
        return refuse(table, tensor,
                      "its shape and type need another number of bytes than it has in ",
                      place.location, err);
    if ((code = open_file(table, tensor, place.location, &file, err)))
        return code;
    if (__builtin_add_overflow(place.offset, bytes, &end) || end > file->mapping.size)
        return refuse(table, tensor, "its values lie behind the end (is the file cut short?) of ",
                      place.location, err);
    tensor->data = file->mapping.data + place.offset;
    return UNET_OK;
}

size_t un_onnx_external_bytes(const struct un_onnx_table *table)
{
    size_t bytes = 0;
    for (int i = 0; i < table->file_count; i++)
        bytes += table->files[i].mapping.size;
    return bytes;
}

void un_onnx_external_release(struct un_onnx_table *table)
{
    for (int i = 0; i < table->file_count; i++) {
        free(table->files[i].location);
        un_map_release(&table->files[i].mapping);
    }
    free(table->files);
    table->files = NULL;
    table->file_count = 0;
}
