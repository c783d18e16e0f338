/* SPDX-License-Identifier: Apache-2.0 */
#include "net/layers.h"

struct un_activation un_spec_activation(const unet_spec *spec)
{
    if (spec->act == UNET_ACT_LEAKY_RELU)
        return (struct un_activation){UN_ACT_LEAKY, spec->leaky_slope};
    if (spec->act == UNET_ACT_PRELU) /* a node of its own */
        return (struct un_activation){UN_ACT_NONE, 0};
    return (struct un_activation){UN_ACT_RELU, 0};
}

bool un_tail_bias(const unet_spec *spec, struct un_tail tail)
{
    return spec->bias == UNET_BIAS_ALWAYS || (spec->bias == UNET_BIAS_UNLESS_NORM && !tail.norm);
}

int un_graph_layer(struct un_graph *graph, struct un_where where, enum un_conv_kind kind,
                   const int src[2], int channels, bool bias, struct un_tail tail)
{
    const unet_spec *spec = &graph->spec;
    const struct un_activation none = {UN_ACT_NONE, 0};
    const struct un_activation act = tail.act ? un_spec_activation(spec) : none;
    const bool norm_last = tail.norm && spec->norm_order == UNET_ACT_FIRST;
    int value = un_graph_conv(graph, where, kind, src, channels, bias,
                              tail.norm && !norm_last ? none : act);
    where.number += 1 + (norm_last && tail.act);
    if (tail.norm)
        value = un_graph_norm(graph, where, norm_last ? none : act);
    where.number += tail.norm;
    return tail.act && spec->act == UNET_ACT_PRELU ? un_graph_prelu(graph, where) : value;
}
