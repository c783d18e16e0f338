/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The second pass.  A component is split when its first row is reached; by then the rows down to
 * its last have been loaded, and its runs there are replaced by those of its parts.  So a row is
 * final when all components of it are split, and ids can be given in raster order.
 */
#include "objects/objects_stream.h"

#include <stdlib.h>
#include <string.h>

static unet_code tell(const unet_objects *objects, double share, unet_error *err)
{
    const unet_objects_options *o = &objects->options;
    if (o->progress && o->progress(o->context, share))
        return un_fail(err, UNET_ESTOPPED, "objects: stopped");
    return UNET_OK;
}

/* ---- components ---- */

static unet_code fill_holes(unet_objects *objects, unet_error *err)
{
    if (!un_labels_settle(&objects->labels))
        return UNET_OK;
    for (int y = 0; y < objects->height; y++) {
        unet_code code = un_run_rows_read(&objects->pieces, y, objects->row[0], err);
        if (code)
            return code;
        un_labels_join(&objects->labels, objects->row[0], un_run_rows_count(&objects->pieces, y));
    }
    return UNET_OK;
}

static unet_code number(unet_objects *objects, unet_error *err)
{
    struct un_labels *labels = &objects->labels;
    const size_t count = un_labels_number(labels, NULL) + 1;
    unet_code code = un_objects_afford(objects, count * (sizeof(struct un_component) + 1), err);
    if (code)
        return code;
    uint8_t *classes = calloc(count, 1);
    objects->components = calloc(count, sizeof *objects->components);
    if (!classes || !objects->components) {
        free(classes);
        return un_fail_memory(err, count * sizeof *objects->components, "objects");
    }
    objects->count = objects->room = count;
    un_labels_number(labels, classes);
    for (size_t i = 0; i < count; i++)
        objects->components[i] =
            (struct un_component){.label = classes[i], .top = -1, .left = INT32_MAX, .right = -1};
    free(classes);
    free(labels->label);
    free(labels->border);
    labels->label = labels->border = NULL;
    return UNET_OK;
}

static unet_code find_boxes(unet_objects *objects, unet_error *err)
{
    for (int y = 0; y < objects->height; y++) {
        const struct un_run *runs = objects->row[0];
        unet_code code = un_run_rows_read(&objects->pieces, y, objects->row[0], err);
        if (code)
            return code;
        const size_t count = un_run_rows_count(&objects->pieces, y);
        for (size_t i = 0; i < count; i++) {
            const int start = i ? (int)runs[i - 1].end : 0, last = (int)runs[i].end - 1;
            struct un_component *c = &objects->components[objects->labels.parent[runs[i].id]];
            c->area += (uint64_t)(last - start) + 1;
            c->top = c->top < 0 ? y : c->top;
            c->bottom = y;
            c->left = start < c->left ? start : c->left;
            c->right = last > c->right ? last : c->right;
        }
    }
    return UNET_OK;
}

static unet_code check_sums(const unet_objects *objects, unet_error *err)
{
    size_t kept = 0;
    for (size_t i = 1; i < objects->count; i++)
        kept += objects->components[i].area >= (uint64_t)objects->options.minimum_area;
    return un_objects_afford(objects, un_sums_bytes(kept), err);
}

/* ---- splitting ---- */

static unet_code add_components(unet_objects *objects, size_t more, unet_error *err)
{
    const size_t count = objects->count + more;
    if (count > objects->room) {
        const size_t room = count + count / 4;
        const size_t bytes = (room - objects->room) * sizeof *objects->components;
        unet_code code = un_objects_afford(objects, bytes, err);
        if (code)
            return code;
        struct un_component *grown =
            count < UINT32_MAX ? realloc(objects->components, room * sizeof *grown) : NULL;
        if (!grown)
            return un_fail_memory(err, bytes, "objects");
        objects->components = grown;
        objects->room = room;
    }
    memset(objects->components + objects->count, 0, more * sizeof *objects->components);
    objects->count = count;
    return UNET_OK;
}

/* The runs of row y that reach into the box, cut by parts, whose components begin at `first`; into
 * cut; *taken: how many runs of the row they replace. */
