/* SPDX-License-Identifier: Apache-2.0 */
/* dataset.h - a person's images and masks, in memory and understood */
#ifndef UN_DATASET_H
#define UN_DATASET_H

#include "data/masks/mask.h"
#include "image/channels.h"
#include "image/pixel_size.h"
#include "image/reading.h"

struct un_sample_pair {
    unet_image image;    /* as read, in its own sample type */
    uint8_t *mask;       /* [height][width] class indices or UNET_IGNORE */
    uint32_t *objects;   /* [height][width] object numbers, 0: none; NULL: the mask has classes */
    char *name;          /* file name of the image; of a stack's page: scan.tif[3] */
    struct un_fill fill; /* its sample that is no data */
    struct un_size size; /* of its pixels */
};

struct unet_dataset {
    struct un_sample_pair *pairs; /* in the natural order of their names */
    int count;
    int channels; /* 1 when every image is grey in truth, else 3 (or what .npy has) */
    struct un_coding coding;
    char coding_text[480];                /* the coding in words */
    char channels_text[UN_CHANNELS_TEXT]; /* what its images are made of; "": whole files */
    char rule[160];                       /* how images and masks were paired */
    char left_out[512];                   /* what has no partner */
    char fill_text[120];                  /* the samples that are no data; "" */
    char held_out[400];        /* how these images were taken out of a larger set; "": by chance */
    int threads;               /* of a survey; 0: one per core */
    struct un_scaling scaling; /* for 16-bit and float samples; not set when there are none */
};

/*
 * The inner half of unet_dataset_open(); options may be NULL, and its field model is not looked
 * at: coding is that of the model that the masks must fit, or NULL to find one in the masks.
 */
unet_code un_dataset_open(const char *images, const char *masks,
                          const unet_dataset_options *options, const struct un_coding *coding,
                          unet_dataset **dataset, unet_error *err);

/* The inner half of unet_dataset_from_function(); options and coding as above, but that options are
 * not NULL. */
unet_code
un_dataset_of_arrays(int count,
                     unet_code (*pair)(void *context, int i, unet_pair *pair, unet_error *err),
                     void *context, const unet_dataset_options *options,
                     const struct un_coding *coding, unet_dataset **dataset, unet_error *err);

/* The classes, and objects where they are numbered, of a mask as large as the pair's image; codes
 * are changed. */
unet_code un_pair_take_classes(struct un_sample_pair *pair, struct un_mask *codes,
                               const struct un_coding *coding, unet_error *err);

/* How the network takes a pair's image. */
struct un_reading un_pair_reading(const struct un_sample_pair *pair, int channels,
                                  const struct un_scaling *scaling);

/* When all pairs are there and the coding is known: what is true of the whole; scaling.fill is what
 * was said.  masks: for
 * messages. UNET_EINVAL: channels that differ, no pixel with a label. */
unet_code un_dataset_complete(unet_dataset *dataset, const char *masks, unet_error *err);

/*
 * Whether an array [channel][row][column] was taken for [row][column][channel]: the mask's sides
 * tell.  Then *err says what would help; mask may be NULL.
 */
bool un_dataset_planes(const unet_image *image, int mask_height, int mask_width, const char *name,
                       const char *mask, unet_error *err);

/* The inner half of unet_dataset_split(): round(share * count) images, but never all of them. */
unet_code un_dataset_split(unet_dataset *dataset, double share, uint64_t seed,
                           unet_dataset **held_out, unet_error *err);

/* The inner half of unet_dataset_fold(). */
unet_code un_dataset_fold(unet_dataset *dataset, int fold, int folds, uint64_t seed,
                          unet_dataset **held_out, unet_error *err);

/*
 * The same for images of which some belong together (dataset_groups.c): those of one group[] stay
 * on one side, as far as that goes; else the last of them in a row are held out.  Where no two are
 * of one group, as un_dataset_split() and un_dataset_fold().
 */
unet_code un_dataset_split_groups(unet_dataset *dataset, const int *group, double share,
                                  uint64_t seed, unet_dataset **held_out, unet_error *err);
unet_code un_dataset_fold_groups(unet_dataset *dataset, const int *group, int fold, int folds,
                                 uint64_t seed, unet_dataset **held_out, unet_error *err);

/* How many images a share is: at least one where there are two; never all.  UNET_EINVAL. */
unet_code un_dataset_share(const unet_dataset *dataset, double share, int *n, unet_error *err);
unet_code un_dataset_check_folds(const unet_dataset *dataset, int fold, int folds, unet_error *err);

/* Moves the images that are marked, n of them, into a set of their own. */
unet_code un_dataset_part(unet_dataset *dataset, const bool *out, int n, unet_dataset **held_out,
                          unet_error *err);

/* The inner half of unet_dataset_class_pixels(). */
void un_dataset_class_pixels(const unet_dataset *dataset, uint64_t pixels[UNET_MAX_CLASSES]);

void un_dataset_free(unet_dataset *dataset);

#endif
