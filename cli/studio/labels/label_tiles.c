/* SPDX-License-Identifier: Apache-2.0 */
/*
 * label_tiles.c - rows of pointers to tiles, made when something in the row is painted
 *
 * A tile is never changed: writing makes a new one from the old one's pixels.  A run is three
 * bytes, the label and its length - 1, low byte first; runs go on over the ends of rows.
 */
#include "studio/labels/label_tiles.h"

#include <stdlib.h>
#include <string.h>

enum { SIDE = STUDIO_TILE, PIXELS = SIDE * SIDE, RUN = 3 };

struct tile {
    uint32_t runs; /* 0: bytes are the pixels */
    uint8_t bytes[];
};

struct label_tiles {
    int height, width;
    int down, across;
    struct tile ***rows; /* [down], each NULL or [across] */
    int64_t counts[256];
};

struct studio_rect rect_common(struct studio_rect a, struct studio_rect b)
{
    int left = a.x > b.x ? a.x : b.x, top = a.y > b.y ? a.y : b.y;
    int right = a.x + a.width < b.x + b.width ? a.x + a.width : b.x + b.width;
    int bottom = a.y + a.height < b.y + b.height ? a.y + a.height : b.y + b.height;

    if (right <= left || bottom <= top)
        return (struct studio_rect){left, top, 0, 0};
    return (struct studio_rect){left, top, right - left, bottom - top};
}

struct studio_rect rect_around(struct studio_rect a, struct studio_rect b)
{
    int left = a.x < b.x ? a.x : b.x, top = a.y < b.y ? a.y : b.y;
    int right = a.x + a.width > b.x + b.width ? a.x + a.width : b.x + b.width;
    int bottom = a.y + a.height > b.y + b.height ? a.y + a.height : b.y + b.height;

    if (!a.width || !b.width)
        return a.width ? a : b;
    return (struct studio_rect){left, top, right - left, bottom - top};
}

struct label_tiles *label_tiles_create(int height, int width)
{
    struct label_tiles *map = calloc(1, sizeof(*map));

    if (!map)
        return NULL;
    map->height = height;
    map->width = width;
    map->down = (height + SIDE - 1) / SIDE;
    map->across = (width + SIDE - 1) / SIDE;
    map->rows = calloc((size_t)map->down, sizeof(*map->rows));
    if (!map->rows) {
        free(map);
        return NULL;
    }
    return map;
}

void label_tiles_free(struct label_tiles *map)
{
    if (!map)
        return;
    for (int y = 0; y < map->down; y++) {
        for (int x = 0; map->rows[y] && x < map->across; x++)
            free(map->rows[y][x]);
        free(map->rows[y]);
    }
    free(map->rows);
    free(map);
}

const int64_t *label_tiles_counts(const struct label_tiles *map)
{
    return map->counts;
}

/* ---- one tile ---------------------------------------------------------------------------- */

static int run_length(const uint8_t *run)
{
    return 1 + run[1] + 256 * run[2];
}

static void unpack(const struct tile *tile, uint8_t *pixels)
{
    uint8_t *to = pixels;

    if (!tile) {
        memset(pixels, UNET_IGNORE, PIXELS);
        return;
    }
    if (!tile->runs)
        memcpy(pixels, tile->bytes, PIXELS);
    for (uint32_t i = 0; i < tile->runs; i++) {
        const uint8_t *run = tile->bytes + i * RUN;

        memset(to, run[0], (size_t)run_length(run));
        to += run_length(run);
    }
}

/* How many pixels from `at` on are alike. */
static int alike(const uint8_t *pixels, int at)
{
    const uint64_t eight = pixels[at] * 0x0101010101010101ull;
    int end = at + 1;
    uint64_t next;

    while (end + 8 <= PIXELS && (memcpy(&next, pixels + end, 8), next == eight))
        end += 8;
    while (end < PIXELS && pixels[end] == pixels[at])
        end++;
    return end - at;
}

