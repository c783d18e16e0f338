/* SPDX-License-Identifier: Apache-2.0 */
/*
 * pairs_class.c - masks named after an image and a word: cell1_nucleus.png, cell1_membrane.png
 *
 * A mask belongs to the image with the longest stem that it begins with.  One word for all masks is
 * just their mark; several words, of which each comes with several images, are classes.
 */
#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/decimal.h"
#include "data/set/pairs_rules.h"

static int by_stem(const void *a, const void *b)
{
    const struct un_listed *x = *(const struct un_listed *const *)a;
    const struct un_listed *y = *(const struct un_listed *const *)b;
    return strcmp(x->stem, y->stem);
}

static int find_image(const struct un_pairing *work, const struct un_listed *const *order,
                      const char *stem)
{
    struct un_listed key = {.stem = (char *)stem};
    const struct un_listed *wanted = &key;
    const struct un_listed *const *found = bsearch(&wanted, order, (size_t)work->image.count,
                                                   sizeof(const struct un_listed *), by_stem);
    return found ? (int)(*found - work->image.files) : -1;
}

static bool is_number(const char *word)
{
    return word[strspn(word, "0123456789")] == 0;
}

/* The longest beginning of a mask's name that is an image's. */
static struct un_part take_apart(const struct un_pairing *work,
                                 const struct un_listed *const *order, const struct un_listed *mask)
{
    const bool marked = strcmp(mask->stem, mask->mask_stem) != 0;
    struct un_part part = {-1, NULL, marked ? find_image(work, order, mask->mask_stem) : -1};
    char *stem = strdup(mask->mask_stem);
    for (size_t n = stem ? strlen(stem) : 0; n > 1 && part.image < 0; n--) {
        if (!strchr("_-. ", stem[n - 1]))
            continue;
        stem[n - 1] = 0;
        part.image = find_image(work, order, stem);
        part.word = mask->mask_stem + n;
    }
    free(stem);
    if (part.image >= 0 && !*part.word)
        part.image = -1;
    return part;
}

unet_code un_pairing_words(const struct un_pairing *work, struct un_part *parts, unet_error *err)
{
    size_t bytes = ((size_t)work->image.count + 1) * sizeof(struct un_listed *);
    const struct un_listed **order = malloc(bytes);
    if (!order)
        return un_fail_memory(err, bytes, work->images);
    for (int i = 0; i < work->image.count; i++)
        order[i] = &work->image.files[i];
    qsort(order, (size_t)work->image.count, sizeof *order, by_stem);
    for (int i = 0; i < work->mask.count; i++)
        parts[i] = take_apart(work, order, &work->mask.files[i]);
    free(order);
    return UNET_OK;
}

static int by_word(const void *a, const void *b)
{
    return un_natural_compare(*(char *const *)a, *(char *const *)b);
}

/* The different words; how many, more than UN_PAIR_CLASSES: too many; -1: no memory. */
static int list_words(const struct un_part *parts, int count, char **names)
{
    int n = 0;
    for (int i = 0; i < count; i++) {
        bool known = parts[i].image < 0;
        for (int k = 0; k < n && !known; k++)
            known = !strcmp(names[k], parts[i].word);
        if (known)
            continue;
        if (n == UN_PAIR_CLASSES)
            return n + 1;
        if (!(names[n++] = strdup(parts[i].word)))
            return -1;
    }
    qsort(names, (size_t)n, sizeof *names, by_word);
    return n;
}

/* Every word must come back, unless there is but one image. */
static bool words_recur(const struct un_pairing *work, const struct un_part *parts, char **names,
                        int words)
{
    for (int k = 0; k < words; k++) {
        int times = 0;
        for (int i = 0; i < work->mask.count; i++)
            times += parts[i].image >= 0 && !strcmp(parts[i].word, names[k]);
        if (times < 2 && work->image.count > 1)
            return false;
    }
    return true;
}

unet_code un_pairing_by_class(struct un_pairing *work, bool *done, unet_error *err)
{
    size_t room = (size_t)work->mask.count + 1;
    struct un_part *parts = malloc(room * sizeof *parts);
    char **names = calloc(UN_PAIR_CLASSES + 1, sizeof *names);
    unet_code code = parts && names ? un_pairing_words(work, parts, err)
                                    : un_fail_memory(err, room * sizeof *parts, work->masks);
    for (int i = 0; i < work->mask.count && !code; i++)
        if (parts[i].image >= 0 && is_number(parts[i].word))
            parts[i].image = -1;
    int words = code ? 0 : list_words(parts, work->mask.count, names);
    if (!code && words < 0)
        code = un_fail_memory(err, room, work->masks);
    if (!code && (!words || words > UN_PAIR_CLASSES || !words_recur(work, parts, names, words)))
        goto done;
    if (!code && words == 1)
        snprintf(work->rule, sizeof work->rule, "by name and \"%.60s\" in the masks'", names[0]);
    else if (!code)
        snprintf(work->rule, sizeof work->rule, "by name, each word behind it a class");
    char **kept = words > 1 ? names : NULL;
    if (!code) {
        code = un_pairing_room(work, kept, words, err);
        names = kept ? NULL : names;
    }
    for (int i = 0; i < work->mask.count && !code; i++) {
        int k = 0;
        while (parts[i].image >= 0 && words > 1 && strcmp(work->classes[k], parts[i].word))
            k++;
        if (parts[i].image >= 0)
            code = un_pairing_set(work, parts[i].image, k, i, err);
    }
    *done = !code;
done:
    for (int k = 0; names && k < UN_PAIR_CLASSES; k++)
        free(names[k]);
    free(names);
    free(parts);
    return code;
}
