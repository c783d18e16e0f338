/* SPDX-License-Identifier: Apache-2.0 */
/*
 * windows_streams.c - open_memstream(), by a file without a name
 *
 * The C library of Windows has no streams but those of files.  So what is written goes to a scratch
 * file, and fflush() and fclose() read it back for those streams that a list knows.
 */
#include <stdbool.h>

#include "base/system.h"

#undef fclose
#undef fflush

struct stream {
    FILE *file;
    char **data;
    size_t *size;
    struct stream *next;
};

static struct stream *streams;
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;

FILE *un_posix_open_memstream(char **data, size_t *size)
{
    char folder[UN_SYSTEM_PATH];
    un_system_scratch(folder);
    struct stream *made = malloc(sizeof *made);
    const int fd = made ? un_system_unnamed(folder) : -1;
    FILE *file = fd < 0 ? NULL : fdopen(fd, "w+b");
    if (!file) {
        if (fd >= 0)
            close(fd);
        free(made);
        return NULL;
    }
    *data = NULL;
    *size = 0;
    *made = (struct stream){.file = file, .data = data, .size = size};
    pthread_mutex_lock(&lock);
    made->next = streams;
    streams = made;
    pthread_mutex_unlock(&lock);
    return file;
}

/* The entry of a stream in the list, or of the end of the list. */
static struct stream **find(FILE *file)
{
    struct stream **at = &streams;
    while (*at && (*at)->file != file)
        at = &(*at)->next;
    return at;
}

/* EOF: it could not be read back. */
static int read_back(const struct stream *stream)
{
    const off_t size = fflush(stream->file) ? -1 : ftello(stream->file);
    char *data = size < 0 ? NULL : malloc((size_t)size + 1);
    if (!data)
        return EOF;
    fseeko(stream->file, 0, SEEK_SET);
    const bool whole = fread(data, 1, (size_t)size, stream->file) == (size_t)size;
    fseeko(stream->file, size, SEEK_SET);
    data[size] = 0;
    free(*stream->data);
    *stream->data = data;
    *stream->size = (size_t)size;
    return whole ? 0 : EOF;
}

static int read_back_if_known(FILE *file)
{
    pthread_mutex_lock(&lock);
    struct stream *stream = *find(file);
    pthread_mutex_unlock(&lock);
    return stream ? read_back(stream) : 0;
}

int un_posix_fflush(FILE *file)
{
    const int status = file ? read_back_if_known(file) : 0;
    return fflush(file) ? EOF : status;
}

int un_posix_fclose(FILE *file)
{
    const int status = read_back_if_known(file);
    pthread_mutex_lock(&lock);
    struct stream **at = find(file), *gone = *at;
    if (gone)
        *at = gone->next;
    pthread_mutex_unlock(&lock);
    free(gone);
    return fclose(file) ? EOF : status;
}
