/* SPDX-License-Identifier: Apache-2.0 */
/*
 * pairs_number.c - img_007.png and label7.tif: the same numbers in the same order
 *
 * Only when that pairs all images with all masks, one with one: first by all numbers of a name,
 * then by the last one alone.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "data/set/pairs_rules.h"

struct number {
    const char *text;
    int file;
};

static int by_text(const void *a, const void *b)
{
    return strcmp(((const struct number *)a)->text, ((const struct number *)b)->text);
}

/* Sorted; false: a name without a number, or two with the same. */
static bool list_numbers(const struct un_listing *listing, bool last, struct number *numbers)
{
    for (int i = 0; i < listing->count; i++) {
        const char *text = listing->files[i].numbers, *comma = strrchr(text, ',');
        if (!*text)
            return false;
        numbers[i] = (struct number){last && comma ? comma + 1 : text, i};
    }
    qsort(numbers, (size_t)listing->count, sizeof *numbers, by_text);
    for (int i = 1; i < listing->count; i++)
        if (!strcmp(numbers[i - 1].text, numbers[i].text))
            return false;
    return true;
}

unet_code un_pairing_by_number(struct un_pairing *work, bool *done, unet_error *err)
{
    size_t count = (size_t)work->image.count;
    struct number *numbers;
    unet_code code = UNET_OK;
    if (work->image.count != work->mask.count || !count)
        return UNET_OK;
    if (!(numbers = malloc(2 * count * sizeof *numbers)))
        return un_fail_memory(err, 2 * count * sizeof *numbers, work->images);
    for (int last = 0; last < 2 && !*done && !code; last++) {
        bool equal = list_numbers(&work->image, last, numbers) &&
                     list_numbers(&work->mask, last, numbers + count);
        for (size_t i = 0; i < count && equal; i++)
            equal = !strcmp(numbers[i].text, numbers[count + i].text);
        if (!equal || (code = un_pairing_room(work, NULL, 1, err)))
            continue;
        for (size_t i = 0; i < count && !code; i++)
            code = un_pairing_set(work, numbers[i].file, 0, numbers[count + i].file, err);
        snprintf(work->rule, sizeof work->rule, "by the %s in their names",
                 last ? "last number" : "numbers");
        *done = !code;
    }
    free(numbers);
    return code;
}
