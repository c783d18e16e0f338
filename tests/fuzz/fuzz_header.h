/* SPDX-License-Identifier: Apache-2.0 */
/*
 * fuzz_header.h - mutations that keep the frame of a safetensors file
 *
 * A plain mutation almost always breaks the length in front of the header, and then nothing behind
 * that check is ever reached.  So three times in four the length is set to where the header's
 * outer brace closes.
 */
#ifndef FUZZ_HEADER_H
#define FUZZ_HEADER_H

#include <stddef.h>
#include <stdint.h>
#include <string.h>

size_t LLVMFuzzerMutate(uint8_t *bytes, size_t size, size_t most);
size_t LLVMFuzzerCustomMutator(uint8_t *bytes, size_t size, size_t most, unsigned seed);
int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size);

static inline uint64_t fuzz_header_end(const uint8_t *text, size_t size)
{
    int depth = 0, string = 0;
    for (size_t i = 0; i < size; i++) {
        if (text[i] == '"')
            string = !string;
        else if (string)
            i += text[i] == '\\';
        else
            depth += (text[i] == '{') - (text[i] == '}');
        if (depth == 0)
            return i + 1;
    }
    return size;
}

static inline size_t fuzz_mutate(uint8_t *bytes, size_t size, size_t most, unsigned seed)
{
    size = LLVMFuzzerMutate(bytes, size, most);
    if (size > 8 && seed % 4 != 0) {
        uint64_t length = fuzz_header_end(bytes + 8, size - 8);
        memcpy(bytes, &length, sizeof length);
    }
    return size;
}

#endif
