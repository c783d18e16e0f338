/* SPDX-License-Identifier: Apache-2.0 */
/*
 * fuzz_zarr.c - texts of metadata and the bytes of a chunk, as files of a folder; see
 * fuzz_picture.h
 *
 *     version, '2' or '3'; attributes of the group, 0, metadata of its array, 0, bytes of all
 * chunks
 */
#include "fuzz_picture.h"

#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

static char root[64];

static void put(const char *name, const uint8_t *data, size_t size)
{
    char path[128];
    snprintf(path, sizeof path, "%s/%s", root, name);
    FILE *file = fopen(path, "wb");
    if (!file || fwrite(data, 1, size, file) != size || fclose(file))
        abort();
}

static void make(const char *name)
{
    char path[128];
    snprintf(path, sizeof path, "%s/%s", root, name);
    if (mkdir(path, 0700) && access(path, F_OK))
        abort();
}

static void start(void)
{
    snprintf(root, sizeof root, "%s/fuzz_zarr.%d", access("/dev/shm", W_OK) ? "/tmp" : "/dev/shm",
             (int)getpid());
    make("");
    make("0");
    make("0/c");
    make("0/c/0");
}

static void drop(const char *name)
{
    char path[128];
    snprintf(path, sizeof path, "%s/%s", root, name);
    unlink(path);
}

/* The bytes up to a 0, and behind it. */
static size_t part(const uint8_t **data, size_t *size)
{
    const uint8_t *end = memchr(*data, 0, *size);
    const size_t length = end ? (size_t)(end - *data) : *size, taken = length + (end != NULL);
    *data += taken;
    *size -= taken;
    return length;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const char *const chunks[] = {"0/0.0",   "0/0.1",   "0/0.0.0",
                                         "0/1.0.0", "0/c/0/0", "0/c/0/1"};
    struct unet_source *source;
    unet_error err = {0};
    if (!*root)
        start();
    if (size < 2 || (*data != '2' && *data != '3'))
        return -1;
    const bool two = *data == '2';
    data++;
    size--;
    drop(two ? "zarr.json" : ".zattrs");
    drop(two ? "0/zarr.json" : "0/.zarray");
    const uint8_t *text = data;
    size_t length = part(&data, &size);
    put(two ? ".zattrs" : "zarr.json", text, length);
    text = data;
    length = part(&data, &size);
    put(two ? "0/.zarray" : "0/zarr.json", text, length);
    for (size_t i = 0; i < sizeof chunks / sizeof *chunks; i++)
        put(chunks[i], data, size);
    unet_code code = un_source_open(root, &source, &err);
    check(code, &err);
    if (code)
        return 0;
    for (int i = 0; i < source->pages && i < 4; i++) {
        struct un_page page;
        if (!un_source_page(source, i, &page, &err) && page.working < FUZZ_BYTES)
            fuzz_page(source, i);
    }
    un_source_close(source);
    return 0;
}
