/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A process that is killed leaves the file that it was writing.  So that the next one can tell such
 * a file from that of a live process, its maker holds a lock on it (flock), which ends with the
 * maker; and so that nobody has to look through a folder for them, the names are few:
 *
 *     mask.png  ->  mask.png.unet0.tmp, mask.png.unet1.tmp ...
 *
 * Whoever writes mask.png, or finds it done, looks at them: those without a lock are removed; a
 * writer takes the first free one.  A name that would be too long for the file system is cut and
 * told apart by a sum.
 */
#include "base/temporary.h"

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

enum { LOOKED_AT = 4, MOST = 256, LONGEST = 255, ENDING = 32 };

/* Bytes of base that are kept, so that the longest ending fits behind them. */
static size_t kept_bytes(const char *base)
{
    size_t kept = strlen(base);
    if (kept + ENDING <= LONGEST)
        return kept;
    for (kept = LONGEST - ENDING; kept && ((unsigned char)base[kept] & 0xC0) == 0x80;)
        kept--;
    return kept;
}

static void make_name(const char *path, int number, char *name, size_t size)
{
    const char *slash = strrchr(path, '/'), *base = slash ? slash + 1 : path;
    const size_t kept = kept_bytes(base);
    char sum[16] = "";
    uint32_t hash = 2166136261u; /* FNV-1a */
    for (const char *at = base + kept; *at; at++)
        hash = (hash ^ (unsigned char)*at) * 16777619u;
    if (base[kept])
        snprintf(sum, sizeof sum, ".%08x", hash);
    snprintf(name, size, "%.*s%s.unet%d.tmp", (int)(base - path + (long)kept), path, sum, number);
}

/* Whether the descriptor is still what the name stands for: another may have removed it. */
static bool is_named(int fd, const char *name)
{
    struct stat open_one, named;
    return !fstat(fd, &open_one) && !lstat(name, &named) && S_ISREG(named.st_mode) &&
           open_one.st_dev == named.st_dev && open_one.st_ino == named.st_ino;
}

/* Removes a file that no process holds. */
static void remove_left(const char *name)
{
    const int fd = open(name, O_RDWR | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
    if (fd < 0)
        return;
    if (!flock(fd, LOCK_EX | LOCK_NB) && is_named(fd, name))
        unlink(name);
    close(fd);
}

/* -1: EEXIST when someone has the name. */
static int make(const char *name)
{
    const int fd = open(name, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
    if (fd < 0)
        return -1;
    /* where locks cannot be had (ENOLCK), nobody gets one to remove it by */
    const bool taken = flock(fd, LOCK_EX | LOCK_NB) && errno == EWOULDBLOCK;
    if (!taken && is_named(fd, name))
        return fd;
    close(fd);
    errno = EEXIST;
    return -1;
}

void un_temporary_clear(const char *path)
{
    const size_t size = strlen(path) + ENDING + 1;
    char *made = malloc(size);
    for (int i = 0; made && i < LOOKED_AT; i++) {
        make_name(path, i, made, size);
        remove_left(made);
    }
    free(made);
}

int un_temporary_open(const char *path, char **name)
{
    struct stat old;
    int fd = -1;
    const size_t size = strlen(path) + ENDING + 1;
    char *made = malloc(size);
    if (!made)
        return -1;
    un_temporary_clear(path);
    for (int i = 0; i < MOST && fd < 0; i++) {
        make_name(path, i, made, size);
        fd = make(made);
        if (fd < 0 && errno != EEXIST)
            break;
    }
    if (fd < 0) {
        const int reason = errno;
        free(made);
        errno = reason;
        return -1;
    }
    if (!stat(path, &old))
        fchmod(fd, old.st_mode & 0777);
    *name = made;
    return fd;
}
