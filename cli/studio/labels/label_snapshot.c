/* SPDX-License-Identifier: Apache-2.0 */
/*
 * label_snapshot.c - ID.tiles: the labels as they were at a place of the journal
 *
 *     "unet labels 1\n" NUL NUL, version of the numbers below
 *     height, width, place in the journal, tiles, pixels of each of 256 labels
 *     each tile: y, x, bytes, then these
 *     CRC-32 of all before
 *
 * Numbers have 8 bytes, the low one first.  It can be thrown away: strokes are in the journal.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "shared/cli.h"
#include "shared/paths.h"
#include "shared/text_file.h"
#include "studio/labels/image_labels.h"
#include "studio/labels/low_bytes.h"

static const char first_line[16] = "unet labels 1\n";
enum { NUMBERS = 4 + 256, HEAD = 16 + 8 * NUMBERS, TILE_HEAD = 12 };

static char *path_of(const struct image_labels *labels, const char *folder)
{
    return path_text("%s/%d.tiles", folder, labels->image);
}

/* ---- writing ----------------------------------------------------------------------------- */

struct output {
    FILE *stream;
    uint32_t sum;
};

static int emit(struct output *output, const void *bytes, size_t size)
{
    output->sum = crc32_of(output->sum, bytes, size);
    return fwrite(bytes, 1, size, output->stream) == size;
}

static int emit_tile(void *context, int x, int y, const uint8_t *bytes, size_t size)
{
    uint8_t head[TILE_HEAD];

    low_put(head, (uint64_t)y, 4);
    low_put(head + 4, (uint64_t)x, 4);
    low_put(head + 8, size, 4);
    return !emit(context, head, sizeof(head)) || !emit(context, bytes, size);
}

static int emit_all(struct output *output, const struct image_labels *labels)
{
    const int64_t *counts = label_tiles_counts(labels->map);
    uint8_t head[HEAD], sum[4];

    memcpy(head, first_line, sizeof(first_line));
    low_put(head + 16, (uint64_t)labels->height, 8);
    low_put(head + 24, (uint64_t)labels->width, 8);
    low_put(head + 32, labels->last, 8);
    low_put(head + 40, (uint64_t)label_tiles_list(labels->map, NULL, 0), 8);
    for (int i = 0; i < 256; i++)
        low_put(head + 48 + 8 * i, (uint64_t)counts[i], 8);
    if (!emit(output, head, sizeof(head)) || label_tiles_each(labels->map, emit_tile, output))
        return 0;
    low_put(sum, output->sum, 4);
    return emit(output, sum, sizeof(sum));
}

unet_code labels_keep(struct image_labels *labels, const char *folder, uint64_t last,
                      pthread_rwlock_t *lock, int *kept, unet_error *err)
{
    char *path = path_of(labels, folder);
    struct text_file file = {0};
    struct output output = {0};
    int ok = path && text_file_begin(&file, path), begun = ok;

    output.stream = file.stream;
    pthread_rwlock_rdlock(lock);
    *kept = labels->last == last;
    ok = ok && (!*kept || emit_all(&output, labels));
    pthread_rwlock_unlock(lock);
    if (begun && (!ok || !*kept))
        text_file_abort(&file);
    else if (ok)
        ok = text_file_finish(&file);
    if (!ok)
        set_error(err, UNET_EIO, "%s: cannot be written: %s", path ? path : folder,
                  strerror(errno));
    else if (*kept)
        labels->kept = last;
    free(path);
    return ok ? UNET_OK : UNET_EIO;
}

/* ---- reading ----------------------------------------------------------------------------- */

/* *bytes from malloc; 0: not there, or not whole. */
static int read_file(const char *path, size_t most, uint8_t **bytes, size_t *size)
{
    FILE *stream = path ? fopen(path, "rbe") : NULL;
    long length = -1;

    *bytes = NULL;
    if (stream && !fseek(stream, 0, SEEK_END))
        length = ftell(stream);
    if (length >= HEAD) {
        *size = (size_t)length < most ? (size_t)length : most;
        *bytes = malloc(*size);
    }
    if (*bytes && (fseek(stream, 0, SEEK_SET) || fread(*bytes, 1, *size, stream) != *size)) {
        free(*bytes);
        *bytes = NULL;
    }
    if (stream)
        fclose(stream);
    return *bytes != NULL;
}

static int fits(const struct image_labels *labels, const uint8_t *head)
{
    return !memcmp(head, first_line, sizeof(first_line)) &&
           low_get(head + 16, 8) == (uint64_t)labels->height &&
           low_get(head + 24, 8) == (uint64_t)labels->width;
}

void labels_glance(struct image_labels *labels, const char *folder)
{
    char *path = path_of(labels, folder);
    uint8_t *head;
    size_t size;

    if (read_file(path, HEAD, &head, &size) && fits(labels, head)) {
        labels->kept = low_get(head + 32, 8);
        for (int i = 0; i < 255; i++)
            labels->counts[i] = (int64_t)low_get(head + 48 + 8 * i, 8);
    }
    free(head);
    free(path);
}

static int put_tiles(struct label_tiles *map, const uint8_t *bytes, size_t size)
{
    while (size) {
        const size_t length = size < TILE_HEAD ? 0 : (size_t)low_get(bytes + 8, 4);

        if (size < TILE_HEAD || length > size - TILE_HEAD ||
            !label_tiles_put(map, (int)low_get(bytes + 4, 4), (int)low_get(bytes, 4),
                             bytes + TILE_HEAD, length))
            return 0;
        bytes += TILE_HEAD + length;
        size -= TILE_HEAD + length;
    }
    return 1;
}

struct label_tiles *labels_kept(const struct image_labels *labels, const char *folder)
{
    char *path = path_of(labels, folder);
    struct label_tiles *map = NULL;
    uint8_t *bytes;
    size_t size;

    if (read_file(path, SIZE_MAX, &bytes, &size) && size >= HEAD + 4 && fits(labels, bytes) &&
        low_get(bytes + 32, 8) == labels->kept &&
        crc32_of(0, bytes, size - 4) == low_get(bytes + size - 4, 4)) {
        map = label_tiles_create(labels->height, labels->width);
        if (map && !put_tiles(map, bytes + HEAD, size - HEAD - 4)) {
            label_tiles_free(map);
            map = NULL;
        }
    }
    free(bytes);
    free(path);
    return map;
}
