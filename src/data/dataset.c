/* SPDX-License-Identifier: Apache-2.0 */
/*
 * dataset.c - pairs of files become images and class indices in memory
 *
 * un_dataset_open(): find the pairs (pairs.c), read them all (read_pair()), then look at the whole:
 * what the mask values mean (coding.c), how many channels there are, and where the grey values of
 * 16-bit and float images lie.
 */
#include "data/dataset.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/rng.h"
#include "data/pairs.h"

/* What the masks hold, gathered while they are read. */
struct census {
    bool seen[256];
    const char *example[256]; /* path of a mask with this value */
    const char *deep;         /* first mask of more than 8 bits with values above 1 */
    int deep_most;            /* its largest value */
};

static void take_census(const char *path, const uint8_t *values, size_t count, int bits,
                        struct census *census)
{
    bool here[256] = {false};
    int most = 0, kinds = 0;
    for (size_t i = 0; i < count; i++)
        here[values[i]] = true;
    for (int v = 0; v < 256; v++) {
        if (!here[v])
            continue;
        if (!census->example[v])
            census->example[v] = path;
        census->seen[v] = true;
        most = v;
        kinds += v > 0;
    }
    bool black_and_white = kinds == 1 && most == 255;
    if (!census->deep && bits > 8 && bits <= 16 && most > 1 && !black_and_white) {
        census->deep = path;
        census->deep_most = most;
    }
}

static unet_code read_pair(const struct un_pair *files, struct un_sample_pair *pair,
                           struct census *census, unet_error *err)
{
    int height, width, bits;
    unet_code code = un_image_read(files->image, &pair->image, err);
    if (code || (code = un_image_check_finite(files->image, &pair->image, err)) ||
        (code = un_mask_read(files->mask, &height, &width, &pair->mask, &bits, err)))
        return code;
    if (height != pair->image.height || width != pair->image.width)
        return un_fail(err, UNET_EINVAL, "%s is %d x %d pixels, but its mask %s is %d x %d",
                       files->image, pair->image.width, pair->image.height, files->mask, width,
                       height);
    take_census(files->mask, pair->mask, (size_t)height * (size_t)width, bits, census);
    if (!(pair->name = strdup(files->name)))
        return un_fail_memory(err, strlen(files->name), files->name);
    return UNET_OK;
}

/* The coding of a trained model: the masks may only hold what it knows. */
static unet_code use_coding(const struct census *census, const struct un_coding *given, int ignore,
                            struct un_coding *coding, unet_error *err)
{
    *coding = *given;
    if (ignore >= 0) {
        coding->map[ignore] = UNET_IGNORE;
        coding->known[ignore] = true;
    }
    bool between = false;
    for (int v = 1; v < 255; v++)
        between |= census->seen[v];
    if (census->seen[255] && !between && given->map[255] == UNET_IGNORE && ignore != 255)
        return un_fail(err, UNET_EINVAL,
                       "%s: mask values 0 and 255; the other masks have class indices (if 255 "
                       "carries no label here, say ignore 255)",
                       census->example[255]);
    for (int v = 0; v < 256; v++)
        if (census->seen[v] && !coding->known[v])
            return un_fail(err, UNET_EINVAL,
                           "%s: mask value %d; the model was trained on masks without it",
                           census->example[v], v);
    return UNET_OK;
}

static unet_code find_coding(const struct census *census, const unet_dataset_options *options,
                             const struct un_coding *given, struct un_coding *coding,
                             unet_error *err)
{
    int ignore = options ? options->ignore : -1, classes = options ? options->classes : 0;
    if (ignore > 255 || classes < 0 || classes > UNET_MAX_CLASSES)
        return un_fail(err, UNET_EINVAL, "ignore %d, classes %d; -1..255 and 0..%d wanted", ignore,
                       classes, UNET_MAX_CLASSES);
    if (given)
        return use_coding(census, given, ignore, coding, err);
    if (census->deep && classes == 0)
        return un_fail(err, UNET_EINVAL,
                       "%s: a 16-bit mask with values up to %d looks like object numbers; class "
                       "indices wanted (if they are, say how many classes)",
                       census->deep, census->deep_most);
    return un_coding_find(census->seen, census->example, ignore, classes, coding, err);
}

