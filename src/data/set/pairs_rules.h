/* SPDX-License-Identifier: Apache-2.0 */
/* pairs_rules.h - what the rules of pairs.c work on */
#ifndef UN_PAIRS_RULES_H
#define UN_PAIRS_RULES_H

#include <stdbool.h>

#include "base/error.h"
#include "data/set/pairs.h"

/* ---- listing.c: the image files of a folder and their names in parts, for pairs.c ---- */

struct un_listed {
    char *path;
    const char *relative; /* below the folder that was listed; in path */
    const char *name;     /* without folders; in path */
    char *folder;         /* of relative, "" or "a/b" */
    char *stem;           /* name without its ending */
    char *mask_stem;      /* stem without what marks a mask: cell_mask -> cell */
    char *image_stem;     /* stem without what marks an image: cell_img -> cell */
    char *numbers;        /* all numbers in stem: "img_007_2" -> "7,2"; "": none */
    bool foreign;         /* an image format that is not read */
    int used;             /* for the caller: the image it belongs to, or -1 */
};

struct un_listing {
    struct un_listed *files; /* in natural order of relative */
    int count, room;
};

/*
 * The images in a folder and in those below it, without hidden ones and without the folder `but`
 * (may be NULL).  UNET_EIO, UNET_ENOMEM.
 */
unet_code un_listing_read(const char *folder, const char *but, struct un_listing *listing,
                          unet_error *err);

/* Adds a file; takes path, also on failure.  root: bytes of it that are the listed folder. */
unet_code un_listing_add(struct un_listing *listing, char *path, size_t root, unet_error *err);
void un_listing_sort(struct un_listing *listing);

/* Bytes of a file's name before its ending: 4 of scan.ome.tif. */
size_t un_stem_size(const char *name);

/* A listing of one file. */
unet_code un_listing_of_file(const char *path, struct un_listing *listing, unet_error *err);
void un_listing_release(struct un_listing *listing);

bool un_is_folder(const char *path);
bool un_is_same_file(const char *a, const char *b);

/* ---- pairs_rules ---- */

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
