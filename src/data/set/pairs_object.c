/* SPDX-License-Identifier: Apache-2.0 */
/*
 * pairs_object.c - a file for each object
 *
 *     img0.png        img0_1.png, img0_2.png; img0_obj1.png ...    a number behind the image's name
 *     img0.png        img0/1.png, img0/mask_2.png                  a folder for each image
 *     x/images/x.png  x/masks/1f0a.png, x/masks/77ce.png           the same, as of DSB 2018
 *
 * Words before the number that speak of classes (class1, ch2) make classes (pairs_class.c); those
 * that speak of people make neither.  In a folder for each image, names that come back in others
 * are classes: img0/nucleus.png, img1/nucleus.png.
 */
#include <ctype.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "data/set/pairs_rules.h"

/* ---- words with a number ----------------------------------------------------------------- */

static const char *const class_words[] = {"class",   "cls",   "label", "category", "cat",
                                          "channel", "ch",    "c",     "layer",    "type",
                                          "tissue",  "organ", "part",  "phase",    "region"};
static const char *const people[] = {"rater",    "reader", "annotator", "expert",
                                     "observer", "user",   "grader",    "person",
                                     "r",        "annot",  "operator",  "radiologist"};

size_t un_word_before_number(const char *word)
{
    size_t n = strlen(word), end = n;
    while (n && isdigit((unsigned char)word[n - 1]))
        n--;
    return n == end ? SIZE_MAX : n;
}

static bool is_among(const char *word, size_t size, const char *const *words, size_t count)
{
    while (size && strchr("_-. ", word[size - 1]))
        size--;
    for (size_t i = 0; i < count; i++)
        if (strlen(words[i]) == size && !strncasecmp(words[i], word, size))
            return true;
    return false;
}

bool un_word_is_class(const char *word, size_t size)
{
    return is_among(word, size, class_words, sizeof class_words / sizeof *class_words);
}

static bool is_person(const char *word, size_t size)
{
    return is_among(word, size, people, sizeof people / sizeof *people);
}

/* ---- all masks of an image --------------------------------------------------------------- */

static unet_code take(struct un_pairing *work, const int *image, const char *rule, bool *done,
                      unet_error *err)
{
    unet_code code = un_pairing_room(work, NULL, 1, err);
    for (int i = 0; i < work->mask.count && !code; i++) {
        if (image[i] < 0)
            continue;
        work->mask.files[i].used = image[i];
        if (work->found[image[i]] < 0)
            work->found[image[i]] = i;
    }
    snprintf(work->rule, sizeof work->rule, "%s", rule);
    work->objects = *done = !code;
    return code;
}

/* Whether some image has two masks or more. */
static unet_code has_several(const struct un_pairing *work, const int *image, bool *several,
                             unet_error *err)
{
    int *count = calloc((size_t)work->image.count + 1, sizeof *count);
    if (!count)
        return un_fail_memory(err, (size_t)work->image.count * sizeof *count, work->images);
    *several = false;
    for (int i = 0; i < work->mask.count; i++)
        if (image[i] >= 0 && ++count[image[i]] > 1)
            *several = true;
    free(count);
    return UNET_OK;
}

/* ---- numbers behind names ---------------------------------------------------------------- */

static unet_code fail_people(const struct un_pairing *work, const struct un_part *part, int mask,
                             unet_error *err)
{
    return un_fail(
        err, UNET_EINVAL,
        "%s: masks of several people (%s); one mask for an image wanted: a folder of one "
        "person's, or of what they agree on",
        work->mask.files[mask].path, part->word);
}

/* Whether the words of all masks are one word and a number; the images of the masks. */
static bool find_numbered(const struct un_pairing *work, const struct un_part *parts, int *image)
{
    const char *first = NULL;
    size_t size = 0;
    bool fits = true;
    for (int i = 0; i < work->mask.count; i++) {
        const char *word = parts[i].word;
        size_t n = parts[i].image < 0 ? 0 : un_word_before_number(word);
        image[i] = parts[i].image;
        if (parts[i].image < 0)
            continue;
        if (n == SIZE_MAX || (first && (n != size || strncasecmp(word, first, n))))
            fits = false;
        if (!first && n != SIZE_MAX) {
            first = word;
            size = n;
        }
    }
    return fits && first;
}

