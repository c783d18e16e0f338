/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One node of the graph becomes one node of ONNX and its activation another, with three exceptions.
 * Where a node reads two maps, one is cropped or padded to the size of the other before they are
 * joined or added; sizes are calculated when the network runs, as (height, width), so any size
 * goes. A bilinear doubling without padding loses its outermost ring.  Group norm has an operator
 * only since version 18, and the right one since 21, so it is spelled out:
 *
 *   [N][C][H][W] -> [N][groups][all the rest] -> instance norm -> [N][C][H][W] -> * weight + bias
 *
 * A value is called after the node that makes it, and a node after the value it makes.
 */
#include "weights/onnx/onnx_emit.h"

#include <stdio.h>
#include <stdlib.h>

const char un_onnx_image[] = "image";

const char *un_onnx_result(const struct un_onnx_options *options)
{
    return options->probabilities ? "probabilities" : "logits";
}

/* ---- numbers ---- */

/* Whether a node is a norm that is given a scale of 1 and a shift of 0: by itself it has none, or
 * they follow it. */
static bool is_spelled_out(const struct un_onnx_emit *emit, int i)
{
    const unet_spec *spec = &emit->graph->spec;
    return emit->graph->nodes[i].kind == UN_NODE_NORM &&
           (spec->norm == UNET_NORM_GROUP || spec->norm_plain);
}

static bool is_first_of_groups(const struct un_onnx_emit *emit, int i)
{
    for (int k = 0; k < i; k++)
        if (is_spelled_out(emit, k) && emit->graph->nodes[k].groups == emit->graph->nodes[i].groups)
            return false;
    return true;
}

/* What norms of so many groups share. */
static void plain_numbers(struct un_onnx_emit *emit, int groups)
{
    const int64_t shape[3] = {0, groups, -1};
    const size_t count = (size_t)groups;
    float *plain = calloc(2 * count, sizeof *plain);
    char name[32];
    emit->graph_fields.failed |= !plain;
    for (size_t i = 0; plain && i < count; i++)
        plain[i] = 1;
    for (size_t i = 0; plain && i < 2; i++) {
        snprintf(name, sizeof name, "group_%s_%d", i ? "shift" : "scale", groups);
        un_emit_numbers(emit, name, UN_EMIT_FLOATS, groups, plain + i * count);
    }
    free(plain);
    snprintf(name, sizeof name, "group_shape_%d", groups);
    if (emit->graph->spec.norm == UNET_NORM_GROUP)
        un_emit_numbers(emit, name, UN_EMIT_INTS, 3, shape);
}

/*
 * Whether the maps of a node are of one size: unet brings the sides of such a network's input to
 * multiples of its grid by mirrored pixels.  The graph does not, and whoever runs it on another
 * size hears of it: with zeros around a map, as below, it would answer something else in silence.
 * But for a side that is one short of a multiple, where no skip connection is at full size
 * (ResNets, MONAI's): nothing fails to fit, and the answer has a pixel more.
 */
static bool of_one_size(const struct un_onnx_emit *emit)
{
    return emit->graph->geometry.even;
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
    if (!of_one_size(emit))
        un_emit_numbers(emit, "two", UN_EMIT_INTS, 2, twos);
    if (!padded)
        un_emit_numbers(emit, "axes", UN_EMIT_INTS, 2, axes);
    else if (!of_one_size(emit))
        un_emit_numbers(emit, "zero", UN_EMIT_INTS, 2, zeros);
    if (spec->up != UNET_UP_TRANSPOSE)
        un_emit_numbers(emit, "doubling", UN_EMIT_FLOATS, 4, doubling);
    if (trimmed) {
        un_emit_numbers(emit, "one", UN_EMIT_INTS, 2, ones);
        un_emit_numbers(emit, "last", UN_EMIT_INTS, 2, lasts);
    }
    for (int i = 0; i < emit->graph->node_count; i++)
        if (is_spelled_out(emit, i) && is_first_of_groups(emit, i))
            plain_numbers(emit, emit->graph->nodes[i].groups);
}

/* ---- the network's nodes ---- */

static const char *value_name(const struct un_onnx_emit *emit, int v)
{
    if (v == 0)
        return emit->options->scaled ? "scaled" : un_onnx_image;
    return v == emit->graph->outputs[0] ? "logits" : emit->graph->nodes[v - 1].name;
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
    un_emit_input(emit, "%s%s", made_by(emit, node), before_act(node));
    if (node->act.kind == UN_ACT_LEAKY)
        un_emit_float(emit, "alpha", node->act.slope);
    un_emit_end(emit, node->act.kind == UN_ACT_LEAKY ? "LeakyRelu" : "Relu", "%s",
                made_by(emit, node));
}

