/* SPDX-License-Identifier: Apache-2.0 */
/*
 * outlines_roi.c - ImageJ's regions of interest, one in a .roi file, many in a zip archive
 *
 * Big-endian, after ij.io.RoiDecoder: 64 bytes of type, box and options; then x and y of all points
 * in 16 bits from the corner of the box, and with option 128 again as floats from that of the
 * image, which count then.  A composite is a list of floats: 0 x y begins a ring, 1 x y goes on,
 * 2 and 3 are curves, 4 closes it; all its rings are one part.  A second header at the offset in
 * bytes 60..63 has the group, and channel, slice and frame of what was drawn on a hyperstack: where
 * one of these is said, they count, and else the position in bytes 56..59, of a plain stack.  A
 * name that is "ignore", or begins so before what is no letter, is that of what carries no label.
 */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/ziparchive.h"
#include "data/outlines/outlines.h"

enum {
    HEADER = 64,
    HEADER2 = 52,
    RECTANGLE = 1,
    OVAL = 2,
    LINE = 3,
    FREEHAND = 7,
    TRACED = 8,
    POINT = 10,
    SUBPIXEL = 128,
    STEPS = 16 /* straight pieces of a curve */
};

struct roi {
    const char *path, *name; /* of the file, and of the member; "" */
    const unsigned char *bytes;
    size_t size;
    int type, options;
};

static int read16(const struct roi *roi, size_t at)
{
    const int value = roi->bytes[at] << 8 | roi->bytes[at + 1];
    return value > INT16_MAX ? value - 65536 : value;
}

static uint32_t read32(const struct roi *roi, size_t at)
{
    const unsigned char *b = roi->bytes + at;
    return (uint32_t)b[0] << 24 | (uint32_t)b[1] << 16 | (uint32_t)b[2] << 8 | b[3];
}

static double read_float(const struct roi *roi, size_t at)
{
    const uint32_t bits = read32(roi, at);
    float value;
    memcpy(&value, &bits, sizeof value);
    return value;
}

static unet_code fail(const struct roi *roi, const char *why, unet_error *err)
{
    return un_fail(err, UNET_EFORMAT, "%s%s%.60s: %s", roi->path, *roi->name ? ": " : "", roi->name,
                   why);
}

/* ---- areas ------------------------------------------------------------------------------- */

static unet_code take_polygon(struct un_drawing *drawing, const struct roi *roi, unet_error *err)
{
    size_t count = (size_t)(uint16_t)read16(roi, 16);
    const bool floats = roi->options & SUBPIXEL;
    if (!count)
        count = read32(roi, 18);
    if (count > (roi->size - HEADER) / (floats ? 12 : 4))
        return fail(roi, "more points than the file has", err);
    un_drawing_area(drawing, UN_AREA_RINGS);
    un_drawing_ring(drawing);
    for (size_t i = 0; i < count; i++) {
        const size_t x = HEADER + 2 * i, y = HEADER + 2 * (count + i);
        if (floats)
            un_drawing_point(drawing, read_float(roi, HEADER + 4 * (count + i)),
                             read_float(roi, HEADER + 4 * (2 * count + i)));
        else
            un_drawing_point(drawing, read16(roi, 10) + (uint16_t)read16(roi, x),
                             read16(roi, 8) + (uint16_t)read16(roi, y));
    }
    return UNET_OK;
}

/* The box: left, top, right, bottom. */
static void find_box(const struct roi *roi, double box[4])
{
    for (int i = 0; i < 4; i++)
        box[i] = read16(roi, (size_t)(8 + 2 * (i ^ 1)));
    if (!(roi->options & SUBPIXEL))
        return;
    box[0] = read_float(roi, 18);
    box[1] = read_float(roi, 22);
    box[2] = box[0] + read_float(roi, 26);
    box[3] = box[1] + read_float(roi, 30);
}

