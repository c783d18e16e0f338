/* SPDX-License-Identifier: Apache-2.0 */
/*
 * pairs_beside.c - files that other programs write beside images
 *
 *     cell.tif  cell_flows.tif  cell_cp_masks.png  cell_seg.npy           cellpose
 *     cell.tif  cell_Probabilities.tif  cell_Simple Segmentation.tif      ilastik
 *
 * Beside their image they are no images, unless a mask is named after them.  Beside a mask of
 * another name they are no masks, and what is a picture of the work alone gives way to what
 * segments.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "data/set/pairs_rules.h"

enum rank { PICTURE, PICKLED, SEGMENTED, OTHER };

static const struct {
    const char *mark;
    enum rank rank;
    bool foreign; /* only where the file is not one that we read */
} written[] = {
    {"cp_masks", SEGMENTED, false},
    {"simple_segmentation", SEGMENTED, false},
    {"flows", PICTURE, false},
    {"cp_output", PICTURE, false},
    {"cp_outlines", PICTURE, false},
    {"outlines", PICTURE, false},
    {"overlay", PICTURE, false},
    {"overlays", PICTURE, false},
    {"probabilities", PICTURE, false},
    {"uncertainty", PICTURE, false},
    {"seg", PICKLED, true},
};

enum { WRITTEN = sizeof written / sizeof *written };

/* What a file is by its name; *base: bytes of the stem that are the image's. */
static enum rank rank_of(const struct un_listed *file, size_t *base)
{
    const size_t n = strlen(file->stem);
    for (int k = 0; k < WRITTEN; k++) {
        const size_t m = strlen(written[k].mark);
        *base = n > m + 1 ? n - m - 1 : 0;
        if (*base && un_name_is_gap(file->stem[*base]) &&
            un_name_has_mark(file->stem + *base + 1, written[k].mark) &&
            (file->foreign || !written[k].foreign))
            return written[k].rank;
    }
    return OTHER;
}

/* ---- looking names up -------------------------------------------------------------------- */

struct name {
    const char *folder, *stem;
    const struct un_listed *file;
};

struct names {
    struct name *names; /* ascending */
    int count;
};

static int by_folder(const void *a, const void *b)
{
    const struct name *x = a, *y = b;
    const int order = strcmp(x->folder, y->folder);
    return order ? order : strcmp(x->stem, y->stem);
}

/* Names of files as they are, and without what marks a mask. */
enum { PLAIN = 1, BARE = 2, ANY_FOLDER = 4 };

static unet_code list_names(const struct un_listing *files, int which, struct names *made,
                            unet_error *err)
{
    const size_t bytes = (2 * (size_t)files->count + 1) * sizeof *made->names;
    made->count = 0;
    if (!(made->names = malloc(bytes)))
        return un_fail_memory(err, bytes, "file names");
    for (int i = 0; i < files->count; i++) {
        const struct un_listed *file = &files->files[i];
        const char *folder = which & ANY_FOLDER ? "" : file->folder;
        if (which & PLAIN)
            made->names[made->count++] = (struct name){folder, file->stem, file};
        if (which & BARE && strcmp(file->stem, file->mask_stem))
            made->names[made->count++] = (struct name){folder, file->mask_stem, file};
    }
    qsort(made->names, (size_t)made->count, sizeof *made->names, by_folder);
    return UNET_OK;
}

/* Whether a file other than `but` and above this rank has the name. */
static bool has_name(const struct names *names, const char *folder, const char *stem,
                     const struct un_listed *but, int above)
{
    const struct name key = {folder, stem, NULL};
    int low = 0, high = names->count;
    size_t unused;
    while (low < high) {
        const int middle = (low + high) / 2;
        if (by_folder(&names->names[middle], &key) < 0)
            low = middle + 1;
        else
            high = middle;
    }
    for (; low < names->count && !by_folder(&names->names[low], &key); low++)
        if (names->names[low].file != but && (int)rank_of(names->names[low].file, &unused) > above)
            return true;
    return false;
}

/* ---- all --------------------------------------------------------------------------------- */

/* Which files are looked at: masks, or images; up to which rank; names of what they are, whatever
 * is beside them. */
struct search {
    bool masks;
    enum rank most;
    struct names partners;
};

/* Marks what gives way to another file. */
static unet_code mark(const struct un_listing *files, const struct search *search, bool *out,
                      unet_error *err)
{
    struct names here = {0};
    unet_code code = list_names(files, search->masks ? PLAIN | BARE : PLAIN, &here, err);
    for (int i = 0; i < files->count && !code; i++) {
        const struct un_listed *file = &files->files[i];
        size_t base;
        const enum rank rank = rank_of(file, &base);
        char *stem = rank > search->most ? NULL : strndup(file->stem, base);
        if (stem)
            out[i] =
                has_name(&here, file->folder, stem, file, search->masks ? (int)rank : SEGMENTED) &&
                !has_name(&search->partners, "", file->stem, file, -1);
        free(stem);
    }
    free(here.names);
    return code;
}

static unet_code pass_over(struct un_pairing *work, struct un_listing *files, bool masks,
                           enum rank most, const struct un_listing *partners, int names,
                           unet_error *err)
{
    struct search search = {.masks = masks, .most = most};
    bool *out = calloc((size_t)files->count + 1, sizeof *out);
    unet_code code = out ? list_names(partners, names | ANY_FOLDER, &search.partners, err)
                         : un_fail_memory(err, (size_t)files->count, "file names");
    if (!code)
        code = mark(files, &search, out, err);
    for (int i = 0; i < files->count && !code; i++)
        if (out[i] && !work->passed++)
            snprintf(work->first_passed, sizeof work->first_passed, "%s", files->files[i].name);
    if (!code)
        un_listing_drop(files, out);
    free(search.partners.names);
    free(out);
    return code;
}

unet_code un_pairing_pass_images(struct un_pairing *work, unet_error *err)
{
    if (work->wish)
        return UNET_OK;
    return work->same
               ? pass_over(work, &work->image, false, PICTURE, &work->image, BARE, err)
               : pass_over(work, &work->image, false, SEGMENTED, &work->mask, PLAIN | BARE, err);
}

unet_code un_pairing_pass_masks(struct un_pairing *work, unet_error *err)
{
    return work->wish ? UNET_OK
                      : pass_over(work, &work->mask, true, SEGMENTED, &work->image, PLAIN, err);
}
