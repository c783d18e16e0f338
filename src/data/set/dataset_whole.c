/* SPDX-License-Identifier: Apache-2.0 */
/*
 * dataset_whole.c - what data sets of files and of arrays have in common: a mask's classes; how
 * many channels there are, and where the grey values of 16-bit and float images lie; and parts of a
 * set
 */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/rng.h"
#include "data/set/dataset.h"
#include "image/samples.h"

/* ---- one mask ---------------------------------------------------------------------------- */

/* Takes the codes of a mask that numbers objects. */
static void take_objects(struct un_mask *codes, struct un_sample_pair *pair)
{
    size_t count = (size_t)codes->height * (size_t)codes->width;
    for (size_t i = 0; i < count; i++)
        if (!pair->mask[i] || pair->mask[i] == UNET_IGNORE)
            codes->codes[i] = 0;
    pair->objects = codes->codes;
    codes->codes = NULL;
}

unet_code un_pair_take_classes(struct un_sample_pair *pair, struct un_mask *codes,
                               const struct un_coding *coding, unet_error *err)
{
    size_t pixels = (size_t)codes->height * (size_t)codes->width;
    if (!(pair->mask = malloc(pixels)))
        return un_fail_memory(err, pixels, codes->name);
    unet_code code = un_mask_to_classes(codes, coding, pair->mask, err);
    if (!code && coding->kind == UN_CODING_OBJECTS)
        take_objects(codes, pair);
    return code;
}

bool un_dataset_planes(const unet_image *image, int mask_height, int mask_width, const char *name,
                       const char *mask, unet_error *err)
{
    if (image->width != mask_height || image->channels != mask_width ||
        image->height > UN_CHANNELS_MOST)
        return false;
    un_fail_hint(err, UNET_EINVAL, UNET_HINT_CHANNELS,
                 "%s: as [row][column][channel], as arrays are read, it has %d x %d pixels of %d "
                 "channels; %s of %d x %d goes with [channel][row][column]",
                 name, image->width, image->height, image->channels, mask ? mask : "a mask",
                 mask_width, mask_height);
    return true;
}

/* ---- the whole --------------------------------------------------------------------------- */

static unet_code check_labelled(const unet_dataset *dataset, const char *masks, unet_error *err)
{
    for (int i = 0; i < dataset->count; i++) {
        const struct un_sample_pair *pair = &dataset->pairs[i];
        size_t count = (size_t)pair->image.height * (size_t)pair->image.width;
        for (size_t p = 0; p < count; p++)
            if (pair->mask[p] != UNET_IGNORE)
                return UNET_OK;
    }
    return un_fail(err, UNET_EINVAL, "%s: no pixel has a label", masks);
}

/* 1 when all are grey in truth; 3 when grey and RGB mix; else all must have the same number. */
static unet_code find_channels(unet_dataset *dataset, unet_error *err)
{
    const struct un_sample_pair *pairs = dataset->pairs, *most = &pairs[0];
    bool simple = true, grey = true;
    for (int i = 0; i < dataset->count; i++) {
        int channels = pairs[i].image.channels;
        simple &= channels == 1 || channels == 3;
        grey = grey && simple && un_view_is_grey(un_view_of(&pairs[i].image)) &&
               (channels == 1 || !pairs[i].image.prepared);
        if (channels > most->image.channels)
            most = &pairs[i];
    }
    dataset->channels = grey ? 1 : most->image.channels;
    for (int i = 0; i < dataset->count && !simple; i++)
        if (pairs[i].image.channels != dataset->channels)
            return un_fail(err, UNET_EINVAL, "%s has %d channels, but %s has %d", pairs[i].name,
                           pairs[i].image.channels, most->name, dataset->channels);
    return UNET_OK;
}

/* The 0.1 and 99.9 percentiles of all 16-bit and float samples go to 0 and 1; and which there are.
 */
static unet_code find_scaling(unet_dataset *dataset, unet_error *err)
{
    static const double share[2] = {0.001, 0.999};
    float value[2];
    const unet_image **images = malloc((size_t)dataset->count * sizeof *images);
    if (!images)
        return un_fail_memory(err, (size_t)dataset->count * sizeof *images, "percentiles");
    int count = 0;
    for (int i = 0; i < dataset->count; i++) {
        const unet_image *image = &dataset->pairs[i].image;
        dataset->scaling.trained_on |= un_samples_of(image->sample, image->prepared);
        if (!image->prepared && image->sample != UNET_U8)
            images[count++] = image;
    }
    unet_code code = count ? un_image_quantiles(images, count, share, value, 2, err) : UNET_OK;
    free(images);
    if (code || !count)
        return code;
    double range = (double)value[1] - (double)value[0];
    dataset->scaling.set = true;
    dataset->scaling.offset = value[0];
    dataset->scaling.scale = range > 0 ? (float)(1 / range) : 1;
    return UNET_OK;
}

