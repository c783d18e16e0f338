/* SPDX-License-Identifier: Apache-2.0 */
/* opencl_none.c - in the place of all other files of this folder, where there are no headers of
 * OpenCL or nothing is loaded at run time */
#include "opencl/engine_opencl.h"

int un_opencl_devices(void)
{
    return 0;
}

bool un_opencl_device(int device, struct un_opencl_device *info)
{
    (void)device, (void)info;
    return false;
}

const char *un_opencl_lacks(void)
{
    return "this build has no OpenCL: it is built in where the package opencl-c-headers is "
           "installed, but never in a program that is one static file";
}

unet_code un_engine_opencl_create(int device, int threads, struct un_engine **engine,
                                  unet_error *err)
{
    (void)device, (void)threads, (void)engine;
    return un_fail(err, UNET_EDEVICE, "%s", un_opencl_lacks());
}
