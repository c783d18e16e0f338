/* SPDX-License-Identifier: Apache-2.0 */
/*
 * png_io.h - the one file that includes libpng: how its errors come back
 *
 * libpng reports an error by calling a function that must not return: it notes the message and
 * jumps to the setjmp() of whoever called libpng.
 */
#ifndef UN_PNG_IO_H
#define UN_PNG_IO_H

#include <png.h>
#include <setjmp.h>

#include "image/source.h"

struct un_png_job {
    const struct un_mapping *file; /* reading */
    size_t at;
    size_t most;   /* bytes that libpng may take at once */
    bool past_end; /* libpng wanted more than the file has */
    bool cut;      /* and that is because another program cut it: it must not be looked at */
    char message[200];
};

/* Error and warning functions for png_create_*_struct(), whose error pointer is a job. */
void un_png_on_error(png_structp png, png_const_charp message);
void un_png_on_warning(png_structp png, png_const_charp message);

#endif
