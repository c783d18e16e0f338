/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The U of Ronneberger, Fischer, Brox 2015 as a list of nodes.
 *
 *   enc_0 -> pool -> enc_1 -> pool -> ... -> bottleneck
 *     |               |                        |
 *   dec_0 <- upconv_0 <- dec_1 <- upconv_1 <- ...
 *     |
 *   out_conv
 *
 * Names are those of the PyTorch classes this layout comes from, where a block is
 * nn.Sequential(conv, relu, conv, relu): conv_block.0 and conv_block.2, or with batch norm
 * nn.Sequential(conv, norm, relu, conv, norm, relu): conv_block.0, 1, 3 and 4.  So the number is a
 * running one over convolutions, norms and activations.
 */
#include "net/graph.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

static struct un_activation spec_activation(const unet_spec *spec)
{
    if (spec->act == UNET_ACT_LEAKY_RELU)
        return (struct un_activation){UN_ACT_LEAKY, spec->leaky_slope};
    return (struct un_activation){UN_ACT_RELU, 0};
}

static int add_param(struct un_graph *graph, const char *node, const char *suffix, int dims,
                     const int *shape, int fan_in, float initial, bool trainable)
{
    struct un_param *p = &graph->params[graph->param_count];
    /* the longest, "bottleneck.conv_block.4.running_mean", has 36 characters */
    snprintf(p->name, sizeof p->name, "%.26s.%s", node, suffix);
    p->dims = dims;
    p->count = 1;
    for (int i = 0; i < dims; i++) {
        p->shape[i] = shape[i];
        p->count *= (size_t)shape[i];
    }
    p->fan_in = fan_in;
    p->initial = initial;
    p->trainable = trainable;
    return graph->param_count++;
}

/* Appends a node; returns the value it makes. */
static int add_node(struct un_graph *graph, struct un_node node)
{
    graph->nodes[graph->node_count++] = node;
    return graph->node_count;
}

static int value_channels(const struct un_graph *graph, int v)
{
    return v == 0 ? graph->spec.in_channels : graph->nodes[v - 1].channels;
}

static int add_conv(struct un_graph *graph, enum un_conv_kind kind, const char *name, int src0,
                    int src1, int channels, bool bias, struct un_activation act)
{
    struct un_node node = {.kind = UN_NODE_CONV,
                           .conv = kind,
                           .src = {src0, src1},
                           .channels = channels,
                           .act = act,
                           .bias = -1,
                           .running_mean = -1,
                           .running_var = -1};
    snprintf(node.name, sizeof node.name, "%s", name);
    int in = value_channels(graph, src0) + (src1 >= 0 ? value_channels(graph, src1) : 0);
    int side = kind == UN_CONV3X3 ? 3 : kind == UN_UPCONV2X2 ? 2 : 1;
    /* each output of a 2x2 up-convolution of stride 2 has just one tap of each input channel */
    int fan_in = kind == UN_CONV3X3 ? 9 * in : in;
    int shape[4] = {channels, in, side, side};
    if (kind == UN_UPCONV2X2) {
        shape[0] = in;
        shape[1] = channels;
    }
    node.weight = add_param(graph, name, "weight", 4, shape, fan_in, 0, true);
    if (bias)
        node.bias = add_param(graph, name, "bias", 1, &channels, 0, 0, true);
    return add_node(graph, node);
}

static int add_norm(struct un_graph *graph, const char *name, int src, struct un_activation act)
{
    const unet_spec *spec = &graph->spec;
    int channels = value_channels(graph, src);
    struct un_node node = {.kind = UN_NODE_NORM,
                           .src = {src, -1},
                           .channels = channels,
                           .act = act,
                           .running_mean = -1,
                           .running_var = -1,
                           .groups = spec->norm == UNET_NORM_INSTANCE ? channels
                                     : spec->norm == UNET_NORM_GROUP  ? spec->groups
                                                                      : 0};
    snprintf(node.name, sizeof node.name, "%s", name);
    node.weight = add_param(graph, name, "weight", 1, &channels, 0, 1, true);
    node.bias = add_param(graph, name, "bias", 1, &channels, 0, 0, true);
    if (!node.groups) {
        node.running_mean = add_param(graph, name, "running_mean", 1, &channels, 0, 0, false);
        node.running_var = add_param(graph, name, "running_var", 1, &channels, 0, 1, false);
    }
    return add_node(graph, node);
}

