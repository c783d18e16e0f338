/* SPDX-License-Identifier: Apache-2.0 */
/*
 * libtiff reads from the mapped file and writes to the stream through these callbacks, so it never
 * sees a byte outside of them.
 */
#include "image/tiff/tiff_io.h"

#include <errno.h>
#include <pthread.h>
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

#if TIFFLIB_VERSION >= 20221213 /* 4.5 */

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

void un_tiff_close(TIFF *tif, struct un_tiff_job *job)
{
    (void)job;
    TIFFClose(tif);
}

#else

/*
 * Before 4.5 libtiff has one error handler and one warning handler for the whole process.  While
 * files are open here they are ours: what is about one of our files goes to its job, all else to
 * the handlers that were there, which come back when the last of our files is closed.
 */
typedef void tiff_handler(const char *module, const char *format, va_list args);
typedef void tiff_handler_of(thandle_t handle, const char *module, const char *format,
                             va_list args);

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static struct un_tiff_job *jobs; /* that have a file open */
static tiff_handler *their_error, *their_warning;
static tiff_handler_of *their_error_of, *their_warning_of;

static struct un_tiff_job *our_job(thandle_t handle)
{
    pthread_mutex_lock(&lock);
    struct un_tiff_job *job = jobs;
    while (job && job != handle)
        job = job->next;
    pthread_mutex_unlock(&lock);
    return job;
}

static void pass_on(tiff_handler *handler, tiff_handler_of *handler_of, thandle_t handle,
                    const char *module, const char *format, va_list args)
{
    if (handler) {
        va_list again;
        va_copy(again, args);
        handler(module, format, again);
        va_end(again);
    }
    if (handler_of)
        handler_of(handle, module, format, args);
}

static void error_of(thandle_t handle, const char *module, const char *format, va_list args)
{
    struct un_tiff_job *job = our_job(handle);
    if (job)
        on_error(NULL, job, module, format, args);
    else
        pass_on(their_error, their_error_of, handle, module, format, args);
}

static void warning_of(thandle_t handle, const char *module, const char *format, va_list args)
{
    struct un_tiff_job *job = our_job(handle);
    if (job)
        on_warning(NULL, job, module, format, args);
    else
        pass_on(their_warning, their_warning_of, handle, module, format, args);
}

static void enlist(struct un_tiff_job *job)
{
    pthread_mutex_lock(&lock);
    if (!jobs) {
        their_error = TIFFSetErrorHandler(NULL);
        their_warning = TIFFSetWarningHandler(NULL);
        their_error_of = TIFFSetErrorHandlerExt(error_of);
        their_warning_of = TIFFSetWarningHandlerExt(warning_of);
    }
    job->next = jobs;
    jobs = job;
    pthread_mutex_unlock(&lock);
}

static void dismiss(struct un_tiff_job *job)
{
    pthread_mutex_lock(&lock);
    struct un_tiff_job **at = &jobs;
    while (*at != job)
        at = &(*at)->next;
    *at = job->next;
    if (!jobs) {
        TIFFSetErrorHandler(their_error);
        TIFFSetWarningHandler(their_warning);
        TIFFSetErrorHandlerExt(their_error_of);
        TIFFSetWarningHandlerExt(their_warning_of);
    }
    pthread_mutex_unlock(&lock);
}

TIFF *un_tiff_open(const char *name, const char *mode, struct un_tiff_job *job, size_t max_alloc)
{
    (void)max_alloc; /* this libtiff takes what the file's bytes allow */
    enlist(job);
    TIFF *tif = TIFFClientOpen(name, mode, job, on_read, on_write, on_seek, on_close, on_size,
                               on_map, on_unmap);
    if (!tif)
        dismiss(job);
    return tif;
}

void un_tiff_close(TIFF *tif, struct un_tiff_job *job)
{
    TIFFClose(tif);
    dismiss(job);
}

#endif
