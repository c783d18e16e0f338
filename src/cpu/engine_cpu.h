/* SPDX-License-Identifier: Apache-2.0 */
/*
 * engine_cpu.h - what the files of the CPU engine share
 *
 *   engine_cpu.c   the table of operations, memory, layouts
 *   cache.c        how large the second-level cache is
 *   conv.c         which way a convolution goes: directly (conv_plan.h) or by winograd.h
 *   maps.c         pooling, doubling, dropout
 *   norms.c        batch normalisation
 *   slopes.c       activations whose slope is learnt
 *   losses.c       losses
 *   answers.c      probabilities, labels
 *   steps.c        optimisers
 *
 * Work is cut into tasks by shapes alone; a task is done by any one thread of the pool.  What the
 * tasks of a loop share is the one struct that they get; `thread` tells them which scratch is
 * theirs.
 */
#ifndef UN_ENGINE_CPU_H
#define UN_ENGINE_CPU_H

#include "base/arena.h"
#include "cpu/kernels/kernels.h"
#include "unet_train.h"

struct un_engine_cpu {
    struct un_engine base;
    const struct un_kernels *kernels;
    size_t cache; /* bytes of the second-level cache */
};

static inline const struct un_kernels *un_cpu_kernels(const struct un_engine *e)
{
    return ((const struct un_engine_cpu *)e)->kernels;
}

/* Bytes of a core's second-level cache: for choosing the sizes of blocks. */
static inline size_t un_cpu_cache(const struct un_engine *e)
{
    return ((const struct un_engine_cpu *)e)->cache;
}

static inline int un_min(int a, int b)
{
    return a < b ? a : b;
}

static inline int un_max(int a, int b)
{
    return a > b ? a : b;
}

static inline int un_ceil_div(int a, int b)
{
    return (a + b - 1) / b;
}

/* blocks of 16 channels */
static inline int un_blocks(int channels)
{
    return un_ceil_div(channels, UN_BLOCK);
}

/* Where piece i of `pieces` nearly equal pieces of 0..count-1 begins. */
static inline int un_piece(int count, int pieces, int i)
{
    return (int)((long long)count * i / pieces);
}

/* floats from one pixel to the next */
static inline int un_pixel(const struct un_tensor *t)
{
    return t->layout == UN_FEATURES ? UN_BLOCK : t->shape.c;
}

/* Row y of image n, block b (0 for UN_PIXELS). */
static inline float *un_row(const struct un_tensor *t, int n, int b, int y)
{
    size_t planes = t->layout == UN_FEATURES ? (size_t)un_blocks(t->shape.c) : 1;
    size_t row = ((size_t)n * planes + (size_t)b) * (size_t)t->shape.h + (size_t)y;
    return t->data + row * (size_t)t->shape.w * (size_t)un_pixel(t);
}

/* floats of one block of one image */
static inline ptrdiff_t un_plane(const struct un_tensor *t)
{
    return (ptrdiff_t)t->shape.h * t->shape.w * un_pixel(t);
}

/* A thread's part of the workspace, each `bytes` long (64 divides it). */
static inline void *un_workspace(const struct un_engine *e, size_t bytes, int thread)
{
    return (char *)e->workspace + bytes * (size_t)thread;
}

/* v as the gradient of one value: what finish_row() does for rows, for UN_PIXELS */
static inline float un_finish_one(float v, float d, const float *y, struct un_finish finish)
{
    if (finish.accumulate)
        v += d;
    if (finish.act.kind == UN_ACT_NONE || *y > 0)
        return v;
    return finish.act.kind == UN_ACT_RELU ? 0 : finish.act.slope * v;
}

/*
 * Copies the pixels x .. x + count - 1 of a row (block b) into to, zeros where they lie outside.
 * row < 0 or past the end is a row of zeros.
 */
void un_copy_padded(const struct un_tensor *t, int n, int b, int row, int x, int count, float *to);

/* cache.c */
size_t un_cache_bytes(void);

/* memory.c */
void *un_cpu_alloc(struct un_engine *e, size_t bytes);
void un_cpu_release(struct un_engine *e, void *memory);

/* conv.c: all convolutions, by one of the two ways below */
size_t un_cpu_pack_bytes(struct un_engine *e, const struct un_conv *c, enum un_pass pass);
size_t un_cpu_conv_workspace(struct un_engine *e, const struct un_conv *c, enum un_pass pass);
void un_cpu_pack(struct un_engine *e, const struct un_conv *c, enum un_pass pass);
bool un_cpu_conv_parts(struct un_engine *e, const struct un_conv *c);
void un_cpu_forward(struct un_engine *e, const struct un_conv *c);
void un_cpu_backward_data(struct un_engine *e, const struct un_conv *c, struct un_tensor ddst,
                          const struct un_gradient dsrc[2]);
void un_cpu_backward_weights(struct un_engine *e, const struct un_conv *c, struct un_tensor ddst,
                             float *dweight, float *dbias);

/* maps.c */
void un_cpu_maxpool_forward(struct un_engine *e, struct un_tensor src, struct un_tensor dst);
void un_cpu_maxpool_backward(struct un_engine *e, struct un_tensor src, struct un_tensor ddst,
                             const struct un_gradient *dsrc);
