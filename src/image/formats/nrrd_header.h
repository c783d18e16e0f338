/* SPDX-License-Identifier: Apache-2.0 */
/* nrrd_header.h - what the header of an NRRD file says */
#ifndef UN_NRRD_HEADER_H
#define UN_NRRD_HEADER_H

#include "image/formats/header_text.h"

enum un_nrrd_field {
    UN_NRRD_TYPE,
    UN_NRRD_DIMENSION,
    UN_NRRD_SIZES,
    UN_NRRD_ENCODING,
    UN_NRRD_ENDIAN,
    UN_NRRD_KINDS,
    UN_NRRD_SPACINGS,
    UN_NRRD_UNITS,
    UN_NRRD_SPACE,
    UN_NRRD_DIRECTIONS,
    UN_NRRD_ORIGIN,
    UN_NRRD_SPACE_UNITS,
    UN_NRRD_DATA_FILE,
    UN_NRRD_LINE_SKIP,
    UN_NRRD_BYTE_SKIP,
    UN_NRRD_FIELDS
};

struct un_nrrd {
    char value[UN_NRRD_FIELDS][UN_HEADER_VALUE]; /* "": it is not there */
    size_t size;                                 /* bytes of the header, with the empty line */
    bool packed;                                 /* here down set by un_nrrd_take() */
    bool guessed; /* the first axis is the channels, though its kind is not said */
    int64_t line_skip, byte_skip;
};

unet_code un_nrrd_read(const char *name, const struct un_mapping *file, struct un_nrrd *header,
                       unet_error *err);

/* What each page holds, and how many there are. */
unet_code un_nrrd_take(const char *name, struct un_nrrd *header, struct un_volume *volume,
                       unet_error *err);

#endif
