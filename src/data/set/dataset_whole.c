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
#include "base/decimal.h"
#include "data/set/dataset.h"
#include "image/fill.h"
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

/* A value that is plainly no data in two images, or in the only one or two that there are. */
static void find_fill(unet_dataset *dataset)
{
    struct un_fill found = {0};
    int count = 0;
    for (int i = 0; i < dataset->count; i++) {
        const struct un_fill fill = un_fill_find(&dataset->pairs[i].image);
        if (!fill.set || (found.set && fill.value != found.value))
            continue;
        found = fill;
        count++;
    }
    if (count >= 2 || (count && dataset->count <= 2))
        dataset->scaling.fill = found;
}

/* What is no data: said, else declared by the file, else found. */
static void settle_fill(unet_dataset *dataset)
{
    const bool said = dataset->scaling.fill.set;
    double filled = 0, all = 0;
    char text[UN_DECIMAL_TEXT];
    int with = 0;
    for (int i = 0; i < dataset->count && !dataset->scaling.fill.set; i++)
        dataset->scaling.fill = dataset->pairs[i].fill;
    if (!dataset->scaling.fill.set)
        find_fill(dataset);
    if (!dataset->scaling.fill.set)
        return;
    for (int i = 0; i < dataset->count; i++) {
        struct un_sample_pair *pair = &dataset->pairs[i];
        pair->fill = said || !pair->fill.set ? dataset->scaling.fill : pair->fill;
        const unet_image *image = &pair->image;
        const size_t count = un_fill_count(image, pair->fill, NULL);
        with += count > 0;
        filled += (double)count;
        all += (double)(un_image_bytes(image) / un_sample_bytes(image->sample));
    }
    un_fill_text(dataset->scaling.fill, text, sizeof text);
    un_decimal_format(dataset->fill_text, sizeof dataset->fill_text,
                      "samples of %s are no data: %.2g %% of all, in %d of %d images", text,
                      100 * filled / all, with, dataset->count);
}

struct un_reading un_pair_reading(const struct un_sample_pair *pair, int channels,
                                  const struct un_scaling *scaling)
{
    struct un_scaling own = *scaling;
    own.fill = pair->fill.set ? pair->fill : own.fill;
    return un_reading_of(un_view_of(&pair->image), channels, &own);
}

/* Where all are 8-bit images and dim, as with 16-bit ones. */
static unet_code find_dim(unet_dataset *dataset, const unet_image **images, struct un_fill *fills,
                          unet_error *err)
{
    static const double share[3] = {0.001, 0.99, 0.999};
    float value[3];
    for (int i = 0; i < dataset->count; i++) {
        images[i] = &dataset->pairs[i].image;
        fills[i] = dataset->pairs[i].fill;
        if (images[i]->prepared || images[i]->sample != UNET_U8)
            return UNET_OK;
    }
    unet_code code = un_image_quantiles(images, fills, dataset->count, share, value, 3, err);
    if (code || !un_is_dim(value[0], value[1]))
        return code;
    dataset->scaling.dim_offset = value[0];
    dataset->scaling.dim_scale = 1 / (value[2] - value[0]);
    return UNET_OK;
}

/* The 0.1 and 99.9 percentiles of all 16-bit and float samples go to 0 and 1; and which there are.
 */
static unet_code find_scaling(unet_dataset *dataset, unet_error *err)
{
    static const double share[2] = {0.001, 0.999};
    float value[2];
    const unet_image **images = malloc((size_t)dataset->count * sizeof *images);
    struct un_fill *fills = malloc((size_t)dataset->count * sizeof *fills);
    int count = 0;
    if (!images || !fills) {
        free(images);
        free(fills);
        return un_fail_memory(err, (size_t)dataset->count * sizeof *images, "percentiles");
    }
    for (int i = 0; i < dataset->count; i++) {
        const unet_image *image = &dataset->pairs[i].image;
        dataset->scaling.trained_on |= un_samples_of(image->sample, image->prepared);
        if (image->prepared || image->sample == UNET_U8)
            continue;
        images[count] = image;
        fills[count++] = dataset->pairs[i].fill;
    }
    unet_code code = count ? un_image_quantiles(images, fills, count, share, value, 2, err)
                           : find_dim(dataset, images, fills, err);
    free(images);
    free(fills);
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
    if (code || (code = find_channels(dataset, err)))
        return code;
    settle_fill(dataset);
    if ((code = find_scaling(dataset, err)))
        return code;
    un_coding_text(&dataset->coding, dataset->coding_text, sizeof dataset->coding_text);
    return UNET_OK;
}

void un_dataset_class_pixels(const unet_dataset *dataset, uint64_t pixels[UNET_MAX_CLASSES])
{
    memset(pixels, 0, UNET_MAX_CLASSES * sizeof *pixels);
    for (int i = 0; i < dataset->count; i++) {
        const struct un_sample_pair *pair = &dataset->pairs[i];
        const size_t count = (size_t)pair->image.height * (size_t)pair->image.width;
        for (size_t p = 0; p < count; p++)
            if (pair->mask[p] < UNET_MAX_CLASSES)
                pixels[pair->mask[p]]++;
    }
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

unet_code un_dataset_part(unet_dataset *dataset, const bool *out, int n, unet_dataset **held_out,
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

unet_code un_dataset_share(const unet_dataset *dataset, double share, int *n, unet_error *err)
{
    const int count = dataset->count;
    if (!(share >= 0 && share <= 1))
        return un_fail(err, UNET_EINVAL, "share %g; 0..1 wanted", share);
    *n = (int)lround(share * count);
    *n = *n < 1 && share > 0 ? 1 : *n;
    *n = *n > count - 1 ? (count > 0 ? count - 1 : 0) : *n;
    return UNET_OK;
}

unet_code un_dataset_split(unet_dataset *dataset, double share, uint64_t seed,
                           unet_dataset **held_out, unet_error *err)
{
    int count = dataset->count, n;
    unet_code code = un_dataset_share(dataset, share, &n, err);
    if (code)
        return code;
    bool *out = calloc((size_t)count + 1, sizeof *out);
    if (!out)
        return un_fail_memory(err, (size_t)count, "split");
    draw(out, count, n, seed);
    code = un_dataset_part(dataset, out, n, held_out, err);
    free(out);
    return code;
}

unet_code un_dataset_check_folds(const unet_dataset *dataset, int fold, int folds, unet_error *err)
{
    if (folds < 2 || fold < 0 || fold >= folds)
        return un_fail(err, UNET_EINVAL, "fold %d of %d; 2 or more, and one of them wanted", fold,
                       folds);
    if (dataset->count < folds)
        return un_fail(err, UNET_EINVAL, "%d images for %d folds; one or more for each wanted",
                       dataset->count, folds);
    return UNET_OK;
}

unet_code un_dataset_fold(unet_dataset *dataset, int fold, int folds, uint64_t seed,
                          unet_dataset **held_out, unet_error *err)
{
    int count = dataset->count, n = 0;
    unet_code code = un_dataset_check_folds(dataset, fold, folds, err);
    if (code)
        return code;
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
    code = un_dataset_part(dataset, out, n, held_out, err);
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
