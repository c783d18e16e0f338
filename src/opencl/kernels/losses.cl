/* SPDX-License-Identifier: Apache-2.0 */
/*
 * losses.cl - the loss of a batch, its gradient, and what logits answer
 *
 * One class is a softmax over the logits 0 and x, so it has two planes, the first of them zero.
 * With the largest logit m and the pixel's class t, a pixel's scores are
 *
 *   m,   share = 1 / sum over k: exp(x_k - m),   miss = 1 - p_t,   CE = -log p_t
 *
 * which the first pass leaves in the workspace.  The second adds up what each class has of true
 * positives, false positives and false negatives, in bands of each image; the last makes the
 * gradient.  The formulas: cpu/reference/reference_loss.c.
 */

static inline float logit(__global const float *x, int classes, int k)
{
    return classes > 1 ? x[k] : k ? x[0] : 0.0f;
}

KERNEL void loss_scores(IN(logits), IN(labels), IN(weights), OUT(scores), const int classes,
                        const ulong pixels)
{
    const ulong i = get_global_id(0);
    if (i >= pixels)
        return;
    float4 s = 0.0f;
    if (AS(const float, weights)[i] != 0.0f) {
        __global const float *x = AS(const float, logits) + i * (ulong)classes;
        const int planes = max(classes, 2), label = AS(const uchar, labels)[i];
        float most = logit(x, classes, 0), rest = 0.0f, others = 0.0f;
        int best = 0;
        for (int k = 1; k < planes; k++) {
            const float v = logit(x, classes, k);
            if (v > most || isnan(v)) {
                most = v;
                best = k;
            }
        }
        for (int k = 0; k < planes; k++) {
            const float e = exp(logit(x, classes, k) - most);
            rest += k == best ? 0.0f : e;
            others += k == label ? 0.0f : e;
        }
        s.x = most;
        s.y = 1.0f / (1.0f + rest);
        s.z = others * s.y;
        s.w = most - logit(x, classes, label) + log1p(rest);
    }
    AS(float4, scores)[i] = s;
}

static inline float focal_power(float miss, float gamma)
{
    return gamma > 0.0f ? (miss > 0.0f ? pow(miss, gamma) : 0.0f) : 1.0f;
}

/*
 * dimensions: band, row of sums, image.  Row 0 makes the sums of losses and of weights, row k + 1
 * those of class k.  sums [N][bands][2 + 3 planes].
 */
KERNEL void loss_bands(IN(logits), IN(labels), IN(weights), IN(scores), OUT(sums),
                       const int classes, const int pixels, const int bands, const float focal,
                       const float pos_weight)
{
    __local real part[GROUP];
    const int band = (int)get_group_id(0), row = (int)get_global_id(1), n = (int)get_global_id(2);
    const int lane = (int)get_local_id(0);
    const int from = (int)((long)pixels * band / bands);
    const int to = (int)((long)pixels * (band + 1) / bands), k = row - 1;
    const ulong image = (ulong)n * (ulong)pixels;
    const int rows = 2 + 3 * max(classes, 2);
    real a = real_of(0.0f), b = a, c = a;
    for (int p = from + lane; p < to; p += GROUP) {
        const ulong i = image + (ulong)p;
        const float w = AS(const float, weights)[i];
        if (w == 0.0f)
            continue;
        const float4 s = AS(const float4, scores)[i];
        const int label = AS(const uchar, labels)[i];
        if (row == 0) {
            const float factor = classes == 1 && label == 1 ? pos_weight : 1.0f;
            a = real_add(a, real_of(w * factor * focal_power(s.z, focal) * s.w));
            b = real_add(b, real_of(w));
        } else {
            const float x = logit(AS(const float, logits) + i * (ulong)classes, classes, k);
            const real share = real_of(w * (exp(x - s.x) * s.y));
            if (k == label) {
                a = real_add(a, share);
                c = real_add(c, real_of(w * s.z));
            } else
                b = real_add(b, share);
        }
    }
    const real ends[3] = {a, b, c};
    for (int i = 0; i < (row ? 3 : 2); i++) {
        const real sum = group_sum(part, ends[i]);
        if (lane == 0)
            AS(real, sums)[((size_t)n * (size_t)bands + (size_t)band) * (size_t)rows +
                           (size_t)((row ? 3 * row - 1 : 0) + i)] = sum;
    }
}

/* images [N][rows]: the bands of each added up; rows from `made` on are zero */
KERNEL void loss_images(IN(sums), OUT(images), const int bands, const int rows, const int made)
{
    const int row = (int)get_global_id(0);
    const size_t n = get_global_id(1);
    if (row >= rows)
        return;
    __global const real *s = AS(const real, sums) + n * (size_t)(bands * rows) + row;
    real sum = real_of(0.0f);
    for (int band = 0; band < bands && row < made; band++)
        sum = real_add(sum, s[band * rows]);
    AS(real, images)[n * (size_t)rows + row] = sum;
}

/* N and D of class k's index T = N / D */
static inline real index_top(__global const real *sums, const struct un_cl_loss *l, int k)
{
    return real_add(sums[2 + 3 * k], real_of(l->smooth));
}

