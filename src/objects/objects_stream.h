/* SPDX-License-Identifier: Apache-2.0 */
/*
 * objects_stream.h - the objects of a mask that comes band by band, in bounded memory
 *
 *     rows -> labels, runs to disk             objects_label.h   un_objects_add
 *     all labels known -> components           objects_label.h   un_objects_finish
 *     runs of components -> areas and boxes
 *     runs of components -> parts of touching  objects_stream.h
 *                        -> ids, runs to disk, sums              objects_measure.h
 *     runs of ids -> image, table, outlines                      un_objects_write_*
 *
 * Everything after the first line reads whole rows from disk, so no result can depend on bands.  In
 * memory are the labels (6 bytes for each), the components (32) and the sums of each object (160).
 */
#ifndef UN_OBJECTS_STREAM_H
#define UN_OBJECTS_STREAM_H

#include <stdbool.h>

#include "image/image.h"
#include "objects/objects_label.h"
#include "objects/objects_measure.h"
#include "objects/objects_scratch.h"

/* ---- objects_window.c ---- */

/*
 * Some consecutive rows of runs in memory, and what id a pixel of them has.
 *
 * Moves downwards only: un_window_reach() loads rows up to one, un_window_leave() lets go of those
 * above one.
 */

struct un_window_row {
    struct un_run *runs;
    size_t count;
    uint8_t *inner; /* [width], where the window has a file of these */
};

struct un_window {
    struct un_run_rows *source;
    const uint32_t *map;        /* ids of the source to ids here; NULL: as they are */
    struct un_window_row *rows; /* [height] */
    int first, end;             /* rows first .. end - 1 are loaded */
    size_t bytes, limit;        /* of the rows; limit 0: none */
    struct un_scratch *inner;   /* rows of [width] bytes; NULL: none */
    size_t width;
};

unet_code un_window_open(struct un_window *window, struct un_run_rows *source, int height,
                         const uint32_t *map, size_t limit, unet_error *err);
void un_window_close(struct un_window *window);

/* Whether rows up to `last` can be loaded within the limit. */
bool un_window_fits(const struct un_window *window, int last);
unet_code un_window_reach(struct un_window *window, int last, unet_error *err);
void un_window_leave(struct un_window *window, int first);

/* The run of a loaded row that holds column x. */
size_t un_window_find(const struct un_window *window, int y, int x);
uint32_t un_window_at(const struct un_window *window, int y, int x);

/* Replaces a loaded row; takes runs, from malloc. */
void un_window_replace(struct un_window *window, int y, struct un_run *runs, size_t count);

/* ---- objects_stream ---- */

struct un_component {
    uint64_t area;
    int top, left, bottom, right; /* inclusive */
    uint32_t id;                  /* of the object; 0: none yet */
    uint8_t label;
    bool whole; /* is not to be split, or not any more */
};

struct unet_objects {
    unet_objects_options options; /* 0 replaced by what it stands for */
    int height, width, classes;
    char *folder;
    int next;              /* the row that comes next */
    struct un_run *row[2]; /* [width]: this one and the one above */
    size_t above_count;
    struct un_labels labels;
    struct un_run_rows pieces; /* runs with labels */
    bool measured;             /* bands come with images */
    unet_sample sample;
    struct un_scratch samples; /* [height][width] */
    struct un_scratch inner;   /* [height][width], where options.inner is set */
    void *line;                /* [width] samples */

    struct un_component *components; /* [count], 0: background */
    size_t count, room;
    struct un_run_rows ids; /* runs with ids */
    struct un_sums_table sums;
    size_t left_whole;
    bool failed, finished;
};

unet_code un_objects_create(const unet_objects_options *options, int height, int width, int classes,
                            unet_objects **objects, unet_error *err);
void un_objects_free(unet_objects *objects);
unet_code un_objects_add(unet_objects *objects, const unet_band *band, unet_error *err);
unet_code un_objects_finish(unet_objects *objects, unet_error *err);
void un_objects_get(const unet_objects *objects, size_t i, unet_object *object);

/* What is held now, and whether `more` bytes keep within the limit. */
size_t un_objects_held(const unet_objects *objects);
unet_code un_objects_afford(const unet_objects *objects, size_t more, unet_error *err);
/* What is left of the limit; 0: there is none. */
size_t un_objects_left(const unet_objects *objects);

unet_code un_objects_rows(unet_objects *objects, int top, int rows, uint32_t *ids, unet_error *err);
unet_code un_objects_write_ids(unet_objects *objects, const char *path, unet_error *err);
/* Draws rows top .. of overlay->image; mask and ids of overlay are set here. */
unet_code un_objects_overlay(unet_objects *objects, int top, struct un_overlay *overlay,
                             uint8_t *rgb, unet_error *err);
unet_code un_objects_write_csv(const unet_objects *objects, const char *path,
                               const char *const *class_names, unet_error *err);
/* objects_csv.c: behind unet_table_.. */
unet_code un_table_open(const char *path, const unet_table_options *options, unet_table **table,
                        unet_error *err);
unet_code un_table_add(unet_table *table, const unet_objects *objects, const char *image, int page,
                       unet_error *err);
unet_code un_table_commit(unet_table *table, unet_error *err);
void un_table_abort(unet_table *table);
unet_code un_objects_write_rois(unet_objects *objects, const char *path, unet_error *err);

/* ---- objects_split.c: one component cut where it is narrow ---- */

/*
 * Watershed on the distance to what is not the object: pixels are taken from the innermost to the
 * outermost, those of equal distance in raster order.  One without neighbours of a part begins a
 * part; others go to the neighbour that lies deepest.  Where two parts meet, the part whose
 * greatest distance is less than `depth` above the distance there becomes one with the other (Meyer
 * and Beucher's flooding, with the h-maxima as markers).  At last parts smaller than minimum_area
 * become one with the part that they meet deepest inside.
 *
 * Where a network says how deep inside an object each pixel is (`inner`, 0..1), the height is the
 * mean of such distances, to what is less deep than .4, .6 and .8, and a quarter of that to what is
 * not the component.  So a border that the network sees parts objects which have no neck, and a
 * neck those between which it sees none.  What is less deep than .4 goes to the nearest part.
 */

#define UN_INNER_DEPTH 1.25 /* pixels, where inner parts: docs/objects.md has how it was found */
#define UN_SPLIT_BYTES 24   /* for a pixel of the component's box and the ring around it */

struct un_split {
    int top, left, height, width; /* the box, with a ring of one pixel where the image has one */
    uint32_t id;                  /* of the component */
    bool inner;                   /* by what the window's rows have of it */
    double depth;
    int minimum_area;
};

/*
 * parts [height][width], from malloc: 0: not the component, else 1..*count in raster order of first
 * pixels.  The window holds the rows.
 */
unet_code un_split_component(const struct un_split *split, const struct un_window *window,
                             uint32_t **parts, uint32_t *count, unet_error *err);

/* ---- objects_distance.c ---- */

/* map [height][width]: 0 stays, all others become the square of the distance to the nearest 0; what
 * lies beyond the map is no 0.  Where there is none, what is far. */
unet_code un_distance_squared(uint32_t *map, int height, int width, unet_error *err);

#endif
