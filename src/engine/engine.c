/* SPDX-License-Identifier: Apache-2.0 */
/* engine.c - what all engines say alike */
#include "engine/engine.h"

unet_code un_fail_engine_memory(const struct un_engine *e, size_t bytes, const char *what,
                                unet_error *err)
{
    char text[24];
    return un_fail_hint(err, UNET_ENOMEM, UNET_HINT_MEMORY, "%s: not enough memory for %s%s%s",
                        what, un_bytes_text((double)bytes, text), *e->refused ? ": " : "",
                        e->refused);
}
