/* SPDX-License-Identifier: Apache-2.0 */
/*
 * outlines_labelme.c - LabelMe: a file for each image, "shapes" with a label, points and a type
 *
 * Shapes with one label and one group_id are one object.  A circle is its middle and a point on it;
 * a mask is a PNG in base64 at its first point.  A rectangle is two corners that face each other,
 * or, as X-AnyLabeling writes it, all four, one after the other.
 */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "data/outlines/outlines_json.h"
#include "image/image.h"

/* The bytes of a text in base64; NULL: it is none, or there is no memory. */
static unsigned char *decode(const char *text, size_t length, size_t *size)
{
    static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    unsigned char *bytes = malloc(length / 4 * 3 + 3);
    uint32_t held = 0;
    int bits = 0;
    *size = 0;
    for (; bytes && length && *text != '='; text++, length--) {
        const char *digit = *text ? strchr(digits, *text) : NULL;
        if (strchr(" \r\n", *text) && *text)
            continue;
        if (!digit) {
            free(bytes);
            return NULL;
        }
        held = held << 6 | (uint32_t)(digit - digits);
        if ((bits += 6) >= 8)
            bytes[(*size)++] = (unsigned char)(held >> (bits -= 8));
    }
    return bytes;
}

static void take_runs(struct un_drawing *drawing, const unet_image *image)
{
    const uint8_t *pixels = image->data;
    const size_t count = (size_t)image->height * (size_t)image->width;
    uint32_t run = 0;
    bool inside = false;
    for (size_t i = 0; i < count; i++) {
        if ((pixels[i] != 0) != inside) {
            un_drawing_run(drawing, run);
            inside = !inside;
            run = 0;
        }
        run++;
    }
    un_drawing_run(drawing, run);
}

/* Samples become 0 and not 0 of one byte. */
static void flatten(unet_image *image)
{
    const size_t each = (size_t)image->channels * un_sample_bytes(image->sample);
    const size_t count = (size_t)image->height * (size_t)image->width;
    uint8_t *bytes = image->data;
    for (size_t i = 0; i < count; i++) {
        bool set = false;
        for (size_t k = 0; k < each; k++)
            set = set || bytes[i * each + k];
        bytes[i] = set;
    }
}

static unet_code take_mask(struct un_drawing *drawing, const json_t *shape, const double at[2],
                           unet_error *err)
{
    const json_t *text = json_object_get(shape, "mask");
    size_t size;
    unsigned char *bytes = json_is_string(text)
                               ? decode(json_string_value(text), json_string_length(text), &size)
                               : NULL;
    struct unet_source *source = NULL;
    unet_image image = {0};
    if (!bytes)
        return un_fail_shape(drawing, "a mask that is no image in base64", err);
    unet_code code = un_source_open_bytes(drawing->file, bytes, size, &source, err);
    if (!code)
        code = un_image_of_source(source, 0, &image, err);
    struct un_area *part = code ? NULL : un_drawing_area(drawing, UN_AREA_RUNS);
    if (part) {
        part->left = (int)floor(at[0]);
        part->top = (int)floor(at[1]);
        part->width = image.width;
        part->height = image.height;
        flatten(&image);
        take_runs(drawing, &image);
    }
    free(image.data);
    un_source_close(source);
    free(bytes);
    return code;
}

/* x, y of exactly this many points; UNET_EFORMAT. */
static unet_code take_points(const struct un_drawing *drawing, const json_t *shape,
                             const char *type, size_t count, double (*p)[2], unet_error *err)
{
    const json_t *points = json_object_get(shape, "points");
    char why[80];
    snprintf(why, sizeof why, "a %.20s of %zu points, %s wanted", type, json_array_size(points),
             !strcmp(type, "rectangle") ? "two or four"
             : count == 2               ? "two"
                                        : "four");
    if (json_array_size(points) != count)
        return un_fail_shape(drawing, why, err);
    for (size_t i = 0; i < 2 * count; i++) {
        const json_t *number = json_array_get(json_array_get(points, i / 2), i % 2);
        if (!json_is_number(number))
            return un_fail_shape(drawing, "a point that is no two numbers", err);
        p[i / 2][i % 2] = json_number_value(number);
        if (!(fabs(p[i / 2][i % 2]) < 1e8))
            return un_fail_shape(drawing, "a coordinate that is no number of pixels", err);
    }
    return UNET_OK;
}

/* Of what is given by two points. */
static unet_code take_two(struct un_drawing *drawing, const json_t *shape, const char *type,
                          unet_error *err)
{
    double p[2][2];
    unet_code code = take_points(drawing, shape, type, 2, p, err);
    if (code)
        return code;
    if (!strcmp(type, "mask"))
        return take_mask(drawing, shape, p[0], err);
    const double radius = hypot(p[1][0] - p[0][0], p[1][1] - p[0][1]);
    if (!strcmp(type, "circle"))
        un_drawing_ellipse(drawing, p[0][0], p[0][1], radius, radius, 0);
    else
        un_drawing_box(drawing, p[0][0], p[0][1], p[1][0], p[1][1], 0);
    return UNET_OK;
}

