/* SPDX-License-Identifier: Apache-2.0 */
/* demo_train.c - the demo's network: small, and good in a minute on two cores */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "demo/demo.h"
#include "shared/cli.h"
#include "shared/paths.h"
#include "unet_train.h"
#include "unet_exchange.h"

static unet_spec demo_spec(void)
{
    unet_spec spec = unet_spec_default();

    /* a minute makes several times the steps that width 16 would make; with more time, 16 gains */
    spec.width = 8;
    spec.depth = 3;
    spec.padding = UNET_PADDING_SAME;
    spec.norm = UNET_NORM_BATCH;
    return spec;
}

static unet_train_options demo_options(const struct demo *demo, const unet_spec *spec)
{
    unet_train_options options = unet_train_options_default(spec);

    options.seconds = demo->settings->time;
    options.batch = 4;
    options.tile = 128;
    options.learning_rate = 2e-3f;
    options.steps_per_epoch = 16;
    options.seed = demo->settings->common.seed;
    options.threads = demo->settings->common.threads;
    return options;
}

static unet_code train(struct demo *demo, unet_dataset *dataset, const unet_dataset *validation,
                       const char *last_path, unet_error *err)
{
    unet_spec spec = demo_spec();
    unet_train_options options = demo_options(demo, &spec);
    double start = seconds_now();
    unet_code code;

    if ((code = unet_model_create(&spec, options.seed, &demo->model, err)) ||
        (code = unet_model_set_class(demo->model, 0, "background", NULL, err)) ||
        (code = unet_model_set_class(demo->model, 1, "cell", NULL, err)))
        return code;
    demo->train_images = unet_dataset_count(dataset);
    demo->val_images = unet_dataset_count(validation);
    train_report_init(&demo->report, demo->settings->common.quiet, 0);
    train_report_keep(&demo->report, demo->epochs, DEMO_EPOCHS_KEPT);
    const unet_train_job job = {.model = demo->model,
                                .dataset = dataset,
                                .validation = validation,
                                .best_path = demo->model_path,
                                .last_path = last_path,
                                .progress = train_report_step,
                                .context = &demo->report};
    code = unet_train(&job, &options, err);
    progress_clear(&demo->report.line);
    demo->train_seconds = seconds_now() - start;
    return code;
}

/* Trains, and leaves the best model of the run in demo->model. */
int demo_train(struct demo *demo)
{
    unet_dataset_options data = {.ignore = -1};
    char *images = path_join(demo->dir, "images"), *masks = path_join(demo->dir, "masks");
    char *last_path = path_before_ending(demo->model_path, ".last");
    unet_dataset *dataset = NULL, *validation = NULL;
    int status = EXIT_DONE;
    unet_error err;

    if (!images || !masks || !last_path)
        status = fail_memory();
    else if (unet_dataset_open(images, masks, &data, &dataset, &err) ||
             unet_dataset_split(dataset, 1.0 / 6, demo->settings->common.seed, &validation, &err) ||
             train(demo, dataset, validation, last_path, &err))
        status = fail(&err);
    if (!status && interrupted()) {
        fail_text("interrupted: the network so far is in %s", demo->model_path);
        status = EXIT_INTERRUPTED;
    }
    if (!status) {
        unet_model_free(demo->model);
        demo->model = NULL;
        if (unet_model_load(demo->model_path, &demo->model, &err))
            status = fail(&err);
    }
    unet_dataset_free(dataset);
    unet_dataset_free(validation);
    free(images);
    free(masks);
    free(last_path);
    return status;
}
