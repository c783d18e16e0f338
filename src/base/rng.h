/* SPDX-License-Identifier: Apache-2.0 */
/*
 * rng.h - random numbers without a state: number i of stream k is a function of (k, i)
 *
 * So any number can be drawn by any thread in any order, and a run continues after a stop exactly
 * where it was.  The function is Philox4x32-10 (Salmon et al. 2011, "Parallel random numbers: as
 * easy as 1, 2, 3").
 */
#ifndef UN_RNG_H
#define UN_RNG_H

#include <stdint.h>

/* A key for a sub-stream: seed and up to three coordinates (what, step, sample), well mixed. */
uint64_t un_rng_key(uint64_t seed, uint64_t a, uint64_t b, uint64_t c);

/* 32 random bits: number i of stream key. */
uint32_t un_rng_bits(uint64_t key, uint64_t i);

/* Uniform in [0, 1), 24 bits. */
float un_rng_uniform(uint64_t key, uint64_t i);

/* Uniform in 0..n-1, without bias that matters (n < 2^32). */
uint32_t un_rng_below(uint64_t key, uint64_t i, uint32_t n);

/* Normal, mean 0, variance 1 (Box-Muller on two numbers of block i). */
float un_rng_normal(uint64_t key, uint64_t i);

#endif
