/* SPDX-License-Identifier: Apache-2.0 */
/* layers.h - convolutions with what follows them, as a spec has it, and blocks of these */
#ifndef UN_LAYERS_H
#define UN_LAYERS_H

#include "net/graph.h"

/* What follows a convolution: a norm, an activation, both in either order, or nothing.  A norm
 * before the convolution is none of it. */
struct un_tail {
    bool norm, act;
};

struct un_activation un_spec_activation(const unet_spec *spec);
/* Whether the convolution before it has a bias. */
bool un_tail_bias(const unet_spec *spec, struct un_tail tail);

/* A convolution and its tail. */
int un_graph_layer(struct un_graph *graph, struct un_where where, enum un_conv_kind kind,
                   const int src[2], int channels, bool bias, struct un_tail tail);

/* residual.c: a level of an encoder of residual blocks; of a ResNet, level 0 is src itself. */
int un_graph_residual(struct un_graph *graph, int level, int src);

/* monai.c: all of MONAI's UNet; returns its answer. */
int un_graph_monai(struct un_graph *graph);

#endif
