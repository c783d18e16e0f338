/* SPDX-License-Identifier: Apache-2.0 */
/*
 * bmp_runs.c - the run lengths of BMP files
 *
 * A stream of pairs of bytes, from the bottom row up:
 *
 *     n v     n pixels of v; of 4 bits: of its upper and lower half in turn
 *     0 0     the row ends
 *     0 1     the picture ends
 *     0 2 x y go x pixels to the right and y rows up
 *     0 n     n >= 3 pixels follow as they are, padded to a pair
 */
#include "image/formats/bmp_runs.h"

struct runs {
    const unsigned char *at, *end;
    int depth, width, height;
    int x, y; /* y counts from the bottom */
    uint8_t *dst;
};

enum step { STEP_ON, STEP_END, STEP_TRUNCATED, STEP_BROKEN };

/* Pixel i of a run whose bytes begin at p; `same`: all from the one byte. */
static uint8_t pixel(const struct runs *r, const unsigned char *p, int i, bool same)
{
    if (r->depth == 8)
        return p[same ? 0 : i];
    unsigned char byte = p[same ? 0 : i / 2];
    return (uint8_t)(i % 2 ? byte & 15 : byte >> 4);
}

static enum step put(struct runs *r, const unsigned char *p, int count, bool same)
{
    if (r->y >= r->height || count > r->width - r->x)
        return STEP_BROKEN;
    uint8_t *row = r->dst + (size_t)(r->height - 1 - r->y) * (size_t)r->width;
    for (int i = 0; i < count; i++)
        row[r->x++] = pixel(r, p, i, same);
    return STEP_ON;
}

static enum step literal(struct runs *r, int count)
{
    size_t bytes = r->depth == 8 ? (size_t)count : ((size_t)count + 1) / 2;
    if ((size_t)(r->end - r->at) < bytes)
        return STEP_TRUNCATED;
    enum step step = put(r, r->at, count, false);
    bytes += bytes % 2;
    r->at += bytes < (size_t)(r->end - r->at) ? bytes : (size_t)(r->end - r->at);
    return step;
}

static enum step move(struct runs *r)
{
    if (r->end - r->at < 2)
        return STEP_TRUNCATED;
    r->x += r->at[0];
    r->y += r->at[1];
    r->at += 2;
    return r->x <= r->width && r->y < r->height ? STEP_ON : STEP_BROKEN;
}

static enum step next(struct runs *r)
{
    if (r->end - r->at < 2)
        return STEP_TRUNCATED;
    int count = r->at[0], what = r->at[1];
    r->at += 2;
    if (count)
        return put(r, r->at - 1, count, true);
    switch (what) {
    case 0:
        r->x = 0;
        return r->y++ < r->height ? STEP_ON : STEP_BROKEN;
    case 1:
        return r->y >= r->height - 1 ? STEP_END : STEP_BROKEN;
    case 2:
        return move(r);
    default:
        return literal(r, what);
    }
}

unet_code un_unpack_runs(const char *name, const unsigned char *runs, size_t size, int depth,
                         const struct un_page *page, uint8_t *dst, unet_error *err)
{
    struct runs r = {.at = runs,
                     .end = runs + size,
                     .depth = depth,
                     .width = page->width,
                     .height = page->height,
                     .dst = dst};
    enum step step;
    do
        step = next(&r);
    while (step == STEP_ON);
    if (step == STEP_END)
        return UNET_OK;
    return un_fail(err, UNET_EFORMAT, "%s: %s BMP (its runs %s in row %d of %d, from below)", name,
                   step == STEP_TRUNCATED ? "truncated" : "broken",
                   step == STEP_TRUNCATED ? "end" : "go wrong", r.y, r.height);
}
