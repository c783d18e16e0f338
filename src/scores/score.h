/* SPDX-License-Identifier: Apache-2.0 */
/*
 * score.h - scores of objects and of boundaries
 *
 *     two images of ids -> pairs of ids with their pixels     un_overlaps
 *                       -> matches of objects                 un_matches_*
 *                       -> Rand and information scores        un_partition_compare
 *     probabilities, truth -> objects at ten thresholds       un_score_parts, un_score_parts_grow
 *                          -> these scores, pixel errors      un_boundary_scores
 *                          -> the truth warped                un_warp
 *
 * unet.h describes the functions that are named as its own, docs/scores.md the formulas.
 */
#ifndef UN_SCORE_H
#define UN_SCORE_H

#include <stdbool.h>

#include "base/error.h"
#include "unet_scores.h"

/* How many pixels have these two ids. */
struct un_overlap {
    uint32_t predicted, truth;
    uint64_t pixels;
};

struct un_overlap_list {
    struct un_overlap *pair; /* from malloc; by truth, then by predicted */
    size_t count;
};

/* All pairs that occur, each once.  Pixels with mask UNET_IGNORE are passed over; mask may be NULL.
 * UNET_ENOMEM. */
unet_code un_overlaps(const uint32_t *predicted, const uint32_t *truth, const uint8_t *mask,
                      size_t count, struct un_overlap_list *list, unet_error *err);
/* Sorts anew: by truth, then by predicted, or the other way round. */
void un_overlaps_sort(struct un_overlap_list *list, bool predicted_first);
void un_overlaps_release(struct un_overlap_list *list);

unet_code un_matches_add(unet_matches *matches, const uint32_t *predicted, const uint32_t *truth,
                         const uint8_t *mask, size_t count, unet_error *err);
void un_matches_merge(unet_matches *matches, const unet_matches *more);
unet_match_scores un_matches_scores(const unet_matches *matches);

unet_code un_partition_compare(const uint32_t *predicted, const uint32_t *truth, size_t count,
                               bool singles, unet_partition *partition, unet_error *err);

/* Sides, and how pixels of an object hang together. */
struct un_plane {
    int height, width;
    int connectivity; /* 4 or 8 */
};

unet_code un_score_parts(const struct un_plane *plane, const uint8_t *mask, int label,
                         uint32_t *ids, uint32_t *parts, unet_error *err);

/*
 * Objects grow over pixels with id 0, all at the same pace by sides, until none is left; what two
 * reach in the same step goes to the one whose pixel comes first in raster order of the step
 * before. Without objects nothing changes.  UNET_ENOMEM.
 */
unet_code un_score_parts_grow(const struct un_plane *plane, uint32_t *ids, unet_error *err);

unet_code un_warp(const struct un_plane *plane, const uint8_t *predicted, const uint8_t *truth,
                  int distance, uint8_t *warped, uint64_t *wrong, unet_error *err);

unet_code un_boundary_scores(const struct un_plane *plane, const float *inside,
                             const uint8_t *truth, int distance, unet_boundary *rows,
                             unet_error *err);

unet_code un_bootstrap(int count, int resamples, uint64_t seed,
                       double (*statistic)(void *context, const int *times, int count),
                       void *context, double interval[2], unet_error *err);

#endif
