/* SPDX-License-Identifier: Apache-2.0 */
/*
 * outline_imagej.c - outlines for ImageJ: a zip of .roi files, one for each object
 *
 * The format is that of ij.io.RoiDecoder, big-endian: a header of 64 bytes, then of a polygon x and
 * y of all corners in 16 bits relative to the box.  Where the box passes 32767 they are repeated as
 * floats, which count then.  An object with holes or several parts is a composite: floats, in which
 * 0 x y begins a ring, 1 x y goes on and 4 closes it; holes run the other way round, so they are
 * holes by even and odd as well as by winding.  As ImageJ's wand has it, pixels that touch by a
 * corner alone hang together.
 *
 * Of several classes each is a group, whose number is in a second header.  What carries no label
 * has no number of its own there, but a name that begins with "ignore".
 */
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/file.h"
#include "base/ziparchive.h"
#include "objects/objects_stream.h"
#include "objects/outline_file.h"

enum {
    HEADER = 64,
    HEADER2 = 64,
    GROUP = 30, /* in the second header */
    COMPOSITE = 1,
    TRACED = 8,
    VERSION = 227,
    VERSION_GROUPS = 228,
    SUBPIXEL = 128,
    NAME = 24
};

struct rois {
    struct un_zip_entry *entries;
    char (*names)[NAME];
    size_t count, room;
    bool grouped;
};

static bool is_ignored(const struct unet_outlines *file, int label)
{
    char number[24];
    return !strcasecmp(un_outline_name(file, label, number), "ignore");
}

/* ---- one --------------------------------------------------------------------------------- */

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

static unsigned char *put_float(unsigned char *to, float value)
{
    uint32_t bits;
    memcpy(&bits, &value, sizeof bits);
    put32(to, bits);
    return to + 4;
}

/* Corners in 16 bits from the corner of the box, and as floats. */
static void put_polygon(unsigned char *roi, const struct un_outline_object *object, bool subpixel)
{
    const struct un_traced *t = object->traced;
    const size_t n = t->point_count;
    if (n <= UINT16_MAX)
        put16(roi + 16, (int)n);
    else
        put32(roi + 18, (uint32_t)n);
    put16(roi + 50, subpixel ? SUBPIXEL : 0);
    for (size_t i = 0; i < n; i++) {
        const int x = t->points[i][0], y = t->points[i][1];
        put16(roi + HEADER + 2 * i, x - object->left);
        put16(roi + HEADER + 2 * (n + i), y - object->top);
        if (subpixel) {
            put_float(roi + HEADER + 4 * (n + i), (float)x);
            put_float(roi + HEADER + 4 * (2 * n + i), (float)y);
        }
    }
}

/* Each ring from its first corner to its last, and closed. */
static void put_composite(unsigned char *roi, const struct un_traced *t, size_t floats)
{
    unsigned char *to = roi + HEADER;
    put32(roi + 36, (uint32_t)floats);
    for (size_t r = 0; r < t->ring_count; r++) {
        for (size_t i = 0; i < t->rings[r].count; i++) {
            const int *p = t->points[t->rings[r].first + i];
            to = put_float(to, i ? 1 : 0);
            to = put_float(to, (float)p[0]);
            to = put_float(to, (float)p[1]);
        }
        to = put_float(to, 4);
    }
}

