/* SPDX-License-Identifier: Apache-2.0 */
/*
 * pairs_outlines.c - outlines that people drew in the place of masks
 *
 * Files of outlines are read as soon as they are found; each drawing then stands in the listing of
 * masks, under the name of its image where the file says that (COCO, VIA, CVAT), else under its own
 * (01.json, 01.geojson, 01.txt, 01.zip, a folder 01/ of .roi files), and the rules for names pair
 * it.  LabelMe's files have both names: their own goes first, as in LabelMe.
 */
#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/decimal.h"
#include "data/set/pairs_rules.h"

#define DEEPEST 8 /* folders in folders */

unet_code un_pair_open_mask(const struct un_pairs *pairs, const struct un_pair *pair,
                            struct unet_source *image, struct unet_source **mask, unet_error *err)
{
    struct unet_source *own = NULL;
    unet_code code = UNET_OK;
    if (!pair->drawing)
        return un_source_open_as(pair->mask, &pairs->of_mask, mask, err);
    if (!image)
        code = un_source_open_as(pair->image, &pairs->manner, &own, err);
    if (!code)
        code = un_outlines_open(pairs->outlines, pair->drawing, image ? image : own, mask, err);
    un_source_close(own);
    return code;
}

/* ---- a folder of outlines ---------------------------------------------------------------- */

static bool is_stem(const struct un_listing *images, const char *name)
{
    const size_t n = un_stem_size(name);
    for (int i = 0; i < images->count; i++)
        if (strlen(images->files[i].stem) == n && !memcmp(images->files[i].stem, name, n))
            return true;
    return false;
}

static int by_name(const void *a, const void *b)
{
    return un_natural_compare(*(char *const *)a, *(char *const *)b);
}

/* Entries of a folder but hidden ones, in natural order; the last is NULL. */
static unet_code list_names(const char *folder, char ***names, unet_error *err)
{
    DIR *dir = opendir(folder);
    char **made = NULL;
    size_t count = 0, room = 0;
    unet_code code = dir ? UNET_OK : un_fail_errno(err, "%s", folder);
    struct dirent *entry;
    while (!code && ((entry = readdir(dir)) || count + 1 > room)) {
        if (count + 1 >= room) {
            char **more = realloc(made, (2 * room + 64) * sizeof *more);
            if (!more) {
                code = un_fail_memory(err, room * sizeof *more, folder);
                break;
            }
            made = more;
            room = 2 * room + 64;
        }
        if (entry && *entry->d_name != '.') {
            if ((made[count] = strdup(entry->d_name)))
                count++;
            else
                code = un_fail_memory(err, 0, folder);
        }
        if (!entry)
            break;
    }
    if (dir)
        closedir(dir);
    if (made) {
        qsort(made, count, sizeof *made, by_name);
        made[count] = NULL;
    }
    *names = made;
    return code;
}

/* What reading a folder works on. */
struct walk {
    struct un_pairing *work;
    unet_error why; /* of the first file that is of another kind */
};

static unet_code take_file(struct walk *walk, const char *folder, const char *path, int depth,
                           unet_error *err)
{
    struct un_outlines *set = walk->work->outlines;
    const char *name = un_outlines_file_name(path), *dot = strrchr(name, '.');
    unet_error why;
    const bool joined = depth && !strcasecmp(dot, ".roi") && !is_stem(&walk->work->image, name);
    set->joined = joined ? folder : NULL;
    unet_code code = un_outlines_read(set, path, &why);
    set->joined = NULL;
    if (!code || !set->foreign)
        return code ? un_fail_again(err, &why) : UNET_OK;
    if (!walk->why.code && un_outlines_is_file(path)) /* the words of its format's reader */
        walk->why = why;
    return UNET_OK;
}

