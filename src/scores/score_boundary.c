/* SPDX-License-Identifier: Apache-2.0 */
/*
 * score_boundary.c - the scores of the ISBI 2012 challenge at ten thresholds
 *
 * At each threshold the map of probabilities becomes a mask, its inside objects, and these are
 * compared with those of the truth within the truth's foreground.
 */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "scores/score.h"

struct work {
    const struct un_plane *plane;
    const uint8_t *truth;
    size_t count;
    uint8_t *mask; /* the prediction at a threshold */
    uint32_t *true_ids, *predicted_ids;
    int distance;
};

static unet_code score_errors(const struct work *work, unet_boundary *row, unet_error *err)
{
    uint64_t labelled = 0, differ = 0, wrong;
    unet_code code =
        un_warp(work->plane, work->mask, work->truth, work->distance, NULL, &wrong, err);
    if (code)
        return code;
    for (size_t i = 0; i < work->count; i++) {
        labelled += work->truth[i] != UNET_IGNORE;
        differ += work->truth[i] != UNET_IGNORE && work->truth[i] != work->mask[i];
    }
    row->pixel_error = labelled ? (double)differ / (double)labelled : NAN;
    row->warping_error = labelled ? (double)wrong / (double)labelled : NAN;
    return UNET_OK;
}

static unet_code score_threshold(const struct work *work, const float *inside, int step,
                                 unet_boundary *row, unet_error *err)
{
    unet_code code;
    row->threshold = step / 10.0;
    for (size_t i = 0; i < work->count; i++)
        work->mask[i] = (double)inside[i] > row->threshold;
    if ((code = un_score_parts(work->plane, work->mask, 1, work->predicted_ids, NULL, err)) ||
        (code = un_partition_compare(work->predicted_ids, work->true_ids, work->count, true,
                                     &row->plain, err)) ||
        (code = un_score_parts_grow(work->plane, work->predicted_ids, err)) ||
        (code = un_partition_compare(work->predicted_ids, work->true_ids, work->count, true,
                                     &row->thin, err)))
        return code;
    return score_errors(work, row, err);
}

unet_code un_boundary_scores(const struct un_plane *plane, const float *inside,
                             const uint8_t *truth, int distance, unet_boundary *rows,
                             unet_error *err)
{
    size_t count = (size_t)plane->height * (size_t)plane->width;
    struct work work = {.plane = plane, .truth = truth, .count = count, .distance = distance};
    unet_boundary made[UNET_BOUNDARY_STEPS];
    unet_code code = UNET_OK;
    work.mask = malloc(count);
    work.true_ids = malloc(count * sizeof *work.true_ids);
    work.predicted_ids = malloc(count * sizeof *work.predicted_ids);
    if (!work.mask || !work.true_ids || !work.predicted_ids) {
        code = un_fail_memory(err, count * 9, "scores of boundaries");
        goto done;
    }
    if ((code = un_score_parts(plane, truth, 1, work.true_ids, NULL, err)))
        goto done;
    for (int step = 0; step < UNET_BOUNDARY_STEPS && !code; step++)
        code = score_threshold(&work, inside, step, &made[step], err);
    if (!code)
        memcpy(rows, made, sizeof made);
done:
    free(work.mask);
    free(work.true_ids);
    free(work.predicted_ids);
    return code;
}
