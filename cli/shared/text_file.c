/* SPDX-License-Identifier: Apache-2.0 */
/* text_file.c - text files that replace others whole */
#include "shared/text_file.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "unet_exchange.h"

int text_file_begin(struct text_file *file, const char *path)
{
    *file = (struct text_file){.path = strdup(path)};
    file->stream = file->path ? open_memstream(&file->text, &file->size) : NULL;
    if (file->stream)
        return 1;
    free(file->path);
    return 0;
}

int text_file_finish(struct text_file *file)
{
    int ok = !ferror(file->stream), saved;

    ok = !fclose(file->stream) && ok;
    file->stream = NULL;
    errno = ENOMEM;
    if (ok) {
        errno = 0;
        ok = !unet_replace_file(file->path, file->text, file->size, NULL);
    }
    saved = errno ? errno : EIO;
    text_file_abort(file);
    errno = saved;
    return ok;
}

void text_file_abort(struct text_file *file)
{
    if (file->stream)
        fclose(file->stream);
    free(file->text);
    free(file->path);
    *file = (struct text_file){0};
}
