/* SPDX-License-Identifier: Apache-2.0 */
/*
 * eval_job.c - a model and a data set, or two sets of masks: opened, predicted, scored
 *
 *     eval_run_jobs -> for each run: open, prepare, score each image -> eval_sum -> the reports
 */
#include "eval/eval_job.h"

#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "shared/notes.h"
#include "shared/json_out.h"
#include "shared/progress.h"
#include "shared/say.h"
#include "shared/split_file.h"
#include "unet_image.h"
#include "unet_train.h"
#include "unet_exchange.h"

/* What an evaluation works on; predicted NULL: the model predicts. */
struct eval_job {
    struct models models;    /* averaged */
    const unet_model *model; /* the first; NULL: masks are scored */
    unet_session *session;
    unet_dataset *dataset, *predicted;
    const struct eval_run *run; /* whose held-out images they are; NULL: all images */
};

/* Probability of not being the class, from all probabilities; of one logit, there is one plane. */
static void keep_inside(const unet_model *model, int boundary, size_t count, float *probabilities)
{
    int one = unet_model_spec(model)->classes == 1;
    const float *of = probabilities + (one ? 0 : (size_t)boundary * count);

    for (size_t i = 0; i < count; i++)
        probabilities[i] = one && boundary == 0 ? of[i] : 1 - of[i];
}

/* Predicts image i, or looks it up, and scores it. */
static unet_code score_image(const struct eval_job *job, struct eval *eval, int i,
                             struct eval_image *scored, unet_error *err)
{
    struct eval_pair pair = {0};
    const unet_image *image = unet_dataset_image(job->dataset, i, &pair.truth, &pair.name);
    size_t count = (size_t)image->height * (size_t)image->width, planes = 1;
    uint8_t *mask = NULL, *inner = NULL;
    float *inside = NULL;
    unet_code code = UNET_OK;

    pair.height = image->height;
    pair.width = image->width;
    pair.true_ids = unet_dataset_objects(job->dataset, i);
    if (job->predicted) {
        const char *name;

        unet_dataset_image(job->predicted, i, &pair.predicted, &name);
        pair.predicted_ids = unet_dataset_objects(job->predicted, i);
        return eval_image_score(eval, &pair, scored, err);
    }
    planes = (size_t)unet_model_spec(job->model)->classes;
    mask = malloc(count);
    inside = eval->boundary >= 0 ? malloc(count * planes * sizeof(*inside)) : NULL;
    inner = eval->object_labels && eval->objects.inner ? malloc(count) : NULL;
    unet_answers answers = {
        .size = sizeof(answers), .mask = mask, .probabilities = inside, .inner = inner};
    if (!mask || (eval->object_labels && eval->objects.inner && !inner) ||
        (!inside && eval->boundary >= 0)) {
        code = set_error(err, UNET_ENOMEM, "out of memory");
    } else if (!(code = unet_predict_all(job->session, image, &answers, err))) {
        if (inside)
            keep_inside(job->model, eval->boundary, count, inside);
        pair.predicted = mask;
        pair.inside = inside;
        pair.inner = inner;
        code = eval_image_score(eval, &pair, scored, err);
    }
    free(mask);
    free(inner);
    free(inside);
    return code;
}

/* The images of a job, which are the last in eval. */
static int score_all(const struct eval_settings *settings, const struct eval_job *job,
                     struct eval *eval)
{
    const int count = unet_dataset_count(job->dataset), first = eval->count - count;
    struct progress_line line;
    unet_error err;

    progress_init(&line, settings->common.quiet);
    for (int i = 0; i < count; i++) {
        const uint8_t *truth;
        const char *name;

        unet_dataset_image(job->dataset, i, &truth, &name);
        progress_draw(&line, "eval", (double)i / count, name);
        if (interrupted() || score_image(job, eval, i, &eval->images[first + i], &err)) {
            progress_clear(&line);
            add_hints(err.hints, err.text, sizeof(err.text));
            return interrupted() ? EXIT_INTERRUPTED : fail_text("%s: %s", name, err.text);
        }
    }
    progress_clear(&line);
    return EXIT_DONE;
}

/* ---- what is evaluated ------------------------------------------------------------------- */

/* Masks that the model does not understand: says what they are by themselves, and the option. */
static int fail_coding(const struct eval_settings *settings, const unet_model *model,
                       const unet_error *err)
{
    unet_dataset_options alone = {.size = sizeof(alone),
                                  .ignore = -1,
                                  .ignore_value = settings->ignore,
                                  .only_pairs = settings->only_pairs,
                                  .as_stored = settings->as_stored,
                                  .pair_image = settings->pair[0],
                                  .pair_mask = settings->pair[1]};
    unet_dataset *dataset;
    char trained[256];

    if (settings->labels || err->code != UNET_EINVAL || !*unet_model_settings(model) ||
        unet_dataset_open(settings->images, settings->masks, &alone, &dataset, NULL))
        return fail(err);
    unet_model_coding_text(model, trained, sizeof(trained));
    fail_text("these masks have %s, those of the model %s; say --labels with what their values "
              "mean",
              unet_dataset_coding_text(dataset), trained);
    unet_dataset_free(dataset);
    return EXIT_FAILED;
}

