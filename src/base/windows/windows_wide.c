/* SPDX-License-Identifier: Apache-2.0 */
/* windows_wide.c - UTF-8 and UTF-16, and errors by their names in POSIX */
#include "base/windows/windows_wide.h"

#include <windows.h>

wchar_t *un_wide(const char *path)
{
    const int size = MultiByteToWideChar(CP_UTF8, MB_ERR_INVALID_CHARS, path, -1, NULL, 0);
    wchar_t *wide = size > 0 ? malloc((size_t)size * sizeof *wide) : NULL;
    if (!wide) {
        errno = size > 0 ? ENOMEM : size == 0 && !*path ? ENOENT : EILSEQ;
        return NULL;
    }
    MultiByteToWideChar(CP_UTF8, MB_ERR_INVALID_CHARS, path, -1, wide, size);
    if (!*wide) { /* as POSIX has it, and not the folder where we are */
        free(wide);
        errno = ENOENT;
        return NULL;
    }
    return wide;
}

char *un_narrow(const wchar_t *path)
{
    const wchar_t *from = wcsncmp(path, L"\\\\?\\", 4) ? path : path + 4;
    const int is_share = from != path && !wcsncmp(from, L"UNC\\", 4);
    if (is_share) /* \\?\UNC\host\folder is //host/folder */
        from += 2;
    const int size = WideCharToMultiByte(CP_UTF8, 0, from, -1, NULL, 0, NULL, NULL);
    char *text = size > 0 ? malloc((size_t)size) : NULL;
    if (!text) {
        errno = ENOMEM;
        return NULL;
    }
    WideCharToMultiByte(CP_UTF8, 0, from, -1, text, size, NULL, NULL);
    if (is_share)
        text[0] = '/';
    for (char *c = text; *c; c++)
        *c = *c == '\\' ? '/' : *c;
    return text;
}

static const struct {
    DWORD windows;
    int posix;
} errors[] = {
    {ERROR_FILE_NOT_FOUND, ENOENT},
    {ERROR_PATH_NOT_FOUND, ENOENT},
    {ERROR_INVALID_NAME, ENOENT},
    {ERROR_BAD_PATHNAME, ENOENT},
    {ERROR_INVALID_DRIVE, ENOENT},
    {ERROR_BAD_NETPATH, ENOENT},
    {ERROR_NOT_READY, ENOENT},
    {ERROR_ACCESS_DENIED, EACCES},
    {ERROR_SHARING_VIOLATION, EACCES},
    {ERROR_CANNOT_MAKE, EACCES},
    {ERROR_USER_MAPPED_FILE, EACCES},
    {ERROR_WRITE_PROTECT, EROFS},
    {ERROR_ALREADY_EXISTS, EEXIST},
    {ERROR_FILE_EXISTS, EEXIST},
    {ERROR_DIR_NOT_EMPTY, ENOTEMPTY},
    {ERROR_DIRECTORY, ENOTDIR},
    {ERROR_FILENAME_EXCED_RANGE, ENAMETOOLONG},
    {ERROR_TOO_MANY_OPEN_FILES, EMFILE},
    {ERROR_DISK_FULL, ENOSPC},
    {ERROR_HANDLE_DISK_FULL, ENOSPC},
    {ERROR_LOCK_VIOLATION, EWOULDBLOCK},
    {ERROR_IO_PENDING, EWOULDBLOCK},
    {ERROR_NOT_SAME_DEVICE, EXDEV},
    {ERROR_NOT_ENOUGH_MEMORY, ENOMEM},
    {ERROR_OUTOFMEMORY, ENOMEM},
    {ERROR_COMMITMENT_LIMIT, ENOMEM},
    {ERROR_INVALID_HANDLE, EBADF},
    {ERROR_INVALID_PARAMETER, EINVAL},
    {ERROR_BROKEN_PIPE, EPIPE},
    {ERROR_CANT_RESOLVE_FILENAME, ELOOP},
};

int un_windows_failed(void)
{
    const DWORD found = GetLastError();
    errno = EIO;
    for (size_t i = 0; i < sizeof errors / sizeof *errors; i++)
        if (errors[i].windows == found)
            errno = errors[i].posix;
    return -1;
}
