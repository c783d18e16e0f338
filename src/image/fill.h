/* SPDX-License-Identifier: Apache-2.0 */
/*
 * fill.h - the sample that stands where there are no data
 *
 * It is said, or the file declares it (struct un_page), or it is found where that is plain: one
 * value of one image, its smallest or its largest, that many samples have and that lies farther
 * from all others than these from each other; of values that are known for it, a quarter of that
 * will do.
 */
#ifndef UN_FILL_H
#define UN_FILL_H

#include "image/image.h"

/* "-9999", "nan"; text NULL: none.  UNET_EINVAL: it is no number. */
unet_code un_fill_of_text(const char *text, struct un_fill *fill, unet_error *err);

/* As text: "-9999". */
void un_fill_text(struct un_fill fill, char *text, size_t size);

/* The plain one of an image, not of 8 bits; not set where there is none. */
struct un_fill un_fill_find(const unet_image *image);

/* How many of an image's samples are it; first (may be NULL): the first of them. */
size_t un_fill_count(const unet_image *image, struct un_fill fill, size_t *first);

/* Replaces it by the median of the others, so that whoever looks at the image sees nothing there;
 * an image that has no others stays.  UNET_ENOMEM. */
unet_code un_fill_over(unet_image *image, struct un_fill fill, unet_error *err);

#endif
