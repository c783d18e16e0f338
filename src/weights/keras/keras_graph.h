/* SPDX-License-Identifier: Apache-2.0 */
/* keras_graph.h - what the files of the reader of Keras share */
#ifndef UN_KERAS_GRAPH_H
#define UN_KERAS_GRAPH_H

#include <jansson.h>

#include "weights/keras/hdf5.h"
#include "weights/onnx/protobuf.h"

enum { UN_KERAS_LAYERS = 4000, UN_KERAS_INPUTS = 4, UN_KERAS_NAME = 160 };

struct un_keras_layer {
    const char *name, *kind; /* "conv2d_3", "Conv2D" */
    const json_t *config;
    const char *inputs[UN_KERAS_INPUTS]; /* the layers that it reads */
    int input_count;
    const char *group; /* of the arrays: "model_weights/conv2d_3", "layers/conv2d_3/vars" */
    bool done;
};

struct un_keras {
    const char *path;
    bool numbered; /* arrays are called "GROUP/0", not "GROUP/../kernel" */
    struct un_hdf5 list;
    struct un_keras_layer *layers; /* [count] */
    int count;
    struct un_builder graph; /* the fields of an ONNX graph */
    struct un_builder node;  /* the one being made */
    int nodes;               /* of the layer being made */
    unet_error *err;
};

/* "path: layer NAME (KIND): ..."; UNET_EFORMAT. */
unet_code un_keras_refuse(const struct un_keras *keras, const struct un_keras_layer *layer,
                          const char *format, ...) __attribute__((format(printf, 3, 4)));

/* ---- keras.c ---- */

/* The array of a layer: word is what it is called ("kernel"), index its number; NULL: there is
 * none. */
const struct un_hdf5_item *un_keras_array(const struct un_keras *keras,
                                          const struct un_keras_layer *layer, const char *word,
                                          int index);

/* ---- keras_layers.c ---- */

/* Puts the nodes of a layer into the graph; the last one makes a value of the layer's name. */
unet_code un_keras_layer(struct un_keras *keras, const struct un_keras_layer *layer);

/* ---- keras_settings.c: what the file says of a layer ---- */

/* NULL: there is none of this name. */
const json_t *un_keras_setting(const struct un_keras_layer *layer, const char *name);
bool un_keras_is_text(const struct un_keras_layer *layer, const char *name, const char *text);
double un_keras_number(const struct un_keras_layer *layer, const char *name, double otherwise);

/* Two whole numbers, or one for both; false: neither. */
bool un_keras_pair(const struct un_keras_layer *layer, const char *name, int64_t otherwise,
                   int64_t values[2]);

/* Whether an axis, or a list of one, is that of the channels. */
bool un_keras_is_channels(const json_t *axis);

/* ---- keras_maps.c: as un_keras_layer(), of one kind each ---- */

unet_code un_keras_pooling(struct un_keras *keras, const struct un_keras_layer *layer);
unet_code un_keras_doubling(struct un_keras *keras, const struct un_keras_layer *layer);
unet_code un_keras_joining(struct un_keras *keras, const struct un_keras_layer *layer);
unet_code un_keras_cropping(struct un_keras *keras, const struct un_keras_layer *layer);
unet_code un_keras_padding(struct un_keras *keras, const struct un_keras_layer *layer);

/* ---- keras_nodes.c: as onnx_node.c, but for names of any length ---- */

/* A node is its inputs, its attributes, and its end.  A layer of several nodes has values of its
 * own between them: un_node_mine() is the value of the node before, as an input. */
void un_node_input(struct un_keras *keras, const char *name);
void un_node_mine(struct un_keras *keras, const struct un_keras_layer *layer);
void un_node_float(struct un_keras *keras, const char *name, float value);
void un_node_ints(struct un_keras *keras, const char *name, int count, const int64_t *values);
void un_node_int(struct un_keras *keras, const char *name, int64_t value);
void un_node_text(struct un_keras *keras, const char *name, const char *text);
/* last: its value is the layer's. */
void un_node_end(struct un_keras *keras, const struct un_keras_layer *layer, const char *op,
                 bool last);

/*
 * A tensor of the layer that is the node's next input, "LAYER.SUFFIX": of an array with its sides
 * in another order, or of count numbers that are all value (-1: a single one without sides), or of
 * whole numbers.
 */
unet_code un_node_tensor(struct un_keras *keras, const struct un_keras_layer *layer,
                         const char *suffix, const struct un_hdf5_item *array, const int *order);
void un_node_same(struct un_keras *keras, const struct un_keras_layer *layer, const char *suffix,
                  int count, float value);
void un_node_list(struct un_keras *keras, const struct un_keras_layer *layer, const char *suffix,
                  int count, const int64_t *values);
void un_node_floats(struct un_keras *keras, const struct un_keras_layer *layer, const char *suffix,
                    int count, const float *values);

#endif
