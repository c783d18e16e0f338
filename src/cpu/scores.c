/* SPDX-License-Identifier: Apache-2.0 */
/* scores.c - from logits to probabilities and labels */
#include <math.h>

#include "cpu/engine_cpu.h"

/* The tasks are rows. */
struct scores {
    struct un_tensor logits;
    uint8_t *labels;
};

static size_t first_pixel(const struct scores *s, int row)
{
    return (size_t)row * (size_t)s->logits.shape.w;
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

static void probabilities_row(void *context, int row, int thread)
{
    const struct scores *s = context;
    const size_t classes = (size_t)s->logits.shape.c;
    float *x = s->logits.data;
    (void)thread;
    for (size_t i = first_pixel(s, row); i < first_pixel(s, row + 1); i++)
        if (classes == 1)
            x[i] = (float)sigmoid(x[i]);
        else
            softmax(x + i * classes, (int)classes);
}

static void argmax_row(void *context, int row, int thread)
{
    const struct scores *s = context;
    const size_t classes = (size_t)s->logits.shape.c;
    (void)thread;
    for (size_t i = first_pixel(s, row); i < first_pixel(s, row + 1); i++) {
        const float *x = s->logits.data + i * classes;
        size_t best = 0;
        for (size_t k = 1; k < classes; k++)
            best = x[k] > x[best] ? k : best;
        s->labels[i] = classes == 1 ? x[0] > 0 : (uint8_t)best;
    }
}

void un_cpu_probabilities(struct un_engine *e, struct un_tensor logits)
{
    struct scores s = {.logits = logits};
    un_pool_run(e->pool, logits.shape.n * logits.shape.h, probabilities_row, &s);
}

void un_cpu_argmax(struct un_engine *e, struct un_tensor logits, uint8_t *labels)
{
    struct scores s = {.logits = logits, .labels = labels};
    un_pool_run(e->pool, logits.shape.n * logits.shape.h, argmax_row, &s);
}
