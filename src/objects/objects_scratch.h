/* SPDX-License-Identifier: Apache-2.0 */
/*
 * objects_scratch.h - rows of runs, and rows of samples, that wait on disk for a second pass
 *
 * The files have no names: they are gone when the process is.  A file is appended to, then read;
 * reading from top to bottom costs one system call for every 256 KiB.
 */
#ifndef UN_OBJECTS_SCRATCH_H
#define UN_OBJECTS_SCRATCH_H

#include "base/error.h"

struct un_scratch {
    int fd; /* -1: not open */
    unsigned char *buffer;
    size_t used;   /* bytes of the buffer that are not written yet, or that were read */
    uint64_t at;   /* where the buffer lies in the file */
    uint64_t size; /* of the file with what is not written yet */
    int reading;
    char *folder; /* where it is, for errors */
};

/* folder: NULL: TMPDIR, or else /var/tmp. */
unet_code un_scratch_open(struct un_scratch *scratch, const char *folder, unet_error *err);
unet_code un_scratch_append(struct un_scratch *scratch, const void *data, size_t bytes,
                            unet_error *err);
unet_code un_scratch_read(struct un_scratch *scratch, uint64_t offset, void *data, size_t bytes,
                          unet_error *err);
void un_scratch_close(struct un_scratch *scratch); /* a closed one may be closed */

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
