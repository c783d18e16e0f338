/* SPDX-License-Identifier: Apache-2.0 */
/* A ladder from the plainest kernels up; a machine stands on the highest rung it can bear. */
#include "cpu/dispatch.h"

#include <stdlib.h>
#include <string.h>

struct rung {
    const struct un_kernels *kernels;
    bool (*supported)(void);
};

static bool always(void)
{
    return true;
}

#if defined(__x86_64__)
/* __builtin_cpu_supports() also asks the operating system whether it saves the registers. */
static bool has_avx2(void)
{
    return __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma");
}

static bool has_avx512(void)
{
    return has_avx2() && __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512vl") &&
           __builtin_cpu_supports("avx512bw") && __builtin_cpu_supports("avx512dq");
}

static const struct rung ladder[] = {
    {&un_kernels_baseline, always}, {&un_kernels_avx2, has_avx2}, {&un_kernels_avx512, has_avx512}};
#else
static const struct rung ladder[] = {{&un_kernels_baseline, always}};
#endif

enum { RUNGS = sizeof ladder / sizeof *ladder };

/* -1: no such name.  A name that only other processors have is known, too. */
static int find(const char *isa)
{
    static const char *const names[] = {"baseline", "avx2", "avx512"};
    for (int i = 0; i < 3; i++)
        if (!strcmp(isa, names[i]))
            return i;
    return -1;
}

unet_code un_kernels_find(const char *isa, const struct un_kernels **kernels, unet_error *err)
{
    const char *cap = getenv("UNET_ISA");
    const char *name = isa ? isa : cap && *cap ? cap : "avx512";
    int wanted = find(name), highest = 0;
    if (wanted < 0)
        return un_fail(err, UNET_EINVAL,
                       "%s%s: no such instruction set, wanted avx512, avx2 or baseline",
                       isa ? "" : "UNET_ISA=", name);
    while (highest < wanted && highest + 1 < RUNGS && ladder[highest + 1].supported())
        highest++;
    if (isa && highest < wanted)
        return un_fail(err, UNET_EDEVICE, "%s: this processor has %s at most", isa,
                       ladder[highest].kernels->isa);
    *kernels = ladder[highest].kernels;
    return UNET_OK;
}
