/* SPDX-License-Identifier: Apache-2.0 */
/*
 * score_bootstrap.c - how much a score depends on which images there are
 *
 * Efron 1979: the images stand for all images that there might be, so samples of them, drawn with
 * replacement, stand for other sets; the 2.5 and 97.5 percentiles of their scores are the interval
 * (percentile method).  Number i of sample r is un_rng_below(key(seed, r), i, count).
 */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/rng.h"
#include "scores/score.h"

#define PURPOSE 0x626f6f74 /* "boot": no other stream of random numbers has this key */

static int compare(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

/* Linear between the two nearest, as numpy's default. */
static double percentile(const double *sorted, int count, double share)
{
    double at = share * (count - 1), low = floor(at);
    int i = (int)low, next = i + 1 < count ? i + 1 : i;
    return sorted[i] + (at - low) * (sorted[next] - sorted[i]);
}

unet_code un_bootstrap(int count, int resamples, uint64_t seed,
                       double (*statistic)(void *context, const int *times, int count),
                       void *context, double interval[2], unet_error *err)
{
    int *times = malloc(((size_t)count + 1) * sizeof *times), kept = 0;
    double *values = malloc((size_t)resamples * sizeof *values);
    if (!times || !values) {
        free(times);
        free(values);
        return un_fail_memory(err, (size_t)count * sizeof *times, "bootstrap");
    }
    for (int r = 0; r < resamples && count > 1; r++) {
        uint64_t key = un_rng_key(seed, PURPOSE, (uint64_t)r, 0);
        memset(times, 0, (size_t)count * sizeof *times);
        for (int i = 0; i < count; i++)
            times[un_rng_below(key, (uint64_t)i, (uint32_t)count)]++;
        double value = statistic(context, times, count);
        if (!isnan(value))
            values[kept++] = value;
    }
    if (kept)
        qsort(values, (size_t)kept, sizeof *values, compare);
    interval[0] = kept ? percentile(values, kept, 0.025) : NAN;
    interval[1] = kept ? percentile(values, kept, 0.975) : NAN;
    free(times);
    free(values);
    return UNET_OK;
}
