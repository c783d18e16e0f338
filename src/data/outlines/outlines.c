/* SPDX-License-Identifier: Apache-2.0 */
/*
 * outlines.c - which format a file has, and drawings that grow while it is read
 *
 * A drawing's shapes, parts, rings and points are five arrays, each row of which says where its own
 * begin in the next one: so a million outlines are five allocations.
 */
#include "data/outlines/outlines.h"

#include "base/decimal.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#define FARTHEST 1e9 /* pixels: what lies farther off is no coordinate */

/* ---- formats ----------------------------------------------------------------------------- */

static const unsigned char *text_start(const unsigned char *bytes, size_t size)
{
    const unsigned char *end = bytes + size;
    if (size >= 3 && !memcmp(bytes, "\xef\xbb\xbf", 3)) /* a mark of UTF-8 */
        bytes += 3;
    while (bytes < end && strchr(" \t\r\n", *bytes) && *bytes)
        bytes++;
    return bytes;
}

static bool begins(const unsigned char *bytes, size_t size, const char *text)
{
    return size >= strlen(text) && !memcmp(bytes, text, strlen(text));
}

static bool is_json(const unsigned char *bytes, size_t size)
{
    const unsigned char *at = text_start(bytes, size);
    return at < bytes + size && (*at == '{' || *at == '[');
}

static bool is_cvat(const unsigned char *bytes, size_t size)
{
    const unsigned char *at = text_start(bytes, size);
    return at < bytes + size && *at == '<' &&
           memmem(bytes, size < 4096 ? size : 4096, "<annotations", 12);
}

static bool is_roi(const unsigned char *bytes, size_t size)
{
    return size >= 64 && begins(bytes, size, "Iout");
}

static bool is_zip(const unsigned char *bytes, size_t size)
{
    return begins(bytes, size, "PK\3\4") || begins(bytes, size, "PK\5\6");
}

static const struct {
    const char *endings;
    bool (*is)(const unsigned char *bytes, size_t size);
    un_outlines_reader *read;
} formats[] = {
    {" .json .geojson ", is_json, un_read_json}, {" .xml ", is_cvat, un_read_cvat},
    {" .txt ", un_is_yolo, un_read_yolo},        {" .roi ", is_roi, un_read_roi},
    {" .zip ", is_zip, un_read_roi_zip},
};

/* The format that the ending of a name belongs to; -1: none. */
static int format_of_name(const char *path)
{
    char ending[16];
    const char *dot = strrchr(path, '.');
    if (!dot || strchr(dot, '/') || snprintf(ending, sizeof ending, " %s ", dot) >= 16)
        return -1;
    for (size_t i = 0; i < sizeof formats / sizeof *formats; i++)
        if (strcasestr(formats[i].endings, ending))
            return (int)i;
    return -1;
}

bool un_outlines_is_name(const char *path)
{
    return format_of_name(path) >= 0;
}

bool un_outlines_is_file(const char *path)
{
    const int format = format_of_name(path);
    struct un_mapping file;
    if (format < 0 || un_map_open(path, &file, NULL))
        return false;
    const bool is = file.size > 0 && formats[format].is(file.data, file.size);
    un_map_release(&file);
    return is;
}

unet_code un_outlines_read_bytes(struct un_outlines *set, const char *path, const void *bytes,
                                 size_t size, unet_error *err)
{
    if (!size)
        bytes = ""; /* of an empty file there is no address */
    const struct un_outlines_file file = {path, bytes, size};
    const int format = format_of_name(path), first = set->count;
    set->foreign = format < 0 || !formats[format].is(bytes, size);
    if (set->foreign)
        return un_fail(err, UNET_EFORMAT,
                       "%s: no outlines that are read; those of LabelMe, COCO, VIA, CVAT for "
                       "images, GeoJSON, YOLO polygons or ImageJ wanted",
                       path);
    unet_code code = formats[format].read(set, &file, err);
    if (set->crowded) /* whatever came of it */
        return un_fail(err, UNET_EFORMAT,
                       "%s: shapes of more than %d names; names are classes, so numbers of objects "
                       "do not belong there",
                       path, UN_OUTLINES_NAMES);
    if (!code)
        code = un_outlines_check_shares(set, path, first, err);
    for (int i = first; i < set->count && !code; i++) {
        set->drawings[i]->several = set->count - first > 1;
        code = un_drawing_check(set->drawings[i], err);
    }
    return code;
}

