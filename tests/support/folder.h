/* SPDX-License-Identifier: Apache-2.0 */
/* folder.h - a temporary folder for a test, and small files in it */
#ifndef FOLDER_H
#define FOLDER_H

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static char folder_root[64];

/* root/name, in one of many buffers that take turns; name "" is the folder itself */
static inline const char *in_folder(const char *name)
{
    static char paths[256][256];
    static int turn;
    char *path = paths[turn++ % 256];
    snprintf(path, sizeof paths[0], "%s%s%s", folder_root, *name ? "/" : "", name);
    return path;
}

static inline int folder_create(void **state)
{
    (void)state;
    strcpy(folder_root, "/tmp/unet_test.XXXXXX");
    return mkdtemp(folder_root) ? 0 : -1;
}

static inline void folder_remove_tree(const char *path)
{
    DIR *dir = opendir(path);
    struct dirent *file;
    while (dir && (file = readdir(dir))) {
        char name[4096];
        if (!strcmp(file->d_name, ".") || !strcmp(file->d_name, ".."))
            continue;
        if (snprintf(name, sizeof name, "%s/%s", path, file->d_name) >= (int)sizeof name)
            continue;
        if (unlink(name))
            folder_remove_tree(name);
    }
    if (dir)
        closedir(dir);
    rmdir(path);
}

static inline int folder_destroy(void **state)
{
    (void)state;
    folder_remove_tree(folder_root);
    return 0;
}

/* Files in a folder below the root. */
static inline int folder_count(const char *name)
{
    DIR *dir = opendir(in_folder(name));
    int count = 0;
    struct dirent *file;
    while (dir && (file = readdir(dir)))
        count += strcmp(file->d_name, ".") && strcmp(file->d_name, "..");
    if (dir)
        closedir(dir);
    return count;
}

static inline void put_file(const char *path, const void *data, size_t size)
{
    FILE *file = fopen(path, "wb");
    if (!file || fwrite(data, 1, size, file) != size || fclose(file)) {
        perror(path);
        abort();
    }
}

/* A whole file; the caller frees it. */
static inline unsigned char *get_file(const char *path, size_t *size)
{
    FILE *file = fopen(path, "rb");
    if (!file)
        return NULL;
    fseek(file, 0, SEEK_END);
    long end = ftell(file);
    rewind(file);
    unsigned char *data = malloc((size_t)end + 1);
    *size = fread(data, 1, (size_t)end, file);
    fclose(file);
    return data;
}

#endif
