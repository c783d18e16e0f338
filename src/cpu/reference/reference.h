/* SPDX-License-Identifier: Apache-2.0 */
/*
 * reference.h - what the files of the reference engine share
 *
 * The reference engine says what every operation of engine.h computes, in the plainest loops that
 * say it: one thread, sums in double, results rounded to float once, when they are stored.  It is
 * written to be read and to be compared with, never to be fast.  Both layouts are plain float
 * arrays [N][H][W][C], and packing weights packs nothing.
 */
#ifndef UN_REFERENCE_H
#define UN_REFERENCE_H

#include "engine/engine.h"
#include "unet_train.h"

/* The place of element (n, y, x, c) of a tensor. */
static inline float *un_ref_at(struct un_tensor t, int n, int y, int x, int c)
{
    size_t row = (size_t)n * t.shape.h + y;
    return t.data + (row * t.shape.w + x) * t.shape.c + c;
}

static inline bool un_ref_inside(struct un_tensor t, int y, int x)
{
    return y >= 0 && y < t.shape.h && x >= 0 && x < t.shape.w;
}

static inline double un_ref_activate(struct un_activation act, double x)
{
    return act.kind == UN_ACT_NONE || x > 0 ? x : act.slope * x;
}

/* Gives element (n, y, x, c) of a gradient the value v, in the way struct un_gradient describes. */
static inline void un_ref_give(const struct un_gradient *g, int n, int y, int x, int c, double v)
{
    float *d = un_ref_at(g->d, n, y, x, c);
    if (g->accumulate)
        v += *d;
    if (g->act.kind != UN_ACT_NONE && !(*un_ref_at(g->y, n, y, x, c) > 0))
        v *= g->act.slope;
    *d = (float)v;
}

/* reference_conv.c */
bool un_ref_conv_parts(struct un_engine *e, const struct un_conv *c);
void un_ref_conv_forward(struct un_engine *e, const struct un_conv *c);
void un_ref_conv_backward_data(struct un_engine *e, const struct un_conv *c, struct un_tensor ddst,
                               const struct un_gradient dsrc[2]);
void un_ref_conv_backward_weights(struct un_engine *e, const struct un_conv *c,
                                  struct un_tensor ddst, float *dweight, float *dbias);

/* reference_map.c */
void un_ref_maxpool_forward(struct un_engine *e, struct un_tensor src, struct un_tensor dst);
void un_ref_maxpool_backward(struct un_engine *e, struct un_tensor src, struct un_tensor ddst,
                             const struct un_gradient *dsrc);
void un_ref_meanpool_forward(struct un_engine *e, struct un_tensor src, struct un_tensor dst);
void un_ref_meanpool_backward(struct un_engine *e, struct un_tensor ddst,
                              const struct un_gradient *dsrc);
void un_ref_maxpool3_forward(struct un_engine *e, struct un_tensor src, struct un_tensor dst);
void un_ref_maxpool3_backward(struct un_engine *e, struct un_tensor src, struct un_tensor ddst,
                              const struct un_gradient *dsrc);
void un_ref_add_forward(struct un_engine *e, const struct un_operand src[2],
                        struct un_activation act, struct un_tensor dst);
void un_ref_add_backward(struct un_engine *e, struct un_tensor ddst, int top, int left,
                         const struct un_gradient *dsrc);
void un_ref_upsample_forward(struct un_engine *e, struct un_tensor src, struct un_tensor dst,
                             enum un_doubling how, int trim);
void un_ref_upsample_backward(struct un_engine *e, struct un_tensor ddst, enum un_doubling how,
                              int trim, const struct un_gradient *dsrc);
void un_ref_prelu_forward(struct un_engine *e, struct un_tensor x, const float *slope,
                          struct un_tensor y);
void un_ref_prelu_backward(struct un_engine *e, struct un_tensor x, const float *slope,
                           struct un_tensor dy, float *dslope, struct un_tensor dx);
void un_ref_dropout(struct un_engine *e, struct un_tensor x, float rate, uint64_t key,
                    uint64_t first);

/* reference_norm.c */
void un_ref_norm_statistics(struct un_engine *e, struct un_tensor x, const struct un_norm *norm);
void un_ref_norm_forward(struct un_engine *e, struct un_tensor x, const struct un_norm *norm,
                         struct un_activation act, struct un_tensor y);
void un_ref_norm_backward(struct un_engine *e, struct un_tensor x, const struct un_norm *norm,
                          struct un_tensor dy, struct un_activation act, float *dgamma,
                          float *dbeta, struct un_tensor dx);
void un_ref_norm_moments(struct un_engine *e, struct un_tensor x, const struct un_norm *norm,
                         struct un_tensor dy, double *moments);
void un_ref_norm_measure(struct un_engine *e, int channels, const double *sums, double count,
                         const struct un_norm *norm);
void un_ref_norm_backward_of(struct un_engine *e, struct un_tensor x, const struct un_norm *norm,
                             struct un_tensor dy, struct un_activation act, const double *sums,
                             double count, float *dgamma, float *dbeta, struct un_tensor dx);
void un_ref_norm_running(struct un_engine *e, int channels, double count, float momentum,
                         const float *mean, const float *variance, float *running_mean,
                         float *running_variance);
void un_ref_norm_fold(struct un_engine *e, int channels, const struct un_norm *norm,
                      const float *bias, float *scale, float *shift);

/* reference_loss.c */
void un_ref_loss(struct un_engine *e, struct un_tensor logits, const uint8_t *labels,
                 const float *weights, const unet_loss *loss, double *result,
                 struct un_tensor dlogits);
void un_ref_loss_sums(struct un_engine *e, struct un_tensor logits, const uint8_t *labels,
                      const float *weights, const unet_loss *loss, double *sums,
                      struct un_tensor dlogits);
void un_ref_loss_of(struct un_engine *e, struct un_tensor logits, const uint8_t *labels,
                    const float *weights, const unet_loss *loss, const double *sums, double *result,
                    struct un_tensor dlogits);
void un_ref_probabilities(struct un_engine *e, struct un_tensor logits);
void un_ref_argmax(struct un_engine *e, struct un_tensor logits, uint8_t *labels);

/* reference_step.c */
void un_ref_sgd_step(struct un_engine *e, size_t count, float *w, const float *g, float *m,
                     float rate, float momentum, float decay, bool nesterov);
void un_ref_adam_step(struct un_engine *e, size_t count, float *w, const float *g, float *m,
                      float *v, float rate, float beta1, float beta2, float epsilon, float decay,
                      bool decoupled, long step);
void un_ref_rmsprop_step(struct un_engine *e, size_t count, float *w, const float *g, float *m,
                         float *v, float rate, float momentum, float alpha, float epsilon,
                         float decay);
void un_ref_blend(struct un_engine *e, size_t count, float *y, float a, const float *x, float b);
void un_ref_sum_squares(struct un_engine *e, const float *x, size_t count, double *result);
void un_ref_count_nonfinite(struct un_engine *e, const float *x, size_t count, uint64_t *result);

#endif
