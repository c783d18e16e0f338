/* SPDX-License-Identifier: Apache-2.0 */
/* cmd_predict.c - unet predict: segments images with a model */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "interrupt.h"
#include "json_out.h"
#include "models.h"
#include "predict_memory.h"
#include "predict_out.h"
#include "progress.h"
#include "runfolder.h"

static const char *const format_words[] = {"png", "tif", NULL};
static const char *const value_words[] = {"classes", "masks", NULL};

#define AT(field) offsetof(struct predict_settings, field)

static const struct option_row predict_options[] = {
    OPT_LETTER(
        'o', "output", AT(target[PRODUCT_MASK]), "PATH",
        "the mask: a file, or a folder for NAME.png of each NAME.* (made when it ends in / or "
        "there are several images)"),
    OPT_CHOICE("format", AT(format), format_words, "of masks in a folder [png; tif for stacks]"),
    OPT_CHOICE("values", AT(values), value_words, "class numbers, or as in the training masks"),
    OPT_STRING("overlay", AT(target[PRODUCT_OVERLAY]), "PATH",
               "the image with the mask drawn over it, as PNG or TIFF"),
    OPT_STRING("probabilities", AT(target[PRODUCT_PROBABILITIES]), "PATH",
               "float32 [class][row][column] as .npy, or [row][column][class] as .tif"),
    OPT_STRING("logits", AT(target[PRODUCT_LOGITS]), "PATH", "the same before softmax or sigmoid"),
    OPT_HEADING("objects (pixels of one class that hang together):"),
    OPT_STRING("instances", AT(target[PRODUCT_INSTANCES]), "PATH", "their numbers, as .tif"),
    OPT_STRING("measure", AT(target[PRODUCT_MEASURE]), "PATH", "area, place, shape, .. as .csv"),
    OPT_STRING("rois", AT(target[PRODUCT_ROIS]), "PATH", "outlines for ImageJ, as .zip"),
    OPT_TABLE(AT(objects), objects_options),
    OPT_HEADING("how:"),
    OPT_CHOICE("tta", AT(tta), tta_words, "average over 4 mirrored, 8 turned views [as trained]"),
    OPT_BYTES("memory", AT(memory), "SIZE", "stay below it: 500M, 2G; any image fits"),
    OPT_INT("tile", AT(tile), 1, 65536, "N", "side of the tiles; changes memory, not the mask"),
    OPT_FLAG("exact", AT(exact), "the same bits for every tile, in two to three times the time"),
    OPT_TABLE(AT(common), common_options),
    OPT_END,
};

/* What all images share. */
struct predict_run {
    const unet_model *model;
    unet_session *session;
    struct progress_line line;
    const struct predict_plan *plan;
    size_t now;     /* number of the image at work */
    int page;       /* and of its page */
    double started; /* seconds_now() */
    struct predict_out out;
    struct objects_out objects;
    json_t *totals;       /* of objects: of each page, where --json is given */
    uint64_t pixels[256]; /* of each class in all images so far */
    const struct predict_settings *settings;
};

static void report(const struct predict_run *run, const struct predict_settings *settings,
                   const struct predict_job *job, const unet_page *page, double seconds)
{
    static const char *const keys[PRODUCTS] = {"mask",      "overlay", "probabilities", "logits",
                                               "instances", "measure", "rois"};
    int pages = run->out.pages;
    json_t *row, *counts;
    char time[24], stack[32] = "";

    if (!settings->common.json) {
        if (pages > 1)
            snprintf(stack, sizeof(stack), "%d pages, ", pages);
        for (int p = 0; p < PRODUCTS && !settings->common.quiet; p++) {
            char *file = job->output[p] ? predict_plan_file(job, (enum product)p, 0) : NULL;

            if (file)
                fprintf(stderr, "%s -> %s%s (%s%dx%d, %s)\n", job->input, file,
                        strcmp(file, job->output[p]) ? " .." : "", stack, page->height, page->width,
                        format_seconds(seconds, time));
            free(file);
        }
        return;
    }
    row = json_pack("{so si si so}", "image", json_path(job->input), "height", page->height,
                    "width", page->width, "seconds", json_number_short(seconds));
    if (pages > 1)
        json_object_set_new(row, "pages", json_integer(pages));
    for (int p = 0; p < PRODUCTS; p++)
        if (job->output[p])
            json_object_set_new(row, keys[p], json_path(job->output[p]));
    if (predict_out_wants(job).mask) {
        counts = json_array();
        for (int label = 0; label < unet_model_labels(run->model); label++)
            json_array_append_new(counts, json_integer((json_int_t)run->out.pixels[label]));
        json_object_set_new(row, "pixels", counts);
    }
    if (run->totals)
        json_object_set(row, "objects", pages > 1 ? run->totals : json_array_get(run->totals, 0));
    json_print(row);
}

