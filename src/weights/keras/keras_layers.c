/* SPDX-License-Identifier: Apache-2.0 */
/*
 * keras_layers.c - what each kind of layer is in ONNX; those of maps are in keras_maps.c
 *
 * Keras keeps maps as [batch][height][width][channels]; the graph that is made here has channels
 * first, and only kernels and axes show it.  What is refused here is what ONNX has no word for; the
 * rest is left to the reader of ONNX.
 */
#include <ctype.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "weights/keras/keras_graph.h"

/* ---- activations ---- */

/* What an activation is called; NULL: it is no word. */
static const char *activation_of(const struct un_keras_layer *layer)
{
    const json_t *found = un_keras_setting(layer, "activation");
    if (!found || json_is_null(found))
        return "linear";
    if (json_is_object(found)) { /* {"class_name": "function", "config": "relu"} */
        const char *name = json_string_value(json_object_get(found, "config"));
        return name ? name : json_string_value(json_object_get(found, "class_name"));
    }
    return json_string_value(found);
}

static unet_code put_activation(struct un_keras *keras, const struct un_keras_layer *layer,
                                const char *name)
{
    if (!strcmp(name, "relu")) {
        un_node_end(keras, layer, "Relu", true);
    } else if (!strcmp(name, "leaky_relu")) {
        un_node_float(keras, "alpha", 0.2f);
        un_node_end(keras, layer, "LeakyRelu", true);
    } else if (!strcmp(name, "linear")) {
        un_node_end(keras, layer, "Identity", true);
    } else if (!strcmp(name, "sigmoid")) {
        un_node_end(keras, layer, "Sigmoid", true);
    } else if (!strcmp(name, "softmax")) {
        un_node_int(keras, "axis", 1);
        un_node_end(keras, layer, "Softmax", true);
    } else {
        return un_keras_refuse(keras, layer, "the activation %.60s, wanted relu or leaky_relu",
                               name);
    }
    return UNET_OK;
}

/* The activation that a layer has within it, of the value before. */
static unet_code finish(struct un_keras *keras, const struct un_keras_layer *layer)
{
    const char *name = activation_of(layer);
    if (!name)
        return un_keras_refuse(keras, layer, "its activation is no word of Keras");
    un_node_mine(keras, layer);
    return put_activation(keras, layer, name);
}

static unet_code activation(struct un_keras *keras, const struct un_keras_layer *layer)
{
    const char *name = activation_of(layer);
    if (!name)
        return un_keras_refuse(keras, layer, "its activation is no word of Keras");
    un_node_input(keras, layer->inputs[0]);
    return put_activation(keras, layer, name);
}

static unet_code relu(struct un_keras *keras, const struct un_keras_layer *layer)
{
    const double slope = un_keras_number(layer, "negative_slope", 0);
    if (un_keras_number(layer, "threshold", 0) != 0 ||
        json_is_number(un_keras_setting(layer, "max_value")))
        return un_keras_refuse(keras, layer, "with a threshold or a largest value, wanted neither");
    un_node_input(keras, layer->inputs[0]);
    if (slope != 0)
        un_node_float(keras, "alpha", (float)slope);
    un_node_end(keras, layer, slope != 0 ? "LeakyRelu" : "Relu", true);
    return UNET_OK;
}

static unet_code leaky_relu(struct un_keras *keras, const struct un_keras_layer *layer)
{
    /* Keras 2 called it alpha */
    un_node_input(keras, layer->inputs[0]);
    un_node_float(
        keras, "alpha",
        (float)un_keras_number(layer, "negative_slope", un_keras_number(layer, "alpha", 0.3)));
    un_node_end(keras, layer, "LeakyRelu", true);
    return UNET_OK;
}

static unet_code softmax(struct un_keras *keras, const struct un_keras_layer *layer)
{
    un_node_input(keras, layer->inputs[0]);
    return put_activation(keras, layer, "softmax");
}

/* ---- convolutions ---- */

/* Kernel and bias; order: of the kernel's sides. */
static unet_code put_kernel(struct un_keras *keras, const struct un_keras_layer *layer,
                            const int *order)
{
    const struct un_hdf5_item *kernel = un_keras_array(keras, layer, "kernel", 0);
    const struct un_hdf5_item *bias = un_keras_array(keras, layer, "bias", 1);
    const json_t *biased = un_keras_setting(layer, "use_bias");
    if (!kernel || kernel->dims != 4)
        return un_keras_refuse(keras, layer, "it has no kernel of 4 dimensions in the file");
    unet_code code = un_node_tensor(keras, layer, "weight", kernel, order);
    if (code || json_is_false(biased))
        return code;
    if (!bias || bias->dims != 1)
        return un_keras_refuse(keras, layer, "it has no bias in the file");
    return un_node_tensor(keras, layer, "bias", bias, NULL);
}

