/* SPDX-License-Identifier: Apache-2.0 */
/*
 * train_folds.c - unet train --folds K: cross-validation; --fold I: one of its runs
 *
 * RUN/fold1 ... RUN/foldK are runs of their own, in which each image is held out once.  A fold that
 * is done has RUN/foldI/fold.json; RUN/folds.json puts together what there is of these.  --resume
 * RUN goes on with those that are not done.
 *
 * With --folds alone one process has RUN for itself.  With --fold I many work side by side, each
 * locks its fold, and RUN for as long as it takes to begin it or to write the summary: that is made
 * anew of all that lies there, so the last one to end writes it whole.
 */
#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "shared/cli.h"
#include "shared/folder_lock.h"
#include "shared/json_out.h"
#include "shared/launcher.h"
#include "shared/paths.h"
#include "shared/say.h"
#include "shared/text_file.h"
#include "train/train_run.h"

struct folds {
    const struct command *command;
    const unet_ranks *ranks; /* NULL: alone; else rank 0 alone looks after RUN */
    struct train_settings *settings;
    const char *folder;       /* RUN */
    struct train_files files; /* of RUN: its lock and settings.json */
    int count;
    int resumed;
    int begun; /* RUN is there, and is ours */
};

/* Rank 0 knows what is there; a number of it for all. */
static int hear_first(const struct folds *folds, int *number)
{
    unet_error err;

    return unet_ranks_broadcast(folds->ranks, 0, 0, number, sizeof(*number), &err) ? fail(&err)
                                                                                   : EXIT_DONE;
}

static char *fold_file(const struct folds *folds, int fold, const char *name)
{
    return path_text("%s/fold%d/%s", folds->folder, fold, name);
}

/* What came of fold 1 .. count; NULL: it is not done. */
static json_t *fold_result(const struct folds *folds, int fold)
{
    char *path = fold_file(folds, fold, "fold.json"), *all = path_join(folds->folder, "folds.json");
    char *split = fold_file(folds, fold, "split.json");
    json_t *result = path ? json_load_file(path, 0, NULL) : NULL, *root = NULL, *row;
    size_t i;

    /* runs from before have no other record, and no split.json */
    if (!result && all && !(split && path_exists(split)) && (root = json_load_file(all, 0, NULL)))
        json_array_foreach(json_object_get(root, "folds"), i,
                           row) if (json_integer_value(json_object_get(row, "fold")) == fold &&
                                    !result) result = json_incref(row);
    json_decref(root);
    free(path);
    free(all);
    free(split);
    if (json_is_object(result))
        return result;
    json_decref(result);
    return NULL;
}

/* Whether this fold of a run that is resumed is done; for all ranks. */
static int look_at_fold(const struct folds *folds, int fold, int *done)
{
    json_t *result = folds->resumed && ranks_first() ? fold_result(folds, fold) : NULL;

    *done = result != NULL;
    json_decref(result);
    return hear_first(folds, done);
}

