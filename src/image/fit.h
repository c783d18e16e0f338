/* SPDX-License-Identifier: Apache-2.0 */
/* fit.h - whether the file of a mask lies where its image does, by what their headers say */
#ifndef UN_FIT_H
#define UN_FIT_H

#include "image/pixel_size.h"

/* What there is to say of the pairs of a set. */
enum un_fit_remark {
    UN_FITS_ORDERED, /* a mask was put into the order of its image */
    UN_FITS_DOUBT,   /* headers contradict each other */
    UN_FITS_TURNED,  /* an image was turned by its header, its mask was not, and would fit anyway */
    UN_FITS_REMARKS
};

struct un_fits {
    struct {
        int count;
        char first[400]; /* a sentence */
    } remark[UN_FITS_REMARKS];
    char letters[4]; /* directions of the first image that has some */
    int like, unlike;
    char odd[160];         /* the first of other directions, with them */
    struct un_sizes sizes; /* of the pixels of all images */
};

/*
 * Looks at the first pages of both, and puts the mask's axes into the image's order if they are in
 * another.  UNET_EINVAL with UNET_HINT_AS_STORED: one cannot be the mask of the other.  A source
 * that is read as_stored is taken as it is.
 */
unet_code un_source_fit(struct unet_source *image, struct unet_source *mask, struct un_fits *fits,
                        unet_error *err);

/* Adds the directions and the size of pixels of an image; masks have nothing to do with it. */
void un_fits_image(struct unet_source *image, struct un_fits *fits);

/* "a.nii lies ..., and 3 more"; of directions, what they all are.  "": nothing to say. */
void un_fits_text(const struct un_fits *fits, enum un_fit_remark which, char *text, size_t size);
void un_fits_directions_text(const struct un_fits *fits, char *text, size_t size);

#endif