static void warn_of_images(const struct eval_settings *settings, const unet_dataset *dataset,
                           const struct models *models)
{
    struct sample_count samples = {0};
    struct values_count values = {.fill = settings->fill};
    int images = unet_dataset_count(dataset), looks = images < VALUES_LOOKS ? images : VALUES_LOOKS;
    const uint8_t *mask;
    const char *name;

    for (int i = 0; i < images; i++) {
        const unet_image *image = unet_dataset_image(dataset, i, &mask, &name);

        samples_count(&samples, samples_bit(image->sample, image->prepared), name);
    }
    for (int i = 0; i < looks; i++) {
        const unet_image *image =
            unet_dataset_image(dataset, values_place(i, looks, images), &mask, &name);

        values_look(&values, models, NULL, image, samples_bit(image->sample, image->prepared),
                    name);
    }
    samples_warn(&samples, &values, models);
    values_warn(&values);
}

/* What a person says goes before what the model knows, but not without a word. */
static void warn_of_labels(const struct eval_job *job, int quiet)
{
    char text[200];

    if (!quiet && unet_model_contradicts(job->model, job->dataset, text, sizeof(text)))
        say(stderr, "warning: --labels: %s\n", text);
}

/* Where tiles that were asked for change the scores. */
static void warn_of_tiles(const struct eval_job *job, const unet_session_options *work)
{
    for (int i = 0; i < unet_dataset_count(job->dataset) && work->tile; i++) {
        const unet_image *image = unet_dataset_image(job->dataset, i, NULL, NULL);
        const unet_page page = {.height = image->height,
                                .width = image->width,
                                .channels = image->channels,
                                .sample = image->sample};

        if (warn_of_tile(job->model, work, &page))
            break;
    }
}

static int open_model(const struct eval_settings *settings, char *path, struct eval_job *job)
{
    unet_session_options work = {.size = sizeof(work),
                                 .threads = settings->common.threads,
                                 .any_samples = 1,
                                 .fill = settings->fill};
    unet_error err;
    int status = models_load(1, &path, &settings->common, &job->models);

    if (status != EXIT_DONE)
        return status;
    job->model = job->models.first;
    models_average(&job->models, &work);
    unet_dataset_options data = {.size = sizeof(data),
                                 .ignore = -1,
                                 .ignore_value = settings->ignore,
                                 .labels = settings->labels,
                                 .model = job->model,
                                 .fill = settings->fill,
                                 .only_pairs = settings->only_pairs,
                                 .as_stored = settings->as_stored,
                                 .pair_image = settings->pair[0],
                                 .pair_mask = settings->pair[1]};
    const char *images = settings->images, *masks = settings->masks;

    if (job->run)
        eval_run_options(job->run, &images, &masks, &data);
    if (job->run && (!images || !masks))
        return fail_text("%s/split.json: does not say where the %s were; wanted --images and "
                         "--masks",
                         job->run->folder, images ? "masks" : "images");
    work.fill = data.fill;
    if (open_noting(images, masks, &data, settings->common.quiet, &job->dataset, &err))
        return job->run ? fail(&err) : fail_coding(settings, job->model, &err);
    if (job->run &&
        (status = split_take(job->run->split, job->run->folder, &job->dataset)) != EXIT_DONE)
        return status;
    warn_of_labels(job, settings->common.quiet);
    model_views(job->model, &settings->session, &work);
    if (!settings->common.quiet)
        say_views(work.tta, &settings->session);
    warn_of_images(settings, job->dataset, &job->models);
    warn_of_tiles(job, &work);
    return unet_session_create(job->model, &work, &job->session, &err) ? fail(&err) : EXIT_DONE;
}

static int open_masks(const struct eval_settings *settings, struct eval_job *job)
{
    const struct eval_masks given = {
        .predicted = settings->predicted,
        .masks = settings->masks,
        .predicted_labels = settings->predicted_labels,
        .quiet = settings->common.quiet,
        .options = {.size = sizeof(unet_dataset_options),
                    .ignore = -1,
                    .ignore_value = settings->ignore,
                    .labels = settings->labels,
                    .only_pairs = settings->only_pairs,
                    .as_stored = settings->as_stored,
                    .pair_image = settings->pair[0],
                    .pair_mask = settings->pair[1]},
    };

    return eval_open_masks(&given, &job->dataset, &job->predicted);
}

/* The class that --boundary names, by name or index; -1: there is none. */
static int find_class(const struct eval *eval, const char *word)
{
    char *end;
    long number = strtol(word, &end, 10);

    for (int label = 0; label < eval->labels; label++)
        if (!strcmp(eval->names[label], word))
            return label;
    return *word && !*end && number >= 0 && number < eval->labels ? (int)number : -1;
}

