/* SPDX-License-Identifier: Apache-2.0 */
/* steps.c - one step of an optimiser, sums, the check that all is finite, in pieces of an array */
#include <math.h>
#include <stdatomic.h>

#include "cpu/engine_cpu.h"

enum { PIECE = 1 << 16 }; /* values of a task: four arrays of them stay in the caches */

/* What the tasks of an operation share: its arguments, under their names, as far as it has them. */
struct step {
    const struct un_kernels *k;
    size_t count;
    float *w, *m, *v;
    const float *g;                                     /* of a sum, what is summed */
    float rate, momentum, decay, beta1, beta2, epsilon; /* beta2: RMSprop's alpha */
    float keep; /* what weight decay by itself leaves of a weight */
    double correct1, correct2;
    bool nesterov;
};

/* A task's values: from the returned one on, *size of them. */
static size_t piece_of(const struct step *s, int index, size_t *size)
{
    const size_t from = (size_t)index * PIECE;
    *size = s->count - from < PIECE ? s->count - from : PIECE;
    return from;
}

static int pieces_of(size_t count)
{
    return (int)((count + PIECE - 1) / PIECE);
}

static void sgd_piece(void *context, int index, int thread)
{
    const struct step *s = context;
    size_t size, i = piece_of(s, index, &size);
    (void)thread;
    s->k->sgd(size, s->w + i, s->g + i, s->m + i, s->rate, s->momentum, s->decay, s->nesterov);
}

void un_cpu_sgd_step(struct un_engine *e, size_t count, float *w, const float *g, float *m,
                     float rate, float momentum, float decay, bool nesterov)
{
    struct step s = {.k = un_cpu_kernels(e),
                     .count = count,
                     .w = w,
                     .m = m,
                     .g = g,
                     .rate = rate,
                     .momentum = momentum,
                     .decay = decay,
                     .nesterov = nesterov};
    un_pool_run(e->pool, pieces_of(count), sgd_piece, &s);
}

static void adam_piece(void *context, int index, int thread)
{
    const struct step *s = context;
    size_t size, i = piece_of(s, index, &size);
    (void)thread;
    s->k->adam(size, s->w + i, s->g + i, s->m + i, s->v + i, s->rate, s->beta1, s->beta2,
               s->epsilon, s->decay, s->keep, s->correct1, s->correct2);
}

void un_cpu_adam_step(struct un_engine *e, size_t count, float *w, const float *g, float *m,
                      float *v, float rate, float beta1, float beta2, float epsilon, float decay,
                      bool decoupled, long step)
{
    struct step s = {.k = un_cpu_kernels(e),
                     .count = count,
                     .w = w,
                     .m = m,
                     .v = v,
                     .g = g,
                     .rate = rate,
                     .decay = decoupled ? 0 : decay,
                     .beta1 = beta1,
                     .beta2 = beta2,
                     .epsilon = epsilon,
                     .keep = decoupled ? 1 - rate * decay : 1,
                     .correct1 = 1 - pow(beta1, (double)step),
                     .correct2 = sqrt(1 - pow(beta2, (double)step))};
    un_pool_run(e->pool, pieces_of(count), adam_piece, &s);
}

static void rmsprop_piece(void *context, int index, int thread)
{
    const struct step *s = context;
    size_t size, i = piece_of(s, index, &size);
    (void)thread;
    s->k->rmsprop(size, s->w + i, s->g + i, s->m + i, s->v + i, s->rate, s->momentum, s->beta2,
                  s->epsilon, s->decay);
}

void un_cpu_rmsprop_step(struct un_engine *e, size_t count, float *w, const float *g, float *m,
                         float *v, float rate, float momentum, float alpha, float epsilon,
                         float decay)
{
    struct step s = {.k = un_cpu_kernels(e),
                     .count = count,
                     .w = w,
                     .m = m,
                     .v = v,
                     .g = g,
                     .rate = rate,
                     .momentum = momentum,
                     .decay = decay,
                     .beta2 = alpha,
                     .epsilon = epsilon};
    un_pool_run(e->pool, pieces_of(count), rmsprop_piece, &s);
}

struct blend {
    struct step step;
    float *y;
    const float *x; /* NULL: not read */
    float a, b;
};

static void blend_piece(void *context, int index, int thread)
{
    const struct blend *s = context;
    size_t size, i = piece_of(&s->step, index, &size);
    (void)thread;
    s->step.k->blend(size, s->y + i, s->a, s->x ? s->x + i : NULL, s->b);
}

void un_cpu_blend(struct un_engine *e, size_t count, float *y, float a, const float *x, float b)
{
    struct blend s = {{.k = un_cpu_kernels(e), .count = count}, y, b != 0 ? x : NULL, a, b};
    un_pool_run(e->pool, pieces_of(count), blend_piece, &s);
}

/* Pieces whose sums are kept until all of them are there. */
enum { TOGETHER = 256 };

struct sum {
    struct step step;
    int first; /* of TOGETHER pieces */
    double piece[TOGETHER];
    atomic_uint_least64_t found;
};

static void square_piece(void *context, int index, int thread)
{
    struct sum *s = context;
    size_t size, i = piece_of(&s->step, s->first + index, &size);
    (void)thread;
    s->piece[index] = s->step.k->sum_squares(s->step.g + i, size);
}

/* The pieces are added in order. */
void un_cpu_sum_squares(struct un_engine *e, const float *x, size_t count, double *result)
{
    struct sum s = {.step = {.k = un_cpu_kernels(e), .count = count, .g = x}};
    const int pieces = pieces_of(count);
    double sum = 0;
    for (; s.first < pieces; s.first += TOGETHER) {
        const int some = un_min(pieces - s.first, TOGETHER);
        un_pool_run(e->pool, some, square_piece, &s);
        for (int i = 0; i < some; i++)
            sum += s.piece[i];
    }
    *result = sum;
}

static void count_piece(void *context, int index, int thread)
{
    struct sum *s = context;
    size_t size, i = piece_of(&s->step, index, &size);
    (void)thread;
    atomic_fetch_add_explicit(&s->found, s->step.k->nonfinite(s->step.g + i, size),
                              memory_order_relaxed);
}

void un_cpu_count_nonfinite(struct un_engine *e, const float *x, size_t count, uint64_t *result)
{
    struct sum s = {.step = {.k = un_cpu_kernels(e), .count = count, .g = x}};
    un_pool_run(e->pool, pieces_of(count), count_piece, &s);
    *result = s.found;
}
