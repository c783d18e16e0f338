/* SPDX-License-Identifier: Apache-2.0 */
/*
 * unet_scores.h - how good predictions are
 *
 * docs/scores.md defines every score, and says where its formula is from.  unet.h
 * says how errors, memory and threads are treated.
 */
#ifndef UNET_SCORES_H
#define UNET_SCORES_H

#include "unet.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef struct unet_scores unet_scores; /* a confusion matrix */

/* labels: 2..UNET_MAX_CLASSES.  NULL when memory is short or labels out of range. */
UNET_API unet_scores *unet_scores_create(int labels);
UNET_API void unet_scores_free(unet_scores *scores);

/* Counts `count` pixels; those whose truth is UNET_IGNORE are passed over. */
UNET_API void unet_scores_add(unet_scores *scores, const uint8_t *predicted, const uint8_t *truth,
                              size_t count);

/* Adds the counts of `more`, which has as many labels. */
UNET_API void unet_scores_merge(unet_scores *scores, const unet_scores *more);

UNET_API int unet_scores_labels(const unet_scores *scores);

/* Pixels of class `truth` that were labelled `predicted`; predicted == labels: that were labelled
 * as something else. */
UNET_API uint64_t unet_scores_pixels(const unet_scores *scores, int truth, int predicted);

/* 2 tp / (2 tp + fp + fn) and tp / (tp + fp + fn) of a class; NAN when it occurs nowhere. */
UNET_API double unet_scores_dice(const unet_scores *scores, int label);
UNET_API double unet_scores_iou(const unet_scores *scores, int label);

/* tp / (tp + fp), NAN when nothing was labelled so; tp / (tp + fn), NAN when nothing is so. */
UNET_API double unet_scores_precision(const unet_scores *scores, int label);
UNET_API double unet_scores_recall(const unet_scores *scores, int label);

/* Means over the classes that occur, but class 0; NAN when none does. */
UNET_API double unet_scores_mean_dice(const unet_scores *scores);
UNET_API double unet_scores_mean_iou(const unet_scores *scores);

/* Dice of all classes: the mean over those that occur, class 0 too; NAN when none does. */
UNET_API double unet_scores_all_dice(const unet_scores *scores);

/* The share of pixels that are right; NAN when none were counted. */
UNET_API double unet_scores_accuracy(const unet_scores *scores);

/* Match thresholds of objects: 0.5, 0.55 .. 0.95. */
#define UNET_MATCH_STEPS 10

/* What objects of one kind came to; sums, so that those of several images can be added up. */
typedef struct unet_matches {
    uint64_t truth, predicted;          /* objects */
    uint64_t matched[UNET_MATCH_STEPS]; /* pairs whose IoU is more than 0.5 + 0.05 * step */
    double iou;                         /* sum of the IoU of pairs with more than 0.5 */
    double seg; /* sum over true objects of the IoU with the predicted one that covers more than
                   half of them; 0: there is none */
} unet_matches;

/*
 * Matches the objects of one image and adds what they come to.  Any number of objects, any ids.
 *
 *   predicted, truth  [count] ids, 0: no object
 *   mask              [count]; pixels that are UNET_IGNORE are passed over; may be NULL
 *
 * UNET_ENOMEM.
 */
UNET_API unet_code unet_matches_add(unet_matches *matches, const uint32_t *predicted,
                                    const uint32_t *truth, const uint8_t *mask, size_t count,
                                    unet_error *err);
UNET_API void unet_matches_merge(unet_matches *matches, const unet_matches *more);

/* Scores of objects; NAN where a quotient has nothing below its line. */
typedef struct unet_match_scores {
    double precision[UNET_MATCH_STEPS]; /* tp / (tp + fp) */
    double recall[UNET_MATCH_STEPS];    /* tp / (tp + fn) */
    double f1[UNET_MATCH_STEPS];        /* 2 tp / (2 tp + fp + fn) */
    double ap[UNET_MATCH_STEPS];        /* tp / (tp + fp + fn), as of DSB 2018 and StarDist */
    double mean_ap;                     /* of these */
    double pq, sq, rq;                  /* panoptic quality, of segmentation, of recognition */
    double seg;                         /* SEG of the Cell Tracking Challenge */
} unet_match_scores;
UNET_API unet_match_scores unet_matches_scores(const unet_matches *matches);