/* Of all folds that are done; the caller gives it back. */
static json_t *all_results(const struct folds *folds)
{
    json_t *list = json_array();

    for (int fold = 1; fold <= folds->count; fold++) {
        json_t *result = fold_result(folds, fold);

        if (result)
            json_array_append_new(list, result);
    }
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

/* Puts a JSON object at path; takes it. */
static int save_json(char *path, json_t *root)
{
    struct text_file file;
    int done = path && root && text_file_begin(&file, path);

    if (done && (json_dumpf(root, file.stream, JSON_INDENT(2) | JSON_REAL_PRECISION(9)) ||
                 fputc('\n', file.stream) == EOF)) {
        text_file_abort(&file);
        done = 0;
    } else if (done) {
        done = text_file_finish(&file);
    }
    json_decref(root);
    return done ? EXIT_DONE
                : fail_text("%s: cannot be written: %s", path ? path : "folds.json",
                            strerror(errno));
}

/* RUN/folds.json of all that is done; *list is what it has. */
static int save_results(const struct folds *folds, json_t **list)
{
    char *path = path_join(folds->folder, "folds.json");
    double mean, deviation;
    int status;

    do { /* where the file system has no locks another fold may have ended meanwhile */
        json_decref(*list);
        *list = all_results(folds);
        summarise(*list, &mean, &deviation);
        status = save_json(path, json_pack("{si so so sO}", "count", folds->count, "mean_score",
                                           json_number_short(mean), "deviation",
                                           json_number_short(deviation), "folds", *list));
        json_t *now = all_results(folds);
        int same = json_array_size(now) == json_array_size(*list);

        json_decref(now);
        if (same)
            break;
    } while (status == EXIT_DONE);
    free(path);
    return status;
}

static int save_result(const struct folds *folds, int fold, const struct train_run *run)
{
    char *path = fold_file(folds, fold, "fold.json"), model[48];
    int status;

    snprintf(model, sizeof(model), "fold%d/best.safetensors", fold);
    status = save_json(path, json_pack("{si ss so si}", "fold", fold, "model", model, "score",
                                       json_number_short(run->best_score), "best_epoch",
                                       run->best_epoch));
    free(path);
    return status;
}

/* A fold that is begun anew is not resumed from that of a run that is overwritten, nor done. */
static void forget_fold(const struct folds *folds, int fold)
{
    static const char *const names[] = {"checkpoint", "fold.json", NULL};

    for (const char *const *name = names; *name; name++) {
        char *path = fold_file(folds, fold, *name);

        if (path)
            remove(path);
        free(path);
    }
}

/* The folder that holds the folds, once it is known that they can be trained. */
static int begin_all(struct folds *folds)
{
    char *summary = path_join(folds->folder, "folds.json");
    int status = train_files_begin(&folds->files, folds->settings->overwrite);

    for (int fold = 1; fold <= folds->count && status == EXIT_DONE; fold++)
        forget_fold(folds, fold);
    if (summary && status == EXIT_DONE)
        remove(summary);
    free(summary);
    return status ? status : train_files_save(&folds->files, folds->settings, NULL, 0);
}

/* Refuses to begin a fold anew that is done, or that can be gone on with. */
static int check_fold(const struct folds *folds)
{
    const struct train_settings *settings = folds->settings;
    char *checkpoint = fold_file(folds, settings->fold, "checkpoint");
    json_t *done = fold_result(folds, settings->fold);
    int status = EXIT_DONE;

    if (!settings->overwrite && (done || (checkpoint && path_exists(checkpoint))))
        status = fail_text("%s/fold%d: has a run already; --resume %s --fold %d goes on with it, "
                           "--overwrite begins this fold anew",
                           folds->folder, settings->fold, folds->folder, settings->fold);
    json_decref(done);
    free(checkpoint);
    return status;
}

/* The same for one fold, beside others of the same run. */
static int begin_one(struct folds *folds, struct train_files *files)
{
    const struct train_settings *settings = folds->settings;
    int status, there;

    if (!path_make_folder(folds->folder))
        status = fail_text("%s: cannot be made: %s", folds->folder, strerror(errno));
    else
        status = folder_lock_soon(folds->folder, "unet train", &folds->files.lock);
    if (status == EXIT_DONE)
        status = train_files_same(&folds->files, settings, &there);
    if (status == EXIT_DONE && !there)
        status = train_files_check(&folds->files, 0); /* another kind of run */
    if (status == EXIT_DONE && !there)
        status = train_files_save(&folds->files, settings, NULL, 0);
    if (status == EXIT_DONE)
        status = check_fold(folds);
    folder_unlock(folds->folder, &folds->files.lock);
    if (status == EXIT_DONE && !path_make_folder(files->folder))
        status = fail_text("%s: cannot be made: %s", files->folder, strerror(errno));
    if (status == EXIT_DONE)
        status = train_files_lock(files);
    /* another may have begun and ended it since */
    return status == EXIT_DONE ? check_fold(folds) : status;
}

/* fold: from 1 */
static int run_fold(struct folds *folds, int fold)
{
    const struct train_settings *settings = folds->settings;
    struct train_settings inner = *settings;
    struct train_run run = {
        .command = folds->command, .settings = &inner, .ranks = folds->ranks, .fold = fold - 1};
    char *output = path_text("%s/fold%d", folds->folder, fold);
    char *goes_on =
        settings->fold < 0 ? strdup(folds->folder) : path_text("%s --fold %d", folds->folder, fold);
    int status;

    if (!output || !goes_on) {
        free(output);
        free(goes_on);
        return fail_memory();
    }
    run.goes_on = goes_on;
    inner.output = output;
    inner.overwrite = 1; /* what a fold has without a checkpoint is nothing */
    status = train_run_prepare(&run);
    if (status == EXIT_DONE && !folds->begun && !folds->resumed && ranks_first())
        status = settings->fold < 0 ? begin_all(folds) : begin_one(folds, &run.files);
    if (status == EXIT_DONE && settings->fold >= 0 && settings->overwrite && ranks_first())
        forget_fold(folds, fold); /* which is locked, if it was there */
    run.resumed = status == EXIT_DONE && path_exists(run.files.checkpoint);
    if (status == EXIT_DONE)
        status = hear_first(folds, &run.resumed);
    if (status == EXIT_DONE) {
        folds->begun = 1;
        if (!settings->common.quiet)
            say(stderr,
                fold > 1 && settings->fold < 0 ? "\nfold %d of %d%s\n" : "fold %d of %d%s\n", fold,
                folds->count, run.resumed ? ", resumed" : "");
        status = train_run_go(&run);
    }
    if (status == EXIT_DONE && ranks_first())
        status = save_result(folds, fold, &run);
    train_run_release(&run);
    free(output);
    free(goes_on);
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

        say(stdout, "%-8d %19.4f %6d\n", (int)json_integer_value(json_object_get(row, "fold")),
            json_number_value(json_object_get(row, "score")),
            (int)json_integer_value(json_object_get(row, "best_epoch")));
    }
    say(stdout, "%-8s %19.4f +- %.4f\n", "mean", mean, deviation);
    if (!settings->common.quiet)
        say(stderr, "unet predict %s IMAGE... averages the %d models\n", folder, settings->folds);
}

