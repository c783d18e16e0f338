/* SPDX-License-Identifier: Apache-2.0 */
/*
 * predict_lanes.h - many images side by side, each by threads of its own
 *
 * A layer of a small image has little that threads could share, and while one image is decoded or
 * written they have nothing.  So where there are many images that are alike in size, each lane has
 * a session of few threads and takes image after image.  A prediction has the same bits for any
 * number of threads, and what is said and what goes into files of all images comes in the order of
 * the list.
 */
#ifndef PREDICT_LANES_H
#define PREDICT_LANES_H

#include "predict/predict_run.h"

struct predict_lanes {
    int count;              /* at least 1; 1: images go one after the other */
    unet_session **session; /* [count] */
};

/* How many lanes are worth it, and their sessions; work: of one that has all threads.  An exit
 * status; release in any case. */
int predict_lanes_open(const struct predict_settings *settings, const struct predict_plan *plan,
                       const unet_model *model, const unet_session_options *work,
                       const unet_ranks *ranks, struct predict_lanes *lanes);
void predict_lanes_release(struct predict_lanes *lanes);

/* All images; *failed: how many.  An exit status. */
int predict_lanes(struct predict_run *run, size_t *failed);

#endif
