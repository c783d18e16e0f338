/* SPDX-License-Identifier: Apache-2.0 */
/*
 * session.h - a model ready to predict images of any size, by overlap-tile
 *
 * Output tiles start at multiples of the network's grid.  Unpadded: the input tile is a border
 * larger on each side, real neighbours inside the image and mirrored pixels beyond its edge.
 * Padded: the input tile is as much larger as the receptive field reaches, but ends at the image's
 * edge, where the network pads with zeros just as it would for the whole image.  Either way each
 * output pixel is computed from the same numbers whatever the tile; with options->exact also in the
 * same order, so that it has the same bits.
 *
 * That holds for networks that look at a neighbourhood (un_spec_local()).  Where a norm takes its
 * statistics from the image, or an interpolation stretches over all of it, only the whole image as
 * one tile gives what the network is meant to give.  Unless a tile was asked for, the session then
 * grows to each image that is larger; with a tile, neighbours overlap and are blended.  A network
 * that learnt from tiles needs no more than a large part of an image: beyond a number of pixels
 * that hangs on its width alone there are tiles, too, the same on every machine.
 *
 * Several models are members of one session: each has its network and reads the image by its own
 * scaling, and all answer for the same tiles, so their sides go together (members.c).
 *
 *     session.c  its memory               tiles.c   rows of an image, tile by tile
 *     members.c  who is averaged          tta.c     averages of members and views
 *     budget.c   the tile that fits       stream.c  an image in memory, or one that is read as
 *                                                   it goes, by several ranks perhaps
 */
#ifndef UN_SESSION_H
#define UN_SESSION_H

#include "base/hooks.h"
#include "image/image.h"
#include "image/reading.h"
#include "model/model.h"
#include "net/graph.h"
#include "net/run.h"

/* ---- span.c ---- */

/*
 * Along one axis of an image: which outputs a tile gives, and which input it reads.
 *
 * A network's poolings lie on a grid of 2^depth pixels.  A tile reads from a place where the grid
 * lies as it does for the whole image, so its outputs are those of the whole image.
 *
 *     padded     in = start - border, on the grid, but not beyond the image's edge, where the
 *                network pads with zeros just as it would for the whole image
 *     unpadded   in = start - border with start on the grid; beyond the edge, mirrored pixels
 */

struct un_span {
    int out, count; /* the rows (or columns) it answers for */
    int in, size;   /* the first row it reads (may be negative) and how many */
    int skip;       /* rows of the network's output before the first one wanted */
};

/* For outputs start .. start + count - 1 of an axis of `side` pixels. */
struct un_span un_span_at(const struct un_graph *graph, int start, int count, int side);

/* The sides of a full tile when the output shall be at least `side`.  loose: tiles may start off
 * the grid. */
void un_span_sides(const struct un_graph *graph, int side, bool loose, int *output, int *input);

/* The rows of the image that a span looks at, mirrored ones included: *first .. *end - 1. */
void un_span_rows(const struct un_span *span, int side, int *first, int *end);

/* ---- session ---- */

/* One of the models whose answers are averaged. */
struct un_member {
    const unet_model *model;
    struct un_network network;
    struct un_reading reading; /* of the image at work */
};

struct unet_session {
    const unet_model *model; /* the first member's: sides and counts of it are those of all */
    struct un_member *members;
    int member_count;
    struct un_engine *engine;
    struct un_geometry geometry;
    struct un_fill fill;       /* options->fill */
    bool any_samples;          /* options->any_samples */
    const unet_cancel *cancel; /* options->cancel and ->log; NULL: none */
    const unet_log *log;
    bool told;         /* that tiles are blended */
    bool whole;        /* no tile was asked for, and the network sees the whole image at once */
    int64_t most;      /* where the whole is seen: pixels of an image that are seen at once */
    int views;         /* of each tile, averaged: 1, 4 or 8 */
    int tile;          /* output side of a full tile */
    int overlap;       /* rows and columns that neighbouring tiles share and blend */
    int height, width; /* its input sides */
    /* the host's, for what crosses to the engine and back */
    float *pixels;   /* [height][width][channels] */
    float *logits;   /* [output][output][outputs] */
    uint8_t *mask;   /* [output][output] */
    uint8_t *labels; /* [output][output], engine memory */
    float *turned;   /* averages: room to turn pixels or logits */
    float *average;  /* averages: [output][output][outputs] */
};

unet_code un_session_create(const unet_model *model, const unet_session_options *options,
                            unet_session **session, unet_error *err);
void un_session_free(unet_session *session);
size_t un_session_bytes(const unet_session *session);

/* The most that un_session_bytes() would be with these options and an image of height x width,
 * which matter where the network sees whole images and no tile is asked for; and the sides of a
 * full tile, its output's and its input's (may be NULL). */
unet_code un_session_foretell(const unet_model *model, const unet_session_options *options,
                              int height, int width, size_t *bytes, int sides[2], unet_error *err);

/* Bytes of a session besides its networks, for inputs of so many pixels, of each of which so many
 * answers (members times views) are averaged. */
size_t un_session_extra_bytes(const unet_spec *spec, int answers, size_t pixels);

/* How many answers are averaged: members times views. */
int un_session_answers(const unet_session *session);

