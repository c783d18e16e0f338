/* SPDX-License-Identifier: Apache-2.0 */
/* confusion.h - the inner halves of unet_scores_...(): unet_scores.h says what each gives */
#ifndef UN_CONFUSION_H
#define UN_CONFUSION_H

#include "base/error.h"
#include "unet_scores.h"

struct unet_scores {
    int labels;
    uint64_t *pixels; /* [labels][labels + 1] */
};

unet_scores *un_scores_create(int labels);
void un_scores_free(unet_scores *scores);
void un_scores_add(unet_scores *scores, const uint8_t *predicted, const uint8_t *truth,
                   size_t count);
void un_scores_merge(unet_scores *scores, const unet_scores *more);
int un_scores_labels(const unet_scores *scores);
uint64_t un_scores_pixels(const unet_scores *scores, int truth, int predicted);
double un_scores_dice(const unet_scores *scores, int label);
double un_scores_iou(const unet_scores *scores, int label);
double un_scores_precision(const unet_scores *scores, int label);
double un_scores_recall(const unet_scores *scores, int label);
double un_scores_mean_dice(const unet_scores *scores);
double un_scores_all_dice(const unet_scores *scores);
double un_scores_mean_iou(const unet_scores *scores);
double un_scores_accuracy(const unet_scores *scores);

#endif
