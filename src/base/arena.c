/* SPDX-License-Identifier: Apache-2.0 */
/* Each piece is its own aligned block in a list; what is saved is the bookkeeping of who frees. */
#include "base/arena.h"

#include <string.h>

#include "base/system.h"

struct un_arena_chunk {
    struct un_arena_chunk *previous;
    char padding[UN_ALIGN - sizeof(void *)];
};

void *un_aligned_alloc(size_t bytes)
{
    if (bytes > SIZE_MAX / 2)
        return NULL;
    return un_system_aligned(UN_ALIGN, un_round_up(bytes ? bytes : 1, UN_ALIGN));
}

void un_aligned_free(void *block)
{
    un_system_aligned_free(block);
}

void *un_arena_alloc(struct un_arena *arena, size_t bytes)
{
    if (bytes > SIZE_MAX / 2)
        return NULL;
    struct un_arena_chunk *chunk = un_aligned_alloc(sizeof *chunk + bytes);
    if (!chunk)
        return NULL;
    memset(chunk, 0, sizeof *chunk + bytes);
    chunk->previous = arena->last;
    arena->last = chunk;
    return chunk + 1;
}

void un_arena_release(struct un_arena *arena)
{
    while (arena->last) {
        struct un_arena_chunk *chunk = arena->last;
        arena->last = chunk->previous;
        un_aligned_free(chunk);
    }
}
