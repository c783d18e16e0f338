/* SPDX-License-Identifier: Apache-2.0 */
/*
 * zarr_chunk.c - a chunk out of its file, or out of a shard
 *
 * A shard is a file of several chunks and an index, 16 bytes for each: where its bytes begin, and
 * how many there are; all ones: it is not there.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/number.h"
#include "image/zarr/zarr_array.h"

enum { ENTRY = 16, SUM = 4 };
#define ABSENT UINT64_MAX

/* What packs cannot make more of bytes than that. */
static uint64_t most_packed(const struct un_zarr_array *a)
{
    const uint64_t bytes = un_zarr_chunk_bytes(a);
    return bytes + bytes / 8 + (64 << 10);
}

size_t un_zarr_reader_working(const struct un_zarr_reader *r)
{
    return un_zarr_chunk_bytes(&r->array) + (size_t)most_packed(&r->array);
}

void un_zarr_reader_release(struct un_zarr_reader *r)
{
    free(r->chunk);
    un_map_release(&r->shard);
}

/* "0/c/1/0/2" */
static void name_of(const struct un_zarr_reader *r, const uint64_t at[], char name[UN_ZARR_NAME])
{
    const struct un_zarr_array *a = &r->array;
    int n = snprintf(name, UN_ZARR_NAME, "%s%s", r->path, a->prefixed ? "c" : "");
    for (int k = 0; k < a->axes && n < UN_ZARR_NAME; k++) {
        const char between[2] = {k || a->prefixed ? a->separator : 0, 0};
        n += snprintf(name + n, (size_t)(UN_ZARR_NAME - n), "%s%" PRIu64, between, at[k]);
    }
}

/* ---- shards ------------------------------------------------------------------------------ */

static uint64_t entries(const struct un_zarr_array *a)
{
    uint64_t count = 1;
    for (int k = 0; k < a->axes; k++)
        count *= a->shard[k] / a->chunk[k];
    return count;
}

static size_t index_begin(const struct un_zarr_array *a, size_t size)
{
    return a->index_first ? 0 : size - (size_t)entries(a) * ENTRY - (a->index_sum ? SUM : 0);
}

static unet_code check_index(const struct un_zarr_array *a, const char *what,
                             const struct un_mapping *file, unet_error *err)
{
    const size_t bytes = (size_t)entries(a) * ENTRY, all = bytes + (a->index_sum ? SUM : 0);
    if (file->size < all)
        return un_fail(err, UNET_EFORMAT, "%s: truncated (%zu bytes; its index alone has %zu)",
                       what, file->size, all);
    if (!a->index_sum)
        return UNET_OK;
    uint8_t *index = malloc(all);
    if (!index)
        return un_fail_memory(err, all, what);
    unet_code code = un_map_read(file, what, index_begin(a, file->size), index, all, err);
    if (!code && un_zarr_sum(index, bytes) != un_le32(index + bytes))
        code = un_fail(err, UNET_EFORMAT, "%s: broken index (its sum is another)", what);
    free(index);
    return code;
}

static unet_code open_shard(struct un_zarr_reader *r, const char *name, const char *what,
                            bool *absent, unet_error *err)
{
    *absent = false;
    if (!strcmp(name, r->shard_name))
        return UNET_OK;
    struct un_mapping file = {0};
    unet_code code = un_map_inside(r->root, name, &file, absent, err);
    if (code || *absent)
        return code;
    if ((code = check_index(&r->array, what, &file, err))) {
        un_map_release(&file);
        return code;
    }
    un_map_release(&r->shard);
    r->shard = file;
    strcpy(r->shard_name, name);
    return UNET_OK;
}

