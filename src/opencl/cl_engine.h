/* SPDX-License-Identifier: Apache-2.0 */
/*
 * cl_engine.h - what the files of the OpenCL engine share
 *
 *   engine_opencl.c   how it comes to be, its table, its errors
 *   cl_api.c          OpenCL itself, loaded
 *   cl_devices.c      which devices there are
 *   cl_memory.c       buffers, and the host's addresses that stand for them
 *   cl_transfer.c     what crosses
 *   cl_program.c      kernels, compiled when they are first wanted; cl_cache.c keeps them
 *   cl_call.c         how a kernel is called
 *   cl_product.c      matrix products, and how large ones are cut
 *   cl_conv.c, cl_outer.c, cl_winograd.c, cl_maps.c, cl_norms.c, cl_slopes.c, cl_losses.c,
 *   cl_steps.c:       operations
 *
 * The engine is lost with the first call of OpenCL that fails: operations then do nothing, and
 * finish() says for ever what it was.
 */
#ifndef UN_CL_ENGINE_H
#define UN_CL_ENGINE_H

#include "engine/engine.h"
#include "opencl/cl_api.h"
#include "opencl/cl_program.h"
#include "opencl/engine_opencl.h"

enum { UN_CL_GROUP = 64 }; /* work items of a group, GROUP of kernels/common.cl */

/* Memory on the device.  Its address is one of the host's that nobody can use for anything else. */
struct un_cl_region {
    char *address;
    size_t bytes, reserved; /* reserved: of addresses */
    cl_mem buffer;
};

/* Memory of the host that the device takes without a copy. */
struct un_cl_pinned {
    char *address;
    size_t bytes;
    cl_mem buffer;
};

struct un_cl_list {
    void *items;
    int count, room;
};

struct un_cl_engine {
    struct un_engine base;
    const struct un_cl_api *cl;
    struct un_opencl_device device;
    cl_device_id id;
    cl_context context;
    cl_command_queue queue;
    cl_program programs[UN_CL_PROGRAMS];
    cl_kernel kernels[UN_CL_KERNELS];
    struct un_cl_region *regions;
    int region_count, region_room;
    struct un_cl_pinned *pinned;
    int pinned_count, pinned_room;
    size_t used;   /* bytes of regions */
    void *scratch; /* UN_CL_SCRATCH bytes of the device for sums, and for what crosses */
    bool lost;
    unet_error why;
};

enum { UN_CL_SCRATCH = 1 << 20 };

static inline struct un_cl_engine *un_cl(struct un_engine *e)
{
    return (struct un_cl_engine *)e;
}

/* Whether a call went well; if not, the engine is lost.  what: the call, and what it was about. */
bool un_cl_went(struct un_cl_engine *e, cl_int code, const char *what);

/* The buffer and the distance from its beginning; false (and the engine is lost): it is no memory
 * of the engine.  NULL: a NULL buffer. */
bool un_cl_find(struct un_cl_engine *e, const void *address, cl_mem *buffer, size_t *at);

/* cl_memory.c */
void *un_cl_alloc(struct un_engine *e, size_t bytes);
void un_cl_release(struct un_engine *e, void *memory);
size_t un_cl_memory(struct un_engine *e);
void *un_cl_host_alloc(struct un_engine *e, size_t bytes);
void un_cl_host_release(struct un_engine *e, void *memory);
bool un_cl_is_pinned(const struct un_cl_engine *e, const void *host);

/* The operations of a file. */
void un_cl_transfer_operations(struct un_engine_ops *ops);
void un_cl_conv_operations(struct un_engine_ops *ops);
void un_cl_outer_operations(struct un_engine_ops *ops);
void un_cl_map_operations(struct un_engine_ops *ops);
void un_cl_norm_operations(struct un_engine_ops *ops);
void un_cl_slope_operations(struct un_engine_ops *ops);
void un_cl_loss_operations(struct un_engine_ops *ops);
void un_cl_step_operations(struct un_engine_ops *ops);

/* ---- shapes ---- */

enum { UN_CL_BLOCK = 4 }; /* channels */

static inline int un_cl_blocks(int channels)
{
    return (channels + UN_CL_BLOCK - 1) / UN_CL_BLOCK;
}

static inline int un_cl_plane(struct un_shape s)
{
    return s.h * s.w;
}

static inline size_t un_cl_values(struct un_shape s)
{
    return (size_t)s.n * (size_t)s.h * (size_t)s.w * (size_t)s.c;
}

#endif
