/* SPDX-License-Identifier: Apache-2.0 */
/* core_objects.c - objects: their ids as an array, and their measurements as a table */
#include "core.h"

#include <stddef.h>

#include "unet_objects.h"

/* A column of the table: its name is that of the command's CSV file, docs/objects.md. */
struct column {
    const char *name, *type;
    size_t at;
};

#define AT(field) offsetof(unet_object, field)
static const struct column columns[] = {
    {"id", "u4", AT(id)},
    {"class", "i4", AT(label)},
    {"area_px", "f8", AT(pixels.area)},
    {"centroid_y_px", "f8", AT(pixels.y)},
    {"centroid_x_px", "f8", AT(pixels.x)},
    {"perimeter_px", "f8", AT(pixels.perimeter)},
    {"equivalent_diameter_px", "f8", AT(pixels.equivalent_diameter)},
    {"major_axis_px", "f8", AT(pixels.major_axis)},
    {"minor_axis_px", "f8", AT(pixels.minor_axis)},
    {"box_top_px", "i4", AT(top)},
    {"box_left_px", "i4", AT(left)},
    {"box_height_px", "i4", AT(height)},
    {"box_width_px", "i4", AT(width)},
    {"eccentricity", "f8", AT(eccentricity)},
    {"touches_edge", "i4", AT(touches_edge)},
    {"intensity_mean", "f8", AT(mean)},
    {"intensity_min", "f8", AT(minimum)},
    {"intensity_max", "f8", AT(maximum)},
    {"intensity_integrated", "f8", AT(integrated)},
    {"area", "f8", AT(physical.area)},
    {"centroid_y", "f8", AT(physical.y)},
    {"centroid_x", "f8", AT(physical.x)},
    {"perimeter", "f8", AT(physical.perimeter)},
    {"equivalent_diameter", "f8", AT(physical.equivalent_diameter)},
    {"major_axis", "f8", AT(physical.major_axis)},
    {"minor_axis", "f8", AT(physical.minor_axis)},
};

/* The rows of a table, and the bytes of one: of these NumPy makes its type. */
static PyObject *object_columns(PyObject *module, PyObject *args)
{
    PyObject *list = PyList_New(0);
    (void)module;
    (void)args;
    for (size_t i = 0; list && i < sizeof columns / sizeof *columns; i++) {
        PyObject *row =
            Py_BuildValue("(ssn)", columns[i].name, columns[i].type, (Py_ssize_t)columns[i].at);
        if (!row || PyList_Append(list, row))
            Py_CLEAR(list);
        Py_XDECREF(row);
    }
    return list ? Py_BuildValue("(Nn)", list, (Py_ssize_t)sizeof(unet_object)) : NULL;
}

#define CORE_OBJECTS "unet_c.objects"

static void free_objects(void *objects)
{
    unet_objects_free(objects);
}

/* (minimum_area, keep_holes, split, split_depth, channel, pixel_height, pixel_width, unit, memory)
 */
static int take_options(PyObject *tuple, unet_objects_options *options)
{
    const char *unit;
    unsigned long long memory;
    *options = (unet_objects_options){.size = sizeof *options, .progress = core_share};
    if (!PyArg_ParseTuple(tuple, "iiididdsK", &options->minimum_area, &options->keep_holes,
                          &options->split, &options->split_depth, &options->channel,
                          &options->pixel_height, &options->pixel_width, &unit, &memory))
        return 0;
    PyOS_snprintf(options->unit, sizeof options->unit, "%s", unit);
    options->memory = memory;
    return 1;
}

/* An image [height][width][channels], one sample behind the other, as the library measures it. */
static int take_image(PyObject *object, const unet_view *mask, unet_image *image)
{
    unet_view view;
    if (!core_view(object, 0, &view))
        return 0;
    *image = (unet_image){view.height, view.width, view.channels, view.sample, 0, NULL};
    image->data = (void *)view.data;
    if (view.height == mask->height && view.width == mask->width)
        return 1;
    PyErr_Format(PyExc_ValueError, "an image of %d x %d pixels, the mask has %d x %d", view.height,
                 view.width, mask->height, mask->width);
    return 0;
}

/* Measures a mask [height][width][1], of contiguous uint8.  learnt: None, or (model, inner), what
 * the model says of objects and inner [height][width][1] of them, None without rims. */
