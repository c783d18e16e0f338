/* SPDX-License-Identifier: Apache-2.0 */
/* train_run.c - one training: from settings to a model and what it scored */
#include "train/train_run.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "check/check_words.h"
#include "model/models.h"
#include "recipe/recipe_choice.h"
#include "run/run_folder.h"
#include "shared/notes.h"
#include "shared/cli.h"
#include "shared/paths.h"
#include "shared/progress.h"
#include "shared/say.h"
#include "train/train_report.h"

/* ---- data -------------------------------------------------------------------------------- */

static unet_code hold_out(struct train_run *run, unet_error *err)
{
    const struct train_settings *settings = run->settings;
    const uint64_t seed = settings->common.seed;
    const int one_by_one = settings->val_by == VAL_BY_IMAGES;
    double share = settings->val_share;

    if (run->fold >= 0 && one_by_one)
        return unet_dataset_fold(run->dataset, run->fold, settings->folds, seed, &run->validation,
                                 err);
    if (run->fold >= 0)
        return unet_survey_fold(run->survey, run->dataset, run->fold, settings->folds, seed,
                                &run->validation, err);
    if (share < 0)
        share = unet_dataset_count(run->dataset) >= 5 ? 0.2 : 0;
    if (share == 0)
        return UNET_OK;
    if (one_by_one)
        return unet_dataset_split(run->dataset, share, seed, &run->validation, err);
    return unet_survey_split(run->survey, run->dataset, share, seed, &run->validation, err);
}

/* Opens the data, and holds out a fifth when nothing is said and there are five images. */
static unet_code open_data(struct train_run *run, unet_error *err)
{
    const struct train_settings *settings = run->settings;
    unet_dataset_options data = {.size = sizeof(data),
                                 .ignore = -1,
                                 .ignore_value = settings->ignore,
                                 .labels = settings->labels,
                                 .only_pairs = settings->only_pairs,
                                 .channels = settings->channels,
                                 .fill = settings->fill,
                                 .threads = settings->common.threads,
                                 .as_stored = settings->as_stored,
                                 .pair_image = settings->pair[0],
                                 .pair_mask = settings->pair[1]};
    int classes = network_asked(&settings->network).classes;
    unet_code code;

    /* what was trained on other masks reads these as it did those, unless it shall learn others */
    if (run->model && *unet_model_settings(run->model) && classes == 0)
        data.model = run->model;
    if (classes > 0)
        data.classes = classes == 1 ? 2 : classes;
    code = open_noting(settings->images, settings->masks, &data, settings->common.quiet,
                       &run->dataset, err);
    if (code)
        return code;
    /* before the split: what is in both parts is worth a warning */
    if ((code = unet_survey_dataset(run->dataset, NULL, &run->survey, err)))
        return code;
    if (!settings->val_images)
        return hold_out(run, err);
    data.like = run->dataset;
    data.channels = NULL; /* as there */
    return open_noting(settings->val_images, settings->val_masks, &data, settings->common.quiet,
                       &run->validation, err);
}

/* What the data's survey has to say; EXIT_DONE: training can go on. */
static int heed_survey(const struct train_run *run)
{
    if (!run->settings->common.quiet)
        print_findings(stderr, run->survey, UNET_WARNING, 3);
    if (!unet_survey_all(run->survey)->errors)
        return EXIT_DONE;
    return fail_text("%s: the data cannot be trained on; unet check shows why",
                     run->settings->images);
}

/* ---- network and recipe ------------------------------------------------------------------ */

static unet_code make_model(struct train_run *run, unet_error *err)
{
    struct train_settings *settings = run->settings;
    unet_code code;

    if (run->model)
        code = train_init_adapt(&settings->network, settings->common.seed, settings->common.quiet,
                                settings->freeze >= 0, run->dataset, &run->model, err);
    else
        code = unet_model_create(&run->recipe.spec, settings->common.seed, &run->model, err);
    return code;
}

static int check_names(const struct train_run *run)
{
    const char *names = run->settings->network.class_names;
    int count = names != NULL, labels = unet_model_labels(run->model);

    for (; names && (names = strchr(names, ',')); names++)
        count++;
    if (!count || count == labels)
        return EXIT_DONE;
    return usage_error(run->command, "--class-names: found %d names, wanted %d, one a class", count,
                       labels);
}

