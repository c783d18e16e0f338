/* SPDX-License-Identifier: Apache-2.0 */
/*
 * keras.c - the files, and which weights are whose
 *
 *   net.h5      HDF5: an attribute model_config of JSON; arrays model_weights/LAYER/../kernel
 *   net.keras   a zip archive: config.json, and model.weights.h5 with arrays layers/GROUP/vars/0,
 *               1 ..: of a convolution kernel and bias.  A group is called after the kind of its
 *               layer, conv2d_3 for the fourth Conv2D; an attribute says the layer's own name
 *
 * The layers may come in any order; nodes of ONNX have to come after what they read.
 */
#include "weights/keras/keras.h"

#include <ctype.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/decimal.h"
#include "base/file.h"
#include "base/json.h"
#include "base/ziparchive.h"
#include "weights/keras/keras_graph.h"
#include "weights/onnx/onnx.h"

static const char members[2][24] = {"config.json", "model.weights.h5"};

unet_code un_keras_refuse(const struct un_keras *keras, const struct un_keras_layer *layer,
                          const char *format, ...)
{
    char text[300];
    va_list arguments;
    va_start(arguments, format);
    un_decimal_vformat(text, sizeof text, format, arguments);
    va_end(arguments);
    return un_fail(keras->err, UNET_EFORMAT, "%s: layer %.80s (%.60s): %s", keras->path,
                   layer->name, layer->kind, text);
}

/* ---- the layers ---- */

/* A tensor that a layer reads names the layer that makes it: ["conv2d", 0, 0] in "keras_history",
 * or, in Keras 2, ["conv2d", 0, 0, {}] by itself. */
static const char *maker_of(const json_t *value)
{
    const char *name = json_string_value(json_array_get(value, 0));
    return json_array_size(value) >= 3 && name && json_is_integer(json_array_get(value, 1)) &&
                   json_is_integer(json_array_get(value, 2))
               ? name
               : NULL;
}

/* Looks for tensors in lists and dicts; false: there are too many. */
static bool find_inputs(const json_t *value, struct un_keras_layer *layer, int depth)
{
    const char *name = maker_of(value), *key;
    const json_t *inner;
    size_t i;
    bool ok = depth < 12;
    if (name) {
        if (layer->input_count == UN_KERAS_INPUTS)
            return false;
        layer->inputs[layer->input_count++] = name;
        return true;
    }
    json_array_foreach(value, i, inner) ok = ok && find_inputs(inner, layer, depth + 1);
    json_object_foreach((json_t *)value, key, inner) ok =
        ok && find_inputs(inner, layer, depth + 1);
    return ok;
}

static unet_code read_layer(struct un_keras *keras, const json_t *object)
{
    struct un_keras_layer *layer = &keras->layers[keras->count];
    const json_t *nodes = json_object_get(object, "inbound_nodes");
    layer->config = json_object_get(object, "config");
    layer->kind = json_string_value(json_object_get(object, "class_name"));
    layer->name = json_string_value(json_object_get(object, "name"));
    if (!layer->name)
        layer->name = json_string_value(json_object_get(layer->config, "name"));
    if (!layer->name || !*layer->name || strlen(layer->name) > 100 || !layer->kind ||
        !json_is_object(layer->config))
        return un_fail(keras->err, UNET_EFORMAT, "%s: layer %d has no name, class_name or config",
                       keras->path, keras->count);
    keras->count++;
    if (json_array_size(nodes) > 1)
        return un_keras_refuse(keras, layer, "is used %zu times, wanted once",
                               json_array_size(nodes));
    if (!find_inputs(nodes, layer, 0))
        return un_keras_refuse(keras, layer, "reads more than %d maps", UN_KERAS_INPUTS);
    return UNET_OK;
}

static unet_code read_layers(struct un_keras *keras, const json_t *root)
{
    const char *kind = json_string_value(json_object_get(root, "class_name"));
    const json_t *list = json_object_get(json_object_get(root, "config"), "layers"), *object;
    const size_t count = json_array_size(list);
    size_t i;
    if (!kind || (strcmp(kind, "Functional") && strcmp(kind, "Model")))
        return un_fail(keras->err, UNET_EFORMAT,
                       "%s: a model of class %.60s, wanted a Functional one, whose layers the file "
                       "lists",
                       keras->path, kind ? kind : "unknown");
    if (!count || count > UN_KERAS_LAYERS)
        return un_fail(keras->err, UNET_EFORMAT, "%s: has %zu layers, wanted 1 to %d", keras->path,
                       count, UN_KERAS_LAYERS);
    keras->layers = calloc(count, sizeof *keras->layers);
    if (!keras->layers)
        return un_fail_memory(keras->err, count * sizeof *keras->layers, keras->path);
    unet_code code = UNET_OK;
    json_array_foreach(list, i, object) if (!code) code = read_layer(keras, object);
    return code;
}

