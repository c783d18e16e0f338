/* SPDX-License-Identifier: Apache-2.0 */
/*
 * outlines_coco.c - COCO: images, categories, and annotations with polygons or runs
 *
 * A crowd (iscrowd 1) is several objects that nobody drew apart: it carries no label, and lies
 * under those that were.  The polygons [[x, y, x, y ...], ...] of an annotation are united.  Runs
 * count pixels outside, inside, outside ... down the columns of the whole image: as numbers, or as
 * a string, in which a number has 5 bits in each character from 48 on (bit 5: more follow; the last
 * one's bit 4 is the sign), and from the fourth on is the difference to the one two places before:
 *
 *     "52203"  5 2 2 2+0 2+3  ->  runs of 5, 2, 2, 2 and 5 pixels
 */
#include <stdlib.h>
#include <string.h>

#include "data/outlines/outlines_json.h"

/* An id and where it belongs. */
struct id {
    json_int_t id;
    int at;
};

struct ids {
    struct id *ids;
    size_t count;
};

static int by_id(const void *a, const void *b)
{
    const struct id *x = a, *y = b;
    return (x->id > y->id) - (x->id < y->id);
}

static int find_id(const struct ids *ids, const json_t *id)
{
    const struct id key = {json_integer_value(id), 0};
    const struct id *found = json_is_integer(id) && ids->count
                                 ? bsearch(&key, ids->ids, ids->count, sizeof key, by_id)
                                 : NULL;
    return found ? found->at : -1;
}

static unet_code sort_ids(struct ids *ids, const char *path, const char *what, unet_error *err)
{
    if (ids->count)
        qsort(ids->ids, ids->count, sizeof *ids->ids, by_id);
    for (size_t i = 1; i < ids->count; i++)
        if (ids->ids[i].id == ids->ids[i - 1].id)
            return un_fail(err, UNET_EFORMAT, "%s: two %s with id %lld", path, what,
                           (long long)ids->ids[i].id);
    return UNET_OK;
}

/* A drawing for each of the images. */
static unet_code take_images(struct un_outlines *set, const char *path, const json_t *images,
                             struct ids *ids, unet_error *err)
{
    const size_t count = json_array_size(images);
    if (!(ids->ids = malloc((count + 1) * sizeof *ids->ids)))
        return un_fail_memory(err, count * sizeof *ids->ids, path);
    for (size_t i = 0; i < count; i++) {
        const json_t *image = json_array_get(images, i), *id = json_object_get(image, "id");
        const char *name = json_string_value(json_object_get(image, "file_name"));
        if (!name || !json_is_integer(id))
            return un_fail(err, UNET_EFORMAT, "%s: image %zu has no id or no file_name", path,
                           i + 1);
        struct un_drawing *drawing = un_outlines_add(set, path, name);
        if (!drawing)
            return un_fail_memory(err, sizeof *drawing, path);
        unet_code code = un_json_side(path, image, "height", &drawing->height, err);
        if (code || (code = un_json_side(path, image, "width", &drawing->width, err)))
            return code;
        ids->ids[ids->count++] = (struct id){json_integer_value(id), set->count - 1};
    }
    return sort_ids(ids, path, "images", err);
}

static unet_code take_categories(const char *path, const json_t *categories, struct ids *ids,
                                 unet_error *err)
{
    const size_t count = json_array_size(categories);
    if (!(ids->ids = malloc((count + 1) * sizeof *ids->ids)))
        return un_fail_memory(err, count * sizeof *ids->ids, path);
    for (size_t i = 0; i < count; i++) {
        const json_t *category = json_array_get(categories, i);
        const json_t *id = json_object_get(category, "id");
        const char *name = json_string_value(json_object_get(category, "name"));
        if (!name || !json_is_integer(id))
            return un_fail(err, UNET_EFORMAT, "%s: category %zu has no id or no name", path, i + 1);
        ids->ids[ids->count++] = (struct id){json_integer_value(id), (int)i};
    }
    return sort_ids(ids, path, "categories", err);
}

/* The class of an annotation, by the name of its category. */
static unet_code name_of(struct un_outlines *set, const char *path, const json_t *root,
                         const json_t *annotation, const struct ids *categories, int *name,
                         unet_error *err)
{
    const json_t *id = json_object_get(annotation, "category_id");
    const int at = find_id(categories, id);
    if (at < 0)
        return un_fail(err, UNET_EFORMAT, "%s: annotation of category %lld, which is not listed",
                       path, (long long)json_integer_value(id));
    const json_t *category = json_array_get(json_object_get(root, "categories"), (size_t)at);
    *name = un_outlines_name(set, json_string_value(json_object_get(category, "name")));
    return UNET_OK;
}

/* ---- polygons and runs ------------------------------------------------------------------- */

static unet_code take_polygons(struct un_drawing *drawing, const json_t *polygons, unet_error *err)
{
    for (size_t i = 0; i < json_array_size(polygons); i++) {
        const json_t *polygon = json_array_get(polygons, i);
        const size_t count = json_array_size(polygon);
        if (!json_is_array(polygon) || count % 2)
            return un_fail_shape(drawing, "a polygon that is no array of x, y, x, y ...", err);
        un_drawing_area(drawing, UN_AREA_RINGS);
        un_drawing_ring(drawing);
        for (size_t k = 0; k < count; k += 2) {
            const json_t *x = json_array_get(polygon, k), *y = json_array_get(polygon, k + 1);
            if (!json_is_number(x) || !json_is_number(y))
                return un_fail_shape(drawing, "a coordinate that is no number", err);
            un_drawing_point(drawing, json_number_value(x), json_number_value(y));
        }
    }
    return UNET_OK;
}

