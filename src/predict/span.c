/* SPDX-License-Identifier: Apache-2.0 */
#include "predict/session.h"

static int round_up(int value, int grid)
{
    return (value + grid - 1) / grid * grid;
}

struct un_span un_span_at(const struct un_graph *graph, int start, int count, int side)
{
    const struct un_geometry g = graph->geometry;
    struct un_span p = {.out = start, .count = count};
    if (g.valid) {
        int first = start / g.grid * g.grid;
        p.skip = start - first;
        p.in = first - g.border;
        un_fit_output(graph, count + p.skip, &p.size);
        return p;
    }
    p.in = start < g.border ? 0 : (start - g.border) / g.grid * g.grid;
    int end = round_up(start + count + g.border, g.grid);
    /* the network pools an even number of times: what is left over at the far end stays in */
    if (end > side - g.grid)
        end = side;
    p.size = g.even ? round_up(end - p.in, g.grid) : end - p.in;
    if (p.size < g.grid) /* a tiny image: mirrored until the network can pool it */
        p.size = g.grid;
    p.skip = start - p.in;
    return p;
}

void un_span_sides(const struct un_graph *graph, int side, bool loose, int *output, int *input)
{
    const struct un_geometry g = graph->geometry;
    side = round_up(side, g.grid);
    if (g.valid) {
        *output = un_fit_output(graph, side, input);
        if (loose)
            un_fit_output(graph, *output + g.grid, input);
        return;
    }
    *output = side;
    /* a tile ends at the image's edge or a border beyond the output, whichever comes first; the
     * last one may take up to a grid more, so that none is too small */
    *input = side + 2 * g.border + (loose ? 3 : 1) * g.grid;
}

void un_span_rows(const struct un_span *span, int side, int *first, int *end)
{
    int in = span->in, out = span->in + span->size; /* the first row after it */
    int low = in < 0 ? 0 : in, high = out > side ? side : out;
    if (in < 0 && -in + 1 > high) /* row -k is row k */
        high = -in + 1;
    if (out > side && 2 * (side - 1) - (out - 1) < low) /* row side - 1 + k is row side - 1 - k */
        low = 2 * (side - 1) - (out - 1);
    if (low < 0 || high > side) { /* mirrored more than once */
        low = 0;
        high = side;
    }
    *first = low < high ? low : 0;
    *end = high;
}
