/* SPDX-License-Identifier: Apache-2.0 */
/*
 * objects_out.h - the objects of one image: ids, measurements and outlines in files, a line on
 * stdout
 *
 * For each page: objects_out_begin(), objects_out_band() for its bands, objects_out_finish().
 */
#ifndef OBJECTS_OUT_H
#define OBJECTS_OUT_H

#include <jansson.h>

#include "predict_plan.h"

struct objects_out {
    const struct predict_job *job;
    const unet_model *model;
    unet_objects *objects; /* NULL: none are wanted */
    json_t *json;          /* totals of each page, when --json is given */
    int page, pages;
};

/* Whether a job wants objects. */
int objects_out_wanted(const struct predict_job *job);

/* The share of --memory that objects may take; 0: no limit. */
uint64_t objects_out_memory(const struct predict_settings *settings, const struct predict_job *job);

/* what: the page; number `page` of `pages`. */
unet_code objects_out_begin(struct objects_out *out, const struct predict_settings *settings,
                            const struct predict_job *job, const unet_model *model,
                            const unet_page *what, int page, int pages, unet_error *err);
unet_code objects_out_band(struct objects_out *out, const unet_band *band, unet_error *err);

/* Writes the files of the page (of a stack: NAME-3.csv for page 3), and the totals. */
unet_code objects_out_finish(struct objects_out *out, const struct predict_settings *settings,
                             unet_error *err);
void objects_out_release(struct objects_out *out);

#endif