/* Brings the maps of a node with two sources to one size; returns which of them has changed. */
static int fit_sources(struct un_onnx_emit *emit, const struct un_node *node)
{
    const char *skip = value_name(emit, node->src[node->skip]);
    const char *up = value_name(emit, node->src[!node->skip]);
    const char *name = node->name;
    for (int i = 0; i < 2; i++) {
        un_emit_input(emit, "%s", i ? up : skip);
        un_emit_int(emit, "start", 2);
        un_emit_end(emit, "Shape", "%s.%s_size", name, i ? "up" : "skip");
    }
    un_emit_input(emit, "%s.skip_size", name);
    un_emit_input(emit, "%s.up_size", name);
    un_emit_end(emit, "Sub", "%s.difference", name);
    un_emit_input(emit, "%s.difference", name);
    un_emit_input(emit, "two");
    un_emit_end(emit, "Div", "%s.before", name);
    if (emit->graph->spec.padding == UNET_PADDING_VALID) { /* copy and crop */
        un_emit_input(emit, "%s.before", name);
        un_emit_input(emit, "%s.up_size", name);
        un_emit_end(emit, "Add", "%s.end", name);
        un_emit_input(emit, "%s", skip);
        un_emit_input(emit, "%s.before", name);
        un_emit_input(emit, "%s.end", name);
        un_emit_input(emit, "axes");
        un_emit_end(emit, "Slice", "%s.fitted", name);
        return node->skip;
    }
    un_emit_input(emit, "%s.difference", name);
    un_emit_input(emit, "%s.before", name);
    un_emit_end(emit, "Sub", "%s.after", name);
    un_emit_input(emit, "zero");
    un_emit_input(emit, "%s.before", name);
    un_emit_input(emit, "zero");
    un_emit_input(emit, "%s.after", name);
    un_emit_int(emit, "axis", 0);
    un_emit_end(emit, "Concat", "%s.pads", name);
    un_emit_input(emit, "%s", up);
    un_emit_input(emit, "%s.pads", name);
    un_emit_text(emit, "mode", "constant");
    un_emit_end(emit, "Pad", "%s.fitted", name);
    return !node->skip;
}

/* Both maps that a node reads, of one size, as inputs of what is emitted next. */
static void both_sources(struct un_onnx_emit *emit, const struct un_node *node)
{
    const int changed = of_one_size(emit) ? -1 : fit_sources(emit, node);
    for (int s = 0; s < 2; s++)
        if (s == changed)
            un_emit_input(emit, "%s.fitted", node->name);
        else
            un_emit_input(emit, "%s", value_name(emit, node->src[s]));
}

static void sum(struct un_onnx_emit *emit, const struct un_node *node)
{
    if (node->where.block) /* residual blocks add maps of one size */
        for (int s = 0; s < 2; s++)
            un_emit_input(emit, "%s", value_name(emit, node->src[s]));
    else if (node->src[1] >= 0)
        both_sources(emit, node);
    else
        un_emit_input(emit, "%s", value_name(emit, node->src[0]));
    un_emit_end(emit, node->src[1] >= 0 ? "Add" : "Identity", "%s%s", made_by(emit, node),
                before_act(node));
    activation(emit, node);
}

static void convolution(struct un_onnx_emit *emit, const struct un_node *node)
{
    const bool up = un_conv_is_up(node->conv), half = un_conv_halves(node->conv);
    const int side = un_conv_side(node->conv);
    const bool padded = side % 2 && emit->graph->spec.padding == UNET_PADDING_SAME;
    if (node->src[1] >= 0) {
        both_sources(emit, node);
        un_emit_int(emit, "axis", 1);
        un_emit_end(emit, "Concat", "%s.joined", node->name);
        un_emit_input(emit, "%s.joined", node->name);
    } else {
        un_emit_input(emit, "%s", value_name(emit, node->src[0]));
    }
    un_emit_input(emit, "%s", param_name(emit, node->weight));
    if (node->bias >= 0)
        un_emit_input(emit, "%s", param_name(emit, node->bias));
    un_emit_ints(emit, "kernel_shape", 2, side);
    un_emit_ints(emit, "strides", 2, up || half ? 2 : 1);
    un_emit_ints(emit, "pads", 4, padded ? side / 2 : 0);
    if (node->conv == UN_UPCONV3X3)
        un_emit_ints(emit, "output_padding", 2, 1);
    un_emit_end(emit, up ? "ConvTranspose" : "Conv", "%s%s", made_by(emit, node), before_act(node));
    activation(emit, node);
}

static void plain_inputs(struct un_onnx_emit *emit, const struct un_node *node)
{
    un_emit_input(emit, "group_scale_%d", node->groups);
    un_emit_input(emit, "group_shift_%d", node->groups);
}

static void group_norm(struct un_onnx_emit *emit, const struct un_node *node)
{
    const char *src = value_name(emit, node->src[0]), *name = node->name;
    un_emit_input(emit, "%s", src);
    un_emit_input(emit, "group_shape_%d", node->groups);
    un_emit_end(emit, "Reshape", "%s.grouped", name);
    un_emit_input(emit, "%s.grouped", name);
    plain_inputs(emit, node);
    un_emit_float(emit, "epsilon", un_spec_epsilon(&emit->graph->spec));
    un_emit_end(emit, "InstanceNormalization", "%s.normal", name);
    un_emit_input(emit, "%s", src);
    un_emit_end(emit, "Shape", "%s.shape", name);
    un_emit_input(emit, "%s.normal", name);
    un_emit_input(emit, "%s.shape", name);
    un_emit_end(emit, "Reshape", "%s.channels", name);
    un_emit_input(emit, "%s.channels", name);
    un_emit_input(emit, "%s", param_name(emit, node->weight));
    un_emit_end(emit, "Mul", "%s.scaled", name);
    un_emit_input(emit, "%s.scaled", name);
    un_emit_input(emit, "%s", param_name(emit, node->bias));
    un_emit_end(emit, "Add", "%s%s", made_by(emit, node), before_act(node));
    emit->spread[node->weight] = emit->spread[node->bias] = true;
}

