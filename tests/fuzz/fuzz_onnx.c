/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Any bytes: no crash, no read outside of them, and what is accepted is what it claims to be: all
 * values lie in memory that the table owns, names differ, and hints are in their ranges.
 */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "fuzz_message.h"
#include "weights/onnx/onnx.h"

size_t LLVMFuzzerCustomMutator(uint8_t *bytes, size_t size, size_t most, unsigned seed)
{
    return fuzz_mutate_message(bytes, size, most, seed);
}

static void check_array(const struct un_arrays *arrays, int i)
{
    const struct un_array *array = &arrays->items[i];
    size_t count = 1, stride = 1;
    for (int d = array->dims - 1; d >= 0; d--) {
        if (array->stride[d] != stride)
            abort();
        stride *= array->shape[d];
        count *= array->shape[d];
    }
    if (count != array->count || !array->dtype->to_float ||
        un_arrays_find(arrays, array->name) != array)
        abort();
    float *values = malloc(count * sizeof *values + 1);
    array->dtype->to_float(array->data, count, values);
    free(values);
}

static void check_hint(int hint, int most)
{
    if (hint < -1 || hint > most)
        abort();
}

static void check_hints(const struct un_hints *hints)
{
    check_hint(hints->padding, UNET_PADDING_SAME);
    check_hint(hints->norm_order, UNET_ACT_FIRST);
    check_hint(hints->single_act, 1);
    check_hint(hints->act, UNET_ACT_LEAKY_RELU);
    check_hint(hints->instance_groups, 65536);
    check_hint(hints->up, UNET_UP_NEAREST);
    check_hint(hints->align_corners, 1);
    check_hint(hints->up_act, 1);
    check_hint(hints->concat, UNET_CONCAT_SKIP_UP);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
    struct un_arrays arrays;
    unet_error err;
    un_onnx_recognises(bytes, size);
    if (un_onnx_parse("x", bytes, size, &arrays, &err))
        return 0;
    for (int i = 0; i < arrays.count; i++)
        check_array(&arrays, i);
    check_hints(&arrays.hints);
    if (arrays.metadata && strlen(arrays.metadata) > size)
        abort();
    un_arrays_release(&arrays);
    return 0;
}
