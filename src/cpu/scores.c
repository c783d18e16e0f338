/* SPDX-License-Identifier: Apache-2.0 */
/* scores.c - from logits to probabilities and labels */
#include <math.h>

#include "cpu/engine_cpu.h"

static size_t pixels_of(const struct un_tensor *t)
{
    return (size_t)t->shape.n * (size_t)t->shape.h * (size_t)t->shape.w;
}

static double sigmoid(double x)
{
    return x >= 0 ? 1 / (1 + exp(-x)) : exp(x) / (1 + exp(x));
}

static void softmax(float *x, int classes)
{
    float most = x[0], sum = 0;
    for (int k = 1; k < classes; k++)
        most = x[k] > most ? x[k] : most;
    for (int k = 0; k < classes; k++)
        sum += x[k] = expf(x[k] - most);
    for (int k = 0; k < classes; k++)
        x[k] /= sum;
}

void un_cpu_probabilities(struct un_engine *e, struct un_tensor logits)
{
    const size_t count = pixels_of(&logits), classes = (size_t)logits.shape.c;
#pragma omp parallel for num_threads(e->threads)
    for (size_t i = 0; i < count; i++)
        if (classes == 1)
            logits.data[i] = (float)sigmoid(logits.data[i]);
        else
            softmax(logits.data + i * classes, (int)classes);
}

void un_cpu_argmax(struct un_engine *e, struct un_tensor logits, uint8_t *labels)
{
    const size_t count = pixels_of(&logits), classes = (size_t)logits.shape.c;
#pragma omp parallel for num_threads(e->threads)
    for (size_t i = 0; i < count; i++) {
        const float *x = logits.data + i * classes;
        size_t best = 0;
        for (size_t k = 1; k < classes; k++)
            best = x[k] > x[best] ? k : best;
        labels[i] = classes == 1 ? x[0] > 0 : (uint8_t)best;
    }
}
