/* SPDX-License-Identifier: Apache-2.0 */
#include "opencl/cl_call.h"

struct un_cl_call un_cl_begin(struct un_engine *engine, enum un_cl_kernel kernel)
{
    struct un_cl_engine *e = un_cl(engine);
    struct un_cl_call c = {.e = e, .kernel = kernel};
    if (!e->lost)
        c.object = un_cl_kernel_of(e, kernel);
    return c;
}

void un_cl_value(struct un_cl_call *c, const void *value, size_t bytes)
{
    if (c->object &&
        !un_cl_went(c->e, c->e->cl->clSetKernelArg(c->object, c->count++, bytes, value),
                    un_cl_kernel_name(c->kernel)))
        c->object = NULL;
}

void un_cl_address(struct un_cl_call *c, const void *memory)
{
    cl_mem buffer;
    size_t at;
    if (!c->object)
        return;
    if (!un_cl_find(c->e, memory, &buffer, &at)) {
        c->object = NULL;
        return;
    }
    un_cl_value(c, &buffer, sizeof buffer);
    un_cl_ulong(c, at);
}

void un_cl_int(struct un_cl_call *c, int value)
{
    const cl_int v = value;
    un_cl_value(c, &v, sizeof v);
}

void un_cl_float(struct un_cl_call *c, float value)
{
    const cl_float v = value;
    un_cl_value(c, &v, sizeof v);
}

void un_cl_ulong(struct un_cl_call *c, uint64_t value)
{
    const cl_ulong v = value;
    un_cl_value(c, &v, sizeof v);
}

void un_cl_double(struct un_cl_call *c, double value)
{
    const float high = (float)value;
    const cl_float2 v = {{high, (float)(value - (double)high)}};
    un_cl_value(c, &v, sizeof v);
}

float un_cl_slope(struct un_activation act)
{
    return act.kind == UN_ACT_LEAKY ? act.slope : 0;
}

void un_cl_act(struct un_cl_call *c, struct un_activation act)
{
    un_cl_int(c, act.kind != UN_ACT_NONE);
    un_cl_float(c, un_cl_slope(act));
}

void un_cl_run(struct un_cl_call *c, size_t x, size_t y, size_t z)
{
    const size_t group[3] = {UN_CL_GROUP, 1, 1};
    const size_t all[3] = {(x + UN_CL_GROUP - 1) / UN_CL_GROUP * UN_CL_GROUP, y, z};
    if (!c->object || !x || !y || !z)
        return;
    un_cl_went(c->e,
               c->e->cl->clEnqueueNDRangeKernel(c->e->queue, c->object, 3, NULL, all, group, 0,
                                                NULL, NULL),
               un_cl_kernel_name(c->kernel));
}
