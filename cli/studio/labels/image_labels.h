/* SPDX-License-Identifier: Apache-2.0 */
/*
 * image_labels.h - an image's strokes, and the labels that they make
 *
 *     journal -> labels_recall for each record -> labels_load when they are first wanted
 *     a new stroke -> journal -> labels_recall -> labels_draw
 *     undo: journal -> labels_recall -> labels_redraw of the stroke's rectangle
 *
 * Labels are what the strokes that stand make in their order.  So undo has no end and no memory of
 * its own: where a stroke is taken back, those that stand are drawn again.  Snapshots save drawing
 * them all when a project is opened.
 *
 * But for labels_keep(), nothing here locks.
 */
#ifndef IMAGE_LABELS_H
#define IMAGE_LABELS_H

#include <pthread.h>

#include "studio/labels/journal.h"
#include "studio/labels/label_tiles.h"
#include "studio/labels/stroke.h"

/* A stroke in the journal. */
struct past {
    uint64_t at;
    uint32_t size;
    struct studio_rect rect;
    int corrects; /* 1: some of its pixels are painted because another class was predicted */
};

struct image_labels {
    int image, height, width;
    struct label_tiles *map; /* NULL: not loaded */
    struct past *past;       /* every stroke, also those taken back */
    uint32_t count, room;
    uint32_t *done, *undone; /* [room]; those that stand, and those that can be redone, in order */
    uint32_t done_count, undone_count;
    uint64_t last;       /* where the last record is; 0: none */
    uint64_t last_turn;  /* where the last undo or redo is */
    uint64_t kept;       /* the snapshot has all up to here */
    int64_t counts[256]; /* of the snapshot, until the map is loaded */
    uint64_t revision;   /* grows with each record */
};

void labels_release(struct image_labels *labels);

/* Takes in a record of the journal: a stroke, undo or redo of this image (head alone).  The
 * stroke's rectangle is what changes; of undo and redo that of the stroke in question, in *changed.
 * 0: no memory. */
int labels_recall(struct image_labels *labels, const struct stroke *stroke, uint64_t at,
                  size_t size, struct studio_rect *changed);

/* Which stroke undo (back 1) or redo (0) is about; -1: none. */
int64_t labels_next_turn(const struct image_labels *labels, int back);

/* Draws a stroke that was just recalled; draws `rect` anew from all strokes that stand. */
unet_code labels_draw(struct image_labels *labels, const struct stroke *stroke, unet_error *err);
unet_code labels_redraw(struct image_labels *labels, const struct journal *journal,
                        struct studio_rect rect, unet_error *err);

/* corrected [rect.height][rect.width]: the class that pixels got because another was predicted;
 * UNET_IGNORE elsewhere.  That pixel may have another class by now. */
unet_code labels_corrected(const struct image_labels *labels, const struct journal *journal,
                           struct studio_rect rect, uint8_t *corrected, unet_error *err);

/* Makes map, from the snapshot in `folder` and the strokes after it, or from all strokes. */
unet_code labels_load(struct image_labels *labels, const struct journal *journal,
                      const char *folder, unet_error *err);

/* ---- label_snapshot.c: folder/ID.tiles ---- */

/*
 * Writes the map, which must be loaded, if the last record is still `last`, which *kept says;
 * temporary file, sync, rename.  lock: held for reading while the map is looked at, not while the
 * disk is written to.
 */
unet_code labels_keep(struct image_labels *labels, const char *folder, uint64_t last,
                      pthread_rwlock_t *lock, int *kept, unet_error *err);

/* Reads what a snapshot holds but its tiles: kept and counts.  Fine where there is none. */
void labels_glance(struct image_labels *labels, const char *folder);

/* Reads its tiles into a new map; NULL: there is none that is whole and fits. */
struct label_tiles *labels_kept(const struct image_labels *labels, const char *folder);

#endif