/* One number of a compressed text; false: it is none. */
static bool take_number(const char **at, int64_t *number)
{
    int shift = 0, digit;
    *number = 0;
    do {
        digit = (unsigned char)**at - 48;
        if (digit < 0 || digit > 63 || shift > 35)
            return false;
        (*at)++;
        *number |= (int64_t)(digit & 31) << shift;
        shift += 5;
    } while (digit & 32);
    if (digit & 16)
        *number -= (int64_t)1 << shift;
    return true;
}

/* Adds a run; false: it is none, or they are more than all pixels. */
static bool add_run(struct un_drawing *drawing, int64_t run, uint64_t *left)
{
    if (run < 0 || (uint64_t)run > *left)
        return false;
    *left -= (uint64_t)run;
    un_drawing_run(drawing, (uint32_t)run);
    return true;
}

static bool take_text(struct un_drawing *drawing, const char *text, uint64_t *left)
{
    int64_t before[2] = {0, 0}, run;
    for (size_t i = 0; *text; i++) {
        if (!take_number(&text, &run))
            return false;
        if (i > 2)
            run += before[i % 2];
        before[i % 2] = run;
        if (!add_run(drawing, run, left))
            return false;
    }
    return true;
}

static unet_code take_runs(struct un_drawing *drawing, const json_t *runs, unet_error *err)
{
    const json_t *size = json_object_get(runs, "size"), *counts = json_object_get(runs, "counts");
    const json_int_t height = json_integer_value(json_array_get(size, 0));
    const json_int_t width = json_integer_value(json_array_get(size, 1));
    bool fine = true;
    if (height < 1 || width < 1 || height > UN_IMAGE_SIDE || width > UN_IMAGE_SIDE ||
        height * width > UINT32_MAX)
        return un_fail_shape(drawing, "runs without a size [height, width]", err);
    if (drawing->height && (height != drawing->height || width != drawing->width))
        return un_fail(err, UNET_EFORMAT, "%s: runs of %lld x %lld pixels, but %s is %d x %d there",
                       drawing->file, (long long)width, (long long)height, drawing->image,
                       drawing->width, drawing->height);
    uint64_t left = (uint64_t)height * (uint64_t)width;
    struct un_area *part = un_drawing_area(drawing, UN_AREA_RUNS);
    if (!part)
        return un_drawing_check(drawing, err);
    part->columns = true;
    part->height = (int)height;
    part->width = (int)width;
    if (json_is_string(counts))
        fine = take_text(drawing, json_string_value(counts), &left);
    for (size_t i = 0; i < json_array_size(counts) && fine; i++) {
        const json_t *run = json_array_get(counts, i);
        fine = json_is_integer(run) && add_run(drawing, json_integer_value(run), &left);
    }
    if (!fine || left)
        return un_fail_shape(drawing, "runs whose sum is not the number of pixels", err);
    return UNET_OK;
}

static unet_code take_annotation(struct un_outlines *set, struct un_drawing *drawing, int name,
                                 const json_t *annotation, unet_error *err)
{
    const json_t *outline = json_object_get(annotation, "segmentation");
    if (!json_is_object(outline) && !json_array_size(outline)) {
        const bool box = json_is_array(json_object_get(annotation, "bbox"));
        set->skipped[box ? UN_SKIPPED_BOX : UN_SKIPPED_OTHER]++;
        return UNET_OK;
    }
    const json_t *crowd = json_object_get(annotation, "iscrowd");
    const bool crowded = json_is_true(crowd) || json_number_value(crowd) != 0;
    un_drawing_shape(drawing, crowded ? un_outlines_name(set, "ignore") : name);
    if (drawing->failed)
        return un_drawing_check(drawing, err);
    drawing->shapes[drawing->shape_count - 1].order = crowded ? -1 : 0;
    set->crowds += crowded;
    return json_is_object(outline) ? take_runs(drawing, outline, err)
                                   : take_polygons(drawing, outline, err);
}

unet_code un_read_coco(struct un_outlines *set, const char *path, const json_t *root,
                       unet_error *err)
{
    const json_t *annotations = json_object_get(root, "annotations");
    struct ids images = {0}, categories = {0};
    unet_code code = take_images(set, path, json_object_get(root, "images"), &images, err);
    if (!code)
        code = take_categories(path, json_object_get(root, "categories"), &categories, err);
    for (size_t i = 0; i < json_array_size(annotations) && !code; i++) {
        const json_t *annotation = json_array_get(annotations, i);
        const int image = find_id(&images, json_object_get(annotation, "image_id"));
        int name = -1;
        if (image < 0)
            code = un_fail(err, UNET_EFORMAT, "%s: annotation %zu is of an image that is not there",
                           path, i + 1);
        else if (!(code = name_of(set, path, root, annotation, &categories, &name, err)))
            code = take_annotation(set, set->drawings[image], name, annotation, err);
    }
    free(images.ids);
    free(categories.ids);
    return code;
}
