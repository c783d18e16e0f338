/* SPDX-License-Identifier: Apache-2.0 */
#include "objects/objects_stream.h"

#include <stdlib.h>

unet_code un_window_open(struct un_window *window, struct un_run_rows *source, int height,
                         const uint32_t *map, size_t limit, unet_error *err)
{
    struct un_window made = {.source = source, .map = map, .limit = limit};
    made.rows = calloc((size_t)height + 1, sizeof *made.rows);
    if (!made.rows)
        return un_fail_memory(err, (size_t)height * sizeof *made.rows, "objects");
    *window = made;
    return UNET_OK;
}

void un_window_close(struct un_window *window)
{
    if (window->rows) {
        free(window->rows[window->end].runs); /* of a row that could not be loaded whole */
        un_window_leave(window, window->end);
    }
    free(window->rows);
    *window = (struct un_window){0};
}

bool un_window_fits(const struct un_window *window, int last)
{
    if (!window->limit || last < window->end)
        return true;
    const uint64_t *offsets = window->source->offsets;
    const uint64_t more = (offsets[last + 1] - offsets[window->end]) * sizeof(struct un_run) +
                          (window->inner ? (uint64_t)(last + 1 - window->end) * window->width : 0);
    return window->bytes + more <= window->limit;
}

/* What a row has of `inner`. */
static unet_code load_inner(struct un_window *window, int y, unet_error *err)
{
    const size_t width = window->width;
    uint8_t *inner = malloc(width);
    if (!inner)
        return un_fail_memory(err, width, "objects");
    unet_code code = un_scratch_read(window->inner, (uint64_t)y * width, inner, width, err);
    if (code) {
        free(inner);
        return code;
    }
    window->rows[y].inner = inner;
    window->bytes += width;
    return UNET_OK;
}

static unet_code load(struct un_window *window, int y, unet_error *err)
{
    const size_t count = un_run_rows_count(window->source, y);
    struct un_run *runs = malloc(count * sizeof *runs);
    if (!runs)
        return un_fail_memory(err, count * sizeof *runs, "objects");
    unet_code code = un_run_rows_read(window->source, y, runs, err);
    if (code) {
        free(runs);
        return code;
    }
    size_t kept = 0;
    for (size_t i = 0; i < count; i++) {
        const uint32_t id = window->map ? window->map[runs[i].id] : runs[i].id;
        if (kept && runs[kept - 1].id == id)
            kept--;
        runs[kept++] = (struct un_run){runs[i].end, id};
    }
    window->rows[y].runs = runs;
    window->rows[y].count = kept;
    window->bytes += kept * sizeof *runs;
    return UNET_OK;
}

unet_code un_window_reach(struct un_window *window, int last, unet_error *err)
{
    unet_code code = UNET_OK;
    while (window->end <= last && !(code = load(window, window->end, err))) {
        if (window->inner && (code = load_inner(window, window->end, err)))
            return code; /* closing lets go of the runs */
        window->end++;
    }
    return code;
}

void un_window_leave(struct un_window *window, int first)
{
    for (; window->first < first && window->first < window->end; window->first++) {
        struct un_window_row *row = &window->rows[window->first];
        window->bytes -= row->count * sizeof *row->runs + (row->inner ? window->width : 0);
        free(row->runs);
        free(row->inner);
        *row = (struct un_window_row){0};
    }
}

size_t un_window_find(const struct un_window *window, int y, int x)
{
    const struct un_window_row *row = &window->rows[y];
    size_t low = 0, high = row->count - 1;
    while (low < high) {
        const size_t middle = low + (high - low) / 2;
        if (row->runs[middle].end <= (uint32_t)x)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

uint32_t un_window_at(const struct un_window *window, int y, int x)
{
    return window->rows[y].runs[un_window_find(window, y, x)].id;
}

void un_window_replace(struct un_window *window, int y, struct un_run *runs, size_t count)
{
    struct un_window_row *row = &window->rows[y];
    window->bytes += count * sizeof *runs;
    window->bytes -= row->count * sizeof *runs;
    free(row->runs);
    row->runs = runs;
    row->count = count;
}