static size_t cut_runs(unet_objects *objects, const struct un_window *window, int y,
                       const struct un_split *box, const uint32_t *parts, size_t first,
                       struct un_run *cut, size_t *taken)
{
    const struct un_window_row *row = &window->rows[y];
    const size_t from = un_window_find(window, y, box->left);
    const uint32_t *line = parts + (size_t)(y - box->top) * (size_t)box->width;
    const int end = box->left + box->width;
    size_t count = 0, i = from;
    for (int start = box->left; i < row->count && start < end; start = (int)row->runs[i++].end) {
        if (row->runs[i].id != box->id) {
            cut[count++] = row->runs[i];
            continue;
        }
        for (int x = start; x < (int)row->runs[i].end; x++) {
            const uint32_t id = (uint32_t)(first + line[x - box->left] - 1);
            objects->components[id].area++;
            if (x == start || cut[count - 1].id != id)
                count++;
            cut[count - 1] = (struct un_run){(uint32_t)x + 1, id};
        }
    }
    *taken = i - from;
    return count;
}

static unet_code put_parts(unet_objects *objects, struct un_window *window,
                           const struct un_split *box, const uint32_t *parts, size_t first,
                           unet_error *err)
{
    struct un_run *cut = malloc(((size_t)box->width + 1) * sizeof *cut);
    unet_code code = UNET_OK;
    for (int y = box->top; cut && y < box->top + box->height; y++) {
        const struct un_window_row row = window->rows[y];
        const size_t from = un_window_find(window, y, box->left);
        size_t taken;
        const size_t count = cut_runs(objects, window, y, box, parts, first, cut, &taken);
        if (count == taken) {
            memcpy(row.runs + from, cut, count * sizeof *cut);
            continue;
        }
        struct un_run *runs = malloc((row.count - taken + count) * sizeof *runs);
        if (!runs) {
            code = un_fail_memory(err, (row.count - taken + count) * sizeof *runs, "objects");
            break;
        }
        memcpy(runs, row.runs, from * sizeof *runs);
        memcpy(runs + from, cut, count * sizeof *runs);
        memcpy(runs + from + count, row.runs + from + taken,
               (row.count - from - taken) * sizeof *runs);
        un_window_replace(window, y, runs, row.count - taken + count);
    }
    if (!cut)
        code = un_fail_memory(err, (size_t)box->width * sizeof *cut, "objects");
    free(cut);
    return code;
}

/* The component's box with a ring where the image goes on. */
static struct un_split ringed_box(const unet_objects *objects, uint32_t id)
{
    const struct un_component *c = &objects->components[id];
    struct un_split box = {.top = c->top ? c->top - 1 : 0,
                           .left = c->left ? c->left - 1 : 0,
                           .id = id,
                           .inner = objects->options.inner,
                           .depth = objects->options.split_depth,
                           .minimum_area = objects->options.minimum_area};
    box.height = (c->bottom + 1 < objects->height ? c->bottom + 2 : objects->height) - box.top;
    box.width = (c->right + 1 < objects->width ? c->right + 2 : objects->width) - box.left;
    return box;
}

static unet_code split(unet_objects *objects, struct un_window *window, uint32_t id,
                       unet_error *err)
{
    const struct un_split box = ringed_box(objects, id);
    const uint64_t area = (uint64_t)box.height * (uint64_t)box.width;
    const size_t left = un_objects_left(objects);
    objects->components[id].whole = true;
    /* half of what is left for rows, half for the flood */
    window->limit = left / 2 + !!left;
    if (area > UINT32_MAX / 2 || (left && area * UN_SPLIT_BYTES > left / 2) ||
        !un_window_fits(window, box.top + box.height - 1)) {
        objects->left_whole++;
        return UNET_OK;
    }
    uint32_t *parts = NULL, count = 0;
    const size_t first = objects->count;
    unet_code code = un_window_reach(window, box.top + box.height - 1, err);
    if (code || (code = un_split_component(&box, window, &parts, &count, err)))
        return code;
    if (count > 1 && !(code = add_components(objects, count, err))) {
        for (size_t i = first; i < objects->count; i++) {
            objects->components[i].label = objects->components[id].label;
            objects->components[i].whole = true;
        }
        code = put_parts(objects, window, &box, parts, first, err);
    }
    free(parts);
    return code;
}

