/* SPDX-License-Identifier: Apache-2.0 */
#include "cpu/host.h"

#include <stdlib.h>
#include <string.h>

#include "base/arena.h"
#include "base/system.h"

size_t un_host_memory(struct un_engine *e)
{
    (void)e;
    return un_system_memory();
}

void *un_host_alloc(struct un_engine *e, size_t bytes)
{
    (void)e;
    return un_aligned_alloc(bytes);
}

void un_host_release(struct un_engine *e, void *memory)
{
    (void)e;
    un_aligned_free(memory);
}

void un_host_copy(struct un_engine *e, void *to, const void *from, size_t bytes)
{
    (void)e;
    if (bytes)
        memcpy(to, from, bytes);
}

unet_code un_host_finish(struct un_engine *e, unet_error *err)
{
    (void)e;
    (void)err;
    return UNET_OK;
}
