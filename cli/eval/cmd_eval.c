/* SPDX-License-Identifier: Apache-2.0 */
/* cmd_eval.c - unet eval: how well a model does on images whose masks are known */
#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "eval/eval.h"
#include "model/models.h"
#include "shared/cli.h"
#include "shared/notes.h"
#include "shared/json_out.h"
#include "shared/paths.h"
#include "shared/progress.h"
#include "shared/say.h"
#include "unet_image.h"
#include "unet_train.h"
#include "unet_exchange.h"

struct eval_settings {
    const char *images, *masks, *predicted;
    const char *labels, *predicted_labels;
    const char *csv, *boundary;
    const char *pair[2], *fill;
    const char *ignore;
    int only_pairs, as_stored;
    struct said session; /* of unet_session_options */
    int objects, split, minimum_area;
    int isbi, connectivity, warp;
    struct common_settings common;
};

#define AT(field) offsetof(struct eval_settings, field)

static const char *const connectivity_words[] = {"4", "8", NULL};

static const struct option_row eval_options[] = {
    OPT_STRING("images", AT(images), "DIR", NULL),
    OPT_REQUIRED(0, "masks", AT(masks), "DIR", "images and masks, paired by file name"),
    OPT_FLAG("only-pairs", AT(only_pairs), "go without images that have no mask"),
    OPT_FLAG("as-stored", AT(as_stored), "turn nothing by EXIF, NIfTI or GeoTIFF headers"),
    OPT_PAIR(AT(pair)),
    OPT_STRING("predicted", AT(predicted), "DIR", "score these masks; no model, no images"),
    OPT_STRING("labels", AT(labels), "L", "what mask values mean: 'background=0,cell=255'"),
    OPT_STRING("predicted-labels", AT(predicted_labels), "L", "the same of --predicted"),
    OPT_STRING("ignore", AT(ignore), "V", "mask value without a label: 255, -1, nan"),
    OPT_STRING("fill", AT(fill), "V", "sample that is no data: -9999, nan [declared, as trained]"),
    OPT_FIELD_FROM("tile", AT(session), &said_session, "tile", 1, "N",
                   "side of the tiles; results are the same"),
    OPT_FIELD("tta", AT(session), &said_session, "tta", NULL,
              "average over 4 mirrored, 8 turned views [as trained]"),
    OPT_LETTER(0, "csv", AT(csv), "FILE", "a table with a row for each image"),
    OPT_HEADING("Objects (found by themselves when masks number them):"),
    OPT_FLAG("objects", AT(objects), "score objects: F1, AP, panoptic quality, SEG"),
    OPT_FLAG("split", AT(split), NULL),
    OPT_INT("min-area", AT(minimum_area), 1, 1000000000, "PX",
            "predicted ones: cut at necks; drop smaller ones"),
    OPT_HEADING("Boundaries:"),
    OPT_FLAG("isbi", AT(isbi), NULL),
    OPT_STRING("boundary", AT(boundary), "CLASS",
               "the scores of ISBI 2012; class of the lines [0]"),
    OPT_CHOICE("connectivity", AT(connectivity), connectivity_words, "of what they enclose [4]"),
    OPT_INT("warp", AT(warp), 0, 65536, "PX", "farthest that a line may be warped [0: any]"),
    OPT_TABLE(AT(common), common_options),
    OPT_END,
};

/* What an evaluation works on; predicted NULL: the model predicts. */
struct eval_job {
    struct models models;    /* averaged */
    const unet_model *model; /* the first; NULL: masks are scored */
    unet_session *session;
    unet_dataset *dataset, *predicted;
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
static unet_code score_image(const struct eval_job *job, struct eval *eval, int i, unet_error *err)
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
        return eval_image_score(eval, &pair, &eval->images[i], err);
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
        code = eval_image_score(eval, &pair, &eval->images[i], err);
    }
    free(mask);
    free(inner);
    free(inside);
    return code;
}

static int score_all(const struct eval_settings *settings, const struct eval_job *job,
                     struct eval *eval)
{
    struct progress_line line;
    unet_error err;

    progress_init(&line, settings->common.quiet);
    for (int i = 0; i < eval->count; i++) {
        const uint8_t *truth;
        const char *name;

        unet_dataset_image(job->dataset, i, &truth, &name);
        progress_draw(&line, "eval", (double)i / eval->count, name);
        if (interrupted() || score_image(job, eval, i, &err)) {
            progress_clear(&line);
            add_hints(err.hints, err.text, sizeof(err.text));
            return interrupted() ? EXIT_INTERRUPTED : fail_text("%s: %s", name, err.text);
        }
    }
    progress_clear(&line);
    return eval_sum(eval, &err) ? fail(&err) : EXIT_DONE;
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
    if (open_noting(settings->images, settings->masks, &data, settings->common.quiet, &job->dataset,
                    &err))
        return fail_coding(settings, job->model, &err);
    warn_of_labels(job, settings->common.quiet);
    model_views(job->model, &settings->session, &work);
    if (!settings->common.quiet)
        say_views(work.tta, &settings->session);
    warn_of_images(settings, job->dataset, &job->models);
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

    eval->labels = job->model ? unet_model_labels(job->model) : unet_dataset_labels(job->dataset);
    eval->count = unet_dataset_count(job->dataset);
    eval->images = calloc((size_t)eval->count, sizeof(*eval->images));
    if (!eval->images)
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

static int run_eval(const struct command *command, int argc, char **argv)
{
    struct eval_settings settings = {.connectivity = -1};
    struct eval_job job = {0};
    struct eval eval = {0};
    int operands, status;

    if (!options_parse(command, argc, argv, &settings, &operands, &status))
        return status;
    if (settings.predicted ? operands || settings.images : !operands || !settings.images)
        return usage_error(command, settings.predicted
                                        ? "--predicted takes no MODEL and no --images"
                                        : "a MODEL and --images, or --predicted, wanted");
    if (settings.csv && !path_writable(settings.csv))
        return fail_text("%s: %s", settings.csv, strerror(errno));
    interrupt_watch();
    status =
        settings.predicted ? open_masks(&settings, &job) : open_model(&settings, argv[0], &job);
    if (status == EXIT_DONE)
        status = prepare(&settings, &job, &eval);
    if (status == EXIT_DONE)
        status = score_all(&settings, &job, &eval);
    if (status == EXIT_DONE)
        status = report(&settings, &eval);
    eval_release(&eval);
    unet_session_free(job.session);
    unet_dataset_free(job.predicted);
    unet_dataset_free(job.dataset);
    models_release(&job.models);
    return status;
}

const struct command command_eval = {
    .name = "eval",
    .arguments = "MODEL --images DIR --masks DIR [options]",
    .summary = "score a model on images whose masks are known",
    .about = "Predicts every image and compares with its mask: Dice, IoU, precision and recall of "
             "each class over all pixels of the set, their mean without class 0 with its 95 % "
             "interval over images, and the share of right pixels.  docs/scores.md defines all.",
    .options = eval_options,
    .min_operands = 0,
    .max_operands = 1,
    .run = run_eval,
};
