/* SPDX-License-Identifier: Apache-2.0 */
/* train_prepare.c - what a training needs: data, a network, a recipe, a folder */
#include "train/train_run.h"

#include <string.h>

#include "check/check_words.h"
#include "model/models.h"
#include "recipe/recipe_choice.h"
#include "shared/class_names.h"
#include "shared/notes.h"
#include "shared/progress.h"
#include "shared/say.h"

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
        return class_names_check(&run->settings->network, run->command);
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
    const struct said_parts said = {
        .recompute = said_text(&settings->optimizer, "recompute") != NULL,
        .batch = said_text(&settings->length, "batch") != NULL,
        .tile = said_text(&settings->length, "tile") != NULL,
        .width = settings->init || said_text(&settings->network.said, "width")};
    char limit[24], bytes[24];
    double least;

    if (settings->memory <= 0)
        return EXIT_DONE;
    if (choose_for_memory(facts, settings->memory, said, &spec, &recipe->options, &run->seen)) {
        recipe->spec = spec;
        if (run->seen.blended && !settings->common.quiet)
            say(stderr,
                "memory    between epochs images are seen by tiles of %d, which are blended: "
                "scores "
                "are near those of whole images\n",
                run->seen.tile);
        return EXIT_DONE;
    }
    least = training_bytes(facts, &spec, &recipe->options) +
            seeing_bytes(facts, &spec, recipe->options.threads);
    return fail_text(
        "--memory %s: training takes %s with width %d, batch %d, tiles of %d, the "
        "smallest that was tried%s",
        format_bytes(settings->memory, limit), format_bytes(least, bytes), spec.width,
        recipe->options.batch, training_tile(facts, &spec, &recipe->options),
        said.recompute || said.batch || said.tile || said.width ? "; what was said stayed" : "");
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
    if (class_names_give(&settings->network, run->model, &err) ||
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
