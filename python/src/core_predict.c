/* SPDX-License-Identifier: Apache-2.0 */
/* core_predict.c - sessions, predictions, and images out of files */
#include "core.h"

#include <stdlib.h>
#include <string.h>

/* A session with what it points to. */
struct core_session {
    unet_session *session;
    int classes;
    const unet_model **others;
    unet_log log;
    struct core_call *call; /* the one at work, which hears notes */
};

static void hear(void *context, unet_severity severity, const char *text)
{
    struct core_session *held = context;
    if (held->call)
        held->call->log.note(held->call, severity, text);
}

static void free_session(void *object)
{
    struct core_session *held = object;
    unet_session_free(held->session);
    free(held->others);
    free(held);
}

/* Options of a session of models, a tuple of capsules; *first is the first.  0: raised. */
static int take_options(struct core_session *held, PyObject *models, PyObject *fields,
                        const char *fill, const unet_model **first, unet_session_options *options)
{
    Py_ssize_t count = PyTuple_Size(models);
    if (count < 1 || !(held->others = calloc((size_t)count, sizeof(*held->others)))) {
        PyErr_NoMemory();
        return 0;
    }
    for (Py_ssize_t i = 0; i < count; i++)
        if (!(held->others[i] = core_unwrap(PyTuple_GetItem(models, i), CORE_MODEL)))
            return 0;
    *first = held->others[0];
    held->classes = unet_model_spec(*first)->classes;
    held->log = (unet_log){hear, held};
    *options = (unet_session_options){.size = sizeof *options,
                                      .others = held->others + 1,
                                      .other_count = (int)count - 1,
                                      .log = &held->log,
                                      .fill = fill};
    return core_fields_set(CORE_SESSION_OPTIONS, options, fields);
}

static PyObject *session_create(PyObject *module, PyObject *args)
{
    PyObject *models, *fields;
    const char *fill;
    const unet_model *first;
    unet_session_options options;
    unet_error err;
    struct core_call call;
    struct core_session *held;
    (void)module;
    if (!PyArg_ParseTuple(args, "O!O!z", &PyTuple_Type, &models, &PyList_Type, &fields, &fill))
        return NULL;
    if (!(held = calloc(1, sizeof *held)))
        return PyErr_NoMemory();
    if (!take_options(held, models, fields, fill, &first, &options)) {
        free_session(held);
        return NULL;
    }
    core_begin(&call, NULL);
    held->call = &call;
    unet_code code = unet_session_create(first, &options, &held->session, &err);
    held->call = NULL;
    if (core_end(&call, code, &err)) {
        free_session(held);
        return NULL;
    }
    return core_wrap(held, CORE_SESSION, free_session, models);
}

static PyObject *session_bytes(PyObject *module, PyObject *args)
{
    PyObject *capsule;
    const struct core_session *held;
    (void)module;
    if (!PyArg_ParseTuple(args, "O", &capsule) || !(held = core_unwrap(capsule, CORE_SESSION)))
        return NULL;
    return PyLong_FromSize_t(unet_session_bytes(held->session));
}

/* The tile with which the prediction of an image stays below a number of bytes. */
static PyObject *plan_tile(PyObject *module, PyObject *args)
{
    PyObject *models, *fields, *image;
    unsigned long long limit;
    int scores;
    const unet_model *first;
    unet_session_options options;
    unet_memory_plan plan;
    unet_view view;
    unet_error err;
    struct core_session held = {0};
    (void)module;
    if (!PyArg_ParseTuple(args, "O!O!OKi", &PyTuple_Type, &models, &PyList_Type, &fields, &image,
                          &limit, &scores) ||
        !core_view(image, 0, &view))
        return NULL;
    if (!take_options(&held, models, fields, NULL, &first, &options)) {
        free(held.others);
        return NULL;
    }
    const unet_page page = {.height = view.height,
                            .width = view.width,
                            .channels = view.channels,
                            .sample = view.sample};
    const unet_stream stream = {.size = sizeof stream, .mask = !scores, .probabilities = scores};
    options.log = NULL;
    unet_code code = unet_plan_memory(first, &options, &page, &stream, limit, &plan, &err);
    free(held.others);
    return code ? core_fail(&err) : PyLong_FromLong(plan.tile);
}

/* Where answers go: arrays or None.  0: raised. */
static int take_answers(PyObject *mask, PyObject *logits, PyObject *probabilities, PyObject *inner,
                        const unet_view *image, int classes, unet_answers *answers)
{
    const Py_ssize_t shape[3] = {classes, image->height, image->width};
    if (mask != Py_None && !(answers->mask = core_output(mask, 'u', 1, 2, shape + 1)))
        return 0;
    if (logits != Py_None && !(answers->logits = core_output(logits, 'f', 4, 3, shape)))
        return 0;
    if (probabilities != Py_None &&
        !(answers->probabilities = core_output(probabilities, 'f', 4, 3, shape)))
        return 0;
    if (inner != Py_None && !(answers->inner = core_output(inner, 'u', 1, 2, shape + 1)))
        return 0;
    return 1;
}

