/* SPDX-License-Identifier: Apache-2.0 */
/* listing.h - the image files of a folder and their names in parts, for pairs.c */
#ifndef UN_LISTING_H
#define UN_LISTING_H

#include <stdbool.h>

#include "base/error.h"

struct un_listed {
    char *path;
    const char *relative; /* below the folder that was listed; in path */
    const char *name;     /* without folders; in path */
    char *folder;         /* of relative, "" or "a/b" */
    char *stem;           /* name without its ending */
    char *mask_stem;      /* stem without what marks a mask: cell_mask -> cell */
    char *image_stem;     /* stem without what marks an image: cell_img -> cell */
    char *numbers;        /* all numbers in stem: "img_007_2" -> "7,2"; "": none */
    bool foreign;         /* an image format that is not read */
    int used;             /* for the caller: the image it belongs to, or -1 */
};

struct un_listing {
    struct un_listed *files; /* in natural order of relative */
    int count, room;
};

/*
 * The images in a folder and in those below it, without hidden ones and without the folder `but`
 * (may be NULL).  UNET_EIO, UNET_ENOMEM.
 */
unet_code un_listing_read(const char *folder, const char *but, struct un_listing *listing,
                          unet_error *err);

/* A listing of one file. */
unet_code un_listing_of_file(const char *path, struct un_listing *listing, unet_error *err);
void un_listing_release(struct un_listing *listing);

bool un_is_folder(const char *path);
bool un_is_same_file(const char *a, const char *b);

#endif
