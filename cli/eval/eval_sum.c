/* SPDX-License-Identifier: Apache-2.0 */
/* eval_sum.c - the scores of all images together, and how sure they are */
#include <math.h>
#include <stdlib.h>

#include "shared/cli.h"

#include "eval/eval.h"

/* Of each image and class: right, true and predicted pixels. */
struct counts {
    double right, truth, predicted;
};

struct draws {
    const struct eval *eval;
    const struct counts *counts; /* [count][labels] */
    int iou;
};

static struct counts count_class(const unet_scores *scores, int label)
{
    struct counts counts = {(double)unet_scores_pixels(scores, label, label), 0, 0};

    for (int other = 0; other <= unet_scores_labels(scores); other++) {
        counts.truth += (double)unet_scores_pixels(scores, label, other);
        counts.predicted += (double)unet_scores_pixels(scores, other, label);
    }
    return counts;
}

static double mean_overlap(void *context, const int *times, int count)
{
    const struct draws *draws = context;
    int labels = draws->eval->labels, present = 0;
    double sum = 0;

    for (int label = 1; label < labels; label++) {
        struct counts all = {0};

        for (int i = 0; i < count; i++) {
            const struct counts *one = &draws->counts[i * labels + label];

            all.right += times[i] * one->right;
            all.truth += times[i] * one->truth;
            all.predicted += times[i] * one->predicted;
        }
        double both = all.truth + all.predicted;

        if (both > 0) {
            sum += draws->iou ? all.right / (both - all.right) : 2 * all.right / both;
            present++;
        }
    }
    return present ? sum / present : (double)NAN;
}

static double object_f1(void *context, const int *times, int count)
{
    const struct eval *eval = ((const struct draws *)context)->eval;
    double right = 0, all = 0;

    for (int i = 0; i < count; i++)
        for (int label = 1; times[i] && label < eval->object_labels; label++) {
            const unet_matches *matches = &eval->images[i].matches[label];

            right += times[i] * (double)matches->matched[0];
            all += times[i] * (double)(matches->truth + matches->predicted);
        }
    return all > 0 ? 2 * right / all : (double)NAN;
}

static unet_code find_intervals(struct eval *eval, unet_error *err)
{
    size_t labels = (size_t)eval->labels;
    struct counts *counts = malloc((size_t)eval->count * labels * sizeof(*counts));
    struct draws draws = {eval, counts, 0};
    unet_code code;

    if (!counts)
        return set_error(err, UNET_ENOMEM, "out of memory");
    for (int i = 0; i < eval->count; i++)
        for (size_t label = 0; label < labels; label++)
            counts[(size_t)i * labels + label] = count_class(eval->images[i].scores, (int)label);
    code = unet_bootstrap(eval->count, EVAL_RESAMPLES, eval->seed, mean_overlap, &draws, eval->dice,
                          err);
    draws.iou = 1;
    if (!code)
        code = unet_bootstrap(eval->count, EVAL_RESAMPLES, eval->seed, mean_overlap, &draws,
                              eval->iou, err);
    if (!code && eval->object_labels)
        code = unet_bootstrap(eval->count, EVAL_RESAMPLES, eval->seed, object_f1, &draws, eval->f1,
                              err);
    free(counts);
    return code;
}

/* The fields of a row that are averaged over images. */
static double *field(unet_boundary *row, int i)
{
    double *fields[] = {&row->pixel_error,      &row->warping_error,    &row->plain.rand,
                        &row->plain.rand_split, &row->plain.rand_merge, &row->plain.info,
                        &row->plain.info_split, &row->plain.info_merge, &row->thin.rand,
                        &row->thin.rand_split,  &row->thin.rand_merge,  &row->thin.info,
                        &row->thin.info_split,  &row->thin.info_merge};

    return i < (int)(sizeof(fields) / sizeof(fields[0])) ? fields[i] : NULL;
}

static void average_boundary(struct eval *eval, int step)
{
    unet_boundary *mean = &eval->sum.boundary[step];
    double *to;

    mean->threshold = step / 10.0;
    for (int i = 0; (to = field(mean, i)); i++) {
        int count = 0;

        *to = 0;
        for (int k = 0; k < eval->count; k++) {
            double value = *field(&eval->images[k].boundary[step], i);

            *to += isnan(value) ? 0 : value;
            count += !isnan(value);
        }
        *to = count ? *to / count : (double)NAN;
    }
}

/* The threshold with the best mean; sign -1: the least is best. */
static int best_step(struct eval *eval, int which, int sign)
{
    int best = 0;

    for (int step = 1; step < UNET_BOUNDARY_STEPS; step++)
        if (sign * *field(&eval->sum.boundary[step], which) >
            sign * *field(&eval->sum.boundary[best], which))
            best = step;
    return best;
}

unet_code eval_sum(struct eval *eval, unet_error *err)
{
    eval->sum.scores = unet_scores_create(eval->labels);
    eval->sum.matches = calloc((size_t)eval->labels, sizeof(*eval->sum.matches));
    if (!eval->sum.scores || !eval->sum.matches)
        return set_error(err, UNET_ENOMEM, "out of memory");
    for (int i = 0; i < eval->count; i++) {
        unet_scores_merge(eval->sum.scores, eval->images[i].scores);
        for (int label = 1; label < eval->object_labels; label++) {
            unet_matches_merge(&eval->sum.matches[label], &eval->images[i].matches[label]);
            unet_matches_merge(&eval->matched, &eval->images[i].matches[label]);
        }
    }
    for (int step = 0; step < UNET_BOUNDARY_STEPS && eval->boundary >= 0; step++)
        average_boundary(eval, step);
    eval->best_pixel = best_step(eval, 0, -1);
    eval->best_warping = best_step(eval, 1, -1);
    eval->best_rand = best_step(eval, 2, 1);
    eval->best_info = best_step(eval, 5, 1);
    eval->best_thin_rand = best_step(eval, 8, 1);
    eval->best_thin_info = best_step(eval, 11, 1);
    return find_intervals(eval, err);
}

void eval_release(struct eval *eval)
{
    for (int i = 0; i < eval->count && eval->images; i++) {
        unet_scores_free(eval->images[i].scores);
        free(eval->images[i].matches);
    }
    free(eval->images);
    unet_scores_free(eval->sum.scores);
    free(eval->sum.matches);
}
