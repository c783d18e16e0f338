/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Normalisation (Ioffe & Szegedy 2015, "Batch Normalization: Accelerating Deep Network Training",
 * algorithm 1 and section 3; Ulyanov, Vedaldi, Lempitsky 2016, "Instance Normalization"; Wu & He
 * 2018, "Group Normalization").  They differ in the set of values that share a mean and a variance:
 * one channel of all images, one channel of one image, a few channels of one image.  With M values
 * in the set:
 *
 *   mean  = sum(x) / M
 *   var   = sum((x - mean)^2) / M
 *   xhat  = (x - mean) / sqrt(var + epsilon)
 *   y     = gamma * xhat + beta
 *
 * mean and var depend on x, too.  With that in the chain rule, and with g = gamma * dy,
 *
 *   dbeta  = sum(dy) and dgamma = sum(dy * xhat), over all pixels of a channel
 *   dx     = (g - sum(g) / M - xhat * sum(g * xhat) / M) / sqrt(var + epsilon)
 */
#include "cpu/reference/reference.h"

#include <math.h>

/* The values that share a mean: images first .. first + images - 1, channels low .. high - 1. */
struct set {
    int first, images, low, high;
    size_t values; /* M */
    int index;     /* of the set's mean and variance; those of its other channels follow */
};

static int set_count(struct un_shape s, int groups)
{
    return groups ? s.n * groups : s.c;
}

static struct set set_of(struct un_shape s, int groups, int i)
{
    struct set set = {0, s.n, i, i + 1, (size_t)s.n * s.h * s.w, i};
    if (groups) {
        int channels = s.c / groups;
        set.first = i / groups;
        set.images = 1;
        set.low = i % groups * channels;
        set.high = set.low + channels;
        set.values = (size_t)s.h * s.w * channels;
        set.index = set.first * s.c + set.low;
    }
    return set;
}

static double gamma_of(const struct un_norm *norm, int c)
{
    return norm->gamma ? norm->gamma[c] : 1;
}

static double beta_of(const struct un_norm *norm, int c)
{
    return norm->beta ? norm->beta[c] : 0;
}

/* Over the channels c and pixels i of a set. */
#define FOR_SET(set, s, c, i)                                                                      \
    for (int c = (set).low; c < (set).high; c++)                                                   \
        for (size_t i = (size_t)(set).first * (s).h * (s).w;                                       \
             i < (size_t)((set).first + (set).images) * (s).h * (s).w; i++)

void un_ref_norm_statistics(struct un_engine *e, struct un_tensor x, const struct un_norm *norm)
{
    (void)e;
    struct un_shape s = x.shape;
    for (int k = 0; k < set_count(s, norm->groups); k++) {
        const struct set set = set_of(s, norm->groups, k);
        double sum = 0, squares = 0;
        FOR_SET(set, s, c, i)
        {
            sum += x.data[i * s.c + c];
        }
        double average = sum / set.values;
        FOR_SET(set, s, c, i)
        {
            double difference = x.data[i * s.c + c] - average;
            squares += difference * difference;
        }
        for (int j = 0; j < set.high - set.low; j++) {
            norm->mean[set.index + j] = (float)average;
            norm->variance[set.index + j] = (float)(squares / set.values);
        }
    }
}

void un_ref_norm_forward(struct un_engine *e, struct un_tensor x, const struct un_norm *norm,
                         struct un_activation act, struct un_tensor y)
{
    (void)e;
    struct un_shape s = x.shape;
    for (int k = 0; k < set_count(s, norm->groups); k++) {
        const struct set set = set_of(s, norm->groups, k);
        const double mean = norm->mean[set.index];
        const double deviation = sqrt((double)norm->variance[set.index] + norm->epsilon);
        FOR_SET(set, s, c, i)
        {
            double xhat = (x.data[i * s.c + c] - mean) / deviation;
            y.data[i * s.c + c] =
                (float)un_ref_activate(act, gamma_of(norm, c) * xhat + beta_of(norm, c));
        }
    }
}

