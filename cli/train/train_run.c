/* SPDX-License-Identifier: Apache-2.0 */
/* train_run.c - one training: from settings to a model and what it scored */
#include "train/train_run.h"

#include "recipe/recipe_choice.h"
#include "run/run_folder.h"
#include "shared/say.h"
#include "train/train_report.h"

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
    long begun;  /* steps before this call */
    int kept;    /* settings.json has what was told now */
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
    if (progress->event == UNET_EVENT_BEGIN)
        watch->begun = progress->step;
    if (run->resumed && !watch->kept && progress->step > watch->begun) {
        watch->kept = 1;
        if (save_settings(watch) != EXIT_DONE)
            watch->failed = 1;
    }
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

/* What a run is told is kept before its first step; when it goes on, with the first step that it
 * then makes: a call that changes nothing else changes not how it goes on, either. */
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
                                    .tile = run->seen.tile,
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
                                .ranks = run->ranks,
                                .tile = run->seen.tile};
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
                                .ranks = run->ranks,
                                .tile = run->seen.tile};
    code = unet_train(&job, &options, &err);
    progress_clear(&watch.report.line);
    if (run_end(&watch.folder, interrupted(), code ? &err : NULL))
        watch.failed = 1;
    return code ? fail(&err) : finish(run, &watch);
}