/* Makes room for the images of a job. */
static int add_images(struct eval *eval, int count, int fold)
{
    size_t all = (size_t)eval->count + (size_t)count;
    struct eval_image *grown = realloc(eval->images, all * sizeof(*grown));

    if (!grown)
        return 0;
    memset(grown + eval->count, 0, (size_t)count * sizeof(*grown));
    for (size_t i = (size_t)eval->count; i < all; i++)
        grown[i].fold = fold;
    eval->images = grown;
    eval->count = (int)all;
    return 1;
}

/* Adds a job to an evaluation. */
static int prepare(const struct eval_settings *settings, const struct eval_job *job,
                   struct eval *eval)
{
    int true_ids = unet_dataset_objects(job->dataset, 0) != NULL;
    int predicted_ids = job->predicted && unet_dataset_objects(job->predicted, 0);
    int numbered = true_ids || predicted_ids;

    if (predicted_ids && (settings->split || settings->minimum_area))
        return fail_text("--split and --min-area are for predicted classes; the masks in %s number "
                         "their objects",
                         settings->predicted);
    eval->left_out = unet_dataset_left_out(job->dataset);
    if (*eval->left_out && !settings->common.quiet)
        say(stderr, "left out: %s\n", eval->left_out);

    if (eval->count && unet_model_labels(job->model) != eval->labels)
        return fail_text("%s: a model of %d classes, those of the folds before have %d",
                         job->run->folder, unet_model_labels(job->model), eval->labels);
    eval->labels = job->model ? unet_model_labels(job->model) : unet_dataset_labels(job->dataset);
    if (!add_images(eval, unet_dataset_count(job->dataset), job->run ? job->run->fold : 0))
        return fail_memory();
    for (int label = 0; label < eval->labels; label++) {
        uint8_t rgb[3];

        eval->names[label] = job->model ? unet_model_class(job->model, label, rgb) : "";
    }
    eval->seed = settings->common.seed;
    eval->objects = (unet_objects_options){.size = sizeof(eval->objects),
                                           .keep_holes = 1,
                                           .split = settings->split,
                                           .minimum_area = settings->minimum_area};
    if (job->model && !settings->split)
        unet_model_objects(job->model, &eval->objects);
    if (eval->objects.inner) /* its objects are those that unet predict counts */
        eval->objects.keep_holes = 0;
    if (numbered || settings->objects || settings->split || settings->minimum_area)
        eval->object_labels = numbered ? 2 : eval->labels;
    eval->boundary_options = (unet_boundary_options){
        .connectivity = settings->connectivity == 1 ? 8 : 4, .distance = settings->warp};
    eval->boundary =
        settings->boundary ? find_class(eval, settings->boundary) : (settings->isbi ? 0 : -1);
    if (settings->boundary && eval->boundary < 0)
        return fail_text("--boundary %s: no such class; a name or 0 to %d wanted",
                         settings->boundary, eval->labels - 1);
    return EXIT_DONE;
}

static int report(const struct eval_settings *settings, const struct eval *eval)
{
    if (settings->csv && !eval_csv(eval, settings->csv))
        return fail_text("%s: %s", settings->csv, strerror(errno));
    if (settings->common.json)
        return json_print(eval_json(eval)) ? EXIT_DONE : fail_memory();
    eval_print(eval);
    return EXIT_DONE;
}

static void release(struct eval_job *job)
{
    unet_session_free(job->session);
    unet_dataset_free(job->predicted);
    unet_dataset_free(job->dataset);
    models_release(&job->models);
}

/* Opens a job and scores its images; what its scores point to stays in *job. */
static int run_job(const struct eval_settings *settings, char *path, struct eval_job *job,
                   struct eval *eval)
{
    int status = settings->predicted ? open_masks(settings, job) : open_model(settings, path, job);

    if (status == EXIT_DONE)
        status = prepare(settings, job, eval);
    if (status == EXIT_DONE)
        status = score_all(settings, job, eval);
    unet_session_free(job->session);
    job->session = NULL;
    return status;
}

int eval_run_jobs(const struct eval_settings *settings, char *path, struct eval *eval)
{
    struct eval_runs runs = {0};
    struct eval_job *jobs = NULL;
    unet_error err;
    int status = settings->held_out ? eval_runs_list(path, &runs) : EXIT_DONE;
    int count = settings->held_out ? runs.count : 1;

    if (status == EXIT_DONE && !(jobs = calloc((size_t)count, sizeof(*jobs))))
        status = fail_memory();
    eval->held_out = settings->held_out;
    eval->folds = count > 1 ? count : 0;
    for (int k = 0; k < count && status == EXIT_DONE; k++) {
        jobs[k].run = settings->held_out ? &runs.run[k] : NULL;
        if (count > 1 && !settings->common.quiet)
            say(stderr, "fold %d of %d\n", k + 1, count);
        status = run_job(settings, jobs[k].run ? runs.run[k].folder : path, &jobs[k], eval);
    }
    if (status == EXIT_DONE && eval_sum(eval, &err))
        status = fail(&err);
    if (status == EXIT_DONE)
        status = report(settings, eval);
    for (int k = 0; jobs && k < count; k++)
        release(&jobs[k]);
    free(jobs);
    eval_runs_release(&runs);
    return status;
}
