/* SPDX-License-Identifier: Apache-2.0 */
/* walk.h - a walk over an image that is read as it goes: what stream.c and stream_ranks.c share */
#ifndef UN_WALK_H
#define UN_WALK_H

#include "base/ranks.h"
#include "predict/session.h"

/* Rows of the image in memory. */
struct un_window {
    struct unet_source *source;
    int index;
    struct un_page page;
    struct un_fill fill;
    unet_image image; /* its height: the rows held */
    int top;          /* the first of them */
    int room;         /* rows that there is memory for */
};

/* Everything that a walk holds. */
struct un_walk {
    unet_session *session;
    const unet_stream *stream;
    struct un_window window;
    int height;
    struct un_target target; /* of one row of tiles */
    struct un_target ready;  /* where sums become answers */
    /* of several ranks: what rows of tiles share, on its way there and from there */
    float *below, *above;
    unet_piece *pieces; /* [ranks] */
    void *pending;      /* below is being sent */
};

/* Moves the window to what the row of tiles top .. bottom - 1 looks at, and to its own rows. */
unet_code un_walk_read(struct un_walk *walk, int top, int bottom, unet_error *err);

/* Its scores or answers in walk->target, before they are handed over. */
unet_code un_walk_tiles(struct un_walk *walk, int top, int bottom, unet_error *err);

/* Sets rows of a mask (may be NULL) to value where the file has nothing. */
unet_code un_walk_mark(struct un_walk *walk, int top, int rows, uint8_t value, uint8_t *mask,
                       unet_error *err);

/* Hands `rows` rows from row top of the image over. */
unet_code un_walk_give(struct un_walk *walk, const struct un_target *from, int top, int rows,
                       unet_error *err);

/* ---- stream_ranks.c: in this order, where walk->stream->ranks are several ---- */

unet_code un_walk_join(struct un_walk *walk, unet_error *err);

/* Row k of tiles: computed here, or on rank 0 received and handed over. */
unet_code un_walk_shared_row(struct un_walk *walk, int k, int top, int bottom, unet_error *err);

/* Returns when what was sent has been taken. */
unet_code un_walk_wait(struct un_walk *walk, unet_error *err);
void un_walk_leave(struct un_walk *walk);

#endif
