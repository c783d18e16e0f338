/* SPDX-License-Identifier: Apache-2.0 */
/*
 * predict_run.c - the images of unet predict, one after the other (or several, predict_lanes.c)
 *
 *     predict_run -> each image -> predict_one -> each page -> bands -> predict_out, objects_out
 *
 * What is to be said of all of them together comes when the last one is done.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "predict/predict_lanes.h"
#include "shared/cli.h"
#include "shared/json_out.h"
#include "shared/launcher.h"
#include "shared/say.h"

/* The bar over all images, tile by tile. */
static int on_tile(void *context, double share)
{
    struct predict_run *run = context;
    size_t count = run->plan->count;
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

    run->totals = run->totals ? run->totals : json_array();
    json_array_append_new(run->totals, objects_out_json(&run->objects));
    if (!run->settings->common.json) {
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
                                        .rois = run->plan->outlines ? NULL : rois,
                                        .table = run->table.table,
                                        .image = job->input,
                                        .page = run->page};
    code = objects_out_finish(&run->objects, &files, err);
    if (!code && rois && run->plan->outlines)
        code = predict_outlines_add(&run->outlines, run->plan, job, source, run->page, rois,
                                    run->model, run->objects.objects, err);
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
    unet_code code;

    code = predict_out_page(&run->out, source, run->page, err);
    if (!code && job->objects)
        code = objects_out_open(&run->objects, &run->settings->objects, run->model, source,
                                run->page, memory, err);
    if ((code = predict_agree(run, (int)code, err))) {
        objects_out_release(&run->objects);
        return code;
    }
    code = unet_predict_stream(run->session, source, run->page, stream, err);
    run->broken = run->bands && code;
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
    unet_stream stream = predict_out_wants(job, run->model);
    int alone = !run->plan->joined[PRODUCT_MEASURE];
    unet_code code = unet_source_page(source, 0, first, err);

    stream.band = on_band;
    stream.progress = on_tile;
    stream.context = run;
    stream.ranks = run->bands ? run->ranks : NULL;
    if (!code)
        code = predict_out_open(&run->out, job, run->settings->values, run->model, source, err);
    if (!code && alone)
        code = predict_table_open(&run->table, run->plan, job, NULL, run->model, err);
    code = predict_agree(run, (int)code, err);
    for (run->page = 0; run->page < run->out.pages && !code; run->page++)
        code = predict_page(run, job, source, &stream, err);
    if (code && run->page < run->out.pages && !run->abandoned && !run->broken)
        predict_agree(run, (int)code, NULL); /* the others wait with the next page */
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
    run->tally.one_channel++;
    if (run->out.pages > 1 && !run->settings->common.quiet)
        say(stderr,
            "%s: %d pages of one channel are taken one by one, each as all %d channels of the "
            "model; '%s{pages}' takes them for the channels of one image\n",
            job->input, run->out.pages, channels, job->input);
}

/* Counts an image whose alpha channel is left out though it is not the same everywhere. */
static unet_code look_for_alpha(struct predict_run *run, const struct predict_job *job,
                                unet_source *source, unet_error *err)
{
    int drops = 0;
    unet_code code = UNET_OK;

    for (int i = 0; i < unet_source_pages(source) && !code && !drops; i++)
        code = unet_source_drops_alpha(source, i, &drops, err);
    if (drops && !run->tally.alphas++)
        run->alpha = job->input;
    return code;
}

/* The report of an image whose files are at their places, and the note that they are. */
static int tell_done(struct predict_run *run, const struct predict_job *job, const unet_page *page,
                     double seconds)
{
    json_t *facts = predict_facts(job, &run->out, page, run->totals);
    int status = facts ? EXIT_DONE : fail_memory();

    if (!status)
        status = predict_done_keep(run->before, job, facts);
    if (!status)
        predict_report(run->settings, run->plan, job, facts, seconds);
    for (int label = 0; label < 256; label++)
        run->tally.pixels[label] += run->out.pixels[label];
    json_decref(facts);
    return status;
}

