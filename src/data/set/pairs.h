/* SPDX-License-Identifier: Apache-2.0 */
/* pairs.h - which mask belongs to which image */
#ifndef UN_PAIRS_H
#define UN_PAIRS_H

#include <stdbool.h>
#include <stddef.h>

#include "base/error.h"
#include "data/outlines/outlines.h"
#include "image/channels.h"
#include "image/source.h"

#define UN_PAIR_CLASSES 254

struct un_pair {
    char *image;    /* path, perhaps of one page: scan.tif[3] */
    char *mask;     /* path; NULL: a file for each class */
    char **files;   /* [class_count] of un_pairs: mask of each class, NULL: it is not there */
    char **objects; /* of un_pairs.objects: a mask of each object, NULL behind the last; `mask` is
                       the first of them */
    struct un_drawing *drawing; /* outlines that are the mask; `mask` is their file */
    const char *name;           /* of the image, with its folders below the one that was given */
};

struct un_pairs {
    struct un_pair *pairs; /* in natural order: img2 comes before img10 */
    int count;
    char **images, **masks; /* paths of those without a partner, in natural order */
    int image_count, mask_count;
    char **classes; /* names of the classes that have files of their own, in natural order */
    int class_count;
    bool objects;                 /* a mask has one object of its image */
    bool predicted;               /* images are predicted masks, masks the true ones */
    bool partial;                 /* the rule leaves out images without a mask */
    char rule[160];               /* how they were paired: "by name", "by name without _mask" */
    char drawn[160];              /* outlines among masks that are images: "2 files of ..."; "" */
    char folders[200];            /* of masks that may each be a class, ",nucleus,cell"; "" */
    struct un_channels channels;  /* what images are made of: what was wished, and files found */
    struct un_outlines *outlines; /* whose drawings are the masks; NULL: masks are images */
    struct un_manner manner;      /* how the images are to be read */
    struct un_manner of_mask;     /* and one mask for an image, or for a page */
};

/* What a person said: a pattern (docs/labels.md), and channels; NULL: nothing. */
struct un_pair_wish {
    const char *image;    /* POSIX extended regular expression for the end of an image's path */
    const char *mask;     /* the end of its mask's path, with \1 for what a group matched */
    const char *channels; /* as in image/channels.h */
    int predicted;        /* as in unet_dataset_options */
    bool by_class;        /* un_pairs_by_class() */
};

/*
 * Pairs the images of a folder and the folders below it (or one image file) with the masks of
 * another (or one mask file, or a list of pairs: .csv, .tsv, .txt); both may be the same folder.
 * docs/labels.md lists the rules.  wish may be NULL.  What
 * has no partner is no error here.  Hidden files and files that are no images are passed over.
 * Files that hold a channel each are one image (channel_files.h).
 *
 * UNET_EIO: a folder cannot be read.  UNET_EINVAL: no images, or several candidates, which are
 * named.
 */
unet_code un_pairs_find(const char *images, const char *masks, const struct un_pair_wish *wish,
                        struct un_pairs *pairs, unet_error *err);

struct un_wish;
struct un_coding;

/* Whether each class has masks of its own, by what a person says or, given, a model or another set.
 * (pairs_folders.c) */
bool un_pairs_by_class(const unet_dataset_options *options, const struct un_coding *given);

/*
 * UNET_EINVAL: masks of one class, as found, lie in folders that may each be a class, and neither
 * the wish nor what is given (may be NULL) says so or not.  (pairs_folders.c)
 */
unet_code un_pairs_folders_settled(const struct un_pairs *pairs, const char *masks,
                                   const struct un_wish *wish, const struct un_coding *given,
                                   const struct un_coding *found, unet_error *err);

/*
 * UNET_EINVAL, naming the first few, when there is an image without a mask; with only_pairs, or
 * where the rule leaves them out, when there is no other.
 */
unet_code un_pairs_complete(const char *images, const char *masks, const struct un_pairs *pairs,
                            bool only_pairs, unet_error *err);

/* "2 images without a mask: a.png, b.png; 1 mask without an image: c.png"; "": nothing is left.
 * A class that has no file for some image is said, too. */
void un_pairs_left_out(const struct un_pairs *pairs, char *text, size_t size);

/*
 * Settles manner: an alpha channel is a channel where that makes `channels` of them, or, if
 * channels is 0, where all images have one and it is not the same everywhere.  text: what a person
 * should know, an alpha that is not the same everywhere and left out; "".  (pairs_alpha.c)
 */
unet_code un_pairs_alpha(struct un_pairs *pairs, int channels, char *text, size_t size,
                         unet_error *err);

/* What options (may be NULL) say of how files are read.  UNET_EINVAL: not a number.
 * (pairs_alpha.c) */
unet_code un_pairs_manner(struct un_pairs *pairs, const unet_dataset_options *options,
                          unet_error *err);

/* Opens the mask of a pair that has one, as masks are read; image: the pair's, if it is open.  Of
 * outlines the masks are the codes of un_outlines_settle().  (pairs_outlines.c) */
unet_code un_pair_open_mask(const struct un_pairs *pairs, const struct un_pair *pair,
                            struct unet_source *image, struct unet_source **mask, unet_error *err);

/* The mask of one class of a pair; NULL: there is none. */
const char *un_pair_file(const struct un_pairs *pairs, const struct un_pair *pair,
                         const char *name);
void un_pairs_release(struct un_pairs *pairs);

/* Bytes of a name without its ending: 4 of scan.ome.tif, as .nii.gz and .ome.tif are one.
 * (listing.c) */
size_t un_stem_size(const char *name);

#endif