/* A curve of degree 2 or 3 from the last point, p [degree] in x, y. */
static void take_curve(struct un_drawing *drawing, const double start[2], const double *p,
                       int degree)
{
    for (int i = 1; i <= STEPS; i++) {
        const double t = (double)i / STEPS, u = 1 - t;
        double at[2];
        for (int c = 0; c < 2; c++)
            at[c] = degree == 2 ? u * u * start[c] + 2 * u * t * p[c] + t * t * p[2 + c]
                                : u * u * u * start[c] + 3 * u * u * t * p[c] +
                                      3 * u * t * t * p[2 + c] + t * t * t * p[4 + c];
        un_drawing_point(drawing, at[0], at[1]);
    }
}

static unet_code take_composite(struct un_drawing *drawing, const struct roi *roi, size_t count,
                                unet_error *err)
{
    static const int lengths[] = {2, 2, 4, 6, 0}; /* numbers behind 0 .. 4 */
    double p[6], last[2] = {0, 0};
    bool open = false;
    if (count > (roi->size - HEADER) / 4)
        return fail(roi, "more of a composite than the file has", err);
    un_drawing_area(drawing, UN_AREA_RINGS);
    for (size_t i = 0; i < count;) {
        const double what = read_float(roi, HEADER + 4 * i++);
        if (!(what >= 0 && what <= 4) || what != (int)what)
            return fail(roi, "a composite with unknown segments", err);
        const size_t length = (size_t)lengths[(int)what];
        if (length > count - i || (what != 0 && what != 4 && !open))
            return fail(roi, "a composite that is cut", err);
        for (size_t k = 0; k < length; k++)
            p[k] = read_float(roi, HEADER + 4 * i++);
        if (what == 0)
            un_drawing_ring(drawing);
        if (what == 0 || what == 1)
            un_drawing_point(drawing, p[0], p[1]);
        else if (what < 4)
            take_curve(drawing, last, p, (int)what);
        open = what < 4;
        if (length)
            memcpy(last, p + length - 2, sizeof last);
    }
    return UNET_OK;
}

/* ---- one --------------------------------------------------------------------------------- */

/* Where in a stack it was drawn, and the group (0: none) that the second header says.  The channel
 * that was shown says nothing. */
static void read_second(const struct roi *roi, struct un_outline *shape, int *group)
{
    const size_t at = read32(roi, 60);
    const uint32_t plane = read32(roi, 56);
    uint32_t part[3] = {0, 0, 0}; /* channel, slice, frame; 0: of all */
    *group = 0;
    if (at >= HEADER && at <= roi->size && roi->size - at >= HEADER2) {
        *group = roi->bytes[at + 30];
        for (size_t k = 0; k < 3; k++)
            part[k] = read32(roi, at + 4 + 4 * k);
    }
    for (size_t k = 0; k < 3; k++)
        part[k] = part[k] <= UN_SOURCE_PAGES ? part[k] : 0;
    shape->slice = (int)part[1];
    shape->frame = (int)part[2];
    shape->plane = part[0] || part[1] || part[2] || plane > UN_SOURCE_PAGES ? 0 : (int)plane;
}

/* Whether it is called ignore, ignore-000012, Ignore_2 ... */
static bool is_ignored(const struct roi *roi)
{
    const char *name = un_outlines_file_name(*roi->name ? roi->name : roi->path);
    return !strncasecmp(name, "ignore", 6) && !((name[6] | 0x20) >= 'a' && (name[6] | 0x20) <= 'z');
}

