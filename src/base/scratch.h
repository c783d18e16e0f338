/* SPDX-License-Identifier: Apache-2.0 */
/*
 * scratch.h - bytes that wait on disk until they are read again
 *
 * The files have no names: they are gone when the process is.  A file is appended to, then read;
 * reading from its beginning to its end costs one system call for every 256 KiB.
 */
#ifndef UN_SCRATCH_H
#define UN_SCRATCH_H

#include <stdint.h>

#include "base/error.h"

enum { UN_SCRATCH_BYTES = 256 << 10 }; /* of memory that an open one holds */

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

#endif
