/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One node of the graph becomes one node of ONNX and its activation another, with three exceptions.
 * Where a convolution reads two maps, one is cropped or padded to the size of the other before they
 * are joined; sizes are calculated when the network runs, as (height, width), so any size goes.
 * A bilinear doubling without padding loses its outermost ring.  Group norm has an operator only
 * since version 18, and the right one since 21, so it is spelled out:
 *
 *   [N][C][H][W] -> [N][groups][all the rest] -> instance norm -> [N][C][H][W] -> * weight + bias
 *
 * A value is called after the node that makes it, and a node after the value it makes.
 */
#include "model/onnx_emit.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

const char un_onnx_image[] = "image";

const char *un_onnx_result(const struct un_onnx_options *options)
{
    return options->probabilities ? "probabilities" : "logits";
}

/* ---- a node: its inputs, its attributes, its end ---- */

enum { ROOM = 80 }; /* of a value's name: a node's with an ending */

static void input(struct un_onnx_emit *emit, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

static void input(struct un_onnx_emit *emit, const char *format, ...)
{
    char name[ROOM];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(name, sizeof name, format, arguments);
    va_end(arguments);
    un_put_text(&emit->node, 1, name);
}

/* An attribute: its name, its type, and a value that the caller puts. */
static struct un_builder attribute(const char *name, int type)
{
    struct un_builder made = {0};
    un_put_text(&made, 1, name);
    un_put_int(&made, 20, type);
    return made;
}

static void float_attribute(struct un_onnx_emit *emit, const char *name, float value)
{
    struct un_builder made = attribute(name, 1);
    un_put_float(&made, 2, value);
    un_put_message(&emit->node, 5, &made);
}

static void int_attribute(struct un_onnx_emit *emit, const char *name, int value)
{
    struct un_builder made = attribute(name, 2);
    un_put_int(&made, 3, value);
    un_put_message(&emit->node, 5, &made);
}

static void text_attribute(struct un_onnx_emit *emit, const char *name, const char *text)
{
    struct un_builder made = attribute(name, 3);
    un_put_text(&made, 4, text);
    un_put_message(&emit->node, 5, &made);
}

/* count times the same number */
static void ints_attribute(struct un_onnx_emit *emit, const char *name, int count, int value)
{
    struct un_builder made = attribute(name, 7);
    for (int i = 0; i < count; i++)
        un_put_int(&made, 8, value);
    un_put_message(&emit->node, 5, &made);
}

static void finish(struct un_onnx_emit *emit, const char *op, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

static void finish(struct un_onnx_emit *emit, const char *op, const char *format, ...)
{
    char name[ROOM];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(name, sizeof name, format, arguments);
    va_end(arguments);
    un_put_text(&emit->node, 2, name);
    un_put_text(&emit->node, 3, name);
    un_put_text(&emit->node, 4, op);
    un_put_message(&emit->graph_fields, 1, &emit->node);
}

/* ---- numbers ---- */

enum { FLOATS = 1, INTS = 7 }; /* ONNX's numbers of the types */

/* count < 0: a single value */
static void numbers(struct un_onnx_emit *emit, const char *name, int type, int count,
                    const void *values)
{
    struct un_builder made = {0};
    const size_t size = type == FLOATS ? sizeof(float) : sizeof(int64_t);
    if (count >= 0)
        un_put_int(&made, 1, count);
    un_put_int(&made, 2, type);
    un_put_text(&made, 8, name);
    un_put_bytes(&made, 9, values, (size_t)(count < 0 ? 1 : count) * size);
    un_put_message(&emit->graph_fields, 5, &made);
}

/* Those that nodes share, each only when some node reads it. */
static void shared_numbers(struct un_onnx_emit *emit)
{
    static const int64_t zeros[2] = {0, 0}, ones[2] = {1, 1}, twos[2] = {2, 2}, axes[2] = {2, 3},
                         lasts[2] = {-1, -1};
    static const float doubling[4] = {1, 1, 2, 2};
    const unet_spec *spec = &emit->graph->spec;
    const bool padded = spec->padding == UNET_PADDING_SAME;
    const bool trimmed = !padded && spec->up == UNET_UP_BILINEAR;
    numbers(emit, "two", INTS, 2, twos);
    if (padded)
        numbers(emit, "zero", INTS, 2, zeros);
    else
        numbers(emit, "axes", INTS, 2, axes);
    if (spec->up != UNET_UP_TRANSPOSE)
        numbers(emit, "doubling", FLOATS, 4, doubling);
    if (trimmed) {
        numbers(emit, "one", INTS, 2, ones);
        numbers(emit, "last", INTS, 2, lasts);
    }
    if (spec->norm == UNET_NORM_GROUP) {
        const int64_t shape[3] = {0, spec->groups, -1};
        const size_t count = (size_t)spec->groups;
        float *plain = calloc(2 * count, sizeof *plain);
        emit->graph_fields.failed |= !plain;
        for (size_t i = 0; plain && i < count; i++)
            plain[i] = 1;
        if (plain) {
            numbers(emit, "group_scale", FLOATS, (int)count, plain);
            numbers(emit, "group_shift", FLOATS, (int)count, plain + count);
        }
        free(plain);
        numbers(emit, "group_shape", INTS, 3, shape);
    }
}

/* ---- the network's nodes ---- */

static const char *value_name(const struct un_onnx_emit *emit, int v)
{
    if (v == 0)
        return emit->options->scaled ? "scaled" : un_onnx_image;
    return v == emit->graph->node_count ? "logits" : emit->graph->nodes[v - 1].name;
}

static const char *made_by(const struct un_onnx_emit *emit, const struct un_node *node)
{
    return value_name(emit, (int)(node - emit->graph->nodes) + 1);
}

static const char *param_name(const struct un_onnx_emit *emit, int param)
{
    return emit->graph->params[param].name;
}

/* What comes before an activation; without one the node's value itself. */
static const char *before_act(const struct un_node *node)
{
    return node->act.kind == UN_ACT_NONE ? "" : ".linear";
}

static void activation(struct un_onnx_emit *emit, const struct un_node *node)
{
    if (node->act.kind == UN_ACT_NONE)
        return;
    input(emit, "%s%s", made_by(emit, node), before_act(node));
    if (node->act.kind == UN_ACT_LEAKY)
        float_attribute(emit, "alpha", node->act.slope);
    finish(emit, node->act.kind == UN_ACT_LEAKY ? "LeakyRelu" : "Relu", "%s", made_by(emit, node));
}

/* Brings the maps of a node with two sources to one size; returns which of them has changed. */
static int fit_sources(struct un_onnx_emit *emit, const struct un_node *node)
{
    const char *skip = value_name(emit, node->src[node->skip]);
    const char *up = value_name(emit, node->src[!node->skip]);
    const char *name = node->name;
    for (int i = 0; i < 2; i++) {
        input(emit, "%s", i ? up : skip);
        int_attribute(emit, "start", 2);
        finish(emit, "Shape", "%s.%s_size", name, i ? "up" : "skip");
    }
    input(emit, "%s.skip_size", name);
    input(emit, "%s.up_size", name);
    finish(emit, "Sub", "%s.difference", name);
    input(emit, "%s.difference", name);
    input(emit, "two");
    finish(emit, "Div", "%s.before", name);
    if (emit->graph->spec.padding == UNET_PADDING_VALID) { /* copy and crop */
        input(emit, "%s.before", name);
        input(emit, "%s.up_size", name);
        finish(emit, "Add", "%s.end", name);
        input(emit, "%s", skip);
        input(emit, "%s.before", name);
        input(emit, "%s.end", name);
        input(emit, "axes");
        finish(emit, "Slice", "%s.fitted", name);
        return node->skip;
    }
    input(emit, "%s.difference", name);
    input(emit, "%s.before", name);
    finish(emit, "Sub", "%s.after", name);
    input(emit, "zero");
    input(emit, "%s.before", name);
    input(emit, "zero");
    input(emit, "%s.after", name);
    int_attribute(emit, "axis", 0);
    finish(emit, "Concat", "%s.pads", name);
    input(emit, "%s", up);
    input(emit, "%s.pads", name);
    text_attribute(emit, "mode", "constant");
    finish(emit, "Pad", "%s.fitted", name);
    return !node->skip;
}

static void join_sources(struct un_onnx_emit *emit, const struct un_node *node)
{
    const int changed = fit_sources(emit, node);
    for (int s = 0; s < 2; s++)
        if (s == changed)
            input(emit, "%s.fitted", node->name);
        else
            input(emit, "%s", value_name(emit, node->src[s]));
    int_attribute(emit, "axis", 1);
    finish(emit, "Concat", "%s.joined", node->name);
}

static void convolution(struct un_onnx_emit *emit, const struct un_node *node)
{
    const bool wide = node->conv == UN_CONV3X3, up = node->conv == UN_UPCONV2X2;
    if (node->src[1] >= 0) {
        join_sources(emit, node);
        input(emit, "%s.joined", node->name);
    } else {
        input(emit, "%s", value_name(emit, node->src[0]));
    }
    input(emit, "%s", param_name(emit, node->weight));
    if (node->bias >= 0)
        input(emit, "%s", param_name(emit, node->bias));
    ints_attribute(emit, "kernel_shape", 2, wide ? 3 : up ? 2 : 1);
    ints_attribute(emit, "strides", 2, up ? 2 : 1);
    ints_attribute(emit, "pads", 4, wide && emit->graph->spec.padding == UNET_PADDING_SAME);
    finish(emit, up ? "ConvTranspose" : "Conv", "%s%s", made_by(emit, node), before_act(node));
    activation(emit, node);
}

static void group_norm(struct un_onnx_emit *emit, const struct un_node *node)
{
    const char *src = value_name(emit, node->src[0]), *name = node->name;
    input(emit, "%s", src);
    input(emit, "group_shape");
    finish(emit, "Reshape", "%s.grouped", name);
    input(emit, "%s.grouped", name);
    input(emit, "group_scale");
    input(emit, "group_shift");
    float_attribute(emit, "epsilon", un_spec_epsilon(&emit->graph->spec));
    finish(emit, "InstanceNormalization", "%s.normal", name);
    input(emit, "%s", src);
    finish(emit, "Shape", "%s.shape", name);
    input(emit, "%s.normal", name);
    input(emit, "%s.shape", name);
    finish(emit, "Reshape", "%s.channels", name);
    input(emit, "%s.channels", name);
    input(emit, "%s", param_name(emit, node->weight));
    finish(emit, "Mul", "%s.scaled", name);
    input(emit, "%s.scaled", name);
    input(emit, "%s", param_name(emit, node->bias));
    finish(emit, "Add", "%s%s", made_by(emit, node), before_act(node));
    emit->spread[node->weight] = emit->spread[node->bias] = true;
}

static void norm(struct un_onnx_emit *emit, const struct un_node *node)
{
    if (emit->graph->spec.norm == UNET_NORM_GROUP) {
        group_norm(emit, node);
    } else {
        input(emit, "%s", value_name(emit, node->src[0]));
        input(emit, "%s", param_name(emit, node->weight));
        input(emit, "%s", param_name(emit, node->bias));
        if (node->groups == 0) {
            input(emit, "%s", param_name(emit, node->running_mean));
            input(emit, "%s", param_name(emit, node->running_var));
        }
        float_attribute(emit, "epsilon", un_spec_epsilon(&emit->graph->spec));
        finish(emit, node->groups ? "InstanceNormalization" : "BatchNormalization", "%s%s",
               made_by(emit, node), before_act(node));
    }
    activation(emit, node);
}

static void pooling(struct un_onnx_emit *emit, const struct un_node *node)
{
    input(emit, "%s", value_name(emit, node->src[0]));
    ints_attribute(emit, "kernel_shape", 2, 2);
    ints_attribute(emit, "strides", 2, 2);
    finish(emit, "MaxPool", "%s", made_by(emit, node));
}

static void doubling(struct un_onnx_emit *emit, const struct un_node *node)
{
    static const struct {
        const char *mode, *positions;
    } rows[] = {[UN_BILINEAR] = {"linear", "half_pixel"},
                [UN_CORNERS] = {"linear", "align_corners"},
                [UN_NEAREST] = {"nearest", "asymmetric"}};
    input(emit, "%s", value_name(emit, node->src[0]));
    input(emit, "%s", ""); /* a region, which only other modes want */
    input(emit, "doubling");
    text_attribute(emit, "mode", rows[node->doubling].mode);
    text_attribute(emit, "coordinate_transformation_mode", rows[node->doubling].positions);
    text_attribute(emit, "nearest_mode", "floor");
    finish(emit, "Resize", "%s%s", made_by(emit, node), node->trim ? ".whole" : "");
    if (!node->trim)
        return;
    input(emit, "%s.whole", made_by(emit, node));
    input(emit, "one");
    input(emit, "last");
    input(emit, "axes");
    finish(emit, "Slice", "%s", made_by(emit, node));
}

static void scaling(struct un_onnx_emit *emit)
{
    numbers(emit, "scale", FLOATS, -1, &emit->options->scale);
    numbers(emit, "shift", FLOATS, -1, &emit->options->shift);
    input(emit, "%s", un_onnx_image);
    input(emit, "scale");
    finish(emit, "Mul", "stretched");
    input(emit, "stretched");
    input(emit, "shift");
    finish(emit, "Add", "scaled");
}

static void probabilities(struct un_onnx_emit *emit)
{
    const bool one = emit->graph->spec.classes == 1;
    input(emit, "logits");
    if (!one)
        int_attribute(emit, "axis", 1);
    finish(emit, one ? "Sigmoid" : "Softmax", "%s", un_onnx_result(emit->options));
}

void un_onnx_emit_graph(struct un_onnx_emit *emit)
{
    shared_numbers(emit);
    if (emit->options->scaled)
        scaling(emit);
    for (int i = 0; i < emit->graph->node_count; i++) {
        const struct un_node *node = &emit->graph->nodes[i];
        switch (node->kind) {
        case UN_NODE_CONV:
            convolution(emit, node);
            break;
        case UN_NODE_NORM:
            norm(emit, node);
            break;
        case UN_NODE_MAXPOOL:
            pooling(emit, node);
            break;
        case UN_NODE_UPSAMPLE:
            doubling(emit, node);
            break;
        }
    }
    if (emit->options->probabilities)
        probabilities(emit);
}
