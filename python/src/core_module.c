/* SPDX-License-Identifier: Apache-2.0 */
/* core_module.c - the module, its exceptions and capsules */
#include "core.h"

#include <string.h>

#include "unet_fields.h"

PyObject *core_fail(const unet_error *err)
{
    PyObject *errors = PyImport_ImportModule("unet_c._errors");
    PyObject *text =
        errors ? PyUnicode_DecodeUTF8(err->text, (Py_ssize_t)strlen(err->text), "backslashreplace")
               : NULL;
    PyObject *made =
        text ? PyObject_CallMethod(errors, "made", "iOI", err->code, text, err->hints) : NULL;
    PyObject *type = made ? PyObject_Type(made) : NULL;
    if (type)
        PyErr_SetObject(type, made);
    Py_XDECREF(type);
    Py_XDECREF(made);
    Py_XDECREF(text);
    Py_XDECREF(errors);
    return NULL;
}

/* ---- capsules ---- */

struct holder {
    void *object;
    void (*release)(void *);
    PyObject *owner;
};

static void forget(PyObject *capsule)
{
    struct holder *holder = PyCapsule_GetPointer(capsule, PyCapsule_GetName(capsule));
    holder->release(holder->object);
    Py_XDECREF(holder->owner);
    PyMem_Free(holder);
}

PyObject *core_wrap(void *object, const char *kind, void (*release)(void *), PyObject *owner)
{
    struct holder *holder = PyMem_Malloc(sizeof *holder);
    PyObject *capsule = NULL;
    if (!holder)
        PyErr_NoMemory();
    else
        capsule = PyCapsule_New(holder, kind, forget);
    if (!capsule) {
        release(object);
        PyMem_Free(holder);
        return NULL;
    }
    Py_XINCREF(owner);
    *holder = (struct holder){object, release, owner};
    return capsule;
}

void *core_unwrap(PyObject *capsule, const char *kind)
{
    struct holder *holder = PyCapsule_GetPointer(capsule, kind);
    return holder ? holder->object : NULL;
}

/* ---- the module ---- */

static int add_methods(PyObject *module)
{
    static PyMethodDef *const lists[] = {
        core_fields_methods, core_model_methods,   core_predict_methods, core_data_methods,
        core_train_methods,  core_objects_methods, core_scores_methods,
    };
    for (size_t i = 0; i < sizeof lists / sizeof *lists; i++)
        if (PyModule_AddFunctions(module, lists[i]))
            return -1;
    return PyModule_AddStringConstant(module, "version", unet_version()) ||
                   PyModule_AddIntConstant(module, "IGNORE", UNET_IGNORE)
               ? -1
               : 0;
}

PyMODINIT_FUNC PyInit__core(void);

PyMODINIT_FUNC PyInit__core(void)
{
    static PyModuleDef_Slot slots[] = {{Py_mod_exec, (void *)add_methods}, {0, NULL}};
    static PyModuleDef definition = {PyModuleDef_HEAD_INIT, .m_name = "unet_c._core",
                                     .m_doc = "libunet for the modules of unet_c",
                                     .m_slots = slots};
    return PyModuleDef_Init(&definition);
}
