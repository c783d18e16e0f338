/* SPDX-License-Identifier: Apache-2.0 */
/*
 * pairs_left.c - what has no partner, in words: which masks were seen, and which is nearest
 *
 *     i: 6 of 6 images have no mask in m: 1_test.tif ...; seen there: 1_manual1.gif ...; the
 * nearest to 1_test.tif is 1_manual1.gif: the pattern (.*)_test with \1_manual1 would pair these
 */
#include <ctype.h>
#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>

#include "data/set/pairs.h"
#include "data/set/pairs_rules.h"

enum {
    SHOWN = 3,     /* names in a message about files without a partner */
    LOOKED = 4000, /* masks among which the nearest is looked for */
    NAME = 60      /* bytes of a name in a message */
};

static const char *name_of(const char *path)
{
    const char *slash = strrchr(path, '/');
    return slash ? slash + 1 : path;
}

#define ADD(text, size, ...) snprintf((text) + strlen(text), (size)-strlen(text), __VA_ARGS__)

/* ---- the nearest name -------------------------------------------------------------------- */

/* What two stems share: the longest run, which does not cut a number. */
struct shared {
    size_t a, b, size; /* where it begins in each, and its bytes */
};

static bool cuts_number(const char *text, size_t at)
{
    return at && isdigit((unsigned char)text[at - 1]) && isdigit((unsigned char)text[at]);
}

static struct shared share_of(const char *a, size_t n, const char *b, size_t m)
{
    struct shared best = {0, 0, 0};
    for (size_t i = 0; i < n; i++)
        for (size_t j = 0; j < m; j++) {
            size_t k = 0;
            while (i + k < n && j + k < m && a[i + k] == b[j + k])
                k++;
            while (k && (cuts_number(a, i + k) || cuts_number(b, j + k)))
                k--;
            if (k > best.size && !cuts_number(a, i) && !cuts_number(b, j))
                best = (struct shared){i, j, k};
        }
    return best;
}

/* Whether so much in common says something: a number, or three letters. */
static bool is_telling(const char *run, size_t size)
{
    for (size_t i = 0; i < size; i++)
        if (isdigit((unsigned char)run[i]))
            return true;
    return size >= 3;
}

/* A name in three parts: before what is shared, the rest behind it. */
struct frame {
    const char *text;
    size_t size, before, behind;
};

/* Whether a pattern made of the first image pairs the second one, too, if there is one. */
static bool pairs_more(const struct un_pairs *pairs, const struct frame *image,
                       const struct frame *mask)
{
    const char *stem = pairs->image_count > 1 ? name_of(pairs->images[1]) : NULL;
    const size_t ends = image->before + image->behind, n = stem ? un_stem_size(stem) : 0;
    if (!stem)
        return true;
    if (n < ends || strncmp(stem, image->text, image->before) ||
        strncmp(stem + n - image->behind, image->text + image->size - image->behind, image->behind))
        return false;
    for (int i = 0; i < pairs->mask_count; i++) {
        const char *name = name_of(pairs->masks[i]);
        if (un_stem_size(name) == n - ends + mask->before + mask->behind &&
            !strncmp(name, mask->text, mask->before) &&
            !strncmp(name + mask->before, stem + image->before, n - ends) &&
            !strncmp(name + mask->before + n - ends, mask->text + mask->size - mask->behind,
                     mask->behind))
            return true;
    }
    return false;
}

