/* SPDX-License-Identifier: Apache-2.0 */
/* pairs_rules.h - what the rules of pairs.c work on */
#ifndef UN_PAIRS_RULES_H
#define UN_PAIRS_RULES_H

#include <stdbool.h>

#include "base/error.h"
#include "data/set/pairs.h"

/* ---- listing.c: the image files of a folder and their names in parts, for pairs.c ---- */

enum { UN_STEM, UN_MASK_STEM, UN_IMAGE_STEM, UN_NAMES };

struct un_listed {
    char *path;
    const char *relative;       /* below the folder that was listed; in path */
    const char *name;           /* without folders; in path */
    char *folder;               /* of relative, "" or "a/b" */
    char *stem;                 /* name without its ending */
    char *mask_stem;            /* stem without what marks a mask: cell_mask -> cell */
    char *image_stem;           /* stem without what marks an image: cell_img -> cell */
    char *numbers;              /* all numbers in stem: "img_007_2" -> "7,2"; "": none */
    char *folded[UN_NAMES];     /* the three stems as un_fold_name() has them */
    bool foreign;               /* an image format that is not read */
    int used;                   /* for the caller: the image it belongs to, or -1 */
    struct un_drawing *drawing; /* outlines that this is; NULL: a file */
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

/* For qsort() and bsearch() of pointers to files: by folder, then by stem. */
int un_listed_by_stem(const void *a, const void *b);

/* A listing of one file. */
unet_code un_listing_of_file(const char *path, struct un_listing *listing, unet_error *err);
void un_listing_release(struct un_listing *listing);

/* Takes out the files that are marked. */
void un_listing_drop(struct un_listing *listing, const bool *out);

/* Whether a character stands between words of names; whether a name begins with a mark, in whose
 * place of '_' any such may be. */
bool un_name_is_gap(char c);
bool un_name_has_mark(const char *name, const char *mark);

/* The stem without a mark of masks and a number behind it, "x" of "x_mask_2"; NULL: it is another,
 * or there is no memory. */
char *un_without_number(const char *stem);

/*
 * A name without what programs and people change on the way: capitals, accents and how they are
 * written (NFC, NFD), '-', '_', '.' and blanks, and the eight hex digits that Label Studio puts
 * before names.  NULL: no memory.  (fold.c)
 */
char *un_fold_name(const char *name);

/* Not of a folder that is one image, such as OME-Zarr. */
bool un_is_folder(const char *path);
bool un_is_same_file(const char *a, const char *b);

/* "6 .json files in it (outlines ...)": what lies in a folder of masks that are none, or what a
 * file is; "": nothing known.  (pairs_left.c) */
void un_pairs_drawings(const char *masks, char *text, size_t size);

/* "2 files of outlines there (a.json ...) are not read beside ...", of a folder of masks that are
 * images; "": there are none.  (pairs_left.c) */
void un_pairs_drawn(const char *masks, char *text, size_t size);

/* ---- pairs_rules ---- */

struct un_pairing {
    const char *images, *masks; /* as given */
    struct un_listing image, mask;
    const struct un_pair_wish *wish; /* NULL: none */
    bool same;                       /* both are one folder */
    bool partial;                    /* images without a mask are left out */
    bool by_class;                   /* each class has masks of its own */
    /* masks of each image: [image.count][class_count], indices into mask, or -1 */
    int *found;
    char **classes; /* names; NULL: one mask for each image, class_count 1 */
    int class_count;
    bool
        objects; /* every mask whose `used` is an image has one object of it; found has the first */
    bool slices; /* the masks of an image are those of its pages, in their order */
    bool no_pages; /* pages are channels */
    int passed;    /* files of other programs that are no images and no masks, and the first */
    char first_passed[48];
    struct un_outlines *outlines; /* whose drawings the masks are */
    char rule[160];
};

/* Takes files that other programs write beside images out of both listings; with one folder for
 * both, before and after un_pairing_part().  (pairs_beside.c) */
unet_code un_pairing_pass_images(struct un_pairing *work, unet_error *err);
unet_code un_pairing_pass_masks(struct un_pairing *work, unet_error *err);

/* With images and masks in one folder: moves the masks to the other listing.  (pairs_same.c) */
unet_code un_pairing_part(struct un_pairing *work, unet_error *err);

/* A mask whose name begins with an image's: that image, or -1, and the word behind its name. */
struct un_part {
    int image;
    const char *word;
    int own; /* the image whose name and a mark the mask has, or -1 */
};

/* parts [mask.count].  (pairs_class.c) */
unet_code un_pairing_words(const struct un_pairing *work, struct un_part *parts, unet_error *err);

/* What comes before the number at the end of a word, "obj_" of "obj_12"; SIZE_MAX: it ends in none.
 * (pairs_object.c) */
size_t un_word_before_number(const char *word);

/* Whether a word before a number is that of classes: class_1, ch2.  (pairs_object.c) */
bool un_word_is_class(const char *word, size_t size);

/* Gives each mask its image (image [mask.count], -1: none), all masks of an image its objects.
 * (pairs_object.c) */
unet_code un_pairing_take(struct un_pairing *work, const int *image, const char *rule, bool *done,
                          unet_error *err);

/* Whether some image has two masks or more.  (pairs_object.c) */
unet_code un_pairing_several(const struct un_pairing *work, const int *image, bool *several,
                             unet_error *err);

/* A stack beside a folder with as many files, in their natural order; *done: it has pages.
 * (pairs_pages.c) */
unet_code un_pairing_pages(const struct un_listing *files, const char *stack, bool stack_is_image,
                           struct un_pairs *made, bool *done, unet_error *err);

/* The same of two folders, of which one has a stack alone, where no rule has found a mask.
 * (pairs_pages.c) */
unet_code un_pairing_lone_stack(const struct un_pairing *work, struct un_pairs *made, bool *done,
                                unet_error *err);

/* Whether images that have several masks (image as for un_pairing_take()) are stacks with as many
 * pages.  UNET_EINVAL: another number of them.  (pairs_pages.c) */
unet_code un_pairing_slices(const struct un_pairing *work, const int *image, bool *slices,
                            unet_error *err);
unet_code un_pairing_fill_slices(const struct un_pairing *work, int i, struct un_pairs *made,
                                 unet_error *err);

/*
 * Rules, each for the whole set; *done is set when it found masks.  (pairs_folder.c, pairs_name.c,
 * pairs_object.c, pairs_class.c, pairs_pattern.c, pairs_number.c, pairs_middle.c)
 */
unet_code un_pairing_by_folder(struct un_pairing *work, bool *done, unet_error *err);
unet_code un_pairing_by_object(struct un_pairing *work, bool *done, unet_error *err);
unet_code un_pairing_by_further(struct un_pairing *work, bool *done, unet_error *err);
unet_code un_pairing_by_name(struct un_pairing *work, bool *done, unet_error *err);
unet_code un_pairing_by_class(struct un_pairing *work, bool *done, unet_error *err);
unet_code un_pairing_by_pattern(struct un_pairing *work, bool *done, unet_error *err);
unet_code un_pairing_by_number(struct un_pairing *work, bool *done, unet_error *err);
unet_code un_pairing_by_middle(struct un_pairing *work, bool *done, unet_error *err);

/*
 * Puts the drawings of work->masks, a file or a folder, in the place of the masks, and pairs them
 * with the images; *done: it holds some.  (pairs_outlines.c)
 */
unet_code un_pairing_outlines(struct un_pairing *work, bool *done, unet_error *err);

/* The drawings of pairs whose masks a list names, if these are outlines.  (pairs_outlines.c) */
unet_code un_pairs_draw(struct un_pairs *pairs, unet_error *err);

/* Of one mask for each image: folders of masks become classes, or are noted in made->folders.
 * (pairs_folders.c) */
unet_code un_pairing_folders(struct un_pairing *work, struct un_pairs *made, unet_error *err);

/* Of names that a rule has paired: whether a known layout has another mask that is free for an
 * image.  UNET_EINVAL names both.  (pairs_pattern.c) */
unet_code un_pairing_contradicted(struct un_pairing *work, unet_error *err);

/* Of one folder for both: which of its files are the masks that a pattern finds for another; is
 * [image.count], which is set where it is so.  (pairs_pattern.c) */
unet_code un_pairing_targets(struct un_pairing *work, bool *is, unet_error *err);

/* Pairs as a list says, "image,mask" in each line, with pairs->channels of the images.
 * (pairs_list.c) */
unet_code un_pairs_of_list(const char *images, const char *list, bool predicted,
                           struct un_pairs *pairs, unet_error *err);
bool un_is_list_name(const char *path);

/* UNET_EINVAL: two pairs have one image, or one mask that is no file of outlines.  (pairs_twins.c)
 */
unet_code un_pairs_list_twins(const char *list, const struct un_pairs *made, unet_error *err);

/* The predicted mask that a list's image has; where: in which line.  UNET_EINVAL: none, or two.
 * (pairs_predicted.c) */
unet_code un_predicted_find(const struct un_listing *predicted, const char *cell, const char *where,
                            char **path, unet_error *err);

/* Masks and images change places; of several masks of an image, the first is it.
 * (pairs_predicted.c) */
void un_pairs_exchange(struct un_pairs *pairs);

/* Makes room for masks of `classes` classes, none found.  Takes names, also on failure. */
unet_code un_pairing_room(struct un_pairing *work, char **names, int classes, unet_error *err);

/* Gives image i a mask as class k.  UNET_EINVAL: another image has it. */
unet_code un_pairing_set(struct un_pairing *work, int i, int k, int mask, unet_error *err);

#endif
