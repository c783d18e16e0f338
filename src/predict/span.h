/* SPDX-License-Identifier: Apache-2.0 */
/*
 * span.h - along one axis of an image: which outputs a tile gives, and which input it reads
 *
 * A network's poolings lie on a grid of 2^depth pixels.  A tile reads from a place where the grid
 * lies as it does for the whole image, so its outputs are those of the whole image.
 *
 *     padded     in = start - border, on the grid, but not beyond the image's edge, where the
 *                network pads with zeros just as it would for the whole image
 *     unpadded   in = start - border with start on the grid; beyond the edge, mirrored pixels
 */
#ifndef UN_SPAN_H
#define UN_SPAN_H

#include "net/graph.h"

struct un_span {
    int out, count; /* the rows (or columns) it answers for */
    int in, size;   /* the first row it reads (may be negative) and how many */
    int skip;       /* rows of the network's output before the first one wanted */
};

/* For outputs start .. start + count - 1 of an axis of `side` pixels. */
struct un_span un_span_at(const struct un_graph *graph, int start, int count, int side);

/* The sides of a full tile when the output shall be at least `side`.  loose: tiles may start off
 * the grid. */
void un_span_sides(const struct un_graph *graph, int side, bool loose, int *output, int *input);

/* The rows of the image that a span looks at, mirrored ones included: *first .. *end - 1. */
void un_span_rows(const struct un_span *span, int side, int *first, int *end);

#endif
