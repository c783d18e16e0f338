/* SPDX-License-Identifier: Apache-2.0 */
/* windows_machine.c - the machine and this process as POSIX tells of them */
#include <windows.h>

#include <psapi.h>

long un_posix_sysconf(int what)
{
    SYSTEM_INFO facts;
    GetSystemInfo(&facts);
    return (long)(what == _SC_PAGESIZE ? facts.dwPageSize : facts.dwNumberOfProcessors);
}

int un_posix_gethostname(char *name, int size)
{
    DWORD length = (DWORD)size;
    return GetComputerNameA(name, &length) ? 0 : -1;
}

static struct timeval seconds_of(FILETIME time)
{
    const uint64_t ticks = (uint64_t)time.dwHighDateTime << 32 | time.dwLowDateTime; /* of 100 ns */
    return (struct timeval){(long)(ticks / 10000000), (long)(ticks % 10000000 / 10)};
}

int un_posix_getrusage(int who, struct rusage *usage)
{
    FILETIME begun, ended, kernel, user;
    PROCESS_MEMORY_COUNTERS memory = {.cb = sizeof memory};
    (void)who;
    if (!GetProcessTimes(GetCurrentProcess(), &begun, &ended, &kernel, &user) ||
        !K32GetProcessMemoryInfo(GetCurrentProcess(), &memory, sizeof memory))
        return -1;
    *usage = (struct rusage){.ru_utime = seconds_of(user),
                             .ru_stime = seconds_of(kernel),
                             .ru_maxrss = (long)(memory.PeakWorkingSetSize / 1024)};
    return 0;
}

/* TIOCGWINSZ: of the window that a descriptor leads to. */
int un_posix_ioctl(int fd, int what, struct winsize *size)
{
    CONSOLE_SCREEN_BUFFER_INFO facts;
    (void)what;
    if (!GetConsoleScreenBufferInfo((HANDLE)_get_osfhandle(fd), &facts))
        return -1;
    size->ws_col = (unsigned short)(facts.srWindow.Right - facts.srWindow.Left + 1);
    size->ws_row = (unsigned short)(facts.srWindow.Bottom - facts.srWindow.Top + 1);
    return 0;
}

int un_posix_setenv(const char *name, const char *value, int overwrite)
{
    return overwrite || !getenv(name) ? _putenv_s(name, value) : 0;
}

int un_posix_unsetenv(const char *name)
{
    return _putenv_s(name, "");
}
