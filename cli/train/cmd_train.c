/* SPDX-License-Identifier: Apache-2.0 */
/*
 * cmd_train.c - unet train: a model from images and their masks
 *
 * The options are in train_settings.c, one training in train_run.c.  --resume RUN reads what the
 * run was told from its settings.json first; options on the command line go before that.
 */
#include <stdlib.h>
#include <string.h>

#include "shared/device.h"
#include "shared/paths.h"
#include "shared/launcher.h"
#include "shared/say.h"
#include "train/train_run.h"

static int path_exists_in(const char *folder, const char *name)
{
    char *path = path_join(folder, name);
    int exists = path && path_exists(path);

    free(path);
    return exists;
}

/* The value of --resume before the options are parsed; NULL: not given. */
static const char *find_resume(int argc, char **argv)
{
    for (int i = 1; i < argc && strcmp(argv[i], "--"); i++) {
        if (!strncmp(argv[i], "--resume=", 9))
            return argv[i] + 9;
        if (!strcmp(argv[i], "--resume") && i + 1 < argc)
            return argv[i + 1];
    }
    return NULL;
}

/*
 * A run that was moved is where it is now, not where it was begun.  begun: the output that it was
 * told then; what is given now beside --resume can only be the same.
 */
static int follow_folder(const struct command *command, struct train_settings *settings,
                         const char *begun)
{
    const char *given = strcmp(settings->output, begun) ? settings->output : NULL;
    struct train_files files = {0}, other = {0};
    char *told = NULL, *here = NULL, *now = NULL;
    int status = EXIT_DONE;

    if (!train_files_name(begun, &files) || !(told = path_entry(files.folder)) ||
        !(here = path_entry(settings->resume)) ||
        (given && (!train_files_name(given, &other) || !(now = path_entry(other.folder)))))
        status = fail_memory();
    else if (now && strcmp(now, here))
        status = usage_error(command, "--output %s: a run goes on in its own folder, %s", given,
                             settings->resume);
    else if (settings->folds && path_exists_in(settings->resume, "history.jsonl"))
        status = usage_error(command,
                             "--resume %s: is one of %d folds; --resume wants the folder "
                             "that holds them",
                             settings->resume, settings->folds);
    else if (!given && (strcmp(told, here) || !strcmp(files.folder, begun)))
        settings->output = settings->resume;
    free(told);
    free(here);
    free(now);
    train_files_release(&files);
    train_files_release(&other);
    return status;
}

/* Parses the command line over what was kept, and notes whether it speaks of the learning rate. */
static int parse(const struct command *command, int argc, char **argv,
                 struct train_settings *settings, struct train_length *length, int *operands,
                 int *status)
{
    static const char *const rate[] = {"learning_rate", "schedule"};
    const struct said kept = settings->optimizer;
    int parsed;

    train_length_begin(settings, length);
    if ((parsed = options_parse(command, argc, argv, settings, operands, status)))
        train_length_end(settings, length);
    for (int i = 0; i < 2; i++) /* said again, it is another text even where it is the same words */
        settings->rate_told |=
            said_text(&settings->optimizer, rate[i]) != said_text(&kept, rate[i]);
    return parsed;
}

static int train_once(const struct command *command, struct train_settings *settings,
                      const unet_ranks *ranks)
{
    struct train_run run = {.command = command,
                            .settings = settings,
                            .ranks = ranks,
                            .fold = -1,
                            .resumed = settings->resume != NULL};
    int status = train_run_prepare(&run);

    if (status == EXIT_DONE && settings->dry_run)
        status = ranks_first() ? train_run_dry(&run) : EXIT_DONE;
    else if (status == EXIT_DONE)
        status = train_run_go(&run);
    train_run_release(&run);
    return status;
}

/* Several that a launcher started become one training, of which rank 0 tells. */
static int join(struct train_settings *settings, const unet_ranks **ranks)
{
    int status = ranks_join("training", ranks);

    if (status == EXIT_DONE && !ranks_first()) {
        settings->common.quiet = 1;
        settings->common.json = 0;
        say_nothing();
    }
    return status;
}

static int run_train(const struct command *command, int argc, char **argv)
{
    struct train_settings settings = train_settings_none;
    struct train_length length;
    const unet_ranks *ranks = NULL;
    const char *resume = find_resume(argc, argv);
    const char *begun;
    json_t *kept = NULL;
    int operands, status;

    if (resume && (status = train_files_load(resume, &settings, &kept)) != EXIT_DONE)
        return status;
    begun = settings.output;
    if (resume && !begun) {
        json_decref(kept);
        return fail_text("%s/settings.json: \"options\" has no \"output\"", resume);
    }
    if (parse(command, argc, argv, &settings, &length, &operands, &status)) {
        status = train_settings_check(command, &settings);
        if (status == EXIT_DONE && settings.resume)
            status = follow_folder(command, &settings, begun);
        if (status == EXIT_DONE)
            status = join(&settings, &ranks);
        if (status == EXIT_DONE)
            status = device_begin(&settings.common);
        if (status == EXIT_DONE)
            train_files_say_device(kept, settings.common.quiet);
        if (status == EXIT_DONE && *length.dropped && !settings.common.quiet && ranks_first())
            say(stderr,
                "resumed    %s of before, which is over, gives way to the length said now\n",
                length.dropped);
        if (status == EXIT_DONE && settings.folds && !settings.dry_run)
            status = train_folds(command, &settings, ranks, settings.resume != NULL);
        else if (status == EXIT_DONE)
            status = train_once(command, &settings, ranks);
    }
    json_decref(kept);
    return finish_output(status);
}

const struct command command_train = {
    .name = "train",
    .arguments = "--images DIR --masks DIR -o RUN [options]",
    .summary = "train a model on images and their masks",
    .about = "Trains a U-Net on a folder of images and a folder of masks. What their values mean "
             "is found and said (docs/labels.md); unet check shows the data first.",
    .options = train_options,
    .run = run_train,
};