static unet_code check_convolution(const struct un_keras *keras, const struct un_keras_layer *layer)
{
    int64_t dilation[2];
    if (un_keras_is_text(layer, "data_format", "channels_first"))
        return un_keras_refuse(keras, layer, "channels_first, wanted channels_last");
    if (un_keras_number(layer, "groups", 1) != 1)
        return un_keras_refuse(keras, layer, "%g groups, wanted 1",
                               un_keras_number(layer, "groups", 1));
    if (!un_keras_pair(layer, "dilation_rate", 1, dilation) || dilation[0] != 1 || dilation[1] != 1)
        return un_keras_refuse(keras, layer, "a dilation, wanted none");
    return UNET_OK;
}

static unet_code put_strides(struct un_keras *keras, const struct un_keras_layer *layer)
{
    int64_t strides[2];
    if (!un_keras_pair(layer, "strides", 1, strides))
        return un_keras_refuse(keras, layer, "its strides are not two numbers");
    un_node_ints(keras, "strides", 2, strides);
    return UNET_OK;
}

static unet_code convolution(struct un_keras *keras, const struct un_keras_layer *layer)
{
    static const int order[4] = {3, 2, 0, 1}; /* [height][width][in][out] */
    unet_code code = check_convolution(keras, layer);
    un_node_input(keras, layer->inputs[0]);
    if (code || (code = put_kernel(keras, layer, order)) || (code = put_strides(keras, layer)))
        return code;
    un_node_text(keras, "auto_pad",
                 un_keras_is_text(layer, "padding", "same") ? "SAME_UPPER" : "VALID");
    un_node_end(keras, layer, "Conv", false);
    return finish(keras, layer);
}

static unet_code transposed(struct un_keras *keras, const struct un_keras_layer *layer)
{
    static const int order[4] = {3, 2, 0, 1}; /* [height][width][out][in] */
    unet_code code = check_convolution(keras, layer);
    un_node_input(keras, layer->inputs[0]);
    if (code || (code = put_kernel(keras, layer, order)) || (code = put_strides(keras, layer)))
        return code;
    un_node_end(keras, layer, "ConvTranspose", false);
    return finish(keras, layer);
}

/* ---- norms ---- */

/* Gamma and beta, either of which a layer may lack; *index is that of the next array. */
static unet_code put_affine(struct un_keras *keras, const struct un_keras_layer *layer,
                            int channels, int *index)
{
    static const struct {
        const char *flag, *word, *suffix;
        float otherwise;
    } rows[] = {{"scale", "gamma", "weight", 1}, {"center", "beta", "bias", 0}};
    for (int i = 0; i < 2; i++) {
        if (json_is_false(un_keras_setting(layer, rows[i].flag))) {
            un_node_same(keras, layer, rows[i].suffix, channels, rows[i].otherwise);
            continue;
        }
        const struct un_hdf5_item *array = un_keras_array(keras, layer, rows[i].word, (*index)++);
        if (!array || array->dims != 1)
            return un_keras_refuse(keras, layer, "it has no %s in the file", rows[i].word);
        unet_code code = un_node_tensor(keras, layer, rows[i].suffix, array, NULL);
        if (code)
            return code;
    }
    return UNET_OK;
}

static unet_code batch_norm(struct un_keras *keras, const struct un_keras_layer *layer)
{
    static const char *const words[] = {"moving_mean", "moving_variance"};
    static const char *const suffixes[] = {"running_mean", "running_var"};
    const int affine = !json_is_false(un_keras_setting(layer, "scale")) +
                       !json_is_false(un_keras_setting(layer, "center"));
    const struct un_hdf5_item *mean = un_keras_array(keras, layer, words[0], affine);
    int index = 0;
    if (!un_keras_is_channels(un_keras_setting(layer, "axis")))
        return un_keras_refuse(keras, layer, "its axis is not that of the channels, the last");
    if (!mean || mean->dims != 1 || mean->shape[0] > 65536)
        return un_keras_refuse(keras, layer, "it has no moving_mean in the file");
    un_node_input(keras, layer->inputs[0]);
    unet_code code = put_affine(keras, layer, (int)mean->shape[0], &index);
    for (int i = 0; i < 2 && !code; i++) {
        const struct un_hdf5_item *array = un_keras_array(keras, layer, words[i], affine + i);
        code = array ? un_node_tensor(keras, layer, suffixes[i], array, NULL)
                     : un_keras_refuse(keras, layer, "it has no %s in the file", words[i]);
    }
    if (code)
        return code;
    un_node_float(keras, "epsilon", (float)un_keras_number(layer, "epsilon", 1e-3));
    un_node_end(keras, layer, "BatchNormalization", true);
    return UNET_OK;
}

