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
 * Or without poolings, where the first convolution of a level below takes every second pixel.  A
 * ResNet has no enc_0: dec_0 reads what comes up alone, and out_conv is of 3x3.  MONAI's is another
 * U: monai.c.
 */
#include "net/layers.h"

/* Of two sources skip is the number of the skip connection. */
static int add_block(struct un_graph *graph, enum un_role role, int level, const int src[2],
                     int skip, const int channels[2])
{
    const unet_spec *spec = &graph->spec;
    const int convs = un_spec_convs(spec);
    const bool normed = spec->norm != UNET_NORM_NONE, before = spec->norm_order == UNET_BEFORE_CONV;
    struct un_where where = {role, level, 0, 0, 0};
    int from[2] = {src[0], src[1]};
    for (; where.index < convs; where.index++) {
        const bool halves =
            spec->down == UNET_DOWN_CONV && role == UN_ROLE_ENC && level > 0 && where.index == 0;
        const struct un_tail tail = {normed && !before,
                                     where.index == convs - 1 || !spec->single_act};
        if (normed && before) {
            un_graph_norm_sources(graph, where, from, skip == 0);
            where.number++;
        }
        const int conv = graph->node_count;
        from[0] = un_graph_layer(graph, where, halves ? UN_CONV3X3_HALF : UN_CONV3X3, from,
                                 channels[where.index], un_tail_bias(spec, tail), tail);
        if (from[1] >= 0)
            graph->nodes[conv].skip = skip;
        from[1] = -1;
        where.number += 1 + tail.norm + tail.act;
    }
    return from[0];
}

static int add_up(struct un_graph *graph, int level, int src)
{
    const unet_spec *spec = &graph->spec;
    const struct un_tail tail = {spec->up_norm, spec->up_act};
    const struct un_where where = {UN_ROLE_UP, level, 0, 0, 0};
    const int channels = un_spec_up(spec, level);
    const bool bias = tail.norm ? un_tail_bias(spec, tail) : spec->bias != UNET_BIAS_NEVER;
    const bool wide = spec->up_conv == UNET_UP_CONV3X3;
    int from[2] = {src, -1};
    if (spec->up == UNET_UP_TRANSPOSE)
        return un_graph_layer(graph, where, UN_UPCONV2X2, from, channels, bias, tail);
    if (spec->up_conv == UNET_UP_NO_CONV)
        return un_graph_plain(graph, where, UN_NODE_UPSAMPLE, src);
    /* A 1x1 convolution and an interpolation commute (the weights of the latter sum to 1), so the
     * convolution runs first, on a quarter of the pixels, when nothing stands between. */
    const bool first = !wide && !tail.norm && !tail.act;
    if (!first)
        from[0] = un_graph_plain(graph, where, UN_NODE_UPSAMPLE, src);
    int value =
        un_graph_layer(graph, where, wide ? UN_CONV3X3 : UN_CONV1X1, from, channels, bias, tail);
    return first ? un_graph_plain(graph, where, UN_NODE_UPSAMPLE, value) : value;
}

static int add_encoder_block(struct un_graph *graph, int level, int src)
{
    const int from[2] = {src, -1};
    const int channels[2] = {un_spec_enc(&graph->spec, level, 0),
                             un_spec_enc(&graph->spec, level, 1)};
    return add_block(graph, UN_ROLE_ENC, level, from, 0, channels);
}

static int add_level(struct un_graph *graph, int level, int src)
{
    return graph->spec.residual ? un_graph_residual(graph, level, src)
                                : add_encoder_block(graph, level, src);
}

static int add_decoder_block(struct un_graph *graph, int level, int up, int skip)
{
    const bool skip_first = graph->spec.concat == UNET_CONCAT_SKIP_UP;
    const int from[2] = {skip_first && skip > 0 ? skip : up,
                         skip > 0 ? skip_first ? up : skip : -1};
    const int channels[2] = {un_spec_dec(&graph->spec, level, 0),
                             un_spec_dec(&graph->spec, level, 1)};
    return add_block(graph, UN_ROLE_DEC, level, from, !skip_first, channels);
}

