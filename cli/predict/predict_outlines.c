/* SPDX-License-Identifier: Apache-2.0 */
/* predict_outlines.c - outlines for COCO, QuPath, LabelMe and YOLO */
#include <stdlib.h>
#include <string.h>

#include "predict/predict_plan.h"

static const char *const endings[OUTLINE_KINDS] = {[OUTLINE_IMAGEJ] = ".zip",
                                                   [OUTLINE_COCO] = ".json",
                                                   [OUTLINE_GEOJSON] = ".geojson",
                                                   [OUTLINE_LABELME] = ".json",
                                                   [OUTLINE_YOLO] = ".txt"};

const char *predict_outline_ending(enum outline_kind kind)
{
    return endings[kind];
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

/* The image as its file is called; of a stack scan.tif[3]. */
static char *name_of(const struct predict_job *job, int page)
{
    const char *slash = strrchr(job->input, '/'), *name = slash ? slash + 1 : job->input;

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
