/* SPDX-License-Identifier: Apache-2.0 */
/*
 * train.c - train a network on a folder of images and a folder of masks
 *
 *   cc train.c $(pkg-config --cflags --libs unet) -o train
 *   ./train images/ masks/ cells.safetensors
 */
#include <signal.h>
#include <stdio.h>

#include <unet_train.h>

/* Control-C: the step is finished, all is saved, and the same command goes on from there. */
static volatile sig_atomic_t interrupted;

static void on_interrupt(int number)
{
    (void)number;
    interrupted = 1;
}

/* Called at every event, of which steps are the most; any number but 0 ends the training. */
static int show(void *context, const unet_progress *progress)
{
    (void)context;
    if (progress->event == UNET_EVENT_EPOCH) {
        printf("epoch %d: loss %.4f, Dice without class 0 %.4f%s\n", progress->epoch,
               progress->loss, progress->val_dice, progress->improved ? ", the best so far" : "");
        if (progress->one_class)
            printf("warning: the network says one class everywhere\n");
    }
    return interrupted;
}

int main(int argc, char **argv)
{
    unet_dataset *dataset = NULL, *held_out = NULL;
    unet_model *model = NULL;
    unet_error err;
    char checkpoint[4096];
    int failed = 1;

    if (argc != 4) {
        fprintf(stderr, "usage: train IMAGES MASKS MODEL\n");
        return 2;
    }

    /* Every fifth image is held out: it is never trained on, and tells which epoch was best. */
    if (unet_dataset_open(argv[1], argv[2], NULL, &dataset, &err) ||
        unet_dataset_split(dataset, 0.2, 1, &held_out, &err))
        goto done;

    /* Start from the paper's network and make it small enough for minutes on a laptop. */
    unet_spec spec = unet_spec_default();
    spec.in_channels = unet_dataset_channels(dataset);
    spec.classes = unet_dataset_labels(dataset);
    spec.width = 16;
    spec.depth = 3;
    spec.padding = UNET_PADDING_SAME;
    spec.norm = UNET_NORM_BATCH;
    if (unet_model_create(&spec, 1, &model, &err))
        goto done;

    unet_train_options options = unet_train_options_default(&spec);
    options.batch = 4;
    options.tile = 128;
    options.seconds = 300;
    snprintf(checkpoint, sizeof checkpoint, "%s.checkpoint", argv[3]);
    FILE *before = fopen(checkpoint, "rb");
    if (before)
        fclose(before);
    signal(SIGINT, on_interrupt);
    const unet_train_job job = {.model = model,
                                .dataset = dataset,
                                .validation = held_out,
                                .best_path = argv[3],
                                .checkpoint_path = checkpoint,
                                .resume = before != NULL,
                                .progress = show};
    failed = unet_train(&job, &options, &err) != UNET_OK;

done:
    if (failed)
        fprintf(stderr, "train: %s\n", err.text);
    unet_model_free(model);
    unet_dataset_free(held_out);
    unet_dataset_free(dataset);
    return failed;
}
