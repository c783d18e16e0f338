/* SPDX-License-Identifier: Apache-2.0 */
/*
 * outline_via.c - VGG Image Annotator: a project of version 2, with all images
 *
 * A region is one polygon, and nothing makes two of them one object.  So an object is one polygon
 * that goes over to its holes and its other parts and back, which holds its pixels by even and odd.
 * Images go by name and the size of their file; -1 lets the program take any.
 */
#include "objects/outline_file.h"

#define PRINT(file, ...) fprintf((file)->save.file, __VA_ARGS__)

/* An image as VIA numbers it. */
static void print_key(struct unet_outlines *file, const char *name)
{
    PRINT(file, "\"");
    un_outline_escape(file, name);
    PRINT(file, "-1\"");
}

static void via_begin(struct unet_outlines *file)
{
    PRINT(file, "{\"_via_settings\": {\"ui\": {}, \"core\": {\"filepath\": {}, "
                "\"default_filepath\": \"\"}, \"project\": {\"name\": \"outlines\"}}, "
                "\"_via_img_metadata\": {");
}

static void via_image(struct unet_outlines *file)
{
    const struct un_outline_image *image = un_outline_now(file);
    PRINT(file, "%s\n", file->image_count > 1 ? "], \"file_attributes\": {}}," : "");
    print_key(file, image->name);
    PRINT(file, ": {\"filename\": ");
    un_outline_text(file, image->name);
    PRINT(file, ", \"size\": -1, \"regions\": [");
}

static void point_x(struct unet_outlines *file, int x, int y, bool first)
{
    (void)y;
    PRINT(file, "%s%d", first ? "" : ", ", x);
}

static void point_y(struct unet_outlines *file, int x, int y, bool first)
{
    (void)x;
    PRINT(file, "%s%d", first ? "" : ", ", y);
}

static void via_object(struct unet_outlines *file, const struct un_outline_object *object)
{
    const struct un_traced *t = object->traced;
    PRINT(file, "%s\n{\"shape_attributes\": {\"name\": \"polygon\", \"all_points_x\": [",
          object->first ? "" : ",");
    un_outline_bridge(file, t, 0, t->ring_count, point_x);
    PRINT(file, "], \"all_points_y\": [");
    un_outline_bridge(file, t, 0, t->ring_count, point_y);
    PRINT(file, "]}, \"region_attributes\": {\"class\": ");
    un_outline_class(file, object->label);
    PRINT(file, "}}");
}

static unet_code via_end(struct unet_outlines *file, unet_error *err)
{
    (void)err;
    PRINT(file,
          "%s\n}, \"_via_attributes\": {\"region\": {\"class\": {\"type\": \"dropdown\", "
          "\"description\": \"\", \"options\": {",
          file->image_count ? "], \"file_attributes\": {}}" : "");
    for (int k = 1; k < file->classes; k++) {
        PRINT(file, "%s", k > 1 ? ", " : "");
        un_outline_class(file, k);
        PRINT(file, ": \"\"");
    }
    PRINT(file, "}, \"default_options\": {}}}, \"file\": {}}, \"_via_data_format_version\": "
                "\"2.0.10\", \"_via_image_id_list\": [");
    for (int i = 0; i < file->image_count; i++) {
        PRINT(file, "%s\n", i ? "," : "");
        print_key(file, file->images[i].name);
    }
    PRINT(file, "\n]}\n");
    return UNET_OK;
}

const struct un_outline_writer un_outline_via = {.joins = true,
                                                 .utf8 = true,
                                                 .begin = via_begin,
                                                 .image = via_image,
                                                 .object = via_object,
                                                 .end = via_end};