/* Predicts a view; progress: a function, None, or NULL.  NULL: raised. */
static PyObject *answer(struct core_session *held, const unet_view *view, unet_answers *answers,
                        PyObject *progress)
{
    unet_error err;
    struct core_call call;
    answers->progress = core_share;
    answers->context = &call;
    core_begin(&call, progress);
    held->call = &call;
    unet_code code = unet_predict_view(held->session, view, answers, &err);
    held->call = NULL;
    if (core_end(&call, code, &err))
        return NULL;
    Py_RETURN_NONE;
}

static PyObject *predict(PyObject *module, PyObject *args)
{
    PyObject *capsule, *image, *mask, *logits, *probabilities, *inner, *progress;
    int prepared;
    struct core_session *held;
    unet_view view;
    unet_answers answers = {.size = sizeof answers};
    (void)module;
    if (!PyArg_ParseTuple(args, "OOiOOOOO", &capsule, &image, &prepared, &mask, &logits,
                          &probabilities, &inner, &progress) ||
        !(held = core_unwrap(capsule, CORE_SESSION)) || !core_view(image, prepared, &view) ||
        !take_answers(mask, logits, probabilities, inner, &view, held->classes, &answers))
        return NULL;
    return answer(held, &view, &answers, progress);
}

/* The mask of image i of a data set, and how deep its pixels lie in objects, or None. */
static PyObject *predict_item(PyObject *module, PyObject *args)
{
    PyObject *capsule, *data, *mask, *inner;
    int i;
    struct core_session *held;
    const unet_dataset *dataset;
    const uint8_t *truth;
    const char *name;
    unet_answers answers = {.size = sizeof answers};
    (void)module;
    if (!PyArg_ParseTuple(args, "OOiOO", &capsule, &data, &i, &mask, &inner) ||
        !(held = core_unwrap(capsule, CORE_SESSION)) ||
        !(dataset = core_unwrap(data, CORE_DATASET)))
        return NULL;
    if (i < 0 || i >= unet_dataset_count(dataset))
        return PyErr_Format(PyExc_IndexError, "image %d of %d", i, unet_dataset_count(dataset));
    const unet_image *image = unet_dataset_image(dataset, i, &truth, &name);
    const unet_view view = unet_view_of(image);
    if (!take_answers(mask, Py_None, Py_None, inner, &view, held->classes, &answers))
        return NULL;
    return answer(held, &view, &answers, NULL);
}

/* ---- files ---- */

static void free_image(void *image)
{
    unet_image_release(image);
    free(image);
}

#define CORE_IMAGE "unet_c.image"

/* An image of a file: (image, (height, width, channels), "u1", prepared). */
static PyObject *image_read(PyObject *module, PyObject *args)
{
    static const char *const types[] = {
        [UNET_U8] = "u1", [UNET_U16] = "u2", [UNET_F32] = "f4", [UNET_U32] = "u4"};
    const char *path;
    unet_image *image;
    unet_error err;
    struct core_call call;
    (void)module;
    if (!PyArg_ParseTuple(args, "y", &path))
        return NULL;
    if (!(image = calloc(1, sizeof *image)))
        return PyErr_NoMemory();
    core_begin(&call, NULL);
    if (core_end(&call, unet_image_read(path, image, &err), &err)) {
        free(image);
        return NULL;
    }
    PyObject *capsule = core_wrap(image, CORE_IMAGE, free_image, NULL);
    return capsule
               ? Py_BuildValue("(N(iii)sO)", capsule, image->height, image->width, image->channels,
                               types[image->sample], image->prepared ? Py_True : Py_False)
               : NULL;
}

/* Copies its samples into an array of that shape and type. */
static PyObject *image_copy(PyObject *module, PyObject *args)
{
    PyObject *capsule, *array;
    const unet_image *image;
    (void)module;
    if (!PyArg_ParseTuple(args, "OO", &capsule, &array) ||
        !(image = core_unwrap(capsule, CORE_IMAGE)))
        return NULL;
    const Py_ssize_t shape[3] = {image->height, image->width, image->channels};
    const Py_ssize_t bytes = image->sample == UNET_U8 ? 1 : image->sample == UNET_U16 ? 2 : 4;
    void *to = core_output(array, image->sample == UNET_F32 ? 'f' : 'u', bytes, 3, shape);
    if (!to)
        return NULL;
    memcpy(to, image->data, (size_t)(shape[0] * shape[1] * shape[2] * bytes));
    Py_RETURN_NONE;
}

PyMethodDef core_predict_methods[] = {
    {"session_create", session_create, METH_VARARGS, "(models, fields, fill) -> session"},
    {"session_bytes", session_bytes, METH_VARARGS, "(session) -> int"},
    {"plan_tile", plan_tile, METH_VARARGS, "(models, fields, image, bytes, scores) -> tile"},
    {"predict", predict, METH_VARARGS,
     "(session, image, prepared, mask, logits, probabilities, inner, progress)"},
    {"predict_item", predict_item, METH_VARARGS, "(session, dataset, i, mask, inner)"},
    {"image_read", image_read, METH_VARARGS, "(path) -> (image, shape, type, prepared)"},
    {"image_copy", image_copy, METH_VARARGS, "(image, array)"},
    {NULL, NULL, 0, NULL},
};
