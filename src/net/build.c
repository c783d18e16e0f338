/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The list of nodes and the table of parameters, put together node by node.
 *
 * Where a node stands gives it its name.  Names are those of the PyTorch classes this layout comes
 * from, where a block is nn.Sequential(conv, relu, conv, relu): conv_block.0 and conv_block.2, or
 * with batch norm nn.Sequential(conv, norm, relu, conv, norm, relu): conv_block.0, 1, 3 and 4.  So
 * the number is a running one over convolutions, norms and activations.  They are made here and
 * never taken apart again.
 */
#include "net/graph.h"

#include <stdio.h>
#include <string.h>

/* Of what stands in a residual block. */
static void name_in_block(struct un_node *node, const char *block)
{
    static const struct {
        const char *main, *shortcut;
    } layers[] = {[UN_NODE_CONV] = {"conv%d", "skip"},
                  [UN_NODE_NORM] = {"norm%d", "skip_norm"},
                  [UN_NODE_ADD] = {"add", "add"},
                  [UN_NODE_MEANPOOL] = {"pool", "pool"},
                  [UN_NODE_PRELU] = {"act%d", "skip_act"}};
    const bool beside = node->where.index == UN_SHORTCUT;
    const size_t size = sizeof node->name;
    const int used = snprintf(node->name, size, "%.12s.blocks.%d.", block, node->where.block - 1);
    snprintf(node->name + used, size - (size_t)used,
             beside ? layers[node->kind].shortcut : layers[node->kind].main, node->where.index + 1);
}

static void name_node(const struct un_graph *graph, struct un_node *node)
{
    static const char *const blocks[] = {
        [UN_ROLE_ENC] = "enc_%d", [UN_ROLE_UP] = "up_%d", [UN_ROLE_DEC] = "dec_%d", "head_%d"};
    const struct un_where w = node->where;
    char *name = node->name, block[20];
    const size_t size = sizeof node->name;
    const bool bottom = w.role == UN_ROLE_ENC && w.level == graph->spec.depth;
    if (bottom)
        strcpy(block, "bottleneck");
    else
        snprintf(block, sizeof block, blocks[w.role], w.level);
    if (w.block)
        name_in_block(node, block);
    else if (node->kind == UN_NODE_MAXPOOL || node->kind == UN_NODE_MAXPOOL3)
        snprintf(name, size, "pool_%d", w.level);
    else if (node->kind == UN_NODE_UPSAMPLE)
        snprintf(name, size, "upsample_%d", w.level);
    else if (node->kind == UN_NODE_ADD)
        snprintf(name, size, "%s.add", block);
    else if (w.role == UN_ROLE_UP)
        snprintf(name, size, "up%s_%d",
                 node->kind == UN_NODE_NORM    ? "norm"
                 : node->kind == UN_NODE_PRELU ? "act"
                                               : "conv",
                 w.level);
    else if (w.role == UN_ROLE_HEAD)
        snprintf(name, size, w.level ? "out_conv_%d" : "out_conv", w.level);
    else
        snprintf(name, size, "%s.conv_block.%d", block, w.number);
}

static const struct {
    const char *suffix;
    bool trainable;
} param_kinds[] = {[UN_PARAM_WEIGHT] = {"weight", true},
                   [UN_PARAM_BIAS] = {"bias", true},
                   [UN_PARAM_RUNNING_MEAN] = {"running_mean", false},
                   [UN_PARAM_RUNNING_VAR] = {"running_var", false}};

const char *un_param_suffix(enum un_param_kind kind)
{
    return param_kinds[kind].suffix;
}

/* A parameter of the node that is added next. */
static int add_param(struct un_graph *graph, const struct un_node *node, enum un_param_kind kind,
                     int dims, const int *shape, int fan_in, float initial)
{
    struct un_param *p = &graph->params[graph->param_count];
    /* the longest, "bottleneck.blocks.49.skip_norm.running_mean", has 43 characters */
    snprintf(p->name, sizeof p->name, "%.34s.%s", node->name, param_kinds[kind].suffix);
    p->kind = kind;
    p->node = graph->node_count;
    p->dims = dims;
    p->count = 1;
    for (int i = 0; i < dims; i++) {
        p->shape[i] = shape[i];
        p->count *= (size_t)shape[i];
    }
    p->fan_in = fan_in;
    p->initial = initial;
    p->trainable = param_kinds[kind].trainable;
    return graph->param_count++;
}

static int value_channels(const struct un_graph *graph, int v)
{
    return v == 0 ? graph->spec.in_channels : graph->nodes[v - 1].channels;
}

/* A node without parameters yet. */
static struct un_node node_of(const struct un_graph *graph, enum un_node_kind kind,
                              struct un_where where, int src0, int src1)
{
    struct un_node node = {.kind = kind,
                           .where = where,
                           .src = {src0, src1},
                           .channels = value_channels(graph, src0),
                           .weight = -1,
                           .bias = -1,
                           .running_mean = -1,
                           .running_var = -1};
    name_node(graph, &node);
    return node;
}

/* Appends a node; returns the value it makes. */
static int append(struct un_graph *graph, const struct un_node *node)
{
    graph->nodes[graph->node_count++] = *node;
    return graph->node_count;
}

