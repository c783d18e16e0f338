/* SPDX-License-Identifier: Apache-2.0 */
/* core_scores.c - scores of pixels and of objects */
#include "core.h"

#include <math.h>
#include <stdlib.h>

#include "unet_scores.h"

static void free_scores(void *scores)
{
    unet_scores_free(scores);
}

static PyObject *number(double value)
{
    if (isnan(value))
        Py_RETURN_NONE;
    return PyFloat_FromDouble(value);
}

static PyObject *scores_create(PyObject *module, PyObject *args)
{
    int labels;
    (void)module;
    if (!PyArg_ParseTuple(args, "i", &labels))
        return NULL;
    unet_scores *scores = unet_scores_create(labels);
    return scores ? core_wrap(scores, CORE_SCORES, free_scores, NULL) : PyErr_NoMemory();
}

/* Two contiguous masks [height][width]; NULL: raised. */
static int take_masks(PyObject *of_one, PyObject *of_two, char kind, Py_ssize_t bytes,
                      const void **one, const void **two, size_t *count)
{
    struct core_array array;
    const Py_ssize_t any[2] = {-1, -1};
    if (!core_array_read(of_one, &array) || !(*one = core_output(of_one, kind, bytes, 2, any)) ||
        !(*two = core_output(of_two, kind, bytes, 2, array.shape)))
        return 0;
    *count = (size_t)(array.shape[0] * array.shape[1]);
    return 1;
}

static PyObject *scores_add(PyObject *module, PyObject *args)
{
    PyObject *capsule, *of_predicted, *of_truth;
    unet_scores *scores;
    const void *predicted, *truth;
    size_t count;
    struct core_call call;
    (void)module;
    if (!PyArg_ParseTuple(args, "OOO", &capsule, &of_predicted, &of_truth) ||
        !(scores = core_unwrap(capsule, CORE_SCORES)) ||
        !take_masks(of_predicted, of_truth, 'u', 1, &predicted, &truth, &count))
        return NULL;
    core_begin(&call, NULL);
    unet_scores_add(scores, predicted, truth, count);
    core_end(&call, UNET_OK, NULL);
    Py_RETURN_NONE;
}

static PyObject *scores_merge(PyObject *module, PyObject *args)
{
    PyObject *to, *from;
    unet_scores *scores;
    const unet_scores *more;
    (void)module;
    if (!PyArg_ParseTuple(args, "OO", &to, &from) || !(scores = core_unwrap(to, CORE_SCORES)) ||
        !(more = core_unwrap(from, CORE_SCORES)))
        return NULL;
    unet_scores_merge(scores, more);
    Py_RETURN_NONE;
}

/* Rows of truth, columns of what was predicted; of a class alone: its scores. */
static PyObject *class_row(const unet_scores *scores, int label)
{
    unsigned long long pixels = 0;
    for (int predicted = 0; predicted <= unet_scores_labels(scores); predicted++)
        pixels += unet_scores_pixels(scores, label, predicted);
    return Py_BuildValue("{sisNsNsNsNsK}", "class", label, "dice",
                         number(unet_scores_dice(scores, label)), "iou",
                         number(unet_scores_iou(scores, label)), "precision",
                         number(unet_scores_precision(scores, label)), "recall",
                         number(unet_scores_recall(scores, label)), "pixels", pixels);
}

static PyObject *confusion_row(const unet_scores *scores, int label)
{
    PyObject *row = PyList_New(0);
    for (int predicted = 0; row && predicted < unet_scores_labels(scores); predicted++) {
        PyObject *pixels =
            PyLong_FromUnsignedLongLong(unet_scores_pixels(scores, label, predicted));
        if (!pixels || PyList_Append(row, pixels))
            Py_CLEAR(row);
        Py_XDECREF(pixels);
    }
    return row;
}

static PyObject *rows_of(const unet_scores *scores,
                         PyObject *(*make)(const unet_scores *scores, int label))
{
    PyObject *list = PyList_New(0);
    for (int label = 0; list && label < unet_scores_labels(scores); label++) {
        PyObject *row = make(scores, label);
        if (!row || PyList_Append(list, row))
            Py_CLEAR(list);
        Py_XDECREF(row);
    }
    return list;
}

