/* SPDX-License-Identifier: Apache-2.0 */
/* A ladder from the plainest kernels up; a machine stands on the highest rung it can bear. */
#include "cpu/kernels/kernels.h"

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
#elif defined(__aarch64__)
static const struct rung ladder[] = {{&un_kernels_neon, always}};
#else
static const struct rung ladder[] = {{&un_kernels_baseline, always}};
#endif

enum { RUNGS = sizeof ladder / sizeof *ladder };

/* The rung of a name, also where only other processors have it; -1: no such name. */
static int find(const char *isa)
{
    static const struct {
        const char *name;
        int rung;
    } names[] = {{"baseline", 0}, {"neon", 0}, {"avx2", 1}, {"avx512", 2}};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        if (!strcmp(isa, names[i].name))
            return names[i].rung;
    return -1;
}

/* the highest rung up to most that the machine can bear */
static const struct un_kernels *climb(int most)
{
    int highest = 0;
    while (highest < most && highest + 1 < RUNGS && ladder[highest + 1].supported())
        highest++;
    return ladder[highest].kernels;
}

unet_code un_kernels_find(const char *isa, const struct un_kernels **kernels, unet_error *err)
{
    const char *cap = getenv("UNET_ISA");
    const char *name = isa ? isa : cap && *cap ? cap : "avx512";
    int wanted = find(name);
    if (wanted < 0)
        return un_fail(err, UNET_EINVAL,
                       "%s%s: no such instruction set, wanted avx512, avx2, neon or baseline",
                       isa ? "" : "UNET_ISA=", name);
    const struct un_kernels *found = climb(wanted);
    if (isa && strcmp(found->isa, isa))
        return un_fail(err, UNET_EDEVICE, "%s: this processor has %s at most", isa,
                       climb(RUNGS - 1)->isa);
    *kernels = found;
    return UNET_OK;
}