/* Whether an earlier run has done it; its report is then from what was noted. */
static int was_done(struct predict_run *run, const struct predict_job *job)
{
    json_t *facts, *pixels;

    if (!predict_done_has(run->before, job, &facts))
        return 0;
    pixels = json_object_get(facts, "pixels");
    for (size_t label = 0; label < 256 && label < json_array_size(pixels); label++)
        run->tally.pixels[label] += (uint64_t)json_integer_value(json_array_get(pixels, label));
    predict_report(run->settings, run->plan, job, facts, -1);
    json_decref(facts);
    return 1;
}

/* One image from file to files. */
static int predict_one(struct predict_run *run, const struct predict_job *job)
{
    const struct predict_settings *settings = run->settings;
    double start = seconds_now();
    unet_source *source;
    unet_page page = {0};
    unet_error err = {0};
    unet_code code = predict_plan_open(settings, run->model, job, &source, &err);
    int status = EXIT_DONE;

    if (code) {
        progress_clear(&run->line);
        predict_agree(run, (int)code, NULL);
        return fail(&err);
    }
    if (!(code = look_for_alpha(run, job, source, &err)))
        code = predict_pages(run, job, source, &page, &err);
    else
        predict_agree(run, (int)code, NULL);
    progress_clear(&run->line);
    if (!code && unet_source_note(source)[0] && !settings->common.quiet)
        say(stderr, "%s: %s\n", job->input, unet_source_note(source));
    unet_source_close(source);
    if (!code)
        note_channels(run, job, &page);
    if (!code)
        status = tell_done(run, job, &page, seconds_now() - start);
    predict_out_release(&run->out);
    json_decref(run->totals);
    run->totals = NULL;
    if (!code)
        return status;
    if (code == UNET_ESTOPPED)
        return EXIT_INTERRUPTED;
    /* most errors name their file; what a session says does not know the image's */
    if (strstr(err.text, job->input) || code == UNET_EIO)
        return fail(&err);
    return fail_text("%s: %s", job->input, err.text);
}

int predict_image(struct predict_run *run, const struct predict_job *job)
{
    if (!was_done(run, job))
        return predict_one(run, job);
    predict_agree(run, PREDICT_SKIP, NULL);
    return EXIT_DONE;
}

