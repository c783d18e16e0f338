/* SPDX-License-Identifier: Apache-2.0 */
#include "objects/objects_label.h"

#include <stdlib.h>
#include <string.h>

#define NO_HOLE 255

static unet_code grow(struct un_labels *labels, unet_error *err)
{
    char bytes[24];
    size_t room = labels->capacity ? labels->capacity + labels->capacity / 2 : 1 << 12;
    if (room > UINT32_MAX)
        room = UINT32_MAX;
    if (labels->limit && room > labels->limit)
        room = labels->limit;
    if (room <= labels->count)
        return un_fail(err, UNET_ENOMEM,
                       "objects: more than %zu pieces, which is all that %s are enough for",
                       labels->count, un_bytes_text((double)labels->count * UN_LABEL_BYTES, bytes));
    uint32_t *parent = realloc(labels->parent, room * sizeof *parent);
    if (parent)
        labels->parent = parent;
    uint8_t *class = realloc(labels->label, room);
    if (class)
        labels->label = class;
    uint8_t *border = realloc(labels->border, room);
    if (border)
        labels->border = border;
    if (!parent || !class || !border)
        return un_fail_memory(err, room * UN_LABEL_BYTES, "objects");
    labels->capacity = room;
    return UNET_OK;
}

unet_code un_labels_init(struct un_labels *labels, bool holes, size_t limit, unet_error *err)
{
    *labels = (struct un_labels){.holes = holes, .limit = limit};
    unet_code code = grow(labels, err);
    if (code)
        return code;
    labels->parent[0] = 0;
    labels->label[0] = 0;
    labels->border[0] = NO_HOLE;
    labels->count = 1;
    return UNET_OK;
}

void un_labels_release(struct un_labels *labels)
{
    free(labels->parent);
    free(labels->label);
    free(labels->border);
    *labels = (struct un_labels){0};
}

static uint32_t find(uint32_t *parent, uint32_t label)
{
    while (parent[label] != label)
        label = parent[label] = parent[parent[label]];
    return label;
}

static void meet(uint8_t *border, uint8_t class)
{
    *border = *border == 0 || *border == class ? class : NO_HOLE;
}

static uint32_t unite(struct un_labels *labels, uint32_t a, uint32_t b)
{
    a = find(labels->parent, a);
    b = find(labels->parent, b);
    if (a == b)
        return a;
    const uint32_t root = a < b ? a : b, child = a < b ? b : a;
    labels->parent[child] = root;
    if (labels->border[child])
        meet(&labels->border[root], labels->border[child]);
    return root;
}

/* Where the run that starts at x ends; eight pixels at a time. */
static int run_end(const uint8_t *mask, int x, int width)
{
    const uint64_t eight = 0x0101010101010101u * mask[x];
    int end = x + 1;
    uint64_t word;
    for (; end + 8 <= width; end += 8) {
        memcpy(&word, mask + end, sizeof word);
        if (word != eight)
            break;
    }
    while (end < width && mask[end] == mask[x])
        end++;
    return end;
}

static unet_code cut_row(struct un_label_row *row, unet_error *err)
{
    row->count = 0;
    for (int x = 0, end; x < row->width; x = end) {
        const uint8_t class = row->mask[x];
        if (class >= row->classes)
            return un_fail(err, UNET_EINVAL, "objects: row %d, column %d: class %d, wanted 0 to %d",
                           row->y, x, class, row->classes - 1);
        end = run_end(row->mask, x, row->width);
        row->runs[row->count++] = (struct un_run){(uint32_t)end, class};
    }
    return UNET_OK;
}

/*
 * The label of a run of `class` from what lies above it, 0: nothing of its kind.  at: the first run
 * above that can touch; it only moves on.
 */