static int check_weights(struct train_run *run)
{
    struct recipe *recipe = &run->recipe;
    const struct loss_settings *loss = &run->settings->loss;
    int labels = unet_model_labels(run->model);

    if (loss->balance >= 0)
        recipe->options.class_weights = loss->balance == BALANCE_NONE ? NULL : recipe->weights;
    if (loss->balance > BALANCE_NONE)
        balance_weights(unet_survey_all(run->survey), loss->balance == BALANCE_ROOT ? 0.5 : 1,
                        recipe->weights);
    if (!loss->class_weights.count)
        return EXIT_DONE;
    if (loss->class_weights.count != labels)
        return usage_error(run->command,
                           "--class-weights: found %d numbers, wanted %d, one a class",
                           loss->class_weights.count, labels);
    memcpy(recipe->weights, loss->class_weights.value, (size_t)labels * sizeof(float));
    recipe->options.class_weights = recipe->weights;
    return EXIT_DONE;
}

/* Fits the recipe into --memory; only what the user left open may change. */
static int fit_memory(struct train_run *run)
{
    const struct train_settings *settings = run->settings;
    const unet_survey_facts *facts = unet_survey_all(run->survey);
    struct recipe *recipe = &run->recipe;
    unet_spec spec = recipe->spec;
    char limit[24], bytes[24];
    double least;

    if (settings->memory <= 0)
        return EXIT_DONE;
    if (choose_for_memory(facts, settings->memory, &spec, &recipe->options) &&
        (spec.width == recipe->spec.width ||
         (!settings->init && !said_text(&settings->network.said, "width")))) {
        recipe->spec = spec;
        return EXIT_DONE;
    }
    least = training_bytes(facts, &spec, &recipe->options);
    return fail_text("--memory %s: training takes %s with width %d, batch %d, tiles of %d, the "
                     "smallest that was tried",
                     format_bytes(settings->memory, limit), format_bytes(least, bytes), spec.width,
                     recipe->options.batch, training_tile(facts, &spec, &recipe->options));
}

/* Whether a network learns what parts objects, unless it is told otherwise. */
static int learns_objects(const struct train_run *run)
{
    if (run->model)
        return unet_model_spec(run->model)->rims > 0;
    return unet_dataset_labels(run->dataset) == 2 && unet_dataset_objects(run->dataset, 0);
}

/* Says which image makes the network of all less deep, where auto chose it. */
static void warn_of_depth(const struct train_run *run)
{
    const struct train_settings *settings = run->settings;
    char text[512];

    if (run->model || settings->common.quiet || settings->preset > PRESET_AUTO1 ||
        !depth_words(&settings->network, run->survey, &run->recipe.spec, text, sizeof(text)))
        return;
    say(stderr, "warning: %s\n", text);
}

static int make_recipe(struct train_run *run)
{
    struct train_settings *settings = run->settings;
    struct recipe *recipe = &run->recipe;
    const struct preset_facts facts = {.data = unet_survey_all(run->survey),
                                       .seconds = settings->time > 0 ? settings->time : 600,
                                       .fine_tune = settings->init != NULL,
                                       .objects = learns_objects(run)};

    if ((settings->loss.loss == LOSS_BCE || said_text(&settings->loss.said, "loss.pos_weight")) &&
        !said_text(&settings->network.said, "classes"))
        said_put(&settings->network.said, &said_spec, "classes", "1");
    preset_make((enum preset)settings->preset, &facts, &settings->network, recipe);
    warn_of_depth(run);
    if (run->model)
        unet_model_copy_spec(run->model, &recipe->spec, sizeof(recipe->spec));
    recipe->options.seconds = 600;
    train_settings_apply(settings, &recipe->options);
    if (recipe->spec.classes == 1 && facts.data->labels > 2)
        return fail_text("the masks have %d classes, a network with one logit tells two",
                         facts.data->labels);
    return fit_memory(run);
}

static int prepare_files(struct train_run *run)
{
    int status = train_files_lock(&run->files);

    if (status != EXIT_DONE)
        return status;
    if (run->resumed && !path_exists(run->files.checkpoint))
        return fail_text("%s: not there, as this run was stopped before its first checkpoint; "
                         "unet train --images .. -o %s --overwrite begins anew",
                         run->files.checkpoint, run->files.folder);
    return run->resumed ? EXIT_DONE : train_files_check(&run->files, run->settings->overwrite);
}