/* Where the bytes of a chunk are in the shard that is open. */
static unet_code find_in_shard(const struct un_zarr_reader *r, const char *what,
                               const uint64_t at[], uint64_t *from, uint64_t *size, unet_error *err)
{
    const struct un_zarr_array *a = &r->array;
    unsigned char entry[ENTRY];
    uint64_t number = 0;
    for (int k = 0; k < a->axes; k++) {
        const uint64_t chunks = a->shard[k] / a->chunk[k];
        number = number * chunks + at[k] % chunks;
    }
    unet_code code = un_map_read(
        &r->shard, what, index_begin(a, r->shard.size) + (size_t)number * ENTRY, entry, ENTRY, err);
    if (code)
        return code;
    *from = un_number(entry, 8, false);
    *size = un_number(entry + 8, 8, false);
    if (*from == ABSENT && *size == ABSENT)
        return UNET_OK;
    if (*from > r->shard.size || *size > r->shard.size - *from)
        return un_fail(err, UNET_EFORMAT, "%s: truncated, or broken index", what);
    return UNET_OK;
}

/* ---- samples ----------------------------------------------------------------------------- */

static unet_code unpack(struct un_zarr_reader *r, const char *what, const uint8_t *src, size_t size,
                        unet_error *err)
{
    const struct un_zarr_array *a = &r->array;
    const size_t want = un_zarr_chunk_bytes(a);
    unet_code code = UNET_OK;
    if (a->sum) {
        if (size < SUM || un_zarr_sum(src, size - SUM) != un_le32(src + size - SUM))
            return un_fail(err, UNET_EFORMAT, "%s: truncated or broken (its sum is another)", what);
        size -= SUM;
    }
    if (!r->chunk && !(r->chunk = malloc(want)))
        return un_fail_memory(err, want, what);
    if (a->packer != UN_ZARR_PLAIN)
        code = un_zarr_unpack(a->packer, what, src, size, r->chunk, want, err);
    else if (size != want)
        code =
            un_fail(err, UNET_EFORMAT, "%s: truncated (%zu bytes; %zu wanted)", what, size, want);
    else
        memcpy(r->chunk, src, want);
    if (!code && un_other_order(a->big_endian))
        un_swap(r->chunk, want / (size_t)a->bytes, a->bytes);
    return code;
}

static unet_code take(struct un_zarr_reader *r, const char *what, const struct un_mapping *file,
                      uint64_t from, uint64_t size, unet_error *err)
{
    uint8_t *copy = NULL;
    if (size > most_packed(&r->array))
        return un_fail(err, UNET_EFORMAT, "%s: %" PRIu64 " bytes for a chunk of %zu", what, size,
                       un_zarr_chunk_bytes(&r->array));
    if (file->file) { /* it may be cut while it is read */
        if (!(copy = malloc(size ? (size_t)size : 1)))
            return un_fail_memory(err, (size_t)size, what);
        unet_code code = un_map_read(file, what, (size_t)from, copy, (size_t)size, err);
        if (code) {
            free(copy);
            return code;
        }
    }
    unet_code code = unpack(r, what, copy ? copy : file->data + from, (size_t)size, err);
    free(copy);
    return code;
}

unet_code un_zarr_chunk_read(struct un_zarr_reader *r, const uint64_t at[], const uint8_t **samples,
                             unet_error *err)
{
    const struct un_zarr_array *a = &r->array;
    char name[UN_ZARR_NAME], what[4 * UN_ZARR_NAME];
    uint64_t file_at[UN_ZARR_AXES], from = 0, size;
    struct un_mapping file = {0};
    bool absent = false;
    unet_code code;
    for (int k = 0; k < a->axes; k++)
        file_at[k] = a->sharded ? at[k] / (a->shard[k] / a->chunk[k]) : at[k];
    name_of(r, file_at, name);
    snprintf(what, sizeof what, "%s/%s", r->root, name);
    if (a->sharded) {
        if (!(code = open_shard(r, name, what, &absent, err)) && !absent &&
            !(code = find_in_shard(r, what, at, &from, &size, err)) &&
            !(absent = from == ABSENT && size == ABSENT))
            code = take(r, what, &r->shard, from, size, err);
    } else if (!(code = un_map_inside(r->root, name, &file, &absent, err)) && !absent) {
        code = take(r, what, &file, 0, file.size, err);
        un_map_release(&file);
    }
    *samples = absent ? NULL : r->chunk;
    return code;
}
