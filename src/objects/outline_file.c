/* SPDX-License-Identifier: Apache-2.0 */
/* outline_file.c - opening a file of outlines, and the objects that go into it, one at a time */
#include "objects/outline_file.h"

#include <stdlib.h>
#include <string.h>

#include "objects/objects_stream.h"

static const struct un_outline_writer *const writers[UNET_OUTLINES_FORMATS] = {
    [UNET_OUTLINES_COCO] = &un_outline_coco,       [UNET_OUTLINES_GEOJSON] = &un_outline_geojson,
    [UNET_OUTLINES_LABELME] = &un_outline_labelme, [UNET_OUTLINES_YOLO] = &un_outline_yolo,
    [UNET_OUTLINES_VIA] = &un_outline_via,         [UNET_OUTLINES_CVAT] = &un_outline_cvat,
    [UNET_OUTLINES_IMAGEJ] = &un_outline_imagej,
};

/* ---- what formats have in common --------------------------------------------------------- */

const struct un_outline_image *un_outline_now(const struct unet_outlines *file)
{
    return &file->images[file->image_count - 1];
}

const char *un_outline_name(const struct unet_outlines *file, int label, char number[24])
{
    const char *name = file->class_names && label < file->classes ? file->class_names[label] : NULL;
    snprintf(number, 24, "class %d", label);
    return name && *name ? name : number;
}

void un_outline_escape(struct unet_outlines *file, const char *text)
{
    for (; *text; text++) {
        if (*text == '"' || *text == '\\')
            fputc('\\', file->save.file);
        if ((unsigned char)*text < 0x20)
            fprintf(file->save.file, "\\u%04x", (unsigned char)*text);
        else
            fputc(*text, file->save.file);
    }
}

void un_outline_text(struct unet_outlines *file, const char *text)
{
    fputc('"', file->save.file);
    un_outline_escape(file, text);
    fputc('"', file->save.file);
}

void un_outline_class(struct unet_outlines *file, int label)
{
    char number[24];
    un_outline_text(file, un_outline_name(file, label, number));
}

void un_outline_ring(struct unet_outlines *file, const struct un_traced *traced, size_t ring,
                     un_outline_point *point)
{
    const struct un_traced_ring *r = &traced->rings[ring];
    for (size_t i = 0; i < r->count; i++)
        point(file, traced->points[r->first + i][0], traced->points[r->first + i][1], !i);
}

size_t un_outline_next(const struct un_traced *traced, size_t ring)
{
    size_t next = ring + 1;
    while (next < traced->ring_count && traced->rings[next].hole)
        next++;
    return next;
}

void un_outline_bridge(struct unet_outlines *file, const struct un_traced *traced, size_t first,
                       size_t end, un_outline_point *point)
{
    const int *start = traced->points[traced->rings[first].first];
    un_outline_ring(file, traced, first, point);
    for (size_t ring = first + 1; ring < end; ring++) {
        const struct un_traced_ring *r = &traced->rings[ring];
        point(file, start[0], start[1], false);
        for (size_t i = 0; i <= r->count; i++) {
            const int *p = traced->points[r->first + i % r->count];
            point(file, p[0], p[1], false);
        }
    }
    if (end > first + 1)
        point(file, start[0], start[1], false);
}

void un_outline_part(struct unet_outlines *file, const struct un_traced *traced, size_t first,
                     un_outline_point *point)
{
    un_outline_bridge(file, traced, first, un_outline_next(traced, first), point);
}

/* ---- a file ------------------------------------------------------------------------------ */

unet_code un_outline_file_begin(const char *path, unet_outline_format format,
                                const char *const *class_names, int classes, unet_outlines **file,
                                unet_error *err)
{
    unet_outlines *made = calloc(1, sizeof *made);
    if (!made)
        return un_fail_memory(err, sizeof *made, path);
    made->writer = writers[format];
    made->class_names = class_names;
    made->classes = classes;
    unet_code code = un_save_begin(&made->save, path, err);
    if (!code) {
        made->writer->begin(made);
        code = made->failed ? un_fail_memory(err, sizeof *made, path) : UNET_OK;
    }
    if (code) {
        un_outline_file_abort(made);
        return code;
    }
    *file = made;
    return UNET_OK;
}

/* The length of a character of UTF-8; 0: it is none. */
static int utf8_length(const char *text)
{
    const unsigned char *at = (const unsigned char *)text;
    static const unsigned least[] = {0, 0, 0x80, 0x800, 0x10000};
    const int length = *at < 0x80 ? 1 : *at < 0xc2 ? 0 : *at < 0xe0 ? 2 : *at < 0xf0 ? 3 : 4;
    unsigned number = length > 1 ? *at & (0x7fu >> length) : *at;
    for (int i = 1; i < length; i++) {
        if ((at[i] & 0xc0) != 0x80)
            return 0;
        number = number << 6 | (at[i] & 0x3fu);
    }
    return !length || number < least[length] || number > 0x10ffff || number >> 11 == 0x1b ? 0
                                                                                          : length;
}

