/* SPDX-License-Identifier: Apache-2.0 */
/*
 * objects_out.h - the objects of a prediction: their options, files and totals
 *
 * For each page: objects_out_open(), objects_out_band() for its bands (with masks, and
 * images where a table is wanted), objects_out_finish(), then totals; objects_out_release() in any
 * case.
 */
#ifndef OBJECTS_OUT_H
#define OBJECTS_OUT_H

#include <jansson.h>

#include "shared/options.h"
#include "unet_objects.h"

/* What the options say; the rows' offsets count from its beginning. */
struct objects_wishes {
    int split, keep_holes;
    double split_depth; /* 0: not given */
    int minimum_area;   /* 0: not given */
    int channel;        /* from 1; 0: not given */
    int pyramid;        /* of numbers as TIFF, as in unet_writer_page */
};
extern const struct option_row objects_options[];

/* Whether they say what objects are, so that someone wants to see them. */
int objects_wished(const struct objects_wishes *wishes);

/* Where results go; NULL: not asked for. */
struct objects_files {
    const char *ids, *rois;
    unet_table *table;
    const char *image; /* of the rows of the table */
    int page;
};

/* Of one class. */
struct objects_total {
    uint64_t count, pixels, at_edge;
};

struct objects_out {
    const unet_model *model;
    unet_objects *objects;
    double pixel_area; /* in square units; 0: not known */
    char unit[8];
    struct objects_total total[UNET_MAX_CLASSES];
};

/* Of a page of an image, which must stay open.  memory: bytes it may hold; 0: no limit. */
unet_code objects_out_open(struct objects_out *out, const struct objects_wishes *wishes,
                           const unet_model *model, unet_source *source, int page, uint64_t memory,
                           unet_error *err);
unet_code objects_out_band(struct objects_out *out, const unet_band *band, unet_error *err);

/* After the last band: finds the objects, writes the files and adds up the totals. */
unet_code objects_out_finish(struct objects_out *out, const struct objects_files *files,
                             unet_error *err);

/* One line on stdout for each class that has objects: "NAME: 12 cell, 3456 px (216 um2) ...". */
void objects_out_print(const struct objects_out *out, const char *name);

/* The same as an array with an object for each class but the first. */
json_t *objects_out_json(const struct objects_out *out);

/* What a user should know, such as that objects were not split; text is "" when there is none. */
void objects_out_note(const struct objects_out *out, char *text, size_t size);
void objects_out_release(struct objects_out *out);

#endif
