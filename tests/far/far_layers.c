/* SPDX-License-Identifier: Apache-2.0 */
/*
 * far_layers.c - layers, each twice: what is written down when it is asked for, with addresses that
 * the engine which does the work understands; and what is done when a fence comes
 */
#include "far.h"

static struct un_gradient gradient(struct un_engine *e, struct un_gradient g)
{
    g.d = far_tensor(e, g.d);
    g.y = far_tensor(e, g.y);
    return g;
}

static struct un_norm moments(struct un_engine *e, const struct un_norm *norm, struct un_shape s)
{
    const size_t channels = (size_t)s.c, means = channels * (size_t)(norm->groups ? s.n : 1);
    struct un_norm n = *norm;
    n.gamma = far_floats(e, n.gamma, channels);
    n.beta = far_floats(e, n.beta, channels);
    n.mean = far_floats(e, n.mean, means);
    n.variance = far_floats(e, n.variance, means);
    return n;
}

static size_t weight_count(const struct un_conv *c)
{
    const size_t side = (size_t)un_conv_side(c->kind);
    const int in = c->src[0].tensor.shape.c + c->src[1].tensor.shape.c;
    return side * side * (size_t)in * (size_t)c->dst.shape.c;
}

static struct un_conv convolution(struct un_engine *e, const struct un_conv *conv)
{
    struct un_engine *inner = far_inner(e);
    struct un_conv c = *conv;
    const size_t out = (size_t)c.dst.shape.c;
    for (int s = 0; s < 2; s++)
        c.src[s].tensor = far_tensor(e, c.src[s].tensor);
    c.dst = far_tensor(e, c.dst);
    c.parts.pooled = far_tensor(e, c.parts.pooled);
    c.parts.window = far_tensor(e, c.parts.window);
    c.weight = far_floats(e, c.weight, weight_count(conv));
    c.bias = far_floats(e, c.bias, out);
    c.scale = far_floats(e, c.scale, out);
    c.shift = far_floats(e, c.shift, out);
    if (c.measures)
        c.norm = moments(e, &c.norm, conv->dst.shape);
    for (int pass = 0; pass < 2; pass++)
        if (c.packed[pass]) {
            size_t bytes = inner->ops->conv_pack_bytes(inner, conv, (enum un_pass)pass);
            c.packed[pass] = far_near(e, c.packed[pass], bytes);
        }
    return c;
}

/* ---- convolution ---- */

static void conv_pack_now(struct un_engine *e, const struct far_call *c)
{
    e->ops->conv_pack(e, &c->conv, c->pass);
}

static void conv_pack(struct un_engine *e, const struct un_conv *conv, enum un_pass pass)
{
    struct far_call *c = far_queue(e, conv_pack_now);
    c->conv = convolution(e, conv);
    c->pass = pass;
}

static void conv_forward_now(struct un_engine *e, const struct far_call *c)
{
    e->ops->conv_forward(e, &c->conv);
}

static void conv_forward(struct un_engine *e, const struct un_conv *conv)
{
    struct far_call *c = far_queue(e, conv_forward_now);
    c->conv = convolution(e, conv);
}

static void conv_backward_data_now(struct un_engine *e, const struct far_call *c)
{
    e->ops->conv_backward_data(e, &c->conv, c->t[0], c->g);
}

static void conv_backward_data(struct un_engine *e, const struct un_conv *conv,
                               struct un_tensor ddst, const struct un_gradient dsrc[2])
{
    struct far_call *c = far_queue(e, conv_backward_data_now);
    c->conv = convolution(e, conv);
    c->t[0] = far_tensor(e, ddst);
    for (int s = 0; s < 2 && conv->src[s].tensor.shape.c; s++)
        c->g[s] = gradient(e, dsrc[s]);
}

static void conv_backward_weights_now(struct un_engine *e, const struct far_call *c)
{
    e->ops->conv_backward_weights(e, &c->conv, c->t[0], c->p[0], c->p[1]);
}

static void conv_backward_weights(struct un_engine *e, const struct un_conv *conv,
                                  struct un_tensor ddst, float *dweight, float *dbias)
{
    struct far_call *c = far_queue(e, conv_backward_weights_now);
    c->conv = convolution(e, conv);
    c->t[0] = far_tensor(e, ddst);
    c->p[0] = far_floats(e, dweight, weight_count(conv));
    c->p[1] = far_floats(e, dbias, (size_t)conv->dst.shape.c);
}

/* ---- maps ---- */

static void maxpool_forward_now(struct un_engine *e, const struct far_call *c)
{
    e->ops->maxpool_forward(e, c->t[0], c->t[1]);
}

