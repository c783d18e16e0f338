/* SPDX-License-Identifier: Apache-2.0 */
/*
 * picture_copy.h - PROJECT/cache/ID.ENDING: what was made of a large image, for the next time
 *
 *     bytes, then a stamp that says of which image, and of which files as they were then
 *
 * It has its name when it is whole; what a killed process was making is removed by the next one.
 * All of it may be thrown away.
 */
#ifndef PICTURE_COPY_H
#define PICTURE_COPY_H

#include "studio/studio.h"

struct picture_copy {
    int fd;                 /* -1: there is none */
    char *path, *temporary; /* temporary NULL: it has its name */
};

/* A file in `folder` with room for so many bytes.  EIO: the disk has none. */
unet_code copy_begin(struct picture_copy *copy, const char *folder, int image, const char *ending,
                     size_t bytes, unet_error *err);

/* Gives it its name when all bytes are written; one that cannot be kept is used all the same. */
void copy_keep(struct picture_copy *copy, const struct studio_image *what, size_t bytes);

/* The one of another time, if it is of these bytes and the image is as it was. */
int copy_reuse(struct picture_copy *copy, const char *folder, int image, const char *ending,
               const struct studio_image *what, size_t bytes);

void copy_release(struct picture_copy *copy);

/* Removes what was never finished. */
void copies_clean(const char *folder);

#endif
