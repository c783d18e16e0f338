/* SPDX-License-Identifier: Apache-2.0 */
/*
 * patch.c - what a trainer draws from may change between two steps, and what it has learnt be
 * looked at
 *
 * A patch is copied and made ready to be drawn from while the feed's threads still draw from the
 * images that there are; then they stop for a moment, and it takes its place.
 */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "image/samples.h"
#include "train/trainer.h"

/* Classes and weights in range; *labelled: whether there is anything to learn. */
static unet_code check_labels(const unet_patch *patch, const char *name, int labels, bool *labelled,
                              unet_error *err)
{
    const size_t pixels = (size_t)patch->image.height * patch->image.width;
    *labelled = false;
    for (size_t i = 0; i < pixels; i++) {
        if (patch->mask[i] == UNET_IGNORE)
            continue;
        if (patch->mask[i] >= labels)
            return un_fail(err, UNET_EINVAL, "%s: class %d in its mask, the model has 0..%d", name,
                           patch->mask[i], labels - 1);
        const float weight = patch->weights ? patch->weights[i] : 1;
        if (!(weight >= 0) || !isfinite(weight))
            return un_fail(err, UNET_EINVAL, "%s: weight %g; 0 or more wanted", name,
                           (double)weight);
        *labelled |= weight > 0;
    }
    if (patch->draws < 0)
        return un_fail(err, UNET_EINVAL, "%s: draws %d; 0 or more wanted", name, patch->draws);
    return UNET_OK;
}

static unet_code check(const unet_trainer *t, const unet_patch *patch, const char *name,
                       bool *labelled, unet_error *err)
{
    const int channels = t->model->graph.spec.in_channels;
    unet_code code = un_view_check(patch->image, name, UNET_F32, err);
    if (code || (code = un_reading_check(patch->image, name, channels, err)) ||
        (code = un_view_check_finite(name, patch->image, 0, t->model->scaling.fill, err)))
        return code;
    return check_labels(patch, name, un_model_labels(t->model), labelled, err);
}

/* Copies of the patch's arrays. */
static unet_code take_copies(const unet_patch *patch, const char *name, struct un_sample_pair *pair,
                             float **factor, unet_error *err)
{
    const size_t pixels = (size_t)patch->image.height * patch->image.width;
    const size_t weights = patch->weights ? pixels * sizeof **factor : 0;
    unet_code code = un_view_copy(patch->image, name, &pair->image, err);
    if (code)
        return code;
    pair->mask = malloc(pixels);
    pair->name = strdup(name);
    *factor = weights ? malloc(weights) : NULL;
    if (!pair->mask || !pair->name || (weights && !*factor))
        return un_fail_memory(err, pixels + weights, name);
    memcpy(pair->mask, patch->mask, pixels);
    if (weights)
        memcpy(*factor, patch->weights, weights);
    return UNET_OK;
}

unet_code un_trainer_put(unet_trainer *t, int i, const unet_patch *patch, unet_error *err)
{
    struct un_drawing drawing = un_trainer_drawing(t);
    struct un_prepared *made = NULL;
    struct un_sample_pair pair = {0};
    float *factor = NULL;
    bool labelled;
    char name[200];
    unet_code code;
    drawing.rims = 0; /* what is labelled may end anywhere in an object */
    if (i < 0 || i > t->examples.count)
        return un_fail(err, UNET_EINVAL, "image %d; 0..%d wanted", i, t->examples.count);
    if (patch->name)
        snprintf(name, sizeof name, "%s", patch->name);
    else
        snprintf(name, sizeof name, "image %d", i);
    if ((code = check(t, patch, name, &labelled, err)) ||
        (code = take_copies(patch, name, &pair, &factor, err)) ||
        (code = un_prepared_make(&pair, &drawing, &made, err)))
        goto done;
    made->own = pair; /* the arrays stay where they are */
    made->example.factor = made->factor = factor;
    made->bytes += un_image_bytes(&pair.image) +
                   (size_t)pair.image.height * pair.image.width * (factor ? 1 + sizeof *factor : 1);
    made->draws = !labelled ? 0 : patch->draws ? patch->draws : -1;
    pair = (struct un_sample_pair){0};
    factor = NULL;
    if ((code = un_feed_put(t->feed, i, made, err)))
        goto done;
    made = NULL;
    if (labelled)
        t->model->scaling.trained_on |= un_samples_of(patch->image.sample, patch->image.prepared);
    t->fingerprint = (struct un_fingerprint){0};
done:
    un_prepared_free(made);
    free(pair.image.data);
    free(pair.mask);
    free(pair.name);
    free(factor);
    return code;
}

unet_code un_trainer_copy(unet_trainer *t, unet_model **model, unet_error *err)
{
    const unet_model *from = t->model;
    unet_model *made = NULL;
    char *settings = NULL;
    un_trainer_show_average(t, true);
    unet_code code = un_model_copy(from, &made, err);
    if (!code) {
        settings = un_train_options_json(&t->options, un_model_labels(from), t->in_side, t->step);
        code = settings ? un_model_set_settings(made, settings, err)
                        : un_fail_memory(err, 4096, "the settings");
    }
    un_trainer_show_average(t, false);
    free(settings);
    if (code)
        un_model_free(made);
    else
        *model = made;
    return code;
}