/* A node without parameters. */
static int add_plain(struct un_graph *graph, enum un_node_kind kind, const char *name, int src,
                     int trim)
{
    struct un_node node = {.kind = kind,
                           .src = {src, -1},
                           .channels = value_channels(graph, src),
                           .weight = -1,
                           .bias = -1,
                           .running_mean = -1,
                           .running_var = -1,
                           .trim = trim};
    snprintf(node.name, sizeof node.name, "%s", name);
    return add_node(graph, node);
}

/* What follows a convolution: a norm, an activation, both in either order, or nothing. */
struct tail {
    bool norm, act;
};

static bool has_bias(const unet_spec *spec, struct tail tail)
{
    return spec->bias == UNET_BIAS_ALWAYS || (spec->bias == UNET_BIAS_UNLESS_NORM && !tail.norm);
}

/* A convolution and its tail; norm_name is used when there is a norm. */
static int add_layer(struct un_graph *graph, enum un_conv_kind kind, const char *name,
                     const char *norm_name, const int src[2], int channels, bool bias,
                     struct tail tail)
{
    const unet_spec *spec = &graph->spec;
    const struct un_activation none = {UN_ACT_NONE, 0};
    const struct un_activation act = tail.act ? spec_activation(spec) : none;
    const bool norm_last = tail.norm && spec->norm_order == UNET_ACT_FIRST;
    int value = add_conv(graph, kind, name, src[0], src[1], channels, bias,
                         tail.norm && !norm_last ? none : act);
    return tail.norm ? add_norm(graph, norm_name, value, norm_last ? none : act) : value;
}

static int add_block(struct un_graph *graph, const char *block, const int src[2],
                     const int channels[2])
{
    const unet_spec *spec = &graph->spec;
    const int convs = un_spec_convs(spec);
    int from[2] = {src[0], src[1]}, number = 0;
    for (int i = 0; i < convs; i++) {
        const struct tail tail = {spec->norm != UNET_NORM_NONE,
                                  i == convs - 1 || !spec->single_act};
        const bool norm_last = tail.act && spec->norm_order == UNET_ACT_FIRST;
        char name[40], norm_name[40];
        snprintf(name, sizeof name, "%s.conv_block.%d", block, number);
        snprintf(norm_name, sizeof norm_name, "%s.conv_block.%d", block, number + 1 + norm_last);
        from[0] = add_layer(graph, UN_CONV3X3, name, norm_name, from, channels[i],
                            has_bias(spec, tail), tail);
        from[1] = -1;
        number += 1 + tail.norm + tail.act;
    }
    return from[0];
}

static int add_doubling(struct un_graph *graph, int level, int src)
{
    const unet_spec *spec = &graph->spec;
    char name[40];
    snprintf(name, sizeof name, "upsample_%d", level);
    int value = add_plain(graph, UN_NODE_UPSAMPLE, name, src,
                          spec->padding == UNET_PADDING_VALID && spec->up == UNET_UP_BILINEAR);
    graph->nodes[value - 1].doubling = spec->up == UNET_UP_NEAREST ? UN_NEAREST
                                       : spec->align_corners       ? UN_CORNERS
                                                                   : UN_BILINEAR;
    return value;
}

