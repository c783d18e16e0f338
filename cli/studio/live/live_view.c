/* SPDX-License-Identifier: Apache-2.0 */
/*
 * live_view.c - which block of what is on the screen is predicted next
 *
 * Those in the middle first, whenever there is a newer network.  The others take turns, so that a
 * view of many blocks is seen to fill and then to be renewed, over as many networks as that takes:
 * what has no prediction comes before what has an old one, and of two alike the one that is nearer
 * to the middle.  Of a view of more than VIEW_BLOCKS those around its middle are predicted.
 */
#include <math.h>

#include "studio/labels/label_tiles.h"
#include "studio/live/live.h"

enum { VIEW_BLOCKS = 144 }; /* of four tiles each; fewer than LIVE_TILES are kept of them */
#define MIDDLE 1.5          /* blocks from the middle to all sides that come first */

/* Blocks x0..x1 - 1, y0..y1 - 1 around (x, y). */
struct blocks {
    int x0, y0, x1, y1;
    double x, y;
};

/* Cuts a span to `most` around the middle. */
static void cut(int *first, int *end, double middle, int most)
{
    if (*end - *first <= most)
        return;
    const int at = (int)floor(middle) - most / 2, last = *end - most;
    *first = at < *first ? *first : at > last ? last : at;
    *end = *first + most;
}

static struct blocks blocks_of(struct studio_rect view)
{
    struct blocks b = {view.x / LIVE_BLOCK,
                       view.y / LIVE_BLOCK,
                       (view.x + view.width + LIVE_BLOCK - 1) / LIVE_BLOCK,
                       (view.y + view.height + LIVE_BLOCK - 1) / LIVE_BLOCK,
                       (view.x + view.width / 2.0) / LIVE_BLOCK,
                       (view.y + view.height / 2.0) / LIVE_BLOCK};
    const int width = b.x1 - b.x0, height = b.y1 - b.y0;
    const double all = (double)width * height;

    if (all <= VIEW_BLOCKS)
        return b;
    int across = (int)(width * sqrt(VIEW_BLOCKS / all));
    across = across < 1 ? 1 : across;
    const int down = VIEW_BLOCKS / across < height ? VIEW_BLOCKS / across : height;
    cut(&b.x0, &b.x1, b.x, VIEW_BLOCKS / down);
    cut(&b.y0, &b.y1, b.y, down);
    return b;
}

/* Whether a comes before b. */
static int is_before(const struct live_spot *a, const struct live_spot *b)
{
    if (a->is_far != b->is_far)
        return b->is_far;
    if (a->is_far && a->generation != b->generation)
        return a->generation < b->generation;
    return a->distance < b->distance;
}

int live_view_next(struct live_tiles *tiles, int image, const struct studio_image *what,
                   struct studio_rect view, long generation, struct live_spot *spot)
{
    const struct studio_rect whole = {0, 0, what->width, what->height};
    int found = 0;

    view = rect_common(view, whole);
    if (!view.width)
        return 0;
    const struct blocks all = blocks_of(view);
    for (int y = all.y0; y < all.y1; y++)
        for (int x = all.x0; x < all.x1; x++) {
            const struct live_tile *tile = live_tiles_find(tiles, image, 2 * x, 2 * y);
            const double dx = fabs(x + 0.5 - all.x), dy = fabs(y + 0.5 - all.y);
            const struct live_spot one = {live_block_at(what, 2 * x, 2 * y),
                                          tile ? tile->generation : 0, dx > MIDDLE || dy > MIDDLE,
                                          dx * dx + dy * dy};
            if (one.generation == generation || (found && !is_before(&one, spot)))
                continue;
            *spot = one;
            found = 1;
        }
    return found;
}
