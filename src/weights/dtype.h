/* SPDX-License-Identifier: Apache-2.0 */
/* dtype.h - the number types of model files, and how they become floats */
#ifndef UN_DTYPE_H
#define UN_DTYPE_H

#include <stddef.h>

struct un_dtype {
    const char *name; /* as safetensors calls it: "F32" */
    int bytes;        /* of one value */
    /*
     * Converts count little-endian values at any alignment; what a float cannot hold becomes
     * infinite.  NULL: not a type in which weights are kept.
     */
    void (*to_float)(const unsigned char *src, size_t count, float *dst);
};

/* NULL: no type has this name. */
const struct un_dtype *un_dtype_find(const char *name);

#endif
