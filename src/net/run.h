/* SPDX-License-Identifier: Apache-2.0 */
/*
 * run.h - a network with its memory, and the forward and backward walk over its list of nodes
 *
 * Order of calls: un_network_create(); un_network_size() for each new input size (not larger than
 * at creation); write the input; un_network_forward(); read the outputs; when training: write the
 * gradient of each output, un_network_backward(), change the parameters.
 */
#ifndef UN_RUN_H
#define UN_RUN_H

#include "base/ranks.h"
#include "net/plan.h"

struct un_network {
    struct un_engine *engine;
    struct un_graph graph;
    struct un_plan plan;  /* for the present size */
    struct un_plan first; /* as created: serves every size, in more memory than it needs */
    float *values;        /* parameters in engine memory, [graph.values] */
    bool owns_values;
    char *arena;
    int now;           /* the moment of what runs: see plan.h */
    int first_trained; /* node: the backward pass ends there; 0: goes through all */
    float *gradients;  /* UN_TRAIN: [graph.trainable], in the arena: from the end of the backward
                          pass to the next forward pass */
    /* a batch that is dealt to several processes, see un_network_share(); engine memory but for the
     * host's sums */
    const unet_ranks *ranks;
    float *partials; /* [plan.blocks - 1][graph.trainable] */
    float *norms;    /* gradients of the parameters of norms over the batch, one after the other */
    double *moments, *host_moments; /* [images, at least 1][width]; the host's of all ranks */
    int width;
    double waited; /* seconds for the moments of the others */
    unet_code failed;
    unet_error why;
    /* hears of each node whose parameters' gradients are there; may be NULL */
    void (*ready)(void *context, int node);
    void *ready_context;
};

/*
 * Allocates all that a pass over graph (which has a size) needs.  host_values are the model's
 * parameters [graph->values]: borrowed when the engine works in host memory, else copied.
 * UN_PREDICT packs the weights here, once.  The engine is borrowed.  UNET_ENOMEM.
 */
unet_code un_network_create(struct un_network *network, struct un_engine *engine,
                            const struct un_graph *graph, enum un_mode mode, float *host_values,
                            unet_error *err);
void un_network_release(struct un_network *network);

/* Bytes that create() allocates for this graph and mode, parameters included. */
size_t un_network_bytes(const struct un_graph *graph, const struct un_plan *plan);

/* UN_PREDICT: lays the weights out again after the model's have changed. */
void un_network_repack(struct un_network *network);

/* Another input size.  UNET_EINVAL when it does not fit the network; must not exceed the plan. */
unet_code un_network_size(struct un_network *network, int n, int height, int width,
                          unet_error *err);

struct un_tensor un_network_input(const struct un_network *network);
/* The answer, which is the first output of the graph, and its gradient. */
struct un_tensor un_network_output(const struct un_network *network);
struct un_tensor un_network_output_gradient(const struct un_network *network);
/* Output i of graph.outputs, and its gradient. */
struct un_tensor un_network_result(const struct un_network *network, int i);
struct un_tensor un_network_result_gradient(const struct un_network *network, int i);

/* key: of this step's dropout (UN_TRAIN).  In training, norms use and update batch statistics, and
 * the engine is left with the workspace of a loss, which serves those of all outputs in turn. */
void un_network_forward(struct un_network *network, uint64_t key);

/* Overwrites the gradients of the parameters of all nodes from first_trained on.  key as in the
 * forward pass. */
void un_network_backward(struct un_network *network, uint64_t key);

/* ---- batch.c: sums over the images of a batch, here and elsewhere ----
 *
 * A network whose graph says that its batch is dealt (graph.total) and that knows the ranks makes
 * its forward and backward pass together with them.  What its backward pass leaves then are sums
 * over the images here: plan.blocks blocks of the tree (base/tree.h), the first in gradients, the
 * others in partials.  Who has added those of all ranks to gradients calls un_network_reduced().
 */

/* Of which ranks; width: of what un_network_sum() is to add up, at least.  UNET_ENOMEM. */
unet_code un_network_share(struct un_network *network, const unet_ranks *ranks, int width,
                           unet_error *err);

/* network->moments [images here][width] become, in its first row, the sum over all images of all
 * ranks.  What goes wrong is left in network->failed, once, and nothing is exchanged after that. */
void un_network_sum(struct un_network *network, int width);

void un_network_reduced(struct un_network *network);

/* The gradients of a node's parameters, in the place where they are kept. */
void un_batch_conv_weights(struct un_network *network, int i, const struct un_conv *c,
                           struct un_tensor ddst);
void un_batch_norm_backward(struct un_network *network, int i, struct un_tensor x,
                            const struct un_norm *norm, struct un_tensor dy,
                            struct un_activation act, struct un_tensor dx);
void un_batch_prelu_backward(struct un_network *network, int i, struct un_tensor x,
                             struct un_tensor dy, struct un_tensor dx);
/* Mean and variance. */
void un_batch_norm_statistics(struct un_network *network, struct un_tensor x,
                              const struct un_norm *norm);
void un_network_unshare(struct un_network *network);

/* Of batch normalisation's running statistics, PyTorch's default. */
#define UN_NORM_MOMENTUM 0.1f

#endif