unet_code un_pairing_by_object(struct un_pairing *work, bool *done, unet_error *err)
{
    size_t room = (size_t)work->mask.count + 1;
    struct un_part *parts = malloc(room * sizeof *parts);
    int *image = malloc(room * sizeof *image);
    bool several = false;
    unet_code code = parts && image ? un_pairing_words(work, parts, err)
                                    : un_fail_memory(err, room * sizeof *parts, work->masks);
    if (code || !find_numbered(work, parts, image) ||
        (code = has_several(work, image, &several, err)) || !several)
        goto done;
    for (int i = 0; i < work->mask.count; i++) {
        if (image[i] < 0)
            continue;
        size_t n = un_word_before_number(parts[i].word);
        if (is_person(parts[i].word, n))
            code = fail_people(work, &parts[i], i, err);
        if (code || un_word_is_class(parts[i].word, n))
            goto done;
    }
    code = take(work, image, "by name, each number behind it an object", done, err);
done:
    free(parts);
    free(image);
    return code;
}

/* ---- a folder for each image ------------------------------------------------------------- */

/* Images in the order of their stems, to look one up. */
struct named {
    const char *stem;
    int image;
};

static int by_stem(const void *a, const void *b)
{
    return strcmp(((const struct named *)a)->stem, ((const struct named *)b)->stem);
}

/* The image that one of a mask's folders is named after; -1: none. */
static int find_owner(const struct named *order, int count, const char *folder)
{
    char *copy = strdup(folder), *rest = copy;
    int image = -1;
    for (char *name; copy && image < 0 && (name = strtok_r(rest, "/", &rest));) {
        const struct named key = {name, 0};
        const struct named *found = bsearch(&key, order, (size_t)count, sizeof *order, by_stem);
        image = found ? found->image : -1;
    }
    free(copy);
    return image;
}

static int by_place(const void *a, const void *b)
{
    const struct un_listed *x = *(const struct un_listed *const *)a;
    const struct un_listed *y = *(const struct un_listed *const *)b;
    int order = strcmp(x->folder, y->folder);
    return order ? order : strcmp(x->stem, y->stem);
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
    qsort(order, count, sizeof *order, by_place);
    *mirrored = false;
    for (int k = 0; k < work->mask.count && !*mirrored; k++) {
        const struct un_listed *mask = &work->mask.files[k];
        *mirrored = bsearch(&mask, order, count, sizeof *order, by_place) != NULL;
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

static int by_text(const void *a, const void *b)
{
    return strcmp(*(const char *const *)a, *(const char *const *)b);
}

/* How many of the names in folders of images come back, as those of classes do; numbers are none.
 */
static unet_code count_words(const struct un_pairing *work, const int *image, int *recur, int *all,
                             unet_error *err)
{
    const char **stems = malloc(((size_t)work->mask.count + 1) * sizeof *stems);
    int count = 0;
    if (!stems)
        return un_fail_memory(err, (size_t)work->mask.count * sizeof *stems, work->masks);
    for (int i = 0; i < work->mask.count; i++)
        if (image[i] >= 0)
            stems[count++] = work->mask.files[i].stem;
    qsort(stems, (size_t)count, sizeof *stems, by_text);
    *recur = 0;
    *all = count;
    for (int i = 0; i < count; i++) {
        bool twice = (i && !strcmp(stems[i], stems[i - 1])) ||
                     (i + 1 < count && !strcmp(stems[i], stems[i + 1]));
        size_t n = un_word_before_number(stems[i]);
        *recur += twice && (n == SIZE_MAX || un_word_is_class(stems[i], n));
    }
    free(stems);
    return UNET_OK;
}

unet_code un_pairing_by_folder(struct un_pairing *work, bool *done, unet_error *err)
{
    size_t room = (size_t)work->image.count + (size_t)work->mask.count + 1;
    struct named *order = malloc(room * sizeof *order);
    int *image = malloc(room * sizeof *image), owned = 0, recur = 0;
    bool several = false, mirrored = false;
    unet_code code =
        order && image ? UNET_OK : un_fail_memory(err, room * sizeof *order, work->images);
    if (code || (code = look_mirrored(work, &mirrored, err)) || mirrored ||
        !list_stems(work, order))
        goto done;
    for (int i = 0; i < work->mask.count; i++) {
        image[i] = find_owner(order, work->image.count, work->mask.files[i].folder);
        owned += image[i] >= 0;
    }
    if (!owned || owned < work->mask.count || (code = has_several(work, image, &several, err)) ||
        !several || (code = count_words(work, image, &recur, &owned, err)) || recur)
        goto done;
    code = take(work, image, "a folder for each image, each file in it an object", done, err);
done:
    free(order);
    free(image);
    return code;
}
