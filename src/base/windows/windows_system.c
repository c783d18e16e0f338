/* SPDX-License-Identifier: Apache-2.0 */
/* windows_system.c - system.h by Windows, in the place of system.c */
#include "base/system.h"

#include <malloc.h>
#include <windows.h>

#include "base/windows/windows_wide.h"

int un_system_cores(void)
{
    DWORD_PTR ours = 0, all = 0;
    GetProcessAffinityMask(GetCurrentProcess(), &ours, &all);
    const int cores = __builtin_popcountll(ours);
    return cores ? cores : 1;
}

void un_system_processor(char *name, size_t size)
{
    DWORD bytes = (DWORD)size;
    if (RegGetValueA(HKEY_LOCAL_MACHINE, "HARDWARE\\DESCRIPTION\\System\\CentralProcessor\\0",
                     "ProcessorNameString", RRF_RT_REG_SZ, NULL, name, &bytes))
        snprintf(name, size, "processor");
}

size_t un_system_memory(void)
{
    MEMORYSTATUSEX facts = {.dwLength = sizeof facts};
    return GlobalMemoryStatusEx(&facts) ? (size_t)facts.ullTotalPhys : 0;
}

size_t un_system_cache(void)
{
    SYSTEM_LOGICAL_PROCESSOR_INFORMATION *rows = NULL;
    DWORD bytes = 0;
    size_t cache = 0;
    GetLogicalProcessorInformation(NULL, &bytes);
    if (!bytes || !(rows = malloc(bytes)))
        return 0;
    if (GetLogicalProcessorInformation(rows, &bytes))
        for (DWORD i = 0; i < bytes / sizeof *rows && !cache; i++)
            if (rows[i].Relationship == RelationCache && rows[i].Cache.Level == 2)
                cache = rows[i].Cache.Size;
    free(rows);
    return cache;
}

void *un_system_map(size_t bytes)
{
    return VirtualAlloc(NULL, bytes, MEM_RESERVE | MEM_COMMIT, PAGE_READWRITE);
}

void un_system_unmap(void *memory, size_t bytes)
{
    (void)bytes;
    VirtualFree(memory, 0, MEM_RELEASE);
}

void *un_system_aligned(size_t alignment, size_t bytes)
{
    return _aligned_malloc(bytes, alignment);
}

void un_system_aligned_free(void *block)
{
    _aligned_free(block);
}

/* Large pages want a privilege that few have. */
void un_system_huge(void *memory, size_t bytes)
{
    (void)memory, (void)bytes;
}

void un_system_scratch(char folder[UN_SYSTEM_PATH])
{
    wchar_t wide[UN_SYSTEM_PATH / 4] = L"";
    const DWORD size = GetTempPathW(UN_SYSTEM_PATH / 4, wide);
    char *path = size && size < UN_SYSTEM_PATH / 4 ? un_narrow(wide) : NULL;
    snprintf(folder, UN_SYSTEM_PATH, "%s", path ? path : ".");
    for (size_t n = strlen(folder); n > 1 && folder[n - 1] == '/'; n--)
        folder[n - 1] = 0;
    free(path);
}

static HANDLE make_unnamed(const char *folder)
{
    unsigned number = 0;
    char *path = malloc(strlen(folder) + 40);
    if (!path || rand_s(&number)) {
        free(path);
        return INVALID_HANDLE_VALUE;
    }
    sprintf(path, "%s/unet-scratch.%lx.%08x", folder, GetCurrentProcessId(), number);
    wchar_t *wide = un_wide(path);
    HANDLE file =
        wide ? CreateFileW(wide, GENERIC_READ | GENERIC_WRITE | DELETE,
                           FILE_SHARE_READ | FILE_SHARE_WRITE | FILE_SHARE_DELETE, NULL, CREATE_NEW,
                           FILE_ATTRIBUTE_TEMPORARY | FILE_FLAG_DELETE_ON_CLOSE, NULL)
             : INVALID_HANDLE_VALUE;
    free(path);
    free(wide);
    return file;
}

int un_system_unnamed(const char *folder)
{
    HANDLE file = INVALID_HANDLE_VALUE;
    for (int tries = 0; tries < 10 && file == INVALID_HANDLE_VALUE; tries++) {
        SetLastError(ERROR_NOT_ENOUGH_MEMORY);
        file = make_unnamed(folder);
        if (file == INVALID_HANDLE_VALUE && GetLastError() != ERROR_FILE_EXISTS)
            break;
    }
    if (file == INVALID_HANDLE_VALUE)
        return un_windows_failed();
    const int fd = _open_osfhandle((intptr_t)file, O_BINARY | O_CLOEXEC);
    if (fd < 0)
        CloseHandle(file);
    return fd;
}
