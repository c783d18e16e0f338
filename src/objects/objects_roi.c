/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Outlines for ImageJ: a zip of .roi files, each a polygon along the edges of pixels.
 *
 * An outline is walked clockwise from the top left corner of the object's first pixel, with the
 * object on the right.  At each corner: left if there is a pixel of the object ahead on the left
 * (so pixels that touch by a corner hang together), else ahead if there is one on the right, else
 * right.
 *
 * The format is that of ij.io.RoiDecoder, big-endian: a header of 64 bytes, then x and y of all
 * corners in 16 bits relative to the box.  Where the box passes 32767 they are repeated as floats,
 * which count then.
 */
#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "base/ziparchive.h"
#include "objects/objects_stream.h"

enum { HEADER = 64, TRACED = 8, VERSION = 227, SUBPIXEL = 128, NAME = 16 };

struct outline {
    int *corners; /* y, x */
    size_t count, room;
};

struct rois {
    struct un_zip_entry *entries;
    char (*names)[NAME];
    size_t count, bytes, limit;
};

static unet_code add_corner(struct outline *outline, int y, int x, unet_error *err)
{
    if (outline->count == outline->room) {
        const size_t room = outline->room ? 2 * outline->room : 256;
        int *corners = realloc(outline->corners, room * 2 * sizeof *corners);
        if (!corners)
            return un_fail_memory(err, room * 2 * sizeof *corners, "an outline");
        outline->corners = corners;
        outline->room = room;
    }
    outline->corners[2 * outline->count] = y;
    outline->corners[2 * outline->count++ + 1] = x;
    return UNET_OK;
}

/* Whether a pixel is of the object, which lies in the box. */
static bool inside(const struct un_window *window, const struct un_sums *s, uint32_t id, int y,
                   int x)
{
    return y >= s->top && y <= s->bottom && x >= s->first && x <= s->last &&
           un_window_at(window, y, x) == id;
}

static int first_column(const struct un_window *window, const struct un_sums *s, uint32_t id)
{
    size_t i = un_window_find(window, s->top, s->first);
    while (window->rows[s->top].runs[i].id != id)
        i++;
    return i ? (int)window->rows[s->top].runs[i - 1].end : 0;
}

static unet_code trace(const struct un_window *window, const struct un_sums *s, uint32_t id,
                       struct outline *outline, unet_error *err)
{
    /* of the directions east, south, west, north: a step, and the pixels ahead left and right */
    static const int step[4][2] = {{0, 1}, {1, 0}, {0, -1}, {-1, 0}};
    static const int left[4][2] = {{-1, 0}, {0, 0}, {0, -1}, {-1, -1}};
    static const int right[4][2] = {{0, 0}, {0, -1}, {-1, -1}, {-1, 0}};
    const int top = s->top, start = first_column(window, s, id);
    int y = top, x = start, way = 0;
    outline->count = 0;
    unet_code code = add_corner(outline, y, x, err);
    while (!code) {
        y += step[way][0];
        x += step[way][1];
        int turn = 1;
        if (inside(window, s, id, y + left[way][0], x + left[way][1]))
            turn = 3;
        else if (inside(window, s, id, y + right[way][0], x + right[way][1]))
            turn = 0;
        way = (way + turn) % 4;
        if (y == top && x == start && way == 0)
            break;
        if (turn)
            code = add_corner(outline, y, x, err);
    }
    return code;
}

static void put16(unsigned char *to, int value)
{
    to[0] = (unsigned char)(value >> 8);
    to[1] = (unsigned char)value;
}

static void put32(unsigned char *to, uint32_t value)
{
    put16(to, (int)(value >> 16));
    put16(to + 2, (int)(value & 0xffff));
}

static void put_float(unsigned char *to, float value)
{
    uint32_t bits;
    memcpy(&bits, &value, sizeof bits);
    put32(to, bits);
}

static size_t roi_bytes(const struct outline *outline, bool subpixel)
{
    return HEADER + outline->count * (subpixel ? 12 : 4);
}