static inline real index_below(__global const real *sums, const struct un_cl_loss *l, int k)
{
    const real fp = real_mul(real_of(l->false_positive), sums[3 + 3 * k]);
    const real fn = real_mul(real_of(l->false_negative), sums[4 + 3 * k]);
    return real_add(index_top(sums, l, k), real_add(fp, fn));
}

/*
 * factors: that of the pixels' share of the gradient, then for each plane dloss / dp of a pixel of
 * weight 1 that is of the class, and that of one that is not.  A work item is a plane; the first
 * makes the result.
 */
KERNEL void loss_factors(IN(sums), OUT(factors), OUT(result), const int planes, const struct un_cl_loss l)
{
    const int k = (int)get_global_id(0);
    __global const real *s = AS(const real, sums);
    __global float *to = AS(float, factors);
    if (k >= planes)
        return;
    const real one = real_of(1.0f), count = real_count((ulong)(l.end - l.first));
    float own = 0.0f, other = 0.0f;
    if (l.overlap > 0.0f && k >= l.first && k < l.end) {
        const real d = index_below(s, &l, k), t = real_div(index_top(s, &l, k), d);
        const real each = real_div(real_of(l.overlap), real_mul(count, d));
        const real fn = real_sub(one, real_of(l.false_negative));
        own = -real_float(real_mul(each, real_sub(one, real_mul(t, fn))));
        other = real_float(real_mul(each, real_mul(t, real_of(l.false_positive))));
    }
    to[1 + 2 * k] = own;
    to[2 + 2 * k] = other;
    if (k == 0) {
        real loss = real_mul(real_of(l.pixel), s[0]), index = real_of(0.0f);
        for (int i = l.first; i < l.end && l.overlap > 0.0f; i++)
            index = real_add(index, real_div(index_top(s, &l, i), index_below(s, &l, i)));
        if (l.overlap > 0.0f) {
            const real lack = real_sub(one, real_div(index, count));
            loss = real_add(loss, real_mul(real_mul(real_of(l.overlap), lack), s[1]));
        }
        AS(real, result)[0] = loss;
        AS(real, result)[1] = s[1];
        to[0] = real_float(real_div(real_of(l.pixel), s[1]));
    }
}

/* df / dCE, f = miss^gamma CE; hit: p_t, which beside a large CE is no difference of 1 and miss */
static inline float focal_slope(float miss, float hit, float ce, float gamma)
{
    const float ratio = miss > 0.0f ? ce / miss : 1.0f;
    if (!(gamma > 0.0f))
        return 1.0f;
    return focal_power(miss, gamma) * (1.0f + gamma * hit * ratio);
}

KERNEL void loss_gradient(IN(logits), IN(labels), IN(weights), IN(scores), IN(factors), OUT(d),
                          const int classes, const ulong pixels, const struct un_cl_loss l)
{
    const ulong i = get_global_id(0);
    if (i >= pixels)
        return;
    const int hidden = classes == 1, planes = max(classes, 2);
    __global const float *x = AS(const float, logits) + i * (ulong)classes;
    __global const float *f = AS(const float, factors);
    __global float *to = AS(float, d) + i * (ulong)classes;
    const float w = AS(const float, weights)[i];
    const float4 s = AS(const float4, scores)[i];
    if (w == 0.0f) {
        for (int k = 0; k < classes; k++)
            to[k] = 0.0f;
        return;
    }
    const int label = AS(const uchar, labels)[i];
    const float factor = classes == 1 && label == 1 ? l.pos_weight : 1.0f;
    const float hit = exp(logit(x, classes, label) - s.x) * s.y;
    const float slope = f[0] * factor * focal_slope(s.z, hit, s.w, l.focal);
    float mean = 0.0f;
    for (int k = l.first; k < l.end && l.overlap > 0.0f; k++)
        mean += exp(logit(x, classes, k) - s.x) * s.y * f[k == label ? 1 + 2 * k : 2 + 2 * k];
    for (int k = hidden; k < planes; k++) {
        const float p = exp(logit(x, classes, k) - s.x) * s.y;
        const float g = f[k == label ? 1 + 2 * k : 2 + 2 * k];
        to[k - hidden] = w * (slope * (k == label ? -s.z : p) + p * (g - mean));
    }
}

/* ---- answers ---- */

KERNEL void probabilities(OUT(logits), const int classes, const ulong pixels)
{
    const ulong i = get_global_id(0);
    if (i >= pixels)
        return;
    __global float *x = AS(float, logits) + i * (ulong)classes;
    const int planes = max(classes, 2), hidden = classes == 1;
    float most = logit(x, classes, 0), sum = 0.0f;
    for (int k = 1; k < planes; k++) {
        const float v = logit(x, classes, k);
        most = v > most || isnan(v) ? v : most;
    }
    for (int k = 0; k < planes; k++)
        sum += exp(logit(x, classes, k) - most);
    for (int k = hidden; k < planes; k++)
        x[k - hidden] = exp(logit(x, classes, k) - most) / sum;
}

KERNEL void argmax(IN(logits), OUT(labels), const int classes, const ulong pixels)
{
    const ulong i = get_global_id(0);
    if (i >= pixels)
        return;
    __global const float *x = AS(const float, logits) + i * (ulong)classes;
    int best = 0;
    for (int k = 1; k < classes; k++)
        best = x[k] > x[best] ? k : best;
    AS(uchar, labels)[i] = (uchar)(classes == 1 ? x[0] > 0.0f : best);
}
