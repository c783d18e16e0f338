/* SPDX-License-Identifier: Apache-2.0 */
/*
 * loss_kernel.h - the losses of VEC pixels at a time: a lane is a pixel, a plane a class
 *
 * A sigmoid is a softmax over the logits 0 and x, so one class is two planes here, the first of
 * them zero.
 *
 * With e_k = exp(x_k - largest) and t the pixel's class, the first pass makes
 *
 *   miss = 1 - p_t = sum over k != t: e_k / sum over k: e_k        (small ones are exact, too)
 *   CE   = largest - x_t + log(sum over k: e_k)
 *   d_k  = dCE / dx_k = p_k, but -miss for k = t
 *
 * and the focal loss, f(CE) = miss^gamma CE, has the derivative
 *
 *   df / dCE = miss^gamma (1 + gamma p_t CE / miss),      CE / miss -> 1 for miss -> 0
 *
 * Where there is no overlap term, the first pass leaves weight * df / dCE * d_k, which only wants a
 * factor.  Else it leaves d_k, from which the second pass knows all probabilities again.
 */
#ifndef UN_LOSS_KERNEL_H
#define UN_LOSS_KERNEL_H

#include <string.h>

#include "cpu/kernels/finish_kernel.h"
#include "cpu/kernels/kernels.h"
#include "cpu/kernels/vec.h"

/* Pixels past the last one and ignored ones have weight 0, label -1. */
struct pixels {
    vec weight;
    vec_mask label;
    int count;
};

static struct pixels load_pixels(const struct un_loss_piece *p, size_t at)
{
    float weight[VEC] __attribute__((aligned(64)));
    int32_t label[VEC] __attribute__((aligned(64)));
    struct pixels g = {.count = p->pixels - at < VEC ? (int)(p->pixels - at) : VEC};
    for (int i = 0; i < VEC; i++) {
        weight[i] = i < g.count ? p->weights[at + i] : 0;
        label[i] = weight[i] != 0 ? p->labels[at + i] : -1;
    }
    g.weight = vec_load(weight);
    g.label = *(const vec_mask *)label;
    return g;
}

/* planes[k][i] = x[i][k], zero past the last pixel */
static void load_planes(const float *x, int classes, int count, float *planes)
{
    if (count < VEC)
        memset(planes, 0, sizeof(float) * VEC * (size_t)classes);
    if (classes == 2 && count == VEC)
        for (int i = 0; i < VEC; i++) {
            planes[i] = x[2 * i];
            planes[VEC + i] = x[2 * i + 1];
        }
    else if (classes == 1 && count == VEC)
        memcpy(planes, x, sizeof(float) * VEC);
    else
        for (int i = 0; i < count; i++)
            for (int k = 0; k < classes; k++)
                planes[k * VEC + i] = x[i * classes + k];
}

static void store_planes(const float *planes, int classes, int count, float *x)
{
    if (classes == 2 && count == VEC)
        for (int i = 0; i < VEC; i++) {
            x[2 * i] = planes[i];
            x[2 * i + 1] = planes[VEC + i];
        }
    else if (classes == 1 && count == VEC)
        memcpy(x, planes, sizeof(float) * VEC);
    else
        for (int i = 0; i < count; i++)
            for (int k = 0; k < classes; k++)
                x[i * classes + k] = planes[k * VEC + i];
}

/* sums[VEC] += v, lane by lane */
INLINE void add_lanes(double *sums, vec v)
{
    enum { HALF = VEC / 2 };
    float lanes[VEC] __attribute__((aligned(64)));
    vec_store(lanes, v);
    *(vec_double *)sums += vec_widen(lanes);
    *(vec_double *)(sums + HALF) += vec_widen(lanes + HALF);
}

/* miss^gamma, 0 where miss is */
INLINE vec miss_power(vec miss, float gamma)
{
    vec_mask none = miss < vec_all(FLT_MIN);
    return vec_keep(~none, vec_exp(gamma * vec_log(vec_select(none, vec_all(1), miss))));
}

/* df / dCE, see above; hit: p_t, which beside a large CE is no difference of 1 and miss */
INLINE vec focal_slope(vec miss, vec hit, vec ce, vec power, float gamma)
{
    vec_mask none = miss < vec_all(FLT_MIN);
    vec ratio = vec_select(none, vec_all(1), ce / vec_select(none, vec_all(1), miss));
    return power * (1 + gamma * hit * ratio);
}

/* What the first pass finds of VEC pixels; planes then hold e_k. */
struct scores {
    vec ce, miss, hit, share; /* share: 1 / sum over k: e_k */
};

