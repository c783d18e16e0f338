/* SPDX-License-Identifier: Apache-2.0 */
/* train_init.c - unet train --init: the network of a file for the data at hand */
#include "train/train_run.h"
#include "shared/cli.h"
#include "shared/progress.h"
#include "shared/say.h"

#include <stdio.h>
#include <stdlib.h>

/* Tells tensor by tensor what a new model has of the one it comes from. */
static void describe_adapted(unet_model *from, unet_model *to, const int *taken)
{
    unet_tensor old, new;
    char samples[512];
    int count = unet_model_tensor_count(to), fresh = 0;

    for (int i = 0; i < count; i++) {
        if (unet_model_tensor(from, i, &old, NULL) || unet_model_tensor(to, i, &new, NULL))
            continue;
        say(stderr, "%s     %s", taken[i] ? "taken" : "new  ", new.name);
        if (!taken[i]) {
            int d = new.dims > 1 && new.shape[1] != old.shape[1];

            say(stderr, ", for %d %s instead of %d", new.shape[d], d ? "channels" : "classes",
                old.shape[d]);
            fresh++;
        }
        fputc('\n', stderr);
    }
    if (unet_model_spec(from)->in_channels != unet_model_spec(to)->in_channels) {
        unet_model_samples_text(from, samples, sizeof(samples));
        say(stderr, "init      other channels: how samples became input is found anew (was: %s)\n",
            samples);
    }
    say(stderr, "init      %d tensor%s taken, %d new\n", count - fresh, plural(count - fresh, "s"),
        fresh);
}

unet_code train_init_adapt(const struct network_settings *settings, uint64_t seed, int quiet,
                           int frozen, const unet_dataset *dataset, unet_model **model,
                           unet_error *err)
{
    const unet_spec *spec = unet_model_spec(*model);
    const unet_spec asked = network_asked(settings);
    int channels = spec->in_channels, classes = spec->classes;
    int labels = unet_dataset_labels(dataset), *taken;
    unet_model *adapted = NULL;
    unet_code code;

    if (asked.in_channels > 0)
        channels = asked.in_channels;
    else if (unet_dataset_channels(dataset) > channels)
        channels = unet_dataset_channels(dataset);
    if (asked.classes > 0)
        classes = asked.classes;
    else if (labels > unet_model_labels(*model))
        classes = labels;
    if (channels == spec->in_channels && classes == spec->classes)
        return UNET_OK;
    if (frozen && channels != spec->in_channels) {
        return set_error(
            err, UNET_EINVAL,
            "--freeze encoder: its first layer takes %d channels, the images have %d; a new "
            "one must learn",
            spec->in_channels, channels);
    }
    taken = calloc((size_t)unet_model_tensor_count(*model), sizeof(*taken));
    code = unet_model_adapt(*model, channels, classes, seed, &adapted, taken, err);
    if (!code) {
        if (!quiet && taken)
            describe_adapted(*model, adapted, taken);
        unet_model_free(*model);
        *model = adapted;
    }
    free(taken);
    return code;
}
