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

#include "net/plan.h"

struct un_network {
    struct un_engine *engine;
    struct un_graph graph;
    struct un_plan plan;  /* for the present size */
    struct un_plan first; /* as created: serves every size, in more memory than it needs */
    float *values;        /* parameters in engine memory, [graph.values] */
    bool owns_values;
    char *arena;
    int first_trained; /* node: the backward pass ends there; 0: goes through all */
    float *gradients;  /* UN_TRAIN: [graph.trainable], in the arena: from the end of the backward
                          pass to the next forward pass */
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

/* Of batch normalisation's running statistics, PyTorch's default. */
#define UN_NORM_MOMENTUM 0.1f

#endif
