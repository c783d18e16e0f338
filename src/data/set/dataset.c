/* SPDX-License-Identifier: Apache-2.0 */
/*
 * dataset.c - pairs of files become images and class indices in memory
 *
 * un_dataset_open(): find the pairs (pairs.c); look at all masks, one at a time, for what their
 * codes mean (coding_find.c); read images and masks into memory; then look at the whole: how many
 * channels there are, and where the grey values of 16-bit and float images lie.
 */
#include "data/set/dataset.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/rng.h"
#include "data/masks/census.h"
#include "data/set/pairs.h"
#include "image/samples.h"

/* ---- what the masks mean ----------------------------------------------------------------- */

/* Shows every mask to a census, so that their codes can be understood together. */
static unet_code take_census(const struct un_pairs *files, struct un_census *census,
                             unet_error *err)
{
    unet_code code = UNET_OK;
    for (int i = 0; i < files->count && !code; i++) {
        struct unet_source *source;
        struct un_mask joined = {0};
        if (files->pairs[i].objects) {
            if (!(code = un_mask_join(files->pairs[i].objects, &joined, err)))
                code = un_census_take(census, &joined, err);
            un_mask_release(&joined);
            continue;
        }
        if (!files->pairs[i].mask || (code = un_source_open(files->pairs[i].mask, &source, err)))
            continue;
        for (int page = 0; page < source->pages && !code; page++) {
            struct un_mask mask;
            if ((code = un_mask_of_page(source, page, &mask, err)))
                break;
            code = un_census_take(census, &mask, err);
            un_mask_release(&mask);
        }
        un_source_close(source);
    }
    return code;
}

static unet_code find_coding(const struct un_pairs *files, const unet_dataset_options *options,
                             const struct un_coding *given, struct un_coding *coding,
                             unet_error *err)
{
    struct un_census census = {0};
    struct un_wish *wish = malloc(sizeof *wish);
    if (!wish)
        return un_fail_memory(err, sizeof *wish, "labels");
    unet_code code = un_wish_of_options(options, wish, err);
    if (!code && files->objects)
        code = un_wish_join(wish, &given, err);
    if (code)
        goto done;
    if (files->class_count)
        code = un_coding_of_files((const char *const *)files->classes, files->class_count, wish,
                                  given, coding, err);
    else if (given && given->kind == UN_CODING_FILES && wish->what == UN_WISH_NONE)
        code = un_fail(err, UNET_EINVAL,
                       "%s: one mask for an image; the model was trained on a file for each class",
                       files->pairs[0].mask);
    else if (wish->what == UN_WISH_NAMES)
        code = un_fail(err, UNET_EINVAL,
                       "labels: names alone are for masks with a file for each class; codes, such "
                       "as %s=0, wanted for %s",
                       wish->coding.names[0], files->pairs[0].mask);
    else if (!(code = take_census(files, &census, err)))
        code = un_coding_find(&census, wish, given, coding, err);
done:
    un_census_release(&census);
    free(wish);
    return code;
}

/* ---- masks ------------------------------------------------------------------------------- */

static unet_code check_sides(const char *image, int height, int width, const struct un_mask *mask,
                             unet_error *err)
{
    if (mask->height == height && mask->width == width)
        return UNET_OK;
    return un_fail(err, UNET_EINVAL, "%s is %d x %d pixels, but its mask %s is %d x %d", image,
                   width, height, mask->name, mask->width, mask->height);
}

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

/* The classes of one page: from one mask, or from the masks of all classes. */
static unet_code read_classes(const struct un_pair *files, const char *image,
                              struct unet_source *mask, int page, const unet_dataset *dataset,
                              struct un_sample_pair *pair, unet_error *err)
{
    const struct un_coding *coding = &dataset->coding;
    int height = pair->image.height, width = pair->image.width;
    struct un_mask codes;
    unet_code code = UNET_OK;
    if (!(pair->mask = calloc((size_t)height, (size_t)width)))
        return un_fail_memory(err, (size_t)height * (size_t)width, image);
    if (mask || files->objects) {
        code = mask ? un_mask_of_page(mask, page, &codes, err)
                    : un_mask_join(files->objects, &codes, err);
        if (code)
            return code;
        if (!(code = check_sides(image, height, width, &codes, err)))
            code = un_mask_to_classes(&codes, coding, pair->mask, err);
        if (!code && coding->kind == UN_CODING_OBJECTS)
            take_objects(&codes, pair);
        un_mask_release(&codes);
        return code;
    }
    for (int label = 1; label < coding->labels && !code; label++) {
        const char *path = un_pair_file(dataset->files, files, coding->names[label]);
        if (!path)
            continue;
        if ((code = un_mask_read(path, &codes, err)))
            return code;
        if (!(code = check_sides(image, height, width, &codes, err)))
            code = un_mask_lay(&codes, coding, label, coding->ordered, pair->mask, err);
        un_mask_release(&codes);
    }
    return code;
}

