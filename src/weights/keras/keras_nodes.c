/* SPDX-License-Identifier: Apache-2.0 */
/*
 * keras_nodes.c - the messages of an ONNX graph, and their fields:
 *
 *   graph       1 node, 5 tensor
 *   node        1 input, 2 output, 3 name, 4 operator, 5 attribute
 *   attribute   1 name, 20 type, and by that: 2 float, 3 whole number, 4 text, 8 whole numbers
 *   tensor      1 side, 2 type, 8 name, 9 values
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "weights/keras/keras_graph.h"

enum { FLOATS = 1, INTS = 7 };

void un_node_input(struct un_keras *keras, const char *name)
{
    un_put_text(&keras->node, 1, name);
}

/* A value between two nodes of a layer. */
static void inner_name(const struct un_keras_layer *layer, int number, char name[UN_KERAS_NAME])
{
    snprintf(name, UN_KERAS_NAME, "%.120s:%d", layer->name, number);
}

void un_node_mine(struct un_keras *keras, const struct un_keras_layer *layer)
{
    char name[UN_KERAS_NAME];
    inner_name(layer, keras->nodes, name);
    un_node_input(keras, name);
}

static struct un_builder attribute(const char *name, int type)
{
    struct un_builder made = {0};
    un_put_text(&made, 1, name);
    un_put_int(&made, 20, type);
    return made;
}

void un_node_float(struct un_keras *keras, const char *name, float value)
{
    struct un_builder made = attribute(name, 1);
    un_put_float(&made, 2, value);
    un_put_message(&keras->node, 5, &made);
}

void un_node_int(struct un_keras *keras, const char *name, int64_t value)
{
    struct un_builder made = attribute(name, 2);
    un_put_int(&made, 3, value);
    un_put_message(&keras->node, 5, &made);
}

void un_node_ints(struct un_keras *keras, const char *name, int count, const int64_t *values)
{
    struct un_builder made = attribute(name, 7);
    for (int i = 0; i < count; i++)
        un_put_int(&made, 8, values[i]);
    un_put_message(&keras->node, 5, &made);
}

void un_node_text(struct un_keras *keras, const char *name, const char *text)
{
    struct un_builder made = attribute(name, 3);
    un_put_text(&made, 4, text);
    un_put_message(&keras->node, 5, &made);
}

void un_node_end(struct un_keras *keras, const struct un_keras_layer *layer, const char *op,
                 bool last)
{
    char name[UN_KERAS_NAME];
    inner_name(layer, ++keras->nodes, name);
    un_put_text(&keras->node, 2, last ? layer->name : name);
    un_put_text(&keras->node, 3, layer->name);
    un_put_text(&keras->node, 4, op);
    un_put_message(&keras->graph, 1, &keras->node);
}

/* ---- tensors ---- */

static void put_tensor(struct un_keras *keras, const struct un_keras_layer *layer,
                       const char *suffix, struct un_builder *made, int type, const void *values,
                       size_t count)
{
    char name[UN_KERAS_NAME];
    snprintf(name, sizeof name, "%.120s.%s", layer->name, suffix);
    un_put_int(made, 2, type);
    un_put_text(made, 8, name);
    un_put_values(made, 9, values, count, type == FLOATS ? sizeof(float) : sizeof(int64_t));
    un_put_message(&keras->graph, 5, made);
    un_node_input(keras, name);
}

/* values[...] of sides in another order: side i of the result is side order[i] of the array. */
static void reorder(const float *from, const struct un_hdf5_item *array, const int *order,
                    float *to)
{
    size_t step[UN_ARRAY_MAX_DIMS], at[UN_ARRAY_MAX_DIMS] = {0}, count = 1;
    for (int i = array->dims - 1; i >= 0; i--) {
        step[i] = count;
        count *= array->shape[i];
    }
    for (size_t k = 0; k < count; k++) {
        size_t place = 0;
        for (int i = 0; i < array->dims; i++)
            place += at[i] * step[order[i]];
        to[k] = from[place];
        for (int i = array->dims - 1; i >= 0 && ++at[i] == array->shape[order[i]]; i--)
            at[i] = 0;
    }
}

unet_code un_node_tensor(struct un_keras *keras, const struct un_keras_layer *layer,
                         const char *suffix, const struct un_hdf5_item *array, const int *order)
{
    static const int same[UN_ARRAY_MAX_DIMS] = {0, 1, 2, 3, 4, 5, 6, 7};
    struct un_builder made = {0};
    if (!array->dtype->to_float || !array->bytes)
        return un_keras_refuse(keras, layer,
                               "the array %.100s is of type %s or empty, wanted floats",
                               array->name, array->dtype->name);
    const size_t count = array->bytes / (size_t)array->dtype->bytes;
    float *values = calloc(count, 2 * sizeof *values);
    if (!values)
        return un_fail_memory(keras->err, count * 2 * sizeof *values, keras->path);
    array->dtype->to_float(array->data, count, values);
    order = order ? order : same;
    reorder(values, array, order, values + count);
    for (int i = 0; i < array->dims; i++)
        un_put_int(&made, 1, (int64_t)array->shape[order[i]]);
    put_tensor(keras, layer, suffix, &made, FLOATS, values + count, count);
    free(values);
    return UNET_OK;
}

void un_node_floats(struct un_keras *keras, const struct un_keras_layer *layer, const char *suffix,
                    int count, const float *values)
{
    struct un_builder made = {0};
    if (count >= 0)
        un_put_int(&made, 1, count);
    put_tensor(keras, layer, suffix, &made, FLOATS, values, count < 0 ? 1 : (size_t)count);
}

void un_node_same(struct un_keras *keras, const struct un_keras_layer *layer, const char *suffix,
                  int count, float value)
{
    const size_t room = (size_t)(count < 0 ? 1 : count);
    float *values = calloc(room + 1, sizeof *values);
    keras->graph.failed |= !values;
    for (size_t i = 0; values && i < room; i++)
        values[i] = value;
    if (values)
        un_node_floats(keras, layer, suffix, count, values);
    free(values);
}

void un_node_list(struct un_keras *keras, const struct un_keras_layer *layer, const char *suffix,
                  int count, const int64_t *values)
{
    struct un_builder made = {0};
    un_put_int(&made, 1, count);
    put_tensor(keras, layer, suffix, &made, INTS, values, (size_t)count);
}