static void maxpool_forward(struct un_engine *e, struct un_tensor src, struct un_tensor dst)
{
    struct far_call *c = far_queue(e, maxpool_forward_now);
    c->t[0] = far_tensor(e, src);
    c->t[1] = far_tensor(e, dst);
}

static void maxpool_backward_now(struct un_engine *e, const struct far_call *c)
{
    e->ops->maxpool_backward(e, c->t[0], c->t[1], &c->g[0]);
}

static void maxpool_backward(struct un_engine *e, struct un_tensor src, struct un_tensor ddst,
                             const struct un_gradient *dsrc)
{
    struct far_call *c = far_queue(e, maxpool_backward_now);
    c->t[0] = far_tensor(e, src);
    c->t[1] = far_tensor(e, ddst);
    c->g[0] = gradient(e, *dsrc);
}

static void maxpool3_forward_now(struct un_engine *e, const struct far_call *c)
{
    e->ops->maxpool3_forward(e, c->t[0], c->t[1]);
}

static void maxpool3_forward(struct un_engine *e, struct un_tensor src, struct un_tensor dst)
{
    struct far_call *c = far_queue(e, maxpool3_forward_now);
    c->t[0] = far_tensor(e, src);
    c->t[1] = far_tensor(e, dst);
}

static void maxpool3_backward_now(struct un_engine *e, const struct far_call *c)
{
    e->ops->maxpool3_backward(e, c->t[0], c->t[1], &c->g[0]);
}

static void maxpool3_backward(struct un_engine *e, struct un_tensor src, struct un_tensor ddst,
                              const struct un_gradient *dsrc)
{
    struct far_call *c = far_queue(e, maxpool3_backward_now);
    c->t[0] = far_tensor(e, src);
    c->t[1] = far_tensor(e, ddst);
    c->g[0] = gradient(e, *dsrc);
}

static void meanpool_forward_now(struct un_engine *e, const struct far_call *c)
{
    e->ops->meanpool_forward(e, c->t[0], c->t[1]);
}

static void meanpool_forward(struct un_engine *e, struct un_tensor src, struct un_tensor dst)
{
    struct far_call *c = far_queue(e, meanpool_forward_now);
    c->t[0] = far_tensor(e, src);
    c->t[1] = far_tensor(e, dst);
}

static void meanpool_backward_now(struct un_engine *e, const struct far_call *c)
{
    e->ops->meanpool_backward(e, c->t[0], &c->g[0]);
}

static void meanpool_backward(struct un_engine *e, struct un_tensor ddst,
                              const struct un_gradient *dsrc)
{
    struct far_call *c = far_queue(e, meanpool_backward_now);
    c->t[0] = far_tensor(e, ddst);
    c->g[0] = gradient(e, *dsrc);
}

static void add_forward_now(struct un_engine *e, const struct far_call *c)
{
    e->ops->add_forward(e, c->conv.src, c->act, c->t[0]);
}

static void add_forward(struct un_engine *e, const struct un_operand src[2],
                        struct un_activation act, struct un_tensor dst)
{
    struct far_call *c = far_queue(e, add_forward_now);
    for (int s = 0; s < 2; s++) {
        c->conv.src[s] = src[s];
        c->conv.src[s].tensor = far_tensor(e, src[s].tensor);
    }
    c->act = act;
    c->t[0] = far_tensor(e, dst);
}

static void add_backward_now(struct un_engine *e, const struct far_call *c)
{
    e->ops->add_backward(e, c->t[0], c->i, c->left, &c->g[0]);
}

static void add_backward(struct un_engine *e, struct un_tensor ddst, int top, int left,
                         const struct un_gradient *dsrc)
{
    struct far_call *c = far_queue(e, add_backward_now);
    c->t[0] = far_tensor(e, ddst);
    c->i = top;
    c->left = left;
    c->g[0] = gradient(e, *dsrc);
}

static void upsample_forward_now(struct un_engine *e, const struct far_call *c)
{
    e->ops->upsample_forward(e, c->t[0], c->t[1], c->how, c->i);
}

static void upsample_forward(struct un_engine *e, struct un_tensor src, struct un_tensor dst,
                             enum un_doubling how, int trim)
{
    struct far_call *c = far_queue(e, upsample_forward_now);
    c->t[0] = far_tensor(e, src);
    c->t[1] = far_tensor(e, dst);
    c->how = how;
    c->i = trim;
}

static void upsample_backward_now(struct un_engine *e, const struct far_call *c)
{
    e->ops->upsample_backward(e, c->t[0], c->how, c->i, &c->g[0]);
}

