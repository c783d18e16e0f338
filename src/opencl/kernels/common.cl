/* SPDX-License-Identifier: Apache-2.0 */
/*
 * common.cl - what every program begins with
 *
 * A map of features is [N][C / 4][H][W] of float4: the values of a pixel's four neighbouring
 * channels lie side by side, so neighbouring work items read neighbouring 16 bytes.  Channels that
 * a last block has too many are zero, always.
 *
 * An address of the host is a buffer and a distance in bytes from its beginning: IN(x) and OUT(x)
 * declare both, AS(type, x) is the pointer.  A buffer may be missing, its pointer is 0 then.  What
 * an operation may read and write in the same place is an OUT.
 */
#define IN(x) __global const uchar *restrict x##_base, const ulong x##_at
#define OUT(x) __global uchar *x##_base, const ulong x##_at
#define AS(type, x) ((__global type *)(x##_base + x##_at))

/* Of functions that are given local memory: PoCL 3.1 lets groups share what it finds in a function
 * that has not become part of its kernel. */
#define ALWAYS_INLINE static inline __attribute__((always_inline))

#define GROUP 64
#define KERNEL __kernel __attribute__((reqd_work_group_size(GROUP, 1, 1)))

/* What an activation makes of v; its derivative is 1 or slope, too. */
static inline float4 activate(float4 v, int act, float slope)
{
    return act ? select(slope * v, v, v > 0.0f) : v;
}

/* Writes v as a gradient in the way that struct un_gradient says. */
static inline void give(__global float4 *d, size_t at, float4 v, int accumulate, int act, float slope,
                 __global const float4 *y)
{
    if (accumulate)
        v += d[at];
    if (act)
        v = select(slope * v, v, y[at] > 0.0f);
    d[at] = v;
}

/* Four channels of a plain pixel at p, of which `left` are there. */
static inline float4 load_plain(__global const float *p, int left)
{
    float4 v = 0.0f;
    v.x = p[0];
    if (left > 1)
        v.y = p[1];
    if (left > 2)
        v.z = p[2];
    if (left > 3)
        v.w = p[3];
    return v;
}

static inline void store_plain(__global float *p, float4 v, int left)
{
    p[0] = v.x;
    if (left > 1)
        p[1] = v.y;
    if (left > 2)
        p[2] = v.z;
    if (left > 3)
        p[3] = v.w;
}

/* Four values of an array of parameters, zero behind its end. */
static inline float4 load_channels(__global const float *p, int first, int count)
{
    return load_plain(p + first, count - first);
}
