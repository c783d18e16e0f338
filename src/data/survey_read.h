/* SPDX-License-Identifier: Apache-2.0 */
/* survey_read.h - what a survey reads: names of files, and masks one at a time */
#ifndef UN_SURVEY_READ_H
#define UN_SURVEY_READ_H

#include <stdbool.h>

#include "data/image.h"
#include "data/pairs.h"

struct un_survey_files {
    struct un_pair *pairs;
    int count;
    char **no_mask, **no_image; /* paths of files without a partner */
    int no_mask_count, no_image_count;
    char rule[160]; /* what a person should know of how they were paired */
};

/*
 * As un_pairs_find(), but what has no partner is listed.  UNET_EIO; UNET_EINVAL: not one pair, or
 * names that several files share.
 */
unet_code un_survey_list(const char *images, const char *masks, struct un_survey_files *files,
                         unet_error *err);
void un_survey_files_free(struct un_survey_files *files);

/*
 * The values of a mask as they stand in the file, [height][width], from malloc.
 *
 *   bits     of a sample in the file
 *   palette  [2] hashes of the colours of its palette, in their order and in any; 0: it has none
 */
unet_code un_survey_read_mask(const char *path, int *height, int *width, uint8_t **values,
                              int *bits, uint32_t palette[2], unet_error *err);

#endif