/* A file that nobody can read is not written, nor one whose name stands for another image. */
static unet_code check_name(const unet_outlines *file, const char *name, unet_error *err)
{
    int length;
    for (const char *at = name; file->writer->utf8 && *at; at += length) {
        length = utf8_length(at);
        if (!length || (file->writer->plain && (unsigned char)*at < 0x20))
            return un_fail(err, UNET_EINVAL,
                           "%s: the name of the image %s has %s, which this format cannot hold; "
                           "wanted another name, or outlines for ImageJ (.zip)",
                           file->save.path, name,
                           length ? "a control character" : "bytes that are no UTF-8");
    }
    return UNET_OK;
}

unet_code un_outline_file_image(unet_outlines *file, const char *name, int height, int width,
                                unet_error *err)
{
    const size_t bytes = (size_t)(file->image_count + 1) * sizeof *file->images;
    if (file->image_count && !file->writer->joins)
        return un_fail(err, UNET_EINVAL, "%s: holds the outlines of one image, not of %s too",
                       file->save.path, name);
    unet_code code = check_name(file, name, err);
    if (code)
        return code;
    struct un_outline_image *more = realloc(file->images, bytes);
    if (more)
        file->images = more;
    char *copy = more ? strdup(name) : NULL;
    if (!copy)
        return un_fail_memory(err, bytes, file->save.path);
    file->images[file->image_count++] = (struct un_outline_image){copy, height, width};
    file->before = file->objects;
    if (file->writer->image)
        file->writer->image(file);
    return UNET_OK;
}

unet_code un_outline_file_commit(unet_outlines *file, unet_error *err)
{
    unet_code code = UNET_OK;
    if (!file->image_count && !file->writer->joins)
        code = un_fail(err, UNET_EINVAL, "%s: outlines of no image", file->save.path);
    if (!code && !(code = file->writer->end(file, err)))
        code = un_save_commit(&file->save, err);
    un_outline_file_abort(file);
    return code;
}

void un_outline_file_abort(unet_outlines *file)
{
    if (!file)
        return;
    un_save_abort(&file->save);
    for (int i = 0; i < file->image_count; i++)
        free(file->images[i].name);
    free(file->images);
    if (file->writer->release)
        file->writer->release(file);
    un_traced_release(&file->traced);
    un_pixels_release(&file->pixels);
    free(file);
}

/* ---- objects ----------------------------------------------------------------------------- */

/* Traces and writes the file's pixels. */
static unet_code add(unet_outlines *file, struct un_outline_object *object, unet_error *err)
{
    char limit[24];
    unet_code code = un_trace(&file->pixels, file->writer->corners, &file->traced, err);
    if (code)
        return code;
    object->pixels = &file->pixels;
    object->traced = &file->traced;
    object->first = file->objects == file->before;
    object->number = ++file->objects;
    file->writer->object(file, object);
    if (file->failed)
        return un_fail_memory(err, 0, "an outline");
    if (file->limit && file->held > file->limit)
        return un_fail(err, UNET_ENOMEM,
                       "%s: outlines of %llu objects, more than %s are enough for", file->save.path,
                       (unsigned long long)object->number,
                       un_bytes_text((double)file->limit, limit));
    return UNET_OK;
}

/* The pixels of an object, from the runs of its rows. */
static unet_code take_runs(const struct un_window *window, uint32_t id, const struct un_sums *s,
                           struct un_pixels *pixels, unet_error *err)
{
    unet_code code = UNET_OK;
    un_pixels_empty(pixels, s->top);
    for (int y = s->top; y <= s->bottom && !code; y++) {
        const struct un_window_row *row = &window->rows[y];
        int x = s->first;
        code = un_pixels_row(pixels, err);
        for (size_t i = un_window_find(window, y, x); i < row->count && x <= s->last && !code;
             i++) {
            if (row->runs[i].id == id)
                code = un_pixels_run(pixels, x, (int)row->runs[i].end, err);
            x = (int)row->runs[i].end;
        }
    }
    return code;
}