/* The bytes of a region, from malloc. */
static unsigned char *make_roi(const struct un_outline_object *object, int group, size_t *size)
{
    const struct un_traced *t = object->traced;
    const bool composite = t->ring_count > 1;
    const bool subpixel =
        object->top + object->height > INT16_MAX || object->left + object->width > INT16_MAX;
    const size_t floats = 3 * t->point_count + t->ring_count;
    const size_t second = HEADER + (composite  ? 4 * floats
                                    : subpixel ? 12 * t->point_count
                                               : 4 * t->point_count);
    *size = second + (group ? HEADER2 : 0);
    unsigned char *roi = calloc(1, *size);
    if (!roi)
        return NULL;
    memcpy(roi, "Iout", 4);
    put16(roi + 4, group ? VERSION_GROUPS : VERSION);
    roi[6] = composite ? COMPOSITE : TRACED;
    put16(roi + 8, object->top);
    put16(roi + 10, object->left);
    put16(roi + 12, object->top + object->height);
    put16(roi + 14, object->left + object->width);
    if (composite)
        put_composite(roi, t, floats);
    else
        put_polygon(roi, object, subpixel);
    if (group) {
        put32(roi + 60, (uint32_t)second);
        roi[second + GROUP] = (unsigned char)group;
    }
    return roi;
}

/* ---- all --------------------------------------------------------------------------------- */

static void imagej_begin(struct unet_outlines *file)
{
    int classes = 0;
    for (int k = 1; k < file->classes; k++)
        classes += !is_ignored(file, k);
    struct rois *rois = file->state = calloc(1, sizeof *rois);
    if (rois)
        rois->grouped = classes > 1;
    file->failed = !rois;
}

static bool make_room(struct rois *rois)
{
    if (rois->count < rois->room)
        return true;
    const size_t room = rois->room ? 2 * rois->room : 64;
    struct un_zip_entry *entries = realloc(rois->entries, room * sizeof *entries);
    if (!entries)
        return false;
    rois->entries = entries;
    char(*names)[NAME] = realloc(rois->names, room * sizeof *names);
    if (!names)
        return false;
    rois->names = names;
    rois->room = room;
    return true;
}

static void imagej_object(struct unet_outlines *file, const struct un_outline_object *object)
{
    struct rois *rois = file->state;
    const bool ignored = is_ignored(file, object->label);
    size_t size;
    if (!make_room(rois)) {
        file->failed = true;
        return;
    }
    unsigned char *roi = make_roi(object, rois->grouped && !ignored ? object->label : 0, &size);
    if (!roi) {
        file->failed = true;
        return;
    }
    snprintf(rois->names[rois->count], NAME, "%s%06llu.roi", ignored ? "ignore-" : "",
             (unsigned long long)object->number % 10000000000u);
    rois->entries[rois->count++] = (struct un_zip_entry){.data = roi, .size = size};
    file->held += size + sizeof *rois->entries + NAME;
}

/* libzip makes no archive without members. */
static unet_code imagej_end(struct unet_outlines *file, unet_error *err)
{
    static const unsigned char empty[22] = {'P', 'K', 5, 6};
    struct rois *rois = file->state;
    for (size_t i = 0; i < rois->count; i++)
        rois->entries[i].name = rois->names[i];
    if (rois->count)
        return un_zip_write(file->save.path, file->save.file, rois->entries, (int)rois->count, err);
    fwrite(empty, 1, sizeof empty, file->save.file); /* un_save_commit() looks for errors */
    return UNET_OK;
}

static void imagej_release(struct unet_outlines *file)
{
    struct rois *rois = file->state;
    for (size_t i = 0; rois && i < rois->count; i++)
        free((void *)rois->entries[i].data);
    if (rois) {
        free(rois->entries);
        free(rois->names);
    }
    free(rois);
}

const struct un_outline_writer un_outline_imagej = {.corners = true,
                                                    .begin = imagej_begin,
                                                    .object = imagej_object,
                                                    .end = imagej_end,
                                                    .release = imagej_release};

unet_code un_objects_write_rois(unet_objects *objects, const char *path, unet_error *err)
{
    unet_outlines *file;
    unet_code code =
        un_outline_file_begin(path, UNET_OUTLINES_IMAGEJ, NULL, objects->classes, &file, err);
    if (code)
        return code;
    if (!(code = un_outline_file_image(file, path, objects->height, objects->width, err)) &&
        !(code = un_outline_file_add_objects(file, objects, err)))
        return un_outline_file_commit(file, err);
    un_outline_file_abort(file);
    return code;
}