unet_code un_outlines_read(struct un_outlines *set, const char *path, unet_error *err)
{
    struct un_mapping file;
    unet_code code = un_map_whole(path, &file, err);
    if (code)
        return code;
    code = un_outlines_read_bytes(set, path, file.data, file.size, err);
    un_map_release(&file);
    return code;
}

bool un_outlines_number(const char **at, const char *end, double *number)
{
    char text[64];
    const char *behind;
    size_t n = 0;
    while (*at + n < end && n < sizeof text - 1 && (*at)[n] && strchr("0123456789+-.eE", (*at)[n]))
        n++;
    memcpy(text, *at, n);
    text[n] = 0;
    if (!un_decimal_read_plain(text, &behind, number) || *behind)
        return false;
    *at += n;
    return true;
}

const char *un_outlines_file_name(const char *path)
{
    const char *slash = strrchr(path, '/');
    return slash ? slash + 1 : path;
}

/* ---- a set ------------------------------------------------------------------------------- */

static void free_drawing(struct un_drawing *drawing)
{
    if (!drawing)
        return;
    free(drawing->file);
    free(drawing->image);
    free(drawing->shapes);
    free(drawing->parts);
    free(drawing->rings);
    free(drawing->points);
    free(drawing->runs);
    free(drawing);
}

struct un_drawing *un_outlines_add(struct un_outlines *set, const char *file, const char *image)
{
    struct un_drawing *made = calloc(1, sizeof *made);
    if (set->count == set->room) {
        const int room = 2 * set->room + 64;
        struct un_drawing **more = realloc(set->drawings, (size_t)room * sizeof *more);
        if (more) {
            set->drawings = more;
            set->room = room;
        }
    }
    if (!made || set->count == set->room || !(made->file = strdup(file)) ||
        !(made->image = strdup(image))) {
        free_drawing(made);
        return NULL;
    }
    for (char *c = made->image; *c; c++)
        *c = *c == '\\' ? '/' : *c;
    return set->drawings[set->count++] = made;
}

int un_outlines_name(struct un_outlines *set, const char *name)
{
    char text[UN_OUTLINES_NAME];
    name += strspn(name, " \t\r\n");
    size_t n = strlen(name);
    while (n && strchr(" \t\r\n", name[n - 1]))
        n--;
    n = n < sizeof text - 1 ? n : sizeof text - 1;
    while (n && ((unsigned char)name[n] & 0xc0) == 0x80)
        n--; /* no half of a character */
    memcpy(text, name, n);
    text[n] = 0;
    for (int i = 0; i < set->name_count; i++)
        if (!strcmp(set->names[i], n ? text : "object"))
            return i;
    set->crowded = set->crowded || set->name_count == UN_OUTLINES_NAMES;
    void *more = set->crowded
                     ? NULL
                     : realloc(set->names, (size_t)(set->name_count + 1) * sizeof *set->names);
    if (!more)
        return -1;
    set->names = more;
    strcpy(set->names[set->name_count], n ? text : "object");
    return set->name_count++;
}

void un_outlines_free(struct un_outlines *set)
{
    if (!set)
        return;
    for (int i = 0; i < set->count; i++)
        free_drawing(set->drawings[i]);
    free(set->drawings);
    free(set->names);
    free(set->codes);
    free(set);
}

/* ---- a drawing --------------------------------------------------------------------------- */

