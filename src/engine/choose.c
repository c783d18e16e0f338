/* SPDX-License-Identifier: Apache-2.0 */
/* The only file above the seam that knows which engines there are. */
#include "engine/choose.h"

#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "base/system.h"
#include "cpu/kernels/kernels.h"
#include "opencl/engine_opencl.h"

const char *un_cpu_isa(void)
{
    const struct un_kernels *kernels;
    return un_kernels_find(NULL, &kernels, NULL) ? "none" : kernels->isa;
}

bool un_cpu_has(const char *isa)
{
    const struct un_kernels *kernels;
    return !un_kernels_find(isa, &kernels, NULL);
}

/* ---- kinds ------------------------------------------------------------------------------- */

static int cpu_devices(unet_device *devices, int most)
{
    if (most > 0) {
        devices[0] =
            (unet_device){.type = "cpu", .bytes = un_system_memory(), .units = un_system_cores()};
        un_system_processor(devices[0].name, sizeof devices[0].name);
        snprintf(devices[0].driver, sizeof devices[0].driver, "%s", un_cpu_isa());
    }
    return 1;
}

static unet_code cpu_create(int device, int threads, struct un_engine **engine, unet_error *err)
{
    (void)device;
    return un_engine_cpu_create(NULL, threads, engine, err);
}

static int reference_devices(unet_device *devices, int most)
{
    if (most > 0)
        devices[0] = (unet_device){.name = "one core", .type = "cpu", .units = 1};
    return 1;
}

static unet_code reference_create(int device, int threads, struct un_engine **engine,
                                  unet_error *err)
{
    (void)device, (void)threads;
    return un_engine_reference_create(engine, err);
}

static int opencl_devices(unet_device *devices, int most)
{
    const int count = un_opencl_devices();
    for (int i = 0; i < count && i < most; i++) {
        struct un_opencl_device known;
        un_opencl_device(i, &known);
        devices[i] = (unet_device){.bytes = known.memory, .units = known.compute_units};
        snprintf(devices[i].name, sizeof devices[i].name, "%.95s", known.name);
        snprintf(devices[i].driver, sizeof devices[i].driver, "OpenCL, %.63s", known.driver);
        snprintf(devices[i].type, sizeof devices[i].type, "%s", known.is_gpu ? "gpu" : "cpu");
    }
    return count;
}

/* The first is the one to use. */
static const struct un_engine_kind known[] = {
    {"cpu", false, cpu_devices, cpu_create},
    {"reference", true, reference_devices, reference_create},
    {"opencl", false, opencl_devices, un_engine_opencl_create},
};

enum { KNOWN = sizeof known / sizeof *known };

const struct un_engine_kind *un_kind_at(int i)
{
    return i < KNOWN ? &known[i] : un_more_engines[i - KNOWN];
}

const struct un_engine_kind *un_kind_find(const char *name, size_t length)
{
    const struct un_engine_kind *kind;
    for (int i = 0; (kind = un_kind_at(i)); i++)
        if (strlen(kind->name) == length && !strncasecmp(kind->name, name, length))
            return kind;
    return NULL;
}

bool un_engine_known(const char *name)
{
    return un_kind_find(name, strlen(name));
}

const char *un_device_lacks(void)
{
    return un_opencl_lacks();
}

unet_code un_engine_choose(int threads, struct un_engine **engine, unet_error *err)
{
    struct un_choice choice;
    if (threads < 0 || threads > 1024)
        return un_fail(err, UNET_EINVAL, "%d threads, wanted 0 (one per core) to 1024", threads);
    const unet_code code = un_choice_here(&choice, err);
    return code ? code : choice.kind->create(choice.device, threads, engine, err);
}
