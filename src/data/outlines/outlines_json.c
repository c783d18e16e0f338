/* SPDX-License-Identifier: Apache-2.0 */
/* outlines_json.c - which of the JSON formats a text is, and what they have in common */
#include "data/outlines/outlines_json.h"

#include <stdio.h>
#include <string.h>

static bool is_labelme(const json_t *root)
{
    return json_is_array(json_object_get(root, "shapes"));
}

static bool is_coco(const json_t *root)
{
    return json_is_array(json_object_get(root, "images")) &&
           json_is_array(json_object_get(root, "annotations"));
}

static const struct {
    const char *name;
    bool (*is)(const json_t *root);
    un_outlines_json *read;
} formats[] = {
    {"LabelMe", is_labelme, un_read_labelme},
    {"COCO", is_coco, un_read_coco},
    {"VIA", un_is_via, un_read_via},
    {"GeoJSON", un_is_geojson, un_read_geojson},
};

/* What else a text is, and what would be read. */
static const char *way_on(const json_t *root)
{
    const json_t *first = json_is_array(root) ? json_array_get(root, 0) : root;
    if (json_object_get(first, "image_id") && json_object_get(first, "category_id"))
        return "COCO results, which name no images; a data set with images and annotations wanted";
    if (json_object_get(first, "annotations") && json_object_get(first, "data"))
        return "Label Studio's own JSON; its export as COCO wanted";
    if (json_object_get(json_object_get(root, "project"), "vid_list"))
        return "a project of VIA 3, which is not read; its export as COCO wanted";
    return "no outlines that are read; those of LabelMe, COCO, VIA or GeoJSON wanted";
}

unet_code un_read_json(struct un_outlines *set, const struct un_outlines_file *file,
                       unet_error *err)
{
    const size_t mark = file->size >= 3 && !memcmp(file->bytes, "\xef\xbb\xbf", 3) ? 3 : 0;
    json_t *root = NULL;
    unet_code code = un_json_parse_any(file->path, (const char *)file->bytes + mark,
                                       file->size - mark, UN_OUTLINES_VALUES, &root, err);
    if (code)
        return code;
    size_t i = 0, count = sizeof formats / sizeof *formats;
    while (i < count && !formats[i].is(root))
        i++;
    if (i == count) {
        set->foreign = true;
        code = un_fail(err, UNET_EFORMAT, "%s: %s", file->path, way_on(root));
    } else {
        snprintf(set->format, sizeof set->format, "%s", formats[i].name);
        code = formats[i].read(set, file->path, root, err);
    }
    json_decref(root);
    return code;
}

unet_code un_fail_shape(const struct un_drawing *drawing, const char *why, unet_error *err)
{
    return un_fail(err, UNET_EFORMAT, "%s: %s%sshape %zu: %s", drawing->file, drawing->image,
                   *drawing->image ? ": " : "", drawing->shape_count, why);
}

unet_code un_json_ring(struct un_drawing *drawing, const json_t *points, unet_error *err)
{
    const size_t count = json_array_size(points);
    if (!json_is_array(points))
        return un_fail_shape(drawing, "no array of points", err);
    un_drawing_ring(drawing);
    for (size_t i = 0; i < count; i++) {
        const json_t *point = json_array_get(points, i);
        const json_t *x = json_array_get(point, 0), *y = json_array_get(point, 1);
        if (!json_is_number(x) || !json_is_number(y))
            return un_fail_shape(drawing, "a point that is no two numbers", err);
        un_drawing_point(drawing, json_number_value(x), json_number_value(y));
    }
    return UNET_OK;
}

const char *un_json_word_of(const json_t *object, const char *field, char number[32])
{
    const json_t *value = json_object_get(object, field);
    if (!json_is_integer(value))
        return json_string_value(value);
    snprintf(number, 32, "%lld", (long long)json_integer_value(value));
    return number;
}

unet_code un_json_side(const char *what, const json_t *object, const char *field, int *side,
                       unet_error *err)
{
    const json_t *value = json_object_get(object, field);
    const double number = json_number_value(value);
    *side = 0;
    if (!value || json_is_null(value) || number == 0)
        return UNET_OK;
    if (!(number >= 1 && number <= UN_IMAGE_SIDE) || number != (int)number)
        return un_fail(err, UNET_EFORMAT, "%s: %s is no number of pixels", what, field);
    *side = (int)number;
    return UNET_OK;
}
