/* SPDX-License-Identifier: Apache-2.0 */
/*
 * zarr_array.h - an array of Zarr (version 2 and 3): what its metadata say, and one chunk of it
 *
 *     x.zarr/0/.zarray, x.zarr/0/zarr.json   shape, chunks, type, what packs them
 *     x.zarr/0/1.0.2, x.zarr/0/c/1/0/2       a chunk, or a shard of several with an index
 *
 * All lies in one folder, the root, and below it; links in it are not followed.
 */
#ifndef UN_ZARR_ARRAY_H
#define UN_ZARR_ARRAY_H

#include "base/json.h"
#include "image/source.h"

#define UN_ZARR_AXES 8
#define UN_ZARR_NAME 256                /* bytes of a path below the root */
#define UN_ZARR_CHUNK ((size_t)1 << 31) /* most bytes of a chunk, unpacked */

enum un_zarr_packer { UN_ZARR_PLAIN, UN_ZARR_ZLIB, UN_ZARR_ZSTD, UN_ZARR_BLOSC };

struct un_zarr_array {
    int axes;
    uint64_t shape[UN_ZARR_AXES], chunk[UN_ZARR_AXES];
    uint64_t step[UN_ZARR_AXES]; /* samples of a chunk from each place of an axis to the next */
    bool sharded;
    uint64_t shard[UN_ZARR_AXES]; /* places of an axis that a shard has */
    bool index_first, index_sum;  /* of a shard */
    enum un_kind kind;
    int bits, bytes;
    bool big_endian;
    unsigned char fill[8]; /* the sample of chunks that are not there, in our order */
    char separator;
    bool prefixed; /* names of chunks begin with "c" */
    enum un_zarr_packer packer;
    bool sum; /* CRC32C behind what is packed */
};

/* ---- zarr_array.c ------------------------------------------------------------------------ */

/* what: "x.zarr/0/.zarray", for messages.  Versions: 2 of .zarray, 3 of zarr.json. */
unet_code un_zarr_array_take(const char *what, const json_t *metadata, int version,
                             struct un_zarr_array *array, unet_error *err);

/* Bytes of a chunk. */
size_t un_zarr_chunk_bytes(const struct un_zarr_array *array);

/* ---- zarr_chunk.c ------------------------------------------------------------------------ */

struct un_zarr_reader {
    const char *root, *path; /* of the array below the root: "", "0/"; both borrowed */
    struct un_zarr_array array;
    uint8_t *chunk;          /* the chunk read last */
    struct un_mapping shard; /* the shard read last, whose index is right */
    char shard_name[UN_ZARR_NAME];
};

/* Chunk number at[k] of each axis: its samples, in our byte order, until the next call; NULL: it is
 * not there, and all of it is the fill. */
unet_code un_zarr_chunk_read(struct un_zarr_reader *reader, const uint64_t at[],
                             const uint8_t **samples, unet_error *err);
void un_zarr_reader_release(struct un_zarr_reader *reader);

/* Bytes that reading takes. */
size_t un_zarr_reader_working(const struct un_zarr_reader *reader);

/* ---- zarr_pack.c ------------------------------------------------------------------------- */

/* Unpacks to exactly `want` bytes.  UNET_EFORMAT: broken, another size, or by what this program was
 * built without. */
unet_code un_zarr_unpack(enum un_zarr_packer packer, const char *what, const uint8_t *src,
                         size_t size, uint8_t *dst, size_t want, unet_error *err);

/* CRC-32C (Castagnoli) of bytes. */
uint32_t un_zarr_sum(const uint8_t *bytes, size_t size);

#endif
