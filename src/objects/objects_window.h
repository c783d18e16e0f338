/* SPDX-License-Identifier: Apache-2.0 */
/*
 * objects_window.h - some consecutive rows of runs in memory, and what id a pixel of them has
 *
 * Moves downwards only: un_window_reach() loads rows up to one, un_window_leave() lets go of those
 * above one.
 */
#ifndef UN_OBJECTS_WINDOW_H
#define UN_OBJECTS_WINDOW_H

#include <stdbool.h>

#include "objects/objects_scratch.h"

struct un_window_row {
    struct un_run *runs;
    size_t count;
};

struct un_window {
    struct un_run_rows *source;
    const uint32_t *map;        /* ids of the source to ids here; NULL: as they are */
    struct un_window_row *rows; /* [height] */
    int first, end;             /* rows first .. end - 1 are loaded */
    size_t bytes, limit;        /* of the runs; limit 0: none */
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

#endif
