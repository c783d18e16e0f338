/* SPDX-License-Identifier: Apache-2.0 */
/* cmd_predict.c - unet predict: segments images with a model */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "interrupt.h"
#include "json_out.h"
#include "origin.h"
#include "predict_plan.h"
#include "progress.h"

#define OVERLAY_OPACITY 0.35f

static const char *const format_words[] = {"png", "tif", NULL};

#define AT(field) offsetof(struct predict_settings, field)

static const struct option_row predict_options[] = {
    OPT_LETTER(
        'o', "output", AT(target[PRODUCT_MASK]), "PATH",
        "the mask: a file, or a folder for NAME.png of each NAME.* (made when it ends in / or "
        "there are several images)"),
    OPT_CHOICE("format", AT(format), format_words, "of masks in a folder [png]"),
    OPT_STRING("overlay", AT(target[PRODUCT_OVERLAY]), "PATH",
               "the image with the mask drawn over it, as PNG"),
    OPT_STRING("probabilities", AT(target[PRODUCT_PROBABILITIES]), "PATH",
               "float32 [class][row][column] as .npy, or [row][column][class] as .tif"),
    OPT_STRING("logits", AT(target[PRODUCT_LOGITS]), "PATH", "the same before softmax or sigmoid"),
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
    double started; /* seconds_now() */
    uint8_t colors[256][3];
    int labels;
};

/* Writes scores [K][H][W]: an .npy as they are, a TIFF with the classes as samples of a pixel. */
static unet_code write_scores(const char *path, const float *scores, int classes,
                              const unet_image *image, unet_error *err)
{
    static const char *const npy[] = {".npy", NULL};
    const int shape[] = {classes, image->height, image->width};
    size_t pixels = (size_t)image->height * (size_t)image->width;
    unet_image out = {image->height, image->width, classes, UNET_F32, 0, NULL};
    unet_code code;
    float *turned;

    if (path_has_ending(path, npy))
        return unet_npy_write(path, scores, 3, shape, err);
    out.data = turned = malloc(pixels * (size_t)classes * sizeof(float));
    if (!turned) {
        snprintf(err->text, sizeof(err->text), "not enough memory for its scores");
        return err->code = UNET_ENOMEM;
    }
    for (size_t i = 0; i < pixels; i++)
        for (int k = 0; k < classes; k++)
            turned[i * (size_t)classes + (size_t)k] = scores[(size_t)k * pixels + i];
    code = unet_image_write(path, &out, err);
    free(turned);
    return code;
}

static unet_code write_mask(struct predict_run *run, const struct predict_job *job,
                            const unet_image *image, const uint8_t *mask, unet_error *err)
{
    const uint8_t(*colors)[3] = (const uint8_t(*)[3])run->colors;
    unet_image overlay;
    unet_code code;

    if (job->output[PRODUCT_MASK] &&
        (code = unet_mask_write(job->output[PRODUCT_MASK], mask, image->height, image->width,
                                colors, run->labels, err)))
        return code;
    if (!job->output[PRODUCT_OVERLAY])
        return UNET_OK;
    if ((code = unet_overlay(image, mask, colors, run->labels, OVERLAY_OPACITY, &overlay, err)))
        return code;
    code = unet_image_write(job->output[PRODUCT_OVERLAY], &overlay, err);
    unet_image_release(&overlay);
    return code;
}

static void report(const struct predict_run *run, const struct predict_settings *settings,
                   const struct predict_job *job, const unet_image *image, const uint8_t *mask,
                   double seconds)
{
    static const char *const keys[PRODUCTS] = {"mask", "overlay", "probabilities", "logits"};
    uint64_t pixels[256] = {0};
    json_t *row, *counts = NULL;
    char time[24];

    if (!settings->common.json) {
        for (int p = 0; p < PRODUCTS && !settings->common.quiet; p++)
            if (job->output[p])
                fprintf(stderr, "%s -> %s (%dx%d, %s)\n", job->input, job->output[p], image->height,
                        image->width, format_seconds(seconds, time));
        return;
    }
    row = json_pack("{so si si so}", "image", json_path(job->input), "height", image->height,
                    "width", image->width, "seconds", json_number_short(seconds));
    for (int p = 0; p < PRODUCTS; p++)
        if (job->output[p])
            json_object_set_new(row, keys[p], json_path(job->output[p]));
    for (size_t i = 0; mask && i < (size_t)image->height * (size_t)image->width; i++)
        pixels[mask[i]]++;
    if (mask)
        counts = json_array();
    for (int label = 0; counts && label < run->labels; label++)
        json_array_append_new(counts, json_integer((json_int_t)pixels[label]));
    if (counts)
        json_object_set_new(row, "pixels", counts);
    json_print(row);
}

/* The bar over all images, tile by tile. */
static int on_tile(void *context, double share)
{
    struct predict_run *run = context;
    size_t count = run->plan->inputs.count;
    double done = ((double)run->now + share) / (double)count, passed = seconds_now() - run->started;
    char label[48], left[24], text[512];

    snprintf(label, sizeof(label), "%zu/%zu", run->now + 1, count);
    format_seconds(done > 0 ? passed * (1 - done) / done : -1, left);
    snprintf(text, sizeof(text), "%s left  %s", left, run->plan->jobs[run->now].input);
    progress_draw(&run->line, label, done, text);
    return interrupted();
}

