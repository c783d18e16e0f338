/* SPDX-License-Identifier: Apache-2.0 */
/*
 * onnx_walk.h - the way of the image through the nodes
 *
 * un_onnx_walk() goes through the nodes that the output needs, in their order.  Each value is a map
 * (the image, or what became of it), stored numbers, or arithmetic on shapes, which is passed over.
 * A node that reads a map is looked up by its operator; the function that is found there checks it
 * against what the map has been through since the last convolution, lists its weights, notes what
 * it says about the network, and says what its own map has been through.
 */
#ifndef UN_ONNX_WALK_H
#define UN_ONNX_WALK_H

#include "weights/onnx/onnx_table.h"

/* What has made a map, but for norms, activations, and what only moves pixels. */
enum un_onnx_maker {
    UN_ONNX_NO_MAP,    /* not a map */
    UN_ONNX_IMAGE,     /* the network's input */
    UN_ONNX_CONV3,     /* 3x3 convolution of a block */
    UN_ONNX_CONV1,     /* 1x1 convolution: the head, or before a doubling */
    UN_ONNX_POOL,      /* max pooling */
    UN_ONNX_JOIN,      /* concatenation with a skip connection */
    UN_ONNX_TRANSPOSE, /* 2x2 transposed convolution */
    UN_ONNX_DOUBLE,    /* doubling by interpolation */
    UN_ONNX_UP_CONV,   /* convolution after a doubling */
    UN_ONNX_PROBABLE,  /* sigmoid or softmax of the head */
    UN_ONNX_ANSWER,    /* a class for each pixel */
};

/* Where in something that is spelled out: a group norm (reshape, instance norm, reshape, multiply,
 * add), or a doubling by repetition (onnx_repeat.c). */
enum un_onnx_step {
    UN_ONNX_NO_STEP,
    UN_ONNX_GROUPED,
    UN_ONNX_NORMED,
    UN_ONNX_RESTORED,
    UN_ONNX_SCALED,
    UN_ONNX_REPEATED
};

enum { UN_ONNX_AXES = 6 };

struct un_onnx_map {
    enum un_onnx_maker maker;
    enum un_onnx_step step;
    bool norm, act;     /* since maker */
    bool cut;           /* cropped or padded, so a concatenation must follow */
    bool early;         /* of a doubling: a 1x1 convolution came before it */
    int trimmed;        /* 1: a ring of rows, 2: of columns was cut off a doubled map */
    int level;          /* poolings less doublings */
    int ups;            /* doublings */
    int norm_node;      /* the instance norm of step */
    int outs;           /* channels that the head makes */
    bool reshaped;      /* of the image: its dimensions have moved as they may for one channel */
    float scale, shift; /* of the image: what has been done with its samples */
    char axes[UN_ONNX_AXES]; /* of UN_ONNX_REPEATED: n, c, h, w, 1 and 2, from the outermost on */
    int axis_count;
    int doubled; /* the same: 1: rows have been, 2: columns */
};

struct un_onnx_walk {
    struct un_onnx_table *table;
    struct un_arrays *arrays;        /* items, count and hints are filled in */
    int room;                        /* of arrays->items */
    struct un_onnx_map *maps;        /* [value_count] */
    const struct un_onnx_node *node; /* the present one */
    struct un_onnx_map in;           /* its first map, and the map it makes */
    int in_value;                    /* which value `in` is */
    bool transposes;                 /* there has been a transposed convolution */
    char label[120];                 /* of the present node, for messages */
    unet_error *err;
};

unet_code un_onnx_walk(struct un_onnx_walk *walk);

