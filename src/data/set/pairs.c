/* SPDX-License-Identifier: Apache-2.0 */
/*
 * pairs.c - which mask belongs to which image
 *
 *     list both folders (listing.c) -> rules in their order, until one finds masks
 *                                   -> pairs, and what has none
 *
 * A rule is for the whole set: names first, then names with a number for each object, or a word for
 * each class, then known layouts, which must not contradict what was found; then numbers, or what
 * differs between names.  A person's pattern goes alone, and a list needs no rule.
 * A file with pages has a file with as many, or a folder with as many files (pairs_pages.c).
 */
#include "data/set/pairs.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/known_files.h"
#include "data/set/channel_files.h"
#include "data/set/pairs_rules.h"
#include "image/image.h"

/* ---- for the rules ----------------------------------------------------------------------- */

unet_code un_pairing_room(struct un_pairing *work, char **names, int classes, unet_error *err)
{
    size_t count = (size_t)(work->image.count + 1) * (size_t)(classes > 0 ? classes : 1);
    work->classes = names;
    work->class_count = classes;
    free(work->found);
    if (!(work->found = malloc(count * sizeof *work->found)))
        return un_fail_memory(err, count * sizeof *work->found, work->images);
    for (size_t i = 0; i < count; i++)
        work->found[i] = -1;
    return UNET_OK;
}

unet_code un_pairing_set(struct un_pairing *work, int i, int k, int mask, unet_error *err)
{
    struct un_listed *file = &work->mask.files[mask];
    int *place = &work->found[i * work->class_count + k];
    if (file->used >= 0)
        return un_fail(err, UNET_EINVAL,
                       "%s: fits two images, %s and %s; the names of one must change", file->path,
                       work->image.files[file->used].relative, work->image.files[i].relative);
    if (*place >= 0)
        return un_fail(err, UNET_EINVAL, "%s: two masks in %s, %s and %s; one wanted",
                       work->image.files[i].path, work->masks, work->mask.files[*place].relative,
                       file->relative);
    file->used = i;
    *place = mask;
    return UNET_OK;
}

/* ---- pairs ------------------------------------------------------------------------------- */

static char *copy_of(const struct un_pairing *work, int mask)
{
    return strdup(work->mask.files[mask].path);
}

static bool fill_objects(const struct un_pairing *work, int i, struct un_pair *pair)
{
    int count = 0;
    for (int k = 0; k < work->mask.count; k++)
        count += work->mask.files[k].used == i;
    pair->objects = calloc((size_t)count + 1, sizeof *pair->objects);
    count = 0;
    for (int k = 0; pair->objects && k < work->mask.count; k++)
        if (work->mask.files[k].used == i && !(pair->objects[count++] = copy_of(work, k)))
            return false;
    return pair->objects != NULL;
}

static bool fill_pair(const struct un_pairing *work, int i, struct un_pair *pair)
{
    const struct un_listed *image = &work->image.files[i];
    const int *found = work->found + i * work->class_count;
    if (!(pair->image = strdup(image->path)))
        return false;
    pair->name = pair->image + (image->relative - image->path);
    if (work->objects && !fill_objects(work, i, pair))
        return false;
    if (!work->classes) {
        pair->drawing = work->mask.files[found[0]].drawing;
        return (pair->mask = copy_of(work, found[0])) != NULL;
    }
    if (!(pair->files = calloc((size_t)work->class_count, sizeof *pair->files)))
        return false;
    for (int k = 0; k < work->class_count; k++)
        if (found[k] >= 0 && !(pair->files[k] = copy_of(work, found[k])))
            return false;
    return true;
}

static bool has_mask(const struct un_pairing *work, int i)
{
    for (int k = 0; k < work->class_count; k++)
        if (work->found[i * work->class_count + k] >= 0)
            return true;
    return false;
}

static bool finds_masks(const struct un_pairing *work)
{
    for (int i = 0; i < work->image.count; i++)
        if (has_mask(work, i))
            return true;
    return false;
}

