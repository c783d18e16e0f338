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
 *   onnx_walk.c     the way of the image through the nodes; onnx_layers.c those with weights,
 *                   onnx_maps.c those without
 *   onnx_write.c    our networks as ONNX; onnx_nodes.c single nodes
 */
#ifndef UN_ONNX_H
#define UN_ONNX_H

#include <stdbool.h>
#include <stddef.h>

#include "model/arrays.h"

/* Whether a file begins like ONNX.  (safetensors may, too: its ninth byte is '{'.) */
bool un_onnx_recognises(const unsigned char *bytes, size_t size);

/*
 * Opens a file, or bytes in memory that stay the caller's and outlive *arrays; path is what
 * messages call them.  The caller releases *arrays.  UNET_EIO, UNET_ENOMEM; UNET_EFORMAT names the
 * node or tensor, what was found and what was wanted.
 */
unet_code un_onnx_open(const char *path, struct un_arrays *arrays, unet_error *err);
unet_code un_onnx_parse(const char *path, const unsigned char *bytes, size_t size,
                        struct un_arrays *arrays, unet_error *err);

#endif
