/* SPDX-License-Identifier: Apache-2.0 */
/*
 * system.c - by POSIX, and what Linux has beyond it where that is
 *
 * The second-level cache: glibc asks the processor on x86-64; on Arm it may not know, nor do other
 * C libraries, and Linux does.
 */
#include "base/system.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/utsname.h>
#include <unistd.h>

#ifdef __linux__
#include <sched.h>
#endif

/* ---- processors -------------------------------------------------------------------------- */

#ifdef __linux__
static int allowed_cores(void)
{
    cpu_set_t set;
    return sched_getaffinity(0, sizeof set, &set) ? 0 : CPU_COUNT(&set);
}
#else
static int allowed_cores(void)
{
    return 0;
}
#endif

int un_system_cores(void)
{
    const int allowed = allowed_cores();
    const long online = sysconf(_SC_NPROCESSORS_ONLN);
    return allowed > 0 ? allowed : online > 0 ? (int)online : 1;
}

void un_system_processor(char *name, size_t size)
{
    static const char key[] = "model name";
    struct utsname machine;
    char line[256];
    snprintf(name, size, "%s", uname(&machine) < 0 ? "processor" : machine.machine);
    FILE *file = fopen("/proc/cpuinfo", "r");
    while (file && fgets(line, sizeof line, file)) {
        const char *value = strchr(line, ':');
        if (strncmp(line, key, sizeof key - 1) != 0 || !value)
            continue;
        value += 1 + strspn(value + 1, " ");
        snprintf(name, size, "%.*s", (int)strcspn(value, "\n"), value);
        break;
    }
    if (file)
        fclose(file);
}

size_t un_system_memory(void)
{
    const long pages = sysconf(_SC_PHYS_PAGES), page = sysconf(_SC_PAGESIZE);
    return pages > 0 && page > 0 ? (size_t)pages * (size_t)page : 0;
}

/* ---- the second-level cache -------------------------------------------------------------- */

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

size_t un_system_cache(void)
{
    const long asked = ask_library();
    if (asked > 0)
        return (size_t)asked;
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

/* ---- memory ------------------------------------------------------------------------------ */

void *un_system_map(size_t bytes)
{
    void *memory = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    return memory == MAP_FAILED ? NULL : memory;
}

void *un_system_reserve(size_t bytes)
{
    void *memory = mmap(NULL, bytes, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    return memory == MAP_FAILED ? NULL : memory;
}

void un_system_unmap(void *memory, size_t bytes)
{
    munmap(memory, bytes);
}

void *un_system_aligned(size_t alignment, size_t bytes)
{
    return aligned_alloc(alignment, bytes);
}

void un_system_aligned_free(void *block)
{
    free(block);
}

#ifdef MADV_HUGEPAGE
void un_system_huge(void *memory, size_t bytes)
{
    madvise(memory, bytes, MADV_HUGEPAGE);
}
#else
void un_system_huge(void *memory, size_t bytes)
{
    (void)memory, (void)bytes;
}
#endif

/* ---- files ------------------------------------------------------------------------------- */

void un_system_scratch(char folder[UN_SYSTEM_PATH])
{
    strcpy(folder, "/var/tmp");
}

#ifdef O_TMPFILE
static int open_unnamed(const char *folder)
{
    return open(folder, O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);
}
#else
static int open_unnamed(const char *folder)
{
    (void)folder;
    errno = EOPNOTSUPP;
    return -1;
}
#endif

int un_system_unnamed(const char *folder)
{
    const int fd = open_unnamed(folder);
    if (fd >= 0 || (errno != EOPNOTSUPP && errno != EISDIR && errno != EINVAL))
        return fd;
    char *path = malloc(strlen(folder) + 32);
    if (!path)
        return -1;
    sprintf(path, "%s/unet-scratch.XXXXXX", folder);
    const int named = mkostemp(path, O_CLOEXEC);
    if (named >= 0)
        unlink(path);
    free(path);
    return named;
}
