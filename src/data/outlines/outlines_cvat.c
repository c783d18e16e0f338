/* SPDX-License-Identifier: Apache-2.0 */
/*
 * outlines_cvat.c - CVAT for images: <image name width height> with polygons, boxes, ellipses and
 * masks in it, each with a label
 *
 * The text is scanned for start tags (xml.h): what follows an image up to the next one is its own.
 * A mask's runs go along the rows of its box.  Shapes of one group_id (not 0) and label are one
 * object; z_order says which lies over which.
 */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "data/outlines/outlines.h"
#include "image/tiff/xml.h"

#define DEGREE (3.14159265358979323846 / 180)

struct scan {
    struct un_outlines *set;
    const char *path;
    struct un_xml xml;
    struct un_drawing *drawing;
    long long *groups; /* [shapes] of the drawing; 0: none */
    size_t room;
};

static unet_code fail(const struct scan *s, const char *why, unet_error *err)
{
    return un_fail(err, UNET_EFORMAT, "%s: %s%s%.*s: %s", s->path,
                   s->drawing ? s->drawing->image : "", s->drawing ? ": " : "",
                   s->xml.name_size > 40 ? 40 : (int)s->xml.name_size, s->xml.name, why);
}

/* Attributes as numbers, fields up to NULL; false: one is none.  One with a '?' need not be there
 * and is 0. */
static bool take_numbers(const struct scan *s, const char *const *fields, double *numbers)
{
    char text[64];
    for (int i = 0; fields[i]; i++) {
        const bool may = *fields[i] == '?';
        numbers[i] = 0;
        if (!un_xml_attribute(&s->xml, fields[i] + may, text, sizeof text)) {
            if (!may)
                return false;
        } else {
            const char *at = text;
            if (!un_outlines_number(&at, text + strlen(text), &numbers[i]) || *at)
                return false;
        }
    }
    return true;
}

static unet_code start_image(struct scan *s, unet_error *err)
{
    static const char *const sides[] = {"?height", "?width", NULL};
    char name[4096];
    double side[2];
    s->drawing = NULL;
    if (!un_xml_attribute(&s->xml, "name", name, sizeof name))
        return fail(s, "an image without a name", err);
    if (!take_numbers(s, sides, side) || !(side[0] >= 0 && side[0] <= UN_IMAGE_SIDE) ||
        !(side[1] >= 0 && side[1] <= UN_IMAGE_SIDE))
        return fail(s, "sides that are no numbers of pixels", err);
    if (!(s->drawing = un_outlines_add(s->set, s->path, name)))
        return un_fail_memory(err, sizeof *s->drawing, s->path);
    s->drawing->height = (int)side[0];
    s->drawing->width = (int)side[1];
    return UNET_OK;
}

/* points="x,y;x,y;..." */
static unet_code take_polygon(struct scan *s, unet_error *err)
{
    const char *at;
    size_t size;
    if (!un_xml_raw(&s->xml, "points", &at, &size))
        return fail(s, "no points", err);
    const char *stop = at + size;
    un_drawing_area(s->drawing, UN_AREA_RINGS);
    un_drawing_ring(s->drawing);
    while (at < stop) {
        double x, y;
        if (!un_outlines_number(&at, stop, &x) || at == stop || *at++ != ',' ||
            !un_outlines_number(&at, stop, &y) || (at < stop && *at != ';'))
            return fail(s, "a point that is no two numbers", err);
        un_drawing_point(s->drawing, x, y);
        at += at < stop;
    }
    return UNET_OK;
}

static unet_code take_box(struct scan *s, unet_error *err)
{
    static const char *const fields[] = {"xtl", "ytl", "xbr", "ybr", "?rotation", NULL};
    double n[5];
    if (!take_numbers(s, fields, n))
        return fail(s, "a corner that is no number", err);
    un_drawing_box(s->drawing, n[0], n[1], n[2], n[3], n[4] * DEGREE);
    return UNET_OK;
}

static unet_code take_ellipse(struct scan *s, unet_error *err)
{
    static const char *const fields[] = {"cx", "cy", "rx", "ry", "?rotation", NULL};
    double n[5];
    if (!take_numbers(s, fields, n))
        return fail(s, "a number that is none", err);
    un_drawing_ellipse(s->drawing, n[0], n[1], n[2], n[3], n[4] * DEGREE);
    return UNET_OK;
}

