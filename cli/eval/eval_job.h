/* SPDX-License-Identifier: Apache-2.0 */
/* eval_job.h - what a person asks of unet eval, and doing it */
#ifndef EVAL_JOB_H
#define EVAL_JOB_H

#include "eval/eval.h"
#include "model/models.h"
#include "shared/cli.h"

struct eval_settings {
    const char *images, *masks, *predicted;
    const char *labels, *predicted_labels;
    const char *csv, *boundary;
    const char *pair[2], *fill;
    const char *ignore;
    int only_pairs, as_stored, held_out;
    struct said session; /* of unet_session_options */
    int objects, split, minimum_area;
    int isbi, connectivity, warp;
    struct common_settings common;
};

/*
 * Scores one model, or given masks, or all folds of a run, each on what it held out; and reports.
 * path: of the model or run; NULL: masks are scored.  An exit status.
 */
int eval_run_jobs(const struct eval_settings *settings, char *path, struct eval *eval);

#endif
