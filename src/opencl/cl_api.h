/* SPDX-License-Identifier: Apache-2.0 */
/*
 * cl_api.h - OpenCL as it is found at run time
 *
 * Nothing of it is linked, so one program runs with and without it.  The loader (libOpenCL.so.1) is
 * opened when an OpenCL device is asked for or listed, and never closed, as drivers do not like
 * that.
 */
#ifndef UN_CL_API_H
#define UN_CL_API_H

#define CL_TARGET_OPENCL_VERSION 120
#include <CL/cl.h>

#include <stdbool.h>

#define UN_CL_FUNCTIONS(X)                                                                         \
    X(clGetPlatformIDs)                                                                            \
    X(clGetDeviceIDs)                                                                              \
    X(clGetDeviceInfo)                                                                             \
    X(clCreateContext)                                                                             \
    X(clReleaseContext)                                                                            \
    X(clCreateCommandQueue)                                                                        \
    X(clReleaseCommandQueue)                                                                       \
    X(clCreateBuffer)                                                                              \
    X(clReleaseMemObject)                                                                          \
    X(clCreateProgramWithSource)                                                                   \
    X(clCreateProgramWithBinary)                                                                   \
    X(clBuildProgram)                                                                              \
    X(clGetProgramInfo)                                                                            \
    X(clGetProgramBuildInfo)                                                                       \
    X(clReleaseProgram)                                                                            \
    X(clCreateKernel)                                                                              \
    X(clReleaseKernel)                                                                             \
    X(clSetKernelArg)                                                                              \
    X(clEnqueueNDRangeKernel)                                                                      \
    X(clEnqueueReadBuffer)                                                                         \
    X(clEnqueueWriteBuffer)                                                                        \
    X(clEnqueueCopyBuffer)                                                                         \
    X(clEnqueueFillBuffer)                                                                         \
    X(clEnqueueMapBuffer)                                                                          \
    X(clEnqueueUnmapMemObject)                                                                     \
    X(clFlush)                                                                                     \
    X(clFinish)

struct un_cl_api {
#define UN_CL_POINTER(name) __typeof__(&(name)) name;
    UN_CL_FUNCTIONS(UN_CL_POINTER)
#undef UN_CL_POINTER
};

/* NULL: there is no loader here, or one that lacks a function. */
const struct un_cl_api *un_cl_api(void);

/* "CL_OUT_OF_RESOURCES (-5)", or "error -1234"; returns text. */
const char *un_cl_error_text(cl_int code, char text[64]);

#endif
