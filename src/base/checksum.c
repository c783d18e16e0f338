/* SPDX-License-Identifier: Apache-2.0 */
/*
 * SHA-256 (FIPS 180-4).  Its constants are the first 32 bits of the fractions of roots of primes:
 * square roots of the first 8 begin the state, cube roots of the first 64 are added in the rounds.
 */
#include "base/checksum.h"

#include <stdio.h>
#include <string.h>

enum { BLOCK = UN_SHA256_BLOCK };

static const uint32_t begin[8] = {0x6a09e667, 0xbb67ae85, 0x3c6ef372, 0xa54ff53a,
                                  0x510e527f, 0x9b05688c, 0x1f83d9ab, 0x5be0cd19};

static const uint32_t rounds[64] = {
    0x428a2f98, 0x71374491, 0xb5c0fbcf, 0xe9b5dba5, 0x3956c25b, 0x59f111f1, 0x923f82a4, 0xab1c5ed5,
    0xd807aa98, 0x12835b01, 0x243185be, 0x550c7dc3, 0x72be5d74, 0x80deb1fe, 0x9bdc06a7, 0xc19bf174,
    0xe49b69c1, 0xefbe4786, 0x0fc19dc6, 0x240ca1cc, 0x2de92c6f, 0x4a7484aa, 0x5cb0a9dc, 0x76f988da,
    0x983e5152, 0xa831c66d, 0xb00327c8, 0xbf597fc7, 0xc6e00bf3, 0xd5a79147, 0x06ca6351, 0x14292967,
    0x27b70a85, 0x2e1b2138, 0x4d2c6dfc, 0x53380d13, 0x650a7354, 0x766a0abb, 0x81c2c92e, 0x92722c85,
    0xa2bfe8a1, 0xa81a664b, 0xc24b8b70, 0xc76c51a3, 0xd192e819, 0xd6990624, 0xf40e3585, 0x106aa070,
    0x19a4c116, 0x1e376c08, 0x2748774c, 0x34b0bcb5, 0x391c0cb3, 0x4ed8aa4a, 0x5b9cca4f, 0x682e6ff3,
    0x748f82ee, 0x78a5636f, 0x84c87814, 0x8cc70208, 0x90befffa, 0xa4506ceb, 0xbef9a3f7, 0xc67178f2};

static uint32_t turned(uint32_t x, int by)
{
    return x >> by | x << (32 - by);
}

static void take_block(uint32_t state[8], const unsigned char *block)
{
    uint32_t w[64], s[8];
    for (int i = 0; i < 16; i++, block += 4)
        w[i] = (uint32_t)block[0] << 24 | (uint32_t)block[1] << 16 | (uint32_t)block[2] << 8 |
               block[3];
    for (int i = 16; i < 64; i++) {
        const uint32_t a = w[i - 15], b = w[i - 2];
        w[i] = w[i - 16] + (turned(a, 7) ^ turned(a, 18) ^ a >> 3) + w[i - 7] +
               (turned(b, 17) ^ turned(b, 19) ^ b >> 10);
    }
    memcpy(s, state, sizeof s);
    for (int i = 0; i < 64; i++) {
        const uint32_t e = s[4], a = s[0];
        const uint32_t one = s[7] + (turned(e, 6) ^ turned(e, 11) ^ turned(e, 25)) +
                             ((e & s[5]) ^ (~e & s[6])) + rounds[i] + w[i];
        const uint32_t two = (turned(a, 2) ^ turned(a, 13) ^ turned(a, 22)) +
                             ((a & s[1]) ^ (a & s[2]) ^ (s[1] & s[2]));
        memmove(s + 1, s, 7 * sizeof *s);
        s[4] += one;
        s[0] = one + two;
    }
    for (int i = 0; i < 8; i++)
        state[i] += s[i];
}

void un_sha256_begin(struct un_sha256 *sum)
{
    *sum = (struct un_sha256){0};
    memcpy(sum->state, begin, sizeof sum->state);
}

void un_sha256_add(struct un_sha256 *sum, const void *data, size_t size)
{
    const unsigned char *bytes = data;
    const size_t kept = sum->bytes % BLOCK;
    sum->bytes += size;
    if (kept) {
        const size_t taken = size < BLOCK - kept ? size : BLOCK - kept;
        memcpy(sum->rest + kept, bytes, taken);
        bytes += taken;
        size -= taken;
        if (kept + taken < BLOCK)
            return;
        take_block(sum->state, sum->rest);
    }
    for (; size >= BLOCK; size -= BLOCK, bytes += BLOCK)
        take_block(sum->state, bytes);
    if (size)
        memcpy(sum->rest, bytes, size);
}

void un_sha256_end(struct un_sha256 *sum, char text[UN_SHA256_TEXT])
{
    const size_t rest = sum->bytes % BLOCK;
    unsigned char last[2 * BLOCK] = {0}; /* what is left, a one, zeros, the number of bits */
    const size_t last_size = rest + 9 > BLOCK ? 2 * BLOCK : BLOCK;
    memcpy(last, sum->rest, rest);
    last[rest] = 0x80;
    for (int i = 0; i < 8; i++)
        last[last_size - 1 - (size_t)i] = (unsigned char)(sum->bytes * 8 >> 8 * i);
    for (size_t at = 0; at < last_size; at += BLOCK)
        take_block(sum->state, last + at);
    for (int i = 0; i < 8; i++)
        snprintf(text + (size_t)8 * (size_t)i, 9, "%08x", (unsigned)sum->state[i]);
}

void un_sha256_text(const void *data, size_t size, char text[UN_SHA256_TEXT])
{
    struct un_sha256 sum;
    un_sha256_begin(&sum);
    un_sha256_add(&sum, data, size);
    un_sha256_end(&sum, text);
}
