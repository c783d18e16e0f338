/* SPDX-License-Identifier: Apache-2.0 */
#include "base/scratch.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/system.h"

unet_code un_scratch_open(struct un_scratch *scratch, const char *folder, unet_error *err)
{
    char usual[UN_SYSTEM_PATH];
    const char *given = folder ? folder : getenv("TMPDIR");
    un_system_scratch(usual);
    const char *place = given && *given ? given : usual;
    struct un_scratch made = {.fd = un_system_unnamed(place)};
    if (made.fd < 0)
        return un_fail_errno(err, "%s: no scratch file can be made", place);
    made.buffer = malloc(UN_SCRATCH_BYTES);
    made.folder = strdup(place);
    if (!made.buffer || !made.folder) {
        free(made.buffer);
        free(made.folder);
        close(made.fd);
        return un_fail_memory(err, UN_SCRATCH_BYTES, "a scratch file");
    }
    *scratch = made;
    return UNET_OK;
}

static unet_code write_out(struct un_scratch *scratch, unet_error *err)
{
    char bytes[24];
    for (size_t done = 0; done < scratch->used;) {
        const ssize_t wrote = pwrite(scratch->fd, scratch->buffer + done, scratch->used - done,
                                     (off_t)(scratch->at + done));
        if (wrote < 0 && errno == EINTR)
            continue;
        if (wrote < 0)
            return un_fail_errno(err, "%s: the scratch file, after %s", scratch->folder,
                                 un_bytes_text((double)(scratch->at + done), bytes));
        done += (size_t)wrote;
    }
    scratch->at += scratch->used;
    scratch->used = 0;
    return UNET_OK;
}

unet_code un_scratch_append(struct un_scratch *scratch, const void *data, size_t bytes,
                            unet_error *err)
{
    const unsigned char *from = data;
    scratch->size += bytes;
    while (bytes) {
        const size_t room = UN_SCRATCH_BYTES - scratch->used, part = bytes < room ? bytes : room;
        memcpy(scratch->buffer + scratch->used, from, part);
        scratch->used += part;
        from += part;
        bytes -= part;
        if (scratch->used == UN_SCRATCH_BYTES) {
            unet_code code = write_out(scratch, err);
            if (code)
                return code;
        }
    }
    return UNET_OK;
}

static unet_code fill(struct un_scratch *scratch, uint64_t offset, unet_error *err)
{
    const uint64_t left = scratch->size - offset;
    const size_t wanted = left < UN_SCRATCH_BYTES ? (size_t)left : UN_SCRATCH_BYTES;
    scratch->at = offset;
    scratch->used = 0;
    while (scratch->used < wanted) {
        const ssize_t got = pread(scratch->fd, scratch->buffer + scratch->used,
                                  wanted - scratch->used, (off_t)(offset + scratch->used));
        if (got < 0 && errno == EINTR)
            continue;
        if (got < 0)
            return un_fail_errno(err, "the scratch file");
        if (got == 0)
            return un_fail(err, UNET_EIO, "the scratch file has become shorter");
        scratch->used += (size_t)got;
    }
    return UNET_OK;
}

unet_code un_scratch_read(struct un_scratch *scratch, uint64_t offset, void *data, size_t bytes,
                          unet_error *err)
{
    unsigned char *to = data;
    unet_code code;
    if (!scratch->reading) {
        if ((code = write_out(scratch, err)))
            return code;
        scratch->reading = 1;
    }
    while (bytes) {
        if ((offset < scratch->at || offset >= scratch->at + scratch->used) &&
            (code = fill(scratch, offset, err)))
            return code;
        const size_t skip = (size_t)(offset - scratch->at), have = scratch->used - skip;
        const size_t part = bytes < have ? bytes : have;
        memcpy(to, scratch->buffer + skip, part);
        to += part;
        offset += part;
        bytes -= part;
    }
    return UNET_OK;
}

void un_scratch_close(struct un_scratch *scratch)
{
    if (!scratch->buffer)
        return;
    close(scratch->fd);
    free(scratch->buffer);
    free(scratch->folder);
    *scratch = (struct un_scratch){.fd = -1};
}