static uint32_t look_up(struct un_labels *labels, const struct un_label_row *row, uint32_t start,
                        uint32_t end, uint8_t class, size_t *at)
{
    const uint32_t low = class && start ? start - 1 : start, high = class ? end + 1 : end;
    uint32_t label = 0;
    while (*at < row->above_count && row->above[*at].end <= low)
        ++*at;
    for (size_t i = *at; i < row->above_count; i++) {
        const uint32_t from = i ? row->above[i - 1].end : 0, other = row->above[i].id;
        if (from >= high)
            break;
        const uint8_t other_class = labels->label[other];
        if (other_class == class)
            label = label ? unite(labels, label, other) : other;
        else if (class && !other_class && from < end && row->above[i].end > start)
            meet(&labels->border[find(labels->parent, other)], class);
    }
    return label;
}

/* What a background run borders on above it, beside it and at the image's edge. */
static void see_border(struct un_labels *labels, const struct un_label_row *row, size_t i,
                       uint8_t right, size_t at)
{
    const uint32_t start = i ? row->runs[i - 1].end : 0, end = row->runs[i].end;
    uint8_t *border = &labels->border[find(labels->parent, row->runs[i].id)];
    if (!start || end == (uint32_t)row->width || !row->y || row->y == row->height - 1)
        *border = NO_HOLE;
    if (*border == NO_HOLE)
        return;
    meet(border, labels->label[row->runs[i - 1].id]);
    meet(border, right);
    for (size_t k = at; k < row->above_count && (k ? row->above[k - 1].end : 0) < end; k++)
        if (labels->label[row->above[k].id])
            meet(border, labels->label[row->above[k].id]);
}

unet_code un_label_row(struct un_labels *labels, struct un_label_row *row, unet_error *err)
{
    unet_code code = cut_row(row, err);
    if (code)
        return code;
    size_t at = 0;
    for (size_t i = 0; i < row->count; i++) {
        const uint32_t start = i ? row->runs[i - 1].end : 0, end = row->runs[i].end;
        const uint8_t class = (uint8_t)row->runs[i].id;
        if (!class && !labels->holes)
            continue;
        uint32_t label = look_up(labels, row, start, end, class, &at);
        if (!label) {
            if (labels->count == labels->capacity && (code = grow(labels, err)))
                return code;
            label = (uint32_t)labels->count++;
            labels->parent[label] = label;
            labels->label[label] = class;
            labels->border[label] = 0;
        }
        row->runs[i].id = label;
        if (!class)
            see_border(labels, row, i, i + 1 < row->count ? (uint8_t)row->runs[i + 1].id : 0, at);
    }
    return UNET_OK;
}

static void flatten(struct un_labels *labels)
{
    for (size_t i = 1; i < labels->count; i++)
        labels->parent[i] = labels->parent[labels->parent[i]];
}

static bool is_hole(const struct un_labels *labels, uint32_t label)
{
    return !labels->label[label] && labels->border[label] && labels->border[label] != NO_HOLE;
}

size_t un_labels_settle(struct un_labels *labels)
{
    size_t holes = 0;
    flatten(labels);
    for (size_t i = 1; i < labels->count; i++) {
        labels->border[i] = labels->border[labels->parent[i]];
        holes += is_hole(labels, (uint32_t)i);
    }
    return holes;
}

static void join(uint32_t *parent, uint32_t a, uint32_t b)
{
    a = find(parent, a);
    b = find(parent, b);
    parent[a < b ? b : a] = a < b ? a : b;
}

void un_labels_join(struct un_labels *labels, const struct un_run *runs, size_t count)
{
    /* a hole touches no edge, so there is a run on either side of each of its runs */
    for (size_t i = 1; i + 1 < count; i++)
        if (is_hole(labels, runs[i].id)) {
            join(labels->parent, runs[i].id, runs[i - 1].id);
            join(labels->parent, runs[i].id, runs[i + 1].id);
        }
}

size_t un_labels_number(struct un_labels *labels, uint8_t *component_class)
{
    size_t count = 0;
    flatten(labels);
    /* a filled hole's root is of the foreground: what lies around it comes first in raster order */
    for (size_t i = 0; i < labels->count; i++) {
        const uint32_t root = labels->parent[i];
        const bool first = root == i && labels->label[i];
        count += first;
        if (!component_class)
            continue;
        if (first)
            component_class[count] = labels->label[i];
        labels->parent[i] = root != i ? labels->parent[root] : first ? (uint32_t)count : 0;
    }
    return count;
}
