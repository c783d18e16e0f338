/* SPDX-License-Identifier: Apache-2.0 */
/*
 * pairs_middle.c - names that are equal but for what all images, and all masks, have in common
 *
 *     slice_a_he.png  slice_b_he.png    and    lab-a.tif  lab-b.tif:    a, b
 *
 * What all names of a folder begin and end with is cut off, but for digits: 10 and 11 stay whole.
 * Every mask, or every image, must find a partner.
 */
#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "data/set/pairs_rules.h"

/* A name's middle, and where it comes from. */
struct middle {
    const char *text;
    size_t size;
    int file;
};

static int by_text(const void *a, const void *b)
{
    const struct middle *x = a, *y = b;
    size_t n = x->size < y->size ? x->size : y->size;
    int order = memcmp(x->text, y->text, n);
    return order ? order : (x->size > y->size) - (x->size < y->size);
}

/* Sorted; false: two are alike, or one has none. */
static bool list_middles(const struct un_listing *listing, struct middle *middles, size_t *before,
                         size_t *behind)
{
    const char *first = listing->files[0].stem;
    size_t size = strlen(first), head = size, tail = size;
    for (int i = 1; i < listing->count; i++) {
        const char *stem = listing->files[i].stem;
        size_t n = strlen(stem), k = 0;
        while (k < head && k < n && stem[k] == first[k])
            k++;
        head = k;
        for (k = 0; k < tail && k < n && stem[n - 1 - k] == first[size - 1 - k];)
            k++;
        tail = k;
    }
    while (head && isdigit((unsigned char)first[head - 1]))
        head--;
    while (tail && isdigit((unsigned char)first[size - tail]))
        tail--;
    for (int i = 0; i < listing->count; i++) {
        const char *stem = listing->files[i].stem;
        if (strlen(stem) <= head + tail)
            return false;
        middles[i] = (struct middle){stem + head, strlen(stem) - head - tail, i};
    }
    *before = head;
    *behind = tail;
    qsort(middles, (size_t)listing->count, sizeof *middles, by_text);
    for (int i = 1; i < listing->count; i++)
        if (!by_text(&middles[i - 1], &middles[i]))
            return false;
    return true;
}

static void describe(struct un_pairing *work, const size_t n[4])
{
    const char *image = work->image.files[0].stem, *mask = work->mask.files[0].stem;
    snprintf(work->rule, sizeof work->rule,
             "by what differs in their names, %.*s(.*)%.20s with %.*s(.*)%.20s",
             (int)(n[0] < 20 ? n[0] : 20), image, image + strlen(image) - n[1],
             (int)(n[2] < 20 ? n[2] : 20), mask, mask + strlen(mask) - n[3]);
}

unet_code un_pairing_by_middle(struct un_pairing *work, bool *done, unet_error *err)
{
    const int images = work->image.count, masks = work->mask.count;
    size_t room = (size_t)images + (size_t)masks, n[4];
    int pairs = 0;
    if (images < 2 || masks < 2)
        return UNET_OK;
    struct middle *image = malloc(room * sizeof *image);
    if (!image)
        return un_fail_memory(err, room * sizeof *image, work->images);
    struct middle *mask = image + images;
    unet_code code = un_pairing_room(work, NULL, 1, err);
    if (code || !list_middles(&work->image, image, &n[0], &n[1]) ||
        !list_middles(&work->mask, mask, &n[2], &n[3]))
        goto done;
    for (int pass = 0; pass < 2 && !code; pass++) {
        for (int i = 0, k = 0; i < images && k < masks && !code;) {
            int order = by_text(&image[i], &mask[k]);
            if (!order && pass)
                code = un_pairing_set(work, image[i].file, 0, mask[k].file, err);
            pairs += !order && !pass;
            i += order <= 0;
            k += order >= 0;
        }
        if (!pass && pairs < (images < masks ? images : masks))
            goto done;
    }
    if (!code)
        describe(work, n);
    *done = !code;
done:
    free(image);
    return code;
}