/* How well a partition into objects fits that of the truth (Arganda-Carreras et al. 2015). */
typedef struct unet_partition {
    uint64_t pixels;                     /* that were looked at; 0: all scores are NAN */
    double rand_split, rand_merge;       /* the shares that are left after splits, and mergers */
    double rand;                         /* V_rand, their F-score; adapted Rand error = 1 - rand */
    double info_split, info_merge;       /* the same of information */
    double info;                         /* V_info */
    double entropy_split, entropy_merge; /* H(predicted | truth), H(truth | predicted), in bits;
                                            their sum is the variation of information */
} unet_partition;

/*
 *   predicted, truth  [count] ids; only pixels where truth is not 0 are looked at
 *   singles           1: a pixel whose predicted id is 0 is an object by itself; 0: all of these
 *                     are one object
 *
 * UNET_ENOMEM.
 */
UNET_API unet_code unet_partition_compare(const uint32_t *predicted, const uint32_t *truth,
                                          size_t count, int singles, unet_partition *partition,
                                          unet_error *err);

/*
 * Numbers the connected parts of the pixels of mask that are `label`, from 1 in raster order of
 * their first pixels; others get 0.
 *
 *   connectivity  4: pixels that share a side hang together; 8: a corner is enough
 *   ids           [height][width], from the caller
 *   parts         how many; may be NULL
 *
 * UNET_EINVAL, UNET_ENOMEM.
 */
UNET_API unet_code unet_parts(const uint8_t *mask, int height, int width, int label,
                              int connectivity, uint32_t *ids, uint32_t *parts, unet_error *err);

/*
 * Warping error (Jain et al. 2010): the truth is warped towards the prediction, one pixel after the
 * other and only where that changes no topology; what they then still disagree in.
 *
 *   predicted, truth  [height][width], 1: inside of an object, 0: between them; truth UNET_IGNORE:
 *                     passed over
 *   connectivity      of the inside, 4 or 8; that of the rest is the other
 *   distance          farthest, in steps of a king, that a pixel that changes may lie from a pixel
 *                     of the other kind in the truth; 0: as far as may be
 *   warped            [height][width], receives the warped truth; may be NULL
 *   wrong             pixels that disagree
 *
 * UNET_EINVAL, UNET_ENOMEM.
 */
UNET_API unet_code unet_warp(const uint8_t *predicted, const uint8_t *truth, int height, int width,
                             int connectivity, int distance, uint8_t *warped, uint64_t *wrong,
                             unet_error *err);

/* Thresholds of the scores of boundaries: 0, 0.1 .. 0.9. */
#define UNET_BOUNDARY_STEPS 10

typedef struct unet_boundary_options {
    size_t size;
    int connectivity; /* of objects: 4 or 8; 0: 4 */
    int distance;     /* of unet_warp() */
} unet_boundary_options;

/* Of an image at one threshold. */
typedef struct unet_boundary {
    double threshold;
    unet_partition plain; /* predicted boundary inside true objects is an object for each pixel */
    unet_partition thin;  /* the same after the predicted objects have grown until they meet */
    double pixel_error, warping_error; /* shares of the labelled pixels; NAN: there are none */
} unet_boundary;

/*
 * Scores of a segmentation by boundaries, as of the ISBI 2012 challenge.  Objects are the connected
 * parts of the pixels whose probability is more than the threshold, and those of the truth.
 *
 *   inside   [height][width] probability 0..1 of not being boundary
 *   truth    as of unet_warp()
 *   rows     [UNET_BOUNDARY_STEPS]
 *
 * UNET_EINVAL, UNET_ENOMEM.
 */
UNET_API unet_code unet_boundary_scores(const float *inside, const uint8_t *truth, int height,
                                        int width, const unet_boundary_options *options,
                                        unet_boundary *rows, unet_error *err);

/*
 * Bootstrap: draws `count` of count images with replacement, again and again, and gives the 2.5 and
 * 97.5 percentiles of what statistic() makes of them (NAN is left out).
 *
 *   statistic  times [count]: how often each image was drawn
 *   interval   NAN when count < 2 or statistic() was never a number
 *
 * The same for the same seed.  UNET_EINVAL, UNET_ENOMEM.
 */
UNET_API unet_code unet_bootstrap(int count, int resamples, uint64_t seed,
                                  double (*statistic)(void *context, const int *times, int count),
                                  void *context, double interval[2], unet_error *err);

#ifdef __cplusplus
}
#endif

#endif
