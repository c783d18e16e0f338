/* SPDX-License-Identifier: Apache-2.0 */
/* file.c - reading: a copy in memory, or the file mapped where it is large */
#include "base/file.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#define MAPPED_FROM ((size_t)4 << 20) /* smaller files are copied */
#define SUMMED ((size_t)1 << 20)      /* bytes read at once for a checksum */

static unet_code fail_cut(const char *name, unet_error *err)
{
    return un_fail(err, UNET_EIO, "%s: was cut by another program while it was read", name);
}

/* Reads size bytes from `at` on; the file has to have them. */
static unet_code read_at(int fd, const char *name, size_t at, unsigned char *dst, size_t size,
                         unet_error *err)
{
    while (size) {
        const ssize_t got = pread(fd, dst, size, (off_t)at);
        if (got < 0 && errno == EINTR)
            continue;
        if (got < 0)
            return un_fail_errno(err, "%s", name);
        if (got == 0)
            return fail_cut(name, err);
        at += (size_t)got;
        dst += got;
        size -= (size_t)got;
    }
    return UNET_OK;
}

static unet_code copy(int fd, const char *path, struct un_mapping *mapping, unet_error *err)
{
    unsigned char *data = malloc(mapping->size);
    if (!data)
        return un_fail_memory(err, mapping->size, path);
    unet_code code = read_at(fd, path, 0, data, mapping->size, err);
    if (code)
        free(data);
    else
        mapping->data = data;
    return code;
}

static unet_code map(int fd, const char *path, struct un_mapping *mapping, unet_error *err)
{
    void *data = mmap(NULL, mapping->size, PROT_READ, MAP_PRIVATE, fd, 0);
    if (data == MAP_FAILED)
        return un_fail_errno(err, "%s", path);
    mapping->data = data;
    mapping->file = fd + 1;
    return UNET_OK;
}

/* Takes the descriptor. */
static unet_code open_descriptor(int fd, const char *path, size_t mapped_from,
                                 struct un_mapping *mapping, unet_error *err)
{
    struct stat status;
    unet_code code = UNET_OK;
    struct un_mapping made = {.data = (const unsigned char *)"",
                              .borrowed = true}; /* if it is empty */
    if (fstat(fd, &status))
        code = un_fail_errno(err, "%s", path);
    else if (!S_ISREG(status.st_mode))
        code = un_fail(err, UNET_EIO, "%s: is %s, not a file", path,
                       S_ISDIR(status.st_mode) ? "a folder" : "a device or pipe");
    else if ((made.size = (size_t)status.st_size)) {
        made.borrowed = false;
        code = (made.size < mapped_from ? copy : map)(fd, path, &made, err);
    }
    if (!made.file)
        close(fd);
    if (!code)
        *mapping = made;
    return code;
}

static unet_code open_file(const char *path, size_t mapped_from, struct un_mapping *mapping,
                           unet_error *err)
{
    /* O_NONBLOCK: a pipe given by mistake is refused below instead of waited for */
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    if (fd < 0)
        return un_fail_errno(err, "%s", path);
    return open_descriptor(fd, path, mapped_from, mapping, err);
}

unet_code un_map_open(const char *path, struct un_mapping *mapping, unet_error *err)
{
    return open_file(path, MAPPED_FROM, mapping, err);
}

unet_code un_map_whole(const char *path, struct un_mapping *mapping, unet_error *err)
{
    return open_file(path, SIZE_MAX, mapping, err);
}

/* The descriptor of a name below a folder, which it takes; -1 with errno. */
static int open_below(int folder, const char *name)
{
    while (folder >= 0) {
        char part[NAME_MAX + 1];
        const size_t size = strcspn(name, "/");
        const bool last = !name[size];
        int next = -1;
        if (size == 0 || size > NAME_MAX || (size == 2 && name[0] == '.' && name[1] == '.')) {
            errno = size > NAME_MAX ? ENAMETOOLONG : EACCES;
        } else {
            memcpy(part, name, size);
            part[size] = 0;
            next = openat(folder, part,
                          O_RDONLY | O_CLOEXEC | O_NOFOLLOW | (last ? O_NONBLOCK : O_DIRECTORY));
        }
        const int why = errno;
        close(folder);
        errno = why;
        if (last || next < 0)
            return next;
        folder = next;
        name += size + 1;
    }
    return -1;
}

