/* SPDX-License-Identifier: Apache-2.0 */
/* predict_table.h - the table of --measure: one for each image, or one for all */
#ifndef PREDICT_TABLE_H
#define PREDICT_TABLE_H

#include "predict/predict_plan.h"

struct predict_table {
    unet_table *table; /* NULL: none is open */
    const char *path;
    const char *names[UNET_MAX_CLASSES]; /* of classes */
};

/* Opens the table of a job where it is wanted; job NULL: the one of all images. */
unet_code predict_table_open(struct predict_table *table, const struct predict_plan *plan,
                             const struct predict_job *job, const unet_model *model,
                             unet_error *err);

/* Closes it where it is open; whole or not at all. */
unet_code predict_table_commit(struct predict_table *table, unet_error *err);
void predict_table_abort(struct predict_table *table);

#endif