static unet_code apply_coding(unet_dataset *dataset, const char *masks, unet_error *err)
{
    bool labelled = false;
    for (int i = 0; i < dataset->count; i++) {
        struct un_sample_pair *pair = &dataset->pairs[i];
        size_t count = (size_t)pair->image.height * (size_t)pair->image.width;
        for (size_t p = 0; p < count; p++) {
            pair->mask[p] = dataset->coding.map[pair->mask[p]];
            labelled |= pair->mask[p] != UNET_IGNORE;
        }
    }
    return labelled ? UNET_OK : un_fail(err, UNET_EINVAL, "%s: no pixel has a label", masks);
}

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

/* The 0.1 and 99.9 percentiles of all 16-bit and float samples go to 0 and 1. */
static unet_code find_scaling(unet_dataset *dataset, unet_error *err)
{
    static const double share[2] = {0.001, 0.999};
    float value[2];
    const unet_image **images = malloc((size_t)dataset->count * sizeof *images);
    if (!images)
        return un_fail_memory(err, (size_t)dataset->count * sizeof *images, "percentiles");
    int count = 0;
    for (int i = 0; i < dataset->count; i++)
        if (!dataset->pairs[i].image.prepared && dataset->pairs[i].image.sample != UNET_U8)
            images[count++] = &dataset->pairs[i].image;
    unet_code code = count ? un_image_quantiles(images, count, share, value, 2, err) : UNET_OK;
    free(images);
    if (code || !count)
        return code;
    double range = (double)value[1] - (double)value[0];
    dataset->scaling = (struct un_scaling){
        .set = true, .offset = value[0], .scale = range > 0 ? (float)(1 / range) : 1};
    return UNET_OK;
}

unet_code un_dataset_open(const char *images, const char *masks,
                          const unet_dataset_options *options, const struct un_coding *coding,
                          unet_dataset **dataset, unet_error *err)
{
    struct un_pair *files;
    struct census census = {0};
    int count;
    unet_code code = un_pairs_find(images, masks, &files, &count, err);
    if (code)
        return code;
    unet_dataset *made = calloc(1, sizeof *made);
    if (!made || !(made->pairs = calloc((size_t)count, sizeof *made->pairs))) {
        code = un_fail_memory(err, (size_t)count * sizeof *made->pairs, images);
        goto done;
    }
    for (made->count = 0; made->count < count && !code; made->count++)
        code = read_pair(&files[made->count], &made->pairs[made->count], &census, err);
    if (code || (code = find_coding(&census, options, coding, &made->coding, err)) ||
        (code = apply_coding(made, masks, err)) || (code = find_channels(made, err)) ||
        (code = find_scaling(made, err)))
        goto done;
    *dataset = made;
done:
    un_pairs_free(files, count);
    if (code)
        un_dataset_free(made);
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

unet_code un_dataset_split(unet_dataset *dataset, double share, uint64_t seed,
                           unet_dataset **held_out, unet_error *err)
{
    int count = dataset->count;
    if (!(share >= 0 && share <= 1))
        return un_fail(err, UNET_EINVAL, "share %g; 0..1 wanted", share);
    int n = (int)lround(share * count);
    n = n < 1 && share > 0 ? 1 : n;
    n = n > count - 1 ? (count > 0 ? count - 1 : 0) : n;
    unet_dataset *made = calloc(1, sizeof *made);
    bool *out = calloc((size_t)count + 1, sizeof *out);
    if (made)
        *made = *dataset;
    if (!made || !out || !(made->pairs = calloc((size_t)n + 1, sizeof *made->pairs))) {
        free(made);
        free(out);
        return un_fail_memory(err, (size_t)n * sizeof *dataset->pairs, "split");
    }
    draw(out, count, n, seed);
    made->count = dataset->count = 0;
    for (int i = 0; i < count; i++) {
        unet_dataset *to = out[i] ? made : dataset;
        to->pairs[to->count++] = dataset->pairs[i];
    }
    free(out);
    *held_out = made;
    return UNET_OK;
}

void un_dataset_free(unet_dataset *dataset)
{
    if (!dataset)
        return;
    for (int i = 0; i < dataset->count; i++) {
        free(dataset->pairs[i].image.data);
        free(dataset->pairs[i].mask);
        free(dataset->pairs[i].name);
    }
    free(dataset->pairs);
    free(dataset);
}
