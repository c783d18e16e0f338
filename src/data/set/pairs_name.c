/* SPDX-License-Identifier: Apache-2.0 */
/*
 * pairs_name.c - images and masks of the same name
 *
 * For each image the first of these steps that finds a mask counts; of several masks that one in
 * the folder of the same name:
 *
 *     cell.png        cell.tif                      the same stem
 *     cell.png        cell_mask.png, mask_cell.png  the mask is marked
 *     cell_img.png    cell.png, cell_mask.png       the image is
 *
 * Where several masks lie in folders of their own, these are classes: nucleus/1.png, cell/1.png.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "data/set/pairs_rules.h"

/* A key of a mask. */
struct key {
    const char *text;
    int mask;
    bool bare; /* without what marks a mask */
};

static int by_text(const void *a, const void *b)
{
    const struct key *x = a, *y = b;
    int order = strcmp(x->text, y->text);
    return order ? order : (x->mask > y->mask) - (x->mask < y->mask);
}

/* Keys that are wanted: their text, and whether from a bare stem. */
struct step {
    const char *text;
    bool bare;
};

/* The first key of this text. */
static int first_key(const struct key *keys, int count, const char *text)
{
    int low = 0, high = count;
    while (low < high) {
        int middle = (low + high) / 2;
        if (strcmp(keys[middle].text, text) < 0)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

/* Masks of one step for an image: into some[], at most `most`; those read go before foreign ones,
 * those of the image's folder before others. */
static int candidates(const struct un_pairing *work, const struct key *keys, int count,
                      const struct un_listed *image, const struct step *step, int *some, int most)
{
    const struct un_listed *masks = work->mask.files;
    int best = -1, found = 0;
    for (int k = first_key(keys, count, step->text); k < count && !strcmp(keys[k].text, step->text);
         k++) {
        const struct un_listed *mask = &masks[keys[k].mask];
        if (keys[k].bare != step->bare)
            continue;
        int rank = 2 * !mask->foreign + !strcmp(mask->folder, image->folder);
        if (rank > best) {
            best = rank;
            found = 0;
        }
        if (rank == best && found < most)
            some[found++] = keys[k].mask;
    }
    return found;
}

enum { MOST = UN_PAIR_CLASSES };

/* Of the first step that finds some.  *step_number is its number. */
static int find_masks(const struct un_pairing *work, const struct key *keys, int count, int image,
                      int *some, int *step_number)
{
    const struct un_listed *file = &work->image.files[image];
    const struct step steps[] = {{file->stem, false},
                                 {file->stem, true},
                                 {file->image_stem, false},
                                 {file->image_stem, true}};
    int last = strcmp(file->stem, file->image_stem) ? 4 : 2;
    for (int s = 0; s < last; s++) {
        int found = candidates(work, keys, count, file, &steps[s], some, MOST);
        *step_number = s;
        if (found)
            return found;
    }
    return 0;
}

static bool in_own_folders(const struct un_pairing *work, const int *some, int found)
{
    for (int i = 0; i < found; i++)
        for (int j = i + 1; j < found; j++)
            if (!strcmp(work->mask.files[some[i]].folder, work->mask.files[some[j]].folder))
                return false;
    return true;
}

static unet_code fail_several(const struct un_pairing *work, int image, const int *some, int found,
                              unet_error *err)
{
    return un_fail(err, UNET_EINVAL, "%s: two masks in %s, %s and %s%s; one wanted",
                   work->image.files[image].path, work->masks, work->mask.files[some[0]].relative,
                   work->mask.files[some[1]].relative, found > 2 ? ", and more" : "");
}

/* Every mask's folder is a class. */
static unet_code name_classes(struct un_pairing *work, unet_error *err)
{
    char **names = calloc((size_t)work->mask.count + 1, sizeof *names);
    int count = 0;
    for (int i = 0; names && i < work->mask.count; i++) {
        bool known = false;
        for (int k = 0; k < count; k++)
            known = known || !strcmp(names[k], work->mask.files[i].folder);
        if (known)
            continue;
        if (!(names[count] = strdup(work->mask.files[i].folder)))
            break;
        if (++count > UN_PAIR_CLASSES)
            break;
    }
    bool fine = names && count <= UN_PAIR_CLASSES && (!count || names[count - 1]);
    if (fine)
        return un_pairing_room(work, names, count, err);
    for (int k = 0; names && k < count; k++)
        free(names[k]);
    free(names);
    return un_fail(err, UNET_EINVAL, "%s: more than %d folders of masks, each a class", work->masks,
                   UN_PAIR_CLASSES);
}

static int class_of(const struct un_pairing *work, int mask)
{
    int k = 0;
    while (k < work->class_count - 1 && strcmp(work->classes[k], work->mask.files[mask].folder))
        k++;
    return k;
}

static void describe(struct un_pairing *work, int steps)
{
    static const char *const words[] = {"by name", "by name and what marks a mask",
                                        "by name without what marks an image",
                                        "by name without what marks images and masks"};
    int last = 0;
    for (int s = 0; s < 4; s++)
        last = steps & 1 << s ? s : last;
    snprintf(work->rule, sizeof work->rule, "%s%s", words[last],
             work->classes ? ", each folder of masks a class" : "");
}

static unet_code match(struct un_pairing *work, const struct key *keys, int count, bool *done,
                       unet_error *err)
{
    int some[MOST], step, steps = 0;
    bool classes = false;
    unet_code code = UNET_OK;
    for (int i = 0; i < work->image.count && !classes; i++) {
        int found = find_masks(work, keys, count, i, some, &step);
        classes = found > 1 && in_own_folders(work, some, found);
        if (found > 1 && !classes)
            return fail_several(work, i, some, found, err);
    }
    code = classes ? name_classes(work, err) : un_pairing_room(work, NULL, 1, err);
    for (int i = 0; i < work->image.count && !code; i++) {
        int found = find_masks(work, keys, count, i, some, &step);
        if (found > 1 && !in_own_folders(work, some, found))
            code = fail_several(work, i, some, found, err);
        for (int k = 0; k < found && !code; k++)
            code = un_pairing_set(work, i, classes ? class_of(work, some[k]) : 0, some[k], err);
        steps |= found ? 1 << step : 0;
    }
    *done = steps != 0;
    if (steps)
        describe(work, steps);
    return code;
}

unet_code un_pairing_by_name(struct un_pairing *work, bool *done, unet_error *err)
{
    int count = 0;
    struct key *keys = malloc((2 * (size_t)work->mask.count + 1) * sizeof *keys);
    if (!keys)
        return un_fail_memory(err, (size_t)work->mask.count * sizeof *keys, work->masks);
    for (int i = 0; i < work->mask.count; i++) {
        const struct un_listed *mask = &work->mask.files[i];
        keys[count++] = (struct key){mask->stem, i, false};
        if (strcmp(mask->stem, mask->mask_stem))
            keys[count++] = (struct key){mask->mask_stem, i, true};
    }
    qsort(keys, (size_t)count, sizeof *keys, by_text);
    unet_code code = match(work, keys, count, done, err);
    free(keys);
    return code;
}
