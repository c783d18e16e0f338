/* SPDX-License-Identifier: Apache-2.0 */
/*
 * unet_objects.h - counting, measuring and outlining objects
 *
 * docs/objects.md defines every number.  unet.h
 * says how errors, memory and threads are treated.
 */
#ifndef UNET_OBJECTS_H
#define UNET_OBJECTS_H

#include "unet_image.h"

#ifdef __cplusplus
extern "C" {
#endif

/*
 * The objects of a mask that comes band by band: unet_objects_create(), unet_objects_add() for all
 * rows from top to bottom, unet_objects_finish(), then the objects can be asked for and written.
 * However the rows are cut into bands, the results have the same bits.
 *
 * An object is a set of pixels of one class, not 0, that hang together by sides or corners.  What
 * rows of the image and of the mask are needed again waits in files without a name.
 */
typedef struct unet_objects unet_objects;

typedef struct unet_objects_options {
    size_t size;
    int minimum_area;   /* pixels, holes filled; smaller objects are dropped; 0: 1 */
    int keep_holes;     /* 0: background that touches no edge of the image and borders on one class
                           alone becomes part of what it borders on; 1: it stays background */
    int split;          /* 1: objects are cut where they are narrow (watershed) */
    double split_depth; /* pixels: how much farther from the object's border than the neck between
                           them the middles of two parts have to be; 0: 0.75 */
    int channel;        /* of the image, whose intensities are measured */
    double pixel_height, pixel_width; /* in unit; 0: not known */
    char unit[8];
    uint64_t memory;                              /* most bytes to hold; 0: no limit */
    const char *scratch_folder;                   /* NULL: TMPDIR, or else /var/tmp */
    int (*progress)(void *context, double share); /* of unet_objects_finish(); non-zero stops */
    void *context;
    unet_source *like; /* the image: ids are written with its place, that of page like_page; NULL */
    int like_page;
    int inner; /* 1: bands come with `inner`, and objects are parted by it: a watershed; split_depth
                  is then 1.25 unless given */
    int pyramid; /* of ids as TIFF, as in unet_writer_page */
} unet_objects_options;

/*
 * What the file of a network says of the objects that it was trained on: sets options->inner where
 * it has rims, and options->minimum_area, where that is 0, to half of the area that all but
 * the smallest hundredth of these have.  Other members stay.
 */
UNET_API void unet_model_objects(const unet_model *model, unet_objects_options *options);

/* Lengths and areas of an object, in pixels or in the image's unit. */
typedef struct unet_lengths {
    double area;
    double y, x; /* centroid; the middle of the top left pixel is at 0, 0 */
    double perimeter;
    double equivalent_diameter;
    double major_axis, minor_axis; /* of the ellipse with the same second moments */
} unet_lengths;

/* docs/objects.md defines every field. */
typedef struct unet_object {
    uint32_t id; /* from 1, in raster order of the objects' first pixels */
    int label;   /* its class */
    uint64_t pixel_count;
    int top, left, height, width; /* bounding box */
    int touches_edge;             /* of the image */
    double eccentricity;
    unet_lengths pixels, physical; /* physical: NAN when the pixels' size is not known */
    double mean, minimum, maximum, integrated; /* intensities; NAN without an image */
} unet_object;

/*
 * height, width: of the whole mask; classes: its values are below, 2..UNET_MAX_CLASSES.  options
 * may be NULL.  Fails with UNET_EINVAL, UNET_ENOMEM (memory is too little for any mask of that
 * size) or UNET_EIO.
 */
UNET_API unet_code unet_objects_create(const unet_objects_options *options, int height, int width,
                                       int classes, unet_objects **objects, unet_error *err);
UNET_API void unet_objects_free(unet_objects *objects);

/* The next rows: band->mask and, if the first band had it, band->image.  Fails with UNET_EINVAL,
 * UNET_EIO, and UNET_ENOMEM, which says how much memory would do. */
UNET_API unet_code unet_objects_add(unet_objects *objects, const unet_band *band, unet_error *err);

/* After the last row.  Fails as unet_objects_add() does, and with UNET_ESTOPPED. */
UNET_API unet_code unet_objects_finish(unet_objects *objects, unet_error *err);

/* How many objects there are after unet_objects_finish(). */
UNET_API size_t unet_objects_count(const unet_objects *objects);

/* How many touching objects stayed one because options.memory is too little to split them. */
UNET_API size_t unet_objects_left_whole(const unet_objects *objects);

/* Object i, the one with id i + 1. */
UNET_API unet_code unet_objects_get(const unet_objects *objects, size_t i, unet_object *object,
                                    unet_error *err);

/* The ids of some rows after unet_objects_finish(), ids [rows][width]; 0: no object.  From top to
 * bottom is fastest.  UNET_EINVAL, UNET_EIO. */
UNET_API unet_code unet_objects_rows(unet_objects *objects, int top, int rows, uint32_t *ids,
                                     unet_error *err);

/*
 * Writes the ids as an image of 16-bit samples, or 32-bit ones if there are more than 65535; by the
 * ending of path: .tif, .tiff, .png (up to 65535), .npy.  UNET_EINVAL, UNET_EIO.
 */
UNET_API unet_code unet_objects_write_ids(unet_objects *objects, const char *path, unet_error *err);

/*
 * Writes a table as CSV (RFC 4180), a row for each object.
 *
 *   class_names  [classes], may be NULL
 */
UNET_API unet_code unet_objects_write_csv(const unet_objects *objects, const char *path,
                                          const char *const *class_names, unet_error *err);

/*
 * A table of the objects of several images or pages: unet_table_open(), unet_table_add() for each
 * in the order of the rows, unet_table_commit().  Before that nothing is at path that was not
 * there; unet_table_abort() leaves it so.
 */
typedef struct unet_table unet_table;

typedef struct unet_table_options {
    size_t size;
    int images, pages;              /* 1: columns `image` and `page` come first */
    const char *const *class_names; /* [classes], until the commit; NULL: no such column */
    int intensities;                /* 1: with their columns */
    const char *unit; /* of the columns in the pixels' size, empty where an image does not tell it;
                         NULL: no such columns */
} unet_table_options;

UNET_API unet_code unet_table_open(const char *path, const unet_table_options *options,
                                   unet_table **table, unet_error *err);

/* The objects of one page, after unet_objects_finish(); image may be NULL without that column.
 * UNET_EINVAL: their unit is not that of the table. */
UNET_API unet_code unet_table_add(unet_table *table, const unet_objects *objects, const char *image,
                                  int page, unet_error *err);

/* Both free the table. */
UNET_API unet_code unet_table_commit(unet_table *table, unet_error *err);
UNET_API void unet_table_abort(unet_table *table);

/*
 * Rows top .. top + image->height - 1 of an overlay, as unet_overlay_rows() draws it, but of the
 * objects as they are counted after unet_objects_finish(): each has an outline of its own, also
 * where it touches another one of its class.
 *
 *   image  these rows
 *   rgb    [height][width][3] of image, from the caller
 */
UNET_API unet_code unet_objects_overlay(unet_objects *objects, int top, const unet_image *image,
                                        const uint8_t (*colors)[3], int color_count, float opacity,
                                        const float range[2], uint8_t *rgb, unet_error *err);

/* Writes the outlines as a zip of ImageJ ROIs, one for each object, with its holes; of several
 * classes each is a group.  Fails with UNET_EIO, and with UNET_ENOMEM if options.memory is too
 * little for all outlines. */
UNET_API unet_code unet_objects_write_rois(unet_objects *objects, const char *path,
                                           unet_error *err);

#ifdef __cplusplus
}
#endif

#endif