/* All folds that are not done, one after the other, RUN being locked. */
static int train_all(struct folds *folds, json_t **list)
{
    const struct train_settings *settings = folds->settings;
    int status = ranks_first() ? train_files_lock(&folds->files) : EXIT_DONE, left = 0, done;

    if (status == EXIT_DONE && !folds->resumed && ranks_first())
        status = train_files_check(&folds->files, settings->overwrite);
    for (int fold = 1; fold <= folds->count && status == EXIT_DONE; fold++) {
        status = look_at_fold(folds, fold, &done);
        left += !done;
        if (status == EXIT_DONE && !done)
            status = run_fold(folds, fold);
        if (status == EXIT_DONE && !done && ranks_first())
            status = save_results(folds, list);
    }
    if (status == EXIT_DONE && !left && ranks_first()) {
        say(stderr, "nothing left to do: all %d folds are done\n", folds->count);
        json_decref(*list);
        *list = all_results(folds);
    }
    return status;
}

/* What lacks, of a fold that is done. */
static void say_others(const struct folds *folds, const json_t *list)
{
    int lacks = folds->count - (int)json_array_size(list);

    if (folds->settings->common.quiet)
        return;
    say(stderr, "fold %d of %d is done; ", folds->settings->fold, folds->count);
    if (lacks)
        say(stderr, "%d other%s %s not yet: unet train --resume %s --fold I\n", lacks,
            lacks == 1 ? "" : "s", lacks == 1 ? "is" : "are", folds->folder);
    else
        say(stderr, "all are: %s/folds.json\n", folds->folder);
}

static int train_one(struct folds *folds, json_t **list)
{
    const int fold = folds->settings->fold;
    int done, status = look_at_fold(folds, fold, &done);

    if (status == EXIT_DONE && done)
        say(stderr, "nothing left to do: fold %d of %d is done\n", fold, folds->count);
    else if (status == EXIT_DONE)
        status = run_fold(folds, fold);
    if (status != EXIT_DONE || !ranks_first())
        return status;
    status = folder_lock_soon(folds->folder, "unet train", &folds->files.lock);
    if (status == EXIT_DONE)
        status = save_results(folds, list);
    if (status == EXIT_DONE)
        say_others(folds, *list);
    return status;
}

int train_folds(const struct command *command, struct train_settings *settings,
                const unet_ranks *ranks, int resumed)
{
    struct folds folds = {.command = command,
                          .ranks = ranks,
                          .settings = settings,
                          .folder = settings->output,
                          .count = settings->folds,
                          .resumed = resumed};
    json_t *list = NULL;
    int status = EXIT_DONE;

    if (!train_files_name(folds.folder, &folds.files))
        return fail_memory();
    settings->fold = settings->fold == 0 ? settings->folds : settings->fold;
    if (!path_is_folder(folds.folder) && !strcmp(path_ending(folds.folder), ".safetensors"))
        status = usage_error(command, "--folds makes several models: --output wants a folder");
    if (status == EXIT_DONE)
        status = settings->fold < 0 ? train_all(&folds, &list) : train_one(&folds, &list);
    if (status == EXIT_DONE && settings->common.json && ranks_first())
        status = json_print(json_pack("{sO}", "folds", list)) ? EXIT_DONE : fail_memory();
    else if (status == EXIT_DONE && ranks_first() &&
             (settings->fold < 0 || (int)json_array_size(list) == folds.count))
        print_summary(settings, folds.folder, list);
    json_decref(list);
    train_files_release(&folds.files);
    return status;
}
