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

#include <jansson.h>

#include "predict/predict_plan.h"
#include "unet_image.h"
#include "unet_objects.h"

/* ---- overlay_out.c: an overlay that is drawn and written as its rows come ---- */

/*
 * A row's outline depends on the rows above and below it, so the last row of each band waits for
 * the first one of the next.
 */

struct overlay_out {
    unet_writer *writer; /* borrowed */
    const uint8_t (*colors)[3];
    int color_count;
    float range[2];
    int height, done;
    unet_image last;    /* one row: the one that waits */
    uint8_t *last_mask; /* its mask, and the row above: [2][width] */
    uint8_t *rgb;       /* room to draw */
};

/* Begins a page of an open writer; target->like, the image, gives the range of grey values.
 * Release it in any case. */
unet_code overlay_out_begin(struct overlay_out *out, unet_writer *writer,
                            const unet_writer_page *target, const uint8_t (*colors)[3],
                            int color_count, unet_error *err);
unet_code overlay_out_band(struct overlay_out *out, const unet_band *band, unet_error *err);

/* Instead of bands: the whole page, of objects that are finished, so as they are counted. */
unet_code overlay_out_objects(struct overlay_out *out, unet_source *source, int page,
                              unet_objects *objects, unet_error *err);
void overlay_out_release(struct overlay_out *out);

/* Bytes that it holds, besides its writer's; objects: 1: it is drawn of them. */
uint64_t overlay_out_bytes(const unet_page *page, int objects);

/* ---- mask_out.c ---- */

/*
 * What stands in a mask that is written: class numbers with colours, or what stood in the masks
 * that the model was trained on.
 */

struct mask_out {
    int labels;
    int recoded;  /* rows pass through the table below */
    int channels; /* 1, or 3: colours */
    int words;    /* values need 16 bits */
    int paletted; /* values are indices */
    uint32_t value[256];
    uint8_t rgb[256][3];     /* of each class */
    uint8_t palette[256][3]; /* of each value */
};

/* Class numbers. */
void mask_out_classes(struct mask_out *out, const unet_model *model);

/* As in training: grey values, palette indices or colours.  UNET_EINVAL: a class that no value
 * stands for, or values of more than 16 bits. */
unet_code mask_out_as_trained(struct mask_out *out, const unet_model *model, unet_error *err);

/* Fills in what a mask's page is like; its sides are there. */
void mask_out_page(const struct mask_out *out, unet_writer_page *page);

unet_code mask_out_rows(const struct mask_out *out, unet_writer *writer, const unet_band *band,
                        unet_error *err);

/* ---- predict_out ---- */

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
unet_stream predict_out_wants(const struct predict_job *job, const unet_model *model);

/* Bytes held while a page is written. */
uint64_t predict_out_bytes(const struct predict_job *job, const unet_model *model,
                           const unet_page *page);

/* ---- predict_report.c: what is said of an image that is done ---- */

/* What is told of an image besides its files, as in the report of --json.  page: the first; totals:
 * of the objects of each page, NULL: none.  NULL: no memory. */
json_t *predict_facts(const struct predict_job *job, const struct predict_out *out,
                      const unet_page *page, json_t *totals);

/* A line on stderr for each file of the image alone; or, with --json, an object on stdout.
 * seconds < 0: the files were there, as facts say. */
void predict_report(const struct predict_settings *settings, const struct predict_plan *plan,
                    const struct predict_job *job, const json_t *facts, double seconds);

#endif