static unet_code walk_folder(struct walk *walk, const char *folder, int depth, unet_error *err)
{
    char **names, *path = NULL;
    unet_code code = list_names(folder, &names, err);
    for (int i = 0; names && names[i]; i++) {
        const size_t n = strlen(folder);
        const bool last = code != UNET_OK;
        if (!last &&
            asprintf(&path, "%s%s%s", folder, n && folder[n - 1] == '/' ? "" : "/", names[i]) < 0) {
            path = NULL;
            code = un_fail_memory(err, n, folder);
        }
        free(names[i]);
        if (last || code)
            continue;
        if (!un_is_folder(path))
            code = un_outlines_is_name(path) ? take_file(walk, folder, path, depth, err) : UNET_OK;
        else if (depth < DEEPEST)
            code = walk_folder(walk, path, depth + 1, err);
        free(path);
    }
    free(names);
    return code;
}

/* ---- drawings as a listing --------------------------------------------------------------- */

/* Whether an image has this name, whatever its folders are. */
static bool is_image(const struct un_listing *images, const char *path)
{
    const char *name = un_outlines_file_name(path);
    for (int i = 0; i < images->count; i++)
        if (!strcmp(images->files[i].name, name))
            return true;
    return false;
}

/* Whether the drawing goes by the name of its image. */
static unet_code choose_name(const struct un_pairing *work, const struct un_drawing *drawing,
                             bool *named, unet_error *err)
{
    const char *file = un_outlines_file_name(drawing->file);
    *named = *drawing->image && strcmp(work->outlines->format, "LabelMe");
    if (*named || !*drawing->image || !is_image(&work->image, drawing->image))
        return UNET_OK;
    const char *image = un_outlines_file_name(drawing->image);
    *named = !is_stem(&work->image, file);
    if (!*named &&
        (un_stem_size(file) != un_stem_size(image) || memcmp(file, image, un_stem_size(file))))
        return un_fail(
            err, UNET_EINVAL,
            "%s: is named after one image, but says that it is of %s; one of both wanted",
            drawing->file, drawing->image);
    return UNET_OK;
}

static unet_code list_drawing(struct un_pairing *work, struct un_drawing *drawing, unet_error *err)
{
    const char *image = drawing->image;
    const size_t n = strlen(work->masks);
    const bool folder = un_is_folder(work->masks);
    size_t root = folder ? n + (work->masks[n - 1] != '/')
                         : (size_t)(un_outlines_file_name(drawing->file) - drawing->file);
    bool named;
    char *path;
    unet_code code = choose_name(work, drawing, &named, err);
    if (code)
        return code;
    while (named && (!strncmp(image, "./", 2) || *image == '/'))
        image += *image == '/' ? 1 : 2;
    if (named)
        root = strlen(drawing->file) + 1;
    if (asprintf(&path, "%s%s%s%s", drawing->file, named ? "/" : "", named ? image : "",
                 un_is_folder(drawing->file) ? ".roi" : "") < 0)
        return un_fail_memory(err, strlen(drawing->file), drawing->file);
    if ((code = un_listing_add(&work->mask, path, root, err)))
        return code;
    work->mask.files[work->mask.count - 1].drawing = drawing;
    return UNET_OK;
}

static unet_code read_all(struct un_pairing *work, unet_error *err)
{
    struct walk walk = {.work = work};
    if (!(work->outlines = calloc(1, sizeof *work->outlines)))
        return un_fail_memory(err, sizeof *work->outlines, work->masks);
    if (!un_is_folder(work->masks))
        return un_outlines_read(work->outlines, work->masks, err);
    unet_code code = walk_folder(&walk, work->masks, 0, err);
    if (!code && !work->outlines->count && walk.why.code)
        code = un_fail_again(err, &walk.why);
    return code;
}

/* ---- pairs ------------------------------------------------------------------------------- */

