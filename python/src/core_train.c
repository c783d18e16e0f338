/* SPDX-License-Identifier: Apache-2.0 */
/* core_train.c - recipes of `unet train`, and training */
#include "core.h"

#include <math.h>
#include <stdlib.h>

#include "recipe/presets.h"

static PyObject *preset_names(PyObject *module, PyObject *args)
{
    PyObject *list = PyList_New(0);
    (void)module;
    (void)args;
    for (int i = 0; list && preset_words[i]; i++) {
        PyObject *word = PyUnicode_FromString(preset_words[i]);
        if (!word || PyList_Append(list, word))
            Py_CLEAR(list);
        Py_XDECREF(word);
    }
    return list;
}

/* What a caller says of the network, as the recipes take it; text lives as long as the list. */
static int take_network(PyObject *list, struct network_settings *given)
{
    unet_spec tried = unet_spec_default();
    if (!core_fields_set(CORE_SPEC, &tried, list))
        return 0;
    for (Py_ssize_t i = 0; i < PyList_Size(list); i++) {
        const char *field, *text;
        if (!PyArg_ParseTuple(PyList_GetItem(list, i), "ss", &field, &text))
            return 0;
        said_put(&given->said, &said_spec, field, text);
    }
    return 1;
}

/* The recipe for a data set and its survey; `from` is the model that training begins with, or None.
 */
static PyObject *recipe(PyObject *module, PyObject *args)
{
    PyObject *of, *looked, *list, *from;
    int preset;
    double seconds;
    struct network_settings given = {0};
    const unet_dataset *dataset;
    const unet_survey *survey;
    const unet_model *model = NULL;
    struct recipe *made;
    (void)module;
    if (!PyArg_ParseTuple(args, "OOiO!dO", &of, &looked, &preset, &PyList_Type, &list, &seconds,
                          &from) ||
        !(dataset = core_unwrap(of, CORE_DATASET)) ||
        !(survey = core_unwrap(looked, CORE_SURVEY)) ||
        (from != Py_None && !(model = core_unwrap(from, CORE_MODEL))) ||
        !take_network(list, &given))
        return NULL;
    if (preset < 0 || preset >= PRESETS)
        return PyErr_Format(PyExc_ValueError, "no such preset");
    if (!(made = calloc(1, sizeof *made)))
        return PyErr_NoMemory();
    const struct preset_facts facts = {.data = unet_survey_all(survey),
                                       .seconds = seconds,
                                       .fine_tune = model != NULL,
                                       .objects = model ? unet_model_spec(model)->rims > 0
                                                        : unet_dataset_labels(dataset) == 2 &&
                                                              unet_dataset_objects(dataset, 0)};
    preset_make((enum preset)preset, &facts, &given, made);
    return core_wrap(made, CORE_RECIPE, free, NULL);
}

static PyObject *recipe_reasons(PyObject *module, PyObject *args)
{
    PyObject *capsule;
    const struct recipe *made;
    (void)module;
    if (!PyArg_ParseTuple(args, "O", &capsule) || !(made = core_unwrap(capsule, CORE_RECIPE)))
        return NULL;
    PyObject *list = PyList_New(0);
    for (int i = 0; list && i < made->reasons; i++) {
        PyObject *text = PyUnicode_FromString(made->reason[i]);
        if (!text || PyList_Append(list, text))
            Py_CLEAR(list);
        Py_XDECREF(text);
    }
    return list;
}

/* ---- training ---- */

/* None where there is no number. */
static PyObject *number(double value)
{
    if (!isfinite(value))
        Py_RETURN_NONE;
    return PyFloat_FromDouble(value);
}

static PyObject *class_dice(const unet_progress *p)
{
    if (!p->class_dice)
        Py_RETURN_NONE;
    PyObject *list = PyList_New(0);
    for (int i = 0; list && i < p->labels; i++) {
        PyObject *dice = number(p->class_dice[i]);
        if (!dice || PyList_Append(list, dice))
            Py_CLEAR(list);
        Py_XDECREF(dice);
    }
    return list;
}

