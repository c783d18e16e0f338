/* SPDX-License-Identifier: Apache-2.0 */
/* windows_files.c - files opened, looked at and locked as POSIX has it */
#include "base/windows/windows_wide.h"

#include <stdarg.h>
#include <stdbool.h>
#include <windows.h>

static HANDLE handle_of(int fd)
{
    return (HANDLE)_get_osfhandle(fd);
}

/* ---- open ---------------------------------------------------------------------------------- */

static DWORD disposition_of(int flags)
{
    if (flags & O_CREAT)
        return flags & O_EXCL ? CREATE_NEW : flags & O_TRUNC ? CREATE_ALWAYS : OPEN_ALWAYS;
    return flags & O_TRUNC ? TRUNCATE_EXISTING : OPEN_EXISTING;
}

/* What an open file is, if it is not what was wanted: an errno; 0: it is. */
static int objection(HANDLE file, int flags)
{
    BY_HANDLE_FILE_INFORMATION facts;
    if (!GetFileInformationByHandle(file, &facts))
        return 0; /* a pipe or a device */
    const bool is_folder = facts.dwFileAttributes & FILE_ATTRIBUTE_DIRECTORY;
    if ((flags & O_NOFOLLOW) && (facts.dwFileAttributes & FILE_ATTRIBUTE_REPARSE_POINT))
        return ELOOP;
    if ((flags & O_DIRECTORY) && !is_folder)
        return ENOTDIR;
    return is_folder && (flags & (O_WRONLY | O_RDWR)) ? EISDIR : 0;
}

static HANDLE open_handle(const wchar_t *path, int flags)
{
    const DWORD access = flags & O_RDWR     ? GENERIC_READ | GENERIC_WRITE
                         : flags & O_WRONLY ? GENERIC_WRITE
                                            : GENERIC_READ;
    const DWORD follow = flags & O_NOFOLLOW ? FILE_FLAG_OPEN_REPARSE_POINT : 0;
    return CreateFileW(path, access, FILE_SHARE_READ | FILE_SHARE_WRITE | FILE_SHARE_DELETE, NULL,
                       disposition_of(flags),
                       FILE_ATTRIBUTE_NORMAL | FILE_FLAG_BACKUP_SEMANTICS | follow, NULL);
}

static int open_wide(const wchar_t *path, int flags)
{
    HANDLE file = open_handle(path, flags);
    if (file == INVALID_HANDLE_VALUE)
        return un_windows_failed();
    const int wrong = objection(file, flags);
    if (wrong) {
        CloseHandle(file);
        errno = wrong;
        return -1;
    }
    const int fd = _open_osfhandle((intptr_t)file, (flags & O_APPEND) | O_BINARY | O_CLOEXEC);
    if (fd < 0)
        CloseHandle(file);
    return fd;
}

int un_posix_open(const char *path, int flags, ...)
{
    wchar_t *wide = un_wide(path);
    const int fd = wide ? open_wide(wide, flags) : -1;
    const int why = errno;
    free(wide);
    errno = why;
    return fd;
}

int un_posix_openat(int folder, const char *name, int flags, ...)
{
    wchar_t above[4096], *wide = un_wide(name), *whole = NULL;
    const DWORD size = GetFinalPathNameByHandleW(handle_of(folder), above, 4096, 0);
    int fd = -1;
    if (wide && (!size || size >= 4096)) {
        errno = ENAMETOOLONG;
    } else if (wide && (whole = malloc((size + wcslen(wide) + 2) * sizeof *whole))) {
        wcscpy(whole, above); /* begins with \\?\, behind which a dot is a name like any other */
        if (wcscmp(wide, L".")) {
            wcscat(whole, L"\\");
            wcscat(whole, wide);
        }
        fd = open_wide(whole, flags);
    }
    const int why = errno;
    free(whole);
    free(wide);
    errno = why;
    return fd;
}

FILE *un_posix_fopen(const char *path, const char *mode)
{
    const bool both = strchr(mode, '+') != NULL;
    const int made = *mode == 'w' ? O_CREAT | O_TRUNC : *mode == 'a' ? O_CREAT | O_APPEND : 0;
    const int fd = un_posix_open(path, made | (both ? O_RDWR : *mode == 'r' ? O_RDONLY : O_WRONLY));
    char way[4] = {*mode, 'b', both ? '+' : 0, 0};
    FILE *file = fd < 0 ? NULL : fdopen(fd, way);
    if (fd >= 0 && !file)
        close(fd);
    return file;
}

/* ---- facts --------------------------------------------------------------------------------- */

