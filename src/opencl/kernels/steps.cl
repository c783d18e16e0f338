/* SPDX-License-Identifier: Apache-2.0 */
/* steps.cl - optimisers and sums: a work item takes every so many-th value of an array */

#define FOR_ALL(i, count) for (ulong i = get_global_id(0); i < (count); i += get_global_size(0))

KERNEL void sgd(OUT(w), IN(g), OUT(m), const ulong count, const float rate, const float momentum,
                const float decay, const int nesterov)
{
    FOR_ALL(i, count) {
        const float old = AS(float, w)[i], gradient = AS(const float, g)[i] + decay * old;
        const float velocity = momentum * AS(float, m)[i] + gradient;
        AS(float, m)[i] = velocity;
        AS(float, w)[i] = old - rate * (nesterov ? gradient + momentum * velocity : velocity);
    }
}

/* step: rate / (1 - beta1^t); spread: 1 / sqrt(1 - beta2^t); keep: what decay leaves of a weight */
KERNEL void adam(OUT(w), IN(g), OUT(m), OUT(v), const ulong count, const float step,
                 const float beta1, const float beta2, const float epsilon, const float decay,
                 const float keep, const float spread)
{
    FOR_ALL(i, count) {
        const float old = AS(float, w)[i], gradient = AS(const float, g)[i] + decay * old;
        const float first = beta1 * AS(float, m)[i] + (1.0f - beta1) * gradient;
        const float second = beta2 * AS(float, v)[i] + (1.0f - beta2) * gradient * gradient;
        AS(float, m)[i] = first;
        AS(float, v)[i] = second;
        AS(float, w)[i] = keep * old - step * first / (sqrt(second) * spread + epsilon);
    }
}

KERNEL void rmsprop(OUT(w), IN(g), OUT(m), OUT(v), const ulong count, const float rate,
                    const float momentum, const float alpha, const float epsilon, const float decay)
{
    FOR_ALL(i, count) {
        const float old = AS(float, w)[i], gradient = AS(const float, g)[i] + decay * old;
        const float square = alpha * AS(float, v)[i] + (1.0f - alpha) * gradient * gradient;
        float move = gradient / (sqrt(square) + epsilon);
        AS(float, v)[i] = square;
        if (momentum > 0.0f) {
            move += momentum * AS(float, m)[i];
            AS(float, m)[i] = move;
        }
        AS(float, w)[i] = old - rate * move;
    }
}

/* y = a * y + b * x; without x, a * y */
KERNEL void blend(OUT(y), IN(x), const ulong count, const float a, const float b)
{
    FOR_ALL(i, count) {
        float v = a * AS(float, y)[i];
        if (x_base)
            v += b * AS(const float, x)[i];
        AS(float, y)[i] = v;
    }
}

/* to += from */
KERNEL void fold(OUT(to), IN(from), const ulong count)
{
    FOR_ALL(i, count) {
        AS(float, to)[i] += AS(const float, from)[i];
    }
}

/* ---- sums: those of each group of work items, then those of the groups in order ---- */

KERNEL void square_groups(IN(x), OUT(sums), const ulong count)
{
    __local real part[GROUP];
    const int lane = (int)get_local_id(0);
    real sum = real_of(0.0f);
    FOR_ALL(i, count) {
        const real v = real_of(AS(const float, x)[i]);
        sum = real_add(sum, real_mul(v, v));
    }
    part[lane] = sum;
    for (int step = GROUP / 2; step > 0; step /= 2) {
        barrier(CLK_LOCAL_MEM_FENCE);
        if (lane < step)
            part[lane] = real_add(part[lane], part[lane + step]);
    }
    if (lane == 0)
        AS(real, sums)[get_group_id(0)] = part[0];
}

KERNEL void square_all(IN(sums), OUT(result), const int groups)
{
    real sum = real_of(0.0f);
    if (get_global_id(0) != 0)
        return;
    for (int i = 0; i < groups; i++)
        sum = real_add(sum, AS(const real, sums)[i]);
    AS(real, result)[0] = sum;
}

KERNEL void nonfinite_groups(IN(x), OUT(sums), const ulong count)
{
    __local uint part[GROUP];
    const int lane = (int)get_local_id(0);
    uint found = 0;
    FOR_ALL(i, count) {
        found += (as_uint(AS(const float, x)[i]) & 0x7f800000u) == 0x7f800000u ? 1u : 0u;
    }
    part[lane] = found;
    for (int step = GROUP / 2; step > 0; step /= 2) {
        barrier(CLK_LOCAL_MEM_FENCE);
        if (lane < step)
            part[lane] += part[lane + step];
    }
    if (lane == 0)
        AS(ulong, sums)[get_group_id(0)] = part[0];
}

KERNEL void nonfinite_all(IN(sums), OUT(result), const int groups)
{
    ulong sum = 0;
    if (get_global_id(0) != 0)
        return;
    for (int i = 0; i < groups; i++)
        sum += AS(const ulong, sums)[i];
    AS(ulong, result)[0] = sum;
}