static unet_code add_object(unet_outlines *file, unet_objects *objects, struct un_window *window,
                            size_t i, unet_error *err)
{
    const struct un_sums *s = un_sums_at(&objects->sums, i);
    struct un_outline_object object = {.label = s->label,
                                       .top = s->top,
                                       .left = s->first,
                                       .height = s->bottom - s->top + 1,
                                       .width = s->last - s->first + 1};
    char limit[24];
    un_window_leave(window, s->top);
    bool fits = un_window_fits(window, s->bottom);
    unet_code code = fits ? un_window_reach(window, s->bottom, err) : UNET_OK;
    if (!code && fits) {
        code = take_runs(window, (uint32_t)(i + 1), s, &file->pixels, err);
        fits = !window->limit || un_trace_bytes(file->pixels.count) <= window->limit;
    }
    if (!code && !fits)
        code = un_fail(
            err, UNET_ENOMEM, "%s: object %zu is %d rows high, more than %s are enough for",
            file->save.path, i + 1, object.height, un_bytes_text((double)window->limit, limit));
    return code ? code : add(file, &object, err);
}

unet_code un_outline_file_add_objects(unet_outlines *file, unet_objects *objects, unet_error *err)
{
    struct un_window window = {0};
    unet_code code = un_window_open(&window, &objects->ids, objects->height, NULL,
                                    un_objects_left(objects) / 2, err);
    file->limit = un_objects_left(objects);
    for (size_t i = 0; i < objects->sums.count && !code; i++)
        code = add_object(file, objects, &window, i, err);
    un_window_close(&window);
    return code;
}

/* ---- numbers in memory ------------------------------------------------------------------- */

/* A number and its box; right and bottom are inclusive. */
struct box {
    uint32_t id;
    int top, left, bottom, right, label;
};

struct boxes {
    struct box *rows; /* a hash table of id, which is 0 where there is none */
    size_t room, count;
};

static struct box *box_of(struct boxes *boxes, uint32_t id)
{
    size_t at = (size_t)(id * 2654435761u) & (boxes->room - 1);
    while (boxes->rows[at].id && boxes->rows[at].id != id)
        at = (at + 1) & (boxes->room - 1);
    return &boxes->rows[at];
}

static bool grow(struct boxes *boxes)
{
    const struct boxes old = *boxes;
    boxes->room = old.room ? 2 * old.room : 256;
    if (!(boxes->rows = calloc(boxes->room, sizeof *boxes->rows))) {
        *boxes = old;
        return false;
    }
    for (size_t i = 0; i < old.room; i++)
        if (old.rows[i].id)
            *box_of(boxes, old.rows[i].id) = old.rows[i];
    free(old.rows);
    return true;
}

static bool list_boxes(struct boxes *boxes, const uint32_t *ids, const uint8_t *mask, int height,
                       int width)
{
    for (int y = 0; y < height; y++)
        for (int x = 0; x < width; x++) {
            const size_t p = (size_t)y * (size_t)width + (size_t)x;
            if (!ids[p])
                continue;
            if (2 * (boxes->count + 1) > boxes->room && !grow(boxes))
                return false;
            struct box *box = box_of(boxes, ids[p]);
            if (!box->id) {
                *box = (struct box){ids[p], y, x, y, x, mask[p]};
                boxes->count++;
            }
            box->bottom = y;
            box->left = x < box->left ? x : box->left;
            box->right = x > box->right ? x : box->right;
        }
    return true;
}

/* By number; those that there are none of last. */
static int by_id(const void *a, const void *b)
{
    const struct box *x = a, *y = b;
    if (!x->id || !y->id)
        return !x->id - !y->id;
    return (x->id > y->id) - (x->id < y->id);
}

unet_code un_outline_file_add_ids(unet_outlines *file, const uint32_t *ids, const uint8_t *mask,
                                  unet_error *err)
{
    const struct un_outline_image *image = un_outline_now(file);
    struct boxes boxes = {0};
    unet_code code = list_boxes(&boxes, ids, mask, image->height, image->width)
                         ? UNET_OK
                         : un_fail_memory(err, 2 * boxes.room * sizeof *boxes.rows, "objects");
    if (boxes.room)
        qsort(boxes.rows, boxes.room, sizeof *boxes.rows, by_id);
    for (size_t i = 0; i < boxes.count && !code; i++) {
        const struct box *b = &boxes.rows[i];
        struct un_outline_object object = {.label = b->label,
                                           .top = b->top,
                                           .left = b->left,
                                           .height = b->bottom - b->top + 1,
                                           .width = b->right - b->left + 1};
        un_pixels_empty(&file->pixels, b->top);
        for (int y = b->top; y <= b->bottom && !code; y++) {
            const uint32_t *row = ids + (size_t)y * (size_t)image->width;
            code = un_pixels_row(&file->pixels, err);
            for (int x = b->left; x <= b->right && !code; x++)
                if (row[x] == b->id)
                    code = un_pixels_run(&file->pixels, x, x + 1, err);
        }
        if (!code)
            code = add(file, &object, err);
    }
    free(boxes.rows);
    return code;
}
