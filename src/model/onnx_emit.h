/* SPDX-License-Identifier: Apache-2.0 */
/* onnx_emit.h - the nodes of a network and the numbers they need, as parts of an ONNX graph */
#ifndef UN_ONNX_EMIT_H
#define UN_ONNX_EMIT_H

#include "model/onnx.h"
#include "model/protobuf.h"

struct un_onnx_emit {
    const struct un_graph *graph;
    const struct un_onnx_options *options;
    struct un_builder graph_fields; /* nodes, and tensors of numbers that are no parameters */
    struct un_builder node;         /* the node being made */
    bool spread[UN_MAX_PARAMS];     /* written with shape [C, 1, 1] */
};

extern const char un_onnx_image[]; /* the name of the input */
/* Of the output. */
const char *un_onnx_result(const struct un_onnx_options *options);

/* All nodes; graph_fields.failed when there was no memory. */
void un_onnx_emit_graph(struct un_onnx_emit *emit);

#endif
