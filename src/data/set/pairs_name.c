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
 *     image.png       mask.png                      both names are marks; in one folder
 *
 * then the same with folded names (fold.c) for the masks that are left.  Exact steps that find
 * different masks, of which no other image has one, contradict each other: a person must say.
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
    bool bare;   /* without what marks a mask */
    bool folded; /* a name of fold.c */
};

enum { MOST = UN_PAIR_CLASSES, EXACT = 4, STEPS = 8 };

struct matching {
    struct un_pairing *work;
    struct key *keys;
    int count;
    int *owner; /* of each mask: the image that finds it in an exact step, or -1 */
};

static int by_text(const void *a, const void *b)
{
    const struct key *x = a, *y = b;
    int order = strcmp(x->text, y->text);
    return order ? order : (x->mask > y->mask) - (x->mask < y->mask);
}

/* Keys that are wanted: their text, whether from a bare stem, and whether folded. */
struct step {
    const char *text;
    bool bare, folded;
};

/* Step s of an image; false: it has none, as its name has no mark. */
static bool step_of(const struct un_listed *image, int s, struct step *step)
{
    const bool marked = strcmp(image->stem, image->image_stem) != 0;
    *step = (struct step){s & 2 ? image->image_stem : image->stem, s & 1, s >= EXACT};
    if (step->folded)
        step->text = image->folded[s & 2 ? UN_IMAGE_STEM : UN_STEM];
    return marked || !(s & 2);
}

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

/* Masks of one step for an image: into some[], at most MOST; those read go before foreign ones,
 * those of the image's folder before others. */
static int candidates(const struct matching *m, int image, const struct step *step, int *some)
{
    const struct un_listed *file = &m->work->image.files[image];
    int best = -1, found = 0;
    for (int k = first_key(m->keys, m->count, step->text);
         k < m->count && !strcmp(m->keys[k].text, step->text); k++) {
        const struct key *key = &m->keys[k];
        const struct un_listed *mask = &m->work->mask.files[key->mask];
        bool here = !strcmp(mask->folder, file->folder);
        if (key->bare != step->bare || key->folded != step->folded || (!*step->text && !here) ||
            (step->folded && m->owner[key->mask] >= 0))
            continue;
        int rank = 2 * !mask->foreign + here;
        if (rank > best) {
            best = rank;
            found = 0;
        }
        if (rank == best && found < MOST)
            some[found++] = key->mask;
    }
    return found;
}

/* Of the first step that finds some.  *number is its number. */
static int find_masks(const struct matching *m, int image, int *some, int *number)
{
    struct step step;
    for (int s = 0; s < STEPS; s++) {
        if (!step_of(&m->work->image.files[image], s, &step))
            continue;
        int found = candidates(m, image, &step, some);
        *number = s;
        if (found)
            return found;
    }
    return 0;
}

static unet_code fail_two(const struct un_pairing *work, int image, int a, int b, bool more,
                          unet_error *err)
{
    return un_fail_hint(err, UNET_EINVAL, UNET_HINT_PAIR,
                        "%s: two masks in %s, %s and %s%s; one wanted",
                        work->image.files[image].path, work->masks, work->mask.files[a].relative,
                        work->mask.files[b].relative, more ? ", and more" : "");
}

/* Whether a later exact step has another mask that no image owns. */
static unet_code check_steps(const struct matching *m, int image, int chosen, int from,
                             unet_error *err)
{
    int some[MOST];
    struct step step;
    for (int s = from + 1; s < EXACT; s++) {
        if (!step_of(&m->work->image.files[image], s, &step))
            continue;
        int found = candidates(m, image, &step, some);
        for (int k = 0; k < found; k++)
            if (m->owner[some[k]] < 0)
                return fail_two(m->work, image, chosen, some[k], false, err);
    }
    return UNET_OK;
}

static bool in_own_folders(const struct un_pairing *work, const int *some, int found)
{
    for (int i = 0; i < found; i++)
        for (int j = i + 1; j < found; j++)
            if (!strcmp(work->mask.files[some[i]].folder, work->mask.files[some[j]].folder))
                return false;
    return true;
}

