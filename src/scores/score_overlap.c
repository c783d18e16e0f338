/* SPDX-License-Identifier: Apache-2.0 */
/*
 * score_overlap.c - how many pixels any two objects share
 *
 * Neighbouring pixels mostly have the same two ids.  So runs of equal pairs are collected first, a
 * fraction of the pixels, then sorted and added up.  All counts are exact.
 */
#include <stdlib.h>

#include "scores/score.h"

static int compare(uint32_t a, uint32_t b)
{
    return (a > b) - (a < b);
}

static int by_truth(const void *a, const void *b)
{
    const struct un_overlap *x = a, *y = b;
    int first = compare(x->truth, y->truth);
    return first ? first : compare(x->predicted, y->predicted);
}

static int by_predicted(const void *a, const void *b)
{
    const struct un_overlap *x = a, *y = b;
    int first = compare(x->predicted, y->predicted);
    return first ? first : compare(x->truth, y->truth);
}

static bool is_same(const struct un_overlap *a, const struct un_overlap *b)
{
    return a->predicted == b->predicted && a->truth == b->truth;
}

/* Adds a pixel to the last run or begins one. */
static bool add_pixel(struct un_overlap_list *list, size_t *room, struct un_overlap pixel)
{
    if (list->count && is_same(&list->pair[list->count - 1], &pixel)) {
        list->pair[list->count - 1].pixels++;
        return true;
    }
    if (list->count == *room) {
        size_t more = *room ? *room * 2 : 256;
        struct un_overlap *grown = realloc(list->pair, more * sizeof *grown);
        if (!grown)
            return false;
        list->pair = grown;
        *room = more;
    }
    list->pair[list->count++] = pixel;
    return true;
}

unet_code un_overlaps(const uint32_t *predicted, const uint32_t *truth, const uint8_t *mask,
                      size_t count, struct un_overlap_list *list, unet_error *err)
{
    struct un_overlap_list made = {0};
    size_t room = 0, kept = 0;
    for (size_t i = 0; i < count; i++) {
        struct un_overlap pixel = {predicted[i], truth[i], 1};
        if (mask && mask[i] == UNET_IGNORE)
            continue;
        if (!add_pixel(&made, &room, pixel)) {
            un_overlaps_release(&made);
            return un_fail_memory(err, room * 2 * sizeof *made.pair, "overlaps of objects");
        }
    }
    if (made.count)
        qsort(made.pair, made.count, sizeof *made.pair, by_truth);
    for (size_t i = 0; i < made.count; i++) {
        if (kept && is_same(&made.pair[kept - 1], &made.pair[i]))
            made.pair[kept - 1].pixels += made.pair[i].pixels;
        else
            made.pair[kept++] = made.pair[i];
    }
    made.count = kept;
    *list = made;
    return UNET_OK;
}

void un_overlaps_sort(struct un_overlap_list *list, bool predicted_first)
{
    if (list->count)
        qsort(list->pair, list->count, sizeof *list->pair,
              predicted_first ? by_predicted : by_truth);
}

void un_overlaps_release(struct un_overlap_list *list)
{
    free(list->pair);
    *list = (struct un_overlap_list){0};
}
