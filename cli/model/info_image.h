/* SPDX-License-Identifier: Apache-2.0 */
/* info_image.h - unet info on an image: its pages, sizes and samples */
#ifndef INFO_IMAGE_H
#define INFO_IMAGE_H

#include "shared/cli.h"

/* Whether a path, which may end in a choice of pages, is named as an image. */
int info_image_is(const char *path);

/* Prints what the file holds; returns an exit status. */
int info_image_print(const char *path, const struct common_settings *common);

#endif
