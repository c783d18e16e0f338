/* SPDX-License-Identifier: Apache-2.0 */
/* predict_outlines.c - outlines for COCO, QuPath, LabelMe, YOLO, VIA and CVAT */
#include <stdlib.h>
#include <string.h>

#include "predict/predict_plan.h"

static const char *const endings[OUTLINE_KINDS] = {
    [OUTLINE_IMAGEJ] = ".zip",   [OUTLINE_COCO] = ".json", [OUTLINE_GEOJSON] = ".geojson",
    [OUTLINE_LABELME] = ".json", [OUTLINE_YOLO] = ".txt",  [OUTLINE_VIA] = ".json",
    [OUTLINE_CVAT] = ".xml"};

const char *predict_outline_ending(enum outline_kind kind)
{
    return endings[kind];
}

int predict_outline_joins(enum outline_kind kind)
{
    return kind == OUTLINE_COCO || kind == OUTLINE_VIA || kind == OUTLINE_CVAT;
}

enum outline_kind predict_outline_kind(const struct predict_settings *settings)
{
    const char *target = settings->target[PRODUCT_ROIS];

    if (settings->outlines >= 0)
        return (enum outline_kind)settings->outlines;
    for (int k = 0; target && k < OUTLINE_KINDS; k++) {
        const char *const ending[] = {endings[k], NULL};

        if (path_has_ending(target, ending))
            return (enum outline_kind)k;
    }
    return OUTLINE_IMAGEJ;
}

static unet_code open_file(struct predict_outlines *outlines, enum outline_kind kind,
                           const char *path, const unet_model *model, unet_error *err)
{
    for (int label = 0; label < unet_model_labels(model); label++)
        outlines->names[label] = unet_model_class(model, label, NULL);
    outlines->path = path;
    return unet_outlines_open(path, (unet_outline_format)(kind - 1), outlines->names,
                              unet_model_labels(model), &outlines->file, err);
}

unet_code predict_outlines_open(struct predict_outlines *outlines, const struct predict_plan *plan,
                                const char *path, const unet_model *model, unet_error *err)
{
    *outlines = (struct predict_outlines){0};
    return plan->joined[PRODUCT_ROIS]
               ? open_file(outlines, plan->outlines,
                           path ? path : plan->jobs[0].output[PRODUCT_ROIS], model, err)
               : UNET_OK;
}

/* ---- names of images --------------------------------------------------------------------- */

static const char *file_name(const char *path)
{
    const char *slash = strrchr(path, '/');

    return slash ? slash + 1 : path;
}

static int compare_names(const void *a, const void *b)
{
    return strcmp(*(const char *const *)a, *(const char *const *)b);
}

/* A name that is there twice; NULL: none. */
static const char *find_twice(const char **names, size_t count)
{
    qsort(names, count, sizeof(*names), compare_names);
    for (size_t i = 1; i < count; i++)
        if (!strcmp(names[i - 1], names[i]))
            return names[i];
    return NULL;
}

/* Bytes of the folders that all images are in. */
static size_t common_folders(const struct predict_plan *plan)
{
    const char *first = plan->jobs[0].input;
    size_t size = (size_t)(file_name(first) - first);

    for (size_t i = 1; i < plan->inputs.count; i++) {
        size_t same = 0;

        while (same < size && plan->jobs[i].input[same] == first[same])
            same++;
        while (same && first[same - 1] != '/')
            same--;
        size = same;
    }
    return size;
}

int predict_outlines_name(struct predict_plan *plan, const struct predict_settings *settings)
{
    const size_t count = plan->joined[PRODUCT_ROIS] ? plan->inputs.count : 0;
    const char *twice, **names = calloc(count + 1, sizeof(*names));
    int status = names ? EXIT_DONE : fail_memory();

    for (size_t i = 0; i < count && !status; i++)
        names[i] = file_name(plan->jobs[i].input);
    if (!status && find_twice(names, count)) {
        const size_t common = common_folders(plan);

        for (size_t i = 0; i < count && !status; i++) {
            const char *from = plan->jobs[i].input + common;

            while (*from == '/' || !strncmp(from, "./", 2)) /* as readers of outlines do */
                from += *from == '/' ? 1 : 2;
            names[i] = plan->jobs[i].name = strdup(from);
            status = names[i] ? EXIT_DONE : fail_memory();
        }
        for (size_t i = 0; i < count && !status; i++)
            if (strstr(names[i], "../") || (!common && plan->jobs[i].input[0] == '/'))
                status =
                    fail_text("%s: images of one name in several folders go into %s with these, "
                              "wanted paths without .. below one folder",
                              plan->jobs[i].input, settings->target[PRODUCT_ROIS]);
        if (!status && (twice = find_twice(names, count)))
            status = fail_text(
                "%s: two images would have this name in %s, wanted images with "
                "different names or a folder, such as %.*s/",
                twice, settings->target[PRODUCT_ROIS],
                (int)(path_ending(settings->target[PRODUCT_ROIS]) - settings->target[PRODUCT_ROIS]),
                settings->target[PRODUCT_ROIS]);
    }
    free(names);
    return status;
}

/* As its file is called; of a stack scan.tif[3]. */
static char *name_of(const struct predict_job *job, int page)
{
    const char *name = job->name ? job->name : file_name(job->input);

    return job->pages > 1 ? path_text("%s[%d]", name, page) : strdup(name);
}

unet_code predict_outlines_add(struct predict_outlines *outlines, const struct predict_plan *plan,
                               const struct predict_job *job, unet_source *source, int page,
                               const char *path, const unet_model *model, unet_objects *objects,
                               unet_error *err)
{
    struct predict_outlines own = {0};
    unet_outlines *file = outlines->file;
    char *name = name_of(job, page);
    unet_page what;
    unet_code code = name ? unet_source_page(source, page, &what, err)
                          : set_error(err, UNET_ENOMEM, "not enough memory");

    if (!code && !file && !(code = open_file(&own, plan->outlines, path, model, err)))
        file = own.file;
    if (!code)
        code = unet_outlines_image(file, name, what.height, what.width, err);
    if (!code)
        code = unet_outlines_add(file, objects, err);
    if (!code)
        code = predict_outlines_commit(&own, err);
    predict_outlines_abort(&own);
    free(name);
    return code;
}

unet_code predict_outlines_commit(struct predict_outlines *outlines, unet_error *err)
{
    unet_code code = outlines->file ? unet_outlines_commit(outlines->file, err) : UNET_OK;

    outlines->file = NULL;
    return code;
}

void predict_outlines_abort(struct predict_outlines *outlines)
{
    unet_outlines_abort(outlines->file);
    outlines->file = NULL;
}