static unet_code split_row(unet_objects *objects, struct un_window *window, int y, unet_error *err)
{
    const uint64_t least = 2 * (uint64_t)objects->options.minimum_area;
    unet_code code = UNET_OK;
    for (size_t i = 0; i < window->rows[y].count && !code; i++) {
        const struct un_run *runs = window->rows[y].runs;
        const uint32_t id = runs[i].id;
        const struct un_component *c = &objects->components[id];
        if (!id || c->whole || c->area < least)
            continue;
        const int start = i ? (int)runs[i - 1].end : 0;
        code = split(objects, window, id, err);
        i = un_window_find(window, y, start);
    }
    return code;
}

/* ---- ids and sums ---- */

static unet_code give_ids(unet_objects *objects, const struct un_window_row *row, size_t *count,
                          unet_error *err)
{
    struct un_run *to = objects->row[0];
    *count = 0;
    for (size_t i = 0; i < row->count; i++) {
        const uint32_t place = row->runs[i].id;
        struct un_component *c = &objects->components[place];
        if (place && !c->id && c->area >= (uint64_t)objects->options.minimum_area) {
            unet_code code = un_sums_add(&objects->sums, c->label, err);
            if (code)
                return code;
            c->id = (uint32_t)objects->sums.count;
        }
        if (*count && to[*count - 1].id == c->id)
            --*count;
        to[(*count)++] = (struct un_run){row->runs[i].end, c->id};
    }
    return UNET_OK;
}

static unet_code finish_row(unet_objects *objects, const struct un_window_row *row, int y,
                            unet_error *err)
{
    const size_t bytes = objects->sample == UNET_U8 ? 1 : objects->sample == UNET_U16 ? 2 : 4;
    const size_t line = bytes * (size_t)objects->width;
    struct un_measured_row measured = {.runs = objects->row[0],
                                       .above = objects->row[1],
                                       .above_count = objects->above_count,
                                       .y = y,
                                       .height = objects->height,
                                       .width = objects->width,
                                       .sample = objects->sample,
                                       .samples = objects->measured ? objects->line : NULL};
    unet_code code = give_ids(objects, row, &measured.count, err);
    if (!code && objects->measured)
        code = un_scratch_read(&objects->samples, (uint64_t)y * line, objects->line, line, err);
    if (!code)
        code = un_run_rows_append(&objects->ids, measured.runs, measured.count, err);
    if (code)
        return code;
    un_sums_row(&objects->sums, &measured);
    struct un_run *done = objects->row[0];
    objects->row[0] = objects->row[1];
    objects->row[1] = done;
    objects->above_count = measured.count;
    return UNET_OK;
}

static unet_code finish_rows(unet_objects *objects, unet_error *err)
{
    struct un_window window = {0};
    unet_code code =
        un_window_open(&window, &objects->pieces, objects->height, objects->labels.parent, 0, err);
    objects->above_count = 0;
    if (!code && objects->options.inner) {
        window.inner = &objects->inner;
        window.width = (size_t)objects->width;
    }
    for (int y = 0; y < objects->height && !code; y++) {
        code = y % 64 ? UNET_OK : tell(objects, (double)y / objects->height, err);
        if (code || (code = un_window_reach(&window, y, err)))
            break;
        if (objects->options.split || objects->options.inner)
            code = split_row(objects, &window, y, err);
        if (!code)
            code = finish_row(objects, &window.rows[y], y, err);
        un_window_leave(&window, y); /* the row above a split one is looked at, for its ring */
    }
    un_window_close(&window);
    return code;
}

unet_code un_objects_finish(unet_objects *objects, unet_error *err)
{
    if (objects->failed || objects->finished || objects->next != objects->height)
        return un_fail(err, UNET_EINVAL, "objects: %s",
                       objects->failed     ? "an earlier call has failed"
                       : objects->finished ? "finished twice"
                                           : "rows are missing");
    unet_code code;
    objects->failed = true; /* until all is done */
    if ((code = fill_holes(objects, err)) || (code = number(objects, err)) ||
        (code = find_boxes(objects, err)) || (code = check_sums(objects, err)) ||
        (code = un_run_rows_open(&objects->ids, objects->height, objects->folder, err)) ||
        (code = finish_rows(objects, err)))
        return code;
    un_labels_release(&objects->labels);
    un_run_rows_close(&objects->pieces);
    un_scratch_close(&objects->samples);
    un_scratch_close(&objects->inner);
    free(objects->components);
    objects->components = NULL;
    objects->count = objects->room = 0;
    objects->failed = false;
    objects->finished = true;
    return UNET_OK;
}
