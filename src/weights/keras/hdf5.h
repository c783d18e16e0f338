/* SPDX-License-Identifier: Apache-2.0 */
/*
 * hdf5.h - arrays and texts in an HDF5 file, as Keras keeps its models in
 * (https://docs.hdfgroup.org/hdf5/develop/_f_m_t3.html, the parts that h5py writes unless it is
 * told otherwise: superblocks 0 to 3, object headers 1 and 2, groups as symbol tables or as links
 * in a header, values that lie side by side)
 *
 * Reading takes place in the file's bytes, which nobody vouches for: every address and length is
 * held against its end, groups may lie in each other only so deep, and all objects together are
 * bounded.  Nothing is followed out of the file, and no filter is run.
 */
#ifndef UN_HDF5_H
#define UN_HDF5_H

#include "base/arena.h"
#include "weights/arrays.h"

/* An array, or (dtype NULL) a text that is an attribute: its name has '@' before the attribute's.
 */
struct un_hdf5_item {
    const char
        *name; /* "model_weights/conv2d/kernel", "@model_config", "layers/conv2d/vars@name" */
    const struct un_dtype *dtype;
    int dims;
    size_t shape[UN_ARRAY_MAX_DIMS];
    const unsigned char *data; /* the values, little-endian, or the text's bytes */
    size_t bytes;
};

struct un_hdf5 {
    struct un_hdf5_item *items; /* [count], from malloc */
    int count;
};

/* Whether a file begins like one. */
bool un_hdf5_recognises(const unsigned char *bytes, size_t size);

/*
 * Lists all arrays of the file, and the texts of the attributes of these names (NULL at the end).
 * Names lie in the arena, values in bytes.  The caller frees items.  UNET_ENOMEM; UNET_EFORMAT says
 * what of the file, which is called path, is broken or is not read.
 */
unet_code un_hdf5_list(const char *path, const unsigned char *bytes, size_t size,
                       const char *const *attributes, struct un_arena *arena, struct un_hdf5 *list,
                       unet_error *err);

/* NULL: there is none of this name. */
const struct un_hdf5_item *un_hdf5_find(const struct un_hdf5 *list, const char *name);

#endif