/* Room for one more; false: noted. */
static bool make_room(struct un_drawing *drawing, void *array, size_t count, size_t *room,
                      size_t each)
{
    void **rows = array;
    if (drawing->failed)
        return false;
    if (count < *room)
        return true;
    const size_t wanted = *room ? 2 * *room : 8;
    void *more = realloc(*rows, wanted * each);
    if (!more) {
        drawing->failed = UNET_ENOMEM;
        return false;
    }
    *rows = more;
    *room = wanted;
    return true;
}

#define ROOM(drawing, rows, what)                                                                  \
    make_room(drawing, &(drawing)->rows, (drawing)->what##_count, &(drawing)->what##_room,         \
              sizeof *(drawing)->rows)

void un_drawing_shape(struct un_drawing *drawing, int name)
{
    if (name < 0)
        drawing->failed = drawing->failed ? drawing->failed : UNET_ENOMEM;
    if (ROOM(drawing, shapes, shape))
        drawing->shapes[drawing->shape_count++] = (struct un_outline){
            .name = name, .object = ++drawing->objects, .first = drawing->part_count};
}

struct un_area *un_drawing_area(struct un_drawing *drawing, enum un_area_kind kind)
{
    if (!ROOM(drawing, parts, part))
        return NULL;
    struct un_area *part = &drawing->parts[drawing->part_count++];
    *part = (struct un_area){
        .kind = kind, .first = kind == UN_AREA_RUNS ? drawing->run_count : drawing->ring_count};
    drawing->shapes[drawing->shape_count - 1].count++;
    return part;
}

void un_drawing_ring(struct un_drawing *drawing)
{
    if (!ROOM(drawing, rings, ring))
        return;
    drawing->rings[drawing->ring_count++] = (struct un_ring){.first = drawing->point_count};
    drawing->parts[drawing->part_count - 1].count++;
}

void un_drawing_point(struct un_drawing *drawing, double x, double y)
{
    if (!(fabs(x) <= FARTHEST && fabs(y) <= FARTHEST))
        drawing->failed = drawing->failed ? drawing->failed : UNET_EFORMAT;
    if (!ROOM(drawing, points, point))
        return;
    drawing->points[drawing->point_count][0] = x;
    drawing->points[drawing->point_count++][1] = y;
    drawing->rings[drawing->ring_count - 1].count++;
}

void un_drawing_run(struct un_drawing *drawing, uint32_t run)
{
    if (!ROOM(drawing, runs, run))
        return;
    drawing->runs[drawing->run_count++] = run;
    drawing->parts[drawing->part_count - 1].count++;
}

void un_drawing_box(struct un_drawing *drawing, double left, double top, double right,
                    double bottom, double angle)
{
    const double x[4] = {left, right, right, left}, y[4] = {top, top, bottom, bottom};
    const double cx = (left + right) / 2, cy = (top + bottom) / 2, c = cos(angle), s = sin(angle);
    un_drawing_area(drawing, UN_AREA_RINGS);
    un_drawing_ring(drawing);
    for (int i = 0; i < 4 && angle == 0; i++)
        un_drawing_point(drawing, x[i], y[i]);
    for (int i = 0; i < 4 && angle != 0; i++)
        un_drawing_point(drawing, cx + c * (x[i] - cx) - s * (y[i] - cy),
                         cy + s * (x[i] - cx) + c * (y[i] - cy));
}

void un_drawing_ellipse(struct un_drawing *drawing, double x, double y, double across, double down,
                        double angle)
{
    const double all[5] = {x, y, fabs(across), fabs(down), angle};
    struct un_area *part = un_drawing_area(drawing, UN_AREA_ELLIPSE);
    for (int i = 0; i < 5 && part; i++) {
        part->ellipse[i] = all[i];
        if (!(fabs(all[i]) <= FARTHEST))
            drawing->failed = UNET_EFORMAT;
    }
}

