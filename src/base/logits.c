/* SPDX-License-Identifier: Apache-2.0 */
/* With x_m the largest logit, no exponential below is of a positive number. */
#include "base/logits.h"

#include <math.h>

double un_sigmoid(double x)
{
    return x >= 0 ? 1 / (1 + exp(-x)) : exp(x) / (1 + exp(x));
}

void un_probabilities(const float *from, size_t from_stride, float *to, size_t to_stride,
                      int classes)
{
    if (classes == 1) {
        *to = (float)un_sigmoid(*from);
        return;
    }
    float most = from[0], sum = 0;
    for (size_t k = 1; k < (size_t)classes; k++)
        most = from[k * from_stride] > most ? from[k * from_stride] : most;
    for (size_t k = 0; k < (size_t)classes; k++)
        sum += to[k * to_stride] = expf(from[k * from_stride] - most);
    for (size_t k = 0; k < (size_t)classes; k++)
        to[k * to_stride] /= sum;
}

/* log(sum over rims: exp) */
void un_rims_fold(const float *from, size_t from_stride, float *to, size_t to_stride, int classes,
                  int rims)
{
    const size_t step = (size_t)(classes - 1) * from_stride;
    to[0] = from[0];
    for (size_t k = 1; k < (size_t)classes; k++) {
        const float *x = from + k * from_stride;
        float most = *x, sum = 0;
        for (size_t r = 1; r <= (size_t)rims; r++)
            most = x[r * step] > most ? x[r * step] : most;
        for (size_t r = 0; r <= (size_t)rims; r++)
            sum += expf(x[r * step] - most);
        to[k * to_stride] = most + logf(sum);
    }
}

uint8_t un_rims_inner(const float *from, size_t stride, int classes, int rims)
{
    const size_t outputs = (size_t)classes + (size_t)rims * (size_t)(classes - 1);
    float most = from[0], sum = 0, inner = 0;
    for (size_t k = 1; k < outputs; k++)
        most = from[k * stride] > most ? from[k * stride] : most;
    for (size_t k = 0; k < outputs; k++) {
        const float p = expf(from[k * stride] - most);
        const size_t level = k == 0 ? 0
                             : k < (size_t)classes
                                 ? (size_t)rims + 1
                                 : 1 + (k - (size_t)classes) / (size_t)(classes - 1);
        sum += p;
        inner += p * (float)level;
    }
    const float share = inner / (sum * (float)(rims + 1));
    return share > 0 ? (uint8_t)(255 * share + 0.5f)
                     : 0; /* 0 also for scores that are no numbers */
}

/* log(sum over k: exp(x_k)) - x_t = x_m - x_t + log(1 + sum over k other than m: exp(x_k - x_m)),
 * which is exact, too, where the answer is sure and right. */
double un_cross_entropy(const float *logits, size_t stride, int classes, int label)
{
    if (classes == 1)
        return un_cross_entropy((const float[2]){0, *logits}, 1, 2, label);
    size_t m = 0;
    double others = 0;
    for (size_t k = 1; k < (size_t)classes; k++)
        if (logits[k * stride] > logits[m * stride] || isnan(logits[k * stride]))
            m = k;
    const double largest = logits[m * stride];
    for (size_t k = 0; k < (size_t)classes; k++)
        if (k != m)
            others += exp(logits[k * stride] - largest);
    return largest - logits[(size_t)label * stride] + log1p(others);
}
