/* SPDX-License-Identifier: Apache-2.0 */
/*
 * tile_cache.h - pages that come in tiles: one row of them is kept, or 4 MB
 *
 * Bands from top to bottom have each tile made once.  A rectangle is cut out of whole tiles, so
 * that its samples do not depend on how it lies.
 */
#ifndef UN_TILE_CACHE_H
#define UN_TILE_CACHE_H

#include "image/source.h"

/* One tile of a page, [height][width][channels] of the cache. */
struct un_tile {
    uint8_t *samples;
    uint64_t used; /* when it was, 0: empty */
    int index;     /* the page */
    int row, column;
};

struct un_tile_cache {
    const char *name;    /* for messages */
    struct un_page page; /* what all pages are: sides, channels, bytes */
    int height, width;   /* of a tile */
    /* Makes the samples of tile->row and tile->column of page tile->index, as far as they are on
     * the page. */
    unet_code (*fill)(void *context, struct un_tile *tile, unet_error *err);
    void *context;
    struct un_tile *tiles; /* here down set by un_tile_cache_make() */
    size_t count;
    uint64_t clock;
};

unet_code un_tile_cache_make(struct un_tile_cache *cache, unet_error *err);
void un_tile_cache_release(struct un_tile_cache *cache);

/* Bytes of all tiles. */
size_t un_tile_cache_bytes(const struct un_tile_cache *cache);

/* As struct un_format's read. */
unet_code un_tile_cache_read(struct un_tile_cache *cache, int index, struct un_rect rect,
                             void *samples, unet_error *err);

#endif
