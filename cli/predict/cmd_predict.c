/* SPDX-License-Identifier: Apache-2.0 */
/* cmd_predict.c - unet predict: segments images with a model */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "model/models.h"
#include "predict/predict_plan.h"
#include "predict/predict_out.h"
#include "shared/cli.h"
#include "shared/json_out.h"
#include "shared/progress.h"
#include "shared/say.h"

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
               "the image with mask or objects over it, as PNG or TIFF"),
    OPT_STRING("probabilities", AT(target[PRODUCT_PROBABILITIES]), "PATH",
               "float32 [class][row][column] as .npy, or [row][column][class] as .tif"),
    OPT_STRING("logits", AT(target[PRODUCT_LOGITS]), "PATH", "the same before softmax or sigmoid"),
    OPT_HEADING("objects (pixels of one class that hang together):"),
    OPT_STRING("instances", AT(target[PRODUCT_INSTANCES]), "PATH", "their numbers, as .tif"),
    OPT_STRING("measure", AT(target[PRODUCT_MEASURE]), "PATH",
               "area, place, shape, .. as .csv, one for all images"),
    OPT_STRING("rois", AT(target[PRODUCT_ROIS]), "PATH", "outlines for ImageJ, as .zip"),
    OPT_TABLE(AT(objects), objects_options),
    OPT_HEADING("how:"),
    OPT_FIELD("tta", AT(session), &said_session, "tta", NULL,
              "average over 4 mirrored, 8 turned views [as trained]"),
    OPT_BYTES("memory", AT(memory), "SIZE", "stay below it: 500M, 2G; any image fits"),
    OPT_FIELD_FROM("tile", AT(session), &said_session, "tile", 1, "N",
                   "side of the tiles; changes memory, not the mask"),
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
    struct predict_table table; /* of the image at work, or of all */
    json_t *totals;             /* of objects: of each page, where --json is given */
    size_t one_channel;         /* images of one channel, though the model takes several */
    uint64_t pixels[256];       /* of each class in all images so far */
    const struct predict_settings *settings;
};

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

/* The totals of a page's objects, and what a user should know of them. */
static void say_objects(struct predict_run *run, const struct predict_job *job)
{
    char *name = NULL, note[128];

    if (run->settings->common.json) {
        run->totals = run->totals ? run->totals : json_array();
        json_array_append_new(run->totals, objects_out_json(&run->objects));
    } else {
        name = run->out.pages > 1 ? path_text("%s, page %d", job->input, run->page)
                                  : strdup(job->input);
        objects_out_print(&run->objects, name ? name : job->input);
    }
    objects_out_note(&run->objects, note, sizeof(note));
    if (*note && !run->settings->common.quiet)
        say(stderr, "%s: %s\n", job->input, note);
    free(name);
}

/* The files and totals of a page's objects. */
static unet_code finish_objects(struct predict_run *run, const struct predict_job *job,
                                unet_source *source, unet_error *err)
{
    char *ids = NULL, *rois = NULL;
    unet_code code;

    if (job->output[PRODUCT_INSTANCES])
        ids = predict_plan_file(job, PRODUCT_INSTANCES, run->page);
    if (job->output[PRODUCT_ROIS])
        rois = predict_plan_file(job, PRODUCT_ROIS, run->page);
    const struct objects_files files = {.ids = ids,
                                        .rois = rois,
                                        .table = run->table.table,
                                        .image = job->input,
                                        .page = run->page};
    code = objects_out_finish(&run->objects, &files, err);
    if (!code)
        code = predict_out_objects(&run->out, source, run->page, run->objects.objects, err);
    if (!code)
        say_objects(run, job);
    free(ids);
    free(rois);
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
    if (job->objects && (code = objects_out_open(&run->objects, &run->settings->objects, run->model,
                                                 &what, memory, err)))
        return code;
    code = unet_predict_stream(run->session, source, run->page, stream, err);
    progress_clear(&run->line);
    if (!code && run->objects.objects)
        code = finish_objects(run, job, source, err);
    objects_out_release(&run->objects);
    return code;
}

/* All pages of an open image. */
static unet_code predict_pages(struct predict_run *run, const struct predict_job *job,
                               unet_source *source, unet_page *first, unet_error *err)
{
    unet_stream stream = predict_out_wants(job);
    int alone = !run->plan->joined[PRODUCT_MEASURE];
    unet_code code = unet_source_page(source, 0, first, err);

    stream.band = on_band;
    stream.progress = on_tile;
    stream.context = run;
    if (code ||
        (code = predict_out_open(&run->out, job, run->settings->values, run->model, source, err)))
        return code;
    if (alone && (code = predict_table_open(&run->table, run->plan, job, run->model, err)))
        return code;
    for (run->page = 0; run->page < run->out.pages && !code; run->page++)
        code = predict_page(run, job, source, &stream, err);
    run->page = 0;
    if (!code && alone)
        code = predict_table_commit(&run->table, err);
    if (alone)
        predict_table_abort(&run->table);
    return code ? code : predict_out_commit(&run->out, err);
}

