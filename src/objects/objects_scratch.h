/* SPDX-License-Identifier: Apache-2.0 */
/* objects_scratch.h - rows of runs that wait on disk for a second pass */
#ifndef UN_OBJECTS_SCRATCH_H
#define UN_OBJECTS_SCRATCH_H

#include "base/scratch.h"

/* Pixels of one row from the end of the run before it (0 for the first) to end - 1. */
struct un_run {
    uint32_t end, id;
};

struct un_run_rows {
    struct un_scratch file;
    uint64_t *offsets; /* [height + 1], in runs */
    int rows;          /* appended so far */
};

unet_code un_run_rows_open(struct un_run_rows *rows, int height, const char *folder,
                           unet_error *err);
unet_code un_run_rows_append(struct un_run_rows *rows, const struct un_run *runs, size_t count,
                             unet_error *err);
size_t un_run_rows_count(const struct un_run_rows *rows, int y);
unet_code un_run_rows_read(struct un_run_rows *rows, int y, struct un_run *runs, unet_error *err);
void un_run_rows_close(struct un_run_rows *rows);

#endif
