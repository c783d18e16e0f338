/* SPDX-License-Identifier: Apache-2.0 */
/*
 * memory.c - the CPU engine's memory
 *
 * What is large comes fresh from the system: its pages are zero, and cost nothing until they are
 * touched, so a session that could take a large tile stays small while images are small.  And it
 * lies on huge pages where the system has them, for a convolution walks over many feature maps at
 * once and would wait for address translations.
 */
#include <stdlib.h>
#include <string.h>

#include "base/system.h"
#include "cpu/engine_cpu.h"

enum { HUGE_PAGE = 2 << 20 };

/* A sanitizer watches the heap alone. */
#if defined(__SANITIZE_ADDRESS__)
static const size_t system_from = SIZE_MAX;
#else
static const size_t system_from = HUGE_PAGE;
#endif

/* Lies right before the memory that is handed out. */
struct header {
    void *base;
    size_t mapped; /* bytes of the mapping; 0: base is from the heap */
    char padding[UN_ALIGN - sizeof(void *) - sizeof(size_t)];
};

static char *from_heap(size_t bytes)
{
    struct header *h = un_aligned_alloc(sizeof *h + bytes);
    if (!h)
        return NULL;
    memset(h, 0, sizeof *h + bytes);
    h->base = h;
    return (char *)(h + 1);
}

static char *from_system(size_t bytes)
{
    size_t size = bytes + HUGE_PAGE + sizeof(struct header);
    char *base = un_system_map(size);
    if (!base)
        return NULL;
    char *memory = (char *)un_round_up((uintptr_t)base + sizeof(struct header), HUGE_PAGE);
    *((struct header *)memory - 1) = (struct header){.base = base, .mapped = size};
    un_system_huge(memory, bytes);
    return memory;
}

void *un_cpu_alloc(struct un_engine *e, size_t bytes)
{
    (void)e;
    if (bytes > SIZE_MAX / 2)
        return NULL;
    return bytes < system_from ? from_heap(bytes) : from_system(bytes);
}

void un_cpu_release(struct un_engine *e, void *memory)
{
    (void)e;
    if (!memory)
        return;
    struct header h = *((struct header *)memory - 1);
    if (h.mapped)
        un_system_unmap(h.base, h.mapped);
    else
        un_aligned_free(h.base);
}
