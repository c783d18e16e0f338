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
    bool
        objects; /* every mask whose `used` is an image has one object of it; found has the first */
    char rule[160];
};

/* With images and masks in one folder: moves the masks to the other listing.  (pairs_same.c) */
unet_code un_pairing_part(struct un_pairing *work, unet_error *err);

/* A mask whose name begins with an image's: that image, or -1, and the word behind its name. */
struct un_part {
    int image;
    const char *word;
};

/* parts [mask.count].  (pairs_class.c) */
unet_code un_pairing_words(const struct un_pairing *work, struct un_part *parts, unet_error *err);

/* What comes before the number at the end of a word, "obj_" of "obj_12"; SIZE_MAX: it ends in none.
 * (pairs_object.c) */
size_t un_word_before_number(const char *word);

/* Whether a word before a number is that of classes: class_1, ch2.  (pairs_object.c) */
bool un_word_is_class(const char *word, size_t size);

/*
 * Rules, each for the whole set; *done is set when it found masks.  (pairs_object.c, pairs_name.c,
 * pairs_class.c, pairs_number.c)
 */
unet_code un_pairing_by_folder(struct un_pairing *work, bool *done, unet_error *err);
unet_code un_pairing_by_object(struct un_pairing *work, bool *done, unet_error *err);
unet_code un_pairing_by_name(struct un_pairing *work, bool *done, unet_error *err);
unet_code un_pairing_by_class(struct un_pairing *work, bool *done, unet_error *err);
unet_code un_pairing_by_number(struct un_pairing *work, bool *done, unet_error *err);

/* Makes room for masks of `classes` classes, none found.  Takes names, also on failure. */
unet_code un_pairing_room(struct un_pairing *work, char **names, int classes, unet_error *err);

/* Gives image i a mask as class k.  UNET_EINVAL: another image has it. */
unet_code un_pairing_set(struct un_pairing *work, int i, int k, int mask, unet_error *err);

#endif
