/* SPDX-License-Identifier: Apache-2.0 */
/*
 * graph.h - the U as a list of operations, and the table of its parameters
 *
 * un_graph_build() turns a spec into a list of nodes in the order in which they run, and a table of
 * parameters with their names and shapes: the one table that the model file, the initialisation,
 * `unet info` and the run over the network all read.  un_graph_size() then gives every value its
 * shape for one input size.
 *
 *   graph.c  the U of a spec     build.c  what it is put together with, layers.c  and by layers
 *   residual.c  encoders of residual blocks      monai.c  MONAI's UNet
 *   sides.c  how large its maps are, and how far a pixel sees
 *   spec.c   what a spec may say      spec_fields.c  its fields
 */
#ifndef UN_GRAPH_H
#define UN_GRAPH_H

#include <stdbool.h>

#include "base/fields.h"
#include "engine/engine.h"

enum {
    UN_MAX_DEPTH = UNET_MAX_DEPTH,
    UN_MAX_RIMS = 8,
    UN_MAX_BLOCKS = 50, /* residual blocks of an encoder */
    UN_MAX_UNITS = 8,   /* convolutions of a residual unit of MONAI's: 290 nodes at most */
    /* depth 8 with norms everywhere: a stem of 2 and a pooling, blocks of 7 (three convolutions
     * with norms, a sum), 8 shortcuts of 3, 8 ups of 2, 8 blocks of 4, head */
    UN_MAX_NODES = 3 + 7 * UN_MAX_BLOCKS + 8 * (3 + 2 + 4) + 1,
    /* a convolution and its norm have 6; of a shortcut, without bias, 5 */
    UN_MAX_PARAMS = 6 + 18 * UN_MAX_BLOCKS + 8 * (5 + 6 + 12) + 2,
    UN_MAX_OUTPUTS = UN_MAX_DEPTH + 1,
};

/* Which part of the U something belongs to. */
enum un_role { UN_ROLE_ENC, UN_ROLE_UP, UN_ROLE_DEC, UN_ROLE_HEAD };

/* Where in the U a node stands, and its parameters with it. */
struct un_where {
    enum un_role role;
    int level;  /* of ENC, depth: the bottleneck; of UP, the one it leads to; of the head, 0 */
    int index;  /* which convolution of its block, and with it the norm behind */
    int number; /* in the block's nn.Sequential of convolutions, norms and activations */
    int block;  /* > 0: which residual block of its level, from 1; there index 0 and 1 (or more)
                   are its convolutions and UN_SHORTCUT what its input goes through beside them */
};

enum { UN_SHORTCUT = UN_MAX_UNITS };

enum un_param_kind { UN_PARAM_WEIGHT, UN_PARAM_BIAS, UN_PARAM_RUNNING_MEAN, UN_PARAM_RUNNING_VAR };

/* One parameter tensor.  Its name is for files and people; what it is, kind and node say. */
struct un_param {
    char name[48]; /* "enc_0.conv_block.0.weight" */
    enum un_param_kind kind;
    int node; /* whose it is */
    int dims;
    int shape[4];
    size_t count;   /* product of the shape */
    size_t offset;  /* of its first value in the model's array of parameters, in floats */
    int fan_in;     /* > 0: initialised normal with variance 2 / fan_in */
    float initial;  /* fan_in == 0: initialised to this */
    bool trainable; /* trainable ones come first in the array, the others after them */
};

enum un_node_kind {
    UN_NODE_CONV,
    UN_NODE_NORM, /* of the node before it, whose value nobody else reads; or of the input, or of a
                     skip connection, which a pooling reads, too */
    UN_NODE_MAXPOOL,
    UN_NODE_UPSAMPLE,
    UN_NODE_ADD, /* the sum of two maps of equal channels; an output may be made of one */
    UN_NODE_MEANPOOL,
    UN_NODE_MAXPOOL3, /* of 3x3 around every second pixel */
    UN_NODE_PRELU,    /* of the node before it, whose value nobody else reads */
};

/*
 * One operation.  Values (what nodes make and read) are numbered: value 0 is the network's input,
 * node i makes value i + 1.
 */
struct un_node {
    enum un_node_kind kind;
    enum un_conv_kind conv;        /* of UN_NODE_CONV */
    struct un_where where;         /* in the U */
    char name[48];                 /* "enc_0.conv_block.0", for files and people */
    int src[2];                    /* two values that it reads; src[1] < 0: one source */
    int channels;                  /* of its value */
    struct un_activation act;      /* applied to its value */
    float dropout;                 /* applied to its value, after act */
    int weight, bias;              /* params (of a norm: gamma and beta; of a PReLU: its slope),
                                      -1: none */
    int running_mean, running_var; /* params of a norm, -1: none */
    enum un_doubling doubling;     /* of an upsample */
    int trim;                      /* of an upsample */
    int groups;                    /* of a norm, see struct un_norm */
    int skip;                      /* which of two sources is the skip connection, see sides.c */
    /* set by un_graph_size() */
    struct un_shape shape; /* of its value */
    int top[2], left[2];   /* where each source's frame starts, see un_operand */
};

/*
 * How input and output sides of a network go together.  Tiles start at multiples of grid, so that
 * every tile pools the same groups of pixels.
 */
struct un_geometry {
    bool valid; /* unpadded: the input is 2 * border larger than the output */
    bool even;  /* padded: an input's sides are multiples of grid; else any from grid on */
    int grid;   /* 2^depth */
    int border; /* pixels of input beyond each side of the output that the output depends on;
                   padded networks: the receptive field's reach (see sides.c), in whole grids */
};

