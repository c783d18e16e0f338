/* SPDX-License-Identifier: Apache-2.0 */
/* onnx_emit.h - the nodes of a network and the numbers they need, as parts of an ONNX graph */
#ifndef UN_ONNX_EMIT_H
#define UN_ONNX_EMIT_H

#include "weights/onnx/onnx.h"
#include "weights/onnx/protobuf.h"

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

/*
 * onnx_node.c: one node is its inputs in their order, its attributes, and its end, which puts it
 * into the graph under the name of its output.
 */
void un_emit_input(struct un_onnx_emit *emit, const char *format, ...)
    __attribute__((format(printf, 2, 3)));
void un_emit_float(struct un_onnx_emit *emit, const char *name, float value);
void un_emit_int(struct un_onnx_emit *emit, const char *name, int value);
void un_emit_ints(struct un_onnx_emit *emit, const char *name, int count,
                  int value); /* all alike */
void un_emit_text(struct un_onnx_emit *emit, const char *name, const char *text);
void un_emit_end(struct un_onnx_emit *emit, const char *op, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

/* Numbers that nodes read under this name: count of them, or for -1 a single one without sides. */
enum { UN_EMIT_FLOATS = 1, UN_EMIT_INTS = 7 }; /* float, int64_t; ONNX's numbers of the types */
void un_emit_numbers(struct un_onnx_emit *emit, const char *name, int type, int count,
                     const void *values);

/* onnx_emit.c: all nodes; graph_fields.failed when there was no memory. */
void un_onnx_emit_graph(struct un_onnx_emit *emit);

#endif
