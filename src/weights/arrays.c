/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Formats are told apart by what is in the file, never by its name: the first row that recognises
 * the bytes has them.  A safetensors file may begin with any byte (it is a length), but has a brace
 * behind it, so it comes first.
 */
#include "weights/arrays.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "base/known_files.h"
#include "weights/onnx/onnx.h"
#include "weights/safetensors.h"
#include "weights/shards.h"
#include "weights/torch/torch.h"

static const struct format {
    const char *name;
    bool (*recognises)(const unsigned char *bytes, size_t size);
    unet_code (*open)(const char *path, struct un_arrays *arrays, unet_error *err);
} formats[] = {
    {"safetensors", un_safetensors_recognises, un_safetensors_arrays},
    {"PyTorch", un_torch_recognises, un_torch_open},
    {"ONNX", un_onnx_recognises, un_onnx_open},
};

static unet_code find_format(const char *path, const struct format **format, size_t *size,
                             unet_error *err)
{
    struct un_mapping mapping;
    unet_code code = un_map_open(path, &mapping, err);
    if (code)
        return code;
    char begin[3 * 8 + 1] = "nothing", *text = begin;
    for (size_t i = 0; i < 8 && i < mapping.size; i++)
        text += sprintf(text, i ? " %02x" : "%02x", mapping.data[i]);
    *size = mapping.size;
    *format = NULL;
    for (size_t i = 0; i < sizeof formats / sizeof *formats && !*format; i++)
        if (formats[i].recognises(mapping.data, mapping.size))
            *format = &formats[i];
    const struct un_known_file *known =
        *format ? NULL : un_known_file(path, mapping.data, mapping.size);
    if (known)
        code = un_fail(err, UNET_EFORMAT, "%s: %s%s%s", path, known->what, known->way ? "; " : "",
                       known->way ? known->way : ", which is not read");
    else if (!*format)
        code = un_fail(err, UNET_EFORMAT,
                       "%s: is no model file: begins with %s, wanted safetensors, what "
                       "torch.save() writes, or ONNX",
                       path, begin);
    un_map_release(&mapping);
    return code;
}

static unet_code open_one(const char *path, struct un_arrays *arrays, unet_error *err)
{
    const struct format *format;
    size_t size;
    unet_code code = find_format(path, &format, &size, err);
    if (!code)
        code = format->open(path, arrays, err);
    if (!code)
        arrays->size += size;
    return code;
}

unet_code un_arrays_open_all(const char *path, struct un_arrays *arrays, unet_error *err)
{
    return un_shards_named(path) ? un_shards_open(path, open_one, arrays, err)
                                 : open_one(path, arrays, err);
}

unet_code un_arrays_open(const char *path, struct un_arrays *arrays, unet_error *err)
{
    unet_code code = un_arrays_open_all(path, arrays, err);
    if (code)
        return code;
    if ((code = un_arrays_select(path, NULL, NULL, arrays, err)))
        un_arrays_release(arrays);
    return code;
}

unet_code un_fail_object(const char *path, const char *object, unet_error *err)
{
    return un_fail(err, UNET_EFORMAT,
                   "%s: holds an object of class %s, not only weights; in Python, save these "
                   "alone: torch.save(model.state_dict(), \"weights.pth\")",
                   path, object);
}

void un_arrays_release(struct un_arrays *arrays)
{
    for (struct un_made *made = arrays->made, *next; made; made = next) {
        next = made->next;
        free(made);
    }
    if (arrays->release)
        arrays->release(arrays->owner);
    *arrays = (struct un_arrays){0};
}

struct un_hints un_hints_none(void)
{
    return (struct un_hints){.padding = -1,
                             .norm_order = -1,
                             .single_act = -1,
                             .act = -1,
                             .leaky_slope = NAN,
                             .norm_epsilon = NAN,
                             .instance_groups = -1,
                             .up = -1,
                             .align_corners = -1,
                             .up_act = -1,
                             .concat = -1,
                             .down = -1};
}

const struct un_array *un_arrays_find(const struct un_arrays *arrays, const char *name)
{
    for (int i = 0; i < arrays->count; i++)
        if (!strcmp(arrays->items[i].name, name))
            return &arrays->items[i];
    return NULL;
}

/* ---- one array ---- */

const char *un_shape_text(int dims, const size_t *shape, char text[UN_SHAPE_TEXT])
{
    int n = sprintf(text, "[");
    for (int i = 0; i < dims; i++)
        n += sprintf(text + n, "%s%zu", i ? ", " : "", shape[i]);
    sprintf(text + n, "]");
    return text;
}

bool un_array_set_shape(struct un_array *array, int dims, const size_t *shape)
{
    array->dims = dims;
    array->count = 1;
    for (int i = 0; i < dims; i++) {
        array->shape[i] = shape[i];
        if (__builtin_mul_overflow(array->count, shape[i], &array->count))
            return false;
    }
    size_t stride = 1; /* of an array without values it may wrap around: nothing is reached by it */
    for (int i = dims; i-- > 0; stride *= shape[i])
        array->stride[i] = stride;
    return true;
}

bool un_array_is_contiguous(const struct un_array *array)
{
    size_t stride = 1;
    for (int i = array->dims; i-- > 0; stride *= array->shape[i])
        if (array->shape[i] != 1 && array->stride[i] != stride && array->count)
            return false;
    return true;
}

/* Converts row by row, or value by value where those of a row do not follow each other. */
static void convert_by_strides(const struct un_array *array, float *values)
{
    const size_t bytes = (size_t)array->dtype->bytes;
    const int last = array->dims - 1; /* an array without sides is contiguous */
    const bool whole = array->stride[last] == 1;
    const size_t run = whole ? array->shape[last] : 1, skip = whole ? 0 : array->stride[last];
    size_t index[UN_ARRAY_MAX_DIMS] = {0};
    for (size_t done = 0; done < array->count;) {
        size_t at = 0;
        for (int i = 0; i < last; i++)
            at += index[i] * array->stride[i];
        for (size_t i = 0; i < array->shape[last]; i += run, done += run)
            array->dtype->to_float(array->data + (at + i * skip) * bytes, run, values + done);
        for (int i = last; i-- > 0;) {
            if (++index[i] < array->shape[i])
                break;
            index[i] = 0;
        }
    }
}

unet_code un_array_to_float(const char *path, const struct un_array *array, float *values,
                            unet_error *err)
{
    if (!array->dtype->to_float)
        return un_fail(err, UNET_EFORMAT, "%s: tensor %.100s: is %s, wanted F32, F64, F16 or BF16",
                       path, array->name, array->dtype->name);
    if (un_array_is_contiguous(array))
        array->dtype->to_float(array->data, array->count, values);
    else
        convert_by_strides(array, values);
    for (size_t i = 0; i < array->count; i++)
        if (!isfinite(values[i]))
            return un_fail(err, UNET_EFORMAT, "%s: tensor %.100s: value %zu is %f, not finite",
                           path, array->name, i, (double)values[i]);
    return UNET_OK;
}
