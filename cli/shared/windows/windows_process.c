/* SPDX-License-Identifier: Apache-2.0 */
/* windows_process.c - machine.h by Windows, in the place of machine.c; what unet studio alone wants
 * is not here */
#include "shared/machine.h"

#include <windows.h>

#include <psapi.h>

double system_resident(void)
{
    PROCESS_MEMORY_COUNTERS facts = {.cb = sizeof(facts)};

    return K32GetProcessMemoryInfo(GetCurrentProcess(), &facts, sizeof(facts))
               ? (double)facts.WorkingSetSize
               : 0;
}

int system_cores(void)
{
    DWORD_PTR ours = 0, all = 0;
    int cores;

    GetProcessAffinityMask(GetCurrentProcess(), &ours, &all);
    cores = __builtin_popcountll(ours);
    return cores ? cores : 1;
}

int system_sync(int fd)
{
    return _commit(fd);
}

struct timespec system_changed(const struct stat *facts)
{
    return facts->st_mtim;
}
