/* SPDX-License-Identifier: Apache-2.0 */
/*
 * cl_devices.c - asked once for a process: drivers are slow to answer, and their devices do not
 * change
 */
#include "opencl/cl_devices.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { MOST_PLATFORMS = 16, MOST = 16 /* as many as choose.c lists of a kind */ };

static pid_t owner; /* who asked: a driver's threads are not in a child that was forked later */
static cl_device_id devices[MOST];
static int device_count;
static const char *lacks = "";
static pthread_once_t devices_once = PTHREAD_ONCE_INIT;

/* Adds the devices of a platform that are of a type. */
static void add(const struct un_cl_api *cl, cl_platform_id platform, cl_device_type type)
{
    cl_uint found = 0;
    if (cl->clGetDeviceIDs(platform, type, (cl_uint)(MOST - device_count), devices + device_count,
                           &found))
        return;
    device_count += found < (cl_uint)(MOST - device_count) ? (int)found : MOST - device_count;
}

static void ask(void)
{
    static const cl_device_type types[] = {CL_DEVICE_TYPE_GPU, CL_DEVICE_TYPE_ACCELERATOR,
                                           CL_DEVICE_TYPE_CPU};
    const struct un_cl_api *cl = un_cl_api();
    cl_platform_id platforms[MOST_PLATFORMS];
    cl_uint found = 0;
    owner = getpid();
    if (!cl) {
        lacks = "there is no OpenCL here: libOpenCL.so.1 was not found; the graphics card's driver "
                "brings it, or the package ocl-icd-libopencl1";
        return;
    }
    if (cl->clGetPlatformIDs(MOST_PLATFORMS, platforms, &found) || !found) {
        lacks = "OpenCL has no driver here: install that of the graphics card (for the processor, "
                "the package pocl-opencl-icd)";
        return;
    }
    found = found < MOST_PLATFORMS ? found : MOST_PLATFORMS;
    for (size_t t = 0; t < sizeof types / sizeof *types; t++)
        for (cl_uint i = 0; i < found && device_count < MOST; i++)
            add(cl, platforms[i], types[t]);
    if (!device_count)
        lacks = "OpenCL has drivers here, but no device: is the graphics card's driver loaded?";
}

int un_opencl_devices(void)
{
    pthread_once(&devices_once, ask);
    return owner == getpid() ? device_count : 0;
}

const char *un_opencl_lacks(void)
{
    pthread_once(&devices_once, ask);
    return owner == getpid()
               ? lacks
               : "OpenCL was asked before this process was forked, and its drivers do "
                 "not survive that: fork first, or start a program anew";
}

bool un_cl_device_id(int device, cl_device_id *id)
{
    if (device < 0 || device >= un_opencl_devices())
        return false;
    *id = devices[device];
    return true;
}

static void ask_text(cl_device_id id, cl_device_info what, char *text, size_t size)
{
    char all[1024] = "";
    un_cl_api()->clGetDeviceInfo(id, what, sizeof all - 1, all, NULL);
    snprintf(text, size, "%s", all + strspn(all, " "));
}

static uint64_t ask_number(cl_device_id id, cl_device_info what)
{
    uint64_t value = 0; /* little-endian, as all devices' hosts are: some numbers have four bytes */
    un_cl_api()->clGetDeviceInfo(id, what, sizeof value, &value, NULL);
    return value;
}

bool un_opencl_device(int device, struct un_opencl_device *info)
{
    cl_device_id id;
    if (!un_cl_device_id(device, &id))
        return false;
    *info = (struct un_opencl_device){
        .memory = ask_number(id, CL_DEVICE_GLOBAL_MEM_SIZE),
        .largest = ask_number(id, CL_DEVICE_MAX_MEM_ALLOC_SIZE),
        .is_gpu = !(ask_number(id, CL_DEVICE_TYPE) & CL_DEVICE_TYPE_CPU),
        .compute_units = (int)ask_number(id, CL_DEVICE_MAX_COMPUTE_UNITS)};
    ask_text(id, CL_DEVICE_NAME, info->name, sizeof info->name);
    ask_text(id, CL_DEVICE_VENDOR, info->vendor, sizeof info->vendor);
    ask_text(id, CL_DEVICE_VERSION, info->version, sizeof info->version);
    ask_text(id, CL_DRIVER_VERSION, info->driver, sizeof info->driver);
    info->has_doubles =
        ask_number(id, CL_DEVICE_DOUBLE_FP_CONFIG) != 0 && !getenv("UNET_OPENCL_SOFT");
    return true;
}
