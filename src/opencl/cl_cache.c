/* SPDX-License-Identifier: Apache-2.0 */
/* cl_cache.c - a file is the binary, then the checksum of it as text */
#include "opencl/cl_cache.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/file.h"
#include "opencl/cl_engine.h"

enum { SUM = UN_SHA256_TEXT - 1 };

struct un_cl_key un_cl_cache_key(const struct un_opencl_device *device, const char *options,
                                 const char *const *texts, const size_t *sizes, int count)
{
    const char *const names[] = {device->name, device->vendor, device->version, device->driver,
                                 options};
    struct un_sha256 sum;
    struct un_cl_key key;
    un_sha256_begin(&sum);
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        un_sha256_add(&sum, names[i], strlen(names[i]) + 1);
    for (int i = 0; i < count; i++)
        un_sha256_add(&sum, texts[i], sizes[i]);
    un_sha256_end(&sum, key.text);
    return key;
}

/* The folder, made where it is not; "" : there is none */
static void folder_of(char *folder, size_t size)
{
    const char *cache = getenv("XDG_CACHE_HOME"), *home = getenv("HOME");
    int written = 0;
    if (cache && *cache == '/')
        written = snprintf(folder, size, "%s/", cache);
    else if (home && *home == '/')
        written = snprintf(folder, size, "%s/.cache/", home);
    if (written <= 0 || (size_t)written + sizeof "unet" > size) {
        *folder = 0;
        return;
    }
    mkdir(folder, 0700);
    strcat(folder, "unet");
    mkdir(folder, 0700);
}

static bool path_of(const struct un_cl_key *key, char *path, size_t size)
{
    char folder[900];
    folder_of(folder, sizeof folder);
    const int written = snprintf(path, size, "%s/opencl-%.32s.bin", folder, key->text);
    return *folder && written > 0 && (size_t)written < size;
}

/* Whether the bytes end with their checksum. */
static bool is_whole(const struct un_mapping *m)
{
    char text[UN_SHA256_TEXT];
    if (m->size <= SUM)
        return false;
    un_sha256_text(m->data, m->size - SUM, text);
    return !memcmp(text, m->data + m->size - SUM, SUM);
}

static cl_program program_of(struct un_cl_engine *e, const unsigned char *data, size_t size,
                             const char *options)
{
    cl_int status, code;
    cl_program made =
        e->cl->clCreateProgramWithBinary(e->context, 1, &e->id, &size, &data, &status, &code);
    if (code || status || e->cl->clBuildProgram(made, 1, &e->id, options, NULL, NULL)) {
        if (!code)
            e->cl->clReleaseProgram(made);
        return NULL;
    }
    return made;
}

cl_program un_cl_cache_load(struct un_cl_engine *e, const struct un_cl_key *key,
                            const char *options)
{
    char path[1024];
    struct un_mapping m;
    cl_program made = NULL;
    if (!path_of(key, path, sizeof path) || un_map_whole(path, &m, NULL))
        return NULL;
    if (is_whole(&m))
        made = program_of(e, m.data, m.size - SUM, options);
    un_map_release(&m);
    return made;
}

void un_cl_cache_store(struct un_cl_engine *e, const struct un_cl_key *key, cl_program program)
{
    char path[1024];
    size_t size = 0;
    if (e->cl->clGetProgramInfo(program, CL_PROGRAM_BINARY_SIZES, sizeof size, &size, NULL) ||
        !size || !path_of(key, path, sizeof path))
        return;
    unsigned char *data = malloc(size + UN_SHA256_TEXT);
    if (data && !e->cl->clGetProgramInfo(program, CL_PROGRAM_BINARIES, sizeof data, &data, NULL)) {
        un_sha256_text(data, size, (char *)data + size);
        un_file_replace(path, data, size + SUM, NULL);
    }
    free(data);
}
