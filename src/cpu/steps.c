/* SPDX-License-Identifier: Apache-2.0 */
/* steps.c - one step of an optimiser, sums, the check that all is finite, in pieces of an array */
#include <math.h>

#include "cpu/engine_cpu.h"

enum { PIECE = 1 << 16 }; /* values of a task: four arrays of them stay in the caches */

static size_t piece_size(size_t count, size_t from)
{
    return count - from < PIECE ? count - from : PIECE;
}

void un_cpu_sgd_step(struct un_engine *e, size_t count, float *w, const float *g, float *m,
                     float rate, float momentum, float decay, bool nesterov)
{
    const struct un_kernels *k = un_cpu_kernels(e);
#pragma omp parallel for num_threads(e->threads)
    for (size_t i = 0; i < count; i += PIECE)
        k->sgd(piece_size(count, i), w + i, g + i, m + i, rate, momentum, decay, nesterov);
}

void un_cpu_adam_step(struct un_engine *e, size_t count, float *w, const float *g, float *m,
                      float *v, float rate, float beta1, float beta2, float epsilon, float decay,
                      bool decoupled, long step)
{
    const struct un_kernels *k = un_cpu_kernels(e);
    const double correct1 = 1 - pow(beta1, (double)step);
    const double correct2 = sqrt(1 - pow(beta2, (double)step));
    const float keep = decoupled ? 1 - rate * decay : 1;
#pragma omp parallel for num_threads(e->threads)
    for (size_t i = 0; i < count; i += PIECE)
        k->adam(piece_size(count, i), w + i, g + i, m + i, v + i, rate, beta1, beta2, epsilon,
                decoupled ? 0 : decay, keep, correct1, correct2);
}

void un_cpu_rmsprop_step(struct un_engine *e, size_t count, float *w, const float *g, float *m,
                         float *v, float rate, float momentum, float alpha, float epsilon,
                         float decay)
{
    const struct un_kernels *k = un_cpu_kernels(e);
#pragma omp parallel for num_threads(e->threads)
    for (size_t i = 0; i < count; i += PIECE)
        k->rmsprop(piece_size(count, i), w + i, g + i, m + i, v + i, rate, momentum, alpha, epsilon,
                   decay);
}

void un_cpu_blend(struct un_engine *e, size_t count, float *y, float a, const float *x, float b)
{
    const struct un_kernels *k = un_cpu_kernels(e);
#pragma omp parallel for num_threads(e->threads)
    for (size_t i = 0; i < count; i += PIECE)
        k->blend(piece_size(count, i), y + i, a, b != 0 ? x + i : NULL, b);
}

/* The pieces are added in order. */
void un_cpu_sum_squares(struct un_engine *e, const float *x, size_t count, double *result)
{
    const struct un_kernels *k = un_cpu_kernels(e);
    double sum = 0;
#pragma omp parallel for ordered schedule(static, 1) num_threads(e->threads)
    for (size_t i = 0; i < count; i += PIECE) {
        double piece = k->sum_squares(x + i, piece_size(count, i));
#pragma omp ordered
        sum += piece;
    }
    *result = sum;
}

void un_cpu_count_nonfinite(struct un_engine *e, const float *x, size_t count, uint64_t *result)
{
    const struct un_kernels *k = un_cpu_kernels(e);
    uint64_t found = 0;
#pragma omp parallel for num_threads(e->threads) reduction(+ : found)
    for (size_t i = 0; i < count; i += PIECE)
        found += k->nonfinite(x + i, piece_size(count, i));
    *result = found;
}