/* Every mask's folder is a class. */
static unet_code name_classes(struct un_pairing *work, unet_error *err)
{
    char **names = calloc((size_t)work->mask.count + 1, sizeof *names);
    unet_code code = UNET_OK;
    int count = 0;
    if (!names)
        return un_fail_memory(err, (size_t)work->mask.count * sizeof *names, work->masks);
    for (int i = 0; i < work->mask.count && !code; i++) {
        const char *folder = work->mask.files[i].folder;
        bool known = false;
        for (int k = 0; k < count; k++)
            known = known || !strcmp(names[k], folder);
        if (known)
            continue;
        if (!(names[count] = strdup(folder)))
            code = un_fail_memory(err, strlen(folder), work->masks);
        else if (++count > UN_PAIR_CLASSES)
            code = un_fail(err, UNET_EINVAL, "%s: more than %d folders of masks, each a class",
                           work->masks, UN_PAIR_CLASSES);
    }
    if (!code)
        return un_pairing_room(work, names, count, err);
    for (int k = 0; k < count; k++)
        free(names[k]);
    free(names);
    return code;
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
    for (int s = 0; s < STEPS; s++)
        last = steps & 1 << s && s % EXACT > last ? s % EXACT : last;
    snprintf(work->rule, sizeof work->rule, "%s%s%s", words[last],
             steps >> EXACT ? ", but for capitals, accents, gaps or an upload's prefix" : "",
             work->classes ? ", each folder of masks a class" : "");
}

/* Who owns which mask, and whether folders of masks are classes. */
static unet_code look(struct matching *m, bool *classes, unet_error *err)
{
    int some[MOST], step;
    *classes = false;
    for (int i = 0; i < m->work->image.count; i++) {
        int found = find_masks(m, i, some, &step);
        for (int k = 0; k < found && step < EXACT; k++)
            m->owner[some[k]] = i;
    }
    for (int i = 0; i < m->work->image.count; i++) {
        int found = find_masks(m, i, some, &step);
        bool several = found > 1 && in_own_folders(m->work, some, found);
        *classes = *classes || several;
        if (found > 1 && !several)
            return fail_two(m->work, i, some[0], some[1], found > 2, err);
    }
    return UNET_OK;
}

static unet_code match(struct matching *m, bool *done, unet_error *err)
{
    struct un_pairing *work = m->work;
    int some[MOST], step, steps = 0;
    bool classes;
    unet_code code = look(m, &classes, err);
    if (code)
        return code;
    code = classes ? name_classes(work, err) : un_pairing_room(work, NULL, 1, err);
    for (int i = 0; i < work->image.count && !code; i++) {
        int found = find_masks(m, i, some, &step);
        if (found && !classes)
            code = check_steps(m, i, some[0], step, err);
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
    const size_t masks = (size_t)work->mask.count;
    struct matching m = {.work = work};
    unet_code code = UNET_OK;
    m.keys = malloc((4 * masks + 1) * sizeof *m.keys);
    m.owner = malloc((masks + 1) * sizeof *m.owner);
    if (!m.keys || !m.owner) {
        code = un_fail_memory(err, masks * sizeof *m.keys, work->masks);
        goto done;
    }
    for (int i = 0; i < work->mask.count; i++) {
        const struct un_listed *mask = &work->mask.files[i];
        const bool marked = strcmp(mask->stem, mask->mask_stem) != 0;
        m.owner[i] = -1;
        m.keys[m.count++] = (struct key){mask->stem, i, false, false};
        m.keys[m.count++] = (struct key){mask->folded[UN_STEM], i, false, true};
        if (marked) {
            m.keys[m.count++] = (struct key){mask->mask_stem, i, true, false};
            m.keys[m.count++] = (struct key){mask->folded[UN_MASK_STEM], i, true, true};
        }
    }
    qsort(m.keys, (size_t)m.count, sizeof *m.keys, by_text);
    code = match(&m, done, err);
done:
    free(m.keys);
    free(m.owner);
    return code;
}
