/* SPDX-License-Identifier: Apache-2.0 */
/* cl_devices.h - the devices of all drivers, as OpenCL knows them */
#ifndef UN_CL_DEVICES_H
#define UN_CL_DEVICES_H

#include "opencl/cl_api.h"
#include "opencl/engine_opencl.h"

/* false: there is no such device */
bool un_cl_device_id(int device, cl_device_id *id);

#endif
