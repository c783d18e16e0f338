/* SPDX-License-Identifier: Apache-2.0 */
#include "weights/onnx/onnx_walk.h"

#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/decimal.h"

/* ---- messages and hints ---- */

unet_code un_onnx_refuse(struct un_onnx_walk *walk, const char *format, ...)
{
    char text[300];
    va_list arguments;
    va_start(arguments, format);
    un_decimal_vformat(text, sizeof text, format, arguments);
    va_end(arguments);
    return un_fail(walk->err, UNET_EFORMAT, "%s: node %s: %s", walk->table->path, walk->label,
                   text);
}

static void make_label(struct un_onnx_walk *walk, const struct un_onnx_node *node)
{
    struct un_slice op = node->op, name = node->name;
    const int op_size = un_slice_size(op) > 40 ? 40 : (int)un_slice_size(op);
    const int name_size = un_slice_size(name) > 60 ? 60 : (int)un_slice_size(name);
    if (name_size)
        snprintf(walk->label, sizeof walk->label, "%.*s (%.*s)", name_size, (const char *)name.at,
                 op_size, op_size ? (const char *)op.at : "");
    else
        snprintf(walk->label, sizeof walk->label, "%d (%.*s)", (int)(node - walk->table->nodes),
                 op_size, op_size ? (const char *)op.at : "");
}

unet_code un_onnx_hint(struct un_onnx_walk *walk, int *hint, int found, const char *what)
{
    if (*hint >= 0 && *hint != found)
        return un_onnx_refuse(walk, "%s is %d, wanted %d as in the nodes before", what, found,
                              *hint);
    *hint = found;
    return UNET_OK;
}

unet_code un_onnx_hint_float(struct un_onnx_walk *walk, float *hint, float found, const char *what)
{
    if (!isfinite(found) || (!isnan(*hint) && *hint != found))
        return un_onnx_refuse(walk, "%s is %g, wanted %g as in the nodes before", what,
                              (double)found, (double)*hint);
    *hint = found;
    return UNET_OK;
}

const char *un_onnx_maker_name(const struct un_onnx_map *map)
{
    static const char *const names[] = {
        [UN_ONNX_NO_MAP] = "no map",
        [UN_ONNX_IMAGE] = "the input",
        [UN_ONNX_CONV3] = "a 3x3 convolution",
        [UN_ONNX_CONV1] = "a 1x1 convolution",
        [UN_ONNX_POOL] = "a pooling",
        [UN_ONNX_JOIN] = "a concatenation",
        [UN_ONNX_TRANSPOSE] = "a transposed convolution",
        [UN_ONNX_DOUBLE] = "a doubling",
        [UN_ONNX_UP_CONV] = "an up-convolution",
        [UN_ONNX_PROBABLE] = "a sigmoid or softmax",
        [UN_ONNX_ANSWER] = "the classes of pixels",
    };
    if (map->step)
        return map->step == UN_ONNX_REPEATED ? "a part of a doubling" : "a part of a group norm";
    if (map->cut)
        return "a crop or padding";
    return names[map->maker];
}

bool un_onnx_is_finished(const struct un_onnx_map *map)
{
    return map->maker == UN_ONNX_CONV3 && map->act && !map->cut && !map->step;
}

/* ---- operators ---- */

static unet_code pass(struct un_onnx_walk *walk)
{
    (void)walk;
    return UNET_OK;
}

static unet_code cast(struct un_onnx_walk *walk)
{
    const int64_t to = un_onnx_int(walk->node, "to", 0);
    if (walk->in.maker != UN_ONNX_ANSWER && to != 1 && to != 10 && to != 11 && to != 16)
        return un_onnx_refuse(walk, "makes whole numbers of a map, wanted floats");
    return UNET_OK;
}

static const struct operator
{
    const char *name;
    unet_code (*walk)(struct un_onnx_walk * walk);
}
operators[] = {
    {"Conv", un_onnx_conv},
    {"ConvTranspose", un_onnx_conv_transpose},
    {"BatchNormalization", un_onnx_batch_norm},
    {"InstanceNormalization", un_onnx_instance_norm},
    {"GroupNormalization", un_onnx_group_norm},
    {"Reshape", un_onnx_reshape},
    {"Mul", un_onnx_scale},
    {"Add", un_onnx_scale},
    {"Sub", un_onnx_scale},
    {"Div", un_onnx_scale},
    {"Relu", un_onnx_activation},
    {"LeakyRelu", un_onnx_activation},
    {"MaxPool", un_onnx_pool},
    {"Resize", un_onnx_resize},
    {"Upsample", un_onnx_resize},
    {"Slice", un_onnx_slice},
    {"Pad", un_onnx_pad},
    {"Concat", un_onnx_concat},
    {"Sigmoid", un_onnx_probability},
    {"Softmax", un_onnx_probability},
    {"Transpose", un_onnx_transpose},
    {"Unsqueeze", un_onnx_unsqueeze},
    {"Squeeze", un_onnx_squeeze},
    {"Tile", un_onnx_tile},
    {"ArgMax", un_onnx_classes},
    {"Greater", un_onnx_threshold},
    {"GreaterOrEqual", un_onnx_threshold},
    {"Round", un_onnx_threshold},
    {"Identity", pass},
    {"Dropout", pass},
    {"Cast", cast},
};

