/* SPDX-License-Identifier: Apache-2.0 */
/*
 * engine_opencl.h - any device that has an OpenCL driver, behind the seam
 *
 * Devices are numbered from 0, graphics cards first.  Listing them opens the loader and asks every
 * driver, which takes some milliseconds to seconds: only for who asked for such a device.  Where
 * there is no loader, no driver, or the library was built without OpenCL there are none.
 */
#ifndef UN_ENGINE_OPENCL_H
#define UN_ENGINE_OPENCL_H

#include <stdbool.h>
#include <stdint.h>

#include "engine/choose.h"

struct un_opencl_device {
    char name[128], vendor[64], version[128], driver[64]; /* version: "OpenCL 3.0 ..." */
    uint64_t memory, largest; /* bytes: of the device; of one buffer, as the driver says */
    bool is_gpu;              /* or an accelerator; else the processor */
    bool has_doubles; /* and UNET_OPENCL_SOFT is not in the environment, for tests of what lacks
                         them */
    int compute_units;
};

/* How many devices there are. */
int un_opencl_devices(void);

/* false: there is no such device */
bool un_opencl_device(int device, struct un_opencl_device *info);

/* Why there are no devices, and what to install; "" where there are some. */
const char *un_opencl_lacks(void);

/* UNET_EDEVICE: there is no such device, or it cannot do what is needed; the text says which. */
unet_code un_engine_opencl_create(int device, int threads, struct un_engine **engine,
                                  unet_error *err);

#endif
