/* SPDX-License-Identifier: Apache-2.0 */
/* Any bytes: no crash, no read outside of them, and what is accepted is what it claims to be. */
#include <stdlib.h>

#include "fuzz_header.h"
#include "weights/safetensors.h"

size_t LLVMFuzzerCustomMutator(uint8_t *bytes, size_t size, size_t most, unsigned seed)
{
    return fuzz_mutate(bytes, size, most, seed);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
    struct un_safetensors file;
    unet_error err;
    if (un_safetensors_parse("x", bytes, size, &file, &err))
        return 0;
    const unsigned char *at = file.data;
    for (int i = 0; i < file.count; i++) {
        const struct un_array *tensor = &file.tensors[i];
        if (tensor->data != at)
            abort();
        at += tensor->count * (size_t)tensor->dtype->bytes;
        float *values = tensor->count < 1 << 20 ? malloc(tensor->count * sizeof *values) : NULL;
        if (values)
            un_array_to_float("x", tensor, values, &err);
        free(values);
    }
    if (at != bytes + size)
        abort();
    un_safetensors_release(&file);
    return 0;
}
