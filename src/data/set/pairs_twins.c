/* SPDX-License-Identifier: Apache-2.0 */
/*
 * pairs_twins.c - what a list names twice: an image, or a mask for two images
 *
 * Paths are compared as they are written, but for "." and "..": links to one file, with which
 * stores of data keep masks that are the same, are masks of their own.
 */
#include <stdlib.h>
#include <string.h>

#include "data/set/pairs_rules.h"

/* A path that two pairs of a list may have. */
struct place {
    char *path; /* without "." and ".." */
    const struct un_pair *pair;
};

static int by_path(const void *a, const void *b)
{
    const struct place *x = a, *y = b;
    int order = strcmp(x->path, y->path);
    return order ? order : (x->pair > y->pair) - (x->pair < y->pair);
}

/* A copy without "//", "." and, where folders are before them, ".."; NULL: no memory. */
static char *plain_path(const char *path)
{
    char *made = malloc(strlen(path) + 2), *to = made;
    const char *floor = made; /* behind what ".." cannot take away */
    for (size_t n; made && *path; path += n + (path[n] == '/')) {
        n = strcspn(path, "/");
        if (!n && to == made)
            *to++ = '/', floor = to;
        if (!n || (n == 1 && *path == '.'))
            continue;
        if (n == 2 && !memcmp(path, "..", 2) && to > floor) {
            for (to--; to > floor && to[-1] != '/';)
                to--;
            continue;
        }
        memcpy(to, path, n);
        to += n;
        *to++ = '/';
        if (n == 2 && !memcmp(path, "..", 2))
            floor = to;
    }
    if (made)
        *to = 0;
    return made;
}

/* The paths in their order; two of a kind: 1 + the first of both; -1: no memory. */
static int find_twins(const struct un_pairs *made, bool masks, struct place *places)
{
    int count = 0, twin = 0;
    for (int i = 0; i < made->count; i++) {
        const struct un_pair *pair = &made->pairs[i];
        if (masks && un_outlines_is_file(pair->mask)) /* which may be of many images */
            continue;
        places[count] = (struct place){plain_path(masks ? pair->mask : pair->image), pair};
        if (!places[count].path)
            twin = -1;
        count += !twin;
    }
    qsort(places, (size_t)count, sizeof *places, by_path);
    for (int i = 1; i < count && !twin; i++)
        twin = strcmp(places[i - 1].path, places[i].path) ? 0 : i;
    for (int i = 0; i < count; i++)
        free(places[i].path);
    return twin;
}

unet_code un_pairs_list_twins(const char *list, const struct un_pairs *made, unet_error *err)
{
    const size_t bytes = ((size_t)made->count + 1) * sizeof(struct place);
    struct place *places = malloc(bytes);
    unet_code code = places ? UNET_OK : un_fail_memory(err, bytes, list);
    for (int masks = 0; masks < 2 && !code; masks++) {
        const int twin = find_twins(made, masks, places);
        const struct un_pair *a = twin > 0 ? places[twin - 1].pair : NULL;
        const struct un_pair *b = twin > 0 ? places[twin].pair : NULL;
        if (twin < 0)
            code = un_fail_memory(err, bytes, list);
        else if (twin && !masks)
            code =
                un_fail(err, UNET_EINVAL, "%s: %s is in it twice, with %s and %s; one mask wanted",
                        list, a->name, a->mask, b->mask);
        else if (twin)
            code = un_fail(err, UNET_EINVAL,
                           "%s: %s is the mask of two images, %s and %s; a mask for each wanted, "
                           "a copy if both have the same",
                           list, a->mask, a->name, b->name);
    }
    free(places);
    return code;
}
