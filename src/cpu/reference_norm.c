/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Batch normalisation (Ioffe & Szegedy 2015, "Batch Normalization: Accelerating Deep Network
 * Training", algorithm 1 and section 3), per channel over the M = N * H * W pixels of a batch:
 *
 *   mean  = sum(x) / M
 *   var   = sum((x - mean)^2) / M
 *   xhat  = (x - mean) / sqrt(var + epsilon)
 *   y     = gamma * xhat + beta
 *
 * mean and var depend on x, too.  With that in the chain rule, the paper's six gradients become
 *
 *   dbeta = sum(dy)
 *   dgamma = sum(dy * xhat)
 *   dx    = gamma / sqrt(var + epsilon) * (dy - dbeta / M - xhat * dgamma / M)
 */
#include "cpu/reference.h"

#include <math.h>

void un_ref_norm_statistics(struct un_engine *e, struct un_tensor x, float *mean, float *variance)
{
    (void)e;
    struct un_shape s = x.shape;
    size_t pixels = (size_t)s.n * s.h * s.w;
    for (int c = 0; c < s.c; c++) {
        double sum = 0, squares = 0;
        for (size_t i = 0; i < pixels; i++)
            sum += x.data[i * s.c + c];
        double average = sum / pixels;
        for (size_t i = 0; i < pixels; i++) {
            double difference = x.data[i * s.c + c] - average;
            squares += difference * difference;
        }
        mean[c] = (float)average;
        variance[c] = (float)(squares / pixels);
    }
}

void un_ref_norm_forward(struct un_engine *e, struct un_tensor x, const float *mean,
                         const float *variance, float epsilon, const float *gamma,
                         const float *beta, struct un_activation act, struct un_tensor y)
{
    (void)e;
    struct un_shape s = x.shape;
    size_t pixels = (size_t)s.n * s.h * s.w;
    for (size_t i = 0; i < pixels; i++)
        for (int c = 0; c < s.c; c++) {
            double deviation = sqrt((double)variance[c] + epsilon);
            double xhat = ((double)x.data[i * s.c + c] - mean[c]) / deviation;
            y.data[i * s.c + c] = (float)un_ref_activate(act, gamma[c] * xhat + beta[c]);
        }
}

void un_ref_norm_backward(struct un_engine *e, struct un_tensor x, const float *mean,
                          const float *variance, float epsilon, const float *gamma,
                          struct un_tensor dy, float *dgamma, float *dbeta, struct un_tensor dx)
{
    (void)e;
    struct un_shape s = x.shape;
    size_t pixels = (size_t)s.n * s.h * s.w;
    for (int c = 0; c < s.c; c++) {
        double deviation = sqrt((double)variance[c] + epsilon);
        double sum = 0, sum_xhat = 0;
        for (size_t i = 0; i < pixels; i++) {
            double g = dy.data[i * s.c + c];
            sum += g;
            sum_xhat += g * ((double)x.data[i * s.c + c] - mean[c]) / deviation;
        }
        for (size_t i = 0; i < pixels; i++) {
            double g = dy.data[i * s.c + c];
            double xhat = ((double)x.data[i * s.c + c] - mean[c]) / deviation;
            dx.data[i * s.c + c] =
                (float)(gamma[c] / deviation * (g - sum / pixels - xhat * sum_xhat / pixels));
        }
        dbeta[c] = (float)sum;
        dgamma[c] = (float)sum_xhat;
    }
}

/* A batch of one pixel has no unbiased variance; its biased one (zero) is taken instead. */
void un_ref_norm_running(struct un_engine *e, int channels, double count, float momentum,
                         const float *mean, const float *variance, float *running_mean,
                         float *running_variance)
{
    (void)e;
    double unbiased = count > 1 ? count / (count - 1) : 1;
    for (int c = 0; c < channels; c++) {
        running_mean[c] = (float)((1.0 - momentum) * running_mean[c] + (double)momentum * mean[c]);
        running_variance[c] = (float)((1.0 - momentum) * running_variance[c] +
                                      (double)momentum * variance[c] * unbiased);
    }
}

void un_ref_norm_fold(struct un_engine *e, int channels, float epsilon, const float *gamma,
                      const float *beta, const float *mean, const float *variance, float *scale,
                      float *shift)
{
    (void)e;
    for (int c = 0; c < channels; c++) {
        double factor = gamma[c] / sqrt((double)variance[c] + epsilon);
        scale[c] = (float)factor;
        shift[c] = (float)(beta[c] - mean[c] * factor);
    }
}
