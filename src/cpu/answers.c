/* SPDX-License-Identifier: Apache-2.0 */
/* answers.c - from logits to probabilities and labels */
#include "base/logits.h"
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

static void probabilities_row(void *context, int row, int thread)
{
    const struct scores *s = context;
    const size_t classes = (size_t)s->logits.shape.c;
    float *x = s->logits.data;
    (void)thread;
    for (size_t i = first_pixel(s, row); i < first_pixel(s, row + 1); i++)
        un_probabilities(x + i * classes, 1, x + i * classes, 1, (int)classes);
}

static void argmax_row(void *context, int row, int thread)
{
    const struct scores *s = context;
    const size_t classes = (size_t)s->logits.shape.c;
    (void)thread;
    for (size_t i = first_pixel(s, row); i < first_pixel(s, row + 1); i++)
        s->labels[i] = un_best_class(s->logits.data + i * classes, 1, (int)classes);
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
