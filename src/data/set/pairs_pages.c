/* SPDX-License-Identifier: Apache-2.0 */
/*
 * pairs_pages.c - stacks whose masks are files of one page
 *
 *     scan.tif                masks/1.png, masks/2.png        one stack, a folder with its slices
 *     1.png, 2.png            masks/stack.tif             and one stack of masks, or of images
 *     a.tif, b.nii.gz         a/000.png, b/000.png ...        a folder of slices for each stack
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "data/set/pairs_rules.h"

/* ---- one stack --------------------------------------------------------------------------- */

unet_code un_pairing_pages(const struct un_listing *files, const char *stack, bool stack_is_image,
                           struct un_pairs *made, bool *done, unet_error *err)
{
    struct unet_source *source;
    unet_code code = un_source_open(stack, &source, err);
    if (code)
        return code;
    const int pages = source->pages;
    if (pages < 2)
        goto done;
    if (pages != files->count) {
        code = un_fail(err, UNET_EINVAL,
                       "%s has %d pages, but there are %d %s; one for each page wanted, in their "
                       "order (%s[0:%d] is part of a stack)",
                       stack, pages, files->count, stack_is_image ? "masks" : "images", stack,
                       pages > files->count ? files->count : pages);
        goto done;
    }
    if (!(made->pairs = calloc((size_t)pages, sizeof *made->pairs))) {
        code = un_fail_memory(err, (size_t)pages * sizeof *made->pairs, stack);
        goto done;
    }
    for (int i = 0; i < pages; i++) {
        struct un_pair *pair = &made->pairs[made->count++];
        char *page = un_source_page_path(source, i), *file = strdup(files->files[i].path);
        pair->image = stack_is_image ? page : file;
        pair->mask = stack_is_image ? file : page;
        if (!page || !file) {
            code = un_fail_memory(err, strlen(stack), stack);
            goto done;
        }
        const char *slash = strrchr(pair->image, '/');
        pair->name = slash ? slash + 1 : pair->image;
    }
    snprintf(made->rule, sizeof made->rule, "page by page with the files in their order");
    *done = true;
done:
    un_source_close(source);
    return code;
}

/* Pages of an image; 1 where it cannot be opened: who reads it says why. */
static int pages_of(const char *path)
{
    struct unet_source *source = NULL;
    const int pages = un_source_open(path, &source, NULL) ? 1 : source->pages;
    un_source_close(source);
    return pages;
}

unet_code un_pairing_lone_stack(const struct un_pairing *work, struct un_pairs *made, bool *done,
                                unet_error *err)
{
    const struct un_listing *images = &work->image, *masks = &work->mask;
    const bool is_image = images->count == 1;
    const struct un_listing *stack = is_image ? images : masks, *files = is_image ? masks : images;
    if (work->same || work->wish || work->no_pages || stack->count != 1 || files->count < 2)
        return UNET_OK;
    for (int k = 0; k < masks->count; k++)
        if (masks->files[k].used >= 0)
            return UNET_OK;
    if (pages_of(stack->files[0].path) < 2)
        return UNET_OK;
    return un_pairing_pages(files, stack->files[0].path, is_image, made, done, err);
}

/* ---- a folder for each stack ------------------------------------------------------------- */

static int count_files(const struct un_pairing *work, const int *image, int i)
{
    int count = 0;
    for (int k = 0; k < work->mask.count; k++)
        count += image[k] == i;
    return count;
}

unet_code un_pairing_slices(const struct un_pairing *work, const int *image, bool *slices,
                            unet_error *err)
{
    bool objects = false;
    *slices = false;
    for (int i = 0; i < work->image.count && !work->no_pages; i++) {
        const struct un_listed *file = &work->image.files[i];
        const int count = count_files(work, image, i), pages = count ? pages_of(file->path) : 1;
        if (pages > 1 && pages != count)
            return un_fail(err, UNET_EINVAL,
                           "%s has %d pages, and the folder of its masks %d files; a file for each "
                           "page, in their order, wanted",
                           file->path, pages, count);
        *slices = *slices || pages > 1;
        objects = objects || count > pages;
        if (*slices && objects)
            return un_fail(err, UNET_EINVAL,
                           "%s: some images are stacks with a mask for each page, others have one "
                           "page and several masks; a folder of each wanted",
                           work->images);
    }
    return UNET_OK;
}

unet_code un_pairing_fill_slices(const struct un_pairing *work, int i, struct un_pairs *made,
                                 unet_error *err)
{
    const struct un_listed *image = &work->image.files[i];
    struct unet_source *source;
    unet_code code = un_source_open(image->path, &source, err);
    if (code)
        return code;
    for (int k = 0, page = 0; k < work->mask.count && !code; k++) {
        if (work->mask.files[k].used != i)
            continue;
        struct un_pair *pair = &made->pairs[made->count++];
        pair->image = source->pages > 1 ? un_source_page_path(source, page++) : strdup(image->path);
        pair->mask = strdup(work->mask.files[k].path);
        if (!pair->image || !pair->mask)
            code = un_fail_memory(err, strlen(image->path), work->images);
        else
            pair->name = pair->image + (image->relative - image->path);
    }
    un_source_close(source);
    return code;
}
