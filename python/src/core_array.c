/* SPDX-License-Identifier: Apache-2.0 */
/* core_array.c - NumPy's arrays, by the dict that describes them */
#include "core.h"

#include <string.h>

/* Numbers of a tuple; how many, -1: raised. */
static int read_tuple(PyObject *tuple, Py_ssize_t *numbers)
{
    Py_ssize_t count = PyTuple_Size(tuple);
    if (count > CORE_DIMS)
        PyErr_Format(PyExc_ValueError, "%zd axes, at most %d wanted", count, CORE_DIMS);
    for (Py_ssize_t i = 0; i < count && !PyErr_Occurred(); i++)
        numbers[i] = PyLong_AsSsize_t(PyTuple_GetItem(tuple, i));
    return PyErr_Occurred() ? -1 : (int)count;
}

/* "<f4": only values as this machine has them. */
static int read_type(PyObject *text, struct core_array *read)
{
    const unsigned short one = 1;
    const char other = *(const char *)&one ? '>' : '<';
    PyObject *bytes = PyUnicode_AsASCIIString(text);
    const char *type = bytes ? PyBytes_AsString(bytes) : NULL;
    if (type) {
        read->kind = type[1];
        read->bytes = 0;
        for (const char *at = type + 2; *at >= '0' && *at <= '9'; at++)
            read->bytes = 10 * read->bytes + (*at - '0');
        if (type[0] == other || read->bytes < 1)
            PyErr_Format(PyExc_ValueError, "values of type %s", type);
    }
    Py_XDECREF(bytes);
    return PyErr_Occurred() ? -1 : 0;
}

static void close_strides(struct core_array *read)
{
    Py_ssize_t stride = read->bytes;
    for (int d = read->dims; d-- > 0; stride *= read->shape[d])
        read->stride[d] = stride;
}

static int read_interface(PyObject *interface, struct core_array *read)
{
    PyObject *shape = PyDict_GetItemString(interface, "shape");
    PyObject *type = PyDict_GetItemString(interface, "typestr");
    PyObject *data = PyDict_GetItemString(interface, "data");
    PyObject *strides = PyDict_GetItemString(interface, "strides");
    PyObject *address;
    if (!shape || !type || !data || !PyArg_ParseTuple(data, "Op", &address, &read->read_only))
        return -1;
    read->data = PyLong_AsVoidPtr(address);
    if (PyErr_Occurred() || (read->dims = read_tuple(shape, read->shape)) < 0 ||
        read_type(type, read))
        return -1;
    if (!strides || strides == Py_None)
        close_strides(read);
    else if (read_tuple(strides, read->stride) != read->dims)
        return -1;
    return 0;
}

int core_array_read(PyObject *array, struct core_array *read)
{
    PyObject *interface = PyObject_GetAttrString(array, "__array_interface__");
    int ok = interface && PyDict_Check(interface) && !read_interface(interface, read);
    Py_XDECREF(interface);
    if (!ok && !PyErr_Occurred())
        PyErr_SetString(PyExc_TypeError, "an array of NumPy wanted");
    return ok;
}

static int sample_of(const struct core_array *array, unet_sample *sample)
{
    static const struct {
        char kind;
        int bytes;
        unet_sample sample;
    } samples[] = {{'b', 1, UNET_U8},
                   {'u', 1, UNET_U8},
                   {'u', 2, UNET_U16},
                   {'u', 4, UNET_U32},
                   {'f', 4, UNET_F32}};
    for (size_t i = 0; i < sizeof samples / sizeof *samples; i++)
        if (samples[i].kind == array->kind && samples[i].bytes == array->bytes) {
            *sample = samples[i].sample;
            return 1;
        }
    PyErr_Format(PyExc_TypeError, "values of type %c%zd", array->kind, array->bytes);
    return 0;
}

int core_view(PyObject *object, int prepared, unet_view *view)
{
    struct core_array array;
    unet_sample sample;
    if (!core_array_read(object, &array) || !sample_of(&array, &sample))
        return 0;
    for (int d = 0; d < array.dims; d++)
        if (array.shape[d] > INT_MAX)
            array.dims = 0;
    if (array.dims != 3) {
        PyErr_SetString(PyExc_ValueError, "an array [height][width][channels] wanted");
        return 0;
    }
    *view = (unet_view){.data = array.data,
                        .height = (int)array.shape[0],
                        .width = (int)array.shape[1],
                        .channels = (int)array.shape[2],
                        .row = array.stride[0],
                        .column = array.stride[1],
                        .channel = array.stride[2],
                        .sample = sample,
                        .prepared = prepared};
    return 1;
}

void *core_output(PyObject *object, char kind, Py_ssize_t bytes, int dims, const Py_ssize_t *wanted)
{
    struct core_array array;
    if (!core_array_read(object, &array))
        return NULL;
    int fits = array.kind == kind && array.bytes == bytes && array.dims == dims && !array.read_only;
    Py_ssize_t stride = bytes;
    for (int d = dims; d-- > 0 && fits; stride *= array.shape[d])
        fits = (wanted[d] < 0 || array.shape[d] == wanted[d]) &&
               (array.stride[d] == stride || array.shape[d] == 1);
    if (fits)
        return array.data;
    PyErr_SetString(PyExc_ValueError, "the array for the result has another shape or type, is not "
                                      "contiguous or cannot be written");
    return NULL;
}
