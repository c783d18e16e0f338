/* SPDX-License-Identifier: Apache-2.0 */
/*
 * cache.c - how large the caches are
 *
 * The C library asks the processor on x86-64; on Arm it may not know, and the kernel does.  Where
 * nobody answers, what nearly every processor of the last ten years has at least.
 */
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "cpu/engine_cpu.h"

static size_t ask_library(int level)
{
    static const int names[4] = {0, _SC_LEVEL1_DCACHE_SIZE, _SC_LEVEL2_CACHE_SIZE,
                                 _SC_LEVEL3_CACHE_SIZE};
    long bytes = sysconf(names[level]);
    return bytes > 0 ? (size_t)bytes : 0;
}

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

static size_t ask_kernel(int level)
{
    for (int index = 0; index < 8; index++) {
        char line[32];
        int found = 0;
        size_t kilobytes = 0;
        read_line(index, "type", line);
        if (!strncmp(line, "Instruction", 11))
            continue;
        read_line(index, "level", line);
        if (sscanf(line, "%d", &found) != 1 || found != level)
            continue;
        read_line(index, "size", line);
        if (sscanf(line, "%zuK", &kilobytes) == 1)
            return kilobytes << 10;
    }
    return 0;
}

size_t un_cache_bytes(int level)
{
    static const size_t least[4] = {0, 32 << 10, 512 << 10, 4 << 20};
    size_t bytes = ask_library(level);
    if (!bytes)
        bytes = ask_kernel(level);
    return bytes ? bytes : least[level];
}
