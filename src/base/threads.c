/* SPDX-License-Identifier: Apache-2.0 */
#include "base/threads.h"

#include <sched.h>
#include <unistd.h>

int un_threads(int wanted)
{
    cpu_set_t set;
    if (wanted > 0)
        return wanted;
    if (!sched_getaffinity(0, sizeof set, &set) && CPU_COUNT(&set) > 0)
        return CPU_COUNT(&set);
    const long online = sysconf(_SC_NPROCESSORS_ONLN);
    return online > 0 ? (int)online : 1;
}
