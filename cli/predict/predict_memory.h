/* SPDX-License-Identifier: Apache-2.0 */
/* predict_memory.h - the promise of --memory: which tile keeps it */
#ifndef PREDICT_MEMORY_H
#define PREDICT_MEMORY_H

#include "predict/predict_plan.h"

/*
 * Sets work->tile so that the whole process stays below settings->memory while any of the images is
 * predicted, and says what the peak will be.  Does nothing without a limit.  An exit status.
 */
int predict_memory_plan(const struct predict_settings *settings, const struct predict_plan *plan,
                        const unet_model *model, unet_session_options *work);

/* The share of the limit that a job's objects may take; 0: no limit. */
uint64_t predict_memory_objects(const struct predict_settings *settings,
                                const struct predict_job *job);

#endif
