/* SPDX-License-Identifier: Apache-2.0 */
/*
 * eval_held_out.c - unet eval RUN --held-out: the images that a run never trained on
 *
 * Of a cross-validation each image is predicted by the model of the fold that held it out, so the
 * scores over all of them are those of K models on images that none of them saw.
 */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "eval/eval.h"
#include "model/models.h"
#include "shared/cli.h"
#include "shared/json_out.h"
#include "shared/paths.h"
#include "shared/say.h"
#include "shared/split_file.h"

static int add_run(struct eval_runs *runs, char *folder, int fold)
{
    struct eval_run *grown = realloc(runs->run, (size_t)(runs->count + 1) * sizeof(*runs->run));
    int status;

    if (!grown || !folder) {
        free(folder);
        runs->run = grown ? grown : runs->run;
        return fail_memory();
    }
    runs->run = grown;
    runs->run[runs->count] = (struct eval_run){.folder = folder, .fold = fold};
    status = split_load(folder, &runs->run[runs->count++].split);
    if (status == EXIT_DONE && !runs->run[runs->count - 1].split)
        status = fail_text("%s/split.json: not there, which says what was held out; wanted the "
                           "folder of a run of this version (unet train --resume writes it)",
                           folder);
    return status;
}

/* Folds that were copied or exchanged would count an image twice. */
static int check_folds(const struct eval_runs *runs)
{
    json_t *seen = json_object();
    int status = seen ? EXIT_DONE : fail_memory();

    for (int i = 0; i < runs->count && !status; i++) {
        const json_t *held_out = json_object_get(runs->run[i].split, "held_out");

        for (size_t k = 0; k < json_array_size(held_out) && !status; k++) {
            const char *name = json_string_value(json_array_get(held_out, k));
            const json_t *before = name ? json_object_get(seen, name) : NULL;

            if (!name)
                status = fail_text("%s/split.json: lists no images as this version does",
                                   runs->run[i].folder);
            else if (before && json_integer_value(before) != i)
                status = fail_text("%s/split.json: %s was held out, and %s/split.json says so, "
                                   "too; wanted folds of one run, each with images of its own",
                                   runs->run[i].folder, name,
                                   runs->run[json_integer_value(before)].folder);
            else
                json_object_set_new(seen, name, json_integer(i));
        }
    }
    json_decref(seen);
    return status;
}

int eval_runs_list(const char *path, struct eval_runs *runs)
{
    char *folder = path_without_slash(path);
    int folds = folder ? model_path_folds(folder) : 0, status = folder ? EXIT_DONE : fail_memory();

    if (!status && !path_is_folder(folder))
        status = fail_text("%s: --held-out wants the folder of a run", path);
    if (!status && !folds)
        status = add_run(runs, strdup(folder), 0);
    for (int fold = 1; fold <= folds && !status; fold++)
        status = add_run(runs, path_text("%s/fold%d", folder, fold), fold);
    free(folder);
    return status ? status : check_folds(runs);
}

void eval_runs_release(struct eval_runs *runs)
{
    for (int i = 0; i < runs->count; i++) {
        free(runs->run[i].folder);
        json_decref(runs->run[i].split);
    }
    free(runs->run);
    *runs = (struct eval_runs){0};
}

void eval_run_options(const struct eval_run *run, const char **images, const char **masks,
                      unet_dataset_options *options)
{
    const json_t *told = json_object_get(run->split, "options");
    const json_t *pair = json_object_get(told, "pair");

    if (!*images)
        *images = json_string_value(json_object_get(run->split, "images"));
    if (!*masks)
        *masks = json_string_value(json_object_get(run->split, "masks"));
    if (!options->ignore_value)
        options->ignore_value = json_string_value(json_object_get(told, "ignore"));
    if (!options->fill)
        options->fill = json_string_value(json_object_get(told, "fill"));
    options->only_pairs |= json_is_true(json_object_get(told, "only-pairs"));
    options->as_stored |= json_is_true(json_object_get(told, "as-stored"));
    if (!options->pair_image && pair) {
        options->pair_image = json_string_value(json_array_get(pair, 0));
        options->pair_mask = json_string_value(json_array_get(pair, 1));
    }
}

/* ---- folds ------------------------------------------------------------------------------- */

/* The scores of the images of a fold; NULL: no memory.  The caller frees them. */
static unet_scores *fold_scores(const struct eval *eval, int fold, int *images)
{
    unet_scores *sum = unet_scores_create(eval->labels);

    *images = 0;
    for (int i = 0; sum && i < eval->count; i++)
        if (eval->images[i].fold == fold) {
            unet_scores_merge(sum, eval->images[i].scores);
            (*images)++;
        }
    return sum;
}

/* Mean and standard deviation (n - 1) of what is a number. */
struct spread {
    int count;
    double sum, squares;
};

static void spread_add(struct spread *spread, double value)
{
    if (isnan(value))
        return;
    spread->count++;
    spread->sum += value;
    spread->squares += value * value;
}

static double spread_mean(const struct spread *s)
{
    return s->count ? s->sum / s->count : (double)NAN;
}

static double spread_deviation(const struct spread *s)
{
    double rest = s->squares - s->sum * spread_mean(s);

    return s->count > 1 ? sqrt(fmax(rest, 0) / (s->count - 1)) : (double)NAN;
}

void eval_print_folds(const struct eval *eval)
{
    struct spread all = {0}, without = {0};

    say(stdout, "%-8s %8s %20s %21s\n", "fold", "images", "Dice of all classes",
        "Dice without class 0");
    for (int fold = 1; fold <= eval->folds; fold++) {
        int images;
        unet_scores *scores = fold_scores(eval, fold, &images);

        if (!scores)
            return;
        say(stdout, "%-8d %8d %20.4f %21.4f\n", fold, images, unet_scores_all_dice(scores),
            unet_scores_mean_dice(scores));
        spread_add(&all, unet_scores_all_dice(scores));
        spread_add(&without, unet_scores_mean_dice(scores));
        unet_scores_free(scores);
    }
    say(stdout, "%-8s %8s %20.4f %21.4f\n%-8s %8s %20.4f %21.4f\n\n", "mean", "", spread_mean(&all),
        spread_mean(&without), "+-", "", spread_deviation(&all), spread_deviation(&without));
}

json_t *eval_folds_json(const struct eval *eval)
{
    json_t *list = json_array();

    for (int fold = 1; fold <= eval->folds; fold++) {
        int images;
        unet_scores *scores = fold_scores(eval, fold, &images);

        if (scores)
            json_array_append_new(
                list, json_pack("{si si so so so}", "fold", fold, "images", images, "mean_dice",
                                json_number_short(unet_scores_mean_dice(scores)), "all_dice",
                                json_number_short(unet_scores_all_dice(scores)), "mean_iou",
                                json_number_short(unet_scores_mean_iou(scores))));
        unet_scores_free(scores);
    }
    return list;
}
