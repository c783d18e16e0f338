/* SPDX-License-Identifier: Apache-2.0 */
/*
 * label_tiles.h - the labels of one image, of any size, of which only what is painted takes memory
 *
 * Tiles of 256 x 256 pixels, each a list of runs (or its bytes, where runs would be longer); a tile
 * in which nothing is painted is not there.  Reading changes nothing, so many may read at once;
 * who writes is alone.
 */
#ifndef LABEL_TILES_H
#define LABEL_TILES_H

#include "studio/studio.h"

struct label_tiles;

struct label_tiles *label_tiles_create(int height, int width); /* NULL: no memory */
void label_tiles_free(struct label_tiles *map);

/* labels [rect.height][rect.width]; UNET_IGNORE where nothing is painted, as beyond the image. */
void label_tiles_read(const struct label_tiles *map, struct studio_rect rect, uint8_t *labels);

/* rect lies in the image.  0: no memory; some of its tiles may be written then. */
int label_tiles_write(struct label_tiles *map, struct studio_rect rect, const uint8_t *labels);

/* Tile (x, y) of a level, labels [256][256]: of the pixels that come together in one, one that is
 * painted is seen.  Returns 0 when nothing in it is painted. */
int label_tiles_level(const struct label_tiles *map, int level, int x, int y, uint8_t *labels);

/* Pixels of each label, [256]; of UNET_IGNORE 0. */
const int64_t *label_tiles_counts(const struct label_tiles *map);

/* The tiles in which something is painted; see studio_painted_tiles(). */
int label_tiles_list(const struct label_tiles *map, struct studio_rect *tiles, int room);

/* Hands over each tile's bytes: where it is, counted in tiles, and how many there are.  What
 * each() returns but 0 ends it and is returned. */
int label_tiles_each(const struct label_tiles *map,
                     int (*each)(void *context, int x, int y, const uint8_t *bytes, size_t size),
                     void *context);

/* Puts such bytes into a place where no tile is.  0: no memory, or these are not a tile. */
int label_tiles_put(struct label_tiles *map, int x, int y, const uint8_t *bytes, size_t size);

/* The part of a that is in b; width 0: none. */
struct studio_rect rect_common(struct studio_rect a, struct studio_rect b);
/* The smallest one around both; one of width 0 is none. */
struct studio_rect rect_around(struct studio_rect a, struct studio_rect b);

#endif