static void release_answers(unet_answers *answers)
{
    free(answers->mask);
    free(answers->logits);
    free(answers->probabilities);
}

/* Room for what was asked for. */
static unet_code make_answers(struct predict_run *run, const struct predict_job *job,
                              const unet_image *image, unet_answers *answers, unet_error *err)
{
    size_t pixels = (size_t)image->height * (size_t)image->width;
    size_t scores = pixels * (size_t)unet_model_spec(run->model)->classes * sizeof(float);
    int mask = job->output[PRODUCT_MASK] || job->output[PRODUCT_OVERLAY];
    int logits = job->output[PRODUCT_LOGITS] != NULL;
    int probabilities = job->output[PRODUCT_PROBABILITIES] != NULL;

    *answers = (unet_answers){.progress = on_tile, .context = run};
    if ((mask && !(answers->mask = malloc(pixels))) ||
        (logits && !(answers->logits = malloc(scores))) ||
        (probabilities && !(answers->probabilities = malloc(scores)))) {
        snprintf(err->text, sizeof(err->text), "not enough memory for the answer");
        return err->code = UNET_ENOMEM;
    }
    return UNET_OK;
}

/* Writes what was asked for of one image. */
static unet_code write_answers(struct predict_run *run, const struct predict_job *job,
                               const unet_image *image, const unet_answers *answers,
                               unet_error *err)
{
    int classes = unet_model_spec(run->model)->classes;
    unet_code code = UNET_OK;

    if (answers->mask)
        code = write_mask(run, job, image, answers->mask, err);
    if (!code && answers->probabilities)
        code = write_scores(job->output[PRODUCT_PROBABILITIES], answers->probabilities, classes,
                            image, err);
    if (!code && answers->logits)
        code = write_scores(job->output[PRODUCT_LOGITS], answers->logits, classes, image, err);
    return code;
}

/* One image from file to files. */
static int predict_one(struct predict_run *run, const struct predict_settings *settings,
                       const struct predict_job *job)
{
    double start = seconds_now();
    unet_image image = {0};
    unet_answers answers = {0};
    unet_error err = {0};
    unet_code code;

    code = unet_image_read(job->input, &image, &err);
    if (code) {
        progress_clear(&run->line);
        return fail(&err);
    }
    if (!(code = make_answers(run, job, &image, &answers, &err)) &&
        !(code = unet_predict_all(run->session, &image, &answers, &err)))
        code = write_answers(run, job, &image, &answers, &err);
    progress_clear(&run->line);
    if (!code)
        report(run, settings, job, &image, answers.mask, seconds_now() - start);
    release_answers(&answers);
    unet_image_release(&image);
    if (!code)
        return EXIT_DONE;
    if (code == UNET_ESTOPPED)
        return EXIT_INTERRUPTED;
    /* a write that fails names its file; a prediction that fails does not know the image's */
    return code == UNET_EIO ? fail(&err) : fail_text("%s: %s", job->input, err.text);
}

static int predict_all(struct predict_run *run, const struct predict_settings *settings,
                       const struct predict_plan *plan)
{
    size_t count = plan->inputs.count, failed = 0;

    progress_init(&run->line, settings->common.quiet);
    run->plan = plan;
    run->started = seconds_now();
    for (size_t i = 0; i < count; i++) {
        run->now = i;
        on_tile(run, 0);
        int status = predict_one(run, settings, &plan->jobs[i]);
        failed += status != EXIT_DONE;
        if (status == EXIT_INTERRUPTED || (interrupted() && i + 1 < count)) {
            fail_text("interrupted: %zu of %zu images are done", i + 1 - failed, count);
            return EXIT_INTERRUPTED;
        }
    }
    if (failed && count > 1)
        return fail_text("%zu of %zu images failed", failed, count);
    return failed ? EXIT_FAILED : EXIT_DONE;
}

static int run_predict(const struct command *command, int argc, char **argv)
{
    struct predict_settings settings = {.format = -1};
    struct predict_plan plan = {0};
    struct predict_run run = {0};
    unet_model *model = NULL;
    unet_error err;
    int operands, status;

    if (!options_parse(command, argc, argv, &settings, &operands, &status))
        return status;
    status = predict_plan_make(command, &settings, operands, argv, &plan);
    if (status)
        goto done;
    unet_session_options work = {
        .threads = settings.common.threads, .tile = settings.tile, .exact = settings.exact};
    if (origin_load(argv[0], &settings.common, &model, NULL, &err) ||
        unet_session_create(model, &work, &run.session, &err)) {
        status = fail(&err);
        goto done;
    }
    run.model = model;
    run.labels = unet_model_labels(model);
    for (int label = 0; label < run.labels; label++)
        unet_model_class(model, label, run.colors[label]);
    status = predict_plan_make_folders(&plan, &settings);
    if (status)
        goto done;
    interrupt_watch();
    status = predict_all(&run, &settings, &plan);
done:
    unet_session_free(run.session);
    unet_model_free(model);
    predict_plan_release(&plan);
    return status;
}

const struct command command_predict = {
    .name = "predict",
    .arguments = "MODEL IMAGE... -o PATH [options]",
    .summary = "segment images with a model",
    .about = "Segments images (PNG, TIFF, .npy; a folder stands for the images in it). The model "
             "file says how images are prepared, so no other option is needed.",
    .options = predict_options,
    .min_operands = 2,
    .max_operands = -1,
    .run = run_predict,
};
