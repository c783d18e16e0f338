/* SPDX-License-Identifier: Apache-2.0 */
/* host.h - memory and time of engines whose memory is the host's and that do all at once */
#ifndef UN_HOST_H
#define UN_HOST_H

#include "engine/engine.h"

size_t un_host_memory(struct un_engine *e);
void *un_host_alloc(struct un_engine *e, size_t bytes);
void un_host_release(struct un_engine *e, void *memory);
void un_host_copy(struct un_engine *e, void *to, const void *from, size_t bytes);
unet_code un_host_finish(struct un_engine *e, unet_error *err);

#endif
