/* SPDX-License-Identifier: Apache-2.0 */
/* pairs.h - which mask belongs to which image */
#ifndef UN_PAIRS_H
#define UN_PAIRS_H

#include "base/error.h"

struct un_pair {
    char *image, *mask; /* paths */
    const char *name;   /* of the image, without folder; points into image */
};

/*
 * Pairs the images of a folder (or one image file) with masks of another folder (or one mask
 * file).  Names match without their ending; the mask's may end in _mask, _label, _seg, -mask,
 * -label or -seg.  Both may be the same folder.  Hidden files and files that are no images are
 * passed over.  The pairs are in natural order: img2 comes before img10.
 *
 * UNET_EIO: a folder cannot be read.  UNET_EINVAL: no images, an image without a mask or with two.
 */
unet_code un_pairs_find(const char *images, const char *masks, struct un_pair **pairs, int *count,
                        unet_error *err);
void un_pairs_free(struct un_pair *pairs, int count);

/* Order of names as people count: runs of digits compare as numbers. */
int un_natural_compare(const char *a, const char *b);

#endif
