/* SPDX-License-Identifier: Apache-2.0 */
/*
 * protobuf.h - the wire format of protocol buffers
 * (https://protobuf.dev/programming-guides/encoding)
 *
 * A message is a row of fields.  A field is a varint, number * 8 + wire type, and a value: a varint
 * (7 bits a byte, the lowest first, the top bit set on all but the last byte), 4 or 8 bytes, or a
 * varint length and so many bytes: text, packed numbers, or a message again.
 *
 * Reading takes place in the file's bytes: nothing is allocated or copied, and messages within
 * messages are entered by whoever wants to, so no nesting can exhaust the stack.
 */
#ifndef UN_PROTOBUF_H
#define UN_PROTOBUF_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum un_wire { UN_WIRE_VARINT = 0, UN_WIRE_64 = 1, UN_WIRE_BYTES = 2, UN_WIRE_32 = 5 };

/* Bytes of a file: a message that is being read, text, or packed numbers. */
struct un_slice {
    const unsigned char *at, *end;
};

struct un_message_field {
    uint32_t number;
    enum un_wire wire;
    uint64_t value;        /* of all wire types but UN_WIRE_BYTES */
    struct un_slice bytes; /* of UN_WIRE_BYTES; else the value as it lies there */
};

/* Takes the next field off a message: 1; 0: there is none; -1: the bytes are no message. */
int un_message_next(struct un_slice *message, struct un_message_field *field);

/* Takes a varint off its front; false: there is none, or a broken one. */
bool un_varint_next(struct un_slice *slice, uint64_t *value);

static inline size_t un_slice_size(struct un_slice slice)
{
    return (size_t)(slice.end - slice.at);
}

/* Whether the bytes are those of text. */
bool un_slice_is(struct un_slice slice, const char *text);

/* < 0, 0, > 0, as memcmp(); of two that begin alike the shorter comes first. */
int un_slice_compare(struct un_slice a, struct un_slice b);

/*
 * A message being written: bytes that grow.  When memory runs out, failed is set and what follows
 * is dropped, so only the end needs a look.  A zeroed struct is empty; free bytes with free().
 */
struct un_builder {
    unsigned char *bytes;
    size_t size, room;
    bool failed;
};

void un_put_raw(struct un_builder *out, const void *bytes, size_t size);
void un_put_varint(struct un_builder *out, uint64_t value);
void un_put_int(struct un_builder *out, uint32_t number, int64_t value);
void un_put_float(struct un_builder *out, uint32_t number, float value);
void un_put_bytes(struct un_builder *out, uint32_t number, const void *bytes, size_t size);
/* Numbers of 4 or 8 bytes each as one field of bytes. */
void un_put_values(struct un_builder *out, uint32_t number, const void *values, size_t count,
                   int bytes);
void un_put_text(struct un_builder *out, uint32_t number, const char *text);
/* The beginning of a field whose size bytes the caller adds. */
void un_put_head(struct un_builder *out, uint32_t number, size_t size);
/* Puts inner as a field of out, and empties it. */
void un_put_message(struct un_builder *out, uint32_t number, struct un_builder *inner);

#endif
