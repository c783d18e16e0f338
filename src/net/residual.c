/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Encoders of residual blocks (He, Zhang, Ren, Sun 2016), as nnU-Net's ResidualEncoderUNet has them
 * (Isensee et al. 2024, "nnU-Net revisited"):
 *
 *   stem   image -> 3x3 -> norm -> act
 *   block  x -> 3x3 -> norm -> act -> 3x3 -> norm --+
 *          x -> shortcut ---------------------------+-> sum -> act
 *
 * The first block of a level below takes every second pixel (its first convolution has stride 2),
 * and its shortcut the mean of four.  Where a block changes the number of channels, a 1x1
 * convolution without bias and a norm follow in the shortcut.  What a block does not change goes by
 * the shortcut as it is.
 */
#include "net/layers.h"

static int channels_of(const struct un_graph *graph, int level)
{
    return un_spec_enc(&graph->spec, level, un_spec_convs(&graph->spec) - 1);
}

static int add_shortcut(struct un_graph *graph, struct un_where where, bool halves, int src)
{
    const int channels = channels_of(graph, where.level);
    where.index = UN_SHORTCUT;
    int value = halves ? un_graph_plain(graph, where, UN_NODE_MEANPOOL, src) : src;
    if (graph->nodes[src - 1].channels != channels)
        value = un_graph_layer(graph, where, UN_CONV1X1, (const int[2]){value, -1}, channels, false,
                               (struct un_tail){.norm = true});
    return value;
}

static int add_block(struct un_graph *graph, struct un_where where, int src)
{
    const unet_spec *spec = &graph->spec;
    const bool halves = where.level > 0 && where.block == 1;
    const int shortcut = add_shortcut(graph, where, halves, src);
    int value = src;
    for (; where.index < 2; where.index++) {
        const struct un_tail tail = {.norm = true, .act = where.index == 0};
        value =
            un_graph_layer(graph, where, halves && where.index == 0 ? UN_CONV3X3_HALF : UN_CONV3X3,
                           (const int[2]){value, -1}, channels_of(graph, where.level),
                           un_tail_bias(spec, tail), tail);
    }
    return un_graph_add(graph, where, (const int[2]){value, shortcut}, un_spec_activation(spec));
}

int un_graph_residual(struct un_graph *graph, int level, int src)
{
    const struct un_tail tail = {.norm = true, .act = true};
    struct un_where where = {UN_ROLE_ENC, level, 0, 0, 0};
    int value = src;
    if (level == 0)
        value = un_graph_layer(graph, where, UN_CONV3X3, (const int[2]){value, -1},
                               channels_of(graph, 0), un_tail_bias(&graph->spec, tail), tail);
    for (where.block = 1; where.block <= un_spec_blocks(&graph->spec, level); where.block++)
        value = add_block(graph, where, value);
    return value;
}
