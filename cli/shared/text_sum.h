/* SPDX-License-Identifier: Apache-2.0 */
/* text_sum.h - a number that tells bytes apart which nobody has made alike on purpose (FNV-1a) */
#ifndef TEXT_SUM_H
#define TEXT_SUM_H

#include <stddef.h>
#include <stdint.h>
#include <string.h>

#define TEXT_SUM_START 14695981039346656037u

static inline uint64_t bytes_sum(uint64_t sum, const void *bytes, size_t size)
{
    const unsigned char *at = bytes;

    for (size_t i = 0; i < size; i++)
        sum = (sum ^ at[i]) * 1099511628211u;
    return sum;
}

/* With the 0 at its end, so that "a", "bc" is not "ab", "c". */
static inline uint64_t text_sum(uint64_t sum, const char *text)
{
    return bytes_sum(sum, text, strlen(text) + 1);
}

#endif
