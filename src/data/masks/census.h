/* SPDX-License-Identifier: Apache-2.0 */
/*
 * census.h - which codes occur in a set of masks, how often, and in what shapes
 *
 * Masks are shown to it one at a time:
 *
 *     struct un_census census = {0};
 *     for each mask: un_mask_of_page, un_census_take, un_mask_release
 *     un_coding_find(&census, ...); un_census_release(&census)
 */
#ifndef UN_CENSUS_H
#define UN_CENSUS_H

#include "data/masks/mask.h"

#define UN_CENSUS_CODES (1 << 20) /* most different codes */
#define UN_CENSUS_NEAR 16         /* neighbours this near make an area of lossy values */

struct un_census_entry {
    enum un_code_type type;
    uint32_t code;
    uint32_t color;  /* UN_CODE_INDEX: 0xrrggbb of the palette */
    uint64_t pixels; /* 0: the place in the table is empty */
    uint64_t flat;   /* pixels whose 8 neighbours have the same code */
    uint64_t smooth; /* pixels whose 8 neighbours are within UN_CENSUS_NEAR */
    uint64_t slope;  /* pixels between two opposite neighbours, in place and in value */
    uint32_t depths; /* 1: masks of 8 bits or fewer have it, 2: of more, 3: both */
    uint32_t files;  /* masks that have it */
    uint32_t pieces; /* connected areas in all of them */
    int file;        /* the first mask that has it */
    int last_file;
    int row, column; /* where it is first there */
};

struct un_census_file {
    char *name;
    enum un_code_type type;
    int bits;
    bool lossy;
    uint32_t kinds;        /* codes but 0 */
    uint32_t most;         /* the largest */
    bool inverted, turned; /* as of the mask */
};

struct un_census {
    struct un_census_entry *entries; /* a hash table: look at those with pixels > 0 */
    size_t room, count;
    struct un_census_file *files;
    int file_count, file_room;
    uint64_t pixels;
};

/* Adds a mask.  UNET_EINVAL: more different codes than UN_CENSUS_CODES; UNET_ENOMEM. */
unet_code un_census_take(struct un_census *census, const struct un_mask *mask, unet_error *err);
void un_census_release(struct un_census *census);

#endif
