/* SPDX-License-Identifier: Apache-2.0 */
/* tiff_io.h - the one file that includes libtiff: a TIFF over a mapped file or an open stream */
#ifndef UN_TIFF_IO_H
#define UN_TIFF_IO_H

#include <tiffio.h>

#include "image/source.h"

/* What libtiff works on, and where its errors and warnings go: never to the terminal. */
struct un_tiff_job {
    const struct un_mapping *file; /* reading */
    FILE *out;                     /* writing */
    uint64_t at;
    bool damaged; /* a decoder warned that it made up pixels for missing bytes */
    int reason;   /* errno of a write that failed */
    char message[256];
    struct un_tiff_job *next; /* of those with an open file, where libtiff is older than 4.5 */
};

/* mode as of TIFFOpen(); max_alloc: bytes that libtiff may take at once, 0: no limit.  NULL: see
 * job->message.  The caller closes it with un_tiff_close(). */
TIFF *un_tiff_open(const char *name, const char *mode, struct un_tiff_job *job, size_t max_alloc);
void un_tiff_close(TIFF *tif, struct un_tiff_job *job);

#endif
