/* SPDX-License-Identifier: Apache-2.0 */
/*
 * confusion.c - how well predicted masks fit the truth
 *
 * One confusion matrix; of class k, with rows the truth and columns the prediction,
 *
 *     tp = m[k][k]     fn = the rest of row k     fp = the rest of column k
 *     Dice = 2 tp / (2 tp + fp + fn)     IoU = tp / (tp + fp + fn)
 *
 * (Dice 1945; Jaccard 1912).  A predicted value beyond the labels has a column of its own: it is
 * wrong, whatever it was.
 */
#include <math.h>
#include <stdlib.h>

#include "unet.h"

struct unet_scores {
    int labels;
    uint64_t *pixels; /* [labels][labels + 1] */
};

unet_scores *unet_scores_create(int labels)
{
    if (labels < 2 || labels > UNET_MAX_CLASSES)
        return NULL;
    unet_scores *scores = calloc(1, sizeof *scores);
    uint64_t *pixels = calloc((size_t)labels * ((size_t)labels + 1), sizeof *pixels);
    if (!scores || !pixels) {
        free(scores);
        free(pixels);
        return NULL;
    }
    *scores = (unet_scores){.labels = labels, .pixels = pixels};
    return scores;
}

void unet_scores_free(unet_scores *scores)
{
    if (scores)
        free(scores->pixels);
    free(scores);
}

void unet_scores_add(unet_scores *scores, const uint8_t *predicted, const uint8_t *truth,
                     size_t count)
{
    int labels = scores->labels;
    for (size_t i = 0; i < count; i++)
        if (truth[i] < labels) {
            int column = predicted[i] < labels ? predicted[i] : labels;
            scores->pixels[truth[i] * (labels + 1) + column]++;
        }
}

uint64_t unet_scores_pixels(const unet_scores *scores, int truth, int predicted)
{
    int labels = scores->labels;
    if (truth < 0 || truth >= labels || predicted < 0 || predicted >= labels)
        return 0;
    return scores->pixels[truth * (labels + 1) + predicted];
}

/* Pixels that are of a class, and pixels that were labelled so. */
static void count_class(const unet_scores *scores, int label, double *truth, double *predicted)
{
    int columns = scores->labels + 1;
    *truth = *predicted = 0;
    for (int j = 0; j < columns; j++)
        *truth += (double)scores->pixels[label * columns + j];
    for (int i = 0; i < scores->labels; i++)
        *predicted += (double)scores->pixels[i * columns + label];
}

double unet_scores_dice(const unet_scores *scores, int label)
{
    if (label < 0 || label >= scores->labels)
        return NAN;
    double tp = (double)unet_scores_pixels(scores, label, label), truth, predicted;
    count_class(scores, label, &truth, &predicted);
    return truth + predicted > 0 ? 2 * tp / (truth + predicted) : NAN;
}

double unet_scores_iou(const unet_scores *scores, int label)
{
    if (label < 0 || label >= scores->labels)
        return NAN;
    double tp = (double)unet_scores_pixels(scores, label, label), truth, predicted;
    count_class(scores, label, &truth, &predicted);
    return truth + predicted > 0 ? tp / (truth + predicted - tp) : NAN;
}

double unet_scores_accuracy(const unet_scores *scores)
{
    int columns = scores->labels + 1;
    double right = 0, all = 0;
    for (int i = 0; i < scores->labels; i++)
        for (int j = 0; j < columns; j++) {
            all += (double)scores->pixels[i * columns + j];
            right += i == j ? (double)scores->pixels[i * columns + j] : 0;
        }
    return all > 0 ? right / all : NAN;
}
