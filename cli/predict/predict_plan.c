/* SPDX-License-Identifier: Apache-2.0 */
/*
 * predict_plan.c - which file of unet predict goes where
 *
 * A target is a folder when it ends in "/", is a folder already, or there are several images and
 * its ending is not one of a file.  In a folder the files are called as the image: scan.tif ->
 * masks/scan.png.  A file holds what was made of one image; a table holds all.
 */
#include "predict/predict_plan.h"

#include <errno.h>
#include <string.h>

#include "shared/say.h"

static const char *const mask_endings[] = {".png", ".tif", ".tiff", ".nii", ".nii.gz", NULL};
static const char *const score_endings[] = {".npy", ".tif", ".tiff", NULL};

static const char *const id_endings[] = {".tif", ".tiff", ".png", ".npy", NULL};
static const char *const csv_endings[] = {".csv", NULL};
static const char *const roi_endings[] = {".zip", ".json", ".geojson", ".txt", ".xml", NULL};

static const struct {
    const char *option;
    const char *ending; /* in a folder */
    const char *const *endings;
    const char *wanted;
    int joins; /* one file can hold several images */
} products[PRODUCTS] = {
    [PRODUCT_MASK] = {"--output", ".png", mask_endings, "a name ending in .png, .tif or .nii.gz",
                      0},
    [PRODUCT_OVERLAY] = {"--overlay", ".png", mask_endings,
                         "a name ending in .png, .tif or .nii.gz", 0},
    [PRODUCT_PROBABILITIES] = {"--probabilities", ".npy", score_endings,
                               "a name ending in .npy or .tif", 0},
    [PRODUCT_LOGITS] = {"--logits", ".npy", score_endings, "a name ending in .npy or .tif", 0},
    [PRODUCT_INSTANCES] = {"--instances", ".tif", id_endings, "a name ending in .tif, .png or .npy",
                           0},
    [PRODUCT_MEASURE] = {"--measure", ".csv", csv_endings, "a name ending in .csv", 1},
    [PRODUCT_ROIS] = {"--rois", ".zip", roi_endings,
                      "a name ending in .zip, .json, .geojson or .xml", 0},
};

/* Whether a name that is not there yet is meant as one of a file. */
static int names_file(const char *path)
{
    static const char *const others[] = {".csv", ".tsv",  ".txt",  ".zip",     ".roi",
                                         ".xls", ".xlsx", ".json", ".geojson", ".pdf",
                                         ".svg", ".npz",  ".xml",  NULL};

    return unet_image_name(path) || path_has_ending(path, others);
}

static int ends_in_slash(const char *path)
{
    size_t length = strlen(path);

    return length && path[length - 1] == '/';
}

const char *predict_plan_option(enum product product)
{
    return products[product].option;
}

static int list_inputs(int argc, char **argv, struct predict_plan *plan, int *from_folder)
{
    char text[320];

    for (int i = 0; i < argc; i++) {
        size_t before = plan->inputs.count;

        if (!path_holds_images(argv[i])) {
            if (!path_list_add(&plan->inputs, path_without_slash(argv[i])))
                return fail_memory();
            continue;
        }
        *from_folder = 1;
        if (!path_list_add(&plan->folders, strdup(argv[i])))
            return fail_memory();
        if (!path_list_images(argv[i], &plan->inputs))
            return fail_text("%s: cannot list it: %s", argv[i], strerror(errno));
        if (plan->inputs.count == before && unet_known_file(argv[i], text, sizeof(text)))
            return fail_text("%s: no images in this folder that are read: %s", argv[i], text);
        if (plan->inputs.count == before)
            return fail_text("%s: no images in this folder", argv[i]);
    }
    return EXIT_DONE;
}

static int asks_for_anything(const struct predict_settings *settings)
{
    for (int p = 0; p < PRODUCTS; p++)
        if (settings->target[p])
            return 1;
    return 0;
}

/* Files of channels become images, as those that the model was trained on. */
static int join_channels(const struct predict_settings *settings, const char *channels,
                         struct predict_plan *plan)
{
    int count = (int)plan->inputs.count, left = 0; /* to the training: images without a choice */
    unet_error err;

    for (int i = 0; i < count; i++) {
        const char *path = plan->inputs.path[i];

        left += !*path || path[strlen(path) - 1] != '}';
    }
    unet_code code = unet_join_channels(channels, plan->inputs.path, &count, &err);

    plan->inputs.count = (size_t)count;
    if (code)
        return fail(&err);
    if (*channels && left && !settings->common.quiet)
        say(stderr, "channels: as in the training, %s\n", channels);
    return EXIT_DONE;
}

/* Whether one file of a product can hold several images. */
static int joins(const struct predict_plan *plan, int p)
{
    return products[p].joins || (p == PRODUCT_ROIS && predict_outline_joins(plan->outlines));
}

