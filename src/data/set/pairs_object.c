/* SPDX-License-Identifier: Apache-2.0 */
/*
 * pairs_object.c - a file for each object
 *
 *     img0.png        img0_1.png, img0_2.png; img0_obj1.png ...    a number behind the image's name
 *     img0.png        img0_mask.png, img0_mask_1.png               a first one, and further ones
 *
 * Words before the number that speak of classes (class1, ch2) make classes (pairs_class.c); those
 * that speak of people make neither.  A folder for each image: pairs_folder.c.
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

unet_code un_pairing_take(struct un_pairing *work, const int *image, const char *rule, bool *done,
                          unet_error *err)
{
    unet_code code = un_pairing_room(work, NULL, 1, err);
    if (!code)
        code = un_pairing_slices(work, image, &work->slices, err);
    for (int i = 0; i < work->mask.count && !code; i++) {
        if (image[i] < 0)
            continue;
        work->mask.files[i].used = image[i];
        if (work->found[image[i]] < 0)
            work->found[image[i]] = i;
    }
    snprintf(work->rule, sizeof work->rule, "%s",
             work->slices ? "the pages of each stack with its files in their order" : rule);
    *done = !code;
    work->objects = *done && !work->slices;
    return code;
}

unet_code un_pairing_several(const struct un_pairing *work, const int *image, bool *several,
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

/* Whether a mask is x_mask_1 beside x_mask: then its image. */
static int further_of(const struct un_part *part, const struct un_listed *mask,
                      const struct un_pairing *work)
{
    size_t n = part->image < 0 ? SIZE_MAX : un_word_before_number(part->word);
    char *bare = n == SIZE_MAX || un_word_is_class(part->word, n) || is_person(part->word, n)
                     ? NULL
                     : un_without_number(mask->stem);
    int image = bare && !strcmp(bare, work->image.files[part->image].stem) ? part->image : -1;
    free(bare);
    return image;
}

/* Every image with a further mask has a first; *several: there are some. */
static unet_code find_further(const struct un_pairing *work, const struct un_part *parts,
                              int *image, bool *several, unet_error *err)
{
    bool *first = calloc((size_t)work->image.count + 1, sizeof *first), fits = true;
    if (!first)
        return un_fail_memory(err, (size_t)work->image.count, work->images);
    for (int i = 0; i < work->mask.count; i++)
        if ((image[i] = parts[i].own) >= 0)
            first[image[i]] = true;
    *several = false;
    for (int i = 0; i < work->mask.count; i++) {
        int owner = image[i] < 0 ? further_of(&parts[i], &work->mask.files[i], work) : -1;
        if (owner < 0)
            continue;
        image[i] = owner;
        *several = true;
        fits = fits && first[owner];
    }
    *several = *several && fits;
    free(first);
    return UNET_OK;
}

/* Words of the masks, and an image for each. */
struct worded {
    struct un_part *parts;
    int *image;
};

static unet_code list_parts(const struct un_pairing *work, struct worded *worded, unet_error *err)
{
    const size_t room = (size_t)work->mask.count + 1;
    worded->parts = malloc(room * sizeof *worded->parts);
    worded->image = malloc(room * sizeof *worded->image);
    return worded->parts && worded->image
               ? un_pairing_words(work, worded->parts, err)
               : un_fail_memory(err, room * sizeof *worded->parts, work->masks);
}

static void release(struct worded *worded)
{
    free(worded->parts);
    free(worded->image);
}

unet_code un_pairing_by_further(struct un_pairing *work, bool *done, unet_error *err)
{
    struct worded all;
    bool several = false;
    unet_code code = list_parts(work, &all, err);
    if (!code)
        code = find_further(work, all.parts, all.image, &several, err);
    if (!code && several)
        code = un_pairing_take(work, all.image,
                               "by name and what marks a mask, with a number behind it a further "
                               "object",
                               done, err);
    release(&all);
    return code;
}

unet_code un_pairing_by_object(struct un_pairing *work, bool *done, unet_error *err)
{
    struct worded all;
    bool several = false;
    unet_code code = list_parts(work, &all, err);
    if (code || !find_numbered(work, all.parts, all.image) ||
        (code = un_pairing_several(work, all.image, &several, err)) || !several)
        goto done;
    for (int i = 0; i < work->mask.count; i++) {
        const char *word = all.parts[i].word;
        if (all.image[i] < 0)
            continue;
        size_t n = un_word_before_number(word);
        if (is_person(word, n))
            code = fail_people(work, &all.parts[i], i, err);
        if (code || un_word_is_class(word, n))
            goto done;
    }
    code = un_pairing_take(work, all.image, "by name, each number behind it an object", done, err);
done:
    release(&all);
    return code;
}