/* rle="0, 5, 3": pixels outside, inside ... */
static unet_code take_mask(struct scan *s, unet_error *err)
{
    static const char *const fields[] = {"left", "top", "width", "height", NULL};
    const char *at;
    size_t size;
    double n[4], run;
    if (!take_numbers(s, fields, n) || !un_xml_raw(&s->xml, "rle", &at, &size) ||
        !(fabs(n[0]) <= UN_IMAGE_SIDE && fabs(n[1]) <= UN_IMAGE_SIDE) ||
        !(n[2] >= 1 && n[2] <= UN_IMAGE_SIDE && n[3] >= 1 && n[3] <= UN_IMAGE_SIDE))
        return fail(s, "a mask without its box or runs", err);
    struct un_area *part = un_drawing_area(s->drawing, UN_AREA_RUNS);
    if (!part)
        return un_drawing_check(s->drawing, err);
    part->left = (int)n[0];
    part->top = (int)n[1];
    part->width = (int)n[2];
    part->height = (int)n[3];
    double left = (double)part->width * part->height;
    for (const char *stop = at + size; at < stop;) {
        while (at < stop && (*at == ' ' || *at == ','))
            at++;
        if (at == stop)
            break;
        if (!un_outlines_number(&at, stop, &run) || !(run >= 0 && run <= left) ||
            run != (double)(uint32_t)run)
            return fail(s, "a run that is no number of pixels left in the box", err);
        left -= run;
        un_drawing_run(s->drawing, (uint32_t)run);
    }
    return left > 0 ? fail(s, "runs whose sum is not the box", err) : UNET_OK;
}

/* The object of an earlier shape of this group. */
static unet_code join_group(struct scan *s, double group, unet_error *err)
{
    struct un_drawing *drawing = s->drawing;
    const size_t last = drawing->shape_count - 1;
    struct un_outline *shape = &drawing->shapes[last];
    if (last >= s->room) {
        const size_t room = 2 * s->room + 64;
        long long *more = realloc(s->groups, room * sizeof *more);
        if (!more)
            return un_fail_memory(err, room * sizeof *more, s->path);
        s->groups = more;
        s->room = room;
    }
    s->groups[last] = fabs(group) < 1e15 ? (long long)group : 0;
    for (size_t k = last; k-- > 0 && s->groups[last];)
        if (s->groups[k] == s->groups[last] && drawing->shapes[k].name == shape->name) {
            shape->object = drawing->shapes[k].object;
            break;
        }
    return UNET_OK;
}

static const struct {
    const char *tag;
    unet_code (*take)(struct scan *s, unet_error *err); /* NULL: it has no area */
    enum un_skipped kind;
} shapes[] = {
    {"polygon", take_polygon, UN_SKIPPED_OTHER}, {"box", take_box, UN_SKIPPED_OTHER},
    {"ellipse", take_ellipse, UN_SKIPPED_OTHER}, {"mask", take_mask, UN_SKIPPED_OTHER},
    {"polyline", NULL, UN_SKIPPED_LINE},         {"points", NULL, UN_SKIPPED_POINT},
    {"cuboid", NULL, UN_SKIPPED_OTHER},          {"skeleton", NULL, UN_SKIPPED_OTHER},
};

static unet_code take_shape(struct scan *s, int kind, unet_error *err)
{
    static const char *const fields[] = {"?z_order", "?group_id", NULL};
    char label[4 * UN_OUTLINES_NAME];
    double n[2];
    if (!s->drawing)
        return fail(s, "a shape outside of an image", err);
    if (!shapes[kind].take) {
        s->set->skipped[shapes[kind].kind]++;
        return UNET_OK;
    }
    if (!un_xml_attribute(&s->xml, "label", label, sizeof label) || !take_numbers(s, fields, n))
        return fail(s, "no label, or no number where one belongs", err);
    un_drawing_shape(s->drawing, un_outlines_name(s->set, label));
    if (s->drawing->failed)
        return un_drawing_check(s->drawing, err);
    s->drawing->shapes[s->drawing->shape_count - 1].order = n[0];
    unet_code code = join_group(s, n[1], err);
    return code ? code : shapes[kind].take(s, err);
}

unet_code un_read_cvat(struct un_outlines *set, const struct un_outlines_file *file,
                       unet_error *err)
{
    const char *text = (const char *)file->bytes;
    struct scan s = {set, file->path, {.at = text, .end = text + file->size}, NULL, NULL, 0};
    unet_code code = UNET_OK;
    strcpy(set->format, "CVAT");
    while (!code && un_xml_next(&s.xml)) {
        if (un_xml_is(&s.xml, "image"))
            code = start_image(&s, err);
        else if (un_xml_is(&s.xml, "track"))
            code = fail(&s, "tracks of a video; the export \"CVAT for images\" wanted", err);
        for (size_t i = 0; i < sizeof shapes / sizeof *shapes && !code; i++)
            if (un_xml_is(&s.xml, shapes[i].tag))
                code = take_shape(&s, (int)i, err);
    }
    free(s.groups);
    return code;
}
