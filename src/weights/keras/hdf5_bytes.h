/* SPDX-License-Identifier: Apache-2.0 */
/*
 * hdf5_bytes.h - the bytes and numbers of an HDF5 file
 *
 * Numbers are little-endian; addresses and lengths have 8 bytes, as all files have them that a
 * 64-bit machine wrote.  un_hdf5_take() and its like set file->code when a part has no more bytes,
 * and give zero from then on, so that only the end needs a look.
 */
#ifndef UN_HDF5_BYTES_H
#define UN_HDF5_BYTES_H

#include "weights/keras/hdf5_read.h"

#define UN_HDF5_NOWHERE UINT64_MAX

/* "what is broken" as the error; counts one more header, false: there have been too many. */
unet_code un_hdf5_broken(struct un_hdf5_file *file, const char *what);
bool un_hdf5_step(struct un_hdf5_file *file);

size_t un_hdf5_left(const struct un_hdf5_part *part);

/* The next bytes; NULL: there are not so many. */
const unsigned char *un_hdf5_take(struct un_hdf5_file *file, struct un_hdf5_part *part,
                                  size_t size);

/* The next number of so many bytes; the one that is there. */
uint64_t un_hdf5_number(struct un_hdf5_file *file, struct un_hdf5_part *part, int size);
uint64_t un_hdf5_number_at(const unsigned char *at, int size);

/* Bytes of the file from an address on; all that follows it. */
bool un_hdf5_span(struct un_hdf5_file *file, uint64_t at, uint64_t size, const char *what,
                  struct un_hdf5_part *part);
bool un_hdf5_rest(struct un_hdf5_file *file, uint64_t at, const char *what,
                  struct un_hdf5_part *part);

#endif
