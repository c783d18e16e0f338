/* SPDX-License-Identifier: Apache-2.0 */
/*
 * pairs_folder.c - a folder of masks for each image
 *
 *     img0.png        img0/1.png, img0/mask_2.png             each an object
 *     x/images/x.png  x/masks/1f0a.png, x/masks/77ce.png      the same, as of DSB 2018
 *     img0.png        img0/nucleus.png, img0/membrane.png     names that come back: classes
 *     img0.png        img0_json/label.png                     a name that is a mark: the mask
 *
 * The last is LabelMe's, with copies of the image beside it.
 */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/decimal.h"
#include "data/set/pairs_rules.h"

/* Images in the order of their stems, to look one up. */
struct named {
    const char *stem;
    int image;
};

static int by_stem(const void *a, const void *b)
{
    return strcmp(((const struct named *)a)->stem, ((const struct named *)b)->stem);
}

static int find_stem(const struct named *order, int count, const char *stem)
{
    const struct named key = {stem, 0};
    const struct named *found = bsearch(&key, order, (size_t)count, sizeof *order, by_stem);
    return found ? found->image : -1;
}

/* The image that one of a mask's folders is named after, perhaps with "_json" (LabelMe) behind it;
 * -1: none. */
static int find_owner(const struct named *order, int count, const char *folder)
{
    char *copy = strdup(folder), *rest = copy;
    int image = -1;
    for (char *name; copy && image < 0 && (name = strtok_r(rest, "/", &rest));) {
        size_t n = strlen(name);
        image = find_stem(order, count, name);
        if (image >= 0 || n < 6 || strcmp(name + n - 5, "_json"))
            continue;
        name[n - 5] = 0;
        image = find_stem(order, count, name);
    }
    free(copy);
    return image;
}

/* Whether a mask has the folder and the name of an image: then folders go together. */
static unet_code look_mirrored(const struct un_pairing *work, bool *mirrored, unet_error *err)
{
    size_t count = (size_t)work->image.count;
    const struct un_listed **order = malloc((count + 1) * sizeof *order);
    if (!order)
        return un_fail_memory(err, count * sizeof *order, work->images);
    for (size_t i = 0; i < count; i++)
        order[i] = &work->image.files[i];
    qsort(order, count, sizeof *order, un_listed_by_stem);
    *mirrored = false;
    for (int k = 0; k < work->mask.count && !*mirrored; k++) {
        const struct un_listed *mask = &work->mask.files[k];
        *mirrored = bsearch(&mask, order, count, sizeof *order, un_listed_by_stem) != NULL;
    }
    free(order);
    return UNET_OK;
}

/* Images by their stems; false: some have the same. */
static bool list_stems(const struct un_pairing *work, struct named *order)
{
    for (int i = 0; i < work->image.count; i++)
        order[i] = (struct named){work->image.files[i].stem, i};
    qsort(order, (size_t)work->image.count, sizeof *order, by_stem);
    for (int i = 1; i < work->image.count; i++)
        if (!strcmp(order[i - 1].stem, order[i].stem))
            return false;
    return true;
}

/* What a file in an image's folder is called, without the image's name before it. */
static const char *word_in(const struct un_pairing *work, int image, int mask)
{
    const char *word = work->mask.files[mask].stem, *stem = work->image.files[image].stem;
    size_t n = strlen(stem);
    return !strncmp(word, stem, n) && word[n] && strchr("_-. ", word[n]) ? word + n + 1 : word;
}

/* How many files have a word of words[]; numbers are none. */
struct words {
    char *name[UN_PAIR_CLASSES + 1];
    int files[UN_PAIR_CLASSES + 1];
    int count; /* more than UN_PAIR_CLASSES: too many */
    int recurring, named;
};

static int by_word(const void *a, const void *b)
{
    return un_natural_compare(*(char *const *)a, *(char *const *)b);
}

