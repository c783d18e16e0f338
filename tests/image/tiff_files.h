/* SPDX-License-Identifier: Apache-2.0 */
/* tiff_files.h - TIFF files of the tests, opened and read */
#ifndef TIFF_FILES_H
#define TIFF_FILES_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>

#include "image/image.h"
#include "image/tiff/tiff_read.h"
#include "source_open.h"
#include "support/expect_table.h"
#include "support/folder.h"
#include "tiff_maker.h"

#define COUNT(array) (sizeof(array) / sizeof *(array))

static inline void *must_read(struct unet_source *source, int i, struct un_page *page,
                              struct un_rect rect)
{
    unet_error err;
    void *samples = malloc(un_rect_bytes(page, rect));
    if (un_source_raw(source, i, page, rect, samples, &err))
        fail_msg("page %d: %s", i, err.text);
    return samples;
}

static inline struct un_rect all_of(const struct un_page *page)
{
    return (struct un_rect){0, 0, un_page_upright_height(page), un_page_upright_width(page)};
}

/* Changes the last byte of a file's first chunk: where it is deflated, the sum behind it. */
static inline void change_sum(const char *path)
{
    TIFF *tif = TIFFOpen(path, "r");
    assert_non_null(tif);
    const long at = (long)(TIFFGetStrileOffset(tif, 0) + TIFFGetStrileByteCount(tif, 0)) - 1;
    TIFFClose(tif);
    FILE *file = fopen(path, "r+b");
    assert_non_null(file);
    assert_int_equal(fseek(file, at, SEEK_SET), 0);
    const int byte = fgetc(file);
    assert_int_equal(fseek(file, at, SEEK_SET), 0);
    fputc(byte ^ 0x55, file);
    fclose(file);
}

#endif
