/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The two formats that packages have:
 *
 *   0.4   inputs[].axes "bcyx", test_inputs [file], steps {name, kwargs}, weights.X.kwargs
 *   0.5   inputs[].axes [{type, id, channel_names}], inputs[].test_tensor {source, sha256},
 *         steps {id, kwargs}, weights.X.architecture.kwargs
 */
#include "model/bioimage/rdf.h"

#include <stdio.h>
#include <string.h>

#include "base/yaml.h"

static const char *const weights_names[UN_RDF_WEIGHTS] = {"onnx", "torchscript",
                                                          "pytorch_state_dict"};

const char *un_rdf_weights_name(enum un_rdf_weights kind)
{
    return weights_names[kind];
}

const json_t *un_rdf_get(const json_t *object, const char *key)
{
    const json_t *found = json_object_get(object, key);
    return json_is_null(found) ? NULL : found;
}

static const char *text_of(const json_t *object, const char *key)
{
    return json_string_value(un_rdf_get(object, key));
}

/* A file by its name, or by {source, sha256}. */
static struct un_rdf_file file_of(const json_t *value)
{
    if (json_is_string(value))
        return (struct un_rdf_file){json_string_value(value), NULL};
    return (struct un_rdf_file){text_of(value, "source"), text_of(value, "sha256")};
}

/* The letter of an axis, 0: one that a network here does not have. */
static char letter_of(const json_t *axis)
{
    static const char *const types[] = {"batch", "channel", NULL};
    const char *type = text_of(axis, "type"), *id = text_of(axis, "id");
    for (int i = 0; types[i] && type; i++)
        if (!strcmp(type, types[i]))
            return *types[i];
    return id && strlen(id) == 1 && strchr("bcyx", *id) ? *id : 0;
}

static unet_code read_axes(const struct un_rdf *rdf, const char *which, const json_t *axes,
                           struct un_rdf_tensor *tensor, unet_error *err)
{
    const char *text = json_string_value(axes);
    const size_t count = text ? strlen(text) : json_array_size(axes);
    bool known = count <= UN_RDF_AXES;
    for (size_t i = 0; i < count && known; i++) {
        const json_t *axis = text ? NULL : json_array_get(axes, i);
        const char letter = text ? text[i] : letter_of(axis);
        known = letter && strchr("bcyx", letter) && !strchr(tensor->axes, letter);
        tensor->axes[i] = letter;
        if (known && letter == 'c' && axis)
            tensor->names = un_rdf_get(axis, "channel_names");
    }
    if (known && strchr(tensor->axes, 'y') && strchr(tensor->axes, 'x'))
        return UNET_OK;
    return un_fail(err, UNET_EFORMAT,
                   "%s: the axes of its %s are not those of images: batch, channel, y and x, in "
                   "any order, are read; no volumes and series",
                   rdf->what, which);
}

static unet_code read_tensor(const struct un_rdf *rdf, const char *which, const char *tests,
                             const char *steps, struct un_rdf_tensor *tensor, unet_error *err)
{
    const json_t *list = un_rdf_get(rdf->root, which), *one = json_array_get(list, 0);
    const bool several = json_array_size(list) > 1;
    if (!json_is_object(one) || (several && !strcmp(which, "inputs")))
        return un_fail(err, UNET_EFORMAT, "%s: has %zu %s, wanted one", rdf->what,
                       json_array_size(list), which);
    tensor->steps = un_rdf_get(one, steps);
    const json_t *test = un_rdf_get(one, "test_tensor");
    tensor->test = file_of(test ? test : json_array_get(un_rdf_get(rdf->root, tests), 0));
    return read_axes(rdf, which, un_rdf_get(one, "axes"), tensor, err);
}

static void read_weights(struct un_rdf *rdf)
{
    const json_t *weights = un_rdf_get(rdf->root, "weights");
    for (int i = 0; i < UN_RDF_WEIGHTS; i++)
        rdf->weights[i] = file_of(un_rdf_get(weights, weights_names[i]));
    const json_t *entry = un_rdf_get(weights, weights_names[UN_RDF_STATE_DICT]);
    const json_t *kwargs = un_rdf_get(entry, "kwargs");
    rdf->kwargs = kwargs ? kwargs : un_rdf_get(un_rdf_get(entry, "architecture"), "kwargs");
}

/* "0.4.10" and "0.5.3"; a version of two numbers may have become a number itself. */
static unet_code check_version(const struct un_rdf *rdf, unet_error *err)
{
    const json_t *field = un_rdf_get(rdf->root, "format_version");
    const char *text = json_string_value(field), *type = text_of(rdf->root, "type");
    const double number = json_is_number(field) ? json_number_value(field) : 0;
    if (type && strcmp(type, "model"))
        return un_fail(err, UNET_EFORMAT, "%s: describes a %.40s, wanted a model", rdf->what, type);
    if (number == 0.4 || number == 0.5 ||
        (text && (!strncmp(text, "0.4.", 4) || !strncmp(text, "0.5.", 4))))
        return UNET_OK;
    return un_fail(err, UNET_EFORMAT, "%s: format_version is %.20s; 0.4 and 0.5 are read",
                   rdf->what, text ? text : "not told");
}

unet_code un_rdf_parse(const char *what, const char *text, size_t size, struct un_rdf *rdf,
                       unet_error *err)
{
    *rdf = (struct un_rdf){.what = what};
    unet_code code = un_yaml_parse(what, text, size, &rdf->root, err);
    if (code)
        return code;
    if (!(code = check_version(rdf, err)) &&
        !(code = read_tensor(rdf, "inputs", "test_inputs", "preprocessing", &rdf->input, err)))
        code = read_tensor(rdf, "outputs", "test_outputs", "postprocessing", &rdf->output, err);
    if (code)
        un_rdf_release(rdf);
    else
        read_weights(rdf);
    return code;
}

void un_rdf_release(struct un_rdf *rdf)
{
    json_decref(rdf->root);
    *rdf = (struct un_rdf){0};
}
