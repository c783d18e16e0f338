/* SPDX-License-Identifier: Apache-2.0 */
/* predict_run.h - the images of unet predict, one after the other */
#ifndef PREDICT_RUN_H
#define PREDICT_RUN_H

#include "predict/predict_done.h"
#include "predict/predict_plan.h"

/* Segments the images of a plan that are to do, but for those done before, and says what there is
 * to say.  An exit status. */
int predict_run(const struct predict_settings *settings, const struct predict_plan *plan,
                struct predict_done *done, const unet_model *model, unet_session *session);

#endif
