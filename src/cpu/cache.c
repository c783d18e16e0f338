/* SPDX-License-Identifier: Apache-2.0 */
/*
 * cache.c - how large the second-level cache is
 *
 * glibc asks the processor on x86-64; on Arm it may not know, nor do other C libraries, and the
 * kernel does.  Where nobody answers, what nearly every processor of the last ten years has at
 * least.
 */
#include <stdio.h>
#include <unistd.h>

#include "cpu/engine_cpu.h"

/* One line of /sys/devices/system/cpu/cpu0/cache/index`index`/`name`; empty when it is not there.
 */
static void read_line(int index, const char *name, char line[32])
{
    char path[96];
    snprintf(path, sizeof path, "/sys/devices/system/cpu/cpu0/cache/index%d/%s", index, name);
    FILE *file = fopen(path, "r");
    line[0] = 0;
    if (!file)
        return;
    if (!fgets(line, 32, file))
        line[0] = 0;
    fclose(file);
}

#ifdef _SC_LEVEL2_CACHE_SIZE
static long ask_library(void)
{
    return sysconf(_SC_LEVEL2_CACHE_SIZE);
}
#else
static long ask_library(void)
{
    return 0;
}
#endif

static size_t ask_kernel(void)
{
    for (int index = 0; index < 8; index++) {
        char line[32];
        int found = 0;
        size_t kilobytes = 0;
        read_line(index, "level", line);
        if (sscanf(line, "%d", &found) != 1 || found != 2)
            continue;
        read_line(index, "size", line);
        if (sscanf(line, "%zuK", &kilobytes) == 1)
            return kilobytes << 10;
    }
    return 0;
}

size_t un_cache_bytes(void)
{
    long bytes = ask_library();
    size_t asked = bytes > 0 ? (size_t)bytes : ask_kernel();
    return asked ? asked : 512 << 10;
}
