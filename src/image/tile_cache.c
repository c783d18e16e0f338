/* SPDX-License-Identifier: Apache-2.0 */
#include "image/tile_cache.h"

#include <stdlib.h>
#include <string.h>

#define KEPT ((size_t)4 << 20)

static int least(int a, int b)
{
    return a < b ? a : b;
}

static size_t tile_bytes(const struct un_tile_cache *c)
{
    return un_rect_bytes(&c->page, (struct un_rect){0, 0, c->height, c->width});
}

unet_code un_tile_cache_make(struct un_tile_cache *c, unet_error *err)
{
    const size_t bytes = tile_bytes(c);
    const size_t columns = (size_t)((c->page.width + c->width - 1) / c->width);
    const size_t rows = (size_t)((c->page.height + c->height - 1) / c->height);
    if (bytes > UN_IMAGE_BYTES)
        return un_fail(err, UNET_EFORMAT, "%s: chunks of %zu bytes on a page; up to %d GB wanted",
                       c->name, bytes, (int)(UN_IMAGE_BYTES >> 30));
    c->count = KEPT / bytes > columns ? KEPT / bytes : columns;
    c->count = c->count < columns * rows ? c->count : columns * rows;
    if (!(c->tiles = calloc(c->count, sizeof *c->tiles)))
        return un_fail_memory(err, c->count * sizeof *c->tiles, c->name);
    return UNET_OK;
}

size_t un_tile_cache_bytes(const struct un_tile_cache *c)
{
    return c->count * tile_bytes(c);
}

void un_tile_cache_release(struct un_tile_cache *c)
{
    for (size_t i = 0; c->tiles && i < c->count; i++)
        free(c->tiles[i].samples);
    free(c->tiles);
}

/* The tile as it is kept, else in the place of the one that was used longest ago. */
static unet_code get(struct un_tile_cache *c, int index, int row, int column,
                     const struct un_tile **found, unet_error *err)
{
    struct un_tile *oldest = c->tiles;
    for (size_t i = 0; i < c->count; i++) {
        struct un_tile *tile = &c->tiles[i];
        if (tile->used && tile->index == index && tile->row == row && tile->column == column) {
            tile->used = ++c->clock;
            *found = tile;
            return UNET_OK;
        }
        if (tile->used < oldest->used)
            oldest = tile;
    }
    if (!oldest->samples && !(oldest->samples = malloc(tile_bytes(c))))
        return un_fail_memory(err, tile_bytes(c), c->name);
    oldest->index = index;
    oldest->row = row;
    oldest->column = column;
    oldest->used = 0;
    unet_code code = c->fill(c->context, oldest, err);
    if (!code)
        oldest->used = ++c->clock;
    *found = oldest;
    return code;
}

/* What a tile has of a rectangle. */
static void copy(const struct un_tile_cache *c, const struct un_tile *tile, struct un_rect rect,
                 uint8_t *dst)
{
    const size_t pixel = (size_t)c->page.channels * (size_t)c->page.bytes;
    const int tile_top = tile->row * c->height, tile_left = tile->column * c->width;
    const int top = rect.top > tile_top ? rect.top : tile_top;
    const int left = rect.left > tile_left ? rect.left : tile_left;
    const int end = least(rect.top + rect.height, tile_top + c->height);
    const int right = least(rect.left + rect.width, tile_left + c->width);
    for (int y = top; y < end; y++)
        memcpy(dst + ((size_t)(y - rect.top) * (size_t)rect.width + (size_t)(left - rect.left)) *
                         pixel,
               tile->samples +
                   ((size_t)(y - tile_top) * (size_t)c->width + (size_t)(left - tile_left)) * pixel,
               (size_t)(right - left) * pixel);
}

unet_code un_tile_cache_read(struct un_tile_cache *c, int index, struct un_rect rect, void *samples,
                             unet_error *err)
{
    const int last_row = (rect.top + rect.height - 1) / c->height;
    const int last_column = (rect.left + rect.width - 1) / c->width;
    for (int row = rect.top / c->height; row <= last_row; row++)
        for (int column = rect.left / c->width; column <= last_column; column++) {
            const struct un_tile *tile = NULL;
            unet_code code = get(c, index, row, column, &tile, err);
            if (code)
                return code;
            copy(c, tile, rect, samples);
        }
    return UNET_OK;
}