/* What the rules found, and what is left over.  Takes the names of the classes. */
static unet_code collect(struct un_pairing *work, struct un_pairs *made, unet_error *err)
{
    unet_code code = work->outlines ? UNET_OK : un_pairing_folders(work, made, err);
    if (code)
        return code;
    made->classes = work->classes;
    made->class_count = work->classes ? work->class_count : 0;
    made->objects = work->objects;
    made->partial = work->partial;
    made->outlines = work->outlines;
    work->outlines = NULL;
    made->pairs =
        calloc((size_t)work->image.count + (size_t)work->mask.count + 1, sizeof *made->pairs);
    made->images = calloc((size_t)work->image.count + 1, sizeof *made->images);
    made->masks = calloc((size_t)work->mask.count + 1, sizeof *made->masks);
    if (!made->pairs || !made->images || !made->masks)
        return un_fail_memory(err, (size_t)work->image.count * sizeof *made->pairs, work->images);
    for (int i = 0; i < work->image.count; i++) {
        if (!has_mask(work, i)) {
            if (!(made->images[made->image_count++] = strdup(work->image.files[i].path)))
                return un_fail_memory(err, 0, work->images);
        } else if (work->slices) {
            if ((code = un_pairing_fill_slices(work, i, made, err)))
                return code;
        } else if (!fill_pair(work, i, &made->pairs[made->count++])) {
            return un_fail_memory(err, 0, work->images);
        }
    }
    for (int i = 0; i < work->mask.count; i++)
        if (work->mask.files[i].used < 0 &&
            !(made->masks[made->mask_count++] = strdup(work->mask.files[i].path)))
            return un_fail_memory(err, 0, work->masks);
    memcpy(made->rule, work->rule, sizeof made->rule);
    return UNET_OK;
}

/* ---- all --------------------------------------------------------------------------------- */

/* Of a folder without images or masks: says what is in it, if that is known. */
static unet_code check_known(const char *folder, unet_error *err)
{
    char text[320];
    if (un_known_path(folder, text, sizeof text))
        return un_fail(err, UNET_EINVAL, "%s: no images in it that are read: %s", folder, text);
    return UNET_OK;
}

static unet_code list_both(struct un_pairing *work, unet_error *err)
{
    bool folder = un_is_folder(work->images), mask_folder = un_is_folder(work->masks);
    const char *images = work->images, *masks = work->masks;
    unet_code code;
    work->same = folder && mask_folder && un_is_same_file(images, masks);
    code = folder ? un_listing_read(images, mask_folder && !work->same ? masks : NULL, &work->image,
                                    err)
                  : un_listing_of_file(images, &work->image, err);
    if (code)
        return code;
    if (!work->image.count)
        return check_known(images, err) ? UNET_EINVAL
                                        : un_fail(err, UNET_EINVAL, "%s: no images in it", images);
    if (work->same)
        return (code = un_pairing_pass_images(work, err)) || (code = un_pairing_part(work, err))
                   ? code
                   : un_pairing_pass_masks(work, err);
    code = mask_folder ? un_listing_read(masks, folder ? images : NULL, &work->mask, err)
                       : un_listing_of_file(masks, &work->mask, err);
    if (code || (!work->mask.count && (code = check_known(masks, err))) ||
        (code = un_pairing_pass_images(work, err)))
        return code;
    return un_pairing_pass_masks(work, err);
}

/* A foreign name among the images is an error at once, in the words of the file's own reader. */
static unet_code check_foreign(const struct un_listing *images, unet_error *err)
{
    unet_code code = UNET_OK;
    for (int i = 0; i < images->count && !code; i++) {
        struct unet_source *source = NULL;
        if (images->files[i].foreign)
            code = un_source_open(images->files[i].path, &source, err);
        un_source_close(source);
    }
    return code;
}