static PyObject *objects_measure(PyObject *module, PyObject *args)
{
    PyObject *of_mask, *of_image, *learnt, *tuple, *progress, *from = NULL, *of_inner = Py_None;
    int classes;
    unet_model *model = NULL;
    unet_view inner = {0};
    unet_objects_options options;
    unet_objects *objects = NULL;
    unet_view mask;
    unet_image image;
    unet_error err;
    struct core_call call;
    (void)module;
    if (!PyArg_ParseTuple(args, "OOOiO!O", &of_mask, &of_image, &learnt, &classes, &PyTuple_Type,
                          &tuple, &progress) ||
        (learnt != Py_None && (!PyArg_ParseTuple(learnt, "OO", &from, &of_inner) ||
                               !(model = core_unwrap(from, CORE_MODEL)))) ||
        (of_inner != Py_None && !core_view(of_inner, 0, &inner)) || !core_view(of_mask, 0, &mask) ||
        !take_options(tuple, &options) ||
        (of_image != Py_None && !take_image(of_image, &mask, &image)))
        return NULL;
    const unet_band band = {.rows = mask.height,
                            .width = mask.width,
                            .mask = mask.data,
                            .image = of_image == Py_None ? NULL : &image,
                            .inner = inner.data};
    if (model)
        unet_model_objects(model, &options);
    options.context = &call;
    core_begin(&call, progress);
    unet_code code =
        unet_objects_create(&options, mask.height, mask.width, classes, &objects, &err);
    if (!code && !(code = unet_objects_add(objects, &band, &err)))
        code = unet_objects_finish(objects, &err);
    if (core_end(&call, code, &err)) {
        unet_objects_free(objects);
        return NULL;
    }
    PyObject *capsule = core_wrap(objects, CORE_OBJECTS, free_objects, NULL);
    return capsule ? Py_BuildValue("(Nnn)", capsule, (Py_ssize_t)unet_objects_count(objects),
                                   (Py_ssize_t)unet_objects_left_whole(objects))
                   : NULL;
}

/* Fills ids [height][width] and a table of as many rows as there are objects. */
static PyObject *objects_read(PyObject *module, PyObject *args)
{
    PyObject *capsule, *of_ids, *of_table;
    int height, width;
    unet_objects *objects;
    unet_error err;
    (void)module;
    if (!PyArg_ParseTuple(args, "OiiOO", &capsule, &height, &width, &of_ids, &of_table) ||
        !(objects = core_unwrap(capsule, CORE_OBJECTS)))
        return NULL;
    const Py_ssize_t shape[2] = {height, width}, rows = (Py_ssize_t)unet_objects_count(objects);
    uint32_t *ids = core_output(of_ids, 'u', 4, 2, shape);
    unet_object *table = ids ? core_output(of_table, 'V', sizeof *table, 1, &rows) : NULL;
    if (!table)
        return NULL;
    if (unet_objects_rows(objects, 0, height, ids, &err))
        return core_fail(&err);
    for (Py_ssize_t i = 0; i < rows; i++)
        if (unet_objects_get(objects, (size_t)i, &table[i], &err))
            return core_fail(&err);
    Py_RETURN_NONE;
}

static PyObject *objects_write_rois(PyObject *module, PyObject *args)
{
    PyObject *capsule;
    const char *path;
    unet_objects *objects;
    unet_error err;
    (void)module;
    if (!PyArg_ParseTuple(args, "Oy", &capsule, &path) ||
        !(objects = core_unwrap(capsule, CORE_OBJECTS)))
        return NULL;
    if (unet_objects_write_rois(objects, path, &err))
        return core_fail(&err);
    Py_RETURN_NONE;
}

PyMethodDef core_objects_methods[] = {
    {"object_columns", object_columns, METH_NOARGS, "() -> ([(name, type, offset)], bytes)"},
    {"objects_measure", objects_measure, METH_VARARGS,
     "(mask, image, learnt, classes, options, progress) -> (objects, count, left_whole)"},
    {"objects_read", objects_read, METH_VARARGS, "(objects, height, width, ids, table)"},
    {"objects_write_rois", objects_write_rois, METH_VARARGS, "(objects, path)"},
    {NULL, NULL, 0, NULL},
};
