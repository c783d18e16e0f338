/* SPDX-License-Identifier: Apache-2.0 */
/* predict_report.h - what is said of an image that is done */
#ifndef PREDICT_REPORT_H
#define PREDICT_REPORT_H

#include <jansson.h>

#include "predict/predict_out.h"

/* A line on stderr for each file of the image alone; or, with --json, an object on stdout.  page:
 * the first; totals: of the objects of each page, NULL: none. */
void predict_report(const struct predict_settings *settings, const struct predict_plan *plan,
                    const struct predict_job *job, const struct predict_out *out,
                    const unet_page *page, json_t *totals, double seconds);

#endif