static unet_code group_norm(struct un_keras *keras, const struct un_keras_layer *layer)
{
    const bool scaled = !json_is_false(un_keras_setting(layer, "scale"));
    const struct un_hdf5_item *array = un_keras_array(keras, layer, scaled ? "gamma" : "beta", 0);
    int index = 0;
    if (!un_keras_is_channels(un_keras_setting(layer, "axis")))
        return un_keras_refuse(keras, layer, "its axis is not that of the channels, the last");
    if (!array || array->dims != 1 || array->shape[0] > 65536)
        return un_keras_refuse(keras, layer, "it has neither gamma nor beta in the file");
    const int channels = (int)array->shape[0];
    const double groups = un_keras_number(layer, "groups", 32);
    un_node_input(keras, layer->inputs[0]);
    unet_code code = put_affine(keras, layer, channels, &index);
    if (code)
        return code;
    un_node_float(keras, "epsilon", (float)un_keras_number(layer, "epsilon", 1e-3));
    if (groups == -1 || groups == channels) {
        un_node_end(keras, layer, "InstanceNormalization", true);
        return UNET_OK;
    }
    un_node_int(keras, "num_groups", groups > 0 && groups < 65536 ? (int64_t)groups : 0);
    un_node_end(keras, layer, "GroupNormalization", true);
    return UNET_OK;
}

/* ---- the others ---- */

static unet_code rescaling(struct un_keras *keras, const struct un_keras_layer *layer)
{
    if (!json_is_number(un_keras_setting(layer, "scale")) ||
        (un_keras_setting(layer, "offset") && !json_is_number(un_keras_setting(layer, "offset"))))
        return un_keras_refuse(keras, layer, "its scale or offset is no single number");
    un_node_input(keras, layer->inputs[0]);
    un_node_same(keras, layer, "scale", -1, (float)un_keras_number(layer, "scale", 1));
    un_node_end(keras, layer, "Mul", false);
    un_node_mine(keras, layer);
    un_node_same(keras, layer, "offset", -1, (float)un_keras_number(layer, "offset", 0));
    un_node_end(keras, layer, "Add", true);
    return UNET_OK;
}

static unet_code nothing(struct un_keras *keras, const struct un_keras_layer *layer)
{
    un_node_input(keras, layer->inputs[0]);
    un_node_end(keras, layer, "Identity", true);
    return UNET_OK;
}

static unet_code code_layer(struct un_keras *keras, const struct un_keras_layer *layer)
{
    return un_keras_refuse(keras, layer,
                           "a layer of Python code, and none is ever run; Keras has layers for "
                           "what is usually in one, such as Rescaling(1 / 255)");
}

static unet_code sum(struct un_keras *keras, const struct un_keras_layer *layer)
{
    return un_keras_refuse(keras, layer,
                           "a sum of maps, as in residual networks, wanted "
                           "Concatenate");
}

/* What does something in training alone comes last. */
static const struct {
    const char *kind;
    unet_code (*put)(struct un_keras *keras, const struct un_keras_layer *layer);
    int inputs; /* -1: any */
} kinds[] = {
    {"Conv2D", convolution, 1},
    {"Convolution2D", convolution, 1},
    {"Conv2DTranspose", transposed, 1},
    {"Convolution2DTranspose", transposed, 1},
    {"BatchNormalization", batch_norm, 1},
    {"GroupNormalization", group_norm, 1},
    {"Activation", activation, 1},
    {"ReLU", relu, 1},
    {"LeakyReLU", leaky_relu, 1},
    {"Softmax", softmax, 1},
    {"MaxPooling2D", un_keras_pooling, 1},
    {"MaxPool2D", un_keras_pooling, 1},
    {"UpSampling2D", un_keras_doubling, 1},
    {"Concatenate", un_keras_joining, -1},
    {"Cropping2D", un_keras_cropping, 1},
    {"ZeroPadding2D", un_keras_padding, 1},
    {"Rescaling", rescaling, 1},
    {"Lambda", code_layer, -1},
    {"Add", sum, -1},
    {"Identity", nothing, 1},
    {"Dropout", nothing, 1},
    {"SpatialDropout2D", nothing, 1},
    {"AlphaDropout", nothing, 1},
    {"GaussianDropout", nothing, 1},
    {"GaussianNoise", nothing, 1},
    {"ActivityRegularization", nothing, 1},
};

unet_code un_keras_layer(struct un_keras *keras, const struct un_keras_layer *layer)
{
    keras->nodes = 0;
    for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++) {
        if (strcmp(kinds[i].kind, layer->kind))
            continue;
        if (kinds[i].inputs >= 0 && layer->input_count != kinds[i].inputs)
            return un_keras_refuse(keras, layer, "it reads %d maps, wanted %d", layer->input_count,
                                   kinds[i].inputs);
        return kinds[i].put(keras, layer);
    }
    return un_keras_refuse(keras, layer, "a layer that the U-Nets of unet do not have");
}
