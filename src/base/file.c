/* SPDX-License-Identifier: Apache-2.0 */
#include "base/file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/temporary.h"

unet_code un_map_open(const char *path, struct un_mapping *mapping, unet_error *err)
{
    struct stat status;
    /* O_NONBLOCK: a pipe given by mistake is refused below instead of waited for */
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    if (fd < 0)
        return un_fail_errno(err, "%s", path);
    unet_code code = UNET_OK;
    void *data = NULL;
    if (fstat(fd, &status))
        code = un_fail_errno(err, "%s", path);
    else if (!S_ISREG(status.st_mode))
        code = un_fail(err, UNET_EIO, "%s: is %s, not a file", path,
                       S_ISDIR(status.st_mode) ? "a folder" : "a device or pipe");
    else if (status.st_size > 0) {
        data = mmap(NULL, (size_t)status.st_size, PROT_READ, MAP_PRIVATE, fd, 0);
        if (data == MAP_FAILED)
            code = un_fail_errno(err, "%s", path);
    }
    close(fd);
    if (code)
        return code;
    *mapping = (struct un_mapping){.data = data, .size = (size_t)status.st_size};
    return UNET_OK;
}

void un_map_forget(const struct un_mapping *mapping, const void *data, size_t bytes)
{
    if (!mapping->data || mapping->borrowed)
        return;
    const size_t before = (size_t)((const unsigned char *)data - mapping->data);
    if (before >= mapping->size)
        return;
    if (bytes > mapping->size - before)
        bytes = mapping->size - before;
    const uintptr_t page = (uintptr_t)sysconf(_SC_PAGESIZE), at = (uintptr_t)data;
    const uintptr_t first = (at + page - 1) / page * page, end = (at + bytes) / page * page;
    if (end > first)
        madvise((void *)first, end - first, MADV_DONTNEED); /* they would be read again */
}

void un_map_release(struct un_mapping *mapping)
{
    if (mapping->data && !mapping->borrowed)
        munmap((void *)mapping->data, mapping->size);
    mapping->data = NULL;
    mapping->size = 0;
}

static void forget(struct un_save *save)
{
    free(save->path);
    free(save->temporary);
    *save = (struct un_save){0};
}

unet_code un_save_begin(struct un_save *save, const char *path, unet_error *err)
{
    struct stat status;
    if (!*path)
        return un_fail(err, UNET_EIO, "an empty file name");
    if (!stat(path, &status) && S_ISDIR(status.st_mode))
        return un_fail(err, UNET_EIO, "%s: is a folder, wanted the name of a file", path);
    if (!stat(path, &status) && !S_ISREG(status.st_mode)) /* the rename would put a file there */
        return un_fail(err, UNET_EIO, "%s: is no regular file, and only those are replaced", path);

    struct un_save made = {.path = strdup(path)};
    if (!made.path)
        return un_fail_memory(err, strlen(path), path);
    int fd = un_temporary_open(path, &made.temporary);
    if (fd < 0) {
        unet_code code = un_fail_errno(err, "%s: cannot be written", path);
        forget(&made);
        return code;
    }
    made.file = fdopen(fd, "w+b");
    if (!made.file) {
        unet_code code = un_fail_errno(err, "%s", path);
        close(fd);
        unlink(made.temporary);
        forget(&made);
        return code;
    }
    *save = made;
    return UNET_OK;
}

/* So that the new name survives a power cut, too.  Not all file systems can; that is no error. */
static void sync_folder(const char *path)
{
    const char *slash = strrchr(path, '/');
    char *folder = slash ? strndup(path, slash == path ? 1 : (size_t)(slash - path)) : strdup(".");
    int fd = folder ? open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC) : -1;
    if (fd >= 0) {
        fsync(fd);
        close(fd);
    }
    free(folder);
}

unet_code un_save_commit(struct un_save *save, unet_error *err)
{
    errno = 0;
    bool failed = fflush(save->file) || ferror(save->file) || fsync(fileno(save->file));
    int reason = errno ? errno : ENOSPC; /* an earlier write failed: hardly ever for another */
    if (fclose(save->file) && !failed) {
        failed = true;
        reason = errno;
    }
    save->file = NULL;
    if (!failed && rename(save->temporary, save->path)) {
        failed = true;
        reason = errno;
    }
    if (failed) {
        errno = reason;
        unet_code code = un_fail_errno(err, "%s: cannot be written", save->path);
        un_save_abort(save);
        errno = reason;
        return code;
    }
    sync_folder(save->path);
    forget(save);
    return UNET_OK;
}

unet_code un_file_replace(const char *path, const void *data, size_t size, unet_error *err)
{
    struct un_save save;
    unet_code code = un_save_begin(&save, path, err);
    if (code)
        return code;
    if (size)
        fwrite(data, 1, size, save.file); /* commit sees whether it failed */
    return un_save_commit(&save, err);
}

void un_save_abort(struct un_save *save)
{
    if (save->file)
        fclose(save->file);
    if (save->temporary)
        unlink(save->temporary);
    forget(save);
}
