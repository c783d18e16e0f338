/* SPDX-License-Identifier: Apache-2.0 */
/*
 * outlines_geojson.c - GeoJSON as QuPath writes it: a file for each image, features in its pixels
 *
 * A polygon is a ring and rings of holes; a multipolygon several of these, united.  The class is
 * the name of "classification" among the properties, or "class" or "label" of others; several names
 * are one class, called as QuPath shows them: "Tumor: Positive".  QuPath detects cells within an
 * annotation and exports it with them: without a class of its own it says where was looked, not
 * what is there.  Cores of tissue arrays and tiles never say more.  What lies within an object may
 * stand in its "childObjects".
 */
#include <limits.h>
#include <stdio.h>
#include <string.h>

#include "data/outlines/outlines_json.h"

enum { DEEPEST = 64 /* objects in objects */ };

static const char *type_of(const json_t *object)
{
    const char *type = json_string_value(json_object_get(object, "type"));
    return type ? type : "";
}

static const json_t *features_of(const json_t *root)
{
    const json_t *features = json_object_get(root, "features");
    return features ? features : root;
}

bool un_is_geojson(const json_t *root)
{
    const json_t *first = json_is_array(root) ? json_array_get(root, 0) : root;
    return !strcmp(type_of(first), "FeatureCollection") || !strcmp(type_of(first), "Feature") ||
           (json_is_array(root) && !json_array_size(root));
}

/* "classification" of QuPath since 0.4: ["Tumor", "Positive"] is Tumor: Positive.  false: too long.
 */
static bool join_names(const json_t *names, char text[UN_OUTLINES_NAME])
{
    size_t used = 0;
    *text = 0;
    for (size_t i = 0; i < json_array_size(names); i++) {
        const char *name = json_string_value(json_array_get(names, i));
        const int size = snprintf(text + used, UN_OUTLINES_NAME - used, "%s%s",
                                  used && name ? ": " : "", name ? name : "");
        if ((size_t)size >= UN_OUTLINES_NAME - used)
            return false;
        used += (size_t)size;
    }
    return true;
}

/* The class; "": there is none. */
static unet_code name_of(const struct un_drawing *drawing, const json_t *feature,
                         char text[UN_OUTLINES_NAME], const char **name, unet_error *err)
{
    static const char *const words[] = {"classification", "class", "label"};
    const json_t *properties = json_object_get(feature, "properties");
    *name = "";
    for (size_t i = 0; i < sizeof words / sizeof *words; i++) {
        const json_t *value = json_object_get(properties, words[i]);
        const json_t *one = json_object_get(value, "name"),
                     *names = json_object_get(value, "names");
        if (json_is_string(one) || json_is_string(value)) {
            *name = json_string_value(json_is_string(one) ? one : value);
            return UNET_OK;
        }
        if (json_array_size(names)) {
            *name = text;
            return join_names(names, text)
                       ? UNET_OK
                       : un_fail(err, UNET_EFORMAT,
                                 "%s: the names of a class have more than %d bytes together; "
                                 "shorter ones wanted",
                                 drawing->file, UN_OUTLINES_NAME - 1);
        }
    }
    return UNET_OK;
}

static bool has_kind(const json_t *feature, const char *kind)
{
    const json_t *properties = json_object_get(feature, "properties");
    const char *found = json_string_value(json_object_get(properties, "objectType"));
    return found && !strcmp(found, kind);
}

static const json_t *children_of(const json_t *feature)
{
    const json_t *children = json_object_get(feature, "childObjects");
    return children ? children
                    : json_object_get(json_object_get(feature, "properties"), "childObjects");
}

static bool has_detections(const json_t *features, int depth)
{
    for (size_t i = 0; i < json_array_size(features); i++) {
        const json_t *feature = json_array_get(features, i);
        if (has_kind(feature, "detection") || has_kind(feature, "cell") ||
            (depth < DEEPEST && has_detections(children_of(feature), depth + 1)))
            return true;
    }
    return false;
}

/* QuPath's {"c": -1, "z": 0, "t": 2}, counted from 0, which it writes where one is not the first; c
 * is the channel that was shown. */
