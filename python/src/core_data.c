/* SPDX-License-Identifier: Apache-2.0 */
/* core_data.c - data sets: of arrays or files, their survey, what is held out */
#include "core.h"

#include <stdlib.h>
#include <string.h>

#include "check/check_words.h"

static void free_dataset(void *dataset)
{
    unet_dataset_free(dataset);
}

static void free_survey(void *survey)
{
    unet_survey_free(survey);
}

/*
 * (ignore, classes, model, like, labels, only_pairs, channels, fill, as_stored, keep_masks,
 * pair_image, pair_mask)
 */
static int take_options(PyObject *tuple, unet_dataset_options *options)
{
    PyObject *model, *like;
    *options = (unet_dataset_options){.size = sizeof *options};
    if (!PyArg_ParseTuple(tuple, "iiOOzizziizz", &options->ignore, &options->classes, &model, &like,
                          &options->labels, &options->only_pairs, &options->channels,
                          &options->fill, &options->as_stored, &options->keep_masks,
                          &options->pair_image, &options->pair_mask))
        return 0;
    if (model != Py_None && !(options->model = core_unwrap(model, CORE_MODEL)))
        return 0;
    return like == Py_None || (options->like = core_unwrap(like, CORE_DATASET));
}

static PyObject *dataset_open(PyObject *module, PyObject *args)
{
    const char *images, *masks;
    PyObject *tuple;
    unet_dataset_options options;
    unet_dataset *dataset = NULL;
    unet_error err;
    struct core_call call;
    (void)module;
    if (!PyArg_ParseTuple(args, "yyO!", &images, &masks, &PyTuple_Type, &tuple) ||
        !take_options(tuple, &options))
        return NULL;
    options.log = &call.log;
    core_begin(&call, NULL);
    if (core_end(&call, unet_dataset_open(images, masks, &options, &dataset, &err), &err))
        return NULL;
    return core_wrap(dataset, CORE_DATASET, free_dataset, NULL);
}

/* Pairs of a list of (name, image, mask), from malloc; NULL: raised. */
static unet_pair *take_pairs(PyObject *list, int prepared)
{
    Py_ssize_t count = PyList_Size(list);
    unet_pair *pairs = calloc((size_t)count + 1, sizeof *pairs);
    if (!pairs)
        PyErr_NoMemory();
    for (Py_ssize_t i = 0; pairs && i < count; i++) {
        PyObject *image, *mask;
        if (PyArg_ParseTuple(PyList_GetItem(list, i), "sOO", &pairs[i].name, &image, &mask) &&
            core_view(image, prepared, &pairs[i].image) && core_view(mask, 0, &pairs[i].mask))
            continue;
        free(pairs);
        return NULL;
    }
    return pairs;
}

static PyObject *dataset_from_arrays(PyObject *module, PyObject *args)
{
    PyObject *list, *tuple;
    int prepared;
    unet_dataset_options options;
    unet_dataset *dataset = NULL;
    unet_pair *pairs;
    unet_error err;
    struct core_call call;
    (void)module;
    if (!PyArg_ParseTuple(args, "O!iO!", &PyList_Type, &list, &prepared, &PyTuple_Type, &tuple) ||
        !take_options(tuple, &options) || !(pairs = take_pairs(list, prepared)))
        return NULL;
    const int count = (int)PyList_Size(list);
    options.log = &call.log;
    core_begin(&call, NULL);
    unet_code code = unet_dataset_from_arrays(pairs, count, &options, &dataset, &err);
    free(pairs);
    if (core_end(&call, code, &err))
        return NULL;
    return core_wrap(dataset, CORE_DATASET, free_dataset, NULL);
}

static PyObject *dataset_facts(PyObject *module, PyObject *args)
{
    PyObject *capsule;
    const unet_dataset *dataset;
    (void)module;
    if (!PyArg_ParseTuple(args, "O", &capsule) || !(dataset = core_unwrap(capsule, CORE_DATASET)))
        return NULL;
    return Py_BuildValue("{sisisissssss}", "count", unet_dataset_count(dataset), "channels",
                         unet_dataset_channels(dataset), "labels", unet_dataset_labels(dataset),
                         "masks", unet_dataset_coding_text(dataset), "left_out",
                         unet_dataset_left_out(dataset), "held_out",
                         unet_dataset_held_out_text(dataset));
}

/* Image i of a data set; NULL: raised. */
static const unet_image *item_of(PyObject *capsule, int i, const uint8_t **mask, const char **name)
{
    const unet_dataset *dataset = core_unwrap(capsule, CORE_DATASET);
    if (!dataset)
        return NULL;
    if (i >= 0 && i < unet_dataset_count(dataset))
        return unet_dataset_image(dataset, i, mask, name);
    PyErr_Format(PyExc_IndexError, "image %d of %d", i, unet_dataset_count(dataset));
    return NULL;
}

