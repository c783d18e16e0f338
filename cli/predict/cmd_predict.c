/* SPDX-License-Identifier: Apache-2.0 */
/* cmd_predict.c - unet predict: segments images with a model */
#include <stdio.h>

#include "model/models.h"
#include "predict/predict_lanes.h"
#include "shared/cli.h"
#include "shared/device.h"
#include "shared/launcher.h"
#include "shared/say.h"

static const char *const format_words[] = {"png", "tif", "nii", NULL};
static const char *const outline_words[] = {"imagej", "coco", "geojson", "labelme",
                                            "yolo",   "via",  "cvat",    NULL};
static const char *const value_words[] = {"classes", "masks", NULL};
static const char *const pyramid_words[] = {"no", "yes", NULL};

#define AT(field) offsetof(struct predict_settings, field)

static const struct option_row predict_options[] = {
    OPT_LETTER(
        'o', "output", AT(target[PRODUCT_MASK]), "PATH",
        "the mask: a file, or a folder for NAME.png of each NAME.* (made when it ends in / or "
        "there are several images)"),
    OPT_CHOICE("format", AT(format), format_words,
               "of masks in a folder [png; tif for stacks; nii]"),
    OPT_CHOICE("values", AT(values), value_words, "class numbers, or as in the training masks"),
    OPT_CHOICE("pyramid", AT(pyramid), pyramid_words, "smaller levels in TIFF [where it is large]"),
    OPT_STRING("overlay", AT(target[PRODUCT_OVERLAY]), "PATH",
               "the image with mask or objects over it, as PNG or TIFF"),
    OPT_STRING("probabilities", AT(target[PRODUCT_PROBABILITIES]), "PATH",
               "float32 [class][row][column] as .npy, or [row][column][class] as .tif"),
    OPT_STRING("logits", AT(target[PRODUCT_LOGITS]), "PATH", "the same before softmax or sigmoid"),
    OPT_STRING("part", AT(part), "I/N", NULL),
    OPT_FLAG("skip-done", AT(skip_done), "the I-th of N parts; leave out what is done"),
    OPT_HEADING("objects (pixels of one class that hang together):"),
    OPT_STRING("instances", AT(target[PRODUCT_INSTANCES]), "PATH", "their numbers, as .tif"),
    OPT_STRING("measure", AT(target[PRODUCT_MEASURE]), "PATH",
               "area, place, .. as .csv, one for all"),
    OPT_STRING("rois", AT(target[PRODUCT_ROIS]), "PATH", NULL),
    OPT_CHOICE("as", AT(outlines), outline_words,
               "outlines [.zip imagej, .json coco, .geojson, .xml cvat]"),
    OPT_TABLE(AT(objects), objects_options),
    OPT_HEADING("how:"),
    OPT_STRING("fill", AT(fill), "V", "sample that is no data: -9999, nan [declared, as trained]"),
    OPT_FIELD("tta", AT(session), &said_session, "tta", NULL,
              "average over 4 mirrored, 8 turned views [as trained]"),
    OPT_BYTES("memory", AT(memory), "SIZE", "stay below it: 500M, 2G; any image fits"),
    OPT_FIELD_FROM("tile", AT(session), &said_session, "tile", 1, "N",
                   "side of tiles; told where the mask changes"),
    OPT_STRING("level", AT(level), "N|auto", NULL),
    OPT_FLAG("as-stored", AT(as_stored), "level of slides; turn none by EXIF, TIFF"),
    OPT_FLAG("exact", AT(exact), "no rounding by tiles; 2 to 3 times slower"),
    OPT_TABLE(AT(common), common_options),
    OPT_END,
};

/* How many of the operands are models: the first, and those after it that can be nothing else. */
static int count_models(int operands, char **argv)
{
    int count = 1;

    while (count < operands && model_path_is(argv[count]))
        count++;
    return count;
}

/* quiet: looks alone. */
static void warn_of_images(const struct predict_settings *settings, const struct models *models,
                           struct predict_plan *plan, int quiet)
{
    struct sample_count samples = {0};
    struct values_count values = {.fill = settings->fill};
    int images = (int)plan->count, looks = images < VALUES_LOOKS ? images : VALUES_LOOKS;

