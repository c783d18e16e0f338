/* SPDX-License-Identifier: Apache-2.0 */
/*
 * libtiff reads from the mapped file and writes to the stream through these callbacks, so it never
 * sees a byte outside of them.
 */
#include "image/tiff/tiff_io.h"

#include <errno.h>
#include <string.h>

#include "base/decimal.h"

static int on_error(TIFF *tif, void *user, const char *module, const char *format, va_list args)
{
    struct un_tiff_job *job = user;
    (void)tif;
    (void)module;
    /* the last one tells: libtiff goes on after some of its errors */
    un_decimal_vformat(job->message, sizeof job->message, format, args);
    return 1;
}

static int on_warning(TIFF *tif, void *user, const char *module, const char *format, va_list args)
{
    struct un_tiff_job *job = user;
    (void)tif;
    (void)args;
    if ((module && !strcmp(module, "JPEGLib")) || !strncmp(format, "Premature EOF", 13))
        job->damaged = true;
    return 1;
}

static tmsize_t on_read(thandle_t handle, void *data, tmsize_t size)
{
    struct un_tiff_job *job = handle;
    if (job->out)
        return (tmsize_t)fread(data, 1, (size_t)size, job->out);
    uint64_t have = job->at < job->file->size ? job->file->size - job->at : 0;
    if ((uint64_t)size > have)
        size = (tmsize_t)have;
    memcpy(data, job->file->data + job->at, (size_t)size);
    job->at += (uint64_t)size;
    return size;
}

static tmsize_t on_write(thandle_t handle, void *data, tmsize_t size)
{
    struct un_tiff_job *job = handle;
    if (!job->out)
        return -1;
    errno = 0;
    tmsize_t written = (tmsize_t)fwrite(data, 1, (size_t)size, job->out);
    if (written != size && !job->reason)
        job->reason = errno;
    return written;
}

static toff_t on_seek(thandle_t handle, toff_t offset, int whence)
{
    struct un_tiff_job *job = handle;
    if (job->out)
        return fseeko(job->out, (off_t)offset, whence) ? (toff_t)-1 : (toff_t)ftello(job->out);
    job->at = offset + (whence == SEEK_CUR ? job->at : whence == SEEK_END ? job->file->size : 0);
    return job->at;
}

static int on_close(thandle_t handle)
{
    (void)handle;
    return 0;
}

static toff_t on_size(thandle_t handle)
{
    struct un_tiff_job *job = handle;
    if (!job->out)
        return job->file->size;
    off_t at = ftello(job->out);
    fseeko(job->out, 0, SEEK_END);
    off_t size = ftello(job->out);
    fseeko(job->out, at, SEEK_SET);
    return (toff_t)size;
}

static int on_map(thandle_t handle, void **data, toff_t *size)
{
    struct un_tiff_job *job = handle;
    if (job->out)
        return 0;
    *data = (void *)job->file->data;
    *size = job->file->size;
    return 1;
}

static void on_unmap(thandle_t handle, void *data, toff_t size)
{
    (void)handle;
    (void)data;
    (void)size;
}

TIFF *un_tiff_open(const char *name, const char *mode, struct un_tiff_job *job, size_t max_alloc)
{
    TIFFOpenOptions *options = TIFFOpenOptionsAlloc();
    if (!options)
        return NULL;
    TIFFOpenOptionsSetErrorHandlerExtR(options, on_error, job);
    TIFFOpenOptionsSetWarningHandlerExtR(options, on_warning, job);
    if (max_alloc)
        TIFFOpenOptionsSetMaxSingleMemAlloc(options, (tmsize_t)max_alloc);
    TIFF *tif = TIFFClientOpenExt(name, mode, job, on_read, on_write, on_seek, on_close, on_size,
                                  on_map, on_unmap, options);
    TIFFOpenOptionsFree(options);
    return tif;
}
