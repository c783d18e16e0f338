/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Encoders of residual blocks (He, Zhang, Ren, Sun 2016).  As nnU-Net's ResidualEncoderUNet has
 * them (Isensee et al. 2024, "nnU-Net revisited"):
 *
 *   stem   image -> 3x3 -> norm -> act
 *   block  x -> 3x3 -> norm -> act -> 3x3 -> norm --+
 *          x -> shortcut ---------------------------+-> sum -> act
 *
 * The first block of a level below takes every second pixel (its first convolution has stride 2),
 * and its shortcut the mean of four.  Where a block changes the number of channels, a 1x1
 * convolution without bias and a norm follow in the shortcut.  What a block does not change goes by
 * the shortcut as it is.
 *
 * ResNets as encoders (segmentation_models_pytorch's Unet; torchvision's layers) begin at half the
 * size, and have nothing at level 0:
 *
 *   level 1   image -> 7x7 of stride 2 -> norm -> act
 *   level 2   max pooling of 3x3 and stride 2, blocks
 *   level 3.. blocks, of which the first takes every second pixel
 *
 * Their shortcut takes every second pixel, too, in its 1x1 convolution.  A bottleneck is 1x1 to a
 * quarter of the channels, 3x3, which is the one of stride 2, and 1x1.
 */
#include "net/layers.h"

static int channels_of(const struct un_graph *graph, int level)
{
    return un_spec_enc(&graph->spec, level, un_spec_convs(&graph->spec) - 1);
}

static int add_shortcut(struct un_graph *graph, struct un_where where, bool halves, int src)
{
    const int channels = channels_of(graph, where.level);
    const bool pools = halves && !un_spec_is_resnet(&graph->spec);
    where.index = UN_SHORTCUT;
    int value = pools ? un_graph_plain(graph, where, UN_NODE_MEANPOOL, src) : src;
    if (graph->nodes[src - 1].channels != channels || halves != pools)
        value = un_graph_layer(graph, where, halves == pools ? UN_CONV1X1 : UN_CONV1X1_HALF,
                               (const int[2]){value, -1}, channels, false,
                               (struct un_tail){.norm = true});
    return value;
}

/* The kind of a block's convolution, and what the level's channels are divided by to be its own. */
static enum un_conv_kind kind_of(const unet_spec *spec, int index, bool halves, int *share)
{
    const bool bottleneck = spec->residual == UNET_RESIDUAL_RESNET_BOTTLENECK;
    *share = bottleneck && index < 2 ? 4 : 1;
    if (bottleneck && index != 1)
        return UN_CONV1X1;
    return halves && index == bottleneck ? UN_CONV3X3_HALF : UN_CONV3X3;
}

static int add_block(struct un_graph *graph, struct un_where where, int src)
{
    const unet_spec *spec = &graph->spec;
    const bool halves = where.level > (un_spec_is_resnet(spec) ? 2 : 0) && where.block == 1;
    const int convs = spec->residual == UNET_RESIDUAL_RESNET_BOTTLENECK ? 3 : 2;
    const int shortcut = add_shortcut(graph, where, halves, src);
    int value = src, share;
    for (; where.index < convs; where.index++) {
        const struct un_tail tail = {.norm = true, .act = where.index < convs - 1};
        const enum un_conv_kind kind = kind_of(spec, where.index, halves, &share);
        value =
            un_graph_layer(graph, where, kind, (const int[2]){value, -1},
                           channels_of(graph, where.level) / share, un_tail_bias(spec, tail), tail);
    }
    return un_graph_add(graph, where, (const int[2]){value, shortcut}, un_spec_activation(spec));
}

int un_graph_residual(struct un_graph *graph, int level, int src)
{
    const struct un_tail tail = {.norm = true, .act = true};
    struct un_where where = {UN_ROLE_ENC, level, 0, 0, 0};
    const bool resnet = un_spec_is_resnet(&graph->spec);
    int value = src;
    if (level == resnet)
        value = un_graph_layer(graph, where, resnet ? UN_CONV7X7_HALF : UN_CONV3X3,
                               (const int[2]){value, -1}, channels_of(graph, level),
                               un_tail_bias(&graph->spec, tail), tail);
    if (resnet && level == 2)
        value = un_graph_plain(graph, where, UN_NODE_MAXPOOL3, value);
    for (where.block = 1; where.block <= un_spec_blocks(&graph->spec, level); where.block++)
        value = add_block(graph, where, value);
    return value;
}
