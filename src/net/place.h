/* SPDX-License-Identifier: Apache-2.0 */
/*
 * place.h - arrays that exist for a while, in as little memory as can be found
 *
 * Order of calls: un_place_give() for all arrays whose places are given, un_place_want() for those
 * that want one, un_place_all() once.
 */
#ifndef UN_PLACE_H
#define UN_PLACE_H

#include "base/arena.h"
#include "net/graph.h"

/* by node: value, gradient, norm, packed weights and workspaces of two passes, gradients of
 * parameters */
enum { UN_MAX_PLACED = 8 * UN_MAX_NODES + 8 };

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
size_t un_place_all(const struct un_placing *p);

#endif
