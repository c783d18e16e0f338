/* SPDX-License-Identifier: Apache-2.0 */
#include "predict/predict_out.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "shared/cli.h"

#define SLAB 32 /* rows of scores turned at a time */

static int is_scores(int product)
{
    return product == PRODUCT_PROBABILITIES || product == PRODUCT_LOGITS;
}

unet_stream predict_out_wants(const struct predict_job *job, const unet_model *model)
{
    return (unet_stream){
        .size = sizeof(unet_stream),
        .inner = job->objects && unet_model_spec(model)->rims,
        .mask = job->output[PRODUCT_MASK] || job->output[PRODUCT_OVERLAY] || job->objects,
        .logits = job->output[PRODUCT_LOGITS] != NULL,
        .probabilities = job->output[PRODUCT_PROBABILITIES] != NULL,
        .image = (job->output[PRODUCT_OVERLAY] && !job->objects) || job->output[PRODUCT_MEASURE],
    };
}

/* The page of a product. */
static unet_writer_page page_of(const struct predict_out *out, int product, const unet_page *page)
{
    unet_writer_page made = {.size = sizeof(made),
                             .height = page->height,
                             .width = page->width,
                             .channels = 1,
                             .sample = UNET_U8,
                             .pixel_height = page->pixel_height,
                             .pixel_width = page->pixel_width,
                             .pyramid = out->job->pyramid,
                             .pages = out->pages};

    memcpy(made.unit, page->unit, sizeof(made.unit));
    if (product == PRODUCT_MASK) {
        mask_out_page(&out->mask, &made);
    } else if (is_scores(product)) {
        made.channels = unet_model_spec(out->model)->classes;
        made.sample = UNET_F32;
        made.planar = out->planar[product];
    } else {
        made.channels = 3;
        made.picture = 1;
    }
    return made;
}

static size_t slab_bytes(const unet_model *model, int width)
{
    return (size_t)SLAB * (size_t)width * (size_t)unet_model_spec(model)->classes * sizeof(float);
}

static void prepare(struct predict_out *out, const struct predict_job *job, const unet_model *model)
{
    static const char *const npy[] = {".npy", NULL};

    *out = (struct predict_out){.job = job, .model = model};
    mask_out_classes(&out->mask, model);
    for (int label = 0; label < unet_model_labels(model); label++)
        unet_model_class(model, label, out->colors[label]);
    for (int p = 0; p < PRODUCT_IMAGES; p++)
        out->planar[p] = job->output[p] && is_scores(p) && path_has_ending(job->output[p], npy);
}

uint64_t predict_out_bytes(const struct predict_job *job, const unet_model *model,
                           const unet_page *page)
{
    struct predict_out out;
    uint64_t bytes = 0;

    prepare(&out, job, model);
    for (int p = 0; p < PRODUCT_IMAGES; p++) {
        unet_writer_page target = page_of(&out, p, page);

        if (!job->output[p])
            continue;
        bytes += unet_writer_bytes(job->output[p], &target);
        if (p == PRODUCT_OVERLAY)
            bytes += overlay_out_bytes(page, job->objects);
        if (is_scores(p) && !out.planar[p])
            bytes += slab_bytes(model, page->width);
    }
    return bytes;
}

static unet_code check_pages(const struct predict_job *job, int pages, unet_error *err)
{
    static const char *const stacks[] = {".tif", ".tiff", ".nii", ".nii.gz", NULL};

    for (int p = 0; pages > 1 && p < PRODUCT_IMAGES; p++) {
        if (!job->output[p] || path_has_ending(job->output[p], stacks))
            continue;
        return set_error(err, UNET_EINVAL,
                         "%.150s has %d pages and %.150s takes one; wanted a name ending in .tif "
                         "or .nii.gz, or a "
                         "page, such as [0] behind the image's name",
                         job->input, pages, job->output[p]);
    }
    return UNET_OK;
}

