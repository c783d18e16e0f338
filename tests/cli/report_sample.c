/* SPDX-License-Identifier: Apache-2.0 */
/*
 * report_sample.c - writes a run's folder from made-up events, to look at
 *
 * Usage: report_sample FOLDER IMAGES MASKS LABELS VALIDATION_SHARE EPOCHS STATE
 * LABELS: as for --labels, "" for none; STATE: finished, running, stopped, failed, one-class
 */
#include <stdio.h>

#include "made_up.h"
#include "shared/cli.h"
#include "shared/paths.h"
#include "unet_exchange.h"

static const struct run_row recipe[] = {
    {"preset", "auto"},
    {"loss", "cross-entropy + Dice, class weights 1, 2.4 (square root of median share by share)"},
    {"optimiser", "Adam, 0.001, beta 0.9 and 0.999"},
    {"schedule", "poly, power 0.9, until 30 epochs"},
    {"augmentation", "flips, elastic 10 px, grey 0.3 <b>not bold</b>"},
    {"seed", "0"},
};

static int sample(char **argv, unet_dataset *set, unet_dataset *held, const unet_survey *survey,
                  const unet_model *model)
{
    static const unet_error nan_error = {
        .code = UNET_EINVAL,
        .text = "step 412: the loss is not finite: layer dec_0.conv_block.2; try a lower "
                "learning rate or gradient clipping"};
    struct run_facts facts = {.folder = argv[1],
                              .model = model,
                              .dataset = set,
                              .validation = held,
                              .survey = survey,
                              .recipe = recipe,
                              .recipe_rows = (int)(sizeof(recipe) / sizeof(*recipe)),
                              .tensorboard = 1};
    struct run_folder run;
    struct made_up made = {.run = &run,
                           .facts = &facts,
                           .epochs = atoi(argv[6]),
                           .steps_per_epoch = 32,
                           .one_class = !strcmp(argv[7], "one-class"),
                           .slowness = 0.31,
                           .end = UNET_END_LIMIT};
    int running = !strcmp(argv[7], "running"), stopped = !strcmp(argv[7], "stopped");
    int failed = !strcmp(argv[7], "failed");

    if (running || stopped || failed)
        made.stop_step = made.epochs * made.steps_per_epoch * 2 / 3;
    if (!path_make_folder(facts.folder) || run_begin(&run, &facts))
        return 1;
    made_up_train(&made);
    return run_end(&run, stopped, failed ? &nan_error : NULL) || made.failed;
}

int main(int argc, char **argv)
{
    unet_dataset_options options = {.ignore = -1};
    unet_dataset *set = NULL, *held = NULL;
    unet_survey *survey = NULL;
    unet_model *model = NULL;
    unet_spec spec = unet_spec_default();
    unet_error err;
    int status = 1;

    if (argc != 8) {
        fprintf(stderr, "wanted: report_sample FOLDER IMAGES MASKS LABELS SHARE EPOCHS STATE\n");
        return 2;
    }
    options.labels = *argv[4] ? argv[4] : NULL;
    spec.width = 8;
    spec.depth = 2;
    if (unet_dataset_open(argv[2], argv[3], &options, &set, &err) ||
        unet_survey_dataset(set, NULL, &survey, &err) ||
        (atof(argv[5]) > 0 && unet_dataset_split(set, atof(argv[5]), 0, &held, &err)))
        goto failed;
    spec.in_channels = unet_dataset_channels(set);
    spec.classes = unet_dataset_labels(set);
    if (unet_model_create(&spec, 0, &model, &err))
        goto failed;
    for (int k = 0; k < spec.classes && spec.classes == 11; k++) {
        static const char *const street[] = {"sky",      "building", "pole",   "road",
                                             "pavement", "tree",     "sign",   "fence",
                                             "car",      "person",   "cyclist"};

        unet_model_set_class(model, k, street[k], NULL, NULL);
    }
    status = sample(argv, set, held, survey, model);
failed:
    if (status && err.code)
        fail(&err);
    unet_survey_free(survey);
    unet_dataset_free(held);
    unet_dataset_free(set);
    unet_model_free(model);
    return status;
}
