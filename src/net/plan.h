/* SPDX-License-Identifier: Apache-2.0 */
/*
 * plan.h - where every array of a pass lies, before any of them exists
 *
 * Time is counted in node runs: forward 0..n-1, then (training) backward from n on, node i's at
 * back[i]; the losses of all outputs belong to that of the last node, n.  Where values are made
 * again, the nodes that make them run once more in between (moments.c).  Every array has an
 * interval of time in which it must exist; arrays whose intervals do not meet share memory.  The
 * sum is exact and known before anything is allocated.
 */
#ifndef UN_PLAN_H
#define UN_PLAN_H

#include "base/arena.h"
#include "net/graph.h"

enum un_mode {
    UN_PREDICT, /* forward; norms folded into the convolutions before them */
    UN_TRAIN,   /* forward, keeping what the backward pass reads, and backward */
};

#define UN_NOWHERE SIZE_MAX

enum { UN_MAX_MOMENTS = 3 * UN_MAX_NODES };

struct un_plan {
    enum un_mode mode;
    /* UN_TRAIN, by node: when its backward pass runs, and when it makes its value again; -1: it
     * does not.  end: the moment behind the last */
    int back[UN_MAX_NODES], again[UN_MAX_NODES], end;
    /* by node, the last of a stretch that is made again before its backward pass: the first; -1 */
    int stretch[UN_MAX_NODES];
    /* bytes from the start of the arena; by value (0 = input); UN_NOWHERE: not needed */
    size_t value[UN_MAX_NODES + 1];
    size_t gradient[UN_MAX_NODES + 1];
    /* UN_TRAIN: where a value lies from the moment on at which it is made again */
    size_t remade[UN_MAX_NODES + 1];
    /* by node, of a norm: mean and variance, those of each image when it has groups; or scale and
     * shift of the convolution that it is folded into (UN_PREDICT).  A batch norm that prediction
     * does not fold needs none */
    size_t norm[UN_MAX_NODES];
    /* by node and enum un_pass: packed weights.  UN_PREDICT keeps all of them; in training they
     * change with every step, and exist while the node runs; those of UN_PASS_BACKWARD_WEIGHTS,
     * which has none of its own, while it makes its value again */
    size_t packed[UN_MAX_NODES][3];
    /* UN_TRAIN, by node: the gradients of its parameters by some of the images, one after the
     * other, while they are added up in a tree (batch.c) */
    size_t leaves[UN_MAX_NODES];
    int rooms, blocks; /* of that tree: slots in all, and those that are left at the end */
    /* by time: the engine's workspace */
    size_t workspace[UN_MAX_MOMENTS];
    /* UN_TRAIN: the gradients of the parameters, [graph.trainable] floats.  What the backward pass
     * has not yet written of them holds other arrays */
    size_t gradients;
    /* UN_PREDICT, by value: the node that reads a window of it when that is all there is, because
     * its convolution also does the pooling, the node after it; -1: the value is whole */
    int window[UN_MAX_NODES + 1];
    size_t arena_bytes;
};

/* Plans for the graph's present size.  Smaller sizes then fit the same plan.  UNET_ENOMEM: there is
 * no memory to plan in. */
unet_code un_plan_make(struct un_plan *plan, const struct un_graph *graph, struct un_engine *engine,
                       enum un_mode mode, unet_error *err);

/* moments.c: sets back, again, stretch and end, of UN_TRAIN. */
void un_plan_moments(struct un_plan *plan, const struct un_graph *graph);

/*
 * Whether a convolution is followed by a norm that prediction folds into it, one over the batch
 * without an activation between: returns the norm's node number, or -1.
 */
int un_plan_folded(const struct un_graph *graph, int node);

/*
 * Whether a node, a convolution or a norm, is followed by an activation of one slope that is
 * learnt, which in prediction is part of it.
 */
bool un_plan_absorbs(const struct un_graph *graph, int node);

/* The part of value v that exists, without data: its pixel (0, 0) is pixel (top, left) of v. */
struct un_operand un_plan_value(const struct un_plan *plan, const struct un_graph *graph, int v);

/* Floats of a node's trainable parameters. */
size_t un_plan_parameters(const struct un_graph *graph, int i);

/* Node number i as the engine sees it: shapes, layouts, offsets and activation, no data. */
struct un_conv un_plan_conv(const struct un_plan *plan, const struct un_graph *graph, int i);

/* Whether the convolution of node i also measures its result, for the norm behind it. */
bool un_plan_measures(const struct un_plan *plan, const struct un_graph *graph, int i);

/* The value that the convolution or norm of node i writes: in prediction that of a norm that is
 * folded, and of an activation behind it that is absorbed. */
int un_plan_written(const struct un_plan *plan, const struct un_graph *graph, int i);

/* ---- place.c: arrays that exist for a while, in as little memory as can be found ---- */

/*
 * Order of calls: un_place_give() for all arrays whose places are given, un_place_want() for those
 * that want one, un_place_all() once.
 */

/* by node: value, gradient, norm, packed weights and workspaces of two passes, gradients of
 * parameters and of their leaves; value, packed weights and workspace when it runs again */
enum { UN_MAX_PLACED = 12 * UN_MAX_NODES + 8 };

struct un_placed {
    size_t bytes;
    int from, to;   /* first and last moment at which it exists */
    size_t at;      /* where it lies */
    size_t *offset; /* where that is wanted; not of those whose places are given */
};

struct un_placing {
    struct un_placed list[UN_MAX_PLACED];
    int given, count; /* those whose places are given come first */
};

/* bytes: a multiple of UN_ALIGN.  *offset is set by un_place_all(). */
void un_place_want(struct un_placing *p, size_t bytes, int from, int to, size_t *offset);

/* Bytes first .. end - 1, and what else lies on their cache lines. */
void un_place_give(struct un_placing *p, size_t first, size_t end, int from, int to);

/* Finds a place for all arrays, such that no two that exist at the same time overlap; returns the
 * bytes of all. */
size_t un_place_all(struct un_placing *p);

#endif