static struct scores score_pixels(float *planes, int count, vec_mask label)
{
    vec most = vec_load(planes), other = {0}, own = {0}, x_own = {0};
    for (int k = 1; k < count; k++)
        most = vec_max(vec_load(planes + k * VEC), most);
    for (int k = 0; k < count; k++) {
        vec_mask hit = label == k;
        vec x = vec_load(planes + k * VEC), e = vec_exp(x - most);
        x_own += vec_keep(hit, x);
        own += vec_keep(hit, e);
        other += vec_keep(~hit, e);
        vec_store(planes + k * VEC, e);
    }
    vec share = 1 / (other + own);
    vec rest = vec_select(x_own == most, other, other - 1 + own); /* of the sum, besides 1 */
    return (struct scores){most - x_own + vec_log1p(rest), other * share, own * share, share};
}

/* Adds what class k has of true positives, false positives and false negatives. */
INLINE void count_class(double *sums, vec weight, vec_mask hit, vec p, vec miss)
{
    add_lanes(sums, vec_keep(hit, weight * p));
    add_lanes(sums + VEC, vec_keep(~hit, weight * p));
    add_lanes(sums + 2 * VEC, vec_keep(hit, weight * miss));
}

static void loss_sums(const struct un_loss_piece *p)
{
    const int extra = p->classes == 1, count = p->classes + extra;
    const bool overlap = p->loss->overlap > 0;
    const float gamma = p->loss->focal;
    float *inner = p->planes + extra * VEC; /* planes that lie in memory, too */
    for (size_t at = 0; at < p->pixels; at += VEC) {
        const struct pixels g = load_pixels(p, at);
        const vec_mask on = g.weight != 0;
        vec factor = vec_all(1), slope = factor;
        if (extra) {
            vec_store(p->planes, (vec){0});
            factor = slope = vec_select(g.label == 1, vec_all(p->loss->pos_weight), factor);
        }
        load_planes(p->logits + at * (size_t)p->classes, p->classes, g.count, inner);
        const struct scores s = score_pixels(p->planes, count, g.label);
        if (gamma > 0) {
            vec power = miss_power(s.miss, gamma);
            slope = factor * focal_slope(s.miss, s.hit, s.ce, power, gamma);
            factor *= power;
        }
        add_lanes(p->sums, vec_keep(on, g.weight * factor * s.ce));
        add_lanes(p->sums + VEC, g.weight);
        vec scale = vec_all(1);
        if (!overlap)
            scale = g.weight * slope;
        for (int k = 0; k < count; k++) {
            vec_mask hit = g.label == k;
            vec q = vec_keep(on, vec_load(p->planes + k * VEC) * s.share);
            if (overlap)
                count_class(p->sums + (2 + 3 * k) * VEC, g.weight, hit, q, s.miss);
            vec_store(p->planes + k * VEC, vec_keep(on, scale * vec_select(hit, -s.miss, q)));
        }
        if (p->d)
            store_planes(inner, p->classes, g.count, p->d + at * (size_t)p->classes);
    }
}

/* The factor of d_k in the gradient of the pixels' share of the loss, but for the weight. */
INLINE vec pixel_slope(const struct un_loss_piece *p, vec_mask label, vec miss)
{
    const float gamma = p->loss->focal;
    vec slope = vec_all(p->scale);
    if (p->classes == 1)
        slope = vec_select(label == 1, slope * p->loss->pos_weight, slope);
    if (gamma > 0)
        slope *= focal_slope(miss, 1 - miss, -vec_log1p(-miss), miss_power(miss, gamma), gamma);
    return slope;
}

/*
 * With g_k = dloss / dp_k, which is own[k] for the pixel's class and other[k] else,
 * dloss / dx_k = p_k (g_k - sum over j: p_j g_j).
 */
static void loss_overlap(const struct un_loss_piece *p)
{
    const int extra = p->classes == 1, count = p->classes + extra;
    float *inner = p->planes + extra * VEC;
    for (size_t at = 0; at < p->pixels; at += VEC) {
        const struct pixels g = load_pixels(p, at);
        float *d = p->d + at * (size_t)p->classes;
        vec miss = {0}, mean = {0};
        load_planes(d, p->classes, g.count, inner);
        if (extra)
            vec_store(p->planes, -vec_load(inner));
        for (int k = 0; k < count; k++) {
            vec_mask hit = g.label == k;
            vec q = vec_load(p->planes + k * VEC);
            miss -= vec_keep(hit, q);
            mean += vec_select(hit, (1 + q) * p->own[k], q * p->other[k]);
        }
        vec slope = pixel_slope(p, g.label, miss);
        for (int k = 0; k < count; k++) {
            vec_mask hit = g.label == k;
            vec q = vec_load(p->planes + k * VEC);
            vec inside = vec_select(hit, (1 + q) * (p->own[k] - mean), q * (p->other[k] - mean));
            vec_store(p->planes + k * VEC, g.weight * (slope * q + inside));
        }
        store_planes(inner, p->classes, g.count, d);
    }
}

#endif