    for (int i = 0; i < images; i++)
        samples_count(&samples, plan->jobs[i].samples, plan->jobs[i].input);
    for (int i = 0; i < looks; i++) {
        struct predict_job *job = &plan->jobs[values_place(i, looks, images)];
        unet_source *source;

        if (predict_plan_open(settings, models->first, job, &source, NULL))
            continue;
        job->distance = values_look(&values, models, source, NULL, job->samples, job->input);
        job->looked_at = job->distance >= 0;
        unet_source_close(source);
    }
    if (quiet)
        return;
    samples_warn(&samples, &values, models);
    values_warn(&values);
}

static int run_predict(const struct command *command, int argc, char **argv)
{
    struct predict_settings settings = {.format = -1, .outlines = -1, .pyramid = -1};
    struct predict_plan plan = {0};
    struct models models = {0};
    struct predict_done before = {0};
    struct predict_lanes lanes = {0};
    const unet_ranks *ranks = NULL;
    int operands, leading, status, quiet;

    if (!options_parse(command, argc, argv, &settings, &operands, &status))
        return status;
    if ((status = device_begin(&settings.common)) != EXIT_DONE ||
        (status = predict_part_read(command, &settings)) != EXIT_DONE)
        return status;
    settings.objects.pyramid = settings.pyramid < 0 ? 0 : settings.pyramid ? 1 : -1;
    leading = count_models(operands, argv);
    if ((status = ranks_join("images", &ranks)) != EXIT_DONE)
        return status;
    quiet = settings.common.quiet; /* what is the same for all is said by one */
    settings.common.quiet |= ranks && ranks->rank > 0;
    if (leading == operands)
        return usage_error(command, "no IMAGE, only models");
    if ((status = models_list(leading, argv, &models)) ||
        (status =
             predict_plan_list(command, &settings, operands - leading, argv + leading, &plan)) ||
        (status = models_open(&settings.common, &models)) ||
        (status = predict_plan_make(command, &settings, &models, &plan)))
        goto done;
    unet_session_options work = {.size = sizeof(work),
                                 .threads = settings.common.threads,
                                 .exact = settings.exact,
                                 .any_samples = 1,
                                 .fill = settings.fill};
    model_views(models.first, &settings.session, &work);
    models_average(&models, &work);
    /* the tile is one for all images, so that a part has the same bits as the whole */
    if ((status = predict_ranks_alike(ranks, &settings, &plan, &models, &work)) ||
        (status = predict_memory_plan(&settings, &plan, models.first, &work)) ||
        (status = predict_done_open(&before, &settings, &plan, &models, &work)) ||
        (settings.part_count && (status = predict_part_take(&settings, &plan))) ||
        (status = predict_lanes_open(&settings, &plan, models.first, &work, ranks, &lanes)))
        goto done;
    if (!settings.common.quiet) {
        if (models.files.count > 1)
            say(stderr, "models: the probabilities of %zu models are averaged\n",
                models.files.count);
        say_views(work.tta, &settings.session);
        say_fill(models.first, settings.fill);
    }
    warn_of_images(&settings, &models, &plan, ranks && ranks->rank);
    status = predict_plan_make_folders(&plan, &settings);
    if (status)
        goto done;
    settings.common.quiet = quiet;
    interrupt_watch();
    status = predict_run(&settings, &plan, &before, models.first, &lanes, ranks);
done:
    predict_lanes_release(&lanes);
    predict_done_release(&before);
    models_release(&models);
    predict_plan_release(&plan);
    return status;
}

const struct command command_predict = {
    .name = "predict",
    .arguments = "MODEL... IMAGE... -o PATH [options]",
    .summary = "segment images with a model, or with several",
    .about = "Segments images (a folder stands for the images in it; scan.tif[2:7] for pages 2 to "
             "6, counted from 0). The model file says how images are prepared, so no other option "
             "is needed. The folder of a training stands for its best model, one with folds for "
             "those of all folds; the probabilities of several models are averaged.",
    .options = predict_options,
    .min_operands = 2,
    .max_operands = -1,
    .run = run_predict,
};
