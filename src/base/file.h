/* SPDX-License-Identifier: Apache-2.0 */
/* file.h - whole files: read them, map them, replace them without ever leaving half of one */
#ifndef UN_FILE_H
#define UN_FILE_H

#include <stdbool.h>
#include <stdio.h>

#include "base/error.h"

/* A file mapped read-only. */
struct un_mapping {
    const unsigned char *data;
    size_t size;
    bool borrowed; /* no mapping: the bytes are someone's memory */
};

/* Maps a regular file; an empty file gives size 0.  A folder, a pipe or a missing file fails. */
unet_code un_map_open(const char *path, struct un_mapping *mapping, unet_error *err);
/* These bytes of a mapping are not read again for now: their pages need not be kept.  Does nothing
 * when there is no mapping. */
void un_map_forget(const struct un_mapping *mapping, const void *data, size_t bytes);
void un_map_release(struct un_mapping *mapping);

/*
 * A file being written: bytes go to a temporary file in the folder of path; un_save_commit()
 * flushes, syncs and renames it to path (and syncs the folder); un_save_abort() removes it.
 * After commit or abort the struct is empty again.  Abort on an empty (zeroed) struct does nothing.
 */
struct un_save {
    FILE *file;
    char *path;      /* where it will be */
    char *temporary; /* where it is now */
};

unet_code un_save_begin(struct un_save *save, const char *path, unet_error *err);
unet_code un_save_commit(struct un_save *save, unet_error *err);
void un_save_abort(struct un_save *save);

/* All of that at once. */
unet_code un_file_replace(const char *path, const void *data, size_t size, unet_error *err);

#endif
