/* SPDX-License-Identifier: Apache-2.0 */
/*
 * slow.h - UNET_TEST_SLOW is set: arithmetic is hundreds of times slower here, as in an emulator
 *
 * A test then does less of the same, so that every kind of case is still met.
 */
#ifndef TEST_SLOW_H
#define TEST_SLOW_H

#include <stdbool.h>
#include <stdlib.h>

static inline bool slow_machine(void)
{
    const char *set = getenv("UNET_TEST_SLOW");
    return set && *set;
}

/* One of so many cases is tried: 5, or as many as UNET_TEST_SLOW says; 1 on other machines. */
static inline int slow_share(void)
{
    const int said = slow_machine() ? atoi(getenv("UNET_TEST_SLOW")) : 1;
    return !slow_machine() || said > 1 ? said : 5;
}

#endif