static void write_roi(const struct outline *outline, const struct un_sums *s, bool subpixel,
                      unsigned char *to)
{
    const size_t n = outline->count;
    memset(to, 0, HEADER);
    memcpy(to, "Iout", 4);
    put16(to + 4, VERSION);
    to[6] = TRACED;
    put16(to + 8, s->top);
    put16(to + 10, s->first);
    put16(to + 12, s->bottom + 1);
    put16(to + 14, s->last + 1);
    if (n <= UINT16_MAX)
        put16(to + 16, (int)n);
    else
        put32(to + 18, (uint32_t)n);
    put16(to + 50, subpixel ? SUBPIXEL : 0);
    for (size_t i = 0; i < n; i++) {
        const int y = outline->corners[2 * i], x = outline->corners[2 * i + 1];
        put16(to + HEADER + 2 * i, x - s->first);
        put16(to + HEADER + 2 * (n + i), y - s->top);
        if (subpixel) {
            put_float(to + HEADER + 4 * (n + i), (float)x);
            put_float(to + HEADER + 4 * (2 * n + i), (float)y);
        }
    }
}

static unet_code add_roi(struct rois *rois, const struct un_sums *s, const struct outline *outline,
                         unet_error *err)
{
    const bool subpixel = s->bottom + 1 > INT16_MAX || s->last + 1 > INT16_MAX;
    const size_t size = roi_bytes(outline, subpixel);
    char limit[24];
    if (rois->limit && rois->bytes + size > rois->limit)
        return un_fail(err, UNET_ENOMEM, "outlines of %zu objects, more than %s are enough for",
                       rois->count + 1, un_bytes_text((double)rois->limit, limit));
    unsigned char *data = malloc(size);
    if (!data)
        return un_fail_memory(err, size, "an outline");
    write_roi(outline, s, subpixel, data);
    char *name = rois->names[rois->count];
    snprintf(name, NAME, "%06zu.roi", rois->count + 1);
    rois->entries[rois->count++] = (struct un_zip_entry){name, data, size};
    rois->bytes += size;
    return UNET_OK;
}

static unet_code trace_all(unet_objects *objects, const char *path, struct rois *rois,
                           unet_error *err)
{
    struct un_window window = {0};
    struct outline outline = {0};
    unet_code code =
        un_window_open(&window, &objects->ids, objects->height, NULL, rois->limit / 2, err);
    for (size_t i = 0; i < objects->sums.count && !code; i++) {
        const struct un_sums *s = un_sums_at(&objects->sums, i);
        char limit[24];
        un_window_leave(&window, s->top);
        if (!un_window_fits(&window, s->bottom))
            code = un_fail(
                err, UNET_ENOMEM, "%s: object %zu is %d rows high, more than %s are enough for",
                path, i + 1, s->bottom - s->top + 1, un_bytes_text((double)window.limit, limit));
        if (code || (code = un_window_reach(&window, s->bottom, err)) ||
            (code = trace(&window, s, (uint32_t)(i + 1), &outline, err)))
            break;
        code = add_roi(rois, s, &outline, err);
    }
    un_window_close(&window);
    free(outline.corners);
    return code;
}

/* libzip makes no archive without members. */
static unet_code write_zip(const char *path, FILE *file, const struct rois *rois, unet_error *err)
{
    static const unsigned char empty[22] = {'P', 'K', 5, 6};
    if (rois->count)
        return un_zip_write(path, file, rois->entries, (int)rois->count, err);
    fwrite(empty, 1, sizeof empty, file); /* un_save_commit() looks for errors */
    return UNET_OK;
}

unet_code un_objects_write_rois(unet_objects *objects, const char *path, unet_error *err)
{
    const size_t count = objects->sums.count, each = sizeof(struct un_zip_entry) + NAME;
    struct rois rois = {.limit = un_objects_left(objects)};
    struct un_save save = {0};
    unet_code code = un_objects_afford(objects, count * each, err);
    if (code)
        return code;
    rois.bytes = count * each;
    rois.entries = calloc(count + 1, sizeof *rois.entries);
    rois.names = calloc(count + 1, sizeof *rois.names);
    if (!rois.entries || !rois.names)
        code = un_fail_memory(err, count * each, path);
    if (!code && !(code = trace_all(objects, path, &rois, err)) &&
        !(code = un_save_begin(&save, path, err)) &&
        !(code = write_zip(path, save.file, &rois, err)))
        code = un_save_commit(&save, err);
    un_save_abort(&save);
    for (size_t i = 0; i < rois.count; i++)
        free((void *)rois.entries[i].data);
    free(rois.entries);
    free(rois.names);
    return code;
}
