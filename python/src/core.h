/* SPDX-License-Identifier: Apache-2.0 */
/*
 * core.h - unet_c._core, the C half of the Python package
 *
 * A function of the module takes arrays and plain values, makes one call into libunet with the
 * interpreter's lock released, and gives plain values back; names, defaults and shapes for people
 * are the Python half's.  What the library makes lives in capsules.
 *
 * Only the limited API of Python 3.9 is used, so one build serves all later versions.  That API has
 * no buffers before 3.11: an array is looked at by its __array_interface__, for which no header of
 * NumPy is needed.
 */
#ifndef CORE_H
#define CORE_H

#define PY_SSIZE_T_CLEAN
#define Py_LIMITED_API 0x03090000
#include <Python.h>

#include "unet_embed.h"
#include "unet_exchange.h"

/* ---- core_module.c ---- */

/* Raises the exception of an error; returns NULL. */
PyObject *core_fail(const unet_error *err);

/*
 * A capsule that frees `object` when it goes.  owner is kept alive until then; NULL: none.  Frees
 * the object where that fails, too.
 */
PyObject *core_wrap(void *object, const char *kind, void (*release)(void *), PyObject *owner);

/* The object of a capsule of this kind; NULL: raised. */
void *core_unwrap(PyObject *capsule, const char *kind);

#define CORE_MODEL "unet_c.model"
#define CORE_SESSION "unet_c.session"
#define CORE_DATASET "unet_c.dataset"
#define CORE_SURVEY "unet_c.survey"
#define CORE_RECIPE "unet_c.recipe"
#define CORE_SCORES "unet_c.scores"
#define CORE_MATCHES "unet_c.matches"

/* ---- core_call.c: a call that may take long ---- */

/*
 * Between core_begin() and core_end() other threads of Python run.  What the library tells in
 * between (progress, notes) takes the lock back for a moment, and looks for Ctrl-C.
 */
struct core_call {
    PyThreadState *state;
    PyObject *progress; /* called with what there is to tell; NULL or None: nobody asks */
    unet_log log;       /* notes become warnings */
};

void core_begin(struct core_call *call, PyObject *progress);

/* 0: go on.  Else raised: by what was called in between, or for code. */
int core_end(struct core_call *call, unet_code code, const unet_error *err);

/* Takes the lock, and gives it back; core_told() says whether an exception waits. */
void core_take(struct core_call *call);
int core_told(struct core_call *call);

/* For unet_answers and others; context is the call. */
int core_share(void *context, double share);

/* ---- core_array.c: NumPy's arrays ---- */

enum { CORE_DIMS = 4 };
struct core_array {
    char *data;
    int dims;
    Py_ssize_t shape[CORE_DIMS], stride[CORE_DIMS]; /* strides in bytes */
    char kind;                                      /* 'u', 'f', 'b', 'V' */
    Py_ssize_t bytes;                               /* of one value */
    int read_only;
};

/* 0: raised. */
int core_array_read(PyObject *array, struct core_array *read);

/* An image or a mask [height][width][channels].  0: raised. */
int core_view(PyObject *array, int prepared, unet_view *view);

/*
 * An array to be written: values of this kind and size, one behind the other, dims sides as wanted
 * (-1: any).  NULL: raised.
 */
void *core_output(PyObject *array, char kind, Py_ssize_t bytes, int dims, const Py_ssize_t *wanted);

/* ---- core_fields.c: settings by name ---- */

enum core_kind { CORE_SPEC, CORE_TRAIN, CORE_SESSION_OPTIONS, CORE_KNOWN };

/* Sets fields of an object from a list of (name, text).  0: raised. */
int core_fields_set(enum core_kind kind, void *object, PyObject *list);

/* A spec as a list of (name, text). */
PyObject *core_spec_list(const unet_spec *spec);

/* ---- what the module has ---- */

extern PyMethodDef core_fields_methods[], core_model_methods[], core_predict_methods[],
    core_data_methods[], core_train_methods[], core_objects_methods[], core_scores_methods[];

#endif