/* Whether the models were trained on such samples; where any will do, a note.  See
 * un_samples_check(). */
unet_code un_session_check(const unet_session *session, unet_sample sample, int prepared,
                           const char *name, unet_error *err);

/* Before an image of this size is predicted: grows where that is needed, and says once where tiles
 * that were asked for change the answer. */
unet_code un_session_fit(unet_session *session, int height, int width, unet_error *err);

/* After the models' weights have changed.  UNET_EDEVICE: they cannot be had. */
unet_code un_session_refresh(unet_session *session, unet_error *err);

/* ---- members.c --------------------------------------------------------------------------- */

/* Makes s->members of model and options->others.  UNET_EINVAL: one does not go with the first. */
unet_code un_members_set(unet_session *session, const unet_model *model,
                         const unet_session_options *options, unet_error *err);

/* How a member scales a page, or (page NULL) an image of a program: the fill that was said goes
 * before that of the file, and that before the model's.  A model of a version that knew of no fill
 * takes what a file declares as it did then. */
struct un_scaling un_member_scaling(const unet_session *session, int member,
                                    const struct un_page *page);

/* Each member's reading of an image that is all in memory. */
void un_members_read(unet_session *session, unet_view image);

/* Moves them to the rows of the image that begin at row top. */
void un_members_move(unet_session *session, unet_view rows, int top);

/* ---- tiles.c ----------------------------------------------------------------------------- */

/*
 * Where the answers for some rows of an image go.  Blended tiles, averaged views and rims need
 * scores on the way: then `scores` is not NULL, tiles add to it, and un_scores_finish() fills the
 * others.
 */
struct un_target {
    int top, rows, width;          /* rows top .. top + rows - 1 of the image */
    uint8_t *mask;                 /* [rows][width]; NULL: not wanted, as the two below */
    float *logits, *probabilities; /* [classes][rows][width] */
    float *scores;                 /* [outputs][rows][width] */
    uint8_t *inner;                /* [rows][width], as in unet_answers */
    bool marked; /* places where mask is UNET_IGNORE are empty, and become class 0 */
};

/* Whether targets need scores. */
bool un_session_sums(const unet_session *session);

/* From the start of one row of tiles to the start of the next. */
int un_session_step(const unet_session *session);

/* Where the tile (or row of tiles) that starts at `start` ends, along an axis of `side` pixels. */
int un_session_end(const unet_session *session, int start, int side);

/* The rows of the image that the row of tiles at `top` looks at. */
void un_session_rows(const unet_session *session, int top, int height, int *first, int *end);

/*
 * Predicts the row of tiles that starts at row `top`, a multiple of the step: rows
 * top .. un_session_end() - 1 of what the members' readings read.  progress (may be NULL) gets the
 * share of this row of tiles.
 */
unet_code un_session_tiles(unet_session *session, int top, const struct un_target *target,
                           const unet_answers *progress, double share_before, double share_after,
                           unet_error *err);

/*
 * Rows that neighbouring rows of tiles share, [outputs][overlap][width] floats, 0 where tiles are
 * not blended: takes those at row top out of target->scores, which become 0; adds them to it.
 */
size_t un_session_shared(const unet_session *session, int width);
void un_session_take_shared(const unet_session *session, int top, const struct un_target *target,
                            float *shared);
void un_session_add_shared(const unet_session *session, int top, const struct un_target *target,
                           float *shared);

/* Fills `count` rows of mask, logits, probabilities and inner (of `to`, from its row 0) from the
 * rows of from->scores that begin at row `first`, which may be other ones then. */
void un_scores_finish(const unet_spec *spec, const struct un_target *from, int first, int count,
                      const struct un_target *to);

/* ---- tta.c ------------------------------------------------------------------------------- */

/* The mean probabilities over the session's members and views of one tile, as logits in
 * session->average: [rows][columns][outputs]. */
unet_code un_session_average(unet_session *session, int top, int left, int rows, int columns,
                             unet_error *err);

/* ---- stream.c ---------------------------------------------------------------------------- */

/* name: of the image, for messages; NULL: the caller adds it. */
unet_code un_session_predict(unet_session *session, unet_view image, const char *name,
                             const unet_answers *answers, unet_error *err);

/* UNET_EINVAL: `inner` is asked for, and the network has no rims. */
unet_code un_session_check_inner(const unet_session *session, bool wanted, unet_error *err);

/* The inner half of unet_session_rows(). */
unet_code un_session_count_rows(unet_session *session, int height, int width, int *rows,
                                unet_error *err);

/* The inner half of unet_predict_stream(). */
unet_code un_session_stream(unet_session *session, struct unet_source *source, int page,
                            const unet_stream *stream, unet_error *err);

/* ---- stream.c: what a walk over an image that is read as it goes needs ---- */

/* The most rows of an image of this height that a row of tiles looks at. */
int un_stream_window(const unet_session *session, int height);

/* The inner half of unet_plan_memory(). */
unet_code un_stream_plan(const unet_model *model, const unet_session_options *options,
                         const unet_page *page, const unet_stream *stream, uint64_t limit,
                         unet_memory_plan *plan, unet_error *err);

#endif
