/* SPDX-License-Identifier: Apache-2.0 */
/*
 * unet_survey.h - a look at images and masks before any training
 *
 * docs/check.md says what is looked for, and how it is told.  unet.h
 * says how errors, memory and threads are treated.
 */
#ifndef UNET_SURVEY_H
#define UNET_SURVEY_H

#include "unet.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef struct unet_survey unet_survey; /* what a set of images and masks holds, and what is odd */

typedef enum {
    UNET_NOTE,    /* good to know */
    UNET_WARNING, /* training goes, but a person should look */
    UNET_ERROR    /* training cannot work */
} unet_severity;

/* What can be found.  number[]: see there; others are 0.  A finding of one file has `file`. */
typedef enum unet_finding_kind {
    UNET_FOUND_NO_MASK,         /* an image without a mask */
    UNET_FOUND_NO_IMAGE,        /* a mask without an image */
    UNET_FOUND_NO_CLASS_FILE,   /* an image without a file of some class; text says which */
    UNET_FOUND_UNREADABLE,      /* text says why */
    UNET_FOUND_NOT_FINITE,      /* an image with NaN or infinite samples: how many */
    UNET_FOUND_MASK_SIZE,       /* image width, height, mask width, height */
    UNET_FOUND_MASK_TURNED,     /* the same four: height and width change places.  A warning: the
                                   mask would fit upside down (1), mirrored (2), with x and y
                                   exchanged (4), or a sum, x and y first; fit as it is, fit so; of
                                   the set: how many */
    UNET_FOUND_MASK_VALUES,     /* what the values mean cannot be told; text says why */
    UNET_FOUND_MASK_SOFT,       /* values between the codes of the masks: how many, share of pixels.
                                   Of the set: how many masks.  An error when they cannot be taken to
                                   the nearest code */
    UNET_FOUND_MASK_STRANGE,    /* a value that no code of the other masks is, share of pixels; a
                                   warning where it became a class */
    UNET_FOUND_CHANNELS,        /* channels of this image, of most */
    UNET_FOUND_SAMPLE,          /* unet_sample of this image, of most; of the set: how many images
                                   have 8-bit, 16-bit, float samples */
    UNET_FOUND_SIZE,            /* width, height, and those of most */
    UNET_FOUND_BITS,            /* 16-bit samples that only use: bits, highest sample */
    UNET_FOUND_BITS_SPREAD,     /* 16-bit samples that are 8-bit ones times 257; of a pair: samples
                                   are multiples of: this, those of most images */
    UNET_FOUND_CONSTANT,        /* the sample that fills the image */
    UNET_FOUND_SATURATED,       /* share of samples at the highest value */
    UNET_FOUND_CHANNEL_ORDER,   /* the others fit better with channel 1, 2, 3 of this image taken
                                   from: three numbers from 1 */
    UNET_FOUND_MASK_EMPTY,      /* only background; of the set: how many */
    UNET_FOUND_MASK_FULL,       /* the class that fills it; of the set: how many */
    UNET_FOUND_INVERTED,        /* of two classes, foreground and background seem to be exchanged:
                                   share of foreground here, of the others.  Of the set: so many
                                   masks are the other way round than so many others */
    UNET_FOUND_CLASSES_SWAPPED, /* two classes seem to be exchanged: which */
    UNET_FOUND_PALETTE_ORDER,   /* the mask's palette has the colours of the other masks in another
                                   order */
    UNET_FOUND_CLASS_OFFSET,    /* class numbers seem to be too high by: how much */
    UNET_FOUND_BACKGROUND_SMALL, /* of the set: share of class 0, when two classes; inverted? */
    UNET_FOUND_CLASS_ABSENT,     /* of the set: a class that no mask has */
    UNET_FOUND_MASK_SHIFTED,     /* the mask would fit after moving it right and down by: two
                                    numbers, in pixels */
    UNET_FOUND_MASK_OF_OTHER,    /* the mask fits another image's (`other`) place */
    UNET_FOUND_SAME_PAIR,        /* image and mask are those of `other` */
    UNET_FOUND_SAME_IMAGE,       /* the image is that of `other`, the masks differ */
    UNET_FOUND_SAME_MASK,        /* the mask is that of `other`, the images differ */
    UNET_FOUND_NEAR_IMAGE,       /* the image nearly is that of `other`: correlation */
    UNET_FOUND_READING,          /* how the image's file was read is not obvious; text says it */
    UNET_FOUND_FILL,       /* of the set: samples of this value are no data, in so many images,
                              mean share of their samples */
    UNET_FOUND_SCALES,     /* of the set: values on two scales: how many images reach only, a
                              value; how many the other.  Of a pair: values reach, in the nearest
                              of all others */
    UNET_FOUND_MASK_PLACE, /* headers say that the mask lies elsewhere than its image, or in
                              another order, in which case it is a note: it was put right */
    UNET_FOUND_DIRECTIONS, /* of the set: images lie in several directions by their headers */
    UNET_FOUND_ALPHA,      /* of the set: alpha channels that are not the same everywhere are
                              left out.  Text says more of all three */
    UNET_FOUND_CONTRAST,   /* of the set: the foreground is brighter than the background in so many
                              images, darker in so many.  Of a pair, unlike the others: 1 brighter, 0
                              darker.  A warning where these are the others' negatives */
    UNET_FOUND_PIXEL_SIZE, /* of the set: pixels are of several sizes by headers; text says which */
    UNET_FOUND_SCRIBBLES,  /* of the set: so many masks are thin strokes of several classes, and 0,
                              this share of all, may mean "not labelled" */
    UNET_FINDING_KINDS
} unet_finding_kind;