static void upsample_backward(struct un_engine *e, struct un_tensor ddst, enum un_doubling how,
                              int trim, const struct un_gradient *dsrc)
{
    struct far_call *c = far_queue(e, upsample_backward_now);
    c->t[0] = far_tensor(e, ddst);
    c->how = how;
    c->i = trim;
    c->g[0] = gradient(e, *dsrc);
}

static void dropout_now(struct un_engine *e, const struct far_call *c)
{
    e->ops->dropout(e, c->t[0], c->f[0], c->key, c->first);
}

static void dropout(struct un_engine *e, struct un_tensor x, float rate, uint64_t key,
                    uint64_t first)
{
    struct far_call *c = far_queue(e, dropout_now);
    c->t[0] = far_tensor(e, x);
    c->f[0] = rate;
    c->key = key;
    c->first = first;
}

/* ---- normalisation ---- */

static void norm_statistics_now(struct un_engine *e, const struct far_call *c)
{
    e->ops->norm_statistics(e, c->t[0], &c->norm);
}

static void norm_statistics(struct un_engine *e, struct un_tensor x, const struct un_norm *norm)
{
    struct far_call *c = far_queue(e, norm_statistics_now);
    c->t[0] = far_tensor(e, x);
    c->norm = moments(e, norm, x.shape);
}

static void norm_forward_now(struct un_engine *e, const struct far_call *c)
{
    e->ops->norm_forward(e, c->t[0], &c->norm, c->act, c->t[1]);
}

static void norm_forward(struct un_engine *e, struct un_tensor x, const struct un_norm *norm,
                         struct un_activation act, struct un_tensor y)
{
    struct far_call *c = far_queue(e, norm_forward_now);
    c->t[0] = far_tensor(e, x);
    c->norm = moments(e, norm, x.shape);
    c->act = act;
    c->t[1] = far_tensor(e, y);
}

static void norm_backward_now(struct un_engine *e, const struct far_call *c)
{
    e->ops->norm_backward(e, c->t[0], &c->norm, c->t[1], c->act, c->p[0], c->p[1], c->t[2]);
}

static void norm_backward(struct un_engine *e, struct un_tensor x, const struct un_norm *norm,
                          struct un_tensor dy, struct un_activation act, float *dgamma,
                          float *dbeta, struct un_tensor dx)
{
    struct far_call *c = far_queue(e, norm_backward_now);
    c->t[0] = far_tensor(e, x);
    c->norm = moments(e, norm, x.shape);
    c->t[1] = far_tensor(e, dy);
    c->act = act;
    c->p[0] = far_floats(e, dgamma, (size_t)x.shape.c);
    c->p[1] = far_floats(e, dbeta, (size_t)x.shape.c);
    c->t[2] = far_tensor(e, dx);
}

static void norm_moments_now(struct un_engine *e, const struct far_call *c)
{
    e->ops->norm_moments(e, c->t[0], &c->norm, c->t[1], c->p[0]);
}

static void norm_moments(struct un_engine *e, struct un_tensor x, const struct un_norm *norm,
                         struct un_tensor dy, double *sums)
{
    struct far_call *c = far_queue(e, norm_moments_now);
    c->t[0] = far_tensor(e, x);
    c->norm = moments(e, norm, x.shape);
    c->t[1] = far_tensor(e, dy);
    c->p[0] = far_near(e, sums, 2 * (size_t)x.shape.n * (size_t)x.shape.c * sizeof *sums);
}

static void norm_measure_now(struct un_engine *e, const struct far_call *c)
{
    e->ops->norm_measure(e, c->i, c->p[0], c->d, &c->norm);
}

static void norm_measure(struct un_engine *e, int channels, const double *sums, double count,
                         const struct un_norm *norm)
{
    struct far_call *c = far_queue(e, norm_measure_now);
    c->i = channels;
    c->p[0] = far_near(e, sums, 2 * (size_t)channels * sizeof *sums);
    c->d = count;
    c->norm = moments(e, norm, (struct un_shape){1, 1, 1, channels});
}

static void norm_backward_of_now(struct un_engine *e, const struct far_call *c)
{
    e->ops->norm_backward_of(e, c->t[0], &c->norm, c->t[1], c->act, c->p[2], c->d, c->p[0], c->p[1],
                             c->t[2]);
}