/* Two images of one stem in one folder would take the same mask. */
static unet_code check_twins(const struct un_pairing *work, unet_error *err)
{
    for (int i = 1; i < work->image.count && !work->same; i++) {
        const struct un_listed *a = &work->image.files[i - 1], *b = &work->image.files[i];
        if (!strcmp(a->stem, b->stem) && !strcmp(a->folder, b->folder))
            return un_fail(err, UNET_EINVAL, "%s: two images of one name, %s and %s", work->images,
                           a->relative, b->relative);
    }
    return UNET_OK;
}

typedef unet_code rule(struct un_pairing *, bool *, unet_error *);

static unet_code apply_rules(struct un_pairing *work, unet_error *err)
{
    static rule *const rules[] = {
        un_pairing_by_folder, un_pairing_by_further, un_pairing_by_name,   un_pairing_by_object,
        un_pairing_by_class,  un_pairing_by_pattern, un_pairing_by_number, un_pairing_by_middle};
    enum { PATTERN = 5, COUNT = sizeof rules / sizeof *rules };
    unet_code code = UNET_OK;
    bool done = false;
    for (int i = work->wish ? PATTERN : 0; i < COUNT && !done && !code; i++) {
        code = rules[i](work, &done, err);
        if (!code && done && i < PATTERN)
            code = un_pairing_contradicted(work, err);
        if (work->wish)
            break;
    }
    if (!code && !done)
        code = un_pairing_room(work, NULL, 1, err);
    return code;
}

static unet_code find(struct un_pairing *work, struct un_pairs *made, unet_error *err)
{
    bool folder = un_is_folder(work->images), mask_folder = un_is_folder(work->masks);
    char drawn[200] = "";
    bool done = false;
    unet_code code = list_both(work, err);
    if (!code)
        code = un_channel_files_list(&made->channels, &work->image, &work->mask, err);
    work->no_pages = made->channels.pages;
    if (code || (code = check_foreign(&work->image, err)))
        return code;
    if (!mask_folder && un_outlines_is_file(work->masks))
        code = un_pairing_outlines(work, &done, err);
    if (code || done)
        return code ? code : collect(work, made, err);
    if (!mask_folder)
        un_pairs_drawings(work->masks, drawn, sizeof drawn);
    if (*drawn && !un_image_name(work->masks))
        return un_fail(err, UNET_EINVAL, "%s: %s", work->masks, drawn);
    if (folder && !mask_folder)
        code = un_pairing_pages(&work->image, work->masks, false, made, &done, err);
    if (!code && !done && folder && !mask_folder)
        code = un_fail(err, UNET_EINVAL,
                       "%s: is no folder; %s is one, so a folder of masks, or a file with a page "
                       "for each image wanted",
                       work->masks, work->images);
    if (code || done)
        return code;
    if (!folder && !mask_folder) {
        if ((code = un_pairing_room(work, NULL, 1, err)) ||
            (code = un_pairing_set(work, 0, 0, 0, err)))
            return code;
        snprintf(work->rule, sizeof work->rule, "one with one");
        return collect(work, made, err);
    }
    if ((code = check_twins(work, err)) || (code = apply_rules(work, err)))
        return code;
    if (mask_folder && !finds_masks(work) && (code = un_pairing_outlines(work, &done, err)))
        return code;
    if (done)
        return collect(work, made, err);
    if (!folder && !has_mask(work, 0))
        code = un_pairing_pages(&work->mask, work->images, true, made, &done, err);
    else if (folder && mask_folder)
        code = un_pairing_lone_stack(work, made, &done, err);
    return code || done ? code : collect(work, made, err);
}

