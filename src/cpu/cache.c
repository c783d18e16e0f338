/* SPDX-License-Identifier: Apache-2.0 */
/* cache.c - how large the second-level cache is; where nobody knows, what nearly every processor of
 * the last ten years has at least */
#include "base/system.h"
#include "cpu/engine_cpu.h"

size_t un_cache_bytes(void)
{
    const size_t asked = un_system_cache();
    return asked ? asked : 512 << 10;
}