void un_ref_norm_backward(struct un_engine *e, struct un_tensor x, const struct un_norm *norm,
                          struct un_tensor dy, struct un_activation act, float *dgamma,
                          float *dbeta, struct un_tensor dx)
{
    (void)e;
    struct un_shape s = x.shape;
    for (int c = 0; c < s.c; c++) {
        double sum = 0, sum_xhat = 0;
        for (size_t i = 0; i < (size_t)s.n * s.h * s.w; i++) {
            size_t at = norm->groups ? i / ((size_t)s.h * s.w) * s.c + c : (size_t)c;
            double g = dy.data[i * s.c + c];
            sum += g;
            sum_xhat += g * ((double)x.data[i * s.c + c] - norm->mean[at]) /
                        sqrt((double)norm->variance[at] + norm->epsilon);
        }
        if (dgamma) {
            dbeta[c] = (float)sum;
            dgamma[c] = (float)sum_xhat;
        }
    }
    for (int k = 0; k < set_count(s, norm->groups); k++) {
        const struct set set = set_of(s, norm->groups, k);
        const double mean = norm->mean[set.index];
        const double deviation = sqrt((double)norm->variance[set.index] + norm->epsilon);
        const double count = set.values;
        double sum = 0, sum_xhat = 0;
        FOR_SET(set, s, c, i)
        {
            double g = (double)gamma_of(norm, c) * dy.data[i * s.c + c];
            sum += g;
            sum_xhat += g * (x.data[i * s.c + c] - mean) / deviation;
        }
        FOR_SET(set, s, c, i)
        {
            size_t at = i * s.c + c;
            double g = (double)gamma_of(norm, c) * dy.data[at];
            double xhat = (x.data[at] - mean) / deviation;
            double d = (g - sum / count - xhat * sum_xhat / count) / deviation;
            if (act.kind != UN_ACT_NONE && !(x.data[at] > 0))
                d *= act.slope;
            dx.data[at] = (float)d;
        }
    }
}

void un_ref_norm_moments(struct un_engine *e, struct un_tensor x, const struct un_norm *norm,
                         struct un_tensor dy, double *moments)
{
    (void)e;
    const struct un_shape s = x.shape;
    const size_t pixels = (size_t)s.h * s.w;
    for (int n = 0; n < s.n; n++)
        for (int c = 0; c < s.c; c++) {
            double first = 0, second = 0;
            for (size_t i = n * pixels; i < (n + 1) * pixels; i++) {
                const double v = x.data[i * s.c + c], d = dy.data ? dy.data[i * s.c + c] : v;
                first += d;
                second += dy.data ? d * (v - norm->mean[c]) : v * v;
            }
            moments[2 * n * s.c + c] = first;
            moments[(2 * n + 1) * s.c + c] = second;
        }
}

void un_ref_norm_measure(struct un_engine *e, int channels, const double *sums, double count,
                         const struct un_norm *norm)
{
    (void)e;
    for (int c = 0; c < channels; c++) {
        const double mean = sums[c] / count, variance = sums[channels + c] / count - mean * mean;
        norm->mean[c] = (float)mean;
        norm->variance[c] = variance < 0 ? 0 : (float)variance;
    }
}

void un_ref_norm_backward_of(struct un_engine *e, struct un_tensor x, const struct un_norm *norm,
                             struct un_tensor dy, struct un_activation act, const double *sums,
                             double count, float *dgamma, float *dbeta, struct un_tensor dx)
{
    (void)e;
    const struct un_shape s = x.shape;
    for (int c = 0; c < s.c; c++) {
        const double deviation = sqrt((double)norm->variance[c] + norm->epsilon);
        const double sum = sums[c], sum_xhat = sums[s.c + c] / deviation;
        if (dgamma) {
            dbeta[c] = (float)sum;
            dgamma[c] = (float)sum_xhat;
        }
        for (size_t i = 0; i < (size_t)s.n * s.h * s.w; i++) {
            const size_t at = i * s.c + c;
            const double xhat = (x.data[at] - (double)norm->mean[c]) / deviation;
            double d = gamma_of(norm, c) * (dy.data[at] - sum / count - xhat * sum_xhat / count) /
                       deviation;
            if (act.kind != UN_ACT_NONE && !(x.data[at] > 0))
                d *= act.slope;
            dx.data[at] = (float)d;
        }
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

void un_ref_norm_fold(struct un_engine *e, int channels, const struct un_norm *norm,
                      const float *bias, float *scale, float *shift)
{
    (void)e;
    for (int c = 0; c < channels; c++) {
        double factor = gamma_of(norm, c) / sqrt((double)norm->variance[c] + norm->epsilon);
        scale[c] = (float)factor;
        shift[c] = (float)(beta_of(norm, c) + ((bias ? bias[c] : 0.0) - norm->mean[c]) * factor);
    }
}
