/* SPDX-License-Identifier: Apache-2.0 */
/*
 * confusion.c - how well predicted masks fit the truth
 *
 * One confusion matrix; of class k, with rows the truth and columns the prediction,
 *
 *     tp = m[k][k]     fn = the rest of row k     fp = the rest of column k
 *     Dice = 2 tp / (2 tp + fp + fn)     IoU = tp / (tp + fp + fn)
 *     precision = tp / (tp + fp)         recall = tp / (tp + fn)
 *
 * (Dice 1945; Jaccard 1912).  A predicted value beyond the labels has a column of its own: it is
 * wrong, whatever it was.
 */
#include <math.h>
#include <stdlib.h>

#include "scores/confusion.h"

unet_scores *un_scores_create(int labels)
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

void un_scores_free(unet_scores *scores)
{
    if (scores)
        free(scores->pixels);
    free(scores);
}

void un_scores_add(unet_scores *scores, const uint8_t *predicted, const uint8_t *truth,
                   size_t count)
{
    int labels = scores->labels;
    for (size_t i = 0; i < count; i++)
        if (truth[i] < labels) {
            int column = predicted[i] < labels ? predicted[i] : labels;
            scores->pixels[truth[i] * (labels + 1) + column]++;
        }
}

void un_scores_merge(unet_scores *scores, const unet_scores *more)
{
    size_t count = (size_t)scores->labels * ((size_t)scores->labels + 1);
    for (size_t i = 0; i < count && more->labels == scores->labels; i++)
        scores->pixels[i] += more->pixels[i];
}

int un_scores_labels(const unet_scores *scores)
{
    return scores->labels;
}

uint64_t un_scores_pixels(const unet_scores *scores, int truth, int predicted)
{
    int labels = scores->labels;
    if (truth < 0 || truth >= labels || predicted < 0 || predicted > labels)
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

double un_scores_dice(const unet_scores *scores, int label)
{
    if (label < 0 || label >= scores->labels)
        return NAN;
    double tp = (double)un_scores_pixels(scores, label, label), truth, predicted;
    count_class(scores, label, &truth, &predicted);
    return truth + predicted > 0 ? 2 * tp / (truth + predicted) : NAN;
}

double un_scores_iou(const unet_scores *scores, int label)
{
    if (label < 0 || label >= scores->labels)
        return NAN;
    double tp = (double)un_scores_pixels(scores, label, label), truth, predicted;
    count_class(scores, label, &truth, &predicted);
    return truth + predicted > 0 ? tp / (truth + predicted - tp) : NAN;
}

double un_scores_precision(const unet_scores *scores, int label)
{
    if (label < 0 || label >= scores->labels)
        return NAN;
    double truth, predicted;
    count_class(scores, label, &truth, &predicted);
    return predicted > 0 ? (double)un_scores_pixels(scores, label, label) / predicted : NAN;
}

double un_scores_recall(const unet_scores *scores, int label)
{
    if (label < 0 || label >= scores->labels)
        return NAN;
    double truth, predicted;
    count_class(scores, label, &truth, &predicted);
    return truth > 0 ? (double)un_scores_pixels(scores, label, label) / truth : NAN;
}

/* Of the classes from `first` on that occur. */
static double mean_of(const unet_scores *scores, double (*score)(const unet_scores *, int),
                      int first)
{
    double sum = 0;
    int count = 0;
    for (int label = first; label < scores->labels; label++) {
        double value = score(scores, label);
        sum += isnan(value) ? 0 : value;
        count += !isnan(value);
    }
    return count ? sum / count : NAN;
}

double un_scores_mean_dice(const unet_scores *scores)
{
    return mean_of(scores, unet_scores_dice, 1);
}

double un_scores_all_dice(const unet_scores *scores)
{
    return mean_of(scores, unet_scores_dice, 0);
}

double un_scores_mean_iou(const unet_scores *scores)
{
    return mean_of(scores, unet_scores_iou, 1);
}

double un_scores_accuracy(const unet_scores *scores)
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
