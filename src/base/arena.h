/* SPDX-License-Identifier: Apache-2.0 */
/* arena.h - memory that is handed out in pieces and given back all at once */
#ifndef UN_ARENA_H
#define UN_ARENA_H

#include <stddef.h>
#include <stdint.h>

#define UN_ALIGN 64 /* a cache line, and the widest vector register */

struct un_arena_chunk;
struct un_arena {
    struct un_arena_chunk *last;
};

/* a zeroed struct un_arena is an empty arena */
void un_arena_release(struct un_arena *arena);

/* Zeroed bytes, aligned to UN_ALIGN, that live until un_arena_release(); NULL: no memory. */
void *un_arena_alloc(struct un_arena *arena, size_t bytes);

/* One block aligned to UN_ALIGN, for un_aligned_free().  Not zeroed.  NULL: no memory. */
void *un_aligned_alloc(size_t bytes);
void un_aligned_free(void *block);

/* x rounded up to a multiple of `to` (a power of two). */
static inline size_t un_round_up(size_t x, size_t to)
{
    return (x + to - 1) & ~(to - 1);
}

#endif
