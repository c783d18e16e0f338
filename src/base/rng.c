/* SPDX-License-Identifier: Apache-2.0 */
#include "base/rng.h"

#include <math.h>

/* Salmon et al. 2011, table 2: the multipliers and Weyl constants of Philox4x32 */
#define M0 0xD2511F53u
#define M1 0xCD9E8D57u
#define W0 0x9E3779B9u
#define W1 0xBB67AE85u

static void philox(uint64_t key, uint64_t low, uint64_t high, uint32_t out[4])
{
    uint32_t c0 = (uint32_t)low, c1 = (uint32_t)(low >> 32);
    uint32_t c2 = (uint32_t)high, c3 = (uint32_t)(high >> 32);
    uint32_t k0 = (uint32_t)key, k1 = (uint32_t)(key >> 32);
    for (int round = 0; round < 10; round++) {
        uint64_t p0 = (uint64_t)M0 * c0, p1 = (uint64_t)M1 * c2;
        uint32_t n0 = (uint32_t)(p1 >> 32) ^ c1 ^ k0, n2 = (uint32_t)(p0 >> 32) ^ c3 ^ k1;
        c1 = (uint32_t)p1;
        c3 = (uint32_t)p0;
        c0 = n0;
        c2 = n2;
        k0 += W0;
        k1 += W1;
    }
    out[0] = c0;
    out[1] = c1;
    out[2] = c2;
    out[3] = c3;
}

uint64_t un_rng_key(uint64_t seed, uint64_t a, uint64_t b, uint64_t c)
{
    uint32_t r[4];
    philox(seed, a, b, r);
    philox((uint64_t)r[1] << 32 | r[0], c, (uint64_t)r[3] << 32 | r[2], r);
    return (uint64_t)r[1] << 32 | r[0];
}

uint32_t un_rng_bits(uint64_t key, uint64_t i)
{
    uint32_t r[4];
    philox(key, i >> 2, 0, r);
    return r[i & 3];
}

float un_rng_uniform(uint64_t key, uint64_t i)
{
    return (float)(un_rng_bits(key, i) >> 8) * 0x1p-24f;
}

uint32_t un_rng_below(uint64_t key, uint64_t i, uint32_t n)
{
    return (uint32_t)((uint64_t)un_rng_bits(key, i) * n >> 32);
}

/* The normals use counters with the high half set, so they never share bits with un_rng_bits(). */
float un_rng_normal(uint64_t key, uint64_t i)
{
    uint32_t r[4];
    philox(key, i, 1, r);
    double u = ((double)r[0] + 1) * 0x1p-32, angle = 2 * 3.14159265358979323846 * r[1] * 0x1p-32;
    return (float)(sqrt(-2 * log(u)) * cos(angle));
}