static unet_code apply_rules(struct un_pairing *work, bool *done, unet_error *err)
{
    typedef unet_code rule(struct un_pairing *, bool *, unet_error *);
    static rule *const rules[] = {un_pairing_by_name, un_pairing_by_pattern, un_pairing_by_number,
                                  un_pairing_by_middle};
    const bool named = work->outlines->count && work->outlines->drawings[0]->several;
    const int first = work->wish ? 1 : 0, end = work->wish ? 2 : named ? 1 : 4;
    unet_code code = UNET_OK;
    *done = false;
    for (int i = first; i < end && !*done && !code; i++)
        code = rules[i](work, done, err);
    if (!code && work->classes)
        code = un_fail_hint(err, UNET_EINVAL, UNET_HINT_PAIR,
                            "%s: outlines of an image in two folders, %s and %s; one wanted",
                            work->masks, work->classes[0], work->classes[1]);
    if (!code && !*done)
        code = un_pairing_room(work, NULL, 1, err);
    return code;
}

static void describe(struct un_pairing *work)
{
    char rule[sizeof work->rule];
    snprintf(rule, sizeof rule, "outlines of %s, %.100s", work->outlines->format,
             *work->rule ? work->rule : "by name");
    memcpy(work->rule, rule, sizeof rule);
}

unet_code un_pairing_outlines(struct un_pairing *work, bool *done, unet_error *err)
{
    unet_code code = read_all(work, err);
    if (code || !work->outlines->count) {
        un_outlines_free(work->outlines);
        work->outlines = NULL;
        return code;
    }
    un_listing_release(&work->mask);
    *work->rule = 0;
    for (int i = 0; i < work->outlines->count && !code; i++)
        code = list_drawing(work, work->outlines->drawings[i], err);
    un_listing_sort(&work->mask);
    if (!code && work->image.count == 1 && work->mask.count == 1) {
        snprintf(work->rule, sizeof work->rule, "one with one");
        if (!(code = un_pairing_room(work, NULL, 1, err)))
            code = un_pairing_set(work, 0, 0, 0, err);
    } else if (!code) {
        code = apply_rules(work, done, err);
    }
    describe(work);
    *done = !code;
    return code;
}

/* ---- of a list --------------------------------------------------------------------------- */

/* The drawing of an image in a file: the one that says so, or the only one; NULL. */
static struct un_drawing *find_drawing(const struct un_outlines *set, const struct un_pair *pair,
                                       int *count)
{
    const char *name = un_outlines_file_name(pair->image);
    struct un_drawing *only = NULL, *found = NULL;
    *count = 0;
    for (int i = 0; i < set->count; i++) {
        struct un_drawing *drawing = set->drawings[i];
        if (strcmp(drawing->file, pair->mask))
            continue;
        only = drawing;
        (*count)++;
        if (!strcmp(un_outlines_file_name(drawing->image), name))
            found = drawing;
    }
    return found ? found : *count == 1 ? only : NULL;
}

/* The file may have been read for an image before. */
static unet_code draw_pair(struct un_outlines *set, struct un_pair *pair, unet_error *err)
{
    int count;
    unet_code code = UNET_OK;
    pair->drawing = find_drawing(set, pair, &count);
    if (!count && !(code = un_outlines_read(set, pair->mask, err)))
        pair->drawing = find_drawing(set, pair, &count);
    if (!code && !pair->drawing)
        code = un_fail(err, UNET_EINVAL, "%s: has no outlines of %s", pair->mask, pair->name);
    return code;
}

unet_code un_pairs_draw(struct un_pairs *pairs, unet_error *err)
{
    int drawn = 0;
    unet_code code = UNET_OK;
    for (int i = 0; i < pairs->count; i++)
        drawn += pairs->pairs[i].mask && !pairs->pairs[i].objects &&
                 un_outlines_is_file(pairs->pairs[i].mask);
    if (!drawn)
        return UNET_OK;
    if (drawn < pairs->count)
        return un_fail(err, UNET_EINVAL,
                       "%d of %d masks are outlines, others images; one of both "
                       "wanted",
                       drawn, pairs->count);
    if (!(pairs->outlines = calloc(1, sizeof *pairs->outlines)))
        return un_fail_memory(err, sizeof *pairs->outlines, "outlines");
    for (int i = 0; i < pairs->count && !code; i++)
        code = draw_pair(pairs->outlines, &pairs->pairs[i], err);
    return code;
}
