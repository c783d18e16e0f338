/* SPDX-License-Identifier: Apache-2.0 */
/*
 * fuzz_message.h - mutations that keep the frame of a message
 *
 * In nested messages a plain mutation almost always breaks some length, and nothing behind it is
 * reached.  So three times in four one field somewhere is changed, doubled, moved or left out, and
 * all lengths around it are set right.
 */
#ifndef FUZZ_MESSAGE_H
#define FUZZ_MESSAGE_H

#include <stdlib.h>
#include <string.h>

#include "weights/onnx/protobuf.h"

size_t LLVMFuzzerMutate(uint8_t *bytes, size_t size, size_t most);
size_t LLVMFuzzerCustomMutator(uint8_t *bytes, size_t size, size_t most, unsigned seed);
int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size);

static inline unsigned fuzz_random(unsigned *seed, unsigned below)
{
    *seed = *seed * 1664525u + 1013904223u;
    return (*seed >> 8) % below;
}

/* How many fields a message has; 0: it is none. */
static inline unsigned fuzz_count(struct un_slice message)
{
    struct un_message_field field;
    unsigned count = 0;
    int more;
    while ((more = un_message_next(&message, &field)) > 0)
        count++;
    return more < 0 ? 0 : count;
}

static inline void fuzz_change(const struct un_message_field *field, unsigned *seed,
                               struct un_builder *out)
{
    static const int64_t values[] = {0, 1, 2, 3, 7, 10, 16, -1, INT32_MAX, INT64_MAX, INT64_MIN};
    if (field->wire != UN_WIRE_BYTES) {
        un_put_int(out, field->number, values[fuzz_random(seed, sizeof values / sizeof *values)]);
        return;
    }
    const size_t size = un_slice_size(field->bytes), room = size + 32;
    uint8_t *copy = malloc(room);
    memcpy(copy, field->bytes.at, size);
    un_put_bytes(out, field->number, copy, LLVMFuzzerMutate(copy, size, room));
    free(copy);
}

static inline void fuzz_field(struct un_slice message, unsigned depth, unsigned *seed,
                              struct un_builder *out)
{
    enum { DROP = 5, DOUBLE, MOVE };
    const unsigned count = fuzz_count(message), action = fuzz_random(seed, 8);
    const unsigned pick = count ? fuzz_random(seed, count) : 0;
    const unsigned place = count ? fuzz_random(seed, count) : 0;
    struct un_slice all = message, picked = {0};
    struct un_message_field field;
    for (unsigned i = 0; i <= pick && count; i++) {
        picked.at = all.at;
        un_message_next(&all, &field);
        picked.end = all.at;
    }
    all = message;
    for (unsigned i = 0; i < count; i++) {
        struct un_slice raw = {all.at, all.at};
        un_message_next(&all, &field);
        raw.end = all.at;
        if (i == place && action >= DOUBLE)
            un_put_raw(out, picked.at, un_slice_size(picked));
        if (i != pick || action == DOUBLE) {
            un_put_raw(out, raw.at, un_slice_size(raw));
        } else if (action < DROP && depth < 6 && field.wire == UN_WIRE_BYTES &&
                   fuzz_count(field.bytes)) {
            struct un_builder inner = {0};
            fuzz_field(field.bytes, depth + 1, seed, &inner);
            un_put_message(out, field.number, &inner);
        } else if (action < DROP) {
            fuzz_change(&field, seed, out);
        }
    }
}

static inline size_t fuzz_mutate_message(uint8_t *bytes, size_t size, size_t most, unsigned seed)
{
    const struct un_slice message = {bytes, bytes + size};
    struct un_builder out = {0};
    if (seed % 4 == 0 || !fuzz_count(message))
        return LLVMFuzzerMutate(bytes, size, most);
    for (unsigned i = 0, rounds = seed / 4 % 2; i <= rounds && (i == 0 || out.size); i++) {
        struct un_builder made = {0};
        fuzz_field(i ? (struct un_slice){out.bytes, out.bytes + out.size} : message, 0, &seed,
                   &made);
        free(out.bytes);
        out = made;
    }
    size = out.size < most ? out.size : most;
    if (size)
        memcpy(bytes, out.bytes, size);
    free(out.bytes);
    return size;
}

#endif
