/* SPDX-License-Identifier: Apache-2.0 */
/*
 * cl_call.h - a kernel is called by giving its arguments in their order, and then its sizes
 *
 *   struct un_cl_call c = un_cl_begin(e, UN_CL_MAXPOOL_FORWARD);
 *   un_cl_address(&c, src.data);              IN(src) or OUT(src) of the kernel
 *   un_cl_int(&c, src.shape.h);
 *   un_cl_run(&c, pixels, planes, 1);         rounded up to groups of work items
 */
#ifndef UN_CL_CALL_H
#define UN_CL_CALL_H

#include "opencl/cl_engine.h"

struct un_cl_call {
    struct un_cl_engine *e;
    enum un_cl_kernel kernel;
    cl_kernel object; /* NULL: the engine is lost */
    cl_uint count;    /* of arguments */
};

struct un_cl_call un_cl_begin(struct un_engine *e, enum un_cl_kernel kernel);
void un_cl_value(struct un_cl_call *c, const void *value, size_t bytes);
void un_cl_address(struct un_cl_call *c, const void *memory);
void un_cl_int(struct un_cl_call *c, int value);
void un_cl_float(struct un_cl_call *c, float value);
void un_cl_ulong(struct un_cl_call *c, uint64_t value);

/* A double as two floats, whose sum it is to 48 bits. */
void un_cl_double(struct un_cl_call *c, double value);

/* accumulate, act and slope of a gradient; an activation is 0 for none */
void un_cl_act(struct un_cl_call *c, struct un_activation act);
float un_cl_slope(struct un_activation act);

/* Work items; x goes up to a multiple of UN_CL_GROUP.  Nothing happens where one of them is 0. */
void un_cl_run(struct un_cl_call *c, size_t x, size_t y, size_t z);

#endif
