/* SPDX-License-Identifier: Apache-2.0 */
/* core_fields.c - the library's tables of fields, from which the Python half makes its signatures
 */
#include "core.h"

#include "unet_fields.h"

static void fresh_spec(void *object)
{
    unet_spec_init(object, sizeof(unet_spec));
}

static void fresh_train(void *object)
{
    const unet_spec spec = unet_spec_default();
    unet_train_options_init(object, sizeof(unet_train_options), &spec);
}

static void fresh_session(void *object)
{
    *(unet_session_options *)object = (unet_session_options){.size = sizeof(unet_session_options)};
}

static void fresh_known(void *object)
{
    unet_known_init(object, sizeof(unet_known));
}

/* The functions of unet_fields.h for a struct. */
#define SET(type)                                                                                  \
    static unet_code type##_set_any(void *object, const char *field, const char *text,             \
                                    unet_error *err)                                               \
    {                                                                                              \
        return type##_set(object, field, text, err);                                               \
    }
#define GET(type)                                                                                  \
    static unet_code type##_get_any(const void *object, const char *field, char *text,             \
                                    size_t size)                                                   \
    {                                                                                              \
        return type##_get(object, field, text, size, NULL);                                        \
    }
SET(unet_spec)
SET(unet_train_options)
SET(unet_session_options)
SET(unet_known)
GET(unet_spec)
GET(unet_train_options)
GET(unet_session_options)

static const struct {
    const char *name;
    const unet_field *(*field)(int i);
    void (*fresh)(void *object);
    unet_code (*set)(void *object, const char *field, const char *text, unet_error *err);
    unet_code (*get)(const void *object, const char *field, char *text, size_t size);
} kinds[] = {
    [CORE_SPEC] = {"spec", unet_spec_field, fresh_spec, unet_spec_set_any, unet_spec_get_any},
    [CORE_TRAIN] = {"train", unet_train_options_field, fresh_train, unet_train_options_set_any,
                    unet_train_options_get_any},
    [CORE_SESSION_OPTIONS] = {"session", unet_session_options_field, fresh_session,
                              unet_session_options_set_any, unet_session_options_get_any},
    /* fields of a spec that a file may not tell; what is not known has no text */
    [CORE_KNOWN] = {"known", unet_spec_field, fresh_known, unet_known_set_any, NULL},
};

union any_object {
    unet_spec spec;
    unet_train_options train;
    unet_session_options session;
    unet_known known;
};

int core_fields_set(enum core_kind kind, void *object, PyObject *list)
{
    Py_ssize_t count = PyList_Size(list);
    for (Py_ssize_t i = 0; i < count; i++) {
        const char *name, *text;
        unet_error err;
        if (!PyArg_ParseTuple(PyList_GetItem(list, i), "ss", &name, &text))
            return 0;
        if (kinds[kind].set(object, name, text, &err)) {
            core_fail(&err);
            return 0;
        }
    }
    return count >= 0;
}

/* The words of a field, or None. */
static PyObject *words_of(const unet_field *field)
{
    if (!field->words)
        Py_RETURN_NONE;
    PyObject *list = PyList_New(0);
    for (int i = 0; list && field->words[i]; i++) {
        PyObject *word = PyUnicode_FromString(field->words[i]);
        if (!word || PyList_Append(list, word))
            Py_CLEAR(list);
        Py_XDECREF(word);
    }
    return list;
}

static PyObject *row_of(int kind, const unet_field *field, const void *fresh)
{
    static const char *const types[] = {
        [UNET_FIELD_INT] = "int",      [UNET_FIELD_LONG] = "int",  [UNET_FIELD_FLOAT] = "float",
        [UNET_FIELD_DOUBLE] = "float", [UNET_FIELD_FLAG] = "bool", [UNET_FIELD_CHOICE] = "str",
        [UNET_FIELD_SEED] = "int"};
    char text[32] = "";
    if (kinds[kind].get)
        kinds[kind].get(fresh, field->name, text, sizeof text);
    return Py_BuildValue("(sssNs)", field->name, types[field->type], text, words_of(field),
                         field->help);
}

/* Whether a field may be told of a file: the library takes it. */
static int is_told(int kind, const unet_field *field)
{
    union any_object object;
    unet_spec spec;
    char text[32];
    if (kind != CORE_KNOWN)
        return 1;
    fresh_known(&object);
    fresh_spec(&spec);
    spec.leaky_slope = 0.1f; /* 0 is out of its range */
    return !unet_spec_get(&spec, field->name, text, sizeof text, NULL) &&
           !unet_known_set(&object.known, field->name, text, NULL);
}

static PyObject *fields(PyObject *module, PyObject *args)
{
    union any_object object;
    const unet_field *field;
    int kind;
    (void)module;
    if (!PyArg_ParseTuple(args, "i", &kind))
        return NULL;
    if (kind < 0 || kind > CORE_KNOWN)
        return PyErr_Format(PyExc_ValueError, "no such table");
    kinds[kind].fresh(&object);
    PyObject *list = PyList_New(0);
    for (int i = 0; list && (field = kinds[kind].field(i)); i++) {
        if (!is_told(kind, field))
            continue;
        PyObject *row = row_of(kind, field, &object);
        if (!row || PyList_Append(list, row))
            Py_CLEAR(list);
        Py_XDECREF(row);
    }
    return list;
}

PyObject *core_spec_list(const unet_spec *spec)
{
    PyObject *list = PyList_New(0);
    const unet_field *field;
    char text[32];
    for (int i = 0; list && (field = unet_spec_field(i)); i++) {
        if (unet_spec_get(spec, field->name, text, sizeof text, NULL))
            continue; /* a slope that is not used */
        PyObject *row = Py_BuildValue("(ss)", field->name, text);
        if (!row || PyList_Append(list, row))
            Py_CLEAR(list);
        Py_XDECREF(row);
    }
    return list;
}

static PyObject *has(PyObject *module, PyObject *args)
{
    const char *feature;
    (void)module;
    return PyArg_ParseTuple(args, "s", &feature) ? PyBool_FromLong(unet_has(feature)) : NULL;
}

static PyObject *isa(PyObject *module, PyObject *args)
{
    (void)module;
    (void)args;
    return PyUnicode_FromString(unet_isa());
}

/* What networks can run on, and what UNET_DEVICE takes of it. */
static PyObject *devices(PyObject *module, PyObject *args)
{
    unet_device device, chosen;
    unet_error err;
    (void)module;
    (void)args;
    if (unet_device_chosen(&chosen, &err))
        return core_fail(&err);
    PyObject *list = PyList_New(0);
    for (int i = 0; list && !unet_device_get(i, &device, NULL); i++) {
        PyObject *row = Py_BuildValue(
            "{sisssssssKsisO}", "number", device.number, "name", device.name, "type", device.type,
            "driver", device.driver, "bytes", (unsigned long long)device.bytes, "units",
            device.units, "taken", device.number == chosen.number ? Py_True : Py_False);
        if (!row || PyList_Append(list, row))
            Py_CLEAR(list);
        Py_XDECREF(row);
    }
    return list;
}

PyMethodDef core_fields_methods[] = {
    {"fields", fields, METH_VARARGS, "fields(kind) -> [(name, type, default, words, help)]"},
    {"has", has, METH_VARARGS, "has(feature) -> bool"},
    {"isa", isa, METH_NOARGS, "isa() -> str"},
    {"devices", devices, METH_NOARGS,
     "devices() -> [{number, name, type, driver, bytes, units, taken}]"},
    {NULL, NULL, 0, NULL},
};
