/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The sides of a network's maps, which inputs fit, and how far a pixel sees: all of it from one
 * walk over the nodes along one axis.
 *
 * Unpadded, depth 4, transposed up-convolution: each block of two 3x3 convolutions takes 4 pixels,
 * each pooling wants an even side.  572 -> 568 |284 -> 280 |140 -> 136 |68 -> 64 |32 -> 28 |56 ->
 * 52 |104 -> 100 |200 -> 196 |392 -> 388.
 */
#include "net/graph.h"

#include <string.h>

/* One axis of all maps. */
struct axis {
    int side[UN_MAX_NODES + 1]; /* of each value */
    int first[UN_MAX_NODES][2]; /* by node: where each source's frame starts, see un_operand */
};

static bool is_padded(const struct un_graph *graph)
{
    return graph->spec.padding == UNET_PADDING_SAME;
}

/* The side of what a node reads.  Of two sources it is that of what comes from below (unpadded: the
 * skip connection is cropped) or that of the skip connection (padded: the other one lies in its
 * middle, zero around it). */
static int frame_of(const struct un_graph *graph, const struct un_node *node,
                    const struct axis *axis, int first[2])
{
    if (node->src[1] < 0)
        return axis->side[node->src[0]];
    const int skip = node->skip, up = !skip;
    const int a = axis->side[node->src[up]], b = axis->side[node->src[skip]];
    if (is_padded(graph))
        first[up] = -((b - a) / 2);
    else
        first[skip] = (b - a) / 2;
    return is_padded(graph) ? b : a;
}

/* The side of the value that node i makes; below 1 where the network does not fit. */
static int side_of(const struct un_graph *graph, int i, struct axis *axis)
{
    const struct un_node *node = &graph->nodes[i];
    int *first = axis->first[i];
    first[0] = first[1] = 0;
    const int side = frame_of(graph, node, axis, first);
    switch (node->kind) {
    case UN_NODE_CONV:
        if (un_conv_is_up(node->conv))
            return 2 * side;
        if (!is_padded(graph))
            return side - un_conv_side(node->conv) + 1;
        first[0] -= un_conv_side(node->conv) / 2;
        first[1] -= un_conv_side(node->conv) / 2;
        if (!un_conv_halves(node->conv))
            return side;
        return side % 2 == 0 ? side / 2 : 0; /* else what comes up again would be larger */
    case UN_NODE_MAXPOOL3:
        return side % 2 == 0 ? side / 2 : 0;
    case UN_NODE_MAXPOOL:
    case UN_NODE_MEANPOOL: /* padded: a last odd row is dropped */
        return is_padded(graph) || side % 2 == 0 ? side / 2 : 0;
    case UN_NODE_UPSAMPLE:
        return 2 * side - 2 * node->trim;
    case UN_NODE_NORM:
    case UN_NODE_ADD:
    case UN_NODE_PRELU:
        break;
    }
    return side;
}

/* Goes through all nodes; returns the side of the first output, 0 when the input does not fit. */
static int walk(const struct un_graph *graph, int side, struct axis *axis)
{
    axis->side[0] = side;
    for (int i = 0; i < graph->node_count; i++)
        if ((axis->side[i + 1] = side_of(graph, i, axis)) < 1)
            return 0;
    return axis->side[graph->outputs[0]];
}

/* floor(p / 2) */
static int half(int p)
{
    return (p - (p < 0)) / 2;
}

/* The first position of a source that a node reads for position p of its value; first: as in struct
 * axis. */
static int reads_from(const struct un_node *node, int first, int p)
{
    switch (node->kind) {
    case UN_NODE_CONV:
        if (un_conv_halves(node->conv))
            return 2 * p + first;
        if (node->conv == UN_UPCONV3X3) /* on its right side it reads one more */
            return half(p - 1);
        return node->conv == UN_UPCONV2X2 ? half(p) : p + first;
    case UN_NODE_MAXPOOL:
    case UN_NODE_MEANPOOL:
        return 2 * p;
    case UN_NODE_MAXPOOL3:
        return 2 * p - 1;
    case UN_NODE_UPSAMPLE: /* an interpolation looks at the neighbour, too */
        return half(p + node->trim - (node->doubling != UN_NEAREST));
    case UN_NODE_NORM:
    case UN_NODE_ADD:
    case UN_NODE_PRELU:
        break;
    }
    return p + first;
}

