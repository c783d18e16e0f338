/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The UNet of MONAI (Cardoso et al. 2022; the network is that of Kerfoot et al. 2018,
 * "Left-ventricle quantification using residual U-Net"), in two dimensions and with strides of 2:
 *
 *   image -> down_0 -> down_1 -> ... -> bottleneck
 *              |         |                |
 *   answer <- up_0 <--- up_1 <- ... ------+
 *
 * Each level is halved before anything else is done on it, so nothing is convolved at full size on
 * the way down, and the skip connections join half a level below those of the paper: an
 * up-convolution, 3x3, reads the map from below and the skip connection of the same size, and makes
 * the map of the level above.  The uppermost one makes the classes.
 *
 *   units == 0   down and bottleneck are a convolution, up an up-convolution, each with norm and
 *                activation; the uppermost up-convolution has neither
 *   units > 0    down and bottleneck are residual units of so many convolutions with norm and
 *                activation, whose shortcut is a convolution of stride 2 (3x3), one of 1x1 where
 *                only the channels change, or nothing; behind an up-convolution comes a residual
 *                unit of one convolution, which is bare on the uppermost level
 *
 * The sum of a unit has no activation behind it.
 */
#include "net/layers.h"

static bool has_bias(const struct un_graph *graph)
{
    return graph->spec.bias != UNET_BIAS_NEVER;
}

static int add_shortcut(struct un_graph *graph, struct un_where where, enum un_conv_kind kind,
                        int src)
{
    const int channels = un_spec_enc(&graph->spec, where.level, 0);
    const struct un_activation none = {UN_ACT_NONE, 0};
    where.index = UN_SHORTCUT;
    if (kind == UN_CONV3X3 && graph->nodes[src - 1].channels == channels)
        return src;
    return un_graph_conv(graph, where, kind == UN_CONV3X3 ? UN_CONV1X1 : kind,
                         (const int[2]){src, -1}, channels, has_bias(graph), none);
}

static int add_down(struct un_graph *graph, int level, int src)
{
    const struct un_tail tail = {.norm = graph->spec.norm != UNET_NORM_NONE, .act = true};
    const enum un_conv_kind kind = level < graph->spec.depth ? UN_CONV3X3_HALF : UN_CONV3X3;
    const int channels = un_spec_enc(&graph->spec, level, 0), units = graph->spec.units;
    struct un_where where = {UN_ROLE_ENC, level, 0, 0, units > 0};
    int from[2] = {src, -1};
    if (!units)
        return un_graph_layer(graph, where, kind, from, channels, has_bias(graph), tail);
    const int shortcut = add_shortcut(graph, where, kind, src);
    for (; where.index < units; where.index++)
        from[0] = un_graph_layer(graph, where, where.index ? UN_CONV3X3 : kind, from, channels,
                                 has_bias(graph), tail);
    where.index = 0;
    return un_graph_add(graph, where, (const int[2]){from[0], shortcut},
                        (struct un_activation){UN_ACT_NONE, 0});
}

static int add_up(struct un_graph *graph, int level, int src, int skip)
{
    const unet_spec *spec = &graph->spec;
    const struct un_activation none = {UN_ACT_NONE, 0};
    const struct un_tail bare = {false, false}, tail = {spec->norm != UNET_NORM_NONE, true};
    const bool top = level == 0;
    const int channels = un_spec_up(spec, level), conv = graph->node_count;
    const struct un_where where = {UN_ROLE_UP, level, 0, 0, 0};
    const struct un_where block = {UN_ROLE_DEC, level, 0, 0, 1};
    int value = un_graph_layer(graph, where, UN_UPCONV3X3, (const int[2]){skip, src}, channels,
                               has_bias(graph), top && !spec->units ? bare : tail);
    graph->nodes[conv].skip = 0;
    if (!spec->units) /* the answer is in pixels */
        return top ? un_graph_add(graph, (struct un_where){UN_ROLE_HEAD, 0, 0, 0, 0},
                                  (const int[2]){value, -1}, none)
                   : value;
    const int unit = un_graph_layer(graph, block, UN_CONV3X3, (const int[2]){value, -1}, channels,
                                    has_bias(graph), top ? bare : tail);
    return un_graph_add(graph, block, (const int[2]){unit, value}, none);
}

int un_graph_monai(struct un_graph *graph)
{
    const int depth = graph->spec.depth;
    int skips[UN_MAX_DEPTH], value = 0;
    for (int d = 0; d < depth; d++)
        skips[d] = value = add_down(graph, d, value);
    graph->nodes[value - 1].dropout = graph->spec.dropout;
    value = add_down(graph, depth, value);
    graph->nodes[value - 1].dropout = graph->spec.dropout;
    for (int d = depth - 1; d >= 0; d--)
        value = add_up(graph, d, value, skips[d]);
    return value;
}