/* Appends the name of the mask that is nearest to an image's, and a pattern that pairs them. */
static void add_nearest(const struct un_pairs *pairs, char *text, size_t size)
{
    char *const *masks = pairs->masks;
    const int count = pairs->mask_count;
    const char *stem = name_of(pairs->images[0]), *best = NULL;
    size_t n = un_stem_size(stem);
    struct shared shared = {0, 0, 0};
    for (int i = 0; i < count && i < LOOKED && n <= NAME; i++) {
        const char *name = name_of(masks[i]);
        size_t m = un_stem_size(name);
        struct shared one = m <= NAME ? share_of(stem, n, name, m) : (struct shared){0, 0, 0};
        if (one.size > shared.size ||
            (best && one.size == shared.size && m < un_stem_size(name_of(best)))) {
            shared = one;
            best = masks[i];
        }
    }
    if (!best || !is_telling(stem + shared.a, shared.size))
        return;
    const char *name = name_of(best);
    size_t m = un_stem_size(name);
    ADD(text, size, "; the nearest to %s is %s", stem, name);
    const struct frame of_image = {stem, n, shared.a, n - shared.a - shared.size};
    const struct frame of_mask = {name, m, shared.b, m - shared.b - shared.size};
    if (pairs->count || (shared.size == n && shared.size == m) ||
        !pairs_more(pairs, &of_image, &of_mask))
        return;
    ADD(text, size, ": the pattern %.*s(.*)%.*s with %.*s\\1%.*s would pair these",
        (int)of_image.before, stem, (int)of_image.behind, stem + n - of_image.behind,
        (int)of_mask.before, name, (int)of_mask.behind, name + m - of_mask.behind);
}

/* ---- files that are no masks ------------------------------------------------------------- */

/* What other programs draw with, by the endings of their files. */
static const struct {
    const char *ending, *words;
} drawings[] = {
    {".json", "LabelMe, COCO, VIA or Label Studio"},
    {".geojson", "QuPath"},
    {".xml", "CVAT or Pascal VOC"},
    {".txt", "YOLO"},
    {".zip", "ImageJ's ROI manager"},
    {".roi", "ImageJ"},
};

enum { DRAWINGS = sizeof drawings / sizeof *drawings };

static int drawing_of(const char *name)
{
    const char *dot = strrchr(name, '.');
    for (int k = 0; dot && k < DRAWINGS; k++)
        if (!strcasecmp(dot, drawings[k].ending))
            return k;
    return -1;
}

void un_pairs_drawings(const char *masks, char *text, size_t size)
{
    static const char advice[] =
        "none that is read (LabelMe, COCO, VIA, CVAT for images, GeoJSON, YOLO polygons, ImageJ)";
    int count[DRAWINGS] = {0}, most = 0, k = drawing_of(masks);
    DIR *dir = opendir(masks);
    struct dirent *file;
    *text = 0;
    if (!dir && k >= 0 && !access(masks, F_OK))
        snprintf(text, size, "outlines, as of %s; %s", drawings[k].words, advice);
    while (dir && (file = readdir(dir)))
        if (*file->d_name != '.' && (k = drawing_of(file->d_name)) >= 0)
            count[k]++;
    for (k = 1; k < DRAWINGS; k++)
        most = count[k] > count[most] ? k : most;
    if (dir)
        closedir(dir);
    if (count[most])
        snprintf(text, size, "%d %s file%s in it (outlines, as of %s): %s", count[most],
                 drawings[most].ending, count[most] == 1 ? "" : "s", drawings[most].words, advice);
}

/* Whether a file is outlines, well or ill. */
static bool is_drawn(const char *path)
{
    struct un_outlines *set = un_outlines_is_file(path) ? calloc(1, sizeof *set) : NULL;
    const bool drawn = set && (un_outlines_read(set, path, NULL) ? !set->foreign : set->count > 0);
    un_outlines_free(set);
    return drawn;
}

void un_pairs_drawn(const char *masks, char *text, size_t size)
{
    DIR *dir = opendir(masks);
    struct dirent *file;
    char path[4096], first[NAME] = "";
    int count = 0;
    *text = 0;
    while (dir && (file = readdir(dir))) {
        if (*file->d_name == '.' || !un_outlines_is_name(file->d_name) ||
            snprintf(path, sizeof path, "%s/%s", masks, file->d_name) >= (int)sizeof path ||
            !is_drawn(path))
            continue;
        count++;
        if (!*first || strcmp(file->d_name, first) < 0)
            snprintf(first, sizeof first, "%.59s", file->d_name);
    }
    if (dir)
        closedir(dir);
    if (count)
        snprintf(text, size,
                 "%d file%s of outlines there (%s%s) %s not read beside masks that are images",
                 count, count == 1 ? "" : "s", first, count == 1 ? "" : " ...",
                 count == 1 ? "is" : "are");
}

/* ---- what is left ------------------------------------------------------------------------ */

