/* SPDX-License-Identifier: Apache-2.0 */
/*
 * cl_cache.h - compiled kernels, kept for the next start
 *
 * They lie in $XDG_CACHE_HOME/unet or ~/.cache/unet, a file for each program, named by a checksum
 * of its source, the options, the device and its driver.  A file ends with a checksum of itself;
 * one that is not whole is made anew, and where none can be read or written all works without.
 */
#ifndef UN_CL_CACHE_H
#define UN_CL_CACHE_H

#include "base/checksum.h"
#include "opencl/cl_api.h"
#include "opencl/engine_opencl.h"

struct un_cl_engine;

struct un_cl_key {
    char text[UN_SHA256_TEXT];
};

struct un_cl_key un_cl_cache_key(const struct un_opencl_device *device, const char *options,
                                 const char *const *texts, const size_t *sizes, int count);

/* NULL: there is none that works */
cl_program un_cl_cache_load(struct un_cl_engine *e, const struct un_cl_key *key,
                            const char *options);
void un_cl_cache_store(struct un_cl_engine *e, const struct un_cl_key *key, cl_program program);

#endif
