/* SPDX-License-Identifier: Apache-2.0 */
/* api_scores.c - the public functions of unet_scores.h: scores.  Each checks its arguments, then
 * makes one call into the layers below. */
#include "api.h"

#include "scores/confusion.h"
#include "scores/score.h"

unet_scores *unet_scores_create(int labels)
{
    return un_scores_create(labels);
}

void unet_scores_free(unet_scores *scores)
{
    un_scores_free(scores);
}

void unet_scores_add(unet_scores *scores, const uint8_t *predicted, const uint8_t *truth,
                     size_t count)
{
    un_scores_add(scores, predicted, truth, count);
}

void unet_scores_merge(unet_scores *scores, const unet_scores *more)
{
    un_scores_merge(scores, more);
}

int unet_scores_labels(const unet_scores *scores)
{
    return un_scores_labels(scores);
}

uint64_t unet_scores_pixels(const unet_scores *scores, int truth, int predicted)
{
    return un_scores_pixels(scores, truth, predicted);
}

double unet_scores_dice(const unet_scores *scores, int label)
{
    return un_scores_dice(scores, label);
}

double unet_scores_iou(const unet_scores *scores, int label)
{
    return un_scores_iou(scores, label);
}

double unet_scores_precision(const unet_scores *scores, int label)
{
    return un_scores_precision(scores, label);
}

double unet_scores_recall(const unet_scores *scores, int label)
{
    return un_scores_recall(scores, label);
}

double unet_scores_mean_dice(const unet_scores *scores)
{
    return un_scores_mean_dice(scores);
}

double unet_scores_all_dice(const unet_scores *scores)
{
    return un_scores_all_dice(scores);
}

double unet_scores_mean_iou(const unet_scores *scores)
{
    return un_scores_mean_iou(scores);
}

double unet_scores_accuracy(const unet_scores *scores)
{
    return un_scores_accuracy(scores);
}

unet_code unet_matches_add(unet_matches *matches, const uint32_t *predicted, const uint32_t *truth,
                           const uint8_t *mask, size_t count, unet_error *err)
{
    if (!matches || !predicted || !truth)
        return un_missing(err, !matches ? "matches" : !predicted ? "predicted" : "truth");
    return un_matches_add(matches, predicted, truth, mask, count, err);
}

void unet_matches_merge(unet_matches *matches, const unet_matches *more)
{
    un_matches_merge(matches, more);
}

unet_match_scores unet_matches_scores(const unet_matches *matches)
{
    return un_matches_scores(matches);
}

unet_code unet_partition_compare(const uint32_t *predicted, const uint32_t *truth, size_t count,
                                 int singles, unet_partition *partition, unet_error *err)
{
    if (!predicted || !truth || !partition)
        return un_missing(err, !predicted ? "predicted" : !truth ? "truth" : "partition");
    return un_partition_compare(predicted, truth, count, singles != 0, partition, err);
}

static unet_code check_plane(int height, int width, int connectivity, unet_error *err)
{
    if (height < 1 || width < 1)
        return un_fail(err, UNET_EINVAL, "%d x %d pixels; at least one wanted", height, width);
    if (connectivity != 4 && connectivity != 8)
        return un_fail(err, UNET_EINVAL, "connectivity %d; 4 or 8 wanted", connectivity);
    return UNET_OK;
}

unet_code unet_parts(const uint8_t *mask, int height, int width, int label, int connectivity,
                     uint32_t *ids, uint32_t *parts, unet_error *err)
{
    if (!mask || !ids)
        return un_missing(err, !mask ? "mask" : "ids");
    unet_code code = check_plane(height, width, connectivity, err);
    if (code)
        return code;
    struct un_plane plane = {height, width, connectivity};
    return un_score_parts(&plane, mask, label, ids, parts, err);
}

unet_code unet_warp(const uint8_t *predicted, const uint8_t *truth, int height, int width,
                    int connectivity, int distance, uint8_t *warped, uint64_t *wrong,
                    unet_error *err)
{
    if (!predicted || !truth || !wrong)
        return un_missing(err, !predicted ? "predicted" : !truth ? "truth" : "wrong");
    unet_code code = check_plane(height, width, connectivity, err);
    if (code)
        return code;
    if (distance < 0)
        return un_fail(err, UNET_EINVAL, "distance %d; 0 or more wanted", distance);
    struct un_plane plane = {height, width, connectivity};
    return un_warp(&plane, predicted, truth, distance, warped, wrong, err);
}

unet_code unet_boundary_scores(const float *inside, const uint8_t *truth, int height, int width,
                               const unet_boundary_options *options, unet_boundary *rows,
                               unet_error *err)
{
    if (!inside || !truth || !rows)
        return un_missing(err, !inside ? "inside" : !truth ? "truth" : "rows");
    struct un_plane plane = {height, width, 4};
    unet_boundary_options own;
    unet_code code = un_take_boundary_options(options, &own, err);
    if (code)
        return code;
    if (own.connectivity)
        plane.connectivity = own.connectivity;
    if ((code = check_plane(height, width, plane.connectivity, err)))
        return code;
    if (own.distance < 0)
        return un_fail(err, UNET_EINVAL, "distance %d; 0 or more wanted", own.distance);
    return un_boundary_scores(&plane, inside, truth, own.distance, rows, err);
}

unet_code unet_bootstrap(int count, int resamples, uint64_t seed,
                         double (*statistic)(void *context, const int *times, int count),
                         void *context, double interval[2], unet_error *err)
{
    if (!statistic || !interval)
        return un_missing(err, !statistic ? "statistic" : "interval");
    if (count < 0 || resamples < 1)
        return un_fail(err, UNET_EINVAL, "%d images, %d resamples; 0 or more, 1 or more wanted",
                       count, resamples);
    return un_bootstrap(count, resamples, seed, statistic, context, interval, err);
}