static void norm_backward_of(struct un_engine *e, struct un_tensor x, const struct un_norm *norm,
                             struct un_tensor dy, struct un_activation act, const double *sums,
                             double count, float *dgamma, float *dbeta, struct un_tensor dx)
{
    struct far_call *c = far_queue(e, norm_backward_of_now);
    c->t[0] = far_tensor(e, x);
    c->norm = moments(e, norm, x.shape);
    c->t[1] = far_tensor(e, dy);
    c->act = act;
    c->p[0] = far_floats(e, dgamma, (size_t)x.shape.c);
    c->p[1] = far_floats(e, dbeta, (size_t)x.shape.c);
    c->p[2] = far_near(e, sums, 2 * (size_t)x.shape.c * sizeof *sums);
    c->d = count;
    c->t[2] = far_tensor(e, dx);
}

static void norm_running_now(struct un_engine *e, const struct far_call *c)
{
    e->ops->norm_running(e, c->i, c->d, c->f[0], c->p[0], c->p[1], c->p[2], c->p[3]);
}

static void norm_running(struct un_engine *e, int channels, double count, float momentum,
                         const float *mean, const float *variance, float *running_mean,
                         float *running_variance)
{
    struct far_call *c = far_queue(e, norm_running_now);
    const size_t n = (size_t)channels;
    c->i = channels;
    c->d = count;
    c->f[0] = momentum;
    c->p[0] = far_floats(e, mean, n);
    c->p[1] = far_floats(e, variance, n);
    c->p[2] = far_floats(e, running_mean, n);
    c->p[3] = far_floats(e, running_variance, n);
}

static void norm_fold_now(struct un_engine *e, const struct far_call *c)
{
    e->ops->norm_fold(e, c->i, &c->norm, c->p[0], c->p[1], c->p[2]);
}

static void norm_fold(struct un_engine *e, int channels, const struct un_norm *norm,
                      const float *bias, float *scale, float *shift)
{
    struct far_call *c = far_queue(e, norm_fold_now);
    const size_t n = (size_t)channels;
    c->i = channels;
    c->norm = moments(e, norm, (struct un_shape){1, 1, 1, channels});
    c->p[0] = far_floats(e, bias, n);
    c->p[1] = far_floats(e, scale, n);
    c->p[2] = far_floats(e, shift, n);
}

/* ---- slopes ---- */

static void prelu_forward_now(struct un_engine *e, const struct far_call *c)
{
    e->ops->prelu_forward(e, c->t[0], c->p[0], c->t[1]);
}

static void prelu_forward(struct un_engine *e, struct un_tensor x, const float *slope,
                          struct un_tensor y)
{
    struct far_call *c = far_queue(e, prelu_forward_now);
    c->t[0] = far_tensor(e, x);
    c->p[0] = far_floats(e, slope, 1);
    c->t[1] = far_tensor(e, y);
}

static void prelu_backward_now(struct un_engine *e, const struct far_call *c)
{
    e->ops->prelu_backward(e, c->t[0], c->p[0], c->t[1], c->p[1], c->t[2]);
}

static void prelu_backward(struct un_engine *e, struct un_tensor x, const float *slope,
                           struct un_tensor dy, float *dslope, struct un_tensor dx)
{
    struct far_call *c = far_queue(e, prelu_backward_now);
    c->t[0] = far_tensor(e, x);
    c->p[0] = far_floats(e, slope, 1);
    c->t[1] = far_tensor(e, dy);
    c->p[1] = far_floats(e, dslope, 1);
    c->t[2] = far_tensor(e, dx);
}

void far_layer_operations(struct un_engine_ops *ops)
{
    ops->conv_pack = conv_pack;
    ops->conv_forward = conv_forward;
    ops->conv_backward_data = conv_backward_data;
    ops->conv_backward_weights = conv_backward_weights;
    ops->maxpool_forward = maxpool_forward;
    ops->maxpool_backward = maxpool_backward;
    ops->maxpool3_forward = maxpool3_forward;
    ops->maxpool3_backward = maxpool3_backward;
    ops->meanpool_forward = meanpool_forward;
    ops->meanpool_backward = meanpool_backward;
    ops->prelu_forward = prelu_forward;
    ops->prelu_backward = prelu_backward;
    ops->add_forward = add_forward;
    ops->add_backward = add_backward;
    ops->upsample_forward = upsample_forward;
    ops->upsample_backward = upsample_backward;
    ops->norm_statistics = norm_statistics;
    ops->norm_forward = norm_forward;
    ops->norm_backward = norm_backward;
    ops->norm_moments = norm_moments;
    ops->norm_measure = norm_measure;
    ops->norm_backward_of = norm_backward_of;
    ops->norm_running = norm_running;
    ops->norm_fold = norm_fold;
    ops->dropout = dropout;
}
