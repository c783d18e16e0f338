/* SPDX-License-Identifier: Apache-2.0 */
/* The only file above the seam that knows which engines there are. */
#include "engine/choose.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "cpu/kernels/kernels.h"
#include "opencl/engine_opencl.h"

enum { MOST_DEVICES = 16 };

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

static int cpu_devices(char (*names)[UN_DEVICE_NAME], int most)
{
    if (most > 0)
        snprintf(names[0], UN_DEVICE_NAME, "%s", un_cpu_isa());
    return 1;
}

static unet_code cpu_create(int device, int threads, struct un_engine **engine, unet_error *err)
{
    (void)device;
    return un_engine_cpu_create(NULL, threads, engine, err);
}

static int reference_devices(char (*names)[UN_DEVICE_NAME], int most)
{
    if (most > 0)
        snprintf(names[0], UN_DEVICE_NAME, "one core");
    return 1;
}

static unet_code reference_create(int device, int threads, struct un_engine **engine,
                                  unet_error *err)
{
    (void)device, (void)threads;
    return un_engine_reference_create(engine, err);
}

static int opencl_devices(char (*names)[UN_DEVICE_NAME], int most)
{
    const int count = un_opencl_devices();
    for (int i = 0; i < count && i < most; i++) {
        struct un_opencl_device device;
        un_opencl_device(i, &device);
        snprintf(names[i], UN_DEVICE_NAME, "%.*s", UN_DEVICE_NAME - 1, device.name);
    }
    return count;
}

/* The first is the one to use. */
static const struct un_engine_kind known[] = {
    {"cpu", cpu_devices, cpu_create},
    {"reference", reference_devices, reference_create},
    {"opencl", opencl_devices, un_engine_opencl_create},
};

enum { KNOWN = sizeof known / sizeof *known };

/* All kinds in turn, then NULL. */
static const struct un_engine_kind *kind_at(int i)
{
    return i < KNOWN ? &known[i] : un_more_engines[i - KNOWN];
}

bool un_engine_known(const char *name)
{
    const struct un_engine_kind *kind;
    for (int i = 0; (kind = kind_at(i)); i++)
        if (!strcmp(kind->name, name))
            return true;
    return false;
}

/* Whether a device of this name is what `wanted` says, a number or a part of a name. */
static bool is_wanted(const char *name, int number, const char *wanted)
{
    const size_t length = strlen(wanted);
    if (length && strspn(wanted, "0123456789") == length)
        return length < 4 && atoi(wanted) == number;
    for (; *name; name++)
        if (!strncasecmp(name, wanted, length))
            return true;
    return false;
}

static unet_code find_device(const struct un_engine_kind *kind, const char *wanted, int *device,
                             unet_error *err)
{
    char names[MOST_DEVICES][UN_DEVICE_NAME];
    int count = kind->devices(names, MOST_DEVICES);
    for (int i = 0; i < count && i < MOST_DEVICES; i++)
        if (is_wanted(names[i], i, wanted)) {
            *device = i;
            return UNET_OK;
        }
    return un_fail(err, UNET_EDEVICE,
                   "UNET_ENGINE=%s:%s: no such device, %s has %d, counted from 0%s%s", kind->name,
                   wanted, kind->name, count, count ? "; the first is " : "",
                   count ? names[0] : "");
}

unet_code un_engine_choose(int threads, struct un_engine **engine, unet_error *err)
{
    const char *wanted = getenv("UNET_ENGINE");
    char names[128] = "";
    int device = 0;
    if (threads < 0 || threads > 1024)
        return un_fail(err, UNET_EINVAL, "%d threads, wanted 0 (one per core) to 1024", threads);
    if (!wanted || !*wanted)
        wanted = known[0].name;
    const size_t length = strcspn(wanted, ":");
    const struct un_engine_kind *kind;
    for (int i = 0; (kind = kind_at(i)); i++) {
        if (strlen(kind->name) == length && !strncmp(kind->name, wanted, length))
            break;
        const size_t used = strlen(names);
        snprintf(names + used, sizeof names - used, "%s%s", i ? " or " : "", kind->name);
    }
    if (!kind)
        return un_fail(err, UNET_EINVAL, "UNET_ENGINE=%s: no such engine, wanted %s", wanted,
                       names);
    unet_code code = UNET_OK;
    if (wanted[length])
        code = find_device(kind, wanted + length + 1, &device, err);
    return code ? code : kind->create(device, threads, engine, err);
}
