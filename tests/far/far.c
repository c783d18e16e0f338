/* SPDX-License-Identifier: Apache-2.0 */
/* far.c - the memory of the engine, its queue, and how it comes to be */
#include "far.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

bool un_far_lost;

static void complain(const char *what)
{
    fprintf(stderr, "far: %s\n", what);
    abort();
}

/* ---- memory ---- */

/* What is left of a buffer's pages holds these bytes. */
enum { UNUSED = 0xa5 };

static size_t page(void)
{
    return (size_t)sysconf(_SC_PAGESIZE);
}

static char *reserve(size_t bytes)
{
    char *map = mmap(NULL, bytes, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    return map == MAP_FAILED ? NULL : map;
}

/* Every other buffer begins at a page that nobody may touch, the others end at one. */
static void *far_alloc(struct un_engine *e, size_t bytes)
{
    struct far_engine *f = (struct far_engine *)e;
    if (bytes > SIZE_MAX / 4)
        return NULL;
    if (f->region_count == FAR_REGIONS)
        complain("too many buffers");
    const size_t rounded = (bytes + 63) / 64 * 64, around = page();
    const size_t inside = (rounded + around - 1) / around * around;
    struct far_region r = {.bytes = bytes, .mapped = inside + 2 * around};
    r.far_map = reserve(r.mapped);
    r.near_map = r.far_map ? reserve(r.mapped) : NULL;
    if (!r.near_map || (inside && mprotect(r.near_map + around, inside, PROT_READ | PROT_WRITE))) {
        if (r.near_map)
            munmap(r.near_map, r.mapped);
        if (r.far_map)
            munmap(r.far_map, r.mapped);
        return NULL;
    }
    const size_t at = around + (f->region_count % 2 ? 0 : inside - rounded);
    r.far = r.far_map + at;
    r.near = r.near_map + at;
    memset(r.near_map + around, UNUSED, (size_t)(r.near - r.near_map) - around);
    memset(r.near + bytes, UNUSED, (size_t)(r.near_map + around + inside - r.near) - bytes);
    f->regions[f->region_count++] = r;
    return r.far;
}

static bool is_unused(const char *from, const char *to)
{
    for (; from < to; from++)
        if ((unsigned char)*from != UNUSED)
            return false;
    return true;
}

static void far_release(struct un_engine *e, void *memory)
{
    struct far_engine *f = (struct far_engine *)e;
    int i = 0;
    if (!memory)
        return;
    far_flush(e);
    while (i < f->region_count && f->regions[i].far != memory)
        i++;
    if (i == f->region_count)
        complain("what is released was never allocated");
    const struct far_region r = f->regions[i];
    if (!is_unused(r.near_map + page(), r.near) ||
        !is_unused(r.near + r.bytes, r.near_map + r.mapped - page()))
        complain("an operation has written beside its buffer");
    munmap(r.near_map, r.mapped);
    munmap(r.far_map, r.mapped);
    f->regions[i] = f->regions[--f->region_count];
}

void *far_near(struct un_engine *e, const void *far, size_t bytes)
{
    const struct far_engine *f = (const struct far_engine *)e;
    const char *p = far;
    if (!p)
        return NULL;
    for (int i = 0; i < f->region_count; i++) {
        const struct far_region *r = &f->regions[i];
        if (p >= r->far && p + bytes <= r->far + r->bytes)
            return r->near + (p - r->far);
    }
    complain("an operation was given memory that is not the engine's, or too little");
    return NULL;
}

static size_t far_memory(struct un_engine *e)
{
    struct un_engine *inner = far_inner(e);
    return inner->ops->memory(inner);
}

static void *far_host_alloc(struct un_engine *e, size_t bytes)
{
    struct far_engine *f = (struct far_engine *)e;
    void *memory = f->inner->ops->host_alloc(f->inner, bytes);
    if (f->pinned_count == FAR_PINNED)
        complain("too many buffers of the host's");
    if (!memory)
        return NULL;
    f->pinned[f->pinned_count].memory = memory;
    f->pinned[f->pinned_count++].bytes = bytes;
    return memory;
}

static void far_host_release(struct un_engine *e, void *memory)
{
    struct far_engine *f = (struct far_engine *)e;
    int i = 0;
    if (!memory)
        return;
    far_flush(e);
    while (i < f->pinned_count && f->pinned[i].memory != memory)
        i++;
    if (i == f->pinned_count)
        complain("what is released is not host_alloc's");
    f->inner->ops->host_release(f->inner, memory);
    f->pinned[i] = f->pinned[--f->pinned_count];
}

bool far_is_pinned(const struct un_engine *e, const void *host)
{
    const struct far_engine *f = (const struct far_engine *)e;
    const char *p = host;
    for (int i = 0; i < f->pinned_count; i++)
        if (p >= f->pinned[i].memory && p < f->pinned[i].memory + f->pinned[i].bytes)
            return true;
    return false;
}

/* ---- the queue ---- */

void far_flush(struct un_engine *e)
{
    struct far_engine *f = (struct far_engine *)e;
    f->lost |= un_far_lost;
    for (int i = 0; i < f->call_count && !f->lost; i++) {
        const struct far_call *c = &f->calls[i];
        f->inner->workspace = c->workspace;
        f->inner->exact = c->exact;
        c->run(f->inner, c);
    }
    f->call_count = 0;
}

struct far_call *far_queue(struct un_engine *e,
                           void (*run)(struct un_engine *inner, const struct far_call *c))
{
    struct far_engine *f = (struct far_engine *)e;
    if (f->call_count == FAR_CALLS)
        far_flush(e);
    struct far_call *c = &f->calls[f->call_count++];
    *c = (struct far_call){.run = run, .exact = e->exact};
    c->workspace = far_near(e, e->workspace, 0);
    return c;
}

static unet_code far_finish(struct un_engine *e, unet_error *err)
{
    struct far_engine *f = (struct far_engine *)e;
    far_flush(e);
    if (f->lost)
        return un_fail(err, UNET_EDEVICE, "the far device is lost");
    return f->inner->ops->finish(f->inner, err);
}

/* ---- the engine ---- */

static void far_free(struct un_engine *e)
{
    struct far_engine *f = (struct far_engine *)e;
    if (f->region_count || f->pinned_count)
        complain("memory of the engine was not released");
    f->inner->ops->free(f->inner);
    free(f);
}

static struct un_engine_ops far_ops(void)
{
    struct un_engine_ops ops = {.name = "far",
                                .free = far_free,
                                .alloc = far_alloc,
                                .release = far_release,
                                .memory = far_memory,
                                .host_alloc = far_host_alloc,
                                .host_release = far_host_release,
                                .finish = far_finish};
    far_cross_operations(&ops);
    far_layer_operations(&ops);
    far_step_operations(&ops);
    return ops;
}

unet_code un_far_over(struct un_engine *inner, struct un_engine **engine, unet_error *err)
{
    static struct un_engine_ops ops;
    struct far_engine *made = calloc(1, sizeof *made);
    if (!made) {
        inner->ops->free(inner);
        return un_fail_memory(err, sizeof *made, "the far engine");
    }
    if (!ops.name)
        ops = far_ops();
    made->base = (struct un_engine){.ops = &ops, .threads = inner->threads, .pool = inner->pool};
    made->inner = inner;
    *engine = &made->base;
    return UNET_OK;
}

static int devices(unet_device *list, int most)
{
    static const char *const all[] = {"the CPU engine", "the reference engine"};
    for (int i = 0; i < 2 && i < most; i++) {
        list[i] = (unet_device){.type = "other"};
        snprintf(list[i].name, sizeof list[i].name, "%s", all[i]);
    }
    return 2;
}

static unet_code create(int device, int threads, struct un_engine **engine, unet_error *err)
{
    struct un_engine *inner;
    unet_code code = device ? un_engine_reference_create(&inner, err)
                            : un_engine_cpu_create(NULL, threads, &inner, err);
    return code ? code : un_far_over(inner, engine, err);
}

const struct un_engine_kind un_far = {"far", true, devices, create};