/* UNET_EFORMAT: "file: node NAME: found, wanted ...". */
unet_code un_onnx_refuse(struct un_onnx_walk *walk, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

/* Notes what a node says about the network; all nodes must say the same. */
unet_code un_onnx_hint(struct un_onnx_walk *walk, int *hint, int found, const char *what);
unet_code un_onnx_hint_float(struct un_onnx_walk *walk, float *hint, float found, const char *what);

/* A map that a block, a level or an up-convolution ends with: its activation is there. */
bool un_onnx_is_finished(const struct un_onnx_map *map);

/* A bilinear doubling without padding has lost its outermost ring, every other has not. */
unet_code un_onnx_check_trim(struct un_onnx_walk *walk, const struct un_onnx_map *map);

/* What has made a map, for messages. */
const char *un_onnx_maker_name(const struct un_onnx_map *map);

/*
 * Lists the tensor that input i of the present node reads, as `suffix` ("weight") of a module whose
 * name comes from the node `of`: the rule is in onnx.c.  *array is the entry; it may be changed
 * until the next call.
 */
unet_code un_onnx_list(struct un_onnx_walk *walk, int i, const struct un_onnx_node *of,
                       const char *suffix, struct un_array **array);

/* Lists a tensor under this name; it counts (arrays->count) when who calls has looked at it. */
unet_code un_onnx_put_array(struct un_onnx_walk *walk, int tensor, const char *name,
                            struct un_array **array);

/* ---- onnx_own.c ---- */

/* Whether the metadata of unet say that it is a network which un_onnx_walk() does not know. */
bool un_onnx_is_own(struct un_onnx_walk *walk);

/* Lists the weights of such a network by their names.  UNET_EFORMAT: its nodes are not those that
 * unet writes; UNET_ENOMEM. */
unet_code un_onnx_own(struct un_onnx_walk *walk);

/* The functions that operators are looked up with. */
unet_code un_onnx_conv(struct un_onnx_walk *walk);
unet_code un_onnx_conv_transpose(struct un_onnx_walk *walk);
unet_code un_onnx_batch_norm(struct un_onnx_walk *walk);
unet_code un_onnx_instance_norm(struct un_onnx_walk *walk);
unet_code un_onnx_group_norm(struct un_onnx_walk *walk);
unet_code un_onnx_reshape(struct un_onnx_walk *walk);
unet_code un_onnx_scale(struct un_onnx_walk *walk);
unet_code un_onnx_activation(struct un_onnx_walk *walk);
unet_code un_onnx_pool(struct un_onnx_walk *walk);
unet_code un_onnx_resize(struct un_onnx_walk *walk);
unet_code un_onnx_slice(struct un_onnx_walk *walk);
unet_code un_onnx_pad(struct un_onnx_walk *walk);
unet_code un_onnx_concat(struct un_onnx_walk *walk);
unet_code un_onnx_probability(struct un_onnx_walk *walk);
unet_code un_onnx_transpose(struct un_onnx_walk *walk);
unet_code un_onnx_unsqueeze(struct un_onnx_walk *walk);
unet_code un_onnx_squeeze(struct un_onnx_walk *walk);
unet_code un_onnx_tile(struct un_onnx_walk *walk);
unet_code un_onnx_classes(struct un_onnx_walk *walk);
unet_code un_onnx_threshold(struct un_onnx_walk *walk);

/* ---- onnx_repeat.c: parts of a doubling ---- */

unet_code un_onnx_repeat_reshape(struct un_onnx_walk *walk);
unet_code un_onnx_repeat_transpose(struct un_onnx_walk *walk, const int64_t *order, int count);

/* ---- onnx_ends.c ---- */

/* The image times or plus a number. */
unet_code un_onnx_scale_image(struct un_onnx_walk *walk);
/* Whether a new shape for what comes first or last moves no value: there is one channel. */
unet_code un_onnx_reshape_end(struct un_onnx_walk *walk);

/* ---- onnx_maps.c ---- */

/* Whole numbers of an attribute (in old versions) or an input; -1: not stored. */
int un_onnx_parameter(struct un_onnx_walk *walk, const char *name, int input, int64_t values[8]);

#endif