/* "by name, channels ch00, ch01 in a file each" */
static void tell_channels(struct un_pairs *made)
{
    const struct un_channels *channels = &made->channels;
    for (int i = 0; i < channels->file_count; i++) {
        size_t used = strlen(made->rule);
        snprintf(made->rule + used, sizeof made->rule - used, "%s%s%s", i ? ", " : ", channels ",
                 channels->files[i], i + 1 < channels->file_count ? "" : " in a file each");
    }
    size_t used = strlen(made->rule);
    if (channels->pages)
        snprintf(made->rule + used, sizeof made->rule - used, ", pages are channels");
    for (int i = 0; i < channels->count; i++) {
        used = strlen(made->rule);
        snprintf(made->rule + used, sizeof made->rule - used, "%s%d",
                 i ? "," : ", of all channels ", channels->index[i]);
    }
}

/* "by name; 3 files of other programs passed over: a_flows.tif ..." */
static void tell_passed(const struct un_pairing *work, struct un_pairs *made)
{
    const size_t used = strlen(made->rule);
    if (work->passed)
        snprintf(made->rule + used, sizeof made->rule - used,
                 "; %d file%s of other programs passed over: %s%s", work->passed,
                 work->passed == 1 ? "" : "s", work->first_passed, work->passed > 1 ? " ..." : "");
}

unet_code un_pairs_find(const char *images, const char *masks, const struct un_pair_wish *wish,
                        struct un_pairs *pairs, unet_error *err)
{
    struct un_pairing work = {.images = images, .masks = masks};
    struct un_pairs made = {0};
    if (wish && (wish->image || wish->mask)) {
        if (!wish->image || !wish->mask)
            return un_fail(err, UNET_EINVAL,
                           "a pattern of images and of their masks wanted, found one");
        work.wish = wish;
    }
    work.by_class = wish && wish->by_class;
    unet_code code = un_channels_parse(wish ? wish->channels : NULL, &made.channels, err);
    if (!code && un_is_list_name(masks) && !un_is_folder(masks) && !un_outlines_is_file(masks))
        code = un_pairs_of_list(images, masks, wish && wish->predicted, &made, err);
    else if (!code)
        code = find(&work, &made, err);
    if (!code && !made.outlines)
        code = un_pairs_draw(&made, err);
    if (!code && made.count && made.image_count && !made.outlines && un_is_folder(masks))
        un_pairs_drawn(masks, made.drawn, sizeof made.drawn);
    made.predicted = wish && wish->predicted;
    if (!code)
        tell_channels(&made);
    if (!code)
        tell_passed(&work, &made);
    if (!made.classes && work.classes) {
        made.classes = work.classes;
        made.class_count = work.class_count;
    }
    if (!code && wish && wish->predicted > 1)
        un_pairs_exchange(&made);
    if (code)
        un_pairs_release(&made);
    else
        *pairs = made;
    free(work.found);
    un_outlines_free(work.outlines);
    un_listing_release(&work.image);
    un_listing_release(&work.mask);
    return code;
}

const char *un_pair_file(const struct un_pairs *pairs, const struct un_pair *pair, const char *name)
{
    for (int k = 0; k < pairs->class_count; k++)
        if (!strcmp(pairs->classes[k], name))
            return pair->files[k];
    return NULL;
}

void un_pairs_release(struct un_pairs *pairs)
{
    for (int i = 0; i < pairs->count; i++) {
        struct un_pair *pair = &pairs->pairs[i];
        for (int k = 0; pair->files && k < pairs->class_count; k++)
            free(pair->files[k]);
        free(pair->files);
        for (int k = 0; pair->objects && pair->objects[k]; k++)
            free(pair->objects[k]);
        free(pair->objects);
        free(pair->image);
        free(pair->mask);
    }
    for (int i = 0; i < pairs->image_count; i++)
        free(pairs->images[i]);
    for (int i = 0; i < pairs->mask_count; i++)
        free(pairs->masks[i]);
    for (int k = 0; k < pairs->class_count; k++)
        free(pairs->classes[k]);
    un_outlines_free(pairs->outlines);
    free(pairs->pairs);
    free(pairs->images);
    free(pairs->masks);
    free(pairs->classes);
    *pairs = (struct un_pairs){0};
}