static int add_up(struct un_graph *graph, int level, int src)
{
    const unet_spec *spec = &graph->spec;
    const struct tail tail = {spec->up_norm, spec->up_act};
    const int channels = un_spec_up(spec, level);
    const bool bias = tail.norm ? has_bias(spec, tail) : spec->bias != UNET_BIAS_NEVER;
    const bool wide = spec->up_conv == UNET_UP_CONV3X3;
    char name[40], norm_name[40];
    snprintf(name, sizeof name, "upconv_%d", level);
    snprintf(norm_name, sizeof norm_name, "upnorm_%d", level);
    int from[2] = {src, -1};
    if (spec->up == UNET_UP_TRANSPOSE)
        return add_layer(graph, UN_UPCONV2X2, name, norm_name, from, channels, bias, tail);
    if (spec->up_conv == UNET_UP_NO_CONV)
        return add_doubling(graph, level, src);
    /* A 1x1 convolution and an interpolation commute (the weights of the latter sum to 1), so the
     * convolution runs first, on a quarter of the pixels, when nothing stands between. */
    const bool first = !wide && !tail.norm && !tail.act;
    if (!first)
        from[0] = add_doubling(graph, level, src);
    int value = add_layer(graph, wide ? UN_CONV3X3 : UN_CONV1X1, name, norm_name, from, channels,
                          bias, tail);
    return first ? add_doubling(graph, level, value) : value;
}

static void lay_out_params(struct un_graph *graph)
{
    size_t offset = 0;
    for (int pass = 0; pass < 2; pass++) {
        for (int i = 0; i < graph->param_count; i++) {
            struct un_param *p = &graph->params[i];
            if (p->trainable == (pass == 0)) {
                p->offset = offset;
                offset += p->count;
            }
        }
        if (pass == 0)
            graph->trainable = offset;
    }
    graph->values = offset;
}

static int add_encoder_block(struct un_graph *graph, const char *name, int level, int src)
{
    const int from[2] = {src, -1};
    const int channels[2] = {un_spec_enc(&graph->spec, level, 0),
                             un_spec_enc(&graph->spec, level, 1)};
    return add_block(graph, name, from, channels);
}

static int add_decoder_block(struct un_graph *graph, int level, int up, int skip)
{
    const bool skip_first = graph->spec.concat == UNET_CONCAT_SKIP_UP;
    const int from[2] = {skip_first ? skip : up, skip_first ? up : skip};
    const int channels[2] = {un_spec_dec(&graph->spec, level, 0),
                             un_spec_dec(&graph->spec, level, 1)};
    char name[40];
    snprintf(name, sizeof name, "dec_%d", level);
    const int reader = graph->node_count;
    int value = add_block(graph, name, from, channels);
    graph->nodes[reader].skip = !skip_first;
    return value;
}

void un_graph_build(struct un_graph *graph, const unet_spec *spec)
{
    int skips[UN_MAX_DEPTH], value = 0;
    char name[40];
    memset(graph, 0, sizeof *graph);
    graph->spec = *spec;
    for (int d = 0; d < spec->depth; d++) {
        snprintf(name, sizeof name, "enc_%d", d);
        skips[d] = value = add_encoder_block(graph, name, d, value);
        if (d == spec->depth - 1)
            graph->nodes[value - 1].dropout = spec->dropout;
        snprintf(name, sizeof name, "pool_%d", d);
        value = add_plain(graph, UN_NODE_MAXPOOL, name, value, 0);
    }
    value = add_encoder_block(graph, "bottleneck", spec->depth, value);
    graph->nodes[value - 1].dropout = spec->dropout;
    for (int d = spec->depth - 1; d >= 0; d--)
        value = add_decoder_block(graph, d, add_up(graph, d, value), skips[d]);
    add_conv(graph, UN_CONV1X1, "out_conv", value, -1, spec->classes, true,
             (struct un_activation){UN_ACT_NONE, 0});
    lay_out_params(graph);
}

int un_graph_decoder(const struct un_graph *graph)
{
    int i = graph->node_count - 1;
    while (i > 0 && strncmp(graph->nodes[i - 1].name, "bottleneck.", 11))
        i--;
    return i;
}

struct un_shape un_graph_value(const struct un_graph *graph, int v)
{
    return v == 0 ? graph->input : graph->nodes[v - 1].shape;
}

/* A 3x3 convolution: the frame is that of what comes from below (unpadded) or the larger one, that
 * of the skip connection (padded). */