/* 1 with *tile NULL where nothing is painted; 0: no memory. */
static int pack(const uint8_t *pixels, struct tile **tile)
{
    uint8_t runs[PIXELS];
    size_t bytes = 0;
    int length;

    *tile = NULL;
    if (pixels[0] == UNET_IGNORE && alike(pixels, 0) == PIXELS)
        return 1;
    for (int at = 0; at < PIXELS; at += length) {
        if (bytes + RUN > sizeof(runs)) { /* more than the pixels themselves */
            bytes = 0;
            break;
        }
        length = alike(pixels, at);
        runs[bytes] = pixels[at];
        runs[bytes + 1] = (uint8_t)(length - 1);
        runs[bytes + 2] = (uint8_t)((length - 1) >> 8);
        bytes += RUN;
    }
    *tile = malloc(sizeof(**tile) + (bytes ? bytes : PIXELS));
    if (!*tile)
        return 0;
    (*tile)->runs = (uint32_t)(bytes / RUN);
    memcpy((*tile)->bytes, bytes ? runs : pixels, bytes ? bytes : PIXELS);
    return 1;
}

static void count(struct label_tiles *map, const struct tile *tile, int sign)
{
    if (!tile)
        return;
    for (uint32_t i = 0; i < tile->runs; i++)
        map->counts[tile->bytes[i * RUN]] += sign * run_length(tile->bytes + i * RUN);
    for (int i = 0; !tile->runs && i < PIXELS; i++)
        map->counts[tile->bytes[i]] += sign;
    map->counts[UNET_IGNORE] = 0;
}

static struct tile *find(const struct label_tiles *map, int x, int y)
{
    return map->rows[y] ? map->rows[y][x] : NULL;
}

/* Puts a tile made of pixels in its place. */
static int replace(struct label_tiles *map, int x, int y, const uint8_t *pixels)
{
    struct tile *made;

    if (!pack(pixels, &made))
        return 0;
    if (!map->rows[y]) {
        if (!made)
            return 1;
        map->rows[y] = calloc((size_t)map->across, sizeof(**map->rows));
        if (!map->rows[y]) {
            free(made);
            return 0;
        }
    }
    count(map, map->rows[y][x], -1);
    count(map, made, 1);
    free(map->rows[y][x]);
    map->rows[y][x] = made;
    return 1;
}

/* ---- all tiles, as they are kept --------------------------------------------------------- */

static size_t bytes_of(const struct tile *tile)
{
    return tile->runs ? (size_t)tile->runs * RUN : PIXELS;
}

int label_tiles_each(const struct label_tiles *map,
                     int (*each)(void *context, int x, int y, const uint8_t *bytes, size_t size),
                     void *context)
{
    int ended = 0;

    for (int y = 0; y < map->down && !ended; y++)
        for (int x = 0; map->rows[y] && x < map->across && !ended; x++)
            if (map->rows[y][x])
                ended = each(context, x, y, map->rows[y][x]->bytes, bytes_of(map->rows[y][x]));
    return ended;
}

int label_tiles_put(struct label_tiles *map, int x, int y, const uint8_t *bytes, size_t size)
{
    uint8_t pixels[PIXELS];
    size_t made = 0;

    if (x < 0 || y < 0 || x >= map->across || y >= map->down)
        return 0;
    if (size == PIXELS)
        return replace(map, x, y, bytes);
    for (size_t i = 0; i + RUN <= size && size % RUN == 0; i += RUN) {
        const size_t length = (size_t)run_length(bytes + i);

        if (length > PIXELS - made)
            return 0;
        memset(pixels + made, bytes[i], length);
        made += length;
    }
    return made == PIXELS && replace(map, x, y, pixels);
}

/* ---- rectangles -------------------------------------------------------------------------- */

static struct studio_rect tile_rect(int x, int y)
{
    return (struct studio_rect){x * SIDE, y * SIDE, SIDE, SIDE};
}

/* Copies `part`, in pixels of the image, between two rectangles' arrays. */
static void copy_part(struct studio_rect part, const uint8_t *src, struct studio_rect from,
                      uint8_t *dst, struct studio_rect to)
{
    for (int y = part.y; y < part.y + part.height; y++)
        memcpy(dst + (size_t)(y - to.y) * (size_t)to.width + (part.x - to.x),
               src + (size_t)(y - from.y) * (size_t)from.width + (part.x - from.x),
               (size_t)part.width);
}

