/* SPDX-License-Identifier: Apache-2.0 */
/* cl_transfer.c - what crosses; features go by way of the scratch memory, where a kernel sorts them
 */
#include "opencl/cl_call.h"

static void put(struct un_engine *engine, void *to, const void *from_host, size_t bytes)
{
    struct un_cl_engine *e = un_cl(engine);
    cl_mem buffer;
    size_t at;
    if (e->lost || !bytes || !un_cl_find(e, to, &buffer, &at))
        return;
    const cl_bool waits = un_cl_is_pinned(e, from_host) ? CL_FALSE : CL_TRUE;
    un_cl_went(
        e,
        e->cl->clEnqueueWriteBuffer(e->queue, buffer, waits, at, bytes, from_host, 0, NULL, NULL),
        "clEnqueueWriteBuffer");
}

static void get(struct un_engine *engine, void *to_host, const void *from, size_t bytes)
{
    struct un_cl_engine *e = un_cl(engine);
    cl_mem buffer;
    size_t at;
    if (e->lost || !bytes || !un_cl_find(e, from, &buffer, &at))
        return;
    un_cl_went(
        e, e->cl->clEnqueueReadBuffer(e->queue, buffer, CL_TRUE, at, bytes, to_host, 0, NULL, NULL),
        "clEnqueueReadBuffer");
}

static void copy(struct un_engine *engine, void *to, const void *from, size_t bytes)
{
    struct un_cl_engine *e = un_cl(engine);
    cl_mem source, target;
    size_t source_at, target_at;
    if (e->lost || !bytes || !un_cl_find(e, from, &source, &source_at) ||
        !un_cl_find(e, to, &target, &target_at))
        return;
    un_cl_went(e,
               e->cl->clEnqueueCopyBuffer(e->queue, source, target, source_at, target_at, bytes, 0,
                                          NULL, NULL),
               "clEnqueueCopyBuffer");
}

static size_t image_bytes(struct un_engine *e, enum un_layout layout, struct un_shape s)
{
    (void)e;
    const int channels = layout == UN_FEATURES ? un_cl_blocks(s.c) * UN_CL_BLOCK : s.c;
    return (size_t)s.h * (size_t)s.w * (size_t)channels * sizeof(float);
}

static size_t tensor_bytes(struct un_engine *e, enum un_layout layout, struct un_shape s)
{
    return ((size_t)s.n * image_bytes(e, layout, s) + 63) / 64 * 64;
}

/* A piece of the plain array, which lies in the scratch memory, goes to or comes from a tensor. */
static void sort_piece(struct un_engine *e, enum un_cl_kernel kernel, struct un_tensor t,
                       size_t first, size_t count)
{
    void *plain = un_cl(e)->scratch;
    struct un_cl_call c = un_cl_begin(e, kernel);
    un_cl_address(&c, kernel == UN_CL_TRANSFER_IN ? plain : (void *)t.data);
    un_cl_address(&c, kernel == UN_CL_TRANSFER_IN ? (void *)t.data : plain);
    un_cl_ulong(&c, first);
    un_cl_int(&c, (int)count);
    un_cl_int(&c, un_cl_plane(t.shape));
    un_cl_int(&c, t.shape.c);
    un_cl_int(&c, un_cl_blocks(t.shape.c));
    un_cl_run(&c, count, 1, 1);
}

enum { PIECE = UN_CL_SCRATCH / sizeof(float) };

static void clear(struct un_cl_engine *e, struct un_tensor t)
{
    const cl_uint zero = 0;
    cl_mem buffer;
    size_t at;
    if (e->lost || !un_cl_find(e, t.data, &buffer, &at))
        return;
    un_cl_went(e,
               e->cl->clEnqueueFillBuffer(
                   e->queue, buffer, &zero, sizeof zero, at,
                   (size_t)t.shape.n * image_bytes(&e->base, t.layout, t.shape), 0, NULL, NULL),
               "clEnqueueFillBuffer");
}

static void upload(struct un_engine *e, struct un_tensor to, const float *from_host)
{
    const size_t all = un_cl_values(to.shape);
    if (to.layout == UN_PIXELS) {
        put(e, to.data, from_host, all * sizeof(float));
        return;
    }
    clear(un_cl(e), to);
    for (size_t first = 0; first < all; first += PIECE) {
        const size_t count = all - first < PIECE ? all - first : PIECE;
        put(e, un_cl(e)->scratch, from_host + first, count * sizeof(float));
        sort_piece(e, UN_CL_TRANSFER_IN, to, first, count);
    }
}

static void download(struct un_engine *e, float *to_host, struct un_tensor from)
{
    const size_t all = un_cl_values(from.shape);
    if (from.layout == UN_PIXELS) {
        get(e, to_host, from.data, all * sizeof(float));
        return;
    }
    for (size_t first = 0; first < all; first += PIECE) {
        const size_t count = all - first < PIECE ? all - first : PIECE;
        sort_piece(e, UN_CL_TRANSFER_OUT, from, first, count);
        get(e, to_host + first, un_cl(e)->scratch, count * sizeof(float));
    }
}

void un_cl_transfer_operations(struct un_engine_ops *ops)
{
    ops->put = put;
    ops->get = get;
    ops->copy = copy;
    ops->image_bytes = image_bytes;
    ops->tensor_bytes = tensor_bytes;
    ops->upload = upload;
    ops->download = download;
}
