/* SPDX-License-Identifier: Apache-2.0 */
/*
 * train_folds.c - unet train --folds K: cross-validation
 *
 * RUN/fold1 ... RUN/foldK are runs of their own, in which each image is held out once.  A fold
 * whose line stands in RUN/folds.json is done; --resume RUN goes on with the first that is not.
 */
#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "shared/cli.h"
#include "shared/json_out.h"
#include "shared/paths.h"
#include "shared/say.h"
#include "shared/text_file.h"
#include "train/train_run.h"

static json_t *load_results(const char *path)
{
    json_t *root = json_load_file(path, 0, NULL), *folds = json_object_get(root, "folds");
    json_t *list = json_is_array(folds) ? json_incref(folds) : json_array();

    json_decref(root);
    return list;
}

/* Mean and standard deviation (n - 1) of the best scores of the folds. */
static void summarise(const json_t *list, double *mean, double *deviation)
{
    size_t count = json_array_size(list);
    double sum = 0, squares = 0;

    for (size_t i = 0; i < count; i++)
        sum += json_number_value(json_object_get(json_array_get(list, i), "score"));
    *mean = count ? sum / (double)count : (double)NAN;
    for (size_t i = 0; i < count; i++) {
        double d = json_number_value(json_object_get(json_array_get(list, i), "score")) - *mean;

        squares += d * d;
    }
    *deviation = count > 1 ? sqrt(squares / (double)(count - 1)) : (double)NAN;
}

static int save_results(const char *path, json_t *list, int folds)
{
    double mean, deviation;
    struct text_file file;
    json_t *root;
    int done;

    summarise(list, &mean, &deviation);
    root = json_pack("{si so so sO}", "count", folds, "mean_score", json_number_short(mean),
                     "deviation", json_number_short(deviation), "folds", list);
    if (!root)
        return fail_memory();
    done = text_file_begin(&file, path);
    if (done && (json_dumpf(root, file.stream, JSON_INDENT(2) | JSON_REAL_PRECISION(9)) ||
                 fputc('\n', file.stream) == EOF)) {
        text_file_abort(&file);
        done = 0;
    } else if (done) {
        done = text_file_finish(&file);
    }
    json_decref(root);
    return done ? EXIT_DONE : fail_text("%s: cannot be written: %s", path, strerror(errno));
}

/* No fold is resumed from that of a run that is overwritten. */
static void forget_folds(const char *folder, int folds)
{
    for (int fold = 1; fold <= folds; fold++) {
        char *path = path_text("%s/fold%d/checkpoint", folder, fold);

        if (path)
            remove(path);
        free(path);
    }
}

/* The folder that holds the folds, once it is known that they can be trained. */
static int begin_folder(const struct train_settings *settings, struct train_files *files)
{
    int status = train_files_begin(files, settings->overwrite);

    if (status != EXIT_DONE)
        return status;
    forget_folds(files->folder, settings->folds);
    return train_files_save(files, settings, NULL, 0);
}

static int run_fold(const struct command *command, const struct train_settings *settings, int fold,
                    struct train_files *begin, const char *folder, json_t *list)
{
    struct train_settings inner = *settings;
    struct train_run run = {
        .command = command, .settings = &inner, .fold = fold, .folds_folder = folder};
    char *output = path_text("%s/fold%d", folder, fold + 1), model[48];
    int status;

    if (!output)
        return fail_memory();
    inner.output = output;
    inner.overwrite = 1; /* what a fold has without a checkpoint is nothing */
    snprintf(model, sizeof(model), "fold%d/best.safetensors", fold + 1);
    status = train_run_prepare(&run);
    if (status == EXIT_DONE && begin)
        status = begin_folder(settings, begin);
    if (status == EXIT_DONE) {
        run.resumed = path_exists(run.files.checkpoint);
        if (!settings->common.quiet)
            say(stderr, fold ? "\nfold %d of %d%s\n" : "fold %d of %d%s\n", fold + 1,
                settings->folds, run.resumed ? ", resumed" : "");
        status = train_run_go(&run);
    }
    if (status == EXIT_DONE)
        json_array_append_new(list, json_pack("{si ss so si}", "fold", fold + 1, "model", model,
                                              "score", json_number_short(run.best_score),
                                              "best_epoch", run.best_epoch));
    train_run_release(&run);
    free(output);
    return status;
}

static void print_summary(const struct train_settings *settings, const char *folder,
                          const json_t *list)
{
    double mean, deviation;

    summarise(list, &mean, &deviation);
    say(stdout, "%-8s %19s %6s\n", "fold", "Dice of all classes", "epoch");
    for (size_t i = 0; i < json_array_size(list); i++) {
        const json_t *row = json_array_get(list, i);

        say(stdout, "%-8zu %19.4f %6d\n", i + 1, json_number_value(json_object_get(row, "score")),
            (int)json_integer_value(json_object_get(row, "best_epoch")));
    }
    say(stdout, "%-8s %19.4f +- %.4f\n", "mean", mean, deviation);
    if (!settings->common.quiet)
        say(stderr, "unet predict %s IMAGE... averages the %d models\n", folder, settings->folds);
}

int train_folds(const struct command *command, struct train_settings *settings, int resumed)
{
    const char *folder = settings->output;
    char *path = path_join(folder, "folds.json");
    struct train_files files = {0};
    json_t *list;
    int status = EXIT_DONE;

    if (!path || !train_files_name(folder, &files))
        return fail_memory();
    if (!path_is_folder(folder) && !strcmp(path_ending(folder), ".safetensors"))
        status = usage_error(command, "--folds makes several models: --output wants a folder");
    if (status == EXIT_DONE)
        status = train_files_lock(&files);
    if (status == EXIT_DONE && !resumed)
        status = train_files_check(&files, settings->overwrite);
    list = resumed ? load_results(path) : json_array();
    if (status == EXIT_DONE && resumed && (int)json_array_size(list) >= settings->folds)
        say(stderr, "nothing left to do: all %d folds are done\n", settings->folds);
    for (int fold = (int)json_array_size(list); fold < settings->folds && status == EXIT_DONE;
         fold++) {
        status = run_fold(command, settings, fold, resumed || fold ? NULL : &files, folder, list);
        if (status == EXIT_DONE)
            status = save_results(path, list, settings->folds);
    }
    if (status == EXIT_DONE && settings->common.json)
        status = json_print(json_pack("{sO}", "folds", list)) ? EXIT_DONE : fail_memory();
    else if (status == EXIT_DONE)
        print_summary(settings, folder, list);
    json_decref(list);
    train_files_release(&files);
    free(path);
    return status;
}
