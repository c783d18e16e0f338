/* SPDX-License-Identifier: Apache-2.0 */
/* engine_opencl.c - how the engine comes to be, and what it says when it fails */
#include "opencl/engine_opencl.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "opencl/cl_devices.h"
#include "opencl/cl_engine.h"

bool un_cl_went(struct un_cl_engine *e, cl_int code, const char *what)
{
    char text[64];
    if (code && !e->lost)
        un_fail(&e->why, UNET_EDEVICE, "%s: %s: %s", e->device.name, what,
                un_cl_error_text(code, text));
    e->lost |= code != CL_SUCCESS;
    return code == CL_SUCCESS;
}

static unet_code finish(struct un_engine *engine, unet_error *err)
{
    struct un_cl_engine *e = un_cl(engine);
    if (!e->lost)
        un_cl_went(e, e->cl->clFinish(e->queue), "clFinish");
    return e->lost ? un_fail_again(err, &e->why) : UNET_OK;
}

static void engine_free(struct un_engine *engine)
{
    struct un_cl_engine *e = un_cl(engine);
    if (e->queue)
        e->cl->clFinish(e->queue);
    while (e->region_count)
        un_cl_release(engine, e->regions[0].address);
    while (e->pinned_count)
        un_cl_host_release(engine, e->pinned[0].address);
    un_cl_programs_free(e);
    if (e->queue)
        e->cl->clReleaseCommandQueue(e->queue);
    if (e->context)
        e->cl->clReleaseContext(e->context);
    free(e->regions);
    free(e->pinned);
    un_pool_free(e->base.pool);
    free(e);
}

static struct un_engine_ops operations; /* once for all */
static pthread_once_t operations_once = PTHREAD_ONCE_INIT;

static void list_operations(void)
{
    struct un_engine_ops ops = {.name = "opencl",
                                .free = engine_free,
                                .alloc = un_cl_alloc,
                                .release = un_cl_release,
                                .memory = un_cl_memory,
                                .host_alloc = un_cl_host_alloc,
                                .host_release = un_cl_host_release,
                                .finish = finish};
    un_cl_transfer_operations(&ops);
    un_cl_conv_operations(&ops);
    un_cl_outer_operations(&ops);
    un_cl_map_operations(&ops);
    un_cl_norm_operations(&ops);
    un_cl_slope_operations(&ops);
    un_cl_loss_operations(&ops);
    un_cl_step_operations(&ops);
    operations = ops;
}

/* The parts that OpenCL has to give; what there is when one fails is freed by engine_free(). */
static unet_code open_device(struct un_cl_engine *e, unet_error *err)
{
    cl_int code;
    e->context = e->cl->clCreateContext(NULL, 1, &e->id, NULL, NULL, &code);
    if (un_cl_went(e, code, "clCreateContext")) {
        e->queue = e->cl->clCreateCommandQueue(e->context, e->id, 0, &code);
        un_cl_went(e, code, "clCreateCommandQueue");
    }
    if (e->lost)
        return un_fail_again(err, &e->why);
    e->scratch = un_cl_alloc(&e->base, UN_CL_SCRATCH);
    if (!e->scratch)
        return un_fail(err, UNET_EDEVICE, "%s: no memory for %d bytes", e->device.name,
                       UN_CL_SCRATCH);
    return un_cl_program_ready(e, UN_CL_TRANSFER_IN) ? UNET_OK : un_fail_again(err, &e->why);
}

static unet_code find(struct un_cl_engine *e, int device, unet_error *err)
{
    if (!un_opencl_devices())
        return un_fail(err, UNET_EDEVICE, "%s", un_opencl_lacks());
    if (!un_cl_device_id(device, &e->id) || !un_opencl_device(device, &e->device))
        return un_fail(err, UNET_EDEVICE, "OpenCL has no device %d, it has %d, counted from 0",
                       device, un_opencl_devices());
    e->cl = un_cl_api();
    return UNET_OK;
}

unet_code un_engine_opencl_create(int device, int threads, struct un_engine **engine,
                                  unet_error *err)
{
    struct un_cl_engine *e = calloc(1, sizeof *e);
    if (!e)
        return un_fail_memory(err, sizeof *e, "the OpenCL engine");
    pthread_once(&operations_once, list_operations);
    struct un_pool *pool = un_pool_create(threads);
    e->base =
        (struct un_engine){.ops = &operations, .threads = un_pool_threads(pool), .pool = pool};
    unet_code code = pool ? find(e, device, err) : un_fail_memory(err, 0, "the engine's threads");
    if (!code)
        code = open_device(e, err);
    if (code)
        engine_free(&e->base);
    else
        *engine = &e->base;
    return code;
}
