/* SPDX-License-Identifier: Apache-2.0 */
/* survey_read.h - what a survey reads: pairs of pages, and the classes of one
 * of them at a time */
#ifndef UN_SURVEY_READ_H
#define UN_SURVEY_READ_H

#include "data/masks/census.h"
#include "data/set/pairs.h"
#include "image/image.h"

/* One image with its mask; of a file with several pages, one page. */
struct un_survey_page {
    char *image, *mask; /* paths, such as scan.tif[3]; mask NULL: a file for each class */
    const struct un_pair *files;
    int page, image_pages, mask_pages; /* of the files; mask_pages 0: it cannot be opened */
};

struct un_survey_files {
    struct un_pairs pairs;
    struct un_survey_page *pages;
    int count;
};

/* As un_pairs_find(); also UNET_EINVAL: not one pair. */
unet_code un_survey_list(const char *images, const char *masks, const struct un_pair_wish *wish,
                         struct un_survey_files *files, unet_error *err);
void un_survey_files_free(struct un_survey_files *files);

/* The mask of a page that has one, or one for each object. */
unet_code un_survey_read_mask(const struct un_survey_page *page, struct un_mask *mask,
                              unet_error *err);

/* Hashes of a palette's colours, in their order and in any; 0: it has none. */
void un_survey_hash_palette(const struct un_mask *mask, uint32_t hash[2]);

struct un_survey_classes {
    uint8_t *classes;  /* [height][width], from malloc; NULL: the sides are not
                          those of the image */
    int height, width; /* of the mask that does not fit, or of the image */
    double soft;       /* share of pixels whose value was on a soft edge between codes */
};

/* The classes of page i, whose image has these sides. */
unet_code un_survey_read_classes(const struct un_survey_files *files, int i,
                                 const struct un_coding *coding, int height, int width,
                                 struct un_survey_classes *classes, unet_error *err);

#endif