/* An answer of one class for everything is most often a fault of the model or of how it is used. */
static void note_one_class(const struct predict_run *run)
{
    int only = -1, classes = 0;
    const char *name;

    for (int label = 0; label < 256; label++)
        if (run->tally.pixels[label]) {
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

static void note_alphas(const struct predict_run *run)
{
    char more[48] = "";

    if (!run->tally.alphas || run->settings->common.quiet)
        return;
    if (run->tally.alphas > 1)
        snprintf(more, sizeof(more), " and %zu more", run->tally.alphas - 1);
    say(stderr,
        "warning: %s%s: the alpha channel, which is not the same everywhere, is left out: the "
        "model takes %d channel%s\n",
        run->alpha, more, unet_model_spec(run->model)->in_channels,
        plural(unet_model_spec(run->model)->in_channels, "s"));
}

/* All images, one after the other; *failed: how many. */
static int predict_each(struct predict_run *run, size_t *failed)
{
    size_t count = run->plan->count;

    for (size_t i = 0; i < count; i++) {
        run->now = i;
        on_tile(run, 0);
        const struct predict_job *job = &run->plan->jobs[i];
        int status = predict_image(run, job);
        *failed += status != EXIT_DONE;
        if (run->broken && status == EXIT_FAILED)
            return status;
        if (status == EXIT_INTERRUPTED || (interrupted() && i + 1 < count)) {
            progress_clear(&run->line);
            fail_text("interrupted: %zu of %zu images are done%s", i + 1 - *failed, count,
                      run->settings->skip_done ? "; the same command goes on with the others" : "");
            return EXIT_INTERRUPTED;
        }
    }
    return EXIT_DONE;
}

static int say_joined(const struct predict_run *run, const char *path)
{
    if (!run->settings->common.quiet && !run->settings->common.json)
        say(stderr, "%zu image%s -> %s\n", run->plan->count, run->plan->count == 1 ? "" : "s",
            path);
    return EXIT_DONE;
}

/* The files of all images are written when none failed: one that lacks some is taken for whole. */
static int finish_joined(struct predict_run *run, size_t failed)
{
    const struct predict_plan *plan = run->plan;
    const int table = plan->joined[PRODUCT_MEASURE], outlines = plan->joined[PRODUCT_ROIS];
    const char *rows = plan->jobs[0].output[PRODUCT_MEASURE];
    const char *shapes = plan->jobs[0].output[PRODUCT_ROIS];
    int status = EXIT_DONE;
    unet_error err;

    if (failed && (table || outlines))
        return fail_text("%s: not written: %zu of %zu images failed", table ? rows : shapes, failed,
                         plan->count);
    if (predict_table_commit(&run->table, &err) || predict_outlines_commit(&run->outlines, &err))
        return fail(&err);
    if (run->dealt && table)
        status = joined_save_table(&run->rows, rows);
    if (run->dealt && outlines && !status)
        status = joined_save_coco(&run->shapes, shapes);
    if (table && !status)
        say_joined(run, rows);
    return outlines && !status ? say_joined(run, shapes) : status;
}

/* What is said when all are done. */
static int finish(struct predict_run *run, size_t failed)
{
    progress_clear(&run->line);
    if (!run->settings->common.quiet)
        predict_done_say(run->before);
    if (run->tally.one_channel && !run->settings->common.quiet)
        say(stderr, "note: %zu of %zu images have one channel: it is all %d of the model\n",
            run->tally.one_channel, run->plan->count, unet_model_spec(run->model)->in_channels);
    note_one_class(run);
    note_alphas(run);
    return finish_joined(run, failed);
}

static int open_joined(struct predict_run *run)
{
    unet_error err;

    if ((run->plan->joined[PRODUCT_MEASURE] &&
         predict_table_open(&run->table, run->plan, NULL, NULL, run->model, &err)) ||
        predict_outlines_open(&run->outlines, run->plan, NULL, run->model, &err)) {
        predict_table_abort(&run->table);
        return fail(&err);
    }
    return EXIT_DONE;
}

int predict_run(const struct predict_settings *settings, const struct predict_plan *plan,
                struct predict_done *done, const unet_model *model,
                const struct predict_lanes *lanes, const unet_ranks *ranks)
{
    struct predict_run run = {.model = model,
                              .session = lanes->session[0],
                              .lanes = lanes,
                              .plan = plan,
                              .before = done,
                              .settings = settings,
                              .ranks = plan->count ? ranks : NULL,
                              .started = seconds_now()};
    size_t failed = 0;
    int status;

    if (ranks && ranks->rank > 0 && !plan->count)
        return EXIT_DONE;
    if (run.ranks && (status = predict_choose_bands(&run)) != EXIT_DONE)
        return status;
    if (run.bands && ranks->rank > 0)
        return predict_bands(&run);
    run.dealt = (run.ranks && !run.bands) || lanes->count > 1;
    if (lanes->count > 1) { /* whether files of all images can be written, before any is done */
        if ((status = open_joined(&run)))
            return status;
        predict_table_abort(&run.table);
        predict_outlines_abort(&run.outlines);
    }
    progress_init(&run.line, settings->common.quiet || (run.ranks && !run.bands));
    if (run.dealt)
        status = run.ranks ? predict_ranks(&run, &failed) : predict_lanes(&run, &failed);
    else if (!(status = open_joined(&run)))
        status = predict_each(&run, &failed);
    if (!status && (!ranks || ranks->rank == 0))
        status = finish(&run, failed);
    predict_table_abort(&run.table);
    predict_outlines_abort(&run.outlines);
    joined_release(&run.rows);
    joined_release(&run.shapes);
    if (run.bands && status == EXIT_INTERRUPTED)
        ranks_end(status); /* the others wait for rows */
    if (status)
        return status;
    if (failed && plan->count > 1)
        return fail_text("%zu of %zu images failed", failed, plan->count);
    return failed ? EXIT_FAILED : EXIT_DONE;
}