/* How far left of position 0 of the outputs the input matters: the walk backwards. */
static int reach(const struct un_graph *graph)
{
    struct axis axis;
    int left[UN_MAX_NODES + 1] = {0}; /* by value: the leftmost position that anybody reads */
    walk(graph, 8 << graph->spec.depth, &axis);
    for (int i = graph->node_count - 1; i >= 0; i--)
        for (int s = 0; s < 2; s++) {
            const int v = graph->nodes[i].src[s];
            const int p = reads_from(&graph->nodes[i], axis.first[i][s], left[i + 1]);
            if (v >= 0 && p < left[v])
                left[v] = p;
        }
    return -left[0];
}

int un_fit_input(const struct un_graph *graph, int side)
{
    struct axis axis;
    while (!walk(graph, side, &axis))
        side++;
    return side;
}

int un_fit_output(const struct un_graph *graph, int side, int *input)
{
    const struct un_geometry *g = &graph->geometry;
    struct axis axis;
    *input = un_fit_input(graph, side + (g->valid ? 2 * g->border : 0));
    return walk(graph, *input, &axis);
}

/* Networks of many blocks on deep levels reach over thousands of pixels.  Where norms look at the
 * whole map anyhow, so that tiles are never exact, a border of that size would be memory for
 * nothing. */
enum { ENOUGH = 128 };

static int least(int a, int b)
{
    return a < b ? a : b;
}

struct un_geometry un_geometry(const struct un_graph *graph)
{
    struct un_geometry g = {.grid = 1 << graph->spec.depth,
                            .valid = !is_padded(graph),
                            .even = graph->spec.down == UNET_DOWN_CONV};
    struct axis axis;
    if (g.valid) {
        int smallest = un_fit_input(graph, 1);
        g.border = (smallest - walk(graph, smallest, &axis)) / 2;
    } else {
        g.border = (reach(graph) + g.grid - 1) / g.grid * g.grid;
        if ((graph->spec.residual || graph->spec.family) && !un_spec_local(&graph->spec))
            g.border = least(g.border, (ENOUGH + g.grid - 1) / g.grid * g.grid);
    }
    return g;
}

static void size_nodes(struct un_graph *graph, struct un_shape input)
{
    struct axis rows, columns;
    walk(graph, input.h, &rows);
    walk(graph, input.w, &columns);
    graph->input = input;
    for (int i = 0; i < graph->node_count; i++) {
        struct un_node *node = &graph->nodes[i];
        node->shape =
            (struct un_shape){input.n, rows.side[i + 1], columns.side[i + 1], node->channels};
        memcpy(node->top, rows.first[i], sizeof node->top);
        memcpy(node->left, columns.first[i], sizeof node->left);
    }
}

unet_code un_graph_size(struct un_graph *graph, int n, int height, int width, unet_error *err)
{
    const int limit = 1 << 20;
    int sides[2] = {height, width};
    if (n < 1 || n > 65536)
        return un_fail(err, UNET_EINVAL, "a batch of %d, wanted 1 to 65536", n);
    for (int i = 0; i < 2; i++) {
        int fit = sides[i] > limit ? 0 : un_fit_input(graph, sides[i] < 1 ? 1 : sides[i]);
        if (fit == 0)
            return un_fail(err, UNET_EINVAL, "an input side of %d, wanted at most %d", sides[i],
                           limit);
        if (fit != sides[i])
            return un_fail(err, UNET_EINVAL,
                           "an input of %d x %d does not fit a network of depth %d; the next "
                           "larger side that does is %d",
                           height, width, graph->spec.depth, fit);
    }
    if ((int64_t)n * height * width > (int64_t)1 << 32)
        return un_fail(err, UNET_EINVAL, "a batch of %d inputs of %d x %d is too large", n, height,
                       width);
    size_nodes(graph, (struct un_shape){n, height, width, graph->spec.in_channels});
    return UNET_OK;
}
