/* SPDX-License-Identifier: Apache-2.0 */
/*
 * unet_outlines.h - outlines for the programs in which people look at them and mend them
 *
 * docs/outlines.md says what each format holds.  Outlines are read wherever masks are.  unet.h says
 * how errors, memory and threads are treated.
 */
#ifndef UNET_OUTLINES_H
#define UNET_OUTLINES_H

#include "unet_objects.h"

#ifdef __cplusplus
extern "C" {
#endif

/* COCO, VIA and CVAT hold many images, the others one. */
typedef enum unet_outline_format {
    UNET_OUTLINES_COCO,    /* .json */
    UNET_OUTLINES_GEOJSON, /* .geojson, for QuPath */
    UNET_OUTLINES_LABELME, /* .json */
    UNET_OUTLINES_YOLO,    /* .txt: shares of the image's sides */
    UNET_OUTLINES_VIA,     /* .json, a project of version 2 */
    UNET_OUTLINES_CVAT,    /* .xml, "CVAT for images 1.1" */
    UNET_OUTLINES_IMAGEJ,  /* .zip of regions */
    UNET_OUTLINES_FORMATS
} unet_outline_format;

/*
 * A file of outlines: unet_outlines_open(), then unet_outlines_image() and the objects of that
 * image, perhaps of further ones (COCO, VIA, CVAT), unet_outlines_commit().  Before that nothing is
 * at path that was not there; unet_outlines_abort() leaves it so.
 *
 * Each object is a shape along the edges of its pixels, with its holes, however many parts it has.
 */
typedef struct unet_outlines unet_outlines;

/*
 *   class_names  [classes], kept until the commit; NULL, or "" among them: "class 1"
 */
UNET_API unet_code unet_outlines_open(const char *path, unet_outline_format format,
                                      const char *const *class_names, int classes,
                                      unet_outlines **outlines, unet_error *err);

/* name: of the image's file, as the file of outlines is to name it. */
UNET_API unet_code unet_outlines_image(unet_outlines *outlines, const char *name, int height,
                                       int width, unet_error *err);

/* The objects of the image, after unet_objects_finish(). */
UNET_API unet_code unet_outlines_add(unet_outlines *outlines, unet_objects *objects,
                                     unet_error *err);

/*
 * The same of numbers in memory, each of which is an object.
 *
 *   ids   [height][width]; 0: none
 *   mask  [height][width], classes; that of an object's first pixel is its own
 */
UNET_API unet_code unet_outlines_add_ids(unet_outlines *outlines, const uint32_t *ids,
                                         const uint8_t *mask, unet_error *err);

/* The name of a class of the set; "": it has none. */
UNET_API const char *unet_dataset_class(const unet_dataset *dataset, int label);

/* Both free the file. */
UNET_API unet_code unet_outlines_commit(unet_outlines *outlines, unet_error *err);
UNET_API void unet_outlines_abort(unet_outlines *outlines);

#ifdef __cplusplus
}
#endif

#endif
