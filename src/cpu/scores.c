/* SPDX-License-Identifier: Apache-2.0 */
/* scores.c - from logits to losses, probabilities and labels */
#include <math.h>

#include "cpu/engine_cpu.h"

enum { PIECES = 256 };

/* Sums of a piece of the pixels. */
struct loss {
    double loss, weight;
};

size_t un_cpu_loss_workspace(struct un_engine *e, struct un_shape logits)
{
    (void)e;
    (void)logits;
    return PIECES * sizeof(struct loss);
}

static size_t pixels_of(const struct un_tensor *t)
{
    return (size_t)t->shape.n * (size_t)t->shape.h * (size_t)t->shape.w;
}

static size_t piece_of(size_t count, int i)
{
    return count * (size_t)i / PIECES;
}

/* Adds the pieces in order, then divides the gradient by the sum of the weights. */
static void finish_loss(struct un_engine *e, const struct loss *pieces, double *result,
                        struct un_tensor *dlogits)
{
    result[0] = result[1] = 0;
    for (int i = 0; i < PIECES; i++) {
        result[0] += pieces[i].loss;
        result[1] += pieces[i].weight;
    }
    if (!dlogits->data)
        return;
    const size_t count = pixels_of(dlogits) * (size_t)dlogits->shape.c;
    const float scale = result[1] != 0 ? (float)(1 / result[1]) : 0;
#pragma omp parallel for num_threads(e->threads)
    for (size_t i = 0; i < count; i++)
        dlogits->data[i] = result[1] != 0 ? dlogits->data[i] * scale : 0;
}

/* weight * -log softmax(x)[label]; d, when not NULL, receives weight * (softmax(x) - onehot) */
static double softmax_pixel(const float *x, int classes, int label, float weight, float *d)
{
    float most = x[0];
    double sum = 0;
    for (int k = 1; k < classes; k++)
        most = x[k] > most ? x[k] : most;
    for (int k = 0; k < classes; k++)
        sum += exp((double)x[k] - most);
    double loss = weight * (log(sum) + most - x[label]);
    for (int k = 0; d && k < classes; k++)
        d[k] = (float)(weight * (exp((double)x[k] - most) / sum - (k == label)));
    return loss;
}

void un_cpu_softmax_loss(struct un_engine *e, struct un_tensor logits, const uint8_t *labels,
                         const float *weights, double *result, struct un_tensor dlogits)
{
    const size_t count = pixels_of(&logits), classes = (size_t)logits.shape.c;
    struct loss *pieces = e->workspace;
#pragma omp parallel for schedule(dynamic) num_threads(e->threads)
    for (int piece = 0; piece < PIECES; piece++) {
        struct loss sum = {0};
        for (size_t i = piece_of(count, piece); i < piece_of(count, piece + 1); i++) {
            float *d = dlogits.data ? dlogits.data + i * classes : NULL;
            if (weights[i] == 0) {
                for (size_t k = 0; d && k < classes; k++)
                    d[k] = 0;
                continue;
            }
            sum.loss +=
                softmax_pixel(logits.data + i * classes, (int)classes, labels[i], weights[i], d);
            sum.weight += weights[i];
        }
        pieces[piece] = sum;
    }
    finish_loss(e, pieces, result, &dlogits);
}

static double softplus(double x)
{
    return (x > 0 ? x : 0) + log1p(exp(-fabs(x)));
}

static double sigmoid(double x)
{
    return x >= 0 ? 1 / (1 + exp(-x)) : exp(x) / (1 + exp(x));
}

void un_cpu_bce_loss(struct un_engine *e, struct un_tensor logits, const uint8_t *labels,
                     const float *weights, float pos_weight, double *result,
                     struct un_tensor dlogits)
{
    const size_t count = pixels_of(&logits);
    struct loss *pieces = e->workspace;
#pragma omp parallel for schedule(dynamic) num_threads(e->threads)
    for (int piece = 0; piece < PIECES; piece++) {
        struct loss sum = {0};
        for (size_t i = piece_of(count, piece); i < piece_of(count, piece + 1); i++) {
            double x = logits.data[i], w = weights[i], d = 0;
            if (w != 0) {
                sum.loss += w * (labels[i] ? pos_weight * softplus(-x) : softplus(x));
                sum.weight += w;
                d = w * (labels[i] ? -pos_weight * sigmoid(-x) : sigmoid(x));
            }
            if (dlogits.data)
                dlogits.data[i] = (float)d;
        }
        pieces[piece] = sum;
    }
    finish_loss(e, pieces, result, &dlogits);
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