/* One channel for a model of several is the same in each; pages may be meant as channels. */
static void note_channels(struct predict_run *run, const struct predict_job *job,
                          const unet_page *page)
{
    int channels = unet_model_spec(run->model)->in_channels;

    if (page->channels != 1 || channels == 1 || page->prepared)
        return;
    run->one_channel++;
    if (run->out.pages > 1 && !run->settings->common.quiet)
        say(stderr,
            "%s: %d pages of one channel are taken one by one, each as all %d channels of the "
            "model; '%s{pages}' takes them for the channels of one image\n",
            job->input, run->out.pages, channels, job->input);
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
        say(stderr, "%s: %s\n", job->input, unet_source_note(source));
    unet_source_close(source);
    if (!code)
        note_channels(run, job, &page);
    if (!code)
        predict_report(settings, run->plan, job, &run->out, &page, run->totals,
                       seconds_now() - start);
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
    say(stderr,
        "note: every pixel of every image is class %d%s%s%s: perhaps the model was trained "
        "too little, or on images unlike these; unet eval scores it\n",
        only, *name ? " '" : "", name, *name ? "'" : "");
}

/* All images, one after the other; *failed: how many. */
static int predict_each(struct predict_run *run, const struct predict_settings *settings,
                        const struct predict_plan *plan, size_t *failed)
{
    size_t count = plan->inputs.count;

    for (size_t i = 0; i < count; i++) {
        run->now = i;
        on_tile(run, 0);
        int status = predict_one(run, settings, &plan->jobs[i]);
        *failed += status != EXIT_DONE;
        if (status == EXIT_INTERRUPTED || (interrupted() && i + 1 < count)) {
            fail_text("interrupted: %zu of %zu images are done", i + 1 - *failed, count);
            return EXIT_INTERRUPTED;
        }
    }
    return EXIT_DONE;
}

/* The table of all images is written when none failed: one that lacks some is taken for whole. */
static int finish_table(struct predict_run *run, size_t failed)
{
    unet_error err;

    if (!run->table.table)
        return EXIT_DONE;
    if (failed)
        return fail_text("%s: not written: %zu of %zu images failed", run->table.path, failed,
                         run->plan->inputs.count);
    if (predict_table_commit(&run->table, &err))
        return fail(&err);
    if (!run->settings->common.quiet && !run->settings->common.json)
        say(stderr, "%zu image%s -> %s\n", run->plan->inputs.count,
            run->plan->inputs.count == 1 ? "" : "s", run->table.path);
    return EXIT_DONE;
}

static int predict_all(struct predict_run *run, const struct predict_settings *settings,
                       const struct predict_plan *plan)
{
    size_t count = plan->inputs.count, failed = 0;
    unet_error err;
    int status;

    progress_init(&run->line, settings->common.quiet);
    run->plan = plan;
    run->settings = settings;
    run->started = seconds_now();
    if (plan->joined[PRODUCT_MEASURE] &&
        predict_table_open(&run->table, plan, NULL, run->model, &err))
        return fail(&err);
    status = predict_each(run, settings, plan, &failed);
    if (!status) {
        if (run->one_channel && !settings->common.quiet)
            say(stderr, "note: %zu of %zu images have one channel: it is all %d of the model\n",
                run->one_channel, count, unet_model_spec(run->model)->in_channels);
        note_one_class(run);
        status = finish_table(run, failed);
    }
    predict_table_abort(&run->table);
    if (status)
        return status;
    if (failed && count > 1)
        return fail_text("%zu of %zu images failed", failed, count);
    return failed ? EXIT_FAILED : EXIT_DONE;
}

/* How many of the operands are models: the first, and those after it that can be nothing else. */
static int count_models(int operands, char **argv)
{
    int count = 1;

    while (count < operands && model_path_is(argv[count]))
        count++;
    return count;
}

static void warn_of_samples(const struct predict_plan *plan, const struct models *models)
{
    struct sample_count count = {0};

    for (size_t i = 0; i < plan->inputs.count; i++)
        samples_count(&count, plan->jobs[i].samples, plan->jobs[i].input);
    samples_warn(&count, models);
}

static int run_predict(const struct command *command, int argc, char **argv)
{
    struct predict_settings settings = {.format = -1};
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
        (status =
             predict_plan_list(command, &settings, operands - leading, argv + leading, &plan)) ||
        (status = models_open(&settings.common, &models)) ||
        (status = predict_plan_make(command, &settings, &models, &plan)))
        goto done;
    unet_session_options work = {
        .threads = settings.common.threads, .exact = settings.exact, .any_samples = 1};
    model_views(models.first, &settings.session, &work);
    models_average(&models, &work);
    if ((status = predict_memory_plan(&settings, &plan, models.first, &work)))
        goto done;
    if (unet_session_create(models.first, &work, &run.session, &err)) {
        status = fail(&err);
        goto done;
    }
    if (!settings.common.quiet) {
        if (models.files.count > 1)
            say(stderr, "models: the probabilities of %zu models are averaged\n",
                models.files.count);
        say_views(work.tta, &settings.session);
    }
    warn_of_samples(&plan, &models);
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