/* (name, height, width, whether its mask numbers objects) */
static PyObject *dataset_item(PyObject *module, PyObject *args)
{
    PyObject *capsule;
    int i;
    const uint8_t *mask;
    const char *name;
    const unet_image *image;
    (void)module;
    if (!PyArg_ParseTuple(args, "Oi", &capsule, &i) || !(image = item_of(capsule, i, &mask, &name)))
        return NULL;
    const int numbered = unet_dataset_objects(core_unwrap(capsule, CORE_DATASET), i) != NULL;
    return Py_BuildValue("(siiO)", name, image->height, image->width,
                         numbered ? Py_True : Py_False);
}

/* Copies classes, and object numbers where there are any, into arrays [height][width] or None. */
static PyObject *dataset_masks(PyObject *module, PyObject *args)
{
    PyObject *capsule, *classes, *ids;
    int i;
    const uint8_t *mask;
    const char *name;
    const unet_image *image;
    (void)module;
    if (!PyArg_ParseTuple(args, "OiOO", &capsule, &i, &classes, &ids) ||
        !(image = item_of(capsule, i, &mask, &name)))
        return NULL;
    const Py_ssize_t shape[2] = {image->height, image->width};
    const size_t count = (size_t)(shape[0] * shape[1]);
    const uint32_t *numbers = unet_dataset_objects(core_unwrap(capsule, CORE_DATASET), i);
    uint8_t *to = core_output(classes, 'u', 1, 2, shape);
    if (!to)
        return NULL;
    memcpy(to, mask, count);
    if (ids != Py_None && numbers) {
        uint32_t *to_ids = core_output(ids, 'u', 4, 2, shape);
        if (!to_ids)
            return NULL;
        memcpy(to_ids, numbers, count * sizeof *numbers);
    }
    Py_RETURN_NONE;
}

static PyObject *survey(PyObject *module, PyObject *args)
{
    PyObject *capsule;
    const unet_dataset *dataset;
    unet_survey *made = NULL;
    unet_error err;
    struct core_call call;
    (void)module;
    if (!PyArg_ParseTuple(args, "O", &capsule) || !(dataset = core_unwrap(capsule, CORE_DATASET)))
        return NULL;
    core_begin(&call, NULL);
    if (core_end(&call, unet_survey_dataset(dataset, NULL, &made, &err), &err))
        return NULL;
    return core_wrap(made, CORE_SURVEY, free_survey, capsule);
}

/* What the survey found, but notes; errors first, and of one kind one after the other. */
static PyObject *findings(PyObject *module, PyObject *args)
{
    PyObject *looked, *list;
    const unet_survey *made;
    (void)module;
    if (!PyArg_ParseTuple(args, "O", &looked) || !(made = core_unwrap(looked, CORE_SURVEY)) ||
        !(list = PyList_New(0)))
        return NULL;
    for (int i = 0; i < unet_survey_findings(made); i++) {
        const unet_finding *finding = unet_survey_finding(made, i);
        unet_finding bare = *finding;
        char text[640] = "";
        if (finding->severity < UNET_WARNING)
            break;
        bare.hints = 0;
        finding_words(&bare, text, sizeof text);
        const char *file = finding->file && !*finding->text ? finding->file : "";
        PyObject *row = Py_BuildValue("(iiNNI)", finding->severity == UNET_ERROR, finding->kind,
                                      PyUnicode_DecodeFSDefault(text),
                                      PyUnicode_DecodeFSDefault(file_name(file)), finding->hints);
        if (!row || PyList_Append(list, row)) {
            Py_XDECREF(row);
            Py_DECREF(list);
            return NULL;
        }
        Py_DECREF(row);
    }
    return list;
}

/* Puts a share of the images into a data set of their own; None where none is left for it. */
static PyObject *split(PyObject *module, PyObject *args)
{
    PyObject *capsule, *looked;
    double share;
    unsigned long long seed;
    unet_dataset *dataset, *held_out = NULL;
    const unet_survey *made;
    unet_error err;
    (void)module;
    if (!PyArg_ParseTuple(args, "OOdK", &looked, &capsule, &share, &seed) ||
        !(made = core_unwrap(looked, CORE_SURVEY)) ||
        !(dataset = core_unwrap(capsule, CORE_DATASET)))
        return NULL;
    if (unet_survey_split(made, dataset, share, seed, &held_out, &err))
        return core_fail(&err);
    return core_wrap(held_out, CORE_DATASET, free_dataset, NULL);
}

PyMethodDef core_data_methods[] = {
    {"dataset_open", dataset_open, METH_VARARGS, "(images, masks, options) -> dataset"},
    {"dataset_from_arrays", dataset_from_arrays, METH_VARARGS,
     "([(name, image, mask)], prepared, options) -> dataset"},
    {"dataset_facts", dataset_facts, METH_VARARGS, "(dataset) -> dict"},
    {"dataset_item", dataset_item, METH_VARARGS, "(dataset, i) -> (name, height, width, numbered)"},
    {"dataset_masks", dataset_masks, METH_VARARGS, "(dataset, i, classes, ids)"},
    {"survey", survey, METH_VARARGS, "(dataset) -> survey"},
    {"findings", findings, METH_VARARGS, "(survey) -> [(error, kind, text, file, hints)]"},
    {"split", split, METH_VARARGS, "(survey, dataset, share, seed) -> dataset"},
    {NULL, NULL, 0, NULL},
};