unet_code predict_out_open(struct predict_out *out, const struct predict_job *job, int as_trained,
                           const unet_model *model, unet_source *source, unet_error *err)
{
    unet_page page;
    unet_code code;
    double pixels = 0; /* of all pages */

    prepare(out, job, model);
    out->pages = unet_source_pages(source);
    for (int i = 0; i < out->pages; i++) {
        if ((code = unet_source_page(source, i, &page, err)))
            return code;
        pixels += (double)page.height * page.width;
    }
    if ((code = check_pages(job, out->pages, err)) ||
        (as_trained && (code = mask_out_as_trained(&out->mask, model, err))))
        return code;
    for (int p = 0; p < PRODUCT_IMAGES && !code; p++) {
        unet_writer_page target = page_of(out, p, &page);
        double bytes = pixels * target.channels *
                       (target.sample == UNET_F32   ? 4
                        : target.sample == UNET_U16 ? 2
                                                    : 1);

        if (job->output[p])
            code = unet_writer_open(job->output[p], (uint64_t)bytes, &out->writer[p], err);
    }
    return code;
}

unet_code predict_out_page(struct predict_out *out, unet_source *source, int page, unet_error *err)
{
    unet_page what;
    unet_code code = unet_source_page(source, page, &what, err);

    free(out->turned);
    overlay_out_release(&out->overlay);
    out->turned = NULL;
    for (int p = 0; p < PRODUCT_IMAGES && !code; p++) {
        unet_writer_page target = page_of(out, p, &what);

        if (!out->writer[p])
            continue;
        target.like = source;
        target.like_page = page;
        if (p == PRODUCT_OVERLAY)
            code = overlay_out_begin(&out->overlay, out->writer[p], &target,
                                     (const uint8_t(*)[3])out->colors,
                                     unet_model_labels(out->model), err);
        else
            code = unet_writer_begin(out->writer[p], &target, err);
        if (!code && is_scores(p) && !out->planar[p] && !out->turned &&
            !(out->turned = malloc(slab_bytes(out->model, what.width))))
            code = set_error(err, UNET_ENOMEM, "not enough memory for its scores");
    }
    return code;
}

/* Scores [K][rows][W] as they are, or with the classes as samples of a pixel. */
static unet_code write_scores(struct predict_out *out, int product, const unet_band *band,
                              const float *scores, unet_error *err)
{
    size_t classes = (size_t)unet_model_spec(out->model)->classes, width = (size_t)band->width;
    size_t plane = (size_t)band->rows * width;
    unet_code code = UNET_OK;

    if (out->planar[product])
        return unet_writer_rows(out->writer[product], scores, band->rows, err);
    for (int y = 0; y < band->rows && !code; y += SLAB) {
        int rows = band->rows - y < SLAB ? band->rows - y : SLAB;

        for (size_t k = 0; k < classes; k++)
            for (size_t i = 0; i < (size_t)rows * width; i++)
                out->turned[i * classes + k] = scores[k * plane + (size_t)y * width + i];
        code = unet_writer_rows(out->writer[product], out->turned, rows, err);
    }
    return code;
}

unet_code predict_out_band(struct predict_out *out, const unet_band *band, unet_error *err)
{
    unet_code code = UNET_OK;

    for (size_t i = 0; band->mask && i < (size_t)band->rows * (size_t)band->width; i++)
        out->pixels[band->mask[i]]++;
    if (out->writer[PRODUCT_MASK])
        code = mask_out_rows(&out->mask, out->writer[PRODUCT_MASK], band, err);
    if (!code && out->writer[PRODUCT_OVERLAY] && !out->job->objects)
        code = overlay_out_band(&out->overlay, band, err);
    if (!code && out->writer[PRODUCT_PROBABILITIES])
        code = write_scores(out, PRODUCT_PROBABILITIES, band, band->probabilities, err);
    if (!code && out->writer[PRODUCT_LOGITS])
        code = write_scores(out, PRODUCT_LOGITS, band, band->logits, err);
    return code;
}

unet_code predict_out_objects(struct predict_out *out, unet_source *source, int page,
                              unet_objects *objects, unet_error *err)
{
    return out->writer[PRODUCT_OVERLAY]
               ? overlay_out_objects(&out->overlay, source, page, objects, err)
               : UNET_OK;
}

unet_code predict_out_commit(struct predict_out *out, unet_error *err)
{
    unet_code code = UNET_OK;

    for (int p = 0; p < PRODUCT_IMAGES && !code; p++) {
        if (out->writer[p])
            code = unet_writer_commit(out->writer[p], err);
        out->writer[p] = NULL; /* freed either way */
    }
    return code;
}

void predict_out_release(struct predict_out *out)
{
    for (int p = 0; p < PRODUCT_IMAGES; p++)
        unet_writer_abort(out->writer[p]);
    overlay_out_release(&out->overlay);
    free(out->turned);
    *out = (struct predict_out){0};
}
