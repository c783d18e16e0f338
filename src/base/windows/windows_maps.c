/* SPDX-License-Identifier: Apache-2.0 */
/* windows_maps.c - memory of pages: files that are mapped, and what has no file */
#include <windows.h>

static DWORD access_of(int access)
{
    return access & PROT_WRITE  ? PAGE_READWRITE
           : access & PROT_READ ? PAGE_READONLY
                                : PAGE_NOACCESS;
}

static void *map_file(int fd, size_t bytes, uint64_t from)
{
    HANDLE map = CreateFileMappingW((HANDLE)_get_osfhandle(fd), NULL, PAGE_READONLY, 0, 0, NULL);
    if (!map)
        return NULL;
    void *memory = MapViewOfFile(map, FILE_MAP_READ, (DWORD)(from >> 32), (DWORD)from, bytes);
    CloseHandle(map); /* the view keeps it */
    return memory;
}

void *un_posix_mmap(void *at, size_t bytes, int access, int flags, int fd, off_t from)
{
    (void)at;
    void *memory = flags & MAP_ANONYMOUS
                       ? VirtualAlloc(NULL, bytes, MEM_RESERVE | MEM_COMMIT, access_of(access))
                       : map_file(fd, bytes, (uint64_t)from);
    if (!memory)
        errno = ENOMEM;
    return memory ? memory : MAP_FAILED;
}

int un_posix_munmap(void *memory, size_t bytes)
{
    MEMORY_BASIC_INFORMATION facts;
    (void)bytes;
    if (VirtualQuery(memory, &facts, sizeof facts) && facts.Type == MEM_MAPPED)
        return UnmapViewOfFile(memory) ? 0 : -1;
    return VirtualFree(memory, 0, MEM_RELEASE) ? 0 : -1;
}

int un_posix_mprotect(void *memory, size_t bytes, int access)
{
    DWORD before;
    return VirtualProtect(memory, bytes, access_of(access), &before) ? 0 : -1;
}
