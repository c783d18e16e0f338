/* SPDX-License-Identifier: Apache-2.0 */
/*
 * pairs_same.c - images and masks in one folder
 *
 * A file whose name is marked as a mask of another one is its mask.  Of two files that differ in
 * their ending alone, one is the mask: that of the format which keeps values better (001.bmp and
 * 001.png: the PNG).  A file in a folder "masks" beside one of "images" is a mask.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "data/set/pairs_rules.h"

static int rank_of(const char *name)
{
    static const char *const rank[] = {".jpg",  ".jpeg", ".bmp", ".tif",
                                       ".tiff", ".gif",  ".png", ".npy"};
    const char *dot = strrchr(name, '.');
    for (int i = 0; dot && i < (int)(sizeof rank / sizeof *rank); i++)
        if (!strcasecmp(dot, rank[i]))
            return i;
    return -1;
}

static int by_image_stem(const void *a, const void *b)
{
    const struct un_listed *x = *(const struct un_listed *const *)a;
    const struct un_listed *y = *(const struct un_listed *const *)b;
    int order = strcmp(x->folder, y->folder);
    return order ? order : strcmp(x->image_stem, y->image_stem);
}

/* All files of the folder in two orders. */
struct orders {
    const struct un_listed **stem, **image;
    int count;
};

/* Whether the folder has the image of which this is marked as the mask. */
static bool is_marked(const struct orders *orders, const struct un_listed *file)
{
    const bool plain = !strcmp(file->stem, file->mask_stem);
    char *bare = plain ? un_without_number(file->stem) : strdup(file->mask_stem);
    const struct un_listed key = {.folder = file->folder, .stem = bare, .image_stem = bare};
    const struct un_listed *wanted = &key;
    const size_t count = (size_t)orders->count, size = sizeof wanted;
    bool found = bare && (bsearch(&wanted, orders->stem, count, size, un_listed_by_stem) ||
                          bsearch(&wanted, orders->image, count, size, by_image_stem));
    free(bare);
    return found;
}

/* The last of a file's folders; *above: how long the path of those above it is. */
static const char *last_folder(const struct un_listed *file, size_t *above)
{
    const char *slash = strrchr(file->folder, '/');
    *above = slash ? (size_t)(slash + 1 - file->folder) : 0;
    return file->folder + *above;
}

/* Whether the file lies in a folder of masks, beside one of images. */
static bool is_beside(const struct un_listed **order, int count, const struct un_listed *file)
{
    static const char *const masks[] = {"masks",    "mask",     "labels",      "label",
                                        "labelsTr", "labelsTs", "groundtruth", "gt"};
    static const char *const images[] = {"images", "image", "imagesTr", "imagesTs"};
    size_t above;
    const char *last = last_folder(file, &above);
    bool masked = false, found = false;
    for (size_t i = 0; i < sizeof masks / sizeof *masks; i++)
        masked = masked || !strcasecmp(last, masks[i]);
    for (size_t i = 0; masked && i < sizeof images / sizeof *images && !found; i++) {
        char folder[4096];
        if (snprintf(folder, sizeof folder, "%.*s%s", (int)above, file->folder, images[i]) >=
            (int)sizeof folder)
            return false;
        int low = 0, high = count;
        while (low < high) { /* the first file that is not before this folder */
            int middle = (low + high) / 2;
            if (strcmp(order[middle]->folder, folder) < 0)
                low = middle + 1;
            else
                high = middle;
        }
        found = low < count && !strcmp(order[low]->folder, folder);
    }
    return found;
}

static bool is_mask(const struct orders *orders, int i)
{
    const struct un_listed **order = orders->stem, *file = order[i];
    const int count = orders->count;
    if (is_marked(orders, file) || is_beside(order, count, file))
        return true;
    const struct un_listed *before = i ? order[i - 1] : NULL;
    const struct un_listed *after = i + 1 < count ? order[i + 1] : NULL;
    const struct un_listed *twin = before && !un_listed_by_stem(&before, &file) ? before
                                   : after && !un_listed_by_stem(&after, &file) ? after
                                                                                : NULL;
    return twin && rank_of(twin->name) < rank_of(file->name);
}

/* Which of the files are masks, by the words in names and folders. */
static unet_code mark_masks(const struct un_pairing *work, bool *mask, unet_error *err)
{
    const size_t count = (size_t)work->image.count;
    struct orders orders = {.count = work->image.count};
    orders.stem = malloc((2 * count + 1) * sizeof *orders.stem);
    if (!orders.stem)
        return un_fail_memory(err, 2 * count * sizeof *orders.stem, work->images);
    orders.image = orders.stem + count;
    for (size_t i = 0; i < count; i++)
        orders.stem[i] = orders.image[i] = &work->image.files[i];
    qsort(orders.stem, count, sizeof *orders.stem, un_listed_by_stem);
    qsort(orders.image, count, sizeof *orders.image, by_image_stem);
    for (int i = 0; i < orders.count; i++)
        mask[orders.stem[i] - work->image.files] |= is_mask(&orders, i);
    free(orders.stem);
    return UNET_OK;
}

unet_code un_pairing_part(struct un_pairing *work, unet_error *err)
{
    int count = work->image.count;
    size_t bytes = ((size_t)count + 1) * sizeof(struct un_listed);
    struct un_listed *masks = malloc(bytes);
    bool *mask = calloc((size_t)count + 1, sizeof *mask);
    int images = 0, found = 0;
    unet_code code = masks && mask ? un_pairing_targets(work, mask, err)
                                   : un_fail_memory(err, bytes, work->images);
    if (!code && !work->wish)
        code = mark_masks(work, mask, err);
    if (code) {
        free(masks);
        free(mask);
        return code;
    }
    for (int i = 0; i < count; i++)
        if (mask[i])
            masks[found++] = work->image.files[i];
        else
            work->image.files[images++] = work->image.files[i];
    free(mask);
    work->image.count = images;
    work->mask = (struct un_listing){masks, found, count + 1};
    return UNET_OK;
}
