/* SPDX-License-Identifier: Apache-2.0 */
/*
 * dataset_arrays.c - pairs of arrays become images and class indices in memory
 *
 * Each pair is asked for once: its image is copied, its mask becomes codes and is shown to a
 * census. When all are there, what the codes mean is found as in files, but that they are class
 * indices where nobody says otherwise; then codes become classes.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/hooks.h"
#include "data/masks/census.h"
#include "data/set/dataset.h"
#include "image/fill.h"

struct arrays {
    unet_dataset *dataset;
    struct un_mask *masks; /* [count] */
    struct un_census census;
    struct un_fill no_label; /* of masks */
};

/* Copies a pair that the program has filled in. */
static unet_code take_pair(struct arrays *a, int i, const unet_pair *given, unet_error *err)
{
    struct un_sample_pair *pair = &a->dataset->pairs[i];
    const unet_view image = given->image, mask = given->mask;
    char name[200], mask_name[220];
    unet_code code;
    if (given->name)
        snprintf(name, sizeof name, "%s", given->name);
    else
        snprintf(name, sizeof name, "image %d", i);
    snprintf(mask_name, sizeof mask_name, "mask of %s", name);
    if ((code = un_view_check(image, name, UNET_F32, err)) ||
        (code = un_view_check(mask, mask_name, UNET_U32, err)))
        return code;
    if (mask.height != image.height || mask.width != image.width)
        return un_fail(err, UNET_EINVAL, "%s is %d x %d pixels, but its mask is %d x %d", name,
                       image.width, image.height, mask.width, mask.height);
    if ((code = un_view_check_finite(name, image, 0, a->dataset->scaling.fill, err)) ||
        (code = un_view_copy(image, name, &pair->image, err)) ||
        (code = un_mask_of_view(mask, mask_name, a->no_label, &a->masks[i], err)))
        return code;
    if (!(pair->name = strdup(given->name ? given->name : name)))
        return un_fail_memory(err, strlen(name), name);
    return un_census_take(&a->census, &a->masks[i], err);
}

static unet_code find_coding(const struct arrays *a, const unet_dataset_options *options,
                             const struct un_coding *given, unet_error *err)
{
    struct un_wish *wish = malloc(sizeof *wish);
    if (!wish)
        return un_fail_memory(err, sizeof *wish, "labels");
    unet_code code = un_wish_of_options(options, wish, err);
    if (!code && given && given->kind == UN_CODING_FILES) { /* class k had a file: here it is k */
        wish->classes = wish->classes ? wish->classes : given->labels;
        given = NULL;
    }
    if (!code && wish->what == UN_WISH_NAMES)
        code = un_fail(err, UNET_EINVAL,
                       "labels: names alone are for masks with a file for each class; codes, such "
                       "as %s=0, wanted for arrays",
                       wish->coding.names[0]);
    if (wish->what == UN_WISH_NONE && !given)
        wish->what = UN_WISH_INDICES;
    if (!code)
        code = un_coding_find(&a->census, wish, given, &a->dataset->coding, err);
    free(wish);
    return code;
}

static unet_code take_all(struct arrays *a, int count,
                          unet_code (*pair)(void *context, int i, unet_pair *pair, unet_error *err),
                          void *context, const unet_dataset_options *options, unet_error *err)
{
    for (int i = 0; i < count; i++) {
        unet_pair given = {0};
        unet_code code = un_check_cancel(options->cancel, err);
        if (code)
            return code;
        un_fail(err, UNET_EINVAL, "image %d was not given", i); /* unless pair() says why */
        a->dataset->count++;
        if ((code = pair(context, i, &given, err)) || (code = take_pair(a, i, &given, err)))
            return code;
    }
    return UNET_OK;
}

unet_code
un_dataset_of_arrays(int count,
                     unet_code (*pair)(void *context, int i, unet_pair *pair, unet_error *err),
                     void *context, const unet_dataset_options *options,
                     const struct un_coding *coding, unet_dataset **dataset, unet_error *err)
{
    const size_t room = (size_t)count;
    struct arrays a = {calloc(1, sizeof *a.dataset), calloc(room, sizeof *a.masks), {0}, {0}};
    int unused;
    unet_code code = un_wish_ignored(options->ignore_value, &unused, &a.no_label, err);
    if (!code &&
        (!a.dataset || !a.masks || !(a.dataset->pairs = calloc(room, sizeof *a.dataset->pairs))))
        code = un_fail_memory(err, room * (sizeof *a.masks + sizeof *a.dataset->pairs), "images");
    if (a.dataset)
        a.dataset->threads = options->threads;
    if (code || (code = un_fill_of_text(options->fill, &a.dataset->scaling.fill, err)) ||
        (code = take_all(&a, count, pair, context, options, err)) ||
        (code = find_coding(&a, options, coding, err)))
        goto done;
    for (int i = 0; i < count && !code; i++) {
        code = un_pair_take_classes(&a.dataset->pairs[i], &a.masks[i], &a.dataset->coding, err);
        un_mask_release(&a.masks[i]);
    }
    if (code || (code = un_dataset_complete(a.dataset, "masks", err)))
        goto done;
    snprintf(a.dataset->rule, sizeof a.dataset->rule, "given together");
    *dataset = a.dataset;
    if (err)
        *err = (unet_error){0};
done:
    if (code)
        un_dataset_free(a.dataset);
    for (int i = 0; a.masks && i < count; i++)
        un_mask_release(&a.masks[i]);
    free(a.masks);
    un_census_release(&a.census);
    return code;
}