/* Appends the names of the first few files. */
static void add_names(char *const *paths, int count, char *text, size_t size)
{
    for (int i = 0; i < count && i < SHOWN; i++) {
        size_t used = strlen(text);
        snprintf(text + used, size - used, "%s%.70s", i ? ", " : "", name_of(paths[i]));
    }
    size_t used = strlen(text);
    snprintf(text + used, size - used, "%s", count > SHOWN ? " ..." : "");
}

/* Label Studio's export of brushes: task-5-annotation-9-by-1-tag-cell-0.png. */
static bool is_of_tasks(const char *name)
{
    return !strncmp(name, "task-", 5) && strstr(name, "-annotation-");
}

unet_code un_pairs_complete(const char *images, const char *masks, const struct un_pairs *pairs,
                            bool only_pairs, unet_error *err)
{
    char text[480] = "", drawn[200] = "";
    int missing = pairs->image_count;
    if (!missing || ((only_pairs || pairs->partial) && pairs->count))
        return UNET_OK;
    add_names(pairs->images, missing, text, sizeof text);
    if (pairs->mask_count) {
        ADD(text, sizeof text, "; %s there: ", pairs->count ? "unused masks" : "masks seen");
        add_names(pairs->masks, pairs->mask_count, text, sizeof text);
        if (is_of_tasks(name_of(pairs->masks[0])))
            ADD(text, sizeof text, "; Label Studio names tasks in them, not images: a list wanted");
        else
            add_nearest(pairs, text, sizeof text);
    } else if (!pairs->count) {
        un_pairs_drawings(masks, drawn, sizeof drawn);
        ADD(text, sizeof text, "; %s",
            *drawn                  ? drawn
            : strcmp(images, masks) ? "there is no image in it"
                                    : "no file there looks like a mask of another");
    }
    if (*pairs->drawn)
        ADD(text, sizeof text, "; %s", pairs->drawn);
    unsigned int hint = *pairs->drawn  ? UNET_HINT_ONLY_PAIRS | UNET_HINT_OUTLINES
                        : pairs->count ? UNET_HINT_ONLY_PAIRS
                        : *drawn       ? 0
                                       : UNET_HINT_PAIR;
    return un_fail_hint(err, UNET_EINVAL, hint, "%s: %d of %d %s have no %smask in %s: %s", images,
                        missing, missing + pairs->count,
                        pairs->predicted ? "predicted masks" : "images",
                        pairs->predicted ? "true " : "", masks, text);
}

/* Appends the classes of which some image has no file, and the first such image. */
static void add_lacking(const struct un_pairs *pairs, char *text, size_t size)
{
    for (int k = 0; k < pairs->class_count; k++) {
        const char *first = NULL;
        int lacking = 0;
        for (int i = 0; i < pairs->count; i++) {
            if (pairs->pairs[i].files[k])
                continue;
            first = first ? first : pairs->pairs[i].name;
            lacking++;
        }
        size_t used = strlen(text);
        if (lacking && used < size - 1)
            snprintf(text + used, size - used, "%s%d image%s without a file of \"%.40s\": %.70s%s",
                     used ? "; " : "", lacking, lacking == 1 ? "" : "s", pairs->classes[k], first,
                     lacking > 1 ? " ..." : "");
    }
}

void un_pairs_left_out(const struct un_pairs *pairs, char *text, size_t size)
{
    int images = pairs->image_count, masks = pairs->mask_count;
    const bool predicted = pairs->predicted;
    *text = 0;
    if (images) {
        snprintf(text, size, "%d %s%s without a %smask: ", images,
                 predicted ? "predicted mask" : "image", images == 1 ? "" : "s",
                 predicted ? "true " : "");
        add_names(pairs->images, images, text, size);
    }
    if (masks) {
        size_t used = strlen(text);
        snprintf(text + used, size - used, "%s%d %smask%s without %s: ", images ? "; " : "", masks,
                 predicted ? "true " : "", masks == 1 ? "" : "s",
                 predicted ? "a predicted one" : "an image");
        add_names(pairs->masks, masks, text, size);
    }
    if (images && *pairs->drawn)
        ADD(text, size, "; %s", pairs->drawn);
    add_lacking(pairs, text, size);
}
