/* SPDX-License-Identifier: Apache-2.0 */
/*
 * guard.h - buffers between two pages that nobody may touch
 *
 * A buffer is aligned to 64 bytes and lies flush with the page behind it (up to that alignment) or,
 * when asked, with the page before it.  All of it, and what is left of its pages, is filled with
 * 0xff first: as float or double that is NaN, so a value that is read before it was written shows
 * in the result, and guard_intact() sees writes that miss the buffer but not its pages.
 */
#ifndef TEST_GUARD_H
#define TEST_GUARD_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#define GUARD_MAX 96

struct guard {
    unsigned char *pages; /* the writable part */
    size_t page_bytes;
    unsigned char *data;
    size_t bytes;
};

struct guards {
    struct guard list[GUARD_MAX];
    int count;
};

static inline size_t guard_page(void)
{
    return (size_t)sysconf(_SC_PAGESIZE); /* 4 KiB, or 16 or 64 on some Arm systems */
}

static inline void *guard_alloc(struct guards *guards, size_t bytes, bool at_start)
{
    const size_t page = guard_page();
    size_t page_bytes = (bytes + page - 1) / page * page;
    unsigned char *map = mmap(NULL, page_bytes + 2 * page, PROT_NONE,
                              MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (map == MAP_FAILED || guards->count == GUARD_MAX) {
        fprintf(stderr, "guard_alloc: no memory, or more than %d buffers\n", GUARD_MAX);
        abort();
    }
    struct guard g = {.pages = map + page, .page_bytes = page_bytes, .bytes = bytes};
    if (page_bytes) {
        mprotect(g.pages, page_bytes, PROT_READ | PROT_WRITE);
        memset(g.pages, 0xff, page_bytes);
    }
    g.data = at_start ? g.pages : g.pages + page_bytes - (bytes + 63) / 64 * 64;
    guards->list[guards->count++] = g;
    return g.data;
}

/* Whether nothing was written outside of any buffer. */
static inline bool guard_intact(const struct guards *guards)
{
    for (int i = 0; i < guards->count; i++) {
        const struct guard *g = &guards->list[i];
        const unsigned char *end = g->pages + g->page_bytes;
        for (const unsigned char *p = g->pages; p < g->data; p++)
            if (*p != 0xff)
                return false;
        for (const unsigned char *p = g->data + g->bytes; p < end; p++)
            if (*p != 0xff)
                return false;
    }
    return true;
}

static inline void guard_release(struct guards *guards)
{
    const size_t page = guard_page();
    for (int i = 0; i < guards->count; i++)
        munmap(guards->list[i].pages - page, guards->list[i].page_bytes + 2 * page);
    guards->count = 0;
}

#endif
