/* SPDX-License-Identifier: Apache-2.0 */
/*
 * cl_memory.c - buffers, and addresses that stand for them
 *
 * Those above the seam add to addresses, and OpenCL knows buffers and distances.  So each buffer
 * has as many addresses of the host as it has bytes, of pages that nobody may touch; an operation
 * finds the buffer that an address belongs to, and its distance from the beginning.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/system.h"
#include "opencl/cl_engine.h"

enum { PAGE = 1 << 16, LEAST = 64 };

/* Room for one more in a list; NULL: no memory. */
static void *grown(void *items, int count, int *room, size_t size)
{
    if (count < *room)
        return items;
    void *more = realloc(items, (size_t)(*room + 16) * size);
    if (more)
        *room += 16;
    return more;
}

/* A driver may promise memory and lack it when it is used, so it is used: filled with zeros. */
static cl_mem make_buffer(struct un_cl_engine *e, size_t bytes)
{
    const cl_uint zero = 0;
    cl_int code;
    cl_mem buffer = e->cl->clCreateBuffer(e->context, CL_MEM_READ_WRITE, bytes, NULL, &code);
    if (code)
        return NULL;
    code =
        e->cl->clEnqueueFillBuffer(e->queue, buffer, &zero, sizeof zero, 0, bytes, 0, NULL, NULL);
    if (!code)
        code = e->cl->clFinish(e->queue);
    if (!code)
        return buffer;
    e->cl->clReleaseMemObject(buffer);
    return NULL;
}

/* Why there is no memory, for whoever was refused. */
static void *refuse(struct un_cl_engine *e)
{
    char all[24], used[24], largest[24];
    snprintf(e->base.refused, sizeof e->base.refused,
             "%.60s has %s, of which %s are taken, and gives up to %s in one piece", e->device.name,
             un_bytes_text((double)e->device.memory, all), un_bytes_text((double)e->used, used),
             un_bytes_text((double)e->device.largest, largest));
    return NULL;
}

void *un_cl_alloc(struct un_engine *engine, size_t bytes)
{
    struct un_cl_engine *e = un_cl(engine);
    e->base.refused[0] = 0;
    if (e->lost)
        return NULL;
    if (bytes > SIZE_MAX / 4)
        return refuse(e);
    struct un_cl_region *list =
        grown(e->regions, e->region_count, &e->region_room, sizeof *e->regions);
    if (!list)
        return NULL;
    e->regions = list;
    struct un_cl_region r = {.bytes = bytes < LEAST ? LEAST : (bytes + 3) / 4 * 4};
    r.reserved = (r.bytes / PAGE + 2) * PAGE; /* more than its bytes: neighbours do not touch */
    r.buffer = make_buffer(e, r.bytes);
    r.address = r.buffer ? un_system_reserve(r.reserved) : NULL;
    if (!r.address) {
        if (r.buffer)
            e->cl->clReleaseMemObject(r.buffer);
        return refuse(e);
    }
    e->used += r.bytes;
    e->regions[e->region_count++] = r;
    return r.address;
}

void un_cl_release(struct un_engine *engine, void *memory)
{
    struct un_cl_engine *e = un_cl(engine);
    for (int i = 0; memory && i < e->region_count; i++)
        if (e->regions[i].address == memory) {
            const struct un_cl_region r = e->regions[i];
            e->regions[i] = e->regions[--e->region_count];
            e->used -= r.bytes;
            e->cl->clReleaseMemObject(r.buffer); /* when what is queued is done */
            un_system_unmap(r.address, r.reserved);
            return;
        }
}

bool un_cl_find(struct un_cl_engine *e, const void *address, cl_mem *buffer, size_t *at)
{
    const char *p = address;
    *buffer = NULL;
    *at = 0;
    for (int i = 0; p && i < e->region_count; i++) {
        const struct un_cl_region *r = &e->regions[i];
        if (p >= r->address && p <= r->address + r->bytes) {
            *buffer = r->buffer;
            *at = (size_t)(p - r->address);
            return true;
        }
    }
    return !p || un_cl_went(e, CL_INVALID_MEM_OBJECT, "memory that is not the engine's");
}

size_t un_cl_memory(struct un_engine *engine)
{
    const struct un_cl_engine *e = un_cl(engine);
    return e->device.memory > e->used ? (size_t)e->device.memory - e->used : 0;
}

/* ---- the host's ---- */

void *un_cl_host_alloc(struct un_engine *engine, size_t bytes)
{
    struct un_cl_engine *e = un_cl(engine);
    cl_int code;
    if (e->lost)
        return NULL;
    struct un_cl_pinned *list =
        grown(e->pinned, e->pinned_count, &e->pinned_room, sizeof *e->pinned);
    if (!list)
        return NULL;
    e->pinned = list;
    struct un_cl_pinned p = {.bytes = bytes < LEAST ? LEAST : bytes};
    p.buffer = e->cl->clCreateBuffer(e->context, CL_MEM_READ_WRITE | CL_MEM_ALLOC_HOST_PTR, p.bytes,
                                     NULL, &code);
    if (code)
        return NULL;
    p.address = e->cl->clEnqueueMapBuffer(e->queue, p.buffer, CL_TRUE, CL_MAP_READ | CL_MAP_WRITE,
                                          0, p.bytes, 0, NULL, NULL, &code);
    if (code || (uintptr_t)p.address % 64) {
        if (!code)
            e->cl->clEnqueueUnmapMemObject(e->queue, p.buffer, p.address, 0, NULL, NULL);
        e->cl->clReleaseMemObject(p.buffer);
        return NULL;
    }
    e->pinned[e->pinned_count++] = p;
    return p.address;
}

void un_cl_host_release(struct un_engine *engine, void *memory)
{
    struct un_cl_engine *e = un_cl(engine);
    for (int i = 0; memory && i < e->pinned_count; i++)
        if (e->pinned[i].address == memory) {
            e->cl->clEnqueueUnmapMemObject(e->queue, e->pinned[i].buffer, memory, 0, NULL, NULL);
            e->cl->clFinish(e->queue);
            e->cl->clReleaseMemObject(e->pinned[i].buffer);
            e->pinned[i] = e->pinned[--e->pinned_count];
            return;
        }
}

bool un_cl_is_pinned(const struct un_cl_engine *e, const void *host)
{
    const char *p = host;
    for (int i = 0; i < e->pinned_count; i++)
        if (p >= e->pinned[i].address && p < e->pinned[i].address + e->pinned[i].bytes)
            return true;
    return false;
}