void label_tiles_read(const struct label_tiles *map, struct studio_rect rect, uint8_t *labels)
{
    const struct studio_rect all = {0, 0, map->width, map->height};
    const struct studio_rect inside = rect_common(rect, all);
    uint8_t pixels[PIXELS];

    memset(labels, UNET_IGNORE, (size_t)rect.height * (size_t)rect.width);
    if (!inside.width)
        return;
    for (int y = inside.y / SIDE; y <= (inside.y + inside.height - 1) / SIDE; y++)
        for (int x = inside.x / SIDE; x <= (inside.x + inside.width - 1) / SIDE; x++) {
            const struct tile *tile = find(map, x, y);

            if (!tile)
                continue;
            unpack(tile, pixels);
            copy_part(rect_common(inside, tile_rect(x, y)), pixels, tile_rect(x, y), labels, rect);
        }
}

int label_tiles_write(struct label_tiles *map, struct studio_rect rect, const uint8_t *labels)
{
    uint8_t pixels[PIXELS];

    for (int y = rect.y / SIDE; y <= (rect.y + rect.height - 1) / SIDE; y++)
        for (int x = rect.x / SIDE; x <= (rect.x + rect.width - 1) / SIDE; x++) {
            unpack(find(map, x, y), pixels);
            copy_part(rect_common(rect, tile_rect(x, y)), labels, rect, pixels, tile_rect(x, y));
            if (!replace(map, x, y, pixels))
                return 0;
        }
    return 1;
}

int label_tiles_list(const struct label_tiles *map, struct studio_rect *tiles, int room)
{
    const struct studio_rect all = {0, 0, map->width, map->height};
    int found = 0;

    for (int y = 0; y < map->down; y++)
        for (int x = 0; map->rows[y] && x < map->across; x++) {
            if (!map->rows[y][x])
                continue;
            if (found < room)
                tiles[found] = rect_common(tile_rect(x, y), all);
            found++;
        }
    return found;
}

/* ---- levels ------------------------------------------------------------------------------ */

/* Pixels `from` to `to` of a tile have this label; corner: where the tile begins in the image, and
 * out: where the level's tile does.  All in pixels of the full image. */
static int mark(uint8_t label, int from, int to, struct studio_rect corner, struct studio_rect out,
                int level, uint8_t *labels)
{
    int marked = 0;

    while (from < to) {
        const int y = from / SIDE, end = (y + 1) * SIDE < to ? (y + 1) * SIDE : to;
        const int row = (corner.y + y - out.y) >> level;
        const int first = (corner.x + from % SIDE - out.x) >> level;
        const int last = (corner.x + (end - 1) % SIDE - out.x) >> level;

        for (int x = first < 0 ? 0 : first; row >= 0 && row < SIDE && x <= last && x < SIDE; x++)
            if (labels[row * SIDE + x] == UNET_IGNORE) {
                labels[row * SIDE + x] = label;
                marked = 1;
            }
        from = end;
    }
    return marked;
}

static int mark_tile(const struct tile *tile, struct studio_rect corner, struct studio_rect out,
                     int level, uint8_t *labels)
{
    int at = 0, marked = 0;

    for (uint32_t i = 0; i < tile->runs; i++) {
        const uint8_t *run = tile->bytes + i * RUN;

        if (run[0] != UNET_IGNORE)
            marked |= mark(run[0], at, at + run_length(run), corner, out, level, labels);
        at += run_length(run);
    }
    for (int i = 0; !tile->runs && i < PIXELS; i++)
        if (tile->bytes[i] != UNET_IGNORE)
            marked |= mark(tile->bytes[i], i, i + 1, corner, out, level, labels);
    return marked;
}

int label_tiles_level(const struct label_tiles *map, int level, int x, int y, uint8_t *labels)
{
    const int span = SIDE << level; /* pixels that the tile covers */
    const struct studio_rect out = {x * span, y * span, span, span};
    const int tiles = 1 << level;
    int marked = 0;

    memset(labels, UNET_IGNORE, PIXELS);
    for (int ty = y * tiles; ty < map->down && ty < (y + 1) * tiles; ty++)
        for (int tx = x * tiles; map->rows[ty] && tx < map->across && tx < (x + 1) * tiles; tx++)
            if (map->rows[ty][tx])
                marked |= mark_tile(map->rows[ty][tx], tile_rect(tx, ty), out, level, labels);
    return marked;
}