static int facts_of(HANDLE file, struct un_posix_stat *facts)
{
    BY_HANDLE_FILE_INFORMATION found;
    if (GetFileType(file) != FILE_TYPE_DISK) {
        *facts = (struct un_posix_stat){.st_mode = S_IFCHR};
        return 0;
    }
    if (!GetFileInformationByHandle(file, &found))
        return un_windows_failed();
    const int64_t begin = 11644473600, second = 10000000; /* 1970 in seconds since 1601; 100 ns */
    const int64_t written =
        (int64_t)found.ftLastWriteTime.dwHighDateTime << 32 | found.ftLastWriteTime.dwLowDateTime;
    const DWORD attributes = found.dwFileAttributes;
    *facts = (struct un_posix_stat){
        .st_dev = found.dwVolumeSerialNumber,
        .st_ino = (uint64_t)found.nFileIndexHigh << 32 | found.nFileIndexLow,
        .st_mode = (attributes & FILE_ATTRIBUTE_REPARSE_POINT ? 0
                    : attributes & FILE_ATTRIBUTE_DIRECTORY   ? S_IFDIR
                                                              : S_IFREG) |
                   (attributes & FILE_ATTRIBUTE_READONLY ? 0555 : 0777),
        .st_size = (int64_t)((uint64_t)found.nFileSizeHigh << 32 | found.nFileSizeLow),
        .st_mtim = {.tv_sec = (time_t)(written / second - begin),
                    .tv_nsec = (long)(written % second * 100)}};
    return 0;
}

static int look(const char *path, DWORD follow, struct un_posix_stat *facts)
{
    wchar_t *wide = un_wide(path);
    HANDLE file = INVALID_HANDLE_VALUE;
    if (!wide)
        return -1;
    file = CreateFileW(wide, 0, FILE_SHARE_READ | FILE_SHARE_WRITE | FILE_SHARE_DELETE, NULL,
                       OPEN_EXISTING, FILE_FLAG_BACKUP_SEMANTICS | follow, NULL);
    free(wide);
    if (file == INVALID_HANDLE_VALUE)
        return un_windows_failed();
    const int status = facts_of(file, facts);
    CloseHandle(file);
    return status;
}

int un_posix_stat(const char *path, struct un_posix_stat *facts)
{
    return look(path, 0, facts);
}

int un_posix_lstat(const char *path, struct un_posix_stat *facts)
{
    return look(path, FILE_FLAG_OPEN_REPARSE_POINT, facts);
}

int un_posix_fstat(int fd, struct un_posix_stat *facts)
{
    return facts_of(handle_of(fd), facts);
}

/* ---- reading and writing at a place ---------------------------------------------------------- */

static OVERLAPPED place(uint64_t at)
{
    return (OVERLAPPED){.Offset = (DWORD)at, .OffsetHigh = (DWORD)(at >> 32)};
}

static DWORD at_once(size_t size)
{
    return size < 1 << 30 ? (DWORD)size : 1 << 30;
}

ssize_t un_posix_pread(int fd, void *data, size_t size, off_t at)
{
    OVERLAPPED from = place((uint64_t)at);
    DWORD got = 0;
    if (ReadFile(handle_of(fd), data, at_once(size), &got, &from))
        return (ssize_t)got;
    return GetLastError() == ERROR_HANDLE_EOF ? 0 : un_windows_failed();
}

ssize_t un_posix_pwrite(int fd, const void *data, size_t size, off_t at)
{
    OVERLAPPED to = place((uint64_t)at);
    DWORD wrote = 0;
    return WriteFile(handle_of(fd), data, at_once(size), &wrote, &to) ? (ssize_t)wrote
                                                                      : un_windows_failed();
}

/* ---- locks and descriptors ------------------------------------------------------------------- */

/* Locks here keep others from the bytes, too, so the one that is locked is one that no file has. */
int un_posix_flock(int fd, int how)
{
    OVERLAPPED far_away = place((uint64_t)1 << 62);
    const DWORD flags = (how & LOCK_EX ? LOCKFILE_EXCLUSIVE_LOCK : 0) |
                        (how & LOCK_NB ? LOCKFILE_FAIL_IMMEDIATELY : 0);
    const BOOL done = how & LOCK_UN ? UnlockFileEx(handle_of(fd), 0, 1, 0, &far_away)
                                    : LockFileEx(handle_of(fd), flags, 0, 1, 0, &far_away);
    return done ? 0 : un_windows_failed();
}

int un_posix_fcntl(int fd, int what, ...)
{
    (void)what; /* F_DUPFD_CLOEXEC is the only one */
    return _dup(fd);
}