void un_cpu_meanpool_forward(struct un_engine *e, struct un_tensor src, struct un_tensor dst);
void un_cpu_meanpool_backward(struct un_engine *e, struct un_tensor ddst,
                              const struct un_gradient *dsrc);
void un_cpu_maxpool3_forward(struct un_engine *e, struct un_tensor src, struct un_tensor dst);
void un_cpu_maxpool3_backward(struct un_engine *e, struct un_tensor src, struct un_tensor ddst,
                              const struct un_gradient *dsrc);
void un_cpu_add_forward(struct un_engine *e, const struct un_operand src[2],
                        struct un_activation act, struct un_tensor dst);
void un_cpu_add_backward(struct un_engine *e, struct un_tensor ddst, int top, int left,
                         const struct un_gradient *dsrc);
void un_cpu_upsample_forward(struct un_engine *e, struct un_tensor src, struct un_tensor dst,
                             enum un_doubling how, int trim);
void un_cpu_upsample_backward(struct un_engine *e, struct un_tensor ddst, enum un_doubling how,
                              int trim, const struct un_gradient *dsrc);
void un_cpu_dropout(struct un_engine *e, struct un_tensor x, float rate, uint64_t key,
                    uint64_t first);

/* norms.c */
typedef double un_moments[2][UN_BLOCK]; /* of a block of channels: sums, and sums of squares */
/* Mean and variance from the moments of each block [blocks], `apart` from each other, of images (or
 * of the batch) one after the other. */
void un_norm_measure(struct un_shape s, const struct un_norm *norm, const un_moments *sums,
                     int apart);
size_t un_cpu_norm_workspace(struct un_engine *e, struct un_shape shape, int groups);
void un_cpu_norm_statistics(struct un_engine *e, struct un_tensor x, const struct un_norm *norm);
void un_cpu_norm_forward(struct un_engine *e, struct un_tensor x, const struct un_norm *norm,
                         struct un_activation act, struct un_tensor y);
void un_cpu_norm_backward(struct un_engine *e, struct un_tensor x, const struct un_norm *norm,
                          struct un_tensor dy, struct un_activation act, float *dgamma,
                          float *dbeta, struct un_tensor dx);
void un_cpu_norm_moments(struct un_engine *e, struct un_tensor x, const struct un_norm *norm,
                         struct un_tensor dy, double *moments);
void un_cpu_norm_measure(struct un_engine *e, int channels, const double *sums, double count,
                         const struct un_norm *norm);
void un_cpu_norm_backward_of(struct un_engine *e, struct un_tensor x, const struct un_norm *norm,
                             struct un_tensor dy, struct un_activation act, const double *sums,
                             double count, float *dgamma, float *dbeta, struct un_tensor dx);
void un_cpu_norm_running(struct un_engine *e, int channels, double count, float momentum,
                         const float *mean, const float *variance, float *running_mean,
                         float *running_variance);
void un_cpu_norm_fold(struct un_engine *e, int channels, const struct un_norm *norm,
                      const float *bias, float *scale, float *shift);

/* slopes.c */
size_t un_cpu_prelu_workspace(struct un_engine *e, struct un_shape shape);
void un_cpu_prelu_forward(struct un_engine *e, struct un_tensor x, const float *slope,
                          struct un_tensor y);
void un_cpu_prelu_backward(struct un_engine *e, struct un_tensor x, const float *slope,
                           struct un_tensor dy, float *dslope, struct un_tensor dx);

/* losses.c */
size_t un_cpu_loss_workspace(struct un_engine *e, struct un_shape logits);
void un_cpu_loss(struct un_engine *e, struct un_tensor logits, const uint8_t *labels,
                 const float *weights, const unet_loss *loss, double *result,
                 struct un_tensor dlogits);
void un_cpu_loss_sums(struct un_engine *e, struct un_tensor logits, const uint8_t *labels,
                      const float *weights, const unet_loss *loss, double *sums,
                      struct un_tensor dlogits);
void un_cpu_loss_of(struct un_engine *e, struct un_tensor logits, const uint8_t *labels,
                    const float *weights, const unet_loss *loss, const double *sums, double *result,
                    struct un_tensor dlogits);

/* answers.c */
void un_cpu_probabilities(struct un_engine *e, struct un_tensor logits);
void un_cpu_argmax(struct un_engine *e, struct un_tensor logits, uint8_t *labels);

/* steps.c */
void un_cpu_sgd_step(struct un_engine *e, size_t count, float *w, const float *g, float *m,
                     float rate, float momentum, float decay, bool nesterov);
void un_cpu_adam_step(struct un_engine *e, size_t count, float *w, const float *g, float *m,
                      float *v, float rate, float beta1, float beta2, float epsilon, float decay,
                      bool decoupled, long step);
void un_cpu_rmsprop_step(struct un_engine *e, size_t count, float *w, const float *g, float *m,
                         float *v, float rate, float momentum, float alpha, float epsilon,
                         float decay);
void un_cpu_blend(struct un_engine *e, size_t count, float *y, float a, const float *x, float b);
void un_cpu_sum_squares(struct un_engine *e, const float *x, size_t count, double *result);
void un_cpu_count_nonfinite(struct un_engine *e, const float *x, size_t count, uint64_t *result);

#endif
