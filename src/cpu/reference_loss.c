/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Losses with pixel weights, and the answers that logits give.
 *
 * Softmax cross-entropy of one pixel with logits x[0..K) and label l (Ronneberger et al. 2015,
 * equation 1), and its gradient:
 *
 *   loss     = log(sum over k: exp(x[k])) - x[l]
 *   dx[k]    = softmax(x)[k] - (k == l)
 *
 * computed as max + log(sum exp(x[k] - max)), which cannot overflow: all exponents are <= 0 and one
 * of them is 0.
 *
 * Binary cross-entropy of one logit x, label y in {0, 1} and weight p of the positive class (what
 * PyTorch calls BCEWithLogitsLoss with pos_weight), where softplus(t) = log(1 + exp(t)):
 *
 *   loss     = p * y * softplus(-x) + (1 - y) * softplus(x)
 *   dx       = -p * y * sigmoid(-x) + (1 - y) * sigmoid(x)
 *
 * The batch's loss is the weighted mean over pixels, sum(w * loss) / sum(w); its gradient carries
 * the factor w / sum(w).
 */
#include "cpu/reference.h"

#include <math.h>

static size_t pixel_count(struct un_tensor t)
{
    return (size_t)t.shape.n * t.shape.h * t.shape.w;
}

static double weight_sum(const float *weights, size_t pixels)
{
    double sum = 0;
    for (size_t i = 0; i < pixels; i++)
        sum += weights[i];
    return sum;
}

static double log_sum_exp(const float *x, int count)
{
    double largest = x[0], sum = 0;
    for (int k = 1; k < count; k++)
        largest = fmax(largest, x[k]);
    for (int k = 0; k < count; k++)
        sum += exp(x[k] - largest);
    return largest + log(sum);
}

static double softplus(double t)
{
    return fmax(t, 0) + log1p(exp(-fabs(t)));
}

static double sigmoid(double t)
{
    return 1 / (1 + exp(-t));
}

void un_ref_softmax_loss(struct un_engine *e, struct un_tensor logits, const uint8_t *labels,
                         const float *weights, double *result, struct un_tensor dlogits)
{
    (void)e;
    size_t pixels = pixel_count(logits);
    int classes = logits.shape.c;
    double total = weight_sum(weights, pixels), loss = 0;
    for (size_t i = 0; i < pixels; i++) {
        const float *x = logits.data + i * classes;
        bool counts = weights[i] != 0;
        double lse = counts ? log_sum_exp(x, classes) : 0;
        if (counts)
            loss += weights[i] * (lse - x[labels[i]]);
        for (int k = 0; dlogits.data && k < classes; k++)
            dlogits.data[i * classes + k] =
                counts ? (float)(weights[i] / total * (exp(x[k] - lse) - (k == labels[i]))) : 0;
    }
    result[0] = loss;
    result[1] = total;
}

void un_ref_bce_loss(struct un_engine *e, struct un_tensor logits, const uint8_t *labels,
                     const float *weights, float pos_weight, double *result,
                     struct un_tensor dlogits)
{
    (void)e;
    size_t pixels = pixel_count(logits);
    double total = weight_sum(weights, pixels), loss = 0;
    for (size_t i = 0; i < pixels; i++) {
        double x = logits.data[i], gradient = 0;
        if (weights[i] != 0) {
            loss += weights[i] * (labels[i] ? pos_weight * softplus(-x) : softplus(x));
            gradient = labels[i] ? -pos_weight * sigmoid(-x) : sigmoid(x);
            gradient *= weights[i] / total;
        }
        if (dlogits.data)
            dlogits.data[i] = (float)gradient;
    }
    result[0] = loss;
    result[1] = total;
}

void un_ref_probabilities(struct un_engine *e, struct un_tensor logits)
{
    (void)e;
    size_t pixels = pixel_count(logits);
    int classes = logits.shape.c;
    for (size_t i = 0; i < pixels; i++) {
        float *x = logits.data + i * classes;
        double lse = log_sum_exp(x, classes);
        for (int k = 0; k < classes; k++)
            x[k] = (float)(classes == 1 ? sigmoid(x[k]) : exp(x[k] - lse));
    }
}

void un_ref_argmax(struct un_engine *e, struct un_tensor logits, uint8_t *labels)
{
    (void)e;
    size_t pixels = pixel_count(logits);
    int classes = logits.shape.c;
    for (size_t i = 0; i < pixels; i++) {
        const float *x = logits.data + i * classes;
        int best = 0;
        for (int k = 1; k < classes; k++)
            if (x[k] > x[best])
                best = k;
        labels[i] = (uint8_t)(classes == 1 ? x[0] > 0 : best);
    }
}
