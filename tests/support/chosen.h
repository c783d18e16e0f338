/* SPDX-License-Identifier: Apache-2.0 */
/* chosen.h - the engine that UNET_DEVICE names, where that is no CPU's */
#ifndef TEST_CHOSEN_H
#define TEST_CHOSEN_H

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

/* Tests of engines then test it alone, beside the reference: the others are tested elsewhere.
 * NULL: there is none. */
static inline const char *chosen_engine(void)
{
    const char *wanted = getenv("UNET_DEVICE");
    if (!wanted || !*wanted || !strncmp(wanted, "cpu", 3) || !strncmp(wanted, "reference", 9))
        return NULL;
    return wanted;
}

/* Whether that has threads of its own, which a driver starts and keeps, and a fork loses. */
static inline bool chosen_has_threads(void)
{
    return chosen_engine() && !strncmp(chosen_engine(), "opencl", 6);
}

#endif
