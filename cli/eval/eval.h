/* SPDX-License-Identifier: Apache-2.0 */
/*
 * eval.h - what unet eval found out, for its three reports: text, JSON and CSV
 *
 *     eval_image_score() for each image, then eval_sum(), then the reports
 */
#ifndef EVAL_H
#define EVAL_H

#include <jansson.h>

#include "unet_objects.h"
#include "unet_scores.h"

#define EVAL_RESAMPLES 1000

struct eval_image {
    const char *name; /* of the data set */
    int fold;         /* that held it out, from 1; 0: no folds */
    unet_scores *scores;
    unet_matches *matches;                       /* [labels]; NULL: not asked for */
    unet_boundary boundary[UNET_BOUNDARY_STEPS]; /* where boundaries are asked for */
};

struct eval {
    int labels, count;
    const char *names[UNET_MAX_CLASSES]; /* of the classes; "" where there is none */
    const char *left_out;                /* files without a partner; "": none */
    int object_labels;                   /* objects of classes 1 .. object_labels - 1; 0: none */
    unet_objects_options objects;
    int boundary; /* class between objects; -1: not asked for */
    unet_boundary_options boundary_options;
    uint64_t seed;
    struct eval_image *images; /* [count] */
    int held_out;              /* 1: the images that a run, or folds so many, never saw */
    int folds;

    /* over all images; intervals are NAN for fewer than two */
    struct eval_image sum; /* its boundary: means over the images */
    unet_matches matched;  /* of all classes */
    double dice[2], iou[2], f1[2];
    int best_rand, best_info, best_pixel, best_warping; /* thresholds */
    int best_thin_rand, best_thin_info;
};

/* An image, what was predicted for it and what is true; ids NULL: no mask numbers its objects,
 * which are the parts of its classes. */
struct eval_pair {
    const char *name;
    int height, width;
    const uint8_t *predicted, *truth;
    const uint8_t *inner; /* of the prediction, where eval->objects wants it */
    const float *inside;  /* probability of not being boundary; NULL: what `predicted` says */
    const uint32_t *true_ids, *predicted_ids;
};

unet_code eval_image_score(const struct eval *eval, const struct eval_pair *pair,
                           struct eval_image *image, unet_error *err);

/* After all images: sums, means, intervals. */
unet_code eval_sum(struct eval *eval, unet_error *err);
void eval_release(struct eval *eval);

void eval_print(const struct eval *eval);
json_t *eval_json(const struct eval *eval);              /* NULL: no memory */
int eval_csv(const struct eval *eval, const char *path); /* 0: errno says why not */

/* ---- eval_held_out.c: a run, or the folds of one, on the images that it held out ---- */

struct eval_runs {
    int count;
    struct eval_run {
        char *folder;
        int fold;      /* from 1; 0: it is no fold */
        json_t *split; /* of split_file.h */
    } * run;           /* [count] */
};

/* The runs that the folder of a training has.  An exit status; release in any case. */
int eval_runs_list(const char *path, struct eval_runs *runs);
void eval_runs_release(struct eval_runs *runs);

/* How a run's images were read, where options do not say; strings belong to the run. */
void eval_run_options(const struct eval_run *run, const char **images, const char **masks,
                      unet_dataset_options *options);

/* Dice of each fold's images, and their mean: a table, or a member of a report. */
void eval_print_folds(const struct eval *eval);
json_t *eval_folds_json(const struct eval *eval);

/* ---- eval_masks.c: masks of any program instead of a model's predictions ---- */

struct eval_masks {
    const char *predicted, *masks, *predicted_labels;
    int quiet;                    /* what is to be said of them is not */
    unet_dataset_options options; /* of the true masks */
};

/* Opens both sets, in the same order; prints why and returns EXIT_FAILED when they do not go
 * together.  The caller frees both, also then. */
int eval_open_masks(const struct eval_masks *given, unet_dataset **truth, unet_dataset **predicted);

#endif