static unet_code unknown(struct un_onnx_walk *walk)
{
    static const char *const activations[] = {
        "Clip", "Elu",   "Celu", "Gelu",     "HardSigmoid", "HardSwish",
        "Mish", "PRelu", "Selu", "Softplus", "Tanh",        "ThresholdedRelu"};
    for (size_t i = 0; i < sizeof activations / sizeof *activations; i++)
        if (un_slice_is(walk->node->op, activations[i]))
            return un_onnx_refuse(walk, "another activation, wanted Relu or LeakyRelu");
    if (un_slice_is(walk->node->op, "AveragePool"))
        return un_onnx_refuse(walk, "takes averages, wanted MaxPool of 2x2 with stride 2");
    return un_onnx_refuse(walk, "an operator that the U-Nets of unet do not have");
}

static unet_code walk_operator(struct un_onnx_walk *walk)
{
    const struct un_onnx_node *node = walk->node;
    const bool standard = un_slice_size(node->domain) == 0 || un_slice_is(node->domain, "ai.onnx");
    for (size_t i = 0; standard && i < sizeof operators / sizeof *operators; i++)
        if (un_slice_is(node->op, operators[i].name))
            return operators[i].walk(walk);
    return unknown(walk);
}

/* ---- nodes ---- */

/* Numbers about maps: shapes, and numbers of the type that a map's are of. */
static bool is_measuring(const struct un_onnx_table *table, const struct un_onnx_node *node,
                         int first_map)
{
    return un_slice_is(node->op, "Shape") || un_slice_is(node->op, "Size") ||
           (un_slice_is(node->op, "CastLike") && un_onnx_input(table, node, 0) != first_map);
}

/*
 * A stored tensor under another name: exporters that find two alike keep one; the type of numbers
 * changes with a model's; and where there is no bias, some write one of a zero that is repeated.
 */
static void follow_stored(struct un_onnx_table *table, const struct un_onnx_node *node)
{
    const int from = un_onnx_input(table, node, 0), to = un_onnx_output(table, node, 0);
    const bool repeats = un_slice_is(node->op, "Expand");
    const bool same = un_slice_is(node->op, "Identity") || un_slice_is(node->op, "CastLike") ||
                      (un_slice_is(node->op, "Cast") && un_onnx_int(node, "to", 0) == 1);
    if (from < 0 || to < 0 || table->values[from].tensor < 0 || (!same && !repeats))
        return;
    const int tensor = table->values[from].tensor;
    if (repeats && table->tensors[tensor].count != 1)
        return;
    table->values[to].tensor = tensor;
    table->values[to].spread = repeats || table->values[from].spread;
}

static unet_code walk_node(struct un_onnx_walk *walk, const struct un_onnx_node *node)
{
    struct un_onnx_table *table = walk->table;
    int maps = 0, first = -1;
    for (int i = 0; i < node->inputs; i++) {
        const int value = un_onnx_input(table, node, i);
        if (value < 0 || walk->maps[value].maker == UN_ONNX_NO_MAP)
            continue;
        if (!maps++)
            first = value;
    }
    if (maps == 0 || is_measuring(table, node, first)) {
        follow_stored(table, node);
        return UNET_OK;
    }
    walk->node = node;
    walk->in_value = first;
    walk->in = walk->maps[first];
    make_label(walk, node);
    const bool joins = un_slice_is(node->op, "Concat");
    if (maps > 1 && !joins)
        return un_onnx_refuse(walk, "reads %d maps, which only Concat does in a U-Net", maps);
    if (!joins && un_onnx_input(table, node, 0) != first && !un_slice_is(node->op, "Mul") &&
        !un_slice_is(node->op, "Add"))
        return un_onnx_refuse(walk, "the map is not its first input");
    unet_code code = walk_operator(walk);
    const int out = un_onnx_output(table, node, 0);
    if (!code && out >= 0)
        walk->maps[out] = walk->in;
    return code;
}

static unet_code check_output(struct un_onnx_walk *walk)
{
    const struct un_onnx_map *map = &walk->maps[walk->table->output];
    const char *path = walk->table->path;
    if (map->maker != UN_ONNX_CONV1 && map->maker != UN_ONNX_PROBABLE &&
        map->maker != UN_ONNX_ANSWER)
        return un_fail(walk->err, UNET_EFORMAT,
                       "%s: the output comes from %s, wanted one from a 1x1 convolution", path,
                       un_onnx_maker_name(map));
    if (map->level != 0 || map->ups == 0)
        return un_fail(walk->err, UNET_EFORMAT,
                       "%s: the output is after %d poolings and %d doublings, wanted as many of "
                       "each, and some",
                       path, map->level + map->ups, map->ups);
    return UNET_OK;
}

unet_code un_onnx_walk(struct un_onnx_walk *walk)
{
    struct un_onnx_table *table = walk->table;
    unet_code code = UNET_OK;
    walk->maps = un_arena_alloc(&table->arena, (size_t)table->value_count * sizeof *walk->maps);
    if (!walk->maps)
        return un_fail_memory(walk->err, (size_t)table->value_count * sizeof *walk->maps,
                              table->path);
    walk->maps[table->input] = (struct un_onnx_map){.maker = UN_ONNX_IMAGE, .scale = 1};
    for (int n = 0; n < table->node_count && !code; n++)
        if (table->nodes[n].needed)
            code = walk_node(walk, &table->nodes[n]);
    return code ? code : check_output(walk);
}
