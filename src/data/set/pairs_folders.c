/* SPDX-License-Identifier: Apache-2.0 */
/*
 * pairs_folders.c - masks that lie in several folders, of images that lie in one
 *
 *     1.png, 4.png            nucleus/1.png, cell/4.png     classes of which an image has one?
 *     1.png, 4.png            day1/1.png, day2/4.png        parts of one set
 *
 * Where no image has masks in two folders, names of the folders may say that they are parts, and
 * values of the masks that they are classes already; else a person must say
 * (un_pairs_folders_settled()), by labels: names take each folder as a class.
 */
#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "data/masks/coding.h"
#include "data/set/pairs_rules.h"

bool un_pairs_by_class(const unet_dataset_options *options, const struct un_coding *given)
{
    struct un_wish *wish = options && options->labels ? malloc(sizeof *wish) : NULL;
    bool names = given && given->kind == UN_CODING_FILES;
    if (wish && !un_wish_parse(options->labels, wish, NULL) && wish->what != UN_WISH_NONE)
        names = wish->what == UN_WISH_NAMES;
    free(wish);
    return names;
}

/* ---- what names say ---------------------------------------------------------------------- */

static const char *last_of(const char *folder)
{
    const char *slash = strrchr(folder, '/');
    return slash ? slash + 1 : folder;
}

/* Whether two names are one but for numbers, and not those of classes: day1, day2. */
static bool is_numbered(const char *a, const char *b)
{
    const size_t word = strcspn(a, "0123456789");
    if (un_word_is_class(a, word))
        return false;
    while (*a || *b) {
        const size_t m = strspn(a, "0123456789"), n = strspn(b, "0123456789");
        if (!m != !n || (!m && *a != *b))
            return false;
        a += m ? m : 1;
        b += n ? n : 1;
    }
    return true;
}

/* Whether a name is that of a part of a data set. */
static bool is_part(const char *name)
{
    static const char *const words[] = {"train", "training", "val",  "valid", "validation",
                                        "test",  "testing",  "eval", "dev",   "holdout"};
    for (size_t i = 0; i < sizeof words / sizeof *words; i++)
        if (!strcasecmp(name, words[i]))
            return true;
    return false;
}

/* Whether folders are parts of one set by their names. */
static bool are_parts(char *const *folders, int count)
{
    bool numbered = true, parts = true;
    for (int k = 0; k < count; k++) {
        if (!*folders[k]) /* that of the others itself */
            return true;
        numbered = numbered && is_numbered(folders[0], folders[k]);
        parts = parts && is_part(last_of(folders[k]));
    }
    return numbered || parts;
}

/* Whether a folder is named after the image of the mask in it. */
static bool is_of_image(const struct un_listed *mask, const struct un_listed *image)
{
    const char *folder = last_of(mask->folder);
    return !strncmp(folder, image->stem, strlen(image->stem)) ||
           !strncmp(folder, image->image_stem, strlen(image->image_stem));
}

/* ---- folders ----------------------------------------------------------------------------- */

static void release(char **names, int count)
{
    for (int k = 0; k < count; k++)
        free(names[k]);
    free(names);
}

/* The different folders of the masks that were found, at most UN_PAIR_CLASSES; count 0: more. */
static unet_code list_folders(const struct un_pairing *work, char ***names, int *count,
                              unet_error *err)
{
    char **made = calloc(UN_PAIR_CLASSES + 1, sizeof *made);
    int n = 0;
    if (!made)
        return un_fail_memory(err, UN_PAIR_CLASSES * sizeof *made, work->masks);
    for (int i = 0; i < work->image.count && n <= UN_PAIR_CLASSES; i++) {
        int k = 0;
        if (work->found[i] < 0)
            continue;
        const char *folder = work->mask.files[work->found[i]].folder;
        while (k < n && strcmp(made[k], folder))
            k++;
        if (k == n && n < UN_PAIR_CLASSES && !(made[n] = strdup(folder))) {
            release(made, n);
            return un_fail_memory(err, strlen(folder), work->masks);
        }
        n += k == n;
    }
    *count = n > UN_PAIR_CLASSES ? 0 : n;
    *names = made;
    return UNET_OK;
}

