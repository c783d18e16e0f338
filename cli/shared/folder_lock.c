/* SPDX-License-Identifier: Apache-2.0 */
/*
 * folder_lock.c - FOLDER/lock: a file that whoever works there locks (flock) and removes when done
 *
 * The lock ends with the process, so what a killed one leaves behind keeps nobody out.  The file
 * says who has it; whoever opened it before it was removed notices that and begins anew.
 */
#include "shared/folder_lock.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "shared/cli.h"
#include "shared/paths.h"

/* How long another's end is waited for, in tenths of a second.  A killed process has its lock until
 * the system has put its memory away, a moment after its launcher or its shell went on. */
enum { WAITS_DYING = 30, WAITS_WORK = 300 };

static int is_named(int fd, const char *path)
{
    struct stat opened, named;

    return !fstat(fd, &opened) && !stat(path, &named) && opened.st_ino == named.st_ino &&
           opened.st_dev == named.st_dev;
}

static int refuse(const char *folder, const char *what, int fd)
{
    char who[128] = "";
    ssize_t length = pread(fd, who, sizeof(who) - 1, 0);

    who[length > 0 ? length : 0] = 0;
    who[strcspn(who, "\n")] = 0;
    return fail_text("%s: another %s works there (%s); wait for its end, or take another "
                     "folder",
                     folder, what, *who ? who : "it has just begun");
}

static void say_who(int fd)
{
    char who[128], host[64] = "";

    gethostname(host, sizeof(host) - 1);
    snprintf(who, sizeof(who), "process %ld on %s\n", (long)getpid(), host);
    if (ftruncate(fd, 0) || pwrite(fd, who, strlen(who), 0) < 0)
        return; /* the lock holds all the same */
}

/* EXIT_DONE with *fd, -1: the file was removed meanwhile, or, where it may wait, another has it;
 * EXIT_FAILED: told. */
static int try_lock(const char *folder, const char *what, const char *path, int waits, int *fd)
{
    int status;

    *fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0666);
    if (*fd < 0 && errno == EACCES) { /* somebody else's can be locked all the same */
        *fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
        errno = EACCES;
    }
    if (*fd < 0)
        return fail_text("%s: cannot be written: %s", path, strerror(errno));
    if (flock(*fd, LOCK_EX | LOCK_NB) && errno == EWOULDBLOCK) {
        status = waits ? EXIT_DONE : refuse(folder, what, *fd);
        close(*fd);
        *fd = -1;
        return status;
    }
    if (!is_named(*fd, path)) {
        close(*fd);
        *fd = -1;
    }
    return EXIT_DONE; /* without a lock, too, where the file system has none */
}

static int lock(const char *folder, const char *what, int waits, int *held)
{
    char *path = path_join(folder, "lock");
    int status = path ? EXIT_DONE : fail_memory(), fd = -1;

    while (status == EXIT_DONE && !*held && fd < 0) {
        status = try_lock(folder, what, path, waits > 0, &fd);
        if (status == EXIT_DONE && fd < 0 && waits-- > 0)
            nanosleep(&(struct timespec){.tv_nsec = 100000000}, NULL);
    }
    if (status == EXIT_DONE && !*held) {
        say_who(fd);
        *held = fd + 1;
    }
    free(path);
    return status;
}

int folder_lock(const char *folder, const char *what, int *held)
{
    return lock(folder, what, WAITS_DYING, held);
}

int folder_lock_soon(const char *folder, const char *what, int *held)
{
    return lock(folder, what, WAITS_WORK, held);
}

void folder_unlock(const char *folder, int *held)
{
    char *path = *held ? path_join(folder, "lock") : NULL;

    if (path)
        unlink(path);
    if (*held)
        close(*held - 1);
    *held = 0;
    free(path);
}
