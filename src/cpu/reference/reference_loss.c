/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The loss of a batch (unet_loss in unet.h), and the answers that logits give.
 *
 * One pixel with logits x, probabilities p = softmax(x) and class t costs f(CE), where
 *
 *   CE  = -log p_t = log(sum over k: exp(x_k)) - x_t
 *   f   = (1 - p_t)^focal * CE
 *   f'  = (1 - p_t)^focal * (1 + focal * p_t * CE / (1 - p_t))        [d(1 - p_t)/dCE = p_t]
 *
 * and dCE/dx_k = p_k - (k == t).  CE / (1 - p_t) tends to 1 when p_t tends to 1, and f' to the
 * power, which is then 0 for any focal > 0: nothing is divided by nothing.  One class is a softmax
 * over the logits 0 and x, which is the sigmoid of x; pos_weight multiplies f where t is 1
 * (PyTorch's BCEWithLogitsLoss).  Cross-entropy: Ronneberger et al. 2015, equation 1; focal loss:
 * Lin et al. 2017, equation 4.
 *
 * The overlap term takes the counts tp = sum of w p_c over the pixels of class c, fp = sum of w p_c
 * over the others, fn = sum of w (1 - p_c) over those of class c, and T = N / D from them:
 *
 *   dT/dp_c of a pixel = w * (D - N (1 - false_negative)) / D^2      where the pixel is of class c
 *                        w * -N false_positive / D^2                 else
 *   dx_k = p_k (g_k - sum over c: p_c g_c),  g_c = dloss / dp_c      (softmax's derivative)
 *
 * The pixels' gradients carry the factor w / sum(w).
 */
#include "cpu/reference/reference.h"

#include <math.h>
#include <string.h>

#include "base/logits.h"

static size_t pixel_count(struct un_tensor t)
{
    return (size_t)t.shape.n * t.shape.h * t.shape.w;
}

/* What a pixel's logits say; p has max(2, classes) entries. */
struct answer {
    double p[UNET_MAX_CLASSES];
    double ce, miss; /* -log p_t, 1 - p_t */
};

static void answer_pixel(const float *logits, int classes, int label, struct answer *a)
{
    const int count = classes == 1 ? 2 : classes;
    double x[UNET_MAX_CLASSES] = {0}, largest, sum = 0, others = 0;
    for (int k = 0; k < classes; k++)
        x[k + (classes == 1)] = logits[k];
    largest = x[0];
    for (int k = 1; k < count; k++)
        largest = x[k] > largest || isnan(x[k]) ? x[k] : largest;
    for (int k = 0; k < count; k++) {
        a->p[k] = exp(x[k] - largest);
        sum += a->p[k];
        others += k == label ? 0 : a->p[k];
    }
    a->ce = un_cross_entropy(logits, 1, classes, label);
    a->miss = others / sum;
    for (int k = 0; k < count; k++)
        a->p[k] /= sum;
}

static double focal_loss(const struct answer *a, double gamma)
{
    return pow(a->miss, gamma) * a->ce;
}

/* its derivative by ce */
static double focal_slope(const struct answer *a, double gamma)
{
    double ratio = a->miss > 0 ? a->ce / a->miss : 1;
    return pow(a->miss, gamma) * (1 + gamma * (1 - a->miss) * ratio);
}

static double class_factor(const unet_loss *loss, int classes, int label)
{
    return classes == 1 && label == 1 ? loss->pos_weight : 1;
}

/* Of the batch; T's classes are first .. end - 1. */
struct sums {
    int first, end;
    double loss, weight, tp[UNET_MAX_CLASSES], fp[UNET_MAX_CLASSES], fn[UNET_MAX_CLASSES];
};

static void add_pixel(struct sums *s, const unet_loss *loss, int classes, const struct answer *a,
                      int label, double weight)
{
    s->loss += weight * class_factor(loss, classes, label) * focal_loss(a, loss->focal);
    s->weight += weight;
    for (int k = s->first; k < s->end; k++)
        *(k == label ? &s->tp[k] : &s->fp[k]) += weight * a->p[k];
    if (label >= s->first)
        s->fn[label] += weight * a->miss;
}

static double tversky(const struct sums *s, const unet_loss *loss, int k)
{
    double n = s->tp[k] + loss->smooth;
    return n /
           (n + (double)loss->false_positive * s->fp[k] + (double)loss->false_negative * s->fn[k]);
}

/* dloss / dp_k of a pixel of weight 1 */
static double overlap_slope(const struct sums *s, const unet_loss *loss, int k, bool own)
{
    double n = s->tp[k] + loss->smooth, t = tversky(s, loss, k), d = n / t;
    double slope = own ? (1 - t * (1 - (double)loss->false_negative)) / d
                       : -t * (double)loss->false_positive / d;
    return -(double)loss->overlap / (s->end - s->first) * slope;
}

static void gradient_of_pixel(const struct sums *s, const unet_loss *loss, int classes,
                              const struct answer *a, int label, double weight, float *d)
{
    const int hidden = classes == 1; /* the logit 0 is nobody's */
    double slope =
        loss->pixel / s->weight * class_factor(loss, classes, label) * focal_slope(a, loss->focal);
    double g[UNET_MAX_CLASSES] = {0}, mean = 0;
    for (int k = s->first; k < s->end && loss->overlap > 0; k++) {
        g[k] = overlap_slope(s, loss, k, k == label);
        mean += a->p[k] * g[k];
    }
    for (int k = hidden; k < classes + hidden; k++) {
        double by_ce = k == label ? -a->miss : a->p[k];
        d[k - hidden] = (float)(weight * (slope * by_ce + a->p[k] * (g[k] - mean)));
    }
}

static struct sums no_sums(const unet_loss *loss, int classes)
{
    struct sums s = {.first = loss->first_class, .end = classes};
    if (classes == 1)
        s.first = 1, s.end = 2;
    return s;
}

/* Adds pixels first .. end - 1. */
static void add_pixels(struct sums *s, struct un_tensor logits, const uint8_t *labels,
                       const float *weights, const unet_loss *loss, size_t first, size_t end)
{
    const int classes = logits.shape.c;
    struct answer a;
    for (size_t i = first; i < end; i++)
        if (weights[i] != 0) {
            answer_pixel(logits.data + i * classes, classes, labels[i], &a);
            add_pixel(s, loss, classes, &a, labels[i], weights[i]);
        }
}

static void finish(const struct sums *s, struct un_tensor logits, const uint8_t *labels,
                   const float *weights, const unet_loss *loss, double *result,
                   struct un_tensor dlogits)
{
    const size_t pixels = pixel_count(logits);
    const int classes = logits.shape.c;
    struct answer a;
    double index = 0;
    for (int k = s->first; k < s->end; k++)
        index += tversky(s, loss, k) / (s->end - s->first);
    result[0] = loss->pixel * s->loss;
    if (loss->overlap > 0)
        result[0] += loss->overlap * (1 - index) * s->weight;
    result[1] = s->weight;
    for (size_t i = 0; dlogits.data && i < pixels; i++) {
        float *d = dlogits.data + i * classes;
        if (weights[i] == 0) {
            memset(d, 0, classes * sizeof *d);
            continue;
        }
        answer_pixel(logits.data + i * classes, classes, labels[i], &a);
        gradient_of_pixel(s, loss, classes, &a, labels[i], weights[i], d);
    }
}

void un_ref_loss(struct un_engine *e, struct un_tensor logits, const uint8_t *labels,
                 const float *weights, const unet_loss *loss, double *result,
                 struct un_tensor dlogits)
{
    (void)e;
    struct sums s = no_sums(loss, logits.shape.c);
    add_pixels(&s, logits, labels, weights, loss, 0, pixel_count(logits));
    finish(&s, logits, labels, weights, loss, result, dlogits);
}

void un_ref_loss_sums(struct un_engine *e, struct un_tensor logits, const uint8_t *labels,
                      const float *weights, const unet_loss *loss, double *sums,
                      struct un_tensor dlogits)
{
    (void)e;
    (void)dlogits; /* all is made anew in the second step */
    const size_t pixels = (size_t)logits.shape.h * logits.shape.w;
    for (int n = 0; n < logits.shape.n; n++) {
        struct sums s = no_sums(loss, logits.shape.c);
        add_pixels(&s, logits, labels, weights, loss, n * pixels, (n + 1) * pixels);
        *sums++ = s.loss;
        *sums++ = s.weight;
        for (int k = 0; k < (logits.shape.c > 1 ? logits.shape.c : 2); k++) {
            *sums++ = s.tp[k];
            *sums++ = s.fp[k];
            *sums++ = s.fn[k];
        }
    }
}

void un_ref_loss_of(struct un_engine *e, struct un_tensor logits, const uint8_t *labels,
                    const float *weights, const unet_loss *loss, const double *sums, double *result,
                    struct un_tensor dlogits)
{
    (void)e;
    struct sums s = no_sums(loss, logits.shape.c);
    s.loss = sums[0];
    s.weight = sums[1];
    for (int k = s.first; k < s.end; k++) {
        s.tp[k] = sums[2 + 3 * k];
        s.fp[k] = sums[2 + 3 * k + 1];
        s.fn[k] = sums[2 + 3 * k + 2];
    }
    finish(&s, logits, labels, weights, loss, result, dlogits);
}

void un_ref_probabilities(struct un_engine *e, struct un_tensor logits)
{
    (void)e;
    size_t pixels = pixel_count(logits);
    int classes = logits.shape.c;
    struct answer a;
    for (size_t i = 0; i < pixels; i++) {
        float *x = logits.data + i * classes;
        answer_pixel(x, classes, 0, &a);
        for (int k = 0; k < classes; k++)
            x[k] = (float)a.p[k + (classes == 1)];
    }
}

void un_ref_argmax(struct un_engine *e, struct un_tensor logits, uint8_t *labels)
{
    (void)e;
    size_t pixels = pixel_count(logits);
    int classes = logits.shape.c;
    for (size_t i = 0; i < pixels; i++) {
        const float *x = logits.data + i * classes;
        int best = 0;
        for (int k = 1; k < classes; k++)
            if (x[k] > x[best])
                best = k;
        labels[i] = (uint8_t)(classes == 1 ? x[0] > 0 : best);
    }
}
