/* SPDX-License-Identifier: Apache-2.0 */
/* core_model.c - models: made, read, written, looked at */
#include "core.h"

#include <stdlib.h>

#include "recipe/presets.h"

static void free_model(void *model)
{
    unet_model_free(model);
}

static PyObject *wrap_model(unet_model *model)
{
    return core_wrap(model, CORE_MODEL, free_model, NULL);
}

/* Of a recipe, or of the library's defaults; with fields in their place. */
static PyObject *model_create(PyObject *module, PyObject *args)
{
    PyObject *fields, *recipe;
    unsigned long long seed;
    unet_spec spec = unet_spec_default();
    unet_model *model = NULL;
    unet_error err;
    struct core_call call;
    (void)module;
    if (!PyArg_ParseTuple(args, "O!KO", &PyList_Type, &fields, &seed, &recipe))
        return NULL;
    if (recipe != Py_None) {
        const struct recipe *made = core_unwrap(recipe, CORE_RECIPE);
        if (!made)
            return NULL;
        spec = made->spec;
    }
    if (!core_fields_set(CORE_SPEC, &spec, fields))
        return NULL;
    core_begin(&call, NULL);
    if (core_end(&call, unet_model_create(&spec, seed, &model, &err), &err))
        return NULL;
    return wrap_model(model);
}

/* A model, and where it came from. */
static PyObject *imported(unet_model *model, const unet_origin *origin)
{
    PyObject *guesses = PyList_New(0), *capsule = wrap_model(model);
    for (int i = 0; guesses && i < origin->guesses; i++) {
        PyObject *row = Py_BuildValue("(ss)", origin->guess[i].field, origin->guess[i].from);
        if (!row || PyList_Append(guesses, row))
            Py_CLEAR(guesses);
        Py_XDECREF(row);
    }
    if (!guesses || !capsule) {
        Py_XDECREF(guesses);
        Py_XDECREF(capsule);
        return NULL;
    }
    return Py_BuildValue("(N{sssssisN})", capsule, "format", origin->format, "layout",
                         origin->layout, "arrays", origin->arrays, "guesses", guesses);
}

/* How images become input: what of a network is known beside its fields. */
struct input {
    int standardize;
    const char *mean, *std;
};

static int take_known(PyObject *list, int decoder, const struct input *input, unet_known *known)
{
    *known = unet_known_nothing();
    if (!core_fields_set(CORE_KNOWN, known, list))
        return 0;
    known->decoder = decoder;
    known->standardize = input->standardize;
    known->mean = input->mean;
    known->std = input->std;
    return 1;
}

static PyObject *model_load(PyObject *module, PyObject *args)
{
    const char *path;
    PyObject *list;
    int decoder;
    struct input input = {0, NULL, NULL};
    unet_known known;
    unet_model *model = NULL;
    unet_origin origin;
    unet_error err;
    struct core_call call;
    (void)module;
    if (!PyArg_ParseTuple(args, "yO!ii|zz", &path, &PyList_Type, &list, &decoder,
                          &input.standardize, &input.mean, &input.std) ||
        !take_known(list, decoder, &input, &known))
        return NULL;
    core_begin(&call, NULL);
    if (core_end(&call, unet_model_import(path, &known, &model, &origin, &err), &err))
        return NULL;
    return imported(model, &origin);
}

/* The tensors of a list of (name, contiguous float32 array); *tensors from malloc.  0: raised. */
static int take_tensors(PyObject *list, unet_tensor **tensors, int *count)
{
    Py_ssize_t size = PyList_Size(list);
    unet_tensor *made = calloc((size_t)size + 1, sizeof *made);
    if (!made)
        PyErr_NoMemory();
    for (Py_ssize_t i = 0; made && i < size && !PyErr_Occurred(); i++) {
        struct core_array array;
        PyObject *object;
        if (!PyArg_ParseTuple(PyList_GetItem(list, i), "sO", &made[i].name, &object) ||
            !core_array_read(object, &array))
            break;
        if (array.kind != 'f' || array.bytes != sizeof(float))
            PyErr_Format(PyExc_TypeError, "%s: float32 wanted", made[i].name);
        made[i].dims = array.dims;
        for (int d = 0; d < array.dims; d++)
            made[i].shape[d] = array.shape[d] > INT_MAX ? -1 : (int)array.shape[d];
        made[i].data = (float *)(void *)array.data;
    }
    if (PyErr_Occurred()) {
        free(made);
        return 0;
    }
    *tensors = made;
    *count = (int)size;
    return 1;
}

static PyObject *model_from_tensors(PyObject *module, PyObject *args)
{
    PyObject *list, *fields;
    int decoder, count;
    struct input input = {0, NULL, NULL};
    unet_known known;
    unet_tensor *tensors;
    unet_model *model = NULL;
    unet_origin origin;
    unet_error err;
    struct core_call call;
    (void)module;
    if (!PyArg_ParseTuple(args, "O!O!ii|zz", &PyList_Type, &list, &PyList_Type, &fields, &decoder,
                          &input.standardize, &input.mean, &input.std) ||
        !take_known(fields, decoder, &input, &known) || !take_tensors(list, &tensors, &count))
        return NULL;
    core_begin(&call, NULL);
    unet_code code = unet_model_from_tensors(tensors, count, &known, &model, &origin, &err);
    free(tensors);
    return core_end(&call, code, &err) ? NULL : imported(model, &origin);
}

