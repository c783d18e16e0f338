/* SPDX-License-Identifier: Apache-2.0 */
/*
 * torch.h - files that PyTorch's torch.save() writes, as named arrays
 *
 * A file of any of these kinds; docs/formats.md says what is in them:
 *
 *   zip archive    data.pkl says what there is, data/N are the values; since PyTorch 1.6
 *   TorchScript    the same, of objects; its code is not run
 *   legacy stream  five pickles one after the other, then the values; before 1.6
 *   tar archive    of the first versions
 *
 * Each array is called by the keys that lead to it, joined by dots; what is no array is skipped.
 */
#ifndef UN_TORCH_H
#define UN_TORCH_H

#include "weights/arrays.h"

/* For the table of formats in arrays.c. */
bool un_torch_recognises(const unsigned char *bytes, size_t size);
unet_code un_torch_open(const char *path, struct un_arrays *arrays, unet_error *err);

/* The same of bytes in memory that stay the caller's and outlive *arrays. */
unet_code un_torch_parse(const char *path, const unsigned char *bytes, size_t size,
                         struct un_arrays *arrays, unet_error *err);

enum { UN_TORCH_MAX_METADATA = 1 << 20 }; /* bytes of unet.json */

struct un_torch_entry {
    const char *name;
    int dims;
    const int *shape;
    const float *values; /* NULL: a single I64 of value 0, as PyTorch counts batches of norms */
};

/*
 * Writes a state_dict that torch.load(weights_only=True) takes: a zip archive of F32 tensors, each
 * at a multiple of 64 bytes.  metadata, unless NULL, becomes the member unet.json, which PyTorch
 * does not look at.  The same arguments give the same bytes.  Temporary file, sync, rename.
 */
unet_code un_torch_write(const char *path, const struct un_torch_entry *entries, int count,
                         const char *metadata, unet_error *err);

#endif