int train_run_prepare(struct train_run *run)
{
    struct train_settings *settings = run->settings;
    unet_error err;
    int status;

    if (settings->output && !train_files_name(settings->output, &run->files))
        return fail_memory();
    if (!settings->dry_run && ranks_first() && (status = prepare_files(run)) != EXIT_DONE)
        return status;
    if (settings->init && origin_load(settings->init, &settings->common, &run->model, NULL, &err))
        return fail(&err);
    if (open_data(run, &err))
        return fail(&err);
    if ((status = heed_survey(run)) != EXIT_DONE ||
        (status = train_classes_check(run)) != EXIT_DONE ||
        (status = make_recipe(run)) != EXIT_DONE)
        return status;
    if (make_model(run, &err))
        return fail(&err);
    unet_model_copy_spec(run->model, &run->recipe.spec, sizeof(run->recipe.spec));
    if ((status = check_names(run)) != EXIT_DONE || (status = check_weights(run)) != EXIT_DONE)
        return status;
    if (network_name_classes(&settings->network, run->model, &err) ||
        unet_train_options_check(&run->recipe.options, &run->recipe.spec, &err))
        return fail(&err);
    return EXIT_DONE;
}

void train_run_release(struct train_run *run)
{
    train_files_release(&run->files);
    unet_survey_free(run->survey);
    unet_dataset_free(run->validation);
    unet_dataset_free(run->dataset);
    unet_model_free(run->model);
}

/* ---- words ------------------------------------------------------------------------------- */

static void describe_recipe(const struct train_run *run, struct recipe_words *words)
{
    const struct recipe *recipe = &run->recipe;

    recipe_describe(&recipe->spec, &recipe->options,
                    training_tile(unet_survey_all(run->survey), &recipe->spec, &recipe->options),
                    unet_model_labels(run->model), words);
}

void train_run_held_out(const struct train_run *run, FILE *out)
{
    const char *how = run->validation ? unet_dataset_held_out_text(run->validation) : "";

    if (*how)
        say(out, "held out   %s; --val-by images draws one by one\n", how);
}

void train_run_left_out(const struct train_run *run, FILE *out)
{
    const char *here = unet_dataset_left_out(run->dataset);
    const char *there = run->settings->val_images ? unet_dataset_left_out(run->validation) : "";

    if (*here)
        say(out, "left out   %s\n", here);
    if (*there)
        say(out, "left out   of %s: %s\n", run->settings->val_images, there);
}

/* The recipe and the data on stderr. */
static void describe(const struct train_run *run)
{
    struct recipe_words words;
    unet_cost cost;
    char count[32];
    int layers = 0;

    say(stderr, "data       %d image%s to train on, %d held out to check\n",
        unet_dataset_count(run->dataset), plural(unet_dataset_count(run->dataset), "s"),
        run->validation ? unet_dataset_count(run->validation) : 0);
    train_run_held_out(run, stderr);
    say(stderr, "pairs      %s\nmasks      %s\n", unet_dataset_pairing_text(run->dataset),
        unet_dataset_coding_text(run->dataset));
    train_run_left_out(run, stderr);
    if (*unet_dataset_fill_text(run->dataset))
        say(stderr, "fill       %s\n", unet_dataset_fill_text(run->dataset));
    say(stderr, "preset     %s\n", preset_words[run->settings->preset]);
    describe_recipe(run, &words);
    for (int i = 0; i < words.count; i++) {
        say(stderr, "%-10s %s", words.name[i], words.text[i]);
        if (i == 0 && !unet_spec_cost(&run->recipe.spec, 1, 1, 1, &cost, NULL, &layers, NULL))
            say(stderr, "; %s parameters", format_count(cost.parameters, count));
        fputc('\n', stderr);
    }
}

/* ---- training ---------------------------------------------------------------------------- */

/* What the functions of a job share. */
struct watch {
    struct train_report report;
    struct run_folder folder;
    struct train_run *run;
    struct recipe_words words;
    struct run_row rows[RECIPE_ROWS];
    int failed;  /* a file of the run folder could not be written */
    int refused; /* the run goes not on, and that was told; nothing was changed */
};

static int save_settings(const struct watch *watch)
{
    const char *pairs[RECIPE_ROWS][2];

    for (int i = 0; i < watch->words.count; i++) {
        pairs[i][0] = watch->words.name[i];
        pairs[i][1] = watch->words.text[i];
    }
    return train_files_save(&watch->run->files, watch->run->settings,
                            (const char *const(*)[2])pairs, watch->words.count);
}

static int on_progress(void *context, const unet_progress *progress)
{
    struct watch *watch = context;
    struct train_run *run = watch->run;

    if (progress->event == UNET_EVENT_BEGIN)
        watch->refused = train_rate_is_refused(run, progress);
    if (watch->refused)
        return 1;
    if (progress->event == UNET_EVENT_BEGIN && run->resumed && save_settings(watch) != EXIT_DONE)
        watch->failed = 1;
    run->best_score = progress->best_score;
    run->best_epoch = progress->best_epoch;
    run->one_class = progress->one_class;
    run->end = progress->end;
    if (run_progress(&watch->folder, progress))
        watch->failed = 1;
    return train_report_step(&watch->report, progress) || watch->failed;
}