static struct un_keras_layer *find_layer(const struct un_keras *keras, const char *name)
{
    for (int i = 0; i < keras->count; i++)
        if (!strcmp(keras->layers[i].name, name))
            return &keras->layers[i];
    return NULL;
}

/* ---- the arrays ---- */

/* "Conv2DTranspose" is "conv2d_transpose" in the names of groups, as Keras spells it. */
static void snake_case(const char *kind, char *name, size_t size)
{
    size_t used = 0;
    for (const char *c = kind; *c && used + 3 < size; c++) {
        const bool before =
            c > kind && (islower((unsigned char)c[-1]) || isdigit((unsigned char)c[-1]));
        const bool after = c > kind && islower((unsigned char)c[1]);
        if (isupper((unsigned char)*c) &&
            ((before && (islower((unsigned char)c[-1]) || after)) ||
             (!before && after && c > kind && isupper((unsigned char)c[-1]))))
            name[used++] = '_';
        name[used++] = (char)tolower((unsigned char)*c);
    }
    name[used] = 0;
}

/* The group of a .keras file whose attribute names the layer, or the one of its kind's number. */
static const char *numbered_group(const struct un_keras *keras, struct un_arena *arena, int index)
{
    static const char end[] = "/vars@name";
    const struct un_keras_layer *layer = &keras->layers[index];
    char kind[120], group[200];
    int before = 0;
    for (int i = 0; i < keras->list.count; i++) {
        const struct un_hdf5_item *item = &keras->list.items[i];
        const size_t size = strlen(item->name);
        if (!item->dtype && size > sizeof end && !strcmp(item->name + size - sizeof end + 1, end) &&
            item->bytes == strlen(layer->name) && !memcmp(item->data, layer->name, item->bytes)) {
            char *copy = un_arena_alloc(arena, size + 1);
            if (copy)
                memcpy(copy, item->name, size - strlen("@name"));
            return copy;
        }
    }
    for (int i = 0; i < index; i++)
        before += !strcmp(keras->layers[i].kind, layer->kind);
    snake_case(layer->kind, kind, sizeof kind);
    if (before)
        snprintf(group, sizeof group, "layers/%s_%d/vars", kind, before);
    else
        snprintf(group, sizeof group, "layers/%s/vars", kind);
    char *copy = un_arena_alloc(arena, strlen(group) + 1);
    return copy ? strcpy(copy, group) : NULL;
}

static unet_code find_groups(struct un_keras *keras, struct un_arena *arena)
{
    char group[160];
    for (int i = 0; i < keras->count; i++) {
        struct un_keras_layer *layer = &keras->layers[i];
        if (keras->numbered) {
            layer->group = numbered_group(keras, arena, i);
        } else {
            snprintf(group, sizeof group, "model_weights/%s", layer->name);
            char *copy = un_arena_alloc(arena, strlen(group) + 1);
            layer->group = copy ? strcpy(copy, group) : NULL;
        }
        if (!layer->group)
            return un_fail_memory(keras->err, sizeof group, keras->path);
    }
    return UNET_OK;
}

/* Whether an array's last word is this, with or without what TensorFlow puts behind: "kernel:0". */
static bool is_called(const char *name, const char *word)
{
    const char *slash = strrchr(name, '/'), *last = slash ? slash + 1 : name;
    const size_t size = strlen(word);
    return !strncmp(last, word, size) && (!last[size] || !strcmp(last + size, ":0"));
}

const struct un_hdf5_item *un_keras_array(const struct un_keras *keras,
                                          const struct un_keras_layer *layer, const char *word,
                                          int index)
{
    char name[240];
    if (keras->numbered) {
        snprintf(name, sizeof name, "%.200s/%d", layer->group, index);
        return un_hdf5_find(&keras->list, name);
    }
    const size_t size = strlen(layer->group);
    for (int i = 0; i < keras->list.count; i++) {
        const struct un_hdf5_item *item = &keras->list.items[i];
        if (item->dtype && !strncmp(item->name, layer->group, size) && item->name[size] == '/' &&
            is_called(item->name, word))
            return item;
    }
    return NULL;
}

