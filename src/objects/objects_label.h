/* SPDX-License-Identifier: Apache-2.0 */
/*
 * objects_label.h - connected components of a mask that comes row by row
 *
 *     un_label_row for each row, then un_labels_settle, then un_labels_join for each row of runs,
 *     then un_labels_number
 *
 * Each run of equal pixels has a label.  Foreground runs that touch by a side or a corner and have
 * one class, and background runs that touch by a side, are united (union-find whose root is the
 * smallest label, so that roots are in raster order of first pixels).  A background component keeps
 * the class that it borders on.  One that meets neither a second class nor the image's edge is a
 * hole: joined with the components left and right of each of its runs it is filled.  Those are all
 * that it borders on: where one lies above or below a hole's run, follow the run to its end; either
 * it turns out beside the run of another row of the hole, or it touches what ends this run.
 */
#ifndef UN_OBJECTS_LABEL_H
#define UN_OBJECTS_LABEL_H

#include <stdbool.h>

#include "objects/objects_scratch.h"

#define UN_LABEL_BYTES 6 /* of memory for a label */

struct un_labels {
    uint32_t *parent;
    uint8_t *label;  /* the class; 0: background */
    uint8_t *border; /* of background: class of all that it borders on, 0: none, 255: no hole */
    size_t count, capacity;
    size_t limit; /* most labels; 0: as many as there is memory for */
    bool holes;   /* are filled; else all background is label 0 */
};

/* An empty one; label 0 is background that is no hole. */
unet_code un_labels_init(struct un_labels *labels, bool holes, size_t limit, unet_error *err);
void un_labels_release(struct un_labels *labels);

/*
 * Row y of a mask with classes below `classes`.
 *
 *   above  runs of the row above, or none
 *   runs   room for width of them; receives the labels
 */
struct un_label_row {
    const uint8_t *mask;
    int y, height, width, classes;
    const struct un_run *above;
    size_t above_count;
    struct un_run *runs;
    size_t count;
};

/* UNET_EINVAL: a class out of range, UNET_ENOMEM. */
unet_code un_label_row(struct un_labels *labels, struct un_label_row *row, unet_error *err);

/* After the last row: each label knows its root and border.  How many labels are of holes. */
size_t un_labels_settle(struct un_labels *labels);

/* Joins the holes of a row of runs with what is beside them. */
void un_labels_join(struct un_labels *labels, const struct un_run *runs, size_t count);

/*
 * At last: labels->parent becomes the number of the component that a label belongs to, 0 for
 * background, 1 and up in raster order of first pixels, holes filled.  component_class [that many +
 * 1] may be NULL to learn how many there are, which changes nothing.
 */
size_t un_labels_number(struct un_labels *labels, uint8_t *component_class);

#endif
