/* SPDX-License-Identifier: Apache-2.0 */
/*
 * train_choice.c - what unet train picks when it is not told
 *
 * The aim: a good model in minutes on a laptop's CPU.  Every choice of that kind is here.
 */
#include "train_choice.h"

static int smallest_side(const unet_dataset *dataset)
{
    int smallest = 1 << 30;

    for (int i = 0; i < unet_dataset_count(dataset); i++) {
        const uint8_t *mask;
        const char *name;
        const unet_image *image = unet_dataset_image(dataset, i, &mask, &name);

        if (image->height < smallest)
            smallest = image->height;
        if (image->width < smallest)
            smallest = image->width;
    }
    return smallest;
}

unet_spec choose_spec(const struct network_settings *settings, const unet_dataset *dataset)
{
    unet_spec spec = unet_spec_default();

    /* a quarter of the paper's width costs a sixteenth of its time; the two or three classes that
     * most people have do not need more */
    spec.width = 16;
    /* an output as large as the input: no border is computed only to be thrown away */
    spec.padding = UNET_PADDING_SAME;
    /* no norm: with the small batches that fit a laptop, a batch norm learns from each batch's own
     * statistics and predicts with their mean, which fails without a word where images differ much
     * (dsb2018, dark fluorescence beside bright stains: see docs/quality.md) */
    spec.norm = UNET_NORM_NONE;
    spec.in_channels = unet_dataset_channels(dataset);
    spec.classes = unet_dataset_labels(dataset);
    /* the deepest level keeps 16 pixels of the smallest image: below, it sees mostly padding */
    spec.depth = 4;
    while (spec.depth > 1 && smallest_side(dataset) < 16 << spec.depth)
        spec.depth--;
    return network_spec(settings, spec);
}

unet_train_options choose_training(const unet_spec *spec)
{
    unet_train_options options = unet_train_options_default(spec);

    /* one tile a step makes the most steps in the minutes that a person waits; the statistics of a
     * batch norm need more */
    if (spec->norm == UNET_NORM_BATCH)
        options.batch = 4;
    options.seconds = 600;
    return options;
}
