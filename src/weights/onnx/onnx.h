/* SPDX-License-Identifier: Apache-2.0 */
/*
 * onnx.h - networks as ONNX (https://onnx.ai): a U-Net comes in, and ours goes out
 *
 * An ONNX file holds no parameters under agreed names; it holds a program: a list of nodes that
 * make values from values, among them the stored tensors.  The reader follows the image through
 * that program and lists the weights in the order of use, under the names of a state_dict
 * ("inc.double_conv.0.weight"), and what the program says besides (struct un_hints).  What the
 * networks of unet_spec do not do is refused, and the message names the node.
 *
 *   onnx.c          opening, and which name a weight gets
 *   onnx_table.c    the bytes as a table of nodes, values and tensors (protobuf.h)
 *   onnx_tensor.c   what is in a tensor and in a node's attributes
 *   onnx_external.c values that lie in another file
 *   onnx_walk.c     the way of the image through the nodes; onnx_layers.c those with weights,
 *                   onnx_maps.c those without, onnx_repeat.c a doubling by several, onnx_ends.c
 *                   those at the beginning and the end
 *   onnx_write.c    the file of a network; onnx_emit.c its nodes, by onnx_node.c
 */
#ifndef UN_ONNX_H
#define UN_ONNX_H

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

#include "net/graph.h"
#include "weights/arrays.h"

/* Whether a file begins like ONNX.  (safetensors may, too: its ninth byte is '{'.) */
bool un_onnx_recognises(const unsigned char *bytes, size_t size);

/*
 * Opens a file, with those beside it that it keeps weights in, or bytes in memory that stay the
 * caller's and outlive *arrays; path is what messages call them.  The caller releases *arrays.
 * UNET_EIO, UNET_ENOMEM; UNET_EFORMAT names the node or tensor, what was found and what was wanted.
 */
unet_code un_onnx_open(const char *path, struct un_arrays *arrays, unet_error *err);
unet_code un_onnx_parse(const char *path, const unsigned char *bytes, size_t size,
                        struct un_arrays *arrays, unet_error *err);

struct un_onnx_options {
    bool scaled; /* the network's input is the given image * scale + shift; else the image itself */
    float scale, shift;
    bool probabilities;   /* ends with softmax, or sigmoid of one class; else with logits */
    const char *metadata; /* this project's JSON about the model, NULL: none */
};

/*
 * Writes a network with these values [graph->values] as ONNX: float32, operators of version 17, an
 * input "image" [N][in_channels][H][W] and an output "logits" or "probabilities"
 * [N][classes][h][w], N, H and W any that fit the network.  Weights have the names of the graph's
 * parameters; dropout is left out.  The same arguments give the same bytes.  Temporary file, sync,
 * rename.  UNET_EIO, UNET_ENOMEM; UNET_EINVAL when the file would be larger than the 2 GB that ONNX
 * allows.
 */
unet_code un_onnx_write(const char *path, const struct un_graph *graph, const float *values,
                        const struct un_onnx_options *options, unet_error *err);

/* The same into an open file, which the caller closes, and asks whether all could be written. */
unet_code un_onnx_put(const char *path, FILE *file, const struct un_graph *graph,
                      const float *values, const struct un_onnx_options *options, unet_error *err);

#endif