/* ---- the graph ---- */

/* An input or output: 1 name. */
static void put_end(struct un_keras *keras, uint32_t field, const char *name)
{
    struct un_builder end = {0};
    un_put_text(&end, 1, name);
    un_put_message(&keras->graph, field, &end);
}

static bool is_ready(const struct un_keras *keras, const struct un_keras_layer *layer)
{
    for (int i = 0; i < layer->input_count; i++) {
        const struct un_keras_layer *before = find_layer(keras, layer->inputs[i]);
        if (!before || !before->done)
            return false;
    }
    return layer->input_count > 0;
}

/* The layer that the list of outputs names, which is one, or a list of one. */
static const char *output_of(const json_t *root)
{
    const json_t *list = json_object_get(json_object_get(root, "config"), "output_layers");
    while (!maker_of(list) && json_array_size(list) == 1)
        list = json_array_get(list, 0);
    return maker_of(list);
}

static unet_code put_layers(struct un_keras *keras)
{
    unet_code code = UNET_OK;
    int inputs = 0;
    for (int i = 0; i < keras->count; i++) {
        struct un_keras_layer *layer = &keras->layers[i];
        if (strcmp(layer->kind, "InputLayer"))
            continue;
        put_end(keras, 11, layer->name);
        layer->done = true;
        inputs++;
    }
    if (inputs != 1)
        return un_fail(keras->err, UNET_EFORMAT, "%s: has %d inputs, wanted 1", keras->path,
                       inputs);
    for (bool more = true; more && !code;) {
        more = false;
        for (int i = 0; i < keras->count && !code; i++) {
            struct un_keras_layer *layer = &keras->layers[i];
            if (layer->done || !is_ready(keras, layer))
                continue;
            code = un_keras_layer(keras, layer);
            layer->done = more = true;
        }
    }
    for (int i = 0; i < keras->count && !code; i++)
        if (!keras->layers[i].done)
            code = un_keras_refuse(keras, &keras->layers[i],
                                   "what it reads is made by no layer before it");
    return code;
}

static unet_code put_graph(struct un_keras *keras, const json_t *root, struct un_builder *model)
{
    enum { FORMAT_VERSION = 8, OPERATOR_VERSION = 21 };
    struct un_builder operators = {0};
    const char *output = output_of(root);
    unet_code code = read_layers(keras, root);
    struct un_arena arena = {0};
    if (!code)
        code = find_groups(keras, &arena);
    if (!code && (!output || !find_layer(keras, output)))
        code = un_fail(keras->err, UNET_EFORMAT, "%s: has no output, or several, wanted 1",
                       keras->path);
    if (!code)
        code = put_layers(keras);
    un_arena_release(&arena);
    if (code)
        return code;
    put_end(keras, 12, output);
    un_put_int(model, 1, FORMAT_VERSION);
    un_put_text(&operators, 1, "");
    un_put_int(&operators, 2, OPERATOR_VERSION);
    un_put_message(model, 8, &operators);
    un_put_message(model, 7, &keras->graph);
    return model->failed ? un_fail_memory(keras->err, model->size, keras->path) : UNET_OK;
}

/* ---- the files ---- */

/* What the arrays lie in; inner is what the reader of ONNX keeps. */
struct owner {
    struct un_builder model;
    struct un_arrays inner;
};

static void release(void *pointer)
{
    struct owner *owner = pointer;
    if (owner->inner.release)
        owner->inner.release(owner->inner.owner);
    free(owner->model.bytes);
    free(owner);
}

/* From arrays in HDF5 and the network in JSON. */
static unet_code read_network(struct un_keras *keras, const char *text, size_t size,
                              const char *format, struct un_arrays *arrays)
{
    struct owner *owner = calloc(1, sizeof *owner);
    char what[400];
    json_t *root = NULL;
    if (!owner)
        return un_fail_memory(keras->err, sizeof *owner, keras->path);
    snprintf(what, sizeof what, "%.300s: the network", keras->path);
    unet_code code = un_json_parse(what, text, size, &root, keras->err);
    if (!code)
        code = put_graph(keras, root, &owner->model);
    json_decref(root);
    if (!code)
        code = un_onnx_parse(keras->path, owner->model.bytes, owner->model.size, &owner->inner,
                             keras->err);
    free(keras->layers);
    free(keras->graph.bytes);
    free(keras->node.bytes);
    if (code) {
        release(owner);
        return code;
    }
    *arrays = owner->inner;
    arrays->format = format;
    arrays->owner = owner;
    arrays->release = release;
    return UNET_OK;
}