/* Corners of a rectangle, which may be turned: its diagonals have one middle and one length, but
 * for what rounding leaves. */
static unet_code take_four(struct un_drawing *drawing, const json_t *shape, const char *type,
                           unet_error *err)
{
    double p[4][2];
    unet_code code = take_points(drawing, shape, type, 4, p, err);
    if (code)
        return code;
    const double a = hypot(p[2][0] - p[0][0], p[2][1] - p[0][1]);
    const double b = hypot(p[3][0] - p[1][0], p[3][1] - p[1][1]);
    const double off =
        hypot(p[0][0] + p[2][0] - p[1][0] - p[3][0], p[0][1] + p[2][1] - p[1][1] - p[3][1]) / 2;
    if (!(off <= 1 + 0.01 * a && fabs(a - b) <= 2 + 0.02 * a))
        return un_fail_shape(drawing,
                             "four points that are no corners of a rectangle, one after the "
                             "other; as a polygon they would be read",
                             err);
    un_drawing_area(drawing, UN_AREA_RINGS);
    un_drawing_ring(drawing);
    for (int i = 0; i < 4; i++)
        un_drawing_point(drawing, p[i][0], p[i][1]);
    return UNET_OK;
}

/* The object of an earlier shape of this name and group, which is seldom given. */
static void join_group(struct un_drawing *drawing, const json_t *shapes, size_t at, size_t *of)
{
    const json_t *group = json_object_get(json_array_get(shapes, at), "group_id");
    struct un_outline *shape = &drawing->shapes[drawing->shape_count - 1];
    of[drawing->shape_count - 1] = at;
    if (!json_is_integer(group) || drawing->failed)
        return;
    for (size_t k = drawing->shape_count - 1; k-- > 0;)
        if (drawing->shapes[k].name == shape->name &&
            json_equal(json_object_get(json_array_get(shapes, of[k]), "group_id"), group)) {
            shape->object = drawing->shapes[k].object;
            return;
        }
}

static unet_code take_shape(struct un_outlines *set, struct un_drawing *drawing,
                            const json_t *shapes, size_t at, size_t *of, unet_error *err)
{
    static const struct {
        const char *type;
        enum un_skipped kind;
    } none[] = {{"point", UN_SKIPPED_POINT},
                {"points", UN_SKIPPED_POINT},
                {"line", UN_SKIPPED_LINE},
                {"linestrip", UN_SKIPPED_LINE}};
    const json_t *shape = json_array_get(shapes, at);
    const char *type = json_string_value(json_object_get(shape, "shape_type"));
    char number[32];
    const char *label = un_json_word_of(shape, "label", number);
    type = type ? type : "polygon"; /* older versions had no others */
    for (size_t i = 0; i < sizeof none / sizeof *none; i++)
        if (!strcmp(type, none[i].type)) {
            set->skipped[none[i].kind]++;
            return UNET_OK;
        }
    const bool polygon = !strcmp(type, "polygon"), turned = !strcmp(type, "rotation");
    const bool rectangle = !strcmp(type, "rectangle");
    if (!polygon && !rectangle && !turned && strcmp(type, "circle") && strcmp(type, "mask")) {
        set->skipped[UN_SKIPPED_OTHER]++;
        return UNET_OK;
    }
    if (!label)
        return un_fail(err, UNET_EFORMAT, "%s: shape %zu has no label", drawing->file, at + 1);
    un_drawing_shape(drawing, un_outlines_name(set, label));
    if (drawing->failed)
        return un_drawing_check(drawing, err);
    join_group(drawing, shapes, at, of);
    if (turned || (rectangle && json_array_size(json_object_get(shape, "points")) > 2))
        return take_four(drawing, shape, type, err);
    if (!polygon)
        return take_two(drawing, shape, type, err);
    un_drawing_area(drawing, UN_AREA_RINGS);
    return un_json_ring(drawing, json_object_get(shape, "points"), err);
}

unet_code un_read_labelme(struct un_outlines *set, const char *path, const json_t *root,
                          unet_error *err)
{
    const char *image = json_string_value(json_object_get(root, "imagePath"));
    const json_t *shapes = json_object_get(root, "shapes");
    const size_t count = json_array_size(shapes);
    struct un_drawing *drawing = un_outlines_add(set, path, image ? image : "");
    size_t *of = malloc((count + 1) * sizeof *of); /* the shape of the file that each of ours is */
    if (!drawing || !of) {
        free(of);
        return un_fail_memory(err, count * sizeof *of, path);
    }
    unet_code code = un_json_side(path, root, "imageHeight", &drawing->height, err);
    if (!code)
        code = un_json_side(path, root, "imageWidth", &drawing->width, err);
    for (size_t i = 0; i < count && !code; i++)
        code = take_shape(set, drawing, shapes, i, of, err);
    free(of);
    return code;
}
