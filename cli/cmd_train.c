/* SPDX-License-Identifier: Apache-2.0 */
/*
 * cmd_train.c - unet train: a model from images and their masks
 *
 * In order: settings, data sets, network (new or from a file), training options, unet_train() with
 * train_report_step() as its progress function, and what came of it.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "check_words.h"
#include "cli.h"
#include "interrupt.h"
#include "origin.h"
#include "paths.h"
#include "train_choice.h"
#include "train_init.h"
#include "train_report.h"

enum { LOSS_CE, LOSS_BCE };
static const char *const loss_words[] = {"ce", "bce", NULL};
static const char *const schedule_words[] = {"constant", "poly", NULL};
static const char *const freeze_words[] = {"encoder", NULL};
static const char *const optimizer_words[] = {"sgd", "adam", "adamw", NULL};

/* Numbers below zero and NULLs: not given. */
struct train_settings {
    const char *images, *masks, *output, *init;
    int freeze;
    const char *val_images, *val_masks;
    double val_share;
    const char *labels;
    int ignore;
    struct network_settings network;
    int epochs, batch, tile, steps_per_epoch;
    long steps;
    double time;
    int loss, optimizer, schedule;
    double pos_weight, lr, momentum, weight_decay;
    struct float_list class_weights;
    int no_flip;
    double rotate, scale, grey;
    struct common_settings common;
};

#define AT(field) offsetof(struct train_settings, field)

static const struct option_row train_options[] = {
    OPT_REQUIRED(0, "images", AT(images), "DIR", NULL),
    OPT_REQUIRED(0, "masks", AT(masks), "DIR", "images and masks, paired by file name"),
    OPT_REQUIRED('o', "output", AT(output), "MODEL", "the best; the newest is in NAME.last.*"),
    OPT_STRING("init", AT(init), "MODEL", NULL),
    OPT_CHOICE("freeze", AT(freeze), freeze_words, "start from its weights; leave some alone"),
    OPT_STRING("labels", AT(labels), "L", "what mask values mean: 'background=0,cell=255'"),
    OPT_INT("ignore", AT(ignore), 0, 1 << 24, "V", "mask value that carries no label"),
    OPT_FLOAT("val-share", AT(val_share), 0, 0.9, "X", "held out to check [0.2 of 5 or more]"),
    OPT_STRING("val-images", AT(val_images), "DIR", NULL),
    OPT_STRING("val-masks", AT(val_masks), "DIR", "check on these instead"),
    OPT_HEADING("network [chosen from the data]:"),
    OPT_TABLE(AT(network), network_options),
    OPT_HEADING("training [stops after 10m]:"),
    OPT_INT("epochs", AT(epochs), 1, 1e6, "N", NULL),
    OPT_LONG("steps", AT(steps), 1, 1e9, "N", NULL),
    OPT_DURATION("time", AT(time), "T", "stop at the first of these; T: 40s, 10m, 2h"),
    OPT_INT("batch", AT(batch), 1, 4096, "N", NULL),
    OPT_INT("tile", AT(tile), 1, 65536, "N", "tiles of a step; their side in pixels"),
    OPT_INT("steps-per-epoch", AT(steps_per_epoch), 1, 1e6, "N", "[as many as cover the images]"),
    OPT_CHOICE("loss", AT(loss), loss_words, "bce: with --classes 1"),
    OPT_FLOAT("pos-weight", AT(pos_weight), 0, 1e6, "X", "bce: weight of the foreground [1]"),
    OPT_FLOATS("class-weights", AT(class_weights), 0, 1e6, "A,B,...", "of each class [1]"),
    OPT_CHOICE("optimizer", AT(optimizer), optimizer_words, "[adam]"),
    OPT_FLOAT("lr", AT(lr), 0, 100, "X", NULL),
    OPT_CHOICE("schedule", AT(schedule), schedule_words, "learning rate [0.001], falling [poly]"),
    OPT_FLOAT("momentum", AT(momentum), 0, 0.9999, "X", NULL),
    OPT_FLOAT("weight-decay", AT(weight_decay), 0, 10, "X", "of sgd [0.9]; of all [0]"),
    OPT_HEADING("random changes to each tile:"),
    OPT_FLAG("no-flip", AT(no_flip), NULL),
    OPT_FLOAT("rotate", AT(rotate), 0, 180, "DEG", "no mirror images; turned by up to DEG [0]"),
    OPT_FLOAT("scale", AT(scale), 0, 4, "X", NULL),
    OPT_FLOAT("grey", AT(grey), 0, 1, "X", "zoom up to 1 + X [0]; grey values [0.3]"),
    OPT_TABLE(AT(common), common_options),
    OPT_END,
};

