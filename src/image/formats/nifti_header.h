/* SPDX-License-Identifier: Apache-2.0 */
/* nifti_header.h - what the header of a NIfTI or Analyze file says */
#ifndef UN_NIFTI_HEADER_H
#define UN_NIFTI_HEADER_H

#include "image/formats/volume.h"

#define UN_NIFTI_SIZE_1 348
#define UN_NIFTI_SIZE_2 540

enum un_nifti_version { UN_NOT_NIFTI, UN_ANALYZE, UN_NIFTI_1, UN_NIFTI_2 };

struct un_nifti_header {
    const unsigned char *bytes; /* borrowed */
    enum un_nifti_version version;
    bool big_endian;
    bool pair; /* the samples are in a file of their own */
};

/* What begins with these bytes; file_size: of all there is, which tells Analyze's headers. */
struct un_nifti_header un_nifti_recognise(const unsigned char *bytes, size_t size,
                                          size_t file_size);

/* What each page holds, how many there are, and the byte where their samples begin. */
unet_code un_nifti_take(const char *name, const struct un_nifti_header *header,
                        struct un_volume *volume, uint64_t *start, unet_error *err);

#endif
