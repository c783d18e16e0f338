/* SPDX-License-Identifier: Apache-2.0 */
/* picture_copy.c - files that are begun under another name, stamped, synced and renamed */
#include "studio/pictures/picture_copy.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "shared/cli.h"
#include "shared/paths.h"
#include "shared/machine.h"
#include "studio/labels/journal.h"

enum { STAMP = 128, FILES = 64 };

/* What is known of an image's files without reading them; 0: they are not there. */
static int look_at_files(const struct studio_image *what, uint32_t *sum)
{
    const char *pages;
    char *all = path_of_pages(what->path, &pages), *files[FILES];
    const int count = all ? path_files(all, files, FILES) : 0;
    int good = count > 0;

    *sum = 0;
    for (int i = 0; i < count; i++) {
        struct stat facts;

        good = good && !stat(files[i], &facts);
        if (good) {
            const struct timespec changed = system_changed(&facts);
            const int64_t known[] = {facts.st_size, changed.tv_sec, changed.tv_nsec};

            *sum = crc32_of(*sum, known, sizeof(known));
        }
        free(files[i]);
    }
    free(all);
    return good;
}

static int make_stamp(const struct studio_image *what, char stamp[STAMP])
{
    uint32_t sum;

    memset(stamp, 0, STAMP);
    if (!look_at_files(what, &sum))
        return 0;
    snprintf(stamp, STAMP, "unet picture 1: page %d, %d x %d x %d, sample %d, files %08x\n",
             what->page, what->width, what->height, what->channels, (int)what->sample, sum);
    return 1;
}

static char *path_for(const char *folder, int image, const char *ending)
{
    return path_text("%s/%d.%s", folder, image, ending);
}

unet_code copy_begin(struct picture_copy *copy, const char *folder, int image, const char *ending,
                     size_t bytes, unet_error *err)
{
    int wrong = 0;

    *copy = (struct picture_copy){-1, path_for(folder, image, ending),
                                  path_text("%s/.%d-XXXXXX", folder, image)};
    if (!copy->path || !copy->temporary) {
        copy_release(copy);
        return set_error(err, UNET_ENOMEM, "not enough memory");
    }
    if (!path_make_folder(folder) || (copy->fd = mkostemp(copy->temporary, O_CLOEXEC)) < 0 ||
        (wrong = system_reserve(copy->fd, (int64_t)(bytes + STAMP)))) {
        set_error(err, UNET_EIO, "%s: cannot be written: %s", copy->path,
                  strerror(wrong ? wrong : errno));
        copy_release(copy);
        return UNET_EIO;
    }
    return UNET_OK;
}

void copy_keep(struct picture_copy *copy, const struct studio_image *what, size_t bytes)
{
    char stamp[STAMP];

    if (copy->fd < 0 || !copy->temporary || !make_stamp(what, stamp) ||
        pwrite(copy->fd, stamp, STAMP, (off_t)bytes) != STAMP || system_sync(copy->fd) ||
        rename(copy->temporary, copy->path))
        return;
    free(copy->temporary);
    copy->temporary = NULL;
}

int copy_reuse(struct picture_copy *copy, const char *folder, int image, const char *ending,
               const struct studio_image *what, size_t bytes)
{
    char *path = path_for(folder, image, ending), wanted[STAMP], found[STAMP];
    const int fd = path ? open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW) : -1;
    struct stat facts;
    const int good = fd >= 0 && !fstat(fd, &facts) && facts.st_size == (off_t)(bytes + STAMP) &&
                     pread(fd, found, STAMP, (off_t)bytes) == STAMP && make_stamp(what, wanted) &&
                     !memcmp(found, wanted, STAMP);

    free(path);
    if (good)
        *copy = (struct picture_copy){.fd = fd};
    else if (fd >= 0)
        close(fd);
    return good;
}

void copy_release(struct picture_copy *copy)
{
    if (copy->fd >= 0)
        close(copy->fd);
    if (copy->temporary)
        unlink(copy->temporary);
    free(copy->temporary);
    free(copy->path);
    *copy = (struct picture_copy){.fd = -1};
}

void copies_clean(const char *folder)
{
    DIR *list = opendir(folder);
    const struct dirent *entry;

    while (list && (entry = readdir(list)))
        if (entry->d_name[0] == '.' && strcmp(entry->d_name, ".") && strcmp(entry->d_name, ".."))
            unlinkat(dirfd(list), entry->d_name, 0);
    if (list)
        closedir(list);
}