/* Everything a run holds. */
struct train_run {
    unet_dataset *dataset, *validation;
    unet_survey *survey;
    unet_model *model;
    char *last_path;
};

/* Combinations that cannot be meant; EXIT_DONE: fine. */
static int check_settings(const struct command *command, const struct train_settings *settings)
{
    struct network_settings others = settings->network;
    const char *network;
    char name[OPTION_NAME];

    others.field[NETWORK_IN_CHANNELS] = others.field[NETWORK_CLASSES] = -1;
    network = network_given(&others, name);
    if (settings->init && network)
        return usage_error(command, "--%s describes a new network, but --init takes that of %s",
                           network, settings->init);
    if (settings->freeze >= 0 && !settings->init)
        return usage_error(command, "--freeze is for a network that --init reads");
    if (!settings->val_images != !settings->val_masks)
        return usage_error(command, "--val-images and --val-masks go together");
    if (settings->val_images && settings->val_share >= 0)
        return usage_error(command, "--val-share and --val-images exclude each other");
    if (settings->loss == LOSS_BCE && settings->network.field[NETWORK_CLASSES] > 1)
        return usage_error(command, "--loss bce is for --classes 1");
    if (settings->loss == LOSS_CE && settings->network.field[NETWORK_CLASSES] == 1)
        return usage_error(command, "--loss ce is for --classes 2 or more");
    if (path_is_foreign(settings->output))
        return usage_error(command,
                           "--output: found \"%s\", but a model is written as safetensors; "
                           "unet convert writes the others",
                           settings->output);
    if (!path_writable(settings->output))
        return fail_text("%s: cannot be written: %s", settings->output, strerror(errno));
    return EXIT_DONE;
}

/* Opens the data, and holds out a fifth when nothing is said and there are five images. */
static unet_code open_data(const struct train_settings *settings, struct train_run *run,
                           unet_error *err)
{
    unet_dataset_options data = {.ignore = settings->ignore, .labels = settings->labels};
    double share = settings->val_share;
    unet_code code;

    /* what was trained on other masks reads these as it did those, unless it shall learn others */
    if (run->model && *unet_model_settings(run->model) &&
        settings->network.field[NETWORK_CLASSES] < 0)
        data.model = run->model;
    if (settings->network.field[NETWORK_CLASSES] > 0)
        data.classes = settings->network.field[NETWORK_CLASSES] == 1
                           ? 2
                           : settings->network.field[NETWORK_CLASSES];
    code = unet_dataset_open(settings->images, settings->masks, &data, &run->dataset, err);
    if (code)
        return code;
    /* before the split: what is in both parts is worth a warning */
    if ((code = unet_survey_dataset(run->dataset, &run->survey, err)))
        return code;
    if (settings->val_images) {
        data.like = run->dataset;
        return unet_dataset_open(settings->val_images, settings->val_masks, &data, &run->validation,
                                 err);
    }
    if (share < 0)
        share = unet_dataset_count(run->dataset) >= 5 ? 0.2 : 0;
    if (share == 0)
        return UNET_OK;
    return unet_dataset_split(run->dataset, share, settings->common.seed, &run->validation, err);
}