static PyObject *model_copy(PyObject *module, PyObject *args)
{
    PyObject *capsule;
    int channels, classes;
    unsigned long long seed;
    unet_model *from, *copy = NULL;
    unet_error err;
    struct core_call call;
    (void)module;
    if (!PyArg_ParseTuple(args, "OiiK", &capsule, &channels, &classes, &seed) ||
        !(from = core_unwrap(capsule, CORE_MODEL)))
        return NULL;
    const unet_spec *spec = unet_model_spec(from);
    core_begin(&call, NULL);
    unet_code code = channels == spec->in_channels && classes == spec->classes
                         ? unet_model_copy(from, &copy, &err)
                         : unet_model_adapt(from, channels, classes, seed, &copy, NULL, &err);
    return core_end(&call, code, &err) ? NULL : wrap_model(copy);
}

static PyObject *model_save(PyObject *module, PyObject *args)
{
    PyObject *capsule;
    const char *path;
    const unet_model *model;
    unet_error err;
    struct core_call call;
    (void)module;
    if (!PyArg_ParseTuple(args, "Oy", &capsule, &path) ||
        !(model = core_unwrap(capsule, CORE_MODEL)))
        return NULL;
    core_begin(&call, NULL);
    if (core_end(&call, unet_model_save(model, path, &err), &err))
        return NULL;
    Py_RETURN_NONE;
}

static PyObject *model_export(PyObject *module, PyObject *args)
{
    PyObject *capsule;
    const char *path;
    unet_export_options options = {.size = sizeof options};
    const unet_model *model;
    unet_error err;
    struct core_call call;
    (void)module;
    if (!PyArg_ParseTuple(args, "Oyzizzz", &capsule, &path, &options.names, &options.normalize,
                          &options.author, &options.license, &options.about) ||
        !(model = core_unwrap(capsule, CORE_MODEL)))
        return NULL;
    core_begin(&call, NULL);
    if (core_end(&call, unet_model_export(model, path, &options, &err), &err))
        return NULL;
    Py_RETURN_NONE;
}

static PyObject *model_classes(const unet_model *model)
{
    PyObject *list = PyList_New(0);
    for (int i = 0; list && i < unet_model_labels(model); i++) {
        uint8_t rgb[3];
        const char *name = unet_model_class(model, i, rgb);
        PyObject *row = Py_BuildValue("(s(iii))", name, rgb[0], rgb[1], rgb[2]);
        if (!row || PyList_Append(list, row))
            Py_CLEAR(list);
        Py_XDECREF(row);
    }
    return list;
}

/* What there is to know: the spec, classes, settings of the training, how masks were read. */
static PyObject *model_facts(PyObject *module, PyObject *args)
{
    PyObject *capsule;
    const unet_model *model;
    char coding[512], fill[64];
    (void)module;
    if (!PyArg_ParseTuple(args, "O", &capsule) || !(model = core_unwrap(capsule, CORE_MODEL)))
        return NULL;
    unet_model_coding_text(model, coding, sizeof coding);
    unet_model_fill_text(model, fill, sizeof fill);
    return Py_BuildValue("{sNsNsssssssi}", "spec", core_spec_list(unet_model_spec(model)),
                         "classes", model_classes(model), "settings", unet_model_settings(model),
                         "masks", coding, "fill", fill, "labels", unet_model_labels(model));
}

static PyObject *model_set_class(PyObject *module, PyObject *args)
{
    PyObject *capsule;
    const char *name;
    int label, red, green, blue;
    unet_model *model;
    unet_error err;
    (void)module;
    if (!PyArg_ParseTuple(args, "Oizi(ii)", &capsule, &label, &name, &red, &green, &blue) ||
        !(model = core_unwrap(capsule, CORE_MODEL)))
        return NULL;
    const uint8_t rgb[3] = {(uint8_t)red, (uint8_t)green, (uint8_t)blue};
    if (unet_model_set_class(model, label, name, red < 0 ? NULL : rgb, &err))
        return core_fail(&err);
    Py_RETURN_NONE;
}

PyMethodDef core_model_methods[] = {
    {"model_create", model_create, METH_VARARGS, "(fields, seed, recipe) -> model"},
    {"model_load", model_load, METH_VARARGS,
     "(path, known, decoder, standardize, mean, std) -> (model, origin)"},
    {"model_from_tensors", model_from_tensors, METH_VARARGS,
     "([(name, array)], known, decoder, standardize, mean, std) -> (model, origin)"},
    {"model_copy", model_copy, METH_VARARGS, "(model, in_channels, classes, seed) -> model"},
    {"model_save", model_save, METH_VARARGS, "(model, path)"},
    {"model_export", model_export, METH_VARARGS,
     "(model, path, names, normalize, author, license, about)"},
    {"model_facts", model_facts, METH_VARARGS, "(model) -> dict"},
    {"model_set_class", model_set_class, METH_VARARGS, "(model, label, name, red, (green, blue))"},
    {NULL, NULL, 0, NULL},
};
