/* SPDX-License-Identifier: Apache-2.0 */
/*
 * outlines_via.c - VGG Image Annotator, versions 1 and 2: an entry for each image, with regions
 *
 * Version 1 has regions as an object with numbers for keys, version 2 as an array; a saved project
 * keeps the entries in "_via_img_metadata".  Attributes of regions have any names: the class is the
 * only one, or the first of the words below.
 */
#include <strings.h>

#include <math.h>
#include <string.h>

#include "data/outlines/outlines_json.h"

static const json_t *entries_of(const json_t *root)
{
    const json_t *project = json_object_get(root, "_via_img_metadata");
    return project ? project : root;
}

bool un_is_via(const json_t *root)
{
    const json_t *entries = entries_of(root);
    void *first = json_object_iter((json_t *)entries);
    const json_t *entry = first ? json_object_iter_value(first) : NULL;
    return (entries != root && !first) || (json_is_string(json_object_get(entry, "filename")) &&
                                           json_object_get(entry, "regions"));
}

/* An attribute as a name: its text, or the only option that is set. */
static const char *text_of(const json_t *value)
{
    const char *key, *found = NULL;
    json_t *one;
    if (!json_is_object(value))
        return json_string_value(value);
    json_object_foreach((json_t *)value, key, one)
    {
        if (json_is_true(one) && found)
            return NULL;
        found = json_is_true(one) ? key : found;
    }
    return found;
}

static unet_code name_of(const struct un_drawing *drawing, const json_t *attributes,
                         const char **name, unet_error *err)
{
    static const char *const words[] = {"class", "label", "name", "type", "category"};
    const char *key, *only = NULL;
    json_t *value;
    *name = "object";
    if (!json_object_size(attributes))
        return UNET_OK;
    for (size_t i = 0; i < sizeof words / sizeof *words && !only; i++)
        json_object_foreach((json_t *)attributes, key, value) if (!strcasecmp(key, words[i])) only =
            key;
    if (!only && json_object_size(attributes) == 1)
        only = json_object_iter_key(json_object_iter((json_t *)attributes));
    if (!only)
        return un_fail(err, UNET_EINVAL,
                       "%s: %s: regions have several attributes; one of them called class wanted",
                       drawing->file, drawing->image);
    if (!(*name = text_of(json_object_get(attributes, only))))
        return un_fail(err, UNET_EFORMAT, "%s: %s: attribute %s of a region is no one text",
                       drawing->file, drawing->image, only);
    return UNET_OK;
}

static unet_code take_polygon(struct un_drawing *drawing, const json_t *shape, unet_error *err)
{
    const json_t *xs = json_object_get(shape, "all_points_x");
    const json_t *ys = json_object_get(shape, "all_points_y");
    if (!json_is_array(xs) || json_array_size(xs) != json_array_size(ys))
        return un_fail_shape(drawing, "all_points_x and all_points_y are not two of a length", err);
    un_drawing_area(drawing, UN_AREA_RINGS);
    un_drawing_ring(drawing);
    for (size_t i = 0; i < json_array_size(xs); i++) {
        const json_t *x = json_array_get(xs, i), *y = json_array_get(ys, i);
        if (!json_is_number(x) || !json_is_number(y))
            return un_fail_shape(drawing, "a coordinate that is no number", err);
        un_drawing_point(drawing, json_number_value(x), json_number_value(y));
    }
    return UNET_OK;
}

/* The numbers of these fields; UNET_EFORMAT. */
static unet_code take_numbers(const struct un_drawing *drawing, const json_t *shape,
                              const char *const *fields, double *numbers, unet_error *err)
{
    for (int i = 0; fields[i]; i++) {
        const json_t *value = json_object_get(shape, fields[i]);
        if (!json_is_number(value))
            return un_fail_shape(drawing, "a number of it is missing", err);
        numbers[i] = json_number_value(value);
    }
    return UNET_OK;
}

static unet_code take_other(struct un_drawing *drawing, const json_t *shape, const char *type,
                            unet_error *err)
{
    static const char *const rect[] = {"x", "y", "width", "height", NULL};
    static const char *const circle[] = {"cx", "cy", "r", NULL};
    static const char *const ellipse[] = {"cx", "cy", "rx", "ry", NULL};
    const bool is_rect = !strcmp(type, "rect"), is_circle = !strcmp(type, "circle");
    double n[4];
    unet_code code = take_numbers(drawing, shape,
                                  is_rect     ? rect
                                  : is_circle ? circle
                                              : ellipse,
                                  n, err);
    if (code)
        return code;
    if (is_rect)
        un_drawing_box(drawing, n[0], n[1], n[0] + n[2], n[1] + n[3], 0);
    else
        un_drawing_ellipse(drawing, n[0], n[1], n[2], is_circle ? n[2] : n[3],
                           json_number_value(json_object_get(shape, "theta")));
    return UNET_OK;
}

static unet_code take_region(struct un_outlines *set, struct un_drawing *drawing,
                             const json_t *region, unet_error *err)
{
    const json_t *shape = json_object_get(region, "shape_attributes");
    const char *type = json_string_value(json_object_get(shape, "name")), *name;
    const bool polygon = type && !strcmp(type, "polygon");
    if (!type)
        return un_fail_shape(drawing, "a region without a shape", err);
    if (!polygon && strcmp(type, "rect") && strcmp(type, "circle") && strcmp(type, "ellipse")) {
        set->skipped[!strcmp(type, "point")      ? UN_SKIPPED_POINT
                     : !strcmp(type, "polyline") ? UN_SKIPPED_LINE
                                                 : UN_SKIPPED_OTHER]++;
        return UNET_OK;
    }
    unet_code code = name_of(drawing, json_object_get(region, "region_attributes"), &name, err);
    if (code)
        return code;
    un_drawing_shape(drawing, un_outlines_name(set, name));
    if (drawing->failed)
        return un_drawing_check(drawing, err);
    return polygon ? take_polygon(drawing, shape, err) : take_other(drawing, shape, type, err);
}

static unet_code take_entry(struct un_outlines *set, const char *path, const json_t *entry,
                            unet_error *err)
{
    const char *image = json_string_value(json_object_get(entry, "filename")), *key;
    const json_t *regions = json_object_get(entry, "regions");
    json_t *region;
    unet_code code = UNET_OK;
    if (!image)
        return un_fail(err, UNET_EFORMAT, "%s: an entry has no filename", path);
    struct un_drawing *drawing = un_outlines_add(set, path, image);
    if (!drawing)
        return un_fail_memory(err, sizeof *drawing, path);
    for (size_t i = 0; i < json_array_size(regions) && !code; i++)
        code = take_region(set, drawing, json_array_get(regions, i), err);
    json_object_foreach((json_t *)regions, key, region)
    {
        if (!code)
            code = take_region(set, drawing, region, err);
    }
    return code;
}

unet_code un_read_via(struct un_outlines *set, const char *path, const json_t *root,
                      unet_error *err)
{
    const char *key;
    json_t *entry;
    unet_code code = UNET_OK;
    json_object_foreach((json_t *)entries_of(root), key, entry)
    {
        if (!code)
            code = take_entry(set, path, entry, err);
    }
    return code;
}