static unet_code make_model(struct train_settings *settings, struct train_run *run, unet_error *err)
{
    unet_code code;
    unet_spec spec;

    if (!run->model) {
        if (settings->loss == LOSS_BCE)
            settings->network.field[NETWORK_CLASSES] = 1;
        spec = choose_spec(&settings->network, unet_survey_all(run->survey));
        if ((code = unet_model_create(&spec, settings->common.seed, &run->model, err)))
            return code;
    } else if ((code = train_init_adapt(&settings->network, settings->common.seed,
                                        settings->common.quiet, settings->freeze >= 0, run->dataset,
                                        &run->model, err))) {
        return code;
    }
    return network_name_classes(&settings->network, run->model, err);
}

static void set_float(float *place, double given)
{
    if (given >= 0)
        *place = (float)given;
}

static unet_train_options make_options(const struct train_settings *settings,
                                       const struct train_run *run)
{
    unet_train_options options = choose_training(unet_model_spec(run->model));

    if (settings->epochs > 0 || settings->steps > 0 || settings->time > 0) {
        options.epochs = settings->epochs > 0 ? settings->epochs : 0;
        options.steps = settings->steps > 0 ? settings->steps : 0;
        options.seconds = settings->time > 0 ? settings->time : 0;
    }
    if (settings->batch > 0)
        options.batch = settings->batch;
    if (settings->tile > 0)
        options.tile = settings->tile;
    options.freeze_encoder = settings->freeze >= 0;
    if (settings->steps_per_epoch > 0)
        options.steps_per_epoch = settings->steps_per_epoch;
    if (settings->optimizer >= 0)
        options.optimizer = (unet_optimizer)settings->optimizer;
    if (settings->schedule >= 0)
        options.schedule = (unet_schedule)settings->schedule;
    if (settings->class_weights.count)
        options.class_weights = settings->class_weights.value;
    if (settings->no_flip)
        options.augment.flip = 0;
    set_float(&options.loss.pos_weight, settings->pos_weight);
    set_float(&options.learning_rate, settings->lr);
    set_float(&options.momentum, settings->momentum);
    set_float(&options.weight_decay, settings->weight_decay);
    set_float(&options.augment.rotate, settings->rotate);
    set_float(&options.augment.scale, settings->scale);
    set_float(&options.augment.grey, settings->grey);
    options.seed = settings->common.seed;
    options.threads = settings->common.threads;
    return options;
}

static void describe(const struct train_run *run, const unet_train_options *options)
{
    const unet_spec *spec = unet_model_spec(run->model);
    int validation = run->validation ? unet_dataset_count(run->validation) : 0;
    unet_cost cost;
    char text[256], count[32];
    int layers = 0;

    network_describe(spec, text, sizeof(text));
    fprintf(stderr, "data      %d images to train on, %d held out to check\n",
            unet_dataset_count(run->dataset), validation);
    fprintf(stderr, "pairs     %s\nmasks     %s\n", unet_dataset_pairing_text(run->dataset),
            unet_dataset_coding_text(run->dataset));
    fprintf(stderr, "network   %s", text);
    if (!unet_spec_cost(spec, 1, 1, 1, &cost, NULL, &layers, NULL))
        fprintf(stderr, "; %s parameters", format_count(cost.parameters, count));
    fprintf(stderr, "\ntraining  %s, learning rate %g %s, batch %d, ",
            optimizer_words[options->optimizer], (double)options->learning_rate,
            schedule_words[options->schedule], options->batch);
    if (options->tile)
        fprintf(stderr, "tile %d, ", options->tile);
    fprintf(stderr, "loss %s, %s%s, seed %llu\n",
            loss_words[unet_model_spec(run->model)->classes == 1],
            options->augment.flip ? "flips" : "no flips",
            options->augment.grey > 0 || options->augment.rotate > 0 || options->augment.scale > 0
                ? " and jitter"
                : "",
            (unsigned long long)options->seed);
    fprintf(stderr, "until     ");
    if (options->epochs)
        fprintf(stderr, "%d epochs  ", options->epochs);
    if (options->steps)
        fprintf(stderr, "%ld steps  ", options->steps);
    if (options->seconds > 0)
        fprintf(stderr, "%s have passed", format_seconds(options->seconds, text));
    fputc('\n', stderr);
}