static unet_code take_roi(struct un_outlines *set, struct un_drawing *drawing, struct roi *roi,
                          unet_error *err)
{
    char name[32] = "object";
    double box[4];
    struct un_outline where = {0};
    int group;
    if (roi->size < HEADER || memcmp(roi->bytes, "Iout", 4))
        return fail(roi, "no region of ImageJ", err);
    roi->type = roi->bytes[6];
    roi->options = read16(roi, 4) >= 222 ? read16(roi, 50) : 0;
    const size_t composite = read32(roi, 36);
    const bool area = roi->type <= OVAL || roi->type == FREEHAND || roi->type == TRACED;
    if (!area) {
        set->skipped[roi->type == POINT  ? UN_SKIPPED_POINT
                     : roi->type >= LINE ? UN_SKIPPED_LINE
                                         : UN_SKIPPED_OTHER]++;
        return UNET_OK;
    }
    read_second(roi, &where, &group);
    if (is_ignored(roi))
        strcpy(name, "ignore");
    else if (group)
        snprintf(name, sizeof name, "group %d", group);
    un_drawing_shape(drawing, un_outlines_name(set, name));
    if (drawing->failed)
        return un_drawing_check(drawing, err);
    struct un_outline *shape = &drawing->shapes[drawing->shape_count - 1];
    shape->plane = where.plane;
    shape->slice = where.slice;
    shape->frame = where.frame;
    if (composite)
        return take_composite(drawing, roi, composite, err);
    if (roi->type != RECTANGLE && roi->type != OVAL)
        return take_polygon(drawing, roi, err);
    find_box(roi, box);
    if (roi->type == RECTANGLE)
        un_drawing_box(drawing, box[0], box[1], box[2], box[3], 0);
    else
        un_drawing_ellipse(drawing, (box[0] + box[2]) / 2, (box[1] + box[3]) / 2,
                           (box[2] - box[0]) / 2, (box[3] - box[1]) / 2, 0);
    return UNET_OK;
}

unet_code un_read_roi(struct un_outlines *set, const struct un_outlines_file *file, unet_error *err)
{
    struct roi roi = {file->path, "", file->bytes, file->size, 0, 0};
    struct un_drawing *drawing = set->count && set->joined ? set->drawings[set->count - 1] : NULL;
    if (!drawing || strcmp(drawing->file, set->joined))
        drawing = un_outlines_add(set, set->joined ? set->joined : file->path, "");
    strcpy(set->format, "ImageJ");
    return drawing ? take_roi(set, drawing, &roi, err)
                   : un_fail_memory(err, sizeof *drawing, file->path);
}

static unet_code take_member(struct un_outlines *set, struct un_drawing *drawing,
                             const struct un_zip *zip, int member, int *found, unet_error *err)
{
    const char *name = un_zip_name(zip, member), *dot = strrchr(name, '.');
    struct roi roi = {zip->path, name, NULL, un_zip_size(zip, member), 0, 0};
    if (!dot || strcmp(dot, ".roi") || !strncmp(name, "__MACOSX/", 9))
        return UNET_OK;
    (*found)++;
    unsigned char *bytes = malloc(roi.size + 1);
    if (!bytes)
        return un_fail_memory(err, roi.size, zip->path);
    unet_code code = un_zip_read(zip, member, bytes, err);
    roi.bytes = bytes;
    if (!code)
        code = take_roi(set, drawing, &roi, err);
    free(bytes);
    return code;
}

unet_code un_read_roi_zip(struct un_outlines *set, const struct un_outlines_file *file,
                          unet_error *err)
{
    struct un_drawing *drawing = un_outlines_add(set, file->path, "");
    struct un_zip zip;
    strcpy(set->format, "ImageJ");
    if (!drawing)
        return un_fail_memory(err, sizeof *drawing, file->path);
    unet_code code = un_zip_open(file->path, file->bytes, file->size, &zip, err);
    if (code)
        return code;
    int found = 0;
    for (int i = 0; i < zip.count && !code; i++)
        code = take_member(set, drawing, &zip, i, &found, err);
    if (!code && !found && zip.count) {
        set->foreign = true;
        code = un_fail(err, UNET_EFORMAT, "%s: a zip archive without regions of ImageJ (.roi)",
                       file->path);
    }
    un_zip_release(&zip);
    return code;
}
