/* SPDX-License-Identifier: Apache-2.0 */
/*
 * safetensors.h - named arrays in a file (https://github.com/huggingface/safetensors)
 *
 *   8 bytes   little-endian length of the header
 *   header    a JSON object: name -> {dtype, shape, data_offsets [begin, end)}, and optionally
 *             __metadata__ -> {string: string}; spaces may follow it
 *   data      the tensors' bytes, little-endian, C order, without gaps or overlaps
 *
 * The reader takes nothing on trust: every tensor it lists lies inside the file and has as many
 * bytes as its shape and dtype say.  It gives raw bytes, at any alignment.
 */
#ifndef UN_SAFETENSORS_H
#define UN_SAFETENSORS_H

#include "base/arena.h"
#include "base/file.h"
#include "weights/arrays.h"

enum {
    UN_SAFETENSORS_MAX_HEADER = 100000000, /* as the reference reader */
};

struct json_t;

struct un_safetensors {
    struct un_mapping mapping;
    struct un_arena arena;
    struct json_t *header;     /* owns the names and the metadata */
    const unsigned char *data; /* behind the header: where offset 0 is */
    struct un_array *tensors;  /* [count], as they lie in the file */
    int count;
};

/*
 * Opens a file, or bytes in memory that stay the caller's and outlive *file; path is what messages
 * call them.  The caller releases *file.  UNET_EIO, UNET_ENOMEM; UNET_EFORMAT names the tensor,
 * what was found and what was wanted.
 */
unet_code un_safetensors_open(const char *path, struct un_safetensors *file, unet_error *err);
unet_code un_safetensors_parse(const char *path, const unsigned char *bytes, size_t size,
                               struct un_safetensors *file, unet_error *err);
void un_safetensors_release(struct un_safetensors *file);

/* NULL: there is none.  Both belong to file. */
const struct un_array *un_safetensors_find(const struct un_safetensors *file, const char *name);
const char *un_safetensors_metadata(const struct un_safetensors *file, const char *key);

/* For the table of formats in arrays.c; the metadata is that of key "unet". */
bool un_safetensors_recognises(const unsigned char *bytes, size_t size);
unet_code un_safetensors_arrays(const char *path, struct un_arrays *arrays, unet_error *err);

struct un_safetensors_entry {
    const char *name;
    int dims;
    const int *shape;
    const float *values;
};

/*
 * Writes F32 tensors in the order given and count pairs of metadata {key, value} (valid UTF-8).
 * The header is filled up with spaces so that the data start at a multiple of 64 bytes.  The same
 * arguments give the same bytes.  Temporary file, sync, rename.
 */
unet_code un_safetensors_write(const char *path, const struct un_safetensors_entry *entries,
                               int entry_count, const char *const (*metadata)[2],
                               int metadata_count, unet_error *err);

#endif