/* The names are those of `unet eval --json`. */
static PyObject *scores_read(PyObject *module, PyObject *args)
{
    PyObject *capsule;
    const unet_scores *scores;
    (void)module;
    if (!PyArg_ParseTuple(args, "O", &capsule) || !(scores = core_unwrap(capsule, CORE_SCORES)))
        return NULL;
    return Py_BuildValue("{sNsNsNsNsNsN}", "mean_dice", number(unet_scores_mean_dice(scores)),
                         "all_dice", number(unet_scores_all_dice(scores)), "mean_iou",
                         number(unet_scores_mean_iou(scores)), "accuracy",
                         number(unet_scores_accuracy(scores)), "classes",
                         rows_of(scores, class_row), "confusion", rows_of(scores, confusion_row));
}

/* ---- objects ---- */

static PyObject *matches_create(PyObject *module, PyObject *args)
{
    (void)module;
    (void)args;
    unet_matches *matches = calloc(1, sizeof *matches);
    return matches ? core_wrap(matches, CORE_MATCHES, free, NULL) : PyErr_NoMemory();
}

/* Ids [height][width] of what was predicted and of the truth; mask as there. */
static PyObject *matches_add(PyObject *module, PyObject *args)
{
    PyObject *capsule, *of_predicted, *of_truth, *of_mask;
    unet_matches *matches;
    const void *predicted, *truth, *mask, *same;
    size_t count, pixels;
    unet_error err;
    struct core_call call;
    (void)module;
    if (!PyArg_ParseTuple(args, "OOOO", &capsule, &of_predicted, &of_truth, &of_mask) ||
        !(matches = core_unwrap(capsule, CORE_MATCHES)) ||
        !take_masks(of_predicted, of_truth, 'u', 4, &predicted, &truth, &count) ||
        !take_masks(of_mask, of_mask, 'u', 1, &mask, &same, &pixels))
        return NULL;
    if (pixels != count)
        return PyErr_Format(PyExc_ValueError, "masks of different sizes");
    core_begin(&call, NULL);
    if (core_end(&call, unet_matches_add(matches, predicted, truth, mask, count, &err), &err))
        return NULL;
    Py_RETURN_NONE;
}

static PyObject *matches_merge(PyObject *module, PyObject *args)
{
    PyObject *to, *from;
    unet_matches *matches;
    const unet_matches *more;
    (void)module;
    if (!PyArg_ParseTuple(args, "OO", &to, &from) || !(matches = core_unwrap(to, CORE_MATCHES)) ||
        !(more = core_unwrap(from, CORE_MATCHES)))
        return NULL;
    unet_matches_merge(matches, more);
    Py_RETURN_NONE;
}

static PyObject *steps(const double values[UNET_MATCH_STEPS])
{
    PyObject *list = PyList_New(0);
    for (int i = 0; list && i < UNET_MATCH_STEPS; i++) {
        PyObject *value = number(values[i]);
        if (!value || PyList_Append(list, value))
            Py_CLEAR(list);
        Py_XDECREF(value);
    }
    return list;
}

static PyObject *matches_read(PyObject *module, PyObject *args)
{
    PyObject *capsule;
    const unet_matches *matches;
    (void)module;
    if (!PyArg_ParseTuple(args, "O", &capsule) || !(matches = core_unwrap(capsule, CORE_MATCHES)))
        return NULL;
    const unet_match_scores s = unet_matches_scores(matches);
    return Py_BuildValue("{sKsKsKsNsNsNsNsNsNsNsNsN}", "true", (unsigned long long)matches->truth,
                         "predicted", (unsigned long long)matches->predicted, "matched",
                         (unsigned long long)matches->matched[0], "f1", steps(s.f1), "precision",
                         steps(s.precision), "recall", steps(s.recall), "ap", steps(s.ap),
                         "mean_ap", number(s.mean_ap), "pq", number(s.pq), "sq", number(s.sq), "rq",
                         number(s.rq), "seg", number(s.seg));
}

PyMethodDef core_scores_methods[] = {
    {"scores_create", scores_create, METH_VARARGS, "(labels) -> scores"},
    {"scores_add", scores_add, METH_VARARGS, "(scores, predicted, truth)"},
    {"scores_merge", scores_merge, METH_VARARGS, "(scores, more)"},
    {"scores_read", scores_read, METH_VARARGS, "(scores) -> dict"},
    {"matches_create", matches_create, METH_NOARGS, "() -> matches"},
    {"matches_add", matches_add, METH_VARARGS, "(matches, predicted, truth, mask)"},
    {"matches_merge", matches_merge, METH_VARARGS, "(matches, more)"},
    {"matches_read", matches_read, METH_VARARGS, "(matches) -> dict"},
    {NULL, NULL, 0, NULL},
};
