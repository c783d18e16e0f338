/* SPDX-License-Identifier: Apache-2.0 */
/*
 * stroke.h - what a person did: a line, a polygon, pixels taken over, a stroke taken back
 *
 *     JSON -> stroke_read -> struct stroke -> stroke_pack -> journal -> stroke_unpack ->
 * stroke_draw
 *
 * A stroke says which pixels get which label by itself, so labels are what its strokes make in
 * their order, wherever and however often they are drawn.
 */
#ifndef STROKE_H
#define STROKE_H

#include <stddef.h>

#include "studio/studio.h"

enum stroke_kind {
    STROKE_LINE = 1, /* a round brush along points */
    STROKE_POLYGON,
    STROKE_RUNS, /* pixels one by one: what was filled or taken over */
    STROKE_UNDO,
    STROKE_REDO
};

enum {
    STROKE_UNIT = 16,      /* points are in 1/16 pixel */
    STROKE_POINTS = 10000, /* most points of one */
    STROKE_CLIENT = 32     /* most bytes of a client's name */
};
#define STROKE_RUN_BYTES ((size_t)64 << 20) /* most bytes of runs */

struct stroke {
    enum stroke_kind kind;
    int image;
    uint8_t label;  /* of line and polygon; UNET_IGNORE erases */
    uint8_t keep;   /* 1: what is painted already stays */
    uint32_t which; /* undo, redo: the stroke, counted in the image */
    int64_t seq;
    char client[STROKE_CLIENT + 1];
    struct studio_rect rect; /* all that it may change; within the image */
    int radius;              /* 1/16 pixel */
    int count;               /* of points */
    int32_t *points;         /* [count][2], x and y */
    uint8_t *runs;           /* see stroke_runs_add() */
    size_t run_bytes, run_room;
    uint8_t *wrong; /* runs of the pixels that another class was predicted of; see stroke_note() */
    size_t wrong_bytes;
    int64_t run_skip; /* pixels since the last run, while they are added */
};

void stroke_release(struct stroke *stroke);

/* Sets rect from points and radius, cut to an image of that size. */
void stroke_bound(struct stroke *stroke, int height, int width);

/* ---- runs: the pixels of rect, row by row ------------------------------------------------ */

/* The next `length` pixels get a label.  0: no memory, or more runs than are taken. */
int stroke_runs_add(struct stroke *stroke, int64_t length, uint8_t label);

/* The next pixels, one label each; those of UNET_IGNORE stay as they are. */
int stroke_runs_add_pixels(struct stroke *stroke, const uint8_t *labels, size_t count);

/* Notes which pixels of rect, if any, are painted because another class was predicted there: runs
 * of `of`, whose memory it takes. */
void stroke_note(struct stroke *stroke, struct stroke *of);

/* ---- drawing ----------------------------------------------------------------------------- */

/* A part of an image's labels, [rect.height][rect.width]. */
struct canvas {
    struct studio_rect rect;
    uint8_t *labels;
};

/* Draws what falls into the canvas.  0: no memory. */
int stroke_draw(const struct stroke *stroke, const struct canvas *canvas);

/* Draws the pixels that were noted, with their class. */
void stroke_draw_wrong(const struct stroke *stroke, const struct canvas *canvas);

/* ---- bytes ------------------------------------------------------------------------------- */

/* Bytes for the journal, from malloc; NULL: no memory. */
uint8_t *stroke_pack(const struct stroke *stroke, size_t *size);

/* The fixed part alone, without points and runs, but how many bytes of runs are noted.  0: these
 * bytes are no stroke. */
int stroke_unpack_head(const uint8_t *bytes, size_t size, struct stroke *stroke);

/* All of it; stroke_release() it.  0: no stroke, or no memory. */
int stroke_unpack(const uint8_t *bytes, size_t size, struct stroke *stroke);

/* A number in groups of seven bits: how many bytes it has; 0: these are none. */
size_t stroke_groups(const uint8_t *bytes, size_t size, uint64_t *value);

/* ---- JSON -------------------------------------------------------------------------------- */

enum stroke_tool { TOOL_BRUSH, TOOL_ERASE, TOOL_POLYGON, TOOL_FILL, TOOL_ACCEPT };
enum accept_what { ACCEPT_IMAGE, ACCEPT_REGION, ACCEPT_OBJECT };

/* What a body of POST .../strokes asks for. */
struct stroke_wish {
    enum stroke_tool tool;
    enum accept_what what;
    int over;
    int classes; /* how many there were */
    double sure;
    struct stroke stroke; /* client, seq, label, radius and points; release it */
};

/* 0 with words for the person in err: what was found and wanted.  classes: how many there are. */
int stroke_read(const json_t *body, int classes, struct stroke_wish *wish, unet_error *err);

/* client and seq alone, as undo has them. */
int stroke_read_client(const json_t *body, struct stroke *stroke, unet_error *err);

#endif
