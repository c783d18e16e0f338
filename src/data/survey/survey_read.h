/* SPDX-License-Identifier: Apache-2.0 */
/* survey_read.h - what a survey reads: pairs of pages, and the classes of one
 * of them at a time */
#ifndef UN_SURVEY_READ_H
#define UN_SURVEY_READ_H

#include "data/masks/census.h"
#include "data/set/pairs.h"
#include "image/fit.h"
#include "image/image.h"

/* One image with its mask; of a file with several pages, one page. */
struct un_survey_page {
    char *image, *mask; /* paths, such as scan.tif[3]; mask NULL: a file for each class */
    const struct un_pair *files;
    int number; /* of the page among the file's */
};

/* The files of one pair, which stay open while its pages are looked at. */
struct un_survey_held {
    const struct un_pair *of; /* NULL: none */
    struct unet_source *image, *mask;
    struct un_fits fits; /* of the pair */
    unet_error why;      /* code: what keeps them from being read together */
};

struct un_survey_files {
    struct un_pairs pairs;
    struct un_survey_page *pages;
    int count;
    struct un_survey_held *held;
};

/* As un_pairs_find(); also UNET_EINVAL: not one pair. */
unet_code un_survey_list(const char *images, const char *masks, const struct un_pair_wish *wish,
                         struct un_survey_files *files, unet_error *err);
void un_survey_files_free(struct un_survey_files *files);

/* The mask of page i, which has one, or one for each object. */
unet_code un_survey_read_mask(const struct un_survey_files *files, int i, struct un_mask *mask,
                              unet_error *err);

/* The image of page i; *fill: what its file declares to be no data. */
unet_code un_survey_read_image(const struct un_survey_files *files, int i, unet_image *image,
                               struct un_fill *fill, unet_error *err);

/* Hashes of a palette's colours, in their order and in any; 0: it has none. */
void un_survey_hash_palette(const struct un_mask *mask, uint32_t hash[2]);

/* Numbers of objects in one mask, and those on pieces far from each other (survey_apart.c). */
struct un_survey_apart {
    uint64_t numbers, apart;
    uint32_t first; /* of those */
};

struct un_survey_classes {
    uint8_t *classes;  /* [height][width], from malloc; NULL: the sides are not
                          those of the image */
    int height, width; /* of the mask that does not fit, or of the image */
    double soft;       /* share of pixels whose value was on a soft edge between codes */
    struct un_survey_apart apart;
};

/* ids, classes [height][width]; what carries no label is no object. */
unet_code un_survey_find_apart(const uint32_t *ids, const uint8_t *classes, int height, int width,
                               struct un_survey_apart *found, unet_error *err);

/* The classes of page i, whose image has these sides. */
unet_code un_survey_read_classes(const struct un_survey_files *files, int i,
                                 const struct un_coding *coding, int height, int width,
                                 struct un_survey_classes *classes, unet_error *err);

#endif
