/* SPDX-License-Identifier: Apache-2.0 */
/* save.c - writing: a temporary file beside the name, synced, then renamed to it */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/file.h"
#include "base/temporary.h"

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
    /* its lock is held until it has its name: one without is taken for that of a killed process */
    const int lock = fcntl(fileno(save->file), F_DUPFD_CLOEXEC, 0);
    if (fclose(save->file) && !failed) {
        failed = true;
        reason = errno;
    }
    save->file = NULL;
    if (!failed && rename(save->temporary, save->path)) {
        failed = true;
        reason = errno;
    }
    if (lock >= 0)
        close(lock);
    if (failed) {
        errno = reason;
        unet_code code = un_fail_errno(err, "%s: cannot be written", save->path);
        un_save_abort(save);
        errno = reason;
        return code;
    }
    sync_folder(save->path);
    un_temporary_clear(save->path); /* of one that began before this one, and was killed since */
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
