/* SPDX-License-Identifier: Apache-2.0 */
/* api_outlines.c - the public functions of unet_outlines.h: outlines.  Each checks its arguments,
 * then makes one call into the layers below. */
#include "api.h"

#include "data/set/dataset.h"
#include "objects/objects_stream.h"
#include "objects/outline_file.h"

unet_code unet_outlines_open(const char *path, unet_outline_format format,
                             const char *const *class_names, int classes, unet_outlines **outlines,
                             unet_error *err)
{
    if (!path || !outlines)
        return un_missing(err, !path ? "path" : "outlines");
    if ((int)format < 0 || format >= UNET_OUTLINES_FORMATS || classes < 1 ||
        classes > UNET_MAX_CLASSES)
        return un_fail(err, UNET_EINVAL, "format %d of outlines of %d classes", (int)format,
                       classes);
    return un_outline_file_begin(path, format, class_names, classes, outlines, err);
}

unet_code unet_outlines_image(unet_outlines *outlines, const char *name, int height, int width,
                              unet_error *err)
{
    if (!outlines || !name)
        return un_missing(err, !outlines ? "outlines" : "name");
    if (height < 1 || width < 1 || height > UN_IMAGE_SIDE || width > UN_IMAGE_SIDE)
        return un_fail(err, UNET_EINVAL, "%s: %d x %d pixels", name, width, height);
    return un_outline_file_image(outlines, name, height, width, err);
}

/* Whether there is an image, of these sides. */
static unet_code check_image(const unet_outlines *outlines, int height, int width, unet_error *err)
{
    const struct un_outline_image *image = outlines->image_count ? un_outline_now(outlines) : NULL;
    if (!image)
        return un_fail(err, UNET_EINVAL, "objects of no image");
    if (height && (image->height != height || image->width != width))
        return un_fail(err, UNET_EINVAL, "%s: %d x %d pixels, its objects have %d x %d",
                       image->name, image->width, image->height, width, height);
    return UNET_OK;
}

unet_code unet_outlines_add(unet_outlines *outlines, unet_objects *objects, unet_error *err)
{
    if (!outlines || !objects)
        return un_missing(err, !outlines ? "outlines" : "objects");
    if (!objects->finished)
        return un_fail(err, UNET_EINVAL, "the objects are not finished");
    unet_code code = check_image(outlines, objects->height, objects->width, err);
    return code ? code : un_outline_file_add_objects(outlines, objects, err);
}

unet_code unet_outlines_add_ids(unet_outlines *outlines, const uint32_t *ids, const uint8_t *mask,
                                unet_error *err)
{
    if (!outlines || !ids || !mask)
        return un_missing(err, !outlines ? "outlines" : !ids ? "ids" : "mask");
    unet_code code = check_image(outlines, 0, 0, err);
    return code ? code : un_outline_file_add_ids(outlines, ids, mask, err);
}

const char *unet_dataset_class(const unet_dataset *dataset, int label)
{
    return dataset && label >= 0 && label < dataset->coding.labels ? dataset->coding.names[label]
                                                                   : "";
}

unet_code unet_outlines_commit(unet_outlines *outlines, unet_error *err)
{
    return outlines ? un_outline_file_commit(outlines, err) : un_missing(err, "outlines");
}

void unet_outlines_abort(unet_outlines *outlines)
{
    un_outline_file_abort(outlines);
}