static void norm(struct un_onnx_emit *emit, const struct un_node *node)
{
    if (emit->graph->spec.norm == UNET_NORM_GROUP) {
        group_norm(emit, node);
    } else {
        un_emit_input(emit, "%s", value_name(emit, node->src[0]));
        if (node->weight < 0) {
            plain_inputs(emit, node);
        } else {
            un_emit_input(emit, "%s", param_name(emit, node->weight));
            un_emit_input(emit, "%s", param_name(emit, node->bias));
        }
        if (node->groups == 0) {
            un_emit_input(emit, "%s", param_name(emit, node->running_mean));
            un_emit_input(emit, "%s", param_name(emit, node->running_var));
        }
        un_emit_float(emit, "epsilon", un_spec_epsilon(&emit->graph->spec));
        un_emit_end(emit, node->groups ? "InstanceNormalization" : "BatchNormalization", "%s%s",
                    made_by(emit, node), before_act(node));
    }
    activation(emit, node);
}

static void slope(struct un_onnx_emit *emit, const struct un_node *node)
{
    un_emit_input(emit, "%s", value_name(emit, node->src[0]));
    un_emit_input(emit, "%s", param_name(emit, node->weight));
    un_emit_end(emit, "PRelu", "%s", made_by(emit, node));
}

static void pooling(struct un_onnx_emit *emit, const struct un_node *node)
{
    const bool around = node->kind == UN_NODE_MAXPOOL3;
    un_emit_input(emit, "%s", value_name(emit, node->src[0]));
    un_emit_ints(emit, "kernel_shape", 2, around ? 3 : 2);
    un_emit_ints(emit, "strides", 2, 2);
    if (around)
        un_emit_ints(emit, "pads", 4, 1);
    un_emit_end(emit, node->kind == UN_NODE_MEANPOOL ? "AveragePool" : "MaxPool", "%s",
                made_by(emit, node));
}

static void doubling(struct un_onnx_emit *emit, const struct un_node *node)
{
    static const struct {
        const char *mode, *positions;
    } rows[] = {[UN_BILINEAR] = {"linear", "half_pixel"},
                [UN_CORNERS] = {"linear", "align_corners"},
                [UN_NEAREST] = {"nearest", "asymmetric"}};
    un_emit_input(emit, "%s", value_name(emit, node->src[0]));
    un_emit_input(emit, "%s", ""); /* a region, which only other modes want */
    un_emit_input(emit, "doubling");
    un_emit_text(emit, "mode", rows[node->doubling].mode);
    un_emit_text(emit, "coordinate_transformation_mode", rows[node->doubling].positions);
    un_emit_text(emit, "nearest_mode", "floor");
    un_emit_end(emit, "Resize", "%s%s", made_by(emit, node), node->trim ? ".whole" : "");
    if (!node->trim)
        return;
    un_emit_input(emit, "%s.whole", made_by(emit, node));
    un_emit_input(emit, "one");
    un_emit_input(emit, "last");
    un_emit_input(emit, "axes");
    un_emit_end(emit, "Slice", "%s", made_by(emit, node));
}

static void scaling(struct un_onnx_emit *emit)
{
    un_emit_numbers(emit, "scale", UN_EMIT_FLOATS, -1, &emit->options->scale);
    un_emit_numbers(emit, "shift", UN_EMIT_FLOATS, -1, &emit->options->shift);
    un_emit_input(emit, "%s", un_onnx_image);
    un_emit_input(emit, "scale");
    un_emit_end(emit, "Mul", "stretched");
    un_emit_input(emit, "stretched");
    un_emit_input(emit, "shift");
    un_emit_end(emit, "Add", "scaled");
}

static void probabilities(struct un_onnx_emit *emit)
{
    const bool one = emit->graph->spec.classes == 1;
    un_emit_input(emit, "logits");
    if (!one)
        un_emit_int(emit, "axis", 1);
    un_emit_end(emit, one ? "Sigmoid" : "Softmax", "%s", un_onnx_result(emit->options));
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
        case UN_NODE_MAXPOOL3:
        case UN_NODE_MEANPOOL:
            pooling(emit, node);
            break;
        case UN_NODE_UPSAMPLE:
            doubling(emit, node);
            break;
        case UN_NODE_ADD:
            sum(emit, node);
            break;
        case UN_NODE_PRELU:
            slope(emit, node);
            break;
        }
    }
    if (emit->options->probabilities)
        probabilities(emit);
}
