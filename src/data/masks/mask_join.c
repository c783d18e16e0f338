/* SPDX-License-Identifier: Apache-2.0 */
/*
 * mask_join.c - a file for each object becomes one mask of their numbers
 *
 * The files are read one after the other; of two that overlap the smaller one keeps the pixels.
 * Two that have nearly the same pixels are no two objects side by side, but perhaps two people's
 * masks of one, which nobody should train on as objects.
 */
#include <stdlib.h>
#include <string.h>

#include "data/masks/mask.h"

/* The share of the larger one that both must have, to be taken for the same. */
#define SAME 0.8

struct joined {
    struct un_mask *mask;
    uint64_t *sizes; /* pixels of each file, [number] */
    uint64_t *both;  /* pixels that the new file has in each before it */
};

static unet_code start(const struct un_mask *first, struct un_mask *mask, unet_error *err)
{
    size_t count = (size_t)first->height * (size_t)first->width;
    *mask = (struct un_mask){
        .height = first->height, .width = first->width, .type = UN_CODE_GREY, .bits = 32};
    mask->codes = calloc(count, sizeof *mask->codes);
    mask->name = strdup(first->name);
    return mask->codes && mask->name ? UNET_OK : un_fail_memory(err, count * 4, first->name);
}

static unet_code check_same(const struct joined *all, const struct un_mask *file, uint32_t number,
                            char *const *paths, unet_error *err)
{
    for (uint32_t k = 1; k < number; k++) {
        const uint64_t a = all->sizes[k], b = all->sizes[number];
        if (file->turned && (double)all->both[k] > SAME * (double)(a > b ? a : b))
            return un_fail(err, UNET_EINVAL,
                           "%s and %s have nearly the same pixels: a bit of 1 is black in them, as "
                           "tifffile writes booleans, so that all but each object is it; values of "
                           "0 and 255 wanted",
                           paths[k - 1], paths[number - 1]);
        if ((double)all->both[k] > SAME * (double)(a > b ? a : b))
            return un_fail(err, UNET_EINVAL,
                           "%s and %s have nearly the same pixels: two masks of one thing, as of "
                           "two people; one mask for an image, or one for each object wanted",
                           paths[k - 1], paths[number - 1]);
    }
    return UNET_OK;
}

static unet_code add(const struct un_mask *file, uint32_t number, char *const *paths,
                     struct joined *all, unet_error *err)
{
    const struct un_mask *mask = all->mask;
    if (file->height != mask->height || file->width != mask->width)
        return un_fail(err, UNET_EINVAL, "%s is %d x %d pixels, but %s is %d x %d", file->name,
                       file->width, file->height, mask->name, mask->width, mask->height);
    const size_t count = (size_t)mask->height * (size_t)mask->width;
    const uint32_t least = un_mask_least(file);
    memset(all->both, 0, (size_t)(number + 1) * sizeof *all->both);
    for (size_t i = 0; i < count; i++)
        if (un_mask_brightness(file, i) > least) {
            all->sizes[number]++;
            all->both[mask->codes[i]]++;
        }
    unet_code code = check_same(all, file, number, paths, err);
    for (size_t i = 0; i < count && !code; i++)
        if (un_mask_brightness(file, i) > least &&
            (!mask->codes[i] || all->sizes[number] < all->sizes[mask->codes[i]]))
            mask->codes[i] = number;
    return code;
}

unet_code un_mask_join(char *const *paths, struct unet_source *image, struct un_fits *fits,
                       struct un_mask *mask, unet_error *err)
{
    uint32_t files = 0;
    while (paths[files])
        files++;
    struct un_mask made = {0};
    struct joined all = {&made, calloc((size_t)files + 1, sizeof *all.sizes),
                         calloc((size_t)files + 1, sizeof *all.both)};
    unet_code code = all.sizes && all.both ? UNET_OK : un_fail_memory(err, files * 16u, "objects");
    for (uint32_t i = 0; i < files && !code; i++) {
        struct un_mask file;
        if ((code = un_mask_read_for(paths[i], image, fits, &file, err)))
            break;
        if (i || !(code = start(&file, &made, err)))
            code = add(&file, i + 1, paths, &all, err);
        made.turned |= file.turned;
        un_mask_release(&file);
    }
    free(all.sizes);
    free(all.both);
    if (code)
        un_mask_release(&made);
    else
        *mask = made;
    return code;
}