static PyObject *progress_dict(const unet_progress *p)
{
    static const char *const events[] = {[UNET_EVENT_BEGIN] = "begin",
                                         [UNET_EVENT_STEP] = "step",
                                         [UNET_EVENT_EPOCH] = "epoch",
                                         [UNET_EVENT_CHECKPOINT] = "checkpoint",
                                         [UNET_EVENT_END] = "end"};
    return Py_BuildValue(
        "{sssisislslsNsNsNsdsNsNsNsNsNsOsisi}", "event", events[p->event], "epoch", p->epoch,
        "epochs", p->epochs, "step", p->step, "steps", p->steps, "loss", number(p->loss),
        "step_loss", number(p->step_loss), "rate", number(p->rate), "seconds", p->seconds,
        "seconds_left", number(p->seconds_left < 0 ? NAN : p->seconds_left), "val_loss",
        number(p->val_loss), "val_dice", number(p->val_dice), "val_iou", number(p->val_iou),
        "class_dice", class_dice(p), "improved", p->improved ? Py_True : Py_False, "best_epoch",
        p->best_epoch, "one_class", p->one_class);
}

static int on_progress(void *context, const unet_progress *progress)
{
    struct core_call *call = context;
    core_take(call);
    if (call->progress && !PyErr_Occurred()) {
        PyObject *told = progress_dict(progress);
        if (told)
            Py_XDECREF(PyObject_CallFunctionObjArgs(call->progress, told, NULL));
        Py_XDECREF(told);
    }
    return core_told(call);
}

/* Weights of classes from a list of floats.  0: raised. */
static int take_weights(PyObject *list, int labels, float weights[UNET_MAX_CLASSES])
{
    Py_ssize_t count = PyList_Size(list);
    if (count != labels) {
        PyErr_Format(PyExc_ValueError, "class_weights: found %zd numbers, wanted %d, one a class",
                     count, labels);
        return 0;
    }
    for (Py_ssize_t i = 0; i < count; i++)
        weights[i] = (float)PyFloat_AsDouble(PyList_GetItem(list, i));
    return !PyErr_Occurred();
}

/* The settings of a training: those of a recipe, with fields and weights in their place. */
static int take_training(PyObject *recipe, PyObject *fields, PyObject *list,
                         const unet_model *model, float weights[UNET_MAX_CLASSES],
                         unet_train_options *options)
{
    const struct recipe *made = core_unwrap(recipe, CORE_RECIPE);
    if (!made)
        return 0;
    *options = made->options;
    if (options->class_weights && made->spec.classes != unet_model_spec(model)->classes)
        options->class_weights = NULL;
    if (list != Py_None) {
        if (!take_weights(list, unet_model_labels(model), weights))
            return 0;
        options->class_weights = weights;
    }
    return core_fields_set(CORE_TRAIN, options, fields);
}

static PyObject *train(PyObject *module, PyObject *args)
{
    PyObject *of_model, *of_data, *of_held, *made, *fields, *list, *progress;
    float weights[UNET_MAX_CLASSES];
    unet_train_job job = {.size = sizeof job, .progress = on_progress};
    unet_train_options options;
    unet_error err;
    struct core_call call;
    (void)module;
    if (!PyArg_ParseTuple(args, "OOOOO!O(zzz)diO", &of_model, &of_data, &of_held, &made,
                          &PyList_Type, &fields, &list, &job.best_path, &job.last_path,
                          &job.checkpoint_path, &job.checkpoint_seconds, &job.resume, &progress) ||
        !(job.model = core_unwrap(of_model, CORE_MODEL)) ||
        !(job.dataset = core_unwrap(of_data, CORE_DATASET)) ||
        (of_held != Py_None && !(job.validation = core_unwrap(of_held, CORE_DATASET))) ||
        !take_training(made, fields, list, job.model, weights, &options))
        return NULL;
    job.context = &call;
    core_begin(&call, progress);
    if (core_end(&call, unet_train(&job, &options, &err), &err))
        return NULL;
    Py_RETURN_NONE;
}

PyMethodDef core_train_methods[] = {
    {"preset_names", preset_names, METH_NOARGS, "() -> [str]"},
    {"recipe", recipe, METH_VARARGS, "(dataset, survey, preset, fields, seconds, from) -> recipe"},
    {"recipe_reasons", recipe_reasons, METH_VARARGS, "(recipe) -> [str]"},
    {"train", train, METH_VARARGS,
     "(model, dataset, held_out, recipe, fields, weights, (best, last, checkpoint), seconds, "
     "resume, progress)"},
    {NULL, NULL, 0, NULL},
};
