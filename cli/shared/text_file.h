/* SPDX-License-Identifier: Apache-2.0 */
/* text_file.h - text files that replace others whole */
#ifndef TEXT_FILE_H
#define TEXT_FILE_H

#include <stdio.h>

/* A text that is collected in memory and put at path by text_file_finish(), at once and whole.
 * 0: errno says why not. */
struct text_file {
    FILE *stream;
    char *path, *text;
    size_t size;
};
int text_file_begin(struct text_file *file, const char *path);
int text_file_finish(struct text_file *file);
void text_file_abort(struct text_file *file); /* leaves nothing */

#endif