/* Whether a folder of images has masks in two, which are not named after images. */
static bool are_apart(const struct un_pairing *work)
{
    bool apart = false, named = true;
    for (int i = 0, before = -1; i < work->image.count; i++) {
        if (work->found[i] < 0)
            continue;
        const struct un_listed *image = &work->image.files[i];
        const struct un_listed *mask = &work->mask.files[work->found[i]];
        named = named && is_of_image(mask, image);
        if (before >= 0 && !strcmp(work->image.files[before].folder, image->folder))
            apart =
                apart || strcmp(work->mask.files[work->found[before]].folder, mask->folder) != 0;
        before = i;
    }
    return apart && !named;
}

/* Each folder becomes a class.  Takes names. */
static unet_code make_classes(struct un_pairing *work, char **names, int count, unet_error *err)
{
    const size_t images = (size_t)work->image.count + 1;
    int *found = malloc(images * sizeof *found);
    if (!found) {
        release(names, count);
        return un_fail_memory(err, images * sizeof *found, work->masks);
    }
    memcpy(found, work->found, (images - 1) * sizeof *found);
    unet_code code = un_pairing_room(work, names, count, err);
    for (int i = 0; i < work->image.count && !code; i++) {
        int k = 0;
        while (found[i] >= 0 && strcmp(names[k], work->mask.files[found[i]].folder))
            k++;
        if (found[i] >= 0)
            work->found[i * count + k] = found[i];
    }
    free(found);
    const size_t used = strlen(work->rule);
    snprintf(work->rule + used, sizeof work->rule - used, ", each folder of masks a class");
    return code;
}

static void tell(struct un_pairing *work, char *const *folders, int count)
{
    const size_t used = strlen(work->rule);
    snprintf(work->rule + used, sizeof work->rule - used,
             ", folders of masks (%.30s, %.30s%s) as one", *folders[0] ? folders[0] : ".",
             *folders[1] ? folders[1] : ".", count > 2 ? " ..." : "");
}

unet_code un_pairing_folders(struct un_pairing *work, struct un_pairs *made, unet_error *err)
{
    char **folders = NULL;
    int count = 0;
    if (work->wish || work->classes || work->objects || work->slices || !are_apart(work))
        return UNET_OK;
    unet_code code = list_folders(work, &folders, &count, err);
    if (code)
        return code;
    if (count > 1 && work->by_class)
        return make_classes(work, folders, count, err);
    if (count > 1)
        tell(work, folders, count);
    const bool parts = count < 2 || are_parts(folders, count);
    size_t used = 0;
    for (int k = 0; k < count && !parts && used < sizeof made->folders; k++)
        used +=
            (size_t)snprintf(made->folders + used, sizeof made->folders - used, ",%s", folders[k]);
    release(folders, count);
    return UNET_OK;
}

unet_code un_pairs_folders_settled(const struct un_pairs *pairs, const char *masks,
                                   const struct un_wish *wish, const struct un_coding *given,
                                   const struct un_coding *found, unet_error *err)
{
    const bool objects = found->kind == UN_CODING_OBJECTS;
    const char *form = found->kind == UN_CODING_COLOR ? "background=#%06x,object=#%06x"
                                                      : "background=%u,object=%u";
    char one[60] = "instances";
    uint32_t code[2] = {0};
    if (!*pairs->folders || given || wish->what != UN_WISH_NONE || (found->labels > 2 && !objects))
        return UNET_OK;
    for (int k = 0; k < 2; k++)
        un_coding_code(found, k, &code[k]);
    if (!objects)
        snprintf(one, sizeof one, form, code[0], code[1]);
    return un_fail_hint(err, UNET_EINVAL, UNET_HINT_LABELS,
                        "%s: no image has masks in two of its folders, which may be classes "
                        "(background%s) or have one class together (%s); one of both wanted",
                        masks, pairs->folders, one);
}
