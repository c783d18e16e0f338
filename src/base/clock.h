/* SPDX-License-Identifier: Apache-2.0 */
/* clock.h - time that nobody sets back */
#ifndef UN_CLOCK_H
#define UN_CLOCK_H

#include <time.h>

/* Seconds since some moment. */
static inline double un_clock_seconds(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

#endif
