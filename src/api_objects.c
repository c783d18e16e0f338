/* SPDX-License-Identifier: Apache-2.0 */
/* api_objects.c - the public functions of unet_objects.h: objects.  Each checks its arguments, then
 * makes one call into the layers below. */
#include "api.h"

#include <stddef.h>

#include "model/model.h"
#include "objects/objects_stream.h"

unet_code unet_objects_create(const unet_objects_options *options, int height, int width,
                              int classes, unet_objects **objects, unet_error *err)
{
    if (!objects)
        return un_missing(err, "objects");
    unet_objects_options own;
    unet_code code = un_take_objects_options(options, &own, err);
    return code ? code : un_objects_create(&own, height, width, classes, objects, err);
}

void unet_model_objects(const unet_model *model, unet_objects_options *options)
{
    const size_t size = un_size_objects_options(options);
    const int rims = model->graph.spec.rims > 0;
    if (rims && size >= offsetof(unet_objects_options, inner) + sizeof options->inner)
        options->inner = 1;
    if (rims && !options->minimum_area)
        options->minimum_area = (model->smallest_object + 1) / 2;
}

void unet_objects_free(unet_objects *objects)
{
    un_objects_free(objects);
}

unet_code unet_objects_add(unet_objects *objects, const unet_band *band, unet_error *err)
{
    if (!objects || !band || !band->mask)
        return un_missing(err, !objects ? "objects" : !band ? "band" : "the band's mask");
    return un_objects_add(objects, band, err);
}

unet_code unet_objects_finish(unet_objects *objects, unet_error *err)
{
    if (!objects)
        return un_missing(err, "objects");
    return un_objects_finish(objects, err);
}

size_t unet_objects_count(const unet_objects *objects)
{
    return objects->finished ? objects->sums.count : 0;
}

size_t unet_objects_left_whole(const unet_objects *objects)
{
    return objects->left_whole;
}

unet_code unet_objects_get(const unet_objects *objects, size_t i, unet_object *object,
                           unet_error *err)
{
    if (!objects || !object)
        return un_missing(err, !objects ? "objects" : "object");
    if (i >= unet_objects_count(objects))
        return un_fail(err, UNET_EINVAL, "object %zu of %zu", i, unet_objects_count(objects));
    un_objects_get(objects, i, object);
    return UNET_OK;
}

unet_code unet_objects_rows(unet_objects *objects, int top, int rows, uint32_t *ids,
                            unet_error *err)
{
    if (!objects || !ids)
        return un_missing(err, !objects ? "objects" : "ids");
    if (!objects->finished)
        return un_fail(err, UNET_EINVAL, "the objects are not finished");
    if (top < 0 || rows < 0 || top > objects->height || rows > objects->height - top)
        return un_fail(err, UNET_EINVAL, "%d rows from row %d of %d", rows, top, objects->height);
    return un_objects_rows(objects, top, rows, ids, err);
}

/* Whether objects can be written to path. */
static unet_code check_written(const unet_objects *objects, const char *path, unet_error *err)
{
    if (!objects || !path)
        return un_missing(err, !objects ? "objects" : "path");
    if (!objects->finished)
        return un_fail(err, UNET_EINVAL, "%s: the objects are not finished", path);
    return UNET_OK;
}

unet_code unet_objects_write_ids(unet_objects *objects, const char *path, unet_error *err)
{
    unet_code code = check_written(objects, path, err);
    return code ? code : un_objects_write_ids(objects, path, err);
}

unet_code unet_objects_write_csv(const unet_objects *objects, const char *path,
                                 const char *const *class_names, unet_error *err)
{
    unet_code code = check_written(objects, path, err);
    return code ? code : un_objects_write_csv(objects, path, class_names, err);
}

unet_code unet_table_open(const char *path, const unet_table_options *options, unet_table **table,
                          unet_error *err)
{
    if (!path || !options || !table)
        return un_missing(err, !path ? "path" : !options ? "options" : "table");
    unet_table_options own;
    unet_code code = un_take_table_options(options, &own, err);
    return code ? code : un_table_open(path, &own, table, err);
}

unet_code unet_table_add(unet_table *table, const unet_objects *objects, const char *image,
                         int page, unet_error *err)
{
    if (!table)
        return un_missing(err, "table");
    unet_code code = check_written(objects, image ? image : "objects", err);
    return code ? code : un_table_add(table, objects, image, page, err);
}

unet_code unet_table_commit(unet_table *table, unet_error *err)
{
    return table ? un_table_commit(table, err) : un_missing(err, "table");
}

void unet_table_abort(unet_table *table)
{
    un_table_abort(table);
}

unet_code unet_objects_overlay(unet_objects *objects, int top, const unet_image *image,
                               const uint8_t (*colors)[3], int color_count, float opacity,
                               const float range[2], uint8_t *rgb, unet_error *err)
{
    unet_code code = check_written(objects, "overlay", err);
    if (code)
        return code;
    if (!image || !colors || !range || !rgb)
        return un_missing(err, !image ? "image" : !colors ? "colors" : !range ? "range" : "rgb");
    if (top < 0 || image->height < 1 || image->height > objects->height - top ||
        image->width != objects->width)
        return un_fail(err, UNET_EINVAL, "%d x %d pixels from row %d, the objects have %d x %d",
                       image->height, image->width, top, objects->height, objects->width);
    if (color_count < objects->classes || color_count > 256)
        return un_fail(err, UNET_EINVAL, "%d colours, %d to 256 wanted", color_count,
                       objects->classes);
    struct un_overlay overlay = {.image = image,
                                 .colors = colors,
                                 .color_count = color_count,
                                 .opacity = opacity,
                                 .range = {range[0], range[1]}};
    return un_objects_overlay(objects, top, &overlay, rgb, err);
}

unet_code unet_objects_write_rois(unet_objects *objects, const char *path, unet_error *err)
{
    unet_code code = check_written(objects, path, err);
    return code ? code : un_objects_write_rois(objects, path, err);
}
