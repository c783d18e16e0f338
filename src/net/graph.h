/* SPDX-License-Identifier: Apache-2.0 */
/*
 * graph.h - the U as a list of operations, and the table of its parameters
 *
 * un_graph_build() turns a spec into a list of nodes in the order in which they run, and a table of
 * parameters with their names and shapes: the one table that the model file, the initialisation,
 * `unet info` and the run over the network all read.  un_graph_size() then gives every value its
 * shape for one input size.
 */
#ifndef UN_GRAPH_H
#define UN_GRAPH_H

#include <stdbool.h>

#include "engine/engine.h"

enum {
    UN_MAX_DEPTH = UNET_MAX_DEPTH,
    /* depth 6 with norms everywhere: 13 blocks of 2 * 2, 6 pools, 6 * 3 ups, head */
    UN_MAX_NODES = 96,
    UN_MAX_PARAMS = 200, /* of 26 + 6 convolutions with bias and norm, 6 each, and the head */
};

/* One parameter tensor. */
struct un_param {
    char name[40]; /* "enc_0.conv_block.0.weight" */
    int dims;
    int shape[4];
    size_t count;   /* product of the shape */
    size_t offset;  /* of its first value in the model's array of parameters, in floats */
    int fan_in;     /* > 0: initialised normal with variance 2 / fan_in */
    float initial;  /* fan_in == 0: initialised to this */
    bool trainable; /* trainable ones come first in the array, the others after them */
};

enum un_node_kind { UN_NODE_CONV, UN_NODE_NORM, UN_NODE_MAXPOOL, UN_NODE_UPSAMPLE };

/*
 * One operation.  Values (what nodes make and read) are numbered: value 0 is the network's input,
 * node i makes value i + 1.
 */
struct un_node {
    enum un_node_kind kind;
    enum un_conv_kind conv;        /* of UN_NODE_CONV */
    char name[40];                 /* "enc_0.conv_block.0" */
    int src[2];                    /* values it reads; src[1] < 0: one source */
    int channels;                  /* of its value */
    struct un_activation act;      /* applied to its value */
    float dropout;                 /* applied to its value, after act */
    int weight, bias;              /* params (of a norm: gamma and beta), -1: none */
    int running_mean, running_var; /* params of a norm, -1: none */
    enum un_doubling doubling;     /* of an upsample */
    int trim;                      /* of an upsample */
    int groups;                    /* of a norm, see struct un_norm */
    int skip;                      /* which of two sources is the skip connection */
    /* set by un_graph_size() */
    struct un_shape shape; /* of its value */
    int top[2], left[2];   /* where each source's frame starts, see un_source */
};

struct un_graph {
    unet_spec spec;
    int node_count, param_count;
    size_t trainable;      /* floats of trainable parameters */
    size_t values;         /* floats of all parameters */
    struct un_shape input; /* set by un_graph_size() */
    struct un_node nodes[UN_MAX_NODES];
    struct un_param params[UN_MAX_PARAMS];
};

/* The network of the paper. */
unet_spec un_spec_default(void);

/* UNET_EINVAL: names the field of spec that is out of range. */
unet_code un_spec_check(const unet_spec *spec, unet_error *err);

/* Channels of convolution i (0, 1) of a block, and of the map that goes up to a level. */
int un_spec_enc(const unet_spec *spec, int level, int i); /* level depth: the bottleneck */
int un_spec_dec(const unet_spec *spec, int level, int i);
int un_spec_up(const unet_spec *spec, int level);
int un_spec_convs(const unet_spec *spec); /* 1 or 2 */
float un_spec_epsilon(const unet_spec *spec);

/* Whether what comes out for a pixel depends on pixels nearby only: not when statistics or an
 * interpolation take the whole map into account. */
bool un_spec_local(const unet_spec *spec);

/* The spec must have passed un_spec_check(). */
void un_graph_build(struct un_graph *graph, const unet_spec *spec);

/* UNET_EINVAL: the input is too small, or (unpadded) a side at which a pooling would meet an odd
 * size; the message says which sides fit. */
unet_code un_graph_size(struct un_graph *graph, int n, int height, int width, unet_error *err);

/* The first node of the way up. */
int un_graph_decoder(const struct un_graph *graph);

/* The shape of value v (0 = input) after un_graph_size(). */
struct un_shape un_graph_value(const struct un_graph *graph, int v);

/* The source s of a node as an engine sees it, without data; shape.c == 0 when there is none. */
struct un_operand un_graph_source(const struct un_graph *graph, const struct un_node *node, int s);

/* The multiply-adds of a node for one image of the present size. */
uint64_t un_graph_macs(const struct un_graph *graph, const struct un_node *node);

/*
 * How input and output sides of a spec go together.  Tiles start at multiples of grid, so that
 * every tile pools the same groups of pixels.
 */
struct un_geometry {
    bool valid; /* unpadded: the input is 2 * border larger than the output */
    int grid;   /* 2^depth */
    int border; /* pixels of input beyond each side of the output that the output depends on;
                   padded networks: the reach of the receptive field, rounded up to the grid */
};

struct un_geometry un_geometry(const unet_spec *spec);

/* The smallest input side (of one axis) that is at least side and fits the network. */
int un_fit_input(const unet_spec *spec, int side);
/* The smallest output side that exists and is at least side; its input side in *input. */
int un_fit_output(const unet_spec *spec, int side, int *input);

#endif
