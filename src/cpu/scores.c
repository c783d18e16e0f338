/* SPDX-License-Identifier: Apache-2.0 */
/* scores.c - from logits to probabilities and labels */
#include "base/logits.h"
#include "cpu/engine_cpu.h"

static size_t pixels_of(const struct un_tensor *t)
{
    return (size_t)t->shape.n * (size_t)t->shape.h * (size_t)t->shape.w;
}

void un_cpu_probabilities(struct un_engine *e, struct un_tensor logits)
{
    const size_t count = pixels_of(&logits), classes = (size_t)logits.shape.c;
#pragma omp parallel for num_threads(e->threads)
    for (size_t i = 0; i < count; i++)
        un_probabilities(logits.data + i * classes, 1, logits.data + i * classes, 1, (int)classes);
}

void un_cpu_argmax(struct un_engine *e, struct un_tensor logits, uint8_t *labels)
{
    const size_t count = pixels_of(&logits), classes = (size_t)logits.shape.c;
#pragma omp parallel for num_threads(e->threads)
    for (size_t i = 0; i < count; i++)
        labels[i] = un_best_class(logits.data + i * classes, 1, (int)classes);
}
