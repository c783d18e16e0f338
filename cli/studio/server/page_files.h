/* SPDX-License-Identifier: Apache-2.0 */
/* page_files.h - the files of the page, which the build makes C of (scripts/embed_page.cmake) */
#ifndef PAGE_FILES_H
#define PAGE_FILES_H

#include <stddef.h>

struct page_file {
    const char *name; /* "style.css" */
    const unsigned char *bytes;
    size_t size;
};

extern const struct page_file page_files[]; /* ends with a name of NULL */

#endif
