/* SPDX-License-Identifier: Apache-2.0 */
/*
 * outlines_geojson.c - GeoJSON as QuPath writes it: a file for each image, features in its pixels
 *
 * A polygon is a ring and rings of holes; a multipolygon several of these, united.  The class is
 * the name of "classification" among the properties, or "class", "label" or "name" of others.
 * QuPath detects cells within an annotation and exports it with them: without a class of its own it
 * says where was looked, not what is there.
 */
#include <string.h>

#include "data/outlines/outlines_json.h"

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

static const char *name_of(const json_t *feature)
{
    static const char *const words[] = {"classification", "class", "label"};
    const json_t *properties = json_object_get(feature, "properties");
    for (size_t i = 0; i < sizeof words / sizeof *words; i++) {
        const json_t *value = json_object_get(properties, words[i]);
        const json_t *name = json_object_get(value, "name");
        if (json_is_string(name) || json_is_string(value))
            return json_string_value(name ? name : value);
    }
    return NULL;
}

static bool has_kind(const json_t *feature, const char *kind)
{
    const json_t *properties = json_object_get(feature, "properties");
    const char *found = json_string_value(json_object_get(properties, "objectType"));
    return found && !strcmp(found, kind);
}

static bool has_detections(const json_t *features)
{
    for (size_t i = 0; i < json_array_size(features); i++) {
        const json_t *feature = json_array_get(features, i);
        if (has_kind(feature, "detection") || has_kind(feature, "cell"))
            return true;
    }
    return false;
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

static unet_code take_feature(struct un_outlines *set, struct un_drawing *drawing,
                              const json_t *feature, unet_error *err)
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
    const char *name = name_of(feature);
    un_drawing_shape(drawing, un_outlines_name(set, name ? name : "object"));
    if (drawing->failed)
        return un_drawing_check(drawing, err);
    for (size_t i = 0; i < json_array_size(coordinates) && several && !code; i++)
        code = take_polygon(drawing, json_array_get(coordinates, i), err);
    return several ? code : take_polygon(drawing, coordinates, err);
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
        return take_feature(set, drawing, features, err);
    const bool detections = has_detections(features);
    for (size_t i = 0; i < json_array_size(features) && !code; i++) {
        const json_t *feature = json_array_get(features, i);
        if (detections && has_kind(feature, "annotation") && !name_of(feature))
            set->regions++;
        else
            code = take_feature(set, drawing, feature, err);
    }
    return code;
}
