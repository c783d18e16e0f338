/* SPDX-License-Identifier: Apache-2.0 */
/* pairs_rules.h - what the rules of pairs.c work on */
#ifndef UN_PAIRS_RULES_H
#define UN_PAIRS_RULES_H

#include "data/set/listing.h"
#include "data/set/pairs.h"

struct un_pairing {
    const char *images, *masks; /* as given */
    struct un_listing image, mask;
    bool same; /* both are one folder */
    /* masks of each image: [image.count][class_count], indices into mask, or -1 */
    int *found;
    char **classes; /* names; NULL: one mask for each image, class_count 1 */
    int class_count;
    char rule[160];
};

/* With images and masks in one folder: moves the masks to the other listing.  (pairs_same.c) */
unet_code un_pairing_part(struct un_pairing *work, unet_error *err);

/*
 * Rules, each for the whole set; *done is set when it found masks.  (pairs_name.c, pairs_class.c,
 * pairs_number.c)
 */
unet_code un_pairing_by_name(struct un_pairing *work, bool *done, unet_error *err);
unet_code un_pairing_by_class(struct un_pairing *work, bool *done, unet_error *err);
unet_code un_pairing_by_number(struct un_pairing *work, bool *done, unet_error *err);

/* Makes room for masks of `classes` classes, none found.  Takes names, also on failure. */
unet_code un_pairing_room(struct un_pairing *work, char **names, int classes, unet_error *err);

/* Gives image i a mask as class k.  UNET_EINVAL: another image has it. */
unet_code un_pairing_set(struct un_pairing *work, int i, int k, int mask, unet_error *err);

#endif