static bool has_area(const struct un_drawing *drawing, const struct un_area *part)
{
    for (size_t i = 1; part->kind == UN_AREA_RUNS && i < part->count; i += 2)
        if (drawing->runs[part->first + i])
            return true;
    for (size_t r = part->first; part->kind == UN_AREA_RINGS && r < part->first + part->count;
         r++) {
        if (drawing->rings[r].count < 3)
            continue;
        const double(*p)[2] = (const double(*)[2])drawing->points + drawing->rings[r].first;
        for (size_t i = 2; i < drawing->rings[r].count; i++)
            if ((p[i - 1][0] - p[0][0]) * (p[i][1] - p[0][1]) !=
                (p[i][0] - p[0][0]) * (p[i - 1][1] - p[0][1]))
                return true;
    }
    return part->kind == UN_AREA_ELLIPSE && part->ellipse[2] > 0 && part->ellipse[3] > 0;
}

bool un_drawing_has_area(const struct un_drawing *drawing)
{
    for (size_t i = 0; i < drawing->part_count; i++)
        if (has_area(drawing, &drawing->parts[i]))
            return true;
    return false;
}

unet_code un_drawing_check(const struct un_drawing *drawing, unet_error *err)
{
    const char *file = drawing->file, *image = drawing->image;
    const char *gap = *image ? ": " : "";
    if (drawing->failed == UNET_ENOMEM)
        return un_fail_memory(err, drawing->point_count * 2 * sizeof *drawing->points, file);
    if (drawing->failed)
        return un_fail(err, drawing->failed, "%s%s%s: a coordinate that is no number of pixels",
                       file, gap, image);
    return UNET_OK;
}

/* ---- words ------------------------------------------------------------------------------- */

#define ADD(text, size, ...) snprintf((text) + strlen(text), (size)-strlen(text), __VA_ARGS__)

void un_outlines_text(const struct un_outlines *set, char *text, size_t size)
{
    static const char *const kinds[UN_SKIPPED_KINDS] = {"point", "line", "box", "other shape"};
    const struct un_painted *p = &set->painted;
    const struct {
        uint64_t count;
        const char *one, *many;
    } found[] = {
        {set->regions, "annotation without a class around detections passed over",
         "annotations without a class around detections passed over"},
        {set->tiles, "tile or core of a tissue array passed over",
         "tiles or cores of a tissue array passed over"},
        {set->nuclei, "nucleus within a cell's outline passed over",
         "nuclei within cells' outlines passed over"},
        {set->crowds, "crowd (iscrowd) carries no label", "crowds (iscrowd) carry no label"},
        {p->bare, "shape has no points", "shapes have no points"},
        {p->outside, "shape reaches beyond its image and is cut there",
         "shapes reach beyond their images and are cut there"},
        {p->away, "shape lies beyond its image as a whole",
         "shapes lie beyond their images as a whole"},
        {p->empty, "shape holds no pixel's centre", "shapes hold no pixel's centre"},
        {p->over, "pixel lies in two shapes and is the later one's",
         "pixels lie in two shapes and are the later one's"},
        {p->hidden, "object lies under others as a whole", "objects lie under others as a whole"},
    };
    *text = 0;
    for (int k = 0; k < UN_SKIPPED_KINDS; k++)
        if (set->skipped[k])
            ADD(text, size, "%s%llu %s%s", *text ? ", " : "", (unsigned long long)set->skipped[k],
                kinds[k],
                set->skipped[k] == 1  ? ""
                : k == UN_SKIPPED_BOX ? "es"
                                      : "s");
    if (*text)
        ADD(text, size, " without an outline passed over");
    for (size_t i = 0; i < sizeof found / sizeof *found; i++)
        if (found[i].count)
            ADD(text, size, "%s%llu %s", *text ? "; " : "", (unsigned long long)found[i].count,
                found[i].count == 1 ? found[i].one : found[i].many);
}
