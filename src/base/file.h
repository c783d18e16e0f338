/* SPDX-License-Identifier: Apache-2.0 */
/* file.h - whole files: read them, map them, replace them without ever leaving half of one */
#ifndef UN_FILE_H
#define UN_FILE_H

#include <stdbool.h>
#include <stdio.h>

#include "base/checksum.h"
#include "base/error.h"

/*
 * The bytes of a file, to be read only.  A file that is not large is a copy in memory, which
 * nothing can change; of a large one the file itself is mapped.  When that is cut by another
 * program while it is read, the kernel ends a process that touches what is gone (SIGBUS), so
 * whoever goes through large files copies by un_map_read(), or looks by un_map_check() first.
 */
struct un_mapping {
    const unsigned char *data;
    size_t size;
    bool borrowed; /* no mapping: the bytes are someone's memory */
    int file;      /* mapped: the descriptor + 1; 0: the bytes are in memory */
};

/* Maps a regular file; an empty file gives size 0.  A folder, a pipe or a missing file fails. */
unet_code un_map_open(const char *path, struct un_mapping *mapping, unet_error *err);
/* The same, in memory however large it is: for what is looked at here and there. */
unet_code un_map_whole(const char *path, struct un_mapping *mapping, unet_error *err);
/*
 * As un_map_open(), of a file named by another: name is a path from the folder of path on. Absolute
 * ones,
 * ".." and links in it are refused, so that nothing else is opened.
 */
unet_code un_map_beside(const char *path, const char *name, struct un_mapping *mapping,
                        unet_error *err);
/* The same of a name below a folder; *absent, and no mapping: there is nothing. */
unet_code un_map_inside(const char *folder, const char *name, struct un_mapping *mapping,
                        bool *absent, unet_error *err);
/* As un_map_beside(), in memory however large it is. */
unet_code un_map_whole_beside(const char *path, const char *name, struct un_mapping *mapping,
                              unet_error *err);
/* Copies bytes that lie in the mapping; UNET_EIO: the file was cut meanwhile. */
unet_code un_map_read(const struct un_mapping *mapping, const char *name, size_t at, void *dst,
                      size_t size, unet_error *err);
/* UNET_EIO: the file is shorter than it was when it was opened. */
unet_code un_map_check(const struct un_mapping *mapping, const char *name, unet_error *err);
/* Adds all bytes to a checksum. */
unet_code un_map_sum(const struct un_mapping *mapping, const char *name, struct un_sha256 *sum,
                     unet_error *err);
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