/* The bar over all images, tile by tile. */
static int on_tile(void *context, double share)
{
    struct predict_run *run = context;
    size_t count = run->plan->inputs.count;
    double pages = run->out.pages > 1 ? run->out.pages : 1;
    double done = ((double)run->now + (run->page + share) / pages) / (double)count;
    double passed = seconds_now() - run->started;
    char label[48], left[24], text[512];

    snprintf(label, sizeof(label), "%zu/%zu", run->now + 1, count);
    format_seconds(done > 0 ? passed * (1 - done) / done : -1, left);
    snprintf(text, sizeof(text), "%s left  %s", left, run->plan->jobs[run->now].input);
    progress_draw(&run->line, label, done, text);
    return interrupted();
}

static unet_code on_band(void *context, const unet_band *band, unet_error *err)
{
    struct predict_run *run = context;
    unet_code code = predict_out_band(&run->out, band, err);

    return code || !run->objects.objects ? code : objects_out_band(&run->objects, band, err);
}

/* The files and totals of a page's objects. */
static unet_code finish_objects(struct predict_run *run, const struct predict_job *job,
                                unet_error *err)
{
    char *file[PRODUCTS] = {NULL}, *name = NULL, note[128];
    unet_code code;

    for (int p = PRODUCT_IMAGES; p < PRODUCTS; p++)
        if (job->output[p])
            file[p] = predict_plan_file(job, (enum product)p, run->page);
    const struct objects_files files = {file[PRODUCT_INSTANCES], file[PRODUCT_MEASURE],
                                        file[PRODUCT_ROIS]};
    code = objects_out_finish(&run->objects, &files, err);
    if (!code && run->settings->common.json) {
        run->totals = run->totals ? run->totals : json_array();
        json_array_append_new(run->totals, objects_out_json(&run->objects));
    } else if (!code) {
        name = run->out.pages > 1 ? path_text("%s, page %d", job->input, run->page)
                                  : strdup(job->input);
        objects_out_print(&run->objects, name ? name : job->input);
    }
    if (!code)
        objects_out_note(&run->objects, note, sizeof(note));
    if (!code && *note && !run->settings->common.quiet)
        fprintf(stderr, "%s: %s\n", job->input, note);
    for (int p = PRODUCT_IMAGES; p < PRODUCTS; p++)
        free(file[p]);
    free(name);
    return code;
}

/* One page, whose files have been opened. */
static unet_code predict_page(struct predict_run *run, const struct predict_job *job,
                              unet_source *source, const unet_stream *stream, unet_error *err)
{
    uint64_t memory = predict_memory_objects(run->settings, job);
    unet_page what;
    unet_code code = unet_source_page(source, run->page, &what, err);

    if (code || (code = predict_out_page(&run->out, source, run->page, err)))
        return code;
    if (predict_plan_objects(job) &&
        (code = objects_out_open(&run->objects, &run->settings->objects, run->model, &what, memory,
                                 err)))
        return code;
    code = unet_predict_stream(run->session, source, run->page, stream, err);
    progress_clear(&run->line);
    if (!code && run->objects.objects)
        code = finish_objects(run, job, err);
    objects_out_release(&run->objects);
    return code;
}

/* All pages of an open image. */
static unet_code predict_pages(struct predict_run *run, const struct predict_job *job,
                               unet_source *source, unet_page *first, unet_error *err)
{
    unet_stream stream = predict_out_wants(job);
    unet_code code = unet_source_page(source, 0, first, err);

    stream.band = on_band;
    stream.progress = on_tile;
    stream.context = run;
    if (code ||
        (code = predict_out_open(&run->out, job, run->settings->values, run->model, source, err)))
        return code;
    for (run->page = 0; run->page < run->out.pages && !code; run->page++)
        code = predict_page(run, job, source, &stream, err);
    run->page = 0;
    return code ? code : predict_out_commit(&run->out, err);
}

