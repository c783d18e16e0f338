/* SPDX-License-Identifier: Apache-2.0 */
/* The only file above the seam that knows which engines there are. */
#include "engine/choose.h"

#include <stdlib.h>
#include <string.h>

#include "cpu/dispatch.h"
#include "engine/engine.h"

const char *un_cpu_isa(void)
{
    const struct un_kernels *kernels;
    return un_kernels_find(NULL, &kernels, NULL) ? "none" : kernels->isa;
}

unet_code un_engine_choose(int threads, struct un_engine **engine, unet_error *err)
{
    const char *name = getenv("UNET_ENGINE");
    if (threads < 0 || threads > 1024)
        return un_fail(err, UNET_EINVAL, "%d threads, wanted 0 (one per core) to 1024", threads);
    if (!name || !*name || !strcmp(name, "cpu"))
        return un_engine_cpu_create(NULL, threads, engine, err);
    if (!strcmp(name, "reference"))
        return un_engine_reference_create(engine, err);
    return un_fail(err, UNET_EINVAL, "UNET_ENGINE=%s: no such engine, wanted cpu or reference",
                   name);
}