static void size_conv3x3(const struct un_graph *graph, struct un_node *node)
{
    int pad = graph->spec.padding == UNET_PADDING_SAME ? 1 : 0, skip = node->skip, up = !skip;
    struct un_shape frame = un_graph_value(graph, node->src[0]);
    if (node->src[1] >= 0) {
        struct un_shape a = un_graph_value(graph, node->src[up]);
        struct un_shape b = un_graph_value(graph, node->src[skip]);
        frame = pad ? b : a;
        if (pad) { /* the up-sampled map lies in the middle of the skip, zero around it */
            node->top[up] = -((b.h - a.h) / 2);
            node->left[up] = -((b.w - a.w) / 2);
        } else { /* copy and crop */
            node->top[skip] = (b.h - a.h) / 2;
            node->left[skip] = (b.w - a.w) / 2;
        }
    }
    for (int s = 0; s < 2; s++) {
        node->top[s] -= pad;
        node->left[s] -= pad;
    }
    node->shape.h = frame.h - 2 + 2 * pad;
    node->shape.w = frame.w - 2 + 2 * pad;
}

static void size_node(const struct un_graph *graph, struct un_node *node)
{
    struct un_shape in = un_graph_value(graph, node->src[0]);
    memset(node->top, 0, sizeof node->top);
    memset(node->left, 0, sizeof node->left);
    node->shape = (struct un_shape){in.n, in.h, in.w, node->channels};
    switch (node->kind) {
    case UN_NODE_CONV:
        if (node->conv == UN_CONV3X3) {
            size_conv3x3(graph, node);
        } else if (node->conv == UN_UPCONV2X2) {
            node->shape.h = 2 * in.h;
            node->shape.w = 2 * in.w;
        }
        break;
    case UN_NODE_MAXPOOL:
        node->shape.h = in.h / 2;
        node->shape.w = in.w / 2;
        break;
    case UN_NODE_UPSAMPLE:
        node->shape.h = 2 * in.h - 2 * node->trim;
        node->shape.w = 2 * in.w - 2 * node->trim;
        break;
    case UN_NODE_NORM:
        break;
    }
}

unet_code un_graph_size(struct un_graph *graph, int n, int height, int width, unet_error *err)
{
    const int limit = 1 << 20;
    int sides[2] = {height, width};
    if (n < 1 || n > 65536)
        return un_fail(err, UNET_EINVAL, "a batch of %d, wanted 1 to 65536", n);
    for (int i = 0; i < 2; i++) {
        int fit = sides[i] > limit ? 0 : un_fit_input(&graph->spec, sides[i] < 1 ? 1 : sides[i]);
        if (fit == 0)
            return un_fail(err, UNET_EINVAL, "an input side of %d, wanted at most %d", sides[i],
                           limit);
        if (fit != sides[i])
            return un_fail(err, UNET_EINVAL,
                           "an input of %d x %d does not fit a network of depth %d; the next "
                           "larger side that does is %d",
                           height, width, graph->spec.depth, fit);
    }
    if ((int64_t)n * height * width > (int64_t)1 << 32)
        return un_fail(err, UNET_EINVAL, "a batch of %d inputs of %d x %d is too large", n, height,
                       width);
    graph->input = (struct un_shape){n, height, width, graph->spec.in_channels};
    for (int i = 0; i < graph->node_count; i++)
        size_node(graph, &graph->nodes[i]);
    return UNET_OK;
}

struct un_operand un_graph_source(const struct un_graph *graph, const struct un_node *node, int s)
{
    struct un_operand source = {0};
    if (node->src[s] < 0)
        return source;
    source.tensor.shape = un_graph_value(graph, node->src[s]);
    source.tensor.layout = node->src[s] == 0 ? UN_PIXELS : UN_FEATURES;
    source.top = node->top[s];
    source.left = node->left[s];
    return source;
}

uint64_t un_graph_macs(const struct un_graph *graph, const struct un_node *node)
{
    if (node->kind != UN_NODE_CONV)
        return 0;
    const struct un_param *weight = &graph->params[node->weight];
    struct un_shape out = node->shape;
    /* every weight is used once per output pixel; a 2x2 up-convolution uses one of its four taps */
    uint64_t taps = node->conv == UN_UPCONV2X2 ? 4 : 1;
    return (uint64_t)out.h * (uint64_t)out.w * weight->count / taps;
}
