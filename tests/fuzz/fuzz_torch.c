/* SPDX-License-Identifier: Apache-2.0 */
/* Any bytes as a PyTorch file: no crash, no read outside of them, and bounded time and memory. */
#include <stdlib.h>

#include "fuzz_zip.h"
#include "weights/torch/torch.h"

size_t LLVMFuzzerCustomMutator(uint8_t *bytes, size_t size, size_t most, unsigned seed)
{
    size = LLVMFuzzerMutate(bytes, size, most);
    if (seed % 4 != 0)
        fuzz_repair_zip(bytes, size);
    return size;
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
    struct un_arrays arrays;
    unet_error err;
    if (un_torch_parse("x", bytes, size, &arrays, &err))
        return 0;
    un_arrays_select_network(&arrays);
    for (int i = 0; i < arrays.count; i++) {
        const struct un_array *array = &arrays.items[i];
        if (un_arrays_find(&arrays, array->name) == NULL || !strstr(array->name, array->key))
            abort();
        float *values = array->count < 1 << 16 ? malloc((array->count + 1) * sizeof *values) : NULL;
        if (values)
            un_array_to_float("x", array, values, &err);
        free(values);
    }
    un_arrays_release(&arrays);
    return 0;
}