/* One file, for several images perhaps. */
static int check_file(const struct command *command, const struct predict_settings *settings,
                      const struct predict_plan *plan, int p)
{
    static const char *const formats[][3] = {
        {".png", NULL}, {".tif", ".tiff", NULL}, {".nii", ".nii.gz", NULL}};
    const char *target = settings->target[p];

    if (!path_has_ending(target, products[p].endings))
        return usage_error(command, "%s: found \"%s\", wanted %s, or a folder ending in /",
                           products[p].option, target, products[p].wanted);
    if (plan->inputs.count > 1 && !joins(plan, p))
        return usage_error(command,
                           "%s: found \"%s\" for %zu images, wanted a folder, such as %.*s/",
                           products[p].option, target, plan->inputs.count,
                           (int)(path_ending(target) - target), target);
    if (p == PRODUCT_MASK && settings->format >= 0 &&
        !path_has_ending(target, formats[settings->format]))
        return usage_error(command, "--format and the ending of %s do not agree", target);
    if (p == PRODUCT_ROIS &&
        strcasecmp(path_ending(target), predict_outline_ending(plan->outlines)))
        return usage_error(command, "--as and the ending of %s do not agree", target);
    if (!path_writable(target))
        return fail_text("%s: cannot be written: %s", target, strerror(errno));
    return EXIT_DONE;
}

/* Settles which targets are folders, and refuses endings that cannot be written. */
static int check_targets(const struct command *command, const struct predict_settings *settings,
                         struct predict_plan *plan, int several)
{
    int asked = 0, status = EXIT_DONE;

    plan->outlines = predict_outline_kind(settings);
    for (int p = 0; p < PRODUCTS && !status; p++) {
        const char *target = settings->target[p];

        if (!target)
            continue;
        asked = 1;
        plan->in_folder[p] =
            ends_in_slash(target) || path_is_folder(target) || (several && !names_file(target));
        if (plan->in_folder[p])
            continue;
        plan->joined[p] = several && joins(plan, p);
        status = check_file(command, settings, plan, p);
    }
    if (!asked)
        return usage_error(command, "nothing to write, wanted -o, --overlay, --probabilities, "
                                    "--logits, --instances, --measure or --rois");
    return status;
}

/*
 * A table of all images lacks those that are left out, and a folder of images that masks go into
 * is another list for the job that comes next.
 */
static int check_shared(const struct command *command, const struct predict_settings *settings,
                        const struct predict_plan *plan)
{
    const char *option = settings->skip_done ? "--skip-done" : "--part";
    int status = EXIT_DONE;

    if (!settings->skip_done && !settings->part_count)
        return EXIT_DONE;
    for (int p = 0; p < PRODUCTS && !status; p++) {
        const char *target = settings->target[p];
        char *there = target && plan->in_folder[p] ? realpath(target, NULL) : NULL;

        if (settings->skip_done && plan->joined[p])
            status = usage_error(command,
                                 "--skip-done: %s holds all images, and would lack what is left "
                                 "out; wanted a folder, such as %.*s/",
                                 target, (int)(path_ending(target) - target), target);
        for (size_t i = 0; there && !status && i < plan->folders.count; i++) {
            char *images = realpath(plan->folders.path[i], NULL);

            if (images && !strcmp(there, images) && p <= PRODUCT_INSTANCES)
                status = usage_error(command,
                                     "%s: %s %s is the folder of the images, so that the list of "
                                     "images would grow; wanted another folder",
                                     option, products[p].option, target);
            free(images);
        }
        free(there);
    }
    return status;
}

/* What has to be known of an image beforehand. */
static void look_at(struct predict_job *job)
{
    unet_source *source;
    unet_page page;

    if (unet_source_open(job->input, &source, NULL))
        return;
    job->pages = unet_source_pages(source);
    for (int i = 0; i < job->pages && !unet_source_page(source, i, &page, NULL); i++) {
        job->samples |= samples_bit(page.sample, page.prepared);
        job->height = i ? job->height : page.height;
        job->width = i ? job->width : page.width;
        if (!job->has_size && page.pixel_height > 0 && page.pixel_width > 0) {
            job->has_size = 1;
            memcpy(job->unit, page.unit, sizeof(job->unit));
        }
    }
    unet_source_close(source);
}

int predict_plan_files(const struct predict_job *job, enum product product)
{
    const int each = product >= PRODUCT_IMAGES && product != PRODUCT_MEASURE;

    return each && job->pages > 1 ? job->pages : 1;
}

char *predict_plan_file(const struct predict_job *job, enum product product, int page)
{
    char number[24];
    int digits = snprintf(NULL, 0, "%d", job->pages > 1 ? job->pages - 1 : 0);

    snprintf(number, sizeof(number), "-%0*d", digits, page);
    return predict_plan_files(job, product) == 1 ? strdup(job->output[product])
                                                 : path_before_ending(job->output[product], number);
}

/* Its mask is NIfTI in a folder, as only that says where in space it lies. */
static int is_volume(const char *input)
{
    static const char *const volumes[] = {".nii",  ".nii.gz", ".hdr", ".img", ".nrrd",
                                          ".nhdr", ".mha",    ".mhd", NULL};
    const char *pages;
    char *file = path_of_pages(input, &pages);
    int found = file && path_has_ending(file, volumes);

    free(file);
    return found;
}