typedef struct unet_finding {
    unet_finding_kind kind;
    unet_severity severity;
    int pair;                 /* that it is about; -1: the set, or a file without a partner */
    const char *file, *other; /* NULL: none */
    double number[4];
    const char *text;   /* one line of the library's own; "" */
    unsigned int hints; /* to that, as in unet_error */
} unet_finding;

/* What is known of one image and its mask. */
typedef struct unet_survey_pair {
    const char *image, *mask; /* paths; of a data set: the image's name, NULL */
    int readable;             /* 0: a finding says why, and all below is 0 */
    int height, width, channels;
    unet_sample sample;
    int prepared;
    int grey;                       /* 1: all channels are equal, or there is one */
    double low, dark, bright, high; /* smallest, 0.1 and 99.9 percentile, largest sample */
    double mean[3];                 /* of each of the first three channels */
    double saturated;               /* share of samples at the highest value */
    const uint64_t *pixels;         /* [labels] of each class; NULL: the mask was of no use */
    uint64_t ignored;               /* pixels without a label */
    double fit;                     /* how well the mask's outlines lie on edges of the image: in
                                       standard deviations above chance; NAN: cannot be said */
} unet_survey_pair;

/* What is known of all. */
typedef struct unet_survey_facts {
    int pairs, readable;
    int errors, warnings, notes;
    int channels; /* that a network for them takes */
    int labels;   /* class indices; 0: not known */
    int min_height, max_height, min_width, max_width;
    int smallest_side, largest_side;   /* of the shorter sides of the images */
    int prepared;                      /* 1: all are .npy, and go in as they are */
    double low, high;                  /* samples that become 0 and 1 */
    uint64_t pixels[UNET_MAX_CLASSES]; /* of each class */
    uint64_t ignored;
    uint64_t bytes;     /* of all images and masks in memory, as a data set holds them */
    const char *rule;   /* how images and masks were paired; "" */
    const char *coding; /* what mask values mean; "": not known */
    int objects;        /* 1: they number objects */
} unet_survey_facts;

/*
 * Looks at every image and mask that unet_dataset_open() would read with these arguments, one pair
 * in memory at a time.  What is wrong with the data becomes findings, so this fails only when there
 * is nothing to look at: UNET_EIO, UNET_EINVAL (no pairs), UNET_ENOMEM, UNET_ESTOPPED.
 *
 *   progress  called after each pair; non-zero stops; may be NULL
 */
UNET_API unet_code unet_survey_open(const char *images, const char *masks,
                                    const unet_dataset_options *options,
                                    int (*progress)(void *context, int done, int count),
                                    void *context, unet_survey **survey, unet_error *err);

/* The same of what is in memory already.  cancel (unet_embed.h) may be NULL. */
UNET_API unet_code unet_survey_dataset(const unet_dataset *dataset,
                                       const struct unet_cancel *cancel, unet_survey **survey,
                                       unet_error *err);
UNET_API void unet_survey_free(unet_survey *survey);

/*
 * As unet_dataset_split() and unet_dataset_fold(), but an image and its neighbours, by which a
 * network could know it, are not parted: pages of one file, frames of a sequence, tiles of one
 * picture are held out whole, or the last of them in a row.  The survey is of this data set, before
 * any split.  unet_dataset_held_out_text(*held_out) says what was done; "": drawn one by one.
 */
UNET_API unet_code unet_survey_split(const unet_survey *survey, unet_dataset *dataset, double share,
                                     uint64_t seed, unet_dataset **held_out, unet_error *err);
UNET_API unet_code unet_survey_fold(const unet_survey *survey, unet_dataset *dataset, int fold,
                                    int folds, uint64_t seed, unet_dataset **held_out,
                                    unet_error *err);
/* Moves the images i with out[i] != 0 [unet_dataset_count()] into a set of their own, which is read
 * as this one is. */
UNET_API unet_code unet_dataset_part(unet_dataset *dataset, const int *out, unet_dataset **held_out,
                                     unet_error *err);
UNET_API const char *unet_dataset_held_out_text(const unet_dataset *dataset);

/* All belong to the survey. */
UNET_API const unet_survey_facts *unet_survey_all(const unet_survey *survey);
UNET_API const unet_survey_pair *unet_survey_at(const unet_survey *survey, int i);

/* Errors first, then warnings, then notes; of one kind in the order of the pairs. */
UNET_API int unet_survey_findings(const unet_survey *survey);
UNET_API const unet_finding *unet_survey_finding(const unet_survey *survey, int i);

/* A word for a kind, for programs: "mask-shifted". */
UNET_API const char *unet_finding_name(unet_finding_kind kind);

/*
 * Reads pair i again and draws it small: image and overlay (see unet_overlay()), U8 RGB, the longer
 * side at most `side`.  A class with more than half of all pixels is an outline alone.  The caller
 * releases both.  Not for a survey of a data set.
 */
UNET_API unet_code unet_survey_picture(const unet_survey *survey, int i, int side,
                                       const uint8_t (*colors)[3], int color_count,
                                       unet_image *image, unet_image *overlay, unet_error *err);

#ifdef __cplusplus
}
#endif

#endif
