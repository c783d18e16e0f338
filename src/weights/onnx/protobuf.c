/* SPDX-License-Identifier: Apache-2.0 */
#include "weights/onnx/protobuf.h"

#include <stdlib.h>
#include <string.h>

#include "base/number.h"

/* ---- reading ---- */

bool un_varint_next(struct un_slice *slice, uint64_t *value)
{
    uint64_t made = 0;
    for (unsigned shift = 0; shift < 64 && slice->at < slice->end; shift += 7) {
        unsigned char byte = *slice->at++;
        made |= (uint64_t)(byte & 0x7f) << shift;
        if (!(byte & 0x80)) {
            *value = made;
            return true;
        }
    }
    return false;
}

/* Takes size bytes off a message; false: it has fewer. */
static bool take(struct un_slice *message, uint64_t size, struct un_slice *bytes)
{
    if (size > un_slice_size(*message))
        return false;
    bytes->at = message->at;
    bytes->end = message->at += size;
    return true;
}

int un_message_next(struct un_slice *message, struct un_message_field *field)
{
    uint64_t head, size;
    if (message->at == message->end)
        return 0;
    if (!un_varint_next(message, &head) || head >> 3 == 0 || head >> 3 > UINT32_MAX)
        return -1;
    struct un_message_field made = {.number = (uint32_t)(head >> 3),
                                    .wire = (enum un_wire)(head & 7)};
    made.bytes.at = message->at;
    bool whole = false;
    switch (made.wire) {
    case UN_WIRE_VARINT:
        whole = un_varint_next(message, &made.value);
        made.bytes.end = message->at;
        break;
    case UN_WIRE_64:
    case UN_WIRE_32:
        size = made.wire == UN_WIRE_64 ? 8 : 4;
        whole = take(message, size, &made.bytes);
        for (size_t i = 0; whole && i < size; i++)
            made.value |= (uint64_t)made.bytes.at[i] << 8 * i;
        break;
    case UN_WIRE_BYTES:
        whole = un_varint_next(message, &size) && take(message, size, &made.bytes);
        break;
    }
    if (!whole)
        return -1;
    *field = made;
    return 1;
}

bool un_slice_is(struct un_slice slice, const char *text)
{
    size_t size = strlen(text);
    return un_slice_size(slice) == size && (size == 0 || !memcmp(slice.at, text, size));
}

int un_slice_compare(struct un_slice a, struct un_slice b)
{
    size_t m = un_slice_size(a), n = un_slice_size(b), both = m < n ? m : n;
    int order = both ? memcmp(a.at, b.at, both) : 0;
    return order ? order : (m > n) - (m < n);
}

/* ---- writing ---- */

static bool make_room(struct un_builder *out, size_t size)
{
    size_t room = out->room ? out->room : 256;
    while (!out->failed && room - out->size < size)
        out->failed = __builtin_mul_overflow(room, (size_t)2, &room);
    if (!out->failed && room != out->room) {
        unsigned char *bytes = realloc(out->bytes, room);
        out->failed = !bytes;
        if (bytes) {
            out->bytes = bytes;
            out->room = room;
        }
    }
    return !out->failed;
}

void un_put_raw(struct un_builder *out, const void *bytes, size_t size)
{
    if (size == 0 || !make_room(out, size))
        return;
    memcpy(out->bytes + out->size, bytes, size);
    out->size += size;
}

void un_put_varint(struct un_builder *out, uint64_t value)
{
    unsigned char bytes[10];
    size_t size = 0;
    for (; value > 0x7f; value >>= 7)
        bytes[size++] = (unsigned char)(value | 0x80);
    bytes[size++] = (unsigned char)value;
    un_put_raw(out, bytes, size);
}

void un_put_int(struct un_builder *out, uint32_t number, int64_t value)
{
    un_put_varint(out, (uint64_t)number << 3 | UN_WIRE_VARINT);
    un_put_varint(out, (uint64_t)value);
}

/* Little-endian. */
static void put_values(struct un_builder *out, const void *values, size_t count, int bytes)
{
    const size_t size = count * (size_t)bytes;
    un_put_raw(out, values, size);
    if (UN_HOST_BIG && size > 0 && !out->failed)
        un_swap(out->bytes + out->size - size, count, bytes);
}

void un_put_float(struct un_builder *out, uint32_t number, float value)
{
    un_put_varint(out, (uint64_t)number << 3 | UN_WIRE_32);
    put_values(out, &value, 1, sizeof value);
}

void un_put_head(struct un_builder *out, uint32_t number, size_t size)
{
    un_put_varint(out, (uint64_t)number << 3 | UN_WIRE_BYTES);
    un_put_varint(out, size);
}

void un_put_bytes(struct un_builder *out, uint32_t number, const void *bytes, size_t size)
{
    un_put_head(out, number, size);
    un_put_raw(out, bytes, size);
}

void un_put_values(struct un_builder *out, uint32_t number, const void *values, size_t count,
                   int bytes)
{
    un_put_head(out, number, count * (size_t)bytes);
    put_values(out, values, count, bytes);
}

void un_put_text(struct un_builder *out, uint32_t number, const char *text)
{
    un_put_bytes(out, number, text, strlen(text));
}

void un_put_message(struct un_builder *out, uint32_t number, struct un_builder *inner)
{
    out->failed |= inner->failed;
    un_put_bytes(out, number, inner->bytes, inner->size);
    free(inner->bytes);
    *inner = (struct un_builder){0};
}
