/* SPDX-License-Identifier: Apache-2.0 */
/* keras_maps.c - the layers without weights that change a map's size, or join maps */
#include "weights/keras/keras_graph.h"

unet_code un_keras_pooling(struct un_keras *keras, const struct un_keras_layer *layer)
{
    int64_t size[2], strides[2];
    if (!un_keras_pair(layer, "pool_size", 2, size) ||
        !un_keras_pair(layer, "strides", size[0], strides))
        return un_keras_refuse(keras, layer, "its sizes are not two numbers");
    un_node_input(keras, layer->inputs[0]);
    un_node_ints(keras, "kernel_shape", 2, size);
    un_node_ints(keras, "strides", 2, strides);
    un_node_text(keras, "auto_pad",
                 un_keras_is_text(layer, "padding", "same") ? "SAME_UPPER" : "VALID");
    un_node_end(keras, layer, "MaxPool", true);
    return UNET_OK;
}

unet_code un_keras_doubling(struct un_keras *keras, const struct un_keras_layer *layer)
{
    const bool nearest = !un_keras_setting(layer, "interpolation") ||
                         un_keras_is_text(layer, "interpolation", "nearest");
    int64_t size[2];
    if (!un_keras_pair(layer, "size", 2, size))
        return un_keras_refuse(keras, layer, "its size is not two numbers");
    if (!nearest && !un_keras_is_text(layer, "interpolation", "bilinear"))
        return un_keras_refuse(keras, layer, "another interpolation, wanted nearest or bilinear");
    const float scales[4] = {1, 1, (float)size[0], (float)size[1]};
    un_node_input(keras, layer->inputs[0]);
    un_node_input(keras, ""); /* a region, which only other modes want */
    un_node_floats(keras, layer, "scales", 4, scales);
    un_node_text(keras, "mode", nearest ? "nearest" : "linear");
    un_node_text(keras, "coordinate_transformation_mode", nearest ? "asymmetric" : "half_pixel");
    un_node_text(keras, "nearest_mode", "floor");
    un_node_end(keras, layer, "Resize", true);
    return UNET_OK;
}

unet_code un_keras_joining(struct un_keras *keras, const struct un_keras_layer *layer)
{
    if (!un_keras_is_channels(un_keras_setting(layer, "axis")))
        return un_keras_refuse(keras, layer, "its axis is not that of the channels, the last");
    for (int i = 0; i < layer->input_count; i++)
        un_node_input(keras, layer->inputs[i]);
    un_node_int(keras, "axis", 1);
    un_node_end(keras, layer, "Concat", true);
    return UNET_OK;
}

/* [[top, bottom], [left, right]], or two numbers, or one. */
static bool margins(const struct un_keras_layer *layer, const char *name, int64_t values[4])
{
    const json_t *found = un_keras_setting(layer, name);
    int64_t both[2];
    if (!json_is_array(json_array_get(found, 0))) {
        if (!un_keras_pair(layer, name, 0, both))
            return false;
        values[0] = values[1] = both[0];
        values[2] = values[3] = both[1];
        return true;
    }
    for (size_t i = 0; i < 4; i++) {
        const json_t *value = json_array_get(json_array_get(found, i / 2), i % 2);
        if (!json_is_integer(value) || json_integer_value(value) < 0 ||
            json_integer_value(value) > 1 << 20)
            return false;
        values[i] = json_integer_value(value);
    }
    return true;
}

unet_code un_keras_cropping(struct un_keras *keras, const struct un_keras_layer *layer)
{
    static const int64_t axes[2] = {2, 3};
    int64_t by[4];
    if (!margins(layer, "cropping", by))
        return un_keras_refuse(keras, layer, "its cropping is not two pairs of numbers");
    const int64_t starts[2] = {by[0], by[2]};
    const int64_t ends[2] = {by[1] ? -by[1] : INT64_MAX, by[3] ? -by[3] : INT64_MAX};
    un_node_input(keras, layer->inputs[0]);
    un_node_list(keras, layer, "starts", 2, starts);
    un_node_list(keras, layer, "ends", 2, ends);
    un_node_list(keras, layer, "axes", 2, axes);
    un_node_end(keras, layer, "Slice", true);
    return UNET_OK;
}

unet_code un_keras_padding(struct un_keras *keras, const struct un_keras_layer *layer)
{
    int64_t by[4];
    if (!margins(layer, "padding", by))
        return un_keras_refuse(keras, layer, "its padding is not two pairs of numbers");
    const int64_t pads[8] = {0, 0, by[0], by[2], 0, 0, by[1], by[3]};
    un_node_input(keras, layer->inputs[0]);
    un_node_list(keras, layer, "pads", 8, pads);
    un_node_end(keras, layer, "Pad", true);
    return UNET_OK;
}