static int name_outputs(const struct predict_settings *settings, struct predict_plan *plan)
{
    for (size_t i = 0; i < plan->inputs.count; i++) {
        struct predict_job *job = &plan->jobs[i];

        job->input = plan->inputs.path[i];
        look_at(job);
        job->pyramid = settings->objects.pyramid;
        job->objects = settings->target[PRODUCT_INSTANCES] || settings->target[PRODUCT_MEASURE] ||
                       settings->target[PRODUCT_ROIS] || objects_wished(&settings->objects);
        for (int p = 0; p < PRODUCTS; p++) {
            const char *ending = products[p].ending;
            char *stem;

            if (!settings->target[p])
                continue;
            if (p == PRODUCT_ROIS)
                ending = predict_outline_ending(plan->outlines);
            if ((job->pages > 1 && p < PRODUCT_IMAGES) ||
                (p == PRODUCT_MASK && settings->format == 1))
                ending = ".tif";
            if (p == PRODUCT_MASK &&
                (settings->format == 2 || (settings->format < 0 && is_volume(job->input))))
                ending = ".nii.gz";
            stem = path_stem(job->input);
            job->output[p] =
                plan->joined[p]       ? predict_part_file(settings, settings->target[p])
                : !plan->in_folder[p] ? strdup(settings->target[p])
                : stem                ? path_text("%s%s%s%s", settings->target[p],
                                   ends_in_slash(settings->target[p]) ? "" : "/", stem, ending)
                                      : NULL;
            free(stem);
            if (!job->output[p])
                return fail_memory();
        }
    }
    return EXIT_DONE;
}

/* One table has one unit. */
static int check_units(const struct predict_settings *settings, const struct predict_plan *plan)
{
    const struct predict_job *first = NULL;

    for (size_t i = 0; i < plan->inputs.count && plan->joined[PRODUCT_MEASURE]; i++) {
        const struct predict_job *job = &plan->jobs[i];

        if (first && job->has_size && strcmp(job->unit, first->unit))
            return fail_text("%s: pixels measured in %s, those of %s in %s; for --measure wanted a "
                             "folder, such as %.*s/",
                             job->input, job->unit, first->input, first->unit,
                             (int)(path_ending(settings->target[PRODUCT_MEASURE]) -
                                   settings->target[PRODUCT_MEASURE]),
                             settings->target[PRODUCT_MEASURE]);
        if (!first && job->has_size)
            first = job;
    }
    return EXIT_DONE;
}

int predict_plan_list(const struct command *command, const struct predict_settings *settings,
                      int image_count, char **images, struct predict_plan *plan)
{
    int status = list_inputs(image_count, images, plan, &plan->from_folder);

    /* several files may become one image */
    if (!status && (plan->inputs.count == 1 || !asks_for_anything(settings)))
        status = check_targets(command, settings, plan, plan->from_folder);
    return status;
}

int predict_plan_make(const struct command *command, const struct predict_settings *settings,
                      const struct models *models, struct predict_plan *plan)
{
    int status = join_channels(settings, unet_model_channels(models->first), plan);

    if (status || (status = predict_level(command, settings, models->first, plan)) ||
        (status =
             check_targets(command, settings, plan, plan->from_folder || plan->inputs.count > 1)) ||
        (status = check_shared(command, settings, plan)))
        return status;
    plan->jobs = calloc(plan->inputs.count, sizeof(*plan->jobs));
    if (!plan->jobs)
        return fail_memory();
    plan->count = plan->inputs.count;
    if ((status = name_outputs(settings, plan)) || (status = check_units(settings, plan)) ||
        (status = predict_outlines_name(plan, settings)))
        return status;
    return predict_clash_check(&models->files, plan);
}

void predict_plan_release(struct predict_plan *plan)
{
    for (size_t i = 0; plan->jobs && i < plan->inputs.count; i++) {
        for (int p = 0; p < PRODUCTS; p++)
            free(plan->jobs[i].output[p]);
        free(plan->jobs[i].name);
    }
    free(plan->jobs);
    path_list_release(&plan->inputs);
    path_list_release(&plan->folders);
}

int predict_plan_make_folders(const struct predict_plan *plan,
                              const struct predict_settings *settings)
{
    for (int p = 0; p < PRODUCTS; p++)
        if (plan->in_folder[p] && !path_make_folder(settings->target[p]))
            return fail_text("%s: cannot make this folder: %s", settings->target[p],
                             strerror(errno));
    return EXIT_DONE;
}

unet_code predict_plan_open(const struct predict_settings *settings, const unet_model *model,
                            const struct predict_job *job, unet_source **source, unet_error *err)
{
    unet_code code = unet_source_open(job->input, source, err);

    if (!code)
        unet_source_read_as(*source, settings->as_stored, unet_model_spec(model)->in_channels);
    return code;
}
