/* SPDX-License-Identifier: Apache-2.0 */
/*
 * run_images.h - the worst and the best validation images of an epoch, drawn small
 *
 * images_add() for each image of a validation, then images_done().  Images are ordered by
 * their own Dice of all classes; of more than PICTURES the middle ones are
 * let go of at once, so memory does not grow with the set.
 *
 * images_write() writes three PNG files of each into the run's folder images/ and index.jsonl, from
 * which images_open() finds them again after a resume.
 */
#ifndef RUN_IMAGES_H
#define RUN_IMAGES_H

#include "unet.h"

enum { PICTURE_SIDE = 360, PICTURES = 6 };

enum run_view { VIEW_TRUTH, VIEW_PREDICTED, VIEW_ERRORS, VIEWS };

struct run_picture {
    int index; /* in the validation set */
    char *name;
    double dice;            /* of all classes, this image alone; NAN: nothing to compare */
    double errors;          /* share of labelled pixels that are wrong */
    unet_image view[VIEWS]; /* U8 RGB, no side above PICTURE_SIDE; data NULL: in the files */
};

struct run_pictures {
    int count, seen, epoch;                   /* of how many images; of which epoch */
    struct run_picture picture[PICTURES + 1]; /* from the worst to the best */
};

struct run_images {
    char *folder;         /* RUN/images */
    uint8_t (*colors)[3]; /* [labels] */
    int labels;
    struct run_pictures coming, shown;
    int written; /* 1: what is shown is in the files */
};

/* Colours of errors, told from each other by colour-blind people: background taken for something,
 * something taken for background, one class for another; ignored pixels. */
enum run_error { ERROR_EXTRA, ERROR_MISSED, ERROR_MIXED, ERROR_IGNORED, ERROR_KINDS };
extern const uint8_t error_colors[ERROR_KINDS][3];

/* 0: no memory.  Start from a struct of zeros; images_release() in any case. */
int images_open(struct run_images *images, const char *folder, const unet_model *model,
                int resumed);
/* Takes the classes' colours from the model; a training gives it those of its masks when it begins.
 */
void images_colors(struct run_images *images, const unet_model *model);
unet_code images_add(struct run_images *images, const unet_validated *validated, unet_error *err);
void images_done(struct run_images *images); /* those that came are shown from now on */
unet_code images_write(struct run_images *images, unet_error *err);
void images_release(struct run_images *images);

/* The file of a picture; the caller frees it; NULL: no memory. */
char *images_path(const struct run_images *images, int i, enum run_view view);

/* ---- run_draw.c: an image, its truth and what was predicted, small and for a person's eye ---- */

/*
 * Draws the three views: the image with the outlines of the truth, the image with what was
 * predicted in colour, and a dim image with the errors.  The caller releases them; after a failure
 * there are none.
 *
 *   colors  [labels]
 */
unet_code draw_views(const unet_validated *validated, const uint8_t (*colors)[3], int labels,
                     unet_image view[VIEWS], unet_error *err);

#endif