/* One image from file to files. */
static int predict_one(struct predict_run *run, const struct predict_settings *settings,
                       const struct predict_job *job)
{
    double start = seconds_now();
    unet_source *source;
    unet_page page = {0};
    unet_error err = {0};
    unet_code code = unet_source_open(job->input, &source, &err);

    if (code) {
        progress_clear(&run->line);
        return fail(&err);
    }
    code = predict_pages(run, job, source, &page, &err);
    progress_clear(&run->line);
    if (!code && unet_source_note(source)[0] && !settings->common.quiet)
        fprintf(stderr, "%s: %s\n", job->input, unet_source_note(source));
    unet_source_close(source);
    if (!code)
        report(run, settings, job, &page, seconds_now() - start);
    for (int label = 0; label < 256 && !code; label++)
        run->pixels[label] += run->out.pixels[label];
    predict_out_release(&run->out);
    json_decref(run->totals);
    run->totals = NULL;
    if (!code)
        return EXIT_DONE;
    if (code == UNET_ESTOPPED)
        return EXIT_INTERRUPTED;
    /* most errors name their file; what a session says does not know the image's */
    if (strstr(err.text, job->input) || code == UNET_EIO)
        return fail(&err);
    return fail_text("%s: %s", job->input, err.text);
}

/* An answer of one class for everything is most often a fault of the model or of how it is used. */
static void note_one_class(const struct predict_run *run)
{
    int only = -1, classes = 0;
    const char *name;

    for (int label = 0; label < 256; label++)
        if (run->pixels[label]) {
            only = label;
            classes++;
        }
    if (classes != 1 || run->settings->common.quiet)
        return;
    name = unet_model_class(run->model, only, NULL);
    fprintf(stderr,
            "note: every pixel of every image is class %d%s%s%s: perhaps the model was trained "
            "too little, or on images unlike these; unet eval scores it\n",
            only, *name ? " '" : "", name, *name ? "'" : "");
}

static int predict_all(struct predict_run *run, const struct predict_settings *settings,
                       const struct predict_plan *plan)
{
    size_t count = plan->inputs.count, failed = 0;

    progress_init(&run->line, settings->common.quiet);
    run->plan = plan;
    run->settings = settings;
    run->started = seconds_now();
    for (size_t i = 0; i < count; i++) {
        run->now = i;
        on_tile(run, 0);
        int status = predict_one(run, settings, &plan->jobs[i]);
        failed += status != EXIT_DONE;
        if (status == EXIT_INTERRUPTED || (interrupted() && i + 1 < count)) {
            fail_text("interrupted: %zu of %zu image%s done", i + 1 - failed, count,
                      plural((double)count, "s"));
            return EXIT_INTERRUPTED;
        }
    }
    note_one_class(run);
    if (failed && count > 1)
        return fail_text("%zu of %zu images failed", failed, count);
    return failed ? EXIT_FAILED : EXIT_DONE;
}

/* How many of the operands are models: the first, and those after it that can be nothing else. */
static int count_models(int operands, char **argv)
{
    int count = 1;

    while (count < operands && run_folder_is_model(argv[count]))
        count++;
    return count;
}

static int run_predict(const struct command *command, int argc, char **argv)
{
    struct predict_settings settings = {.format = -1, .tta = -1};
    struct predict_plan plan = {0};
    struct predict_run run = {0};
    struct models models = {0};
    unet_error err;
    int operands, leading, status;

    if (!options_parse(command, argc, argv, &settings, &operands, &status))
        return status;
    leading = count_models(operands, argv);
    if (leading == operands)
        return usage_error(command, "no IMAGE, only models");
    if ((status = models_list(leading, argv, &models)) ||
        (status = predict_plan_make(command, &settings, operands - leading, argv + leading,
                                    &models.files, &plan)) ||
        (status = models_open(&settings.common, &models)))
        goto done;
    unet_session_options work = {.threads = settings.common.threads,
                                 .tile = settings.tile,
                                 .exact = settings.exact,
                                 .tta = model_views(models.first, settings.tta)};
    models_average(&models, &work);
    if ((status = predict_memory_plan(&settings, &plan, models.first, &work)))
        goto done;
    if (unet_session_create(models.first, &work, &run.session, &err)) {
        status = fail(&err);
        goto done;
    }
    if (!settings.common.quiet) {
        if (models.files.count > 1)
            fprintf(stderr, "models: the probabilities of %zu models are averaged\n",
                    models.files.count);
        say_views(work.tta, settings.tta);
    }
    run.model = models.first;
    status = predict_plan_make_folders(&plan, &settings);
    if (status)
        goto done;
    interrupt_watch();
    status = predict_all(&run, &settings, &plan);
done:
    unet_session_free(run.session);
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
