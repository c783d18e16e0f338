/* SPDX-License-Identifier: Apache-2.0 */
/* cmd_eval.c - unet eval: how well a model does on images whose masks are known */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "cli.h"
#include "json_out.h"
#include "origin.h"
#include "progress.h"

struct eval_settings {
    const char *images, *masks;
    const char *labels;
    int ignore, tile;
    struct common_settings common;
};

#define AT(field) offsetof(struct eval_settings, field)

static const struct option_row eval_options[] = {
    OPT_REQUIRED(0, "images", AT(images), "DIR", NULL),
    OPT_REQUIRED(0, "masks", AT(masks), "DIR", "images and masks, paired by file name"),
    OPT_STRING("labels", AT(labels), "L", "what mask values mean: 'background=0,cell=255'"),
    OPT_INT("ignore", AT(ignore), 0, 1 << 24, "V", "mask value that carries no label"),
    OPT_INT("tile", AT(tile), 1, 65536, "N", "side of the tiles; results are the same"),
    OPT_TABLE(AT(common), common_options),
    OPT_END,
};

/* Predicts every image of the set and counts its pixels. */
static int score_all(const struct eval_settings *settings, unet_session *session,
                     const unet_dataset *dataset, unet_scores *scores)
{
    int count = unet_dataset_count(dataset);
    struct progress_line line;
    unet_error err;

    progress_init(&line, settings->common.quiet);
    for (int i = 0; i < count; i++) {
        const uint8_t *truth;
        const char *name;
        const unet_image *image = unet_dataset_image(dataset, i, &truth, &name);
        size_t pixels = (size_t)image->height * (size_t)image->width;
        uint8_t *mask = malloc(pixels);

        if (!mask)
            return fail_memory();
        progress_draw(&line, "eval", (double)i / count, name);
        if (unet_predict(session, image, mask, &err)) {
            free(mask);
            progress_clear(&line);
            return fail_text("%s: %s", name, err.text);
        }
        unet_scores_add(scores, mask, truth, pixels);
        free(mask);
    }
    progress_clear(&line);
    return EXIT_DONE;
}

/* The mean of a score over the classes that occur, but the first; NAN when none does. */
static double mean_score(const unet_scores *scores, int labels,
                         double (*score)(const unet_scores *, int))
{
    double sum = 0;
    int count = 0;

    for (int label = 1; label < labels; label++) {
        double value = score(scores, label);

        if (!isnan(value)) {
            sum += value;
            count++;
        }
    }
    return count ? sum / count : (double)NAN;
}

static uint64_t true_pixels(const unet_scores *scores, int labels, int truth)
{
    uint64_t sum = 0;

    for (int predicted = 0; predicted < labels; predicted++)
        sum += unet_scores_pixels(scores, truth, predicted);
    return sum;
}

static void print_table(const unet_model *model, const unet_scores *scores, int images)
{
    int labels = unet_model_labels(model);
    char count[32];

    printf("%-24s %8s %8s %16s\n", "class", "Dice", "IoU", "pixels");
    for (int label = 0; label < labels; label++) {
        uint8_t rgb[3];
        const char *name = unet_model_class(model, label, rgb);

        printf("%3d %-20s %8.4f %8.4f %16s\n", label, name, unet_scores_dice(scores, label),
               unet_scores_iou(scores, label),
               format_count(true_pixels(scores, labels, label), count));
    }
    printf("%-24s %8.4f %8.4f\n", "mean without class 0",
           mean_score(scores, labels, unet_scores_dice),
           mean_score(scores, labels, unet_scores_iou));
    printf("%-24s %8.4f\n", "pixel accuracy", unet_scores_accuracy(scores));
    printf("%-24s %8d\n", "images", images);
}

static int print_json(const unet_model *model, const unet_scores *scores, int images)
{
    int labels = unet_model_labels(model);
    json_t *classes = json_array(), *root;

    for (int label = 0; label < labels; label++) {
        uint8_t rgb[3];
        json_t *row = json_pack("{si so so so sI}", "class", label, "name",
                                json_path(unet_model_class(model, label, rgb)), "dice",
                                json_number_short(unet_scores_dice(scores, label)), "iou",
                                json_number_short(unet_scores_iou(scores, label)), "pixels",
                                (json_int_t)true_pixels(scores, labels, label));

        json_array_append_new(classes, row);
    }
    root = json_pack("{si so so so so}", "images", images, "mean_dice",
                     json_number_short(mean_score(scores, labels, unet_scores_dice)), "mean_iou",
                     json_number_short(mean_score(scores, labels, unet_scores_iou)), "accuracy",
                     json_number_short(unet_scores_accuracy(scores)), "classes", classes);
    return json_print(root) ? EXIT_DONE : fail_memory();
}

static int run_eval(const struct command *command, int argc, char **argv)
{
    struct eval_settings settings = {.ignore = -1};
    unet_model *model = NULL;
    unet_dataset *dataset = NULL;
    unet_session *session = NULL;
    unet_scores *scores = NULL;
    unet_error err;
    int operands, status;

    if (!options_parse(command, argc, argv, &settings, &operands, &status))
        return status;
    if (origin_load(argv[0], &settings.common, &model, NULL, &err)) {
        status = fail(&err);
        goto done;
    }
    unet_dataset_options data = {
        .ignore = settings.ignore, .labels = settings.labels, .model = model};
    unet_session_options work = {.threads = settings.common.threads, .tile = settings.tile};
    if (unet_dataset_open(settings.images, settings.masks, &data, &dataset, &err) ||
        unet_session_create(model, &work, &session, &err)) {
        status = fail(&err);
        goto done;
    }
    scores = unet_scores_create(unet_model_labels(model));
    status = scores ? score_all(&settings, session, dataset, scores) : fail_memory();
    if (status == EXIT_DONE && settings.common.json)
        status = print_json(model, scores, unet_dataset_count(dataset));
    else if (status == EXIT_DONE)
        print_table(model, scores, unet_dataset_count(dataset));
done:
    unet_scores_free(scores);
    unet_session_free(session);
    unet_dataset_free(dataset);
    unet_model_free(model);
    return status;
}

const struct command command_eval = {
    .name = "eval",
    .arguments = "MODEL --images DIR --masks DIR [options]",
    .summary = "score a model on images whose masks are known",
    .about = "Predicts every image and compares with its mask: Dice and IoU of each class over all "
             "pixels of the set, their mean without class 0, and the share of right pixels.",
    .options = eval_options,
    .min_operands = 1,
    .max_operands = 1,
    .run = run_eval,
};
