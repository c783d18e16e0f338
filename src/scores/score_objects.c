/* SPDX-License-Identifier: Apache-2.0 */
/*
 * score_objects.c - which predicted objects are true ones
 *
 * Two objects match at a threshold t when
 *
 *     IoU = |P and T| / |P or T| > t
 *
 * Since t is 1/2 or more, an object is in no more than one such pair, so there is nothing to
 * assign (Kirillov et al. 2019, section 4.1, has the proof).  The comparison is one of integers.
 * With tp pairs, fp predicted objects left and fn true ones left,
 *
 *     precision = tp / (tp + fp)    recall = tp / (tp + fn)    F1 = 2 tp / (2 tp + fp + fn)
 *     AP = tp / (tp + fp + fn)      (Data Science Bowl 2018; StarDist, Schmidt et al. 2018)
 *     SQ = mean IoU of the pairs at 1/2      RQ = F1 at 1/2      PQ = SQ RQ
 *     SEG = mean over T of the IoU with the P that has |P and T| > |T| / 2, or 0   (Ulman et al.
 * 2017)
 */
#include <math.h>
#include <stdlib.h>

#include "scores/score.h"

struct object {
    uint32_t id;
    uint64_t pixels;
};

struct objects {
    struct object *list;
    size_t count;
};

/* The sizes of the predicted objects, by id; pairs lie by predicted id.  False: no memory. */
static bool measure(const struct un_overlap_list *pairs, struct objects *objects)
{
    *objects = (struct objects){malloc((pairs->count + 1) * sizeof *objects->list), 0};
    if (!objects->list)
        return false;
    for (size_t i = 0; i < pairs->count; i++) {
        const struct un_overlap *pair = &pairs->pair[i];
        if (!pair->predicted)
            continue;
        if (!objects->count || objects->list[objects->count - 1].id != pair->predicted)
            objects->list[objects->count++] = (struct object){pair->predicted, 0};
        objects->list[objects->count - 1].pixels += pair->pixels;
    }
    return true;
}

static int compare_id(const void *key, const void *entry)
{
    uint32_t a = *(const uint32_t *)key, b = ((const struct object *)entry)->id;
    return (a > b) - (a < b);
}

static uint64_t pixels_of(const struct objects *objects, uint32_t id)
{
    const struct object *found =
        bsearch(&id, objects->list, objects->count, sizeof *objects->list, compare_id);
    return found->pixels;
}

/* One true object of `size` pixels, and the pairs that it is in. */
static void match_object(unet_matches *matches, const struct un_overlap *pairs, size_t count,
                         uint64_t size, const struct objects *predicted)
{
    matches->truth++;
    for (size_t i = 0; i < count; i++) {
        uint64_t both = pairs[i].pixels;
        if (!pairs[i].predicted)
            continue;
        uint64_t either = size + pixels_of(predicted, pairs[i].predicted) - both;
        double iou = (double)both / (double)either;
        for (unsigned step = 0; step < UNET_MATCH_STEPS; step++)
            matches->matched[step] += both * 20 > either * (10 + step);
        matches->iou += both * 2 > either ? iou : 0;
        matches->seg += both * 2 > size ? iou : 0;
    }
}

unet_code un_matches_add(unet_matches *matches, const uint32_t *predicted, const uint32_t *truth,
                         const uint8_t *mask, size_t count, unet_error *err)
{
    struct un_overlap_list pairs;
    struct objects sizes;
    unet_matches sum = {0};
    unet_code code = un_overlaps(predicted, truth, mask, count, &pairs, err);
    if (code)
        return code;
    un_overlaps_sort(&pairs, true);
    if (!measure(&pairs, &sizes)) {
        code = un_fail_memory(err, (pairs.count + 1) * sizeof *sizes.list, "sizes of objects");
        un_overlaps_release(&pairs);
        return code;
    }
    un_overlaps_sort(&pairs, false);
    sum.predicted = sizes.count;
    for (size_t i = 0, end; i < pairs.count; i = end) {
        uint64_t size = 0;
        for (end = i; end < pairs.count && pairs.pair[end].truth == pairs.pair[i].truth; end++)
            size += pairs.pair[end].pixels;
        if (pairs.pair[i].truth)
            match_object(&sum, pairs.pair + i, end - i, size, &sizes);
    }
    un_overlaps_release(&pairs);
    free(sizes.list);
    un_matches_merge(matches, &sum);
    return UNET_OK;
}

void un_matches_merge(unet_matches *matches, const unet_matches *more)
{
    matches->truth += more->truth;
    matches->predicted += more->predicted;
    for (int step = 0; step < UNET_MATCH_STEPS; step++)
        matches->matched[step] += more->matched[step];
    matches->iou += more->iou;
    matches->seg += more->seg;
}

static double share(double part, double all)
{
    return all > 0 ? part / all : NAN;
}

unet_match_scores un_matches_scores(const unet_matches *matches)
{
    unet_match_scores scores = {0};
    double truth = (double)matches->truth, predicted = (double)matches->predicted;
    for (int step = 0; step < UNET_MATCH_STEPS; step++) {
        double tp = (double)matches->matched[step];
        scores.precision[step] = share(tp, predicted);
        scores.recall[step] = share(tp, truth);
        scores.f1[step] = share(2 * tp, truth + predicted);
        scores.ap[step] = share(tp, truth + predicted - tp);
        scores.mean_ap += scores.ap[step] / UNET_MATCH_STEPS;
    }
    scores.rq = scores.f1[0];
    scores.sq = share(matches->iou, (double)matches->matched[0]);
    scores.pq = share(2 * matches->iou, truth + predicted);
    scores.seg = share(matches->seg, truth);
    return scores;
}
