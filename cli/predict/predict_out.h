/* SPDX-License-Identifier: Apache-2.0 */
/*
 * predict_out.h - what unet predict writes of one image, row by row
 *
 * For each image: predict_out_open(); for each page predict_out_page(), bands of it, and
 * predict_out_objects() where the job wants objects; predict_out_commit().  predict_out_release()
 * in any case: what is not committed leaves nothing.
 */
#ifndef PREDICT_OUT_H
#define PREDICT_OUT_H

#include "predict/mask_out.h"
#include "predict/overlay_out.h"
#include "predict/predict_plan.h"

struct predict_out {
    const struct predict_job *job;
    const unet_model *model;
    int pages;
    unet_writer *writer[PRODUCT_IMAGES];
    struct mask_out mask;
    struct overlay_out overlay;
    float *turned; /* rows of scores with the classes of a pixel side by side */
    int planar[PRODUCT_IMAGES];
    uint8_t colors[256][3];
    uint64_t pixels[256]; /* of each class so far */
};

/* Opens the files of a job.  as_trained: masks hold what the training masks held. */
unet_code predict_out_open(struct predict_out *out, const struct predict_job *job, int as_trained,
                           const unet_model *model, unet_source *source, unet_error *err);
unet_code predict_out_page(struct predict_out *out, unet_source *source, int page, unet_error *err);
unet_code predict_out_band(struct predict_out *out, const unet_band *band, unet_error *err);

/* What shows the objects of a page, which are finished. */
unet_code predict_out_objects(struct predict_out *out, unet_source *source, int page,
                              unet_objects *objects, unet_error *err);
unet_code predict_out_commit(struct predict_out *out, unet_error *err);
void predict_out_release(struct predict_out *out);

/* What a stream has to give for a job; without its functions. */
unet_stream predict_out_wants(const struct predict_job *job);

/* Bytes held while a page is written. */
uint64_t predict_out_bytes(const struct predict_job *job, const unet_model *model,
                           const unet_page *page);

#endif