static unet_code take_plane(struct un_drawing *drawing, const json_t *geometry, unet_error *err)
{
    const json_t *plane = json_object_get(geometry, "plane");
    const json_t *z = json_object_get(plane, "z"), *t = json_object_get(plane, "t");
    struct un_outline *shape = &drawing->shapes[drawing->shape_count - 1];
    if (!plane)
        return UNET_OK;
    if ((z && !json_is_integer(z)) || (t && !json_is_integer(t)) || json_integer_value(z) < 0 ||
        json_integer_value(t) < 0 || json_integer_value(z) >= INT_MAX ||
        json_integer_value(t) >= INT_MAX)
        return un_fail_shape(drawing, "a plane whose z and t are no numbers from 0", err);
    shape->slice = (int)json_integer_value(z) + 1;
    shape->frame = (int)json_integer_value(t) + 1;
    return UNET_OK;
}

/* Where some say their plane, the others are on the first. */
static void place_others(struct un_drawing *drawing)
{
    bool some = false;
    for (size_t i = 0; i < drawing->shape_count; i++)
        some |= drawing->shapes[i].slice > 0;
    for (size_t i = 0; i < drawing->shape_count && some; i++)
        if (!drawing->shapes[i].slice)
            drawing->shapes[i].slice = drawing->shapes[i].frame = 1;
}

static unet_code take_polygon(struct un_drawing *drawing, const json_t *rings, unet_error *err)
{
    unet_code code = UNET_OK;
    if (!json_is_array(rings))
        return un_fail_shape(drawing, "a polygon without rings", err);
    un_drawing_area(drawing, UN_AREA_RINGS);
    for (size_t i = 0; i < json_array_size(rings) && !code; i++)
        code = un_json_ring(drawing, json_array_get(rings, i), err);
    return code;
}

static unet_code take_shape(struct un_outlines *set, struct un_drawing *drawing,
                            const json_t *feature, const char *name, unet_error *err)
{
    const json_t *geometry = json_object_get(feature, "geometry");
    const json_t *coordinates = json_object_get(geometry, "coordinates");
    const char *type = type_of(geometry);
    const bool several = !strcmp(type, "MultiPolygon");
    unet_code code = UNET_OK;
    if (!several && strcmp(type, "Polygon")) {
        set->skipped[strstr(type, "Point")  ? UN_SKIPPED_POINT
                     : strstr(type, "Line") ? UN_SKIPPED_LINE
                                            : UN_SKIPPED_OTHER]++;
        return UNET_OK;
    }
    un_drawing_shape(drawing, un_outlines_name(set, *name ? name : "object"));
    if (drawing->failed)
        return un_drawing_check(drawing, err);
    if ((code = take_plane(drawing, geometry, err)))
        return code;
    for (size_t i = 0; i < json_array_size(coordinates) && several && !code; i++)
        code = take_polygon(drawing, json_array_get(coordinates, i), err);
    return several ? code : take_polygon(drawing, coordinates, err);
}

/* A feature, and then what lies in it; detections: there are some in the file. */
static unet_code take_feature(struct un_outlines *set, struct un_drawing *drawing,
                              const json_t *feature, bool detections, int depth, unet_error *err)
{
    const json_t *children = children_of(feature);
    char text[UN_OUTLINES_NAME];
    const char *name;
    unet_code code = name_of(drawing, feature, text, &name, err);
    if (code)
        return code;
    if (depth > DEEPEST)
        return un_fail(err, UNET_EFORMAT, "%s: objects in objects, more than %d deep",
                       drawing->file, DEEPEST);
    set->nuclei += json_is_object(json_object_get(feature, "nucleusGeometry"));
    if (has_kind(feature, "tmaCore") || has_kind(feature, "tile"))
        set->tiles++;
    else if (detections && has_kind(feature, "annotation") && !*name)
        set->regions++;
    else
        code = take_shape(set, drawing, feature, name, err);
    for (size_t i = 0; i < json_array_size(children) && !code; i++)
        code = take_feature(set, drawing, json_array_get(children, i), detections, depth + 1, err);
    return code;
}

unet_code un_read_geojson(struct un_outlines *set, const char *path, const json_t *root,
                          unet_error *err)
{
    const json_t *features = features_of(root);
    struct un_drawing *drawing = un_outlines_add(set, path, "");
    unet_code code = UNET_OK;
    if (!drawing)
        return un_fail_memory(err, sizeof *drawing, path);
    if (json_is_object(features))
        code =
            take_feature(set, drawing, features, has_detections(children_of(features), 1), 0, err);
    const bool detections = has_detections(features, 0);
    for (size_t i = 0; i < json_array_size(features) && !code; i++)
        code = take_feature(set, drawing, json_array_get(features, i), detections, 0, err);
    place_others(drawing);
    return code;
}