void un_graph_begin(struct un_graph *graph, const unet_spec *spec)
{
    memset(graph, 0, sizeof *graph);
    graph->spec = *spec;
    graph->spec.size = sizeof graph->spec; /* for who reads its fields by name */
}

int un_graph_conv(struct un_graph *graph, struct un_where where, enum un_conv_kind kind,
                  const int src[2], int channels, bool bias, struct un_activation act)
{
    struct un_node node = node_of(graph, UN_NODE_CONV, where, src[0], src[1]);
    int in = node.channels + (src[1] >= 0 ? value_channels(graph, src[1]) : 0);
    const int side = un_conv_side(kind);
    /* each output of a 2x2 up-convolution of stride 2 has just one tap of each input channel, of a
     * 3x3 one 9 / 4 in the mean */
    const int fan_in = kind == UN_UPCONV2X2   ? in
                       : kind == UN_UPCONV3X3 ? (9 * in + 3) / 4
                                              : side * side * in;
    int shape[4] = {channels, in, side, side};
    if (un_conv_is_up(kind)) {
        shape[0] = in;
        shape[1] = channels;
    }
    node.conv = kind;
    node.channels = channels;
    node.act = act;
    node.weight = add_param(graph, &node, UN_PARAM_WEIGHT, 4, shape, fan_in, 0);
    if (bias)
        node.bias = add_param(graph, &node, UN_PARAM_BIAS, 1, &channels, 0, 0);
    return append(graph, &node);
}

/* part: what stands behind the block's name where a norm is in two parts, NULL: nothing. */
static int add_norm(struct un_graph *graph, struct un_where where, int src, int groups,
                    const char *part, struct un_activation act)
{
    struct un_node node = node_of(graph, UN_NODE_NORM, where, src, -1);
    const int channels = node.channels;
    node.act = act;
    node.groups = groups;
    if (part)
        snprintf(node.name + strlen(node.name), sizeof node.name - strlen(node.name), ".%s", part);
    if (!graph->spec.norm_plain) {
        node.weight = add_param(graph, &node, UN_PARAM_WEIGHT, 1, &channels, 0, 1);
        node.bias = add_param(graph, &node, UN_PARAM_BIAS, 1, &channels, 0, 0);
    }
    if (!node.groups) {
        node.running_mean = add_param(graph, &node, UN_PARAM_RUNNING_MEAN, 1, &channels, 0, 0);
        node.running_var = add_param(graph, &node, UN_PARAM_RUNNING_VAR, 1, &channels, 0, 1);
    }
    return append(graph, &node);
}

int un_graph_norm(struct un_graph *graph, struct un_where where, struct un_activation act)
{
    const int src = graph->node_count, channels = value_channels(graph, src);
    return add_norm(graph, where, src, un_spec_groups(&graph->spec, channels, channels), NULL, act);
}

int un_graph_prelu(struct un_graph *graph, struct un_where where)
{
    struct un_node node = node_of(graph, UN_NODE_PRELU, where, graph->node_count, -1);
    const int one = 1;
    node.weight = add_param(graph, &node, UN_PARAM_WEIGHT, 1, &one, 0, 0.25f); /* as PyTorch's */
    return append(graph, &node);
}

void un_graph_norm_sources(struct un_graph *graph, struct un_where where, int src[2],
                           bool skip_first)
{
    const struct un_activation none = {UN_ACT_NONE, 0};
    const bool two = src[1] >= 0;
    int of = 0;
    for (int s = 0; s <= two; s++)
        of += value_channels(graph, src[s]);
    /* what comes from below was made last, and its norm follows it */
    for (int k = 0; k <= two; k++) {
        const int s = two && skip_first ? !k : k;
        const int groups = un_spec_groups(&graph->spec, value_channels(graph, src[s]), of);
        src[s] = add_norm(graph, where, src[s], groups, !two ? NULL : k ? "skip" : "up", none);
    }
}

int un_graph_plain(struct un_graph *graph, struct un_where where, enum un_node_kind kind, int src)
{
    const unet_spec *spec = &graph->spec;
    struct un_node node = node_of(graph, kind, where, src, -1);
    if (kind == UN_NODE_UPSAMPLE) {
        node.doubling = spec->up == UNET_UP_NEAREST ? UN_NEAREST
                        : spec->align_corners       ? UN_CORNERS
                                                    : UN_BILINEAR;
        node.trim = spec->padding == UNET_PADDING_VALID && spec->up == UNET_UP_BILINEAR;
    }
    return append(graph, &node);
}

int un_graph_add(struct un_graph *graph, struct un_where where, const int src[2],
                 struct un_activation act)
{
    struct un_node node = node_of(graph, UN_NODE_ADD, where, src[0], src[1]);
    node.act = act;
    node.skip = 1;
    return append(graph, &node);
}

void un_graph_output(struct un_graph *graph, int value)
{
    graph->outputs[graph->output_count++] = value;
}

bool un_graph_is_output(const struct un_graph *graph, int value)
{
    for (int i = 0; i < graph->output_count; i++)
        if (graph->outputs[i] == value)
            return true;
    return false;
}

/* Trainable parameters lie first, in the order of nodes, then the others. */
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

void un_graph_end(struct un_graph *graph)
{
    lay_out_params(graph);
    graph->geometry = un_geometry(graph);
}
