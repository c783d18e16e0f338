/* SPDX-License-Identifier: Apache-2.0 */
/* live_tiles.c - the predictions that are kept: tiles of full size, those looked at last */
#include <stdlib.h>
#include <string.h>

#include "studio/live/live.h"

struct live_tile *live_tiles_find(struct live_tiles *tiles, int image, int x, int y)
{
    for (int i = 0; i < tiles->count; i++) {
        struct live_tile *tile = tiles->list[i];
        if (tile->image == image && tile->x == x && tile->y == y) {
            tile->used = ++tiles->looks;
            return tile;
        }
    }
    return NULL;
}

struct live_tile *live_tiles_take(struct live_tiles *tiles, int image, int x, int y)
{
    struct live_tile *tile = live_tiles_find(tiles, image, x, y);

    if (tile)
        return tile;
    if (tiles->count < LIVE_TILES && (tile = malloc(sizeof(*tile)))) {
        tiles->list[tiles->count++] = tile;
    } else {
        for (int i = 0; i < tiles->count; i++)
            if (!tile || tiles->list[i]->used < tile->used)
                tile = tiles->list[i];
        if (!tile)
            return NULL;
    }
    tile->image = image;
    tile->x = x;
    tile->y = y;
    tile->used = ++tiles->looks;
    memset(tile->classes, UNET_IGNORE, sizeof(tile->classes));
    memset(tile->certainty, 0, sizeof(tile->certainty));
    return tile;
}

void live_tiles_release(struct live_tiles *tiles)
{
    for (int i = 0; i < tiles->count; i++)
        free(tiles->list[i]);
    tiles->count = 0;
}

/* One row of pixels, each `step` from the one before; tile is the one that was found last. */
static long read_row(struct live_tiles *tiles, int image, struct studio_rect rect, int y, int step,
                     uint8_t *classes, uint8_t *certainty, struct live_tile **tile)
{
    const int ty = y / STUDIO_TILE;
    int found = -1;
    long newest = 0;

    for (int x = rect.x, n = 0; x < rect.x + rect.width; x += step, n++) {
        const int tx = x / STUDIO_TILE;
        if (found != tx) {
            const struct live_tile *t = *tile;
            found = tx;
            if (!t || t->image != image || t->x != tx || t->y != ty)
                *tile = live_tiles_find(tiles, image, tx, ty);
        }
        const size_t at = (size_t)(y % STUDIO_TILE) * STUDIO_TILE + (size_t)(x % STUDIO_TILE);
        if (classes)
            classes[n] = *tile ? (*tile)->classes[at] : UNET_IGNORE;
        if (certainty)
            certainty[n] = *tile ? (*tile)->certainty[at] : 0;
        if (*tile && (*tile)->generation > newest)
            newest = (*tile)->generation;
    }
    return newest;
}

long live_tiles_read(struct live_tiles *tiles, int image, struct studio_rect rect, int step,
                     uint8_t *classes, uint8_t *certainty, int stride)
{
    struct live_tile *tile = NULL;
    long newest = 0;

    for (int y = rect.y, n = 0; y < rect.y + rect.height; y += step, n++) {
        const size_t row = (size_t)n * stride;
        const long found = read_row(tiles, image, rect, y, step, classes ? classes + row : NULL,
                                    certainty ? certainty + row : NULL, &tile);
        newest = found > newest ? found : newest;
    }
    return newest;
}

void live_tiles_count(const struct live_tiles *tiles, int image, int64_t *counts)
{
    memset(counts, 0, UNET_MAX_CLASSES * sizeof(*counts));
    for (int i = 0; i < tiles->count; i++) {
        const struct live_tile *tile = tiles->list[i];
        for (size_t p = 0; tile->image == image && p < sizeof(tile->classes); p++)
            if (tile->classes[p] < UNET_MAX_CLASSES)
                counts[tile->classes[p]]++;
    }
}