static int on_validated(void *context, const unet_validated *image)
{
    struct watch *watch = context;

    if (run_validated(&watch->folder, image))
        watch->failed = 1;
    return interrupted();
}

/* What came of it.  An interrupted epoch goes on with --resume. */
static int finish(const struct train_run *run, struct watch *watch)
{
    const struct train_settings *settings = run->settings;

    if (watch->failed || watch->refused)
        return EXIT_FAILED; /* run_end(), or train_rate_is_refused(), has told */
    if (interrupted() || (run->ranks && run->end == UNET_END_ASKED)) {
        fail_text("interrupted: the newest weights are in %s, the best so far in %s; unet train "
                  "--resume %s goes on",
                  run->files.last, run->files.best,
                  run->goes_on ? run->goes_on : run->files.folder);
        return EXIT_INTERRUPTED;
    }
    if (!settings->common.quiet)
        train_report_summary(&watch->report, run->validation != NULL, run->files.best,
                             run->files.last);
    if (run->one_class || watch->folder.one_answer)
        say(stderr, "warning: the network answers with one class everywhere; docs/training.md says "
                    "what helps\n");
    return EXIT_DONE;
}

/* What a run is told is kept before its first step; when it goes on, once that is found possible.
 */
static int begin_folder(struct watch *watch)
{
    struct train_run *run = watch->run;
    int status = EXIT_DONE;

    describe_recipe(run, &watch->words);
    for (int i = 0; i < watch->words.count; i++)
        watch->rows[i] = (struct run_row){watch->words.name[i], watch->words.text[i]};
    if (!run->resumed &&
        (status = train_files_begin(&run->files, run->settings->overwrite)) == EXIT_DONE)
        status = save_settings(watch);
    if (status != EXIT_DONE || (status = train_split_keep(run)) != EXIT_DONE)
        return status;
    const struct run_facts facts = {.folder = run->files.folder,
                                    .model = run->model,
                                    .dataset = run->dataset,
                                    .validation = run->validation,
                                    .survey = run->survey,
                                    .recipe = watch->rows,
                                    .recipe_rows = watch->words.count,
                                    .threads = run->settings->common.threads,
                                    .resumed = run->resumed,
                                    .tensorboard = run->settings->tensorboard};
    return run_begin(&watch->folder, &facts);
}

static int on_other(void *context, const unet_progress *progress)
{
    (void)context;
    (void)progress;
    return interrupted();
}

/* What ranks other than the first do: all but to write and to tell. */
static int go_along(const struct train_run *run, const unet_train_options *options)
{
    const unet_train_job job = {.size = sizeof(job),
                                .model = run->model,
                                .dataset = run->dataset,
                                .validation = run->validation,
                                .resume = run->resumed,
                                .progress = on_other,
                                .ranks = run->ranks};
    unet_error err;

    interrupt_watch();
    return unet_train(&job, options, &err) ? fail(&err) : EXIT_DONE;
}

int train_run_go(struct train_run *run)
{
    const struct train_settings *settings = run->settings;
    unet_train_options options = run->recipe.options;
    struct watch watch = {.run = run};
    unet_error err;
    unet_code code;
    int status;

    if (!options.threads)
        options.threads = ranks_threads();
    if (!ranks_first())
        return go_along(run, &options);
    if ((status = begin_folder(&watch)) != EXIT_DONE)
        return status;
    if (!settings->common.quiet)
        describe(run);
    interrupt_watch();
    train_report_init(&watch.report, settings->common.quiet, settings->common.json);
    const unet_train_job job = {.size = sizeof(job),
                                .model = run->model,
                                .dataset = run->dataset,
                                .validation = run->validation,
                                .best_path = run->files.best,
                                .last_path = run->files.last,
                                .checkpoint_path = run->files.checkpoint,
                                .checkpoint_seconds = settings->checkpoint_every,
                                .resume = run->resumed,
                                .progress = on_progress,
                                .validated = on_validated,
                                .context = &watch,
                                .ranks = run->ranks};
    code = unet_train(&job, &options, &err);
    progress_clear(&watch.report.line);
    if (run_end(&watch.folder, interrupted(), code ? &err : NULL))
        watch.failed = 1;
    return code ? fail(&err) : finish(run, &watch);
}
