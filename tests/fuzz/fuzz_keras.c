/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Any bytes as a model of Keras, and as HDF5 alone: no crash, no read outside of them, and arrays
 * that are listed lie within them.
 */
#include <stdlib.h>
#include <string.h>

#include "weights/keras/hdf5.h"
#include "weights/keras/keras.h"

static void check_list(const uint8_t *bytes, size_t size)
{
    static const char *const attributes[] = {"model_config", "name", NULL};
    struct un_arena arena = {0};
    struct un_hdf5 list;
    unet_error err;
    if (!un_hdf5_list("x", bytes, size, attributes, &arena, &list, &err))
        for (int i = 0; i < list.count; i++) {
            const struct un_hdf5_item *item = &list.items[i];
            if (item->bytes && (item->data < bytes || item->data > bytes + size ||
                                item->bytes > (size_t)(bytes + size - item->data)))
                abort();
        }
    free(list.items);
    un_arena_release(&arena);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
    struct un_arrays arrays;
    unet_error err = {0};
    un_keras_recognises(bytes, size);
    check_list(bytes, size);
    if (un_keras_parse("x", bytes, size, &arrays, &err)) {
        if (!*err.text)
            abort();
        return 0;
    }
    for (int i = 0; i < arrays.count; i++) {
        const struct un_array *array = &arrays.items[i];
        float *values = malloc(array->count * sizeof *values + 1);
        array->dtype->to_float(array->data, array->count, values);
        free(values);
    }
    un_arrays_release(&arrays);
    return 0;
}
