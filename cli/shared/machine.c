/* SPDX-License-Identifier: Apache-2.0 */
/* machine.c - Linux, then the others: what POSIX has, and macOS by its own names */
#include "shared/machine.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/random.h>
#include <sys/resource.h>
#include <unistd.h>

int system_random(void *bytes, size_t count)
{
    return !getentropy(bytes, count);
}

#ifdef __linux__

#include <sched.h>
#include <sys/syscall.h>

int system_cores(void)
{
    long online = sysconf(_SC_NPROCESSORS_ONLN);
    cpu_set_t own;

    if (!sched_getaffinity(0, sizeof(own), &own))
        online = CPU_COUNT(&own);
    return online > 0 ? (int)online : 1;
}

double system_resident(void)
{
    FILE *file = fopen("/proc/self/statm", "r");
    long pages = 0;

    if (file) {
        if (fscanf(file, "%*d %ld", &pages) != 1)
            pages = 0;
        fclose(file);
    }
    return (double)pages * (double)sysconf(_SC_PAGESIZE);
}

int system_own_path(char *path, size_t size)
{
    return snprintf(path, size, "/proc/self/exe") < (int)size;
}

void system_be_nice(int by)
{
    if (setpriority(PRIO_PROCESS, (id_t)syscall(SYS_gettid), by))
        errno = 0; /* then all are alike, and things are a little slower */
}

int system_sync(int fd)
{
    return fdatasync(fd);
}

int system_reserve(int fd, int64_t bytes)
{
    return posix_fallocate(fd, 0, (off_t)bytes);
}

int system_pipe(int ends[2])
{
    return pipe2(ends, O_CLOEXEC);
}

int system_socket(int family)
{
    return socket(family, SOCK_STREAM | SOCK_CLOEXEC, 0);
}

int system_accept(int fd, struct sockaddr *address, socklen_t *size)
{
    return accept4(fd, address, size, SOCK_CLOEXEC);
}

void system_cond_init(pthread_cond_t *condition)
{
    pthread_condattr_t monotonic;

    pthread_condattr_init(&monotonic);
    pthread_condattr_setclock(&monotonic, CLOCK_MONOTONIC);
    pthread_cond_init(condition, &monotonic);
    pthread_condattr_destroy(&monotonic);
}

void system_clock(struct timespec *time)
{
    clock_gettime(CLOCK_MONOTONIC, time);
}

struct timespec system_changed(const struct stat *facts)
{
    return facts->st_mtim;
}

#else

#ifdef __APPLE__
#include <mach-o/dyld.h>

int system_own_path(char *path, size_t size)
{
    uint32_t most = (uint32_t)size;

    return !_NSGetExecutablePath(path, &most);
}

struct timespec system_changed(const struct stat *facts)
{
    return facts->st_mtimespec;
}
#else
int system_own_path(char *path, size_t size)
{
    (void)path, (void)size;
    return 0;
}

struct timespec system_changed(const struct stat *facts)
{
    return facts->st_mtim;
}
#endif

int system_cores(void)
{
    const long online = sysconf(_SC_NPROCESSORS_ONLN);

    return online > 0 ? (int)online : 1;
}

double system_resident(void)
{
    return 0;
}

void system_be_nice(int by)
{
    (void)by;
}

int system_sync(int fd)
{
    return fsync(fd);
}

int system_reserve(int fd, int64_t bytes)
{
    return ftruncate(fd, (off_t)bytes) ? errno : 0;
}

static int closed_on_exec(int fd)
{
    if (fd >= 0)
        fcntl(fd, F_SETFD, FD_CLOEXEC);
    return fd;
}

int system_pipe(int ends[2])
{
    if (pipe(ends))
        return -1;
    closed_on_exec(ends[0]);
    closed_on_exec(ends[1]);
    return 0;
}

int system_socket(int family)
{
    return closed_on_exec(socket(family, SOCK_STREAM, 0));
}

int system_accept(int fd, struct sockaddr *address, socklen_t *size)
{
    return closed_on_exec(accept(fd, address, size));
}

void system_cond_init(pthread_cond_t *condition)
{
    pthread_cond_init(condition, NULL);
}

void system_clock(struct timespec *time)
{
    clock_gettime(CLOCK_REALTIME, time);
}

#endif
