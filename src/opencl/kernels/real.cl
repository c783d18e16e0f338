/* SPDX-License-Identifier: Apache-2.0 */
/* real.cl - doubles, as the device has them */
#pragma OPENCL EXTENSION cl_khr_fp64 : enable
typedef double real;

/* No product is fused with a sum: soft.cl has the same bits. */
#pragma OPENCL FP_CONTRACT OFF
static inline real real_of(float x)
{
    return x;
}

static inline real real_count(ulong x)
{
    return (real)x;
}

static inline float real_float(real x)
{
    return (float)x;
}

static inline real real_add(real a, real b)
{
    return a + b;
}

static inline real real_sub(real a, real b)
{
    return a - b;
}

static inline real real_mul(real a, real b)
{
    return a * b;
}

static inline real real_div(real a, real b)
{
    return a / b;
}

static inline real real_sqrt(real x)
{
    return sqrt(x);
}

static inline int real_negative(real x)
{
    return x < 0;
}