/* The words that are no numbers, and how many of them come back. */
static unet_code list_words(const struct un_pairing *work, const int *image, struct words *words,
                            unet_error *err)
{
    for (int i = 0; i < work->mask.count && words->count <= UN_PAIR_CLASSES; i++) {
        const char *word = word_in(work, image[i], i);
        size_t n = un_word_before_number(word);
        int k = 0;
        if (n != SIZE_MAX && !un_word_is_class(word, n))
            continue;
        words->named++;
        while (k < words->count && strcmp(words->name[k], word))
            k++;
        if (k == words->count && !(words->name[words->count++] = strdup(word)))
            return un_fail_memory(err, strlen(word), work->masks);
        words->files[k]++;
    }
    for (int k = 0; k < words->count; k++)
        words->recurring += words->files[k] > 1;
    qsort(words->name, (size_t)words->count, sizeof *words->name, by_word);
    return UNET_OK;
}

/* A mask in each image's folder whose name is a mark alone: label.png. */
static unet_code take_marked(struct un_pairing *work, const int *image, bool *done, unet_error *err)
{
    unet_code code = un_pairing_room(work, NULL, 1, err);
    for (int i = 0; i < work->mask.count && !code; i++)
        if (!*work->mask.files[i].mask_stem) {
            code = un_pairing_set(work, image[i], 0, i, err);
            *done = true;
        }
    snprintf(work->rule, sizeof work->rule, "a folder for each image, the mask in it");
    return code;
}

/* A file for each class in each image's folder; of one word, that is the mask. */
static unet_code take_classes(struct un_pairing *work, const int *image, struct words *words,
                              bool *done, unet_error *err)
{
    char **names = calloc((size_t)words->count + 1, sizeof *names);
    if (!names)
        return un_fail_memory(err, (size_t)words->count * sizeof *names, work->masks);
    const bool classes = words->count > 1;
    for (int k = 0; k < words->count && classes; k++) {
        names[k] = words->name[k];
        words->name[k] = NULL;
    }
    unet_code code = un_pairing_room(work, classes ? names : NULL, words->count, err);
    if (!classes)
        free(names);
    for (int i = 0; i < work->mask.count && !code; i++) {
        int k = 0;
        while (classes && strcmp(work->classes[k], word_in(work, image[i], i)))
            k++;
        code = un_pairing_set(work, image[i], k, i, err);
    }
    snprintf(work->rule, sizeof work->rule, "a folder for each image, %s",
             classes ? "each file in it a class" : "the mask in it");
    *done = !code;
    return code;
}

/* What the files in the folders of all images are. */
static unet_code take_folders(struct un_pairing *work, const int *image, bool *done,
                              unet_error *err)
{
    struct words words = {0};
    bool several, marked = false;
    unet_code code = un_pairing_several(work, image, &several, err);
    for (int i = 0; i < work->mask.count; i++)
        marked = marked || !*work->mask.files[i].mask_stem;
    if (code || (code = list_words(work, image, &words, err)))
        goto done;
    if (marked)
        code = take_marked(work, image, done, err);
    else if (several && !words.recurring)
        code = un_pairing_take(work, image, "a folder for each image, each file in it an object",
                               done, err);
    else if (words.named == work->mask.count && words.count <= UN_PAIR_CLASSES &&
             words.recurring == words.count)
        code = take_classes(work, image, &words, done, err);
done:
    for (int k = 0; k < words.count; k++)
        free(words.name[k]);
    return code;
}

unet_code un_pairing_by_folder(struct un_pairing *work, bool *done, unet_error *err)
{
    size_t room = (size_t)work->image.count + (size_t)work->mask.count + 1;
    struct named *order = malloc(room * sizeof *order);
    int *image = malloc(room * sizeof *image), owned = 0;
    bool mirrored = false;
    unet_code code =
        order && image ? UNET_OK : un_fail_memory(err, room * sizeof *order, work->images);
    if (code || (code = look_mirrored(work, &mirrored, err)) || mirrored ||
        !list_stems(work, order))
        goto done;
    for (int i = 0; i < work->mask.count; i++) {
        image[i] = find_owner(order, work->image.count, work->mask.files[i].folder);
        owned += image[i] >= 0;
    }
    if (owned && owned == work->mask.count)
        code = take_folders(work, image, done, err);
done:
    free(order);
    free(image);
    return code;
}
