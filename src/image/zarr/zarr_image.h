/* SPDX-License-Identifier: Apache-2.0 */
/*
 * zarr_image.h - which array of a Zarr folder is the picture, and what its axes are
 *
 *     x.ome.zarr       OME-Zarr (NGFF 0.1 to 0.5): the first image's full resolution
 *     x.ome.zarr/1     one of its levels, with the axes that the image says
 *     x.zarr           an array alone
 */
#ifndef UN_ZARR_IMAGE_H
#define UN_ZARR_IMAGE_H

#include "image/zarr/zarr_array.h"

enum un_zarr_axis { UN_ZARR_T, UN_ZARR_C, UN_ZARR_Z, UN_ZARR_Y, UN_ZARR_X, UN_ZARR_ROLES };

struct un_zarr_image {
    char *root;              /* of all paths; no slash at its end */
    char path[UN_ZARR_NAME]; /* of the array below it: "", "0/" */
    struct un_zarr_array array;
    int axis[UN_ZARR_ROLES]; /* which of the array's it is; -1: it has none */
    double pixel[2];         /* height and width in `unit`; 0: not known */
    char unit[8];
};

/* Whether a folder is an array or a group of Zarr. */
bool un_zarr_folder(const char *path);

/*
 * Finds the picture of the folder that source->name names.  The other levels go to source->unread,
 * and what is to be said to source->note.  The caller frees image->root, after a failure too.
 */
unet_code un_zarr_image_find(struct unet_source *source, struct un_zarr_image *image,
                             unet_error *err);

#endif
