/* SPDX-License-Identifier: Apache-2.0 */
/* windows_folders.c - entries of folders: listed, made, renamed, removed, resolved */
#include "base/windows/windows_wide.h"

#include <stdbool.h>
#include <windows.h>

struct un_posix_dir {
    HANDLE find; /* INVALID_HANDLE_VALUE: it is empty */
    WIN32_FIND_DATAW found;
    bool have; /* found is one that was not told yet */
    struct dirent entry;
};

DIR *un_posix_opendir(const char *path)
{
    struct un_posix_stat facts;
    if (un_posix_stat(path, &facts))
        return NULL;
    if (!S_ISDIR(facts.st_mode)) {
        errno = ENOTDIR;
        return NULL;
    }
    DIR *dir = calloc(1, sizeof *dir);
    char *all = malloc(strlen(path) + 3);
    wchar_t *wide = NULL;
    if (dir && all) {
        sprintf(all, "%s/*", path);
        wide = un_wide(all);
    }
    free(all);
    if (!wide) {
        free(dir);
        return NULL;
    }
    dir->find = FindFirstFileW(wide, &dir->found);
    dir->have = dir->find != INVALID_HANDLE_VALUE;
    free(wide);
    if (!dir->have && GetLastError() != ERROR_FILE_NOT_FOUND) {
        free(dir);
        un_windows_failed();
        return NULL;
    }
    return dir;
}

struct dirent *un_posix_readdir(DIR *dir)
{
    if (!dir->have)
        return NULL;
    const int size = WideCharToMultiByte(CP_UTF8, 0, dir->found.cFileName, -1, dir->entry.d_name,
                                         sizeof dir->entry.d_name, NULL, NULL);
    dir->have = FindNextFileW(dir->find, &dir->found);
    if (!dir->have && GetLastError() != ERROR_NO_MORE_FILES) {
        un_windows_failed();
        return NULL;
    }
    return size > 0 ? &dir->entry : un_posix_readdir(dir);
}

int un_posix_closedir(DIR *dir)
{
    if (dir->find != INVALID_HANDLE_VALUE)
        FindClose(dir->find);
    free(dir);
    return 0;
}

/* ---- one path, or two ------------------------------------------------------------------------ */

static int on_path(const char *path, BOOL WINAPI (*act)(const wchar_t *))
{
    wchar_t *wide = un_wide(path);
    if (!wide)
        return -1;
    const int status = act(wide) ? 0 : un_windows_failed();
    const int why = errno;
    free(wide);
    errno = why;
    return status;
}

int un_posix_unlink(const char *path)
{
    return on_path(path, DeleteFileW);
}

int un_posix_rmdir(const char *path)
{
    return on_path(path, RemoveDirectoryW);
}

int un_posix_remove(const char *path)
{
    return un_posix_unlink(path) ? un_posix_rmdir(path) : 0;
}

static BOOL WINAPI make_folder(const wchar_t *path)
{
    return CreateDirectoryW(path, NULL);
}

int un_posix_mkdir(const char *path, int mode)
{
    struct un_posix_stat facts;
    (void)mode;
    if (!un_posix_stat(path, &facts)) { /* a drive, too, of which Windows says something else */
        errno = EEXIST;
        return -1;
    }
    return on_path(path, make_folder);
}

int un_posix_rename(const char *from, const char *to)
{
    wchar_t *wide_from = un_wide(from), *wide_to = wide_from ? un_wide(to) : NULL;
    int status = -1;
    if (wide_to)
        status = MoveFileExW(wide_from, wide_to, MOVEFILE_REPLACE_EXISTING | MOVEFILE_WRITE_THROUGH)
                     ? 0
                     : un_windows_failed();
    const int why = errno;
    free(wide_from);
    free(wide_to);
    errno = why;
    return status;
}

int un_posix_symlink(const char *target, const char *path)
{
    (void)target, (void)path; /* they want a privilege that few have */
    errno = EPERM;
    return -1;
}

/* What may be read may be entered; a folder that may not be written to shows when it is. */
int un_posix_access(const char *path, int mode)
{
    struct un_posix_stat facts;
    if (un_posix_stat(path, &facts))
        return -1;
    if ((mode & W_OK) && S_ISREG(facts.st_mode) && !(facts.st_mode & 0222)) {
        errno = EACCES;
        return -1;
    }
    return 0;
}

char *un_posix_mkdtemp(char *path)
{
    char *end = path + strlen(path) - 6; /* XXXXXX */
    for (int i = 0; i < 100; i++) {
        unsigned number = 0;
        rand_s(&number);
        snprintf(end, 7, "%06x", number & 0xffffff);
        if (!un_posix_mkdir(path, 0700))
            return path;
        if (errno != EEXIST)
            break;
    }
    return NULL;
}

char *un_posix_realpath(const char *path, char *resolved)
{
    (void)resolved;
    wchar_t *wide = un_wide(path), *found = calloc(32768, sizeof *found);
    HANDLE file = INVALID_HANDLE_VALUE;
    char *real = NULL;
    if (wide && found)
        file = CreateFileW(wide, 0, FILE_SHARE_READ | FILE_SHARE_WRITE | FILE_SHARE_DELETE, NULL,
                           OPEN_EXISTING, FILE_FLAG_BACKUP_SEMANTICS, NULL);
    if (file == INVALID_HANDLE_VALUE)
        un_windows_failed();
    else if (GetFinalPathNameByHandleW(file, found, 32768, 0))
        real = un_narrow(found);
    else
        un_windows_failed();
    if (file != INVALID_HANDLE_VALUE)
        CloseHandle(file);
    const int why = errno;
    free(wide);
    free(found);
    errno = why;
    return real;
}
