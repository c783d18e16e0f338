/* SPDX-License-Identifier: Apache-2.0 */
/*
 * tiff_alike.c - whether one page is another one in fewer pixels
 *
 * However a level was made (means, medians, every n-th pixel), each of its pixels has a value
 * between the least and the most of the pixels that it stands for and their neighbours.  That is
 * looked at in spots of 16 x 16 pixels all over the page.  Where most of an image is background it
 * is so for any two of them; so only pixels count that do not fit another spot's place either.
 */
#include <math.h>
#include <stdlib.h>

#include "image/tiff/tiff_read.h"

enum { GRID = 6, SPOTS = GRID * GRID, SIDE = 16, MOST_TIMES = 64, FEW = 32 };

struct alike {
    struct unet_source *source;
    int large, small; /* pages */
    struct un_page large_page, small_page;
    double across, down; /* pixels of the large one for one of the small one */
    double slack;        /* of values: rounding and lossy compression */
    double *values;      /* [SPOTS][SIDE * SIDE] of the small page */
    double *range;       /* [SPOTS][SIDE * SIDE][2]: least and most below each */
};

static int at_most(int v, int most)
{
    return v < most ? v : most;
}

/* Spot i of the small page. */
static struct un_rect spot_of(const struct alike *a, int i)
{
    const int height = a->small_page.height, width = a->small_page.width;
    struct un_rect rect = {.height = at_most(SIDE, height), .width = at_most(SIDE, width)};
    rect.top = (int)((int64_t)(height - rect.height) * (i / GRID) / (GRID - 1));
    rect.left = (int)((int64_t)(width - rect.width) * (i % GRID) / (GRID - 1));
    return rect;
}

static bool read_small(struct alike *a)
{
    const struct un_page *page = &a->small_page;
    void *samples = malloc(un_rect_bytes(page, (struct un_rect){0, 0, SIDE, SIDE}));
    bool ok = samples != NULL;
    for (int i = 0; i < SPOTS && ok; i++) {
        struct un_rect rect = spot_of(a, i);
        ok = !a->source->format->read(a->source, a->small, page, rect, samples, NULL);
        for (int p = 0; p < rect.height * rect.width && ok; p++)
            a->values[i * SIDE * SIDE + p] =
                un_page_value(page, samples, (size_t)p * (size_t)page->channels);
    }
    free(samples);
    return ok;
}

/* First and end, within 0 .. count, of what pixel i stands for, and a neighbour of it. */
static void cover(int i, double times, int count, int *first, int *end)
{
    double margin = fmax(1, times / 2);
    double from = floor(i * times - margin), to = ceil((i + 1) * times + margin);
    *first = from > 0 ? at_most((int)from, count - 1) : 0;
    *end = to < count ? (int)to : count;
}

static void find_range(const struct alike *a, const void *samples, struct un_rect rect,
                       struct un_rect spot, int spot_index)
{
    const struct un_page *page = &a->large_page;
    for (int p = 0; p < spot.height * spot.width; p++) {
        int top, bottom, left, right;
        double *range = a->range + ((size_t)spot_index * SIDE * SIDE + (size_t)p) * 2;
        cover(spot.top + p / spot.width, a->down, page->height, &top, &bottom);
        cover(spot.left + p % spot.width, a->across, page->width, &left, &right);
        range[0] = INFINITY;
        range[1] = -INFINITY;
        for (int y = top; y < bottom; y++)
            for (int x = left; x < right; x++) {
                size_t at = (size_t)(y - rect.top) * (size_t)rect.width + (size_t)(x - rect.left);
                double v = un_page_value(page, samples, at * (size_t)page->channels);
                range[0] = fmin(range[0], v);
                range[1] = fmax(range[1], v);
            }
    }
}

static bool read_large(struct alike *a)
{
    const struct un_page *page = &a->large_page;
    bool ok = true;
    for (int i = 0; i < SPOTS && ok; i++) {
        const struct un_rect spot = spot_of(a, i);
        struct un_rect rect;
        int end, unused;
        cover(spot.top, a->down, page->height, &rect.top, &unused);
        cover(spot.top + spot.height - 1, a->down, page->height, &unused, &end);
        rect.height = end - rect.top;
        cover(spot.left, a->across, page->width, &rect.left, &unused);
        cover(spot.left + spot.width - 1, a->across, page->width, &unused, &end);
        rect.width = end - rect.left;
        void *samples = malloc(un_rect_bytes(page, rect));
        ok = samples && !a->source->format->read(a->source, a->large, page, rect, samples, NULL);
        if (ok)
            find_range(a, samples, rect, spot, i);
        free(samples);
    }
    return ok;
}

static bool fits(const struct alike *a, int value, int place)
{
    const double *range = a->range + (size_t)place * 2;
    double slack = a->slack + (range[1] - range[0]) / 4; /* filters overshoot */
    return a->values[value] >= range[0] - slack && a->values[value] <= range[1] + slack;
}

static int judge(const struct alike *a)
{
    const struct un_rect spot = spot_of(a, 0);
    int pixels = 0, amiss = 0, amiss_elsewhere = 0;
    for (int i = 0; i < SPOTS; i++)
        for (int p = 0; p < spot.height * spot.width; p++) {
            int value = i * SIDE * SIDE + p, other = (i + 7) % SPOTS * SIDE * SIDE + p;
            pixels++;
            amiss += !fits(a, value, value);
            amiss_elsewhere += !fits(a, value, other);
        }
    if (amiss > 0.1 * pixels || amiss > 0.2 * amiss_elsewhere)
        return -1;
    return amiss_elsewhere >= FEW;
}

int un_tiff_alike(struct unet_source *source, int large, int small)
{
    struct alike a = {.source = source, .large = large, .small = small};
    int alike = -1;
    if (un_map_check(&source->file, source->name, NULL) ||
        source->format->page(source, large, &a.large_page, NULL) ||
        source->format->page(source, small, &a.small_page, NULL) ||
        a.large_page.channels != a.small_page.channels)
        return -1;
    a.down = (double)a.large_page.height / a.small_page.height;
    a.across = (double)a.large_page.width / a.small_page.width;
    if (a.down > MOST_TIMES || a.across > MOST_TIMES)
        return 0;
    a.values = calloc(SPOTS * SIDE * SIDE, sizeof *a.values);
    a.range = calloc(SPOTS * SIDE * SIDE, 2 * sizeof *a.range);
    if (a.values && a.range && read_small(&a) && read_large(&a)) {
        double least = INFINITY, most = -INFINITY;
        for (int i = 0; i < SPOTS * SIDE * SIDE; i++) {
            least = fmin(least, a.values[i]);
            most = fmax(most, a.values[i]);
        }
        a.slack = (most - least) * (a.large_page.lossy ? 0.05 : 0.01);
        alike = judge(&a);
    }
    free(a.values);
    free(a.range);
    return alike;
}
