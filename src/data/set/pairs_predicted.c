/* SPDX-License-Identifier: Apache-2.0 */
/*
 * pairs_predicted.c - masks that something predicted, in the place of images
 *
 * They pair with the true masks as their images would.  A list is of images, so the predicted mask
 * of a line is the file that is named as its image is, whatever the endings.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "data/set/pairs_rules.h"

/* Bytes of a path below a folder without the ending of its name. */
static size_t stem_size(const char *path)
{
    const char *slash = strrchr(path, '/');
    const size_t folder = slash ? (size_t)(slash + 1 - path) : 0;
    return folder + un_stem_size(path + folder);
}

/* Whether a file is named as a path of the list is, in its folders as far as both have some. */
static bool is_named(const char *relative, const char *cell)
{
    const size_t a = stem_size(relative), b = stem_size(cell), n = a < b ? a : b;
    if (!n || strncmp(relative + a - n, cell + b - n, n) != 0)
        return false;
    return a == b || (a > b ? relative[a - n - 1] : cell[b - n - 1]) == '/';
}

unet_code un_predicted_find(const struct un_listing *predicted, const char *cell, const char *where,
                            char **path, unet_error *err)
{
    const struct un_listed *found = NULL;
    *path = NULL;
    for (int i = 0; i < predicted->count; i++) {
        const struct un_listed *file = &predicted->files[i];
        if (!is_named(file->relative, cell))
            continue;
        if (found)
            return un_fail(err, UNET_EINVAL, "%s: %s may be %s or %s; one predicted mask wanted",
                           where, cell, found->path, file->path);
        found = file;
    }
    if (!found)
        return un_fail(err, UNET_EINVAL, "%s: no predicted mask is named as %s", where, cell);
    *path = strdup(found->path);
    return *path ? UNET_OK : un_fail_memory(err, strlen(found->path), found->path);
}

void un_pairs_exchange(struct un_pairs *pairs)
{
    for (int i = 0; i < pairs->count; i++) {
        struct un_pair *pair = &pairs->pairs[i];
        char *predicted = pair->image;
        pair->image = pair->mask; /* of a file for each object the first */
        for (int k = 0; pair->files && k < pairs->class_count; k++) {
            if (!pair->image)
                pair->image = pair->files[k];
            else
                free(pair->files[k]);
        }
        for (int k = 0; pair->objects && pair->objects[k]; k++)
            free(pair->objects[k]);
        free(pair->files);
        free(pair->objects);
        const char *slash = strrchr(pair->image, '/');
        *pair = (struct un_pair){.image = pair->image, .mask = predicted};
        pair->name = slash ? pair->image + (slash + 1 - pair->image) : pair->image;
    }
    for (int k = 0; k < pairs->class_count; k++)
        free(pairs->classes[k]);
    free(pairs->classes);
    pairs->classes = NULL;
    pairs->class_count = 0;
    *pairs->folders = 0;
    pairs->objects = false;
}