static unet_code grow(unet_dataset *dataset, int room, unet_error *err)
{
    size_t bytes = (size_t)room * sizeof *dataset->pairs;
    struct un_sample_pair *more = realloc(dataset->pairs, bytes ? bytes : 1);
    if (!more)
        return un_fail_memory(err, bytes, "images");
    dataset->pairs = more;
    return UNET_OK;
}

static unet_code read_page(const struct un_pair *files, struct unet_source *image,
                           struct unet_source *mask, int page, unet_dataset *dataset,
                           unet_error *err)
{
    struct un_sample_pair *pair = &dataset->pairs[dataset->count];
    *pair = (struct un_sample_pair){0};
    dataset->count++;
    unet_code code = un_image_of_source(image, page, &pair->image, err);
    if (code || (code = un_image_check_finite(files->image, &pair->image, 0, err)) ||
        (code = read_classes(files, files->image, mask, page, dataset, pair, err)))
        return code;
    if (image->pages > 1 ? asprintf(&pair->name, "%s[%d]", files->name, page) < 0
                         : !(pair->name = strdup(files->name)))
        return un_fail_memory(err, strlen(files->name), files->name);
    return UNET_OK;
}

/* All pages of a pair of files. */
static unet_code read_pair(const struct un_pair *files, unet_dataset *dataset, int further,
                           unet_error *err)
{
    struct unet_source *image = NULL, *mask = NULL;
    unet_code code = un_source_open(files->image, &image, err);
    if (code ||
        (files->mask && !files->objects && (code = un_source_open(files->mask, &mask, err))))
        goto done;
    if (mask ? mask->pages != image->pages : image->pages > 1) {
        code = un_fail(err, UNET_EINVAL, "%s has %d pages, but its mask %s %d", files->image,
                       image->pages, mask ? files->mask : "of each class or object",
                       mask ? mask->pages : 1);
        goto done;
    }
    code = grow(dataset, dataset->count + image->pages + further, err);
    for (int page = 0; page < image->pages && !code; page++)
        code = read_page(files, image, mask, page, dataset, err);
done:
    un_source_close(image);
    un_source_close(mask);
    return code;
}

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

/* ---- the whole --------------------------------------------------------------------------- */

/* 1 when all are grey in truth; 3 when grey and RGB mix; else all must have the same number. */
static unet_code find_channels(unet_dataset *dataset, unet_error *err)
{
    const struct un_sample_pair *pairs = dataset->pairs, *most = &pairs[0];
    bool simple = true, grey = true;
    for (int i = 0; i < dataset->count; i++) {
        int channels = pairs[i].image.channels;
        simple &= channels == 1 || channels == 3;
        grey = grey && simple && un_image_is_grey(&pairs[i].image) &&
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

static unet_code read_all(const char *masks, const struct un_pairs *files, unet_dataset *dataset,
                          unet_error *err)
{
    unet_code code = UNET_OK;
    dataset->files = files;
    for (int i = 0; i < files->count && !code; i++)
        code = read_pair(&files->pairs[i], dataset, files->count - i, err);
    dataset->files = NULL;
    if (code || (code = check_labelled(dataset, masks, err)) ||
        (code = find_channels(dataset, err)))
        return code;
    return find_scaling(dataset, err);
}

unet_code un_dataset_open(const char *images, const char *masks,
                          const unet_dataset_options *options, const struct un_coding *coding,
                          unet_dataset **dataset, unet_error *err)
{
    struct un_pairs files;
    unet_code code = un_pairs_find(images, masks, &files, err);
    if (code)
        return code;
    unet_dataset *made = calloc(1, sizeof *made);
    if (!made)
        code = un_fail_memory(err, sizeof *made, images);
    else if (!(code =
                   un_pairs_complete(images, masks, &files, options && options->only_pairs, err)) &&
             !(code = find_coding(&files, options, coding, &made->coding, err)))
        code = read_all(masks, &files, made, err);
    if (code) {
        un_dataset_free(made);
    } else {
        un_coding_text(&made->coding, made->coding_text, sizeof made->coding_text);
        memcpy(made->rule, files.rule, sizeof made->rule);
        un_pairs_left_out(&files, made->left_out, sizeof made->left_out);
        *dataset = made;
    }
    un_pairs_release(&files);
    return code;
}

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