/* What came of it.  An interrupted epoch has been saved as a whole one is. */
static int finish(const struct train_settings *settings, const struct train_run *run,
                  const struct train_report *report)
{
    if (interrupted()) {
        fail_text("interrupted: the newest weights are in %s, the best so far in %s",
                  run->last_path, settings->output);
        return EXIT_INTERRUPTED;
    }
    if (!settings->common.quiet)
        train_report_summary(report, settings->output, run->last_path);
    return EXIT_DONE;
}

/* What the data's survey has to say; EXIT_DONE: training can go on. */
static int heed_survey(const struct train_settings *settings, const struct train_run *run)
{
    if (!settings->common.quiet)
        print_findings(stderr, run->survey, UNET_WARNING, 3);
    if (!unet_survey_all(run->survey)->errors)
        return EXIT_DONE;
    return fail_text("%s: the data cannot be trained on; unet check shows why", settings->images);
}

static int train(const struct command *command, struct train_settings *settings,
                 struct train_run *run)
{
    struct train_report report;
    unet_train_options options;
    unet_error err;
    int status;

    if (settings->init && origin_load(settings->init, &settings->common, &run->model, NULL, &err))
        return fail(&err);
    if (open_data(settings, run, &err))
        return fail(&err);
    if ((status = heed_survey(settings, run)) != EXIT_DONE)
        return status;
    if (make_model(settings, run, &err))
        return fail(&err);
    if (settings->class_weights.count &&
        settings->class_weights.count != unet_model_labels(run->model))
        return usage_error(command, "--class-weights: found %d numbers, wanted %d, one a class",
                           settings->class_weights.count, unet_model_labels(run->model));
    run->last_path = path_before_ending(settings->output, ".last");
    if (!run->last_path)
        return fail_memory();
    options = make_options(settings, run);
    if (!settings->common.quiet)
        describe(run, &options);
    interrupt_watch();
    train_report_init(&report, settings->common.quiet, settings->common.json);
    const unet_train_job job = {.model = run->model,
                                .dataset = run->dataset,
                                .validation = run->validation,
                                .best_path = settings->output,
                                .last_path = run->last_path,
                                .progress = train_report_step,
                                .context = &report};
    if (unet_train(&job, &options, &err)) {
        progress_clear(&report.line);
        return fail(&err);
    }
    progress_clear(&report.line);
    return finish(settings, run, &report);
}

static int run_train(const struct command *command, int argc, char **argv)
{
    struct train_settings settings = {
        .val_share = -1,
        .ignore = -1,
        .freeze = -1,
        .network = NETWORK_SETTINGS_NONE,
        .loss = -1,
        .optimizer = -1,
        .schedule = -1,
        .pos_weight = -1,
        .lr = -1,
        .momentum = -1,
        .weight_decay = -1,
        .rotate = -1,
        .scale = -1,
        .grey = -1,
    };
    struct train_run run = {0};
    int operands, status;

    if (!options_parse(command, argc, argv, &settings, &operands, &status))
        return status;
    status = check_settings(command, &settings);
    if (status == EXIT_DONE)
        status = train(command, &settings, &run);
    free(run.last_path);
    unet_survey_free(run.survey);
    unet_dataset_free(run.validation);
    unet_dataset_free(run.dataset);
    unet_model_free(run.model);
    return status;
}

const struct command command_train = {
    .name = "train",
    .arguments = "--images DIR --masks DIR -o MODEL [options]",
    .summary = "train a model on images and their masks",
    .about = "Trains a U-Net on a folder of images and a folder of masks. What their values mean "
             "is found "
             "and said (docs/labels.md); unet check shows the data first.",
    .options = train_options,
    .run = run_train,
};