static const char *const attributes[] = {"model_config", "name", NULL};

static unet_code read_hdf5(const char *path, const unsigned char *bytes, size_t size,
                           struct un_arrays *arrays, unet_error *err)
{
    struct un_keras keras = {.path = path, .err = err};
    struct un_arena arena = {0};
    unet_code code = un_hdf5_list(path, bytes, size, attributes, &arena, &keras.list, err);
    const struct un_hdf5_item *config = code ? NULL : un_hdf5_find(&keras.list, "@model_config");
    if (!code && !config)
        code = un_fail(err, UNET_EFORMAT,
                       "%s: HDF5 without the network of a Keras model, maybe its weights alone; in "
                       "Python, model.load_weights(FILE) where the network is made, then "
                       "model.save(\"net.keras\"), which is read",
                       path);
    if (!code)
        code =
            read_network(&keras, (const char *)config->data, config->bytes, "Keras, HDF5", arrays);
    free(keras.list.items);
    un_arena_release(&arena);
    return code;
}

static int find_member(const struct un_zip *zip, const char *name)
{
    for (int i = 0; i < zip->count; i++)
        if (!strcmp(un_zip_name(zip, i), name))
            return i;
    return -1;
}

static unet_code read_zip(const char *path, const unsigned char *bytes, size_t size,
                          struct un_arrays *arrays, unet_error *err)
{
    struct un_keras keras = {.path = path, .numbered = true, .err = err};
    struct un_arena arena = {0};
    struct un_zip zip;
    unsigned char *data[2] = {NULL, NULL};
    size_t sizes[2] = {0, 0};
    unet_code code = un_zip_open(path, bytes, size, &zip, err);
    if (code)
        return code;
    for (int i = 0; i < 2 && !code; i++) {
        const int member = find_member(&zip, members[i]);
        if (member < 0) {
            code =
                un_fail(err, UNET_EFORMAT, "%s: has no %s, as a .keras file has", path, members[i]);
            break;
        }
        sizes[i] = un_zip_size(&zip, member);
        data[i] = malloc(sizes[i] + 1);
        code =
            data[i] ? un_zip_read(&zip, member, data[i], err) : un_fail_memory(err, sizes[i], path);
    }
    if (!code)
        code = un_hdf5_list(path, data[1], sizes[1], attributes, &arena, &keras.list, err);
    if (!code)
        code = read_network(&keras, (const char *)data[0], sizes[0], "Keras, zip", arrays);
    free(keras.list.items);
    un_arena_release(&arena);
    free(data[0]);
    free(data[1]);
    un_zip_release(&zip);
    return code;
}

bool un_keras_recognises(const unsigned char *bytes, size_t size)
{
    /* the directory of an archive is at its end */
    const size_t most = (size_t)1 << 16, tail = size < most ? size : most;
    if (un_hdf5_recognises(bytes, size)) /* of any program: by words of Keras in it */
        return memmem(bytes, size, "keras_version", 13) ||
               (memmem(bytes, size, "layers", 6) && memmem(bytes, size, "vars", 4));
    return size > 4 && !memcmp(bytes, "PK\3\4", 4) &&
           memmem(bytes + size - tail, tail, members[0], strlen(members[0])) &&
           memmem(bytes + size - tail, tail, members[1], strlen(members[1]));
}

unet_code un_keras_parse(const char *path, const unsigned char *bytes, size_t size,
                         struct un_arrays *arrays, unet_error *err)
{
    return un_hdf5_recognises(bytes, size) ? read_hdf5(path, bytes, size, arrays, err)
                                           : read_zip(path, bytes, size, arrays, err);
}

unet_code un_keras_open(const char *path, struct un_arrays *arrays, unet_error *err)
{
    struct un_mapping mapping;
    unet_code code = un_map_whole(path, &mapping, err);
    if (code)
        return code;
    code = un_keras_parse(path, mapping.data, mapping.size, arrays, err);
    un_map_release(&mapping);
    return code;
}