unet_code un_dataset_complete(unet_dataset *dataset, const char *masks, unet_error *err)
{
    unet_code code = check_labelled(dataset, masks, err);
    if (code || (code = find_channels(dataset, err)) || (code = find_scaling(dataset, err)))
        return code;
    un_coding_text(&dataset->coding, dataset->coding_text, sizeof dataset->coding_text);
    return UNET_OK;
}

/* ---- parts ------------------------------------------------------------------------------- */

/* Marks n of count images, each set of n equally likely. */
static void draw(bool *out, int count, int n, uint64_t seed)
{
    uint64_t key = un_rng_key(seed, 0x73706c6974 /* "split" */, 0, 0);
    for (int i = 0; i < count && n > 0; i++)
        if (un_rng_below(key, (uint64_t)i, (uint32_t)(count - i)) < (uint32_t)n) {
            out[i] = true;
            n--;
        }
}

/* Moves the n images that are marked into a set of their own. */
static unet_code part(unet_dataset *dataset, const bool *out, int n, unet_dataset **held_out,
                      unet_error *err)
{
    int count = dataset->count;
    unet_dataset *made = calloc(1, sizeof *made);
    if (made)
        *made = *dataset;
    if (!made || !(made->pairs = calloc((size_t)n + 1, sizeof *made->pairs))) {
        free(made);
        return un_fail_memory(err, (size_t)n * sizeof *dataset->pairs, "split");
    }
    made->count = dataset->count = 0;
    for (int i = 0; i < count; i++) {
        unet_dataset *to = out[i] ? made : dataset;
        to->pairs[to->count++] = dataset->pairs[i];
    }
    *held_out = made;
    return UNET_OK;
}

unet_code un_dataset_split(unet_dataset *dataset, double share, uint64_t seed,
                           unet_dataset **held_out, unet_error *err)
{
    int count = dataset->count;
    if (!(share >= 0 && share <= 1))
        return un_fail(err, UNET_EINVAL, "share %g; 0..1 wanted", share);
    int n = (int)lround(share * count);
    n = n < 1 && share > 0 ? 1 : n;
    n = n > count - 1 ? (count > 0 ? count - 1 : 0) : n;
    bool *out = calloc((size_t)count + 1, sizeof *out);
    if (!out)
        return un_fail_memory(err, (size_t)count, "split");
    draw(out, count, n, seed);
    unet_code code = part(dataset, out, n, held_out, err);
    free(out);
    return code;
}

unet_code un_dataset_fold(unet_dataset *dataset, int fold, int folds, uint64_t seed,
                          unet_dataset **held_out, unet_error *err)
{
    int count = dataset->count, n = 0;
    if (folds < 2 || fold < 0 || fold >= folds)
        return un_fail(err, UNET_EINVAL, "fold %d of %d; 2 or more, and one of them wanted", fold,
                       folds);
    if (count < folds)
        return un_fail(err, UNET_EINVAL, "%d images for %d folds; one or more for each wanted",
                       count, folds);
    uint64_t key = un_rng_key(seed, 0x666f6c64 /* "fold" */, 0, 0);
    int *order = malloc((size_t)count * sizeof *order);
    bool *out = calloc((size_t)count, sizeof *out);
    if (!order || !out) {
        free(order);
        free(out);
        return un_fail_memory(err, (size_t)count * sizeof *order, "folds");
    }
    for (int i = 0; i < count; i++) { /* Fisher and Yates, inside out */
        int j = (int)un_rng_below(key, (uint64_t)i, (uint32_t)i + 1);
        if (j != i)
            order[i] = order[j];
        order[j] = i;
    }
    for (int i = fold; i < count; i += folds, n++)
        out[order[i]] = true;
    unet_code code = part(dataset, out, n, held_out, err);
    free(order);
    free(out);
    return code;
}

void un_dataset_free(unet_dataset *dataset)
{
    if (!dataset)
        return;
    for (int i = 0; i < dataset->count; i++) {
        free(dataset->pairs[i].image.data);
        free(dataset->pairs[i].mask);
        free(dataset->pairs[i].objects);
        free(dataset->pairs[i].name);
    }
    free(dataset->pairs);
    free(dataset);
}