struct un_graph {
    unet_spec spec;
    struct un_geometry geometry;
    int node_count, param_count, output_count;
    int outputs[UN_MAX_OUTPUTS]; /* values, in UN_PIXELS; the first is the network's answer */
    size_t trainable;            /* floats of trainable parameters */
    size_t values;               /* floats of all parameters */
    struct un_shape input;       /* set by un_graph_size() */
    /* set by who deals a batch to several processes, before it is planned: images first .. first +
     * input.n - 1 of total are here; total 0: all are */
    int first, total;
    bool recompute; /* set by who trains, before it is planned: with less memory, in more time */
    struct un_node nodes[UN_MAX_NODES];
    struct un_param params[UN_MAX_PARAMS];
};

/* The network of the paper. */
unet_spec un_spec_default(void);

extern const struct un_fields un_spec_fields;

/* UNET_EINVAL: names the field of spec that is out of range. */
unet_code un_spec_check(const unet_spec *spec, unet_error *err);

/* Channels of convolution i (0, 1) of a block, and of the map that goes up to a level. */
int un_spec_enc(const unet_spec *spec, int level, int i); /* level depth: the bottleneck */
int un_spec_dec(const unet_spec *spec, int level, int i);
int un_spec_up(const unet_spec *spec, int level);
int un_spec_convs(const unet_spec *spec); /* 1 or 2 */
/* Residual blocks of a level. */
int un_spec_blocks(const unet_spec *spec, int level);
/* Whether the encoder is a ResNet, which has nothing at level 0: see residual.c. */
bool un_spec_is_resnet(const unet_spec *spec);
/* Groups of a norm over channels that are all or a part of `of` neighbouring ones; 0: over the
 * batch. */
int un_spec_groups(const unet_spec *spec, int channels, int of);
float un_spec_epsilon(const unet_spec *spec);

/* Channels of the network's answer: the classes, then rim 0 (the outermost) of classes 1, 2 ..,
 * then rim 1 of these, and so on. */
int un_spec_outputs(const unet_spec *spec);

/* Whether what comes out for a pixel depends on pixels nearby only: not when statistics or an
 * interpolation take the whole map into account. */
bool un_spec_local(const unet_spec *spec);

/* The spec must have passed un_spec_check(). */
void un_graph_build(struct un_graph *graph, const unet_spec *spec);

/* ---- build.c: node by node ----
 *
 * un_graph_begin(), nodes in the order in which they run, each of which returns the value that it
 * makes, the outputs, un_graph_end().  Every value is read by some node or is an output.
 */

void un_graph_begin(struct un_graph *graph, const unet_spec *spec);
int un_graph_conv(struct un_graph *graph, struct un_where where, enum un_conv_kind kind,
                  const int src[2], int channels, bool bias, struct un_activation act);
/* The spec's norm, of the value made last. */
int un_graph_norm(struct un_graph *graph, struct un_where where, struct un_activation act);
/* The spec's norm before a convolution, of each of the values that it reads. */
void un_graph_norm_sources(struct un_graph *graph, struct un_where where, int src[2],
                           bool skip_first);
/* A node without parameters that reads one value: of a pooling or UN_NODE_UPSAMPLE. */
int un_graph_plain(struct un_graph *graph, struct un_where where, enum un_node_kind kind, int src);
/* Of the value made last. */
int un_graph_prelu(struct un_graph *graph, struct un_where where);
/* src[1] is cropped as a skip connection is, or -1; neither is the network's input. */
int un_graph_add(struct un_graph *graph, struct un_where where, const int src[2],
                 struct un_activation act);
/* Of a 1x1 or a padded 3x3 convolution or a sum, which no node reads.  The last node makes one. */
void un_graph_output(struct un_graph *graph, int value);
void un_graph_end(struct un_graph *graph);

bool un_graph_is_output(const struct un_graph *graph, int value);

/* ---- sides.c ---- */

/* UNET_EINVAL: the input is too small, or (unpadded) a side at which a pooling would meet an odd
 * size; the message says which sides fit. */
unet_code un_graph_size(struct un_graph *graph, int n, int height, int width, unet_error *err);

struct un_geometry un_geometry(const struct un_graph *graph);

/* The smallest input side (of one axis) that is at least side and fits the network. */
int un_fit_input(const struct un_graph *graph, int side);
/* The smallest output side that exists and is at least side; its input side in *input. */
int un_fit_output(const struct un_graph *graph, int side, int *input);

/* ---- graph.c: what it says ---- */

/* Images of a batch, wherever they are. */
static inline int un_graph_total(const struct un_graph *graph)
{
    return graph->total ? graph->total : graph->input.n;
}

/* "weight": what a name ends with, behind the node's and a dot. */
const char *un_param_suffix(enum un_param_kind kind);

/*
 * A norm before a convolution of two maps is in two parts here, and one in PyTorch: the values that
 * a parameter has in both together, and where this part begins; of any other, its own and 0.
 */
size_t un_graph_joined(const struct un_graph *graph, int param, size_t *first);

/* The first node of the way up. */
int un_graph_decoder(const struct un_graph *graph);

/* UN_PIXELS where a convolution reads the input or makes an output, else UN_FEATURES. */
enum un_layout un_graph_layout(const struct un_graph *graph, int v);

/* Whether anybody asks for the gradient of value v: not of the image, nor of what is made of it
 * without parameters. */
bool un_graph_learns(const struct un_graph *graph, int v);

/* The shape of value v (0 = input) after un_graph_size(). */
struct un_shape un_graph_value(const struct un_graph *graph, int v);

/* The source s of a node as an engine sees it, without data; shape.c == 0 when there is none. */
struct un_operand un_graph_source(const struct un_graph *graph, const struct un_node *node, int s);

/* The multiply-adds of a node for one image of the present size. */
uint64_t un_graph_macs(const struct un_graph *graph, const struct un_node *node);

#endif