static int add_head(struct un_graph *graph, int src)
{
    const int from[2] = {src, -1};
    return un_graph_conv(graph, (struct un_where){UN_ROLE_HEAD, 0, 0, 0, 0},
                         un_spec_is_resnet(&graph->spec) ? UN_CONV3X3 : UN_CONV1X1, from,
                         un_spec_outputs(&graph->spec), true,
                         (struct un_activation){UN_ACT_NONE, 0});
}

void un_graph_build(struct un_graph *graph, const unet_spec *spec)
{
    int skips[UN_MAX_DEPTH], value = 0;
    un_graph_begin(graph, spec);
    if (spec->family == UNET_FAMILY_MONAI) {
        un_graph_output(graph, un_graph_monai(graph));
        un_graph_end(graph);
        return;
    }
    for (int d = 0; d < spec->depth; d++) {
        skips[d] = value = add_level(graph, d, value);
        if (d == spec->depth - 1)
            graph->nodes[value - 1].dropout = spec->dropout;
        if (spec->down == UNET_DOWN_POOL)
            value = un_graph_plain(graph, (struct un_where){UN_ROLE_ENC, d, 0, 0, 0},
                                   UN_NODE_MAXPOOL, value);
    }
    value = add_level(graph, spec->depth, value);
    graph->nodes[value - 1].dropout = spec->dropout;
    for (int d = spec->depth - 1; d >= 0; d--)
        value = add_decoder_block(graph, d, add_up(graph, d, value), skips[d]);
    un_graph_output(graph, add_head(graph, value));
    un_graph_end(graph);
}

size_t un_graph_joined(const struct un_graph *graph, int param, size_t *first)
{
    const struct un_param *p = &graph->params[param];
    *first = 0;
    for (int i = p->node + 1; i < graph->node_count && graph->nodes[p->node].kind == UN_NODE_NORM;
         i++) {
        const struct un_node *reader = &graph->nodes[i];
        for (int s = 0; s < 2; s++)
            if (reader->kind == UN_NODE_CONV && reader->src[1] >= 0 &&
                reader->src[s] == p->node + 1 && graph->spec.norm_order == UNET_BEFORE_CONV) {
                const size_t other = (size_t)graph->nodes[reader->src[!s] - 1].channels;
                *first = s ? other : 0;
                return p->count + other;
            }
    }
    return p->count;
}

int un_graph_decoder(const struct un_graph *graph)
{
    int i = 0;
    while (graph->nodes[i].where.role == UN_ROLE_ENC)
        i++;
    return i;
}

enum un_layout un_graph_layout(const struct un_graph *graph, int v)
{
    const bool pixels =
        v == 0 ? graph->nodes[0].kind == UN_NODE_CONV : un_graph_is_output(graph, v);
    return pixels ? UN_PIXELS : UN_FEATURES;
}

bool un_graph_learns(const struct un_graph *graph, int v)
{
    const struct un_node *maker = &graph->nodes[v > 0 ? v - 1 : 0];
    return v > 0 && !(maker->kind == UN_NODE_NORM && maker->src[0] == 0 && maker->weight < 0);
}

struct un_shape un_graph_value(const struct un_graph *graph, int v)
{
    return v == 0 ? graph->input : graph->nodes[v - 1].shape;
}

struct un_operand un_graph_source(const struct un_graph *graph, const struct un_node *node, int s)
{
    struct un_operand source = {0};
    if (node->src[s] < 0)
        return source;
    source.tensor.shape = un_graph_value(graph, node->src[s]);
    source.tensor.layout = un_graph_layout(graph, node->src[s]);
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
    /* every weight is used once per output pixel, of an up-convolution by a quarter of them */
    uint64_t taps = un_conv_is_up(node->conv) ? 4 : 1;
    return (uint64_t)out.h * (uint64_t)out.w * weight->count / taps;
}
