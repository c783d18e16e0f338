/* SPDX-License-Identifier: Apache-2.0 */
/*
 * logits.h - what the scores of one pixel say
 *
 * A pixel has `classes` logits, `stride` values apart.  One class is a softmax over the logits 0
 * and x, of which only the second's probability is told: the sigmoid of x.  Where batches of pixels
 * are trained on, loss_kernel.h of the CPU engine has the same in registers.
 */
#ifndef UN_LOGITS_H
#define UN_LOGITS_H

#include <stddef.h>
#include <stdint.h>

/* 1 / (1 + exp(-x)) */
double un_sigmoid(double x);

/* Probabilities [classes]; to may be from. */
void un_probabilities(const float *from, size_t from_stride, float *to, size_t to_stride,
                      int classes);

/*
 * The answer of a network with rims, [classes + rims * (classes - 1)] as un_spec_outputs() has it.
 * _fold(): logits [classes] of the classes alone, each with all its rims; to may be from.
 * _inner(): how deep inside an object the pixel is: 0 outside, 255 where no rim is near.
 */
void un_rims_fold(const float *from, size_t from_stride, float *to, size_t to_stride, int classes,
                  int rims);
uint8_t un_rims_inner(const float *from, size_t stride, int classes, int rims);

/* -log of the probability of class label (of one class: 0 or 1), not finite when a logit is not. */
double un_cross_entropy(const float *logits, size_t stride, int classes, int label);

/* The class with the largest logit, the first of equal ones; of one class: 1 where it is > 0. */
static inline uint8_t un_best_class(const float *logits, size_t stride, int classes)
{
    size_t best = 0;
    for (size_t k = 1; k < (size_t)classes; k++)
        best = logits[k * stride] > logits[best * stride] ? k : best;
    return (uint8_t)(classes == 1 ? logits[0] > 0 : best);
}

#endif
