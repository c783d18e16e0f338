/* SPDX-License-Identifier: Apache-2.0 */
#include <string.h>

#include "weights/keras/keras_graph.h"

const json_t *un_keras_setting(const struct un_keras_layer *layer, const char *name)
{
    return json_object_get(layer->config, name);
}

bool un_keras_is_text(const struct un_keras_layer *layer, const char *name, const char *text)
{
    const char *found = json_string_value(un_keras_setting(layer, name));
    return found && !strcmp(found, text);
}

double un_keras_number(const struct un_keras_layer *layer, const char *name, double otherwise)
{
    const json_t *found = un_keras_setting(layer, name);
    return json_is_number(found) ? json_number_value(found) : otherwise;
}

bool un_keras_pair(const struct un_keras_layer *layer, const char *name, int64_t otherwise,
                   int64_t values[2])
{
    const json_t *found = un_keras_setting(layer, name);
    values[0] = values[1] = otherwise;
    if (!found || json_is_null(found))
        return true;
    if (json_is_integer(found)) {
        values[0] = values[1] = json_integer_value(found);
        return true;
    }
    for (size_t i = 0; i < 2; i++) {
        const json_t *value = json_array_get(found, i);
        if (!json_is_integer(value))
            return false;
        values[i] = json_integer_value(value);
    }
    return json_array_size(found) == 2;
}

bool un_keras_is_channels(const json_t *axis)
{
    axis = json_is_array(axis) && json_array_size(axis) == 1 ? json_array_get(axis, 0) : axis;
    return !axis || (json_is_integer(axis) &&
                     (json_integer_value(axis) == -1 || json_integer_value(axis) == 3));
}
