/* SPDX-License-Identifier: Apache-2.0 */
/*
 * pairs_alpha.c - whether the alpha channels of a set are channels
 *
 * Programs add an alpha of 255 to whatever they save; others keep a fourth band there, such as near
 * infrared.  So it is a channel where it says something and all images have one.
 */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "data/masks/coding.h"
#include "data/set/pairs.h"

struct alphas {
    int with, without;  /* images */
    int channels;       /* of those with; -1: they differ */
    double range[2];    /* of all */
    const char *varies; /* an image in which it is not the same everywhere, or not as before */
};

static unet_code look(const struct un_pair *pair, const struct un_manner *manner,
                      struct alphas *all, unet_error *err)
{
    struct unet_source *source;
    struct un_page page;
    if (un_source_open_as(pair->image, manner, &source, NULL))
        return UNET_OK; /* whoever reads it says why */
    unet_code code = UNET_OK;
    for (int i = 0; i < source->pages && !code; i++) {
        if (un_source_page(source, i, &page, NULL))
            break;
        if (!page.alpha || page.channels < 2) {
            all->without++;
            continue;
        }
        all->channels = all->with && all->channels != page.channels ? -1 : page.channels;
        all->with++;
        unet_error why;
        if (!all->varies && (code = un_source_alpha(source, i, all->range, &why)) == UNET_ENOMEM)
            un_fail_again(err, &why);
        else
            code = UNET_OK; /* as above */
        if (all->range[1] > all->range[0] && !all->varies)
            all->varies = pair->name;
    }
    un_source_close(source);
    return code;
}

unet_code un_pairs_alpha(struct un_pairs *pairs, int channels, char *text, size_t size,
                         unet_error *err)
{
    struct alphas all = {.range = {INFINITY, -INFINITY}};
    unet_code code = UNET_OK;
    *text = 0;
    pairs->manner.with_alpha = 0;
    for (int i = 0; i < pairs->count && !code; i++)
        code = look(&pairs->pairs[i], &pairs->manner, &all, err);
    if (code || !all.with)
        return code;
    if (channels ? channels == all.channels : !all.without && all.channels > 0 && all.varies)
        pairs->manner.with_alpha = all.channels;
    else if (all.varies)
        snprintf(text, size,
                 "%.160s: its alpha channel is not the same everywhere and is left out, as %s",
                 all.varies,
                 channels      ? "the model has no channel for it"
                 : all.without ? "not all images have one"
                               : "images have different numbers of channels");
    return UNET_OK;
}

unet_code un_pairs_manner(struct un_pairs *pairs, const unet_dataset_options *options,
                          unet_error *err)
{
    pairs->manner.as_stored = pairs->of_mask.as_stored = options && options->as_stored;
    int unused;
    return un_wish_ignored(options ? options->ignore_value : NULL, &unused,
                           &pairs->of_mask.no_label, err);
}