static unet_code open_beside(const char *path, const char *name, size_t mapped_from,
                             struct un_mapping *mapping, unet_error *err)
{
    const char *slash = strrchr(path, '/');
    char *folder = slash ? strndup(path, (size_t)(slash - path) + 1) : strdup(".");
    if (!folder)
        return un_fail_memory(err, strlen(path), path);
    const int fd = open_below(open(folder, O_RDONLY | O_CLOEXEC | O_DIRECTORY), name);
    const int why = errno;
    free(folder);
    if (fd < 0 && (why == EACCES || why == ELOOP))
        return un_fail(
            err, UNET_EIO,
            "%s: lies elsewhere, is a link or may not be read, wanted in the folder of %s", name,
            path);
    if (fd < 0) {
        errno = why;
        return un_fail_errno(err, "%s", name);
    }
    return open_descriptor(fd, name, mapped_from, mapping, err);
}

unet_code un_map_beside(const char *path, const char *name, struct un_mapping *mapping,
                        unet_error *err)
{
    return open_beside(path, name, MAPPED_FROM, mapping, err);
}

unet_code un_map_whole_beside(const char *path, const char *name, struct un_mapping *mapping,
                              unet_error *err)
{
    return open_beside(path, name, SIZE_MAX, mapping, err);
}

unet_code un_map_inside(const char *folder, const char *name, struct un_mapping *mapping,
                        bool *absent, unet_error *err)
{
    const int root = open(folder, O_RDONLY | O_CLOEXEC | O_DIRECTORY);
    *absent = false;
    if (root < 0)
        return un_fail_errno(err, "%s", folder);
    const int fd = open_below(root, name);
    if (fd < 0 && errno == ENOENT) {
        *absent = true;
        return UNET_OK;
    }
    if (fd < 0 && (errno == EACCES || errno == ELOOP))
        return un_fail(err, UNET_EIO, "%s/%s: lies elsewhere, is a link or may not be read", folder,
                       name);
    if (fd < 0)
        return un_fail_errno(err, "%s/%s", folder, name);
    return open_descriptor(fd, name, MAPPED_FROM, mapping, err);
}

unet_code un_map_read(const struct un_mapping *mapping, const char *name, size_t at, void *dst,
                      size_t size, unet_error *err)
{
    if (mapping->file)
        return read_at(mapping->file - 1, name, at, dst, size, err);
    if (size)
        memcpy(dst, mapping->data + at, size);
    return UNET_OK;
}

unet_code un_map_sum(const struct un_mapping *mapping, const char *name, struct un_sha256 *sum,
                     unet_error *err)
{
    unsigned char *some = mapping->file ? malloc(SUMMED) : NULL;
    unet_code code = UNET_OK;
    if (!mapping->file)
        un_sha256_add(sum, mapping->data, mapping->size);
    else if (!some)
        code = un_fail_memory(err, SUMMED, name);
    for (size_t at = 0; some && at < mapping->size && !code; at += SUMMED) {
        const size_t size = mapping->size - at < SUMMED ? mapping->size - at : SUMMED;
        if (!(code = un_map_read(mapping, name, at, some, size, err)))
            un_sha256_add(sum, some, size);
    }
    free(some);
    return code;
}

unet_code un_map_check(const struct un_mapping *mapping, const char *name, unet_error *err)
{
    struct stat status;
    if (!mapping->file)
        return UNET_OK;
    if (fstat(mapping->file - 1, &status))
        return un_fail_errno(err, "%s", name);
    return (size_t)status.st_size < mapping->size ? fail_cut(name, err) : UNET_OK;
}

void un_map_forget(const struct un_mapping *mapping, const void *data, size_t bytes)
{
    if (!mapping->file)
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
    if (mapping->file) {
        munmap((void *)mapping->data, mapping->size);
        close(mapping->file - 1);
    } else if (!mapping->borrowed) {
        free((void *)mapping->data);
    }
    *mapping = (struct un_mapping){0};
}
