/* SPDX-License-Identifier: Apache-2.0 */
/* npy_header.h - what stands before the values of a NumPy array */
#ifndef UN_NPY_HEADER_H
#define UN_NPY_HEADER_H

#include <stdio.h>

#include "image/source.h"

#define UN_NPY_MAGIC "\x93NUMPY"
#define UN_NPY_DIMS 8

struct un_npy {
    enum un_kind kind;
    int bytes, bits; /* of a value; bool has one bit */
    bool turn;       /* values are in the other byte order */
    bool fortran;    /* the first index runs fastest */
    int dims;
    uint64_t shape[UN_NPY_DIMS]; /* as it is written: of any size */
    size_t start;                /* of the values in the file */
};

/* Reads it from the bytes of a file, which begins with the magic.  UNET_EFORMAT. */
unet_code un_npy_header(const char *name, const unsigned char *bytes, size_t size,
                        struct un_npy *npy, unet_error *err);

/* Writes one of float32 in C order, so that the values start at a multiple of 64, its *size. */
unet_code un_npy_begin(const char *path, FILE *file, int dims, const int shape[], size_t *size,
                       unet_error *err);

#endif
