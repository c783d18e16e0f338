/* SPDX-License-Identifier: Apache-2.0 */
/* core_call.c - calls of the library during which other threads of Python run */
#include "core.h"

/* A note becomes a warning; where warnings are errors, that is raised when the call ends. */
static void note(void *context, unet_severity severity, const char *text)
{
    struct core_call *call = context;
    (void)severity;
    core_take(call);
    PyObject *errors = PyErr_Occurred() ? NULL : PyImport_ImportModule("unet_c._errors");
    if (errors)
        Py_XDECREF(PyObject_CallMethod(errors, "note", "s", text));
    Py_XDECREF(errors);
    core_told(call);
}

void core_begin(struct core_call *call, PyObject *progress)
{
    call->progress = progress == Py_None ? NULL : progress;
    call->log = (unet_log){note, call};
    call->state = PyEval_SaveThread();
}

int core_end(struct core_call *call, unet_code code, const unet_error *err)
{
    PyEval_RestoreThread(call->state);
    call->state = NULL;
    if (PyErr_Occurred())
        return -1;
    if (code)
        core_fail(err);
    return code ? -1 : 0;
}

void core_take(struct core_call *call)
{
    PyEval_RestoreThread(call->state);
}

int core_told(struct core_call *call)
{
    int stop = PyErr_Occurred() != NULL || PyErr_CheckSignals();
    call->state = PyEval_SaveThread();
    return stop;
}

int core_share(void *context, double share)
{
    struct core_call *call = context;
    core_take(call);
    if (call->progress && !PyErr_Occurred())
        Py_XDECREF(PyObject_CallFunction(call->progress, "d", share));
    return core_told(call);
}
