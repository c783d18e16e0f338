/* SPDX-License-Identifier: Apache-2.0 */
/*
 * predict_done.h - --skip-done: which images an earlier run has done, told by content
 *
 *     predict_done_open()
 *     for each image: predict_done_has(), or else predict it and predict_done_keep()
 *     predict_done_say(); predict_done_release() in any case
 *
 * Beside the first file of each image, FOLDER/scan.png, stands FOLDER/.unet-done/scan.png.json: the
 * checksums of image, models and files, and the options that matter.  It is written when all files
 * of the image are at their places, so there is none of what was cut short, and each image has its
 * own, so many jobs can write into a folder at the same time.
 */
#ifndef PREDICT_DONE_H
#define PREDICT_DONE_H

#include <jansson.h>

#include "predict/predict_plan.h"

struct predict_done {
    const struct predict_plan *plan;
    json_t *with; /* version, models and options; NULL: --skip-done is not given */
    size_t skipped, again;
    char why[64];                 /* of the first that is done again */
    char *first;                  /* its name */
    char sum[UNET_CHECKSUM_TEXT]; /* of the image at work, ""; not yet */
    char stamp[512];              /* what its files were like before that */
};

/* What changes a file; not what changes memory or time alone.  work: what the session is made with.
 * NULL: no memory. */
json_t *predict_done_options(const struct predict_settings *settings,
                             const struct predict_plan *plan, const unet_session_options *work);

/* An exit status. */
int predict_done_open(struct predict_done *done, const struct predict_settings *settings,
                      const struct predict_plan *plan, const struct models *models,
                      const unet_session_options *work);

/* 1: all files of the job are as they would be made; *facts is then what was kept of them, which
 * the caller gives back. */
int predict_done_has(struct predict_done *done, const struct predict_job *job, json_t **facts);

/* Notes that a job is done; facts: what predict_done_has() shall give.  An exit status. */
int predict_done_keep(struct predict_done *done, const struct predict_job *job, json_t *facts);

/* A line on stderr of how many were done before, and one of those that were done again. */
void predict_done_say(const struct predict_done *done);
void predict_done_release(struct predict_done *done);

#endif
